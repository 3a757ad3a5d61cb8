//! What is kept of a password, and how it is made.

use std::fmt;

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};

use super::Secret;

/// Memory that a try may take, whoever has chosen it.
pub const MOST_KIBIBYTES: u32 = 128 * 1024;

/// Passes over that memory, likewise.
pub const MOST_PASSES: u32 = 16;

/// What a try costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB: 8 to [`MOST_KIBIBYTES`].
    pub kibibytes: u32,
    /// Passes over it: 1 to [`MOST_PASSES`].
    pub passes: u32,
}

impl Default for Cost {
    /// 19 MiB and two passes: the least that OWASP recommends.
    fn default() -> Self {
        Self {
            kibibytes: 19 * 1024,
            passes: 2,
        }
    }
}

impl Cost {
    pub(super) fn is_possible(self) -> bool {
        (Params::MIN_M_COST..=MOST_KIBIBYTES).contains(&self.kibibytes)
            && (1..=MOST_PASSES).contains(&self.passes)
    }

    fn argon2(self) -> Result<Argon2<'static>, argon2::Error> {
        let params = Params::new(self.kibibytes, self.passes, 1, None)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// What is kept of a password: a salt and a hash, with what they cost, in the form of the password
/// hashing competition (`$argon2id$v=19$m=...`). It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(Box<str>);

impl Hash {
    /// One that was kept. Whether it is one is seen when it is used.
    #[must_use]
    pub fn kept(text: &str) -> Self {
        Self(text.into())
    }

    /// As it is to be kept.
    #[must_use]
    pub fn to_keep(&self) -> &str {
        &self.0
    }

    /// Makes one, with a new salt.
    pub(super) fn of(secret: &Secret, cost: Cost) -> Result<Self, Failed> {
        let hash = cost.argon2()?.hash_password(secret.bytes())?;
        Ok(Self(hash.to_string().into()))
    }

    /// Whether this is the password.
    pub(super) fn check(&self, secret: &Secret, cost: Cost) -> Result<Verdict, Failed> {
        let kept = PasswordHash::new(&self.0).map_err(|_| Failed::Broken)?;
        let params = Params::try_from(&kept).map_err(|_| Failed::Broken)?;
        let its_cost = Cost {
            kibibytes: params.m_cost(),
            passes: params.t_cost(),
        };
        let is_ours = kept.algorithm == ARGON2ID_IDENT && params.p_cost() == 1;
        if !is_ours || !its_cost.is_possible() || kept.salt.is_none() || kept.hash.is_none() {
            return Err(Failed::Broken);
        }
        match cost.argon2()?.verify_password(secret.bytes(), &kept) {
            Ok(()) if its_cost == cost => Ok(Verdict::Right { renewed: None }),
            Ok(()) => Ok(Verdict::Right {
                renewed: Some(Self::of(secret, cost)?),
            }),
            Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

/// Whether a password is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Right {
        /// If what is kept costs something else than a try is to cost now: what is to be kept
        /// instead.
        renewed: Option<Hash>,
    },
    /// It is not.
    Wrong,
}

/// Why it could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// What is kept is no hash, or one that would cost too much to check.
    Broken,
    /// There is not enough memory, or the system has no random numbers.
    Unavailable,
}

impl From<argon2::Error> for Failed {
    fn from(_: argon2::Error) -> Self {
        Self::Unavailable
    }
}

impl From<password_hash::Error> for Failed {
    fn from(_: password_hash::Error) -> Self {
        Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        kibibytes: 16,
        passes: 1,
    };

    fn secret(text: &str) -> Secret {
        Secret::new(text).expect("it is one")
    }

    /// Catches: a password that anything opens, one that nothing does, two that have one salt.
    #[test]
    fn only_the_password_itself_is_right() {
        let hash = Hash::of(&secret("open sesame"), CHEAP).expect("it can be made");
        let kept = Hash::kept(hash.to_keep());
        let right = Ok(Verdict::Right { renewed: None });
        assert_eq!(kept.check(&secret("open sesame"), CHEAP), right);
        for wrong in ["Open sesame", "open sesame ", "open sesam"] {
            assert_eq!(kept.check(&secret(wrong), CHEAP), Ok(Verdict::Wrong));
        }
        let again = Hash::of(&secret("open sesame"), CHEAP).expect("it can be made");
        assert_ne!(again, hash, "another salt");
        assert_eq!(format!("{hash:?}"), "Hash");
        assert!(!hash.to_keep().contains("sesame"));
    }

    /// Catches: what another program has made and this one does not understand. The hashes are of
    /// the reference implementation in C, as `argon2-cffi` 25.1 for Python calls it.
    #[test]
    fn it_is_argon2id() {
        for (password, kibibytes, passes, hash) in [
            (
                "password",
                256,
                2,
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ\
                 $nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            ),
            (
                "pässwörd 1",
                64,
                3,
                "$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
                 $cllWHkB7Ikn3rhECH3p8mx4IqXfRmWp/Zozrk875aio",
            ),
        ] {
            let cost = Cost { kibibytes, passes };
            let right = Ok(Verdict::Right { renewed: None });
            assert_eq!(Hash::kept(hash).check(&secret(password), cost), right);
            let wrong = Hash::kept(hash).check(&secret("pässwörd 2"), cost);
            assert_eq!(wrong, Ok(Verdict::Wrong));
        }
    }

    /// Catches: passwords that stay as cheap as they were, or are locked out when it becomes dearer.
    #[test]
    fn what_is_kept_costs_what_a_try_costs_now() {
        let dear = Cost {
            kibibytes: 32,
            passes: 2,
        };
        let hash = Hash::of(&secret("open sesame"), CHEAP).expect("it can be made");
        let Ok(Verdict::Right { renewed: Some(new) }) = hash.check(&secret("open sesame"), dear)
        else {
            panic!("it is right, and is made anew")
        };
        assert!(new.to_keep().contains("m=32,t=2,"), "{}", new.to_keep());
        let right = Ok(Verdict::Right { renewed: None });
        assert_eq!(new.check(&secret("open sesame"), dear), right);
        assert_eq!(hash.check(&secret("wrong wrong"), dear), Ok(Verdict::Wrong));
    }

    /// Catches: gigabytes, or hours, for what somebody has written into the database; another
    /// algorithm, which is weaker; a password that is right since there is nothing to compare.
    #[test]
    fn what_is_broken_is_neither_right_nor_dear() {
        let hash = Hash::of(&secret("open sesame"), CHEAP).expect("it can be made");
        let good = hash.to_keep();
        let broken = [
            String::new(),
            "open sesame".into(),
            good.replace("m=16", "m=4194304"),
            good.replace("t=1", "t=4000000000"),
            good.replace("p=1", "p=2"),
            good.replace("argon2id", "argon2i"),
            good[..good.rfind('$').expect("it has some")].into(),
        ];
        for broken in broken {
            let checked = Hash::kept(&broken).check(&secret("open sesame"), CHEAP);
            assert_eq!(checked, Err(Failed::Broken), "{broken}");
        }
    }
}

//! A password that somebody has typed.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Characters that a password has at least.
pub const LEAST_CHARACTERS: usize = 8;

/// Bytes that one has at most.
pub const MOST_BYTES: usize = 256;

/// Composed, no character takes more than three times its bytes.
const GROWTH: usize = 3;

/// A password, in Unicode's composed form (NFC), so that it is the same from every keyboard. It is
/// wiped from memory when it is let go, shows nothing of itself, and cannot be compared.
pub struct Secret(Zeroizing<String>);

/// Why a text is no password. Reads on from "A password ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSecret {
    /// It has less than [`LEAST_CHARACTERS`].
    TooShort,
    /// It has more than [`MOST_BYTES`].
    TooLong,
}

impl Secret {
    /// Takes what somebody has typed. What it was read from is not wiped.
    ///
    /// # Errors
    ///
    /// [`BadSecret`], if it is too short or too long.
    pub fn new(text: &str) -> Result<Self, BadSecret> {
        if text.len() > MOST_BYTES {
            return Err(BadSecret::TooLong);
        }
        // One that grows would leave what it has outgrown behind.
        let mut secret = Zeroizing::new(String::with_capacity(GROWTH * text.len()));
        secret.extend(text.nfc());
        match secret.chars().count() {
            0..LEAST_CHARACTERS => Err(BadSecret::TooShort),
            _ if secret.len() > MOST_BYTES => Err(BadSecret::TooLong),
            _ => Ok(Self(secret)),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(f, "has at least {LEAST_CHARACTERS} characters"),
            Self::TooLong => write!(f, "has at most {MOST_BYTES} bytes"),
        }
    }
}

impl std::error::Error for BadSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_neither_too_short_nor_too_long_nor_shown() {
        let bad = |text: &str| Secret::new(text).expect_err("it is none");
        assert_eq!(bad("seven77"), BadSecret::TooShort);
        // Its characters count, not its bytes.
        assert_eq!(bad("äöüäöüä"), BadSecret::TooShort);
        assert_eq!(bad(&"x".repeat(257)), BadSecret::TooLong);
        // Composed it is one of those that Unicode takes apart, and longer.
        let grown = "\u{1D160}".repeat(64);
        assert_eq!((grown.len(), bad(&grown)), (256, BadSecret::TooLong));
        for good in ["eight888", &"x".repeat(256)] {
            let secret = Secret::new(good).expect("it is one");
            assert_eq!(
                (format!("{secret:?}"), secret.bytes()),
                ("Secret".into(), good.as_bytes())
            );
        }
    }

    /// Catches: a part of a password that stays in memory since its place became too small.
    #[test]
    fn it_never_moves_while_it_is_composed() {
        let grows = |c: &char| {
            let composed = [*c].into_iter().nfc().map(char::len_utf8);
            composed.sum::<usize>() > GROWTH * c.len_utf8()
        };
        assert_eq!((char::MIN..=char::MAX).find(grows), None);
        let grown = "\u{1D160}".repeat(20);
        let secret = Secret::new(&grown).expect("it is one");
        assert_eq!(secret.bytes().len(), GROWTH * grown.len());
        assert_eq!(secret.0.capacity(), GROWTH * grown.len());
    }

    /// Catches: somebody who cannot log in from another machine.
    #[test]
    fn it_is_the_same_from_every_keyboard() {
        let composed = Secret::new("pässwörd").expect("it is one");
        let typed = Secret::new("pa\u{308}sswo\u{308}rd").expect("it is one");
        assert_eq!(composed.bytes(), typed.bytes());
    }
}

//! Where members come from, and who of them may give orders.

use std::fmt;
use std::net::IpAddr;

/// Where a member's connection comes from, as its door knows it.
///
/// Only the kernel's word makes an operator, and it vouches for nobody on TCP: there is no way to
/// write down a TCP peer that is one.
///
/// ```
/// use loopchat::chat::Peer;
///
/// let stranger = Peer::Tcp([127, 0, 0, 1].into());
/// let owner = Peer::Local { user: 1000, operator: true };
/// assert!(!stranger.is_operator() && owner.is_operator());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Over TCP, from this address.
    Tcp(IpAddr),
    /// From a process on this machine, through a Unix socket.
    Local {
        /// The user it runs as. `u32::MAX`, which is nobody's number, if the system does not tell.
        user: u32,
        /// Whether it may give orders: when it runs as the server does.
        operator: bool,
    },
}

impl Peer {
    /// Whether it may give the orders that are for operators only.
    pub fn is_operator(self) -> bool {
        matches!(self, Peer::Local { operator: true, .. })
    }

    /// What a ban or a mute of this peer holds on to.
    pub(super) fn origin(self) -> Origin {
        match self {
            // An IPv4 peer of an IPv6 listener is the same peer.
            Peer::Tcp(address) => Origin::Address(address.to_canonical()),
            Peer::Local { user, .. } => Origin::User(user),
        }
    }
}

/// As an operator reads it: `127.0.0.1`, or `uid:1000`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin().fmt(f)
    }
}

/// What stays the same when somebody comes back: an address, or a user of this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(super) enum Origin {
    Address(IpAddr),
    User(u32),
}

impl Origin {
    /// Reads what [`Display`](fmt::Display) writes. No nickname is of this form.
    pub(super) fn parse(text: &str) -> Option<Origin> {
        if let Some(user) = text.strip_prefix("uid:") {
            return user.parse().ok().map(Origin::User);
        }
        let address: IpAddr = text.parse().ok()?;
        Some(Origin::Address(address.to_canonical()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Address(address) => address.fmt(f),
            Origin::User(user) => write!(f, "uid:{user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_it_is_written() {
        for text in ["127.0.0.1", "::1", "2001:db8::7", "uid:0", "uid:1000"] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
        for text in ["alice", "127.0.0", "uid:", "uid:-1", "1000", ""] {
            assert_eq!(Origin::parse(text), None);
        }
    }

    #[test]
    fn both_forms_of_an_address_are_one_origin() {
        let mapped = Peer::Tcp("::ffff:10.0.0.7".parse().unwrap());
        let plain = Peer::Tcp("10.0.0.7".parse().unwrap());
        assert_eq!(mapped.origin(), plain.origin());
        assert_eq!(Origin::parse("::ffff:10.0.0.7"), Some(plain.origin()));
    }
}

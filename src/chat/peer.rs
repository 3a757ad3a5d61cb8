//! Where members come from, and who of them may give orders.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv6Net};

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

    /// The same number for all of one [origin](Self::origin), and for no others.
    pub(super) fn key(self) -> u128 {
        match self {
            Peer::Tcp(address) => match address.to_canonical() {
                IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                IpAddr::V6(address) if address.is_loopback() => address.to_bits(),
                IpAddr::V6(address) => address.to_bits() & (u128::MAX << (128 - OF_ONE)),
            },
            // No address of IPv4 has this bit, and no network of IPv6 any of its half.
            Peer::Local { user, .. } => 1 << 63 | u128::from(user),
        }
    }

    /// What a ban or a mute of this peer holds on to.
    pub(super) fn origin(self) -> Origin {
        match self {
            Peer::Tcp(address) => Origin::of(address),
            Peer::Local { user, .. } => Origin::User(user),
        }
    }
}

/// As an operator reads it: `127.0.0.1`, or `uid:1000`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => address.to_canonical().fmt(f),
            Peer::Local { user, .. } => write!(f, "uid:{user}"),
        }
    }
}

/// What stays the same when somebody comes back: an address, or a user of this machine. Also what
/// an order names: a whole network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An address, or all of a network.
    Network(IpNet),
    /// A user of this machine.
    User(u32),
}

/// Who has an IPv6 address mostly has 64 bits of them, so these are one.
const OF_ONE: u8 = 64;

impl Origin {
    /// Where a peer comes from. Loopback is a machine of its own, and not its network.
    fn of(address: IpAddr) -> Origin {
        // An IPv4 peer of an IPv6 listener is the same peer.
        let network = match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                Ipv6Net::new(address, OF_ONE).map(IpNet::from)
            }
            address => Ok(IpNet::from(address)),
        };
        Origin::Network(network.unwrap_or(IpNet::from(address)).trunc())
    }

    /// Reads what [`Display`](fmt::Display) writes, and an address in the ways that logs have it:
    /// in brackets, with a port. No nickname is of any of these forms.
    pub(super) fn parse(text: &str) -> Option<Origin> {
        if let Some(user) = text.strip_prefix("uid:") {
            return user.parse().ok().map(Origin::User);
        }
        let inside = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let text = inside.unwrap_or(text);
        if let Ok(address) = text.parse() {
            return Some(Origin::of(address));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Origin::of(address.ip()));
        }
        let network = text.parse::<IpNet>().ok()?.trunc();
        // A network of IPv4 addresses that is written as one of IPv6.
        let mapped = match (
            network.addr().to_canonical(),
            network.prefix_len().checked_sub(96),
        ) {
            (IpAddr::V4(address), Some(length)) if network.addr().is_ipv6() => {
                IpNet::new(IpAddr::V4(address), length).ok()
            }
            _ => None,
        };
        Some(Origin::Network(mapped.unwrap_or(network)))
    }

    /// Whether all of another is in this one.
    pub(super) fn contains(self, other: Origin) -> bool {
        match (self, other) {
            (Origin::Network(network), Origin::Network(other)) => network.contains(&other),
            (one, other) => one == other,
        }
    }

    /// Whether it holds loopback addresses and others, too: it is meant for everybody, or by
    /// mistake.
    pub(super) fn is_too_wide(self) -> bool {
        let Origin::Network(network) = self else {
            return false;
        };
        let (loopback, length) = match network {
            IpNet::V4(_) => (IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
            IpNet::V6(_) => (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        };
        network.contains(&loopback) && network.prefix_len() < length
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As it would be read: an IPv6 address alone stands for its network.
            Origin::Network(network)
                if network.prefix_len() == network.max_prefix_len()
                    && Origin::of(network.addr()) == *self =>
            {
                network.addr().fmt(f)
            }
            Origin::Network(network) => network.fmt(f),
            Origin::User(user) => write!(f, "uid:{user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_one_origin_have_one_key_and_no_others() {
        let peers = [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "10.1.2.4",
            "127.0.0.1",
            "::1",
            "2001:db8::1",
            "2001:db8::2",
            "2001:db8:0:1::1",
            "::2",
            "0.0.0.0",
            "::8000:0:0:0",
        ];
        let peers = peers.map(|address| Peer::Tcp(address.parse().expect("an address")));
        let users = [0, 1, 1000, u32::MAX].map(|user| Peer::Local {
            user,
            operator: user == 1000,
        });
        let peers: Vec<Peer> = peers.into_iter().chain(users).collect();
        for one in &peers {
            for other in &peers {
                let are_one = one.origin() == other.origin();
                assert_eq!(one.key() == other.key(), are_one, "{one} {other}");
            }
        }
    }

    #[test]
    fn an_origin_is_read_as_it_is_written() {
        for text in [
            "127.0.0.1",
            "::1",
            "10.0.0.0/8",
            "2001:db8::/64",
            "2001:db8::7/128",
            "uid:0",
            "uid:1000",
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
        for (text, shown) in [
            ("2001:db8::7", "2001:db8::/64"),
            ("[2001:db8::7]", "2001:db8::/64"),
            ("[2001:db8::7]:4711", "2001:db8::/64"),
            ("[2001:db8::]/32", ""),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
        ] {
            let read = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(read.unwrap_or_default(), shown);
        }
        for text in [
            "alice",
            "127.0.0",
            "uid:",
            "uid:-1",
            "1000",
            "",
            "10.0.0.0/33",
            "::/129",
            "[alice]",
        ] {
            assert_eq!(Origin::parse(text), None);
        }
    }

    #[test]
    fn networks_hold_what_is_in_them() {
        let origin = |text| Origin::parse(text).unwrap();
        for (one, other, holds) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("2001:db8::/32", "2001:db8:1::7", true),
            ("2001:db8::1", "2001:db8::2", true),
            ("2001:db8::1", "2001:db8:0:1::2", false),
            ("::/0", "10.1.2.3", false),
            ("uid:7", "uid:7", true),
            ("uid:7", "10.0.0.7", false),
        ] {
            assert_eq!(origin(one).contains(origin(other)), holds, "{one} {other}");
        }
        for (text, is_too_wide) in [
            ("0.0.0.0/0", true),
            ("126.0.0.0/7", true),
            ("127.0.0.0/8", false),
            ("127.0.0.1", false),
            ("8.0.0.0/6", false),
            ("::/0", true),
            ("::/64", true),
            ("::1", false),
            ("uid:0", false),
        ] {
            assert_eq!(origin(text).is_too_wide(), is_too_wide, "{text}");
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

//! Who is a stranger: whoever connects from another machine. Limits that are for strangers leave a
//! stress on one's own machine alone.

use std::net::IpAddr;

use crate::chat::Peer;
use crate::net::counted;
use crate::server::Config;
use crate::server::core::flood::{self, Connects, Flood, FloodLimit, Pace};

/// As what a peer counts, whichever connection it comes back by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::server) enum Source {
    /// An address, [counted](counted) as one.
    Address(IpAddr),
    /// A user of this machine.
    User(u32),
}

/// As what a peer counts. A proxy's own connections count each for itself: they are those of many.
pub(in crate::server) fn source(peer: Peer, config: &Config) -> Option<Source> {
    match peer {
        _ if config.trusts(peer) => None,
        Peer::Tcp(address) => Some(Source::Address(counted(address))),
        Peer::Local { user, .. } => Some(Source::User(user)),
    }
}

/// How much a peer may ask for, if there is a limit on it: a flag binds everyone, and strangers
/// are bound in any case.
pub(in crate::server) fn flood_limit(peer: Peer, config: &Config) -> Option<FloodLimit> {
    match config.flood {
        Some(Flood::Off) => None,
        Some(Flood::Limit(limit)) => Some(limit),
        None => (!is_local(peer, config)).then_some(flood::DEFAULT),
    }
}

/// How often a peer may connect, if there is a limit on it; as [`flood_limit`].
pub(in crate::server) fn connect_limit(peer: Peer, config: &Config) -> Option<Pace> {
    match config.connects {
        Some(Connects::Off) => None,
        Some(Connects::Limit(pace)) => Some(pace),
        None => (!is_local(peer, config)).then_some(flood::DEFAULT_CONNECTS),
    }
}

/// Whether a peer is on this machine, as far as can be known: not where proxies are in front of
/// the server.
pub(in crate::server) fn is_local(peer: Peer, config: &Config) -> bool {
    match peer {
        Peer::Tcp(address) => !config.is_fronted() && address.to_canonical().is_loopback(),
        Peer::Local { .. } => !config.trusts(peer),
    }
}

/// Whether `--max-per-address` is for this peer.
pub(in crate::server) fn is_counted(peer: Peer, config: &Config) -> bool {
    matches!(peer, Peer::Tcp(_)) && !is_local(peer, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_in_all_its_forms() {
        let address = |text: &str| {
            let peer = Peer::Tcp(text.parse().expect("an address"));
            assert!(is_counted(peer, &Config::default()));
            source(peer, &Config::default())
        };
        assert_eq!(address("192.0.2.7"), address("::ffff:192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(address("2001:db8::7"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::7"), address("2001:db8:0:1::7"));
    }
}

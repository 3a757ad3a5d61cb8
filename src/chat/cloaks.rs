//! What is shown of where somebody comes from.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, RandomState};

use super::{Cloak, Peer};

/// Makes [cloaks](Cloak), by a key that this process alone has.
///
/// Each message bears one, and most are of people who have spoken a moment ago; a member that is
/// silent should have none to keep. So those of the last addresses are kept, each in the one place
/// where it would be looked for.
#[derive(Debug)]
pub(super) struct Cloaks {
    key: RandomState,
    lately: Box<[Cell<(u128, u64)>]>,
}

/// Addresses whose cloaks are kept: 16 KB.
const KEPT: usize = 512;

impl Default for Cloaks {
    fn default() -> Self {
        let key = RandomState::new();
        let nobody = (0_u128, key.hash_one(0_u128));
        Self {
            key,
            lately: vec![Cell::new(nobody); KEPT].into(),
        }
    }
}

impl Cloaks {
    /// The one of where a peer comes from.
    pub(super) fn of(&self, peer: Peer) -> Cloak {
        let from = peer.key();
        // The last bits of an IPv4 address and those of a network of IPv6 are what differs most.
        let slot = &self.lately[(from ^ (from >> 64)) as usize % KEPT];
        let (kept, cloak) = slot.get();
        if kept == from {
            return Cloak(cloak);
        }
        let cloak = self.hash(from);
        slot.set((from, cloak));
        Cloak(cloak)
    }

    /// A number for something that is not a peer, which nobody else can know.
    pub(super) fn hash(&self, what: impl Hash) -> u64 {
        self.key.hash_one(what)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    #[test]
    fn each_address_has_its_own_however_many_there_are() {
        let peer = |number: u32| Peer::Tcp(IpAddr::V4(Ipv4Addr::from_bits(number)));
        let cloaks = Cloaks::default();
        let numbers = (0..3 * KEPT as u32).chain([u32::MAX]);
        let first: Vec<_> = numbers.clone().map(|n| cloaks.of(peer(n))).collect();
        let again: Vec<_> = numbers.map(|n| cloaks.of(peer(n))).collect();
        assert_eq!(first, again);
        let different: std::collections::HashSet<_> = first.iter().collect();
        assert_eq!(different.len(), first.len());
        // Where nobody comes from is nothing that another process would call the same.
        let other = Cloaks::default();
        assert_ne!(cloaks.of(peer(7)), other.of(peer(7)));
    }
}

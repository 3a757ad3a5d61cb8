//! Who is a stranger: whoever connects from another machine. Limits that are for strangers leave a stress
//! on one's own machine alone.

use std::net::IpAddr;

use crate::chat::Peer;

/// Whether a peer is on this machine.
pub(super) fn is_local(peer: Peer) -> bool {
    match peer {
        Peer::Tcp(address) => address.to_canonical().is_loopback(),
        Peer::Local { .. } => true,
    }
}

/// The address as one of which a peer counts, if there is a limit on it.
pub(super) fn address_of_stranger(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::Tcp(address) if !is_local(peer) => Some(counted(address)),
        _ => None,
    }
}

/// What counts as one address. Who has an IPv6 address mostly has 64 bits of them.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_in_all_its_forms() {
        let address = |text: &str| {
            let peer = Peer::Tcp(text.parse().expect("an address"));
            address_of_stranger(peer).expect("a stranger")
        };
        assert_eq!(address("192.0.2.7"), address("::ffff:192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(address("2001:db8::7"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::7"), address("2001:db8:0:1::7"));
    }
}

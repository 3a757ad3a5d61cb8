//! From a host name to the addresses to try: off the loop, in the order to try them.

use std::net::{IpAddr, ToSocketAddrs};

use super::{Context, Error};
use crate::event_loop::HandleId;

/// A program's own way to look a name up.
pub(super) type LookUp<S> = Box<dyn FnOnce(&mut S, &mut Context<S>, LookupRequest)>;

/// A name to look up, for a socket that waits for the answer.
#[derive(Debug)]
pub struct LookupRequest {
    pub(super) id: HandleId,
    pub(super) connects: u32,
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether all addresses are wanted, or one.
    pub all: bool,
}

impl LookupRequest {
    /// The name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Asks the system, which blocks: for the thread pool. Only for addresses of this family, if it
/// says one.
pub(super) fn resolve(host: &str, family: Option<u8>) -> Result<Vec<IpAddr>, Error> {
    let wanted = |ip: &IpAddr| family.is_none_or(|family| (family == 4) == ip.is_ipv4());
    let found = (host, 0).to_socket_addrs().into_iter().flatten();
    let found: Vec<IpAddr> = found.map(|address| address.ip()).filter(wanted).collect();
    match found.is_empty() {
        true => Err(Error::lookup(host)),
        false => Ok(found),
    }
}

/// Each address once, the families in turn, beginning with that of the first.
pub(super) fn alternate(found: &[IpAddr]) -> Vec<IpAddr> {
    let mut each = Vec::new();
    for ip in found {
        if !each.contains(ip) {
            each.push(*ip);
        }
    }
    let first_is_v4 = each.first().is_some_and(IpAddr::is_ipv4);
    let (one, other): (Vec<_>, Vec<_>) = each
        .iter()
        .partition::<Vec<IpAddr>, _>(|ip| ip.is_ipv4() == first_is_v4);
    let longest = one.len().max(other.len());
    let turns = (0..longest).flat_map(|turn| [one.get(turn), other.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_repeats_are_left_out() {
        let ips = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            alternate(&ips(&["::1", "::2", "1.1.1.1", "::1", "::3"])),
            ips(&["::1", "1.1.1.1", "::2", "::3"])
        );
        assert_eq!(
            alternate(&ips(&["1.1.1.1", "::1"])),
            ips(&["1.1.1.1", "::1"])
        );
        assert_eq!(alternate(&[]), ips(&[]));
    }
}

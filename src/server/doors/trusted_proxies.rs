//! Proxies that are trusted to say who is behind them, and what follows from there being any.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::chat::Peer;
use crate::server::Config;

/// One entry of `--trust-proxy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// From these addresses.
    Network(IpNet),
    /// From this machine, over TCP.
    Loopback,
    /// Through a Unix socket.
    Unix,
}

impl FromStr for TrustedProxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "loopback" => return Ok(Self::Loopback),
            "unix" => return Ok(Self::Unix),
            _ => {}
        }
        let network = text.parse::<IpNet>().ok();
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = network.or_else(address).map(canonical);
        network.map(Self::Network).ok_or_else(|| {
            "it wants an address, a network as 10.0.0.0/8, loopback or unix".to_owned()
        })
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Loopback => f.write_str("loopback"),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// A network of IPv4 addresses that is written as one of IPv6 is the same network.
fn canonical(network: IpNet) -> IpNet {
    match (
        network.network().to_canonical(),
        network.prefix_len().checked_sub(96),
    ) {
        (IpAddr::V4(address), Some(length)) if network.addr().is_ipv6() => {
            IpNet::new(IpAddr::V4(address), length).unwrap_or(network)
        }
        _ => network.trunc(),
    }
}

impl Config {
    /// Whether a peer is one of the proxies that say who is behind them.
    pub(in crate::server) fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Tcp(address) => self.trusts_address(address),
            Peer::Local { .. } => self.trust_proxy.contains(&TrustedProxy::Unix),
        }
    }

    /// The same for an address, of a peer or of one that a proxy has named.
    pub(in crate::server) fn trusts_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trust_proxy.iter().any(|proxy| match proxy {
            TrustedProxy::Network(network) => network.contains(&address),
            TrustedProxy::Loopback => address.is_loopback(),
            TrustedProxy::Unix => false,
        })
    }

    /// Whether the server was told that others than this machine reach it through this machine:
    /// then to come from a loopback address means nothing.
    pub(in crate::server) fn is_fronted(&self) -> bool {
        !self.trust_proxy.is_empty() || !self.web_origin.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_an_address_a_network_or_a_word() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("loopback", "loopback"),
            ("unix", "unix"),
        ] {
            assert_eq!(text.parse::<TrustedProxy>().unwrap().to_string(), shown);
        }
        for text in ["", "localhost", "10.0.0.0/33", "*", "10.0.0", "unix:/a"] {
            assert!(text.parse::<TrustedProxy>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_peer_is_trusted_in_all_its_forms() {
        let config = Config {
            trust_proxy: vec!["10.0.0.0/8".parse().unwrap(), TrustedProxy::Loopback],
            ..Config::default()
        };
        let trusts = |address: &str| config.trusts(Peer::Tcp(address.parse().unwrap()));
        assert!(trusts("10.9.9.9") && trusts("::ffff:10.9.9.9"));
        assert!(trusts("127.0.0.1") && trusts("::1") && trusts("::ffff:127.0.0.1"));
        assert!(!trusts("11.0.0.1") && !trusts("2001:db8::1"));
        let local = Peer::Local {
            user: 0,
            operator: true,
        };
        assert!(!config.trusts(local));
        assert!(config.is_fronted() && !Config::default().is_fronted());
    }
}

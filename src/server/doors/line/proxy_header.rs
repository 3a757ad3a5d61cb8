//! The PROXY protocol: whom a proxy was asked by, in front of what that one sends.
//!
//! [`read`] is a function of the bytes alone, as [`judge`](crate::server::doors::line::opening::judge) is: however they
//! are cut into reads, it comes to the same.

use std::net::IpAddr;

use proxy_header::{Error, ParseConfig, ProxyHeader};

use crate::server::doors::line::opening::PROXY_V2;

/// The longest header that is taken, in bytes: addresses, and what a proxy may add to them
/// (certificates).
const LONGEST: usize = 4096;

const PROXY_V1: &[u8] = b"PROXY ";

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Beginning {
    /// They may become a header.
    Torn,
    /// A header of so many bytes.
    Header {
        /// Who is behind the proxy; `None` if it speaks for itself, or does not know.
        client: Option<IpAddr>,
        /// Where what follows it starts.
        length: usize,
    },
    /// A header that cannot be read.
    Broken,
    /// Something else.
    Other,
}

/// Reads a header of version 1 or 2 at the beginning of `bytes`.
pub(in crate::server) fn read(bytes: &[u8]) -> Beginning {
    let is_whole = |beginning: &[u8]| bytes.starts_with(beginning);
    if !is_whole(PROXY_V1) && !is_whole(PROXY_V2) {
        return match PROXY_V1.starts_with(bytes) || PROXY_V2.starts_with(bytes) {
            true => Beginning::Torn,
            false => Beginning::Other,
        };
    }
    let config = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    match ProxyHeader::parse(&bytes[..bytes.len().min(LONGEST)], config) {
        Ok((header, length)) => {
            let address = header.proxied_address();
            let client = address.map(|address| address.source.ip().to_canonical());
            Beginning::Header { client, length }
        }
        Err(Error::BufferTooShort) if bytes.len() < LONGEST && !is_complete(bytes) => {
            Beginning::Torn
        }
        Err(_) => Beginning::Broken,
    }
}

/// Whether a header of version 2 has come as far as it says it goes: then nothing mends it any
/// more.
fn is_complete(bytes: &[u8]) -> bool {
    let length = bytes.get(PROXY_V2.len() + 2..PROXY_V2.len() + 4);
    let length = length.map(|length| usize::from(u16::from_be_bytes([length[0], length[1]])));
    bytes.starts_with(PROXY_V2)
        && length.is_some_and(|length| bytes.len() >= PROXY_V2.len() + 4 + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the bytes come to, one by one; held against what had been said before.
    fn one_by_one(bytes: &[u8]) -> Beginning {
        let mut found = Beginning::Torn;
        for end in 0..=bytes.len() {
            let now = read(&bytes[..end]);
            assert!(
                found == Beginning::Torn || found == now,
                "{found:?}, then {now:?}"
            );
            found = now;
        }
        found
    }

    fn version_2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [PROXY_V2, &[command, family], &length, body].concat()
    }

    #[test]
    fn both_versions_name_the_client() {
        let v4 = [192, 0, 2, 7, 127, 0, 0, 1, 0x12, 0x34, 0x0B, 0xB8];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(
            &"2001:db8::7"
                .parse::<std::net::Ipv6Addr>()
                .unwrap()
                .octets(),
        );
        let with_tlv = [&v4[..], &[4, 0, 3, 1, 2, 3]].concat();
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 3000\r\n".to_vec(),
                Some("192.0.2.7"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 4711 3000\r\n".to_vec(),
                Some("2001:db8::7"),
            ),
            (
                b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 3000\r\n".to_vec(),
                Some("192.0.2.7"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n".to_vec(), None),
            (version_2(0x21, 0x11, &v4), Some("192.0.2.7")),
            (version_2(0x21, 0x11, &with_tlv), Some("192.0.2.7")),
            (version_2(0x21, 0x21, &v6), Some("2001:db8::7")),
            (version_2(0x20, 0x11, &v4), None),
            (version_2(0x20, 0, &[]), None),
            (version_2(0x21, 0x31, &[1; 216]), None),
        ] {
            let wanted = Beginning::Header {
                client: client.map(|client| client.parse().unwrap()),
                length: header.len(),
            };
            let mut bytes = header.clone();
            assert_eq!(one_by_one(&bytes), wanted, "{header:?}");
            bytes.extend(b"hello\r\n");
            assert_eq!(read(&bytes), wanted);
        }
    }

    #[test]
    fn what_is_no_header_is_told_from_a_bad_one() {
        let huge = version_2(0x21, 0x11, &[0; 5000]);
        for (bytes, wanted) in [
            (&b"hello\n"[..], Beginning::Other),
            (b"PROXYTCP4 1.2.3.4 1.2.3.4 1 2\r\n", Beginning::Other),
            (b"\r\n", Beginning::Torn),
            (b"\r\nhello", Beginning::Other),
            (
                b"PROXY TCP4 192.0.2.300 127.0.0.1 1 2\r\n",
                Beginning::Broken,
            ),
            (
                b"PROXY TCP4 192.0.2.7 127.0.0.1 1 99999\r\n",
                Beginning::Broken,
            ),
            (b"PROXY is down, says nc\n", Beginning::Broken),
            (&version_2(0x31, 0x11, &[0; 12]), Beginning::Broken),
            (&version_2(0x21, 0x11, &[0; 3]), Beginning::Broken),
            (&huge, Beginning::Broken),
        ] {
            assert_eq!(
                one_by_one(bytes),
                wanted,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        let endless = [PROXY_V1, &[b'1'; 300]].concat();
        assert_eq!(one_by_one(&endless), Beginning::Broken);
    }

    proptest! {
        #[test]
        fn no_cut_makes_a_difference(
            version in prop_oneof![Just(PROXY_V1), Just(PROXY_V2), Just(&b""[..])],
            rest in prop_oneof!["(TCP4|TCP6|UNKNOWN|X) ?[0-9.: ]{0,30}\r?\n?.{0,5}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..40)],
        ) {
            one_by_one(&[version, &rest].concat());
        }
    }
}

//! Who is behind a proxy that speaks HTTP: `X-Forwarded-For`, and `Forwarded` (RFC 7239).
//!
//! Each proxy on the way adds at the end of the list whom it was asked by. What is further to the
//! left was said by whoever asked it, who may say what it likes. So the list is read from its end,
//! as long as it is trusted proxies that speak: the first that is none is the client.
//!
//! A proxy adds to one of the two fields, and passes on the other as it came, from anybody. So if
//! both are there, they have to say the same.

use std::net::{IpAddr, SocketAddr};

use crate::chat::Peer;
use crate::http::Head;
use crate::http::web_socket::Refusal;

/// Who asks, if `peer` is what is connected. `trusts` tells of an address whether it is a trusted
/// proxy's, and whether `peer` is one is `is_proxy`.
///
/// # Errors
///
/// What to refuse the request with: the proxy's two fields do not agree.
pub(in crate::server) fn client(
    head: &Head,
    peer: Peer,
    is_proxy: bool,
    trusts: impl Fn(IpAddr) -> bool,
) -> Result<Peer, Refusal> {
    if !is_proxy {
        return Ok(peer); // whatever it says
    }
    let lists = [("x-forwarded-for", None), ("forwarded", Some("for"))];
    let mut found: Option<Peer> = None;
    for (field, parameter) in lists {
        let mut values = head.header_all(field).peekable();
        if values.peek().is_none() {
            continue;
        }
        let hops: Vec<Option<IpAddr>> = values.flat_map(|value| hops(value, parameter)).collect();
        let said = last_untrusted(&hops, peer, &trusts);
        if found.is_some_and(|found| found != said) {
            return Err(Refusal::new(
                400,
                "Forwarded and X-Forwarded-For name different clients",
            ));
        }
        found = Some(said);
    }
    Ok(found.unwrap_or(peer))
}

/// Whether a trusted proxy was asked over TLS, if it says so: by `X-Forwarded-Proto`, or in
/// `Forwarded`. The last of several is what the nearest proxy says. `None` also if the two do not
/// agree.
pub(in crate::server) fn over_tls(head: &Head) -> Option<bool> {
    let last = |field, parameter: Option<&str>| {
        let elements = head.header_all(field).flat_map(|value| split(value, b','));
        let last = elements
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
            .last()?;
        let said = parameter.map_or(Some(last), |name| value_of(last, name))?;
        let said = said.strip_prefix(b"\"").unwrap_or(said);
        let said = said.strip_suffix(b"\"").unwrap_or(said);
        Some(said.eq_ignore_ascii_case(b"https"))
    };
    match (
        last("x-forwarded-proto", None),
        last("forwarded", Some("proto")),
    ) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

/// A parameter of an element of `Forwarded`.
fn value_of<'a>(element: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split(element, b';').find_map(|pair| {
        let equals = memchr::memchr(b'=', pair)?;
        let (found, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        found.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
    })
}

/// The last of a list that is no trusted proxy; the first, if all are. Where a proxy does not say
/// whom it was asked by, it is itself all that is known.
fn last_untrusted(hops: &[Option<IpAddr>], peer: Peer, trusts: impl Fn(IpAddr) -> bool) -> Peer {
    let mut known = peer;
    for hop in hops.iter().rev() {
        let Some(address) = hop else { break };
        known = Peer::Tcp(*address);
        if !trusts(*address) {
            break;
        }
    }
    known
}

/// The addresses of one field, in order; `None` for one that is not said, or cannot be read.
fn hops(value: &[u8], parameter: Option<&str>) -> Vec<Option<IpAddr>> {
    let elements = split(value, b',');
    let elements = elements
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty());
    elements
        .map(|element| match parameter {
            None => node(element),
            Some(name) => value_of(element, name).and_then(node),
        })
        .collect()
}

/// Cuts at a byte, but not inside quotes.
fn split(text: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => escaped = true,
            _ => return byte == at && !quoted,
        }
        false
    })
}

/// An address with or without a port, in quotes or without: `192.0.2.7`, `"[2001:db8::7]:4711"`.
/// It may also be `unknown`, or a name that the proxy made up, `_hidden`.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    let text = match text.strip_prefix('"') {
        Some(text) => text.strip_suffix('"')?,
        None => text,
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    // A port may be made up, too: `[2001:db8::7]:_port`.
    let named_port = || {
        let (address, port) = text.rsplit_once(':')?;
        port.starts_with('_').then_some(())?;
        let bare = address
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        bare.unwrap_or(address).parse().ok()
    };
    let address: Option<IpAddr> = text.parse().ok();
    let address = address.or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    let address = address.or_else(bracketed).or_else(named_port);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;

    const PROXY: Peer = Peer::Tcp(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    /// Who asks, of loopback and 10.0.0.0/8, which are trusted; `None` if it is refused.
    fn client_of(fields: &str) -> Option<String> {
        let text = format!("GET /ws HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut head = Head::default();
        let parsed = head.parse_request(text.as_bytes(), &Limits::default());
        assert_eq!(parsed.expect("a head"), Some(text.len()), "{fields}");
        let trusts = |address: IpAddr| match address {
            IpAddr::V4(address) => address.is_loopback() || address.octets()[0] == 10,
            IpAddr::V6(address) => address.is_loopback(),
        };
        let found = client(&head, PROXY, true, trusts).ok()?;
        assert_eq!(client(&head, PROXY, false, trusts).ok(), Some(PROXY));
        Some(found.to_string())
    }

    #[test]
    fn the_last_that_is_not_trusted_is_the_client() {
        for (list, wanted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("203.0.113.9, 192.0.2.7", "192.0.2.7"),
            ("203.0.113.9, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
            ("203.0.113.9,192.0.2.7,10.0.0.1,127.0.0.1", "192.0.2.7"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.7, unknown", "127.0.0.1"),
            ("192.0.2.7, unknown, 10.0.0.1", "10.0.0.1"),
            ("192.0.2.7, <script>", "127.0.0.1"),
            (", ,192.0.2.7, ", "192.0.2.7"),
            ("", "127.0.0.1"),
        ] {
            let found = client_of(&format!("X-Forwarded-For: {list}\r\n"));
            assert_eq!(found.as_deref(), Some(wanted), "{list}");
        }
        let two = client_of("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.7\r\n");
        assert_eq!(two.as_deref(), Some("192.0.2.7"));
        assert_eq!(client_of("").as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn forwarded_is_read_with_its_quotes() {
        for (list, wanted) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("For=\"192.0.2.7:80\";proto=https;by=10.0.0.1", "192.0.2.7"),
            (
                "for=203.0.113.9, for=192.0.2.7;by=_x, for=10.0.0.1",
                "192.0.2.7",
            ),
            ("for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=\"[2001:db8::7]\"", "2001:db8::7"),
            ("for=\"[2001:db8::7]:_port\"", "2001:db8::7"),
            ("for=unknown", "127.0.0.1"),
            ("for=_hidden, for=10.0.0.1", "10.0.0.1"),
            ("proto=https", "127.0.0.1"),
            ("for=203.0.113.9;ext=\"a, for=192.0.2.7\"", "203.0.113.9"),
            ("for=203.0.113.9;ext=\"\\\", for=192.0.2.7\"", "203.0.113.9"),
        ] {
            let found = client_of(&format!("Forwarded: {list}\r\n"));
            assert_eq!(found.as_deref(), Some(wanted), "{list}");
        }
    }

    #[test]
    fn what_the_nearest_proxy_was_asked_over_is_known_if_it_says_so() {
        for (fields, wanted) in [
            ("", None),
            ("X-Forwarded-Proto: https\r\n", Some(true)),
            ("X-Forwarded-Proto: HTTPS\r\n", Some(true)),
            ("X-Forwarded-Proto: http\r\n", Some(false)),
            ("X-Forwarded-Proto: https, http\r\n", Some(false)),
            (
                "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n",
                Some(true),
            ),
            ("X-Forwarded-Proto: \r\n", None),
            ("Forwarded: for=192.0.2.7;proto=https\r\n", Some(true)),
            (
                "Forwarded: for=a;proto=https, for=b;Proto=\"http\"\r\n",
                Some(false),
            ),
            ("Forwarded: for=192.0.2.7\r\n", None),
            (
                "X-Forwarded-Proto: https\r\nForwarded: proto=http\r\n",
                None,
            ),
            (
                "X-Forwarded-Proto: https\r\nForwarded: for=a\r\n",
                Some(true),
            ),
        ] {
            let text = format!("GET /ws HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            let mut head = Head::default();
            let parsed = head.parse_request(text.as_bytes(), &Limits::default());
            assert_eq!(parsed.expect("a head"), Some(text.len()), "{fields}");
            assert_eq!(over_tls(&head), wanted, "{fields}");
        }
    }

    #[test]
    fn two_fields_that_do_not_agree_are_refused() {
        let both = |forwarded: &str| {
            client_of(&format!(
                "X-Forwarded-For: 192.0.2.7\r\nForwarded: for={forwarded}\r\n"
            ))
        };
        assert_eq!(both("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(both("203.0.113.9"), None);
        assert_eq!(both("unknown"), None);
    }
}

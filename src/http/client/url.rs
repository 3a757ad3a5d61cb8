//! URLs as browsers and Node read them (the WHATWG standard), as far as these two go: whatever has
//! a meaning gets its one spelling, so that nothing of it has to be refused later.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::net::Error;

/// Over what a request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that need not be said.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// That something else was asked for than one does.
    pub(super) fn expected(self, asked: &str) -> Error {
        let expected = self.name();
        let message = format!("Protocol \"{asked}:\" not supported. Expected \"{expected}:\"");
        Error::with_code("ERR_INVALID_PROTOCOL", message)
    }

    /// That it is not this one, if it is not.
    pub(super) fn check(self, expected: Self) -> Result<(), Error> {
        match self == expected {
            true => Ok(()),
            false => Err(expected.expected(self.name())),
        }
    }
}

/// What a request takes from a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    /// A name or an address, without the brackets of one of IPv6.
    pub(super) host: String,
    /// `None` for that of its scheme.
    pub(super) port: Option<u16>,
    /// Path and query, and no fragment.
    pub(super) path: String,
    /// `user:password`, if there is either.
    pub(super) auth: Option<Vec<u8>>,
}

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none.
    Url(Error),
    /// Its scheme is none of the two.
    Scheme(String),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Url(error)
    }
}

impl Wrong {
    /// As it is told whoever makes a request over this one.
    pub(super) fn told(self, over: Scheme) -> Error {
        match self {
            Self::Url(error) => error,
            Self::Scheme(asked) => over.expected(&asked),
        }
    }
}

/// Reads a URL. A scheme other than these two is an error of its own, even if there is nothing
/// wrong with it.
pub(super) fn parse(text: &str) -> Result<Url, Wrong> {
    let text = text.trim_matches(|c| c <= ' ');
    let text = text.replace(['\t', '\n', '\r'], "");
    let (scheme, rest) = text.split_once(':').ok_or_else(invalid)?;
    if !is_scheme(scheme) {
        return Err(invalid().into());
    }
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "http" => Ok(after_scheme(Scheme::Http, rest)?),
        "https" => Ok(after_scheme(Scheme::Https, rest)?),
        "ws" | "wss" | "ftp" => {
            after_scheme(Scheme::Http, rest)?;
            Err(Wrong::Scheme(scheme))
        }
        _ => Err(Wrong::Scheme(scheme)),
    }
}

fn invalid() -> Error {
    Error::with_code("ERR_INVALID_URL", "Invalid URL")
}

fn is_scheme(scheme: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(inside)
}

fn after_scheme(scheme: Scheme, rest: &str) -> Result<Url, Error> {
    let rest = rest.trim_start_matches(['/', '\\']);
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, target) = rest.split_at(rest.find(['/', '\\', '?']).unwrap_or(rest.len()));
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (user, place),
        None => ("", authority),
    };
    let end = match place.strip_prefix('[') {
        Some(inside) => inside.find(']').ok_or_else(invalid)? + 2,
        None => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at(end);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut path = normal_path(path);
    if !query.is_empty() {
        path.push('?');
        encode(query, b" \"#<>'", &mut path);
    }
    Ok(Url {
        scheme,
        host: read_host(host)?,
        port: read_port(port)?.filter(|port| *port != scheme.port()),
        path,
        auth: read_user(user),
    })
}

fn read_user(user: &str) -> Option<Vec<u8>> {
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let given = !(user.is_empty() && password.is_empty());
    given.then(|| [decode(user), vec![b':'], decode(password)].concat())
}

fn read_port(port: &str) -> Result<Option<u16>, Error> {
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(None),
        Some("") => Ok(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

/// A name in lower case, or an address in its usual form. Of names that are not ASCII nothing is
/// known here.
fn read_host(host: &str) -> Result<String, Error> {
    if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.strip_suffix(']').ok_or_else(invalid)?;
        let address: Ipv6Addr = inside.parse().map_err(|_| invalid())?;
        return Ok(address.to_string());
    }
    let host = String::from_utf8(decode(host)).map_err(|_| invalid())?;
    let host = host.to_ascii_lowercase();
    let forbidden = |byte: u8| !byte.is_ascii_graphic() || b"#%/:<>?@[\\]^|".contains(&byte);
    if host.is_empty() || host.bytes().any(forbidden) {
        return Err(invalid());
    }
    let named = host.strip_suffix('.').unwrap_or(&host);
    let last = named.rsplit('.').next().unwrap_or_default();
    let digits = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    if digits || number(last).is_some() {
        // What ends as an address does is one, or nothing.
        let address = read_ipv4(named).ok_or_else(invalid)?;
        return Ok(address.to_string());
    }
    Ok(host)
}

/// Up to four numbers, of which the last stands for all that are missing.
fn read_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<_> = text.split('.').map(number).collect::<Option<_>>()?;
    let (&last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    if first.iter().any(|&part| part > 255) || last >= 1 << (8 * (4 - first.len())) {
        return None;
    }
    let places = first.iter().zip([24, 16, 8]);
    let address = places.fold(last, |sum, (part, place)| sum | part << place);
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

/// A number as C writes it: decimal, octal or hexadecimal.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [] => return None,
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.is_empty() {
        return Some(0);
    }
    let is_digit = |c: char| c.is_digit(radix);
    let number = digits.chars().all(is_digit).then_some(digits)?;
    // More than fits is more than an address has.
    Some(u64::from_str_radix(number, radix).unwrap_or(u64::MAX))
}

/// A path without `.` and `..`, both slashes being the same.
fn normal_path(path: &str) -> String {
    let path = path.strip_prefix(['/', '\\']).unwrap_or(path);
    let mut segments = Vec::new();
    let mut parts = path.split(['/', '\\']).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            ".." => {
                segments.pop();
                if last {
                    segments.push("");
                }
            }
            "." if last => segments.push(""),
            "." => {}
            _ => segments.push(part),
        }
    }
    let mut normal = String::with_capacity(path.len() + 1);
    for segment in segments {
        normal.push('/');
        encode(segment, b" \"#<>?`{}", &mut normal);
    }
    normal
}

/// Writes what no request line can hold, and these, as `%` and two digits.
fn encode(text: &str, others: &[u8], out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !others.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
}

/// Takes `%` and two digits for the byte they stand for; a `%` with anything else for itself.
fn decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, behind @ ..] = rest {
        let code = match rest {
            [b'%', high, low, ..] => data_encoding::HEXUPPER_PERMISSIVE
                .decode(&[*high, *low])
                .ok(),
            _ => None,
        };
        match code {
            Some(code) => {
                decoded.extend_from_slice(&code);
                rest = &rest[3..];
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str, port: Option<u16>, path: &str) -> Url {
        Url {
            scheme: Scheme::Http,
            host: host.into(),
            port,
            path: path.into(),
            auth: None,
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        for (text, host, port, path) in [
            ("http://a", "a", None, "/"),
            ("HTTP://A.b:8080/c?d=e#f", "a.b", Some(8080), "/c?d=e"),
            ("http://[::1]:3000?q", "::1", Some(3000), "/?q"),
            ("http://[1:0:0:0::F]", "1::f", None, "/"),
            ("http://a:/", "a", None, "/"),
            ("http://a:0080/?", "a", None, "/"),
            ("http://1.2.3/", "1.2.0.3", None, "/"),
            ("http://0x/", "0.0.0.0", None, "/"),
            ("http://1.2.3.4./", "1.2.3.4", None, "/"),
            ("http://1.2.3.x/", "1.2.3.x", None, "/"),
            ("http://a./", "a.", None, "/"),
        ] {
            assert_eq!(parse(text), Ok(url(host, port, path)), "{text}");
        }
        let secure = parse("HTTPS://a:443").unwrap();
        assert_eq!((secure.scheme, secure.port), (Scheme::Https, None));
        let auth = |text| parse(text).unwrap().auth.unwrap();
        assert_eq!(auth("http://%c3%a4:%@a"), "ä:%".as_bytes());
        assert_eq!(auth("http://a:b:c@a"), b"a:b:c");
    }

    /// The tests against Node have the rest; these need a loop that never asks for them.
    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            ":80",
            "[::1",
            "[::1]a",
            "[1.2.3.4]",
            "[]",
            "a b",
            "a%2fb",
            "%ff",
            "\u{e4}.de",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.65536",
            "4294967296",
            "0x100000000",
            "08",
            "a.08",
            "1..2",
            "99999999999999999999999",
            "a:b",
            "a:65536",
            "a:+1",
        ] {
            let text = format!("http://{host}/");
            assert_eq!(
                parse(&text).map_err(|wrong| wrong.told(Scheme::Http).code().to_owned()),
                Err("ERR_INVALID_URL".into()),
                "{host}"
            );
        }
    }
}

//! What a head says about its body and its connection, and whether it says it once.

use httparse::Header;

use super::ParseError;

/// What the fields of a head mean for the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Facts {
    /// The one `Content-Length`.
    pub(in crate::http) length: Option<u64>,
    pub(in crate::http) chunked: bool,
    pub(in crate::http) host: bool,
    /// The connection stays open after this exchange, as far as this side is concerned.
    pub(in crate::http) keep_alive: bool,
    /// `Connection: upgrade`, and an `Upgrade` field.
    pub(in crate::http) upgrade: bool,
    pub(in crate::http) expects: Expects,
}

/// What a request expects before it goes on (`Expect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum Expects {
    #[default]
    Nothing,
    Continue,
    SomethingElse,
}

/// The words of `Connection` that matter.
#[derive(Default)]
struct Options {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl Facts {
    pub(in crate::http) fn of_request(
        minor: u8,
        fields: &[Header<'_>],
    ) -> Result<Self, ParseError> {
        Self::read(minor, fields, false)
    }

    /// Of a response the codings may be any: unless the last of them is `chunked`, it ends with its
    /// connection.
    pub(in crate::http) fn of_response(
        minor: u8,
        fields: &[Header<'_>],
    ) -> Result<Self, ParseError> {
        Self::read(minor, fields, true)
    }

    fn read(minor: u8, fields: &[Header<'_>], response: bool) -> Result<Self, ParseError> {
        let mut coded = false;
        let mut facts = Self::default();
        let mut options = Options::default();
        let mut upgrades = false;
        for Header { name, value } in fields {
            let mut fits = true;
            // The length of a name tells most of them apart.
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => {
                    let again = std::mem::replace(&mut facts.host, true);
                    fits = !again && is_host(value);
                }
                6 if name.eq_ignore_ascii_case("expect") => {
                    facts.expects = if value.eq_ignore_ascii_case(b"100-continue") {
                        Expects::Continue
                    } else {
                        Expects::SomethingElse
                    };
                }
                7 if name.eq_ignore_ascii_case("upgrade") => upgrades = true,
                10 if name.eq_ignore_ascii_case("connection") => options.read(value),
                14 if name.eq_ignore_ascii_case("content-length") => {
                    if facts.length.is_some() || coded {
                        return Err(ParseError::AmbiguousLength);
                    }
                    facts.length = Some(length(value)?);
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    if facts.length.is_some() {
                        return Err(ParseError::AmbiguousLength);
                    }
                    let again = std::mem::replace(&mut coded, true);
                    facts.chunked = value.eq_ignore_ascii_case(b"chunked");
                    if response {
                        let last = value.rsplit(|&byte| byte == b',').next();
                        let last = last.unwrap_or_default().trim_ascii();
                        facts.chunked = last.eq_ignore_ascii_case(b"chunked");
                    } else if again || minor == 0 || !facts.chunked {
                        return Err(ParseError::TransferEncoding);
                    }
                }
                _ => {}
            }
            if !fits {
                return Err(ParseError::Host);
            }
        }
        facts.keep_alive = !options.close && (minor > 0 || options.keep_alive);
        facts.upgrade = upgrades && options.upgrade && minor > 0;
        Ok(facts)
    }
}

impl Options {
    fn read(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// A length: digits and nothing else, and not so many that it is no number.
pub(in crate::http) fn length(value: &[u8]) -> Result<u64, ParseError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::ContentLength);
    }
    let text = std::str::from_utf8(value).map_err(|_| ParseError::ContentLength)?;
    text.parse().map_err(|_| ParseError::ContentLength)
}

/// The letters, the digits, and these, as a table: looking for a byte among a dozen takes longer
/// than all else that is done with it.
pub(in crate::http) const fn characters(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// What the name of a host is made of.
const HOST: [bool; 256] = characters(b"-._~!$&'()*+,;=%");

/// What a token is made of: a method, the name of a field.
pub(in crate::http) const TOKEN: [bool; 256] = characters(b"!#$%&'*+-.^_`|~");

/// A host with or without a port, or nothing: what a `Host` field may hold. No user, no path.
fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value {
        [b'[', rest @ ..] => {
            let Some(end) = memchr::memchr(b']', rest) else {
                return false;
            };
            let inside = |byte: &u8| byte.is_ascii_hexdigit() || b":.vV".contains(byte);
            if end == 0 || !rest[..end].iter().all(inside) {
                return false;
            }
            (&value[..0], &rest[end + 1..])
        }
        _ => value.split_at(memchr::memchr(b':', value).unwrap_or(value.len())),
    };
    let named = |&byte: &u8| HOST[usize::from(byte)];
    let port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    port && host.iter().all(named)
}

/// Whether a target has only characters that targets have, and a form that goes with the method.
pub(in crate::http) fn check_target(method: &str, target: &str) -> Result<(), ParseError> {
    let bytes = target.as_bytes();
    let allowed = |byte: &u8| (0x21..0x7f).contains(byte) && *byte != b'#';
    let fits = match (method, bytes) {
        ("CONNECT", _) => {
            let colon = bytes.iter().rposition(|&byte| byte == b':');
            colon.is_some_and(|at| at > 0 && at + 1 < bytes.len()) && is_host(bytes)
        }
        (_, [b'/', ..]) => true,
        ("OPTIONS", b"*") => true,
        _ => target.split_once("://").is_some_and(|(scheme, _)| {
            let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
            let authority = authority(method, target).unwrap_or_default().as_bytes();
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(inside)
                && !matches!(authority, [] | [b':', ..])
                && is_host(authority)
        }),
    };
    if fits && bytes.iter().all(allowed) {
        Ok(())
    } else {
        Err(ParseError::Target)
    }
}

/// Whom a target names, if it does: an absolute one, or that of a CONNECT.
pub(super) fn authority<'a>(method: &str, target: &'a str) -> Option<&'a str> {
    if method == "CONNECT" {
        return Some(target);
    }
    split_url(target).map(|(authority, _)| authority)
}

/// The authority of a target that is a whole URL, and what follows it.
pub(super) fn split_url(target: &str) -> Option<(&str, &str)> {
    if target.starts_with('/') {
        return None; // nearly always
    }
    let (_, rest) = target.split_once("://")?;
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// The methods that Node knows. Others are accepted, too, if they are tokens; but of a line that
/// is no request line one of these tells what was meant.
pub(in crate::http) fn known(method: &str) -> bool {
    const KNOWN: &[&str] = &[
        "ACL",
        "BIND",
        "CHECKOUT",
        "CONNECT",
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LINK",
        "LOCK",
        "M-SEARCH",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MOVE",
        "NOTIFY",
        "OPTIONS",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PURGE",
        "PUT",
        "QUERY",
        "REBIND",
        "REPORT",
        "SEARCH",
        "SOURCE",
        "SUBSCRIBE",
        "TRACE",
        "UNBIND",
        "UNLINK",
        "UNLOCK",
        "UNSUBSCRIBE",
    ];
    KNOWN.contains(&method)
}

/// Fields of which Node keeps the first only.
pub(in crate::http) fn once(name: &str) -> bool {
    const ONCE: &[&str] = &[
        "age",
        "authorization",
        "content-length",
        "content-type",
        "etag",
        "expires",
        "from",
        "host",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "location",
        "max-forwards",
        "proxy-authorization",
        "referer",
        "retry-after",
        "server",
        "user-agent",
    ];
    ONCE.contains(&name)
}

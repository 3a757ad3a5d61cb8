//! The opening handshake: an HTTP request becomes a WebSocket, or is refused (RFC 6455, 4).

use std::fmt;

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

use crate::http::{Head, status_message};

/// What a client proves with: that it asked for a WebSocket and nothing else.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Subprotocols a client may offer. Each is compared with those before it.
const MAX_PROTOCOLS: usize = 64;

/// A request for a WebSocket that is in order, and what is to be answered.
///
/// ```
/// use loopchat::http::web_socket::Handshake;
///
/// let headers: [(&str, &[u8]); 6] = [
///     ("Host", b"localhost"),
///     ("Upgrade", b"websocket"),
///     ("Connection", b"keep-alive, Upgrade"),
///     ("Sec-WebSocket-Version", b"13"),
///     ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Protocol", b"soap, chat"),
/// ];
/// let mut handshake = Handshake::read("GET", (1, 1), headers)?;
/// assert_eq!(handshake.protocols(), ["soap", "chat"]);
/// assert_eq!(handshake.origin(), None); // not a browser
/// handshake.choose_protocol("chat");
/// assert!(handshake.response().contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
/// # Ok::<(), loopchat::http::web_socket::Refusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    accept: String,
    origin: Option<String>,
    protocols: Vec<String>,
    chosen: Option<usize>,
}

impl Handshake {
    /// Whether a request's `Upgrade` asks for a WebSocket, and not for another protocol.
    #[must_use]
    pub fn is_asked_for(head: &Head) -> bool {
        head.header_all("upgrade")
            .any(|value| lists(value, "websocket"))
    }

    /// Checks the head of a request, as an HTTP server's `upgrade` event has it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_head(head: &Head) -> Result<Self, Refusal> {
        let minor = u8::from(head.http_version() == "1.1");
        Self::read(head.method(), (1, minor), head.raw_headers())
    }

    /// Checks the head of a request: its method, HTTP version (major, minor) and headers.
    ///
    /// # Errors
    ///
    /// What has to be answered instead. A version of the protocol other than 13 is refused with 426
    /// and the version that is spoken, another method than GET with 405, everything else, a body
    /// too, with 400.
    pub fn read<'a, N: AsRef<str>>(
        method: &str,
        version: (u8, u8),
        headers: impl IntoIterator<Item = (N, &'a [u8])>,
    ) -> Result<Self, Refusal> {
        let mut fields = Fields::default();
        for (name, value) in headers {
            fields.note(name.as_ref(), value)?;
        }
        if method != "GET" {
            return Err(Refusal::new(405, "A WebSocket is asked for with GET"));
        }
        if version < (1, 1) {
            return Err(Refusal::bad("A WebSocket wants HTTP/1.1"));
        }
        if fields.body {
            return Err(Refusal::bad("A WebSocket is asked for without a body"));
        }
        if !fields.host {
            return Err(Refusal::bad("No Host"));
        }
        if !fields.upgrade {
            return Err(Refusal::bad("No Upgrade to websocket"));
        }
        if !fields.connection {
            return Err(Refusal::bad("No Connection: Upgrade"));
        }
        if fields.version != Some(b"13") {
            return Err(Refusal::new(426, "Version 13 is spoken here"));
        }
        let Some(key) = fields.key.filter(|key| is_key(key)) else {
            return Err(Refusal::bad("Sec-WebSocket-Key is not 16 bytes in Base64"));
        };
        Ok(Self {
            accept: accept_key(key),
            origin: fields.origin,
            protocols: fields.protocols,
            chosen: None,
        })
    }

    /// Where the page comes from that asks, if it is a browser that does. Whether its WebSockets
    /// are welcome is the caller's to say: a browser sends a site's cookies along from any page.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The subprotocols the client speaks, the one it likes best first.
    #[must_use]
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Chooses one of the client's subprotocols; false if it does not speak that one.
    pub fn choose_protocol(&mut self, name: &str) -> bool {
        self.chosen = self.protocols.iter().position(|offered| offered == name);
        self.chosen.is_some()
    }

    /// The answer that makes the connection a WebSocket.
    #[must_use]
    pub fn response(&self) -> String {
        let mut response = format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            self.accept
        );
        if let Some(chosen) = self.chosen {
            let name = &self.protocols[chosen];
            response.push_str(&format!("Sec-WebSocket-Protocol: {name}\r\n"));
        }
        response.push_str("\r\n");
        response
    }
}

/// What a request's headers say.
#[derive(Default)]
struct Fields<'a> {
    host: bool,
    /// It has a body, which would be in the place of the first frames.
    body: bool,
    upgrade: bool,
    connection: bool,
    version: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    origin: Option<String>,
    protocols: Vec<String>,
}

impl<'a> Fields<'a> {
    fn note(&mut self, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case("host") {
            self.host = true;
        } else if name.eq_ignore_ascii_case("content-length") {
            self.body |= value.iter().any(|digit| *digit != b'0');
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.body = true;
        } else if name.eq_ignore_ascii_case("upgrade") {
            self.upgrade |= lists(value, "websocket");
        } else if name.eq_ignore_ascii_case("connection") {
            self.connection |= lists(value, "upgrade");
        } else if name.eq_ignore_ascii_case("sec-websocket-version") {
            if self.version.replace(value).is_some() {
                return Err(Refusal::bad("Sec-WebSocket-Version twice"));
            }
        } else if name.eq_ignore_ascii_case("sec-websocket-key") {
            if self.key.replace(value).is_some() {
                return Err(Refusal::bad("Sec-WebSocket-Key twice"));
            }
        } else if name.eq_ignore_ascii_case("origin") {
            let origin = str::from_utf8(value).map_err(|_| Refusal::bad("Origin is no text"))?;
            self.origin = Some(origin.to_owned());
        } else if name.eq_ignore_ascii_case("sec-websocket-protocol") {
            self.offer(value)?;
        }
        Ok(())
    }

    fn offer(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let bad = || Refusal::bad("Sec-WebSocket-Protocol is no list of different names");
        for name in value.split(|&byte| byte == b',') {
            let name = str::from_utf8(name.trim_ascii()).map_err(|_| bad())?;
            let known = self.protocols.iter().any(|other| other == name);
            if name.is_empty() || known || !name.bytes().all(is_token_byte) {
                return Err(bad());
            }
            if self.protocols.len() == MAX_PROTOCOLS {
                return Err(Refusal::bad("More subprotocols than anyone speaks"));
            }
            self.protocols.push(name.to_owned());
        }
        Ok(())
    }
}

/// Whether a comma-separated list has this word in it.
pub(super) fn lists(value: &[u8], word: &str) -> bool {
    let mut words = value.split(|&byte| byte == b',');
    words.any(|other| other.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether it is 16 bytes in Base64: 22 digits, the last one of which is used in part only.
fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = key.strip_suffix(b"==");
    digits.is_some_and(|digits| digits.len() == 22 && digits.iter().all(digit))
}

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`.
pub(super) fn accept_key(key: &[u8]) -> String {
    let mut sha1 = Sha1::new();
    sha1.update(key);
    sha1.update(GUID);
    BASE64.encode(&sha1.finalize())
}

/// Why a request does not become a WebSocket, and what is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    why: &'static str,
}

impl Refusal {
    /// A refusal of one's own: 403 for an unwelcome origin, 404, 503 and so on; `why` is the body.
    #[must_use]
    pub fn new(status: u16, why: &'static str) -> Self {
        Self { status, why }
    }

    fn bad(why: &'static str) -> Self {
        Self::new(400, why)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The answer, after which the connection is closed.
    #[must_use]
    pub fn response(&self) -> String {
        let (status, why) = (self.status, self.why);
        let phrase = status_message(status).unwrap_or_default();
        let more = match status {
            405 => "Allow: GET\r\n",
            426 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        // What an Upgrade header says holds only if Connection lists it.
        let connection = if status == 426 {
            "close, Upgrade"
        } else {
            "close"
        };
        let length = why.len() + 1;
        format!(
            "HTTP/1.1 {status} {phrase}\r\n\
             Connection: {connection}\r\n\
             {more}\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\n\
             \r\n\
             {why}\n"
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.why)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: an answer without its reason phrase, which some clients take for no HTTP.
    #[test]
    fn a_refusal_says_what_its_status_means() {
        for (status, phrase) in [(403, "Forbidden"), (421, "Misdirected Request")] {
            let response = Refusal::new(status, "No").response();
            let line = format!("HTTP/1.1 {status} {phrase}\r\n");
            assert!(response.starts_with(&line), "{response}");
        }
    }
}

//! The head of a message: its first line and its fields, kept as one block of text.

use std::collections::HashMap;
use std::fmt;
use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, Status};

use super::facts::{self, Facts};
use super::{ParseError, diagnosis};

/// Fields that are parsed on the stack; a head with more takes a second look.
const USUAL_FIELDS: usize = 64;

/// What a head may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head, and of what follows the last chunk of a body (`maxHeaderSize`).
    pub max_header_size: usize,
    /// Fields of a head (`maxHeadersCount`).
    pub max_headers_count: usize,
}

impl Default for Limits {
    /// Node's: 16 KiB and 2000 fields.
    fn default() -> Self {
        Self {
            max_header_size: 16 * 1024,
            max_headers_count: 2000,
        }
    }
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// Where `part` is in `whole`.
    fn of(part: &[u8], whole: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        debug_assert!(start <= whole.len());
        Self {
            start: start as u32,
            length: part.len() as u32,
        }
    }

    fn get(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        text.get(start..start + self.length as usize)
            .unwrap_or_default()
    }
}

/// The head of a request or a response: the first line and the fields.
///
/// It is one block of text, as it came, and the places of its parts; nothing is copied apart.
#[derive(Clone, Default)]
pub struct Head {
    text: Vec<u8>,
    /// The method, or nothing.
    method: Span,
    /// The target, or the reason.
    second: Span,
    fields: Vec<(Span, Span)>,
    status: u16,
    minor: u8,
    facts: Facts,
}

impl Head {
    /// Bytes of memory that it holds.
    pub(in crate::http) fn held(&self) -> usize {
        self.text.capacity() + self.fields.capacity() * size_of::<(Span, Span)>()
    }

    /// Parses the head of a request from the start of `bytes`; its length, or `None` if its end
    /// has not come yet.
    ///
    /// # Errors
    ///
    /// When it is no head, or says two things at once about its body. What is wrong with the part
    /// that has come may be told before the rest has.
    pub fn parse_request(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ParseError> {
        let mut fields = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
        let few = &mut fields[..limits.max_headers_count.min(USUAL_FIELDS)];
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, few) {
            Err(httparse::Error::TooManyHeaders) => {}
            result => return self.request(bytes, &request, result),
        }
        let mut fields = vec![EMPTY_HEADER; limits.max_headers_count];
        let mut request = httparse::Request::new(&mut fields);
        let result = request.parse(bytes);
        self.request(bytes, &request, result)
    }

    /// As [`parse_request`](Self::parse_request), for a response. What is wrong is called what Node
    /// calls it.
    ///
    /// # Errors
    ///
    /// As for a request.
    pub fn parse_response(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ParseError> {
        let parsed = self.take_response(bytes, limits);
        parsed.map_err(|error| {
            let refuse = |bytes: &[u8]| Self::default().take_response(bytes, limits).err();
            diagnosis::of(bytes, refuse, diagnosis::of_response).unwrap_or(error)
        })
    }

    fn take_response(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ParseError> {
        let mut fields = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
        let few = &mut fields[..limits.max_headers_count.min(USUAL_FIELDS)];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut response, bytes, few) {
            Err(httparse::Error::TooManyHeaders) => {}
            result => return self.response(bytes, &response, result),
        }
        let mut fields = vec![EMPTY_HEADER; limits.max_headers_count];
        let mut response = httparse::Response::new(&mut fields);
        let result = response.parse(bytes);
        self.response(bytes, &response, result)
    }

    /// Parses fields alone, as they follow the last chunk of a body.
    pub(in crate::http) fn parse_trailers(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ParseError> {
        let parsed = self.take_trailers(bytes, limits);
        parsed.map_err(|error| {
            let refuse = |bytes: &[u8]| Self::default().take_trailers(bytes, limits).err();
            diagnosis::of(bytes, refuse, diagnosis::of_trailers).unwrap_or(error)
        })
    }

    fn take_trailers(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ParseError> {
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        let mut fields = vec![EMPTY_HEADER; limits.max_headers_count.min(lines + 1)];
        match httparse::parse_headers(bytes, &mut fields) {
            Ok(Status::Partial) => Ok(None),
            Ok(Status::Complete((length, fields))) => {
                check_line_ends(&bytes[..length])?;
                self.keep(&bytes[..length], fields);
                Ok(Some(length))
            }
            Err(error) => Err(what(error)),
        }
    }

    /// Checks fields of a head or a trailer of which the end has not come, as parsing it would; no
    /// more than so many are allowed.
    pub(in crate::http) fn check_fields(bytes: &[u8], most: usize) -> Result<(), ParseError> {
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        let mut fields = vec![EMPTY_HEADER; most.min(lines + 1)];
        match httparse::parse_headers(bytes, &mut fields) {
            Ok(_) => Ok(()),
            Err(error) => Err(what(error)),
        }
    }

    fn request(
        &mut self,
        bytes: &[u8],
        request: &httparse::Request<'_, '_>,
        result: httparse::Result<usize>,
    ) -> Result<Option<usize>, ParseError> {
        let length = match result {
            Ok(Status::Partial) => return Ok(None),
            Ok(Status::Complete(length)) => length,
            // A line that does not even begin with a method is told as that.
            Err(httparse::Error::Version | httparse::Error::Token)
                if request.method.is_none_or(|method| !facts::known(method)) =>
            {
                return Err(ParseError::Method);
            }
            Err(httparse::Error::Token) if request.path.is_none() => {
                return Err(ParseError::Target);
            }
            Err(error) => return Err(what(error)),
        };
        let text = &bytes[..length];
        check_line_ends(text)?;
        let method = request.method.unwrap_or_default();
        let target = request.path.unwrap_or_default();
        facts::check_target(method, target)?;
        self.minor = request.version.unwrap_or_default();
        self.facts = Facts::of_request(self.minor, request.headers)?;
        self.status = 0;
        self.method = Span::of(method.as_bytes(), text);
        self.second = Span::of(target.as_bytes(), text);
        self.keep(text, request.headers);
        Ok(Some(length))
    }

    fn response(
        &mut self,
        bytes: &[u8],
        response: &httparse::Response<'_, '_>,
        result: httparse::Result<usize>,
    ) -> Result<Option<usize>, ParseError> {
        let length = match result {
            Ok(Status::Partial) => return Ok(None),
            Ok(Status::Complete(length)) => length,
            Err(error) => return Err(what(error)),
        };
        let text = &bytes[..length];
        check_line_ends(text)?;
        self.minor = response.version.unwrap_or_default();
        self.facts = Facts::of_response(self.minor, response.headers)?;
        self.status = response.code.unwrap_or_default();
        if self.status < 100 {
            return Err(ParseError::Status);
        }
        self.method = Span::default();
        let reason = response.reason.unwrap_or_default();
        // Of a reason that is no text there is nothing to keep.
        self.second = match reason {
            "" => Span::default(),
            reason => Span::of(reason.as_bytes(), text),
        };
        self.keep(text, response.headers);
        Ok(Some(length))
    }

    fn keep(&mut self, text: &[u8], fields: &[Header<'_>]) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.fields.clear();
        self.fields.extend(fields.iter().map(|field| {
            let name = Span::of(field.name.as_bytes(), text);
            (name, Span::of(field.value, text))
        }));
    }

    /// Forgets everything but its memory, if that is little.
    pub(in crate::http) fn recycle(&mut self) {
        if self.text.capacity() > 1024 || self.fields.capacity() > USUAL_FIELDS {
            *self = Self::default();
        }
        self.text.clear();
        self.fields.clear();
    }

    pub(in crate::http) fn facts(&self) -> &Facts {
        &self.facts
    }

    fn str(&self, span: Span) -> &str {
        // Methods, targets, reasons and names were checked to be ASCII.
        std::str::from_utf8(span.get(&self.text)).unwrap_or_default()
    }

    /// Whether it is a request with this method.
    pub(in crate::http) fn is_method(&self, method: &str) -> bool {
        self.method.get(&self.text) == method.as_bytes()
    }

    /// The method of a request (`req.method`); empty in a response.
    #[must_use]
    pub fn method(&self) -> &str {
        self.str(self.method)
    }

    /// The target of a request as it was sent (`req.url`); empty in a response.
    #[must_use]
    pub fn url(&self) -> &str {
        if self.status == 0 {
            self.str(self.second)
        } else {
            ""
        }
    }

    /// By what name a request calls the server, with the port if it names one: that of its target if
    /// that is a whole URL or of a CONNECT, whatever its `Host` says (RFC 9112, 3.2.2 and 3.2.3), and
    /// else its `Host`. `None` if it names none, and in a response.
    #[must_use]
    pub fn host(&self) -> Option<&[u8]> {
        match facts::authority(self.method(), self.url()) {
            Some(authority) => Some(authority.as_bytes()),
            None if self.status == 0 => self.header("host"),
            None => None,
        }
    }

    /// The path of a request's target, which may be a whole URL, without its query; `/` if it names
    /// none. Empty in a response.
    #[must_use]
    pub fn path(&self) -> &str {
        let target = self.url();
        let rest = facts::split_url(target).map_or(target, |(_, rest)| rest);
        match rest.split('?').next() {
            Some("") | None if !target.is_empty() => "/",
            path => path.unwrap_or_default(),
        }
    }

    /// The status of a response (`res.statusCode`); 0 in a request.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// The words after the status (`res.statusMessage`); empty in a request.
    #[must_use]
    pub fn status_message(&self) -> &str {
        if self.status == 0 {
            ""
        } else {
            self.str(self.second)
        }
    }

    /// `1.0` or `1.1` (`httpVersion`).
    #[must_use]
    pub fn http_version(&self) -> &'static str {
        if self.minor == 0 { "1.0" } else { "1.1" }
    }

    /// The fields as they were sent, in order (`rawHeaders`).
    pub fn raw_headers(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        let of = |&(name, value): &(Span, Span)| (self.str(name), value.get(&self.text));
        self.fields.iter().map(of)
    }

    /// The value of the first field of this name, however the name is written.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.raw_headers();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// The values of all fields of this name, in order (`headersDistinct`).
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.raw_headers()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// As [`header`](Self::header), if it is text.
    #[must_use]
    pub fn header_str(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header(name)?).ok()
    }

    /// The fields as Node's `headers` has them: names in lower case, in the order of their first
    /// appearance; the values of a repeated one are joined with `, ` (`; ` for cookies), but of
    /// those that may appear once only the first counts; every `set-cookie` stays by itself.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut joined: Vec<(String, String)> = Vec::with_capacity(self.fields.len());
        let mut places = HashMap::with_capacity(self.fields.len());
        for (name, value) in self.raw_headers() {
            let name = name.to_ascii_lowercase();
            let value = value.iter().map(|&byte| char::from(byte)).collect(); // latin1, as in Node
            match (places.get(&name), name.as_str()) {
                (None, _) | (Some(_), "set-cookie") => {
                    places.insert(name.clone(), joined.len());
                    joined.push((name, value));
                }
                (Some(_), name) if facts::once(name) => {}
                (Some(&place), name) => {
                    let (_, known): &mut (String, String) = &mut joined[place];
                    *known += if name == "cookie" { "; " } else { ", " };
                    *known += &value;
                }
            }
        }
        joined
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("text", &String::from_utf8_lossy(&self.text))
            .field("facts", &self.facts)
            .finish()
    }
}

/// The crate that parses takes a bare LF for the end of a line; between two readers of one
/// connection that is a way to smuggle, so it is refused.
fn check_line_ends(text: &[u8]) -> Result<(), ParseError> {
    let alone = |at: usize| at == 0 || text[at - 1] != b'\r';
    if memchr::memchr_iter(b'\n', text).any(alone) {
        return Err(ParseError::LineEnd);
    }
    Ok(())
}

fn what(error: httparse::Error) -> ParseError {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => ParseError::Field,
        httparse::Error::NewLine => ParseError::LineEnd,
        httparse::Error::Status => ParseError::Status,
        httparse::Error::Token => ParseError::Method,
        httparse::Error::TooManyHeaders => ParseError::HeaderOverflow,
        httparse::Error::Version => ParseError::Version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_names_a_host_is_right_whatever_the_field_says() {
        for (line, host) in [
            ("GET / HTTP/1.1", Some("field")),
            ("GET /a://b HTTP/1.1", Some("field")),
            ("GET http://target:80/a?b HTTP/1.1", Some("target:80")),
            ("GET HTTPS://[::1]?b HTTP/1.1", Some("[::1]")),
            ("CONNECT target:443 HTTP/1.1", Some("target:443")),
            ("OPTIONS * HTTP/1.1", Some("field")),
        ] {
            let text = format!("{line}\r\nHost: field\r\n\r\n");
            let mut head = Head::default();
            let length = head.parse_request(text.as_bytes(), &Limits::default());
            assert_eq!(length, Ok(Some(text.len())), "{line}");
            assert_eq!(head.host(), host.map(str::as_bytes), "{line}");
        }
        let mut head = Head::default();
        let text = b"HTTP/1.1 200 OK\r\nHost: a\r\n\r\n";
        head.parse_response(text, &Limits::default())
            .expect("a response");
        assert_eq!((head.host(), head.path()), (None, ""));
    }

    #[test]
    fn a_path_is_what_is_left_of_a_target() {
        for (target, wanted) in [
            ("/", "/"),
            ("/ws", "/ws"),
            ("/ws?room=tea", "/ws"),
            ("http://localhost:8080/docs/?a=/b", "/docs/"),
            ("http://localhost", "/"),
            ("/a?b=http://c/d", "/a"),
            ("/a://b/c", "/a://b/c"),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut head = Head::default();
            let length = head.parse_request(text.as_bytes(), &Limits::default());
            assert_eq!(length, Ok(Some(text.len())), "{target}");
            assert_eq!(head.path(), wanted);
        }
    }

    #[test]
    fn repeated_fields_are_joined_as_node_does() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nCookie: b=1\r\nx: 2\r\ncookie: c=2\r\n\
            User-Agent: first\r\nuser-agent: second\r\nSet-Cookie: d\r\nset-cookie: e\r\nL: \xe9\r\n\r\n";
        let mut head = Head::default();
        let length = head.parse_request(text, &Limits::default());
        assert_eq!(length, Ok(Some(text.len())));
        let headers = head.headers();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (&name[..], &value[..]))
            .collect();
        let expected = [
            ("host", "a"),
            ("x", "1, 2"),
            ("cookie", "b=1; c=2"),
            ("user-agent", "first"),
            ("set-cookie", "d"),
            ("set-cookie", "e"),
            ("l", "é"),
        ];
        assert_eq!(headers, expected);
        assert_eq!(head.header("X"), Some(&b"1"[..]));
        assert_eq!(head.header_all("x").count(), 2);
        assert_eq!(head.header_str("l"), None);
    }
}

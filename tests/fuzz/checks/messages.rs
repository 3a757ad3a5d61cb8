//! What the HTTP parser makes of an input, in a form that two cuts of it can be compared by.

use loopchat::http::{Head, Limits, ParseError, Parser, Part};

/// Small, so that the fuzzer meets them.
pub const LIMITS: Limits = Limits {
    max_header_size: 512,
    max_headers_count: 70,
};

/// A head as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub method: String,
    pub url: String,
    pub status: u16,
    pub reason: String,
    pub version: &'static str,
    pub fields: Vec<(String, Vec<u8>)>,
}

impl Start {
    pub fn of(head: &Head) -> Self {
        let fields = head.raw_headers();
        Self {
            method: head.method().to_owned(),
            url: head.url().to_owned(),
            status: head.status_code(),
            reason: head.status_message().to_owned(),
            version: head.http_version(),
            fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        }
    }

    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = move |field: &&(String, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|field| &*field.1)
    }
}

/// A part of an input; the pieces of a body are one.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    Head(Start),
    Body(Vec<u8>),
    End(Vec<(String, Vec<u8>)>),
    Error(ParseError),
    /// The input was over; whether that completed a message.
    Eof(Result<bool, ParseError>),
}

/// Everything a parser finds.
pub fn read(mut parser: Parser, pieces: &[&[u8]]) -> Vec<Read> {
    let (mut found, mut head) = (Vec::new(), Head::default());
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            let part = match parser.next_within(&mut input, &mut head, &LIMITS) {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(error) => {
                    found.push(Read::Error(error));
                    let mut more = &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..];
                    let after = parser.next_within(&mut more, &mut head, &LIMITS);
                    assert_eq!(after, Ok(None), "something comes after an error");
                    return found;
                }
            };
            match part {
                Part::Head => found.push(Read::Head(Start::of(&head))),
                Part::Data(bytes) => {
                    assert!(!bytes.is_empty() && input.len() < before);
                    match found.last_mut() {
                        Some(Read::Body(body)) => body.extend_from_slice(bytes),
                        _ => found.push(Read::Body(bytes.to_owned())),
                    }
                }
                Part::End => {
                    let trailers = parser.take_trailers();
                    let fields = trailers.map(|trailers| Start::of(&trailers).fields);
                    found.push(Read::End(fields.unwrap_or_default()));
                }
            }
        }
    }
    found.push(Read::Eof(parser.finish()));
    found
}

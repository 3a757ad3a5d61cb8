//! Messages out of bytes, however these are split: no socket, no time, no memory but of a torn
//! head.

use super::chunked::{ChunkDecoder, Piece};
use super::{Head, Limits, ParseError};

/// Parts of messages that the bytes of one connection are taken apart into in one turn at most:
/// chunks of a byte each are a thousand times the work of one that is as long as all of them.
pub(in crate::http) const PARTS_PER_TURN: u32 = 1024;

/// A part of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A head is complete: it is in the [`Head`] that was lent.
    Head,
    /// Some of the body, never empty.
    Data(&'a [u8]),
    /// The message is complete. What comes next is another.
    End,
}

#[derive(Clone, Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(ChunkDecoder),
    Trailers,
    UntilEof,
    /// Another protocol has taken over, or an error was met.
    Over,
}

/// Takes the messages of one direction of a connection apart, one after the other.
///
/// ```
/// use loopchat::http::{Head, Parser, Part};
///
/// let (mut parser, mut head) = (Parser::requests(), Head::default());
/// let mut input = &b"POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhiGET"[..];
/// assert_eq!(parser.next(&mut input, &mut head), Ok(Some(Part::Head)));
/// assert_eq!((head.method(), head.url()), ("POST", "/a"));
/// assert_eq!(parser.next(&mut input, &mut head), Ok(Some(Part::Data(b"hi"))));
/// assert_eq!(parser.next(&mut input, &mut head), Ok(Some(Part::End)));
/// assert_eq!(parser.next(&mut input, &mut head), Ok(None)); // the next head is torn
/// ```
#[derive(Debug)]
pub struct Parser {
    state: State,
    responses: bool,
    /// The next response has no body, whatever its head says: it answers a HEAD.
    bodiless: bool,
    /// A head, or fields after a body, of which the end has not come yet.
    torn: Torn,
    trailers: Option<Box<Head>>,
}

impl Parser {
    /// For what a client sends.
    #[must_use]
    pub fn requests() -> Self {
        Self::new(false)
    }

    /// For what a server sends.
    #[must_use]
    pub fn responses() -> Self {
        Self::new(true)
    }

    fn new(responses: bool) -> Self {
        Self {
            state: State::Head,
            responses,
            bodiless: false,
            torn: Torn::default(),
            trailers: None,
        }
    }

    /// Bytes of memory that it holds for what is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        self.torn.bytes.capacity()
    }

    /// Says of the next response that it has no body, since it answers a HEAD.
    pub fn set_bodiless(&mut self, bodiless: bool) {
        self.bodiless = bodiless;
    }

    /// As [`next_within`](Self::next_within), with the usual limits.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut Head,
    ) -> Result<Option<Part<'a>>, ParseError> {
        self.next_within(input, head, &Limits::default())
    }

    /// Takes the next part off the input; `None` if it takes more input. A head that is whole in
    /// the input is read where it is; what comes of a torn one is kept, up to the limit.
    ///
    /// # Errors
    ///
    /// When the input is no message, or a head is larger than allowed. Nothing more comes then.
    pub fn next_within<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut Head,
        limits: &Limits,
    ) -> Result<Option<Part<'a>>, ParseError> {
        let part = self.step(input, head, limits);
        if part.is_err() {
            self.stop();
        }
        part
    }

    fn step<'a>(
        &mut self,
        input: &mut &'a [u8],
        head: &mut Head,
        limits: &Limits,
    ) -> Result<Option<Part<'a>>, ParseError> {
        match &mut self.state {
            State::Head => {
                self.skip_empty_lines(input);
                let responses = self.responses;
                let complete = self.torn.collect(input, limits, 1, |bytes| {
                    if responses {
                        head.parse_response(bytes, limits)
                    } else {
                        head.parse_request(bytes, limits)
                    }
                })?;
                if !complete {
                    return Ok(None);
                }
                self.state = self.body(head);
                Ok(Some(Part::Head))
            }
            State::Length(0) => self.end(),
            State::Length(_) | State::UntilEof if input.is_empty() => Ok(None),
            State::Length(left) => {
                let count = usize::try_from(*left).map_or(input.len(), |n| n.min(input.len()));
                let (data, rest) = input.split_at(count);
                *input = rest;
                *left -= count as u64;
                Ok(Some(Part::Data(data)))
            }
            State::UntilEof => Ok(Some(Part::Data(std::mem::take(input)))),
            State::Chunked(decoder) => match decoder.next(input)? {
                Some(Piece::Data(data)) => Ok(Some(Part::Data(data))),
                Some(Piece::Last) => {
                    self.state = State::Trailers;
                    self.step(input, head, limits)
                }
                None => Ok(None),
            },
            State::Trailers => {
                if self.torn.bytes.is_empty()
                    && let [b'\r', b'\n', rest @ ..] = *input
                {
                    *input = rest;
                    return self.end();
                }
                let mut trailers = Box::<Head>::default();
                if !self.torn.collect(input, limits, 0, |bytes| {
                    trailers.parse_trailers(bytes, limits)
                })? {
                    return Ok(None);
                }
                self.trailers = Some(trailers).filter(|trailers| trailers.raw_headers().len() > 0);
                self.end()
            }
            State::Over => Ok(None),
        }
    }

    /// A client may send empty lines between its requests; they belong to none.
    fn skip_empty_lines(&mut self, input: &mut &[u8]) {
        if self.responses {
            return;
        }
        if self.torn.bytes == b"\r"
            && let [b'\n', rest @ ..] = *input
        {
            self.torn = Torn::default();
            *input = rest;
        }
        while self.torn.bytes.is_empty()
            && let [b'\r', b'\n', rest @ ..] = *input
        {
            *input = rest;
        }
    }

    /// What follows a head.
    fn body(&mut self, head: &Head) -> State {
        let facts = head.facts();
        let status = head.status_code();
        let bodiless = std::mem::take(&mut self.bodiless);
        if self.responses {
            if (100..200).contains(&status) {
                // One that informs: the real one is still to come, unless it switches protocols.
                self.bodiless = bodiless;
                return if status == 101 {
                    State::Over
                } else {
                    State::Head
                };
            }
            if bodiless || matches!(status, 204 | 304) {
                return State::Length(0);
            }
        }
        match facts.length {
            _ if facts.chunked => State::Chunked(ChunkDecoder::new()),
            Some(length) => State::Length(length),
            None if self.responses => State::UntilEof,
            None => State::Length(0),
        }
    }

    fn end<'a>(&mut self) -> Result<Option<Part<'a>>, ParseError> {
        self.state = State::Head;
        Ok(Some(Part::End))
    }

    /// No more input will come: true if that completes a message.
    ///
    /// # Errors
    ///
    /// When it came within a message.
    pub fn finish(&mut self) -> Result<bool, ParseError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::UntilEof => Ok(true),
            State::Head if self.torn.bytes.is_empty() => Ok(false),
            State::Over => Ok(false),
            _ => Err(ParseError::Eof),
        }
    }

    /// Takes nothing more: what is left of the input is not HTTP.
    pub fn stop(&mut self) {
        self.state = State::Over;
        self.torn = Torn::default();
    }

    /// The fields that came behind a body in chunks, once after its end.
    pub fn take_trailers(&mut self) -> Option<Box<Head>> {
        self.trailers.take()
    }

    /// Whether it waits for the body of a message, so that the next part may be data.
    #[must_use]
    pub fn in_body(&self) -> bool {
        !matches!(self.state, State::Head | State::Over | State::Length(0))
    }

    /// Whether so many bytes hold the rest of a body whose length is known.
    pub(in crate::http) fn ends_within(&self, bytes: usize) -> bool {
        matches!(self.state, State::Length(left) if left <= bytes as u64)
    }

    /// Whether what comes next belongs to a message whose head has come.
    pub(in crate::http) fn in_message(&self) -> bool {
        !matches!(self.state, State::Head | State::Over)
    }

    /// Whether it is between two messages.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Head) && self.torn.bytes.is_empty()
    }
}

/// What has come of a block of lines: a head, or fields behind a body.
#[derive(Clone, Debug, Default)]
struct Torn {
    bytes: Vec<u8>,
    /// So many of them are whole lines that were found to be right, and so many lines.
    checked: usize,
    lines: usize,
}

impl Torn {
    /// Has the block parsed from the input, together with what was kept of it; true once it is
    /// complete. The same bytes have the same outcome however they were split, and lines that have
    /// been checked are not parsed again before the end has come; a torn line is. So many lines come
    /// before the fields.
    fn collect(
        &mut self,
        input: &mut &[u8],
        limits: &Limits,
        before: usize,
        mut parse: impl FnMut(&[u8]) -> Result<Option<usize>, ParseError>,
    ) -> Result<bool, ParseError> {
        if input.is_empty() {
            return Ok(false);
        }
        let max = limits.max_header_size;
        let kept = self.bytes.len();
        // The limit may have been lowered meanwhile.
        let more = &input[..input.len().min(max.saturating_sub(kept))];
        let complete = if kept == 0 {
            parse(more)?
        } else {
            self.bytes.extend_from_slice(more);
            match self.checked > 0 && !has_empty_line(&self.bytes[kept.saturating_sub(3)..]) {
                true => match self.check(limits, before) {
                    Ok(part) => part,
                    // What it is called is known of the whole only.
                    Err(error) => {
                        parse(&self.bytes)?.map_or(Err(error), |length| Ok(Some(length)))?
                    }
                },
                false => parse(&self.bytes)?,
            }
        };
        match complete {
            Some(length) => {
                *input = &input[length - kept..];
                *self = Self::default();
                Ok(true)
            }
            None if kept + input.len() > max => Err(ParseError::HeaderOverflow),
            None => {
                if kept == 0 {
                    self.bytes.extend_from_slice(more);
                }
                self.note_checked();
                *input = &[];
                Ok(false)
            }
        }
    }

    /// Checks what has not been: the lines behind those that were, and what there is of the next.
    fn check(&self, limits: &Limits, before: usize) -> Result<Option<usize>, ParseError> {
        let fields = self.lines.saturating_sub(before);
        let most = limits.max_headers_count.saturating_sub(fields);
        Head::check_fields(&self.bytes[self.checked..], most)?;
        Ok(None)
    }

    /// The lines that are whole now were found to be right.
    fn note_checked(&mut self) {
        let fresh = &self.bytes[self.checked..];
        // Empty lines before the first are no lines of it.
        let is_text = |byte: &u8| self.checked > 0 || !matches!(byte, b'\r' | b'\n');
        let Some(start) = fresh.iter().position(is_text) else {
            return;
        };
        if let Some(last) = memchr::memrchr(b'\n', &fresh[start..]) {
            self.lines += memchr::memchr_iter(b'\n', &fresh[start..]).count();
            self.checked += start + last + 1;
        }
    }
}

/// Whether bytes have the end of a block of lines in them.
fn has_empty_line(bytes: &[u8]) -> bool {
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    ends.any(|at| matches!(bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a head of many fields that is parsed anew with every piece of it that comes.
    #[test]
    fn a_head_that_drips_in_is_parsed_no_more_than_twice() {
        let fields = "A: b\r\n".repeat(1000);
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        let (limits, mut torn, mut parsed) = (Limits::default(), Torn::default(), 0);
        for (at, byte) in head.bytes().enumerate() {
            let complete = torn.collect(&mut &[byte][..], &limits, 1, |bytes| {
                parsed += bytes.len();
                Head::default().parse_request(bytes, &limits)
            });
            assert_eq!(complete, Ok(at + 1 == head.len()));
        }
        assert!(parsed < 2 * head.len(), "{parsed} of {}", head.len());
    }

    /// Catches: fields of lines that were checked before and do not count any more, so that a head
    /// that drips in is refused at its end only.
    #[test]
    fn too_many_fields_are_refused_with_the_first_too_many_however_they_come() {
        let start = "GET / HTTP/1.1\r\nHost: x\r\n";
        let head = format!("{start}{}", "A: b\r\n".repeat(20));
        let limits = Limits {
            max_headers_count: 4,
            ..Limits::default()
        };
        for size in 1..head.len() {
            let mut parser = Parser::requests();
            let mut refused = None;
            for (at, mut piece) in head.as_bytes().chunks(size).enumerate() {
                match parser.next_within(&mut piece, &mut Head::default(), &limits) {
                    Ok(part) => assert_eq!(part, None),
                    Err(error) => {
                        assert_eq!(error, ParseError::HeaderOverflow);
                        refused = Some(at);
                        break;
                    }
                }
            }
            let refused = refused.expect("it has too many") * size;
            let fifth = start.len() + "A: b\r\n".len() * 4;
            assert!(refused <= fifth, "at {refused}, in pieces of {size}");
        }
    }

    /// Catches: an underflow, and with it a head that is read on and on.
    #[test]
    fn a_limit_that_is_lowered_holds_for_what_is_torn() {
        let (mut parser, mut head) = (Parser::requests(), Head::default());
        let mut limits = Limits::default();
        let mut first = &b"GET / HTTP/1.1\r\nHost: x\r\n"[..];
        let part = parser.next_within(&mut first, &mut head, &limits);
        assert_eq!(part, Ok(None));
        limits.max_header_size = 10;
        let part = parser.next_within(&mut &b"A: b\r\n"[..], &mut head, &limits);
        assert_eq!(part, Err(ParseError::HeaderOverflow));
    }
}

//! Messages out of bytes, however these are split: no socket, no time, no memory but of a torn
//! head.

use super::chunked::{ChunkDecoder, Piece};
use super::{Head, Limits, ParseError};

/// Parts of messages that the bytes of one connection are taken apart into in one turn at most:
/// chunks of a byte each are a thousand times the work of one that is as long as all of them.
pub(super) const PARTS_PER_TURN: u32 = 1024;

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
    torn: Vec<u8>,
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
            torn: Vec::new(),
            trailers: None,
        }
    }

    /// Bytes of memory that it holds for what is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        self.torn.capacity()
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
                let complete = collect(&mut self.torn, input, limits, |bytes| {
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
                if self.torn.is_empty()
                    && let [b'\r', b'\n', rest @ ..] = *input
                {
                    *input = rest;
                    return self.end();
                }
                let mut trailers = Box::<Head>::default();
                if !collect(&mut self.torn, input, limits, |bytes| {
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
        if self.torn == b"\r"
            && let [b'\n', rest @ ..] = *input
        {
            self.torn = Vec::new();
            *input = rest;
        }
        while self.torn.is_empty()
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
            State::Head if self.torn.is_empty() => Ok(false),
            State::Over => Ok(false),
            _ => Err(ParseError::Eof),
        }
    }

    /// Takes nothing more: what is left of the input is not HTTP.
    pub fn stop(&mut self) {
        self.state = State::Over;
        self.torn = Vec::new();
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

    /// Whether what comes next belongs to a message whose head has come.
    pub(super) fn in_message(&self) -> bool {
        !matches!(self.state, State::Head | State::Over)
    }

    /// Whether it is between two messages.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Head) && self.torn.is_empty()
    }
}

/// Has a block of lines parsed from the input, together with what was kept of it; true once it is
/// complete. The same bytes have the same outcome however they were split.
fn collect(
    torn: &mut Vec<u8>,
    input: &mut &[u8],
    limits: &Limits,
    mut parse: impl FnMut(&[u8]) -> Result<Option<usize>, ParseError>,
) -> Result<bool, ParseError> {
    if input.is_empty() {
        return Ok(false);
    }
    let max = limits.max_header_size;
    let kept = torn.len();
    let more = &input[..input.len().min(max - kept)];
    let complete = if kept == 0 {
        parse(more)?
    } else {
        torn.extend_from_slice(more);
        parse(torn)?
    };
    match complete {
        Some(length) => {
            *input = &input[length - kept..];
            *torn = Vec::new();
            Ok(true)
        }
        None if kept + input.len() > max => Err(ParseError::HeaderOverflow),
        None => {
            if kept == 0 {
                torn.extend_from_slice(more);
            }
            *input = &[];
            Ok(false)
        }
    }
}

//! The bytes of one connection become responses, one after the other.

use crate::http::message::incoming::Incoming;
use crate::http::message::{Head, Limits, PARTS_PER_TURN, ParseError, Parser, Part};

/// Bytes of a response that are kept while it does not flow; what is behind them has to wait
/// (Node's high-water mark).
const KEPT: usize = 16 * 1024;

/// What was asked for on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// The head of the response is awaited.
    Awaited,
    /// It has come.
    Answered,
}

/// A response, and what the driver keeps with it.
#[derive(Debug)]
pub(in crate::http) struct Received<T> {
    pub(in crate::http) incoming: Incoming,
    pub(in crate::http) companion: T,
}

/// What a client keeps of what comes on a connection.
pub(in crate::http) struct Receiving<T> {
    parser: Parser,
    asked: Asked,
    /// The request is a CONNECT.
    connects: bool,
    limits: Limits,
    /// The last response, kept up to the next.
    response: Option<Box<Received<T>>>,
    /// Its number: it tells it from those before on the same connection.
    number: u32,
    /// Parts that the bytes that came last were taken apart into.
    parts: u32,
    /// Nothing more is read until somebody wants what has come.
    paused: bool,
    /// Nothing that comes is of any use any more.
    over: bool,
}

/// What the bytes are.
#[derive(Debug)]
pub(in crate::http) enum Event<'a> {
    /// Nothing was asked for: what comes now must not be taken for the next response.
    Unasked,
    /// The server has said something in advance.
    Information(Head),
    /// The head of the response has come; it is kept.
    Response,
    /// The server has switched protocols, or has answered a CONNECT: what comes behind this is no
    /// HTTP.
    Switched { head: Head, connect: bool },
    /// Some of the body.
    Data(&'a [u8]),
    /// The response is complete; and if more came with it, which ends the connection, whether that
    /// could be a response, had one been asked for.
    End {
        trailers: Option<Box<Head>>,
        surplus: Option<Result<(), ParseError>>,
    },
    /// It is no response.
    Fault(ParseError),
    /// That was enough for a turn: the rest is to come back in the next.
    Later,
    /// The response does not flow, and enough of it is kept: the rest is to come back when somebody
    /// wants it.
    Full,
}

/// What the server's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum EndOfStream {
    /// It completes the response.
    Complete,
    /// It comes before there is one.
    HungUp,
    /// Nothing: the close will tell.
    Nothing,
}

/// What was under way when the connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Closed {
    Nothing,
    /// There was no response yet.
    HungUp,
    /// The response is not complete.
    CutShort,
    /// It is; its end may still be to be told.
    Complete,
}

impl<T: Default> Receiving<T> {
    pub(in crate::http) fn new() -> Self {
        Self {
            parser: Parser::responses(),
            limits: Limits::default(),
            asked: Asked::Nothing,
            connects: false,
            response: None,
            number: 0,
            parts: 0,
            paused: false,
            over: false,
        }
    }

    /// The connection serves another request from now on.
    pub(in crate::http) fn serve(&mut self) {
        self.asked = Asked::Awaited;
    }

    /// What of the request bears on how its response is read.
    pub(in crate::http) fn expect(&mut self, method: &str, limits: Limits) {
        self.limits = limits;
        self.parser.set_bodiless(method == "HEAD");
        self.connects = method == "CONNECT";
    }

    /// It serves none.
    pub(in crate::http) fn release(&mut self) {
        self.asked = Asked::Nothing;
    }

    /// Bytes have come: a turn's worth of parts is taken off them.
    pub(in crate::http) fn begin(&mut self) {
        self.parts = 0;
    }

    /// Takes what is next off the input, until it is used up, or more than that is needed.
    pub(in crate::http) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Event<'a>> {
        if self.over {
            return None;
        }
        if self.asked == Asked::Nothing {
            self.over = true;
            return Some(Event::Unasked);
        }
        loop {
            if !input.is_empty() && self.parts == PARTS_PER_TURN {
                return Some(Event::Later);
            }
            let Some(window) = self.room(input.len()) else {
                self.paused = true;
                return Some(Event::Full);
            };
            self.parts += 1;
            let mut head = Head::default();
            let (mut now, limited) = (&input[..window], window < input.len());
            let part = self.parser.next_within(&mut now, &mut head, &self.limits);
            *input = &input[window - now.len()..];
            return match part {
                Ok(None) if limited => continue,
                Ok(None) => None,
                Ok(Some(Part::Head)) => Some(self.head(head)),
                Ok(Some(Part::Data(bytes))) => Some(Event::Data(bytes)),
                Ok(Some(Part::End)) => Some(self.end(input)),
                Err(error) => {
                    self.over = true;
                    Some(Event::Fault(error))
                }
            };
        }
    }

    fn head(&mut self, head: Head) -> Event<'static> {
        let status = head.status_code();
        if self.connects || status == 101 {
            self.over = true;
            let connect = self.connects;
            return Event::Switched { head, connect };
        }
        if (100..200).contains(&status) {
            return Event::Information(head);
        }
        self.asked = Asked::Answered;
        self.number = self.number.wrapping_add(1);
        self.response = Some(Box::new(Received {
            incoming: Incoming::new(head),
            companion: T::default(),
        }));
        Event::Response
    }

    /// One response is all that was asked for.
    fn end(&mut self, input: &[u8]) -> Event<'static> {
        self.over = !input.is_empty();
        let surplus = self.over.then(|| self.surplus(input));
        let trailers = self.parser.take_trailers();
        Event::End { trailers, surplus }
    }

    /// What came with the end of a response, and does not belong to it: an error if nothing could.
    fn surplus(&mut self, input: &[u8]) -> Result<(), ParseError> {
        let start = input.iter().position(|byte| !b"\r\n".contains(byte));
        let Some(mut input) = start.map(|start| &input[start..]) else {
            return Ok(());
        };
        if self
            .response()
            .is_some_and(|own| !own.incoming.head.facts().keep_alive)
        {
            return Err(ParseError::Closed);
        }
        let parsed = self.parser.next(&mut input, &mut Head::default());
        parsed.map(|_| ())
    }

    /// How many of the bytes that have come may be looked at: all, unless they are of a body that
    /// does not flow, which is kept up to a limit. `None` if the limit is reached. What comes with
    /// the last of a body of a known length does not have to wait: then nothing more is read of it.
    fn room(&self, length: usize) -> Option<usize> {
        let Some(response) = self.response().filter(|_| self.parser.in_body()) else {
            return Some(length);
        };
        let response = &response.incoming;
        let flows = response.is_flowing() && response.kept_bytes() == 0;
        if length == 0 || flows || self.parser.ends_within(length) {
            return Some(length);
        }
        let room = KEPT.saturating_sub(response.kept_bytes());
        (room > 0).then_some(room.min(length))
    }

    /// True, once, if what was to come back can be taken now.
    pub(in crate::http) fn reads_on(&mut self) -> bool {
        std::mem::take(&mut self.paused)
    }

    /// The last response.
    pub(in crate::http) fn response(&self) -> Option<&Received<T>> {
        self.response.as_deref()
    }

    pub(in crate::http) fn response_mut(&mut self) -> Option<&mut Received<T>> {
        self.response.as_deref_mut()
    }

    pub(in crate::http) fn take_response(&mut self) -> Option<Box<Received<T>>> {
        self.response.take()
    }

    /// The number of the last response.
    pub(in crate::http) fn number(&self) -> u32 {
        self.number
    }

    /// The number of the response to the request that is being served, once its head has come.
    pub(in crate::http) fn answer(&self) -> Option<u32> {
        (self.asked == Asked::Answered).then_some(self.number)
    }

    /// How many seconds the server has said that it keeps the connection.
    pub(in crate::http) fn keep_alive_hint(&self) -> Option<u64> {
        let head = &self.response()?.incoming.head;
        let digits = head.header_str("keep-alive")?.strip_prefix("timeout=")?;
        let mut digits = digits.split(|byte: char| !byte.is_ascii_digit());
        digits.next()?.parse().ok()
    }

    /// The server will send no more: that ends a response without a length, and is too soon for any
    /// other.
    pub(in crate::http) fn end_of_stream(&mut self) -> EndOfStream {
        let finished = self.parser.finish() == Ok(true);
        self.over = true;
        match self.asked {
            Asked::Answered if finished => EndOfStream::Complete,
            Asked::Awaited => EndOfStream::HungUp,
            Asked::Answered | Asked::Nothing => EndOfStream::Nothing,
        }
    }

    /// The connection is closed.
    pub(in crate::http) fn close(&mut self) -> Closed {
        self.over = true;
        let complete = self
            .response()
            .is_some_and(|own| own.incoming.is_complete());
        match self.asked {
            Asked::Nothing => Closed::Nothing,
            Asked::Awaited => Closed::HungUp,
            Asked::Answered if complete => Closed::Complete,
            Asked::Answered => Closed::CutShort,
        }
    }
}

//! What ends a connection: faults, the client's end, and deadlines.

use std::time::Duration;

use super::{Clock, Companion, Event, Intake, Pipeline};
use crate::http::message::ParseError;
use crate::http::server::settings::Settings;

/// How long a connection that was given up may be silent before it is closed,
/// and how long it may go on talking. Closing it at once would reset it, and the reset may cost
/// the client the answer.
const LINGER_SILENT: Duration = Duration::from_millis(500);
const LINGER_IN_ALL: u64 = 5000;

/// Bytes that are thrown away of a connection that was given up. It is not read any further: the
/// kernel's buffer fills, and whoever goes on talking waits until the connection is closed.
pub const THROWN_AWAY: u64 = 64 * 1024;

/// What the client's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfStream {
    /// It came within a message: there is something to refuse.
    Fault,
    /// The responses that are still to come are to be sent, and then the connection ends.
    Wait,
    /// What is answered is to be sent, and the connection to be ended.
    End,
    /// The connection was given up before: it is to be ended.
    Over,
}

/// What is to be done with a connection of which something was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discarded {
    ReadOn,
    /// It has had enough: nothing more is read. If it has ended, it may be silent for so
    /// long.
    Pause(Option<Duration>),
    /// It goes on for too long: it is to be closed.
    Close,
}

impl<T: Companion> Pipeline<T> {
    /// Nothing that comes is HTTP any more.
    pub fn is_over(&self) -> bool {
        self.intake == Intake::Over
    }

    /// That is so from now on; true if it was not before.
    pub fn stop(&mut self) -> bool {
        let was_over = self.is_over();
        self.intake = Intake::Over;
        !was_over
    }

    /// What the client sends is no HTTP, or too much of it: no more is read, and as soon as what
    /// came before is answered, so is that.
    pub fn fail(&mut self, error: ParseError) -> Event<'static> {
        self.stop();
        self.received = 0;
        // Whose fault it is: the message's that is being received, or that of a head that is none yet.
        let last = self.known(self.last());
        let receiving = last.is_some_and(|exchange| !exchange.request.is_complete());
        let number = if receiving { self.last() } else { self.begun };
        self.fault = Some((error, number));
        self.parser.stop();
        Event::Fault
    }

    /// What is to be refused, once, when it is its turn; and whether its answer has begun, so that
    /// no other can be given. Nothing, once the last response has ended: what is behind that is
    /// nobody's.
    pub fn take_fault(&mut self) -> Option<(ParseError, bool)> {
        let (shut, begun, ended) = (self.shut, self.begun, self.ended);
        let due =
            |&mut (_, number): &mut (ParseError, u32)| !shut && (begun == ended || ended == number);
        let (error, _) = self.fault.take_if(due)?;
        let answer = self.known(ended).map(|exchange| &exchange.response);
        Some((error, answer.is_some_and(|own| own.outgoing.head_sent)))
    }

    /// The client will send no more. As in Node nothing is answered any more after that, but what
    /// has been answered is still sent; unless it `may_wait` for the rest.
    pub fn end_of_stream(&mut self, may_wait: bool) -> EndOfStream {
        if self.is_over() {
            return EndOfStream::Over;
        }
        if let Err(error) = self.parser.finish() {
            self.fail(error);
            return EndOfStream::Fault;
        }
        let unanswered = self.ended != self.begun;
        match self.exchanges.back_mut().filter(|_| may_wait && unanswered) {
            Some(last) => {
                // Its head says so, if it is still to come.
                let outgoing = &mut last.response.outgoing;
                (outgoing.keep_alive, outgoing.last) = (false, true);
                EndOfStream::Wait
            }
            None => EndOfStream::End,
        }
    }

    /// When the message that is arriving will have taken too long, in the loop's milliseconds. Time
    /// for which the process slept does not count: it was `awake` since then.
    pub fn deadline(&self, awake: u64, settings: &Settings) -> Option<u64> {
        let limit = |ms: u64| if ms > 0 { ms } else { u64::MAX };
        let request = limit(settings.request_timeout);
        let (since, limit) = match self.clock {
            _ if self.is_over() => return None,
            // It is not read on.
            Clock::Head(_) if self.waits_since.is_some() => return None,
            Clock::Stopped | Clock::Lingering(_) => return None,
            Clock::Head(since) => (since, request.min(limit(settings.headers_timeout))),
            Clock::Body(since) => (since, request),
        };
        Some(since.max(awake).saturating_add(limit))
    }

    /// The connection is ended, and what still comes is thrown away for a little while, so that the
    /// client gets to read what it was told. How long it may be silent; and whether
    /// it was not read, and is to be.
    pub fn linger(&mut self, now: u64) -> (Duration, bool) {
        self.stop();
        self.clock = Clock::Lingering(now);
        self.fault = None;
        self.received = 0;
        (LINGER_SILENT, std::mem::take(&mut self.paused))
    }

    /// Bytes have come of a connection that is given up, or will be when it has its answers; it
    /// may have `ended`.
    pub fn throw_away(&mut self, bytes: usize, now: u64, awake: u64, ended: bool) -> Discarded {
        if ended && self.lingers_long(now, awake) {
            return Discarded::Close;
        }
        self.received += bytes as u64;
        // If the program has been told of the fault, its end is the program's to make.
        if self.received <= THROWN_AWAY || !(ended || self.fault.is_some()) {
            return Discarded::ReadOn;
        }
        self.paused = true;
        if self.clock == Clock::Stopped {
            self.clock = Clock::Lingering(now);
        }
        Discarded::Pause(ended.then_some(LINGER_SILENT))
    }

    fn lingers_long(&self, now: u64, awake: u64) -> bool {
        match self.clock {
            Clock::Stopped => false,
            Clock::Head(since) | Clock::Body(since) | Clock::Lingering(since) => {
                now.saturating_sub(since.max(awake)) > LINGER_IN_ALL
            }
        }
    }

    /// Whether it was given up, and has been told all there is to say.
    pub fn is_lingering(&self) -> bool {
        self.is_over() && self.fault.is_none()
    }

    /// It was given up, and nothing came or went for a moment; so many bytes are still with the
    /// socket. Whose system has not even taken what there was for it has a little longer, and so has
    /// who cannot be heard any more: for so long.
    pub fn lingers_on(&self, buffered: usize, now: u64, awake: u64) -> Option<Duration> {
        let unheard = self.paused || buffered > 0;
        (unheard && !self.lingers_long(now, awake)).then_some(LINGER_SILENT)
    }
}

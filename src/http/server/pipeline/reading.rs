//! Bytes become requests, as far as anybody can take them.

use super::ending::THROWN_AWAY;
use super::{Backlog, Clock, Companion, Exchange, Intake, Pipeline};
use crate::http::message::facts::Expects;
use crate::http::message::{Head, PARTS_PER_TURN, ParseError, Part};
use crate::http::server::settings::Settings;

/// Requests of one connection at most that are handed out and not answered yet. What is pipelined
/// beyond them waits in the kernel.
pub const PIPELINED: usize = 64;

/// Requests of one connection that are handed out in one turn at most. Those behind them wait for
/// the next, so that nobody's pipeline holds up the others.
const REQUESTS_PER_TURN: u32 = 16;

/// What the bytes were.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The input is used up, or what is left of it is nobody's.
    Done,
    /// This turn has had enough: the rest of the input is to come back in the next.
    NextTurn,
    /// Nobody can take the rest of the input: it is to come back once that
    /// [changes](Pipeline::reads_on).
    Wait,
    /// A request.
    Request(u32, Route),
    /// The head that was lent asks for another protocol, and somebody speaks it: nothing is HTTP
    /// from here on.
    HandOver { connect: bool },
    /// A CONNECT that nobody is there for, or not yet: the connection is to be closed.
    Close,
    /// Some of the body of a request, never empty.
    Data(u32, &'a [u8]),
    /// A request has come in full.
    End(u32),
    /// What came is no HTTP, or too much of it: it is to be [refused](Pipeline::take_fault).
    Fault,
}

/// Who is to hear of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Request,
    /// The same, if it finds nobody, and its client is to be told to go on first.
    CheckContinue,
    /// It is refused if it finds nobody.
    CheckExpectation,
    /// It is one too many, and refused.
    Drop,
    /// Nobody: it names no host, and is refused.
    Refuse,
}

/// Which other protocols somebody speaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spoken {
    pub upgrade: bool,
    pub connect: bool,
}

impl<T: Companion> Pipeline<T> {
    /// Bytes of a new turn come: their work is counted anew.
    pub fn begin_turn(&mut self) {
        self.parts = 0;
        self.last_of_turn = self.begun.wrapping_add(REQUESTS_PER_TURN);
    }

    /// How much work the bytes were that came last.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// Whether a head is next.
    pub fn awaits_head(&self) -> bool {
        !self.parser.in_message()
    }

    /// Takes bytes apart, up to the next thing that somebody has to hear of. To be called until it
    /// is [`Event::Done`], or the input is to come back. A head goes into the exchange that is
    /// lent, which is taken if the head becomes a request.
    pub fn read<'a>(
        &mut self,
        input: &mut &'a [u8],
        lent: &mut Option<Box<Exchange<T>>>,
        now: u64,
        backlog: Backlog,
        settings: &Settings,
        spoken: Spoken,
    ) -> Event<'a> {
        if self.is_over() || (input.is_empty() && self.parser.is_idle()) {
            return Event::Done;
        }
        if self.parser.in_message() && self.received > settings.max_body {
            return self.fail(ParseError::BodyTooLarge);
        }
        if !input.is_empty() {
            self.go_on(now);
            if self.waits(backlog) {
                self.paused = true;
                self.waits_since = Some(now);
                return Event::Wait;
            }
            let open = self.intake == Intake::Open;
            let many = self.begun == self.last_of_turn && self.parser.is_idle() && open;
            if many || self.parts >= PARTS_PER_TURN {
                return Event::NextTurn;
            }
        }
        if self.parser.is_idle() {
            if self.intake == Intake::Closing {
                self.received += input.len() as u64;
                return Event::Done; // what comes behind the last request is nobody's
            }
            if self.clock == Clock::Stopped {
                self.clock = Clock::Head(now);
            }
        }
        let mut no_head = Head::default();
        let head = match self.awaits_head() {
            true => &mut lent.get_or_insert_default().request.head,
            false => &mut no_head,
        };
        self.parts += 1;
        match self.parser.next_within(input, head, &settings.limits) {
            Ok(None) => {
                if self.parser.is_idle() && self.begun > 0 {
                    self.clock = Clock::Stopped; // empty lines are no message
                }
                Event::Done
            }
            Ok(Some(Part::Head)) => self.begin(lent, settings, spoken),
            Ok(Some(Part::Data(bytes))) => {
                let room = settings.max_body.saturating_sub(self.received);
                self.received += bytes.len() as u64;
                match usize::try_from(room).map_or(bytes, |room| &bytes[..room.min(bytes.len())]) {
                    [] => self.fail(ParseError::BodyTooLarge),
                    // What is behind that is too much, and refused next.
                    bytes => Event::Data(self.last(), bytes),
                }
            }
            Ok(Some(Part::End)) => {
                self.clock = Clock::Stopped;
                Event::End(self.last())
            }
            Err(error) => self.fail(error),
        }
    }

    /// The fields behind the body that has ended, once.
    pub fn take_trailers(&mut self) -> Option<Box<Head>> {
        self.parser.take_trailers()
    }

    /// A head has come.
    fn begin(
        &mut self,
        lent: &mut Option<Box<Exchange<T>>>,
        settings: &Settings,
        spoken: Spoken,
    ) -> Event<'static> {
        if let Clock::Head(since) = self.clock {
            self.clock = Clock::Body(since);
        }
        self.received = 0;
        let exchange = lent.get_or_insert_default();
        let (facts, head) = (*exchange.request.head.facts(), &exchange.request.head);
        let connect = head.is_method("CONNECT");
        // Nothing can be handed over before what came in front of it is answered.
        let answered = self.ended == self.begun;
        if connect && !(spoken.connect && answered) {
            return Event::Close;
        }
        let upgrades = facts.upgrade && (settings.should_upgrade)(head);
        if connect || (upgrades && spoken.upgrade && answered) {
            return Event::HandOver { connect };
        }
        if facts.length.is_some_and(|bytes| bytes > settings.max_body) {
            return self.fail(ParseError::BodyTooLarge);
        }
        let number = self.begun;
        let current = head.http_version() != "1.0";
        let max = settings.max_requests_per_socket;
        let route = match facts.expects {
            _ if !current => Route::Request,
            _ if !facts.host => Route::Refuse,
            _ if max > 0 && number >= max => Route::Drop,
            Expects::Nothing => Route::Request,
            Expects::Continue => Route::CheckContinue,
            Expects::SomethingElse => Route::CheckExpectation,
        };
        let response = &mut exchange.response;
        response.outgoing.bodiless = head.is_method("HEAD");
        response.outgoing.chunks = current;
        response.outgoing.keep_alive = facts.keep_alive;
        response.awaits_continue = route == Route::CheckContinue;
        exchange.number = number;
        self.begun = number.wrapping_add(1);
        if !facts.keep_alive {
            self.close_intake();
        }
        self.exchanges.extend(lent.take());
        Event::Request(number, route)
    }

    /// What is read now may have waited for the program: that was not the client's time.
    fn go_on(&mut self, now: u64) {
        let waited = self
            .waits_since
            .take()
            .map(|since| now.saturating_sub(since));
        if let (Some(waited), Clock::Head(since)) = (waited, self.clock) {
            self.clock = Clock::Head(since + waited);
        }
    }

    /// No further request is taken.
    pub(super) fn close_intake(&mut self) {
        self.intake = self.intake.max(Intake::Closing);
    }

    /// Whether nobody can take what comes next: a message that does not flow and is full, a client
    /// that does not read its responses, or too many requests in a row.
    fn waits(&self, backlog: Backlog) -> bool {
        let full = backlog.full;
        let enough = self.received > THROWN_AWAY;
        if self.is_over() && enough {
            return true;
        }
        if self.parser.in_body() {
            // Nobody waits for the body of a request that has its response.
            let exchange = self.known(self.last());
            return exchange.is_some_and(|exchange| exchange.request.is_full(full));
        }
        if self.parser.in_message() {
            return false; // its end is known without another byte
        }
        if self.intake == Intake::Closing && enough {
            return true;
        }
        // Answered ones that the program has paused are not done with, either.
        let unanswered = self.exchanges.len();
        let unfinished = unanswered + self.leaving.len();
        let all = self.exchanges.iter().chain(&self.leaving);
        let bodies: usize = all.map(|exchange| exchange.request.kept_bytes()).sum();
        let has_much = unanswered > 0 && self.held() + backlog.queued + bodies >= full;
        self.held_back || unfinished >= PIPELINED || has_much || bodies >= full
    }

    /// True, once, if what was to come back can be taken now.
    pub fn reads_on(&mut self, backlog: Backlog) -> bool {
        self.paused && !self.waits(backlog) && std::mem::take(&mut self.paused)
    }

    /// The program wants no further request for now.
    pub fn hold_back(&mut self) {
        self.held_back = true;
    }

    pub fn is_held_back(&self) -> bool {
        self.held_back
    }

    /// It wants requests again; false if it always did.
    pub fn let_come(&mut self) -> bool {
        std::mem::take(&mut self.held_back)
    }
}

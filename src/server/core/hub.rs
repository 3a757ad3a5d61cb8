//! The hub: the chat, and what is due to each member, without a socket, a clock or a loop.
//!
//! A door turns what happens to its sockets into calls of a [`Hub`], with the time as an argument,
//! and does what follows:
//!
//! 1. A call ([`connect`](Hub::connect), [`frame`](Hub::frame), [`disconnect`](Hub::disconnect)
//!    ...) leaves [`effects`](Hub::effects).
//! 2. [`apply`](Hub::apply) passes them on to the [fan-out](crate::server::core::fan_out), in order.
//! 3. Once the door is done with its event, [`next_gone`](Hub::next_gone) tells whose connections
//!    are to be ended, and [`take_asked`](Hub::take_asked) what only a door can answer.
//! 4. In the check phase [`deliver`](Hub::deliver) writes to each member once, and judges by what
//!    the system did not take who reads too slowly.
//!
//! It is the half of the server that can be driven without a network: `examples/simulate` does.

mod drafts;
mod effects;
mod private;
mod queries;
mod resume;
mod sessions;
mod sweeps;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use crate::chat::{
    self, Answer, Chat, DisconnectReason, Effect, EventId, Millis, Peer, Question, Refusal, Text,
};
use crate::room_log::{MemoryLog, RoomLog};
use crate::server::Config;
use crate::server::core::cost::Cost;
use crate::server::core::digests::Digests;
use crate::server::core::fan_out::{FanOut, Payload, Standing};
use crate::server::core::farewells::Farewells;
use crate::server::core::framing::Frame;
use crate::server::core::moment::Moment;
use crate::server::core::rendering::{Framing, FramingId};
use crate::server::core::resuming::Resuming;
use crate::server::core::sessions::{SessionId, Sessions};
use crate::server::core::slow_readers::{OutboxLimits, SlowReaders, Verdict};
use drafts::Drafts;
use private::Aside;
use queries::Queries;
pub use resume::{HeardUpTo, Resumed};
use sessions::Call;

/// Those who have said nothing for too long are looked for no more often, in milliseconds.
const IDLE_SWEEP_MS: Millis = 1000;

/// A door stops reading from whoever has this many bytes waiting, until it has read them all; see
/// [`Hub::high_water_mark`].
const HIGH_WATER_MARK: u32 = 16 * 1024;

/// The chat and what is due to its members; see the [module](self).
pub struct Hub {
    config: Rc<Config>,
    pub(in crate::server) chat: Chat,
    pub(in crate::server) fan_out: FanOut,
    digests: Digests,
    slow_readers: SlowReaders,
    /// When those are looked for next who have said nothing for too long.
    idle_sweep: Option<Millis>,
    pub(in crate::server) farewells: Farewells,
    /// When something happened last.
    at: Moment,
    /// Whose greeting is to wait.
    newcomer: Option<SessionId>,
    /// What was not passed on yet. Kept for its memory.
    effects: Vec<Effect>,
    log: Box<dyn RoomLog>,
    drafts: Drafts,
    queries: Queries,
    pub(in crate::server) resuming: Resuming,
    /// As what their clients know the messages among the effects, if they do.
    named: HashMap<EventId, Text>,
    /// Effects with something for the log among them, for a moment. Kept for its memory.
    drafted: Vec<Effect>,
    /// What only a door can do.
    asked: Vec<Asked>,
    /// Sessions that have ended, or whose members the chat has removed, whose connections are still
    /// to be closed.
    leaving: Vec<(SessionId, Option<DisconnectReason>)>,
    sessions: Sessions,
    /// What has come of one session, in order. Kept as long as somebody has several.
    calls: Vec<Call>,
    /// What was said last to one member alone.
    asides: HashMap<EventId, Aside>,
    lines: u64,
}

/// What waits for a member after a write, or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that the system has not taken yet.
    pub waiting: usize,
    /// Bytes that it ever took.
    pub sent: u64,
}

/// What only a door can do.
#[derive(Debug)]
pub enum Asked {
    /// Answer somebody what it wants to know.
    Question {
        /// Who wants to know it.
        asking: SessionId,
        /// What.
        what: Question,
    },
    /// End the server, in the way in which a signal would end it.
    Shutdown,
}

impl Hub {
    /// An empty chat, whose members have one of these framings each.
    #[must_use]
    pub fn new(config: Rc<Config>, framings: &'static [Framing]) -> Self {
        Self::with_log(config, framings, Box::new(MemoryLog::default()))
    }

    /// The same, with another log than the one that keeps nothing.
    #[must_use]
    pub fn with_log(
        config: Rc<Config>,
        framings: &'static [Framing],
        log: Box<dyn RoomLog>,
    ) -> Self {
        // Nobody goes for what these hold, so that they are a small part of the budget for all.
        let share = usize::try_from(config.max_memory / 8).unwrap_or(usize::MAX);
        let mut drafts = Drafts::new();
        drafts.limit(share);
        let mut resuming = Resuming::default();
        resuming.limit(share);
        let mut hub = Self {
            chat: Chat::new(chat::Config {
                is_kept: log.keeps_rooms(),
                ..config.chat()
            }),
            slow_readers: SlowReaders::new(OutboxLimits {
                soft: config.outbox_soft as usize,
                hard: config.outbox_hard as usize,
                stall: seconds(config.stall_timeout),
            }),
            config,
            fan_out: FanOut::new(framings),
            digests: Digests::default(),
            idle_sweep: None,
            farewells: Farewells::default(),
            at: Moment::default(),
            newcomer: None,
            effects: Vec::new(),
            log,
            drafts,
            queries: Queries::default(),
            resuming,
            named: HashMap::new(),
            drafted: Vec::new(),
            asked: Vec::new(),
            leaving: Vec::new(),
            sessions: Sessions::default(),
            calls: Vec::new(),
            asides: HashMap::new(),
            lines: 0,
        };
        hub.recall_first_room();
        hub
    }

    /// Bytes a line may have.
    #[must_use]
    pub(in crate::server) fn max_line(&self) -> usize {
        self.config.max_line as usize
    }

    /// The chat, to look at.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    /// Lets a newcomer in. Its greeting waits a moment for company; see [`FanOut::let_wait`].
    ///
    /// # Errors
    ///
    /// What [`Chat::connect`] has against it, and nothing has happened.
    pub fn connect(
        &mut self,
        peer: Peer,
        framing: FramingId,
        at: Moment,
    ) -> Result<SessionId, DisconnectReason> {
        self.at = at;
        let member = self.chat.connect(peer, at.now, at.utc, &mut self.effects)?;
        let session = member.into();
        self.fan_out.admit(session, framing);
        self.welcome(session);
        Ok(session)
    }

    /// A newcomer that has said nothing yet has another framing from now on. It is told `first`,
    /// whole lines of that, and greeted anew: what it was told so far does not count.
    pub(in crate::server) fn begin_anew(
        &mut self,
        session: SessionId,
        framing: FramingId,
        first: &[u8],
        at: Moment,
    ) {
        self.apply();
        self.at = at;
        let Some(member) = self.member(session) else {
            return;
        };
        self.fan_out.reframe(session, framing);
        self.fan_out.tell_as_it_is(session, first);
        let before = self.effects.len();
        let Moment { now, utc } = at;
        self.chat.welcome_again(member, now, utc, &mut self.effects);
        self.note_call(session, before);
    }

    /// What a newcomer has sent so far may be no chat: see [`Chat::withhold`].
    pub fn withhold(&mut self, session: SessionId, now: Millis) {
        if let Some(member) = self.member(session) {
            self.chat.withhold(member, now);
        }
    }

    /// What a session's line decoder gave: a line for the chat, or one that is too long.
    pub fn frame(&mut self, session: SessionId, frame: Frame<'_>, at: Moment) {
        self.frame_as(session, None, frame, at);
    }

    /// The same of a line that its client knows by an id of its own, if there is one: if it is a
    /// message that was said before, it is not said again.
    pub fn frame_as(
        &mut self,
        session: SessionId,
        client_id: Option<&Text>,
        frame: Frame<'_>,
        at: Moment,
    ) {
        self.apply_what_was();
        let Some(member) = self.member(session) else {
            return;
        };
        self.at = at;
        self.asides.clear();
        let before = self.effects.len();
        self.lines += 1;
        if client_id.is_some_and(|client_id| self.was_said(session, client_id)) {
            return;
        }
        match frame {
            Frame::Line(line) if self.hears_later(session, member, client_id, line) => {}
            Frame::Line(line) => {
                let Moment { now, utc } = at;
                self.chat.line(member, line, now, utc, &mut self.effects);
                self.hold_off(client_id, before);
                self.give_to_log(Some(session), client_id, before, at);
                self.note_call(session, before);
            }
            Frame::TooLong => {
                let limit = self.config.max_line;
                self.tell(session, Answer::Refused(Refusal::LineTooLong { limit }));
            }
        }
    }

    /// What a line of a session's will cost beyond its bytes, as far as that can be told before it
    /// is heard: what it would have repeated to it.
    pub(in crate::server) fn foresee(&mut self, session: SessionId, line: &str) -> Cost {
        let Some(member) = self.member(session) else {
            return Cost::NONE;
        };
        let framing = self.fan_out.framing_of(session);
        self.fan_out.price(self.chat.foresee(member, line), framing)
    }

    /// What it will cost to let in somebody who has this framing.
    pub(in crate::server) fn foresee_welcome(&self, framing: FramingId) -> Cost {
        self.fan_out.price(self.chat.foresee_welcome(), framing)
    }

    /// Whether a session does without a message that is for one member alone, and was said by what
    /// this hub was told last, since it does not keep up.
    #[must_use]
    pub fn spares(&self, session: SessionId, message: EventId) -> bool {
        let aside = self.asides.get(&message);
        aside.is_some_and(|aside| aside.spared.contains(&session))
    }

    /// How many lines members have said, commands and refused ones included.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Tells one session something.
    pub fn tell(&mut self, session: SessionId, answer: Answer) {
        if let Some(to) = self.member(session) {
            let before = self.effects.len();
            self.effects.push(Effect::Tell { to, answer });
            self.note_call(session, before);
        }
    }

    /// Tells one session something that only its framing has words for: whole lines, as they are.
    pub fn tell_as_it_is(&mut self, to: SessionId, lines: &[u8]) {
        self.apply(); // it comes after what is on its way
        if !lines.is_empty() && self.is_here(to) {
            self.fan_out.tell_as_it_is(to, lines);
        }
    }

    /// The effects that are still to be [applied](Self::apply), and those that a door has to see
    /// to.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Whether the door may go on to the next line. After a large answer the member has to be seen
    /// reading it first; what only a door can answer is answered before the next line.
    #[must_use]
    pub fn takes_more(&self) -> bool {
        self.leaving.is_empty() && !self.fan_out.is_large() && self.asked.is_empty()
    }

    /// What only the door can do; after [`apply`](Self::apply).
    pub fn take_asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }

    /// Whether there is anything to [`deliver`](Self::deliver), to members or to the log.
    #[must_use]
    pub fn has_deliveries(&self) -> bool {
        !self.fan_out.is_empty() || self.has_appended()
    }

    /// Whether so much is to be delivered that the check phase should not be waited for.
    #[must_use]
    pub fn has_large_deliveries(&self) -> bool {
        self.fan_out.is_large()
    }

    /// Writes what the turn has brought, once per member, and tells the log that it is over. `write`
    /// returns what waits for that
    /// member after it: `None` if nothing does, or if there is no connection any more. Whoever has
    /// too much waiting is returned, with the reason to [disconnect](Self::disconnect) it for.
    #[must_use]
    pub fn deliver(
        &mut self,
        now: Millis,
        mut write: impl FnMut(SessionId, Payload<'_>) -> Option<Progress>,
    ) -> Vec<(SessionId, DisconnectReason)> {
        self.flush();
        let mut too_slow = Vec::new();
        let hard = self.config.outbox_hard;
        let slow_readers = &mut self.slow_readers;
        let (chat, sessions) = (&self.chat, &self.sessions);
        self.fan_out
            .deliver(chat, sessions, |session, payload, own| {
                let Some(Progress { waiting, sent }) = write(session, payload) else {
                    return Standing::KeepsUp; // nearly always
                };
                match slow_readers.written(session, waiting, sent, own, now) {
                    Verdict::Fine => Standing::KeepsUp,
                    Verdict::Behind => Standing::Behind,
                    Verdict::Full => Standing::Full,
                    Verdict::TooMuch => {
                        let limit = hard as usize;
                        too_slow.push((session, DisconnectReason::ReadTooSlowly { limit }));
                        Standing::Full
                    }
                }
            });
        too_slow
    }

    /// Everything that waited for a session has been sent. It is told how much it was spared.
    pub fn caught_up(&mut self, session: SessionId) {
        let missed = self.slow_readers.forget(session);
        self.tell_missed(session, missed);
        match self.fan_out.catch_up(session) {
            0 => {}
            count => {
                let (count, history) = (count as usize, self.config.history as usize);
                self.tell(session, Answer::Skipped { count, history });
            }
        }
    }

    fn tell_missed(&mut self, session: SessionId, missed: u32) {
        if missed > 0 {
            let count = missed as usize;
            self.tell(session, Answer::Missed { count });
        }
    }

    /// Whether nothing is kept of anyone: what must hold when everybody has left. It looks at every
    /// place there ever was.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        self.chat.member_count() == 0
            && self.chat.room_count() == 1
            && self.leaving.is_empty()
            && self.effects.is_empty()
            && self.asked.is_empty()
            && !self.awaits_news()
            && self.resuming.is_empty()
            && self.digests.is_empty()
            && self.fan_out.is_vacant()
            && self.slow_readers.is_empty()
            && self.sessions.is_empty()
    }
}

/// In milliseconds.
pub(in crate::server) fn seconds(seconds: u32) -> Millis {
    u64::from(seconds) * 1000
}

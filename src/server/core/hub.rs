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

mod effects;
mod sweeps;

use std::rc::Rc;

use crate::chat::{Answer, Chat, DisconnectReason, Effect, MemberId, Millis, Peer, Refusal};
use crate::server::Config;
use crate::server::core::digests::Digests;
use crate::server::core::fan_out::{FanOut, Payload, Standing};
use crate::server::core::farewells::Farewells;
use crate::server::core::framing::Frame;
use crate::server::core::moment::Moment;
use crate::server::core::rendering::{Framing, FramingId};
use crate::server::core::slow_readers::{OutboxLimits, SlowReaders, Verdict};

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
    newcomer: Option<MemberId>,
    /// What was not passed on yet. Kept for its memory.
    effects: Vec<Effect>,
    /// What only a door can do.
    asked: Vec<Effect>,
    /// Members the chat has removed whose connections are still to be closed.
    leaving: Vec<(MemberId, Option<DisconnectReason>)>,
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

impl Hub {
    /// An empty chat, whose members have one of these framings each.
    #[must_use]
    pub fn new(config: Rc<Config>, framings: &'static [Framing]) -> Self {
        Self {
            chat: Chat::new(config.chat()),
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
            asked: Vec::new(),
            leaving: Vec::new(),
            lines: 0,
        }
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
    ) -> Result<MemberId, DisconnectReason> {
        self.at = at;
        let member = self.chat.connect(peer, at.now, at.utc, &mut self.effects)?;
        self.fan_out.admit(member, framing);
        self.newcomer = Some(member);
        if self.config.idle_timeout > 0 {
            let due = at.now + seconds(self.config.idle_timeout);
            self.idle_sweep.get_or_insert(due);
        }
        Ok(member)
    }

    /// What a newcomer has sent so far may be no chat: see [`Chat::withhold`].
    pub fn withhold(&mut self, member: MemberId, now: Millis) {
        self.chat.withhold(member, now);
    }

    /// What a member's line decoder gave: a line for the chat, or one that is too long.
    pub fn frame(&mut self, member: MemberId, frame: Frame<'_>, at: Moment) {
        self.at = at;
        self.lines += 1;
        match frame {
            Frame::Line(line) => {
                let before = self.effects.len();
                let Moment { now, utc } = at;
                self.chat.line(member, line, now, utc, &mut self.effects);
                self.hold_off(before);
            }
            Frame::TooLong => {
                let limit = self.config.max_line;
                self.tell(member, Answer::Refused(Refusal::LineTooLong { limit }));
            }
        }
    }

    /// Takes out the private messages whose reader does not keep up, of the effects from this one
    /// on. The author is told instead.
    fn hold_off(&mut self, first: usize) {
        let Self {
            fan_out,
            slow_readers,
            effects,
            ..
        } = self;
        for effect in &mut effects[first..] {
            let Effect::Private {
                from,
                to,
                message,
                is_ignored: false,
            } = effect
            else {
                continue;
            };
            let (from, to) = (*from, *to);
            if fan_out.skipped(to).is_some() {
                slow_readers.leave_out_private(to);
            } else if slow_readers.takes_private(to, from, message.text.len()) {
                continue;
            }
            let nickname = message.to.clone();
            *effect = Effect::Tell {
                to: from,
                answer: Answer::Refused(Refusal::NotDelivered { nickname }),
            };
        }
    }

    /// How many lines members have said, commands and refused ones included.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Tells one member something.
    pub fn tell(&mut self, to: MemberId, answer: Answer) {
        self.effects.push(Effect::Tell { to, answer });
    }

    /// Tells one member something that only its framing has words for: whole lines, as they are.
    pub fn tell_as_it_is(&mut self, to: MemberId, lines: &[u8]) {
        self.apply(); // it comes after what is on its way
        if self.chat.room_of(to).is_some() {
            self.fan_out.tell_as_it_is(to, lines);
        }
    }

    /// Removes a member from the chat and has its connection ended, with a last word. Does nothing
    /// if it has left.
    pub fn disconnect(&mut self, member: MemberId, reason: DisconnectReason, at: Moment) {
        if self.bid_farewell(member, &reason, at.now) {
            self.remove(member, Some(reason), at);
        }
    }

    /// Tells a member why it has to go, and notes that; false if it has left.
    fn bid_farewell(&mut self, member: MemberId, reason: &DisconnectReason, now: Millis) -> bool {
        let (Some(nickname), Some(peer)) = (self.chat.nickname(member), self.chat.peer(member))
        else {
            return false;
        };
        self.farewells.note(nickname, peer, reason, now);
        self.tell(member, Answer::Disconnected(reason.clone()));
        true
    }

    /// [Disconnects](Self::disconnect) everybody. Nobody is told who else goes.
    pub fn disconnect_everyone(&mut self, reason: &DisconnectReason, at: Moment) {
        self.at = at;
        let everybody: Vec<MemberId> = self.chat.ids().collect();
        for &member in &everybody {
            self.bid_farewell(member, reason, at.now);
        }
        self.chat.leave_all(&mut self.effects);
        let gone = everybody.into_iter();
        self.effects.extend(gone.map(|member| Effect::Disconnect {
            member,
            reason: reason.clone(),
        }));
    }

    /// Removes a member that will say no more, whose peer has ended its side. What it was told is
    /// still sent, and how many messages it was spared; then its connection is ended. Does nothing
    /// if it has left.
    pub fn leave(&mut self, member: MemberId, at: Moment) {
        if self.chat.room_of(member).is_some() {
            // There will be no other time to tell it.
            self.caught_up(member);
            self.remove(member, None, at);
        }
    }

    fn remove(&mut self, member: MemberId, reason: Option<DisconnectReason>, at: Moment) {
        self.at = at;
        self.chat.leave(member, &mut self.effects);
        match reason {
            Some(reason) => self.effects.push(Effect::Disconnect { member, reason }),
            // What follows from it is still to be applied, as after any other call.
            None => self.leaving.push((member, None)),
        }
    }

    /// A member's connection is gone: nothing more can be sent to it. After [`apply`](Self::apply)
    /// the door has the rest [forgotten](Self::forget).
    pub fn gone(&mut self, member: MemberId, at: Moment) {
        self.at = at;
        self.chat.leave(member, &mut self.effects);
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

    /// What only the door can do, [`Effect::Ask`] and [`Effect::Shutdown`]; after
    /// [`apply`](Self::apply).
    pub fn take_asked(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.asked)
    }

    /// Somebody who has left the chat, why the server has ended that if it has, and what is still
    /// to be sent: the door writes that and ends the connection. `None` if there is nobody left of
    /// those.
    pub fn next_gone(&mut self) -> Option<(MemberId, Option<DisconnectReason>, Vec<u8>)> {
        let (member, reason) = self.leaving.pop()?;
        Some((member, reason, self.forget(member)))
    }

    /// Keeps nothing more for somebody who has left the chat. Returns what it was still to get.
    pub fn forget(&mut self, member: MemberId) -> Vec<u8> {
        self.slow_readers.forget(member);
        self.fan_out.take(member)
    }

    /// Whether there is anything to [`deliver`](Self::deliver).
    #[must_use]
    pub fn has_deliveries(&self) -> bool {
        !self.fan_out.is_empty()
    }

    /// Whether so much is to be delivered that the check phase should not be waited for.
    #[must_use]
    pub fn has_large_deliveries(&self) -> bool {
        self.fan_out.is_large()
    }

    /// Writes what the turn has brought, once per member. `write` returns what waits for that
    /// member after it: `None` if nothing does, or if there is no connection any more. Whoever has
    /// too much waiting is returned, with the reason to [disconnect](Self::disconnect) it for.
    #[must_use]
    pub fn deliver(
        &mut self,
        now: Millis,
        mut write: impl FnMut(MemberId, Payload<'_>) -> Option<Progress>,
    ) -> Vec<(MemberId, DisconnectReason)> {
        let mut too_slow = Vec::new();
        let hard = self.config.outbox_hard;
        let slow_readers = &mut self.slow_readers;
        self.fan_out.deliver(&self.chat, |member, payload, own| {
            let Some(Progress { waiting, sent }) = write(member, payload) else {
                return Standing::KeepsUp; // nearly always
            };
            match slow_readers.written(member, waiting, sent, own, now) {
                Verdict::Fine => Standing::KeepsUp,
                Verdict::Behind => Standing::Behind,
                Verdict::Full => Standing::Full,
                Verdict::TooMuch => {
                    let limit = hard as usize;
                    too_slow.push((member, DisconnectReason::ReadTooSlowly { limit }));
                    Standing::Full
                }
            }
        });
        too_slow
    }

    /// Everything that waited for a member has been sent. It is told how much it was spared.
    pub fn caught_up(&mut self, member: MemberId) {
        let missed = self.slow_readers.forget(member);
        self.tell_missed(member, missed);
        match self.fan_out.catch_up(member) {
            0 => {}
            count => {
                let (count, history) = (count as usize, self.config.history as usize);
                self.tell(member, Answer::Skipped { count, history });
            }
        }
    }

    fn tell_missed(&mut self, member: MemberId, missed: u32) {
        if missed > 0 {
            let count = missed as usize;
            self.tell(member, Answer::Missed { count });
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
            && self.digests.is_empty()
            && self.fan_out.is_vacant()
            && self.slow_readers.is_empty()
    }
}

/// In milliseconds.
pub(in crate::server) fn seconds(seconds: u32) -> Millis {
    u64::from(seconds) * 1000
}

//! The hub: the chat, and what is due to each member, without a socket, a clock or a loop.
//!
//! A door turns what happens to its sockets into calls of a [`Hub`], with the time as an argument,
//! and does what follows:
//!
//! 1. A call ([`connect`](Hub::connect), [`frame`](Hub::frame), [`disconnect`](Hub::disconnect)
//!    ...) leaves [`effects`](Hub::effects).
//! 2. [`apply`](Hub::apply) passes them on to the [fan-out](super::fan_out), in order.
//! 3. Once the door is done with its event, [`next_gone`](Hub::next_gone) tells whose connections
//!    are to be ended, and [`take_asked`](Hub::take_asked) what only a door can answer.
//! 4. In the check phase [`deliver`](Hub::deliver) writes to each member once, and judges by what
//!    the system did not take who reads too slowly.
//!
//! It is the half of the server that can be driven without a network: `examples/simulate` does.

use std::rc::Rc;

use log::info;

use super::Config;
use super::access_log;
use super::fan_out::{FanOut, Payload, Standing};
use super::framing::Frame;
use super::reports::Farewells;
use super::slow_readers::{OutboxLimits, SlowReaders, Verdict};
use crate::chat::{self, Chat, Effect, Line, MemberId, Millis, Peer, SayKind};

/// Those who have said nothing for too long are looked for no more often, in milliseconds.
const IDLE_SWEEP_MS: Millis = 1000;

/// A door stops reading from whoever has this many bytes waiting, until it has read them all; see
/// [`Hub::high_water_mark`].
const HIGH_WATER_MARK: u32 = 16 * 1024;

/// The chat and what is due to its members; see the [module](self).
pub struct Hub {
    config: Rc<Config>,
    pub(super) chat: Chat,
    pub(super) fan_out: FanOut,
    slow_readers: SlowReaders,
    /// When those are looked for next who have said nothing for too long.
    idle_sweep: Option<Millis>,
    pub(super) farewells: Farewells,
    /// Whose greeting is to wait, and when it came.
    newcomer: Option<(MemberId, Millis)>,
    /// What was not passed on yet. Kept for its memory.
    effects: Vec<Effect>,
    /// Members the chat has removed whose connections are still to be closed.
    leaving: Vec<MemberId>,
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
    /// An empty chat.
    #[must_use]
    pub fn new(config: Rc<Config>) -> Self {
        Self {
            chat: Chat::new(config.chat()),
            slow_readers: SlowReaders::new(OutboxLimits {
                soft: config.outbox_soft as usize,
                hard: config.outbox_hard as usize,
                stall: seconds(config.stall_timeout),
            }),
            config,
            fan_out: FanOut::new(),
            idle_sweep: None,
            farewells: Farewells::default(),
            newcomer: None,
            effects: Vec::new(),
            leaving: Vec::new(),
            lines: 0,
        }
    }

    /// Bytes a line may have.
    #[must_use]
    pub(super) fn max_line(&self) -> usize {
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
    pub fn connect(&mut self, peer: Peer, now: Millis) -> Result<MemberId, Line> {
        let member = self.chat.connect(peer, now, &mut self.effects)?;
        self.newcomer = Some((member, now));
        if self.config.idle_timeout > 0 {
            let due = now + seconds(self.config.idle_timeout);
            self.idle_sweep.get_or_insert(due);
        }
        Ok(member)
    }

    /// What a newcomer has sent so far may be no chat: see [`Chat::withhold`].
    pub fn withhold(&mut self, member: MemberId, now: Millis) {
        self.chat.withhold(member, now);
    }

    /// What a member's line decoder gave: a line for the chat, or one that is too long.
    pub fn frame(&mut self, member: MemberId, frame: Frame<'_>, now: Millis) {
        self.lines += 1;
        match frame {
            Frame::Line(line) => {
                let before = self.effects.len();
                self.chat.line(member, line, now, &mut self.effects);
                self.hold_off(before);
            }
            Frame::TooLong => {
                let limit = self.config.max_line;
                let line = format!("! That line was not sent: it is longer than {limit} bytes.");
                self.tell(member, line);
            }
        }
    }

    /// Takes out the private messages whose reader does not keep up, of the effects from this one
    /// on. The author is told instead.
    fn hold_off(&mut self, first: usize) {
        let Self {
            chat,
            fan_out,
            slow_readers,
            effects,
            ..
        } = self;
        for effect in &mut effects[first..] {
            let Effect::Private { from, to, line } = effect else {
                continue;
            };
            let (from, to) = (*from, *to);
            if fan_out.skipped(to).is_some() {
                slow_readers.leave_out_private(to);
            } else if slow_readers.takes_private(to, from, line.len()) {
                continue;
            }
            let line = chat::undelivered(chat.nickname(to).unwrap_or_default());
            *effect = Effect::Tell { to: from, line };
        }
    }

    /// How many lines members have said, commands and refused ones included.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// A line for one member, in the chat's words.
    pub fn tell(&mut self, to: MemberId, line: impl Into<Line>) {
        let line = line.into();
        self.effects.push(Effect::Tell { to, line });
    }

    /// Removes a member from the chat and has its connection ended, with a last line. Does nothing
    /// if it has left.
    pub fn disconnect(&mut self, member: MemberId, reason: &str, now: Millis) {
        if self.bid_farewell(member, reason, now) {
            self.remove(member, now);
        }
    }

    /// Tells a member why it has to go, and notes that; false if it has left.
    fn bid_farewell(&mut self, member: MemberId, reason: &str, now: Millis) -> bool {
        let (Some(nickname), Some(peer)) = (self.chat.nickname(member), self.chat.peer(member))
        else {
            return false;
        };
        self.farewells.note(nickname, peer, reason, now);
        self.tell(member, reason);
        true
    }

    /// [Disconnects](Self::disconnect) everybody. Nobody is told who else goes.
    pub fn disconnect_everyone(&mut self, reason: &str, now: Millis) {
        let everybody: Vec<MemberId> = self.chat.ids().collect();
        for &member in &everybody {
            self.bid_farewell(member, reason, now);
        }
        self.chat.leave_all(&mut self.effects);
        let gone = everybody.into_iter();
        self.effects
            .extend(gone.map(|member| Effect::Disconnect { member }));
    }

    /// Removes a member that will say no more, whose peer has ended its side. What it was told is
    /// still sent, and how many messages it was spared; then its connection is ended. Does nothing
    /// if it has left.
    pub fn leave(&mut self, member: MemberId, now: Millis) {
        if self.chat.room_of(member).is_some() {
            // There will be no other time to tell it.
            self.caught_up(member);
            self.remove(member, now);
        }
    }

    fn remove(&mut self, member: MemberId, now: Millis) {
        self.chat.leave(member, now, &mut self.effects);
        self.effects.push(Effect::Disconnect { member });
    }

    /// A member's connection is gone: nothing more can be sent to it. After [`apply`](Self::apply)
    /// the door has the rest [forgotten](Self::forget).
    pub fn gone(&mut self, member: MemberId, now: Millis) {
        self.chat.leave(member, now, &mut self.effects);
    }

    /// The effects that are still to be [applied](Self::apply), and those that a door has to see
    /// to.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Passes effects on, in order. What is left is what only a door can do.
    pub fn apply(&mut self) {
        let Self {
            fan_out, leaving, ..
        } = self;
        self.effects.retain(|effect| {
            match effect {
                Effect::Tell { to, line } => fan_out.tell(*to, line),
                Effect::Private { to, line, .. } => fan_out.say_privately(*to, line),
                Effect::Say {
                    room,
                    except,
                    kind,
                    line,
                } => fan_out.say(*room, *except, line, *kind == SayKind::Message),
                Effect::Moved { member, to, .. } => fan_out.moved(*member, *to),
                Effect::Disconnect { member } => leaving.push(*member),
                Effect::Record { line } => info!(target: access_log::TARGET, "{line}"),
                Effect::Report { .. } | Effect::Shutdown => return true,
            }
            false
        });
        if let Some((newcomer, now)) = self.newcomer.take() {
            self.fan_out.let_wait(newcomer, now);
        }
    }

    /// Whether the door may go on to the next line. After a large answer the member has to be seen
    /// reading it first; what only a door can answer is answered before the next line.
    #[must_use]
    pub fn takes_more(&self) -> bool {
        self.leaving.is_empty() && !self.fan_out.is_large() && self.effects.is_empty()
    }

    /// What only the door can do, [`Effect::Report`] and [`Effect::Shutdown`]; after
    /// [`apply`](Self::apply).
    pub fn take_asked(&mut self) -> Vec<Effect> {
        match self.effects.is_empty() {
            true => Vec::new(), // and its memory stays
            false => std::mem::take(&mut self.effects),
        }
    }

    /// Somebody who has left the chat, and what it is still to get: the door writes that and ends
    /// the connection. `None` if there is nobody left of those.
    pub fn next_gone(&mut self) -> Option<(MemberId, Vec<u8>)> {
        let member = self.leaving.pop()?;
        Some((member, self.forget(member)))
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
    ) -> Vec<(MemberId, String)> {
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
                    let reason = format!(
                        "! Disconnected: you read too slowly, more than {} KiB were waiting for you.",
                        hard / 1024
                    );
                    too_slow.push((member, reason));
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
            skipped => {
                let line = chat::skipped(skipped as usize, self.config.history as usize);
                self.tell(member, line);
            }
        }
    }

    fn tell_missed(&mut self, member: MemberId, missed: u32) {
        if missed > 0 {
            self.tell(member, chat::missed(missed as usize));
        }
    }

    /// From so many bytes waiting for a connection on, the door reads nothing from it until they
    /// are sent, and then calls [`caught_up`](Self::caught_up). Whoever is behind is therefore
    /// always above it.
    #[must_use]
    pub fn high_water_mark(&self) -> u32 {
        self.config.outbox_soft.min(HIGH_WATER_MARK)
    }

    /// Those who have read nothing for too long, with the reason to [disconnect](Self::disconnect)
    /// them for. `look` tells what waits for a member; `None` if it is gone. What was before
    /// `awake_since` does not count: the door could not see then what anyone reads.
    #[must_use]
    pub fn sweep_slow_readers(
        &mut self,
        now: Millis,
        awake_since: Millis,
        look: impl Fn(MemberId) -> Option<Progress>,
    ) -> Vec<(MemberId, String)> {
        let look = |member| look(member).map(|Progress { waiting, sent }| (waiting, sent));
        let stalled = self.slow_readers.sweep(now, awake_since, look);
        for (member, missed) in self.slow_readers.take_late() {
            if self.chat.room_of(member).is_some() {
                self.tell_missed(member, missed);
            }
        }
        let time = in_words(self.config.stall_timeout);
        let reason = format!("! Disconnected: you read nothing for {time}.");
        stalled
            .into_iter()
            .map(|member| (member, reason.clone()))
            .collect()
    }

    /// Those who have said nothing for too long, if that is a limit, with the reason to
    /// [disconnect](Self::disconnect) them for. `heard` is everyone, and when it last said
    /// something; `awake_since` is as for [`sweep_slow_readers`](Self::sweep_slow_readers).
    #[must_use]
    pub fn sweep_idle(
        &mut self,
        now: Millis,
        awake_since: Millis,
        heard: impl Iterator<Item = (MemberId, Millis)>,
    ) -> Vec<(MemberId, String)> {
        let mut idle = Vec::new();
        if self.idle_sweep.is_none_or(|due| now < due) {
            return idle;
        }
        self.idle_sweep = None;
        let limit = seconds(self.config.idle_timeout);
        let time = in_words(self.config.idle_timeout);
        let reason = format!("! Disconnected: you said nothing for {time}.");
        for (member, heard) in heard {
            let due = heard.max(awake_since) + limit;
            if due <= now {
                idle.push((member, reason.clone()));
            } else {
                let next = self.idle_sweep.get_or_insert(due);
                *next = due.min(*next).max(now + IDLE_SWEEP_MS);
            }
        }
        idle
    }

    /// Does what time alone brings: greetings that have waited, notices that are due.
    pub fn tick(&mut self, now: Millis) {
        self.fan_out.greet(now);
        self.chat.tick(now, &mut self.effects);
    }

    /// When the door is to call [`tick`](Self::tick) and both sweeps next, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let deadlines = [
            self.chat.next_deadline(),
            self.fan_out.next_greeting(),
            self.slow_readers.next_sweep(),
            self.idle_sweep,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Whether nothing is kept of anyone: what must hold when everybody has left. It looks at every
    /// place there ever was.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        self.chat.member_count() == 0
            && self.chat.room_count() == 1
            && self.leaving.is_empty()
            && self.effects.is_empty()
            && self.fan_out.is_vacant()
            && self.slow_readers.is_empty()
    }
}

/// In milliseconds.
pub(super) fn seconds(seconds: u32) -> Millis {
    u64::from(seconds) * 1000
}

fn in_words(seconds: u32) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        _ => format!("{seconds} seconds"),
    }
}

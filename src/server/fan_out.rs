//! From one message to everyone: what a turn brought, written once per member.
//!
//! Writing each line to each member as it is said costs a system call per line and member. Here
//! a turn's lines are collected, and in the check phase (an immediate) each member gets all of
//! them in one write:
//!
//! - What is said in a room goes to the room's *batch*, encoded once, shared by all members.
//! - A member who was told something of its own, or who has spoken (its own lines are not sent
//!   back), or has moved between rooms gets a *pending* buffer: what it has seen of the batch is
//!   copied there up to that point, then its own follows. So everyone sees everything in the order
//!   in which it happened.
//!
//! A member's cost in a turn is one queue entry and one system call, however much was said.
//!
//! A newcomer's greeting may *wait* a moment (20 ms): most programs say something as soon
//! as they are connected, and then greeting and answer are one write instead of two, which is the
//! dearest part of a connection. Anything else for the newcomer takes the greeting along.
//!
//! A member that does not read as fast as others speak is *behind*: messages are left out for it
//! and counted, until it has read what waits. Notices are left out only when it is full; its own
//! answers never.

use std::collections::VecDeque;

pub use super::batch::Batch;
use super::batch::encode;
use crate::chat::{Chat, MemberId, Millis, RoomId};

/// From so many bytes said in one room, or told to one member, in one turn, the check phase is not
/// waited for: everyone who spoke holds a copy of the batch until then.
const LARGE: usize = 16 * 1024;

/// How long, in milliseconds, a greeting waits for company. Nobody who types sees the difference.
const GREETING_MS: Millis = 20;

/// The lines of this turn, on their way to members. What frames them is the doors' business.
#[derive(Default)]
pub struct FanOut {
    /// What was said, by room index. Empty for a room in which nothing was.
    batches: Vec<Batch>,
    /// The rooms whose batch is not empty.
    said_in: Vec<RoomId>,
    /// By member index.
    members: Vec<Seat>,
    /// The members that have something pending.
    told: Vec<MemberId>,
    /// Newcomers whose greeting may wait, and until when. Who was served before stays listed.
    newcomers: VecDeque<(Millis, MemberId)>,
    /// Something has become [`LARGE`].
    large: bool,
    tally: Tally,
}

/// What a fan-out has passed on, in sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages said in rooms. Notices, answers and private messages are none.
    pub messages: u64,
    /// Those times the members each was for.
    pub deliveries: u64,
    /// Deliveries that were left out, to members that were behind.
    pub skipped: u64,
}

/// Where a member is, at this place in the order of effects.
#[derive(Default)]
struct Seat {
    room: Option<RoomId>,
    pending: Option<Box<Pending>>,
    /// Of a member that is behind.
    skipped: Option<Skipped>,
}

/// How well a member keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets everything.
    KeepsUp,
    /// Messages are left out for it.
    Behind,
    /// Notices, too.
    Full,
}

/// What was left out for a member that is behind.
#[derive(Clone, Copy, Default)]
struct Skipped {
    lines: u32,
    /// Notices are left out, too.
    all: bool,
}

/// What one member gets besides its room's batch.
#[derive(Default)]
struct Pending {
    /// Whose it is. The lists may still hold who had the place before.
    owner: Option<MemberId>,
    bytes: Vec<u8>,
    /// How many of them are its own answers.
    own: usize,
    /// How much of its room's batch it has: copied to `bytes`, or not meant for it.
    seen: usize,
    state: State,
}

/// How far a pending buffer is from its member.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// On the list of newcomers: it goes out with the next thing there is for the member, or in
    /// time.
    Waits,
    /// On the list of those who are told something this turn.
    #[default]
    Told,
    /// It has been written.
    Written,
}

/// What one member gets in one turn.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// The same as others in its room, in whichever framing.
    Shared(&'a Batch),
    /// Its own.
    Own(&'a [u8]),
}

impl FanOut {
    /// Nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to deliver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said_in.is_empty() && self.told.is_empty()
    }

    /// Whether so much is to be delivered that it should not wait.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.large
    }

    /// A line for everyone in `room`, except one. If it `is_message` and no notice, those who are
    /// behind do without.
    pub fn say(&mut self, room: RoomId, except: Option<MemberId>, line: &str, is_message: bool) {
        let except = except.filter(|&author| self.seat(author).room == Some(room));
        if let Some(author) = except {
            self.settle(author);
        }
        self.tally.messages += u64::from(is_message);
        let batch = self.batch(room);
        let first = batch.is_empty();
        batch.push(line, is_message);
        let end = batch.len();
        let large = end > LARGE;
        if first {
            self.said_in.push(room);
        }
        self.large |= large;
        if let Some(author) = except {
            self.pending(author).seen = end;
        }
    }

    /// What has been passed on so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A line for one member: an answer of its own.
    pub fn tell(&mut self, member: MemberId, line: &str) {
        let added = self.add(member, line);
        self.pending(member).own += added;
    }

    /// A line for one member that another has said.
    pub fn say_privately(&mut self, member: MemberId, line: &str) {
        self.add(member, line);
    }

    fn add(&mut self, member: MemberId, line: &str) -> usize {
        let bytes = self.settle(member);
        let before = bytes.len();
        encode(line, bytes);
        let after = bytes.len();
        self.large |= after > LARGE;
        after - before
    }

    /// A member is in `to` now: it gets what was said where it was until now, and there from now
    /// on.
    pub fn moved(&mut self, member: MemberId, to: Option<RoomId>) {
        self.settle(member);
        let said_there = to.map_or(0, |room| self.batch(room).len());
        self.pending(member).seen = said_there;
        self.seat(member).room = to;
    }

    /// What a newcomer was told so far may wait a moment. Nothing else was to be delivered to it.
    pub fn let_wait(&mut self, newcomer: MemberId, now: Millis) {
        // It is at the end of the list: what it was told are the last effects there were.
        if self.told.pop_if(|told| *told == newcomer).is_some() {
            self.seat(newcomer).pending.get_or_insert_default().state = State::Waits;
            self.newcomers.push_back((now + GREETING_MS, newcomer));
        }
    }

    /// When [`greet`](Self::greet) is to be called next, if a greeting waits.
    #[must_use]
    pub fn next_greeting(&self) -> Option<Millis> {
        self.newcomers.front().map(|&(due, _)| due)
    }

    /// Has the greetings delivered whose time has come.
    pub fn greet(&mut self, now: Millis) {
        while let Some(&(due, newcomer)) = self.newcomers.front()
            && (due <= now || !self.waits(newcomer))
        {
            self.newcomers.pop_front();
            if self.waits(newcomer) {
                self.settle(newcomer);
            }
        }
    }

    /// Takes everything that a member who has left the chat is still to get.
    pub fn take(&mut self, member: MemberId) -> Vec<u8> {
        let seat = self.seat(member);
        seat.skipped = None;
        seat.pending
            .take()
            .map(|pending| pending.bytes)
            .unwrap_or_default()
    }

    /// From now on messages are left out for a member; notices too, if it is full.
    fn fall_behind(&mut self, member: MemberId, standing: Standing) {
        note_standing(&mut self.seat(member).skipped, standing);
    }

    /// A member has read everything; how many lines were left out for it.
    pub fn catch_up(&mut self, member: MemberId) -> u32 {
        self.settle(member); // what this turn has brought so far was left out, too
        self.seat(member)
            .skipped
            .take()
            .map_or(0, |skipped| skipped.lines)
    }

    /// Whether nothing is kept of anyone, and nothing is to be delivered: what must hold when
    /// everybody has left. It looks at every place there ever was.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        let is_free =
            |seat: &Seat| seat.room.is_none() && seat.pending.is_none() && seat.skipped.is_none();
        self.is_empty()
            && self.newcomers.is_empty()
            && self.members.iter().all(is_free)
            && self.batches.iter().all(Batch::is_empty)
    }

    /// How many lines were left out for a member that is behind.
    #[must_use]
    pub fn skipped(&self, member: MemberId) -> Option<u32> {
        let skipped = self.members.get(member.index())?.skipped?;
        Some(skipped.lines)
    }

    /// Delivers all of it: one `write` per member, with the bytes of its own answers in it. It
    /// returns how the member stands by now.
    pub fn deliver(
        &mut self,
        chat: &Chat,
        mut write: impl FnMut(MemberId, Payload<'_>, usize) -> Standing,
    ) {
        self.large = false;
        for at in 0..self.told.len() {
            let member = self.told[at];
            let own = match &mut self.seat(member).pending {
                Some(pending) if pending.state == State::Told && pending.owner == Some(member) => {
                    pending.state = State::Written;
                    pending.own
                }
                _ => continue, // taken, or written
            };
            let bytes = self.unsent(member);
            if !bytes.is_empty() {
                let standing = write(member, Payload::Own(bytes), own);
                self.fall_behind(member, standing);
            }
        }
        for room in self.said_in.drain(..) {
            let batch = &mut self.batches[room.index()];
            let only_messages = batch.only_messages();
            for &member in chat.members_of(room) {
                let seat = &mut self.members[member.index()];
                let (payload, own) = match (&mut seat.pending, &mut seat.skipped, only_messages) {
                    (None, None, _) => {
                        self.tally.deliveries += u64::from(batch.messages_after(0));
                        (Payload::Shared(batch), 0)
                    }
                    (Some(pending), ..) if pending.state != State::Waits => continue, // served above
                    (None, Some(skipped), Some(messages)) => {
                        skipped.lines += messages;
                        self.tally.skipped += u64::from(messages);
                        continue; // what stalled members cost, turn after turn
                    }
                    (None, Some(skipped), None) if skipped.all => {
                        skipped.lines += batch.lines_after(0);
                        self.tally.skipped += u64::from(batch.messages_after(0));
                        continue;
                    }
                    (pending, skipped, _) => {
                        let pending = pending.get_or_insert_default();
                        pending.add(batch, skipped, &mut self.tally);
                        if pending.bytes.is_empty() {
                            seat.pending = None;
                            continue;
                        }
                        (Payload::Own(&pending.bytes), pending.own)
                    }
                };
                let standing = write(member, payload, own);
                note_standing(&mut seat.skipped, standing);
                seat.pending = None;
            }
            batch.clear();
        }
        for member in self.told.drain(..) {
            let pending = &mut self.members[member.index()].pending;
            // A newcomer in the place of somebody who has left may wait there.
            pending.take_if(|pending| pending.state == State::Written);
        }
    }

    /// Whether a newcomer's greeting still waits.
    fn waits(&mut self, member: MemberId) -> bool {
        let pending = &self.seat(member).pending;
        pending
            .as_ref()
            .is_some_and(|pending| pending.state == State::Waits && pending.owner == Some(member))
    }

    /// Copies what a member has not seen of its room's batch, so that what follows comes after it;
    /// it will all be delivered this turn.
    fn settle(&mut self, member: MemberId) -> &mut Vec<u8> {
        self.pending(member);
        self.unsent(member)
    }

    fn unsent(&mut self, member: MemberId) -> &mut Vec<u8> {
        let Seat {
            room,
            pending,
            skipped,
        } = &mut self.members[member.index()];
        let pending = pending.get_or_insert_default();
        if let Some(batch) = room.and_then(|room| self.batches.get(room.index())) {
            pending.add(batch, skipped, &mut self.tally);
        }
        &mut pending.bytes
    }

    fn batch(&mut self, room: RoomId) -> &mut Batch {
        if self.batches.len() <= room.index() {
            self.batches.resize_with(room.index() + 1, Batch::default);
        }
        &mut self.batches[room.index()]
    }

    fn seat(&mut self, member: MemberId) -> &mut Seat {
        if self.members.len() <= member.index() {
            self.members.resize_with(member.index() + 1, Seat::default);
        }
        &mut self.members[member.index()]
    }

    /// What is pending for a member; it is to be told this turn.
    fn pending(&mut self, member: MemberId) -> &mut Pending {
        let waits = self.waits(member);
        if waits || self.seat(member).pending.is_none() {
            self.told.push(member);
        }
        let pending = self.seat(member).pending.get_or_insert_default();
        pending.owner = Some(member);
        if waits {
            pending.state = State::Told;
        }
        pending
    }
}

fn note_standing(skipped: &mut Option<Skipped>, standing: Standing) {
    if standing != Standing::KeepsUp {
        skipped.get_or_insert_default().all |= standing == Standing::Full;
    }
}

impl Pending {
    /// Adds what it has not seen of its room's batch; without the messages, if its member is
    /// behind.
    fn add(&mut self, batch: &Batch, skipped: &mut Option<Skipped>, tally: &mut Tally) {
        match skipped {
            None => {
                tally.deliveries += u64::from(batch.messages_after(self.seen));
                batch.copy_rest(self.seen, &mut self.bytes);
            }
            Some(skipped) => {
                let messages = match skipped.all {
                    true => batch.messages_after(self.seen),
                    false => batch.copy_notices(self.seen, &mut self.bytes),
                };
                skipped.lines += match skipped.all {
                    true => batch.lines_after(self.seen),
                    false => messages,
                };
                tally.skipped += u64::from(messages);
            }
        }
        self.seen = batch.len();
    }
}

#[cfg(test)]
mod tests;

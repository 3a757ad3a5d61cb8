//! From one message to everyone: what a turn brought, written once per member.
//!
//! Writing each line to each member as it is said costs a system call per line and member. Here
//! a turn's lines are collected, and in the check phase (an immediate) each member gets all of
//! them in one write:
//!
//! - What is said in a room goes to the room's *batch*, put into bytes once for each
//!   [framing](crate::server::core::rendering) that somebody there has, and shared by all who have it.
//! - A member who was told something of its own, or who has spoken (its own lines are not sent
//!   back), or has moved between rooms gets a *pending* buffer: what it has seen of the batch is
//!   copied there up to that point, then its own follows. So everyone sees everything in the order
//!   in which it happened.
//!
//! A member's cost in a turn is one queue entry and one system call, however much was said.
//!
//! Who hears other rooms beside its own, or does not want to hear somebody, has no use for what is
//! shared, and gets a copy of what it wants.
//!
//! A newcomer's greeting may *wait* a moment (20 ms): most programs say something as soon
//! as they are connected, and then greeting and answer are one write instead of two, which is the
//! dearest part of a connection. Anything else for the newcomer takes the greeting along.
//!
//! A member that does not read as fast as others speak is *behind*: messages are left out for it
//! and counted, until it has read what waits. Notices are left out only when it is full; its own
//! answers never.

mod delivery;
mod reader;
mod taste;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use crate::chat::{Millis, Repeated, RoomId};
pub use crate::server::core::batch::{Batch, Rendering, Said};
use crate::server::core::cost::Cost;
use crate::server::core::rendering::{Framing, FramingId, Heard};
use crate::server::core::sessions::{SessionId, SessionTable};
use reader::Reader;
use taste::Taste;

/// From so many bytes said in one room, or told to one member, in one turn, the check phase is not
/// waited for: everyone who spoke holds a copy of the batch until then.
const LARGE: usize = 16 * 1024;

/// The same of all that is to be delivered, to all its readers together: a few milliseconds. If a
/// room has so many that each gets little of that, writing to them is what takes the time, and it
/// is as much as what is large for that room.
const LARGE_IN_ALL: usize = 8 * 1024 * 1024;

/// About how many bytes stand beside a text: a name, marks and a line's end; and in an object of
/// JSON, which those who hear of any crowd get, ids and times.
const BESIDES_OF_LINES: usize = 24;
const BESIDES_OF_OBJECTS: usize = 200;

/// How long, in milliseconds, a greeting waits for company. Nobody who types sees the difference.
const GREETING_MS: Millis = 20;

/// What this turn has brought, on its way to members.
pub struct FanOut {
    framings: &'static [Framing],
    /// What was said, by room index. Empty for a room in which nothing was.
    batches: Vec<Batch>,
    /// The rooms whose batch is not empty.
    said_in: Vec<RoomId>,
    seats: SessionTable<Seat>,
    /// What those want to hear that do not merely hear their room.
    tastes: HashMap<SessionId, Taste>,
    /// The members that have something pending.
    told: Vec<SessionId>,
    /// Newcomers whose greeting may wait, and until when. Who was served before stays listed.
    newcomers: VecDeque<(Millis, SessionId)>,
    /// Something has become [`LARGE`].
    large: bool,
    /// About how many bytes are to be delivered, to all readers of rooms together.
    due: usize,
    /// Members whose framing [has crowds](Framing::has_crowds).
    in_crowds: usize,
    /// Bytes of what was put together for one reader alone.
    answered: u64,
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
struct Seat {
    pending: Option<Box<Pending>>,
    /// Of a member that is behind.
    skipped: Option<Skipped>,
    /// The index of its room, or [`NOWHERE`].
    room: u32,
    framing: FramingId,
    /// It has a [`Taste`].
    has_taste: bool,
}

const NOWHERE: u32 = u32::MAX;

// There are thousands of them.
const _: () = assert!(size_of::<Seat>() <= 24);

impl Default for Seat {
    fn default() -> Self {
        Self {
            pending: None,
            skipped: None,
            room: NOWHERE,
            framing: FramingId(0),
            has_taste: false,
        }
    }
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
    owner: Option<SessionId>,
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
    /// The same as others in its room.
    Shared(&'a Rendering),
    /// Its own.
    Own(&'a [u8]),
}

impl Payload<'_> {
    /// In bytes, without what a door puts around it.
    pub(in crate::server) fn len(self) -> usize {
        match self {
            Self::Shared(rendering) => rendering.bytes().len(),
            Self::Own(bytes) => bytes.len(),
        }
    }
}

impl FanOut {
    /// Nothing was said yet. Members have one of these framings each.
    #[must_use]
    pub fn new(framings: &'static [Framing]) -> Self {
        Self {
            framings,
            batches: Vec::new(),
            said_in: Vec::new(),
            seats: SessionTable::default(),
            tastes: HashMap::new(),
            told: Vec::new(),
            newcomers: VecDeque::new(),
            large: false,
            due: 0,
            in_crowds: 0,
            answered: 0,
            tally: Tally::default(),
        }
    }

    /// Somebody is about to come in, with a framing.
    pub fn admit(&mut self, newcomer: SessionId, framing: FramingId) {
        self.in_crowds += usize::from(self.framings[usize::from(framing.0)].has_crowds);
        // Nothing of who had the place before is this one's.
        let seat = self.seat(newcomer);
        (seat.pending, seat.skipped) = (None, None);
        seat.framing = framing;
    }

    /// Whether anybody wants to hear of comings and goings in any crowd.
    #[must_use]
    pub fn has_crowds(&self) -> bool {
        self.in_crowds > 0
    }

    /// A member is shown from now on when messages were said, or never.
    pub fn show_times(&mut self, session: SessionId, is_on: bool) {
        self.settle(session); // what it has heard so far is put as it was
        let framing = self.framing(session);
        self.seat(session).framing = match is_on {
            true => framing.with_times,
            false => framing.without_times,
        };
    }

    /// A member has this framing from now on.
    pub(in crate::server) fn reframe(&mut self, session: SessionId, framing: FramingId) {
        self.settle(session); // what it has heard so far is put as it was
        let has_crowds = |of: &Self, id: FramingId| of.framings[usize::from(id.0)].has_crowds;
        self.in_crowds -= usize::from(has_crowds(self, self.framing_of(session)));
        self.in_crowds += usize::from(has_crowds(self, framing));
        self.seat(session).framing = framing;
    }

    /// Whether a member hears what it says itself.
    #[must_use]
    pub fn echoes(&self, session: SessionId) -> bool {
        self.framings[usize::from(self.framing_of(session).0)].echoes
    }

    /// The framing that a member has.
    #[must_use]
    pub fn framing_of(&self, session: SessionId) -> FramingId {
        let seat = self.seats.get(session);
        seat.map_or(FramingId(0), |seat| seat.framing)
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

    /// Something for everyone in `room`, so many readers, except some. If it is a message, those who
    /// are behind do without; and the one that has said it, or has set a topic, which is to be left
    /// out, hears it in a framing that [echoes](Framing::echoes), even when it is behind: what has
    /// come of its own line is an answer.
    pub fn say(&mut self, room: RoomId, readers: usize, except: &[SessionId], said: Said) {
        let (is_message, is_echoed) = (said.is_message(), said.is_echoed());
        for &session in except {
            if self.does_without(session, room, is_echoed) {
                self.settle(session);
            }
        }
        self.tally.messages += u64::from(is_message);
        let besides = besides(self.has_crowds());
        let batch = self.batch(room);
        let (first, before) = (batch.is_empty(), batch.weight());
        batch.push(said, besides);
        let (end, weight) = (batch.len(), batch.weight());
        self.due += (weight - before) * readers;
        let large = weight > LARGE || self.due > LARGE_IN_ALL.max(readers * LARGE);
        if first {
            self.said_in.push(room);
        }
        self.large |= large;
        for &session in except {
            if self.does_without(session, room, is_echoed) {
                self.has_seen(session, room, end);
                if is_echoed && self.echoes(session) {
                    let render = self.framing(session).render;
                    let mut echo = Vec::new();
                    let said = self.batch(room).rest(end - 1).iter();
                    said.for_each(|said| render(said.heard(), &mut echo));
                    self.tell_as_it_is(session, &echo);
                }
            }
        }
    }

    /// Whether one that is left out has no use for what its room hears. In a framing that echoes
    /// it has, as the others do, but when it is behind it gets the echo alone.
    fn does_without(&mut self, session: SessionId, room: RoomId, is_echoed: bool) -> bool {
        let echoes = is_echoed && self.echoes(session);
        self.hears(session, room) && (!echoes || self.seat(session).skipped.is_some())
    }

    /// What it will cost to repeat something in a framing.
    #[must_use]
    pub(in crate::server) fn price(&self, repeated: Repeated, framing: FramingId) -> Cost {
        Cost::answer(self.weigh(repeated, framing))
    }

    /// About how many bytes it takes to repeat something in a framing.
    #[must_use]
    pub(in crate::server) fn weigh(&self, repeated: Repeated, framing: FramingId) -> u64 {
        let besides = besides(self.framings[usize::from(framing.0)].has_crowds);
        (repeated.bytes + repeated.messages * besides) as u64
    }

    /// Bytes of all that was put together for one reader alone so far: it costs who asks for it.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// What has been passed on so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Something for one member: an answer of its own, or of another to it alone.
    pub fn tell(&mut self, session: SessionId, heard: Heard<'_>) {
        let is_own = matches!(heard, Heard::Answer(_) | Heard::Own(..));
        let render = self.framing(session).render;
        self.add(session, is_own, |bytes| render(heard, bytes));
    }

    /// An answer for one session, as it is, in whole lines of its framing.
    pub fn tell_as_it_is(&mut self, session: SessionId, lines: &[u8]) {
        self.add(session, true, |bytes| bytes.extend_from_slice(lines));
    }

    fn add(&mut self, session: SessionId, is_own: bool, render: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.settle(session);
        let before = bytes.len();
        render(bytes);
        let after = bytes.len();
        self.large |= after > LARGE;
        if is_own {
            self.answered += (after - before) as u64;
            self.pending(session).own += after - before;
        }
    }

    /// A member is in `to` now: it gets what was said where it was until now, and there from now
    /// on.
    pub fn moved(&mut self, session: SessionId, to: Option<RoomId>) {
        self.settle(session);
        let said_there = to.map_or(0, |room| self.batch(room).len());
        self.pending(session).seen = said_there;
        self.seat(session).room = to.map_or(NOWHERE, |room| room.index() as u32);
        if to.is_none() {
            self.in_crowds -= usize::from(self.framing(session).has_crowds);
            self.tastes.remove(&session);
            self.seat(session).has_taste = false;
        }
    }

    /// What a newcomer was told so far may wait a moment, unless it is much. Nothing else was to be
    /// delivered to it.
    pub fn let_wait(&mut self, newcomer: SessionId, now: Millis) {
        if self.settle(newcomer).len() > LARGE {
            return;
        }
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
    pub fn take(&mut self, session: SessionId) -> Vec<u8> {
        let seat = self.seat(session);
        seat.skipped = None;
        seat.pending
            .take()
            .map(|pending| pending.bytes)
            .unwrap_or_default()
    }

    /// A member has read everything; how many lines were left out for it.
    pub fn catch_up(&mut self, session: SessionId) -> u32 {
        self.settle(session); // what this turn has brought so far was left out, too
        self.seat(session)
            .skipped
            .take()
            .map_or(0, |skipped| skipped.lines)
    }

    /// Whether nothing is kept of anyone, and nothing is to be delivered: what must hold when
    /// everybody has left. It looks at every place there ever was.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        let is_free =
            |seat: &Seat| seat.room == NOWHERE && seat.pending.is_none() && seat.skipped.is_none();
        self.is_empty()
            && self.tastes.is_empty()
            && self.in_crowds == 0
            && self.newcomers.is_empty()
            && self.seats.iter().all(is_free)
            && self.batches.iter().all(Batch::is_empty)
    }

    /// How many lines were left out for a member that is behind.
    #[must_use]
    pub fn skipped(&self, session: SessionId) -> Option<u32> {
        let skipped = self.seats.get(session)?.skipped?;
        Some(skipped.lines)
    }

    /// Whether a newcomer's greeting still waits.
    fn waits(&mut self, session: SessionId) -> bool {
        let pending = &self.seat(session).pending;
        pending
            .as_ref()
            .is_some_and(|pending| pending.state == State::Waits && pending.owner == Some(session))
    }

    /// What a session was told so far and is still to get, which is passed on to another.
    pub(in crate::server) fn take_told(&mut self, session: SessionId) -> Vec<u8> {
        std::mem::take(self.settle(session))
    }

    /// Copies what a member has not seen of its room's batch, so that what follows comes after it;
    /// it will all be delivered this turn.
    fn settle(&mut self, session: SessionId) -> &mut Vec<u8> {
        self.pending(session);
        self.unsent(session)
    }

    fn framing(&mut self, session: SessionId) -> &'static Framing {
        let framings = self.framings;
        &framings[usize::from(self.seat(session).framing.0)]
    }

    fn batch(&mut self, room: RoomId) -> &mut Batch {
        if self.batches.len() <= room.index() {
            self.batches.resize_with(room.index() + 1, Batch::default);
        }
        &mut self.batches[room.index()]
    }

    fn seat(&mut self, session: SessionId) -> &mut Seat {
        self.seats.entry(session)
    }

    /// What is pending for a session; it is to be told this turn.
    fn pending(&mut self, session: SessionId) -> &mut Pending {
        let waits = self.waits(session);
        if waits || self.seat(session).pending.is_none() {
            self.told.push(session);
        }
        let pending = self.seat(session).pending.get_or_insert_default();
        pending.owner = Some(session);
        if waits {
            pending.state = State::Told;
        }
        pending
    }
}

fn besides(has_crowds: bool) -> usize {
    match has_crowds {
        true => BESIDES_OF_OBJECTS,
        false => BESIDES_OF_LINES,
    }
}

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

use std::rc::Rc;

use crate::chat::{Chat, MemberId, RoomId};

/// From so many bytes said in one room, or told to one member, in one turn, the check phase is not
/// waited for: everyone who spoke holds a copy of the batch until then.
const LARGE: usize = 16 * 1024;

/// A batch's buffer is kept for the next turn if it is no larger.
const KEEP: usize = 64 * 1024;

/// The lines of this turn, on their way to members of one framing.
pub(super) struct FanOut {
    /// What was said, by room index. Empty for a room in which nothing was.
    batches: Vec<Vec<u8>>,
    /// The rooms whose batch is not empty.
    said_in: Vec<RoomId>,
    /// By member index.
    members: Vec<Seat>,
    /// The members that have something pending.
    told: Vec<MemberId>,
    /// Something has become [`LARGE`].
    large: bool,
}

/// Where a member is, at this place in the order of effects.
#[derive(Default)]
struct Seat {
    room: Option<RoomId>,
    pending: Option<Box<Pending>>,
}

/// What one member gets besides its room's batch.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How much of its room's batch it has: copied to `bytes`, or not meant for it.
    seen: usize,
    /// It has been written. A place that was left and taken within one turn is listed twice.
    written: bool,
}

/// What one member gets in one turn.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    /// The same as others in its room.
    Shared(&'a Rc<Vec<u8>>),
    /// Its own.
    Own(&'a [u8]),
}

/// Encodes one line for `nc`: the text and a line feed.
fn encode(line: &str, to: &mut Vec<u8>) {
    to.extend_from_slice(line.as_bytes());
    to.push(b'\n');
}

impl FanOut {
    pub(super) fn new() -> Self {
        Self {
            batches: Vec::new(),
            said_in: Vec::new(),
            members: Vec::new(),
            told: Vec::new(),
            large: false,
        }
    }

    /// Whether there is anything to deliver.
    pub(super) fn is_empty(&self) -> bool {
        self.said_in.is_empty() && self.told.is_empty()
    }

    /// Whether so much is to be delivered that it should not wait.
    pub(super) fn is_large(&self) -> bool {
        self.large
    }

    /// A line for everyone in `room`, except one.
    pub(super) fn say(&mut self, room: RoomId, except: Option<MemberId>, line: &str) {
        let except = except.filter(|&author| self.seat(author).room == Some(room));
        if let Some(author) = except {
            self.settle(author);
        }
        let batch = self.batch(room);
        let first = batch.is_empty();
        encode(line, batch);
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

    /// A line for one member.
    pub(super) fn tell(&mut self, member: MemberId, line: &str) {
        let bytes = self.settle(member);
        encode(line, bytes);
        self.large |= bytes.len() > LARGE;
    }

    /// A member is in `to` now: it gets what was said where it was until now, and there from now on.
    pub(super) fn moved(&mut self, member: MemberId, to: Option<RoomId>) {
        self.settle(member);
        let said_there = to.map_or(0, |room| self.batch(room).len());
        self.pending(member).seen = said_there;
        self.seat(member).room = to;
    }

    /// Takes everything that a member who has left the chat is still to get.
    pub(super) fn take(&mut self, member: MemberId) -> Vec<u8> {
        self.seat(member)
            .pending
            .take()
            .map(|pending| pending.bytes)
            .unwrap_or_default()
    }

    /// Delivers all of it: one `write` per member.
    pub(super) fn deliver(&mut self, chat: &Chat, mut write: impl FnMut(MemberId, Payload<'_>)) {
        self.large = false;
        for at in 0..self.told.len() {
            let member = self.told[at];
            match &mut self.seat(member).pending {
                Some(pending) if !pending.written => pending.written = true,
                _ => continue, // taken, or written
            }
            let bytes = self.settle(member);
            if !bytes.is_empty() {
                write(member, Payload::Own(bytes));
            }
        }
        for room in self.said_in.drain(..) {
            let batch = Rc::new(std::mem::take(&mut self.batches[room.index()]));
            for &member in chat.members_of(room) {
                // Who has something pending was served above.
                if self.members[member.index()].pending.is_none() {
                    write(member, Payload::Shared(&batch));
                }
            }
            if let Ok(mut buffer) = Rc::try_unwrap(batch)
                && buffer.capacity() <= KEEP
            {
                buffer.clear();
                self.batches[room.index()] = buffer;
            }
        }
        for member in self.told.drain(..) {
            self.members[member.index()].pending = None;
        }
    }

    /// Copies what a member has not seen of its room's batch, so that what follows comes after it.
    fn settle(&mut self, member: MemberId) -> &mut Vec<u8> {
        self.pending(member);
        let Seat { room, pending } = &mut self.members[member.index()];
        let pending = pending.get_or_insert_default();
        let batch = room.and_then(|room| self.batches.get(room.index()));
        if let Some(unseen) = batch.and_then(|batch| batch.get(pending.seen..)) {
            pending.bytes.extend_from_slice(unseen);
            pending.seen += unseen.len();
        }
        &mut pending.bytes
    }

    fn batch(&mut self, room: RoomId) -> &mut Vec<u8> {
        if self.batches.len() <= room.index() {
            self.batches.resize_with(room.index() + 1, Vec::new);
        }
        &mut self.batches[room.index()]
    }

    fn seat(&mut self, member: MemberId) -> &mut Seat {
        if self.members.len() <= member.index() {
            self.members.resize_with(member.index() + 1, Seat::default);
        }
        &mut self.members[member.index()]
    }

    fn pending(&mut self, member: MemberId) -> &mut Pending {
        if self.seat(member).pending.is_none() {
            self.told.push(member);
        }
        self.seat(member).pending.get_or_insert_default()
    }
}

//! What those want to hear who do not merely hear their room: others beside it, or not everybody.

use std::collections::HashSet;

use super::{FanOut, Payload, Standing, State};
use crate::chat::{MemberId, RoomId};
use crate::server::core::sessions::SessionId;

/// What a member wants to hear, if that is not simply its room.
#[derive(Debug, Default)]
pub(super) struct Taste {
    /// Rooms that it hears beside its own.
    pub(super) watched: Vec<Watched>,
    /// Those of whom it wants to hear nothing.
    pub(super) ignored: HashSet<MemberId>,
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) room: RoomId,
    /// How much of its batch the member has.
    pub(super) seen: usize,
}

impl FanOut {
    /// A member hears a room beside its own from now on, or no more.
    pub fn watch(&mut self, session: SessionId, room: RoomId, is_watched: bool) {
        self.settle(session);
        let seen = self.batch(room).len();
        self.change_taste(session, |taste| match is_watched {
            true => taste.watched.push(Watched { room, seen }),
            false => taste.watched.retain(|watched| watched.room != room),
        });
    }

    /// A member wants to hear nothing of another from now on, or again.
    pub fn ignore(&mut self, session: SessionId, whom: MemberId, is_ignored: bool) {
        self.settle(session);
        self.change_taste(session, |taste| {
            match is_ignored {
                true => taste.ignored.insert(whom),
                false => taste.ignored.remove(&whom),
            };
        });
    }

    fn change_taste(&mut self, session: SessionId, change: impl FnOnce(&mut Taste)) {
        let taste = self.tastes.entry(session).or_default();
        change(taste);
        let is_plain = taste.watched.is_empty() && taste.ignored.is_empty();
        if is_plain {
            self.tastes.remove(&session);
        }
        self.seat(session).has_taste = !is_plain;
    }

    /// The same for one with a taste of its own: once for all its rooms.
    pub(super) fn deliver_to_taste(
        &mut self,
        room: RoomId,
        session: SessionId,
        write: &mut impl FnMut(SessionId, Payload<'_>, usize) -> Standing,
    ) {
        if !self.hears(session, room) {
            return;
        }
        let pending = &self.seat(session).pending;
        let is_served = pending
            .as_ref()
            .is_some_and(|pending| pending.state == State::Written);
        if !is_served {
            let pending = self.pending(session);
            pending.state = State::Written;
            let own = pending.own;
            let bytes = std::mem::take(self.unsent(session));
            if !bytes.is_empty() {
                let standing = write(session, Payload::Own(&bytes), own);
                self.fall_behind(session, standing);
            }
        }
        self.has_seen_elsewhere(session, room, 0); // the batch begins anew
    }

    /// Whether a member hears a room.
    pub(super) fn hears(&mut self, session: SessionId, room: RoomId) -> bool {
        let seat = self.seat(session);
        seat.room as usize == room.index() || seat.has_taste && self.watches(session, room)
    }

    fn watches(&self, session: SessionId, room: RoomId) -> bool {
        let taste = self.tastes.get(&session);
        taste.is_some_and(|taste| taste.watched.iter().any(|watched| watched.room == room))
    }

    /// A member has so much of a room's batch, or need not have it.
    pub(super) fn has_seen(&mut self, session: SessionId, room: RoomId, end: usize) {
        if self.seat(session).room as usize == room.index() {
            self.pending(session).seen = end;
        } else {
            self.has_seen_elsewhere(session, room, end);
        }
    }

    /// The same of a room that it merely watches; nothing, if it does not.
    fn has_seen_elsewhere(&mut self, session: SessionId, room: RoomId, end: usize) {
        if let Some(taste) = self.tastes.get_mut(&session) {
            let watched = taste.watched.iter_mut();
            for watched in watched.filter(|watched| watched.room == room) {
                watched.seen = end;
            }
        }
    }
}

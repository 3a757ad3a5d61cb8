//! What a room, or two members between themselves, have heard: in one order, with numbers and
//! times that only grow.

use super::history::{History, Repeated};
#[cfg(feature = "server")]
use super::{Chat, RoomId};
use super::{Config, Epoch, EventId, Millis, Place, Position};

#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) history: History,
    /// Up to where it was heard.
    pub(super) position: Position,
    /// When something was heard last, UTC.
    heard_at: Millis,
}

impl Timeline {
    pub(super) fn new(epoch: Epoch, limits: &Config) -> Self {
        Self {
            history: History::new(limits.history, limits.history_bytes),
            position: Position { epoch, number: 0 },
            heard_at: 0,
        }
    }

    /// It goes on from there, as it was.
    pub(super) fn resume(&mut self, position: Position, heard_at: Millis) {
        (self.position, self.heard_at) = (position, heard_at);
    }

    /// What is repeated to somebody who has heard it up to there: nothing, if that was in another
    /// life of the log.
    pub(super) fn repeated_since(&self, since: Position) -> Repeated {
        match self.position.epoch == since.epoch {
            true => self.history.repeated_since(since.number),
            false => Repeated::default(),
        }
    }

    /// What the time is here: never earlier than of what was heard before, whatever becomes of
    /// people's clocks.
    pub(super) fn time(&mut self, utc: Millis) -> Millis {
        self.heard_at = self.heard_at.max(utc);
        self.heard_at
    }

    /// The place of what is heard next.
    pub(super) fn place(&mut self, id: EventId, number: u64, utc: Millis) -> Place {
        Place {
            id,
            number,
            previous: std::mem::replace(&mut self.position.number, number),
            time: self.time(utc),
        }
    }
}

#[cfg(feature = "server")]
impl Chat {
    /// What the time is in a room: never earlier than of what it heard before, whatever becomes of
    /// people's clocks. `utc` itself if there is no such room.
    pub(crate) fn time_in(&mut self, room: RoomId, utc: Millis) -> Millis {
        let room = self.rooms.get_mut(room.index());
        room.map_or(utc, |room| room.timeline.time(utc))
    }
}

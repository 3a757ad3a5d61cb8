//! One room: who is in it, its topic, what it has heard.

use std::cmp::Reverse;

use super::timeline::Timeline;
use super::{Config, Epoch, MemberId, Millis, Name, Rank, RoomId, Text};

#[derive(Debug)]
pub(super) struct Room {
    name: Name,
    /// In no order: whoever leaves is replaced by the last one.
    members: Vec<MemberId>,
    pub(super) topic: Option<Text>,
    pub(super) timeline: Timeline,
    /// Messages ever said here.
    pub(super) said: u64,
    /// Nobody is in it, and it is kept until then.
    pub(super) lingers_until: Option<Millis>,
}

impl Room {
    pub(super) fn new(name: Name, epoch: Epoch, limits: &Config) -> Room {
        Room {
            name,
            members: Vec::new(),
            topic: None,
            timeline: Timeline::new(epoch, limits),
            said: 0,
            lingers_until: None,
        }
    }

    /// The name as first written, without the `#`.
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn members(&self) -> &[MemberId] {
        &self.members
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Its place among the other rooms, as it is now.
    pub(super) fn rank(&self, id: RoomId) -> Rank {
        (Reverse(self.len()), self.name.clone(), id)
    }

    /// Adds a member and returns its seat, which [`leave`](Room::leave) wants back.
    pub(super) fn enter(&mut self, member: MemberId) -> u32 {
        self.members.push(member);
        (self.members.len() - 1) as u32
    }

    /// Empties a seat. If that gave it to another member, it is returned: its seat has changed.
    pub(super) fn leave(&mut self, seat: u32) -> Option<MemberId> {
        self.members.swap_remove(seat as usize);
        self.members.get(seat as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn member(index: u32) -> MemberId {
        MemberId {
            index,
            generation: NonZeroU32::MIN,
        }
    }

    #[test]
    fn an_emptied_seat_goes_to_the_last_member() {
        let mut room = Room::new(Name::generated("tea".into()), Epoch(1), &Config::default());
        let seats: Vec<u32> = (0..3).map(|index| room.enter(member(index))).collect();
        assert_eq!(seats, [0, 1, 2]);
        assert_eq!(room.leave(0), Some(member(2)));
        assert_eq!(room.members(), [member(2), member(1)]);
        assert_eq!(room.leave(1), None, "the last seat is nobody else's");
        assert_eq!(room.leave(0), None);
        assert_eq!(room.len(), 0);
    }
}

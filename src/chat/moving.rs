//! Where members are: rooms that open and close, seats in them, and who comes and goes.

use super::answers::{tell, without_hash};
use super::look_alikes::Keys;
use super::room::Room;
use super::{
    Answer, Chat, Departure, Effect, Epoch, Event, LOBBY, Member, MemberId, Millis, Name, Refusal,
    RoomId,
};

/// What somebody has typed for a room: what a new one would be called, the keys of that, and the
/// room that is there.
pub(super) type Meant = (Name, Keys, Option<RoomId>);

impl Chat {
    /// Goes to a room, which is opened if it is not there.
    pub(super) fn join(
        &mut self,
        member: MemberId,
        name: &str,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (name, keys, existing) = self.room_meant(name)?;
        let here = self.members[member.index()].room;
        match existing {
            Some(room) if room == here => {
                let room = self.room(here).name().clone();
                tell(effects, member, Answer::Stayed { room });
                return Ok(());
            }
            Some(room) if self.is_watched_by(member, room) => {
                self.go_to_watched(member, room, effects);
                return Ok(());
            }
            _ => {}
        }
        let to = self.enterable_or_opened(member, (name, keys, existing), Some(here), now)?;
        self.relocate(member, to, effects);
        self.tell_entered(member, effects);
        self.replay(to, member, utc, effects);
        Ok(())
    }

    /// The room that is meant by what somebody typed, if there is one; and what a new one would be
    /// called.
    pub(super) fn room_meant(&self, name: &str) -> Result<Meant, Refusal> {
        let limit = self.config.room_name;
        let (name, folded) =
            Name::with_fold(without_hash(name), limit).map_err(Refusal::BadRoomName)?;
        let keys = Keys::new(&name, &folded);
        let existing = self.room_with(&folded, &keys);
        Ok((name, keys, existing))
    }

    /// A room, if it has a place left.
    pub(super) fn enterable(&self, room: RoomId) -> Result<RoomId, Refusal> {
        match self.is_full(room) {
            true => Err(Refusal::RoomFull {
                room: self.room(room).name().clone(),
                limit: self.config.room_members,
            }),
            false => Ok(room),
        }
    }

    /// The same of a room that is meant; it is opened if it is not there. The member gives up
    /// `leaves` for it, if that is a room.
    pub(super) fn enterable_or_opened(
        &mut self,
        member: MemberId,
        (name, keys, existing): Meant,
        leaves: Option<RoomId>,
        now: Millis,
    ) -> Result<RoomId, Refusal> {
        if let Some(room) = existing.filter(|&room| !self.lingers(room)) {
            return self.enterable(room);
        }
        self.may_speak(member, now)?; // `/rooms` would show what it is called
        if existing.is_none() {
            self.looks_like_no_other(&name, &keys)?;
        }
        self.may_open_a_room(leaves)?;
        Ok(match existing {
            Some(room) => {
                self.revive(room);
                room
            }
            None => self.open_room(name, &keys),
        })
    }

    pub(super) fn tell_entered(&self, member: MemberId, effects: &mut Vec<Effect>) {
        let id = self.members[member.index()].room;
        let room = self.room(id);
        let answer = Answer::Entered {
            room: room.name().clone(),
            others: room.len() - 1,
            topic: self.topic_of(id),
            linger: self.linger_of(id),
            is_kept: self.config.is_kept,
            position: room.timeline.position,
        };
        tell(effects, member, answer);
    }

    /// Whether another room can be opened by somebody who gives up one for it.
    pub(super) fn may_open_a_room(&self, leaves: Option<RoomId>) -> Result<(), Refusal> {
        let limit = self.config.rooms;
        // Whoever is alone in a room gives it up, and the new one takes its place.
        let is_given_up = |room: RoomId| room != LOBBY && self.room(room).len() == 1;
        let given_up = usize::from(leaves.is_some_and(is_given_up));
        match self.room_count() - given_up >= limit {
            true => Err(Refusal::TooManyRooms { limit }),
            false => Ok(()),
        }
    }

    pub(super) fn open_room(&mut self, name: Name, keys: &Keys) -> RoomId {
        self.forget_alike(keys);
        self.make_way(1);
        let id = RoomId(self.rooms.vacant_key() as u32);
        self.room_names.insert(id.0, &name, keys);
        let epoch = Epoch(self.cloaks.hash(("epoch", self.ids.made())));
        self.rooms.insert(Room::new(name, epoch, &self.config));
        self.by_size.insert(self.rooms[id.index()].rank(id));
        id
    }

    pub(super) fn is_full(&self, room: RoomId) -> bool {
        self.rooms[room.index()].len() >= self.config.room_members
    }

    pub(super) fn take_seat(&mut self, id: MemberId, room: RoomId) {
        let seat = self.resize(room, |room| room.enter(id));
        let member = &mut self.members[id.index()];
        member.room = room;
        member.seat = seat;
    }

    pub(super) fn give_up_seat(&mut self, id: MemberId) -> RoomId {
        let Member { room, seat, .. } = self.members[id.index()];
        self.empty_seat(room, seat);
        room
    }

    /// Empties a seat, which may be given to another member.
    pub(super) fn empty_seat(&mut self, room: RoomId, seat: u32) {
        if let Some(neighbour) = self.resize(room, |room| room.leave(seat)) {
            let member = &mut self.members[neighbour.index()];
            match member.room == room {
                true => member.seat = seat,
                false => self.own_rooms.reseat(neighbour, room, seat),
            }
        }
    }

    /// Lets someone in or out of a room, whose place among the others then is another.
    pub(super) fn resize<R>(&mut self, id: RoomId, change: impl FnOnce(&mut Room) -> R) -> R {
        self.changes += 1;
        let room = &mut self.rooms[id.index()];
        self.by_size.remove(&room.rank(id));
        let result = change(room);
        self.by_size.insert(room.rank(id));
        result
    }

    /// Takes a member out of everything. Its rooms, which are returned, may be empty now.
    pub(super) fn remove(&mut self, member: MemberId, effects: &mut Vec<Effect>) -> Vec<RoomId> {
        let mut from = vec![self.give_up_seat(member)];
        for (room, seat) in self.own_rooms.forget(member) {
            self.empty_seat(room, seat);
            from.push(room);
            effects.push(Effect::Watched {
                member,
                room,
                is_watched: false,
            });
        }
        self.ignored.remove(&member);
        self.shared.remove(&member);
        self.held.remove(&member);
        let nickname = self.members.remove(member.index()).nickname;
        self.nicknames.remove(member.index, &nickname);
        self.leave_private(member, &nickname);
        effects.push(Effect::Moved {
            member,
            from: Some(from[0]),
            to: None,
        });
        from
    }

    /// Moves a member to a room that it does not hear, and lets both know.
    pub(super) fn relocate(&mut self, id: MemberId, to: RoomId, effects: &mut Vec<Effect>) {
        // Where it comes from nobody has heard of it, where it goes everybody does.
        let unheard_of = self.newcomers.take(id);
        let from = self.give_up_seat(id);
        self.take_seat(id, to);
        self.moved(id, from, to, unheard_of, effects);
        self.arrived(id, effects);
    }

    /// After a member has gone from one room to another.
    pub(super) fn moved(
        &mut self,
        member: MemberId,
        from: RoomId,
        to: RoomId,
        unheard_of: bool,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(Effect::Moved {
            member,
            from: Some(from),
            to: Some(to),
        });
        match unheard_of {
            true => self.clear_up(from),
            false => self.parted(from, member, effects),
        }
    }

    /// After a member has gone from a room, and is in another.
    pub(super) fn parted(&mut self, room: RoomId, member: MemberId, effects: &mut Vec<Effect>) {
        let departure = Event::Departure {
            member,
            who: self.person(member),
            why: Departure::Parted,
        };
        self.departed(room, departure, effects);
    }

    /// After a member has gone from `room`: tells those left, or clears up after the last one.
    pub(super) fn departed(&mut self, room: RoomId, departure: Event, effects: &mut Vec<Effect>) {
        match self.rooms[room.index()].len() {
            0 => self.emptied(room),
            _ => self.say(room, departure, effects),
        }
    }

    /// After a member has gone from `room` of whom nobody there has heard.
    pub(super) fn clear_up(&mut self, room: RoomId) {
        if self.rooms[room.index()].len() == 0 {
            self.emptied(room);
        }
    }
}

//! Rooms that a member hears beside the one that it is in.
//!
//! Nearly nobody has any, so that who has none pays nothing: what is kept is in a table beside the
//! members.

use std::collections::HashMap;

use super::answers::{tell, without_hash};
use super::{Answer, Chat, Effect, Event, LOBBY, MemberId, Millis, Refusal, RoomId};

/// Who hears which rooms beside its own, and where it sits in each; the latest last.
#[derive(Debug, Default)]
pub(super) struct OwnRooms {
    watched: HashMap<MemberId, Vec<(RoomId, u32)>>,
}

impl OwnRooms {
    /// The rooms that a member hears beside its own, and its seats.
    pub(super) fn of(&self, member: MemberId) -> &[(RoomId, u32)] {
        match self.watched.is_empty() {
            true => &[], // nearly always
            false => self.watched.get(&member).map_or(&[], Vec::as_slice),
        }
    }

    fn watches(&self, member: MemberId, room: RoomId) -> bool {
        self.of(member).iter().any(|(watched, _)| *watched == room)
    }

    fn insert(&mut self, member: MemberId, room: RoomId, seat: u32) {
        self.watched.entry(member).or_default().push((room, seat));
    }

    /// Takes out one of them; its seat.
    fn remove(&mut self, member: MemberId, room: RoomId) -> Option<u32> {
        let rooms = self.watched.get_mut(&member)?;
        let at = rooms.iter().position(|(watched, _)| *watched == room)?;
        let (_, seat) = rooms.remove(at);
        if rooms.is_empty() {
            self.watched.remove(&member);
        }
        Some(seat)
    }

    /// A member sits elsewhere in a room that it hears.
    pub(super) fn reseat(&mut self, member: MemberId, room: RoomId, seat: u32) {
        let rooms = self.watched.get_mut(&member).into_iter().flatten();
        for (_, own) in rooms.filter(|(watched, _)| *watched == room) {
            *own = seat;
        }
    }

    /// A member is gone: what it heard, and its seats.
    pub(super) fn forget(&mut self, member: MemberId) -> Vec<(RoomId, u32)> {
        match self.watched.is_empty() {
            true => Vec::new(),
            false => self.watched.remove(&member).unwrap_or_default(),
        }
    }
}

impl Chat {
    /// The rooms that a member is in: the one where it speaks first. None if there is no such
    /// member.
    pub fn rooms_of(&self, member: MemberId) -> impl Iterator<Item = RoomId> {
        let watched = self.own_rooms.of(member).iter().map(|(room, _)| *room);
        self.room_of(member).into_iter().chain(watched)
    }

    /// Whether a member is in a room.
    pub(super) fn hears(&self, member: MemberId, room: RoomId) -> bool {
        self.rooms_of(member).any(|own| own == room)
    }

    /// The rooms that a member hears beside its own.
    pub fn watched_by(&self, member: MemberId) -> impl Iterator<Item = RoomId> {
        self.own_rooms.of(member).iter().map(|(room, _)| *room)
    }

    /// Has a member hear a room, too, which is opened if it is not there.
    pub(super) fn watch(
        &mut self,
        member: MemberId,
        name: &str,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (name, keys, existing) = self.room_meant(name)?;
        if let Some(room) = existing
            && self.hears(member, room)
        {
            let room = self.room(room).name().clone();
            tell(effects, member, Answer::Hears { room });
            return Ok(());
        }
        let limit = self.config.rooms_per_member;
        if self.rooms_of(member).count() >= limit {
            return Err(Refusal::TooManyOwnRooms { limit });
        }
        let room = self.enterable_or_opened(member, (name, keys, existing), None, now)?;
        self.hear_too(member, room, effects);
        let place = self.room(room);
        let answer = Answer::Watching {
            room: place.name().clone(),
            others: place.len() - 1,
            topic: self.topic_of(room),
            linger: self.linger_of(room),
            is_kept: self.config.is_kept,
            position: place.timeline.position,
        };
        tell(effects, member, answer);
        self.replay(room, member, utc, effects);
        Ok(())
    }

    /// Has a member hear a room from now on that it did not hear, and lets that know.
    pub(super) fn hear_too(&mut self, member: MemberId, room: RoomId, effects: &mut Vec<Effect>) {
        let seat = self.resize(room, |room| room.enter(member));
        self.own_rooms.insert(member, room, seat);
        effects.push(Effect::Watched {
            member,
            room,
            is_watched: true,
        });
        let who = self.person(member);
        self.say(room, Event::Arrival { member, who }, effects);
    }

    /// Goes to a room that the member hears already.
    pub(super) fn go_to_watched(
        &mut self,
        member: MemberId,
        to: RoomId,
        effects: &mut Vec<Effect>,
    ) {
        let unheard_of = self.newcomers.take(member);
        let from = self.give_up_seat(member);
        if let Some(seat) = self.own_rooms.remove(member, to) {
            let place = &mut self.members[member.index()];
            (place.room, place.seat) = (to, seat);
        }
        effects.push(Effect::Watched {
            member,
            room: to,
            is_watched: false,
        });
        self.moved(member, from, to, unheard_of, effects);
        self.tell_entered(member, effects);
    }

    /// Leaves a room: the one that the member is in, or one that it hears.
    pub(super) fn part(
        &mut self,
        member: MemberId,
        name: Option<&str>,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let here = self.members[member.index()].room;
        let room = match name.map(without_hash) {
            None => here,
            Some(name) => self.room_named(name).ok_or_else(|| self.no_room(name))?,
        };
        if room == here {
            return self.part_from_here(member, utc, effects);
        }
        let Some(seat) = self.own_rooms.remove(member, room) else {
            let room = self.room(room).name().clone();
            return Err(Refusal::NotInRoom { room });
        };
        let name = self.room(room).name().clone();
        self.empty_seat(room, seat);
        effects.push(Effect::Watched {
            member,
            room,
            is_watched: false,
        });
        self.parted(room, member, effects);
        tell(effects, member, Answer::Parted { room: name });
        Ok(())
    }

    /// Goes to the latest of the other rooms, or to the lobby.
    fn part_from_here(
        &mut self,
        member: MemberId,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let here = self.members[member.index()].room;
        match self.own_rooms.of(member).last() {
            Some(&(latest, _)) => self.go_to_watched(member, latest, effects),
            None if here == LOBBY => {
                let room = self.room(here).name().clone();
                return Err(Refusal::LastRoom { room });
            }
            None => {
                let lobby = self.enterable(LOBBY)?;
                self.relocate(member, lobby, effects);
                self.tell_entered(member, effects);
                self.replay(LOBBY, member, utc, effects);
            }
        }
        Ok(())
    }

    pub(super) fn describe_own_rooms(&self, member: MemberId) -> Answer {
        let listed = self.rooms_of(member).map(|room| {
            let room = self.room(room);
            (room.name().clone(), room.len())
        });
        Answer::OwnRooms {
            listed: listed.collect(),
        }
    }

    /// Whether a member hears a room beside its own.
    pub(super) fn is_watched_by(&self, member: MemberId, room: RoomId) -> bool {
        self.own_rooms.watches(member, room)
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::Config;
    use super::super::tests::House;

    #[test]
    fn a_watched_room_is_heard_and_named() {
        let (mut house, [ann, bob]) = House::with_guests();
        house.types(bob, "/join tea");
        house.types(bob, "/topic at five");
        house.types(bob, "milk?");
        house.read(bob);
        house.read(ann);
        assert_eq!(
            house.answers(ann, "/watch #TEA"),
            [
                "* You hear #tea now, with 1 other.",
                "* Topic of #tea: at five",
                "* The last 1 messages of #tea:",
                "guest2: milk?"
            ]
        );
        house.pass(1000);
        assert_eq!(house.read(bob), ["* guest1 joined #tea."]);
        house.types(bob, "sugar?");
        assert_eq!(house.read(ann), ["#tea guest2: sugar?"]);
        assert_eq!(
            house.answers(ann, "/watch tea"),
            ["* You hear #tea already."]
        );
        assert_eq!(
            house.answers(ann, "/rooms mine"),
            ["* Your rooms: #lobby (1), #tea (2)"]
        );
        assert_eq!(
            house.answers(bob, "/who"),
            ["* In #tea (2): guest2, guest1"]
        );
        // She speaks where she is.
        house.types(ann, "hello?");
        assert!(house.read(bob).is_empty());
        house.types(ann, "/nick ann");
        assert_eq!(house.read(bob), ["* guest1 is now ann."]);
    }

    #[test]
    fn from_the_current_room_one_goes_to_the_latest_other_one() {
        let (mut house, [ann, bob, carol]) = House::with_guests();
        for line in ["/join tea", "/watch lobby", "/watch go"] {
            house.types(ann, line);
        }
        house.types(bob, "/join tea");
        house.types(carol, "/join go");
        house.pass(2000);
        for id in [ann, bob, carol] {
            house.read(id);
        }
        assert_eq!(
            house.answers(ann, "/part"),
            ["* You are now in #go with 1 other."]
        );
        house.pass(1000);
        assert_eq!(house.read(bob), ["* guest1 left #tea."]);
        assert!(house.read(carol).is_empty(), "she was there before");
        house.types(carol, "hi");
        assert_eq!(house.read(ann), ["guest3: hi"]);
        assert_eq!(house.answers(ann, "/part lobby"), ["* You left #lobby."]);
        assert_eq!(house.answers(ann, "/part tea"), ["! You are not in #tea."]);
        assert_eq!(house.answers(ann, "/part x"), ["! There is no room #x."]);
        assert_eq!(
            house.answers(ann, "/part"),
            ["* You are now in #lobby with 0 others."]
        );
        assert_eq!(
            house.answers(ann, "/part"),
            ["! There is no other room for you to go to than #lobby. /quit leaves."]
        );
    }

    #[test]
    fn who_goes_to_a_watched_room_was_there_before() {
        let (mut house, [ann, bob]) = House::with_guests();
        house.types(ann, "/watch tea");
        house.types(ann, "/watch go");
        house.types(bob, "/watch tea");
        house.pass(2000);
        house.read(ann);
        house.read(bob);
        assert_eq!(
            house.answers(ann, "/join tea"),
            ["* You are now in #tea with 1 other."]
        );
        house.pass(1000);
        assert_eq!(house.read(bob), ["* guest1 left #lobby."]);
        house.types(ann, "now here");
        assert_eq!(house.read(bob), ["#tea guest1: now here"]);
        // Who leaves the chat leaves every room.
        house.leave(ann);
        house.pass(1000);
        assert_eq!(house.read(bob), ["#tea * guest1 left #tea."]);
        assert_eq!(house.chat.room_count(), 2, "nobody is left in #go");
    }

    #[test]
    fn one_hears_as_many_rooms_as_one_may() {
        let mut house = House::new(Config {
            rooms_per_member: 2,
            rooms: 3,
            ..Config::default()
        });
        let ann = house.connect();
        let bob = house.connect();
        house.types(ann, "/watch tea");
        house.read(ann);
        let full = "! You hear 2 rooms already, and that is the limit. /part leaves one.";
        assert_eq!(house.answers(ann, "/watch go"), [full]);
        house.types(bob, "/watch go");
        house.types(bob, "/part go");
        house.types(bob, "/watch chess");
        house.read(bob);
        assert_eq!(
            house.answers(ann, "/join go"),
            ["! There are 3 rooms already, and that is the limit. /rooms lists them."]
        );
    }

    #[test]
    fn an_announcement_is_heard_once() {
        let (mut house, [ann]) = House::with_guests();
        house.types(ann, "/watch tea");
        house.read(ann);
        house.announce("tea time");
        assert_eq!(house.read(ann), ["* tea time"]);
    }
}

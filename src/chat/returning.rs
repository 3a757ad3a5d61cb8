//! Who comes back after a cut.
//!
//! A member whose connection is gone leaves, as any other: the others see that it is away. What it
//! was is kept by who knows whether it may come back, and given back to a newcomer that proves to
//! be it: its name, if nobody has taken that, and its rooms. What it has missed it is told exactly,
//! if that is remembered, by the numbers of what it has heard.

use super::answers::tell;
use super::timeline::Timeline;
use super::{
    Answer, Audience, Chat, Effect, Event, MemberId, Millis, Name, Origin, Peer, Position, Refusal,
    Repeated, RoomId,
};

/// So much of what was missed is told in one piece: a connection that is cut again and again comes
/// on all the same.
const PIECE: usize = 50;

/// What somebody was who has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    nickname: Name,
    /// Where it was.
    room: Name,
    /// What it heard beside that, the latest last.
    watched: Vec<Name>,
    /// Whom it did not want to hear.
    ignored: Vec<MemberId>,
    /// As what it was known, and where it came from: by that it may be muted.
    member: MemberId,
    origin: Origin,
}

impl Absent {
    /// The rooms in which it was.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &Name> {
        [&self.room].into_iter().chain(&self.watched)
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let names = self
            .watched
            .iter()
            .map(|name| size_of::<Name>() + name.len());
        let ignored = size_of_val(&self.ignored[..]);
        size_of::<Self>() + ignored + self.nickname.len() + self.room.len() + names.sum::<usize>()
    }
}

impl Chat {
    /// What a member is that is about to leave; `None` if it is not there, or is sent away.
    pub fn absent(&self, member: MemberId) -> Option<Absent> {
        let found = self.member(member).filter(|_| !self.is_expelled(member))?;
        let name_of = |room| self.room(room).name().clone();
        Some(Absent {
            nickname: found.nickname.clone(),
            room: name_of(found.room),
            watched: self.watched_by(member).map(name_of).collect(),
            ignored: self.ignored_by(member).collect(),
            member,
            origin: found.peer.origin(),
        })
    }

    /// A member is there by another connection, from somewhere else perhaps.
    pub fn readdress(&mut self, member: MemberId, peer: Peer, now: Millis) {
        if let Some(before) = self.peer(member) {
            self.members[member.index()].peer = peer;
            self.mute_again(member, (before.origin(), member), now);
        }
    }

    /// A member is muted as long as another is, or was: itself, by another connection.
    fn mute_again(&mut self, member: MemberId, (origin, muted): (Origin, MemberId), now: Millis) {
        let until = self.mutes.hold(origin, muted, now);
        let origin = self.members[member.index()].peer.origin();
        if let Some(until) = until
            && self.mutes.hold(origin, member, now) < Some(until)
        {
            // Only if operators have muted as many as they may, it goes free.
            let _ = self.mutes.put(origin, member, self.arrivals, until, now);
        }
    }

    /// Gives a newcomer back what it was: its name, if nobody has that, and its rooms, as far as
    /// they take it. What cannot be is told to it.
    pub fn restore(
        &mut self,
        newcomer: MemberId,
        absent: &Absent,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        self.now = now;
        if self.member(newcomer).is_none() {
            return;
        }
        let mut refused = Vec::new();
        let before = self.members[newcomer.index()].nickname.clone();
        if !self.give_back_name(newcomer, &absent.nickname) {
            refused.push(Refusal::NicknameTaken {
                nickname: absent.nickname.clone(),
                free: None,
            });
        } else if before != absent.nickname && !self.newcomers.contains(newcomer) {
            self.tell_rename(newcomer, before, effects);
        }
        self.mute_again(newcomer, (absent.origin, absent.member), now);
        self.inherit_private(newcomer, absent.member);
        for &whom in &absent.ignored {
            self.ignore_again(newcomer, whom, effects);
        }
        // Its own room first: where it is, is where it speaks.
        let goes = self.restore_room(newcomer, &absent.room, true, effects);
        refused.extend(goes.err());
        // It is somebody, and others are to hear of it in all of its rooms, or in none.
        self.announce_arrival(newcomer, effects);
        for watched in &absent.watched {
            let hears = self.restore_room(newcomer, watched, false, effects);
            refused.extend(hears.err());
        }
        for refusal in refused {
            tell(effects, newcomer, Answer::Refused(refusal));
        }
    }

    fn restore_room(
        &mut self,
        member: MemberId,
        name: &Name,
        is_own: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let meant = self.room_meant(name)?;
        if let Some(room) = meant.2.filter(|&room| self.hears(member, room)) {
            if is_own && self.room_of(member) != Some(room) {
                self.go_to_watched(member, room, effects);
            }
            return Ok(());
        }
        let limit = self.config.rooms_per_member;
        if !is_own && self.rooms_of(member).count() >= limit {
            return Err(Refusal::TooManyOwnRooms { limit });
        }
        let leaves = self.room_of(member).filter(|_| is_own);
        let room = self.enterable_or_opened(member, meant, leaves, self.now)?;
        match is_own {
            true => self.relocate(member, room, effects),
            false => self.hear_too(member, room, effects),
        }
        Ok(())
    }

    /// Tells a member that is back who and where it is.
    pub fn welcome_back(&self, member: MemberId, effects: &mut Vec<Effect>) {
        let Some(found) = self.member(member) else {
            return;
        };
        let room = self.room(found.room);
        let watched = self.watched_by(member);
        let answer = Answer::Returned {
            who: self.person(member),
            room: room.name().clone(),
            others: room.len() - 1,
            topic: self.topic_of(found.room),
            watched: watched.map(|room| self.room(room).name().clone()).collect(),
        };
        tell(effects, member, answer);
    }

    /// Up to where a room was heard; `None` if there is none of that name.
    #[cfg(all(test, feature = "server"))]
    pub(crate) fn position(&self, room: &str) -> Option<Position> {
        let room = self.room_named(room)?;
        Some(self.room(room).timeline.position)
    }

    /// Whether a member hears a room, by its name.
    pub fn is_heard_by(&self, member: MemberId, room: &str) -> bool {
        self.heard_room(member, room).is_some()
    }

    fn heard_room(&self, member: MemberId, name: &str) -> Option<RoomId> {
        self.room_named(name)
            .filter(|&room| self.hears(member, room))
    }

    /// Tells a member what it has missed of a room that it hears, behind what it has heard there;
    /// or, if not all of that is remembered, or it is too much for it, only up to where the room
    /// was heard. Nothing, if it does not hear that room.
    pub fn tell_backlog(
        &self,
        member: MemberId,
        room: &str,
        since: Position,
        is_too_much: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(id) = self.heard_room(member, room) else {
            return;
        };
        let room = self.room(id);
        let of = Audience::Room(room.name().clone());
        self.tell_backlog_of(member, (of, &room.timeline), since, is_too_much, effects);
    }

    pub(super) fn tell_backlog_of(
        &self,
        member: MemberId,
        (of, log): (Audience, &Timeline),
        since: Position,
        is_too_much: bool,
        effects: &mut Vec<Effect>,
    ) {
        let position = log.position;
        let is_known = since.epoch == position.epoch && since.number <= position.number;
        let events = match is_known && !is_too_much {
            true => log.history.since(since.number),
            false => None,
        };
        let wanted = |event: &Event| match event {
            Event::Message(said) => !self.ignores(member, said.member),
            _ => true,
        };
        let backlog = |number, events, is_more| Answer::Backlog {
            of: of.clone(),
            position: Position { number, ..position },
            events,
            own: Vec::new(),
            is_more,
        };
        let Some(events) = events else {
            return tell(effects, member, backlog(position.number, None, false));
        };
        let mut events = events.into_iter().filter(wanted).peekable();
        loop {
            // Each has no more memory than it needs: all of them wait until the last is told.
            let piece: Vec<Event> = events.by_ref().take(PIECE).collect();
            let is_more = events.peek().is_some();
            let last = piece.last().and_then(Event::place);
            let number = match last.filter(|_| is_more) {
                Some(place) => place.number,
                None => position.number,
            };
            tell(effects, member, backlog(number, Some(piece), is_more));
            if !is_more {
                return;
            }
        }
    }

    /// What a member would be told that has missed this of a room.
    pub fn foresee_backlog(&self, room: &str, since: Position) -> Repeated {
        let room = self.room_named(room).map(|room| self.room(room));
        room.map_or_else(Repeated::default, |room| {
            room.timeline.repeated_since(since)
        })
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;
    use super::super::{Answer, Config, Position};
    use super::*;

    /// Catches: a thousand pieces of which each has the memory of all that come behind it.
    #[test]
    fn what_was_missed_is_told_in_pieces_that_hold_no_more_than_they_have() {
        let mut house = House::new(Config {
            history: 1000,
            ..Config::default()
        });
        let [ann, bob] = [house.connect(), house.connect()];
        let said = 10 * PIECE + 1;
        for number in 0..said {
            house.types(ann, &number.to_string());
        }
        let position = house.chat.position("lobby").expect("it is there");
        let mut told = Vec::new();
        let mut numbers = vec![0];
        for (since, pieces) in [(0, 11), (position.number, 1)] {
            let (mut effects, mut count) = (Vec::new(), 0);
            let since = Position {
                number: since,
                ..position
            };
            let chat = &house.chat;
            chat.tell_backlog(bob, "lobby", since, false, &mut effects);
            for effect in &effects {
                let Effect::Tell { answer, .. } = effect else {
                    panic!("it is told: {effect:?}");
                };
                let Answer::Backlog {
                    position: upto,
                    events: Some(events),
                    is_more,
                    ..
                } = answer
                else {
                    panic!("all of it is kept: {answer:?}");
                };
                count += 1;
                assert!(events.capacity() <= 2 * PIECE, "{}", events.capacity());
                assert_eq!(*is_more, count < pieces);
                numbers.push(upto.number);
                told.extend(events.iter().cloned());
            }
            assert_eq!(count, pieces);
        }
        assert!(numbers.is_sorted() && numbers.last() == Some(&position.number));
        assert_eq!(told.len(), said);
    }
}

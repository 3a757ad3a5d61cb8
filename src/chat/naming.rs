//! Who has a name, which are free, and taking another.

use std::borrow::Cow;
use std::num::NonZeroU32;

use ecow::eco_format;

use super::answers::tell;
use super::look_alikes::{Keys, is_guests, sounds_official};
use super::name::{self, Name};
use super::{
    Answer, Chat, Effect, Event, LOBBY_NAME, MemberId, Refusal, RoomId, nickname_at, room_name_at,
};

/// Characters of `guest4294967295`: such names may be longer than those that members take.
const LONGEST_GUEST: usize = 15;
/// How many names are tried before a member is left to think of one: all with numbers of one or
/// two digits.
const SUGGESTIONS: usize = 13;

impl Chat {
    /// A name for a newcomer, and its keys. Nobody takes such a name by choice, so this searches
    /// only after all numbers have been used once.
    pub(super) fn next_guest(&mut self) -> (Name, Keys) {
        loop {
            self.arrivals = self.arrivals.checked_add(1).unwrap_or(NonZeroU32::MIN);
            let name = Name::generated(eco_format!("guest{}", self.arrivals));
            let keys = Keys::of(&name);
            if self.alike(&keys).next().is_none() {
                return (name, keys);
            }
        }
    }

    /// The member that has a nickname, however that is spelt.
    pub(super) fn named(&self, nickname: &str) -> Option<MemberId> {
        let folded = self.fold_nickname(nickname)?;
        let members = &self.members;
        let index = self
            .nicknames
            .find(&folded, |at| nickname_at(members, at))?;
        Some(self.member_at(index))
    }

    /// A text folded, if it can be a nickname, however that is spelt.
    pub(super) fn fold_nickname<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        name::fold_if_meant(text, self.config.nickname.max(LONGEST_GUEST))
    }

    /// The members whose nicknames look like the one with these keys: as many as it has keys at
    /// most.
    fn alike(&self, keys: &Keys) -> impl Iterator<Item = MemberId> {
        let members = &self.members;
        let alike = self.nicknames.alike(keys, |at| nickname_at(members, at));
        alike.map(|index| self.member_at(index))
    }

    fn member_at(&self, index: u32) -> MemberId {
        let generation = self.members[index as usize].generation;
        MemberId { index, generation }
    }

    /// The room that has a name, of which the fold and the keys are known.
    pub(super) fn room_with(&self, folded: &str, keys: &Keys) -> Option<RoomId> {
        let name_at = |at| room_name_at(&self.rooms, at);
        let found = self.room_names.find_by_key(folded, keys.folded(), name_at);
        found.map(RoomId)
    }

    /// The room that has a name, however that is spelt; not one that nobody is in any more.
    pub(super) fn room_named(&self, name: &str) -> Option<RoomId> {
        self.kept_room(name).filter(|&room| !self.lingers(room))
    }

    /// The same, or one that is only kept.
    pub(super) fn kept_room(&self, name: &str) -> Option<RoomId> {
        let folded = name::fold_if_meant(name, self.config.room_name.max(LOBBY_NAME.len()))?;
        let rooms = &self.rooms;
        let found = self.room_names.find(&folded, |at| room_name_at(rooms, at));
        found.map(RoomId)
    }

    pub(super) fn rename(
        &mut self,
        member: MemberId,
        name: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let limit = self.config.nickname;
        let (name, folded) = Name::with_fold(name, limit).map_err(Refusal::BadNickname)?;
        let keys = Keys::new(&name, &folded);
        let is_operator = self.members[member.index()].peer.is_operator();
        let is_reserved = |keys: &Keys| is_guests(keys) || !is_operator && sounds_official(keys);
        let names = |at| nickname_at(&self.members, at);
        let has_it = || self.nicknames.find_by_key(&folded, keys.folded(), names);
        if is_reserved(&keys) && has_it() != Some(member.index) {
            return Err(Refusal::NicknameReserved { nickname: name });
        }
        if !self.alike(&keys).all(|owner| owner == member) {
            let is_free = |keys: &Keys| self.nicknames.is_surely_free(keys) && !is_reserved(keys);
            let mut alternatives = name.alternatives(limit).take(SUGGESTIONS);
            let free = alternatives.find(|(_, keys)| is_free(keys));
            let free = free.map(|(name, _)| name);
            return Err(Refusal::NicknameTaken {
                nickname: name.clone(),
                free,
            });
        }
        let before = self.give_name(member, &name, &keys);
        tell(effects, member, Answer::Renamed { nickname: name });
        // Of a newcomer nobody knows the name it had.
        if !self.newcomers.contains(member) {
            self.tell_rename(member, before, effects);
        }
        Ok(())
    }

    /// Tells its rooms that a member has another name.
    pub(super) fn tell_rename(&self, member: MemberId, before: Name, effects: &mut Vec<Effect>) {
        let who = self.person(member);
        let renamed = Event::Rename {
            member,
            who,
            before,
        };
        for room in self.rooms_of(member) {
            self.say(room, renamed.clone(), effects);
        }
    }

    /// Gives a member a name that is free. Returns the one that it had.
    fn give_name(&mut self, member: MemberId, name: &Name, keys: &Keys) -> Name {
        let place = &mut self.members[member.index()];
        let before = std::mem::replace(&mut place.nickname, name.clone());
        self.nicknames.remove(member.index, &before);
        self.nicknames.insert(member.index, name, keys);
        before
    }

    /// Gives a newcomer the name that it had, whatever it is. False if somebody has it, or one that
    /// looks like it.
    pub(super) fn give_back_name(&mut self, member: MemberId, name: &Name) -> bool {
        let keys = Keys::of(name);
        let is_free = self.alike(&keys).all(|owner| owner == member);
        if is_free {
            self.give_name(member, name, &keys);
        }
        is_free
    }

    /// Whether a room of this name, with these keys, would look like no other one.
    pub(super) fn looks_like_no_other(&self, name: &Name, keys: &Keys) -> Result<(), Refusal> {
        let rooms = &self.rooms;
        let alike = self.room_names.alike(keys, |at| room_name_at(rooms, at));
        // Nobody could say which room is in the way if nobody is in it.
        let seen = alike.map(RoomId).find(|&other| !self.lingers(other));
        match seen {
            None => Ok(()),
            Some(other) => Err(Refusal::RoomNameTaken {
                room: name.clone(),
                like: self.room(other).name().clone(),
            }),
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::{House, OWNER};

    #[test]
    fn a_name_that_looks_like_anothers_is_taken() {
        let (mut house, [alice, mallory]) = House::with_guests();
        house.types(alice, "/nick Alice");
        house.read(mallory);
        for spoof in ["AIice", "A1ice", "al\u{131}ce", "αlice", "аӏісе", "ɑlice"] {
            let answers = house.answers(mallory, &format!("/nick {spoof}"));
            assert!(
                answers.len() == 1 && answers[0].starts_with("! "),
                "{spoof}: {answers:?}"
            );
        }
        house.types(mallory, "/nick mallory");
        house.read(mallory);
        assert_eq!(
            house.answers(mallory, "/nick AIice"),
            ["! AIice is taken; try AIice2."]
        );
        // A line to a name reaches only who has it.
        assert_eq!(
            house.answers(mallory, "/msg AIice hello"),
            ["! There is no AIice here."]
        );
        // Whoever has it may write it as it likes.
        house.read(alice);
        for own in ["ALICE", "alice", "AIice", "Alice"] {
            assert_eq!(
                house.answers(alice, &format!("/nick {own}")),
                [format!("* You are now {own}.")]
            );
        }
        house.types(alice, "/nick zoe");
        house.read(mallory);
        assert_eq!(
            house.answers(mallory, "/nick AIice"),
            ["* You are now AIice."]
        );
    }

    #[test]
    fn names_of_the_server_are_given_by_it_alone() {
        let (mut house, [alice, bob]) = House::with_guests();
        let owner = house.connect_from(OWNER);
        house.read(owner);
        assert_eq!(
            house.answers(owner, "/nick admin")[..],
            ["* You are now admin."]
        );
        let refused = "! guest9 is reserved; try another.";
        assert_eq!(house.answers(owner, "/nick guest9"), [refused]);
        house.read(alice);
        house.read(bob);
        for name in ["server", "Admin", "0perator", "guest7", "guest1", "Guestl"] {
            let answer = format!("! {name} is reserved; try another.");
            assert_eq!(house.answers(bob, &format!("/nick {name}")), [answer]);
        }
        assert_eq!(
            house.answers(alice, "/nick Guest1"),
            ["* You are now Guest1."]
        );
    }

    #[test]
    fn a_room_that_looks_like_another_is_not_opened() {
        let (mut house, [alice, bob]) = House::with_guests();
        house.types(alice, "/join Ilse");
        house.read(bob);
        for (room, answer) in [
            ("1obby", "! #1obby is taken: it looks like #lobby."),
            ("#L0BBY", "! #L0BBY is taken: it looks like #lobby."),
            ("llse", "! #llse is taken: it looks like #Ilse."),
            ("ilse", "* You are now in #Ilse with 1 other."),
        ] {
            assert_eq!(house.answers(bob, &format!("/join {room}"))[0], answer);
        }
        let mixed = house.answers(bob, "/join #lоbby");
        assert!(
            mixed[0].starts_with("! A room name is in one script"),
            "{mixed:?}"
        );
    }

    #[test]
    fn a_suggested_name_is_free() {
        let (mut house, guests) = House::with_guests::<12>();
        for id in guests {
            let answer = house.answers(id, "/nick abcdefghijklmnopqrstuvwx");
            let answer = answer.last().map(String::as_str);
            if let Some(advice) = answer.and_then(|answer| answer.split_once("; try ")) {
                let suggested = advice.1.trim_end_matches('.');
                let line = format!("/nick {suggested}");
                assert_eq!(
                    house.answers(id, &line),
                    [format!("* You are now {suggested}.")]
                );
            }
        }
        let last = house.chat.nickname(guests[11]);
        assert!(last.is_some_and(|name| name.starts_with("abcdefghij") && name.len() == 24));
    }
}

//! The rooms as others see them, and whether anything of that has changed.

use super::Chat;

/// A room as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomSummary<'a> {
    /// Its name, without the `#`.
    pub name: &'a str,
    /// How many members it has.
    pub members: usize,
    /// How many messages were said in it since it was opened.
    pub said: u64,
}

impl Chat {
    /// The rooms, the largest first, as `/rooms` lists them. To look at a few costs no look at the
    /// others.
    pub fn rooms(&self) -> impl Iterator<Item = RoomSummary<'_>> {
        self.by_size.iter().map(|(_, name, id)| {
            let room = &self.rooms[id.index()];
            RoomSummary {
                name,
                members: room.len(),
                said: room.said,
            }
        })
    }

    /// Another number whenever [`rooms`](Chat::rooms) may have another answer, so that whoever
    /// shows it knows without looking that nothing has changed.
    pub fn rooms_version(&self) -> u64 {
        self.changes
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;
    use super::*;

    fn listed(chat: &Chat) -> Vec<(&str, usize, u64)> {
        let rooms = chat.rooms();
        rooms
            .map(|room| (room.name, room.members, room.said))
            .collect()
    }

    #[test]
    fn rooms_tell_their_size_and_what_was_ever_said() {
        let (mut house, [ann, bob]) = House::with_guests();
        house.types(ann, "/join tea");
        house.types(ann, "one");
        house.types(ann, "/me two");
        house.types(ann, "/topic three is no message");
        house.types(bob, "hello");
        assert_eq!(listed(&house.chat), [("lobby", 1, 1), ("tea", 1, 2)]);
        house.types(bob, "/join tea");
        assert_eq!(listed(&house.chat), [("tea", 2, 2), ("lobby", 0, 1)]);
    }

    #[test]
    fn whatever_is_seen_of_rooms_has_a_version_of_its_own() {
        let (mut house, [ann, bob]) = House::with_guests();
        let mut seen = house.chat.rooms_version();
        let mut last: Vec<(String, usize, u64)> = Vec::new();
        for line in [
            "hello",
            "/join tea",
            "/me is here",
            "/who",
            "/join lobby",
            "/quit",
        ] {
            house.types(ann, line);
            let now: Vec<_> = listed(&house.chat)
                .into_iter()
                .map(|(name, members, said)| (name.to_owned(), members, said))
                .collect();
            let version = house.chat.rooms_version();
            assert!(now == last || version != seen, "{line} went unseen");
            (seen, last) = (version, now);
        }
        let quiet = house.chat.rooms_version();
        house.types(bob, "/who");
        assert_eq!(house.chat.rooms_version(), quiet);
    }
}

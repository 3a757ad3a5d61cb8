//! Rooms that nobody is in, and that are kept for a while with what was said there: whoever comes
//! back finds it again.
//!
//! Nobody sees them: they are in no list, and count as no room, so that they are in nobody's way.
//! Of all rooms together no more are kept than there may be, and the one that has been empty for
//! longest gives way.

use std::collections::BTreeSet;

use super::look_alikes::Keys;
use super::{Chat, LOBBY, Millis, RoomId, room_name_at};

/// The rooms that are kept, by the time until which they are.
#[derive(Debug, Default)]
pub(super) struct Lingering(BTreeSet<(Millis, RoomId)>);

impl Lingering {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the next of them is over.
    pub(super) fn next(&self) -> Option<Millis> {
        self.0.first().map(|&(until, _)| until)
    }
}

impl Chat {
    /// Clears up after the last member of a room.
    pub(super) fn emptied(&mut self, id: RoomId) {
        if self.topic_news.pending(id).is_none() {
            self.topic_news.forget(id);
        }
        if id == LOBBY {
            return;
        }
        let has_topic = self.topic_of(id).is_some();
        let room = &mut self.rooms[id.index()];
        self.by_size.remove(&room.rank(id));
        let is_blank = !has_topic && room.timeline.history.newest().is_none();
        if is_blank || self.config.linger == 0 {
            return self.forget_room(id);
        }
        self.linger_until(id, self.now.saturating_add(self.config.linger));
        self.make_way(0);
    }

    /// A room that is in no list is kept for so long.
    pub(super) fn linger_until(&mut self, id: RoomId, until: Millis) {
        self.rooms[id.index()].lingers_until = Some(until);
        self.lingering.0.insert((until, id));
    }

    /// Whether a room is only kept for those who may come back.
    pub(super) fn lingers(&self, id: RoomId) -> bool {
        self.room(id).lingers_until.is_some()
    }

    /// How long a room is kept after its last member has left, in milliseconds; `None` if it is not,
    /// is there for ever, or is kept whoever leaves.
    pub(super) fn linger_of(&self, id: RoomId) -> Option<Millis> {
        let linger = self.config.linger;
        (id != LOBBY && linger > 0 && !self.config.is_kept).then_some(linger)
    }

    /// Somebody comes back to a room.
    pub(super) fn revive(&mut self, id: RoomId) {
        let room = &mut self.rooms[id.index()];
        if let Some(until) = room.lingers_until.take() {
            self.lingering.0.remove(&(until, id));
            self.by_size.insert(room.rank(id));
        }
    }

    /// Forgets the rooms whose time is over.
    pub(super) fn forget_lingering(&mut self, now: Millis) {
        while self.lingering.next().is_some_and(|until| until <= now) {
            self.forget_oldest();
        }
    }

    /// Sees to it that so many more rooms can be kept, as far as those go that linger.
    pub(super) fn make_way(&mut self, more: usize) {
        while self.rooms.len() + more > self.config.rooms && self.lingering.len() > 0 {
            self.forget_oldest();
        }
    }

    /// Forgets rooms that look like one that is opened.
    pub(super) fn forget_alike(&mut self, keys: &Keys) {
        let rooms = &self.rooms;
        let alike = self.room_names.alike(keys, |at| room_name_at(rooms, at));
        let alike: Vec<RoomId> = alike.map(RoomId).filter(|&id| self.lingers(id)).collect();
        alike.into_iter().for_each(|id| self.forget_room(id));
    }

    fn forget_oldest(&mut self) {
        if let Some(&(_, id)) = self.lingering.0.first() {
            self.forget_room(id);
        }
    }

    /// Nothing is kept of a room that is in no list any more.
    fn forget_room(&mut self, id: RoomId) {
        self.topic_news.forget(id);
        let gone = self.rooms.remove(id.index());
        if let Some(until) = gone.lingers_until {
            self.lingering.0.remove(&(until, id));
        }
        self.room_names.remove(id.0, gone.name());
        self.history_bytes -= gone.timeline.history.weight();
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::Config;
    use super::super::tests::House;

    const HOUR: u64 = 60 * 60 * 1000;

    #[test]
    fn who_comes_back_finds_what_was_said_and_the_topic() {
        let (mut house, [ann, bob]) = House::with_guests_and(Config::default());
        assert_eq!(
            house.answers(ann, "/join tea"),
            [
                "* You are now in #tea with 0 others.",
                "* What is said here is kept for 60 minutes after the last has left."
            ]
        );
        house.types(ann, "/topic leaves");
        house.types(ann, "the kettle is on");
        house.leave(ann);
        house.pass(HOUR - 1);
        house.read(bob);
        assert_eq!(
            house.answers(bob, "/join TEA"),
            [
                "* You are now in #tea with 0 others.",
                "* Topic of #tea: leaves",
                "* What is said here is kept for 60 minutes after the last has left.",
                "* The last 1 messages of #tea:",
                "guest1: the kettle is on",
            ]
        );
        house.pass(HOUR);
        assert_eq!(house.answers(bob, "/history").len(), 2, "somebody is there");
    }

    #[test]
    fn it_is_forgotten_when_its_time_is_over() {
        let (mut house, [ann]) = House::with_guests_and(Config::default());
        house.types(ann, "/join tea");
        house.types(ann, "the kettle is on");
        house.types(ann, "/join lobby");
        assert_eq!(house.next_deadline(), Some(house.now + HOUR));
        assert!(house.chat.history_bytes() > 0);
        house.pass(HOUR);
        assert_eq!(house.next_deadline(), None);
        assert_eq!(house.chat.history_bytes(), 0);
        house.read(ann);
        house.types(ann, "/join TEA");
        assert_eq!(house.read(ann)[0], "* You are now in #TEA with 0 others.");
    }

    #[test]
    fn a_room_in_which_nothing_was_said_is_not_kept() {
        let (mut house, [ann]) = House::with_guests_and(Config::default());
        house.types(ann, "/join tea");
        house.types(ann, "/join lobby");
        assert_eq!(house.next_deadline(), None);
    }

    /// Catches: a room that is seen though nobody is in it, or that counts.
    #[test]
    fn nobody_sees_a_room_that_only_lingers() {
        let (mut house, [ann]) = House::with_guests_and(Config {
            rooms: 2,
            ..Config::default()
        });
        house.types(ann, "/join tea");
        house.types(ann, "hello");
        house.types(ann, "/join lobby");
        assert_eq!(house.chat.room_count(), 1);
        house.read(ann);
        assert_eq!(house.answers(ann, "/rooms"), ["* Rooms: #lobby (1)"]);
        let no_room = "! There is no room #tea.";
        assert_eq!(house.answers(ann, "/who tea"), [no_room]);
        assert_eq!(house.answers(ann, "/part tea"), [no_room]);
        house.announce("news");
        assert_eq!(house.read(ann).len(), 1);
        house.types(ann, "/watch chess");
        assert_eq!(house.chat.room_count(), 2, "there is a place for it");
    }

    #[test]
    fn the_one_that_has_been_empty_for_longest_gives_way() {
        let (mut house, [ann, bob]) = House::with_guests_and(Config {
            rooms: 3,
            ..Config::default()
        });
        for room in ["tea", "chess", "go"] {
            house.types(ann, &format!("/join {room}"));
            house.types(ann, &format!("said over {room}"));
            house.pass(1000);
        }
        house.types(ann, "/join lobby");
        house.read(bob);
        let mut history = |room: &str| {
            house.types(bob, &format!("/join {room}"));
            let heard = house.read(bob);
            heard.contains(&format!("guest1: said over {room}"))
        };
        assert_eq!(
            ["chess", "go", "tea"].map(&mut history),
            [true, true, false]
        );
    }

    /// Catches: a name that is in the way of another, and nobody can see whose it is.
    #[test]
    fn a_room_that_only_lingers_is_in_no_names_way() {
        let (mut house, [ann, bob]) = House::with_guests_and(Config::default());
        house.types(ann, "/join tool");
        house.types(ann, "hello");
        house.types(bob, "/join too1");
        let refused = house.read(bob).pop().expect("an answer");
        assert!(refused.starts_with("! "), "somebody is in #tool: {refused}");
        house.types(ann, "/join lobby");
        house.types(bob, "/join too1");
        let entered = &house.read(bob)[0];
        assert!(entered.ends_with(" with 0 others."), "{entered}");
    }

    /// Catches: a full house in which a room that is kept is entered although there is no place
    /// for one more.
    #[test]
    fn who_comes_back_needs_a_place_for_the_room() {
        let (mut house, [ann, bob, carol]) = House::with_guests_and(Config {
            rooms: 3,
            ..Config::default()
        });
        house.types(ann, "/join tea");
        house.types(ann, "hello");
        house.types(ann, "/join chess");
        house.types(bob, "/watch go");
        house.read(carol);
        let full = "! There are 3 rooms already, and that is the limit. /rooms lists them.";
        assert_eq!(house.answers(carol, "/join tea"), [full]);
        house.read(ann);
        house.types(ann, "/join tea");
        let heard = house.read(ann);
        assert_eq!(
            heard[0], "* You are now in #tea with 0 others.",
            "hers makes way"
        );
    }
}

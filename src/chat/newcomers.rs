//! Newcomers: members whose arrival no room was told of yet.
//!
//! A connection that says nothing and goes again, as a health check does, is nobody's business. So
//! an arrival is announced with the first line that its member types, or when it has been silent
//! for a second; whoever goes before that goes without a word.
//!
//! A member that was announced has no entry here, so an idle one costs nothing.

use std::collections::{BTreeSet, HashMap};

use super::{MemberId, Millis};

/// How long a newcomer that says nothing is not announced.
pub(super) const SILENCE: Millis = 1000;

/// The same for one whose first bytes might yet show that it is no chat client.
pub(super) const DOUBT: Millis = 10_000;

/// From so many places on, the table gives its memory back once it is empty.
const KEPT: usize = 64;

/// Who was not announced yet, and when each is to be.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    due: HashMap<MemberId, Millis>,
    /// The same by time, exact: nobody is woken up for a newcomer that has spoken or gone.
    queue: BTreeSet<(Millis, MemberId)>,
}

impl Newcomers {
    pub(super) fn insert(&mut self, member: MemberId, due: Millis) {
        self.due.insert(member, due);
        self.queue.insert((due, member));
    }

    pub(super) fn contains(&self, member: MemberId) -> bool {
        !self.due.is_empty() && self.due.contains_key(&member)
    }

    /// It is a newcomer no more; whether it was one.
    pub(super) fn take(&mut self, member: MemberId) -> bool {
        if self.due.is_empty() {
            return false; // nearly always
        }
        let Some(due) = self.due.remove(&member) else {
            return false;
        };
        self.queue.remove(&(due, member));
        if self.due.is_empty() && self.due.capacity() > KEPT {
            self.due = HashMap::new();
        }
        true
    }

    /// Has it announced no sooner than then, if it is one.
    pub(super) fn postpone(&mut self, member: MemberId, until: Millis) {
        if let Some(due) = self.due.get_mut(&member)
            && *due < until
        {
            self.queue.remove(&(*due, member));
            self.queue.insert((until, member));
            *due = until;
        }
    }

    /// When the next is to be announced.
    pub(super) fn next(&self) -> Option<Millis> {
        self.queue.first().map(|&(due, _)| due)
    }

    /// One whose time has come.
    pub(super) fn due(&self, now: Millis) -> Option<MemberId> {
        let &(due, member) = self.queue.first()?;
        (due <= now).then_some(member)
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;
    use super::super::{Config, Peer};
    use super::*;

    #[test]
    fn whoever_says_nothing_and_goes_is_not_heard_of() {
        let (mut house, [alice]) = House::with_guests();
        let probe = house.connect();
        house.pass(999);
        house.leave(probe);
        assert_eq!(house.next_deadline(), None, "nothing waits for it");
        house.pass(5000);
        assert!(house.read(alice).is_empty());
    }

    #[test]
    fn a_second_of_silence_is_an_arrival() {
        let (mut house, [alice]) = House::with_guests();
        let bob = house.connect();
        house.types(bob, "  \x07 ");
        house.pass(999);
        assert!(house.read(alice).is_empty(), "a blank line shows nothing");
        house.pass(1);
        assert_eq!(house.read(alice), ["* guest2 joined #lobby."]);
        house.leave(bob);
        house.pass(1000);
        assert_eq!(house.read(alice), ["* guest2 left #lobby."]);
    }

    #[test]
    fn the_first_line_is_one_and_comes_after_it() {
        let (mut house, [alice]) = House::with_guests();
        let bob = house.connect();
        house.types(bob, "hello");
        assert_eq!(
            house.read(alice),
            ["* guest2 joined #lobby.", "guest2: hello"]
        );
        house.pass(5000);
        assert!(house.read(alice).is_empty(), "it was announced already");
    }

    #[test]
    fn who_begins_with_a_name_or_a_room_is_announced_there_and_as_that() {
        let (mut house, [alice, carol]) = House::with_guests();
        house.types(carol, "/join tea");
        house.pass(2000);
        house.read(alice);
        let bob = house.connect();
        house.types(bob, "/nick bob");
        assert_eq!(house.read(alice), ["* bob joined #lobby."]);
        let dave = house.connect();
        house.types(dave, "/join tea");
        house.pass(2000);
        assert!(house.read(alice).is_empty(), "it was never there");
        assert!(house.read(carol).contains(&"* guest4 joined #tea.".into()));
        // A name or a room that is not to be had is a line as any other.
        for (line, name) in [("/nick bob", "guest5"), ("/join #", "guest6")] {
            house.pass(2000);
            let late = house.connect();
            house.types(late, line);
            assert_eq!(house.read(alice), [format!("* {name} joined #lobby.")]);
        }
        let passer_by = house.connect();
        house.types(passer_by, "/quit");
        house.pass(5000);
        assert!(house.read(alice).is_empty());
    }

    #[test]
    fn who_is_expelled_before_it_was_announced_is_not_named() {
        let mut house = House::new(Config::default());
        let op = house.connect_from(super::super::tests::OWNER);
        let alice = house.connect();
        house.pass(2000);
        house.read(alice);
        let stranger = Peer::Tcp([192, 0, 2, 7].into());
        for order in ["/kick guest3", "/ban 192.0.2.7"] {
            let probe = house.connect_from(stranger);
            house.types(op, order);
            assert!(house.disconnected.contains(&probe));
        }
        house.pass(5000);
        assert!(house.read(alice).is_empty());
    }

    #[test]
    fn who_may_be_no_chat_client_has_ten_seconds() {
        let (mut house, [alice]) = House::with_guests();
        let doubtful = house.connect();
        house.chat.withhold(doubtful, house.now);
        house.pass(9999);
        assert!(house.read(alice).is_empty());
        house.pass(1);
        assert_eq!(house.read(alice), ["* guest2 joined #lobby."]);
        house.chat.withhold(doubtful, house.now);
        assert_eq!(house.next_deadline(), None, "it is announced already");
    }

    #[test]
    fn a_burst_leaves_no_memory_behind() {
        let mut newcomers = Newcomers::default();
        let mut house = House::new(Config::default());
        let members: Vec<MemberId> = (0..300).map(|_| house.connect()).collect();
        members
            .iter()
            .for_each(|&member| newcomers.insert(member, 1));
        assert!(members.iter().all(|&member| newcomers.take(member)));
        assert_eq!(newcomers.due.capacity(), 0);
        assert_eq!(newcomers.next(), None);
    }
}

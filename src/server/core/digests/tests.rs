use super::*;
use crate::chat::tests::{lines_of, members, person};
use crate::server::core::rendering::Heard;

/// A digest of one room of three, of all these changes: who it is by its index, the name before and
/// the name after.
struct Room {
    members: Vec<MemberId>,
    pending: Pending,
    name: Name,
}

impl Room {
    fn new(count: usize) -> Self {
        Self {
            members: members(count),
            pending: Pending::default(),
            name: person("tea").nickname,
        }
    }

    fn record(&mut self, index: usize, before: &str, after: &str) {
        let change = Change {
            member: self.members[index],
            who: person(if after.is_empty() { before } else { after }),
            before: (!before.is_empty()).then(|| person(before).nickname),
            is_here: !after.is_empty(),
            why: after.is_empty().then_some(Departure::Quit),
        };
        self.pending.record(change);
    }

    fn speak(&mut self, now: Millis) -> Option<(Option<MemberId>, Changes)> {
        let place = Place {
            room: RoomId::of_test(),
            name: &self.name,
            members: 3,
            has_crowds: false,
        };
        self.pending.speak(place, now, 0)
    }

    fn line(&mut self, now: Millis) -> Option<String> {
        let (_, changes) = self.speak(now)?;
        lines_of(Heard::Digest(&Digest::Changes(changes))).pop()
    }
}

/// What is said of all these changes, if anything.
fn digest(changes: &[(usize, &str, &str)]) -> Option<String> {
    let most = changes.iter().map(|(index, ..)| *index).max();
    let mut room = Room::new(most.unwrap_or_default() + 1);
    for &(index, before, after) in changes {
        room.record(index, before, after);
    }
    room.line(0)
}

#[test]
fn one_change_is_one_sentence() {
    let said = |before, after| digest(&[(1, before, after)]);
    assert_eq!(said("", "ann").as_deref(), Some("* ann joined #tea."));
    assert_eq!(said("ann", "").as_deref(), Some("* ann left #tea."));
    assert_eq!(said("g7", "ann").as_deref(), Some("* g7 is now ann."));
    assert_eq!(said("ann", "ann"), None);
}

#[test]
fn a_digest_names_a_few_and_counts_the_rest() {
    let mut changes = vec![(5, "dave", ""), (6, "guest7", "erin")];
    changes.extend((0..1000).map(|index| (index + 10, "", "joe")));
    changes.extend((0..5).map(|index| (index, "a", "b")));
    assert_eq!(
        digest(&changes).as_deref(),
        Some(
            "* joe, joe, joe and 997 others joined #tea; dave left #tea; \
             guest7 is now erin, a is now b, a is now b and 3 others have new names."
        )
    );
}

#[test]
fn changes_of_one_member_come_to_one() {
    let joined_and_renamed = digest(&[(1, "", "guest1"), (1, "guest1", "erin")]);
    assert_eq!(joined_and_renamed.as_deref(), Some("* erin joined #tea."));
    let renamed_twice = digest(&[(1, "a", "b"), (1, "b", "c")]);
    assert_eq!(renamed_twice.as_deref(), Some("* a is now c."));
    assert_eq!(digest(&[(1, "", "ann"), (1, "ann", "")]), None);
    assert_eq!(digest(&[(1, "ann", ""), (1, "", "ann")]), None);
    let others_stay = digest(&[(1, "", "ann"), (2, "", "bob"), (1, "ann", "")]);
    assert_eq!(others_stay.as_deref(), Some("* bob joined #tea."));
    let renamed_and_gone = digest(&[(1, "ann", "zoe"), (1, "zoe", "")]);
    assert_eq!(renamed_and_gone.as_deref(), Some("* ann left #tea."));
}

#[test]
fn what_is_collected_is_bounded() {
    let mut room = Room::new(2000);
    for index in 0..1000 {
        room.record(index, "a", "b");
        room.record(index, "b", "");
        room.record(index + 1000, "", "c");
    }
    assert!(room.pending.named.len() <= 3 * NAMED);
    let (_, changes) = room.speak(0).expect("there is much");
    assert_eq!(changes.joined.len(), NAMED);
    assert_eq!(changes.joined_count, 1000);
    let line = lines_of(Heard::Digest(&Digest::Changes(changes))).pop();
    assert!(line.is_some_and(|line| line.len() < 200));
}

#[test]
fn a_digest_is_followed_by_a_quiet_second() {
    let mut room = Room::new(3);
    assert_eq!(room.pending.due(), None);
    room.record(1, "", "ann");
    assert!(room.speak(5).is_some());
    assert_eq!(room.pending.due(), None);
    room.record(2, "", "bob");
    assert_eq!(room.pending.due(), Some(1005));
    assert!(room.speak(1004).is_none());
    assert!(room.speak(1005).is_some());
    assert!(room.speak(9999).is_none(), "nothing to say");
}

#[test]
fn nobody_is_told_of_itself_alone() {
    let mut room = Room::new(40);
    let except = |room: &mut Room, now| room.speak(now).expect("there is something").0;
    room.record(1, "", "ann");
    assert_eq!(except(&mut room, 0), Some(room.members[1]));
    room.record(1, "", "ann");
    room.record(2, "bob", "");
    assert_eq!(except(&mut room, 2000), None);
    // Who has left is not there to be left out.
    room.record(1, "ann", "");
    assert_eq!(except(&mut room, 3000), None);
    // One named and one counted are two.
    let many = NAMED + 1;
    (0..many).for_each(|index| room.record(index, "", "ann"));
    (0..NAMED - 1).for_each(|index| room.record(index, "ann", ""));
    let (except, changes) = room.speak(4000).expect("there is something");
    let line = lines_of(Heard::Digest(&Digest::Changes(changes))).pop();
    assert_eq!(line.as_deref(), Some("* ann and 1 other joined #tea."));
    assert_eq!(except, None);
}

#[test]
fn what_is_forgotten_is_not_due() {
    let mut room = Room::new(9);
    (0..9).for_each(|index| room.record(index, "", "ann"));
    room.pending.forget();
    assert_eq!(room.pending.due(), None);
}

#[test]
fn of_many_who_are_expelled_at_once_some_are_named_and_all_counted() {
    let members = members(NAMED + 3);
    let name = person("tea").nickname;
    let mut digests = Digests::default();
    for &member in &members {
        let place = Place {
            room: RoomId::of_test(),
            name: &name,
            members: 3,
            has_crowds: false,
        };
        let (who, why) = (person("guest1"), Departure::Kicked { reason: None });
        let event = Event::Departure { member, who, why };
        assert!(digests.hear(place, None, event, 0, 0).is_none());
    }
    let said: Vec<Saying> = digests.take_expulsions().collect();
    let [(_, None, digest)] = &said[..] else {
        panic!("{said:?}");
    };
    let Digest::Expulsion(expulsion) = &**digest else {
        panic!("{digest:?}");
    };
    assert_eq!(expulsion.who.len(), NAMED);
    assert_eq!(expulsion.count, members.len());
}

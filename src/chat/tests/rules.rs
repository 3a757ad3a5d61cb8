//! What holds of the chat as a whole: limits of all that is kept, names, rooms that end.

use super::*;

/// What the histories take, by looking at all of them.
pub(super) fn weighed(chat: &Chat) -> usize {
    let rooms = chat.rooms.iter();
    let rooms = rooms.map(|(_, room)| room.timeline.history.weight());
    assert_eq!(chat.private.bytes(), chat.private.weigh());
    rooms.sum::<usize>() + chat.private.weigh()
}

/// Catches: rooms that each keep what one may, and together more than all may; a busy room that
/// forgets what is new while quiet ones keep what is old.
#[test]
fn all_histories_together_have_a_limit_and_the_oldest_lines_go_first() {
    let most = 100_000;
    let mut house = House::new(Config {
        histories: most,
        ..Config::default()
    });
    let members: Vec<MemberId> = (0..20).map(|_| house.connect_from(OWNER)).collect();
    for (n, &member) in members.iter().enumerate() {
        house.types(member, &format!("/join room{n}"));
    }
    let text = "x".repeat(1000);
    for round in 0..10 {
        for &member in &members {
            house.types(member, &format!("{round} {text}"));
            assert_eq!(house.chat.history_bytes(), weighed(&house.chat));
            assert!(house.chat.history_bytes() <= most);
        }
    }
    let kept = |&member: &MemberId| {
        let room = house.chat.room_of(member).expect("it is in one");
        house.chat.rooms[room.index()]
            .timeline
            .history
            .repeated(usize::MAX)
            .messages
    };
    let kept: Vec<usize> = members.iter().map(kept).collect();
    let fewest = *kept.iter().min().expect("there are rooms");
    let is_fair = |kept: &usize| (fewest..=fewest + 1).contains(kept);
    assert!(fewest > 2 && kept.iter().all(is_fair), "{kept:?}");
}

#[test]
fn four_hundred_arrivals_are_two_notices() {
    let (mut house, [first]) = House::with_guests();
    for _ in 0..400 {
        house.connect();
    }
    house.pass(2000);
    assert_eq!(
        house.read(first),
        [
            "* guest2 joined #lobby.",
            "* guest3, guest4, guest5 and 396 others joined #lobby."
        ]
    );
}

#[test]
fn a_large_room_hears_of_nobody_until_it_is_smaller_again() {
    let (mut house, [first]) = House::with_guests();
    let others: Vec<MemberId> = (0..500).map(|_| house.connect()).collect();
    house.types(others[499], "/who");
    assert!(house.read(first).is_empty());
    house.pass(1000);
    assert_eq!(
        house.next_deadline(),
        None,
        "what was collected is forgotten"
    );
    house.types(others[0], "/nick bob");
    house.leave(others[1]);
    house.pass(1000);
    assert_eq!(
        house.read(first),
        ["* guest3 left #lobby."],
        "500 are not too many"
    );
    house.pass(1000);
    house.connect();
    assert_eq!(house.read(first), [""; 0]);
}

#[test]
fn ids_of_members_gone_mean_nobody() {
    let (mut house, [alice, bob]) = House::with_guests();
    house.leave(bob);
    let carol = house.connect();
    assert_eq!(carol.index(), bob.index());
    house.leave(bob);
    house.types(bob, "boo");
    assert_eq!(house.chat.nickname(bob), None);
    assert_eq!(house.chat.room_of(bob), None);
    assert_eq!(house.chat.members_of(LOBBY), [alice, carol]);
}

#[test]
fn automatic_names_step_over_those_in_use() {
    let (mut house, _guests) = House::with_guests::<2>();
    house.chat.arrivals = NonZeroU32::MAX; // all have been given once
    let third = house.connect();
    let nickname = house.chat.nickname(third);
    assert_eq!(nickname.map(|name| &**name), Some("guest3"));
}

#[test]
fn the_lobby_outlives_its_members_and_other_rooms_do_not() {
    let (mut house, [alice]) = House::with_guests();
    house.types(alice, "/topic tea");
    house.types(alice, "said in the lobby");
    house.types(alice, "/join chess");
    house.types(alice, "said over chess");
    assert_eq!(house.chat.room_count(), 2);
    house.types(alice, "/join lobby");
    assert_eq!(house.chat.room_count(), 1);
    house.read(alice);
    house.types(alice, "/topic");
    house.types(alice, "/history");
    assert_eq!(
        house.read(alice),
        [
            "* Topic of #lobby: tea",
            "* The last 1 messages of #lobby:",
            "guest1: said in the lobby"
        ]
    );
    house.types(alice, "/join CHESS");
    house.types(alice, "/history");
    assert_eq!(
        house.read(alice),
        [
            "* You are now in #CHESS with 0 others.",
            "* Nothing has been said in #CHESS yet."
        ]
    );
}

#[test]
fn an_emptied_room_wakes_nobody_up() {
    let (mut house, [alice, bob, carol]) = House::with_guests();
    house.leave(alice);
    house.leave(bob);
    assert_eq!(house.next_deadline(), Some(house.now + 1000));
    house.leave(carol);
    assert_eq!(house.next_deadline(), None);
    // Nor does it tell those who come later of those who were there before.
    let dave = house.connect();
    house.connect();
    house.pass(1000);
    let heard = house.read(dave);
    assert_eq!(heard.last().unwrap(), "* guest5 joined #lobby.");
}

#[test]
fn what_is_kept_for_a_member_stays_small() {
    assert_eq!(size_of::<Option<Member>>(), 48);
    assert_eq!(size_of::<Option<MemberId>>(), 8);
    assert!(size_of::<Message>() <= 160, "{}", size_of::<Message>());
}

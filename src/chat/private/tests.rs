use super::super::tests::House;
use super::super::{Answer, Config, Settled};
use super::*;

/// Drafts that are under way, as a log has them that takes its time.
fn drafted(house: &mut House, member: MemberId, line: &str) -> super::super::Draft {
    let mut effects = Vec::new();
    house
        .chat
        .line(member, line, house.now, house.now, &mut effects);
    match effects.pop() {
        Some(Effect::Append(draft)) => {
            house.chat.hold(member, draft.reader());
            draft
        }
        other => panic!("{other:?}"),
    }
}

fn settle(
    house: &mut House,
    draft: super::super::Draft,
    number: u64,
) -> Option<(MemberId, Rc<Message>)> {
    let mut effects = Vec::new();
    let committed = Settled::Committed {
        draft,
        number,
        time: 7,
    };
    house.chat.settle(committed, house.now, &mut effects);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Private {
            reader: Some(to),
            message,
            ..
        } => Some((to, message)),
        _ => None,
    })
}

#[test]
fn two_have_an_order_of_their_own_whoever_speaks() {
    let (mut house, [ann, bob, carol]) = House::with_guests();
    let mut say = |from: MemberId, line: &str, number| {
        let draft = drafted(&mut house, from, line);
        let (_, message) = settle(&mut house, draft, number).expect("it is said");
        let place = message.place;
        (place.previous, place.number, message.audience.clone())
    };
    let (previous, number, first) = say(ann, "/msg guest2 one", 3);
    assert_eq!((previous, number), (0, 3));
    let (previous, number, answer) = say(bob, "/msg guest1 two", 4);
    assert_eq!((previous, number), (3, 4));
    let (previous, _, other) = say(carol, "/msg guest1 three", 9);
    assert_eq!(previous, 0, "others have another");
    let epoch = |audience| match audience {
        Audience::Member { epoch, .. } => epoch,
        Audience::Room(room) => panic!("{room}"),
    };
    let (first, answer, other) = (epoch(first), epoch(answer), epoch(other));
    assert!(first == answer && first != other);
}

#[test]
fn what_was_said_to_one_alone_is_read_by_the_two_only() {
    let (mut house, [ann, bob, carol]) = House::with_guests();
    house.types(ann, "/msg guest2 psst");
    house.types(bob, "/msg guest1 what?");
    house.types(carol, "/msg guest1 me too");
    house.read(ann);
    let both = [
        "* The last 2 messages between you and guest2:",
        "guest1 -> guest2: psst",
        "guest2 -> guest1: what?",
    ];
    assert_eq!(house.answers(ann, "/history @guest2"), both);
    assert_eq!(house.answers(ann, "/history 1 @GUEST2")[1], both[2]);
    house.read(bob);
    assert_eq!(house.answers(bob, "/history @guest1")[1..], both[1..]);
    assert_eq!(
        house.answers(bob, "/history @guest3"),
        ["* You and guest3 have said nothing to each other alone yet."]
    );
    assert_eq!(
        house.answers(carol, "/history @guest2"),
        ["* You and guest2 have said nothing to each other alone yet."]
    );
    assert_eq!(
        house.answers(carol, "/history @zed"),
        ["! There is no zed here."]
    );
    assert_eq!(
        house.answers(bob, "/history"),
        ["* Nothing has been said in #lobby yet."]
    );
}

#[test]
fn it_is_kept_as_long_as_one_of_the_two_is_here() {
    let (mut house, [ann, bob]) = House::with_guests();
    house.types(bob, "/nick Bob");
    house.types(ann, "/msg bob psst");
    house.types(ann, "/msg guest1 to myself");
    house.leave(bob);
    house.read(ann);
    let kept = house.answers(ann, "/history @bob");
    assert_eq!(kept[1..], ["guest1 -> Bob: psst"], "who has left, too");
    // Whoever takes the name has not read it.
    let other = house.connect();
    house.types(other, "/nick bob");
    house.read(other);
    assert_eq!(
        house.answers(other, "/history @guest1"),
        ["* You and guest1 have said nothing to each other alone yet."]
    );
    assert_eq!(house.chat.private_logs(ann).count(), 2);
    assert!(house.chat.history_bytes() > 0);
    house.leave(ann);
    assert_eq!(house.chat.history_bytes(), 0);
    assert!(house.chat.private.partners.is_empty() && house.chat.private.gone.is_empty());
}

/// Catches: a member for whom more and more of the dead are kept, and looked through.
#[test]
fn with_so_many_who_are_gone_one_has_logs_still() {
    let (mut house, [ann]) = House::with_guests();
    for number in 0..MOST_GONE + 2 {
        let stranger = house.connect();
        house.types(stranger, &format!("/nick n{number}"));
        house.types(stranger, "/msg guest1 hello");
        house.leave(stranger);
    }
    house.read(ann);
    assert_eq!(house.chat.private_logs(ann).count(), MOST_GONE);
    assert_eq!(
        house.answers(ann, "/history @n1"),
        ["! There is no n1 here."]
    );
    assert_eq!(house.answers(ann, "/history @n2").len(), 2);
    house.leave(ann);
    assert_eq!(house.chat.history_bytes(), 0);
    assert!(house.chat.private.gone.is_empty());
}

#[test]
fn what_one_does_not_want_to_hear_is_not_repeated_either() {
    let (mut house, [ann, bob]) = House::with_guests();
    house.types(ann, "/msg guest2 hello");
    house.types(ann, "/ignore guest2");
    house.types(bob, "/msg guest1 buy this");
    house.read(ann);
    let heard = house.answers(ann, "/history @guest2");
    assert_eq!(heard[1..], ["guest1 -> guest2: hello"]);
    let pair = house.chat.private_logs(ann).next().expect("there is one");
    let mut effects = Vec::new();
    let since = Position {
        number: 0,
        ..pair.1
    };
    let chat = &house.chat;
    chat.tell_private_backlog(ann, bob, since, false, &mut effects);
    let [Effect::Tell { answer, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let Answer::Backlog { events, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(events.as_ref().map(Vec::len), Some(1));
}

/// Catches: what was said to somebody whose connection is cut, read by nobody.
#[test]
fn who_comes_back_goes_on_reading() {
    let (mut house, [ann, bob]) = House::with_guests();
    let first = drafted(&mut house, ann, "/msg guest2 one");
    settle(&mut house, first, 1);
    let second = drafted(&mut house, ann, "/msg guest2 two");
    let third = drafted(&mut house, ann, "/msg guest2 three");
    let absent = house.chat.absent(bob).expect("it is here");
    house.leave(bob);
    settle(&mut house, second, 2);
    let again = house.connect();
    house.types(again, "/msg guest1 who am I?");
    let mut effects = Vec::new();
    let now = house.now;
    house.chat.restore(again, &absent, now, &mut effects);
    // It was on its way to who she was.
    let (to, said) = settle(&mut house, third, 3).expect("she hears it");
    assert_eq!((to, said.place.previous), (again, 2));
    house.read(again);
    let heard = house.answers(again, "/history @guest1");
    assert_eq!(
        heard[1..],
        [
            "guest1 -> guest2: one",
            "guest1 -> guest2: two",
            "guest1 -> guest2: three"
        ]
    );
    assert!(house.chat.private.heirs.is_empty());
    house.leave(again);
    house.leave(ann);
    assert_eq!(house.chat.history_bytes(), 0);
}

/// Catches: memory that strangers take by speaking with everybody, and a client that takes what is
/// left for all there was.
#[test]
fn all_of_them_have_a_limit_and_the_oldest_is_forgotten_first() {
    let most = 30_000;
    let mut house = House::new(Config {
        histories: most * PRIVATE_SHARE,
        ..Config::default()
    });
    let members: Vec<MemberId> = (0..30).map(|_| house.connect()).collect();
    house.types(members[0], "in the lobby");
    house.types(members[0], "/msg guest2 at first");
    let first = house.chat.private_epoch(Pair::new(members[0], members[1]));
    for &from in &members[1..] {
        for to in 2..=30 {
            house.types(from, &format!("/msg guest{to} psst"));
            assert!(house.chat.private.bytes() <= most);
        }
    }
    assert!(house.chat.private.bytes() > most / 2);
    house.read(members[0]);
    let told = house.answers(members[0], "/history @guest2");
    let gone = "* Nothing is kept of what you and guest2 say to each other alone.";
    assert_eq!(told, [gone]);
    let after = house.chat.private_epoch(Pair::new(members[0], members[1]));
    assert_ne!(first, after, "numbers of before mean nothing");
    members.into_iter().for_each(|member| house.leave(member));
    assert!(house.chat.private.logs.is_empty() && house.chat.private.partners.is_empty());
}

/// Catches: a name that is found by no longer, since whoever had it was somebody else before.
#[test]
fn who_has_come_back_and_left_again_is_found_by_its_name() {
    let (mut house, [ann, bob]) = House::with_guests();
    house.types(bob, "/nick bob");
    house.types(bob, "/msg guest1 hello");
    let absent = house.chat.absent(bob).expect("it is here");
    house.leave(bob);
    let again = house.connect();
    let mut effects = Vec::new();
    let now = house.now;
    let before = house.chat.private_key(Pair::new(ann, bob));
    house.chat.restore(again, &absent, now, &mut effects);
    let after = house.chat.private_key(Pair::new(ann, again));
    assert_eq!(before, after, "it is the same log");
    house.leave(again);
    house.read(ann);
    assert_eq!(house.answers(ann, "/history @bob").len(), 2);
}

/// Catches: a log of which nothing is kept, and that is kept.
#[test]
fn where_nothing_is_to_be_kept_nothing_is() {
    let mut house = House::new(Config {
        history: 0,
        ..Config::default()
    });
    let [ann, bob] = [house.connect(), house.connect()];
    house.types(ann, "/msg guest2 psst");
    assert_eq!(
        house.read(bob).last().map(String::as_str),
        Some("guest1 -> guest2: psst")
    );
    assert_eq!(house.chat.history_bytes(), 0);
    assert!(house.chat.private.logs.is_empty() && house.chat.private.partners.is_empty());
}

/// Catches: something that has its place, and is found by nobody, since its reader left before.
#[test]
fn what_was_on_its_way_to_who_has_left_is_found_by_its_name() {
    let (mut house, [ann, bob]) = House::with_guests();
    let draft = drafted(&mut house, ann, "/msg guest2 psst");
    house.leave(bob);
    assert!(settle(&mut house, draft, 1).is_none());
    house.read(ann);
    assert_eq!(house.answers(ann, "/history @guest2").len(), 2);
    assert!(house.chat.private.under_way.is_empty());
}

//! One session ends, or all of a member.

use super::*;

#[test]
fn who_ends_one_of_several_sessions_stays_until_the_last_has_ended() {
    type End = fn(&mut House, SessionId);
    let quit: End = |house, session| house.hears(session, "/quit");
    let leave: End = |house, session| house.hub.leave(session, house.at());
    let gone: End = |house, session| {
        house.hub.gone(session, house.at());
        house.hub.apply();
        house.hub.forget(session);
    };
    let slow: End = |house, session| {
        let reason = DisconnectReason::ReadNothing { seconds: 60 };
        house.hub.disconnect(session, reason, house.at());
    };
    for (name, end) in [
        ("quit", quit),
        ("leave", leave),
        ("gone", gone),
        ("slow", slow),
    ] {
        for first in [0, 1] {
            let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
            let (one, other) = match first {
                0 => (desk, phone),
                _ => (phone, desk),
            };
            house.hears(bob, "before");
            end(&mut house, one);
            house.hears(bob, "behind");
            house.turn();
            house.pass(2000);
            let [ended, stays, others] = house.take([one, other, bob]);
            let case = format!("{name} {first}: {ended:?}");
            let last = match name {
                "quit" => Some("* Bye, alice."),
                "slow" => Some("! Disconnected: you read nothing for 60 seconds."),
                _ => None,
            };
            let heard = lines(&["bob: before"]).into_iter();
            let heard: Vec<_> = heard.chain(last.map(str::to_owned)).collect();
            if name != "gone" {
                assert_eq!(ended, heard, "{case}");
                assert_eq!(
                    house.ended.pop().map(|(ended, _)| ended),
                    Some(one),
                    "{case}"
                );
            }
            assert_eq!(house.ended, [], "{case}");
            assert_eq!(stays, lines(&["bob: before", "bob: behind"]), "{case}");
            assert_eq!(others, lines(&[]), "nobody is told: {case}");
            assert!(
                !house.hub.is_here(one) && house.hub.is_here(other),
                "{case}"
            );
            house.says(one, "nobody says this");
            house.says(other, "still here");
            assert_eq!(house.take([bob]), [lines(&["alice: still here"])], "{case}");
            end(&mut house, other);
            house.turn();
            house.pass(2000);
            assert_eq!(house.hub.chat().member_count(), 1, "{case}");
            let [others] = house.take([bob]);
            assert!(others[0].starts_with("* alice"), "{case}: {others:?}");
            house.hub.leave(bob, house.at());
            house.turn();
            assert!(house.hub.is_vacant(), "{case}");
        }
    }
}

/// Catches: a member that is there though it has no session any more.
#[test]
fn both_sessions_may_end_before_anything_is_applied() {
    for ends in [["/quit", "/quit"], ["/quit", ""], ["", "/quit"], ["", ""]] {
        let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
        for (session, line) in [desk, phone].into_iter().zip(ends) {
            match line {
                "" => house.hub.leave(session, house.at()),
                line => house.hub.frame(session, Frame::Line(line), house.at()),
            }
        }
        house.turn();
        house.pass(2000);
        assert_eq!(house.hub.chat().member_count(), 1, "{ends:?}");
        assert_eq!(house.ended.len(), 2, "{ends:?}");
        assert_eq!(house.take([bob])[0].len(), 1, "{ends:?}");
    }
}

#[test]
fn a_session_that_reads_too_slowly_is_dropped_alone() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    // What it asks for is its own; the other does not pay for it.
    house.stalled.insert(phone, 0);
    for _ in 0..20 {
        house.says(phone, "/help");
    }
    assert_eq!(house.ended, [(phone, Some("read_too_slowly"))]);
    assert!(house.hub.is_here(desk));
    let [on_phone] = house.take([phone]);
    assert!(
        on_phone.last().expect("a line").contains("3 KiB"),
        "{on_phone:?}"
    );
    house.says(bob, "and?");
    assert_eq!(house.take([desk]), [lines(&["bob: and?"])]);
    assert_eq!(house.take([phone]), [lines(&[])]);
}

#[test]
fn who_is_kicked_is_told_so_by_all_its_sessions() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    let owner = house.connect(OPERATOR, LINES);
    let further = house.attach(owner, LINES);
    house.pass(2000);
    house.read.clear();
    house.says(further, "/kick alice enough");
    let [at_desk, on_phone, others] = house.take([desk, phone, bob]);
    assert!(
        at_desk.last().expect("a line").contains("enough"),
        "{at_desk:?}"
    );
    assert_eq!(at_desk, on_phone);
    assert_eq!(others.len(), 1, "{others:?}");
    house.ended.sort_unstable();
    let kicked = Some("kicked");
    let mut all = [(desk, kicked), (phone, kicked)];
    all.sort_unstable();
    assert_eq!(house.ended, all);
    let [owner, further] = house.take([owner, further]);
    assert_eq!(
        further.len(),
        owner.len() + 1,
        "the one that has asked is answered"
    );
    assert!(!house.hub.is_here(desk) && !house.hub.is_here(phone));
}

#[test]
fn at_the_end_every_session_is_told_once() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    let reason = DisconnectReason::Shutdown;
    house.hub.disconnect_everyone(&reason, house.at());
    house.turn();
    for read in house.take([desk, phone, bob]) {
        assert_eq!(read.len(), 1, "{read:?}");
    }
    assert_eq!(house.ended.len(), 3);
    assert!(house.hub.is_vacant());
}

#[test]
fn who_has_the_place_of_an_ended_session_hears_nothing_of_it() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.stalled.insert(phone, 1001);
    house.says(bob, "behind");
    // Within a turn: asked for, ended, and another in its place.
    house.hears(phone, "/who");
    house.hub.gone(phone, house.at());
    house.hub.apply();
    house.hub.forget(phone);
    house.stalled.clear();
    house.read.clear();
    let tablet = house.attach(bob, LINES);
    assert_ne!(tablet, phone);
    house.hub.tell(phone, Answer::Here);
    house.hub.tell_as_it_is(phone, b"* for nobody\n");
    house.hears(phone, "/help");
    house.hub.caught_up(phone);
    house.hub.leave(phone, house.at());
    house
        .hub
        .disconnect(phone, DisconnectReason::Shutdown, house.at());
    assert_eq!(house.hub.forget(phone), b"");
    house.says(desk, "hello");
    let [on_tablet, at_desk, others] = house.take([tablet, desk, bob]);
    assert_eq!(others, lines(&["alice: hello"]));
    assert!(
        on_tablet[0].starts_with("* Welcome to loopchat, bob."),
        "{on_tablet:?}"
    );
    assert_eq!(on_tablet.last().map(String::as_str), Some("alice: hello"));
    assert!(
        !on_tablet
            .iter()
            .any(|line| line.contains("Members") || line.contains("nobody"))
    );
    assert!(at_desk.is_empty(), "{at_desk:?}");
    assert!(house.read.is_empty(), "{:?}", house.read);
    assert_eq!(house.ended, []);
    assert_eq!(house.hub.member(tablet), house.hub.member(bob));
}

/// Catches: an ended session's last lines in the mouth of who has its place by then.
#[test]
fn a_place_is_kept_until_the_last_lines_were_taken() {
    let (mut house, [_, phone, bob]) = House::with_two_of_alice(LINES);
    house.hears(phone, "/quit");
    let tablet = house.hub.attach(house.member(bob), LINES, house.at());
    let tablet = tablet.expect("bob is there");
    house.turn();
    house.pass(20);
    let [on_phone, on_tablet] = house.take([phone, tablet]);
    assert_eq!(on_phone, lines(&["* Bye, alice."]));
    assert!(
        on_tablet[0].starts_with("* Welcome to loopchat, bob."),
        "{on_tablet:?}"
    );
    assert_eq!(house.ended, [(phone, Some("quit"))]);
}

/// Catches: what is found too slow in one delivery, both of one member, and both of those dropped.
#[test]
fn sessions_may_end_while_a_batch_is_delivered() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    for session in [desk, phone] {
        house.stalled.insert(session, 4000);
        house.hears(session, "/help");
        house.hears(session, "/help");
        house.hears(session, "/help");
        house.hears(session, "/help");
        house.hears(session, "/help");
    }
    house.says(bob, "hello");
    house.turn();
    house.pass(2000);
    assert_eq!(house.ended.len(), 2, "{:?}", house.ended);
    assert_eq!(house.hub.chat().member_count(), 1);
    let [others] = house.take([bob]);
    assert_eq!(others.len(), 1, "it is told once: {others:?}");
    house.hub.leave(bob, house.at());
    house.turn();
    assert!(house.hub.is_vacant());
}

#[test]
fn what_is_kept_of_sessions_is_given_back() {
    let mut house = House::new();
    let desk = house.connect(STRANGER, LINES);
    let member = house.member(desk);
    let mut seen = std::collections::BTreeSet::from([desk]);
    for _ in 0..100 {
        let further = [(); 3].map(|()| house.attach(desk, JSON));
        assert!(
            further.iter().all(|session| seen.insert(*session)),
            "ids are never used again"
        );
        assert_eq!(house.hub.sessions.of(member).count(), 4);
        for session in further {
            house.hub.leave(session, house.at());
            house.turn();
        }
        assert!(house.hub.sessions.is_empty() && house.hub.sessions.is_plain());
    }
    assert!(!house.hub.fan_out.has_crowds());
    house.hub.leave(desk, house.at());
    house.turn();
    house.pass(2000);
    assert!(house.hub.is_vacant());
    assert_eq!(
        house.hub.attach(member, LINES, house.at()),
        None,
        "nobody is there"
    );
}

/// Catches: the session that a member came with, which is not there, served by its number.
#[test]
fn further_sessions_outlive_the_one_that_the_member_came_with() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.hub.leave(desk, house.at());
    house.turn();
    house.read.clear();
    house.says(phone, "/nick ann");
    house.says(phone, "/watch tea");
    house.says(phone, "/times on");
    house.says(phone, "/join r1");
    house.says(bob, "/msg ann there?");
    let tablet = house.attach(phone, LINES);
    house.says(phone, "/msg bob yes");
    house.says(tablet, "/quit");
    assert!(!house.read.contains_key(&desk), "{:?}", house.read);
    let [on_phone, on_tablet] = house.take([phone, tablet]);
    assert_eq!(on_phone.len(), 5, "{on_phone:?}");
    assert!(
        on_tablet.iter().any(|line| line == "ann -> bob: yes"),
        "{on_tablet:?}"
    );
    house.hub.gone(phone, house.at());
    house.hub.apply();
    house.hub.forget(phone);
    house.turn();
    assert_eq!(house.hub.chat().member_count(), 1);
    assert!(house.hub.sessions.is_empty());
}

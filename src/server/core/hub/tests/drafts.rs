//! A log that takes its time: who waits, who does not, and in which order all is heard.

use super::*;
use crate::room_log::slow::SlowLog;

impl House {
    pub(super) fn with_log() -> (Self, SlowLog) {
        let log = SlowLog::default();
        let mut house = Self::new();
        house.hub = Hub::with_log(Rc::new(Config::default()), &FRAMINGS, Box::new(log.clone()));
        (house, log)
    }

    /// The same with so many who are known by now, and who have read everything.
    pub(super) fn with_log_and<const N: usize>() -> (Self, SlowLog, [SessionId; N]) {
        let (mut house, log) = Self::with_log();
        let members = std::array::from_fn(|_| house.connect(STRANGER, LINES));
        house.pass(2000);
        house.read.clear();
        (house, log, members)
    }

    pub(super) fn settle(&mut self) {
        while self.hub.settle(self.at()) {
            self.turn();
        }
        self.turn();
    }

    /// Commits one draft after the other.
    pub(super) fn commit_all(&mut self, log: &SlowLog) {
        while log.len() > 0 {
            log.commit(0);
            self.settle();
        }
    }
}

#[test]
fn nothing_is_heard_before_it_has_its_place() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "hello");
    assert_eq!(house.take([ann, bob]), [lines(&[]), lines(&[])]);
    house.says(bob, "/history");
    assert_eq!(
        house.take([bob]),
        [lines(&["* Nothing has been said in #lobby yet."])]
    );
    log.commit(0);
    assert_eq!(house.take([bob]), [lines(&[])], "nobody has asked");
    house.settle();
    assert_eq!(
        house.take([ann, bob]),
        [lines(&[]), lines(&["guest1: hello"])]
    );
    assert!(!house.hub.has_drafts() && house.hub.draft_bytes() == 0);
}

#[test]
fn messages_are_pipelined_and_one_that_is_refused_holds_up_none() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    for line in ["one", "two", "three"] {
        assert!(!house.hub.has_to_wait(ann, line));
        house.says(ann, line);
    }
    log.commit(0);
    log.refuse(0);
    log.commit(0);
    house.settle();
    let refused = "! Nobody hears that, since there is no space left to keep it: two";
    assert_eq!(
        house.take([ann, bob]),
        [lines(&[refused]), lines(&["guest1: one", "guest1: three"])]
    );
}

#[test]
fn a_command_waits_for_what_its_member_has_said_and_for_nobody_else() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "hello");
    for line in ["/nick x", "/join tea", "/quit", "/who", "/msg zed psst"] {
        assert!(house.hub.has_to_wait(ann, line), "{line}");
        assert!(!house.hub.has_to_wait(bob, line), "{line}");
    }
    for line in ["hello", "/me waves", "//no command", "", "/msg guest2 psst"] {
        assert!(!house.hub.has_to_wait(ann, line), "{line}");
    }
    assert!(house.hub.awaits_log(ann) && !house.hub.awaits_log(bob));
    assert_eq!(house.hub.take_released(), []);
    log.commit(0);
    house.settle();
    assert_eq!(house.hub.take_released(), [ann]);
    assert!(!house.hub.awaits_log(ann) && !house.hub.has_to_wait(ann, "/quit"));
}

/// Catches: what one has said, heard after it has left, or not at all.
#[test]
fn whoever_goes_leaves_behind_what_it_has_said() {
    type End = fn(&mut House, SessionId, SessionId);
    let gone: End = |house, ann, _| {
        house.hub.gone(ann, house.at());
        house.hub.apply();
        house.hub.forget(ann);
    };
    let left: End = |house, ann, _| house.hub.leave(ann, house.at());
    let slow: End = |house, ann, _| {
        let reason = DisconnectReason::ReadNothing { seconds: 60 };
        house.hub.disconnect(ann, reason, house.at());
    };
    let kicked: End = |house, _, operator| house.hears(operator, "/kick guest1 enough");
    let banned: End = |house, _, operator| house.hears(operator, "/ban guest1 60");
    // Its connection is closed, and what it has still to say is heard at once.
    let quit: End = |house, ann, _| house.hears(ann, "/quit");
    for (name, end, last) in [
        ("quit", quit, "* guest1 left #lobby."),
        ("gone", gone, "* guest1 left #lobby."),
        ("left", left, "* guest1 left #lobby."),
        ("slow", slow, "* guest1 left #lobby."),
        ("kicked", kicked, "* guest1 was kicked: enough"),
        ("banned", banned, "* guest1 was banned."),
    ] {
        let (mut house, log) = House::with_log();
        let ann = house.connect(
            "192.0.2.1".parse().map(Peer::Tcp).expect("an address"),
            LINES,
        );
        let bob = house.connect(STRANGER, LINES);
        let operator = house.connect(OPERATOR, LINES);
        house.pass(2000);
        house.read.clear();
        house.says(ann, "one");
        house.says(ann, "two");
        end(&mut house, ann, operator);
        house.turn();
        house.says(ann, "nobody says this");
        house.pass(2000);
        assert_eq!(house.take([bob]), [lines(&[])], "{name}");
        house.commit_all(&log);
        house.pass(2000);
        assert_eq!(
            house.take([bob]),
            [lines(&["guest1: one", "guest1: two", last])],
            "{name}"
        );
        assert!(!house.hub.is_here(ann), "{name}");
        assert_eq!(house.hub.chat().member_count(), 2, "{name}");
        if name == "kicked" {
            let (_, why) = house.ended.pop().expect("its connection is ended");
            assert_eq!(why, Some("kicked"));
        }
    }
}

/// Catches: a message that is kept from somebody who only has the place of its author.
#[test]
fn of_several_sessions_the_one_that_has_said_it_is_not_told() {
    let (mut house, log) = House::with_log();
    let desk = house.connect(STRANGER, LINES);
    let bob = house.connect(STRANGER, LINES);
    let phone = house.attach(desk, LINES);
    house.pass(2000);
    house.read.clear();
    house.says(phone, "hello");
    house.says(desk, "/who");
    log.commit(0);
    house.settle();
    let who = "* In #lobby (2): guest1, guest2";
    assert_eq!(
        house.take([desk, phone, bob]),
        [
            lines(&[who, "guest1: hello"]),
            lines(&[]),
            lines(&["guest1: hello"])
        ]
    );
}

#[test]
fn rooms_do_not_wait_for_each_other() {
    let (mut house, log, [ann, bob, carol, dora]) = House::with_log_and();
    house.says(bob, "/join tea");
    house.says(dora, "/join tea");
    house.pass(2000);
    house.read.clear();
    house.says(ann, "in the lobby");
    house.says(bob, "in tea");
    log.commit(1);
    house.settle();
    assert_eq!(
        house.take([carol, dora]),
        [lines(&[]), lines(&["guest2: in tea"])]
    );
    house.commit_all(&log);
    assert_eq!(
        house.take([carol, dora]),
        [lines(&["guest1: in the lobby"]), lines(&[])]
    );
}

#[test]
fn topics_and_what_is_taken_back_have_their_places_too() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "oops");
    house.commit_all(&log);
    house.says(ann, "/delete");
    house.says(bob, "/history");
    log.commit(0);
    house.settle();
    house.says(bob, "/topic tea");
    house.says(ann, "/topic");
    log.commit(0);
    house.settle();
    let taken = "* guest1 took back a message of ";
    let [ann, bob] = house.take([ann, bob]);
    assert!(ann[0] == "* You took it back.", "{ann:?}");
    assert_eq!(
        ann[1..],
        ["* #lobby has no topic.", "* guest2 set the topic: tea"]
    );
    assert!(
        bob[0] == "guest1: oops" && bob[2] == "guest1: oops",
        "{bob:?}"
    );
    assert!(bob[3].starts_with(taken), "{bob:?}");
    assert_eq!(bob[4..], ["* guest2 set the topic: tea"]);
}

#[test]
fn a_turn_is_flushed_once_and_only_if_something_was_said() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "/who");
    assert_eq!(log.flushed(), 0);
    house.hears(ann, "one");
    house.hears(bob, "two");
    assert!(house.hub.has_deliveries());
    house.turn();
    assert_eq!(log.flushed(), 1);
    assert!(!house.hub.has_deliveries());
}

/// Catches: numbers that do not name the one before them in their room.
#[test]
fn whatever_is_heard_names_what_was_heard_before_it() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, LINES);
    let bob = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    for line in ["one", "two", "three"] {
        house.says(ann, line);
    }
    log.refuse(1);
    house.commit_all(&log);
    let heard = &house.read[&bob];
    let places: Vec<(u64, u64)> = heard
        .lines()
        .filter(|line| line.contains("\"message\""))
        .map(|line| {
            let said: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let field = |name: &str| said[name].as_u64().expect("a number");
            (field("previous"), field("number"))
        })
        .collect();
    assert_eq!(places, [(0, 20), (20, 30)], "{heard}");
}

/// Catches: a client that is told that its line is done before anybody has heard it.
#[test]
fn what_is_told_behind_a_line_waits_for_it() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    let kinds = |read: &[String]| -> Vec<String> {
        let kind = |line: &String| line.split('"').nth(3).expect("a kind").to_owned();
        read.iter().map(kind).collect()
    };
    house.hub.tell_behind(ann, b"{\"kind\":\"before\"}\n");
    house.hears(ann, "one");
    house.hub.tell_behind(ann, b"{\"kind\":\"first\"}\n");
    house.hears(ann, "two");
    house.hub.tell_behind(ann, b"{\"kind\":\"second\"}\n");
    house.turn();
    let [read] = house.take([ann]);
    assert_eq!(kinds(&read), ["before"]);
    log.commit(0);
    log.refuse(0);
    house.settle();
    house.hub.tell_behind(ann, b"{\"kind\":\"behind\"}\n");
    house.turn();
    let [read] = house.take([ann]);
    assert_eq!(
        kinds(&read),
        ["message", "first", "refused", "second", "behind"]
    );
}

/// Catches: what one session says, kept from the others of its member since it has ended; a last
/// line that only one of several sessions reads.
#[test]
fn a_session_that_has_ended_keeps_nothing_from_the_others() {
    for (is_first, is_kept) in [(false, true), (true, true), (false, false), (true, false)] {
        let (mut house, log, [desk, bob]) = House::with_log_and();
        let phone = house.attach(desk, LINES);
        house.pass(2000);
        house.read.clear();
        let (author, other) = if is_first {
            (desk, phone)
        } else {
            (phone, desk)
        };
        house.says(author, "hello");
        house.hub.gone(author, house.at());
        house.hub.apply();
        house.hub.forget(author);
        match is_kept {
            true => log.commit(0),
            false => log.refuse(0),
        }
        house.settle();
        let hello = lines(&["guest1: hello"]);
        let refused = "! Nobody hears that, since there is no space left to keep it: hello";
        let wanted = match is_kept {
            true => [hello.clone(), hello],
            false => [lines(&[refused]), lines(&[])],
        };
        assert_eq!(house.take([other, bob]), wanted, "{is_first}");
    }
}

#[test]
fn whoever_is_sent_away_later_reads_why_by_all_sessions() {
    let (mut house, log) = House::with_log();
    let peer = "192.0.2.1".parse().map(Peer::Tcp).expect("an address");
    let desk = house.connect(peer, LINES);
    let operator = house.connect(OPERATOR, LINES);
    let phone = house.attach(desk, LINES);
    house.pass(2000);
    house.read.clear();
    house.says(desk, "hello");
    house.says(operator, "/kick guest1");
    log.commit(0);
    house.settle();
    let last = "! Disconnected: you were kicked.";
    assert_eq!(
        house.take([desk, phone]),
        [lines(&[last]), lines(&["guest1: hello", last])]
    );
}

/// Catches: sessions that are told something after their end, or twice that they end, and the books
/// of a member that has outlived all its sessions.
#[test]
fn a_session_ends_at_once_though_its_member_stays() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.hears(ann, "hello");
    house.hears(bob, "hi");
    log.commit(1);
    assert!(!house.hub.settle(house.at()), "that is all");
    let reason = DisconnectReason::ReadNothing { seconds: 60 };
    house.hub.disconnect(ann, reason.clone(), house.at());
    house.hub.disconnect(ann, reason, house.at());
    assert!(!house.hub.is_here(ann));
    house.turn();
    house.says(bob, "/msg guest1 psst");
    log.refuse(0);
    house.settle();
    house.commit_all(&log);
    let last = "! Disconnected: you read nothing for 60 seconds.";
    assert_eq!(house.take([ann]), [lines(&["guest2: hi", last])]);
    assert_eq!(house.ended.len(), 1, "once");
    house.hub.leave(bob, house.at());
    house.turn();
    assert!(house.hub.is_vacant());
}

#[test]
fn a_member_may_outlive_all_its_sessions() {
    for ends_first in [true, false] {
        for is_left in [true, false] {
            let (mut house, log) = House::with_log();
            let desk = house.connect(STRANGER, JSON);
            let phone = house.attach(desk, JSON);
            house.says(phone, "hello");
            let sessions = if ends_first {
                [desk, phone]
            } else {
                [phone, desk]
            };
            for session in sessions {
                match is_left {
                    true => house.hub.leave(session, house.at()),
                    false => house.hub.gone(session, house.at()),
                }
                house.turn();
                house.hub.forget(session);
                assert!(!house.hub.is_here(session));
            }
            assert_eq!(house.hub.chat().member_count(), 1);
            let carol = house.connect(STRANGER, JSON);
            let tablet = house.attach(carol, JSON);
            log.commit(0);
            house.settle();
            assert!(house.read[&tablet].contains("\"hello\""));
            for session in [tablet, carol] {
                house.hub.leave(session, house.at());
                house.turn();
            }
            house.pass(2000);
            assert!(house.hub.is_vacant(), "{ends_first} {is_left}");
        }
    }
}

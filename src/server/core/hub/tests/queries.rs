//! What is read off a log that keeps more than is remembered: when it comes, to whom, and what is
//! in it.

use serde_json::Value;

use super::*;
use crate::chat::{Epoch, LogMeant, Reading, Side};
use crate::room_log::slow::SlowLog;

impl House {
    fn with_log_of(config: Config) -> (Self, SlowLog) {
        let log = SlowLog::default();
        let mut house = Self::new();
        house.hub = Hub::with_log(Rc::new(config), &FRAMINGS, Box::new(log.clone()));
        (house, log)
    }

    /// Three messages of a room are remembered, and the log keeps all of them.
    fn with_short_memory<const N: usize>(framing: FramingId) -> (Self, SlowLog, [SessionId; N]) {
        let (mut house, log) = Self::with_log_of(Config {
            history: 3,
            ..Config::default()
        });
        let members = std::array::from_fn(|_| house.connect(STRANGER, framing));
        house.pass(2000);
        house.read.clear();
        (house, log, members)
    }

    fn all_say(&mut self, log: &SlowLog, session: SessionId, texts: &[&str]) {
        for text in texts {
            self.says(session, text);
        }
        self.commit_all(log);
        self.read.clear();
    }

    fn answered(&mut self, log: &SlowLog) {
        log.answer(0);
        self.settle();
    }

    fn epoch_of_lobby(&self) -> Epoch {
        let position = self.hub.chat().position("lobby");
        position.expect("it is there").epoch
    }

    fn reads(&mut self, session: SessionId, from: Option<(Epoch, Side)>, count: Option<usize>) {
        let reading = Reading {
            of: LogMeant::OwnRoom,
            epoch: from.map(|(epoch, _)| epoch),
            side: from.map_or(Side::END, |(_, side)| side),
            count,
        };
        self.hub.read(session, reading, self.at());
        self.turn();
    }

    /// A page of the lobby, whoever has answered: its texts, and the object.
    fn page(
        &mut self,
        log: &SlowLog,
        session: SessionId,
        side: Side,
        count: usize,
    ) -> (Vec<String>, Value) {
        self.take([session]);
        let from = Some((self.epoch_of_lobby(), side));
        self.reads(session, from, Some(count));
        if log.queries() > 0 {
            self.answered(log);
        }
        let read = self.take([session])[0].concat();
        let object: Value = serde_json::from_str(&read).expect("one object");
        let messages = object["messages"].as_array().expect("a list");
        let text = |said: &Value| said["text"].as_str().expect("a text").to_owned();
        (messages.iter().map(text).collect(), object)
    }
}

#[test]
fn what_is_not_remembered_is_read_off_the_log_and_comes_in_its_turn() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d", "e"]);
    house.says(bob, "/history 3");
    assert_eq!(log.queries(), 0, "that is remembered");
    assert_eq!(house.take([bob])[0].len(), 4);
    house.says(bob, "/history 4");
    assert_eq!((log.queries(), &house.take([bob])[0]), (1, &lines(&[])));
    assert!(house.hub.has_to_wait(bob, "hello") && house.hub.awaits_log(bob));
    assert!(house.hub.end_has_to_wait(bob) && house.hub.awaits_news());
    assert!(!house.hub.has_to_wait(ann, "/who"), "nobody else waits");
    // What has its place meanwhile was not there when it was asked.
    house.says(ann, "f");
    house.commit_all(&log);
    assert_eq!(house.take([bob]), [lines(&["guest1: f"])]);
    assert!(house.hub.take_released().is_empty());
    house.answered(&log);
    let answer = [
        "* The last 4 messages of #lobby:",
        "guest1: b",
        "guest1: c",
        "guest1: d",
        "guest1: e",
    ];
    assert_eq!(house.take([ann, bob]), [lines(&[]), lines(&answer)]);
    assert_eq!(house.hub.take_released(), [bob]);
    assert!(!house.hub.awaits_log(bob) && !house.hub.has_to_wait(bob, "/who"));
    assert!(!house.hub.awaits_news());
}

/// Catches: a text that everybody was told to forget, in an answer that was found before.
#[test]
fn what_is_taken_back_is_in_no_answer_that_comes_after_it() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d"]);
    for is_answered_first in [true, false] {
        house.says(bob, "/history 9");
        house.says(ann, "/delete");
        if is_answered_first {
            log.answer(0);
        }
        log.commit(0);
        if !is_answered_first {
            log.answer(0);
        }
        house.settle();
        let read = house.take([bob])[0].join(" ");
        let has_it = read.contains(if is_answered_first {
            "guest1: d"
        } else {
            "guest1: c"
        });
        assert_eq!(has_it, is_answered_first, "{read}");
        let at = |what| read.find(what).expect(&read);
        let is_first = at("The last") < at("took back");
        assert_eq!(is_first, is_answered_first, "{read}");
    }
}

#[test]
fn whoever_waits_for_its_drafts_too_is_heard_when_both_have_come() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d"]);
    let phone = house.attach(bob, LINES);
    house.pass(2000);
    house.read.clear();
    house.says(bob, "/history 9");
    house.says(phone, "hello");
    assert!(house.hub.has_to_wait(phone, "/who"));
    house.commit_all(&log);
    assert!(house.hub.take_released().contains(&phone));
    assert!(house.hub.awaits_log(bob), "its answer has not come");
    house.read.clear();
    house.answered(&log);
    let [at_desk, on_phone] = house.take([bob, phone]);
    assert_eq!(
        (at_desk.len(), on_phone.len()),
        (5, 0),
        "{at_desk:?} {on_phone:?}"
    );
    assert_eq!(house.hub.take_released(), [bob]);
}

#[test]
fn what_cannot_be_read_is_said_and_so_is_that_there_is_no_search() {
    let (mut house, log, [ann]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d"]);
    house.says(ann, "/history 9");
    log.fail(0);
    house.settle();
    let failed = "! What was said cannot be read now; try again later.";
    assert_eq!(house.take([ann]), [lines(&[failed])]);
    assert_eq!(house.hub.take_released(), [ann]);
    let mut house = House::new();
    let ann = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.read.clear();
    house.says(ann, "/search tea");
    let none = "! There is no search here: what is said is not kept.";
    assert_eq!(house.take([ann]), [lines(&[none])]);
    assert!(!house.hub.awaits_log(ann));
}

#[test]
fn messages_are_found_by_their_words_in_the_room_where_one_is() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.all_say(
        &log,
        ann,
        &["green tea", "black tea", "tea is green", "milk"],
    );
    house.says(bob, "/search green tea");
    house.answered(&log);
    let found = [
        "* 2 messages in #lobby have green tea, the best first:",
        "30 guest1: tea is green",
        "10 guest1: green tea",
    ];
    assert_eq!(house.take([bob]), [lines(&found)]);
    house.says(bob, "/search coffee");
    house.answered(&log);
    let none = "* No message in #lobby has coffee.";
    assert_eq!(house.take([bob]), [lines(&[none])]);
    house.says(bob, "/ignore guest1");
    house.take([bob]);
    house.says(bob, "/search tea");
    house.answered(&log);
    assert_eq!(
        house.take([bob]),
        [lines(&["* No message in #lobby has tea."])]
    );
    house.says(bob, "/join chess");
    house.take([bob]);
    house.says(bob, "/search tea");
    house.answered(&log);
    assert_eq!(
        house.take([bob]),
        [lines(&["* No message in #chess has tea."])]
    );
}

/// Catches: questions that are kept for ever of who has left, and answers for others in its place.
#[test]
fn whoever_has_left_gets_no_answer_and_nothing_is_kept_of_it() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d"]);
    house.says(bob, "/history 9");
    house.hub.gone(bob, house.at());
    house.turn();
    house.hub.forget(bob);
    let carol = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.read.clear();
    assert!(!house.hub.awaits_log(carol));
    house.answered(&log);
    assert_eq!(house.take([ann, carol]), [lines(&[]), lines(&[])]);
    assert!(!house.hub.awaits_news());
    for session in [ann, carol] {
        house.hub.gone(session, house.at());
        house.turn();
        house.hub.forget(session);
    }
    assert!(house.hub.chat().member_count() == 0 && !house.hub.awaits_news());
}

/// Catches: strangers who ask a log that does not answer, leave, and come again.
#[test]
fn no_more_questions_are_kept_than_there_may_be() {
    let (mut house, log, [ann]) = House::with_short_memory(LINES);
    house.all_say(&log, ann, &["a", "b", "c", "d"]);
    for _ in 0..1024 {
        let bob = house.connect(STRANGER, LINES);
        house.says(bob, "/history 9");
        house.hub.gone(bob, house.at());
        house.turn();
        house.hub.forget(bob);
    }
    house.read.clear();
    house.says(ann, "/history 9");
    assert_eq!(log.queries(), 1024);
    let failed = "! What was said cannot be read now; try again later.";
    assert_eq!(house.take([ann]), [lines(&[failed])]);
    house.answered(&log);
    house.says(ann, "/history 9");
    assert_eq!(log.queries(), 1024);
}

#[test]
fn a_page_is_next_to_a_number_of_this_life_of_the_log() {
    let (mut house, log, [ann]) = House::with_short_memory(JSON);
    house.all_say(&log, ann, &["a", "b", "c", "d", "e"]); // numbers 10 to 50
    for (side, limit, texts, is_whole, next) in [
        (Side::Before(50), 2, "c d", false, Some(30)),
        (Side::Before(40), 2, "b c", false, Some(20)),
        (Side::Before(30), 2, "a b", true, None),
        (Side::Before(10), 2, "", true, None),
        (Side::After(0), 2, "a b", true, Some(20)),
        (Side::After(10), 9, "b c d e", true, None),
        (Side::After(30), 1, "d", true, Some(40)),
        (Side::After(50), 1, "", true, None),
        (Side::Until(41), 2, "c d", false, Some(30)), // times are as numbers
        (Side::Until(30), 9, "a b", true, None),
        (Side::Until(10), 9, "", true, None),
        (Side::Since(0), 2, "a b", true, Some(20)),
        (Side::Since(20), 9, "b c d e", true, None),
        (Side::Since(50), 9, "e", true, None),
        (Side::Since(51), 9, "", true, None),
    ] {
        let (read, object) = house.page(&log, ann, side, limit);
        house.hub.take_released();
        let is_complete = object["complete"] == true;
        let page = (read.join(" "), is_complete, object["next"].as_u64());
        let what = format!("{side:?} {limit}");
        assert_eq!(page, (texts.to_owned(), is_whole, next), "{what}");
    }
    // Another life's numbers mean nothing.
    let other = "00000000000000aa".parse().expect("sixteen digits");
    house.reads(ann, Some((other, Side::END)), None);
    let refused = house.take([ann])[0].concat();
    assert!(refused.contains("\"other_epoch\""), "{refused}");
    // What comes behind an answer waits for it.
    house.reads(ann, None, Some(9));
    house.hub.tell_behind(ann, b"{\"kind\":\"done\"}\n");
    house.turn();
    assert_eq!(house.take([ann]), [lines(&[])]);
    house.answered(&log);
    let read = house.take([ann]);
    let kinds: Vec<bool> = read[0]
        .iter()
        .map(|line| line.contains("\"done\""))
        .collect();
    assert_eq!(kinds, [false, true], "{read:?}");
}

/// Catches: a message that nobody can take back since it is not remembered, one that anybody can,
/// and what comes behind the question before its answer.
#[test]
fn what_only_the_log_keeps_is_taken_back_when_the_log_has_told_whose_it_is() {
    let log = SlowLog::default();
    log.keep_rooms();
    let mut house = House::new();
    let config = Config {
        history: 2,
        ..Config::default()
    };
    house.hub = Hub::with_log(Rc::new(config), &FRAMINGS, Box::new(log.clone()));
    let [ann, bob] = [(); 2].map(|()| house.connect(STRANGER, LINES));
    let op = house.connect(OPERATOR, LINES);
    house.pass(2000);
    house.all_say(&log, ann, &["a", "b", "c", "d", "e"]); // numbers 10 to 50
    for (session, line, refusal) in [
        (bob, "/delete 10", "! Only its author can take 10 back."),
        (ann, "/delete 11", "! There is no message 11 here."),
        (op, "/delete 0", "! There is no message 0 here."),
    ] {
        house.says(session, line);
        assert_eq!(
            (log.queries(), house.take([session])),
            (1, [lines(&[])]),
            "{line}"
        );
        assert!(house.hub.has_to_wait(session, "/who"));
        house.answered(&log);
        assert_eq!(house.take([session]), [lines(&[refusal])], "{line}");
        assert_eq!(log.len(), 0, "{line}");
    }
    for (session, line) in [(ann, "/delete 10"), (op, "/delete 20")] {
        house.read.clear();
        house.says(session, line);
        house.hub.tell_behind(session, b"done\n");
        house.answered(&log);
        assert_eq!(
            (log.len(), house.take([session])),
            (1, [lines(&[])]),
            "{line}"
        );
        house.commit_all(&log);
        let told = ["* You took it back.", "done"];
        let seen = house.take([session]);
        let seen: Vec<_> = seen[0]
            .iter()
            .filter(|line| !line.contains("took back"))
            .collect();
        assert_eq!(seen, told, "{line}");
    }
    house.read.clear();
    house.says(bob, "/history 9");
    house.answered(&log);
    let read = house.take([bob]);
    assert_eq!(read[0][1..], ["guest1: c", "guest1: d", "guest1: e"]);
    // If it cannot be read whose it is, it is not taken back.
    house.says(op, "/delete 30");
    log.fail(0);
    house.settle();
    let failed = "! What was said cannot be read now; try again later.";
    assert_eq!((log.len(), house.take([op])), (0, [lines(&[failed])]));
    house.says(op, "/delete 50");
    assert_eq!((log.queries(), log.len()), (0, 1), "that is remembered");
}

#[test]
fn lines_are_told_the_numbers_of_a_page_next_to_a_place_and_how_to_read_on() {
    let (mut house, log, [ann, bob]) = House::with_short_memory(LINES);
    house.says(bob, "/times off");
    house.all_say(&log, ann, &["a", "b", "c", "d", "e"]);
    house.says(bob, "/history 2 before 40");
    house.answered(&log);
    let page = [
        "* 2 messages of #lobby before 40:",
        "20 guest1: b",
        "30 guest1: c",
        "* There is more: /history before 20",
    ];
    assert_eq!(house.take([bob]), [lines(&page)]);
    house.says(bob, "/history before 20");
    house.answered(&log);
    let first = [
        "* 1 message of #lobby before 20:",
        "10 guest1: a",
        "* There is no more.",
    ];
    assert_eq!(house.take([bob]), [lines(&first)]);
    house.says(bob, "/history 1 after 1970-01-01");
    house.answered(&log);
    let forward = [
        "* 1 message of #lobby after 1970-01-01 00:00 UTC:",
        "10 guest1: a",
        "* There is more: /history after 10",
    ];
    assert_eq!(house.take([bob]), [lines(&forward)]);
    house.says(bob, "/history before 1970-01-01");
    house.answered(&log);
    let none = [
        "* 0 messages of #lobby before 1970-01-01 00:00 UTC:",
        "* There is no more.",
    ];
    assert_eq!(house.take([bob]), [lines(&none)]);
    house.says(bob, "/history after tea");
    let bad = "! tea is no number of a message, and no time (UTC): \
        try 14:00, 2026-11-30, 2026-11-30 14:00, today or yesterday.";
    assert_eq!(house.take([bob]), [lines(&[bad])]);
    for text in ["1", "2"] {
        house.all_say(&log, ann, &[&format!("/msg guest2 {text}")]);
    }
    house.says(bob, "/history 1 after 0 @guest1");
    let private = [
        "* 1 message between you and guest1 after 0:",
        "60 guest1 -> guest2: 1",
        "* There is more: /history after 60 @guest1",
    ];
    assert_eq!(house.take([bob]), [lines(&private)]);
}

#[test]
fn of_what_two_say_to_each_other_alone_more_is_read_by_the_two_only() {
    let (mut house, log, [ann, bob, carol]) = House::with_short_memory(LINES);
    let private: Vec<String> = (0..5).map(|n| format!("/msg guest2 {n}")).collect();
    let private: Vec<&str> = private.iter().map(String::as_str).collect();
    house.all_say(&log, ann, &private);
    house.says(bob, "/history 4 @guest1");
    assert_eq!(log.queries(), 1);
    house.answered(&log);
    let read = house.take([bob]);
    assert_eq!(read[0].len(), 5, "{read:?}");
    assert_eq!(read[0][1], "guest1 -> guest2: 1");
    house.says(carol, "/history 9 @guest1");
    house.answered(&log);
    let nothing = "* You and guest1 have said nothing to each other alone yet.";
    assert_eq!(house.take([carol]), [lines(&[nothing])]);
}

/// Catches: pages that lead nowhere, since all that they have is of somebody who is ignored.
#[test]
fn one_reads_on_behind_those_whom_one_ignores() {
    let (mut house, log, [ann, bob, carol]) = House::with_short_memory(JSON);
    house.all_say(&log, bob, &["first"]);
    house.all_say(&log, ann, &["b", "c", "d", "e", "f"]);
    house.says(carol, "/ignore guest1");
    let (mut side, mut texts, mut pages) = (Side::END, Vec::new(), 0);
    loop {
        pages += 1;
        let (read, object) = house.page(&log, carol, side, 2);
        texts.extend(read);
        match object["next"].as_u64() {
            Some(next) => side = Side::Before(next),
            None => break assert_eq!(object["complete"], true, "{object}"),
        }
    }
    assert_eq!((texts, pages), (lines(&["first"]), 3));
}

/// Catches: hundreds of questions of one whose connection is gone, and for which there is no later.
#[test]
fn one_session_has_one_question_with_the_log() {
    let (mut house, log, [ann]) = House::with_short_memory(LINES);
    house.says(ann, "/search a");
    assert!(house.hub.overtakes(ann, "/search b") && !house.hub.overtakes(ann, "hello"));
    house.says(ann, "/search b");
    assert_eq!(log.queries(), 1);
    let refused = "! What was said cannot be read now; try again later.";
    assert_eq!(house.take([ann]), [lines(&[refused])]);
    // When it has gone, nobody waits for the answer, the end of the server neither.
    house.hub.gone(ann, house.at());
    house.turn();
    house.hub.forget(ann);
    assert!(!house.hub.awaits_news());
    house.answered(&log);
}

/// Catches: what was said in one room, read in another that has its place now.
#[test]
fn a_room_in_the_place_of_another_has_a_log_of_its_own() {
    // No room outlives its members.
    let (mut house, log) = House::with_log_of(Config {
        room_linger: 0,
        ..Config::default()
    });
    let [ann, bob] = [(); 2].map(|()| house.connect(STRANGER, LINES));
    house.says(ann, "/join tea");
    house.all_say(&log, ann, &["a secret"]);
    house.says(ann, "/join lobby");
    house.says(bob, "/join chess");
    house.pass(2000);
    house.read.clear();
    house.says(bob, "/search secret");
    house.answered(&log);
    let none = "* No message in #chess has secret.";
    assert_eq!(house.take([bob]), [lines(&[none])]);
}

/// Catches: the first message of two under another key than those that follow.
#[test]
fn what_was_under_way_to_who_is_back_is_read_with_the_rest() {
    let (mut house, log, [_ann, bob]) = House::with_short_memory(LINES);
    let carol = house.connect(STRANGER, JSON);
    house.pass(2000);
    let token = house.token(carol, 7);
    house.says(bob, "/msg guest3 0");
    house.cut(carol);
    let carol = house.resume(token, &[]).expect("it goes on");
    house.commit_all(&log);
    for text in 1..6 {
        house.says(bob, &format!("/msg guest3 {text}"));
        house.commit_all(&log);
    }
    house.read.clear();
    house.says(carol, "/history 9 @guest2");
    house.answered(&log);
    let read = house.take([carol])[0].concat();
    for text in 0..6 {
        assert!(
            read.contains(&format!("\"text\":\"{text}\"")),
            "{text}: {read}"
        );
    }
}

//! What is read off a log that takes its time, by connections: in its turn, before the end, and not
//! for nothing.

use std::net::Shutdown;

use super::*;
use crate::room_log::slow::SlowLog;
use crate::server::FloodLimit;
use crate::server::core::flood::Flood;

impl House {
    /// Of what ann has said two messages are remembered, and the log has four.
    fn with_short_memory(config: Config) -> (Self, SlowLog, [Peer; 2]) {
        let log = SlowLog::default();
        let config = Config {
            history: 2,
            room_linger: 0,
            ..config
        };
        let mut house = Self::with_log(config, Box::new(log.clone()));
        let (mut ann, mut bob) = (house.member(), house.member());
        house.until("an arrival", |_| ann.hears("guest2 joined"));
        ann.send(b"a\nb\nc\nd\n");
        house.soon("drafts", || log.len() == 4);
        house.commit_all(&log);
        house.soon("the last", || bob.hears("guest1: d\n"));
        (house, log, [ann, bob])
    }
}

#[test]
fn what_comes_behind_a_question_waits_for_its_answer_and_so_does_the_end() {
    let (mut house, log, [mut ann, mut bob]) = House::with_short_memory(Config::default());
    bob.send(b"/times off\n/history 3\nhello\n/topic\nlast");
    bob.stream.shutdown(Shutdown::Write).expect("it can");
    house.soon("a question", || log.queries() == 1);
    house.pass();
    assert_eq!(log.len(), 0, "nothing more is heard");
    log.answer(0);
    house.soon("a draft", || log.len() == 1);
    house.commit_all(&log);
    house.until("who has left", |_| ann.hears("* guest2 left #lobby.\n"));
    let ends = "guest1: b\nguest1: c\nguest1: d\n* #lobby has no topic.\n";
    assert!(bob.hears(ends), "{}", bob.heard);
    assert!(
        ann.heard
            .contains("guest2: hello\nguest2: last\n* guest2 left")
    );
}

#[test]
fn the_server_ends_when_what_was_asked_is_answered() {
    let (mut house, log, [mut ann, _bob]) = House::with_short_memory(Config::default());
    ann.send(b"/history 3\n");
    house.soon("a question", || log.queries() == 1);
    house.begin_end();
    house.pass();
    assert!(!house.server.end.has_begun());
    log.answer(0);
    house.soon("the end", || ann.hears("Goodbye"));
    assert!(
        ann.heard
            .contains("guest1: d\n* The server is shutting down."),
        "{}",
        ann.heard
    );
}

/// Catches: long answers for nothing, since they come when the line that asked was paid for.
#[test]
fn a_late_answer_is_paid_for_by_who_has_asked() {
    let flood = FloodLimit { rate: 1, burst: 5 };
    let (mut house, log, [mut ann, mut bob]) = House::with_short_memory(Config {
        flood: Some(Flood::Limit(flood)),
        ..Config::default()
    });
    for _ in 0..10 {
        ann.send(("x".repeat(4000) + "\n").as_bytes());
        house.until("a draft", |_| log.len() == 1);
        house.commit_all(&log);
    }
    bob.send(b"/history 14\n/topic\n");
    house.soon("a question", || log.queries() == 1);
    log.answer(0);
    house.soon("the answer", || bob.hears("guest1: a"));
    house.pass();
    assert!(bob.hears("* You are typing faster than 1 line a second"));
    assert!(!bob.hears("has no topic"), "it waits");
    house.until("the next answer", |_| bob.hears("has no topic"));
}

#[test]
fn an_object_that_asks_waits_as_a_command_does_and_is_done_behind_its_answer() {
    let (mut house, log, [_ann, mut bob]) = House::with_short_memory(Config::default());
    let mut carol = house.peer(house.lines);
    carol.send(b"/json\n");
    house.until("a welcome", |_| carol.hears("\"welcome\""));
    carol.send(
        b"{\"kind\":\"line\",\"text\":\"e\"}\n{\"kind\":\"history\",\"limit\":9,\"ref\":1}\n",
    );
    carol.send(b"{\"kind\":\"ping\",\"ref\":2}\n");
    house.soon("a draft", || log.len() == 1);
    house.pass();
    assert_eq!(log.queries(), 0, "her own message comes first");
    log.commit(0);
    house.soon("a question", || log.queries() == 1);
    house.pass();
    assert!(bob.hears("guest3: e\n") && !carol.hears("\"pong\""));
    log.answer(0);
    house.soon("the last", || carol.hears("\"pong\""));
    let heard = &carol.heard;
    let at = |what: &str| {
        heard
            .find(what)
            .unwrap_or_else(|| panic!("{what}: {heard}"))
    };
    let places = [
        "\"text\":\"e\"",
        "\"complete\":true,\"next\":null",
        "\"done\"",
        "\"pong\"",
    ];
    let places = places.map(at);
    assert!(places.is_sorted(), "{places:?} {heard}");
}

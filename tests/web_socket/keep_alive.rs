//! Pings to those who keep quiet, to the millisecond of the loop's time.

use std::time::Duration;

use loopchat::http::web_socket::Options;

use super::rig::{Rig, ping, send};
use super::virtual_time::End;
use super::*;

const INTERVAL: u64 = 32_000;
const TIMEOUT: u64 = 10_000;

fn rig() -> Rig {
    Rig::new(
        Options::new()
            .ping_interval(Duration::from_millis(INTERVAL))
            .ping_timeout(Duration::from_millis(TIMEOUT)),
    )
}

#[test]
fn who_is_silent_is_pinged_and_who_stays_silent_is_cut_off() {
    let mut rig = rig();
    rig.timed.run_to(1234);
    let mut peer = rig.open();
    assert_eq!(rig.read(&mut peer), ping(b""));
    assert_eq!(rig.now(), 1234 + INTERVAL);
    assert!(rig.heard_so_far().is_empty());
    assert_eq!(rig.heard(), "0 close 1006 ");
    assert_eq!(rig.now(), 1234 + INTERVAL + TIMEOUT);
    assert_eq!(peer.ended(), Some(End::Closed));
    assert_eq!(peer.text(), "", "there was no second ping");
}

#[test]
fn who_answers_stays() {
    let mut rig = rig();
    let mut peer = rig.open();
    for round in 1..=5 {
        assert_eq!(rig.read(&mut peer), ping(b""));
        let pinged = rig.now();
        assert_eq!(pinged, round * INTERVAL + (round - 1) * TIMEOUT);
        // At the last moment.
        rig.timed.run_to(pinged + TIMEOUT - 1);
        send(&mut peer, FIN | PONG, "");
        assert_eq!(rig.heard(), "0 pong ");
    }
}

/// Anything that comes shows that somebody is there, not only pongs.
#[test]
fn whoever_says_something_after_the_ping_stays() {
    for first in [FIN | TEXT, FIN | PING, FIN | PONG, TEXT] {
        let mut rig = rig();
        let mut peer = rig.open();
        assert_eq!(rig.read(&mut peer), ping(b""));
        send(&mut peer, first, "x");
        rig.timed.run_for(TIMEOUT + INTERVAL - 1);
        assert!(
            rig.heard_so_far()
                .iter()
                .all(|event| !event.contains("close"))
        );
        assert_eq!(peer.ended(), None, "{first:x}");
    }
}

#[test]
fn who_speaks_needs_no_ping() {
    let mut rig = rig();
    let mut peer = rig.open();
    for _ in 0..20 {
        send(&mut peer, FIN | TEXT, "x");
        assert_eq!(rig.heard(), "0 text x");
        assert_eq!(rig.read(&mut peer), text("x"));
        rig.timed.run_for(INTERVAL - 1);
        assert_eq!(peer.text(), "");
    }
}

/// Silence is looked for once in the interval.
#[test]
fn who_has_just_spoken_is_pinged_an_interval_later() {
    let mut rig = rig();
    let mut peer = rig.open();
    rig.timed.run_to(INTERVAL - 1);
    send(&mut peer, FIN | PONG, "");
    assert_eq!(rig.read(&mut peer), ping(b""));
    assert_eq!(rig.now(), 2 * INTERVAL);
}

#[test]
fn there_are_no_pings_unless_they_are_asked_for() {
    let mut rig = Rig::new(Options::default());
    let mut peer = rig.open();
    rig.timed.run_to(24 * 3600 * 1000);
    assert_eq!((peer.text().as_str(), peer.ended()), ("", None));
}

/// Whom we do not listen to is not silent.
#[test]
fn a_paused_one_is_neither_pinged_nor_cut_off() {
    let mut rig = rig();
    let mut peer = rig.open();
    let web_socket = rig.web_socket(0);
    web_socket.pause(&mut rig.timed.event_loop);
    rig.timed.run_to(10 * INTERVAL);
    assert_eq!((peer.text().as_str(), peer.ended()), ("", None));
    web_socket.resume(&mut rig.timed.event_loop);
    assert_eq!(rig.read(&mut peer), ping(b""));
    assert_eq!(rig.now(), 11 * INTERVAL);
    assert_eq!(rig.heard(), "0 close 1006 ");
}

/// Who takes what waits for it is there, though it never says a word, and its pong would come
/// behind all that.
#[test]
fn who_takes_bytes_is_not_cut_off() {
    let mut rig = rig();
    let mut peer = rig.open();
    send(&mut peer, FIN | TEXT, "/flood 4");
    assert_eq!(rig.heard(), "0 text /flood 4");
    assert!(rig.heard().starts_with("buffered "));
    let mut rounds = 0;
    while rig.web_socket(0).buffered_amount(&rig.timed.event_loop) > 0 {
        rig.timed.run_for(INTERVAL - 1);
        assert!(!peer.take_bytes().is_empty(), "cut off in round {rounds}");
        rig.timed.settle();
        rounds += 1;
    }
    assert!(rounds > 10, "{rounds}");
    assert_eq!(rig.heard_so_far(), ["0 drain"]);
}

/// Who takes none of it is not there. What the system took to begin with counts as taken.
#[test]
fn who_takes_nothing_is_cut_off() {
    for takes in [0, 1, 3] {
        let mut rig = rig();
        let mut peer = rig.open();
        send(&mut peer, FIN | TEXT, "/flood 4");
        assert_eq!(rig.heard(), "0 text /flood 4");
        for _ in 0..takes {
            rig.timed.run_for(INTERVAL);
            assert!(!peer.take_bytes().is_empty());
        }
        rig.heard();
        assert_eq!(rig.heard(), "0 close 1006 ");
        // It was heard once before the first look, and took something before each of those that
        // followed.
        let looks = if takes == 0 { 2 } else { takes + 2 };
        assert_eq!(rig.now(), looks * INTERVAL + TIMEOUT, "{takes}");
    }
}

/// 600 of them, which is more than one turn looks at. They are pinged when they are due, or within
/// a small part of the shortest wait.
#[test]
fn many_are_pinged_and_each_in_its_time() {
    let mut rig = rig();
    let mut peers = Vec::new();
    for place in 0..600u64 {
        rig.timed.run_to(place / 200 * 3000);
        peers.push((rig.now(), rig.open()));
    }
    let late = TIMEOUT / 32;
    for (opened, mut peer) in peers {
        rig.read(&mut peer);
        let due = opened + INTERVAL;
        assert!(
            (due..=due + late).contains(&rig.now()),
            "{opened}: {}",
            rig.now()
        );
        send(&mut peer, FIN | CLOSE, "");
    }
}

#[test]
fn one_that_is_gone_does_not_take_the_timer_along() {
    let mut rig = rig();
    let first = rig.open();
    rig.timed.run_to(10_000);
    let mut second = rig.open();
    drop(first);
    assert_eq!(rig.heard(), "0 close 1006 ");
    assert_eq!(rig.read(&mut second), ping(b""));
    assert_eq!(rig.now(), 10_000 + INTERVAL);
}

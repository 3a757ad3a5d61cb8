//! How long an end may take, to the millisecond of the loop's time, whatever else is waited for.

use std::time::Duration;

use loopchat::http::web_socket::{Options, code};

use super::client::{self, REQUEST};
use super::rig::{Rig, ping, send};
use super::virtual_time::{End, Peer};
use super::*;

fn rig(ping: u64, pong: u64, close: u64) -> Rig {
    Rig::new(
        Options::new()
            .ping_interval(Duration::from_millis(ping))
            .ping_timeout(Duration::from_millis(pong))
            .close_timeout(Duration::from_millis(close)),
    )
}

fn close(rig: &mut Rig, number: usize) {
    let web_socket = rig.web_socket(number);
    web_socket.close(&mut rig.timed.event_loop, code::NORMAL, "enough");
}

/// What begins the end of the first WebSocket, and with what it closes.
type Beginning = (fn(&mut Rig, &mut Peer), &'static str);

const BEGINNINGS: [Beginning; 4] = [
    // Our close frame is not answered.
    (|rig, _| close(rig, 0), "0 close 1006 "),
    // The peer has sent its own, and stays.
    (
        |_, peer| send(peer, FIN | CLOSE, close_frame(1000, "bye").payload),
        "0 close 1000 bye",
    ),
    // It has broken a rule, and stays.
    (|_, peer| peer.send(b"\x81\x05hello"), "0 close 1006 "),
    // It sends no more, and does not read what waits for it.
    (
        |rig, peer| {
            send(peer, FIN | TEXT, "/flood 2");
            rig.heard();
            rig.heard();
            peer.shut_down();
        },
        "0 close 1006 ",
    ),
];

/// Behind the end, however it has come about, a little is thrown away and no more.
#[test]
fn who_pours_on_behind_the_end_has_to_wait() {
    for (place, (begin, closed)) in BEGINNINGS.into_iter().enumerate().take(3) {
        let mut rig = Rig::new(Options::new().max_after_close(65_536));
        let mut peer = rig.open();
        begin(&mut rig, &mut peer);
        // Frames that nobody is told of: a message that never ends.
        let message = client::frame(TEXT, b"");
        let nothing = client::frame(CONTINUATION, b"").repeat(10_000);
        let whole = client::frame(FIN | TEXT, &[b'x'; 60_000]);
        for bytes in [&whole, &[message, nothing].concat()] {
            let taken = rig.timed.send_until_stuck(&mut peer, bytes);
            assert!(taken < 1_000_000, "{place}: {taken} bytes were taken");
        }
        let told = rig.heard_so_far();
        let told = told.iter().filter(|event| event.contains(" text "));
        assert!(told.count() < 10, "{place}");
        assert_eq!((rig.now(), rig.heard().as_str()), (0, closed), "{place}");
        assert_eq!(rig.now(), 30_000, "{place}");
    }
}

/// Its close frame may come late, and something behind it: that it has ended is seen all the same.
#[test]
fn who_answers_late_is_closed_when_it_ends() {
    let mut rig = Rig::new(Options::new().max_after_close(65_536));
    let mut peer = rig.open();
    close(&mut rig, 0);
    for _ in 0..2 {
        send(&mut peer, FIN | TEXT, [b'x'; 60_000]);
    }
    send(&mut peer, FIN | CLOSE, close_frame(1000, "late").payload);
    rig.timed.settle();
    peer.send(vec![b'x'; 10_000]);
    rig.timed.settle();
    peer.shut_down();
    for _ in 0..2 {
        assert!(rig.heard().starts_with("0 text xxx"));
    }
    assert_eq!(rig.heard(), "0 close 1000 late");
    assert_eq!(rig.now(), 0);
}

/// Whoever pings and reads nothing has to wait, and the loop sleeps meanwhile; all is answered.
#[test]
fn who_does_not_read_its_pongs_is_not_read_and_wakes_nobody() {
    let mut rig = rig(0, 0, 30_000);
    let mut peer = rig.open();
    let pings = client::frame(FIN | PING, &[b'x'; 100]).repeat(100);
    let taken = rig.timed.send_until_stuck(&mut peer, &pings);
    assert!(taken < 4_000_000, "{taken} bytes were taken");
    // Time passes only while the loop sleeps.
    rig.timed
        .event_loop
        .set_timeout(Duration::from_secs(60), |_, _| {});
    let slept = (0..20).any(|_| {
        rig.timed.turn();
        rig.now() == 60_000
    });
    assert!(slept, "it is awake all the time");
    let pongs = rig.timed.drain_bytes(&mut peer).len() / 102;
    assert!(pongs >= taken / 106 - 1, "{pongs} for {taken} bytes");
}

/// What was under way when our close frame was sent is told, unless the program says otherwise.
#[test]
fn all_that_is_under_way_is_told_by_default() {
    let mut rig = rig(0, 0, 30_000);
    let mut peer = rig.open();
    close(&mut rig, 0);
    let message = client::frame(FIN | TEXT, &[b'x'; 60_000]);
    for _ in 0..100 {
        rig.timed.send_all(&mut peer, &message);
    }
    send(&mut peer, FIN | CLOSE, close_frame(1000, "").payload);
    for _ in 0..100 {
        assert!(rig.heard().starts_with("0 text xxx"));
    }
    drop(peer);
    assert_eq!(rig.heard(), "0 close 1000 ");
    assert_eq!(rig.now(), 0);
}

/// Alone, with pings that are due sooner, and with some that are due later.
#[test]
fn who_does_not_end_is_cut_off() {
    for (place, (begin, closed)) in BEGINNINGS.into_iter().enumerate() {
        for (interval, begun) in [(0, 0), (32_000, 20_000), (500_000, 1000)] {
            let mut rig = rig(interval, 10_000, 30_000);
            let mut peer = rig.open();
            rig.timed.run_to(begun);
            begin(&mut rig, &mut peer);
            rig.timed.run_to(begun + 29_999);
            let case = format!("{place}, {interval}");
            let heard = rig.heard_so_far();
            assert!(
                heard.iter().all(|event| !event.contains(" close ")),
                "{case}"
            );
            assert_eq!(rig.heard(), closed, "{case}");
            assert_eq!(rig.now(), begun + 30_000, "{case}");
            // No ping either: it is not open any more.
            let frames = peer.take_bytes();
            assert!(!frames.ends_with(&[FIN | PING, 0]), "{case}");
        }
    }
}

/// A deadline that is set later and is nearer is not missed, of the same WebSocket or of another.
#[test]
fn the_nearer_of_two_deadlines_acts() {
    // The end of the second is nearer than the ping of the first.
    let mut rig_ = rig(60_000, 10_000, 5000);
    let mut first = rig_.open();
    rig_.timed.run_to(1000);
    let mut second = rig_.open();
    close(&mut rig_, 1);
    assert_eq!(rig_.heard(), "1 close 1006 ");
    assert_eq!((rig_.now(), second.ended()), (6000, Some(End::Closed)));
    assert_eq!(rig_.read(&mut first), ping(b""));
    assert_eq!(rig_.now(), 60_000);
    // The ping of the second is nearer than the end of the first.
    let mut rig_ = rig(5000, 2000, 60_000);
    let mut first = rig_.open();
    close(&mut rig_, 0);
    rig_.timed.run_to(1000);
    let mut second = rig_.open();
    assert_eq!(rig_.read(&mut second), ping(b""));
    assert_eq!(rig_.now(), 6000);
    // And its pong, too.
    assert_eq!(rig_.heard(), "1 close 1006 ");
    assert_eq!(rig_.now(), 8000);
    assert_eq!(first.ended(), None);
    assert_eq!(rig_.heard(), "0 close 1006 ");
    assert_eq!(rig_.now(), 60_000);
    assert_eq!(
        first.take_bytes(),
        [&[FIN | CLOSE, 8, 3, 232][..], b"enough"].concat()
    );
}

#[test]
fn who_ends_in_time_is_closed_at_once() {
    let mut rig = rig(0, 0, 30_000);
    let mut peer = rig.open();
    close(&mut rig, 0);
    assert_eq!(rig.read(&mut peer), close_frame(1000, "enough"));
    rig.timed.run_to(29_999);
    send(&mut peer, FIN | CLOSE, close_frame(1000, "").payload);
    assert_eq!(rig.timed.rest(&mut peer), "");
    drop(peer);
    assert_eq!(rig.heard(), "0 close 1000 ");
    assert_eq!(rig.now(), 29_999);
}

/// From our close frame on; the peer's own begins no second wait.
#[test]
fn the_time_to_end_counts_once() {
    let mut rig = rig(0, 0, 30_000);
    let mut peer = rig.open();
    close(&mut rig, 0);
    rig.timed.run_to(20_000);
    send(&mut peer, FIN | CLOSE, close_frame(1000, "").payload);
    assert_eq!(rig.heard(), "0 close 1000 ");
    assert_eq!(rig.now(), 30_000);
}

#[test]
fn those_who_begin_to_end_later_may_have_more_time() {
    let mut rig = rig(0, 0, 30_000);
    let peers = [rig.open(), rig.open(), rig.open()];
    close(&mut rig, 0);
    let endpoint = rig.endpoint;
    endpoint.extend_close_timeout(&mut rig.timed.event_loop, Duration::from_secs(70));
    close(&mut rig, 1);
    endpoint.extend_close_timeout(&mut rig.timed.event_loop, Duration::from_millis(10)); // less changes nothing
    rig.timed.run_to(1000);
    close(&mut rig, 2);
    for (place, time) in [30_000, 70_000, 71_000].into_iter().enumerate() {
        assert_eq!(rig.heard(), format!("{place} close 1006 "));
        assert_eq!(rig.now(), time);
    }
    drop(peers);
}

/// Whoever is refused gets to read why, whatever it sends on, and has two seconds to go.
#[test]
fn who_is_refused_and_stays_is_closed() {
    let wrong = REQUEST.replace("Version: 13", "Version: 12");
    let mut rig = rig(0, 0, 30_000);
    let mut peer = rig.timed.connect("server");
    rig.timed.run_to(100);
    peer.send(&wrong);
    peer.send(vec![b'x'; 150_000]);
    let answer = rig.timed.rest(&mut peer);
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert_eq!(rig.now(), 100, "it is told at once");
    rig.timed.run_to(2099);
    peer.send("it is still there");
    rig.timed.run_to(2100);
    let sent = std::io::Write::write(&mut peer.stream, b"and now it is not");
    assert!(sent.is_err(), "{sent:?}");
}

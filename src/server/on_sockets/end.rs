//! The end of the server, asked for while there is much to hear.

use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::drafts::masked_text;
use super::*;
use crate::server::core::flood::Flood;

fn house() -> House {
    House::new(Config {
        flood: Some(Flood::Off),
        ..Config::default()
    })
}

/// Catches: an end that comes after so many turns, or so much time, though what had come before it
/// takes more.
#[test]
fn all_that_came_before_the_end_is_heard_however_many_turns_that_takes() {
    const LINES: usize = 20_000;
    let mut house = house();
    let mut talkers: Vec<Peer> = (0..3).map(|_| house.member()).collect();
    let mut reader = house.member();
    for talker in &mut talkers {
        assert_eq!(talker.send("x\n".repeat(LINES).as_bytes()), LINES * 2);
    }
    house.begin_end();
    let turns = house.until("the end", |_| {
        talkers.iter_mut().for_each(Peer::read);
        reader.hears("Goodbye")
    });
    assert_eq!(reader.heard.matches(": x\n").count(), 3 * LINES);
    assert!(turns > 64, "{turns}: it is no test");
}

/// Catches: somebody who keeps the server by talking on.
#[test]
fn who_talks_without_end_does_not_keep_the_server() {
    let mut house = house();
    let mut talkers: Vec<Peer> = (0..3).map(|_| house.member()).collect();
    let mut reader = house.member();
    let lines = "x\n".repeat(10_000);
    for talker in &mut talkers {
        talker.send(lines.as_bytes());
    }
    house.begin_end();
    let turns = house.until("the end", |_| {
        for talker in &mut talkers {
            talker.read();
            talker.heard.clear();
            let _ = talker.stream.write(lines.as_bytes());
        }
        reader.hears("Goodbye")
    });
    assert!(reader.heard.matches(": x\n").count() >= 30_000, "{turns}");
}

/// Catches: an end that does not wait for what is in frames, or in a message of many lines.
#[test]
fn what_a_browser_had_sent_before_the_end_is_heard_too() {
    for lines in [70, 1000] {
        let mut house = house();
        let mut reader = house.member();
        let mut web = house.peer(house.web);
        house.enter_by_web(&mut web);
        let message = masked_text("x\n".repeat(lines).as_bytes());
        let all = message.repeat(7000 / lines);
        assert_eq!(web.send(&all), all.len());
        house.begin_end();
        house.soon("the end", || {
            web.read();
            reader.hears("Goodbye")
        });
        assert_eq!(reader.heard.matches(": x\n").count(), 7000);
    }
}

/// Catches: an end that waits for what has been read, since it was no line: a part of a frame, or of
/// a message, or a frame that says nothing.
#[test]
fn what_says_nothing_does_not_delay_the_end() {
    let masked = [0x81, 0x80 | 50, 0, 0, 0, 0, b'x'];
    let fragment = [0x01, 0x81, 0, 0, 0, 0, b'x'];
    let pong = [0x8a, 0x80, 0, 0, 0, 0];
    for bytes in [&masked[..], &fragment, &pong] {
        let mut house = house();
        let mut reader = house.member();
        let mut web = house.peer(house.web);
        house.enter_by_web(&mut web);
        web.send(bytes);
        house.begin_end();
        let before = house.event_loop.now();
        house.soon("the end", || reader.hears("Goodbye"));
        assert_eq!(house.event_loop.now(), before);
    }
}

/// Catches: an end that waits without end for a member who does not read, so that it is not heard,
/// or tells the others only when nothing is left of the time for it.
#[test]
fn who_does_not_read_delays_the_end_by_half_of_its_time() {
    let mut house = house();
    let (mut stalled, mut reader) = (house.member(), house.member());
    let lines = "x\n".repeat(1000);
    let is_stalled = |house: &House| {
        let mut all = house.server.connections.iter();
        all.any(|connection| connection.socket.writable_need_drain(&house.event_loop))
    };
    while !is_stalled(&house) {
        reader.send(lines.as_bytes());
        house.pass();
    }
    stalled.send(lines.as_bytes());
    let before = house.event_loop.now();
    house.begin_end();
    house.until("the end", |_| reader.hears("Goodbye"));
    let half = u64::from(Config::default().shutdown_timeout) * 1000 / 2;
    assert_eq!(house.event_loop.now() - before, half);
}

/// Catches: a time for what was said before the end that goes on when the end has begun, and then
/// wakes the server for nothing.
#[test]
fn what_was_the_time_to_hear_is_forgotten_when_the_end_begins() {
    let mut house = house();
    let all = u64::from(Config::default().shutdown_timeout) * 1000;
    let _member = house.member();
    // Whatever else is done now and then is done at other times.
    let start = house.event_loop.now() + 77;
    house
        .event_loop
        .set_timeout(Duration::from_millis(77), |_, _| {});
    house.until("a time", |house| house.event_loop.now() >= start);
    house
        .event_loop
        .set_timeout(Duration::from_millis(all), |_, _| {}); // it holds the loop open
    house.begin_end();
    house.until("the end", |house| house.server.end.has_begun());
    let mut woken = Vec::new();
    house.until("its time to be over", |house| {
        woken.push(house.event_loop.now() - start);
        house.event_loop.now() >= start + all
    });
    assert!(!woken.contains(&(all / 2)), "{woken:?}");
}

/// Catches: a member who has been sent all there is, and takes it late: reset after the five seconds
/// that one has whom the server alone has ended, though the end of the server gives it more.
#[test]
fn who_reads_late_has_until_the_shutdown_timeout() {
    let mut house = House::new(Config {
        flood: Some(Flood::Off),
        shutdown_timeout: 60,
        ..Config::default()
    });
    // Its system takes little of what it is sent; that of the server has the rest.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(1).expect("the least there is");
    socket
        .connect(&house.lines.into())
        .expect("someone listens");
    let mut late = Peer {
        stream: socket.into(),
        heard: String::new(),
    };
    late.stream.set_nonblocking(true).expect("it can");
    house.until("a greeting", |_| late.hears("/help lists the commands"));
    let mut talker = house.member();
    talker.send("x\n".repeat(2000).as_bytes());
    house.begin_end();
    house.until("the end", |_| talker.hears("Goodbye"));
    let start = house.event_loop.now();
    house
        .event_loop
        .set_timeout(Duration::from_secs(59), |_, _| {}); // it holds the loop open
    house.until("late", |house| house.event_loop.now() >= start + 59_000);
    house.soon("the rest", || late.hears("Goodbye"));
    assert_eq!(late.heard.matches(": x\n").count(), 2000);
}

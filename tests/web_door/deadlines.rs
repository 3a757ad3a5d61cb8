//! What ends by itself at the web door, to the millisecond of the loop's time.

use loopchat::server::{Config, Flood, FloodLimit};

use super::client::REQUEST;
use super::rig::{Browser, Rig};
use super::*;

#[test]
fn whoever_says_nothing_for_too_long_is_disconnected() {
    let mut rig = Rig::new(|config| config.idle_timeout = 60);
    let mut browser = rig.browser();
    let mut silent = rig.browser();
    rig.0.run_for(30_000);
    browser.say("still here");
    silent.expect_line(&mut rig, |line| line.ends_with(": still here"));
    let reason = "you said nothing for 60 seconds.";
    // They are looked for once a second.
    for (browser, due) in [(silent, 60_000), (browser, 90_000)] {
        let end = browser.end(&mut rig);
        assert_eq!((end.code, &*end.reason), (1008, reason));
        assert!((due..=due + 1100).contains(&rig.now()), "{}", rig.now());
    }
}

/// A member that was disconnected, or has left, has five seconds to end the connection, however
/// long the server itself would have.
#[test]
fn the_time_to_end_is_short_however_long_that_of_the_server_is() {
    let mut rig = Rig::new(|config| config.shutdown_timeout = 3600);
    let (mut leaves, mut closes) = (rig.browser(), rig.browser());
    rig.0.run_for(2000);
    let start = rig.now();
    leaves.say("/quit");
    closes.send(CLOSE, 1000_u16.to_be_bytes());
    // Neither does what would end it: answer the close frame, or end the connection.
    rig.0.run_to(start + 4999);
    for browser in [&mut leaves, &mut closes] {
        browser.send(PING, "is still read");
    }
    rig.0.run_to(start + 5000);
    for browser in [&mut leaves, &mut closes] {
        let sent = browser.peer.stream.write(b"x");
        assert!(sent.is_err(), "{sent:?}");
    }
}

/// Whoever is turned away, has left, was not understood, or asked for something else: of what it
/// pours on behind the answer a little is read and no more, and then it is closed.
#[test]
fn who_is_not_heard_any_more_is_not_read_either() {
    type Leaves = fn(&mut Rig, &mut Browser);
    let leaves: [Leaves; 5] = [
        |_, browser| browser.say("/quit"),
        |_, browser| browser.send(CLOSE, 1000_u16.to_be_bytes()),
        |_, browser| browser.send(BINARY, "no text"),
        |_, browser| browser.peer.send(b"\x81\x05hello"),
        |rig, browser| {
            let mut operator = rig.nc();
            operator.say(&format!("/kick {}", browser.name));
            operator.expect_line(rig, |line| line.starts_with("* You kicked "));
        },
    ];
    let frames = client::frame(TEXT, &[b'x'; 60_000]);
    for (case, leave) in leaves.into_iter().enumerate() {
        let mut rig = Rig::new(|_| {});
        let mut browser = rig.browser();
        leave(&mut rig, &mut browser);
        rig.0.settle();
        let start = rig.now();
        let taken = rig.0.send_until_stuck(&mut browser.peer, &frames);
        assert!(taken < 1_000_000, "{case}: {taken} bytes were taken");
        rig.0.run_to(start + 5000);
        let sent = browser.peer.stream.write(b"x");
        assert!(sent.is_err(), "{case}: {sent:?}");
    }
    // There is no room for another: it gets its line and its close frame.
    let full = |config: &mut Config| config.max_connections = 1;
    let mut rig = Rig::new(full);
    let _nc = rig.nc();
    let visitor = rig.visitor();
    let mut refused = rig.upgrade(visitor, REQUEST);
    let taken = rig.0.send_until_stuck(&mut refused.peer, &frames);
    assert!(taken < 1_000_000, "{taken} bytes were taken");
    refused.expect_line(&mut rig, |line| line.starts_with("! Disconnected: "));
    // Neither is it read who asks for a page.
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "no request\r\n\r\n",
    ] {
        let mut visitor = rig.visitor();
        visitor.send(request);
        let taken = rig.0.send_until_stuck(&mut visitor, &[b'x'; 60_000]);
        assert!(taken < 1_000_000, "{request}: {taken} bytes were taken");
        let text = visitor.text();
        assert!(text.starts_with("HTTP/1.1 "), "{request}: {text}");
    }
}

/// The same at the line door.
#[test]
fn who_has_left_by_the_line_door_is_not_read_either() {
    let mut rig = Rig::new(|_| {});
    let mut nc = rig.nc();
    nc.say("/quit");
    rig.0.settle();
    let start = rig.now();
    let taken = rig.0.send_until_stuck(&mut nc.peer, &[b'x'; 60_000]);
    assert!(taken < 1_000_000, "{taken} bytes were taken");
    rig.0.run_to(start + 5000);
    let sent = nc.peer.stream.write(b"x");
    assert!(sent.is_err(), "{sent:?}");
}

/// Catches: what was read compared with what waits, so that of much it has to be much.
#[test]
fn who_reads_a_little_of_much_is_not_taken_for_one_who_reads_nothing() {
    const MUCH: u32 = 8 << 20;
    let mut rig = Rig::new(|config| {
        config.stall_timeout = 10;
        (config.outbox_soft, config.outbox_hard) = (2 * MUCH, 4 * MUCH);
    });
    let (mut reader, mut author) = (rig.nc(), rig.nc());
    let line = "x".repeat(4000);
    for _ in 0..MUCH / 4000 {
        author.say(&line);
        rig.0.settle();
    }
    let mut pieces = [0; 256 * 1024];
    for _ in 0..8 {
        rig.0.run_for(8000);
        let mut read = 0;
        while let Ok(count @ 1..) = reader.peer.stream.read(&mut pieces[read..]) {
            read += count;
        }
        assert!(read > 100_000, "{read}: there is more");
        rig.0.settle();
    }
    let all = rig.0.drain(&mut reader.peer);
    assert!(!all.contains("Disconnected"));
    assert!(
        all.len() > MUCH as usize / 2,
        "{}: it is no test",
        all.len()
    );
    rig.0.run_for(60_000);
    author.say("still there?");
    let line = reader.expect_line(&mut rig, |line| line.ends_with(": still there?"));
    assert!(line.starts_with(&author.name), "{line}");
}

/// A browser that is silent for half a minute is pinged, and has 20 seconds for the pong.
#[test]
fn whoever_does_not_answer_pings_has_left() {
    let mut rig = Rig::new(|_| {});
    let start = rig.now();
    let browser = rig.browser();
    let mut nc = rig.nc();
    let gone = format!("* {} left #lobby.", browser.name);
    nc.expect_line(&mut rig, |line| line == gone);
    assert_eq!(rig.now(), start + 50_000);
}

/// Both are looked at every half minute.
#[test]
fn a_request_has_20_seconds_and_a_response_half_a_minute_without_progress() {
    let mut rig = Rig::new(|_| {});
    let mut torn = rig.visitor();
    torn.send("GET / HTTP/1.1\r\nHo");
    let mut never_reads = rig.visitor();
    let request = b"GET /docs/operating.md HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let sent = rig.0.send_until_stuck(&mut never_reads, request);
    assert!(sent < 1_000_000, "{sent} bytes of requests were taken");
    assert_eq!(rig.now(), 0);
    let answer = rig.0.rest(&mut torn);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(rig.now(), 30_000);
    rig.0.run_to(60_000);
    let sent = never_reads.stream.write(b"x");
    assert_eq!(
        sent.expect_err("it is closed").kind(),
        std::io::ErrorKind::BrokenPipe
    );
}

/// Catches: somebody who is ended as silent while its own lines wait for its own limit, or for its
/// answers to be read.
#[test]
fn who_waits_to_be_heard_is_not_silent() {
    let long = "x".repeat(4000); // eight seconds each
    let pasted = format!("{long}\n{long}\n{long}\n/quit\n");
    let in_a_message = client::frame(TEXT, pasted.as_bytes());
    for is_browser in [false, true] {
        let mut rig = Rig::new(|config| {
            config.idle_timeout = 3;
            let limit = FloodLimit { rate: 1, burst: 1 };
            config.flood = Some(Flood::Limit(limit));
        });
        let mut peer = match is_browser {
            true => rig.browser().peer,
            false => rig.nc().peer,
        };
        match is_browser {
            true => peer.send(&in_a_message),
            false => peer.send(&pasted),
        }
        let (text, _) = rig.0.end(&mut peer);
        assert!(text.contains("* Bye, "), "{text}");
    }
}

//! What ends by itself at the web door, to the millisecond of the loop's time.

use super::rig::Rig;
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

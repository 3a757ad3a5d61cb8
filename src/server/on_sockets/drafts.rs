//! A log that takes its time, and connections that do not wait for it.

use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::room_log::slow::SlowLog;

/// How long anything may take before a test fails: far longer than it does, on any machine.
const DEADLINE: Duration = Duration::from_secs(120);

impl House {
    fn with_slow_log() -> (Self, SlowLog) {
        let log = SlowLog::default();
        let config = Config {
            room_linger: 0,
            ..Config::default()
        };
        (Self::with_log(config, Box::new(log.clone())), log)
    }

    /// Some turns in which nothing is waited for.
    pub(super) fn pass(&mut self) {
        for _ in 0..8 {
            self.event_loop.set_immediate(|_, _| {});
            self.turn();
        }
        self.ping.arrived();
    }

    /// Turns until something is so, none of which waits for a time: it has nothing to do with that.
    /// The kernel may have a time of its own: a window that was closed opens by a timer of TCP's.
    pub(super) fn soon(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        for turns in 0.. {
            if is_so() {
                return;
            }
            self.event_loop.set_immediate(|_, _| {});
            self.turn();
            if turns > 1000 {
                assert!(Instant::now() < deadline, "waited in vain for {what}");
                thread::sleep(Duration::from_millis(1)); // until the next look
            }
        }
    }

    pub(super) fn commit_all(&mut self, log: &SlowLog) {
        while log.len() > 0 {
            log.commit(0);
            self.pass();
        }
    }
}

#[test]
fn whoever_has_ended_gets_its_answers_when_its_lines_have_their_places() {
    let (mut house, log) = House::with_slow_log();
    let (mut ann, mut bob) = (house.member(), house.member());
    house.until("an arrival", |_| ann.hears("guest2 joined"));
    ann.send(b"one\n/who\ntwo\nlast");
    ann.stream.shutdown(Shutdown::Write).expect("it can");
    house.soon("a draft", || log.len() == 1);
    house.pass();
    assert_eq!(log.len(), 1, "what comes behind a command waits with it");
    assert!(!bob.hears("one") && !ann.hears("In #lobby"));
    log.commit(0);
    house.soon("the rest", || log.len() == 1);
    log.commit(0);
    house.soon("the last line", || log.len() == 1);
    assert!(bob.hears("guest1: one\n"));
    assert!(ann.hears("* In #lobby (2): guest1, guest2\n"));
    house.pass();
    assert!(!bob.hears("left"), "it has not left");
    log.refuse(0);
    house.until("who has left", |_| bob.hears("* guest1 left #lobby.\n"));
    assert!(
        bob.heard
            .contains("guest1: one\nguest1: two\n* guest1 left")
    );
    assert!(!bob.heard.contains("last"));
    assert!(ann.hears("! Nobody hears that, since there is no space left to keep it: last\n"));
}

/// Catches: a paste whose rest is never read when it had to wait for the log.
#[test]
fn a_paste_is_heard_in_full_however_slow_the_log_is() {
    let (mut house, log) = House::with_slow_log();
    let (mut ann, mut bob) = (house.member(), house.member());
    let mut web = house.peer(house.web);
    for (peer, name) in [(&mut ann, "line"), (&mut web, "web")] {
        if name == "web" {
            house.enter_by_web(peer);
        }
        let text: String = (0..300).map(|n| format!("{name} {n}\n")).collect();
        let bytes = match name {
            "web" => masked_text(text.as_bytes()),
            _ => text.into_bytes(),
        };
        peer.send(&bytes);
        house.soon("the first drafts", || log.len() == 64);
        house.pass();
        assert_eq!(log.len(), 64, "of one member no more are under way");
        house.commit_all(&log);
        house.soon("the last", || bob.hears(&format!("{name} 299\n")));
        let said = bob
            .heard
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(_, text)| text);
        let said: Vec<String> = said
            .filter(|text| text.starts_with(name))
            .map(str::to_owned)
            .collect();
        let all: Vec<String> = (0..300).map(|n| format!("{name} {n}")).collect();
        assert_eq!(said, all);
    }
}

/// A client's text message.
pub(super) fn masked_text(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text);
    frame
}

#[test]
fn the_server_ends_when_all_that_was_said_has_its_place() {
    let (mut house, log) = House::with_slow_log();
    let (mut ann, mut bob) = (house.member(), house.member());
    ann.send(b"one\ntwo\n");
    house.soon("drafts", || log.len() == 2);
    house.begin_end();
    house.pass();
    assert!(!house.server.end.has_begun());
    log.commit(0);
    house.pass();
    assert!(!house.server.end.has_begun() && bob.hears("guest1: one\n"));
    log.commit(0);
    house.soon("the end", || bob.hears("Goodbye"));
    assert!(
        bob.heard
            .contains("guest1: one\nguest1: two\n* The server is shutting down.")
    );
}

#[test]
fn a_log_that_has_stopped_does_not_keep_the_server() {
    let (mut house, log) = House::with_slow_log();
    let mut ann = house.member();
    ann.send(b"one\n");
    house.soon("a draft", || log.len() == 1);
    house.begin_end();
    house.pass();
    assert!(!house.server.end.has_begun());
    house.until("the end", |_| ann.hears("Goodbye"));
    assert_eq!(log.len(), 1);
}

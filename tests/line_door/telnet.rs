//! What telnet clients are answered, and that nothing of it gets among the lines.

use std::process::Command;

use super::*;
use support::has_tool;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const INTERRUPT: u8 = 244;
const TIMING_MARK: u8 = 6;

/// What has been answered to all that was sent until now.
fn answered(client: &mut Client) -> Vec<u8> {
    client.sync();
    std::mem::take(&mut client.telnet)
}

#[test]
fn every_option_is_refused_once_wherever_it_is_cut() {
    let session = [
        IAC, WILL, 1, b'a', IAC, DO, 3, IAC, DO, 3, b'b', IAC, WILL, IAC, IAC, WONT, 1, IAC, DONT,
        5, b'\n',
    ];
    let refusals = [[IAC, DONT, 1], [IAC, WONT, 3], [IAC, DONT, IAC]];
    let server = Server::start();
    let mut bob = server.join();
    for cut in 1..session.len() {
        let mut alice = server.join();
        alice.send(&session[..cut]);
        bob.sync(); // what was sent before is read by then
        alice.send(&session[cut..]);
        assert_eq!(answered(&mut alice), refusals.concat(), "cut at {cut}");
        alice.send(session);
        assert!(answered(&mut alice).is_empty(), "cut at {cut}, again");
        let said = messages(bob.sync());
        assert_eq!(said.len(), 2, "cut at {cut}: {said:?}");
        assert!(said.iter().all(|line| line.ends_with(": ab")), "{said:?}");
    }
}

/// What a telnet client sends at Ctrl-C: until the mark comes back it shows nothing.
#[test]
fn a_timing_mark_is_given_every_time() {
    let (_server, mut alice, mut bob) = two();
    for _ in 0..3 {
        alice.send([IAC, INTERRUPT, IAC, DO, TIMING_MARK]);
        assert_eq!(answered(&mut alice), [IAC, WILL, TIMING_MARK]);
    }
    bob.say("still there?");
    alice.expect(&format!("{}: still there?", bob.name));
}

/// The same as a client of the old school sends it: the end of it is marked as urgent (RFC 854,
/// "Synch"). Catches: a mark that is missing in its place, so that the next byte is taken for it.
#[test]
fn an_interrupt_with_a_synch_costs_nothing_of_what_follows() {
    const DATA_MARK: u8 = 242;
    let (_server, mut alice, mut bob) = two();
    for _ in 0..3 {
        alice.send("half ");
        alice.send([IAC, INTERRUPT]);
        alice.send_urgent(&[IAC, DATA_MARK]);
        alice.send("a line\n");
        bob.expect(&format!("{}: half a line", alice.name));
    }
}

#[test]
fn whether_anybody_is_there_is_answered_by_a_line() {
    let (_server, mut alice, _bob) = two();
    alice.send([IAC, 246]);
    alice.expect("* The server is here.");
    assert!(answered(&mut alice).is_empty());
}

/// Catches: answers that pile up for somebody who asks without end and reads nothing.
#[test]
fn asking_without_end_is_answered_so_often_as_there_are_options() {
    let (_server, mut alice, mut bob) = two();
    let all: Vec<u8> = (0..=255)
        .filter(|&option| option != TIMING_MARK)
        .flat_map(|option| [IAC, DO, option, IAC, WILL, option])
        .collect();
    for _ in 0..200 {
        alice.send(&all);
    }
    alice.send("\n");
    assert_eq!(answered(&mut alice).len(), 3 * 2 * 255);
    bob.sync();
}

/// Text messages are UTF-8: the byte 255 cannot be in them, and what looks like it is a letter.
#[test]
fn the_letter_of_that_number_is_no_command() {
    let (_server, mut alice, mut bob) = two();
    alice.say("\u{FF}\u{FD}\u{06}x");
    assert_eq!(heard(&mut alice, &mut bob), ["guest1: \u{FF}\u{FD}x"]);
    assert!(alice.telnet.is_empty());
}

/// A real telnet, on a terminal of its own: after Ctrl-C it goes on showing what is said.
#[test]
fn a_real_telnet_shows_lines_after_an_interrupt() {
    if !has_tool("telnet") || !has_tool("script") {
        return;
    }
    let server = Server::start();
    let mut bob = server.join();
    let (host, port) = server.address.rsplit_once(':').expect("an address");
    let telnet = format!("telnet {host} {port}");
    let mut command = Command::new("script");
    // `script` gives it a terminal, and passes on what is typed and shown.
    command
        .args(["-q", "-e", "-c", &telnet, "/dev/null"])
        .env("TERM", "dumb");
    let mut terminal = Client::through(&mut command);
    bob.expect_line(|line| line.contains("guest2"));
    terminal.send("hello\r");
    bob.expect("guest2: hello");
    for n in 0..3 {
        terminal.send("\x03");
        terminal.send("after it\r");
        bob.expect_line(|line| line.ends_with("after it"));
        bob.say(&format!("shown {n}"));
        let wanted = format!("guest1: shown {n}");
        terminal.expect_line(|line| line.contains(&wanted));
    }
}

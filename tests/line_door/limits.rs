//! Limits on who may come and how fast one may type.

use super::*;

#[test]
fn a_flood_arrives_whole_and_in_order_and_is_told_of() {
    const LINES: usize = 300;
    let server = Server::with(&["--flood", "1000:10"]);
    let mut alice = server.join();
    let mut bob = server.join();
    let paste: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
    alice.send(&paste);
    let said: Vec<String> = (0..LINES)
        .map(|n| format!("{}: line {n}", alice.name))
        .collect();
    assert_eq!(bob.messages(LINES), said);
    let is_told = |lines: Vec<String>| lines.iter().any(|line| line.contains("typing faster"));
    assert!(is_told(alice.sync()));
    assert!(!is_told(bob.sync()));
}

#[test]
fn a_flooder_that_has_nothing_more_to_say_is_heard_to_its_end() {
    let server = Server::with(&["--flood", "1000:1"]);
    let mut bob = server.join();
    let mut alice = server.join();
    let paste: String = (0..20).map(|n| format!("line {n}\n")).collect();
    alice.send(&paste);
    alice.half_close();
    let name = alice.name.clone();
    assert_eq!(bob.messages(20).last(), Some(&format!("{name}: line 19")));
    bob.expect_line(|line| line.contains(&format!("{name} left #lobby")));
}

#[test]
fn one_too_many_is_told_so_and_one_gets_in_when_there_is_room() {
    let server = Server::with(&["--max-connections", "2"]);
    let (mut alice, mut bob) = (server.join(), server.join());
    bob.say("here");
    alice.expect(&format!("{}: here", bob.name));
    let mut carol = Client::connect(&server.address);
    assert_eq!(
        carol.rest(),
        ["! Disconnected: the server is full, 2 are connected. Try again later."]
    );
    drop(bob);
    alice.expect_line(|line| line.contains("left #lobby"));
    let mut dave = server.join();
    dave.say("hello");
    alice.expect(&format!("{}: hello", dave.name));
}

#[test]
fn whoever_says_nothing_for_too_long_is_disconnected() {
    let server = Server::with(&["--idle-timeout", "1"]);
    let mut alice = server.join();
    assert_eq!(
        alice.rest().last().map(String::as_str),
        Some("! Disconnected: you said nothing for 1 second.")
    );
}

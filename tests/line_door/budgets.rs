//! What a connection, and all of an address, may ask for: `--flood` and `--connects`, which bind
//! this machine, too, when they are given. The rates are such that the tests would have to take
//! minutes to be let through.

use std::io::Read;
use std::net::TcpStream;

use super::*;

const TOLD: &str = "* You are typing faster than 1 line a second: your lines arrive, slowly.";

/// Says so many lines at once.
fn says(client: &mut Client, lines: usize, text: &str) {
    client.send(format!("{text}\n").repeat(lines));
}

/// A line of 4000 bytes counts as 250: what it costs takes minutes to make up for.
const DEAR: [&str; 4] = ["--flood", "1:60", "--flood-bytes", "16"];

#[test]
fn a_reconnect_does_not_fill_the_bucket() {
    let server = Server::with(&DEAR);
    let mut bob = server.join();
    let mut first = server.join();
    first.say(&"x".repeat(4000));
    assert_eq!(bob.messages(1).len(), 1);
    first.reset();
    bob.expect_line(|line| line.contains("guest2 left"));
    let mut second = server.join();
    second.say("second");
    second.expect(TOLD);
}

/// `nc -N`, again and again, with a line that has no end.
#[test]
fn nor_does_a_line_without_an_end_slip_through() {
    let server = Server::with(&DEAR);
    let mut bob = server.join();
    let mut first = server.join();
    first.say(&"x".repeat(4000));
    assert_eq!(bob.messages(1).len(), 1);
    first.half_close();
    bob.expect_line(|line| line.contains("guest2 left"));
    let mut second = server.join();
    second.send("second");
    second.half_close();
    bob.sync();
    // It is still there, and has said nothing.
    bob.say("/who");
    let who = bob.expect_line(|line| line.starts_with("* In #lobby (2): "));
    assert!(who.contains("guest3"), "{who}");
}

#[test]
fn all_connections_of_an_address_have_a_budget_together() {
    let server = Server::with(&["--flood", "1:60"]);
    let mut bob = server.join();
    let mut clients: Vec<Client> = (0..40).map(|_| server.join()).collect();
    for client in &mut clients {
        says(client, 59, "x");
    }
    // Six hundred of these 2360 lines are heard, and then ten a second.
    assert_eq!(bob.messages(500).len(), 500);
    // Who comes now waits for no more than one of them, and is not told that it types too fast.
    let mut late = server.join();
    late.say("late");
    bob.expect_line(|line| line.ends_with(": late"));
    late.say("/quit");
    let told = late.rest();
    assert!(!told.iter().any(|line| line == TOLD), "{told:?}");
}

#[test]
fn a_long_line_counts_as_several() {
    let server = Server::with(&["--flood", "1:60", "--flood-bytes", "100"]);
    let (mut alice, mut bob) = (server.join(), server.join());
    says(&mut alice, 3, &"x".repeat(2000));
    alice.expect(TOLD);
    assert_eq!(
        bob.messages(3).len(),
        3,
        "three times twenty, and nothing is lost"
    );
}

#[test]
fn telnet_commands_count() {
    let server = Server::with(&["--flood", "1:60"]);
    let mut alice = server.join();
    alice.send([255, 241].repeat(16 * 61));
    alice.expect(TOLD);
}

/// Connects until that is too often: those who got in, and what the next one reads.
fn connect_too_often(server: &Server) -> (Vec<Client>, Vec<String>) {
    let mut members = Vec::new();
    for _ in 0..1000 {
        let mut client = Client::connect(&server.address);
        let first = client.line();
        if first.starts_with("! ") {
            return (members, [vec![first], client.rest()].concat());
        }
        members.push(client);
    }
    panic!("all of them got in");
}

#[test]
fn who_connects_too_often_is_told_so() {
    let server = Server::with(&["--connects", "1:60"]);
    let (mut members, told) = connect_too_often(&server);
    assert!(members.len() >= 60);
    assert_eq!(
        told,
        ["! Disconnected: your address connects too often, at most 1 a second. Try again later."]
    );
    // Those who are here are here, and those who leave make no room.
    members[0].sync();
    drop(members);
    let (again, _) = connect_too_often(&server);
    assert!(again.len() < 60);
}

#[test]
fn many_who_connect_too_often_are_closed_without_a_word() {
    let server = Server::with(&["--connects", "1:1"]);
    let mut first = server.join();
    // They are turned away together, and some get in: these are not waited for.
    let mut all: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(&server.address).expect("it listens"))
        .collect();
    let is_silent = |stream: &mut TcpStream| {
        let mut byte = [0];
        !matches!(stream.read(&mut byte), Ok(1))
    };
    assert!(all.iter_mut().any(is_silent), "all of them were told");
    first.sync();
}

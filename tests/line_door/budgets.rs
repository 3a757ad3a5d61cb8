//! What a connection, and all of an address, may ask for: `--flood` and `--connects`, which bind this machine, too, when
//! they are given. The rates are such that the tests would have to take minutes to be let through.

use std::io::Read;
use std::net::TcpStream;

use super::*;

const TOLD: &str = "* You are typing faster than 1 line a second: your lines arrive, slowly.";

/// Says so many lines at once.
fn says(client: &mut Client, lines: usize, text: &str) {
    client.send(format!("{text}\n").repeat(lines));
}

#[test]
fn a_reconnect_does_not_fill_the_bucket() {
    let server = Server::with(&["--flood", "1:60"]);
    let mut bob = server.join();
    let mut first = server.join();
    says(&mut first, 60, "first");
    assert_eq!(bob.messages(60).len(), 60);
    first.reset();
    bob.expect_line(|line| line.contains("guest2 left"));
    let mut second = server.join();
    second.say("second");
    second.expect(TOLD);
}

/// `nc -N`, again and again, with a line that has no end.
#[test]
fn nor_does_a_line_without_an_end_slip_through() {
    let server = Server::with(&["--flood", "1:60"]);
    let mut bob = server.join();
    let mut first = server.join();
    says(&mut first, 60, "first");
    assert_eq!(bob.messages(60).len(), 60);
    first.half_close();
    bob.expect_line(|line| line.contains("guest2 left"));
    let mut second = server.join();
    second.send("second");
    second.half_close();
    bob.sync();
    // It is still there, and has said nothing.
    bob.say("/who");
    bob.expect("* In #lobby (2): guest1, guest3");
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
    let mut late = server.join();
    says(&mut late, 59, "late");
    late.expect(TOLD);
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

#[test]
fn who_connects_too_often_is_told_so() {
    let server = Server::with(&["--connects", "1:60"]);
    let mut clients: Vec<Client> = (0..60).map(|_| server.join()).collect();
    let mut refused = Client::connect(&server.address);
    assert_eq!(
        refused.rest(),
        ["! Disconnected: your address connects too often, at most 1 a second. Try again later."]
    );
    // Those who are here are here.
    clients[0].sync();
    drop(clients);
    let mut refused = Client::connect(&server.address);
    assert_eq!(refused.rest().len(), 1, "nor do those who leave make room");
}

#[test]
fn many_who_connect_too_often_are_closed_without_a_word() {
    let server = Server::with(&["--connects", "1:60"]);
    let mut first = server.join();
    let refused: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(&server.address).expect("it listens"))
        .collect();
    let is_silent = |mut stream: &TcpStream| {
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told); // a reset is an end, too
        told.is_empty()
    };
    assert!(refused.iter().any(is_silent));
    first.sync();
}

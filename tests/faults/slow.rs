//! Peers that do not read: small windows, stopped programs.

use std::process::Command;

use socket2::{Domain, SockAddr, Socket, Type};

use super::*;

/// A member whose window is as small as the system lets it be.
pub fn with_a_small_window(server: &Server) -> Client {
    let address: std::net::SocketAddr = server.address.parse().expect("an address");
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
    let socket = socket.expect("a descriptor is left");
    socket
        .set_recv_buffer_size(1)
        .expect("it is raised to the least there is");
    socket
        .connect(&SockAddr::from(address))
        .expect("the server listens");
    let mut client = Client::over(socket);
    client.read_greeting();
    client
}

/// One talks and the others listen, in step, so that no reader falls behind by itself; until
/// somebody is in the room no more. Returns what was said.
fn talk_until_it_left(name: &str, talker: &mut Client, readers: &mut [Client]) -> Vec<String> {
    let text = "x".repeat(4000);
    let mut said = Vec::new();
    while is_here(name, talker) {
        let round = said.len();
        assert!(round < 1_000_000, "4 GB wait for it");
        let lines: Vec<String> = (0..4).map(|n| format!("{round} {n} {text}")).collect();
        talker.send(lines.join("\n") + "\n");
        for line in lines {
            let line = format!("{}: {line}", talker.name);
            for reader in readers.iter_mut() {
                let (before, _) = reader.lines_until(|found| found == line);
                assert!(!before.iter().any(|line| is_message(line)), "out of order");
            }
            said.push(line);
        }
    }
    said
}

fn is_here(name: &str, member: &mut Client) -> bool {
    member.say("/who");
    let who = member.expect_line(|line| line.starts_with("* In #lobby ("));
    let (_, names) = who.split_once(": ").expect("names");
    names.split(", ").any(|found| found == name)
}

/// What a stalled member got: a beginning of what was said, and why it had to leave.
fn was_told_why(stalled: &mut Client, said: &[String]) {
    let (lines, last) = stalled.lines_until(|line| line.starts_with("! "));
    assert_eq!(last, "! Disconnected: you read nothing for 1 second.");
    stalled.half_close(); // an `nc` goes on to wait for its input
    assert_eq!(stalled.rest(), [""; 0], "it was the last line");
    let got = support::messages(lines);
    assert!(
        !got.is_empty() && said.starts_with(&got),
        "what it got has holes"
    );
}

/// Catches: a full window that holds up the others; a last line that does not fit and is lost.
#[test]
fn a_full_window_is_nobody_elses_trouble_and_is_told_why_it_left() {
    let server = Server::with(&["--stall-timeout", "1"]);
    let mut readers = all_join(&server.address, 5);
    let mut talker = server.join();
    let mut stalled = with_a_small_window(&server);
    let said = talk_until_it_left(&stalled.name, &mut talker, &mut readers);
    was_told_why(&mut stalled, &said);
}

/// Catches: stopped programs whose system still takes a while what is sent to them.
#[test]
fn a_stopped_nc_is_given_up_and_told_why_when_it_wakes() {
    if !support::has_tool("nc") {
        return;
    }
    let server = Server::with(&["--stall-timeout", "1"]);
    let mut readers = all_join(&server.address, 5);
    let mut talker = server.join();
    let (host, port) = server.address.rsplit_once(':').expect("an address");
    let mut stopped = Client::through(Command::new("nc").args([host, port]));
    stopped.read_greeting();
    let process = stopped.process.take().expect("it is a program");
    process.freeze();
    let said = talk_until_it_left(&stopped.name, &mut talker, &mut readers);
    process.thaw();
    was_told_why(&mut stopped, &said);
}

/// Catches: memory that grows with those who do not read, whoever they are.
#[test]
#[cfg(target_os = "linux")]
fn a_hundred_who_read_nothing_take_no_more_than_their_outboxes() {
    const STALLED: usize = 100;
    let server = Server::start();
    let mut readers = all_join(&server.address, 3);
    let mut talker = server.join();
    let stalled: Vec<Client> = (0..STALLED).map(|_| with_a_small_window(&server)).collect();
    let before = measure::peak_memory(&server);
    // What they share is kept once, but it is 20 MB.
    let text = "x".repeat(4000);
    for round in 0..500 {
        let lines: Vec<String> = (0..10).map(|n| format!("{round} {n} {text}")).collect();
        talker.send(lines.join("\n") + "\n");
        for reader in &mut readers {
            let heard = reader.messages(lines.len());
            let said = lines.iter().map(|line| format!("{}: {line}", talker.name));
            assert!(said.eq(heard), "round {round} is not heard as it was said");
        }
    }
    let grown = measure::peak_memory(&server) - before;
    println!("{STALLED} stalled members of 20 MB said: {grown} KiB more");
    assert!(grown < 8 * 1024, "{grown} KiB more");
    drop(stalled);
}

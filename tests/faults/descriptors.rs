//! A server with few descriptors and many clients.

use std::process::Command;

use super::*;

const LIMIT: usize = 64;
const CLIENTS: usize = 200;

/// How long the server waits at most before it tries again whether a descriptor is free.
const RETRY_MS: u64 = 250;

fn with_few_descriptors() -> Server {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {LIMIT} && exec \"$@\""), "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_loopchat"));
    shell.args(["--listen", "127.0.0.1:0"]);
    Server::listening(support::untouched(&mut shell))
}

/// Catches: those who are in, disturbed by those who are not; a loop that spins on a backlog that
/// it cannot empty; newcomers who stay out although there is room again.
#[test]
fn those_who_fit_chat_on_and_the_rest_wait_without_work() {
    let server = with_few_descriptors();
    let mut crowd = Crowd::new(&server, 10);
    // In the order in which they come they are let in, as long as there is room.
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client::connect(&server.address))
        .collect();
    server.expect_log(|line| line.contains("until a descriptor is free"));
    assert!(
        measure::descriptors(&server) >= LIMIT,
        "there is room, and nobody gets in"
    );
    let mut waiting = clients.split_off(clients.len() / 10);
    for client in &mut clients {
        client.read_greeting();
    }
    crowd.round(|| {});

    // Nothing happens, so there is nothing to do but to look a few times a second: it sleeps, and
    // not just for a moment.
    eventually("the server to sleep", || {
        match support::asleep::look(&server) {
            Err(reason) => {
                support::skip(&format!("what it sleeps in is not to be seen: {reason}"));
                Some(())
            }
            Ok(support::asleep::Asleep::Until(ms)) => (ms > RETRY_MS / 2).then_some(()),
            Ok(_) => None,
        }
    });
    crowd.round(|| {});

    // Room comes back, one by one, and all at once.
    for client in clients {
        drop(client);
        crowd.round(|| {});
    }
    waiting.reverse();
    let mut inside = Vec::new();
    while let Some(mut client) = waiting.pop() {
        client.read_greeting();
        inside.push(client);
        if inside.len() >= 10 {
            inside.remove(0); // somebody has to go
        }
    }
    crowd.round(|| {});
    drop(inside);
    crowd.alone();
    server.expect_log(|line| line.contains("connections are accepted again"));
    let complaints = server.log();
    let complaints = complaints
        .iter()
        .filter(|line| line.contains("until a descriptor is free"));
    assert!(complaints.count() <= 2, "it complains again and again");
}

/// Catches: strangers at a full server who keep the descriptors that members need.
#[test]
fn those_who_are_turned_away_hold_no_descriptor_for_long() {
    let server = Server::with(&["--max-connections", "7"]);
    let before = measure::descriptors(&server);
    let mut crowd = Crowd::new(&server, 5);
    let _seventh = server.join();
    let mut refused: Vec<Client> = (0..CLIENTS)
        .map(|_| Client::connect(&server.address))
        .collect();
    crowd.round(|| {});
    eventually("the descriptors to come back", || {
        (measure::descriptors(&server) == before + 7).then_some(())
    });
    // Each is told why, unless there were too many at once: then it is just the end.
    let reason = "! Disconnected: the server is full, 7 are connected. Try again later.";
    let told = |client: &mut Client| match &client.rest()[..] {
        [] => false,
        lines => {
            assert_eq!(lines, [reason]);
            true
        }
    };
    let told = refused
        .iter_mut()
        .filter_map(|client| told(client).then_some(()));
    assert!(told.count() >= 64);
    crowd.round(|| {});
}

//! A server that was stopped for longer than anybody may stall or be silent: whoever did what was to be
//! done meanwhile is not given up. The seconds here are what the server is stopped for: nothing waits for
//! them.

use std::thread;
use std::time::Duration;

use super::*;

/// Longer than the limits below and what the server takes for a delay.
const STOPPED: Duration = Duration::from_millis(3500);

/// Catches: those who have read everything while the server could not see it.
#[test]
fn a_reader_is_not_given_up_for_the_servers_own_pause() {
    let server = Server::with(&["--stall-timeout", "2"]);
    let mut talker = server.join();
    for n in 0..20 {
        talker.say(&format!("{n} {}", "x".repeat(4000)));
    }
    talker.sync();
    let mut readers = (0..5).map(|_| server.join()).collect::<Vec<Client>>();
    for reader in &mut readers {
        (0..8).for_each(|_| reader.say("/history 20"));
    }
    eventually("answers to wait", || {
        let waits = orphans::connections(&server);
        let waits = waits.iter().filter(|entry| entry.tx_queue > 60_000);
        (waits.count() == readers.len()).then_some(())
    });
    talker.sync();
    server.freeze();
    // They read what their systems have, now: the server is to see that there is room again.
    readers.iter_mut().for_each(Client::take_what_came);
    thread::sleep(STOPPED);
    server.thaw();
    for reader in &mut readers {
        reader.sync();
    }
}

/// Catches: those who have said something while the server could not hear it.
#[test]
fn a_speaker_is_not_given_up_for_the_servers_own_pause() {
    let server = Server::with(&["--idle-timeout", "2"]);
    let mut members = all_join(&server.address, 5);
    for member in &mut members {
        member.say("hello");
    }
    server.freeze();
    thread::sleep(STOPPED);
    members[0].say("I am here");
    server.thaw();
    for member in &mut members {
        member.sync();
    }
}

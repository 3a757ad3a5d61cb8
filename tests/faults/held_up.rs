//! A server that was stopped for longer than anybody may stall or be silent: whoever did what was
//! to be done meanwhile is not given up.

use std::panic::{catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// How much longer than the limit the server is stopped, so that it is a delay for certain.
const MORE: Duration = Duration::from_millis(1500);

/// Tries with a limit of so many seconds. If that failed, and this machine took longer for
/// everything else than the limit allows, it proves nothing: then again with twice the time.
fn with_limit(attempt: fn(u32)) {
    for seconds in [2, 4, 8, 16, 32] {
        let start = Instant::now();
        let Err(panic) = catch_unwind(|| attempt(seconds)) else {
            return;
        };
        let limit = Duration::from_secs(seconds.into());
        if start.elapsed() < 2 * limit + MORE {
            resume_unwind(panic);
        }
        println!("{seconds} s are too few here");
    }
    panic!("this machine is too slow for a limit of 32 s");
}

/// Stops the server for longer than the limit; the seconds are what is tested, and nothing waits
/// for them.
fn hold_up(server: &Server, limit: u32, meanwhile: impl FnOnce()) {
    server.freeze();
    meanwhile();
    thread::sleep(Duration::from_secs(limit.into()) + MORE);
    server.thaw();
}

/// Catches: those who have read everything while the server could not see it.
#[test]
fn a_reader_is_not_given_up_for_the_servers_own_pause() {
    with_limit(|limit| {
        let server = Server::with(&["--stall-timeout", &limit.to_string()]);
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
        // They read what their systems have, now: the server is to see that there is room again.
        hold_up(&server, limit, || {
            readers.iter_mut().for_each(Client::take_what_came);
        });
        for reader in &mut readers {
            reader.sync();
        }
    });
}

/// Catches: those who have said something while the server could not hear it.
#[test]
fn a_speaker_is_not_given_up_for_the_servers_own_pause() {
    with_limit(|limit| {
        let server = Server::with(&["--idle-timeout", &limit.to_string()]);
        let mut members = all_join(&server.address, 5);
        for member in &mut members {
            member.say("hello");
        }
        hold_up(&server, limit, || members[0].say("I am here"));
        for member in &mut members {
            member.sync();
        }
    });
}

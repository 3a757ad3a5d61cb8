//! An idle server sleeps: no timer of its own wakes it, no descriptor makes it spin.
//!
//! That nothing happens for a while would prove little, and take that while. What is looked at is
//! what each thread of the server waits in, and for how long it would: without a timeout nothing
//! but an event can end it. What an event costs is counted.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, kill_process};
use support::asleep::{self, Asleep, threads};
use support::{Client, Server, Signal, eventually, has_tool, raise_limit, skip};

/// Everything that grows when a process does anything: time on the processor and switches to and
/// from it, of all its threads.
fn activity(server: &Server) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for thread in threads(server) {
        let of_task = |name: &str| format!("{name} of {thread}");
        let stat = fs::read_to_string(format!("{thread}/stat")).unwrap();
        let (_, stat) = stat.rsplit_once(") ").unwrap();
        // The name and the number before it are the fields 1 and 2; `utime` and `stime` are 14 and
        // 15.
        for (name, ticks) in ["utime", "stime"].iter().zip(stat.split(' ').skip(11)) {
            found.push((of_task(name), ticks.parse().unwrap()));
        }
        let status = fs::read_to_string(format!("{thread}/status")).unwrap();
        for line in status.lines().filter(|line| line.contains("ctxt_switches")) {
            let (name, count) = line.split_once(':').unwrap();
            found.push((of_task(name), count.trim().parse().unwrap()));
        }
    }
    found
}

/// Waits until the server would sleep for ever, and returns what it has done by then. Joins are
/// announced with a delay, so that comes a moment after the last one. None if it cannot be seen
/// here.
fn at_rest(server: &Server) -> Option<Vec<(String, u64)>> {
    eventually("the server to rest", || {
        let before = activity(server);
        match asleep::look(server) {
            Err(reason) => {
                skip(&format!(
                    "what a process sleeps in is not to be seen: {reason}"
                ));
                Some(None)
            }
            // It slept all the time between the two looks.
            Ok(Asleep::Endlessly) if activity(server) == before => Some(Some(before)),
            Ok(_) => None,
        }
    })
}

fn server_with(size: usize) -> (Server, Vec<Client>) {
    raise_limit();
    let server = Server::start();
    let mut members: Vec<Client> = (0..size)
        .map(|_| Client::connect(&server.address))
        .collect();
    members.iter_mut().for_each(Client::read_greeting);
    (server, members)
}

#[test]
fn three_hundred_quiet_members_do_not_wake_the_server() {
    let (server, mut members) = server_with(300);
    let Some(before) = at_rest(&server) else {
        return;
    };
    // The measure is one: a single line is seen by it. Then it rests again: nothing is left armed
    // by a line, a change of room, a half-closed member or one that is gone.
    members[0].sync();
    assert_ne!(activity(&server), before);
    members[1].say("/join tea");
    members[1].sync();
    members[2].half_close();
    members[2].rest();
    members.pop().expect("a member").reset();
    // Nor by a line without an end, that is kept.
    members[5].send("half a line");
    members[3].say("hello");
    let heard = format!("{}: hello", members[3].name);
    members[4].expect(&heard);
    at_rest(&server).expect("it was seen a moment ago");
}

/// `strace -c` on a process.
struct Strace {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Strace {
    /// Returns when it is attached, or why it cannot be.
    fn attach(pid: Pid) -> Result<Self, String> {
        let mut child = Command::new("strace")
            .args(["-c", "-f", "-p", &pid.as_raw_nonzero().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace was found");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("strace says something");
        let strace = Self { child, stderr };
        if line.contains(" attached") {
            Ok(strace)
        } else {
            Err(line.trim_end().to_owned())
        }
    }

    /// Ends it. How many system calls it has seen, and its table of them.
    fn detach(mut self) -> (u64, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("strace is there");
        let mut table = String::new();
        self.stderr.read_to_string(&mut table).expect("a table");
        // % time, seconds, usecs/call, calls, perhaps errors, "total"
        let total = table.lines().find(|line| line.ends_with(" total"));
        let calls = total.and_then(|line| line.split_whitespace().nth(3));
        let calls = calls.map_or(0, |calls| calls.parse().expect("a number of calls"));
        (calls, table)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Catches: work for each member in every turn; a turn more than an event needs; a spin between
/// two.
#[test]
fn what_an_event_costs_does_not_grow_with_a_thousand_quiet_members() {
    /// A line is read, answered, and waited for; and the poll may say more than once that it came.
    const CALLS_FOR_A_LINE: u64 = 8;
    const LINES: u64 = 50;
    if !has_tool("strace") {
        return;
    }
    let (server, mut members) = server_with(1000);
    let Some(_) = at_rest(&server) else {
        return;
    };
    let strace = match Strace::attach(server.pid()) {
        Ok(strace) => strace,
        Err(reason) => {
            skip(&format!("strace may not trace here: {reason}"));
            return;
        }
    };
    for _ in 0..LINES {
        members[0].sync();
    }
    let (calls, table) = strace.detach();
    assert!(calls >= LINES, "it was not seen at work:\n{table}");
    assert!(
        calls <= LINES * CALLS_FOR_A_LINE,
        "{calls} system calls for {LINES} lines:\n{table}"
    );
    at_rest(&server).expect("it was seen a moment ago");
}

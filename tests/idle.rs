//! An idle server sleeps: no timer of its own wakes it, no descriptor makes it spin.
//!
//! The seconds in here wait for nothing. They are the time during which nothing may happen.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, kill_process};
use support::{Client, Server, Signal, has_tool, raise_limit, skip};

/// A server with so many members, and nothing more to say to any of them.
fn quiet_server(size: usize) -> (Server, Vec<Client>) {
    raise_limit();
    let server = Server::start();
    let members: Vec<Client> = (0..size).map(|_| server.join()).collect();
    // Joins are announced with a delay of at most a second, and the timer for it runs even if there
    // are too many members to tell. After a longer time without anything, nothing is left to be done.
    let mut last = activity(&server);
    support::eventually("the server to rest", || {
        thread::sleep(Duration::from_millis(1200));
        let now = activity(&server);
        let rests = now == last;
        last = now;
        rests.then_some(())
    });
    (server, members)
}

/// Everything that grows when a process does anything: time on the processor and switches to and from
/// it, of all its threads.
fn activity(server: &Server) -> Vec<(String, u64)> {
    let pid = server.pid().as_raw_nonzero();
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let task = task.unwrap().path();
        let of_task = |name: &str| format!("{name} of {}", task.display());
        let stat = fs::read_to_string(task.join("stat")).unwrap();
        let (_, stat) = stat.rsplit_once(") ").unwrap();
        // The name and the number before it are the fields 1 and 2; `utime` and `stime` are 14 and 15.
        for (name, ticks) in ["utime", "stime"].iter().zip(stat.split(' ').skip(11)) {
            found.push((of_task(name), ticks.parse().unwrap()));
        }
        let status = fs::read_to_string(task.join("status")).unwrap();
        for line in status.lines().filter(|line| line.contains("ctxt_switches")) {
            let (name, count) = line.split_once(':').unwrap();
            found.push((of_task(name), count.trim().parse().unwrap()));
        }
    }
    found
}

#[test]
fn three_hundred_quiet_members_do_not_wake_the_server() {
    let (server, mut members) = quiet_server(300);
    let before = activity(&server);
    assert_eq!(before.len(), 4, "one thread: {before:?}");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(activity(&server), before);
    // The measure is one: a single line is seen by it.
    members[0].sync();
    assert_ne!(activity(&server), before);
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
        if line.ends_with("attached\n") {
            Ok(strace)
        } else {
            Err(line.trim_end().to_owned())
        }
    }

    /// Ends it. Its table of system calls, empty if there was none.
    fn detach(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("strace is there");
        let mut table = String::new();
        self.stderr.read_to_string(&mut table).expect("a table");
        let lines: Vec<&str> = table
            .lines()
            .filter(|line| !line.ends_with("detached"))
            .collect();
        lines.join("\n")
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_thousand_quiet_members_cost_no_system_call() {
    if !has_tool("strace") {
        return;
    }
    let (server, mut members) = quiet_server(1000);
    let strace = match Strace::attach(server.pid()) {
        Ok(strace) => strace,
        Err(reason) => {
            skip(&format!("strace may not trace here: {reason}"));
            return;
        }
    };
    thread::sleep(Duration::from_secs(10));
    assert_eq!(strace.detach(), "");
    // It would have seen some: those that read a line, before it was answered.
    let strace = Strace::attach(server.pid()).expect("it could be a moment ago");
    members[0].sync();
    assert_ne!(strace.detach(), "");
}

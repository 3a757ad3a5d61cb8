//! Peers that vanish without a word are given up in time, whether or not something is on its way
//! to them.
//!
//! That takes two minutes of the system's, so what is looked at is what the system was told: the
//! options of the very sockets that the programs have, through copies of their descriptors.
#![cfg(target_os = "linux")]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;
use support::{Client, Server, skip, untouched};

/// Copies of a process's TCP sockets that are connected; `None` where that is not allowed.
fn connections(pid: Pid) -> Option<Vec<Socket>> {
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).ok()? {
        let name = entry.ok()?.file_name();
        let number = name.to_str()?.parse().ok()?;
        let copy: OwnedFd = match pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) {
            Ok(copy) => copy,
            Err(rustix::io::Errno::BADF) => continue, // closed meanwhile
            Err(_) => return None,
        };
        let socket = Socket::from(copy);
        let peer = socket.peer_addr();
        if peer.is_ok_and(|address| address.is_ipv4() || address.is_ipv6()) {
            found.push(socket);
        }
    }
    Some(found)
}

/// All of a process's connections give a peer up after so long a silence, and after 130 seconds at
/// most without an answer to what was sent.
fn check(pid: Pid, silence: Duration) {
    let Some(sockets) = connections(pid) else {
        skip("another process's descriptors may not be copied");
        return;
    };
    assert!(!sockets.is_empty(), "it is connected");
    for socket in sockets {
        assert!(socket.keepalive().expect("a TCP socket"));
        assert_eq!(socket.tcp_keepalive_time().expect("a TCP socket"), silence);
        let unanswered = socket.tcp_user_timeout().expect("a TCP socket");
        assert_eq!(unanswered, Some(Duration::from_secs(130)));
    }
}

/// Catches: keep-alive alone. It probes only who is silent in both directions, and a line that is
/// on its way to a dead peer is repeated for a quarter of an hour.
#[test]
fn what_a_vanished_peer_does_not_answer_is_given_up_in_time_by_both_ends() {
    let server = Server::with(&["--stall-timeout", "30"]);
    let mut member = server.join();
    // Beside the binary of this test's own folder.
    let test = std::env::current_exe().expect("a path");
    let built = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = built.join("examples/chat_client");
    let mut client = Client::through(untouched(&mut Command::new(program)).arg(&server.address));
    // It prints what it gets, and so has set up its end.
    client.expect_line(|line| line.contains("Welcome"));
    member.expect_line(|line| line.contains("guest2"));
    check(server.pid(), Duration::from_secs(120));
    let process = client.process.as_ref().expect("a program");
    check(process.pid(), Duration::from_secs(30));
}

//! Signals of a terminal that is closed.

use std::process::Command;

use rustix::process::{Pid, kill_process};

use crate::support::{Folder, Server, Signal, has_tool, untouched};
use crate::{can_chat, ends_well};

/// Whoever runs the tests may have them ignore the signal, and programs inherit that.
const DEFAULT: &str = "--default-signal=HUP";

/// The server in a terminal of its own, which is there as long as the process is.
fn in_a_terminal() -> Server {
    let binary = env!("CARGO_BIN_EXE_loopchat");
    let inside = format!("exec env {DEFAULT} '{binary}' --listen 127.0.0.1:0 2>&3");
    let script = format!("exec 3>&2; exec script -qfc \"{inside}\" /dev/null");
    let mut shell = Command::new("sh");
    untouched(shell.args(["-c", &script])).env("LOOPCHAT_WEB", "off");
    Server::listening(&mut shell)
}

#[test]
fn a_terminal_that_is_closed_is_an_orderly_end() {
    if !has_tool("script") {
        return;
    }
    let mut server = in_a_terminal();
    let (mut alice, bob) = can_chat(&server.address);
    server.signal(Signal::KILL);
    alice.expect("* The server is shutting down. Goodbye.");
    drop((alice, bob));
    server.ended();
    server.expect_log(|line| line.contains("SIGHUP: shutting down"));
}

#[test]
fn as_long_as_the_terminal_is_there_the_signal_is_no_end() {
    if !has_tool("script") {
        return;
    }
    let server = in_a_terminal();
    let script = server.pid().as_raw_nonzero();
    let children = server.proc(&format!("task/{script}/children"));
    let inside = children.trim().parse().ok().and_then(Pid::from_raw);
    let inside = inside.expect("one child");
    kill_process(inside, Signal::HUP).expect("it is there");
    server.expect_log(|line| line.contains("there is no certificate to be read again"));
    can_chat(&server.address);
}

#[test]
fn without_a_terminal_the_signal_is_no_end() {
    if !has_tool("setsid") {
        return;
    }
    let mut command = Command::new("setsid");
    command.args(["env", DEFAULT, env!("CARGO_BIN_EXE_loopchat")]);
    untouched(&mut command).env("LOOPCHAT_WEB", "off");
    let mut server = Server::listening(command.args(["--listen", "127.0.0.1:0"]));
    server.signal(Signal::HUP);
    server.expect_log(|line| line.contains("there is no certificate to be read again"));
    can_chat(&server.address);
    ends_well(&mut server);
}

#[test]
fn nohup_outlives_the_terminal() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "trap '' HUP; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_loopchat"),
    ]);
    untouched(&mut shell).env("LOOPCHAT_WEB", "off");
    let mut server = Server::listening(shell.args(["--listen", &path]));
    server.signal(Signal::HUP);
    can_chat(&path);
    ends_well(&mut server);
    server.ended();
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("SIGHUP")), "{log:#?}");
}

//! Signals of a terminal that is closed.

use std::process::Command;

use crate::support::{Folder, Server, Signal, untouched};
use crate::{can_chat, ends_well};

#[test]
fn a_terminal_that_is_closed_is_an_orderly_end() {
    // Whoever runs the tests may have them ignore the signal, and programs inherit that.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_loopchat")]);
    untouched(&mut command).env("LOOPCHAT_WEB", "off");
    let mut server = Server::listening(command.args(["--listen", "127.0.0.1:0"]));
    let (mut alice, _bob) = can_chat(&server.address);
    server.signal(Signal::HUP);
    alice.expect("* The server is shutting down. Goodbye.");
    drop((alice, _bob));
    assert_eq!(server.ended().code(), Some(0));
    let log = server.log();
    assert!(
        log.iter()
            .any(|line| line.contains("SIGHUP: shutting down")),
        "{log:#?}"
    );
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

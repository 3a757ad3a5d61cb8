//! A standard error that takes nothing does not stop anybody.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use rustix::io::ioctl_fionbio;

use crate::support::{Client, DEADLINE, Folder, Process, Server, eventually, loopchat};
use crate::{can_chat, ends_well};

/// A pipe in which no byte has room.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    ioctl_fionbio(&writer, true).expect("pipes can be nonblocking");
    for bytes in [&[b'\n'; 4096][..], b"\n"] {
        loop {
            match writer.write(bytes) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    ioctl_fionbio(&writer, false).expect("and blocking again");
    (reader, writer)
}

/// A server that logs all it can to `stderr`.
fn talkative(path: &str, stderr: impl Into<Stdio>) -> Process {
    let mut command = loopchat();
    command
        .args(["--listen", path])
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    let server = Process::spawn(&mut command);
    eventually("the server", || UnixStream::connect(path).ok());
    server
}

/// More lines of log than may wait: some two hundred bytes for each who comes and goes, at the
/// least.
fn log_much(path: &str) {
    for _ in 0..6000 {
        drop(UnixStream::connect(path).expect("the server accepts"));
    }
    // Whoever came before has been accepted.
    Client::join(path).sync();
}

#[test]
fn nobody_waits_for_a_log_that_nobody_reads() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let (reader, writer) = full_pipe();
    let mut server = talkative(&path, writer);
    can_chat(&path);
    log_much(&path);
    can_chat(&path);
    ends_well(&mut server);
    drop(reader); // it was open, and never read
}

#[test]
fn what_was_dropped_is_counted_when_the_log_is_read_again() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let (reader, writer) = full_pipe();
    let mut server = talkative(&path, writer);
    log_much(&path);
    let (read, log) = channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(reader).lines() {
            let _ = read.send(line.expect("the log is text"));
        }
    });
    let mut before = Vec::new();
    loop {
        let line = log.recv_timeout(DEADLINE).expect("it is said");
        if line.starts_with("loopchat: ") && line.contains(" lines were dropped here") {
            break;
        }
        before.push(line);
    }
    // Nothing waits any more: what comes now has room.
    can_chat(&path);
    ends_well(&mut server);
    reader.join().expect("no panic");
    let after: Vec<String> = log.iter().collect();
    let held = |lines: &[String], what: &str| lines.iter().any(|line| line.contains(what));
    assert!(held(&before, "listening on"), "what came before is there");
    assert!(
        held(&after, "SIGTERM: shutting down"),
        "and what came after"
    );
}

#[test]
fn a_full_disk_and_a_reader_that_is_gone_stop_the_log_alone() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let full = || OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full() {
        let mut server = talkative(&path, full);
        can_chat(&path);
        ends_well(&mut server);
    }
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut server = talkative(&path, writer);
    can_chat(&path);
    ends_well(&mut server);
}

#[test]
fn the_log_is_whole_at_the_end() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let file = File::create(folder.path("log")).expect("a file");
    let mut server = talkative(&path, file);
    can_chat(&path);
    ends_well(&mut server);
    let log = std::fs::read_to_string(folder.path("log")).expect("text");
    assert!(log.contains("listening on") && log.ends_with('\n'), "{log}");
    assert!(
        log.contains("SIGTERM: shutting down") && !log.contains("dropped"),
        "{log}"
    );
}

#[test]
fn a_server_that_cannot_start_ends_although_nobody_reads_why() {
    for stderr in [Stdio::from(full_pipe().1), dev_full()] {
        let (mut command, status) = (loopchat(), 1);
        command.args(["--listen", "/nowhere/at/all"]).stderr(stderr);
        let mut server = Process::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()));
        assert_eq!(server.wait().code(), Some(status));
    }
}

/// It is said, once, and what is logged is what is logged without it.
#[test]
fn a_filter_that_makes_no_sense_is_the_default_one() {
    let warnings = |value: &str| {
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut command = loopchat();
        let command = command.env("RUST_LOG", value).args(["--listen", &path]);
        let mut server = Server::listening(command);
        ends_well(&mut server);
        let log = server.log();
        let is_about_it = |line: &&String| line.contains("WARN") && line.contains("RUST_LOG");
        assert!(
            log.iter().all(|line| line.starts_with('[')),
            "{value}: {log:#?}"
        );
        log.iter().filter(is_about_it).count()
    };
    for value in [
        "notalevel===",
        "loopchat=loud",
        "loopchat=debug,notalevel===",
        "verbose",
        "information",
        "hyper=debug,tokio",
        ",",
        "info/(",
        "info/a/b",
    ] {
        assert_eq!(warnings(value), 1, "{value}");
    }
    for value in [
        "info",
        "INFO",
        "debug,mio=off",
        "loopchat",
        "loopchat::server=info",
        "hyper=debug,info",
        "info/listening",
    ] {
        assert_eq!(warnings(value), 0, "{value}");
    }
}

fn dev_full() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.map_or_else(|_| Stdio::null(), Stdio::from)
}

#[test]
fn a_closed_standard_error_is_no_harm() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 2>&-", "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_loopchat"));
    let command = crate::support::untouched(&mut shell);
    command.env("LOOPCHAT_WEB", "off").args(["--listen", &path]);
    let mut server = Process::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()));
    eventually("the server", || UnixStream::connect(&path).ok());
    can_chat(&path);
    ends_well(&mut server);
}

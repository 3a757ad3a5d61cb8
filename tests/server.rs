//! Starting, listening and ending: what whoever runs the server sees of it.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use support::{
    Client, DEADLINE, Folder, Server, Signal, loopchat, messages, raise_limit, replayed, run,
    untouched,
};

/// A server on a free port and on a path.
fn on_both_doors(path: &str) -> Server {
    Server::with(&["--listen", path])
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// The one line with which a server gives up that cannot listen.
fn refusal(flags: &[&str]) -> String {
    let mut server = Server::spawn(loopchat().args(flags));
    let status = server.ended();
    let log = server.log();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    let [line] = &log[..] else {
        panic!("not one line: {log:#?}")
    };
    line.clone()
}

// --- listening

#[test]
fn all_doors_lead_to_one_chat() {
    let folder = Folder::new();
    let (one, two) = (folder.text("one.sock"), folder.text("two.sock"));
    let server = Server::with(&["--listen", &one, "--listen", &two]);
    let mut members = [&server.address, &one, &two].map(|address| Client::join(address));
    for author in 0..members.len() {
        let line = format!("I am {author}");
        members[author].say(&line);
        let heard = format!("{}: {line}", members[author].name);
        for (reader, member) in members.iter_mut().enumerate() {
            if reader != author {
                member.expect(&heard);
            }
        }
    }
}

#[test]
fn every_address_is_logged_as_it_really_is() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", "[::1]:0", "--listen", &path]);
    let ipv6 = server.expect_log(|line| line.contains("listening on [::1]:"));
    server.expect_log(|line| line.ends_with(&format!("listening on {path}")));
    let (_, ipv6) = ipv6.rsplit_once("listening on ").unwrap();
    for address in [&server.address, ipv6, &path] {
        assert!(!address.ends_with(":0"), "{address}");
        Client::join(address);
    }
}

#[test]
fn a_host_name_is_looked_up() {
    let server = Server::listening(loopchat().args(["--listen", "localhost:0"]));
    server.join();
}

#[test]
fn variables_are_flags_that_were_not_given() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::listening(
        loopchat()
            .env("LOOPCHAT_LISTEN", format!("127.0.0.1:0,{path}"))
            .env("LOOPCHAT_MAX_LINE", "20")
            .env("LOOPCHAT_HISTORY", "2"),
    );
    let mut alice = server.join();
    let mut bob = Client::join(&path);
    for line in ["one", "two", "three"] {
        alice.say(line);
    }
    alice.say("four, and a bit more.");
    alice.expect("! That line was not sent: it is longer than 20 bytes.");
    bob.say("/history 9");
    bob.expect("* The last 2 messages of #lobby:");
    let said = bob.messages(2);
    let said: Vec<&str> = said.iter().map(|line| replayed(line)).collect();
    assert_eq!(said, ["guest1: two", "guest1: three"]);
}

#[test]
fn a_flag_wins_over_its_variable() {
    let folder = Folder::new();
    let (flag, variable) = (folder.text("flag.sock"), folder.text("variable.sock"));
    let server = Server::listening(
        loopchat()
            .env("LOOPCHAT_LISTEN", &variable)
            .env("LOOPCHAT_MAX_LINE", "16")
            .env("LOOPCHAT_HISTORY", "1")
            .env("LOOPCHAT_SHUTDOWN_TIMEOUT", "not even a number")
            .args(["--listen", &flag, "--max-line", "20", "--history", "2"])
            .args(["--shutdown-timeout", "1"]),
    );
    assert_eq!(server.address, flag);
    assert!(!Path::new(&variable).exists());
    let mut alice = server.join();
    alice.say("eighteen bytes, no");
    alice.say("one");
    alice.say("/history");
    alice.expect("* The last 2 messages of #lobby:");
}

#[test]
fn a_value_that_makes_no_sense_is_refused_by_the_name_of_its_flag() {
    for (variable, flag) in [
        ("LOOPCHAT_MAX_LINE", "--max-line"),
        ("LOOPCHAT_HISTORY", "--history"),
        ("LOOPCHAT_SHUTDOWN_TIMEOUT", "--shutdown-timeout"),
    ] {
        for by_variable in [true, false] {
            let mut command = loopchat();
            match by_variable {
                true => command.env(variable, "many"),
                false => command.args([flag, "many"]),
            };
            let output = run(&mut command);
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{told}");
            let first = told.lines().next().unwrap_or_default();
            assert!(first.contains(flag) && first.contains("many"), "{told}");
        }
    }
}

#[test]
fn help_lists_every_flag_with_its_variable() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopchat"));
    untouched(&mut command).env_remove("LOOPCHAT_STORE");
    let help = run(command.arg("--help"));
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    // An entry begins with its flag in an indented line of its own; `-h, --help` ends the last one.
    let (list, _) = help.split_once("-h, --help").unwrap();
    let mut flags = Vec::new();
    for entry in list.split("\n      --").skip(1) {
        // As long as it may be, an entry is one text.
        let entry = entry.split_whitespace().collect::<Vec<_>>().join(" ");
        let flag = entry.split_whitespace().next().unwrap();
        let variable = format!("LOOPCHAT_{}", flag.to_uppercase().replace('-', "_"));
        assert!(entry.contains(&format!("[env: {variable}=]")), "{entry}");
        flags.push(flag.to_owned());
    }
    for flag in [
        "listen",
        "max-line",
        "flood",
        "outbox-hard",
        "shutdown-timeout",
    ] {
        assert!(flags.iter().any(|found| found == flag), "{flags:?}");
    }
    assert!(help.contains("RUST_LOG"));
}

#[test]
fn help_speaks_to_who_runs_it() {
    let first_line = |flag| {
        let help = run(loopchat().arg(flag));
        let help = String::from_utf8(help.stdout).unwrap();
        help.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        first_line("-h"),
        "A chat server on a Node-style event loop."
    );
    assert_eq!(
        first_line("--help"),
        "A chat server on a Node-style event loop."
    );
}

#[test]
fn the_log_can_be_silenced() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::spawn(
        loopchat()
            .env("RUST_LOG", "error")
            .args(["--listen", &path]),
    );
    // It says nothing, so that it can be reached is what there is to wait for.
    support::eventually("the server", || UnixStream::connect(&path).ok());
    Client::join(&path);
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    assert_eq!(server.log(), [""; 0]);
}

// --- what cannot be listened on

#[test]
fn a_port_in_use_is_one_line_and_nothing_half_started() {
    let folder = Folder::new();
    let (first, last) = (folder.text("first.sock"), folder.text("last.sock"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let line = refusal(&["--listen", &first, "--listen", &port, "--listen", &last]);
    assert!(
        line.starts_with(&format!("loopchat: --listen {port}: ")) && line.contains("in use"),
        "{line}"
    );
    for path in [first, last] {
        assert!(!Path::new(&path).exists(), "{path} is left behind");
    }
}

#[test]
fn what_is_no_address_is_one_line_and_nothing_half_started() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    for bad in [
        "70000",
        "",
        "127.0.0.1",
        "127.0.0.1:99999",
        "host.invalid:1",
        "192.0.2.1:1",
    ] {
        let line = refusal(&["--listen", &path, "--listen", bad]);
        assert!(
            line.starts_with(&format!("loopchat: --listen {bad}: ")),
            "{line}"
        );
        assert!(!Path::new(&path).exists(), "{bad}");
    }
}

#[test]
fn a_path_that_cannot_be_made_is_one_line() {
    let folder = Folder::new();
    let file = folder.text("file");
    fs::write(&file, "").unwrap();
    for bad in [
        folder.text("nowhere/chat.sock"),
        folder.text("file/chat.sock"),
        folder.text(&"too-long".repeat(20)),
    ] {
        let line = refusal(&["--listen", &bad]);
        assert!(
            line.starts_with(&format!("loopchat: --listen {bad}: ")),
            "{line}"
        );
    }
}

#[test]
fn a_live_socket_is_not_taken_over() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::listening(loopchat().args(["--listen", &path]));
    let line = refusal(&["--listen", &path]);
    assert_eq!(
        line,
        format!("loopchat: --listen {path}: another server is listening there")
    );
    server.join();
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = Folder::new();
    let (file, inside) = (folder.text("notes.txt"), folder.path("folder"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&inside).unwrap();
    for path in [&file, inside.to_str().unwrap()] {
        let line = refusal(&["--listen", path]);
        assert!(
            line.starts_with(&format!("loopchat: --listen {path}: "))
                && line.contains("not a socket"),
            "{line}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(inside.is_dir());
}

// --- socket files

#[test]
fn the_socket_of_a_killed_server_is_replaced() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut first = Server::listening(loopchat().args(["--listen", &path]));
    first.signal(Signal::KILL);
    first.ended();
    assert!(is_socket(Path::new(&path)), "there is nothing to replace");
    let second = Server::listening(loopchat().args(["--listen", &path]));
    second.join();
}

#[test]
fn the_socket_file_goes_with_the_server() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut server = on_both_doors(&path);
        let mut alice = Client::join(&path);
        assert!(is_socket(Path::new(&path)));
        server.signal(signal);
        alice.rest();
        drop(alice);
        assert_eq!(server.ended().code(), Some(0), "{signal:?}");
        assert!(!Path::new(&path).exists(), "{signal:?}");
    }
}

#[test]
fn a_socket_file_that_someone_else_put_there_stays() {
    let folder = Folder::new();
    let path = folder.path("chat.sock");
    let mut server = on_both_doors(path.to_str().unwrap());
    let _theirs = UnixListener::bind(folder.path("theirs.sock")).unwrap();
    fs::rename(folder.path("theirs.sock"), &path).unwrap();
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    assert!(is_socket(&path), "it was not ours to remove");
}

// --- the end

#[test]
fn everyone_is_told_of_the_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut server = on_both_doors(&path);
        let mut members = [server.join(), server.join(), Client::join(&path)];
        members[2].say("/join tea");
        members[2].sync();
        server.signal(signal);
        for member in &mut members {
            let last = member.rest().pop();
            assert_eq!(
                last.as_deref(),
                Some("* The server is shutting down. Goodbye.")
            );
        }
        drop(members);
        assert_eq!(server.ended().code(), Some(0));
        assert!(
            !server
                .log()
                .iter()
                .any(|line| line.contains("WARN") || line.contains("ERROR")),
            "{:#?}",
            server.log()
        );
    }
}

#[test]
fn a_service_manager_hears_when_it_serves_and_when_it_ends() {
    let folder = Folder::new();
    let path = folder.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager
        .set_read_timeout(Some(DEADLINE))
        .expect("a deadline");
    let heard = || {
        let mut datagram = [0; 64];
        let length = support::uninterrupted(|| manager.recv(&mut datagram)).expect("a datagram");
        String::from_utf8_lossy(&datagram[..length])
            .trim()
            .to_owned()
    };
    let mut server = Server::listening(
        loopchat()
            .args(["--listen", "127.0.0.1:0"])
            .env("NOTIFY_SOCKET", &path),
    );
    assert_eq!(heard(), "READY=1");
    server.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn nobody_is_let_in_after_the_signal() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path, "--shutdown-timeout", "3600"]);
    // It has yet to end its side, so the server is there a while longer.
    let mut alice = server.join();
    server.signal(Signal::TERM);
    alice.rest();
    let refused = std::net::TcpStream::connect(&server.address).map(drop);
    assert_eq!(
        refused.expect_err("the port is closed").kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    assert!(!Path::new(&path).exists(), "the path is free again");
}

/// What [`stall`] leaves in the way of a member: less than the server queues for it before it
/// leaves messages out ([`ROOM`]), and more than a Unix socket's buffer in the kernel.
const BACKLOG: usize = 250 * 1024;

/// Has the server leave nothing out before a member has as much waiting as it may have.
const ROOM: [&str; 2] = ["--outbox-soft", "262144"];

/// A member of the server at `path` that has not read [`BACKLOG`] bytes of messages yet, and what
/// these are.
fn stall(path: &str) -> (Client, Vec<String>) {
    let stalled = Client::join(path);
    let mut talker = Client::join(path);
    let text = "x".repeat(4000);
    let mut said = Vec::new();
    let mut bytes = 0;
    while bytes + 5000 < BACKLOG {
        let line = format!("{} {text}", said.len());
        talker.say(&line);
        said.push(format!("{}: {line}", talker.name));
        bytes += said.last().unwrap().len() + 1;
    }
    talker.say("/quit");
    talker.rest();
    (stalled, said)
}

#[test]
fn what_is_queued_at_the_end_is_flushed() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::listening(loopchat().args(["--listen", &path]).args(ROOM));
    let (mut late, said) = stall(&path);
    server.signal(Signal::TERM);
    server.expect_log(|line| line.contains("shutting down"));
    let lines = late.rest();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("* The server is shutting down. Goodbye.")
    );
    assert!(messages(lines) == said, "something is missing");
    drop(late);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_late_reader_has_until_the_shutdown_timeout() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::listening(
        loopchat()
            .args(["--listen", &path, "--shutdown-timeout", "3600"])
            .args(ROOM),
    );
    let (mut late, said) = stall(&path);
    server.signal(Signal::TERM);
    server.expect_log(|line| line.contains("shutting down"));
    // Nothing else is due before the hour that the reader has, so it may be as late as that.
    #[cfg(target_os = "linux")]
    support::eventually("the server to wait", || {
        match support::asleep::look(&server) {
            Err(reason) => {
                support::skip(&format!("what it sleeps in is not to be seen: {reason}"));
                Some(())
            }
            Ok(support::asleep::Asleep::Until(ms)) => {
                (ms > 3_000_000 && ms <= 3_600_000).then_some(())
            }
            Ok(_) => None,
        }
    });
    let lines = late.rest();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("* The server is shutting down. Goodbye."),
        "after {} of {} messages",
        messages(lines.clone()).len(),
        said.len()
    );
    assert!(messages(lines) == said, "something is missing");
    drop(late);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_stalled_reader_does_not_hold_up_the_end() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::listening(
        loopchat()
            .args(["--listen", &path, "--shutdown-timeout", "1"])
            .args(ROOM),
    );
    let (stalled, _) = stall(&path);
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    let log = server.log();
    assert!(
        log.iter().any(|line| line.contains("last lines")),
        "whoever ended it is not told: {log:#?}"
    );
    drop(stalled);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second) in [
        (Signal::TERM, Signal::TERM),
        (Signal::INT, Signal::INT),
        (Signal::INT, Signal::TERM),
    ] {
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut server =
            Server::listening(loopchat().args(["--listen", &path, "--shutdown-timeout", "3600"]));
        let (stalled, _) = stall(&path);
        let mut witness = server.join();
        server.signal(first);
        server.expect_log(|line| line.contains("shutting down"));
        // The log line comes before the first signal is done with, the goodbye after it.
        witness.expect("* The server is shutting down. Goodbye.");
        server.signal(second);
        assert_eq!(server.ended().signal(), Some(second.as_raw()));
        assert!(!Path::new(&path).exists(), "the file went with the first");
        drop(stalled);
    }
}

// --- limits of the system

#[cfg(target_os = "linux")]
#[test]
fn the_soft_limit_of_descriptors_is_raised() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -S -n 64 && exec \"$@\"", "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_loopchat"));
    shell.args(["--listen", "127.0.0.1:0"]);
    let server = Server::listening(untouched(&mut shell));
    let limits = server.proc("limits");
    let of_files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap();
    let [soft, hard, ..] = of_files.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{of_files}")
    };
    assert_eq!(soft, hard);
    assert_ne!(soft, "64", "the hard limit is no higher");
    // And they can be used.
    let members: Vec<Client> = (0..100).map(|_| server.join()).collect();
    assert_eq!(members.len(), 100);
}

#[cfg(target_os = "linux")]
#[test]
fn a_burst_of_arrivals_waits_in_the_backlog() {
    raise_limit();
    let most: usize = fs::read_to_string("/proc/sys/net/core/somaxconn")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let burst = most.min(1000);
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = on_both_doors(&path);
    for address in [&server.address, &path] {
        // A server that accepts nobody: what connects now is in the backlog.
        server.freeze();
        let mut waiting: Vec<Client> = (0..burst).map(|_| Client::connect(address)).collect();
        server.thaw();
        for client in &mut waiting {
            client.read_greeting();
        }
    }
}

//! Socket activation: the service manager has bound, the server accepts.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use crate::support::{Folder, Server, untouched};
use crate::{can_chat, ends_well};

/// The server with two descriptors passed as systemd passes them, from 3 on; a shell moves them
/// there.
fn activated(first: OwnedFd, second: OwnedFd, names: &str, flags: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    let script = "exec 3<&0 4<&1 </dev/null >/dev/null; export LISTEN_PID=$$; exec \"$@\"";
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_loopchat")]);
    untouched(&mut shell).args(flags);
    shell.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
    shell.stdin(Stdio::from(first)).stdout(Stdio::from(second));
    shell
}

#[test]
fn passed_sockets_are_the_doors() {
    let folder = Folder::new();
    let path = folder.path("chat.sock");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ipc = UnixListener::bind(&path).expect("a path");
    let address = tcp.local_addr().expect("bound").to_string();
    let (first, second) = (
        tcp.try_clone().expect("a copy"),
        ipc.try_clone().expect("a copy"),
    );
    // Whoever comes before the server runs waits for it.
    let _early = TcpStream::connect(&address).expect("the backlog has room");
    let mut command = activated(first.into(), second.into(), "", &["--web", "off"]);
    let mut server = Server::with_streams(&mut command);
    server.expect_log(|line| line.ends_with(&format!("listening on {}", path.display())));
    let log = server.log();
    let count = log
        .iter()
        .filter(|line| line.contains("listening on"))
        .count();
    assert_eq!(count, 2, "the default is not bound besides: {log:#?}");
    let (mut alice, _bob) = can_chat(&address);
    let mut carol = crate::support::Client::join(path.to_str().expect("text"));
    carol.say("here, too");
    alice.expect(&format!("{}: here, too", carol.name));
    ends_well(&mut server);
    // They stay the manager's.
    TcpStream::connect(&address).expect("it listens on");
    UnixStream::connect(&path).expect("the file was not removed");
}

#[test]
fn the_one_called_web_is_the_web_door_and_flags_are_bound_besides() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let bound = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (line, web) = (bound(), bound());
    let at = |listener: &TcpListener| listener.local_addr().expect("bound").to_string();
    let (line_at, web_at) = (at(&line), at(&web));
    let mut command = activated(web.into(), line.into(), "web:chat", &["--listen", &path]);
    let server = Server::with_streams(&mut command);
    server.expect_log(|line| line.ends_with(&format!("http://{web_at}/")));
    server.expect_log(|line| line.ends_with(&format!("listening on {path}")));
    can_chat(&line_at);
    can_chat(&path);
}

#[test]
fn two_may_be_for_browsers_and_a_flag_adds_a_third() {
    let bound = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (first, second) = (bound(), bound());
    let at = |listener: &TcpListener| listener.local_addr().expect("bound");
    let web = [at(&first), at(&second)];
    let flags = ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"];
    let mut command = activated(first.into(), second.into(), "web:web", &flags);
    let server = Server::with_streams(&mut command);
    let said = "the chat in a browser: http://";
    let is_third = |line: &&String| {
        let address = line.rsplit_once(said).map(|(_, address)| address);
        address.is_some_and(|address| web.iter().all(|at| address != format!("{at}/")))
    };
    server.expect_log(|line| line.contains("listening on "));
    let lines = || server.log().iter().find(is_third).cloned();
    let third = crate::support::eventually("the third", lines);
    let (_, third) = third.rsplit_once(said).expect("an address");
    let third = third.trim_end_matches('/').parse().expect("an address");
    for address in [web[0], web[1], third] {
        let mut browser = std::net::TcpStream::connect(address).expect("it listens");
        let asked = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        std::io::Write::write_all(&mut browser, asked.as_bytes()).expect("sent");
        let answer = std::io::read_to_string(browser).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[test]
fn what_is_no_listener_is_refused_in_one_line() {
    let bound = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (stream, _other) = UnixStream::pair().expect("a pair");
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    for (second, names, said) in [
        (OwnedFd::from(stream), "a:b", "does not listen"),
        (OwnedFd::from(reader), "a:b", "neither TCP nor"),
    ] {
        let mut server = Server::with_streams(&mut activated(bound().into(), second, names, &[]));
        assert_eq!(server.ended().code(), Some(1), "{said}");
        let log = server.log();
        let error = log
            .iter()
            .find(|line| line.starts_with("loopchat: LISTEN_FDS: socket 2"));
        assert!(error.is_some_and(|line| line.contains(said)), "{log:#?}");
    }
    let mut command = activated(bound().into(), bound().into(), "web:web", &["--web", "off"]);
    let mut server = Server::with_streams(&mut command);
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut command = crate::support::loopchat();
    command.args(["--listen", &path]);
    command.env("LISTEN_FDS", "3").env("LISTEN_PID", "1");
    Server::listening(&mut command);
}

//! What systemd is told, and what is done if it cannot be.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;

use crate::support::{DEADLINE, Folder, Server, Signal, loopchat, uninterrupted};
use crate::{can_chat, ends_well};

fn heard(manager: &UnixDatagram) -> String {
    manager
        .set_read_timeout(Some(DEADLINE))
        .expect("sockets have timeouts");
    let mut datagram = [0; 256];
    let length = uninterrupted(|| manager.recv(&mut datagram)).expect("a datagram");
    String::from_utf8_lossy(&datagram[..length])
        .trim()
        .to_owned()
}

fn on_a_free_port() -> process::Command {
    let mut command = loopchat();
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

#[test]
fn an_abstract_socket_is_told() {
    let name = format!("loopchat-test-{}", process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = UnixDatagram::bind_addr(&address).expect("a socket");
    let mut server = Server::listening(on_a_free_port().env("NOTIFY_SOCKET", format!("@{name}")));
    assert_eq!(heard(&manager), "READY=1");
    ends_well(&mut server);
    assert_eq!(heard(&manager), "STOPPING=1");
}

#[test]
fn a_socket_that_is_full_stops_nobody_and_is_told_when_it_has_room() {
    let folder = Folder::new();
    let path = folder.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let filler = UnixDatagram::unbound().expect("a socket");
    filler.set_nonblocking(true).expect("sockets can be");
    let mut filled = 0;
    loop {
        match filler.send_to(b"X=1", &path) {
            Ok(_) => filled += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    let server = Server::listening(on_a_free_port().env("NOTIFY_SOCKET", &path));
    can_chat(&server.address);
    for _ in 0..filled {
        assert_eq!(heard(&manager), "X=1");
    }
    assert_eq!(heard(&manager), "READY=1");
    server.signal(Signal::TERM);
    assert_eq!(heard(&manager), "STOPPING=1");
}

#[test]
fn what_cannot_be_told_is_a_warning() {
    let folder = Folder::new();
    let nobody = folder.text("nobody.sock");
    for socket in [
        "vsock:2:1234",
        "vsock-stream:2:1234",
        "nonsense",
        "@",
        &nobody,
        &"/x".repeat(100),
    ] {
        let mut server = Server::listening(on_a_free_port().env("NOTIFY_SOCKET", socket));
        can_chat(&server.address);
        ends_well(&mut server);
        server.ended();
        let log = server.log();
        let warned = |line: &String| {
            line.contains("WARN") && line.contains("service manager")
                || line.contains("NOTIFY_SOCKET")
        };
        assert!(log.iter().any(warned), "{socket}: {log:#?}");
    }
}

#[test]
fn the_watchdog_hears_that_the_loop_turns_and_when_it_does_not() {
    let folder = Folder::new();
    let path = folder.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let mut command = on_a_free_port();
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "2000");
    let mut server = Server::listening(&mut command);
    assert_eq!(heard(&manager), "READY=1");
    for _ in 0..3 {
        assert_eq!(heard(&manager), "WATCHDOG=1");
    }
    // While it stands still nothing comes, beyond what was sent before.
    server.freeze();
    manager.set_nonblocking(true).expect("sockets can be");
    while manager.recv(&mut [0; 256]).is_ok() {}
    let silent = manager.recv(&mut [0; 256]).map_err(|error| error.kind());
    assert_eq!(silent, Err(ErrorKind::WouldBlock));
    manager.set_nonblocking(false).expect("sockets can be");
    server.thaw();
    assert_eq!(heard(&manager), "WATCHDOG=1");
    // The queue may be full: as long as there is anybody to wait for, it is told again.
    let member = server.join();
    server.signal(Signal::TERM);
    while heard(&manager) != "STOPPING=1" {}
    drop(member);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn the_watchdog_of_another_process_hears_nothing() {
    let folder = Folder::new();
    let path = folder.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let mut command = on_a_free_port();
    command.env("NOTIFY_SOCKET", &path);
    command
        .env("WATCHDOG_USEC", "1000")
        .env("WATCHDOG_PID", "1");
    let server = Server::listening(&mut command);
    assert_eq!(heard(&manager), "READY=1");
    can_chat(&server.address);
    server.signal(Signal::TERM);
    assert_eq!(heard(&manager), "STOPPING=1");
}

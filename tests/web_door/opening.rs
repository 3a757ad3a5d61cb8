//! Where the door is, and when there is none.

use std::net::{TcpListener, TcpStream};

use super::*;
use crate::support::{Folder, loopchat, run};

#[test]
fn the_default_address_may_be_taken() {
    // By this test, or by whoever has it already.
    let _held = TcpListener::bind("127.0.0.1:8080");
    let server = Server::listening(
        loopchat()
            .env_remove("LOOPCHAT_WEB")
            .args(["--listen", "127.0.0.1:0"]),
    );
    let mut nc = server.join();
    nc.sync();
    let warnings = server.log();
    let warnings: Vec<_> = warnings
        .iter()
        .filter(|line| line.contains("WARN"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("EADDRINUSE") && warnings[0].contains("--web"));
}

#[test]
fn an_address_that_was_given_has_to_be_free() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = held.local_addr().expect("it is bound").to_string();
    let output = run(loopchat().args(["--listen", "127.0.0.1:0", "--web", &taken]));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains(&format!("--web {taken}: ")) && said.contains("EADDRINUSE"),
        "{said}"
    );
    let output = run(loopchat().args(["--web", "off", "--web-origin", "chat.example"]));
    assert_eq!(output.status.code(), Some(2), "that is no origin");
}

#[test]
fn off_is_off() {
    let server = Server::with(&["--web", "off"]);
    server.join().sync();
    assert!(server.log().iter().all(|line| !line.contains("browser")));
}

#[test]
fn a_proxy_may_come_through_a_socket_file_and_is_no_operator() {
    use std::io::{Read, Write};
    let folder = Folder::new();
    let path = folder.text("web.sock");
    let _server = Server::with(&["--web", &path]);
    let mut proxy = support::eventually("the door", || {
        std::os::unix::net::UnixStream::connect(&path).ok()
    });
    proxy
        .write_all(client::REQUEST.as_bytes())
        .expect("it is read");
    proxy
        .write_all(&client::frame(TEXT, b"/shutdown"))
        .expect("it is read");
    let mut heard = Vec::new();
    while !heard.ends_with(b"operators only.\n") {
        let mut buffer = [0; 4096];
        let count = support::uninterrupted(|| proxy.read(&mut buffer)).expect("more comes");
        assert!(count > 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&buffer[..count]);
    }
}

#[test]
fn whoever_only_looks_does_not_hold_up_the_end() {
    let (mut server, web) = start(&["--shutdown-timeout", "3600"]);
    let silent = TcpStream::connect(web).expect("it listens");
    let mut visitor = client::Client::connect(web);
    visitor.send_raw("GET /docs/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(visitor.read_head().starts_with("HTTP/1.1 200 "));
    server.signal(support::Signal::TERM);
    assert!(server.ended().success());
    drop(silent);
}

#[test]
fn whoever_was_turned_away_does_not_hold_up_the_end() {
    let (mut server, web) = start(&["--max-connections", "1", "--shutdown-timeout", "3600"]);
    let member = server.join();
    let mut slow = client::Client::connect(web);
    slow.send_raw("GET / HTTP/1.1\r\nHo");
    assert_eq!(pages::get(web, "/", "").status, 503);
    drop(member);
    server.signal(support::Signal::TERM);
    assert!(server.ended().success());
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("in time")), "{log:?}");
}

/// Catches: what was meant for another port, or for a person, taken for something else than a bad
/// request.
#[test]
fn who_speaks_no_http_is_told_so_and_is_heard_by_nobody() {
    let (server, web) = start(&[]);
    let mut nc = server.join();
    for sent in [
        &b"hello there\n"[..],
        b"\n\n/nick boss\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03 a TLS greeting",
        b"\x80\x2E\x01\x00\x02 one of SSL 2",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 3000\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C\xC0\x00\x02\x07\x7F\x00\x00\x01\x12\x67\x0B\xB8",
        b"\xFF\xFD\x03\xFF\xFB\x18hello\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = client::Client::connect(web);
        client.send_raw(sent);
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 400 "), "{sent:?}: {head}");
    }
    assert_eq!(nc.sync(), [""; 0]);
}

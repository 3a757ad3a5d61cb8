//! The resident memory of connections that have said something and keep quiet since.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::HttpEcho;
use super::support::{raise_limit, uninterrupted};

const CONNECTIONS: usize = 1000;

const REQUEST: &str = "POST /some/path HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: a test\r\n\
    Accept: */*\r\nContent-Length: 5\r\n\r\nhello";

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: localhost:3000\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A connection on which something was sent and answered.
fn connect(server: &HttpEcho) -> TcpStream {
    let stream = TcpStream::connect(server.address).expect("it listens");
    let deadline = Some(Duration::from_secs(120));
    stream.set_read_timeout(deadline).expect("a deadline");
    stream
}

fn exchange(stream: &mut TcpStream, bytes: &[u8], end: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("it can be sent");
    let mut answer = Vec::new();
    while !answer.ends_with(end) {
        let mut some = [0; 4096];
        let count = uninterrupted(|| stream.read(&mut some)).expect("it answers");
        assert_ne!(count, 0, "ended after {}", answer.escape_ascii());
        answer.extend_from_slice(&some[..count]);
    }
    answer
}

/// The memory of the process that is its own, in bytes.
fn memory(server: &HttpEcho) -> usize {
    let status = format!("/proc/{}/status", server.process.id());
    let status = std::fs::read_to_string(status).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: usize = kib.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// Bytes for each of many connections, all of them open.
fn each(open: fn(&HttpEcho) -> TcpStream) -> usize {
    raise_limit();
    let server = HttpEcho::start();
    // The buffers that all of them share are there after the first.
    let first: Vec<_> = (0..20).map(|_| open(&server)).collect();
    let before = memory(&server);
    let many: Vec<_> = (0..CONNECTIONS).map(|_| open(&server)).collect();
    let each = (memory(&server) - before) / many.len();
    for stream in &many {
        let ended = stream
            .set_nonblocking(true)
            .and_then(|()| stream.peek(&mut [0]));
        let open = ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert!(open, "a connection was closed before it was measured");
    }
    drop(first);
    assert!(each > 100, "{each} bytes: the measure is none");
    each
}

#[test]
fn an_idle_keep_alive_connection_takes_less_than_a_kilobyte() {
    let each = each(|server| {
        let mut stream = connect(server);
        let answer = exchange(&mut stream, REQUEST.as_bytes(), b"\r\n\r\nhello");
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("Connection: keep-alive\r\n"), "{text}");
        stream
    });
    assert!(each < 1024, "{each} bytes");
}

#[test]
fn an_idle_web_socket_takes_less_than_two_kilobytes() {
    let each = each(|server| {
        let mut stream = connect(server);
        exchange(&mut stream, UPGRADE.as_bytes(), b"\r\n\r\n");
        let masked = [b"\x81\x85\0\0\0\0", &b"hello"[..]].concat();
        exchange(&mut stream, &masked, b"\x81\x05hello");
        stream
    });
    assert!(each < 2048, "{each} bytes");
}

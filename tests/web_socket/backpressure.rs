//! Who reads slowly costs the server no more than a bounded amount of memory.

use loopchat::http::web_socket::Options;

use super::*;

#[test]
fn drain_comes_when_all_is_sent() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    client.send(FIN | TEXT, "/flood 64");
    server.heard();
    let buffered = server.heard();
    let buffered: usize = buffered
        .strip_prefix("buffered ")
        .and_then(|bytes| bytes.parse().ok())
        .expect("a number");
    assert!(buffered > 1024 * 1024, "{buffered}");
    for _ in 0..64 {
        assert_eq!(client.read().payload.len(), 1024 * 1024);
    }
    assert_eq!(server.heard(), "0 drain");
}

#[test]
fn a_paused_one_hears_nothing_until_it_is_resumed() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let mut other = Client::open(server.address);
    let frames: Vec<Vec<u8>> = ["/pause", "first", "second"]
        .iter()
        .map(|text| client::frame(FIN | TEXT, text.as_bytes()))
        .collect();
    client.send_raw(frames.concat());
    assert_eq!(server.heard(), "0 text /pause");
    // The other's are served meanwhile.
    other.send(FIN | TEXT, "between");
    assert_eq!(other.read(), text("between"));
    assert_eq!(server.heard(), "1 text between");
    other.send(FIN | TEXT, "/resume 0");
    assert_eq!(client.read(), text("first"));
    assert_eq!(client.read(), text("second"));
}

/// Sends the same bytes again and again until the server reads no more; how many it took.
fn send_until_full(client: &mut Client, bytes: &[u8]) -> usize {
    use std::io::{ErrorKind, Write};
    let mut taken = 0;
    // The kernel's buffers are full, and stay so: the server does not read. A server that reads takes
    // gigabytes in this time.
    let wait = Some(std::time::Duration::from_secs(1));
    client.stream.set_write_timeout(wait).expect("it can");
    while taken < 1024 * 1024 * 1024 {
        match client.stream.write(&bytes[taken % bytes.len()..]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return taken,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the server reads on and on");
}

#[test]
fn pings_are_not_read_while_their_pongs_wait() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let ping = client::frame(FIN | PING, &[b'p'; 125]);
    let pings = ping.repeat(500);
    let taken = send_until_full(&mut client, &pings);
    // It goes on where it was when they are read.
    client.stream.set_write_timeout(None).expect("it can");
    let rest = &pings[taken % ping.len()..ping.len()];
    let mut sender = client.stream.try_clone().expect("a descriptor is left");
    let rest = [rest, &client::frame(FIN | TEXT, b"done")].concat();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &rest));
    for _ in 0..taken.div_ceil(ping.len()) {
        assert_eq!(client.read(), pong(&[b'p'; 125]));
    }
    assert_eq!(client.read(), text("done"));
    writing.join().expect("no panic").expect("it was read");
}

#[test]
fn an_echo_that_is_not_read_stops_the_reading() {
    let server = Echo::with(Options {
        max_message: 16 * 1024 * 1024,
        ..Options::default()
    });
    let mut client = Client::open(server.address);
    let messages = client::frame(FIN | BINARY, &[b'b'; 60_000]).repeat(10);
    send_until_full(&mut client, &messages);
}

#[test]
fn one_that_floods_does_not_hold_up_the_others() {
    let server = Echo::start();
    let mut flooding = Client::open(server.address);
    let mut other = Client::open(server.address);
    let empty = client::frame(FIN | PONG, b"").repeat(200_000);
    let mut sender = flooding.stream.try_clone().expect("a descriptor is left");
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &empty));
    for _ in 0..10 {
        other.send(FIN | TEXT, "still there?");
        assert_eq!(other.read(), text("still there?"));
    }
    writing.join().expect("no panic").expect("it was read");
    flooding.send(FIN | TEXT, "done");
    assert_eq!(flooding.read(), text("done"));
}

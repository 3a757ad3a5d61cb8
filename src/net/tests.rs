//! Sockets and servers in a loop inside the test, with peers of plain `std` in the same thread.

mod layers;
mod system;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use socket2::SockRef;
use tempfile::TempDir;

use super::stream::Stream;
use super::*;

type Said = Vec<String>;
type Loop = EventLoop<Said>;

/// A loop that does not sleep for ever if a test waits for what does not come.
fn event_loop() -> Loop {
    let mut event_loop = Loop::new().expect("a poll");
    let limit = event_loop.set_timeout(Duration::from_secs(60), |_: &mut Said, _| {
        panic!("the test hangs")
    });
    event_loop.set_timer_ref(limit, false);
    event_loop
}

/// A server with an address of its own.
fn listening(event_loop: &mut Loop) -> (Server, SocketAddr) {
    let server = create_server(event_loop);
    let any: Address = "127.0.0.1:0".parse().expect("an address");
    server.listen(event_loop, any);
    let Some(Address::Tcp(address)) = server.address(event_loop) else {
        panic!("it listens");
    };
    (server, address)
}

/// A server on a socket file, which is there as long as its folder is kept.
fn listening_on_a_path(event_loop: &mut Loop) -> (Server, TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("server");
    let server = create_server(event_loop);
    server.listen(event_loop, Address::from(path.as_path()));
    (server, directory, path)
}

/// An address that refuses connections as long as what comes with it is kept.
fn refusing() -> (SocketAddr, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound").as_socket();
    (address.expect("it is TCP"), socket)
}

fn note_all(cx: &mut Context<Said>, socket: Socket) {
    socket.on_event(cx, |said: &mut Said, _, _, event| match event {
        Event::Data(bytes) => said.push(format!("data {}", bytes.escape_ascii())),
        Event::Error(error) => said.push(format!("error {}", error.code())),
        event if event.name().starts_with("connectionAttempt") => {}
        event => said.push(event.name().into()),
    });
}

/// Turns until it is so, none of which sleeps.
fn turn_until(event_loop: &mut Loop, said: &mut Said, so: impl Fn(&Loop, &Said) -> bool) {
    while !so(event_loop, said) {
        event_loop.set_immediate(|_, _| {});
        event_loop.turn(said).expect("the poll works");
    }
}

fn tcp(cx: &Context<Said>, socket: Socket) -> SockRef<'_> {
    match &cx.connection(socket.0).expect("it is open").stream {
        Stream::Tcp(stream) => SockRef::from(stream),
        _ => panic!("it is TCP"),
    }
}

// --- connecting -----------------------------------------------------------------------------

/// Catches: a second connection on top of one that is under way, that stands, or whose close is
/// still to be told.
#[test]
fn connecting_anew_does_nothing_before_the_close_was_told() {
    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    let (elsewhere, _kept) = refusing();
    let client = Socket::new(&mut event_loop);
    note_all(&mut event_loop, client);
    client.connect(&mut event_loop, address);
    client.connect(&mut event_loop, elsewhere); // not even the tick of the first has come
    client.on_connect(&mut event_loop, move |_, cx, client| {
        client.connect(cx, elsewhere);
        assert_eq!(client.remote_address(cx), Some(address.into()));
        cx.set_immediate(move |_, cx| {
            client.connect(cx, elsewhere);
            assert!(!client.connecting(cx));
            client.destroy(cx);
            client.connect(cx, elsewhere);
            assert!(!client.connecting(cx) && client.destroyed(cx));
            server.close(cx);
        });
    });
    let mut said = Said::new();
    event_loop.run(&mut said).expect("the poll works");
    assert_eq!(said, ["connect", "ready", "close"]);
}

/// Catches: taking an event that decides nothing for the outcome, as systems other than Linux bring
/// it.
#[test]
fn an_event_before_anything_is_decided_is_no_outcome() {
    let mut event_loop = event_loop();
    // Who comes to a full backlog waits, and nothing says so.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let listener = listener.expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    listener.bind(&any.into()).expect("a free port");
    listener.listen(0).expect("it listens");
    let address = listener.local_addr().expect("it is bound").as_socket();
    let address = address.expect("it is TCP");
    let mut said = Said::new();
    event_loop.set_immediate(move |_, cx: &mut Context<Said>| {
        let clients: Vec<_> = (0..8).map(|_| create_connection(cx, address)).collect();
        cx.extensions_mut().insert(clients);
    });
    turn_until(&mut event_loop, &mut said, |cx, _| {
        let clients = cx.extensions().get::<Vec<Socket>>();
        clients.is_some_and(|own| own.iter().any(|client| !client.connecting(cx)))
    });
    let clients = event_loop.extensions_mut().remove::<Vec<Socket>>();
    let clients = *clients.expect("they were made");
    let waits = *clients.last().expect("there are some");
    note_all(&mut event_loop, waits);
    assert!(waits.connecting(&event_loop), "nobody accepts it");
    connect::ready(&mut said, &mut event_loop, waits.0);
    assert!(waits.connecting(&event_loop) && !waits.destroyed(&event_loop));
    for client in clients {
        client.destroy(&mut event_loop);
    }
    event_loop.run(&mut said).expect("the poll works");
    assert_eq!(said, ["close"]);
}

#[test]
fn what_waited_for_a_connection_that_never_stood_counts_as_written() {
    let mut event_loop = event_loop();
    let (address, _kept) = refusing();
    let client = create_connection(&mut event_loop, address);
    client.write_then(&mut event_loop, b"hello", |said: &mut Said, _, error| {
        said.push(format!("write {}", error.expect("it cannot be").code()));
    });
    client.on_close(&mut event_loop, |said: &mut Said, cx, client, _| {
        said.push(format!("close {}", client.bytes_written(cx)));
    });
    let mut said = Said::new();
    event_loop.run(&mut said).expect("the poll works");
    said.sort();
    let told = ["close 5", "write ERR_SOCKET_CLOSED_BEFORE_CONNECTION"];
    assert_eq!(said, told);
}

// --- reading --------------------------------------------------------------------------------

/// Catches: kept bytes that go with the reset that comes behind them.
#[test]
fn what_a_paused_socket_keeps_is_handed_out_after_a_reset() {
    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    let mut peer = TcpStream::connect(address).expect("it listens");
    server.on_connection(&mut event_loop, |_, cx, socket| {
        note_all(cx, socket);
        socket.pause(cx);
        cx.extensions_mut().insert(socket);
    });
    let mut said = Said::new();
    peer.write_all(b"hello").expect("there is room");
    let kept = |cx: &Loop| {
        cx.extensions()
            .get::<Socket>()
            .map(|own| own.readable_length(cx))
    };
    turn_until(&mut event_loop, &mut said, |cx, _| kept(cx) == Some(5));
    let linger = SockRef::from(&peer).set_linger(Some(Duration::ZERO));
    linger.expect("a reset can be asked for");
    drop(peer);
    turn_until(&mut event_loop, &mut said, |_, said| !said.is_empty());
    assert_eq!(
        (kept(&event_loop), said.join(" ")),
        (Some(5), "error ECONNRESET".into())
    );
    let socket = *event_loop.extensions().get::<Socket>().expect("one came");
    socket.resume(&mut event_loop);
    server.close(&mut event_loop);
    event_loop.run(&mut said).expect("the poll works");
    assert_eq!(said, ["error ECONNRESET", "data hello", "close"]);
}

/// Catches: a paused socket that reads on when it holds exactly its high-water mark.
#[test]
fn a_paused_socket_is_read_up_to_its_high_water_mark() {
    let mut event_loop = event_loop();
    let (server, _directory, path) = listening_on_a_path(&mut event_loop);
    server.on_connection(&mut event_loop, |_, cx, socket| {
        socket.pause(cx);
        cx.extensions_mut().insert(socket);
    });
    // A Unix socket delivers within the write.
    let mut peer = UnixStream::connect(&path).expect("it listens");
    let mut said = Said::new();
    let read = |cx: &Loop| {
        cx.extensions()
            .get::<Socket>()
            .map_or(0, |own| own.bytes_read(cx))
    };
    let mark = options::HIGH_WATER_MARK;
    for (sent, is_read) in [(mark - 1, mark - 1), (1, mark), (1, mark)] {
        peer.write_all(&vec![b'x'; sent as usize])
            .expect("there is room");
        for _ in 0..4 {
            event_loop.set_immediate(|_, _| {});
            event_loop.turn(&mut said).expect("the poll works");
        }
        assert_eq!(read(&event_loop), u64::from(is_read));
    }
}

/// Catches: an end that overtakes the last bytes, when those were given back after it was known.
#[test]
fn bytes_given_back_at_the_end_come_before_it() {
    let mut event_loop = event_loop();
    let (server, _directory, path) = listening_on_a_path(&mut event_loop);
    server.on_connection(&mut event_loop, |_, cx, socket| {
        note_all(cx, socket);
        socket.pause(cx);
        cx.extensions_mut().insert(socket);
    });
    let mut peer = UnixStream::connect(&path).expect("it listens");
    peer.write_all(b"ab").expect("there is room");
    peer.shutdown(std::net::Shutdown::Write).expect("it can");
    let mut said = Said::new();
    for _ in 0..6 {
        event_loop.set_immediate(|_, _| {});
        event_loop.turn(&mut said).expect("the poll works");
    }
    let socket = *event_loop.extensions().get::<Socket>().expect("one came");
    assert_eq!(socket.readable_length(&event_loop), 2);
    assert!(
        event_loop
            .connection(socket.0)
            .expect("it is open")
            .read_side
            .is_at_end()
    );
    socket.on_data(&mut event_loop, |_, cx, socket, bytes| {
        if let [_, rest @ ..] = bytes {
            socket.unshift(cx, rest);
        }
    });
    socket.resume(&mut event_loop);
    server.close(&mut event_loop);
    event_loop.run(&mut said).expect("the poll works");
    assert_eq!(said, ["data ab", "data b", "end", "finish", "close"]);
}

/// Catches: a full socket that tries to send whenever something comes in.
#[test]
fn a_full_socket_is_not_written_to_before_there_is_room() {
    let mut event_loop = event_loop();
    let (server, _directory, path) = listening_on_a_path(&mut event_loop);
    server.on_data(&mut event_loop, |said: &mut Said, cx, socket, _| {
        said.push("data".into());
        while socket.buffered(cx) == 0 {
            socket.write(cx, [b'x'; 64 * 1024]);
        }
    });
    let mut peer = UnixStream::connect(&path).expect("it listens");
    let mut said = Said::new();
    // That there was room, as the poll told of the new connection, is used up with the first of
    // these.
    let mut writes = Vec::new();
    for came in 1..=5 {
        peer.write_all(b"x").expect("there is room");
        turn_until(&mut event_loop, &mut said, |_, said| said.len() == came);
        writes.push(event_loop.counters().writes);
    }
    assert_eq!(writes[1..], [writes[1]; 4]);
}

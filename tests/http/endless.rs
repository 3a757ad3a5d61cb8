//! What never ends waits at the other side: pipelined requests, bodies, WebSocket frames.
//! Everything runs in the test's own thread, so that what was read is known after every turn.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use loopchat::http::web_socket::{self, Endpoint, Event, Options};
use loopchat::http::{self, ClientRequest, IncomingMessage, ServerResponse};
use loopchat::net::{self, Socket};
use loopchat::{Context, EventLoop};

/// Bytes that one connection may hold, read and not handed out: the mark of the socket, that of a
/// response that does not flow, with what its chunks take, and one read.
const HELD: u64 = 16 * 1024 + 20 * 1024 + 64 * 1024;

const TURNS: usize = 1500;

/// What the handlers saw.
#[derive(Default)]
struct Seen {
    socket: Option<Socket>,
    /// Bytes of what was handed out.
    bytes: u64,
    waiting: Vec<ServerResponse>,
}

fn write_all_there_is_room_for(peer: &mut TcpStream, unit: &[u8], sent: &mut usize) {
    let bytes = unit.repeat(16 * 1024 / unit.len());
    loop {
        match peer.write(&bytes[*sent % bytes.len()..]) {
            Ok(count) => *sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("the peer is cut off: {error}"),
        }
    }
}

/// Turns the loop, with a peer that sends on and on and reads all it gets.
fn turn(event_loop: &mut EventLoop<Seen>, seen: &mut Seen, mut peer: TcpStream, unit: &[u8]) {
    let mut sent = 0;
    peer.set_nonblocking(true).expect("a socket can be");
    for n in 0..TURNS {
        write_all_there_is_room_for(&mut peer, unit, &mut sent);
        while peer.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        event_loop.set_immediate(|_, _| {}); // it must not sleep
        event_loop.turn(seen).expect("the poll works");
        if let Some(socket) = seen.socket {
            let held = socket.bytes_read(event_loop) - seen.bytes;
            assert!(held <= HELD, "turn {n}: {held} bytes are held");
        }
    }
    assert!(seen.bytes > 0, "something was handed out");
}

fn listen(event_loop: &mut EventLoop<Seen>) -> (http::Server, SocketAddr) {
    let server = http::create_server(event_loop);
    let anywhere: net::Address = "127.0.0.1:0".parse().expect("an address");
    server.listen(event_loop, anywhere);
    match server.address(event_loop) {
        Some(net::Address::Tcp(address)) => (server, address),
        _ => panic!("it listens"),
    }
}

/// Catches: a read for each response that makes room for another request.
#[test]
fn pipelined_requests_without_end_are_read_as_they_are_answered() {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut event_loop = EventLoop::new().expect("a loop");
    let (server, address) = listen(&mut event_loop);
    server.on_request(&mut event_loop, |seen: &mut Seen, cx, request, response| {
        seen.socket = Some(request.socket());
        seen.bytes += REQUEST.len() as u64;
        seen.waiting.push(response);
        if seen.waiting.len() == 1 {
            answer_one(cx);
        }
    });
    let peer = TcpStream::connect(address).expect("it listens");
    turn(&mut event_loop, &mut Seen::default(), peer, REQUEST);
}

/// Calls back when the socket was paused for some turns.
fn some_turns_later(
    cx: &mut Context<Seen>,
    then: impl FnOnce(&mut Seen, &mut Context<Seen>) + 'static,
) {
    cx.set_immediate(|_, cx| {
        cx.set_immediate(|_, cx| cx.set_immediate(then));
    });
}

/// One response every few turns.
fn answer_one(cx: &mut Context<Seen>) {
    some_turns_later(cx, |seen: &mut Seen, cx| {
        seen.waiting.remove(0).end_with(cx, "x");
        if !seen.waiting.is_empty() {
            answer_one(cx);
        }
    });
}

/// Catches: a read for each frame that a reader takes who pauses after it.
#[test]
fn frames_without_end_are_read_as_they_are_taken() {
    const FRAME: &[u8] = b"\x82\x81\0\0\0\0b";
    let mut event_loop = EventLoop::new().expect("a loop");
    let (server, address) = listen(&mut event_loop);
    let endpoint = Endpoint::new(&mut event_loop, Options::default());
    endpoint.on_event(&mut event_loop, |seen: &mut Seen, cx, web_socket, event| {
        if let Event::Message(_) = event {
            seen.bytes += FRAME.len() as u64;
            web_socket.pause(cx);
            some_turns_later(cx, move |_, cx| web_socket.resume(cx));
        }
    });
    server.on_upgrade(
        &mut event_loop,
        move |seen: &mut Seen, cx, head, socket, rest| {
            seen.socket = Some(socket);
            seen.bytes = socket.bytes_read(cx) - rest.len() as u64;
            web_socket::accept(cx, endpoint, head, socket, rest).expect("a handshake");
        },
    );
    let mut peer = TcpStream::connect(address).expect("it listens");
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    peer.write_all(request.as_bytes()).expect("it is open");
    turn(&mut event_loop, &mut Seen::default(), peer, FRAME);
}

/// A client that has asked for something, does this with the response, and is connected to a peer.
fn asking(
    on_response: fn(&mut Seen, &mut Context<Seen>, ClientRequest, IncomingMessage),
) -> (EventLoop<Seen>, Seen, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut event_loop = EventLoop::new().expect("a loop");
    let request = http::get(&mut event_loop, format!("http://{address}/"));
    request.on_response(&mut event_loop, on_response);
    let mut seen = Seen::default();
    event_loop.set_immediate(|_, _| {});
    event_loop.turn(&mut seen).expect("the poll works");
    let (peer, _) = listener.accept().expect("the client connects");
    (event_loop, seen, peer)
}

/// Catches: a read for each piece of a response that its reader takes.
#[test]
fn a_response_without_end_is_read_as_it_is_taken() {
    let (mut event_loop, mut seen, mut peer) = asking(|seen: &mut Seen, cx, _, response| {
        seen.socket = Some(response.socket());
        response.on_data(cx, |seen: &mut Seen, cx, response, bytes| {
            seen.bytes += (bytes.len() * chunk().len() / 100) as u64;
            response.pause(cx);
            some_turns_later(cx, move |_, cx| {
                response.resume(cx);
            });
        });
    });
    peer.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("it is open");
    turn(&mut event_loop, &mut seen, peer, chunk().as_bytes());
}

/// A hundred bytes, and what marks them off.
fn chunk() -> String {
    format!("64\r\n{}\r\n", "x".repeat(100))
}

/// Chunks of a body that the test sends at once, and how many of them a turn takes at most.
const CHUNKS: usize = 5000;
const CHUNKS_PER_TURN: u64 = 1024;

/// Turns the loop until all chunks have come; no turn takes too many of them.
fn few_chunks_a_turn(event_loop: &mut EventLoop<Seen>, seen: &mut Seen) {
    while seen.bytes < CHUNKS as u64 {
        let before = seen.bytes;
        event_loop.turn(seen).expect("the poll works");
        let chunks = seen.bytes - before;
        assert!(chunks <= CHUNKS_PER_TURN, "{chunks} chunks in one turn");
    }
}

/// Catches: a read of 64 KiB that is ten thousand callbacks, since each byte is a chunk of its own.
#[test]
fn a_request_in_small_chunks_is_taken_a_few_at_a_time() {
    let mut event_loop = EventLoop::new().expect("a loop");
    let (server, address) = listen(&mut event_loop);
    server.on_request(&mut event_loop, |_: &mut Seen, cx, request, response| {
        request.on_data(cx, |seen: &mut Seen, _, _, bytes| {
            seen.bytes += bytes.len() as u64
        });
        request.on_end(cx, move |_, cx, _| response.end_with(cx, "all"));
    });
    let mut peer = TcpStream::connect(address).expect("it listens");
    let head =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let request = [head.as_bytes(), &b"1\r\nx\r\n".repeat(CHUNKS), b"0\r\n\r\n"].concat();
    peer.write_all(&request).expect("the kernel has room");
    let mut seen = Seen::default();
    few_chunks_a_turn(&mut event_loop, &mut seen);
    server.close(&mut event_loop);
    event_loop.run(&mut seen).expect("the poll works");
    let mut answer = String::new();
    peer.read_to_string(&mut answer).expect("text, and an end");
    assert!(answer.ends_with("\r\n\r\nall"), "{answer}");
}

/// The same, of what a server answers.
#[test]
fn a_response_in_small_chunks_is_taken_a_few_at_a_time() {
    let (mut event_loop, mut seen, mut peer) = asking(|_: &mut Seen, cx, _, response| {
        response.on_data(cx, |seen: &mut Seen, _, _, bytes| {
            seen.bytes += bytes.len() as u64
        });
        response.on_end(cx, |seen: &mut Seen, _, _| seen.bytes += 1);
    });
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let response = [head.as_bytes(), &b"1\r\nx\r\n".repeat(CHUNKS), b"0\r\n\r\n"].concat();
    peer.write_all(&response).expect("the kernel has room");
    drop(peer);
    few_chunks_a_turn(&mut event_loop, &mut seen);
    event_loop.run(&mut seen).expect("the poll works");
    assert_eq!(seen.bytes, CHUNKS as u64 + 1, "all of it, and its end");
}

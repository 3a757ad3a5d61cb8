//! An echo server that tells what its WebSockets hear, and does what they say.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use loopchat::http::web_socket::{
    self, Endpoint, Event, Handshake, Message, Options, ReadyState, Refusal, WebSocket,
};
use loopchat::net::{self, Address, Server, Socket};
use loopchat::{Context, EventLoop};

/// Whoever waits longer waits in vain.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server on a thread of its own.
pub struct Echo {
    pub address: SocketAddr,
    events: Receiver<String>,
}

/// What the server's callbacks share.
pub struct World {
    told: Sender<String>,
    /// In the order in which they came.
    pub web_sockets: Vec<WebSocket>,
}

impl World {
    pub fn new() -> (Self, Receiver<String>) {
        let (told, events) = channel();
        let web_sockets = Vec::new();
        (Self { told, web_sockets }, events)
    }

    fn tell(&self, what: impl Into<String>) {
        // Nobody listens any more when the test is over.
        let _ = self.told.send(what.into());
    }
}

impl Echo {
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let (mut world, events) = World::new();
        let (bound, address) = channel();
        thread::spawn(move || {
            let mut event_loop = EventLoop::new().expect("a loop");
            let (_, address) = serve(&mut event_loop, options);
            bound.send(address).expect("it is waited for");
            event_loop.run(&mut world).expect("the poll works");
        });
        let address = address.recv_timeout(DEADLINE).expect("it listens");
        Self { address, events }
    }

    /// What happened next.
    pub fn heard(&self) -> String {
        self.events.recv_timeout(DEADLINE).expect("more happens")
    }
}

/// An endpoint that echoes, and the address of the server that makes its WebSockets.
pub fn serve(cx: &mut Context<World>, options: Options) -> (Endpoint, SocketAddr) {
    let endpoint = Endpoint::new(cx, options);
    endpoint.on_event(cx, |world: &mut World, cx, web_socket, event| {
        let number = world.web_sockets.iter().position(|one| *one == web_socket);
        let number = number.expect("it was noted when it came");
        world.tell(format!("{number} {}", describe(event)));
        match event {
            Event::Message(Message::Text(text)) => match text.strip_prefix('/') {
                Some(command) => obey(world, cx, web_socket, command),
                None => slow_down(cx, web_socket, |cx| web_socket.send_text(cx, text)),
            },
            Event::Message(Message::Binary(bytes)) => {
                slow_down(cx, web_socket, |cx| web_socket.send_binary(cx, bytes));
            }
            Event::Drain => web_socket.resume(cx),
            _ => {}
        }
    });
    let server = net::create_server(cx);
    server.on_data(cx, move |world, cx, socket, bytes| {
        upgrade(world, cx, endpoint, socket, bytes);
    });
    server.listen(cx, "127.0.0.1:0".parse::<Address>().expect("an address"));
    (endpoint, address_of(cx, server))
}

pub fn address_of(cx: &Context<World>, server: Server) -> SocketAddr {
    match server.address(cx) {
        Some(Address::Tcp(address)) => address,
        other => panic!("not on TCP: {other:?}"),
    }
}

/// Sends, and reads no more until it is sent.
fn slow_down(
    cx: &mut Context<World>,
    web_socket: WebSocket,
    send: impl FnOnce(&mut Context<World>) -> bool,
) {
    if !send(cx) && web_socket.ready_state(cx) == ReadyState::Open {
        web_socket.pause(cx);
    }
}

fn describe(event: Event<'_>) -> String {
    match event {
        Event::Message(Message::Text(text)) => format!("text {text}"),
        Event::Message(Message::Binary(bytes)) => format!("binary {}", bytes.len()),
        Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
        Event::Pong(payload) => format!("pong {}", payload.escape_ascii()),
        Event::Drain => "drain".to_owned(),
        Event::Error(error) => format!("error {error}"),
        Event::Close(code, reason) => format!("close {code} {reason}"),
    }
}

fn obey(world: &mut World, cx: &mut Context<World>, web_socket: WebSocket, command: &str) {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["close", code, reason] => {
            web_socket.close(cx, code.parse().expect("a code"), reason);
            assert_eq!(web_socket.ready_state(cx), ReadyState::Closing);
            assert!(!web_socket.send_text(cx, "after the close frame"));
        }
        ["terminate"] => {
            web_socket.terminate(cx);
            assert_eq!(web_socket.ready_state(cx), ReadyState::Closed);
        }
        ["ping", payload] => assert!(web_socket.ping(cx, payload.as_bytes())),
        ["pause"] => web_socket.pause(cx),
        ["resume", other] => {
            let other: usize = other.parse().expect("a number");
            world.web_sockets[other].resume(cx);
        }
        // The same bytes to everyone.
        ["all", text] => {
            let encoded = web_socket::encode_text(text);
            for other in &world.web_sockets {
                other.send_encoded(cx, &encoded);
            }
        }
        ["flood", mebibytes] => {
            let mebibytes: usize = mebibytes.parse().expect("a number");
            let encoded = web_socket::encode_binary(&vec![b'x'; 1024 * 1024]);
            let sent = (0..mebibytes).map(|_| web_socket.send_encoded(cx, &encoded));
            assert!(!sent.fold(true, |_, last| last), "the kernel took it all");
            world.tell(format!("buffered {}", web_socket.buffered_amount(cx)));
        }
        _ => panic!("what is {command}?"),
    }
}

/// As much HTTP as a test needs: collects a head, and hands the socket over.
fn upgrade(
    world: &mut World,
    cx: &mut Context<World>,
    endpoint: Endpoint,
    socket: Socket,
    bytes: &[u8],
) {
    let mut head = match socket.take_data::<_, Vec<u8>>(cx) {
        Some(begun) => *begun,
        None => Vec::new(),
    };
    head.extend_from_slice(bytes);
    let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n") else {
        socket.set_data(cx, head);
        return;
    };
    let rest = &head[end + 4..];
    let lines = str::from_utf8(&head[..end]).expect("the head is text");
    let (line, headers) = lines.split_once("\r\n").unwrap_or((lines, ""));
    let method = line.split(' ').next().expect("a method");
    let headers = headers.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name, value.as_bytes()))
    });
    let version = (1, u8::from(line.ends_with("1.1")));
    match Handshake::read(method, version, headers) {
        Ok(handshake) if handshake.origin() == Some("http://evil.example") => {
            let refusal = Refusal::new(403, "Not from there");
            refusal.send(cx, socket);
        }
        Ok(mut handshake) => {
            handshake.choose_protocol("echo");
            let web_socket = handshake.accept(cx, endpoint, socket, rest);
            world.web_sockets.push(web_socket);
        }
        Err(refusal) => refusal.send(cx, socket),
    }
}

//! An echo server that tells what its WebSockets hear, and does what they say.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use loopchat::http::web_socket::{
    self, Endpoint, Event, Handshake, Message, Options, ReadyState, Refusal, WebSocket, code,
};
use loopchat::http::{self, Head};
use loopchat::net::{Address, Socket};
use loopchat::{Context, EventLoop};

/// Whoever waits longer waits in vain.
const DEADLINE: Duration = Duration::from_secs(120);

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
            // Time stands still: nobody is too late, however slow the machine is.
            let event_loop = EventLoop::with_clock(ManualClock::stopped());
            let mut event_loop = event_loop.expect("a loop");
            let (_, server) = serve(&mut event_loop, options);
            server.listen(
                &mut event_loop,
                "127.0.0.1:0".parse::<Address>().expect("an address"),
            );
            let Some(Address::Tcp(address)) = server.address(&event_loop) else {
                panic!("it listens on TCP");
            };
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

/// An endpoint that echoes, and the server that makes its WebSockets.
pub fn serve(cx: &mut Context<World>, options: Options) -> (Endpoint, http::Server) {
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
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, _, response| {
        let closing = response
            .set_status_code(cx, 404)
            .set_header(cx, "Connection", "close");
        closing.expect("a header").end_with(cx, "no WebSocket");
    });
    server.on_upgrade(cx, move |world, cx, head, socket, rest| {
        upgrade(world, cx, endpoint, head, socket, rest);
    });
    (endpoint, server)
}

/// Sends, and reads no more until it is sent.
fn slow_down(
    cx: &mut Context<World>,
    web_socket: WebSocket,
    send: impl FnOnce(&mut Context<World>) -> bool,
) {
    if !send(cx) {
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
            web_socket.pause(cx);
            assert!(!web_socket.is_paused(cx), "its close frame is waited for");
        }
        ["terminate"] => {
            web_socket.terminate(cx);
            assert_eq!(web_socket.ready_state(cx), ReadyState::Closed);
        }
        // As a chat does that writes once what a turn has brought.
        ["later", text] => {
            let text = text.to_owned();
            cx.set_immediate(move |_, cx| {
                web_socket.send_text(cx, &text);
            });
        }
        ["close-later", code] => {
            let code = code.parse().expect("a code");
            cx.set_immediate(move |_, cx| web_socket.close(cx, code, "late"));
        }
        ["pause-later"] => {
            cx.set_immediate(move |_, cx| web_socket.pause(cx));
        }
        ["ping", payload] => assert!(web_socket.ping(cx, payload.as_bytes())),
        ["pause"] => web_socket.pause(cx),
        ["close-other", other] => {
            let other: usize = other.parse().expect("a number");
            world.web_sockets[other].close(cx, code::NORMAL, "from outside");
        }
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

/// A request for a WebSocket.
fn upgrade(
    world: &mut World,
    cx: &mut Context<World>,
    endpoint: Endpoint,
    head: &Head,
    socket: Socket,
    rest: &[u8],
) {
    match Handshake::from_head(head) {
        Ok(handshake) if handshake.origin() == Some("http://evil.example") => {
            Refusal::new(403, "Not from there").send(cx, socket);
        }
        Ok(mut handshake) => {
            handshake.choose_protocol("echo");
            let web_socket = handshake.accept(cx, endpoint, socket, rest);
            world.web_sockets.push(web_socket);
        }
        Err(refusal) => refusal.send(cx, socket),
    }
}

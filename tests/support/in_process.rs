//! A loop that runs inside the test, a server on it, and peers of plain `std` for that server.
//!
//! Peers mostly live in the test's own thread: what they wrote before a turn began is there in
//! that turn, as [`Ping`] sees to, so nothing here needs to sleep, and no test depends on how fast
//! a thread is. Time that jumps is [`clock`]'s: it does not overtake what is under way.
#![allow(
    dead_code,
    unused_imports,
    reason = "every test binary uses its own part of this module"
)]

#[path = "in_flight.rs"]
mod in_flight;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use loopchat::net::{self, Address, Event, Server, Socket};
use loopchat::{Context, EventLoop};
use socket2::SockRef;
use tempfile::TempDir;

pub use in_flight::{Ping, clock};

/// A test that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a test on a thread of its own, and fails it if it hangs.
pub fn within_deadline(test: impl FnOnce() + Send + 'static) {
    let (done, waiting) = channel();
    let body = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match waiting.recv_timeout(DEADLINE) {
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = body.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Runs a test once with TCP and once with IPC.
pub fn each_family(test: fn(Family)) {
    for family in [Family::Tcp, Family::Ipc] {
        within_deadline(move || {
            eprintln!("with {family:?}:");
            test(family);
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    Tcp,
    Ipc,
}

/// A free address; an IPC one is good as long as its directory is kept.
pub struct Place {
    pub address: Address,
    directory: Option<TempDir>,
}

impl Place {
    pub fn new(family: Family) -> Self {
        match family {
            Family::Tcp => Self {
                address: "127.0.0.1:0".parse().expect("an address"),
                directory: None,
            },
            Family::Ipc => {
                let directory = tempfile::tempdir().expect("a directory");
                Self {
                    address: directory.path().join("server").as_path().into(),
                    directory: Some(directory),
                }
            }
        }
    }
}

/// A loop with one listening server.
pub struct Rig<S: 'static> {
    pub event_loop: EventLoop<S>,
    pub server: Server,
    pub place: Place,
    ping: Ping,
}

impl<S> Rig<S> {
    pub fn new(family: Family) -> Self {
        Self::on(EventLoop::new().expect("a loop"), family)
    }

    pub fn with_clock(family: Family, clock: &ManualClock) -> Self {
        let event_loop = EventLoop::with_clock(clock.clone());
        Self::on(event_loop.expect("a loop"), family)
    }

    fn on(mut event_loop: EventLoop<S>, family: Family) -> Self {
        let mut place = Place::new(family);
        let server = net::create_server(&mut event_loop);
        server.listen(&mut event_loop, place.address.clone());
        place.address = server.address(&event_loop).expect("it listens");
        Self {
            event_loop,
            server,
            place,
            ping: Ping::new(),
        }
    }

    /// A peer that is connected; the server accepts it when the loop runs.
    pub fn peer(&self) -> Peer {
        Peer::connect(&self.place.address)
    }

    pub fn peers(&self, count: usize) -> Vec<Peer> {
        (0..count).map(|_| self.peer()).collect()
    }

    /// One turn; what peers wrote before it is there.
    pub fn turn(&mut self, state: &mut S) {
        self.ping.arrived();
        self.event_loop.turn(state).expect("the poll works");
    }

    /// Runs until the loop ends by itself.
    pub fn run(&mut self, state: &mut S) {
        self.ping.arrived();
        self.event_loop.run(state).expect("the poll works");
    }
}

impl Rig<World> {
    /// Notes every event of every accepted socket in the world.
    pub fn note_events(&mut self) {
        self.server
            .on_socket_event(&mut self.event_loop, |world, _cx, _socket, event| {
                world.note(event);
            });
    }

    /// Keeps every accepted socket in the world, in order.
    pub fn keep_sockets(&mut self) {
        self.server
            .on_connection(&mut self.event_loop, |world, _cx, socket| {
                world.sockets.push(socket);
            });
    }

    /// Runs turn by turn, counting them, until the world is done.
    pub fn run_until_done(&mut self, world: &mut World) {
        while !world.done {
            world.turn += 1;
            self.turn(world);
        }
    }
}

/// What the callbacks of a test share.
#[derive(Default)]
pub struct World {
    /// What happened, in order; data that comes in several pieces is noted once.
    pub events: Vec<String>,
    /// All data, of whichever socket.
    pub bytes: Vec<u8>,
    /// The length of every single piece of data, and the turn it came in.
    pub pieces: Vec<(usize, usize)>,
    pub peers: Vec<Peer>,
    pub sockets: Vec<Socket>,
    pub turn: usize,
    pub done: bool,
}

impl World {
    pub fn say(&mut self, what: impl Into<String>) {
        self.events.push(what.into());
    }

    pub fn count(&self, what: &str) -> usize {
        self.events.iter().filter(|event| *event == what).count()
    }

    pub fn note(&mut self, event: Event<'_>) {
        if let Event::Data(bytes) = event {
            self.bytes.extend_from_slice(bytes);
            self.pieces.push((bytes.len(), self.turn));
            if self.events.last().is_some_and(|last| last == "data") {
                return;
            }
        }
        // The attempts are no part of a socket's life.
        let words = describe(event);
        if !words.starts_with("connectionAttempt") {
            self.say(words);
        }
    }

    /// Which of the sockets kept it is, from 0.
    pub fn number(&self, socket: Socket) -> usize {
        let place = self.sockets.iter().position(|other| *other == socket);
        place.expect("the socket was kept")
    }
}

/// An event in Node's words.
pub fn describe(event: Event<'_>) -> String {
    match event {
        Event::Lookup { found: Ok(_), .. } => "lookup".into(),
        Event::Lookup {
            found: Err(error), ..
        } => format!("lookup {}", error.code()),
        Event::Connect => "connect".into(),
        Event::Ready => "ready".into(),
        Event::Data(_) => "data".into(),
        Event::Readable => "readable".into(),
        Event::End => "end".into(),
        Event::Finish => "finish".into(),
        Event::Drain => "drain".into(),
        Event::Timeout => "timeout".into(),
        Event::Error(error) => format!("error {}", error.code()),
        Event::Close(had_error) => format!("close {had_error}"),
        Event::ConnectionAttempt(_) => "connectionAttempt".into(),
        Event::ConnectionAttemptFailed(..) => "connectionAttemptFailed".into(),
        Event::ConnectionAttemptTimeout(_) => "connectionAttemptTimeout".into(),
        Event::Secure => "secure".into(),
        Event::SecureConnect => "secureConnect".into(),
    }
}

/// Calls back in the check phase of the turn after `turns` others.
pub fn after_turns<S: 'static>(
    cx: &mut Context<S>,
    turns: usize,
    callback: impl FnOnce(&mut S, &mut Context<S>) + 'static,
) {
    cx.set_immediate(move |state, cx| match turns {
        0 => callback(state, cx),
        _ => after_turns(cx, turns - 1, callback),
    });
}

/// The other end of a connection, blocking unless said otherwise.
#[derive(Debug)]
pub enum Peer {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

impl Peer {
    pub fn connect(address: &Address) -> Self {
        let connected = match address {
            Address::Tcp(address) => TcpStream::connect(address).map(Self::Tcp),
            Address::Ipc(path) => UnixStream::connect(path).map(Self::Ipc),
        };
        connected.expect("someone listens")
    }

    /// Writes all of it; the kernel must have room.
    pub fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).expect("the peer can write");
    }

    pub fn shut_down_writing(&self) {
        let done = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Ipc(stream) => stream.shutdown(Shutdown::Write),
        };
        done.expect("the peer can shut down");
    }

    pub fn set_nonblocking(&self, nonblocking: bool) {
        let done = match self {
            Self::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Self::Ipc(stream) => stream.set_nonblocking(nonblocking),
        };
        done.expect("a peer can be either");
    }

    /// Keeps the kernel from giving a TCP peer more and more room.
    pub fn keep_receive_buffer_small(&self) {
        if let Self::Tcp(stream) = self {
            let set = SockRef::from(stream).set_recv_buffer_size(64 * 1024);
            set.expect("the size can be set");
        }
    }

    /// Writes until the kernel takes no more; the peer is nonblocking.
    pub fn top_up(&mut self) -> usize {
        let mut total = 0;
        loop {
            match self.write(&[b'x'; 16 * 1024]) {
                Ok(count) => total += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return total,
                Err(error) => panic!("the peer cannot write: {error}"),
            }
        }
    }

    /// Reads to the end of the stream.
    pub fn read_all(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).expect("no reset");
        bytes
    }

    /// Closes with a reset. IPC has none to send, but closing with bytes unread is one there.
    pub fn reset(self) {
        if let Self::Tcp(stream) = &self {
            let linger = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            linger.expect("linger can be set");
        }
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Ipc(stream) => stream.read(buffer),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Ipc(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes in which a piece that is lost, doubled or moved shows.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

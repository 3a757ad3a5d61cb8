//! Two ways to try a server.
//!
//! [`Served`] is one on a thread of its own, with blocking peers of plain `std` on TCP, and time
//! stands still there: nothing can be too late, however slow the machine. Whatever is about time
//! is tried with [`timed`]: server and peers in one thread, and a clock that jumps.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use loopchat::{Context, EventLoop, http, net};

use crate::virtual_time::Timed;

/// A test that waits longer hangs.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What the callbacks of a server tell the test.
pub type Notes = Sender<String>;

/// A server that runs until the test's process ends.
pub struct Served {
    pub address: SocketAddr,
    notes: Receiver<String>,
}

impl Served {
    /// Starts a server that does what `set_up` says.
    pub fn new(set_up: impl FnOnce(&mut Context<Notes>, http::Server) + Send + 'static) -> Self {
        let (mut notes, noted) = channel();
        let (tell, told) = channel();
        thread::spawn(move || {
            let event_loop = EventLoop::with_clock(ManualClock::stopped());
            let mut event_loop = event_loop.expect("a loop");
            let server = http::create_server(&mut event_loop);
            set_up(&mut event_loop, server);
            server.listen(
                &mut event_loop,
                "127.0.0.1:0".parse::<net::Address>().unwrap(),
            );
            let Some(net::Address::Tcp(address)) = server.address(&event_loop) else {
                panic!("it listens");
            };
            tell.send(address).expect("the test waits");
            event_loop.run(&mut notes).expect("a loop that polls");
            let _ = notes.send("the loop has ended".into());
        });
        Self {
            address: told.recv_timeout(DEADLINE).expect("the server listens"),
            notes: noted,
        }
    }

    /// One that answers every request with its method, its target and its body, and notes the
    /// target.
    pub fn echo() -> Self {
        Self::new(|cx, server| {
            server.on_request(cx, echo);
        })
    }

    /// The next thing the server has noted.
    pub fn note(&self) -> String {
        self.notes.recv_timeout(DEADLINE).expect("a note")
    }

    /// What it has noted so far.
    pub fn notes(&self) -> Vec<String> {
        self.notes.try_iter().collect()
    }

    pub fn connect(&self) -> Peer {
        Peer::new(self.address)
    }

    /// Sends this, and no more, and reads all that comes back.
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut peer = self.connect();
        peer.send(bytes);
        peer.shut_down();
        peer.rest()
    }

    /// Sends this and leaves it open: what comes back until the server closes.
    pub fn ask_until_closed(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut peer = self.connect();
        peer.send(bytes);
        peer.rest()
    }
}

pub fn echo(
    notes: &mut Notes,
    cx: &mut Context<Notes>,
    request: http::IncomingMessage,
    response: http::ServerResponse,
) {
    let _ = notes.send(request.url(cx).expect("it is there").to_owned());
    response.set_send_date(cx, false);
    let body = format!(
        "{} {} ",
        request.method(cx).expect("it is there"),
        request.url(cx).expect("it is there")
    );
    let collected = Rc::new(RefCell::new(body.into_bytes()));
    let heard = Rc::clone(&collected);
    request.on_data(cx, move |_, _, _, bytes| {
        heard.borrow_mut().extend_from_slice(bytes);
    });
    request.on_end(cx, move |_, cx, _| response.end_with(cx, collected.take()));
}

/// What happened in a loop whose time jumps, in order.
pub type Said = Vec<String>;

/// A server on a clock that jumps; peers connect to `http`. When connections close is said.
pub fn timed(set_up: impl FnOnce(&mut Context<Said>, http::Server)) -> Timed<Said> {
    let mut rig = Timed::new(Said::new());
    let path = rig.path("http");
    let server = http::create_server(&mut rig.event_loop);
    server
        .net()
        .on_connection(&mut rig.event_loop, |_, cx, socket| {
            socket.on_close(cx, |said: &mut Said, cx, _, _| {
                said.push(format!("closed at {}", cx.now()))
            });
        });
    set_up(&mut rig.event_loop, server);
    server.listen(&mut rig.event_loop, path.as_path());
    rig
}

/// One end of a connection, blocking.
pub struct Peer(pub TcpStream);

impl Peer {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("someone listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        stream
            .set_write_timeout(Some(DEADLINE))
            .expect("a deadline");
        stream.set_nodelay(true).expect("no delay");
        Self(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has heard enough may have closed.
        let _ = self.0.write_all(bytes.as_ref());
    }

    pub fn shut_down(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Reads to the end of the stream. A reset is a failure: it may have cost the answer.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.0
            .read_to_end(&mut bytes)
            .expect("no reset, and an end");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads up to and with this.
    pub fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let read = self.0.read_exact(&mut byte);
            read.unwrap_or_else(|error| panic!("{error} after {}", bytes.escape_ascii()));
            bytes.push(byte[0]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The statuses of a sequence of responses.
pub fn statuses(text: &str) -> Vec<&str> {
    let lines = text.match_indices("HTTP/1.1 ");
    lines.map(|(at, _)| &text[at + 9..at + 12]).collect()
}

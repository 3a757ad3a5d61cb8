//! The web door: the same chat through a WebSocket, and the pages around it.
//!
//! Most of it is tried with the real program. What is about time is tried in one thread, on a
//! clock that jumps (`rig.rs`).

#[path = "../web_socket/client.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/virtual_time.rs"]
mod virtual_time;

mod chatting;
mod deadlines;
mod guests;
mod half_closed;
mod json;
mod left_over;
mod limits;
mod opening;
mod pages;
mod proxied;
mod rig;
mod turns;
mod watchers;
mod watching;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use client::Frame;
use support::{Client, Server};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// A server with both doors, and where the web door is.
fn start(flags: &[&str]) -> (Server, SocketAddr) {
    let server = Server::with(&[&["--web", "127.0.0.1:0"], flags].concat());
    let web = server.web_address();
    (server, web)
}

/// A member on the web door.
struct Web<S = TcpStream> {
    client: client::Client<S>,
    /// Lines that came and were not asked for yet.
    lines: VecDeque<String>,
    /// Boards that came.
    boards: VecDeque<serde_json::Value>,
    name: String,
}

/// What a connection ends with.
#[derive(Debug, PartialEq, Eq)]
struct End {
    lines: Vec<String>,
    code: u16,
    reason: String,
}

impl End {
    fn new(lines: Vec<String>, close_frame: &[u8]) -> Self {
        let (code, reason) = close_frame.split_at(2);
        Self {
            lines,
            code: u16::from_be_bytes([code[0], code[1]]),
            reason: String::from_utf8(reason.to_vec()).expect("text"),
        }
    }
}

impl Web {
    /// Opens a WebSocket, and no more.
    fn connect(address: SocketAddr) -> Self {
        Self::over(client::Client::open(address))
    }

    /// Opens a WebSocket, and reads the greeting.
    fn join(address: SocketAddr) -> Self {
        Self::connect(address).greeted()
    }

    /// Everything up to the close frame; answers it, and waits for the end of the stream.
    fn end(mut self) -> End {
        let payload = loop {
            if let Some(payload) = self.take() {
                break payload;
            }
        };
        self.client.send(CLOSE, &payload);
        self.client.expect_end();
        End::new(self.lines.into(), &payload)
    }
}

impl<S: Read + Write> Web<S> {
    fn over(client: client::Client<S>) -> Self {
        Self {
            client,
            lines: VecDeque::new(),
            boards: VecDeque::new(),
            name: String::new(),
        }
    }

    /// Reads the greeting.
    fn greeted(mut self) -> Self {
        let welcome = self.line();
        let name = welcome.strip_prefix("* Welcome to loopchat, ");
        let name = name.and_then(|rest| rest.split_once(". You are in #lobby"));
        self.name = name.expect("a greeting").0.to_owned();
        assert!(self.line().starts_with("* Type to talk. "));
        self
    }

    fn say(&mut self, text: &str) {
        self.client.send(TEXT, text);
    }

    /// Takes one frame; the payload if it was the close frame.
    fn take(&mut self) -> Option<Vec<u8>> {
        let Frame { first, payload } = self.client.read();
        match first {
            TEXT => {
                let text = String::from_utf8(payload).expect("text");
                if text.starts_with('{') {
                    let board = serde_json::from_str(&text).expect("a board is JSON");
                    self.boards.push_back(board);
                } else {
                    let lines = text.strip_suffix('\n').expect("every line has its end");
                    self.lines.extend(lines.split('\n').map(str::to_owned));
                }
                None
            }
            PING => None,
            CLOSE => Some(payload),
            other => panic!("what is {other:x}?"),
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return line;
            }
            assert!(self.take().is_none(), "{} was closed", self.name);
        }
    }

    /// Reads up to the first line that is wanted, and returns it.
    fn expect_line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Reads up to exactly this line.
    fn expect(&mut self, wanted: &str) {
        self.expect_line(|line| line == wanted);
    }
}

/// Waits until one at the line door hears of somebody's arrival, so that both are in.
fn until_in(nc: &mut Client, name: &str) {
    nc.expect_line(|line| line.contains(name) && line.ends_with(" joined #lobby."));
}

//! The whole server in the test's own thread, on a clock that jumps; its doors are socket files.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLockReadGuard};

use loopchat::server::{self, ChatServer, Config};
use serde_json::Value;

use super::client::{self, Frame, REQUEST};
use super::support::FORKS;
use super::virtual_time::{Peer, Timed};
use super::{CLOSE, End, PING, PONG, TEXT};

/// The server, and time; and nobody forks meanwhile.
pub struct Rig(
    pub Timed<ChatServer>,
    #[expect(dead_code, reason = "that it is held is all")] RwLockReadGuard<'static, ()>,
);

impl Rig {
    /// With both doors, and what else this sets.
    pub fn new(set: impl FnOnce(&mut Config)) -> Self {
        let no_forks = FORKS.read().unwrap_or_else(PoisonError::into_inner);
        let timed = Timed::with(|event_loop, folder| {
            let at = |name| folder.join(name).to_str().expect("text").to_owned();
            let mut config = Config {
                listen: vec![at("line")],
                web: vec![at("web")],
                ..Config::default()
            };
            set(&mut config);
            server::open(event_loop, config).expect("it can listen")
        });
        Self(timed, no_forks)
    }

    pub fn now(&self) -> u64 {
        self.0.now()
    }

    /// A member at the line door.
    pub fn nc(&mut self) -> Nc {
        let mut nc = Nc {
            peer: self.0.connect("line"),
            name: String::new(),
        };
        nc.name = name_in(&nc.line(self));
        nc.line(self);
        nc
    }

    /// A connection at the web door.
    pub fn visitor(&mut self) -> Peer {
        let peer = self.0.connect("web");
        self.0.settle();
        peer
    }

    /// Sends a request for a WebSocket on a connection, which has to become one.
    pub fn upgrade(&mut self, mut peer: Peer, request: &str) -> Browser {
        peer.send(request);
        let head = self.0.read_until(&mut peer, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Browser {
            peer,
            lines: VecDeque::new(),
            boards: VecDeque::new(),
            name: String::new(),
        }
    }

    /// A member at the web door.
    pub fn browser(&mut self) -> Browser {
        let visitor = self.visitor();
        let mut browser = self.upgrade(visitor, REQUEST);
        browser.name = name_in(&browser.line(self));
        browser.line(self);
        browser
    }

    /// A member at each door, and either knows of the other.
    pub fn one_at_each(&mut self) -> (Nc, Browser) {
        let mut nc = self.nc();
        let browser = self.browser();
        nc.until_in(self, &browser.name);
        (nc, browser)
    }
}

/// The nickname in a greeting.
fn name_in(welcome: &str) -> String {
    let name = welcome.strip_prefix("* Welcome to loopchat, ");
    let name = name.and_then(|rest| rest.split_once(". You are in #lobby"));
    name.expect("a greeting").0.to_owned()
}

/// A member at the line door.
pub struct Nc {
    pub peer: Peer,
    pub name: String,
}

impl Nc {
    pub fn say(&mut self, line: &str) {
        self.peer.send(format!("{line}\n"));
    }

    pub fn line(&mut self, rig: &mut Rig) -> String {
        rig.0.read_until(&mut self.peer, "\n").trim_end().to_owned()
    }

    /// Reads up to the first line that is wanted, and returns it.
    pub fn expect_line(&mut self, rig: &mut Rig, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line(rig);
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Waits until it hears of somebody's arrival.
    pub fn until_in(&mut self, rig: &mut Rig, name: &str) {
        self.expect_line(rig, |line| {
            line.contains(name) && line.ends_with(" joined #lobby.")
        });
    }
}

/// A member at the web door, or somebody who looks at the loop there.
pub struct Browser {
    pub peer: Peer,
    /// Lines that came and were not asked for yet.
    lines: VecDeque<String>,
    /// Boards that came, or whatever else is JSON.
    pub boards: VecDeque<Value>,
    pub name: String,
}

impl Browser {
    pub fn say(&mut self, text: &str) {
        self.send(TEXT, text);
    }

    pub fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.peer.send(client::frame(first, payload.as_ref()));
    }

    /// Takes one frame, and answers a ping; the payload if it was the close frame.
    fn take(&mut self, rig: &mut Rig) -> Option<Vec<u8>> {
        let Frame { first, payload } = rig.0.read_by(&mut self.peer, client::parse);
        match first {
            TEXT => {
                let text = String::from_utf8(payload).expect("text");
                if text.starts_with('{') {
                    let json = serde_json::from_str(&text).expect("that is JSON");
                    self.boards.push_back(json);
                } else {
                    let lines = text.strip_suffix('\n').expect("every line has its end");
                    self.lines.extend(lines.split('\n').map(str::to_owned));
                }
                None
            }
            PING => {
                self.send(PONG, payload);
                None
            }
            CLOSE => Some(payload),
            other => panic!("what is {other:x}?"),
        }
    }

    pub fn line(&mut self, rig: &mut Rig) -> String {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return line;
            }
            assert!(self.take(rig).is_none(), "{} was closed", self.name);
        }
    }

    pub fn expect_line(&mut self, rig: &mut Rig, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line(rig);
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The first board that is wanted.
    pub fn board(&mut self, rig: &mut Rig, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.boards.pop_front() {
                Some(board) if wanted(&board) => return board,
                Some(_) => {}
                None => assert!(self.take(rig).is_none(), "{} was closed", self.name),
            }
        }
    }

    /// Everything up to the close frame; answers it, and waits for the end of the stream.
    pub fn end(mut self, rig: &mut Rig) -> End {
        let payload = loop {
            if let Some(payload) = self.take(rig) {
                break payload;
            }
        };
        self.send(CLOSE, &payload);
        assert_eq!(rig.0.rest(&mut self.peer), "");
        End::new(self.lines.into(), &payload)
    }
}

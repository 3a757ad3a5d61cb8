//! Objects at the web door: a client of `loopchat.v1.json` that knows no more than what
//! `docs/protocol.md` says.

mod commands;
mod ends;
mod hearing;
mod refusals;
mod requests;
mod resuming;
mod rooms;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::client::{self, Frame, REQUEST};
use super::support::{Client, Folder, Server, Signal};
use super::{CLOSE, PING, PONG, TEXT, start};

const SUBPROTOCOL: &str = "loopchat.v1.json";

/// A server with both doors, whose web door is a path, so that who comes there is an operator.
fn operated(flags: &[&str]) -> (Server, SocketAddr, Folder) {
    let folder = Folder::new();
    let path = folder.text("operators.sock");
    let (server, web) = start(&[&["--listen", &path], flags].concat());
    (server, web, folder)
}

/// An operator at the line door of such a server.
fn operator(folder: &Folder) -> Client {
    let mut operator = Client::join(&folder.text("operators.sock"));
    operator.say("/nick op");
    operator.expect("* You are now op.");
    operator
}

/// A client that speaks in objects.
struct Json<S = TcpStream> {
    client: client::Client<S>,
    /// What came and was not asked for yet, but for boards.
    objects: VecDeque<Value>,
    boards: VecDeque<Value>,
    /// The last `ref`.
    asked: u64,
    nick: String,
    origin: String,
    /// By what its session may be resumed.
    token: String,
}

impl Json {
    /// Opens a WebSocket with the subprotocol, and no more.
    fn connect(address: SocketAddr) -> Self {
        Self::over(client::Client::connect(address))
    }

    /// The same, and reads the greeting.
    fn join(address: SocketAddr) -> Self {
        Self::connect(address).greeted()
    }

    /// Everything up to the close frame, which is answered; with its code and its reason.
    fn end(mut self) -> (Vec<Value>, u16, String) {
        let payload = loop {
            if let Some(payload) = self.take() {
                break payload;
            }
        };
        self.client.send(CLOSE, &payload);
        self.client.expect_end();
        let (code, reason) = payload.split_at(2);
        let code = u16::from_be_bytes([code[0], code[1]]);
        let reason = String::from_utf8(reason.to_vec()).expect("text");
        (self.objects.into(), code, reason)
    }
}

impl Json<UnixStream> {
    fn connect_to(path: &str) -> Self {
        let stream = UnixStream::connect(path).expect("someone listens");
        for set in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
            set(&stream, Some(client::DEADLINE)).expect("it can");
        }
        Self::over(client::Client { stream })
    }
}

impl<S: Read + Write> Json<S> {
    fn over(mut client: client::Client<S>) -> Self {
        let head = format!("\r\nSec-WebSocket-Protocol: soap, {SUBPROTOCOL}\r\n\r\n");
        client.send_raw(REQUEST.trim_end().to_owned() + &head);
        let head = client.read_head().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        let chosen = format!("\r\nsec-websocket-protocol: {SUBPROTOCOL}\r\n");
        assert!(head.contains(&chosen), "{head}");
        Self {
            client,
            objects: VecDeque::new(),
            boards: VecDeque::new(),
            asked: 0,
            nick: String::new(),
            origin: String::new(),
            token: String::new(),
        }
    }

    fn greeted(mut self) -> Self {
        assert_eq!(self.object()["kind"], "hello");
        let mut welcome = self.object();
        if welcome["kind"] == "token" {
            text_of(&welcome["token"]).clone_into(&mut self.token);
            welcome = self.object();
        }
        assert_eq!(welcome["kind"], "welcome");
        text_of(&welcome["nick"]).clone_into(&mut self.nick);
        text_of(&welcome["origin"]).clone_into(&mut self.origin);
        self
    }

    /// Sends a text message as it is.
    fn send(&mut self, text: impl AsRef<[u8]>) {
        self.client.send(TEXT, text);
    }

    /// Says a line, and wants to hear when it is done.
    fn say(&mut self, line: &str) {
        self.asked += 1;
        let object = json!({ "kind": "line", "text": line, "ref": self.asked });
        self.send(object.to_string());
    }

    /// Says a line. What came until it was done, the answers among them.
    fn ask(&mut self, line: &str) -> Vec<Value> {
        self.say(line);
        self.until_done(&json!(self.asked))
    }

    /// The same, if exactly one object of this kind comes; others may.
    fn answer(&mut self, line: &str, kind: &str) -> Value {
        let mut all = self.ask(line);
        all.retain(|object| object["kind"] == kind);
        assert_eq!(all.len(), 1, "{line}: {all:#?}");
        all.remove(0)
    }

    /// What comes until a `ref` is done.
    fn until_done(&mut self, reference: &Value) -> Vec<Value> {
        let mut before = Vec::new();
        loop {
            let object = self.object();
            if object["kind"] == "done" {
                assert_eq!(&object["ref"], reference, "after {before:#?}");
                assert_eq!(keys(&object), ["kind", "ref"]);
                return before;
            }
            before.push(object);
        }
    }

    /// Takes one frame; the payload if it was the close frame.
    fn take(&mut self) -> Option<Vec<u8>> {
        let Frame { first, payload } = self.client.read();
        match first {
            TEXT => {
                let text = String::from_utf8(payload).expect("text");
                for line in text.lines() {
                    let object: Value = serde_json::from_str(line).expect("an object a line");
                    assert!(object["kind"].is_string(), "{line}");
                    match object["kind"] == "board" {
                        true => self.boards.push_back(object),
                        false => self.objects.push_back(object),
                    }
                }
                None
            }
            PING => {
                self.client.send(PONG, payload);
                None
            }
            CLOSE => Some(payload),
            other => panic!("what is {other:x}?"),
        }
    }

    /// The next object, but for boards.
    fn object(&mut self) -> Value {
        loop {
            if let Some(object) = self.objects.pop_front() {
                return object;
            }
            assert!(self.take().is_none(), "{} was closed", self.nick);
        }
    }

    /// The next object that is not about who comes and goes: that is told once a second, between
    /// whatever else.
    fn heard(&mut self) -> Value {
        self.find(|object| object["kind"] != "presence")
    }

    /// The next object for which that holds; others before it are left out.
    fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let object = self.object();
            if wanted(&object) {
                return object;
            }
        }
    }

    /// The next object of a kind.
    fn expect(&mut self, kind: &str) -> Value {
        self.find(|object| object["kind"] == kind)
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The names of an object's fields, sorted.
fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// That an object has these fields and no others.
#[track_caller]
fn has_fields(object: &Value, fields: &str) {
    let mut wanted: Vec<&str> = fields.split(' ').collect();
    wanted.push("kind");
    wanted.sort_unstable();
    assert_eq!(keys(object), wanted, "{object:#}");
}

#[track_caller]
fn is_hexadecimal(value: &Value) {
    let text = text_of(value);
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(text.len() == 16 && text.chars().all(is_digit), "{text}");
}

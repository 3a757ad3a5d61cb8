//! The protocol: bytes come in, events and bytes go out. No socket, no clock, no terminal.
//!
//! A connection begins with `/json`. A server that knows it answers in objects from then on, one a
//! line, and what has come before in plain text is skipped. Of such a session the wire keeps the
//! token, up to where each room was heard, and what was said and has not come back: when the
//! connection is cut, the next one goes on with it, so that nothing is lost, said twice, or shown
//! twice. A server that does not know it says that there is no such command; then both sides speak
//! lines, as with `nc`, and a cut costs what it always did.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | how a connection begins; what comes of each object |
//! | `sent.rs` | what was said, and has not come back |
//! | `rooms.rs` | up to where each room was heard |
//! | `lines.rs` | objects, as the lines that `nc` would show |

mod lines;
mod rooms;
mod sent;

use std::mem;

use serde_json::{Value, json};

use lines::Lines;
use rooms::Rooms;
use sent::{Sent, is_asked_again};

/// The longest line that is looked at, in bytes: nobody makes us collect without end.
const MAX_LINE: usize = 64 * 1024;
/// The longest object: a history is one.
const MAX_OBJECT: usize = 16 * 1024 * 1024;

/// How a server answers that does not speak JSON.
const UNKNOWN: &str = "! There is no command /json";
/// How a session ends that has not begun.
const DISCONNECTED: &str = "! Disconnected: ";
/// What a session of lines says behind its welcome.
const HINT: &str = "* Type to talk. /help lists the commands, /nick NAME gives you a name.";

/// The `ref` of a request to go on; lines have numbers.
const RESUME: &str = "resume";

/// What has happened, in this order.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// The server says this line, or would if it spoke lines.
    Line(String),
    /// What the client has to say about it.
    Notice(String),
    /// Somebody came in, as a newcomer.
    Ready,
    /// The session goes on, under this name, in this room.
    Resumed { nick: String, room: String },
}

/// How far a connection is.
#[derive(Debug)]
enum State {
    /// There is none.
    Down,
    /// It was asked for JSON. The lines that came so far.
    Asking(Vec<String>),
    /// It speaks lines.
    Lines,
    /// It speaks JSON, and has not said who one is.
    Greeting,
    /// It was asked to go on with a session. What the newcomer was told meanwhile.
    Resuming(Vec<Value>),
    /// It speaks JSON.
    Objects,
}

/// One connection after the other; see the [module](self).
#[derive(Debug)]
pub struct Wire {
    state: State,
    /// What came of a line that has no end yet, and whether that is too long.
    torn: Vec<u8>,
    is_too_long: bool,
    to_send: Vec<u8>,
    /// Of the session, and of this connection: the first is of no use before it is resumed.
    token: Option<String>,
    own_token: Option<String>,
    /// The session that goes on: who one is, and where.
    returned: Option<(String, String)>,
    rooms: Rooms,
    sent: Sent,
    lines: Lines,
}

impl Wire {
    pub fn new() -> Self {
        Self {
            state: State::Down,
            torn: Vec::new(),
            is_too_long: false,
            to_send: Vec::new(),
            token: None,
            own_token: None,
            returned: None,
            rooms: Rooms::default(),
            sent: Sent::default(),
            lines: Lines::default(),
        }
    }

    /// A connection stands.
    pub fn connected(&mut self) {
        self.to_send = b"/json\n".to_vec();
        self.state = State::Asking(Vec::new());
    }

    /// Whether the server has still to say how it speaks, and who one is.
    pub fn is_entering(&self) -> bool {
        matches!(
            self.state,
            State::Asking(_) | State::Greeting | State::Resuming(_)
        )
    }

    /// Whether nothing more should be said for now: the server remembers so many messages that are
    /// on the way.
    pub fn is_full(&self) -> bool {
        self.sent.has_waiting()
    }

    /// Whether something was said that may not have arrived.
    pub fn is_unanswered(&self) -> bool {
        self.sent.has_messages()
    }

    /// Whether such can be said again.
    pub fn can_go_on(&self) -> bool {
        self.token.is_some() && self.is_unanswered()
    }

    /// Says a line; only between [`Event::Ready`] or [`Event::Resumed`] and the end.
    pub fn say(&mut self, line: &str) {
        match self.state {
            State::Objects => {
                self.sent.add(line);
                self.flush();
            }
            _ => self.to_send.extend(format!("{line}\n").bytes()),
        }
    }

    /// The bytes that are to be sent: once.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        mem::take(&mut self.to_send)
    }

    /// The connection is gone. A last line needs no end.
    pub fn lost(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let last = mem::take(&mut self.torn);
        if !last.is_empty() && !mem::take(&mut self.is_too_long) {
            let last = String::from_utf8_lossy(&last).into_owned();
            // Half an object is none.
            if !self.is_json() && !last.starts_with('{') {
                self.line(last, &mut events);
            }
        }
        if let State::Asking(lines) = mem::replace(&mut self.state, State::Down) {
            events.extend(lines.into_iter().map(Event::Line));
        }
        self.to_send.clear();
        (self.own_token, self.returned) = (None, None);
        let unanswered = self.sent.cut();
        self.rooms.may_be_in(unanswered.iter().map(String::as_str));
        let given_up = unanswered.iter().filter(|line| !is_asked_again(line));
        events.extend(given_up.map(|line| Event::Notice(format!("not answered: {line}"))));
        events
    }

    fn is_json(&self) -> bool {
        matches!(
            self.state,
            State::Greeting | State::Resuming(_) | State::Objects
        )
    }

    /// Bytes have come.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.collect(&rest[..end], &mut events);
            rest = &rest[end + 1..];
            let line = mem::take(&mut self.torn);
            if !mem::take(&mut self.is_too_long) {
                let line = String::from_utf8_lossy(&line).into_owned();
                self.line(line, &mut events);
            }
        }
        self.collect(rest, &mut events);
        events
    }

    fn collect(&mut self, piece: &[u8], events: &mut Vec<Event>) {
        let is_object = self.is_json() || self.torn.first().or(piece.first()) == Some(&b'{');
        let most = if is_object { MAX_OBJECT } else { MAX_LINE };
        if self.is_too_long {
            return;
        }
        if self.torn.len() + piece.len() > most {
            self.is_too_long = true;
            self.torn.clear();
            let notice = "the server said a line that is too long to show";
            return events.push(Event::Notice(notice.to_owned()));
        }
        self.torn.extend_from_slice(piece);
    }

    /// A whole line.
    fn line(&mut self, line: String, events: &mut Vec<Event>) {
        match &mut self.state {
            State::Asking(lines) => match serde_json::from_str::<Value>(&line) {
                Ok(object) if object.is_object() => {
                    self.state = State::Greeting;
                    self.object(object, events);
                }
                _ if line.starts_with(UNKNOWN) => {
                    let lines = mem::take(lines);
                    self.state = State::Lines;
                    self.give_up(events);
                    events.extend(lines.into_iter().map(Event::Line));
                    events.push(Event::Ready);
                }
                _ if line.starts_with(DISCONNECTED) => {
                    events.extend(lines.drain(..).map(Event::Line));
                    events.push(Event::Line(line));
                }
                _ => lines.push(line),
            },
            State::Lines | State::Down => events.push(Event::Line(line)),
            State::Greeting | State::Resuming(_) | State::Objects => {
                if let Ok(object) = serde_json::from_str(&line) {
                    self.object(object, events);
                }
            }
        }
    }

    fn object(&mut self, object: Value, events: &mut Vec<Event>) {
        let kind = object["kind"].as_str().unwrap_or_default();
        if let State::Resuming(aside) = &mut self.state {
            let is_newcomers = self.returned.is_none()
                && [
                    "welcome",
                    "history",
                    "presence",
                    "message",
                    "action",
                    "topic",
                    "redaction",
                    "muted",
                ]
                .contains(&kind);
            if is_newcomers {
                return aside.push(object);
            }
        }
        match kind {
            "hello" => {
                self.lines.is_now(&object["time"]);
                self.sent.limit(&object["limits"]["client_ids"]);
                if let Some(token) = self.token.clone() {
                    let rooms = self.rooms.positions();
                    self.request(&json!({
                        "kind": "resume", "token": token, "rooms": rooms, "ref": RESUME,
                    }));
                    self.state = State::Resuming(Vec::new());
                } else {
                    self.give_up(events);
                }
            }
            "token" => {
                self.own_token = object["token"].as_str().map(str::to_owned);
                if !matches!(self.state, State::Resuming(_)) {
                    self.token.clone_from(&self.own_token);
                }
            }
            "welcome" => {
                self.rooms.start(&object);
                self.tell(&object, events);
                events.push(Event::Line(HINT.to_owned()));
                self.state = State::Objects;
                events.push(Event::Ready);
            }
            "returned" => {
                self.rooms.only(&object);
                self.tell(&object, events);
                let field = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
                self.returned = Some((field("nick"), field("room")));
            }
            "backlog" => self.backlog(&object, events),
            "done" if object["ref"] == RESUME => self.resumed(events),
            "done" => self.sent.done(&object["ref"]),
            "refused"
                if matches!(self.state, State::Resuming(_))
                    && ["cannot_resume", "not_understood"]
                        .contains(&object["code"].as_str().unwrap_or_default()) =>
            {
                self.cannot_resume(events);
            }
            "disconnected" => {
                let code = object["code"].as_str().unwrap_or_default();
                if ["quit", "kicked", "banned", "resumed"].contains(&code) {
                    self.token = None; // that session is over
                }
                self.tell(&object, events);
            }
            "committed" => self.sent.came_back(&object["client_id"]),
            "entered" | "watching" => {
                self.rooms.enter(&object);
                self.tell(&object, events);
            }
            "parted" => {
                self.rooms.leave(&object);
                self.tell(&object, events);
            }
            _ => self.happened(&object, events),
        }
        self.flush();
    }

    /// Something that may have a place in its room's order.
    fn happened(&mut self, object: &Value, events: &mut Vec<Event>) {
        let is_own = !object["client_id"].is_null();
        if is_own {
            self.sent.came_back(&object["client_id"]);
        }
        if self.rooms.is_new(object) && !is_own {
            self.tell(object, events);
        }
    }

    fn tell(&mut self, object: &Value, events: &mut Vec<Event>) {
        events.extend(self.lines.of(object).into_iter().map(Event::Line));
    }

    /// What was missed of a room, or of what was said to one alone.
    fn backlog(&mut self, backlog: &Value, events: &mut Vec<Event>) {
        for missed in backlog["events"].as_array().into_iter().flatten() {
            if !missed["client_id"].is_null() {
                self.sent.came_back(&missed["client_id"]);
            } else if self.rooms.is_new(missed) {
                let lines = self.lines.of_old(missed);
                events.extend(lines.into_iter().map(Event::Line));
            }
        }
        if backlog["complete"] == false {
            let what = "something that was said may be missing";
            let notice = match (backlog["room"].as_str(), backlog["with"].as_str()) {
                (Some(room), _) => format!("#{room}: {what}; /history shows what is kept"),
                (_, Some(with)) => {
                    format!("{with}: {what}; /history @{with} shows what is kept")
                }
                _ => what.to_owned(),
            };
            events.push(Event::Notice(notice));
        }
        self.rooms.reach(backlog);
    }

    /// The session goes on: what has not come back is said again.
    fn resumed(&mut self, events: &mut Vec<Event>) {
        let Some((nick, room)) = self.returned.take() else {
            return; // that was said before
        };
        self.state = State::Objects;
        self.sent.again();
        self.flush();
        events.push(Event::Resumed { nick, room });
    }

    /// One is the newcomer after all.
    fn cannot_resume(&mut self, events: &mut Vec<Event>) {
        let State::Resuming(aside) = mem::replace(&mut self.state, State::Greeting) else {
            return;
        };
        self.give_up(events);
        self.token = self.own_token.take();
        for object in aside {
            self.object(object, events);
        }
    }

    /// The session does not go on. Of what has not come back nobody knows whether it was heard.
    fn give_up(&mut self, events: &mut Vec<Event>) {
        if self.token.take().is_some() {
            let notice = "the server cannot go on with the session: you start anew";
            events.push(Event::Notice(notice.to_owned()));
        }
        self.rooms = Rooms::default();
        for message in self.sent.clear() {
            events.push(Event::Notice(format!("perhaps not said: {message}")));
        }
    }

    fn flush(&mut self) {
        if matches!(self.state, State::Objects) {
            while let Some(request) = self.sent.next() {
                self.request(&request);
            }
        }
    }

    fn request(&mut self, request: &Value) {
        self.to_send.extend(format!("{request}\n").bytes());
    }
}

//! What may be said, and when: a state machine without a socket or a clock.
//!
//! Whoever asks for a name and a room wants what is typed to be said under that name, in that room,
//! and nowhere else. So a line waits here until what was asked for before it is *had*: the server
//! has confirmed it. The same holds behind a `/nick` or a `/join` among the lines.
//!
//! It hears lines, whichever way they came: the [wire](super::wire) makes them of objects. Lines have
//! no numbers for answers, and any of them may be answered with an error. So before
//! such a question, if something was sent that may still be answered, goes a *fence*: a command
//! that does not exist, under a name of its own. After the error that names it, the next answer is
//! ours.

use std::collections::VecDeque;
use std::mem;

use loopchat::chat::sanitise;

/// What the driver is to do, in this order.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Send this line.
    Send(String),
    /// Print this, in the client's own words.
    Notice(String),
    /// Somebody has our name, most likely our own ghost: call [`Session::ask_again`] after a while.
    AskAgain,
    /// Leave for good; the exit status is 1.
    Leave(String),
}

/// What decides as whom, and where, the next lines are heard.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nick,
    Room,
}

/// Something asked of the server.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    kind: Kind,
    name: String,
}

/// Lines typed at a terminal that are kept while they cannot be said.
const MAX_WAITING: usize = 100;

/// How often a pipe asks for a name that its own ghost has: with the driver's delays, three
/// minutes. By then the server has noticed that nobody is there.
const MAX_ASKED: u32 = 10;

/// How the last line begins for somebody who is not to come back at once: a person has decided so.
const UNWANTED: [&str; 2] = [
    "! Disconnected: you are banned",
    "! Disconnected: you were kicked",
];

/// One connection after the other, under the same name and in the same room.
#[derive(Debug)]
pub struct Session {
    /// Someone sits at a terminal, and can choose another name or room. A pipe cannot.
    interactive: bool,
    state: State,
    /// Name and room: as the flags ask, then as the server confirms.
    nick: Option<String>,
    room: Option<String>,
    /// What this connection has still to get before anything is said.
    wanted: VecDeque<Wish>,
    /// The name was ours: if somebody has it after that, it is a ghost of ours.
    had_nick: bool,
    asked: u32,
    /// Typed, and not sent yet.
    waiting: VecDeque<String>,
    /// A line was sent since the last fence: an error may be the answer to that.
    unanswered: bool,
    fences: u32,
    /// A pipe was refused what it asked for among its lines: why nothing more is said for it.
    adrift: Option<(Kind, String)>,
}

#[derive(Debug, PartialEq)]
enum State {
    /// There is no connection.
    Down,
    /// What is typed is sent.
    Open,
    /// Until the server has answered all that was sent, the question waits.
    Fenced(Wish),
    Asked(Wish),
    /// It was refused: somebody has to choose another, or the ghost to leave.
    Refused(Kind),
    /// All was said.
    Ending,
}

impl Session {
    pub fn new(interactive: bool, nick: Option<String>, room: Option<String>) -> Self {
        Self {
            interactive,
            state: State::Down,
            nick,
            room: room.map(|room| without_hash(&room).to_owned()),
            wanted: VecDeque::new(),
            had_nick: false,
            asked: 0,
            waiting: VecDeque::new(),
            unanswered: false,
            fences: 0,
            adrift: None,
        }
    }

    /// Whether there is a connection, and what is typed now is sent at once.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether there is none.
    pub fn is_down(&self) -> bool {
        self.state == State::Down
    }

    /// Whether we have said all: when the connection closes, that was it.
    pub fn is_ending(&self) -> bool {
        self.state == State::Ending
    }

    /// Whether the server has still to give us what we came for, name and room, and was asked.
    pub fn is_entering(&self) -> bool {
        !self.wanted.is_empty() && matches!(self.state, State::Asked(_))
    }

    /// Nothing more is sent. Returns how many lines never were.
    pub fn end(&mut self) -> usize {
        self.state = State::Ending;
        mem::take(&mut self.waiting).len()
    }

    /// How many lines wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A connection stands. Everyone starts as a guest, in the lobby.
    pub fn connected(&mut self) -> Vec<Step> {
        let wish = |kind, name: &String| Wish {
            kind,
            name: name.clone(),
        };
        let nick = self.nick.iter().map(|nick| wish(Kind::Nick, nick));
        let room = self.room.iter().filter(|room| *room != "lobby");
        self.wanted = nick
            .chain(room.map(|room| wish(Kind::Room, room)))
            .collect();
        (self.asked, self.unanswered) = (0, false);
        self.state = State::Open;
        self.go_on()
    }

    /// A connection stands, and the session goes on by it. What was asked for and is not had yet is
    /// asked for again.
    pub fn resumed(&mut self, nick: String, room: String) -> Vec<Step> {
        if self.state == State::Ending {
            return Vec::new();
        }
        let wanted = |kind, wish: &Option<String>, had: &str| {
            let name = wish.clone().filter(|name| name != had)?;
            Some(Wish { kind, name })
        };
        let wishes = [
            wanted(Kind::Nick, &self.nick, &nick),
            wanted(Kind::Room, &self.room, &room),
        ];
        self.wanted = wishes.into_iter().flatten().collect();
        self.room.get_or_insert(room);
        (self.asked, self.unanswered) = (0, false);
        self.state = State::Open;
        self.go_on()
    }

    /// The connection is gone, or the server says no more: what is typed waits for the next one.
    pub fn lost(&mut self) {
        if self.state == State::Ending {
            return;
        }
        for wish in mem::take(&mut self.wanted) {
            match wish.kind {
                Kind::Nick => self.nick = Some(wish.name),
                Kind::Room => self.room = Some(wish.name),
            }
        }
        // What was asked among the lines, and not answered, is asked again in its place.
        if let State::Fenced(wish) | State::Asked(wish) = mem::replace(&mut self.state, State::Down)
            && ![&self.nick, &self.room].contains(&&Some(wish.name.clone()))
        {
            self.waiting.push_front(wish.command());
        }
    }

    /// A line was typed.
    pub fn typed(&mut self, line: &str) -> Vec<Step> {
        if let State::Refused(refused) = self.state
            && let Some(wish) = Wish::typed(line).filter(|_| self.interactive)
        {
            return self.choose(refused, wish);
        }
        if self.interactive && self.waiting.len() >= MAX_WAITING {
            let why = match self.state {
                State::Down => "not connected, and too many lines wait: that one is lost",
                _ => "too many lines wait: that one is lost",
            };
            return vec![Step::Notice(why.to_owned())];
        }
        self.waiting.push_back(line.to_owned());
        self.go_on()
    }

    /// Somebody who was refused a name or a room chooses another.
    fn choose(&mut self, refused: Kind, wish: Wish) -> Vec<Step> {
        let mut steps = Vec::new();
        if wish.kind == Kind::Room {
            self.forget_spoken(&mut steps); // it was typed for another room
        }
        if wish.kind == refused {
            self.state = State::Open;
        }
        self.wanted.retain(|wanted| wanted.kind != wish.kind);
        match wish.kind {
            Kind::Nick => self.wanted.push_front(wish),
            Kind::Room => self.wanted.push_back(wish),
        }
        steps.extend(self.go_on());
        steps
    }

    /// After [`Step::AskAgain`]: perhaps the name is free now.
    pub fn ask_again(&mut self) -> Vec<Step> {
        if self.state != State::Refused(Kind::Nick) {
            return Vec::new();
        }
        self.state = State::Open;
        self.go_on()
    }

    /// A line came from the server. Tells whether it is to be shown, and what is to be done.
    pub fn heard(&mut self, line: &str) -> (bool, Vec<Step>) {
        if UNWANTED.iter().any(|reason| line.starts_with(reason)) {
            let reason = "the server wants us to stay away".to_owned();
            return (true, vec![Step::Leave(reason)]);
        }
        if self.is_fence(line) {
            self.unanswered = false;
            if let State::Fenced(wish) = &self.state {
                let step = Step::Send(wish.command());
                self.state = State::Asked(wish.clone());
                return (false, vec![step]);
            }
            return (false, Vec::new());
        }
        if let Some(had) = Wish::confirmed(line) {
            let is_answer = matches!(&self.state, State::Asked(asked) if asked.kind == had.kind);
            // Somebody who only watches a room may be told that, and is not there.
            if !is_answer && line.ends_with(" already.") {
                return (true, Vec::new());
            }
            self.confirm(had.clone());
            if is_answer {
                self.wanted.retain(|wanted| wanted.kind != had.kind);
                self.adrift.take_if(|(kind, _)| *kind == had.kind);
                self.state = State::Open;
                return (true, self.go_on());
            }
            return (true, Vec::new());
        }
        if line.starts_with("! ")
            && !line.starts_with("! Disconnected: ")
            && let State::Asked(asked) = &self.state
        {
            let asked = asked.clone();
            return (true, self.refused(&asked, &line[2..]));
        }
        (true, Vec::new())
    }

    fn is_fence(&self, line: &str) -> bool {
        line.strip_prefix("! There is no command ")
            .and_then(|rest| rest.strip_prefix(fence(self.fences).as_str()))
            .is_some_and(|rest| rest.starts_with('.'))
    }

    fn confirm(&mut self, had: Wish) {
        match had.kind {
            Kind::Nick => (self.nick, self.had_nick) = (Some(had.name), true),
            Kind::Room => self.room = Some(had.name),
        }
    }

    /// The server has said no, and why.
    fn refused(&mut self, asked: &Wish, why: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.wanted.contains(asked) {
            // It stood among the lines. What comes behind was meant for where it would have led.
            self.state = State::Open;
            match self.interactive {
                true => self.forget_spoken(&mut steps),
                false => self.adrift = Some((asked.kind, why.to_owned())),
            }
            steps.extend(self.go_on());
            return steps;
        }
        self.state = State::Refused(asked.kind);
        self.asked += 1;
        let is_ours = asked.kind == Kind::Nick && self.had_nick && why.contains(" is taken");
        if is_ours && (self.interactive || self.asked < MAX_ASKED) {
            if self.asked == 1 {
                let who = "perhaps the connection that was lost: what you type waits";
                steps.push(Step::Notice(format!("somebody is {}, {who}", asked.name)));
            }
            steps.push(Step::AskAgain);
        } else if self.interactive {
            let choice = match asked.kind {
                Kind::Nick => "name; /nick NAME asks for another",
                Kind::Room => "room; /join ROOM asks for another",
            };
            steps.push(Step::Notice(format!("what you type waits for a {choice}")));
        } else {
            steps.push(Step::Leave(format!("{asked} was refused: {why}")));
        }
        steps
    }

    /// Forgets what others were to hear, up to the next name or room that is asked for.
    fn forget_spoken(&mut self, steps: &mut Vec<Step>) {
        let next = self
            .waiting
            .iter()
            .position(|line| Wish::typed(line).is_some());
        let behind = self.waiting.split_off(next.unwrap_or(self.waiting.len()));
        self.waiting.retain(|line| {
            if is_spoken(line) {
                steps.push(Step::Notice(format!("not said: {}", sanitise(line))));
            }
            !is_spoken(line)
        });
        self.waiting.extend(behind);
    }

    /// Asks for what is wanted, then sends what waits, up to the next question.
    fn go_on(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while self.state == State::Open {
            if let Some(wish) = self.wanted.front() {
                self.state = State::Asked(wish.clone());
                steps.push(Step::Send(wish.command()));
                break;
            }
            let Some(line) = self.waiting.pop_front() else {
                break;
            };
            if let Some(wish) = Wish::typed(&line) {
                self.ask(wish, &mut steps);
                break;
            }
            if let Some((_, why)) = self.adrift.as_ref().filter(|_| is_spoken(&line)) {
                let reason = format!("nothing more is said, since that was refused: {why}");
                steps.push(Step::Leave(reason));
                self.waiting.push_front(line);
                break;
            }
            if is_word(&line, "/quit") {
                self.end(); // the server says goodbye, and closes
            }
            self.unanswered = true;
            steps.push(Step::Send(line));
        }
        steps
    }

    /// Asks a question that stood among the lines.
    fn ask(&mut self, wish: Wish, steps: &mut Vec<Step>) {
        if self.unanswered {
            self.fences += 1;
            steps.push(Step::Send(fence(self.fences)));
            self.state = State::Fenced(wish);
        } else {
            steps.push(Step::Send(wish.command()));
            self.state = State::Asked(wish);
        }
    }
}

impl Wish {
    /// What a typed line asks for.
    fn typed(line: &str) -> Option<Self> {
        let line = sanitise(line);
        let (word, name) = line.trim().split_once(' ')?;
        let name = name.trim();
        let kind = match word.to_ascii_lowercase().as_str() {
            "/nick" => Kind::Nick,
            "/join" => Kind::Room,
            _ => return None,
        };
        let name = match kind {
            Kind::Nick => name,
            Kind::Room => without_hash(name),
        };
        Some(Self {
            kind,
            name: name.to_owned(),
        })
    }

    /// What a line of the server confirms. The name that it gives a guest is not confirmed so.
    fn confirmed(line: &str) -> Option<Self> {
        let room = |rest: &str| Self {
            kind: Kind::Room,
            name: rest.split(' ').next().unwrap_or(rest).to_owned(),
        };
        if let Some(rest) = line.strip_prefix("* You are in #") {
            return rest.ends_with(" already.").then(|| room(rest));
        }
        let now = line.strip_prefix("* You are now ")?;
        if let Some(rest) = now.strip_prefix("in #") {
            return Some(room(rest));
        }
        let name = now.strip_suffix('.')?.to_owned();
        Some(Self {
            kind: Kind::Nick,
            name,
        })
    }

    fn command(&self) -> String {
        match self.kind {
            Kind::Nick => format!("/nick {}", self.name),
            Kind::Room => format!("/join {}", self.name),
        }
    }
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Kind::Nick => write!(f, "the name {}", self.name),
            Kind::Room => write!(f, "the room #{}", self.name),
        }
    }
}

/// Whether others would hear a line.
fn is_spoken(line: &str) -> bool {
    let line = sanitise(line);
    let line = line.trim();
    let is_command = line.starts_with('/') && !line.starts_with("//");
    let heard = ["/me", "/msg", "/topic", "/announce"];
    !line.is_empty() && (!is_command || heard.iter().any(|word| is_word(line, word)))
}

/// Whether a line is that command.
pub fn is_word(line: &str, word: &str) -> bool {
    let line = sanitise(line);
    let first = line.trim().split(' ').next().unwrap_or_default();
    first.eq_ignore_ascii_case(word)
}

fn without_hash(room: &str) -> &str {
    room.strip_prefix('#').unwrap_or(room)
}

/// A command that no server has, and whose error names it.
fn fence(number: u32) -> String {
    format!("/answered-{number}")
}

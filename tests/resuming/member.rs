//! A client of `loopchat.v1.json` that knows no more than what `docs/protocol.md` says, and holds to
//! it when it comes back.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::link::{Doors, Link, SILENCE, Silence};

/// Messages on the way at a time.
const ON_THE_WAY: usize = 8;

/// Connections without a session, one after the other, after which it is more patient.
const MOST_IN_VAIN: usize = 20;

/// One of those who talk.
pub struct Member {
    doors: Doors,
    /// How many connections it has made.
    connections: usize,
    number: usize,
    link: Option<Link>,
    /// Objects that came with others, and were not looked at.
    unread: VecDeque<Value>,
    token: Option<String>,
    epoch: Value,
    last: u64,
    ids: BTreeSet<String>,
    /// What it has said that has not come back, oldest first.
    on_the_way: VecDeque<u64>,
    /// What it has heard: whose, and the how manieth of that.
    pub heard: Vec<(usize, u64)>,
    pub resumed: u64,
    is_asking: bool,
    /// After how long a silence it asks whether anybody is there.
    patience: Duration,
    /// Connections since it had a session.
    in_vain: usize,
}

impl Member {
    /// Comes in, and knows by what it can come back.
    pub fn enter(doors: Doors, number: usize) -> Self {
        let mut member = Self {
            doors,
            connections: number,
            number,
            link: None,
            unread: VecDeque::new(),
            token: None,
            epoch: Value::Null,
            last: 0,
            ids: BTreeSet::new(),
            on_the_way: VecDeque::new(),
            heard: Vec::new(),
            resumed: 0,
            is_asking: false,
            patience: SILENCE,
            in_vain: 0,
        };
        while member.token.is_none() {
            member.begin();
        }
        member
    }

    /// A session, unless it is cut before it has begun.
    fn begin(&mut self) -> Option<()> {
        self.connect()?;
        let token = loop {
            let object = self.object()?;
            match object["kind"].as_str() {
                Some("token") => break object["token"].as_str().expect("a token").to_owned(),
                Some("welcome") => panic!("a token comes first"),
                _ => {}
            }
        };
        let welcome = loop {
            let object = self.object()?;
            if object["kind"] == "welcome" {
                break object;
            }
        };
        self.epoch = welcome["epoch"].clone();
        self.last = welcome["last"].as_u64().expect("a number");
        self.token = Some(token);
        self.in_vain = 0;
        Some(())
    }

    /// Says so many messages, and hears all that anybody says.
    pub fn talk(&mut self, messages: u64, all: u64) {
        let mut said = 0;
        while (self.heard.len() as u64) < all {
            while said < messages && self.on_the_way.len() < ON_THE_WAY {
                self.on_the_way.push_back(said);
                self.say(said);
                said += 1;
            }
            if self.hear().is_none() {
                while self.resume().is_none() {}
            }
        }
        assert!(self.on_the_way.is_empty());
    }

    /// One object, whatever it is; `None` if the connection is cut.
    fn hear(&mut self) -> Option<()> {
        let object = self.object()?;
        self.take(&object);
        Some(())
    }

    /// Comes back. `None` if it is cut again before it is there.
    fn resume(&mut self) -> Option<()> {
        self.connect()?;
        let heard = json!([{ "room": "lobby", "epoch": self.epoch, "last": self.last }]);
        self.send(&json!({ "kind": "resume", "token": self.token, "rooms": heard, "ref": "back" }));
        // Who it is until then does not matter.
        loop {
            let object = self.object()?;
            assert_ne!(object["code"], "cannot_resume", "{object}");
            if object["kind"] == "returned" {
                break;
            }
        }
        loop {
            let backlog = self.object()?;
            assert_eq!(backlog["kind"], "backlog", "{backlog}");
            assert_eq!(backlog["complete"], true, "{backlog}");
            assert_eq!(backlog["epoch"], self.epoch);
            for event in backlog["events"].as_array().expect("a list") {
                self.take(event);
            }
            assert_eq!(backlog["last"], self.last, "all of it was there");
            if backlog["more"] == false {
                break;
            }
        }
        self.resumed += 1;
        self.in_vain = 0;
        for said in self.on_the_way.clone() {
            self.say(said);
        }
        Some(())
    }

    /// What somebody has said, or anything else.
    fn take(&mut self, object: &Value) {
        match object["kind"].as_str() {
            Some("message") => {}
            // It was heard before the cut, or in the backlog.
            Some("committed") => {
                let number = object["number"].as_u64().expect("a number");
                assert!(number <= self.last, "{object} behind {}", self.last);
                return;
            }
            Some("refused") => panic!("{object}"),
            _ => return,
        }
        let field = |name: &str| object[name].as_u64().expect("a number");
        assert_eq!(field("previous"), self.last, "nothing was lost: {object}");
        assert!(field("number") > self.last, "numbers grow: {object}");
        self.last = field("number");
        let id = object["id"].as_str().expect("an id").to_owned();
        assert!(self.ids.insert(id), "heard twice: {object}");
        let text = object["text"].as_str().expect("a text");
        let (author, said) = text
            .split_once(' ')
            .unwrap_or_else(|| panic!("whose, and which: {object}"));
        let (author, said) = (author.parse().expect("whose"), said.parse().expect("which"));
        self.heard.push((author, said));
        if author == self.number {
            assert_eq!(object["client_id"], format!("{author}-{said}"));
            assert_eq!(self.on_the_way.pop_front(), Some(said), "in order");
        } else {
            assert!(object["client_id"].is_null(), "{object}");
        }
    }

    fn say(&mut self, said: u64) {
        let number = self.number;
        let client_id = format!("{number}-{said}");
        let text = format!("{number} {said}");
        self.send(&json!({ "kind": "line", "text": text, "client_id": client_id }));
    }

    /// Sends an object; if that cannot be, it will be seen when the next is to be heard.
    fn send(&mut self, object: &Value) {
        let sent = self.link.as_mut().map(|link| link.send(object));
        if sent == Some(None) {
            self.link = None;
        }
    }

    /// The next object; `None` if the connection is cut, or seems to be.
    fn object(&mut self) -> Option<Value> {
        loop {
            if let Some(object) = self.unread.pop_front() {
                return Some(object);
            }
            match self.link.as_mut()?.read() {
                Ok(Some(objects)) => {
                    self.is_asking = false;
                    self.unread.extend(objects);
                }
                Err(Silence) if !self.is_asking => {
                    self.is_asking = true;
                    self.send(&json!({ "kind": "ping" }));
                }
                Ok(None) | Err(Silence) => self.link = None,
            }
        }
    }

    /// Connects, by one door after the other. `None` if it is cut before it speaks JSON.
    fn connect(&mut self) -> Option<()> {
        // What came before the cut was heard, or is in the backlog.
        self.unread.clear();
        self.is_asking = false;
        self.connections += 1;
        self.link = None;
        self.in_vain += 1;
        if self.in_vain > MOST_IN_VAIN {
            // So many are not cut one after the other: it is this machine that is slow.
            self.in_vain = 0;
            self.patience *= 2;
        }
        self.link = Some(self.doors.connect(self.connections, self.patience)?);
        Some(())
    }
}

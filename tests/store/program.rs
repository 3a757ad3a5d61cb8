//! Somebody who speaks JSON, and so hears numbers.

use serde_json::{Value, json};

use super::*;

/// One session.
pub struct Program(pub Client);

impl Program {
    pub fn join(address: &str) -> Self {
        let mut client = Client::connect(address);
        client.send("/json\n");
        let mut program = Self(client);
        program.find("welcome");
        program
    }

    pub fn send(&mut self, object: &Value) {
        self.0.send(format!("{object}\n"));
    }

    pub fn say(&mut self, text: &str) {
        self.send(&json!({ "kind": "line", "text": text }));
    }

    /// The next object of a kind.
    pub fn find(&mut self, kind: &str) -> Value {
        loop {
            let line = self.0.line();
            let object = serde_json::from_str::<Value>(&line);
            let object = object.ok().filter(|object| object["kind"] == kind);
            if let Some(object) = object {
                return object;
            }
        }
    }

    /// Goes to a room: what it is told of it.
    pub fn enter(&mut self, room: &str) -> Value {
        self.say(&format!("/join {room}"));
        self.find("entered")
    }

    /// Reads what was said in a room, beside a number: at most so many messages.
    pub fn page(&mut self, room: &str, epoch: &Value, beside: (&str, u64), limit: u64) -> Value {
        let (side, number) = beside;
        self.say("/who"); // what came unasked before is passed over
        self.find("members");
        let mut asked = json!({ "kind": "history", "room": room, "epoch": epoch, "limit": limit });
        asked[side] = number.into();
        self.send(&asked);
        self.find("history")
    }
}

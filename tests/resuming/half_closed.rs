//! Who speaks JSON over a line, and ends its side while what it has said is still on its way to a slow
//! log, hears all of it before the end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::support::{DEADLINE, Server};
use crate::with_a_slow_log;

/// What comes of these bytes behind the greeting, up to the end.
fn answers(server: &Server, said: &str) -> Vec<Value> {
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    let said = format!("/json\n{said}");
    stream.write_all(said.as_bytes()).expect("it reads");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("text, and an end");
    let objects = heard.lines().filter(|line| line.starts_with('{'));
    let objects = objects.map(|line| serde_json::from_str(line).expect("an object a line"));
    let greeting = ["hello", "token", "welcome", "history", "presence"];
    objects
        .filter(|object: &Value| !greeting.iter().any(|kind| object["kind"] == *kind))
        .collect()
}

fn kinds(objects: &[Value]) -> Vec<&str> {
    let kinds = objects.iter().map(|object| object["kind"].as_str());
    kinds.map(|kind| kind.expect("a kind")).collect()
}

/// A command waits until what was said before it has its place, and with it the end.
#[test]
fn all_that_was_said_is_answered_before_the_end() {
    let server = Server::listening(with_a_slow_log().arg("--web=off"));
    let line = |text: &str, reference: u64| {
        json!({ "kind": "line", "text": text, "ref": reference }).to_string()
    };
    let said = [
        line("one", 1),
        line("two", 2),
        line("/rooms", 3),
        line("/who", 4),
    ];
    let expected = [
        "message", "done", "message", "done", "rooms", "done", "members", "done",
    ];
    for end in ["\n", ""] {
        let heard = answers(&server, &(said.join("\n") + end));
        assert_eq!(kinds(&heard), expected, "{heard:#?}");
    }
    // The same in one object.
    for end in ["\n", ""] {
        let heard = answers(&server, &(line("one\n/who\ntwo\n/who", 1) + end));
        assert_eq!(
            kinds(&heard),
            ["message", "members", "message", "members", "done"]
        );
    }
}

//! Sessions that speak JSON on the line door: `/json` first, then an object a line.

use serde_json::{Value, json};

use super::*;

const TOO_LATE: &str =
    "! /json is the very first line of a session, or none: this one speaks lines.";

/// A client that has asked for JSON.
struct Json {
    client: Client,
    nick: String,
    token: String,
    asked: u64,
}

impl Json {
    fn join(address: &str) -> Self {
        let mut client = Client::connect(address);
        client.send("/json\n");
        Self::greeted(client)
    }

    /// What comes before the first object is lines, and none begins as an object does.
    fn greeted(client: Client) -> Self {
        let (nick, token) = (String::new(), String::new());
        let mut json = Self {
            client,
            nick,
            token,
            asked: 0,
        };
        let hello = json.client.expect_line(|line| line.starts_with('{'));
        assert_eq!(parsed(&hello)["protocol"], "loopchat.v1.json");
        let token = json.object();
        assert_eq!(token["kind"], "token");
        json.token = token["token"].as_str().expect("a token").to_owned();
        let welcome = json.object();
        assert_eq!(welcome["kind"], "welcome");
        json.nick = welcome["nick"].as_str().expect("a name").to_owned();
        json
    }

    fn object(&mut self) -> Value {
        parsed(&self.client.line())
    }

    fn send(&mut self, object: &Value) {
        self.client.send(format!("{object}\n"));
    }

    fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        parsed(&self.client.expect_line(|line| wanted(&parsed(line))))
    }

    /// Says a line; what comes until it is done.
    fn ask(&mut self, line: &str) -> Vec<Value> {
        self.ask_as(line, None)
    }

    fn ask_as(&mut self, line: &str, client_id: Option<&str>) -> Vec<Value> {
        self.asked += 1;
        let object = json!({
            "kind": "line", "text": line, "ref": self.asked, "client_id": client_id,
        });
        self.send(&object);
        self.until_done()
    }

    fn until_done(&mut self) -> Vec<Value> {
        let done = json!({ "kind": "done", "ref": self.asked });
        let (before, _) = self.client.lines_until(|line| parsed(line) == done);
        before.iter().map(|line| parsed(line)).collect()
    }

    fn resume(&mut self, token: &str) -> Vec<Value> {
        self.asked += 1;
        self.send(&json!({ "kind": "resume", "token": token, "ref": self.asked }));
        self.until_done()
    }

    /// What it gets until the end.
    fn rest(&mut self) -> Vec<Value> {
        self.client.rest().iter().map(|line| parsed(line)).collect()
    }
}

/// Every line is an object.
fn parsed(line: &str) -> Value {
    let object = serde_json::from_str(line);
    object.unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn kinds(objects: &[Value]) -> Vec<&str> {
    let kinds = objects.iter().map(|object| object["kind"].as_str());
    kinds.map(|kind| kind.expect("a kind")).collect()
}

fn of<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let of_kind = objects.iter().filter(|object| object["kind"] == kind);
    of_kind.collect()
}

#[test]
fn the_first_line_asks_for_json_wherever_it_is_cut_and_whatever_comes_behind_it() {
    let (server, _alice, mut bob) = two();
    for asked in ["/json\n", "/JSON\r\n", "/Json\r\0"] {
        let ask = [asked.as_bytes(), br#"{"kind":"line","text":"hi"}"#, b"\n"].concat();
        for cut in 0..ask.len() {
            let mut client = Client::connect(&server.address);
            client.send(&ask[..cut]);
            bob.sync();
            client.send(&ask[cut..]);
            let mut json = Json::greeted(client);
            let own = json.find(|object| object["kind"] == "message" && object["text"] == "hi");
            bob.expect(&format!("{}: hi", json.nick));
            assert!(own["number"].as_u64() > Some(0));
        }
    }
}

#[test]
fn anywhere_else_it_is_refused_and_nobody_hears_it() {
    let (_server, mut alice, mut bob) = two();
    for first in [
        "\n/json",
        "hello\n/json",
        "/json please",
        " /json",
        "/JSON ",
        "/who\n/Json",
    ] {
        alice.say(first);
        alice.expect(TOO_LATE);
    }
    alice.say("//json");
    bob.expect("guest1: hello");
    assert_eq!(heard(&mut alice, &mut bob), ["guest1: /json"]);
}

/// `printf '/json\n{...}' | nc -N`
#[test]
fn all_that_is_said_before_the_end_is_answered_even_without_a_last_line_end() {
    let (server, _alice, mut bob) = two();
    let mut client = Client::connect(&server.address);
    client.send("/json\n{\"kind\":\"line\",\"text\":\"hi\",\"client_id\":\"a\"}\n{\"kind\":\"line\",\"text\":\"/who\",\"ref\":2}");
    client.half_close();
    let rest = Json::greeted(client).rest();
    assert_eq!(kinds(&rest), ["message", "members", "done"]);
    assert_eq!(rest[0]["client_id"], "a");
    bob.expect("guest3: hi");
    bob.expect_line(|line| line.ends_with("guest3 left #lobby."));
    // The word alone is a line without its end, too.
    let mut client = Client::connect(&server.address);
    client.send("/json");
    client.half_close();
    assert_eq!(kinds(&Json::greeted(client).rest()), ["history"]);
}

#[test]
fn objects_do_what_they_do_on_a_web_socket() {
    let (server, mut alice, _bob) = two();
    let mut json = Json::join(&server.address);
    let came = json.ask("/nick json");
    assert_eq!(of(&came, "renamed")[0]["nick"], "json");
    let came = json.ask_as("hello", Some("c-1"));
    assert_eq!(of(&came, "message")[0]["client_id"], "c-1");
    let came = json.ask_as("hello", Some("c-1"));
    assert_eq!(kinds(&came), ["committed"]);
    alice.expect("json: hello");
    let came = json.ask("/json");
    assert_eq!(of(&came, "refused")[0]["code"], "unknown_command");
    json.client.send("hello\n[]\n{\"kind\":\"dance\"}\n\n \n");
    json.send(&json!({ "kind": "ping", "ref": "x" }));
    for _ in 0..3 {
        assert_eq!(json.object()["code"], "not_understood");
    }
    assert_eq!(json.object(), json!({ "kind": "pong", "ref": "x" }));
    json.client
        .send(b"{\"kind\":\"line\",\"text\":\"caf\xE9\"}\r\n");
    alice.expect("json: caf\u{FFFD}");
    alice.say("/msg json psst");
    assert_eq!(
        json.find(|object| object["kind"] == "private")["text"],
        "psst"
    );
}

#[test]
fn an_object_may_be_torn_anywhere_and_has_as_many_bytes_as_it_may_have() {
    let (server, _alice, mut bob) = two();
    let mut json = Json::join(&server.address);
    let object = "{\"kind\":\"line\",\"text\":\"žluť \\ud83d\\ude00\"}\n";
    for cut in 1..object.len() {
        json.client.send(&object.as_bytes()[..cut]);
        bob.sync();
        json.client.send(&object.as_bytes()[cut..]);
        bob.expect("guest3: žluť 😀");
    }
    let padded = |bytes: usize| {
        let object = r#"{"kind":"line","text":"long"}"#;
        " ".repeat(bytes - object.len()) + object
    };
    json.client.send(padded(64 * 1024) + "\n");
    bob.expect("guest3: long");
    // One more is refused at once, and all behind it up to the end of the line.
    json.client.send(padded(64 * 1024 + 1));
    let refused = json.find(|object| object["kind"] == "refused");
    assert_eq!(
        (&refused["code"], &refused["limit"]),
        (&json!("line_too_long"), &json!(65536))
    );
    json.client.send(padded(200 * 1024));
    json.client.send("\n");
    json.send(&json!({ "kind": "ping", "ref": 1 }));
    assert_eq!(json.object()["kind"], "pong", "refused once");
    // Of the line in an object the bytes count without escapes.
    let came = json.ask(&"x".repeat(4097));
    assert_eq!(of(&came, "refused")[0]["limit"], 4096);
    json.ask("short");
    assert_eq!(bob.messages(1), ["guest3: short"]);
}

#[test]
fn a_text_of_many_lines_is_heard_whole_and_in_order_and_then_done() {
    const LINES: usize = 1000;
    let (server, _alice, mut bob) = two();
    let mut json = Json::join(&server.address);
    let text: Vec<String> = (0..LINES).map(|n| format!("line {n}")).collect();
    let came = json.ask(&text.join("\n"));
    assert_eq!(of(&came, "message").len(), LINES);
    let expected: Vec<String> = text.iter().map(|line| format!("guest3: {line}")).collect();
    assert!(bob.messages(LINES) == expected);
    // The end of the connection waits for it.
    json.send(&json!({ "kind": "line", "text": text.join("\n"), "ref": "last" }));
    json.client.half_close();
    let rest = json.rest();
    assert_eq!(of(&rest, "message").len(), LINES);
    assert_eq!(rest.last().expect("an object")["kind"], "done");
    assert!(bob.messages(LINES) == expected);
}

#[test]
fn many_objects_are_heard_whole_and_in_order_at_the_pace_of_a_stranger() {
    const LINES: usize = 300;
    let server = Server::with(&["--flood", "1000:10"]);
    let mut bob = server.join();
    let mut json = Json::join(&server.address);
    let say = |n: usize| json!({ "kind": "line", "text": format!("line {n}") }).to_string() + "\n";
    json.client.send((0..LINES).map(say).collect::<String>());
    let expected: Vec<String> = (0..LINES).map(|n| format!("guest2: line {n}")).collect();
    assert!(bob.messages(LINES) == expected);
    json.send(&json!({ "kind": "ping" }));
    json.find(|object| object["kind"] == "flooding");
    json.find(|object| object["kind"] == "pong");
    // Also what it said right before its end, and what it said before a reset.
    json.client
        .send((0..LINES).map(say).collect::<String>().trim_end());
    json.client.half_close();
    assert!(bob.messages(LINES) == expected);
    assert_eq!(of(&json.rest(), "message").len(), LINES);
}

/// What is in an object is paid for before it is taken apart, and so is what is none.
#[test]
fn objects_have_their_price() {
    let server = Server::with(&["--flood", "1:60"]);
    let dear = [
        format!("{{\"kind\":\"line\",\"x\":\"{}\"}}\n", "x".repeat(60_000)).repeat(2),
        "[\n".repeat(70),
        "{\"kind\":\"ping\"}\n".repeat(280),
    ];
    for objects in dear {
        let mut json = Json::join(&server.address);
        json.client.send(objects);
        json.find(|object| object["kind"] == "flooding");
    }
}

#[test]
fn operators_give_orders_in_objects_and_nobody_else_does() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    let mut bob = server.join();
    let mut stranger = Json::join(&server.address);
    let came = stranger.ask(&format!("/kick {}", bob.name));
    assert_eq!(of(&came, "refused")[0]["code"], "operators_only");
    let mut operator = Json::join(&path);
    let came = operator.ask(&format!("/kick {}", bob.name));
    assert_eq!(of(&came, "carried_out")[0]["order"], "kick");
    bob.wait_for_end();
    // Whoever goes on with an operator's session is one only where operators come from.
    let came = stranger.resume(&operator.token);
    assert_eq!(of(&came, "returned")[0]["nick"], operator.nick);
    let came = stranger.ask(&format!("/kick {}", stranger.nick));
    assert_eq!(of(&came, "refused")[0]["code"], "operators_only");
    let ended = operator.rest();
    assert_eq!(ended.last().expect("an object")["code"], "resumed");
    let mut back = Json::join(&path);
    back.resume(&operator.token);
    assert!(!of(&back.ask("/limits"), "report").is_empty());
}

#[test]
fn who_is_ended_is_told_why_in_an_object() {
    let idle = Server::with(&["--idle-timeout", "1"]);
    let rest = Json::join(&idle.address).rest();
    assert_eq!(rest.last().expect("an object")["code"], "said_nothing");
    let mut server = Server::start(); // where nothing is due but what they ask for
    let mut json = Json::join(&server.address);
    json.send(&json!({ "kind": "line", "text": "/quit" }));
    assert_eq!(json.rest().last().expect("an object")["code"], "quit");
    let mut json = Json::join(&server.address);
    // Half an object is nothing to wait for.
    json.client.send("{\"kind\":");
    server.signal(support::Signal::TERM);
    assert_eq!(json.rest().last().expect("an object")["code"], "shutdown");
    server.ended();
}

/// The greeting in JSON repeats what was said last once more: a turn has so much of that, and the
/// rest has to wait, with whatever comes behind.
#[test]
fn many_who_ask_for_json_at_once_are_all_greeted_and_heard() {
    const CROWD: usize = 40;
    let server = Server::start();
    let mut bob = server.join();
    bob.send(format!("{}\n", "h".repeat(4000)).repeat(10));
    bob.sync();
    let mut crowd: Vec<Client> = (0..CROWD).map(|_| server.join()).collect();
    server.freeze(); // so that they ask in one turn
    for client in &mut crowd {
        client.send("/json\n{\"kind\":\"line\",\"text\":\"here\"}");
        client.half_close();
    }
    server.thaw();
    for client in crowd {
        let rest = Json::greeted(client).rest();
        assert_eq!(rest[0]["messages"].as_array().map(Vec::len), Some(10));
        let here = rest.iter().filter(|object| object["text"] == "here");
        assert!(here.count() >= 1);
    }
    assert_eq!(bob.messages(CROWD).len(), CROWD);
}

#[test]
fn what_was_said_before_a_reset_is_heard() {
    let (server, _alice, mut bob) = two();
    let mut json = Json::join(&server.address);
    let text: Vec<String> = (0..600).map(|n| format!("line {n}")).collect();
    json.send(&json!({ "kind": "line", "text": text.join("\n") }));
    bob.expect("guest3: line 0");
    json.client.reset();
    bob.expect("guest3: line 599");
    bob.expect_line(|line| line.ends_with("guest3 left #lobby."));
}

#[test]
fn a_slow_reader_is_told_how_much_it_missed_and_may_go_on() {
    let server = Server::with(&["--outbox-soft", "65536"]);
    let mut alice = server.join();
    let mut json = Json::join(&server.address);
    json.ask("here");
    let paste: String = (0..16)
        .map(|n| format!("{n} {}\n", "p".repeat(3900)))
        .collect();
    for _ in 0..400 {
        alice.send(&paste);
    }
    alice.sync();
    let skipped = json.find(|object| object["kind"] == "skipped");
    assert!(skipped["count"].as_u64() > Some(0));
    assert!(
        json.ask("/who")
            .iter()
            .any(|object| object["kind"] == "members")
    );
}

/// Catches: lines with nothing in them that keep the server busy and cost nothing.
#[test]
fn an_empty_line_is_a_line() {
    let server = Server::with(&["--flood", "10:40"]);
    let mut json = Json::join(&server.address);
    json.client.send("\n".repeat(400));
    json.find(|object| object["kind"] == "flooding");
}

/// Catches: numbers that come back as others.
#[test]
fn a_reference_comes_back_as_it_was() {
    let server = Server::start();
    let mut json = Json::join(&server.address);
    for reference in ["1796001354.5898001", "0.1", "-7", "9007199254740993"] {
        json.client
            .send(format!("{{\"kind\":\"ping\",\"ref\":{reference}}}\n"));
        let pong = json.client.expect_line(|line| line.contains("\"pong\""));
        assert!(pong.contains(&format!("\"ref\":{reference}}}")), "{pong}");
    }
}

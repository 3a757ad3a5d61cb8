//! The client's protocol, bytes in and events and bytes out, without a socket.

use serde_json::{Value, json};

use crate::wire::{Event, Wire};

const HINT: &str = "* Type to talk. /help lists the commands, /nick NAME gives you a name.";

fn line(text: &str) -> Event {
    Event::Line(text.to_owned())
}

fn notice(text: &str) -> Event {
    Event::Notice(text.to_owned())
}

fn bytes_of(objects: &[Value]) -> Vec<u8> {
    let lines = objects.iter().map(|object| format!("{object}\n"));
    lines.collect::<String>().into_bytes()
}

/// What the client sends, as objects.
fn sent(wire: &mut Wire) -> Vec<Value> {
    let bytes = wire.take_bytes();
    let text = String::from_utf8(bytes).expect("text");
    let objects = text.lines().map(serde_json::from_str);
    objects.map(|object| object.expect("an object")).collect()
}

fn hello(token: &str) -> Vec<Value> {
    vec![
        json!({ "kind": "hello", "time": 1_795_000_000_000_u64, "limits": { "client_ids": 2 } }),
        json!({ "kind": "token", "token": token, "seconds": 300 }),
        json!({ "kind": "board", "rooms": [] }),
        json!({ "kind": "welcome", "nick": "guest1", "room": "lobby", "epoch": "e", "last": 7,
            "text": "Welcome, guest1." }),
    ]
}

fn place(kind: &str, number: u64, previous: u64) -> Value {
    json!({ "kind": kind, "room": "lobby", "id": format!("id-{number}"), "number": number,
        "previous": previous, "time": 1_795_000_000_000_u64, "nick": "bob" })
}

fn said(number: u64, previous: u64, text: &str) -> Value {
    let mut said = place("message", number, previous);
    said["text"] = text.into();
    said
}

/// One that came back with its id.
fn own(mut said: Value, client_id: &Value) -> Value {
    said["nick"] = "guest1".into();
    said["client_id"] = client_id.clone();
    said
}

/// A session that has begun.
fn begun() -> Wire {
    let mut wire = Wire::new();
    wire.connected();
    assert_eq!(wire.take_bytes(), b"/json\n");
    wire.receive(&bytes_of(&hello("first")));
    assert!(!wire.is_entering());
    wire
}

/// It is cut, and connected again; up to what it asks for.
fn cut(wire: &mut Wire) -> Value {
    wire.lost();
    wire.connected();
    assert_eq!(wire.take_bytes(), b"/json\n");
    assert_eq!(wire.receive(&bytes_of(&hello("second"))), []);
    let mut sent = sent(wire);
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0)
}

fn back(events: &[Value]) -> Vec<u8> {
    bytes_of(&[
        json!({ "kind": "returned", "nick": "guest1", "room": "lobby", "watched": [],
            "text": "You are back as guest1." }),
        json!({ "kind": "backlog", "room": "lobby", "complete": true, "epoch": "e", "last": 9,
            "more": false, "events": events }),
        json!({ "kind": "token", "token": "first", "seconds": 300 }),
        json!({ "kind": "done", "ref": "resume" }),
    ])
}

fn resumed() -> Event {
    let (nick, room) = ("guest1".to_owned(), "lobby".to_owned());
    Event::Resumed { nick, room }
}

#[test]
fn what_comes_before_the_first_object_is_skipped_wherever_it_is_cut() {
    let mut bytes = b"* Welcome in words.\r\n[14:03] bob: hi\n".to_vec();
    bytes.extend(bytes_of(&hello("first")));
    for cut in 0..bytes.len() {
        let mut wire = Wire::new();
        wire.connected();
        let mut events = wire.receive(&bytes[..cut]);
        events.extend(wire.receive(&bytes[cut..]));
        let expected = [line("* Welcome, guest1."), line(HINT), Event::Ready];
        assert_eq!(events, expected, "{cut}");
    }
}

#[test]
fn a_server_that_knows_no_json_is_spoken_to_in_lines() {
    let mut wire = Wire::new();
    wire.connected();
    assert_eq!(wire.take_bytes(), b"/json\n");
    let events = wire.receive(b"* Welcome.\nbob: {\n");
    assert_eq!(events, [], "it may still know it");
    assert!(wire.is_entering());
    let events = wire.receive(b"! There is no command /json. /help lists them.\nbob: hi\n");
    let expected = [
        line("* Welcome."),
        line("bob: {"),
        Event::Ready,
        line("bob: hi"),
    ];
    assert_eq!(events, expected);
    wire.say("hello");
    assert_eq!(wire.take_bytes(), b"hello\n");
    assert!(!wire.can_go_on(), "nobody knows whether it arrived");
}

#[test]
fn who_is_not_let_in_sees_why() {
    let mut wire = Wire::new();
    wire.connected();
    let events = wire.receive(b"! Disconnected: the server is full.\n");
    assert_eq!(events, [line("! Disconnected: the server is full.")]);
    assert_eq!(wire.receive(b"and with"), []);
    assert_eq!(wire.lost(), [line("and with")], "no end");
}

/// A server that was replaced by an older one does not get to see the secret, nor does its room.
#[test]
fn the_token_is_shown_only_to_who_says_hello() {
    let mut wire = begun();
    wire.say("hi");
    wire.take_bytes();
    wire.lost();
    wire.connected();
    wire.take_bytes();
    let events = wire.receive(b"* Welcome.\n! There is no command /json.\n");
    assert_eq!(wire.take_bytes(), b"");
    let expected = [
        notice("the server cannot go on with the session: you start anew"),
        notice("perhaps not said: hi"),
        line("* Welcome."),
        Event::Ready,
    ];
    assert_eq!(events, expected);
}

#[test]
fn no_more_messages_are_on_the_way_than_the_server_remembers() {
    let mut wire = begun();
    for text in ["a", "b", "/who", "c", "/topic x"] {
        wire.say(text);
    }
    let lines = sent(&mut wire);
    let texts: Vec<&Value> = lines.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["a", "b", "/who"]);
    assert!(lines[2]["client_id"].is_null(), "commands have none");
    assert!(wire.is_full());
    assert_eq!(
        wire.receive(&bytes_of(&[own(said(8, 7, "a"), &lines[0]["client_id"])])),
        []
    );
    let lines = sent(&mut wire);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(!wire.is_full());
    // One that is refused is done, too.
    wire.receive(&bytes_of(&[
        json!({ "kind": "done", "ref": lines[1]["ref"] }),
    ]));
    assert!(!wire.can_go_on());
}

#[test]
fn after_a_cut_it_shows_what_it_has_missed_and_says_again_what_has_not_come_back() {
    let mut wire = begun();
    for text in ["came back", "committed", "lost"] {
        wire.say(text);
    }
    let lines = sent(&mut wire);
    let events = wire.receive(&bytes_of(&[said(8, 7, "shown")]));
    assert_eq!(events, [line("bob: shown")]);
    let asked = cut(&mut wire);
    assert_eq!(asked["token"], "first");
    let rooms = json!([{ "room": "lobby", "epoch": "e", "last": 8 }]);
    assert_eq!(asked["rooms"], rooms);
    // What the newcomer hears does not count.
    assert_eq!(wire.receive(&bytes_of(&[said(9, 8, "missed")])), []);
    let missed = [
        own(said(8, 7, "came back"), &lines[0]["client_id"]),
        said(8, 7, "shown"),
        said(9, 8, "missed"),
    ];
    let events = wire.receive(&back(&missed));
    let time = jiff::Timestamp::from_second(1_795_000_000).expect("a time");
    let missed = format!("{} bob: missed", time.strftime("[%H:%M]"));
    assert_eq!(
        events,
        [line("* You are back as guest1."), line(&missed), resumed()]
    );
    let again = sent(&mut wire);
    let texts: Vec<&Value> = again.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["committed", "lost"]);
    assert_eq!(again[0]["client_id"], lines[1]["client_id"]);
    let mut committed = place("committed", 8, 7);
    committed["client_id"] = again[0]["client_id"].clone();
    assert_eq!(wire.receive(&bytes_of(&[committed])), []);
    let own = own(said(10, 9, "lost"), &again[1]["client_id"]);
    assert_eq!(wire.receive(&bytes_of(&[own])), []);
    assert!(!wire.can_go_on());
    // Once more, by the first token, and from where it is now.
    let asked = cut(&mut wire);
    assert_eq!(
        (&asked["token"], &asked["rooms"][0]["last"]),
        (&json!("first"), &json!(10))
    );
}

#[test]
fn a_cut_before_it_is_back_changes_nothing() {
    let mut wire = begun();
    wire.say("lost");
    let first = sent(&mut wire);
    cut(&mut wire);
    assert_eq!(cut(&mut wire)["token"], "first");
    wire.receive(&back(&[]));
    assert_eq!(sent(&mut wire)[0]["client_id"], first[0]["client_id"]);
}

#[test]
fn behind_a_gap_nothing_is_shown_twice() {
    let mut wire = begun();
    wire.receive(&bytes_of(&[said(10, 9, "behind a gap")]));
    let asked = cut(&mut wire);
    assert_eq!(asked["rooms"][0]["last"], 7);
    let missed = [said(9, 7, "of one ignored"), said(10, 9, "behind a gap")];
    let events = wire.receive(&back(&missed));
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn what_is_not_remembered_is_said_and_so_is_what_was_not_answered() {
    let mut wire = begun();
    wire.say("/join tea");
    wire.say("/who");
    wire.take_bytes();
    assert_eq!(wire.lost(), [notice("not answered: /who")]);
    wire.connected();
    wire.take_bytes();
    wire.receive(&bytes_of(&hello("second")));
    let rooms = sent(&mut wire).remove(0)["rooms"].take();
    let tea = json!({ "room": "tea", "epoch": "0".repeat(16), "last": 0 });
    assert_eq!(rooms[1], tea, "it may be there");
    let gap = json!({ "kind": "backlog", "room": "lobby", "complete": false, "epoch": "f",
        "last": 3, "more": false, "events": [] });
    let events = wire.receive(&bytes_of(&[gap]));
    let told = "#lobby: something that was said may be missing; /history shows what is kept";
    assert_eq!(events, [notice(told)]);
}

#[test]
fn if_the_session_does_not_go_on_one_is_the_newcomer() {
    let mut wire = begun();
    wire.say("hi");
    cut(&mut wire);
    let refused = json!({ "kind": "refused", "code": "cannot_resume", "text": "No." });
    let events = wire.receive(&bytes_of(&[refused]));
    let expected = [
        notice("the server cannot go on with the session: you start anew"),
        notice("perhaps not said: hi"),
        line("* Welcome, guest1."),
        line(HINT),
        Event::Ready,
    ];
    assert_eq!(events, expected);
    assert_eq!(cut(&mut wire)["token"], "second");
    // A session that has ended as it was to is not gone on with.
    let quit = json!({ "kind": "disconnected", "code": "kicked", "text": "Disconnected: out." });
    assert_eq!(
        wire.receive(&bytes_of(&[quit])),
        [line("! Disconnected: out.")]
    );
    wire.lost();
    wire.connected();
    let events = wire.receive(&bytes_of(&hello("third")));
    assert_eq!(events.last(), Some(&Event::Ready));
}

/// Without a token nothing can be said again: it might be said twice.
#[test]
fn what_a_server_cannot_know_again_is_not_said_again() {
    let mut wire = Wire::new();
    let welcome = |wire: &mut Wire| {
        wire.connected();
        wire.take_bytes();
        let mut hello = hello("none");
        hello.remove(1);
        wire.receive(&bytes_of(&hello))
    };
    welcome(&mut wire);
    wire.say("hi");
    assert_eq!(sent(&mut wire).len(), 1);
    wire.lost();
    assert!(wire.is_unanswered() && !wire.can_go_on());
    assert_eq!(welcome(&mut wire)[0], notice("perhaps not said: hi"));
    assert_eq!(sent(&mut wire), [json!(null); 0]);
}

#[test]
fn objects_are_shown_as_the_lines_that_a_session_of_lines_gets() {
    let nobody = json!([]);
    let who = |nick: &str| json!({ "nick": nick });
    let cases = [
        (
            place("action", 8, 7),
            "text",
            json!("waves"),
            "** bob waves",
        ),
        (
            place("topic", 9, 8),
            "topic",
            json!("tea"),
            "* bob set the topic: tea",
        ),
        (
            place("redaction", 10, 9),
            "author",
            json!("bob"),
            "* bob took back a message.",
        ),
        (
            json!({ "kind": "private", "nick": "bob", "to": "guest1" }),
            "text",
            json!("psst"),
            "bob -> guest1: psst",
        ),
        (
            json!({ "kind": "announcement", "nick": "op" }),
            "text",
            json!("soon"),
            "* Announcement by op: soon",
        ),
        (
            json!({ "kind": "refused", "code": "muted" }),
            "text",
            json!("No."),
            "! No.",
        ),
        (
            json!({ "kind": "members" }),
            "text",
            json!("In #lobby"),
            "* In #lobby",
        ),
        (
            json!({ "kind": "message", "room": "tea", "nick": "bob" }),
            "text",
            json!("hi"),
            "#tea bob: hi",
        ),
        (
            json!({ "kind": "presence", "room": "lobby", "joined_count": 6, "left_count": 1,
            "left": [who("eve")], "renamed": nobody }),
            "joined",
            json!([who("a"), who("guest1"), who("b"), who("c"), who("d")]),
            "* a, b, c and 2 others joined #lobby; eve left #lobby.",
        ),
        (
            json!({ "kind": "presence", "room": "lobby", "left_count": 1 }),
            "left",
            json!([{ "nick": "eve", "reason": "kicked", "text": "out" }]),
            "* eve was kicked: out",
        ),
        (
            json!({ "kind": "presence", "room": "lobby", "renamed_count": 1 }),
            "renamed",
            json!([{ "nick": "ann", "before": "guest7" }]),
            "* guest7 is now ann.",
        ),
    ];
    let mut wire = begun();
    for (mut object, name, value, shown) in cases {
        object[name] = value;
        assert_eq!(wire.receive(&bytes_of(&[object])), [line(shown)]);
    }
    // What is one's own is not shown again.
    let own = [
        json!({ "kind": "private", "nick": "guest1", "to": "bob", "text": "psst" }),
        json!({ "kind": "presence", "room": "lobby", "joined": [who("guest1")], "joined_count": 1 }),
        json!({ "kind": "unheard_of" }),
    ];
    assert_eq!(wire.receive(&bytes_of(&own)), []);
    let entered = json!({ "kind": "entered", "room": "tea", "topic": "milk", "linger_ms": 60_000,
        "epoch": "e", "last": 1, "text": "You are now in #tea with 0 others." });
    let expected = [
        line("* You are now in #tea with 0 others."),
        line("* Topic of #tea: milk"),
        line("* What is said here is kept for 1 minute after the last has left."),
    ];
    assert_eq!(wire.receive(&bytes_of(&[entered])), expected);
    // A topic that one was told of is not told again.
    let mut topic = place("topic", 2, 1);
    (topic["room"], topic["nick"], topic["topic"]) = ("tea".into(), "guest1".into(), "x".into());
    let set = json!({ "kind": "topic_set", "room": "tea", "topic": "x", "text": "guest1 set it" });
    assert_eq!(
        wire.receive(&bytes_of(&[set, topic])),
        [line("* guest1 set it")]
    );
}

#[test]
fn a_line_without_end_is_not_collected_for_ever() {
    let mut wire = begun();
    let piece = [b'x'; 1024 * 1024];
    let mut events = Vec::new();
    for _ in 0..40 {
        events.extend(wire.receive(&piece));
    }
    let told = "the server said a line that is too long to show";
    assert_eq!(events, [notice(told)]);
    let events = wire.receive(b"\n{\"kind\":\"here\",\"text\":\"Here.\"}\n");
    assert_eq!(events, [line("* Here.")]);
}

/// Catches: a line that the server takes for two, and that is not said.
#[test]
fn what_only_some_take_for_an_end_of_a_line_is_none() {
    let mut wire = begun();
    wire.say("a\rb");
    assert_eq!(sent(&mut wire)[0]["text"], "ab");
}

/// Catches: what was said to one alone while the connection was cut, lost or shown twice.
#[test]
fn what_was_said_to_one_alone_comes_back_too() {
    let private = |number: u64, text: &str| {
        json!({ "kind": "private", "to": "guest1", "epoch": "p", "id": format!("{number:032x}"),
            "number": number, "previous": number - 1, "time": 1_795_000_000_000u64,
            "nick": "bob", "account": null, "origin": "o", "text": text })
    };
    let mut wire = begun();
    wire.say("/msg bob lost?");
    let line_sent = sent(&mut wire).remove(0);
    let events = wire.receive(&bytes_of(&[private(1, "heard")]));
    assert_eq!(events, [line("bob -> guest1: heard")]);
    let asked = cut(&mut wire);
    let known = json!({ "room": null, "epoch": "p", "last": 1 });
    assert!(
        asked["rooms"].as_array().expect("a list").contains(&known),
        "{asked}"
    );
    let backlog = |epoch: &str, with: &str, complete: bool, events: &[Value]| {
        json!({ "kind": "backlog", "with": with, "complete": complete, "epoch": epoch, "last": 3,
            "more": false, "events": events })
    };
    let mut own = private(3, "lost?");
    (own["nick"], own["to"]) = (json!("guest1"), json!("bob"));
    own["client_id"] = line_sent["client_id"].clone();
    let told = [private(1, "heard"), private(2, "missed"), own];
    let mut bytes = bytes_of(&[
        backlog("p", "bob", true, &told),
        backlog("q", "carol", false, &[]),
    ]);
    bytes.extend(back(&[]));
    let events = wire.receive(&bytes);
    let time = jiff::Timestamp::from_second(1_795_000_000).expect("a time");
    let missed = format!("{} bob -> guest1: missed", time.strftime("[%H:%M]"));
    let notice =
        "carol: something that was said may be missing; /history @carol shows what is kept";
    assert_eq!(events[0], line(&missed), "{events:?}");
    assert_eq!(events[1], Event::Notice(notice.to_owned()), "{events:?}");
    assert_eq!(sent(&mut wire), [] as [Value; 0], "it was said");
    let history = json!({ "kind": "history", "with": "bob", "complete": true,
        "messages": [private(1, "heard")] });
    let events = wire.receive(&bytes_of(&[history]));
    let old = format!("{} bob -> guest1: heard", time.strftime("[%H:%M]"));
    assert_eq!(
        events,
        [
            line("* The last 1 messages between you and bob:"),
            line(&old)
        ]
    );
}

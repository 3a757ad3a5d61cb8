//! How a session ends, or does not begin.

use super::*;

fn last_of(objects: &[Value]) -> &Value {
    let last = objects.last().expect("a last word");
    assert_eq!(last["kind"], "disconnected");
    has_fields(last, "code text");
    last
}

#[test]
fn whoever_is_sent_away_is_told_so_in_an_object_and_a_close_frame() {
    let (mut server, web, folder) = operated(&[]);
    let mut op = operator(&folder);
    for (order, code, text, close, reason) in [
        (
            "/kick ann",
            "kicked",
            "Disconnected: you were kicked.",
            1008,
            "you were kicked.",
        ),
        (
            "/kick ann be nice",
            "kicked",
            "Disconnected: you were kicked: be nice",
            1008,
            "you were kicked: be nice",
        ),
        (
            "/ban ann 7 spam",
            "banned",
            "Disconnected: you are banned for 7 minutes: spam",
            1008,
            "you are banned for 7 minutes: spam",
        ),
    ] {
        let mut ann = Json::join(web);
        ann.ask("/nick ann");
        op.say(order);
        let (objects, closed, why) = ann.end();
        let last = last_of(&objects);
        assert_eq!((&last["code"], &last["text"]), (&json!(code), &json!(text)));
        assert_eq!((closed, &*why), (close, reason));
    }
    // The last one holds at the door, where there is neither hello nor welcome.
    let (objects, closed, why) = Json::connect(web).end();
    assert_eq!(objects.len(), 1, "{objects:#?}");
    assert_eq!(last_of(&objects)["code"], "banned");
    assert_eq!(
        (closed, &*why),
        (1013, "you are banned for 7 minutes: spam")
    );
    op.say("/unban 127.0.0.1");
    op.expect("* 127.0.0.1 is banned no more.");
    let ann = Json::join(web);
    server.signal(Signal::TERM);
    let (objects, closed, why) = ann.end();
    let last = last_of(&objects);
    assert_eq!(last["code"], "shutdown");
    assert_eq!(last["text"], "The server is shutting down. Goodbye.");
    assert_eq!(
        (closed, &*why),
        (1001, "* The server is shutting down. Goodbye.")
    );
    assert!(server.ended().success());
}

#[test]
fn a_full_server_and_a_full_room_say_so_at_the_door() {
    for (flags, code) in [
        (["--max-connections", "1"], "full"),
        (["--max-room-members", "1"], "room"),
    ] {
        let (_server, web) = start(&flags);
        let ann = Json::join(web);
        let (objects, closed, why) = Json::connect(web).end();
        assert_eq!(objects.len(), 1, "{objects:#?}");
        let last = last_of(&objects);
        assert_eq!(last["code"], code);
        assert_eq!(last["text"], format!("Disconnected: {why}"));
        assert_eq!(closed, 1013);
        drop(ann);
    }
}

/// Where proxies are in front, nobody is known to be on this machine, and an address has limits.
#[test]
fn an_address_that_has_had_enough_is_told_so_at_the_door() {
    for (flags, code) in [
        (["--max-per-address", "1"], "address"),
        (["--connects", "1:1"], "pace"),
    ] {
        let trusted = ["--trust-proxy", "192.0.2.1"];
        let (_server, web) = start(&[trusted, flags].concat());
        let ann = Json::join(web);
        let (objects, closed, why) = Json::connect(web).end();
        assert_eq!(objects.len(), 1, "{objects:#?}");
        let last = last_of(&objects);
        assert_eq!(last["code"], code);
        assert_eq!(last["text"], format!("Disconnected: {why}"));
        assert_eq!(closed, 1013);
        drop(ann);
    }
}

#[test]
fn who_says_nothing_is_told_so() {
    let (_server, web) = start(&["--idle-timeout", "1"]);
    let (objects, closed, why) = Json::join(web).end();
    let last = last_of(&objects);
    assert_eq!(last["code"], "said_nothing");
    assert_eq!(last["text"], format!("Disconnected: {why}"));
    assert_eq!(closed, 1008);
}

#[test]
fn who_reads_nothing_is_told_so() {
    let folder = Folder::new();
    let web = folder.text("web.sock");
    let server = Server::with(&[
        "--web",
        &web,
        "--stall-timeout",
        "1",
        "--history-bytes",
        "4194304",
        "--outbox-hard",
        "4194304",
    ]);
    let mut nc = server.join();
    let text = "x".repeat(3900);
    for said in 0..100 {
        nc.say(&format!("{said} {text}"));
    }
    nc.sync();
    let mut slow = Json::connect_to(&web).greeted();
    slow.say("/history 100");
    nc.expect_line(|line| line.ends_with(&format!("{} left #lobby.", slow.nick)));
    let payload = std::iter::from_fn(|| Some(slow.take())).find_map(|closed| closed);
    let payload = payload.expect("a close frame");
    assert_eq!(payload[..2], 1008_u16.to_be_bytes());
    let last = last_of(slow.objects.make_contiguous());
    assert_eq!(last["code"], "read_nothing");
}

#[test]
fn who_reads_too_little_is_told_so() {
    let folder = Folder::new();
    let web = folder.text("web.sock");
    let flags = [
        "--web",
        &web,
        "--history",
        "5000",
        "--history-bytes",
        "33554432",
    ];
    let server = Server::with(&flags);
    let mut nc = server.join();
    let text = "x".repeat(3900);
    for said in 0..2000 {
        nc.say(&format!("{said} {text}"));
    }
    nc.sync();
    let mut slow = Json::connect_to(&web).greeted();
    slow.say("/history 5000");
    nc.expect_line(|line| line.ends_with(&format!("{} left #lobby.", slow.nick)));
    let payload = loop {
        if let Some(payload) = slow.take() {
            break payload;
        }
    };
    assert_eq!(payload[..2], 1008_u16.to_be_bytes());
    let objects = slow.objects.make_contiguous();
    assert_eq!(last_of(objects)["code"], "read_too_slowly");
    let history = objects
        .iter()
        .find(|object| object["kind"] == "history" && object["complete"] == true);
    let history = history.expect("it was sent whole before the end");
    assert_eq!(history["messages"].as_array().expect("a list").len(), 2000);
}

#[test]
fn who_breaks_the_rules_of_web_sockets_is_closed_without_an_object() {
    let (_server, web) = start(&[]);
    for (first, payload, code) in [
        (super::super::BINARY, b"{}".to_vec(), 1003),
        (TEXT, vec![b' '; 64 * 1024 + 1], 1009),
        (TEXT, b"\xFF".to_vec(), 1007),
    ] {
        let mut ann = Json::join(web);
        ann.client.send(first, payload);
        let (objects, closed, _) = ann.end();
        assert_eq!(objects, [json!(null); 0]);
        assert_eq!(closed, code);
    }
}

/// Who asks for another subprotocol, or for none, speaks in lines.
#[test]
fn without_the_subprotocol_there_are_lines() {
    let (_server, web) = start(&[]);
    let mut client = client::Client::connect(web);
    let head = "\r\nSec-WebSocket-Protocol: loopchat.v2.json, LOOPCHAT.V1.JSON\r\n\r\n";
    client.send_raw(REQUEST.trim_end().to_owned() + head);
    let head = client.read_head().to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101 ") && !head.contains("sec-websocket-protocol"),
        "{head}"
    );
    let lines = loop {
        let Frame { payload, .. } = client.read();
        if payload.starts_with(b"* ") {
            break String::from_utf8(payload).expect("text");
        }
    };
    assert!(
        lines.starts_with("* Welcome to loopchat, guest1."),
        "{lines}"
    );
}

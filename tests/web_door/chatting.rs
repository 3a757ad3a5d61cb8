//! Lines through both doors.

use serde_json::json;

use super::rig::Rig;
use super::*;
use crate::support::{Folder, Signal, replayed};

#[test]
fn a_line_from_either_door_is_heard_at_the_other() {
    let (server, web) = start(&[]);
    let mut nc = server.join();
    let mut browser = Web::join(web);
    until_in(&mut nc, &browser.name);
    nc.say("hello from nc");
    browser.expect("guest1: hello from nc");
    browser.say("hello from the browser: <b>é</b>");
    assert_eq!(nc.line(), "guest2: hello from the browser: <b>é</b>");
    // Nobody gets its own lines back: what comes next is the answer.
    browser.say("/who");
    assert_eq!(browser.line(), "* In #lobby (2): guest1, guest2");
    browser.say("/me waves");
    assert_eq!(nc.line(), "** guest2 waves");
}

#[test]
fn names_rooms_and_history_are_the_same() {
    let (server, web) = start(&[]);
    let mut nc = server.join();
    nc.say("/nick alice");
    nc.say("before");
    nc.sync();
    let mut browser = Web::connect(web);
    browser.expect("* The last 1 messages of #lobby:");
    assert_eq!(replayed(&browser.line()), "alice: before");
    // That she has come, or has a new name, may be told between these.
    browser.say("/nick Alice");
    browser.expect("! Alice is taken; try Alice2.");
    browser.say("/nick bob");
    browser.expect("* You are now bob.");
    browser.say("/join tea");
    browser.expect("* You are now in #tea with 0 others.");
    nc.say("/msg bob psst");
    browser.expect("alice -> bob: psst");
}

#[test]
fn what_nc_gets_is_what_a_browser_gets() {
    let mut rig = Rig::new(|_| {});
    let mut talker = rig.nc();
    let (mut nc, mut browser) = rig.one_at_each();
    let said = [
        "one",
        "zwei ä",
        "{\"no\":\"board\"}",
        "\u{1b}[31mred",
        "tab\there",
    ];
    for line in said {
        talker.say(line);
    }
    let hers = |line: &str| line.starts_with("guest1: ");
    let heard: Vec<String> = said.map(|_| nc.expect_line(&mut rig, hers)).into();
    let seen: Vec<String> = said.map(|_| browser.expect_line(&mut rig, hers)).into();
    assert_eq!(seen, heard);
    assert_eq!(
        heard[2], "guest1: {\"no\":\"board\"}",
        "a line never starts with a brace"
    );
}

#[test]
fn a_message_may_be_several_lines() {
    let (server, web) = start(&[]);
    let mut nc = server.join();
    let mut browser = Web::join(web);
    until_in(&mut nc, &browser.name);
    for (message, lines) in [
        ("one\ntwo\r\nthree", &["one", "two", "three"][..]),
        ("with its end\n", &["with its end"]),
        (
            "\n\n\nblank lines are no lines\n\n",
            &["blank lines are no lines"],
        ),
        ("", &[]),
    ] {
        browser.say(message);
        for line in lines {
            assert_eq!(nc.line(), format!("guest2: {line}"), "{message:?}");
        }
    }
    // More than one turn's share, in one message and in order.
    let many: Vec<String> = (0..2000).map(|n| format!("line {n}")).collect();
    browser.say(&many.join("\n"));
    browser.say("and the last");
    for line in many.iter().map(|line| &**line).chain(["and the last"]) {
        assert_eq!(nc.line(), format!("guest2: {line}"));
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_session_goes_on() {
    let (server, web) = start(&["--max-line", "100"]);
    let mut nc = server.join();
    let mut browser = Web::join(web);
    until_in(&mut nc, &browser.name);
    let long = "x".repeat(101);
    browser.say(&format!("before\n{long}\nafter"));
    browser.say(&long);
    browser.say(&"y".repeat(100));
    let refused = "! That line was not sent: it is longer than 100 bytes.";
    browser.expect(refused);
    browser.expect(refused);
    assert_eq!(nc.line(), "guest2: before");
    assert_eq!(nc.line(), "guest2: after");
    assert_eq!(nc.line(), format!("guest2: {}", "y".repeat(100)));
}

#[test]
fn what_is_no_text_ends_the_connection() {
    let (_server, web) = start(&[]);
    let mut binary = Web::join(web);
    binary.client.send(BINARY, "hello");
    assert_eq!(binary.end().code, 1003);
    let mut large = Web::join(web);
    large.client.send(TEXT, "x".repeat(64 * 1024 + 1));
    assert_eq!(large.end().code, 1009);
    let mut broken = Web::join(web);
    broken.client.send(TEXT, b"\xFF");
    assert_eq!(broken.end().code, 1007);
}

#[test]
fn whoever_leaves_is_told_goodbye_and_closed_with_a_code() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let (mut server, web) = start(&["--listen", &path]);
    let mut operator = Client::join(&path);
    let mut quits = Web::join(web);
    quits.say("/quit\nthis is not heard");
    let bye = format!("* Bye, {}.", quits.name);
    let wanted = End {
        lines: vec![bye.clone()],
        code: 1000,
        reason: bye,
    };
    assert_eq!(quits.end(), wanted);
    let kicked = Web::join(web);
    operator.say(&format!("/kick {} enough", kicked.name));
    let end = kicked.end();
    assert_eq!(
        end.lines.last().unwrap(),
        "! Disconnected: you were kicked: enough"
    );
    assert_eq!((end.code, &*end.reason), (1008, "you were kicked: enough"));
    let stays = Web::join(web);
    server.signal(Signal::TERM);
    let end = stays.end();
    let goodbye = "* The server is shutting down. Goodbye.";
    assert_eq!(end.lines.last().unwrap(), goodbye);
    assert_eq!((end.code, &*end.reason), (1001, goodbye));
    assert_eq!(operator.rest().last().unwrap(), goodbye);
    assert!(server.ended().success());
}

/// As `nc -N` gets its answers, so does who asks and closes in one go.
#[test]
fn who_asks_and_closes_in_one_go_gets_the_answer() {
    let (_server, web) = start(&[]);
    let mut asks = Web::join(web);
    let question = client::frame(TEXT, b"/who");
    let close = client::frame(CLOSE, &1000u16.to_be_bytes());
    asks.client.send_raw([question, close].concat());
    asks.expect(&format!("* In #lobby (1): {}", asks.name.clone()));
    assert_eq!(asks.take(), Some(1000u16.to_be_bytes().to_vec()));
    asks.client.expect_end();
}

#[test]
fn whoever_vanishes_has_left() {
    let mut rig = Rig::new(|_| {});
    let (mut nc, browser) = rig.one_at_each();
    let gone = format!("* {} left #lobby.", browser.name);
    let start = rig.now();
    drop(browser);
    nc.expect_line(&mut rig, |line| line == gone);
    assert!(rig.now() <= start + 1000, "it is told within a second");
    // Whoever sends a close frame has a little time to end the connection, too.
    let mut closes = rig.browser();
    nc.until_in(&mut rig, &closes.name);
    let gone = format!("* {} left #lobby.", closes.name);
    let start = rig.now();
    closes.send(CLOSE, 1000u16.to_be_bytes());
    nc.expect_line(&mut rig, |line| line == gone);
    assert_eq!(rig.now(), start + 5000);
}

#[test]
fn the_board_shows_the_rooms_as_they_are() {
    let mut rig = Rig::new(|_| {});
    let mut nc = rig.nc();
    let mut browser = rig.browser();
    let lobby =
        |members: u32, said: u32| json!({ "name": "lobby", "members": members, "said": said });
    let board = browser.board(&mut rig, |_| true);
    assert_eq!(board, json!({ "kind": "board", "rooms": [lobby(2, 0)] }));
    nc.say("one");
    nc.say("two");
    let board = browser.board(&mut rig, |board| board["rooms"][0]["said"] == 2);
    assert_eq!(board, json!({ "kind": "board", "rooms": [lobby(2, 2)] }));
    nc.say("/join tea");
    let tea = json!({ "name": "tea", "members": 1, "said": 0 });
    let board = browser.board(&mut rig, |board| {
        board["rooms"]
            .as_array()
            .is_some_and(|rooms| rooms.len() > 1)
    });
    assert_eq!(
        board,
        json!({ "kind": "board", "rooms": [lobby(1, 2), tea] })
    );
    assert!(rig.now() < 10_000);
    // A second one is shown the same at once.
    let start = rig.now();
    let mut second = rig.browser();
    assert_eq!(
        second.board(&mut rig, |_| true)["rooms"][0]["name"],
        "lobby"
    );
    assert!(rig.now() < start + 100);
}

#[test]
fn who_breaks_the_rules_has_left_the_chat_before_the_connection_ends() {
    let cut_off = [0xFF, 0x80, 1, 2, 3, 4]; // no such frame
    for wrong in [&client::frame(BINARY, b"hello")[..], &cut_off] {
        let mut rig = Rig::new(|_| {});
        let (mut nc, mut browser) = rig.one_at_each();
        let start = rig.now();
        // It does not answer the close frame, and goes on.
        browser.peer.send(wrong);
        browser.say("am I still heard?");
        assert_eq!(
            nc.line(&mut rig),
            format!("* {} left #lobby.", browser.name)
        );
        assert!(rig.now() <= start + 1000);
        nc.say("/who");
        nc.expect_line(&mut rig, |line| line.starts_with("* In #lobby (1): "));
        browser.say("it is still connected, to read why");
    }
}

//! The limits hold on this door, too.

use super::*;
use crate::support::Folder;

/// More than the system keeps for a connection, in lines of 4000 bytes.
const MUCH: usize = 5000;

#[test]
fn a_slow_reader_is_told_how_much_it_missed_and_what_has_become_of_the_rooms() {
    let (server, web) = start(&[]);
    let mut slow = Web::join(web);
    let (mut talker, mut reader) = (server.join(), server.join());
    let text = "x".repeat(4000);
    let mut said = Vec::new();
    while said.len() < MUCH {
        for _ in 0..16 {
            let line = format!("{} {text}", said.len());
            talker.say(&line);
            said.push(format!("{}: {line}", talker.name));
        }
        assert!(reader.messages(16) == said[said.len() - 16..]);
    }
    let mut got = Vec::new();
    let skipped = loop {
        match slow.line() {
            line if line.contains("skipped while you") => break line,
            line if line.starts_with("* ") => {}
            line => got.push(line),
        }
    };
    assert!(got[..] == said[..got.len()], "what it got has holes");
    let count = said.len() - got.len();
    assert!(count > 0);
    assert!(
        skipped.starts_with(&format!("* {count} lines were skipped ")),
        "{skipped}"
    );
    talker.say("and on");
    slow.expect(&format!("{}: and on", talker.name));
    slow.board(|board| board["rooms"][0]["said"].as_u64() >= Some(MUCH as u64));
}

#[test]
fn more_than_the_hard_limit_is_the_end() {
    let (server, web) = start(&[]);
    let slow = Web::join(web);
    let mut talker = server.join();
    let text = "x".repeat(3900);
    let mut said = 0;
    loop {
        for _ in 0..16 {
            talker.say(&format!("/msg {} {said} {text}", slow.name));
            said += 1;
        }
        talker.say("/who");
        let who = talker.expect_line(|line| line.starts_with("* In #lobby ("));
        if who.starts_with("* In #lobby (1): ") {
            break;
        }
        assert!(said < 50_000, "200 MB wait for it");
    }
    let end = slow.end();
    let reason = "you read too slowly, more than 256 KiB were waiting for you.";
    assert_eq!(
        end.lines.last().unwrap(),
        &format!("! Disconnected: {reason}")
    );
    assert_eq!((end.code, &*end.reason), (1008, reason));
    let told = end.lines.iter().filter(|line| line.contains(" -> "));
    for (n, line) in told.enumerate() {
        assert!(line.contains(&format!(": {n} x")), "{line:.80}");
    }
}

#[test]
fn whoever_types_too_fast_is_heard_more_slowly_and_completely() {
    let (server, web) = start(&["--flood", "50:5"]);
    let mut nc = server.join();
    let mut browser = Web::join(web);
    until_in(&mut nc, &browser.name);
    let first: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    browser.say(&first.join("\n"));
    for n in 20..40 {
        browser.say(&n.to_string());
    }
    for n in 0..40 {
        assert_eq!(nc.line(), format!("guest2: {n}"));
    }
    assert!(browser.line().contains("50 lines a second"), "it is told");
}

#[test]
fn a_line_that_is_too_long_may_be_cut_anywhere() {
    let (server, web) = start(&["--flood", "50:1", "--max-line", "16"]);
    let mut nc = server.join();
    let mut browser = Web::join(web);
    until_in(&mut nc, &browser.name);
    // Refused within a character, and nothing more is heard for a while.
    browser.say(&format!("one\nx{}\ntwo", "é".repeat(20)));
    assert_eq!(nc.line(), "guest2: one");
    assert_eq!(nc.line(), "guest2: two");
    browser.expect("! That line was not sent: it is longer than 16 bytes.");
}

#[test]
fn whoever_says_nothing_for_too_long_is_disconnected() {
    let (_server, web) = start(&["--idle-timeout", "1"]);
    let end = Web::join(web).end();
    assert_eq!(
        (end.code, &*end.reason),
        (1008, "you said nothing for 1 second.")
    );
}

#[test]
fn the_time_to_end_is_short_however_long_that_of_the_server_is() {
    let (server, web) = start(&["--shutdown-timeout", "3600"]);
    let mut nc = server.join();
    let mut leaves = Web::join(web);
    let mut closes = Web::join(web);
    until_in(&mut nc, &closes.name);
    leaves.say("/quit");
    closes.client.send(CLOSE, 1000_u16.to_be_bytes());
    // Neither does what would end it: answer the close frame, or end the connection.
    let names = [leaves.name, closes.name];
    let mut left = 0;
    while left < names.len() {
        let line = nc.expect_line(|line| line.ends_with(" left #lobby."));
        left += names.iter().filter(|name| line.contains(*name)).count();
    }
    for mut client in [leaves.client, closes.client] {
        client.wait_for_end();
    }
}

#[test]
fn a_full_server_says_so_on_both_ways_in() {
    let (server, web) = start(&["--max-connections", "2"]);
    let mut nc = server.join();
    let browser = Web::join(web);
    let reason = "the server is full, 2 are connected. Try again later.";
    let refused = pages::get(web, "/", "");
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains(reason), "{}", refused.text());
    let turned_away = Web::connect(web).end();
    assert_eq!(turned_away.lines, [format!("! Disconnected: {reason}")]);
    assert_eq!((turned_away.code, &*turned_away.reason), (1013, reason));
    // It is found out when it asks, not when it has connected.
    let waits = client::Client::connect(web);
    let gone = browser.name.clone();
    drop(browser);
    nc.expect_line(|line| line.contains(&format!("{gone} left #lobby")));
    let mut late = Web::over(waits);
    late.client.send_raw(client::REQUEST);
    assert!(late.client.read_head().starts_with("HTTP/1.1 101 "));
    assert!(late.line().starts_with("* Welcome to loopchat, "));
}

#[test]
fn pages_count_as_connections_while_they_are_open() {
    let (server, web) = start(&["--max-connections", "1"]);
    let mut visitor = client::Client::connect(web);
    visitor.send_raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(visitor.read_head().starts_with("HTTP/1.1 200 "));
    let mut nc = Client::connect(&server.address);
    assert!(
        nc.line()
            .starts_with("! Disconnected: the server is full, 1 ")
    );
    drop(visitor);
    support::eventually("its place to be free", || {
        let mut nc = Client::connect(&server.address);
        nc.line().starts_with("* Welcome").then_some(())
    });
}

#[test]
fn who_is_a_little_late_still_gets_the_board() {
    let folder = Folder::new();
    let (web, line) = (folder.text("web.sock"), folder.text("line.sock"));
    let server = Server::with(&["--web", &web, "--listen", &line]);
    server.expect_log(|line| line.contains("over HTTP on "));
    let mut operator = Client::join(&line);
    let mut slow = Web::over(open_ipc(&web, client::REQUEST)).greeted();
    let mut viewer = Web::over(open_ipc(&web, client::REQUEST)).greeted();
    // Until the system takes no more, which is long before anything is left out.
    let text = "x".repeat(1000);
    loop {
        operator.say(&format!("/msg {} {text}", slow.name));
        operator.say("/connections");
        let start = format!("*   {}, ", slow.name);
        let waits = operator.expect_line(|line| line.starts_with(&start));
        if !waits.contains(": 0 bytes wait") {
            break;
        }
    }
    operator.say("/join tea");
    let has_tea = |board: &serde_json::Value| {
        let rooms = board["rooms"].as_array().expect("rooms");
        rooms.iter().any(|room| room["name"] == "tea")
    };
    viewer.board(has_tea);
    operator.say(&format!("/msg {} done", slow.name));
    slow.expect_line(|line| line.ends_with(": done"));
    assert!(slow.boards.iter().any(has_tea), "{:?}", slow.boards);
}

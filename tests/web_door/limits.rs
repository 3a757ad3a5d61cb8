//! The limits hold on this door, too.

use super::rig::Rig;
use super::*;
use crate::support::replayed;

#[test]
fn a_slow_reader_is_told_how_much_it_missed_and_what_has_become_of_the_rooms() {
    const MUCH: usize = 500;
    let mut rig = Rig::new(|_| {});
    let mut slow = rig.browser();
    let (mut talker, mut reader) = (rig.nc(), rig.nc());
    let text = "x".repeat(4000);
    let mut said = Vec::new();
    while said.len() < MUCH {
        for _ in 0..16 {
            let line = format!("{} {text}", said.len());
            talker.say(&line);
            said.push(format!("{}: {line}", talker.name));
        }
        let own = |line: &str| !line.starts_with("* ");
        let heard: Vec<_> = (0..16).map(|_| reader.expect_line(&mut rig, own)).collect();
        assert!(heard == said[said.len() - 16..]);
    }
    let mut got = Vec::new();
    let skipped = loop {
        match slow.line(&mut rig) {
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
    let wanted = format!("{}: and on", talker.name);
    slow.expect_line(&mut rig, |line| line == wanted);
    slow.board(&mut rig, |board| {
        board["rooms"][0]["said"].as_u64() >= Some(MUCH as u64)
    });
}

#[test]
fn more_than_the_hard_limit_is_the_end() {
    // More than the system keeps for a connection, in one answer.
    const MUCH: usize = 5000;
    let (server, web) = start(&["--history", "10000", "--history-bytes", "67108864"]);
    let mut talker = server.join();
    let text = "x".repeat(3900);
    for said in 0..MUCH {
        talker.say(&format!("{said} {text}"));
    }
    talker.sync();
    let mut slow = Web::join(web);
    slow.say("/history 10000");
    talker.expect_line(|line| line.contains(&format!("{} left #lobby", slow.name)));
    let end = slow.end();
    let reason = "you read too slowly, more than 256 KiB were waiting for you.";
    assert_eq!(
        end.lines.last().unwrap(),
        &format!("! Disconnected: {reason}")
    );
    assert_eq!((end.code, &*end.reason), (1008, reason));
    let author = format!("{}: ", talker.name);
    // Before that, a newcomer was shown the last few.
    let start = format!("* The last {MUCH} messages of #lobby:");
    let answer = end.lines.iter().skip_while(|line| **line != start);
    let told = answer.skip(1).take(MUCH).map(|line| replayed(line));
    let told = told.filter_map(|line| line.strip_prefix(&author));
    let mut count = 0;
    for (n, line) in told.enumerate() {
        assert!(line.starts_with(&format!("{n} x")), "{line:.80}");
        count += 1;
    }
    assert_eq!(count, MUCH);
}

#[test]
fn whoever_types_too_fast_is_heard_more_slowly_and_completely() {
    let mut rig = Rig::new(|config| config.flood = Some("50:5".parse().expect("a limit")));
    let (mut nc, mut browser) = rig.one_at_each();
    let start = rig.now();
    let first: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    browser.say(&first.join("\n"));
    for n in 20..40 {
        browser.say(&n.to_string());
    }
    for n in 0..40u64 {
        assert_eq!(nc.line(&mut rig), format!("guest2: {n}"));
        // Five at once, and then one in 20 ms.
        let due = start + 20 * n.saturating_sub(4);
        assert!(
            (due..=due + 20).contains(&rig.now()),
            "{n}: {}",
            rig.now() - start
        );
    }
    browser.expect_line(&mut rig, |line| line.contains("50 lines a second"));
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
fn a_full_server_says_so_on_both_ways_in() {
    let mut rig = Rig::new(|config| config.max_connections = 2);
    let (mut nc, browser) = rig.one_at_each();
    let reason = "the server is full, 2 are connected. Try again later.";
    let mut refused = rig.visitor();
    refused.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = rig.0.rest(&mut refused);
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains(reason),
        "{answer}"
    );
    let visitor = rig.visitor();
    let turned_away = rig.upgrade(visitor, client::REQUEST).end(&mut rig);
    assert_eq!(turned_away.lines, [format!("! Disconnected: {reason}")]);
    assert_eq!((turned_away.code, &*turned_away.reason), (1013, reason));
    // It is found out when it asks, not when it has connected.
    let waits = rig.visitor();
    let gone = browser.name.clone();
    drop(browser);
    nc.expect_line(&mut rig, |line| {
        line.contains(&format!("{gone} left #lobby"))
    });
    let mut late = rig.upgrade(waits, client::REQUEST);
    assert!(late.line(&mut rig).starts_with("* Welcome to loopchat, "));
}

/// Those who are turned away hold descriptors that members could have, so there is a limit on
/// them, too: whoever comes on top is closed without a word.
#[test]
fn no_more_than_64_are_turned_away_at_a_time() {
    let mut rig = Rig::new(|config| config.max_connections = 1);
    let _member = rig.browser();
    let mut waiting: Vec<_> = (0..64).map(|_| rig.visitor()).collect();
    for peer in &mut waiting {
        assert_eq!(peer.ended(), None, "it may still ask, and is told why then");
    }
    for _ in 0..3 {
        let mut one_more = rig.visitor();
        assert!(one_more.ended().is_some());
        assert_eq!(one_more.text(), "");
    }
    // Somebody goes, and somebody may come.
    drop(waiting.pop());
    rig.0.settle();
    let mut next = rig.visitor();
    assert_eq!(next.ended(), None);
    let mut one_more = rig.visitor();
    assert!(one_more.ended().is_some());
    waiting[0].send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = rig.0.rest(&mut waiting[0]);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
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
    let mut rig = Rig::new(|_| {});
    let mut operator = rig.nc();
    let (mut slow, mut viewer) = (rig.browser(), rig.browser());
    // Until the system takes no more, which is long before anything is left out.
    let text = "x".repeat(1000);
    loop {
        operator.say(&format!("/msg {} {text}", slow.name));
        operator.say("/connections");
        let start = format!("*   {}, ", slow.name);
        let waits = operator.expect_line(&mut rig, |line| line.starts_with(&start));
        if !waits.contains(": 0 bytes wait") {
            break;
        }
    }
    operator.say("/join tea");
    let has_tea = |board: &serde_json::Value| {
        let rooms = board["rooms"].as_array().expect("rooms");
        rooms.iter().any(|room| room["name"] == "tea")
    };
    viewer.board(&mut rig, has_tea);
    operator.say(&format!("/msg {} done", slow.name));
    slow.expect_line(&mut rig, |line| line.ends_with(": done"));
    slow.board(&mut rig, has_tea);
}

/// Catches: a connection that counts twice, as one and as a WebSocket.
#[test]
fn a_web_socket_is_one_connection() {
    let (_server, web) = start(&["--connects", "1:10", "--max-per-address", "10"]);
    let here: Vec<Web> = (0..10).map(|_| Web::join(web)).collect();
    assert_eq!(here.len(), 10);
}

//! A message of many lines is heard in several turns. Whoever ends meanwhile, in whichever way, has
//! said all of it, and who only ends its own side gets all its answers.

use serde_json::json;

use super::TEXT;
use super::client;
use super::rig::{Nc, Rig};
use super::turns::json_member;
use super::virtual_time::Peer;

/// What is sent, the lines that others hear of it, and the answers that are due.
struct Said {
    bytes: Vec<u8>,
    heard: Vec<String>,
    histories: usize,
    refs: usize,
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("line {number}.")).collect()
}

/// Lines, a dear question behind each.
fn with_questions(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("{line}\n/history 200\n"));
    lines.collect()
}

fn frame(text: &str) -> Vec<u8> {
    client::frame(TEXT, text.as_bytes())
}

fn one_object(text: &str) -> Vec<u8> {
    frame(&json!({ "kind": "line", "text": text, "ref": "all" }).to_string())
}

fn objects(lines: &[&str]) -> Vec<String> {
    let object = |(at, line)| json!({ "kind": "line", "text": line, "ref": at }).to_string();
    lines.iter().enumerate().map(object).collect()
}

/// A message of many lines, one of dear questions, and objects in one message or in several.
fn ways() -> Vec<(&'static str, bool, Said)> {
    let (many, few) = (numbered(1500), numbered(20));
    let asked = with_questions(&few);
    let each: Vec<&str> = asked.lines().collect();
    let said = |bytes: Vec<u8>, heard: &Vec<String>, histories, refs| Said {
        bytes,
        heard: heard.clone(),
        histories,
        refs,
    };
    let apart: Vec<u8> = objects(&each).iter().flat_map(|text| frame(text)).collect();
    vec![
        ("lines", false, said(frame(&many.join("\n")), &many, 0, 0)),
        ("questions", false, said(frame(&asked), &few, 20, 0)),
        (
            "an object",
            true,
            said(one_object(&many.join("\n")), &many, 0, 1),
        ),
        (
            "one of questions",
            true,
            said(one_object(&asked), &few, 20, 1),
        ),
        (
            "objects",
            true,
            said(frame(&objects(&each).join("\n")), &few, 20, 40),
        ),
        ("objects apart", true, said(apart, &few, 20, 40)),
    ]
}

/// Somebody who says it in a room with a history, and somebody there who hears it.
fn speaker(is_json: bool) -> (Rig, Peer, Nc) {
    let mut rig = Rig::new(|config| {
        config.flood = None;
        config.outbox_soft = 1 << 20; // the listener misses nothing
        config.outbox_hard = 1 << 22;
    });
    let mut listener = rig.nc();
    for number in 0..100 {
        listener.say(&format!("{number} {}", "x".repeat(300)));
        rig.0.settle();
    }
    let mut peer = match is_json {
        true => json_member(&mut rig),
        false => rig.browser().peer,
    };
    rig.0.run_for(2000);
    rig.0.drain_bytes(&mut peer);
    rig.0.drain_bytes(&mut listener.peer);
    (rig, peer, listener)
}

fn hears_all(rig: &mut Rig, listener: &mut Nc, way: &str, heard: &[String]) {
    let last = heard.last().expect("something is said");
    let text = rig.0.read_until(&mut listener.peer, last);
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let lines: Vec<&str> = lines.map(|(_, said)| said).collect();
    assert!(lines == heard, "{way}: {} of {}", lines.len(), heard.len());
}

/// Catches: what is still to be heard of a message is forgotten when the stream's end comes, or the
/// end is passed on before the last answers are.
#[test]
fn who_ends_its_side_is_heard_and_answered_in_full() {
    for (way, is_json, said) in ways() {
        let (mut rig, mut peer, mut listener) = speaker(is_json);
        peer.send(&said.bytes);
        peer.shut_down();
        let (text, _) = rig.0.end(&mut peer);
        let done = text.matches(r#""kind":"done""#).count();
        assert_eq!(done, said.refs, "{way}");
        hears_all(&mut rig, &mut listener, way, &said.heard);
        let asked = match is_json {
            true => text.matches(r#""kind":"history""#).count(),
            false => text.matches("* The last ").count(),
        };
        assert_eq!(asked, said.histories, "{way}");
    }
}

/// Catches: the same when the connection is closed, so that nothing can be sent any more.
#[test]
fn who_is_gone_has_said_all_that_had_come() {
    for (way, is_json, said) in ways() {
        let (mut rig, mut peer, mut listener) = speaker(is_json);
        peer.send(&said.bytes);
        rig.0.turn(); // it is being read
        drop(peer);
        hears_all(&mut rig, &mut listener, way, &said.heard);
    }
}

/// Catches: a server that ends while a message that has come is still to be heard.
#[test]
fn what_had_come_is_heard_before_the_server_ends() {
    for (way, is_json, said) in ways() {
        let (mut rig, mut peer, mut listener) = speaker(is_json);
        let mut operator = rig.nc();
        rig.0.drain_bytes(&mut listener.peer);
        peer.send(&said.bytes);
        operator.say("/shutdown");
        rig.0.end(&mut peer);
        hears_all(&mut rig, &mut listener, way, &said.heard);
    }
}

/// Catches: blank lines, which may still be the beginning of anything, and a dear one behind them,
/// of which the loop hears none again and again when the stream has ended.
#[test]
fn a_beginning_of_blank_lines_ends() {
    for (blank, dear) in [(256, 600), (3000, 600), (256, 0)] {
        let mut rig = Rig::new(|_| {});
        let mut listener = rig.nc();
        let mut peer = rig.0.connect("line");
        peer.send(format!("{}{}\nhello", "\n".repeat(blank), " ".repeat(dear)));
        peer.shut_down();
        let (text, _) = rig.0.end(&mut peer);
        assert!(text.contains("Welcome"), "{text}");
        rig.0.read_until(&mut listener.peer, ": hello");
    }
}

/// Catches: a message behind a farewell that is kept to be heard, so that the connection ends only
/// when its time is over.
#[test]
fn what_comes_after_a_farewell_keeps_nobody() {
    let (mut rig, mut peer, mut operator) = speaker(false);
    for _ in 0..20 {
        peer.send(frame("/history 200"));
    }
    rig.0.settle(); // its answers wait for it
    operator.say("/kick guest2 enough");
    rig.0.settle();
    peer.send(frame("too late"));
    rig.0.settle();
    peer.shut_down();
    let start = rig.now();
    let (text, _) = rig.0.end(&mut peer);
    assert!(text.contains("you were kicked: enough"), "{text}");
    assert_eq!(rig.now(), start, "it took no time");
}

/// Catches: a deadline farther away than a timer goes, for which the server wakes every millisecond.
#[test]
fn a_room_that_is_kept_for_a_month_wakes_nobody() {
    let mut rig = Rig::new(|config| config.room_linger = 31 * 24 * 60 * 60);
    let mut nc = rig.nc();
    for line in ["/join tea", "hello", "/join lobby"] {
        nc.say(line);
    }
    rig.0.run_for(5000); // all have been told who is here
    let before = rig.0.event_loop.counters().turns;
    rig.0.run_for(60_000);
    let turns = rig.0.event_loop.counters().turns - before;
    assert!(
        turns < 100,
        "{turns} turns in a minute in which nothing happens"
    );
}

//! After a start anew programs go on where they were: numbers, epochs, pages, searches.

use serde_json::{Value, json};

use super::program::Program;
use super::*;
use crate::support::Signal;

/// More than a room keeps in memory.
const LINES: usize = 320;

fn texts(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().expect("a list").iter();
    let texts = messages.map(|message| message["text"].as_str().expect("a text").to_owned());
    texts.collect()
}

/// Catches: a room that begins anew, numbers of one life in another, a page that ends where the
/// memory does, a search that finds half, and what was missed and cannot be read.
#[test]
fn a_program_reads_on_after_the_server_was_killed() {
    let folder = Folder::new();
    let store = folder.text("store");
    let mut server = keeping(&store);
    let mut ann = Program::join(&server.address);
    let before = ann.enter("tea");
    assert_eq!(
        (&before["kept"], &before["last"]),
        (&json!(true), &json!(0))
    );
    let mut numbers = Vec::new();
    for at in 0..LINES {
        ann.say(&format!("line {at}"));
        let number = ann.find("message")["number"].as_u64();
        numbers.push(number.expect("it has a place"));
    }
    server.signal(Signal::KILL);
    server.ended();
    let server = keeping(&store);
    let mut ann = Program::join(&server.address);
    let after = ann.enter("tea");
    assert_eq!(after["epoch"], before["epoch"]);
    assert_eq!(after["last"], json!(numbers[LINES - 1]));
    let epoch = &after["epoch"];
    // What it has missed, if it has heard all but ten.
    let missed = ann.page("tea", epoch, ("after", numbers[LINES - 11]), 100);
    assert_eq!(
        (texts(&missed).len(), &missed["complete"]),
        (10, &json!(true))
    );
    assert_eq!(texts(&missed)[9], format!("line {}", LINES - 1));
    // All of it, from the end to the beginning.
    let (mut from, mut all) = (u64::MAX >> 12, Vec::new());
    loop {
        let page = ann.page("tea", epoch, ("before", from), 100);
        let mut texts = texts(&page);
        texts.append(&mut all);
        all = texts;
        match page["next"].as_u64() {
            Some(next) => from = next,
            None => {
                assert_eq!(page["complete"], true, "nothing was said before");
                break;
            }
        }
    }
    let wanted: Vec<String> = (0..LINES).map(|at| format!("line {at}")).collect();
    assert_eq!(all, wanted);
    ann.say("/search line 7");
    let found = ann.find("found");
    assert_eq!(texts(&found), ["line 7"]);
    ann.say("one more");
    let more = ann.find("message");
    assert_eq!(more["previous"], json!(numbers[LINES - 1]));
    assert!(more["number"].as_u64() > Some(numbers[LINES - 1]));
}

/// Catches: what has come before the end, and is not kept; a journal that nobody needs.
#[test]
fn an_end_that_is_an_orderly_one_leaves_nothing_behind() {
    let folder = Folder::new();
    let store = folder.text("store");
    let mut server = keeping(&store);
    let mut ann = Program::join(&server.address);
    ann.enter("tea");
    for at in 0..100 {
        ann.send(&json!({ "kind": "line", "text": format!("line {at}") }));
    }
    ann.0.half_close();
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    let path = folder.path("store").join("chat.sqlite-wal");
    let journal = std::fs::metadata(path).map_or(0, |journal| journal.len());
    assert_eq!(journal, 0, "all is in the database");
    assert_eq!(kept(&store, "tea").len(), 100);
}

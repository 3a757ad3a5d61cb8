//! What others can do to a member by what they say: it may miss some of it, and is never thrown
//! out.

use super::slow::with_a_small_window;
use super::*;

const AUTHORS: usize = 3;
const EACH: usize = 80;

/// Catches: a member that strangers have disconnected by private messages; messages that are lost
/// and nobody is told.
#[test]
fn private_messages_throw_nobody_out_and_none_is_lost_unsaid() {
    let server = Server::start();
    let mut authors = all_join(&server.address, AUTHORS);
    let mut reader = with_a_small_window(&server);
    let text = "x".repeat(4000);
    let refusal = format!("! Not delivered: {} reads too slowly.", reader.name);
    let mut refused = 0;
    for author in &mut authors {
        for n in 0..EACH {
            author.say(&format!("/msg {} {n} {text}", reader.name));
        }
        let answers = author.sync();
        refused += answers.iter().filter(|line| **line == refusal).count();
    }
    assert!(refused > 0, "it reads nothing");
    let (mut delivered, mut missed) = (0, 0);
    while missed < refused {
        let line = reader.line();
        assert!(!line.starts_with("! "), "{line}");
        let rest = line.strip_prefix("* ").and_then(|rest| {
            let (count, rest) = rest.split_once(" private message")?;
            rest.ends_with(" not delivered while you were not reading.")
                .then(|| count.parse::<usize>().expect("a count"))
        });
        missed += rest.unwrap_or(0);
        delivered += usize::from(line.contains(" -> "));
    }
    assert_eq!((missed, delivered), (refused, AUTHORS * EACH - refused));
    reader.sync();
}

/// Catches: the same by one author alone, who fills what all have together.
#[test]
fn one_author_leaves_room_for_another() {
    let server = Server::start();
    let [mut loud, mut quiet] = [(); 2].map(|()| server.join());
    let mut reader = with_a_small_window(&server);
    let text = "x".repeat(1000);
    for n in 0..2000 {
        loud.say(&format!("/msg {} {n} {text}", reader.name));
    }
    loud.expect(&format!(
        "! Not delivered: {} reads too slowly.",
        reader.name
    ));
    loud.sync();
    quiet.say(&format!("/msg {} hello", reader.name));
    assert_eq!(
        quiet
            .sync()
            .iter()
            .filter(|line| line.starts_with("! "))
            .count(),
        0
    );
    let hello = format!("{} -> {}: hello", quiet.name, reader.name);
    reader.expect(&hello);
}

/// Catches: the same by topics, which were never left out.
#[test]
fn topics_throw_nobody_out() {
    let server = Server::with(&["--max-topic", "1000"]);
    let mut authors = all_join(&server.address, AUTHORS);
    let mut reader = with_a_small_window(&server);
    let text = "\u{1F600}".repeat(950);
    for n in 0..200 {
        for author in &mut authors {
            author.say(&format!("/topic {n} {text}"));
        }
    }
    for author in &mut authors {
        author.sync();
    }
    reader.sync();
}

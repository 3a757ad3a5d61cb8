//! Who is sent away for what it does not read, and why it is told so, on a clock that jumps: it has
//! five seconds for its last lines, which are many, and a busy machine may take longer to read them.

use super::house::{House, Nc};
use super::many::Account;
use super::*;

/// Lines that a socket file has room for.
const LINES_AT_ONCE: usize = 16;

/// Has one say some more, while another one reads it.
fn talk(house: &mut House, talker: &mut Nc, reader: &mut Nc, said: &mut Vec<String>) {
    let text = "x".repeat(4000);
    let first = said.len();
    for n in first..first + LINES_AT_ONCE {
        talker.peer.send(format!("{n} {text}\n"));
        said.push(format!("{}: {n} {text}", talker.name));
    }
    house.0.settle();
    let heard = house.0.drain(&mut reader.peer);
    assert!(messages(lines(&heard)) == said[first..]);
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// A member's own answers are never left out: too much of them is too much. What others say to it,
/// however much that is, is left out instead, and who said it is told.
#[test]
fn more_than_the_hard_limit_is_the_end() {
    /// Ten times the hard limit.
    const MUCH: usize = 640;
    let mut house = House::new(|config| {
        (config.history, config.history_bytes) = (10_000, 64 << 20);
        config.stall_timeout = 3600;
    });
    let [stalled, mut talker, mut reader] = house.three();
    let mut said = Vec::new();
    while said.len() < MUCH {
        talk(&mut house, &mut talker, &mut reader, &mut said);
    }
    let private = format!("/msg {} {}\n", stalled.name, "x".repeat(3900));
    let refusal = format!("! Not delivered: {} reads too slowly.", stalled.name);
    let mut refused = 0;
    while refused < 500 {
        (0..LINES_AT_ONCE).for_each(|_| talker.peer.send(&private));
        let answers = house.0.drain(&mut talker.peer);
        refused += answers.lines().filter(|line| *line == refusal).count();
    }

    let mut slow = house.nc();
    slow.peer.send("/history 10000\n");
    house.0.settle();
    assert!(!house.is_here(&slow.name, &mut talker), "it is sent away");
    let start = house.0.now();
    let mut got = lines(&house.0.rest(&mut slow.peer));
    assert_eq!(house.0.now(), start, "nothing is waited for");
    let last = got.pop().expect("a last line");
    assert_eq!(
        last,
        "! Disconnected: you read too slowly, more than 256 KiB were waiting for you."
    );
    // Before that, a newcomer was shown the last few.
    let start = format!("* The last {} messages of #lobby:", said.len());
    let answer = got.into_iter().skip_while(|line| *line != start);
    let answer = messages(answer.collect());
    let told = answer.iter().map(|line| replayed(line));
    assert!(told.eq(&said), "what it got has holes");
    assert!(house.is_here(&stalled.name, &mut talker));
}

#[test]
fn a_reader_that_stalls_is_disconnected_and_told_why() {
    let mut house = House::new(|config| config.stall_timeout = 1);
    let [mut stalled, mut talker, mut reader] = house.three();
    let start = house.0.now();
    let mut said = Vec::new();
    while house.is_here(&stalled.name, &mut talker) {
        talk(&mut house, &mut talker, &mut reader, &mut said);
        house.0.run_for(50);
    }
    // They are looked for once a second.
    let took = house.0.now() - start;
    assert!((1000..=3000).contains(&took), "{took} ms");
    // It has been read in no time, so that it has been read in time.
    let mut got = lines(&house.0.rest(&mut stalled.peer));
    let last = got.pop().expect("a last line");
    assert_eq!(last, "! Disconnected: you read nothing for 1 second.");
    let mut account = Account::of(&said);
    got.iter().for_each(|line| account.note(line));
}

/// Catches: a last line that is kept for somebody for ever, or for less than was promised.
#[test]
fn last_lines_wait_for_five_seconds() {
    for is_in_time in [true, false] {
        let mut house = House::new(|config| config.history_bytes = 64 << 20);
        let [_, mut talker, mut reader] = house.three();
        let mut said = Vec::new();
        for _ in 0..10 {
            talk(&mut house, &mut talker, &mut reader, &mut said);
        }
        let mut slow = house.nc();
        slow.peer.send("/history 200\n");
        house.0.settle();
        assert!(!house.is_here(&slow.name, &mut talker), "it is sent away");
        let due = house.0.now() + 5000;
        house.0.run_to(if is_in_time { due - 1 } else { due });
        let (text, _) = house.0.end(&mut slow.peer);
        let is_told = text.contains("! Disconnected: you read too slowly");
        assert_eq!(is_told, is_in_time);
    }
}

//! How much may be under way to a log that takes its time, and who waits then.

use super::*;

/// Catches: memory without a limit behind a log that has stopped.
#[test]
fn behind_a_log_that_has_stopped_everybody_waits() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    let mut said = 0;
    while !house.hub.has_to_wait(ann, "more") {
        house.says(ann, "more");
        said += 1;
    }
    assert_eq!(said, 64, "of one member");
    assert!(!house.hub.has_to_wait(bob, "hello"));
    let long = "x".repeat(4000);
    let mut others = Vec::new();
    while house.hub.draft_bytes() <= 8 * 1024 * 1024 {
        let other = house.connect(STRANGER, LINES);
        (0..64).for_each(|_| house.hears(other, &long));
        others.push(other);
    }
    for line in ["hello", "/who"] {
        assert!(house.hub.has_to_wait(bob, line), "{line}");
    }
    log.commit(0);
    house.settle();
    house.commit_all(&log);
    let released = house.hub.take_released();
    assert!(
        released.contains(&ann) && released.contains(&bob),
        "{released:?}"
    );
    assert_eq!(released.len(), 2, "each once");
    assert_eq!(house.hub.draft_bytes(), 0);
}

/// Catches: all that was said while the log had stopped, in one write to everybody.
#[test]
fn news_of_a_log_that_had_stopped_is_delivered_in_pieces() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    let long = "x".repeat(1000);
    (0..64).for_each(|_| house.hears(ann, &long));
    house.turn();
    (0..64).for_each(|_| log.commit(0));
    let mut largest = 0;
    while {
        let is_more = house.hub.settle(house.at());
        let before = house.read.get(&bob).map_or(0, String::len);
        house.turn();
        largest = largest.max(house.read[&bob].len() - before);
        is_more
    } {}
    assert!(largest < 20_000, "{largest}");
    assert_eq!(house.take([bob])[0].len(), 64);
}

/// Catches: who has said as much as may be under way, and waits until all of it is settled.
#[test]
fn messages_wait_for_room_and_no_longer() {
    let (mut house, log, [ann]) = House::with_log_and();
    while !house.hub.has_to_wait(ann, "more") {
        house.says(ann, "more");
    }
    for settled in 1..=32 {
        log.commit(0);
        house.settle();
        let released = house.hub.take_released();
        assert_eq!(released.is_empty(), settled < 32, "{settled}");
    }
    assert!(!house.hub.has_to_wait(ann, "more"));
    assert!(house.hub.has_to_wait(ann, "/who"), "commands do wait");
    house.commit_all(&log);
    assert_eq!(house.hub.take_released(), [ann]);
}

#[test]
fn when_the_server_ends_nothing_more_is_heard() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "one");
    house.hub.hear_no_more();
    assert!(house.hub.has_to_wait(bob, "two"));
    house.commit_all(&log);
    assert!(!house.hub.has_drafts());
    assert!(house.hub.has_to_wait(bob, "three"));
}

/// Catches: answers that overtake a line when there are too many to come behind it.
#[test]
fn who_has_too_much_to_come_behind_a_line_waits() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    house.hears(ann, "one");
    let pong = b"{\"kind\":\"pong\"}\n";
    let mut pongs = 0;
    while !house.hub.awaits_log(ann) {
        house.hub.tell_behind(ann, pong);
        pongs += 1;
    }
    assert!(pongs * pong.len() > 16 * 1024);
    house.turn();
    assert_eq!(house.take([ann]), [lines(&[])]);
    house.commit_all(&log);
    assert_eq!(house.hub.take_released(), [ann]);
    let [read] = house.take([ann]);
    assert_eq!(read.len(), 1 + pongs);
    assert!(read[0].contains("\"message\""), "{}", read[0]);
}

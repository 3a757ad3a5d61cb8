//! What others see of who comes back, and what it is afterwards.

use super::*;
use crate::server::core::resuming::CLIENT_IDS;

fn count(read: &[String], end: &str) -> usize {
    read.iter().filter(|line| line.ends_with(end)).count()
}

/// Catches: a member of whom others hear that it comes, and never that it goes.
#[test]
fn who_is_back_in_a_room_that_it_watches_is_known_to_go() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    house.says(ann, "/watch tea");
    house.says(bob, "/join tea");
    let token = house.token(ann, 7);
    house.cut(ann);
    house.pass(2000);
    house.pass(2000);
    house.read.clear();
    let back = house.resume(token, &[]).expect("it goes on");
    house.pass(500);
    house.cut(back);
    house.pass(2000);
    let [heard] = house.take([bob]);
    let (come, gone) = (count(&heard, "joined #tea."), count(&heard, "left #tea."));
    assert_eq!((come, gone), (1, 1), "{heard:?}");
}

/// Catches: somebody who comes back where it listened, and speaks elsewhere than before.
#[test]
fn who_is_back_speaks_where_it_spoke() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    for session in [ann, bob] {
        house.says(session, "/join tea");
    }
    let token = house.token(ann, 7);
    house.cut(ann);
    let newcomer = house.connect(STRANGER, JSON);
    house.says(newcomer, "/watch tea");
    let resumed = house.hub.resume(newcomer, token, &[], house.at());
    assert!(resumed.is_some());
    house.turn();
    house.read.clear();
    house.says(newcomer, "here");
    let [heard] = house.take([bob]);
    assert_eq!(count(&heard, "guest1: here"), 1, "{heard:?}");
}

/// Catches: a member without a connection that nobody can get rid of.
#[test]
fn who_is_back_by_its_only_session_may_quit() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    let token = house.token(ann, 7);
    house.says(ann, "one");
    house.cut(ann);
    let back = house.resume(token, &[]).expect("it goes on");
    let member = house.member(back);
    house.commit_all(&log);
    house.says(back, "/quit");
    assert_eq!(house.hub.chat().room_of(member), None);
}

/// Catches: whoever waits until less is under way, and is never told that it is.
#[test]
fn what_nobody_is_told_any_more_makes_room() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.hub.limit_drafts(64, 1000);
    let token = house.token(ann, 7);
    house.says_as(ann, "a", "one");
    house.hub.tell_behind(ann, &[b'x'; 1000]);
    assert!(house.hub.has_to_wait(bob, "hello"));
    assert!(house.resume(token, &[]).is_some());
    assert_eq!(house.hub.take_released(), [bob]);
    assert!(!house.hub.has_to_wait(bob, "hello"));
    house.commit_all(&log);
}

/// Catches: somebody in the place of a member that has left, who is taken for it, reads what that
/// has said as its own, and reads nothing else of it.
#[test]
fn what_was_said_with_an_id_whoever_has_its_place_hears() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.token(ann, 7);
    house.says_as(ann, "a", "one");
    // Nobody waits for it any more: so the server ends.
    let reason = DisconnectReason::Shutdown;
    house.hub.disconnect_everyone(&reason, house.at());
    house.turn();
    let bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.read.clear();
    log.commit(0);
    house.settle();
    let [heard] = house.take([bob]);
    assert_eq!(count(&heard, "guest1: one"), 1, "{heard:?}");
    house.says(bob, "two");
    house.commit_all(&log);
}

/// Catches: something that is said twice, since much was said while it was under way.
#[test]
fn what_is_under_way_is_known_however_much_is_said_meanwhile() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    let _bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.token(ann, 7);
    house.says_as(ann, "slow", "/msg guest2 psst");
    for number in 0..CLIENT_IDS {
        house.says_as(ann, &format!("c-{number}"), "one");
        log.commit(1);
        house.settle();
    }
    assert_eq!(log.len(), 1);
    house.says_as(ann, "slow", "/msg guest2 psst");
    assert_eq!(log.len(), 1, "it is under way");
    house.commit_all(&log);
}

/// Catches: the newcomer that it was is gone before it has come.
#[test]
fn what_the_newcomer_was_told_comes_before_that_it_is_gone() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    let token = house.token(ann, 7);
    let newcomer = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    house.hub.tell_as_it_is(newcomer, b"{\"kind\":\"pong\"}\n");
    let resumed = house.hub.resume(newcomer, token, &[], house.at());
    let session = resumed.expect("it goes on").session;
    house.turn();
    let [read] = house.take([session]);
    let place = |kind: &str| read.iter().position(|line| line.contains(kind));
    let (pong, gone) = (place("\"pong\""), place("\"presence\""));
    assert!(
        pong.is_some() && gone.is_none_or(|gone| pong < Some(gone)),
        "{read:?}"
    );
}

use std::time::Duration;

use super::*;

fn set(timers: &mut Timers<&'static str>, start: u64, ms: u64, name: &'static str) -> Timer {
    timers.insert(start, ms, false, true, Target::Callback(name))
}

fn run(timers: &mut Timers<&'static str>, now: u64) -> Vec<&'static str> {
    let mut pass = timers.pass(now);
    let mut ran = Vec::new();
    while let Some((timer, target)) = take_next(timers, &mut pass) {
        if let Target::Callback(name) = target {
            ran.push(name);
        }
        timers.fired(timer, now, target);
    }
    ran
}

fn take_next(
    timers: &mut Timers<&'static str>,
    pass: &mut Pass,
) -> Option<(Timer, Target<&'static str>)> {
    loop {
        if let Due::Timer(timer) = timers.next_due(pass)? {
            return Some((timer, timers.take(timer)?));
        }
    }
}

#[test]
fn lists_of_one_duration_run_together_as_in_node() {
    let mut timers = Timers::default();
    set(&mut timers, 0, 40, "A due at 40");
    set(&mut timers, 20, 40, "B due at 60");
    set(&mut timers, 20, 30, "C due at 50");
    assert_eq!(
        run(&mut timers, 100),
        ["A due at 40", "B due at 60", "C due at 50"]
    );
    assert!(!timers.any_referenced());
    assert_eq!(timers.next_expiry(), None);
}

#[test]
fn delays_outside_the_range_become_one() {
    let mut timers = Timers::default();
    set(&mut timers, 0, 0, "zero");
    set(&mut timers, 0, LONGEST + 1, "too long");
    assert_eq!(run(&mut timers, 0), [""; 0]);
    assert_eq!(run(&mut timers, 1), ["zero", "too long"]);
}

#[test]
fn a_list_waits_for_its_next_head() {
    let mut timers = Timers::default();
    set(&mut timers, 0, 10, "a");
    set(&mut timers, 5, 10, "b");
    assert_eq!(run(&mut timers, 10), ["a"]);
    assert_eq!(timers.next_expiry(), Some(15));
    assert_eq!(run(&mut timers, 15), ["b"]);
}

/// Catches: a list that goes back into the queue at the place it had, before lists that have waited
/// for the same time since longer.
#[test]
fn a_list_that_waits_again_goes_behind_its_equals() {
    let mut timers = Timers::default();
    set(&mut timers, 0, 40, "a, due at 40");
    set(&mut timers, 0, 60, "c, due at 60");
    set(&mut timers, 20, 40, "b, due at 60 in the list of a");
    assert_eq!(run(&mut timers, 40), ["a, due at 40"]);
    assert_eq!(
        run(&mut timers, 60),
        ["c, due at 60", "b, due at 60 in the list of a"]
    );
}

#[test]
fn clearing_unlinks_from_anywhere_and_stale_ids_do_nothing() {
    let mut timers = Timers::default();
    let ids: Vec<_> = ["a", "b", "c", "d"]
        .map(|n| set(&mut timers, 0, 10, n))
        .into();
    assert!(timers.clear(ids[0]) && timers.clear(ids[2]));
    assert!(!timers.clear(ids[2]));
    let e = set(&mut timers, 0, 10, "e"); // takes a freed slot
    assert!(!timers.clear(ids[0]) && !timers.refresh(ids[2], 0));
    assert_eq!(run(&mut timers, 10), ["b", "d", "e"]);
    assert!(!timers.clear(e));
}

#[test]
fn refresh_moves_behind_siblings() {
    let mut timers = Timers::default();
    let a = set(&mut timers, 0, 10, "a");
    set(&mut timers, 1, 10, "b");
    assert!(timers.refresh(a, 5));
    assert_eq!(run(&mut timers, 11), ["b"]);
    assert_eq!(run(&mut timers, 15), ["a"]);
}

#[test]
fn an_interval_counts_from_the_start_of_its_callback_and_can_be_cleared_there() {
    let mut timers = Timers::default();
    let id = timers.insert(0, 10, true, true, Target::Callback("tick"));
    let mut pass = timers.pass(12);
    let (timer, target) = take_next(&mut timers, &mut pass).expect("due");
    timers.fired(timer, 12, target);
    assert!(timers.next_due(&mut pass).is_none());
    assert_eq!(timers.next_expiry(), Some(22));
    let mut pass = timers.pass(30);
    let (timer, target) = take_next(&mut timers, &mut pass).expect("due");
    assert!(timers.clear(id));
    timers.fired(timer, 30, target);
    assert_eq!(timers.next_expiry(), None);
    assert!(!timers.any_referenced());
}

#[test]
fn a_timer_set_during_a_pass_waits_for_the_next() {
    let mut timers = Timers::default();
    set(&mut timers, 0, 1, "a");
    let mut pass = timers.pass(5);
    let (timer, target) = take_next(&mut timers, &mut pass).expect("due");
    set(&mut timers, 5, 1, "same list");
    set(&mut timers, 5, 2, "other list");
    timers.fired(timer, 5, target);
    assert!(timers.next_due(&mut pass).is_none());
    assert_eq!(run(&mut timers, 7), ["same list", "other list"]);
}

#[test]
fn a_reusable_timer_can_be_refreshed_after_it_fired() {
    let mut timers = Timers::default();
    let a = set(&mut timers, 0, 10, "a");
    timers.set_reusable(a, true);
    assert_eq!(run(&mut timers, 10), ["a"]);
    assert!(!timers.any_referenced(), "it waits for nothing");
    assert!(timers.refresh(a, 20) && timers.any_referenced());
    assert_eq!(run(&mut timers, 30), ["a"]);
    timers.set_reusable(a, false);
    assert!(!timers.refresh(a, 40));
    assert!(!timers.any_referenced());
}

#[test]
fn unreferenced_timers_do_not_hold_the_loop() {
    let mut timers = Timers::default();
    let a = set(&mut timers, 0, 1, "a");
    timers.set_referenced(a, false);
    assert!(!timers.any_referenced() && !timers.is_referenced(a));
    timers.set_referenced(a, true);
    assert!(timers.any_referenced());
    assert_eq!(run(&mut timers, 1), ["a"]);
    assert!(!timers.any_referenced());
}

/// Catches: a timer that is due before its time, and a time that wraps around.
#[test]
fn a_part_of_a_millisecond_counts_as_one() {
    for (nanos, ms) in [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2)] {
        assert_eq!(millis(Duration::from_nanos(nanos)), ms, "{nanos} ns");
    }
    assert_eq!(millis(Duration::from_nanos(2_000_000_001)), 2001);
    assert_eq!(millis(Duration::MAX), u64::MAX);
    assert_eq!(u64::from(timer_millis(Duration::MAX)), LONGEST);
}

//! Those who look at the loop, in the test's own thread: what runs as long as there are any, and
//! what they are shown.

use loopchat::server::{Config, Exposed, Flood, FloodLimit};
use serde_json::Value;

use super::client;
use super::rig::{Browser, Rig};
use super::watching::{number, request};
use super::*;

fn rig(set: impl FnOnce(&mut Config)) -> Rig {
    Rig::new(|config| {
        config.expose = vec![Exposed::Loop];
        set(config);
    })
}

fn watcher(rig: &mut Rig) -> Browser {
    let visitor = rig.visitor();
    rig.upgrade(visitor, &request(""))
}

/// What a watcher is sent in so many milliseconds, and what it had not read before.
fn shown_in(rig: &mut Rig, ms: u64, watcher: &mut Browser) -> Vec<Frame> {
    rig.0.run_for(ms);
    let bytes = rig.0.drain_bytes(&mut watcher.peer);
    let mut rest = &bytes[..];
    let mut frames = Vec::new();
    while let Some((frame, length)) = client::parse(rest) {
        frames.push(frame);
        rest = &rest[length..];
    }
    assert!(rest.is_empty(), "whole frames");
    frames
}

/// The messages of a type among them.
fn of_type(kind: &str, frames: &[Frame]) -> Vec<Value> {
    let texts = frames.iter().filter(|frame| frame.first == TEXT);
    let messages = texts.map(|text| serde_json::from_slice(&text.payload).expect("it is JSON"));
    let mut messages: Vec<Value> = messages.collect();
    messages.retain(|message| message["type"] == kind);
    messages
}

/// Catches: one who leaves and takes the others along, or is still counted; what goes on though
/// nobody looks any more.
#[test]
fn when_one_leaves_the_others_watch_on_and_after_the_last_nothing_runs() {
    let mut rig = rig(|_| {});
    let (mut stays, goes) = (watcher(&mut rig), watcher(&mut rig));
    let mut watching = |rig: &mut Rig| {
        let frames = shown_in(rig, 1000, &mut stays);
        let frames = of_type("frame", &frames);
        frames.last().map(|frame| number(&frame["watchers"]))
    };
    assert_eq!(watching(&mut rig), Some(2));
    drop(goes);
    rig.0.settle();
    assert_eq!(watching(&mut rig), Some(1));
    drop(stays);
    rig.0.settle();
    let turns = |rig: &Rig| rig.0.event_loop.counters().turns;
    let before = turns(&rig);
    rig.0.run_for(10_000);
    let took = turns(&rig) - before;
    assert!(
        took < 100,
        "{took}: a frame has one, and there are a hundred"
    );
}

/// Catches: a delay that goes on to be counted from the start.
#[test]
fn the_delay_is_counted_anew_when_somebody_says_so() {
    let mut rig = rig(|_| {});
    let mut watcher = watcher(&mut rig);
    let counted = |rig: &mut Rig, watcher: &mut Browser| {
        let frames = shown_in(rig, 1000, watcher);
        let frames = of_type("frame", &frames);
        number(&frames.last().expect("there are ten")["delay"]["count"])
    };
    let first = counted(&mut rig, &mut watcher);
    let both = counted(&mut rig, &mut watcher);
    assert!(first > 50 && both > first + 50, "{first} {both}");
    watcher.say("reset");
    let anew = counted(&mut rig, &mut watcher);
    assert!(anew > 50 && anew < both, "{anew} after {both}");
}

/// Catches: a watcher that has said too much and is never read again.
#[test]
fn who_says_too_much_is_heard_later() {
    let mut rig = rig(|config| {
        let limit = FloodLimit { rate: 1, burst: 2 };
        config.flood = Some(Flood::Limit(limit));
    });
    let mut watcher = watcher(&mut rig);
    for _ in 0..10 {
        watcher.say("reset");
    }
    watcher.send(PING, "all heard");
    let pongs = |frames: &[Frame]| frames.iter().filter(|frame| frame.first == PONG).count();
    let at_once = shown_in(&mut rig, 1, &mut watcher);
    assert_eq!(pongs(&at_once), 0, "it has to wait");
    let later = shown_in(&mut rig, 60_000, &mut watcher);
    assert_eq!(pongs(&later), 1);
}

/// Catches: everybody under the same name, or none.
#[test]
fn a_recorded_turn_names_all_who_take_part() {
    let mut rig = rig(|_| {});
    let mut members: Vec<_> = (0..20).map(|_| rig.nc()).collect();
    let (mut watcher, mut other) = (watcher(&mut rig), watcher(&mut rig));
    let mut visitor = rig.visitor();
    watcher.say("record");
    rig.0.settle();
    shown_in(&mut rig, 1, &mut watcher);
    // All of this is one turn's.
    members.iter_mut().for_each(|member| member.say(""));
    other.say("reset");
    visitor.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _newcomer = rig.0.connect("line");
    let frames = shown_in(&mut rig, 500, &mut watcher);
    let recordings = of_type("recording", &frames);
    let [recording] = &recordings[..] else {
        panic!("one was asked for: {recordings:#?}")
    };
    let steps = recording["steps"].as_array().expect("steps");
    let door = rig.0.path("line");
    let door = door.to_str().expect("text");
    let names: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["name"].as_str())
        .collect();
    for name in [&members[7].name, "a page that watches", "a browser", door] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

/// Catches: an age in another unit, or since another time.
#[test]
fn how_long_somebody_is_here_is_told_in_seconds() {
    let mut rig = rig(|_| {});
    rig.0.run_for(40_000);
    let mut operator = rig.nc();
    rig.0.run_for(90_000);
    operator.say("/connections");
    let wanted = format!("*   {}, ", operator.name);
    let line = operator.expect_line(&mut rig, |line| line.starts_with(&wanted));
    assert!(line.ends_with(" 0 bytes wait, 90 s old."), "{line}");
}

//! What is said to one member alone, with a log that takes its time.

use super::*;
use crate::chat::{Epoch, Position};
use crate::server::core::hub::Progress;
use serde_json::Value;

/// All that a session has read since.
fn objects(house: &mut House, session: SessionId) -> Vec<Value> {
    let [read] = house.take([session]);
    let object = |line: &String| serde_json::from_str(line).expect("JSON");
    read.iter().map(object).collect()
}

#[test]
fn it_is_heard_when_it_has_its_place_and_then_it_has_a_number() {
    let (mut house, log) = House::with_log();
    let [ann, bob] = [JSON, JSON].map(|framing| house.connect(STRANGER, framing));
    house.pass(2000);
    house.read.clear();
    house.token(ann, 7);
    house.says_as(ann, "a", "/msg guest2 one");
    house.says_as(ann, "b", "/msg guest2 two");
    house.says(bob, "/msg guest1 three");
    assert_eq!(house.take([ann, bob]), [lines(&[]), lines(&[])]);
    log.commit(2);
    log.commit(0);
    log.refuse(0);
    house.settle();
    let heard = objects(&mut house, bob);
    let kinds = |objects: &[Value]| -> Vec<String> {
        let text = |object: &Value| format!("{} {}", object["kind"], object["text"]);
        objects.iter().map(text).collect()
    };
    let both = ["\"private\" \"three\"", "\"private\" \"one\""];
    assert_eq!(kinds(&heard), both);
    let own = objects(&mut house, ann);
    assert_eq!(kinds(&own)[..2], both);
    assert_eq!(
        (&own[2]["kind"], &own[2]["code"], &own[2]["client_id"]),
        (&"refused".into(), &"log_full".into(), &"b".into())
    );
    assert_eq!(own[1]["client_id"], "a");
    assert_eq!(
        heard[1]["client_id"],
        Value::Null,
        "that is her client's alone"
    );
    for field in ["epoch", "id", "number", "previous", "time"] {
        assert_eq!(heard[1][field], own[1][field], "{field}");
    }
    assert_eq!(heard[1]["previous"], heard[0]["number"]);
    assert_eq!(heard[1]["epoch"], heard[0]["epoch"]);
    // It is not said again.
    house.says_as(ann, "a", "/msg guest2 one");
    assert_eq!(log.len(), 0);
    let again = objects(&mut house, ann);
    assert_eq!(
        (&again[0]["kind"], &again[0]["to"], &again[0]["number"]),
        (&"committed".into(), &"guest2".into(), &own[1]["number"])
    );
}

#[test]
fn who_comes_back_is_told_what_it_has_missed_of_all_that_was_said_to_it() {
    let (mut house, log) = House::with_log();
    let [ann, bob, carol] = [JSON; 3].map(|framing| house.connect(STRANGER, framing));
    house.pass(2000);
    let token = house.token(ann, 7);
    house.says(bob, "/msg guest1 heard");
    house.commit_all(&log);
    let heard = objects(&mut house, ann).pop().expect("an object");
    let epoch: Epoch = heard["epoch"]
        .as_str()
        .expect("hex")
        .parse()
        .expect("an epoch");
    let number = heard["number"].as_u64().expect("a number");
    house.says(bob, "/msg guest1 missed");
    house.says(carol, "/msg guest1 nobody knew");
    house.cut(ann);
    house.commit_all(&log);
    house.read.clear();
    let since = (None, Position { epoch, number });
    let unknown = (None, Position { epoch, number: 0 });
    for heard in [vec![since.clone()], vec![unknown]] {
        let is_new = heard[0].1.number == 0;
        let back = house.resume(token, &heard).expect("it goes on");
        let told = objects(&mut house, back);
        let backlogs = told.iter().filter(|object| object["kind"] == "backlog");
        let texts = |backlog: &Value| {
            let events = backlog["events"].as_array().expect("a list");
            let texts = events.iter().map(|event| event["text"].to_string());
            let texts: Vec<String> = texts.collect();
            (backlog["with"].to_string(), texts.join(" "))
        };
        let of_bob = match is_new {
            true => "\"heard\" \"missed\"",
            false => "\"missed\"",
        };
        let wanted = [("\"guest2\"", of_bob), ("\"guest3\"", "\"nobody knew\"")];
        let wanted = wanted.map(|(with, texts)| (with.to_owned(), texts.to_owned()));
        assert_eq!(backlogs.map(texts).collect::<Vec<_>>(), wanted);
        house.cut(back);
    }
}

/// Catches: something that its author was told nobody hears, and is said all the same; a slow
/// reader for whom more and more waits while the log takes its time.
#[test]
fn who_does_not_keep_up_is_spared_it_before_it_has_a_place_or_after() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    // As long as nothing waits for him it is taken.
    house.says(ann, "/msg guest2 first");
    let waiting = Progress {
        waiting: usize::try_from(Config::default().outbox_soft).expect("small") + 1,
        sent: 1,
    };
    house.says(ann, "for all to read");
    log.commit(1);
    house.hub.settle(house.at()).then(|| house.turn());
    let slow = house
        .hub
        .deliver(house.now, |session, _| (session == bob).then_some(waiting));
    assert!(slow.is_empty());
    let second = "/msg guest2 second";
    assert!(
        house.hub.has_to_wait(ann, second),
        "it is refused in its turn"
    );
    house.says(ann, second);
    assert_eq!(log.len(), 1, "nobody will ever hear it");
    let refused = "! Not delivered: guest2 reads too slowly.";
    assert_eq!(house.take([ann]), [lines(&[refused])]);
    log.commit(0);
    house.settle();
    assert_eq!(house.take([ann, bob]), [lines(&[]), lines(&[])]);
    house.hub.caught_up(bob);
    house.turn();
    let [told] = house.take([bob]);
    let missed = "* 2 private messages were not delivered while you were not reading.";
    assert_eq!(told, [missed], "the first of them is remembered");
    house.says(bob, "/history @guest1");
    let [told] = house.take([bob]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("guest1 -> guest2: first"), "{told:?}");
}

/// Catches: what was said to somebody who has left, read by whoever has its place.
#[test]
fn who_has_left_does_not_hear_it_nor_does_its_successor() {
    let (mut house, log, [ann, bob]) = House::with_log_and();
    house.says(ann, "/msg guest2 psst");
    house.cut(bob);
    log.commit(0);
    house.settle();
    let other = house.connect(STRANGER, LINES);
    house.pass(2000);
    let [heard] = house.take([other]);
    assert!(heard.iter().all(|line| !line.contains("psst")), "{heard:?}");
    // Nor, if both have left.
    house.says(other, "/msg guest1 psst");
    house.cut(ann);
    house.cut(other);
    log.commit(0);
    house.settle();
    assert_eq!(house.hub.chat().history_bytes(), 0);
}

/// Catches: a session of the author's that hears nothing of what another has said, which has ended.
#[test]
fn the_others_of_its_author_hear_what_a_session_has_said_that_has_ended() {
    let (mut house, log) = House::with_log();
    let desk = house.connect(STRANGER, LINES);
    let phone = house.attach(desk, LINES);
    house.connect(STRANGER, LINES);
    house.pass(2000);
    house.says(phone, "/msg guest2 psst");
    house.cut(phone);
    house.read.clear();
    log.commit(0);
    house.settle();
    assert_eq!(house.take([desk]), [lines(&["guest1 -> guest2: psst"])]);
}

/// Catches: strangers that keep somebody from coming back, by writing to it one after the other.
#[test]
fn what_strangers_have_written_meanwhile_does_not_keep_anybody_away() {
    for (strangers, bytes) in [(300, 3000), (2000, 1)] {
        let (mut house, log) = House::with_log();
        let ann = house.connect(STRANGER, JSON);
        let token = house.token(ann, 7);
        let strangers: Vec<_> = (0..strangers)
            .map(|_| house.connect(STRANGER, LINES))
            .collect();
        house.pass(2000);
        for &stranger in &strangers {
            house.hears(stranger, &format!("/msg guest1 {}", "x".repeat(bytes)));
        }
        house.commit_all(&log);
        house.cut(ann);
        house.read.clear();
        let back = house.resume(token, &[]).expect("it goes on");
        let told = objects(&mut house, back);
        let of_kind = |kind| told.iter().filter(move |object| object["kind"] == kind);
        let most = Config::default().outbox_hard as usize;
        let backlogs = of_kind("backlog").map(|backlog| backlog.to_string().len());
        let backlogs: usize = backlogs.sum();
        assert!(most / 4 < backlogs && backlogs < most, "{backlogs}");
        assert!(of_kind("backlog").all(|backlog| backlog["complete"] == true));
        let missed: Vec<_> = of_kind("missed").map(|missed| &missed["count"]).collect();
        let count = strangers.len() - of_kind("backlog").count();
        assert_eq!(missed, [count]);
    }
}

/// Catches: an answer that comes before what was said before it has its place, in another log.
#[test]
fn what_comes_behind_what_was_said_comes_behind_all_of_it() {
    let (mut house, log, [ann, bob, carol]) = House::with_log_and();
    for (line, behind) in [
        ("hello", "done 1"),
        ("/msg guest2 one", "done 2"),
        ("/msg guest3 two", "done 3"),
    ] {
        house.says(ann, line);
        house.hub.tell_behind(ann, format!("{behind}\n").as_bytes());
    }
    log.commit(2);
    house.settle();
    assert_eq!(
        house.take([ann, carol]),
        [lines(&[]), lines(&["guest1 -> guest3: two"])]
    );
    log.commit(0);
    house.settle();
    assert_eq!(
        house.take([ann, bob]),
        [lines(&["done 1"]), lines(&["guest1: hello"])]
    );
    log.commit(0);
    house.settle();
    assert_eq!(house.take([ann]), [lines(&["done 2", "done 3"])]);
    assert!(!house.hub.has_drafts() && house.hub.draft_bytes() == 0);
}

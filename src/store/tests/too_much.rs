//! What goes when there is too much, or it is too old.

use super::*;

/// Prunes a piece of a database that may be large; false if there is nothing.
fn prune(writer: &mut Writer) -> bool {
    let pruned = writer.prune_most(1 << 40).expect("it can be pruned");
    pruned.is_some()
}

/// Catches: somebody who pushes out what others have said by talking, space that is not given back.
#[test]
fn the_oldest_of_the_largest_room_goes_first() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "quiet", "remember", 1);
    let long = "lorem ipsum ".repeat(100);
    for at in 0..1000 {
        say(&mut writer, "loud", &format!("{at} {long}"), 2);
    }
    writer.index(600).expect("it can be indexed");
    empty_journal(&writer.connection).expect("it can be moved");
    let full = writer.bytes().expect("it is known");
    while writer.bytes().expect("it is known") > full / 2 {
        assert!(prune(&mut writer));
        empty_journal(&writer.connection).expect("it can be moved");
    }
    let mut pieces = 0;
    while writer.vacuum(0).expect("it can be given back") {
        pieces += 1;
    }
    assert!(pieces < 10, "{pieces}: more than a page at a time");
    empty_journal(&writer.connection).expect("it can be moved");
    let size = fs::metadata(folder.database()).expect("it is there").len();
    assert!(size < full * 2 / 3, "{size} of {full}");
    assert_eq!(all(&writer, "quiet"), "remember");
    let rest = page(&writer, "loud", Side::Before(u64::MAX));
    assert!(!rest.is_whole && texts(&rest).contains("999 lorem"));
    assert_eq!(search(&writer, "loud", "0 lorem"), "");
    writer.index(1000).expect("it can be indexed");
    assert!(search(&writer, "loud", "999 lorem").starts_with("999"));
    let check: String = writer
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it can be checked");
    assert_eq!(check, "ok");
}

#[test]
fn what_is_too_old_goes_and_rooms_of_which_nothing_is_left() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for at in 0..250 {
        say(&mut writer, "old", "x", at);
    }
    let topic = Content::Topic {
        topic: "leaves".into(),
        is_known: false,
    };
    commit(&mut writer, vec![(draft("named", topic), 5)]);
    say(&mut writer, "tea", "early", 10);
    say(&mut writer, "tea", "late", 2000);
    let mut sweep = Sweep::of(1000);
    let mut pieces = 1;
    while !writer.prune_old(&mut sweep).expect("it can be pruned") {
        pieces += 1;
    }
    assert!(pieces >= 3, "{pieces}");
    assert_eq!(
        recall(&writer, "named", 9),
        None,
        "its topic is too old, too"
    );
    assert_eq!(all(&writer, "tea"), "late");
    assert!(!page(&writer, "tea", Side::END).is_whole);
    assert!(!page(&writer, "tea", Side::After(1)).is_whole);
    assert_eq!(recall(&writer, "old", 9), None);
    say(&mut writer, "old", "new", 3000);
    assert_eq!(all(&writer, "old"), "new");
}

/// Catches: a look at all rooms for each piece that goes, and rooms that are as large and stay.
#[test]
fn of_many_rooms_that_are_as_large_all_are_pruned() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for at in 0..200 {
        say(&mut writer, &format!("room{at}"), "hello", 1);
    }
    for at in 0..200 {
        assert!(prune(&mut writer), "{at}");
    }
    assert!(!prune(&mut writer), "there is nothing left");
}

/// Catches: rooms that are never forgotten, since they have a topic; a stranger who pushes out with
/// them what is said elsewhere; rooms that go in another order than they fell silent; numbers that
/// are given again once nothing is left that bears them.
#[test]
fn rooms_with_topics_go_when_there_are_too_many_and_their_numbers_are_not_given_again() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for at in 0..50 {
        say(
            &mut writer,
            "talk",
            &format!("{at} {}", "lorem ".repeat(30)),
            1,
        );
    }
    let topics = 2500;
    let mut last = 0;
    for at in 0..topics {
        let topic = Content::Topic {
            topic: "leaves ".repeat(20).into(),
            is_known: false,
        };
        let draft = draft(&format!("room{at}"), topic);
        last = number(&commit(&mut writer, vec![(draft, 2 + at)])[0]);
    }
    let full = writer.bytes().expect("it is known");
    let mut pieces = 0;
    while writer.bytes().expect("it is known") > full / 2 {
        let pruned = writer.prune_most(full / 2).expect("it can be pruned");
        assert!(pruned.is_some(), "nothing goes any more");
        pieces += 1;
        assert!(pieces < 1000, "nothing goes");
    }
    assert_eq!(all(&writer, "talk").split(" lorem").count(), 1 + 50 * 30);
    let is_kept = |room: u64| recall(&writer, &format!("room{room}"), 9).is_some();
    let kept = (0..topics).filter(|&room| is_kept(room)).count() as u64;
    assert!(kept > 0 && kept < topics, "{kept}");
    assert!((topics - kept..topics).all(is_kept), "the oldest go first");
    while writer.prune_most(1).expect("it can be pruned").is_some() {}
    let rooms: i64 = writer
        .connection
        .query_row("SELECT count(*) FROM rooms", [], |row| row.get(0))
        .expect("it can be counted");
    assert_eq!(rooms, 0);
    writer.close().expect("it can be closed");
    drop(writer);
    fs::remove_file(folder.path().join("highest")).expect("it is there");
    let mut writer = open(&folder);
    assert!(say(&mut writer, "room1", "again", 9) > last);
    assert!(
        !page(&writer, "room1", Side::END).is_whole,
        "it was there before"
    );
}

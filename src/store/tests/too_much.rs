//! What goes when there is too much, or it is too old.

use super::*;

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
        assert!(writer.prune_largest().expect("it can be pruned"));
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
    say(&mut writer, "tea", "early", 10);
    say(&mut writer, "tea", "late", 2000);
    let mut sweep = Sweep::of(1000);
    let mut pieces = 1;
    while !writer.prune_old(&mut sweep).expect("it can be pruned") {
        pieces += 1;
    }
    assert!(pieces >= 3, "{pieces}");
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
        assert!(writer.prune_largest().expect("it can be pruned"), "{at}");
    }
    assert!(!writer.prune_largest().expect("there is nothing left"));
}

//! A journal of which a part is lost, as after a loss of power: the store has all before that, and
//! knows that there was more.

use rusqlite::Connection;

use super::*;

/// More than a page of the database has room for.
const LINES: usize = 60;

/// The files of a store as a process would leave them that ended now. The lock is not one of them.
fn left_now(folder: &Folder) -> (TempDir, Folder) {
    let (kept, left) = super::folder();
    fs::create_dir_all(left.path()).expect("it can be made");
    for name in ["chat.sqlite", "chat.sqlite-wal", "highest"] {
        let (from, to) = (folder.path().join(name), left.path().join(name));
        fs::copy(from, to).expect("it can be copied");
    }
    (kept, left)
}

fn journal(folder: &Folder) -> std::path::PathBuf {
    folder.path().join("chat.sqlite-wal")
}

/// Lines, each in a transaction of its own, with their numbers.
fn say_lines(writer: &mut Writer) -> Vec<(u64, String)> {
    let lines = (0..LINES).map(|at| {
        let text = format!("{at}:{}", "x".repeat(at * 37 % 900));
        (say(writer, "tea", &text, 1), text)
    });
    lines.collect()
}

/// Opens a store of which a part is lost: how many of these lines it has. They are the first, and it
/// tells of the others, whose numbers it does not give again.
fn expect_first(folder: &Folder, lines: &[(u64, String)], harm: &str) -> usize {
    let mut writer = Writer::open(folder, &OPTIONS).unwrap_or_else(|error| {
        panic!("{harm}: {error}");
    });
    let kept = all(&writer, "tea");
    let kept: Vec<&str> = kept.split_whitespace().collect();
    let wanted: Vec<&str> = lines.iter().map(|(_, text)| &**text).collect();
    assert_eq!(kept, wanted[..kept.len()], "{harm}");
    let missing = (lines.len() - kept.len()) as u64;
    assert_eq!(writer.missing(), missing, "{harm}");
    let last = lines[lines.len() - 1].0;
    assert!(say(&mut writer, "tea", "more", 2) > last + 1000, "{harm}");
    kept.len()
}

/// Catches: a store that does not start, or with what is behind the tear, or says nothing of it.
#[test]
fn of_a_journal_that_is_torn_all_before_the_tear_is_there_and_the_rest_is_told_of() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let lines = say_lines(&mut writer);
    let whole = fs::read(journal(&folder)).expect("it is there");
    let length = whole.len();
    let frame = 24 + 4096;
    let mut places: Vec<usize> = (0..40).map(|at| length * at / 40).collect();
    // Within its head, that of a page, and beside where one begins.
    places.extend([
        1, 3, 7, 8, 11, 15, 16, 23, 24, 31, 32, 33, 36, 40, 48, 55, 56,
    ]);
    for at in [1, 2, 31, length / frame - 1] {
        let begin = 32 + at * frame;
        places.extend([begin - 1, begin, begin + 1, begin + 23, begin + 24]);
    }
    places.push(length - 1);
    let mut found = Vec::new();
    for place in places {
        let (_kept, cut) = left_now(&folder);
        fs::write(journal(&cut), &whole[..place]).expect("it can be written");
        found.push(expect_first(&cut, &lines, &format!("cut at {place}")));
        let (_kept, flipped) = left_now(&folder);
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        fs::write(journal(&flipped), &bytes).expect("it can be written");
        found.push(expect_first(
            &flipped,
            &lines,
            &format!("flipped at {place}"),
        ));
    }
    // They were as different as the places.
    assert!(found.contains(&0) && found.contains(&(LINES - 1)));
    found.sort_unstable();
    found.dedup();
    assert!(found.len() > 30, "{found:?}");
    let (_kept, unharmed) = left_now(&folder);
    assert_eq!(expect_first(&unharmed, &lines, "unharmed"), LINES);
}

/// Catches: what is lost without a word since the database itself still says that it was closed:
/// somebody who reads it keeps what is said at a start out of it.
#[test]
fn of_a_journal_that_is_lost_is_told_although_somebody_has_read_beside_the_start() {
    let (_kept, folder) = folder();
    open(&folder).close().expect("it can be closed");
    let reader = Connection::open(folder.database()).expect("a database");
    let look = "BEGIN; SELECT count(*) FROM events;";
    reader.execute_batch(look).expect("it can be read");
    let mut writer = open(&folder);
    let lines = say_lines(&mut writer);
    let (_kept, left) = left_now(&folder);
    fs::write(journal(&left), "").expect("it can be emptied");
    let alone = Connection::open(left.database()).expect("a database");
    assert_eq!(schema::state(&alone, "is_closed"), Ok(1), "as it was");
    drop(alone);
    assert_eq!(expect_first(&left, &lines, "lost"), 0);
}

/// Catches: numbers that were left out after a kill, counted as lines that are lost.
#[test]
fn of_a_whole_life_that_is_lost_its_lines_are_counted() {
    let (_kept, folder) = folder();
    say_lines(&mut open(&folder));
    let mut writer = open(&folder);
    let lines = say_lines(&mut writer);
    let (_kept, left) = left_now(&folder);
    fs::write(journal(&left), "").expect("it can be emptied");
    let mut writer = open(&left);
    assert_eq!(writer.missing(), LINES as u64);
    assert!(say(&mut writer, "tea", "more", 2) > lines[LINES - 1].0 + 1000);
    let (_kept, left) = left_now(&folder);
    let highest = left.path().join("highest");
    for unknown in ["", "1", "no number at all, but longer", &"é".repeat(40)] {
        fs::write(&highest, unknown).expect("it can be written");
        assert_eq!(open(&left).missing(), 0, "{unknown}");
    }
}

/// Catches: an alarm where nothing is missing.
#[test]
fn after_an_orderly_end_nothing_is_missing_whatever_was_forgotten() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    assert_eq!(writer.missing(), 0, "it is new");
    say(&mut writer, "chess", "e4", 1);
    say_lines(&mut writer);
    while writer.prune_most(0).expect("it can be pruned").is_some() {}
    assert_eq!(all(&writer, "tea"), "");
    writer.close().expect("it can be closed");
    drop(writer);
    assert_eq!(open(&folder).missing(), 0);
}

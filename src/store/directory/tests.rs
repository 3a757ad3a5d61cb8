//! The directory of the store: what any does, and that it outlasts its process.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::directory::tests::*;
use crate::directory::{
    Answer, Bucket, Expected, Key, MemoryDirectory, NotSet, Ticket, Unavailable, Update, Value,
    Version, Wanted,
};

fn folder() -> (TempDir, Folder) {
    let temporary = TempDir::new().expect("a folder");
    let folder = Folder::new(temporary.path().join("state/loopchat"));
    (temporary, folder)
}

fn open(folder: &Folder) -> StoreDirectory {
    StoreDirectory::open(folder).expect("it can be opened")
}

#[test]
fn it_does_what_any_directory_does() {
    let with = |test: fn(StoreDirectory)| {
        let (_kept, folder) = folder();
        test(open(&folder));
    };
    with(of_two_who_change_one_entry_the_second_is_told);
    with(a_bucket_is_bounded_and_what_has_expired_takes_no_place);
    with(pages_have_each_entry_once);
    with(no_more_may_wait_than_so_many);
}

/// Catches: an account that a kill takes away, a version that is given twice, files for all to read.
#[test]
fn what_was_answered_outlasts_a_kill() {
    let (_kept, folder) = folder();
    let mut clerk = Clerk::new(open(&folder));
    let ann = clerk.set(set(NAMES, "ann", Expected::Absent, Some("one")));
    let bob = clerk.set(set(NAMES, "bob", Expected::Absent, Some("two")));
    let bob = bob.expect("it is free");
    let gone = clerk.set(set(NAMES, "bob", Expected::Version(bob), None));
    // What is there now is what a kill leaves.
    let (_copied, copy) = self::folder();
    fs::create_dir_all(copy.path()).expect("it can be made");
    for file in fs::read_dir(folder.path()).expect("it is there") {
        let file = file.expect("it can be read");
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?}");
        fs::copy(file.path(), copy.path().join(file.file_name())).expect("it is copied");
    }
    let mut found = Clerk::new(open(&copy));
    let entry = found.get(NAMES, "ann").expect("it was kept");
    assert_eq!((Ok(entry.version), entry.value.bytes()), (ann, &b"one"[..]));
    assert_eq!(found.get(NAMES, "bob"), None);
    let next = found.set(set(NAMES, "bob", Expected::Absent, Some("three")));
    assert!(next.expect("it is free") > gone.expect("it was there"));
}

/// Catches: a question that is lost with the end of the server, and a lock that outlasts it.
#[test]
fn what_was_asked_is_done_before_the_end() {
    let (_kept, folder) = folder();
    let mut clerk = Clerk::new(open(&folder));
    let second = StoreDirectory::open(&folder).expect_err("it is in use");
    assert!(matches!(second, StoreError::InUse(_)), "{second}");
    for at in 0..100 {
        let name = at.to_string();
        let update = set(OTHERS, &name, Expected::Absent, Some("x"));
        clerk.send(Wanted::Set(update)).expect("it is heard");
    }
    drop(clerk);
    let mut clerk = Clerk::new(open(&folder));
    let (all, is_last) = clerk.page(list(OTHERS, "", None, 200));
    assert_eq!((all.len(), is_last), (100, true));
}

/// Catches: an answer to what did not happen, one that nobody gets, a directory that stays broken, a
/// change that is told although it was taken back, counts and versions of what was not kept.
#[test]
fn while_it_cannot_be_written_nothing_has_happened() {
    let (_kept, folder) = folder();
    let mut tables = Tables::open(&folder).expect("it can be opened");
    let question = |wanted| Question {
        ticket: Ticket(7),
        utc: 100,
        wanted,
    };
    let put = |name| question(Wanted::Set(set(NAMES, name, Expected::Absent, Some("x"))));
    let is_set = |news: &[News], version| {
        let set = Answer::Set(Ok(Version(version)));
        let answer = News::Answered {
            ticket: Ticket(7),
            answer: Ok(set),
        };
        assert_eq!(news.last(), Some(&answer));
    };
    tables.answer(&[question(Wanted::Watch(NAMES))]);
    is_set(&tables.answer(&[put("ann")]), 1);
    // The third of what is asked fails, with what was done before it.
    let other = Connection::open(folder.directory()).expect("a database");
    let fails = "CREATE TRIGGER fails BEFORE INSERT ON entries WHEN new.key = 'eve'
        BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute_batch(fails).expect("it is SQL");
    let all = ["bob", "dan", "eve", "fay"].map(put);
    let unavailable = News::Answered {
        ticket: Ticket(7),
        answer: Err(Unavailable),
    };
    assert_eq!(tables.answer(&all), vec![unavailable; 4]);
    other
        .execute_batch("DROP TRIGGER fails")
        .expect("it is SQL");
    let found = tables.answer(&[question(list(NAMES, "", None, 9))]);
    let [News::Answered { answer, .. }] = &found[..] else {
        panic!("{found:?}")
    };
    let Ok(Answer::Page { entries, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(entries.len(), 1, "ann alone");
    for (name, version) in [("bob", 2), ("dan", 3), ("eve", 4), ("fay", 5)] {
        is_set(&tables.answer(&[put(name)]), version);
    }
    let full = News::Answered {
        ticket: Ticket(7),
        answer: Ok(Answer::Set(Err(NotSet::Full))),
    };
    assert_eq!(tables.answer(&[put("gil")]), [full], "it has counted right");
}

/// Catches: somebody who waits for ever for a thread that is no more.
#[test]
fn whoever_waits_for_a_thread_that_has_broken_down_is_told() {
    let (begin, begins) = std::sync::mpsc::channel();
    let shared = thread::start(move |_| {
        begins.recv().expect("it is to begin");
        panic!("a test")
    });
    let mut clerk = Clerk::new(StoreDirectory::with(shared.expect("there is a thread")));
    let wanted = || Wanted::Get(Key::new(NAMES, "ann"));
    // The first of them is under way, or all of them are.
    let asked = [(); 3].map(|()| clerk.send(wanted()).expect("it is heard"));
    begin.send(()).expect("it waits for that");
    for ticket in asked {
        assert_eq!(clerk.receive(), (ticket, Err(Unavailable)));
    }
    assert_eq!(clerk.ask(wanted()), Err(Unavailable), "also later");
}

/// Catches: tables that a step to a newer version loses something of, a step that is half done, one
/// that is done twice.
#[test]
fn older_tables_become_newer_ones() {
    let (_kept, folder) = folder();
    let ann = Clerk::new(open(&folder)).set(set(NAMES, "ann", Expected::Absent, Some("one")));
    let path = folder.directory();
    let step = "ALTER TABLE entries ADD COLUMN note TEXT; UPDATE entries SET note = 'old';";
    let half = "ALTER TABLE entries ADD COLUMN half TEXT; SELECT no FROM such;";
    let steps = schema::with(&[step]);
    let broken = schema::open_with(&path, &schema::with(&[half])).expect_err("it fails");
    assert!(matches!(broken, StoreError::Database(..)), "{broken}");
    for _ in 0..2 {
        let connection = schema::open_with(&path, &steps).expect("it can be opened");
        let sql = "SELECT note FROM entries WHERE key = 'ann'";
        let note: String = connection
            .query_row(sql, [], |row| row.get(0))
            .expect("it is there");
        assert_eq!(note, "old");
        let sql = "SELECT half FROM entries";
        connection.prepare(sql).expect_err("nothing is left of it");
    }
    let newer = StoreDirectory::open(&folder).expect_err("it is newer");
    let known = schema::with(&[]).len() as i64;
    assert!(
        matches!(newer, StoreError::Newer { version, known: it, .. }
            if version == known + 1 && it == known),
        "{newer}"
    );
    // Those that it has become newer ones of have what they had.
    let connection = Connection::open(&path).expect("a database");
    let back = format!("ALTER TABLE entries DROP COLUMN note; PRAGMA user_version = {known};");
    connection.execute_batch(&back).expect("it is SQL");
    drop(connection);
    let entry = Clerk::new(open(&folder)).get(NAMES, "ann");
    assert_eq!(Ok(entry.expect("it was kept").version), ann);
}

/// Catches: a file that is overwritten, or believed, though it is none of ours.
#[test]
fn what_is_no_directory_is_refused_and_left_alone() {
    let refused = |prepare: &dyn Fn(&Folder)| {
        let (_kept, folder) = folder();
        fs::create_dir_all(folder.path()).expect("it can be made");
        prepare(&folder);
        let before = fs::read(folder.directory()).expect("it is there");
        let error = StoreDirectory::open(&folder).expect_err("it is none");
        assert_eq!(fs::read(folder.directory()).expect("it is there"), before);
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    };
    refused(&|folder| {
        let connection = Connection::open(folder.directory()).expect("a database");
        connection
            .execute_batch("CREATE TABLE mine (x)")
            .expect("it is SQL");
    });
    refused(&|folder| {
        fs::write(folder.directory(), "not a database ".repeat(100)).expect("a file");
    });
}

/// A question of any kind, about few things, so that they meet.
fn wanted() -> impl Strategy<Value = Wanted> {
    let bucket = prop_oneof![Just(NAMES), Just(OTHERS)];
    let name = prop_oneof![
        Just("a"),
        Just("ab"),
        Just("b"),
        Just("ß"),
        Just("c"),
        Just("d")
    ];
    let name = (bucket, name).prop_map(|(bucket, name): (Bucket, &str)| Key::new(bucket, name));
    let expected = prop_oneof![
        Just(Expected::Absent),
        (1..40_u64).prop_map(|version| Expected::Version(Version(version))),
    ];
    let value = proptest::option::weighted(0.8, "x{0,20}");
    let expires = proptest::option::of(90..140_u64);
    let update = (name.clone(), expected, value, expires).prop_map(|(key, expected, value, at)| {
        Wanted::Set(Update {
            key,
            expected,
            value: value.map(|value: String| Value::new(value.as_bytes())),
            expires: at,
        })
    });
    let page = (name.clone(), proptest::option::of(name.clone()), 0..5_usize).prop_map(
        |(key, after, limit)| {
            let after = after.as_ref().map(|key| &*key.name);
            list(
                key.bucket,
                &key.name[..key.name.len() / 2 * 2],
                after,
                limit,
            )
        },
    );
    prop_oneof![
        6 => update,
        2 => name.clone().prop_map(Wanted::Get),
        2 => page,
        1 => name.clone().prop_map(|key| Wanted::Watch(key.bucket)),
        1 => name.prop_map(|key| Wanted::Sweep(key.bucket)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Catches: a rule that one directory has and the other has not, whatever is asked together.
    #[test]
    fn it_answers_as_the_memory_does(
        turns in proptest::collection::vec(proptest::collection::vec(wanted(), 1..6), 1..20),
    ) {
        let (_kept, folder) = folder();
        let mut tables = Tables::open(&folder).expect("it can be opened");
        let mut memory = MemoryDirectory::default();
        let mut asked = 0;
        for (utc, turn) in (100..).step_by(3).zip(turns) {
            let questions = turn.into_iter().map(|wanted| {
                asked += 1;
                Question { ticket: Ticket(asked), utc, wanted }
            });
            let questions: Vec<Question> = questions.collect();
            for question in &questions {
                memory.ask(question.clone()).expect("it is heard");
            }
            let told: Vec<News> = std::iter::from_fn(|| memory.next_news()).collect();
            prop_assert_eq!(tables.answer(&questions), told);
        }
    }
}

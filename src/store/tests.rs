//! The store without its threads, on temporary paths.

mod by_place;
mod by_words;
mod failing;
mod too_much;
mod torn;
mod with_threads;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::checkpoints::empty_journal;
use super::passing::Passing;
use super::pruning::Sweep;
use super::writing::Writer;
use super::*;
use crate::chat::{
    Audience, Cloak, Content, Draft, Epoch, EventId, Found, Kept, LogId, MemberId, MessageKind,
    Name, Person, Query, QueryId, Reader, Recall, Recipient, RoomId, Settled, Side, TakenBack,
    Unkept, Wanted,
};

const LONG: Duration = Duration::from_secs(30);

const OPTIONS: Options = Options {
    is_synced: false,
    most_bytes: 1 << 30,
    most_days: None,
};

fn folder() -> (TempDir, Folder) {
    let temporary = TempDir::new().expect("a folder");
    let folder = Folder::new(temporary.path().join("state/loopchat"));
    (temporary, folder)
}

fn open(folder: &Folder) -> Writer {
    Writer::open(folder, &OPTIONS).expect("it can be opened")
}

fn person(nickname: &str) -> Person {
    Person {
        nickname: Name::kept(nickname),
        account: None,
        origin: Cloak::from_bits(u64::MAX - 7),
    }
}

fn draft(room: &str, content: Content) -> Draft {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let id = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
    Draft {
        id: EventId::from_bytes(id.to_be_bytes()),
        to: Recipient::Room {
            id: RoomId::of_test(),
            name: Name::kept(room),
        },
        epoch: Epoch::from_bits(u64::MAX - 1),
        author: person("ann"),
        member: MemberId::from_bits(5 << 32 | 7),
        content,
    }
}

fn saying(room: &str, text: &str) -> Draft {
    let (kind, text) = (MessageKind::Said, text.into());
    draft(room, Content::Message { kind, text })
}

/// Says something in a room, at this time; its number.
fn say(writer: &mut Writer, room: &str, text: &str, time: u64) -> u64 {
    number(&commit(writer, vec![(saying(room, text), time)])[0])
}

/// Commits drafts: what has become of them.
fn commit(writer: &mut Writer, drafts: Vec<(Draft, u64)>) -> Vec<Settled> {
    let passing = drafts
        .into_iter()
        .map(|(draft, time)| Passing::new(draft, time));
    let mut turns = [passing.collect()];
    writer.commit(&mut turns, || ());
    let [settled] = turns;
    settled.into_iter().map(Passing::settled).collect()
}

fn number(settled: &Settled) -> u64 {
    match settled {
        Settled::Committed { number, .. } => *number,
        Settled::Refused { why, .. } => panic!("it is refused: {why:?}"),
    }
}

fn query(room: &str, wanted: Wanted) -> Query {
    let room = Name::kept(room);
    Query {
        id: QueryId::of_test(),
        asker: MemberId::NOBODY,
        log: LogId::Room(RoomId::of_test()),
        of: Audience::Room(room),
        epoch: Epoch::from_bits(u64::MAX - 1),
        up_to: u64::MAX,
        wanted,
        limit: 100,
        bytes: 1_000_000,
    }
}

fn find(writer: &Writer, query: Query) -> Found {
    reading::found(&writer.connection, writer.life(), query).expect("it can be read")
}

fn texts(found: &Found) -> String {
    let messages = found.messages.iter().flatten();
    let texts: Vec<&str> = messages.map(|message| &*message.text).collect();
    texts.join(" ")
}

fn page(writer: &Writer, room: &str, side: Side) -> Found {
    find(writer, query(room, Wanted::Page(side)))
}

fn all(writer: &Writer, room: &str) -> String {
    texts(&page(writer, room, Side::END))
}

fn search(writer: &Writer, room: &str, words: &str) -> String {
    texts(&find(writer, query(room, Wanted::Words(words.into()))))
}

fn recall(writer: &Writer, room: &str, limit: usize) -> Option<crate::chat::Recalled> {
    let recall = Recall {
        id: QueryId::of_test(),
        room: Name::kept(room),
        limit,
        bytes: 10_000,
    };
    reading::recall(&writer.connection, writer.life(), &recall).expect("it can be read")
}

/// Whether any file of the store has these bytes in it.
fn holds(folder: &Folder, text: &str) -> bool {
    let files = fs::read_dir(folder.path()).expect("it is there");
    files.into_iter().any(|file| {
        let bytes = fs::read(file.expect("a file").path()).expect("it can be read");
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[test]
fn a_folder_and_its_files_are_for_their_owner_alone() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "hello", 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
}

/// Catches: rows that come back as something else, numbers that begin anew, a time that goes back.
#[test]
fn a_room_is_as_it_was_when_the_store_is_opened_again() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let (kind, text) = (MessageKind::Action, "waves".into());
    let drafts = vec![
        (saying("Tea", "hello"), 50),
        (saying("chess", "e4"), 10),
        (draft("Tea", Content::Message { kind, text }), 40),
        (
            draft(
                "Tea",
                Content::Topic {
                    topic: "leaves".into(),
                    is_known: false,
                },
            ),
            60,
        ),
    ];
    let settled = commit(&mut writer, drafts);
    let numbers: Vec<u64> = settled.iter().map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let here = recall(&writer, "TEA", 9).expect("it is kept");
    let Kept::Message(hello) = &here.events[0] else {
        panic!("{here:?}");
    };
    assert_eq!(hello.member, MemberId::from_bits(5 << 32 | 7));
    writer.close().expect("it can be closed");
    drop(writer);
    let mut writer = open(&folder);
    let again = recall(&writer, "tea", 9).expect("it is kept");
    assert_eq!(
        (&*again.room, again.topic.as_deref()),
        ("Tea", Some("leaves"))
    );
    assert_eq!((again.position.number, again.heard_at), (numbers[3], 60));
    assert_eq!(again.position.epoch, Epoch::from_bits(u64::MAX - 1));
    assert!(again.is_whole);
    let Kept::Message(hello) = &again.events[0] else {
        panic!("{again:?}");
    };
    assert_eq!(hello.member, MemberId::NOBODY, "nobody here has said it");
    assert_eq!((&*hello.text, &hello.author), ("hello", &person("ann")));
    let Kept::Message(waves) = &again.events[1] else {
        panic!("{again:?}");
    };
    assert_eq!((waves.kind, waves.place.time), (MessageKind::Action, 50));
    assert_eq!(waves.place.previous, numbers[0]);
    assert!(matches!(&again.events[2], Kept::Topic(set) if &*set.topic == "leaves"));
    assert_eq!(
        recall(&writer, "tea", 1).map(|room| room.is_whole),
        Some(false)
    );
    assert_eq!(recall(&writer, "coffee", 9), None);
    assert_eq!(say(&mut writer, "chess", "e5", 11), numbers[3] + 1);
}

/// Catches: lines that nobody finds, since their room was opened although it could not be looked up.
#[test]
fn a_room_that_was_opened_anew_has_what_it_had_in_its_new_life() {
    for is_known in [true, false] {
        let (_kept, folder) = folder();
        let mut writer = open(&folder);
        say(&mut writer, "tea", "before", 1);
        if !is_known {
            writer.forget_rooms();
        }
        let mut later = saying("TEA", "after");
        later.epoch = Epoch::from_bits(3);
        number(&commit(&mut writer, vec![(later, 2)])[0]);
        assert_eq!(all(&writer, "tea"), "", "another life of the room");
        let page = Query {
            epoch: Epoch::from_bits(3),
            ..query("tea", Wanted::Page(Side::END))
        };
        assert_eq!(texts(&find(&writer, page)), "before after");
    }
}

/// Catches: a number that somebody has heard of a line that is lost, given to another.
#[test]
fn after_an_end_that_was_none_numbers_leave_a_gap() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let first = say(&mut writer, "tea", "hello", 1);
    drop(writer);
    let mut writer = open(&folder);
    assert!(say(&mut writer, "tea", "again", 2) > first + 1000);
    assert_eq!(all(&writer, "tea"), "hello again");
}

#[test]
fn what_is_said_to_one_alone_has_a_place_and_is_not_kept() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let mut psst = saying("tea", "psst-psst");
    psst.to = Recipient::Member(Box::new(Reader {
        id: psst.member,
        who: person("bob"),
        log: crate::chat::Pair::new(psst.member, psst.member),
    }));
    let settled = commit(&mut writer, vec![(psst, 3), (saying("tea", "hello"), 4)]);
    assert_eq!(number(&settled[1]), number(&settled[0]) + 1);
    writer.close().expect("it can be closed");
    assert!(!holds(&folder, "psst-psst") && holds(&folder, "hello"));
}

#[test]
fn a_page_has_what_is_next_to_a_number() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let numbers: Vec<u64> = ["a", "b", "c", "d"]
        .iter()
        .map(|text| say(&mut writer, "tea", text, 1))
        .collect();
    say(&mut writer, "teapot", "other", 1);
    let cases = [
        (Side::END, 2, "c d", false, false),
        (Side::END, 4, "a b c d", true, true),
        (Side::Before(numbers[2]), 9, "a b", true, true),
        (Side::After(numbers[0]), 2, "b c", true, false),
        (Side::After(numbers[1]), 2, "c d", true, true),
        (Side::After(numbers[3]), 2, "", true, true),
    ];
    for (side, limit, wanted, is_whole, is_last) in cases {
        let query = Query {
            limit,
            ..query("TEA", Wanted::Page(side))
        };
        let found = find(&writer, query);
        let seen = (texts(&found), found.is_whole, found.is_last);
        assert_eq!(
            seen,
            (wanted.to_owned(), is_whole, is_last),
            "{side:?} {limit}"
        );
    }
    let few = Query {
        bytes: 0,
        ..query("tea", Wanted::Page(Side::END))
    };
    assert_eq!(texts(&find(&writer, few)), "d", "one at least");
    let early = Query {
        up_to: numbers[1],
        ..query("tea", Wanted::Page(Side::END))
    };
    assert_eq!(
        texts(&find(&writer, early)),
        "a b",
        "what was there when it was asked"
    );
    let other = Query {
        epoch: Epoch::from_bits(4),
        ..query("tea", Wanted::Page(Side::END))
    };
    assert_eq!(texts(&find(&writer, other)), "", "another life of the room");
}

/// Catches: a text that is still in a file when it was taken back.
#[test]
fn what_is_taken_back_is_in_no_file() {
    for is_indexed in [false, true] {
        let (_kept, folder) = folder();
        let mut writer = open(&folder);
        for text in ["harmless", "xyzzyplugh", "quite"] {
            say(&mut writer, "tea", text, 1);
        }
        if is_indexed {
            writer.index(9).expect("it can be indexed");
            assert_eq!(search(&writer, "tea", "xyzzyplugh"), "xyzzyplugh");
        }
        super::checkpoints::checkpoint(&writer.connection).expect("it can be moved");
        let found = page(&writer, "tea", Side::END);
        let meant = found.messages.expect("a page").swap_remove(1);
        let taken = TakenBack {
            message: meant.place.id,
            number: meant.place.number,
            said: meant.place.time,
            author: meant.author.nickname,
            is_authors: true,
        };
        let taken = Content::Redaction(Box::new(taken));
        number(&commit(&mut writer, vec![(draft("tea", taken), 2)])[0]);
        assert_eq!(all(&writer, "tea"), "harmless quite");
        writer.index(9).expect("it can be indexed");
        assert_eq!(search(&writer, "tea", "xyzzyplugh"), "");
        assert_eq!(search(&writer, "tea", "quite"), "quite");
        assert!(empty_journal(&writer.connection).expect("it can be moved"));
        assert!(!holds(&folder, "xyzzy"), "indexed: {is_indexed}");
        let last = recall(&writer, "tea", 9).expect("it is kept").events.pop();
        assert!(matches!(last, Some(Kept::Redaction(it)) if it.message == meant.place.id));
    }
}

/// Catches: what the first version has written, and a later one reads as something else, or not at
/// all.
#[test]
fn a_store_of_the_first_version_is_read_and_written_to() {
    let (_kept, folder) = folder();
    fs::create_dir_all(folder.path()).expect("it can be made");
    rusqlite::Connection::open(folder.database())
        .and_then(|first| first.execute_batch(include_str!("tests/schema_1.sql")))
        .expect("it can be made");
    let mut writer = open(&folder);
    assert_eq!(
        all(&writer, "tea"),
        "the kettle is on pours from the kettle"
    );
    let found = recall(&writer, "tea", 10).expect("it is there");
    assert_eq!(
        (&*found.room, found.topic.as_deref()),
        ("Tea", Some("leaves"))
    );
    assert_eq!((found.position.number, found.events.len()), (14, 4));
    assert!(matches!(&found.events[2], Kept::Redaction(taken) if &*taken.author == "eve"));
    writer.index(9).expect("it can be indexed");
    let found = search(&writer, "tea", "kettle");
    assert!(
        found.contains("is on") && found.contains("pours"),
        "{found}"
    );
    assert!(say(&mut writer, "tea", "more", 1_800_000_000_000) > 14);
    assert!(all(&writer, "tea").ends_with("kettle more"));
    assert!(
        writer
            .prune_most(1 << 40)
            .expect("it can be pruned")
            .is_some()
    );
    let version: i64 = writer
        .connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("it has one");
    assert_eq!(version, super::schema::VERSION);
}

/// Catches: numbers that are given twice, since a copy says of itself that it was closed.
#[test]
fn numbers_of_a_copy_leave_a_gap_however_its_store_was_left() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let last = say(&mut writer, "tea", "hello", 1);
    writer.close().expect("it can be closed");
    drop(writer);
    let restored = Folder::new(folder.path().with_file_name("restored"));
    fs::create_dir(restored.path()).expect("it can be made");
    backup(&folder, &restored.database()).expect("it can be copied");
    assert!(say(&mut open(&restored), "tea", "again", 2) > last + 1000);
    assert_eq!(say(&mut open(&folder), "tea", "again", 2), last + 1);
}

/// Catches: an orderly end that the disk still has, of a store that is in use.
#[test]
fn that_a_store_is_in_use_is_in_its_database_before_anything_is_said() {
    let (_kept, folder) = folder();
    open(&folder).close().expect("it can be closed");
    let _writer = open(&folder);
    // What is in the journal alone may be lost with the power.
    let alone = folder.path().join("alone.sqlite");
    fs::copy(folder.database(), &alone).expect("it can be copied");
    let alone = rusqlite::Connection::open(alone).expect("a database");
    assert_eq!(schema::state(&alone, "is_closed"), Ok(0));
}

//! What is no store, cannot be written to, or is another's; and copies.

use std::path::Path;

use rusqlite::Connection;

use super::*;

/// Catches: a store that is overwritten, or believed, though it is none.
#[test]
fn what_is_no_store_of_this_version_is_refused_and_left_alone() {
    let refused = |prepare: &dyn Fn(&Folder)| {
        let (_kept, folder) = folder();
        fs::create_dir_all(folder.path()).expect("it can be made");
        prepare(&folder);
        let before = fs::read(folder.database()).expect("it is there");
        let error = Writer::open(&folder, &OPTIONS).expect_err("it is none");
        assert_eq!(fs::read(folder.database()).expect("it is there"), before);
        error
    };
    let sql = |folder: &Folder, sql: &str| {
        let connection = Connection::open(folder.database()).expect("a database");
        connection.execute_batch(sql).expect("it is SQL");
    };
    let newer = refused(&|folder| {
        drop(open(folder));
        sql(
            folder,
            "PRAGMA user_version = 2; PRAGMA journal_mode = DELETE;",
        );
    });
    assert!(
        matches!(newer, StoreError::Newer { version: 2, .. }),
        "{newer}"
    );
    let other = refused(&|folder| sql(folder, "CREATE TABLE mine (x)"));
    assert!(matches!(other, StoreError::Foreign(_)), "{other}");
    let text = refused(&|folder| {
        fs::write(folder.database(), "not a database ".repeat(100)).expect("a file");
    });
    assert!(matches!(text, StoreError::Foreign(_)), "{text}");
}

#[test]
fn two_cannot_have_one_store() {
    let (_kept, folder) = folder();
    let first = open(&folder);
    let second = Writer::open(&folder, &OPTIONS).expect_err("it is in use");
    assert!(matches!(second, StoreError::InUse(_)), "{second}");
    drop(first);
    open(&folder);
}

/// Catches: a loop that stands still, a line that is heard although it is lost, a store that does
/// not work again.
#[test]
fn while_another_writes_authors_are_refused_and_later_heard() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "one", 1);
    let wait = std::time::Duration::ZERO;
    writer.connection.busy_timeout(wait).expect("it can be set");
    let other = Connection::open(folder.database()).expect("it can be opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    let settled = commit(
        &mut writer,
        vec![(saying("tea", "two"), 1), (saying("new", "three"), 1)],
    );
    for settled in &settled {
        assert!(matches!(
            settled,
            Settled::Refused {
                why: Unkept::Unavailable,
                ..
            }
        ));
    }
    other.execute_batch("ROLLBACK").expect("it was begun");
    say(&mut writer, "tea", "four", 1);
    say(&mut writer, "new", "five", 1);
    assert_eq!(
        (all(&writer, "tea"), all(&writer, "new")),
        ("one four".into(), "five".into())
    );
}

#[test]
fn a_full_database_refuses_and_works_again() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "one", 1);
    let limit = |writer: &Writer, pages: u32| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        writer
            .connection
            .query_row(&sql, [], |_| Ok(()))
            .expect("it can be set");
    };
    limit(&writer, 1);
    let long = "x".repeat(100_000);
    let settled = commit(
        &mut writer,
        vec![(saying("tea", "two"), 1), (saying("tea", &long), 1)],
    );
    for settled in &settled {
        assert!(matches!(
            settled,
            Settled::Refused {
                why: Unkept::Full,
                ..
            }
        ));
    }
    limit(&writer, 100_000);
    say(&mut writer, "tea", &long, 1);
    assert_eq!(all(&writer, "tea").len(), "one ".len() + long.len());
}

#[test]
fn a_copy_is_of_one_moment_and_overwrites_nothing() {
    let (kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "hello", 1);
    let copy = kept.path().join("copy");
    backup(&folder, &copy).expect("it can be copied");
    say(&mut writer, "tea", "later", 1);
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let error = backup(&folder, &copy).expect_err("it is there");
    assert!(matches!(error, StoreError::Place(..)), "{error}");
    let restored = Folder::new(kept.path().join("restored"));
    fs::create_dir(restored.path()).expect("it can be made");
    fs::rename(&copy, restored.database()).expect("it can be moved");
    assert_eq!(all(&open(&restored), "tea"), "hello");
    let absent = backup(&Folder::new(kept.path().join("none")), &copy);
    assert!(matches!(absent, Err(StoreError::Absent(_))));
    assert!(!copy.exists());
    let mut given = Vec::new();
    let each = each_event(&folder, "#TEA", |event| {
        given.push(event);
        // Whoever takes it may be slow: the journal need not wait.
        say(&mut writer, "tea", "meanwhile", 1);
        let is_empty = empty_journal(&writer.connection);
        assert!(is_empty.expect("it can be moved"), "somebody reads");
        Ok(())
    });
    each.expect("it is kept").expect("it was taken");
    assert_eq!(given.len(), 2);
    let none = each_event(&folder, "coffee", |_| Ok(()));
    assert!(matches!(none, Err(StoreError::NoRoom(_))));
}

/// Catches: what is heard, and kept where nobody will ever find it.
#[test]
fn what_is_removed_or_replaced_keeps_nothing_until_it_is_back() {
    type Harm = fn(&Path) -> std::io::Result<()>;
    let remove: Harm = |path| fs::remove_file(path);
    let replace: Harm = |path| {
        fs::remove_file(path)?;
        fs::write(path, "another")
    };
    for harm in [remove, replace] {
        for name in ["chat.sqlite", "lock"] {
            let (kept, folder) = folder();
            let mut writer = open(&folder);
            say(&mut writer, "tea", "one", 1);
            let (path, aside) = (folder.path().join(name), kept.path().join("aside"));
            fs::hard_link(&path, &aside).expect("it is there");
            harm(&path).expect("it is there");
            let settled = commit(&mut writer, vec![(saying("tea", "two"), 1)]);
            let Settled::Refused { why, .. } = &settled[0] else {
                panic!("{name}: {settled:?}");
            };
            assert_eq!(*why, Unkept::Unavailable, "{name}");
            fs::rename(&aside, &path).expect("it can be put back");
            say(&mut writer, "tea", "three", 1);
            assert_eq!(all(&writer, "tea"), "one three", "{name}");
        }
    }
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "one", 1);
    let file = fs::OpenOptions::new().write(true).open(folder.database());
    // Not closed before the end: the locks of the writer would go with it.
    let file = file.expect("it is there");
    file.set_len(0).expect("it can be emptied");
    let settled = commit(&mut writer, vec![(saying("tea", "two"), 1)]);
    assert!(matches!(settled[0], Settled::Refused { .. }));
}

/// Catches: a server that waits at a pipe, writes elsewhere than it was told, or says what only
/// programmers understand.
#[test]
fn a_path_is_taken_literally_and_what_cannot_be_a_store_is_named() {
    let temporary = TempDir::new().expect("a folder");
    let at = |name: &str| temporary.path().join(name);
    let refused = |folder: &Folder| {
        let error = Writer::open(folder, &OPTIONS).expect_err("it is no store");
        error.to_string()
    };
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.expect("it is everywhere").success());
    };
    pipe(&at("pipe"));
    fs::write(at("file"), "").expect("a file");
    std::os::unix::fs::symlink("nowhere", at("dangling")).expect("a link");
    for (name, why) in [
        ("pipe", "it is no folder"),
        ("file", "it is no folder"),
        ("dangling", "it is a link to nothing"),
    ] {
        let told = refused(&Folder::new(at(name)));
        assert!(told.ends_with(why), "{name}: {told}");
    }
    assert!(refused(&Folder::new("")).ends_with("no folder is named"));
    for name in ["chat.sqlite", "lock", "highest"] {
        let folder = Folder::new(at(&format!("pipe in place of {name}")));
        fs::create_dir(folder.path()).expect("it can be made");
        pipe(&folder.path().join(name));
        let told = refused(&folder);
        assert!(told.ends_with("it is no file"), "{name}: {told}");
    }
    fs::create_dir(at("folder")).expect("it can be made");
    std::os::unix::fs::symlink("folder", at("link")).expect("a link");
    for name in [
        "link",
        "a?mode=memory",
        "a#b",
        "a%20b",
        ":memory:",
        "file:x?mode=ro",
    ] {
        let folder = Folder::new(at(name));
        drop(open(&folder));
        assert!(folder.database().is_file(), "{name}");
    }
    // Only what is relative can begin so.
    let literal = schema::literal(Path::new("file:x?mode=memory"));
    assert_eq!(literal, Path::new("./file:x?mode=memory"));
}

/// Catches: what is heard for hours, and is in the journal of a database that nobody can read.
#[test]
fn once_a_database_is_known_to_be_damaged_nothing_more_is_added_to_it() {
    use std::os::unix::fs::FileExt;

    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "one", 1);
    empty_journal(&writer.connection).expect("it can be moved");
    let file = fs::OpenOptions::new().write(true).open(folder.database());
    // Not closed before the end: the locks of the writer would go with it.
    let file = file.expect("it is there");
    let length = file.metadata().expect("it is there").len();
    let junk = vec![0x55; length as usize];
    file.write_all_at(&junk, 0).expect("it can be written over");
    let forget = "PRAGMA shrink_memory";
    writer.connection.execute_batch(forget).expect("it is SQL");
    let damaged = writer.index(9).expect_err("it makes no sense");
    writer.note_damage(&damaged);
    let settled = commit(&mut writer, vec![(saying("tea", "two"), 1)]);
    assert!(matches!(settled[0], Settled::Refused { .. }), "{damaged}");
    drop(file);
}

//! What is no store, cannot be written to, or is another's; and copies.

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
        Ok(())
    });
    each.expect("it is kept").expect("it was taken");
    assert_eq!(given.len(), 2);
    let none = each_event(&folder, "coffee", |_| Ok(()));
    assert!(matches!(none, Err(StoreError::NoRoom(_))));
}

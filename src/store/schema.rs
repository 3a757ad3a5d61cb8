//! The tables, and how the database is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi, params};

use super::{Options, StoreError};

/// The version of the tables that this program writes.
pub(super) const VERSION: i64 = 1;

/// Says in the file whose it is: `loop`.
const APPLICATION: i64 = 0x6C6F_6F70;

/// Statements that are kept prepared: all there are.
const STATEMENTS: usize = 64;

/// How long another process that writes to the database is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Version 1. What the columns mean is in `docs/operating.md`.
const TABLES: &str = "
    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        topic TEXT,
        bytes INTEGER NOT NULL,
        pruned INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE events (
        room INTEGER NOT NULL,
        number INTEGER NOT NULL,
        previous INTEGER NOT NULL,
        time INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        id BLOB NOT NULL,
        nickname TEXT NOT NULL,
        account TEXT,
        origin INTEGER NOT NULL,
        member INTEGER NOT NULL,
        text TEXT,
        message BLOB,
        said INTEGER,
        author TEXT,
        PRIMARY KEY (room, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE state (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO state VALUES ('indexed', 0), ('is_closed', 1);
    CREATE VIRTUAL TABLE words USING fts5(
        room, text, content = '', tokenize = 'unicode61 remove_diacritics 2'
    );
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
";

/// Opens a database to write to it, makes its tables if it is empty, and brings them to this
/// version.
pub(super) fn open(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let database = |error| not_opened(path, error);
    let made: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(database)?;
    match version(&connection).map_err(database)? {
        (0, 0) if made == 0 => create(&connection).map_err(database)?,
        found => judge(path, found)?,
    }
    let sync = match options.is_synced {
        true => "FULL",
        false => "NORMAL",
    };
    let journal = options.journal_bytes();
    let settings = format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {sync};
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {journal};
         PRAGMA cache_size = -8192;"
    );
    connection.execute_batch(&settings).map_err(database)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Opens a database to read it, whoever writes to it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    // One that is in use cannot be read without the files beside it being written to.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let database = |error| not_opened(path, error);
    let found = version(&connection).map_err(database)?;
    judge(path, found)?;
    let settings = "PRAGMA query_only = ON; PRAGMA cache_size = -4096;";
    connection.execute_batch(settings).map_err(database)?;
    Ok(connection)
}

/// Says in a copy that the end of what it is of was none, whatever that says of itself.
pub(super) fn mark_in_use(copy: &Path) -> Result<(), StoreError> {
    let connection = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Nothing is left beside the file.
    connection
        .execute_batch("UPDATE state SET value = 0 WHERE name = 'is_closed'")
        .map_err(|error| not_opened(copy, error))
}

/// What is noted in the database of itself.
pub(super) fn state(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT value FROM state WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0))
}

/// Notes it.
pub(super) fn set_state(connection: &Connection, name: &str, to: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE state SET value = ?2 WHERE name = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![name, to as i64])?;
    Ok(())
}

/// The largest number of a room that was forgotten; 0 if none was.
pub(super) fn floor(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT ifnull(max(value), 0) FROM state WHERE name = 'floor'";
    connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? as u64))
}

/// Notes it. The first that is forgotten makes its row.
pub(super) fn set_floor(connection: &Connection, number: u64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO state VALUES ('floor', ?1)";
    connection.prepare_cached(sql)?.execute([number as i64])?;
    Ok(())
}

/// A path that SQLite takes as it is: one that begins with `file:` would be a URI, with a query.
pub(super) fn literal(path: &Path) -> PathBuf {
    match path.is_absolute() {
        true => path.to_owned(),
        false => Path::new(".").join(path),
    }
}

/// Opens a database, and waits a while for others that write to it.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(literal(path), flags);
    let connection = connection.map_err(|error| not_opened(path, error))?;
    let waits = connection.busy_timeout(PATIENCE);
    waits.map_err(|error| not_opened(path, error))?;
    Ok(connection)
}

/// Whose it is, and the version of its tables.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

fn judge(path: &Path, found: (i64, i64)) -> Result<(), StoreError> {
    let path = path.to_owned();
    match found {
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, version) if version > VERSION => Err(StoreError::Newer {
            path,
            version,
            known: VERSION,
        }),
        _ => Err(StoreError::Foreign(path)),
    }
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;")?;
    let stamp = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
    let made = connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} {stamp} COMMIT;"));
    if made.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    made
}

/// What it means that a database cannot be opened.
pub(super) fn not_opened(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(path.to_owned()),
        _ => StoreError::Database(path.to_owned(), error),
    }
}

/// Whether what has failed has probably done so for want of space. The index of the journal is a
/// file of its own, which is made at a start and may have to grow; SQLite does not say why it cannot.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => {
            error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
        }
        _ => false,
    }
}

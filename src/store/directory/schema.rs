//! The tables, and how older ones become these.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::StoreError;
use crate::store::schema::{connect, not_opened, version};

/// Says in the file whose it is: `lood`.
const APPLICATION: i64 = 0x6C6F_6F64;

/// What makes tables of each version out of those of the one before. The first is made of nothing.
/// Steps that were ever released stay as they are.
const STEPS: &[&str] = &["
    CREATE TABLE entries (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        value BLOB NOT NULL,
        expires INTEGER,
        PRIMARY KEY (bucket, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX expiring ON entries (bucket, expires, key) WHERE expires IS NOT NULL;
    CREATE TABLE state (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO state VALUES ('version', 0);
"];

/// Opens a database, makes its tables if it is empty, and brings them to this version.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    open_with(path, STEPS)
}

/// The same, for the version that so many steps lead to.
pub(super) fn open_with(path: &Path, steps: &[&str]) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let database = |error| not_opened(path, error);
    let made: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(database)?;
    let known = steps.len() as i64;
    let done = match version(&connection).map_err(database)? {
        (0, 0) if made == 0 => 0,
        (APPLICATION, version @ 1..) if version <= known => version,
        (APPLICATION, version @ 1..) => {
            let path = path.to_owned();
            return Err(StoreError::Newer {
                path,
                version,
                known,
            });
        }
        _ => return Err(StoreError::Foreign(path.to_owned())),
    };
    // What was answered is on the disk; a hash that is not wanted any more is not.
    let settings = "PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA journal_size_limit = 1048576;
        PRAGMA wal_autocheckpoint = 64;";
    connection.execute_batch(settings).map_err(database)?;
    for (step, number) in steps.iter().zip(1..).skip(done as usize) {
        take(&connection, step, number).map_err(database)?;
    }
    Ok(connection)
}

/// Takes one step to the next version, or none of it.
fn take(connection: &Connection, step: &str, number: i64) -> rusqlite::Result<()> {
    let stamp = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number};");
    let taken = connection.execute_batch(&format!("BEGIN IMMEDIATE; {step} {stamp} COMMIT;"));
    if taken.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    taken
}

/// All steps, and others behind them.
#[cfg(all(test, feature = "server"))]
pub(super) fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [STEPS, more].concat()
}

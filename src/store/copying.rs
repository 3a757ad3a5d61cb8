//! A copy of a store, and what is kept of one room, whoever uses the store meanwhile.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Folder, StoreError, reading, schema};
use crate::chat::{Kept, Name};

/// Copies a store into one file, which must not be there: all that was committed when it began, of
/// one moment. It may be in use. The file is for its owner alone.
///
/// # Errors
///
/// [`StoreError`], and there is no file.
pub fn backup(folder: &Folder, to: &Path) -> Result<(), StoreError> {
    let connection = open(folder)?;
    let name = schema::literal(to);
    let name = name.to_str().ok_or_else(|| {
        let error = io::Error::new(ErrorKind::InvalidInput, "it is no text");
        StoreError::Place(to.to_owned(), error)
    })?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    let file = file.map_err(|error| StoreError::Place(to.to_owned(), error))?;
    // SQLite fills an empty file, and refuses any other.
    let copied = connection
        .execute_batch("PRAGMA query_only = OFF")
        .and_then(|()| connection.execute("VACUUM INTO ?1", [name]))
        .map_err(|error| StoreError::Database(to.to_owned(), error))
        .and_then(|_| {
            // What is said after it was made has numbers that the copy does not know of.
            schema::mark_in_use(to)?;
            let synced = file.sync_all();
            synced.map_err(|error| StoreError::Place(to.to_owned(), error))
        });
    if copied.is_err() {
        // What says why is what it fails with.
        let _ = fs::remove_file(to);
    }
    copied
}

/// Gives all that is kept of a room when it begins, oldest first, but what is taken back or pruned
/// meanwhile. The store may be in use.
///
/// # Errors
///
/// [`StoreError`]; and what `take` fails with, which ends it.
pub fn each_event(
    folder: &Folder,
    room: &str,
    take: impl FnMut(Kept) -> io::Result<()>,
) -> Result<io::Result<()>, StoreError> {
    let connection = open(folder)?;
    let name = Name::kept(room.strip_prefix('#').unwrap_or(room));
    let given = reading::each(&connection, &name, take);
    given
        .map_err(|error| StoreError::Database(folder.database(), error))?
        .ok_or_else(|| StoreError::NoRoom(name.to_string()))
}

fn open(folder: &Folder) -> Result<rusqlite::Connection, StoreError> {
    let path = folder.database();
    match path.try_exists() {
        Ok(true) => schema::open_to_read(&path),
        Ok(false) => Err(StoreError::Absent(path)),
        Err(error) => Err(StoreError::Place(path, error)),
    }
}

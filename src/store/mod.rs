//! What was said in rooms is kept: SQLite, in a thread of its own.
//!
//! [`StoreLog`] is a [`RoomLog`](crate::room_log::RoomLog). Nobody hears a line before it is
//! committed, so what anybody has heard is there after a kill, in the order in which it was heard.
//! What was said to one member alone gets its place here, too, and is not kept.
//!
//! | file | what |
//! | --- | --- |
//! | `place.rs`    | the folder: who may read it, who has it, the highest number beside it |
//! | `schema.rs`   | the tables, and how the database is opened                    |
//! | `rows.rs`     | rows of the tables, and what they are of                      |
//! | `passing.rs`  | a draft on its way through the threads                        |
//! | `writing.rs`  | many drafts in one transaction; what is taken back            |
//! | `reading.rs`  | pages, rooms as they were                                     |
//! | `searching.rs` | messages by their words                                      |
//! | `words.rs`, `backlog.rs`, `indexing.rs` | the index of words; what is not in it yet; how that is caught up with |
//! | `pruning.rs`, `survey.rs` | what goes when there is too much, or too old; which rooms take most |
//! | `checkpoints.rs` | what was committed goes into the database, in a thread of its own |
//! | `copying.rs`  | a copy of a store that is in use, and all of one room         |
//! | `log.rs`      | the log, as the loop has it                                   |
//! | `shared.rs`   | what the loop and the threads have together                   |
//! | `behind.rs`   | what is done behind the commits                               |
//! | `threads.rs`, `readers.rs` | the thread that writes, and those that read      |
//! | `directory/`  | who is who, in a database of its own beside that              |
//!
//! What writes and reads knows no thread: it is functions of a connection.

mod backlog;
mod behind;
mod checkpoints;
mod copying;
mod directory;
mod indexing;
mod log;
mod passing;
mod place;
mod pruning;
mod readers;
mod reading;
mod rows;
mod schema;
mod searching;
mod shared;
mod survey;
#[cfg(all(test, feature = "server"))]
mod tests;
mod threads;
mod words;
mod writing;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use copying::{backup, each_event};
pub use directory::StoreDirectory;
pub use log::StoreLog;
pub use place::Folder;

/// How a store is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is committed outlasts a power failure, too: each commit waits for the disk.
    pub is_synced: bool,
    /// Bytes that it may take: the database, what is not yet in it, and the index of words.
    pub most_bytes: u64,
    /// What was said longer ago than so many days is forgotten; `None` for never.
    pub most_days: Option<u32>,
}

/// Bytes that the journal may take, of those that the store may.
const MOST_JOURNAL: u64 = 8 * 1024 * 1024;

impl Options {
    /// Bytes that are for the journal: for what is committed and not yet in the database.
    fn journal_bytes(&self) -> u64 {
        MOST_JOURNAL.min(self.most_bytes / 4)
    }

    /// Bytes that are for the database.
    fn database_bytes(&self) -> u64 {
        self.most_bytes - self.journal_bytes()
    }
}

/// Why a store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// Another process has it.
    InUse(PathBuf),
    /// The folder, or a file in it, cannot be made or opened.
    Place(PathBuf, io::Error),
    /// It was written by a newer version of this program.
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        version: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It is a database of another program, or none.
    Foreign(PathBuf),
    /// SQLite says so.
    Database(PathBuf, rusqlite::Error),
    /// There is none.
    Absent(PathBuf),
    /// There is no room of that name in it.
    NoRoom(String),
    /// The system has no thread for it.
    Thread(io::Error),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(f, "{}: another server uses it", path.display()),
            Self::Place(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Newer {
                path,
                version,
                known,
            } => write!(
                f,
                "{}: a newer loopchat has written it (tables of version {version}, this one knows \
                 {known})",
                path.display(),
            ),
            Self::Foreign(path) => write!(f, "{}: it is no store of loopchat", path.display()),
            Self::Database(path, error) => {
                write!(f, "{}: {error}", path.display())?;
                let is_said = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
                match schema::is_full(error) && !is_said {
                    true => f.write_str(" (there may be no space left)"),
                    false => Ok(()),
                }
            }
            Self::Absent(path) => write!(f, "{}: there is no store", path.display()),
            Self::NoRoom(room) => write!(f, "nothing is kept of #{room}"),
            Self::Thread(error) => write!(f, "a thread: {error}"),
        }
    }
}

impl std::error::Error for StoreError {}

//! What was committed goes from the journal into the database. That waits for the disk, so a thread
//! of its own does it, by a connection of its own, while more is committed.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// What is committed meanwhile is seen to at once if the last pass has taken longer than this: so
/// the journal can nearly always begin anew.
const LONG: Duration = Duration::from_millis(2);

/// But no more often than that.
const MOST_PASSES: usize = 4;

/// How it has gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpointed {
    /// Pages of the journal, those included that are in the database by now.
    pub(super) pages: u64,
    /// Those of them that are not, since somebody reads what was there before.
    pub(super) left: u64,
}

/// Brings what is in the journal into the database.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<Checkpointed> {
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    connection.query_row(sql, [], |row| {
        let (pages, done) = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
        Ok(Checkpointed {
            pages: pages.max(0) as u64,
            left: (pages - done).max(0) as u64,
        })
    })
}

/// All that was committed goes into the database, and nothing is left in the journal. False if
/// somebody reads it now.
pub(super) fn empty_journal(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(is_busy == 0)
}

/// The thread that does so.
#[derive(Debug)]
pub(super) struct Checkpoints {
    asked: Sender<()>,
    done: Receiver<rusqlite::Result<Checkpointed>>,
    is_under_way: bool,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (asked, asks) = channel();
        let (answers, done) = channel();
        let run = move || {
            while let Ok(()) = asks.recv() {
                if answers.send(in_passes(&connection)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("store-journal".to_owned());
        let thread = thread.spawn(run)?;
        Ok(Self {
            asked,
            done,
            is_under_way: false,
            thread,
        })
    }

    /// Asks for one. False if one is under way, or the thread is gone.
    pub(super) fn ask(&mut self) -> bool {
        if self.is_under_way {
            return false;
        }
        self.is_under_way = self.asked.send(()).is_ok();
        self.is_under_way
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.is_under_way
    }

    /// How the last one has gone, once.
    pub(super) fn take(&mut self) -> Option<rusqlite::Result<Checkpointed>> {
        let done = self.done.try_recv().ok()?;
        self.is_under_way = false;
        Some(done)
    }

    /// Ends the thread, when it has finished what it does.
    pub(super) fn end(self) {
        drop(self.asked);
        // If it has panicked, that was said.
        let _ = self.thread.join();
    }
}

fn in_passes(connection: &Connection) -> rusqlite::Result<Checkpointed> {
    let mut passes = 1;
    loop {
        let began = Instant::now();
        let done = checkpoint(connection)?;
        if passes == MOST_PASSES || done.left > 0 || began.elapsed() < LONG {
            return Ok(done);
        }
        passes += 1;
    }
}

//! The thread that writes.
//!
//! It takes all that is there, commits it as one transaction, tells the loop, and only then
//! sees to what is [behind](super::behind), in small pieces: what is said in between comes first.
//! What is to be read goes on to [threads](super::readers) that do nothing else.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::behind::{Behind, QUIET, To};
use super::checkpoints::Checkpoints;
use super::passing::Passing;
use super::readers::Readers;
use super::shared::{Job, Shared};
use super::writing::Writer;
use super::{Options, reading};
use crate::chat::{Query, Recall, Recalled, Wanted};
use crate::room_log::Unreadable;

/// Bytes of drafts beyond which no more turns join a transaction.
const MOST_AT_ONCE: u64 = 1024 * 1024;

/// Says that the thread has ended, however it has.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.has_ended();
    }
}

/// Starts the threads, with connections to read: for pages, and for searches.
pub(super) fn start(
    writer: Writer,
    readers: [Connection; 2],
    journal: Connection,
    options: Options,
) -> io::Result<Arc<Shared>> {
    let shared = Arc::new(Shared::default());
    match writer.bytes() {
        Ok(bytes) => shared.note(|report| report.bytes = bytes),
        Err(error) => writer.complain(&error),
    }
    let life = writer.life();
    let name = |name: &str| thread::Builder::new().name(name.to_owned());
    let keeper = Keeper {
        shared: Arc::clone(&shared),
        writer,
        is_prompt: !options.is_synced,
        readers: Readers::start(&shared, readers, life)?,
        searches: Vec::new(),
        behind: Behind::new(options, Checkpoints::start(journal)?),
    };
    name("store").spawn(move || {
        let _ended = Ended(Arc::clone(&keeper.shared));
        keeper.run(); // it is let go before that is said
    })?;
    Ok(shared)
}

/// What the thread has that writes.
struct Keeper {
    shared: Arc<Shared>,
    writer: Writer,
    /// A commit waits for no disk.
    is_prompt: bool,
    readers: Readers,
    /// Those for which not all is in the index that they are to find.
    searches: Vec<Query>,
    behind: Behind,
}

impl Keeper {
    fn run(mut self) {
        let mut patience = Some(QUIET);
        while let Some(jobs) = self.shared.next_jobs(patience) {
            let is_quiet = jobs.is_empty() && patience != Some(Duration::ZERO);
            self.do_all(jobs);
            let is_idle = !self.catch_up(is_quiet);
            self.shared.set_prompt(self.is_prompt);
            let is_searched = !self.searches.is_empty();
            patience = self.behind.patience(&self.writer, is_searched, is_idle);
        }
        self.behind.end();
        if let Err(error) = self.writer.close() {
            self.writer.complain(&error);
        }
    }

    fn do_all(&mut self, jobs: VecDeque<Job>) {
        let (mut drafts, mut bytes) = (Vec::new(), 0);
        for job in jobs {
            match job {
                Job::Commit(turn) => {
                    bytes += turn.iter().map(Passing::bytes).sum::<u64>();
                    drafts.push(turn);
                    // What has come while the disk, or another, was waited for may be a great deal:
                    // the journal of one transaction has no bound but its size.
                    if bytes >= MOST_AT_ONCE {
                        bytes = 0;
                        self.commit(mem::take(&mut drafts));
                        self.catch_up(false);
                    }
                }
                Job::Find(query) => match query.wanted {
                    // What it is to find was committed long ago.
                    Wanted::Page(_) | Wanted::Message(_) => self.readers.find(&self.shared, query),
                    Wanted::Words(_) => self.searches.push(query),
                },
                Job::Recall(recall) => {
                    self.commit(mem::take(&mut drafts));
                    self.readers.recall(&self.shared, recall);
                }
                Job::RecallAtOnce(recall, answer) => {
                    // Whoever does not wait any more needs none.
                    let _ = answer.send(self.recall(&recall));
                }
            }
        }
        self.commit(drafts);
    }

    fn commit(&mut self, mut turns: Vec<Vec<Passing>>) {
        if turns.is_empty() {
            return;
        }
        let shared = &self.shared;
        let began = Instant::now();
        self.writer.commit(&mut turns, || shared.set_prompt(false));
        let busy = began.elapsed();
        let (mut count, mut refused, mut bytes, mut has_redactions) = (0, 0, 0, false);
        for passing in turns.iter().flatten() {
            count += 1;
            refused += u64::from(passing.is_refused());
            bytes += passing.bytes();
            has_redactions |= passing.taken_back().is_some();
        }
        self.behind.committed(count, bytes, has_redactions);
        let unindexed = self.writer.unindexed();
        shared.note(|report| {
            report.commits += 1;
            report.committed += count - refused;
            report.refused += refused;
            report.busy += busy;
            report.unindexed = unindexed;
        });
        self.shared.tell_settled(turns);
    }

    fn recall(&self, recall: &Recall) -> Result<Option<Recalled>, Unreadable> {
        let Writer { connection, .. } = &self.writer;
        reading::recall(connection, self.writer.life(), recall).map_err(|error| {
            self.writer.complain(&error);
            Unreadable
        })
    }

    /// Does a piece of what is behind. True if there may be more.
    fn catch_up(&mut self, is_quiet: bool) -> bool {
        let to = To {
            writer: &mut self.writer,
            shared: &self.shared,
            is_searched: !self.searches.is_empty(),
        };
        let Some(done) = self.behind.catch_up(to, is_quiet) else {
            self.search_what_there_is();
            return true;
        };
        let (indexed, unindexed) = (self.writer.indexed, self.writer.unindexed());
        self.shared.note(|report| report.unindexed = unindexed);
        let is_found = |query: &mut Query| query.up_to <= indexed || unindexed == 0;
        let ready: Vec<Query> = self.searches.extract_if(.., is_found).collect();
        for query in ready {
            self.readers.find(&self.shared, query);
        }
        done.unwrap_or_else(|_| {
            self.search_what_there_is();
            true
        })
    }

    /// Nobody waits for what may never be in the index: the answer says that not all was.
    fn search_what_there_is(&mut self) {
        for query in mem::take(&mut self.searches) {
            self.readers.find(&self.shared, query);
        }
    }
}

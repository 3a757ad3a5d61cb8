//! The thread that writes, and the one that reads.
//!
//! The first takes all that is there, commits it as one transaction, tells the loop, and only then
//! sees to the rest: the index of words, what is to be pruned, the journal. All of that goes in
//! small pieces, and what is said in between comes first. The second reads pages and searches, so
//! that none of those holds up what is said.
//!
//! What was found before a line was taken back may not be told after that: if there was a redaction
//! while it was read, it is read again.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{error, warn};
use rusqlite::Connection;

use super::pruning::Sweep;
use super::writing::Writer;
use super::{Options, reading};
use crate::chat::{Content, Draft, Found, Millis, Query, Recall, Recalled, Settled, Wanted};
use crate::room_log::{News, Unreadable, Wake};

/// The index of words is filled when so many lines are not in it, or when there is nothing else
/// to do.
const UNINDEXED: u64 = 256;

/// Lines that are put into the index at a time; more, if it is far behind.
const INDEXED: usize = 256;

/// How long nothing has to be said before what is behind is caught up with.
const QUIET: Duration = Duration::from_millis(500);

/// The journal goes into the database after about so many pages, or when it is half full.
const PAGES: u64 = 1000;

const PAGE_BYTES: u64 = 4096;

/// So many pages of the journal that somebody else keeps from it are worth a word: 64 MiB.
const TOO_MANY_PAGES: u64 = 16 * 1024;

/// So many pages of the database may be free for what is said next: 1 MiB.
const FREE: u64 = 256;

/// How often it is looked whether the store has become too large: after so many commits.
const COMMITS: u64 = 200;

/// How often what is too old is looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// After a failure the rest has to wait for so long.
const LATER: Duration = Duration::from_secs(5);

/// What the loop asks for.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Vec<(Draft, Millis)>),
    Find(Query),
    Recall(Recall),
    RecallAtOnce(Recall, Sender<Result<Option<Recalled>, Unreadable>>),
}

/// What the loop and the threads have together.
#[derive(Default)]
pub(super) struct Shared {
    jobs: Mutex<Jobs>,
    /// Something came, or the end.
    changed: Condvar,
    news: Mutex<Told>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    is_over: bool,
    has_ended: bool,
}

/// What the threads have told.
#[derive(Default)]
struct Told {
    news: VecDeque<News>,
    wake: Option<Wake>,
    /// How many lines were taken back so far.
    redactions: u64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

/// No one panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn give(&self, job: Job) {
        lock(&self.jobs).waiting.push_back(job);
        self.changed.notify_all();
    }

    pub(super) fn take_news(&self, news: &mut VecDeque<News>) {
        mem::swap(&mut lock(&self.news).news, news);
    }

    pub(super) fn wake_by(&self, wake: Wake) {
        lock(&self.news).wake = Some(wake);
    }

    /// Nothing more comes. Waits until all is written, but no longer than that; true if it is.
    pub(super) fn end(&self, limit: Duration) -> bool {
        let mut jobs = lock(&self.jobs);
        jobs.is_over = true;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(jobs, limit, |jobs| !jobs.has_ended);
        let (jobs, _) = waited.unwrap_or_else(PoisonError::into_inner);
        jobs.has_ended
    }

    fn tell(&self, news: impl IntoIterator<Item = News>, redactions: u64) {
        let mut told = lock(&self.news);
        told.redactions += redactions;
        told.news.extend(news);
        if let Some(wake) = &told.wake {
            wake();
        }
    }

    /// What waits; nothing if nothing has come for that long, and `None` at the end.
    fn next_jobs(&self, limit: Option<Duration>) -> Option<VecDeque<Job>> {
        let mut jobs = lock(&self.jobs);
        let is_quiet = |jobs: &mut Jobs| jobs.waiting.is_empty() && !jobs.is_over;
        jobs = match limit {
            Some(limit) => {
                let waited = self.changed.wait_timeout_while(jobs, limit, is_quiet);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.changed.wait_while(jobs, is_quiet);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        (!jobs.waiting.is_empty() || !jobs.is_over).then(|| mem::take(&mut jobs.waiting))
    }
}

/// Says that the thread has ended, however it has.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        lock(&self.0.jobs).has_ended = true;
        self.0.changed.notify_all();
    }
}

/// Starts both threads.
pub(super) fn start(
    writer: Writer,
    reader: Connection,
    options: Options,
) -> io::Result<Arc<Shared>> {
    let shared = Arc::new(Shared::default());
    let (questions, asked) = channel();
    let life = writer.life();
    let threads = Arc::clone(&shared);
    let name = |name: &str| thread::Builder::new().name(name.to_owned());
    name("store-read").spawn(move || read_all(&threads, &reader, life, &asked))?;
    let keeper = Keeper {
        shared: Arc::clone(&shared),
        writer,
        options,
        questions,
        searches: Vec::new(),
        behind: Behind::default(),
    };
    name("store").spawn(move || {
        let _ended = Ended(Arc::clone(&keeper.shared));
        // It is let go before that is said.
        let mut keeper = keeper;
        keeper.run();
    })?;
    Ok(shared)
}

/// What the thread has that writes.
struct Keeper {
    shared: Arc<Shared>,
    writer: Writer,
    options: Options,
    questions: Sender<Query>,
    /// Those for which not all is in the index that they are to find.
    searches: Vec<Query>,
    behind: Behind,
}

/// What is still to be done behind the commits.
#[derive(Default)]
struct Behind {
    /// Pages of the journal, about.
    pages: u64,
    /// Commits since it was looked how large the store is.
    commits: u64,
    /// It is too large.
    is_full: bool,
    /// Something was taken back whose text may still be in the journal.
    has_redacted: bool,
    /// What is too old is being looked for.
    sweep: Option<Sweep>,
    swept: Option<Instant>,
    /// Something has failed: until then nothing is tried.
    not_before: Option<Instant>,
    /// That was logged, and not all has been caught up with since.
    has_failed: bool,
    /// It was said that somebody keeps the journal from the database.
    has_complained: bool,
}

impl Keeper {
    fn run(&mut self) {
        let mut patience = Some(QUIET);
        while let Some(jobs) = self.shared.next_jobs(patience) {
            let is_quiet = jobs.is_empty() && patience != Some(Duration::ZERO);
            self.do_all(jobs);
            let is_idle = !self.catch_up(is_quiet);
            patience = self.patience(is_idle);
        }
        if let Err(error) = self.writer.close() {
            self.complain(&error);
        }
    }

    /// How long what comes next is waited for.
    fn patience(&self, is_idle: bool) -> Option<Duration> {
        if let Some(until) = self.behind.not_before {
            return Some(until.saturating_duration_since(Instant::now()));
        }
        match (is_idle, self.options.most_days) {
            (false, _) if self.has_to_hurry() => Some(Duration::ZERO),
            (false, _) => Some(QUIET),
            (true, Some(_)) => Some(SWEEP),
            (true, None) => None,
        }
    }

    /// Something is to be done even if there is no quiet.
    fn has_to_hurry(&self) -> bool {
        self.writer.unindexed() >= UNINDEXED
            || !self.searches.is_empty()
            || self.behind.is_full
            || self.behind.sweep.is_some()
    }

    fn do_all(&mut self, jobs: VecDeque<Job>) {
        let mut drafts = Vec::new();
        for job in jobs {
            match job {
                Job::Commit(more) if drafts.is_empty() => drafts = more,
                Job::Commit(more) => drafts.extend(more),
                Job::Find(query) => match query.wanted {
                    // What it is to find was committed long ago.
                    Wanted::Page(_) => self.ask(query),
                    Wanted::Words(_) => self.searches.push(query),
                },
                Job::Recall(recall) => {
                    self.commit(mem::take(&mut drafts));
                    let found = self.recall(&recall);
                    self.shared.tell([News::Recalled { recall, found }], 0);
                }
                Job::RecallAtOnce(recall, answer) => {
                    // Whoever does not wait any more needs none.
                    let _ = answer.send(self.recall(&recall));
                }
            }
        }
        self.commit(drafts);
    }

    fn commit(&mut self, drafts: Vec<(Draft, Millis)>) {
        if drafts.is_empty() {
            return;
        }
        self.behind.commits += 1;
        self.behind.pages += 4 + drafts.len() as u64 / 16;
        let settled = self.writer.commit(drafts);
        let is_redaction = |settled: &&Settled| {
            let Settled::Committed { draft, .. } = settled else {
                return false;
            };
            matches!(draft.content, Content::Redaction(_))
        };
        let redactions = settled.iter().filter(is_redaction).count();
        self.behind.has_redacted |= redactions > 0;
        let news = settled.into_iter().map(News::Settled);
        self.shared.tell(news, redactions as u64);
    }

    fn recall(&self, recall: &Recall) -> Result<Option<Recalled>, Unreadable> {
        let Writer { connection, .. } = &self.writer;
        reading::recall(connection, self.writer.life(), recall).map_err(|error| {
            self.complain(&error);
            Unreadable
        })
    }

    fn ask(&self, query: Query) {
        if let Err(unanswered) = self.questions.send(query) {
            let found = unanswered_by(unanswered.0);
            self.shared.tell([News::Found(found)], 0);
        }
    }

    fn complain(&self, error: &rusqlite::Error) {
        warn!("{}: {error}", self.writer.folder.database().display());
    }

    /// Does a piece of what is behind. True if there may be more.
    fn catch_up(&mut self, is_quiet: bool) -> bool {
        if self.behind.not_before.is_some_and(|at| Instant::now() < at) {
            return true;
        }
        self.behind.not_before = None;
        let done = self.do_a_piece(is_quiet);
        let (indexed, last) = (self.writer.indexed, self.writer.last());
        let is_found = |query: &mut Query| query.up_to <= indexed || indexed == last;
        let ready: Vec<Query> = self.searches.extract_if(.., is_found).collect();
        ready.into_iter().for_each(|query| self.ask(query));
        if let Ok(false) = done {
            self.behind.has_failed = false;
        }
        done.unwrap_or_else(|error| {
            if !mem::replace(&mut self.behind.has_failed, true) {
                self.complain(&error);
            }
            self.behind.not_before = Some(Instant::now() + LATER);
            // They need not wait for what may never be.
            let failed = self.searches.drain(..).map(unanswered_by);
            self.shared.tell(failed.map(News::Found), 0);
            true
        })
    }

    fn do_a_piece(&mut self, is_quiet: bool) -> rusqlite::Result<bool> {
        let unindexed = self.writer.unindexed();
        let is_asked = !self.searches.is_empty() || is_quiet;
        if unindexed >= UNINDEXED || unindexed > 0 && is_asked {
            // It keeps up, however much is said.
            self.writer.index(INDEXED.max(unindexed as usize / 8))?;
            self.behind.pages += 32;
        }
        self.prune()?;
        let most = PAGES.min(self.options.journal_bytes() / PAGE_BYTES / 2);
        if self.behind.pages >= most || is_quiet && self.behind.pages > 0 {
            let left = self.writer.checkpoint()?;
            self.behind.pages = 0;
            self.warn_of_readers(left);
        }
        if is_quiet && self.behind.has_redacted {
            self.behind.has_redacted = !self.writer.empty_journal()?;
        }
        let has_free = is_quiet && self.writer.vacuum(FREE)?;
        Ok(!is_quiet || has_free || self.has_to_hurry() || self.writer.unindexed() > 0)
    }

    fn prune(&mut self) -> rusqlite::Result<()> {
        let swept = &mut self.behind.swept;
        let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP);
        if let Some(days) = self.options.most_days.filter(|_| is_due) {
            *swept = Some(Instant::now());
            let age = Millis::from(days) * 24 * 60 * 60 * 1000;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.map_or(0, |now| now.as_millis() as Millis);
            self.behind.sweep = Some(Sweep::of(now.saturating_sub(age)));
        }
        if let Some(sweep) = &mut self.behind.sweep
            && self.writer.prune_old(sweep)?
        {
            self.behind.sweep = None;
        }
        let commits = &mut self.behind.commits;
        if *commits >= COMMITS || self.behind.is_full {
            *commits = 0;
            let most = self.options.database_bytes();
            let bytes = self.writer.bytes()?;
            // Somewhat more goes than has to, so that it is not a piece with each commit.
            let was_full = self.behind.is_full;
            self.behind.is_full = bytes > most || was_full && bytes > most - most / 16;
            if self.behind.is_full {
                self.behind.is_full = self.writer.prune_largest()?;
                self.behind.pages += 64;
            }
            if was_full || self.behind.is_full {
                self.writer.vacuum(0)?;
            }
        }
        Ok(())
    }

    /// Somebody beside this program reads what was there long ago, and the journal grows.
    fn warn_of_readers(&mut self, left: u64) {
        let is_much = left > TOO_MANY_PAGES;
        if is_much && !self.behind.has_complained {
            let path = self.writer.folder.database();
            let megabytes = left * PAGE_BYTES / (1024 * 1024);
            warn!(
                "{}: another program reads it in one long transaction, and {megabytes} MB wait for \
                 its end",
                path.display()
            );
        }
        self.behind.has_complained = is_much;
    }
}

/// The thread that reads.
fn read_all(shared: &Shared, connection: &Connection, life: u64, asked: &Receiver<Query>) {
    while let Ok(query) = asked.recv() {
        loop {
            let before = lock(&shared.news).redactions;
            let found = reading::found(connection, life, query.clone());
            let found = found.unwrap_or_else(|failure| {
                error!("what was said cannot be read: {failure}");
                unanswered_by(query.clone())
            });
            let mut told = lock(&shared.news);
            if told.redactions != before {
                continue;
            }
            told.news.push_back(News::Found(found));
            if let Some(wake) = &told.wake {
                wake();
            }
            break;
        }
    }
}

/// It cannot be read now.
fn unanswered_by(query: Query) -> Found {
    Found {
        query,
        messages: None,
        is_whole: false,
        is_last: true,
    }
}

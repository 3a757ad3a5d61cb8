//! The thread that writes, and the one that reads.
//!
//! The first takes all that is there, commits it as one transaction, tells the loop, and only then
//! sees to the rest: the index of words, what is to be pruned, the journal. All of that goes in
//! small pieces, and what is said in between comes first. The second reads pages and searches, so
//! that none of those holds up what is said.
//!
//! What was found before a line was taken back may not be told after that: what was taken back while
//! it was read is left out.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::vec;

use log::{error, warn};
use rusqlite::Connection;

use super::checkpoints::{self, Checkpoints};
use super::pruning::Sweep;
use super::writing::{Passing, Writer};
use super::{Options, reading};
use crate::chat::{Found, Millis, Query, Recall, Recalled, Wanted};
use crate::room_log::{News, Report, Unreadable, Wake};

/// The index of words is filled when so many lines are not in it, or when there is nothing else
/// to do.
const UNINDEXED: u64 = 256;

/// Lines that are put into the index at a time; more, if it is far behind.
const INDEXED: usize = 256;

/// How long nothing has to be said before what is behind is caught up with.
const QUIET: Duration = Duration::from_millis(500);

/// What was taken back is in the journal no longer than this, however much is said, unless somebody
/// reads what was there before.
pub(super) const REDACTED: Duration = Duration::from_secs(1);

/// The journal goes into the database after about so many pages, or when it is half full.
const PAGES: u64 = 1000;

const PAGE_BYTES: u64 = 4096;

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
    Commit(Vec<Passing>),
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
    news: Mutex<ToTell>,
    report: Mutex<Report>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    is_over: bool,
    has_ended: bool,
}

/// What the loop is told.
#[derive(Debug)]
pub(super) enum Told {
    /// What has become of drafts.
    Settled(vec::IntoIter<Passing>),
    /// The rest.
    Other(News),
}

/// What the threads have to tell.
#[derive(Default)]
struct ToTell {
    news: VecDeque<Told>,
    wake: Option<Wake>,
    /// The numbers of what was taken back since what is read now began to be.
    taken_back: Vec<u64>,
    /// Something is read now.
    is_reading: bool,
    /// How many drafts were settled so far.
    settled: u64,
    /// News wait until so many are.
    held_until: Option<u64>,
    /// What is given now is settled so soon that it is worth waiting for.
    is_prompt: bool,
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

    /// Takes what there is, once all is settled that was given when it was first asked for, so many
    /// drafts in all: whoever hears one hears all of them in one piece, at one cost. That is one
    /// transaction later at most, and never later than something else that takes its time.
    ///
    /// If it takes nothing although there is something, the loop is woken again.
    pub(super) fn take_news(&self, given: u64, news: &mut VecDeque<Told>) {
        let mut told = lock(&self.news);
        if told.news.is_empty() {
            return;
        }
        let until = *told.held_until.get_or_insert(given);
        if told.settled >= until || !told.is_prompt {
            told.held_until = None;
            mem::swap(&mut told.news, news);
        }
    }

    pub(super) fn report(&self) -> Report {
        *lock(&self.report)
    }

    /// What is given now is settled soon, or not: then nothing waits for it.
    pub(super) fn set_prompt(&self, is_prompt: bool) {
        let mut told = lock(&self.news);
        let was_prompt = mem::replace(&mut told.is_prompt, is_prompt);
        if was_prompt
            && !is_prompt
            && told.held_until.is_some()
            && let Some(wake) = &told.wake
        {
            wake();
        }
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

    fn tell(&self, news: impl IntoIterator<Item = News>) {
        let mut told = lock(&self.news);
        told.news.extend(news.into_iter().map(Told::Other));
        if let Some(wake) = &told.wake {
            wake();
        }
    }

    pub(super) fn tell_settled(&self, turns: Vec<Vec<Passing>>) {
        let mut told = lock(&self.news);
        if told.is_reading {
            let kept = turns.iter().flatten();
            let kept = kept.filter(|passing| !passing.is_refused());
            told.taken_back.extend(kept.filter_map(Passing::taken_back));
        }
        told.settled += turns.iter().map(|turn| turn.len() as u64).sum::<u64>();
        let settled = turns
            .into_iter()
            .map(|turn| Told::Settled(turn.into_iter()));
        told.news.extend(settled);
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
    journal: Connection,
    options: Options,
) -> io::Result<Arc<Shared>> {
    let shared = Arc::new(Shared::default());
    match writer.bytes() {
        Ok(bytes) => lock(&shared.report).bytes = bytes,
        Err(error) => complain(&writer, &error),
    }
    let (questions, asked) = channel();
    let life = writer.life();
    let threads = Arc::clone(&shared);
    let name = |name: &str| thread::Builder::new().name(name.to_owned());
    name("store-read").spawn(move || read_all(&threads, &reader, life, &asked))?;
    let keeper = Keeper {
        shared: Arc::clone(&shared),
        writer,
        checkpoints: Checkpoints::start(journal)?,
        options,
        questions,
        searches: Vec::new(),
        behind: Behind::default(),
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
    checkpoints: Checkpoints,
    options: Options,
    questions: Sender<Query>,
    /// Those for which not all is in the index that they are to find.
    searches: Vec<Query>,
    behind: Behind,
}

/// What is still to be done behind the commits.
#[derive(Default)]
pub(super) struct Behind {
    /// Pages of the journal, about.
    pages: u64,
    /// Commits since it was looked how large the store is.
    commits: u64,
    /// It is too large.
    is_full: bool,
    /// When something was taken back whose text may still be in the journal; then, when it was last
    /// tried to empty that.
    pub(super) redacted: Option<Instant>,
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

impl Behind {
    /// Whether the journal has to be emptied of what was taken back.
    pub(super) fn has_to_empty(&self, is_quiet: bool, now: Instant) -> bool {
        let is_due = |at: Instant| is_quiet || now.saturating_duration_since(at) >= REDACTED;
        self.redacted.is_some_and(is_due)
    }
}

impl Keeper {
    fn run(mut self) {
        let mut patience = Some(QUIET);
        while let Some(jobs) = self.shared.next_jobs(patience) {
            let is_quiet = jobs.is_empty() && patience != Some(Duration::ZERO);
            self.do_all(jobs);
            let is_idle = !self.catch_up(is_quiet);
            self.shared.set_prompt(!self.options.is_synced);
            patience = self.patience(is_idle);
        }
        self.checkpoints.end();
        if let Err(error) = self.writer.close() {
            complain(&self.writer, &error);
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
                Job::Commit(turn) => drafts.push(turn),
                Job::Find(query) => match query.wanted {
                    // What it is to find was committed long ago.
                    Wanted::Page(_) | Wanted::Message(_) => self.ask(query),
                    Wanted::Words(_) => self.searches.push(query),
                },
                Job::Recall(recall) => {
                    self.commit(mem::take(&mut drafts));
                    let found = self.recall(&recall);
                    self.shared.tell([News::Recalled { recall, found }]);
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
        self.behind.commits += 1;
        let shared = &self.shared;
        let began = Instant::now();
        self.writer.commit(&mut turns, || shared.set_prompt(false));
        let all = turns.iter().flatten();
        let (count, refused) = (all.clone().count() as u64, all.clone());
        let refused = refused.filter(|passing| passing.is_refused()).count() as u64;
        self.behind.pages += 4 + count / 16;
        let mut report = lock(&shared.report);
        report.commits += 1;
        report.committed += count - refused;
        report.refused += refused;
        report.busy += began.elapsed();
        report.unindexed = self.writer.unindexed();
        drop(report);
        if all.clone().any(Passing::is_redaction) {
            self.behind.redacted.get_or_insert_with(Instant::now);
        }
        self.shared.tell_settled(turns);
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
            self.shared.tell([News::Found(found)]);
        }
    }

    fn complain(&self, error: &rusqlite::Error) {
        complain(&self.writer, error);
    }

    /// Does a piece of what is behind. True if there may be more.
    fn catch_up(&mut self, is_quiet: bool) -> bool {
        if self.behind.not_before.is_some_and(|at| Instant::now() < at) {
            return true;
        }
        self.behind.not_before = None;
        let done = self.do_a_piece(is_quiet);
        let (indexed, last) = (self.writer.indexed, self.writer.last());
        lock(&self.shared.report).unindexed = last - indexed;
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
            self.shared.tell(failed.map(News::Found));
            true
        })
    }

    fn do_a_piece(&mut self, is_quiet: bool) -> rusqlite::Result<bool> {
        let unindexed = self.writer.unindexed();
        let is_asked = !self.searches.is_empty() || is_quiet;
        if unindexed >= UNINDEXED || unindexed > 0 && is_asked {
            self.shared.set_prompt(false);
            // It keeps up, however much is said.
            self.writer.index(INDEXED.max(unindexed as usize / 8))?;
            self.behind.pages += 32;
        }
        self.prune(is_quiet)?;
        let most = PAGES.min(self.options.journal_bytes() / PAGE_BYTES / 2);
        if let Some(done) = self.checkpoints.take() {
            let mut done = done?;
            if done.left == 0 && done.pages * PAGE_BYTES > self.options.journal_bytes() {
                // So much is committed that it never ends: here it does.
                self.shared.set_prompt(false);
                done = checkpoints::checkpoint(&self.writer.connection)?;
            }
            self.warn_of_readers(done.left);
        }
        let is_much = self.behind.pages >= most || is_quiet && self.behind.pages > 0;
        if is_much && self.checkpoints.ask() {
            self.behind.pages = 0;
        }
        let has_to_empty = self.behind.has_to_empty(is_quiet, Instant::now());
        if has_to_empty && !self.checkpoints.is_under_way() {
            self.shared.set_prompt(false);
            let is_empty = self.writer.empty_journal()?;
            self.behind.redacted = (!is_empty).then(Instant::now);
        }
        let has_free = is_quiet && self.writer.vacuum(FREE)?;
        let is_under_way = self.checkpoints.is_under_way();
        Ok(!is_quiet
            || has_free
            || is_under_way
            || self.behind.redacted.is_some()
            || self.has_to_hurry()
            || self.writer.unindexed() > 0)
    }

    fn prune(&mut self, is_quiet: bool) -> rusqlite::Result<()> {
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
        if *commits >= COMMITS || is_quiet && *commits > 0 || self.behind.is_full {
            *commits = 0;
            let most = self.options.database_bytes();
            let bytes = self.writer.bytes()?;
            lock(&self.shared.report).bytes = bytes;
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
        lock(&self.shared.report).held_journal_bytes = left * PAGE_BYTES;
        let is_much = left * PAGE_BYTES > 2 * self.options.journal_bytes();
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

fn complain(writer: &Writer, error: &rusqlite::Error) {
    warn!("{}: {error}", writer.folder.database().display());
}

/// The thread that reads.
fn read_all(shared: &Shared, connection: &Connection, life: u64, asked: &Receiver<Query>) {
    while let Ok(query) = asked.recv() {
        loop {
            let mut told = lock(&shared.news);
            told.is_reading = true;
            told.taken_back.clear();
            drop(told);
            let found = reading::found(connection, life, query.clone());
            let mut found = found.unwrap_or_else(|failure| {
                error!("what was said cannot be read: {failure}");
                unanswered_by(query.clone())
            });
            let mut told = lock(&shared.news);
            if !leave_out(&mut found, &told.taken_back) {
                continue;
            }
            told.is_reading = false;
            told.news.push_back(Told::Other(News::Found(found)));
            if let Some(wake) = &told.wake {
                wake();
            }
            break;
        }
    }
}

/// Leaves out what was taken back meanwhile. False if nothing is left, so that it has to be read
/// again: an empty page does not say where the next one begins.
pub(super) fn leave_out(found: &mut Found, taken_back: &[u64]) -> bool {
    let Some(messages) = &mut found.messages else {
        return true;
    };
    let had_none = messages.is_empty();
    messages.retain(|message| !taken_back.contains(&message.place.number));
    had_none || !messages.is_empty()
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

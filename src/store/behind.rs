//! What is done behind the commits, a piece at a time: the index of words, what is to be pruned, the
//! journal.

use std::mem;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{info, warn};

use super::Options;
use super::checkpoints::{self, Checkpoints};
use super::pruning::Sweep;
use super::shared::Shared;
use super::writing::Writer;
use crate::chat::Millis;

/// The index of words is filled when so many lines are not in it, or when there is nothing else
/// to do.
const UNINDEXED: u64 = 256;

/// Lines that are put into the index at a time; more, if it is far behind.
const INDEXED: usize = 256;

/// How long nothing has to be said before what is behind is caught up with.
pub(super) const QUIET: Duration = Duration::from_millis(500);

/// What was taken back is in the journal no longer than this, however much is said, unless somebody
/// reads what was there before.
pub(super) const REDACTED: Duration = Duration::from_secs(1);

/// The journal goes into the database after about so many pages, or when it is half full.
const PAGES: u64 = 1000;

const PAGE_BYTES: u64 = 4096;

/// So many pages of the database may be free for what is said next: 1 MiB.
const FREE: u64 = 256;

/// How often it is looked whether the store has become too large: after so many commits, or so
/// much of what it may take.
const COMMITS: u64 = 200;
const PART: u64 = 64;

/// Steps of a look at all rooms that are done at a time.
const MOST_LOOKS: u32 = 8;

/// How often what is too old is looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// After a failure the rest has to wait for so long.
const LATER: Duration = Duration::from_secs(5);

/// What is still to be done behind the commits.
pub(super) struct Behind {
    options: Options,
    checkpoints: Checkpoints,
    /// Pages of the journal, about.
    pages: u64,
    /// Commits since it was looked how large the store is.
    commits: u64,
    /// Bytes that have come since something was pruned for them.
    came: u64,
    /// It is too large.
    is_full: bool,
    /// When something was taken back whose text may still be in the journal; then, when it was last
    /// tried to empty that.
    redacted: Option<Instant>,
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

/// What it is done to.
pub(super) struct To<'a> {
    pub(super) writer: &'a mut Writer,
    pub(super) shared: &'a Shared,
    /// Somebody waits for the index.
    pub(super) is_searched: bool,
}

/// Whether the journal has to be emptied of what was taken back, if anything was.
pub(super) fn has_to_empty(redacted: Option<Instant>, is_quiet: bool, now: Instant) -> bool {
    let is_due = |at: Instant| is_quiet || now.saturating_duration_since(at) >= REDACTED;
    redacted.is_some_and(is_due)
}

impl Behind {
    pub(super) fn new(options: Options, checkpoints: Checkpoints) -> Self {
        Self {
            options,
            checkpoints,
            pages: 0,
            commits: 0,
            came: 0,
            is_full: false,
            redacted: None,
            sweep: None,
            swept: None,
            not_before: None,
            has_failed: false,
            has_complained: false,
        }
    }

    /// So many lines were committed, that take so many bytes; whether anything was taken back.
    pub(super) fn committed(&mut self, lines: u64, bytes: u64, has_redactions: bool) {
        self.commits += 1;
        self.came += bytes;
        self.pages += 4 + lines / 16;
        if has_redactions {
            self.redacted.get_or_insert_with(Instant::now);
        }
    }

    /// How long what comes next is waited for.
    pub(super) fn patience(
        &self,
        writer: &Writer,
        is_searched: bool,
        is_idle: bool,
    ) -> Option<Duration> {
        if let Some(until) = self.not_before {
            return Some(until.saturating_duration_since(Instant::now()));
        }
        match (is_idle, self.options.most_days) {
            (false, _) if self.has_to_hurry(writer, is_searched) => Some(Duration::ZERO),
            (false, _) => Some(QUIET),
            (true, Some(_)) => Some(SWEEP),
            (true, None) => None,
        }
    }

    /// Something is to be done even if there is no quiet.
    fn has_to_hurry(&self, writer: &Writer, is_searched: bool) -> bool {
        writer.unindexed() >= UNINDEXED || is_searched || self.is_full || self.sweep.is_some()
    }

    /// Does a piece of it. True if there may be more, `None` if it is too early since something has
    /// failed.
    ///
    /// # Errors
    ///
    /// Why it cannot be done now.
    pub(super) fn catch_up(
        &mut self,
        to: To<'_>,
        is_quiet: bool,
    ) -> Option<rusqlite::Result<bool>> {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        self.not_before = None;
        let writer = &mut *to.writer;
        let done = self.do_a_piece(
            To {
                writer: &mut *writer,
                ..to
            },
            is_quiet,
        );
        let path = writer.folder.database();
        match &done {
            Ok(true) => {}
            Ok(false) => {
                if mem::replace(&mut self.has_failed, false) {
                    info!("{}: what was behind is caught up with", path.display());
                }
            }
            Err(error) => {
                if !mem::replace(&mut self.has_failed, true) {
                    let path = path.display();
                    warn!(
                        "{path}: searches do not find what is said, and nothing is pruned: {error}"
                    );
                }
                writer.note_damage(error);
                self.not_before = Some(Instant::now() + LATER);
            }
        }
        Some(done)
    }

    fn do_a_piece(&mut self, to: To<'_>, is_quiet: bool) -> rusqlite::Result<bool> {
        let To {
            writer,
            shared,
            is_searched,
        } = to;
        let unindexed = writer.unindexed();
        let is_asked = is_searched || is_quiet;
        let mut indexed = Ok(());
        if unindexed >= UNINDEXED || unindexed > 0 && is_asked {
            shared.set_prompt(false);
            // It keeps up, however much is said.
            indexed = writer.index(INDEXED.max(unindexed as usize / 8));
            self.pages += 32;
        }
        self.prune(writer, shared, is_quiet)?;
        let most = PAGES.min(self.options.journal_bytes() / PAGE_BYTES / 2);
        if let Some(done) = self.checkpoints.take() {
            let mut done = done?;
            if done.left == 0 && done.pages * PAGE_BYTES > self.options.journal_bytes() {
                // So much is committed that it never ends: here it does.
                shared.set_prompt(false);
                done = checkpoints::checkpoint(&writer.connection)?;
            }
            self.warn_of_readers(writer, shared, done.left);
        }
        let is_much = self.pages >= most || is_quiet && self.pages > 0;
        if is_much && self.checkpoints.ask() {
            self.pages = 0;
        }
        let has_to_empty = has_to_empty(self.redacted, is_quiet, Instant::now());
        if has_to_empty && !self.checkpoints.is_under_way() {
            shared.set_prompt(false);
            let is_empty = checkpoints::empty_journal(&writer.connection)?;
            self.redacted = (!is_empty).then(Instant::now);
        }
        // If there is no space for it, the journal may have had what was wanting.
        indexed?;
        let has_free = is_quiet && writer.vacuum(FREE)?;
        let is_under_way = self.checkpoints.is_under_way();
        Ok(!is_quiet
            || has_free
            || is_under_way
            || self.redacted.is_some()
            || self.has_to_hurry(writer, is_searched)
            || writer.unindexed() > 0)
    }

    fn prune(
        &mut self,
        writer: &mut Writer,
        shared: &Shared,
        is_quiet: bool,
    ) -> rusqlite::Result<()> {
        let swept = &mut self.swept;
        let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP);
        if let Some(days) = self.options.most_days.filter(|_| is_due) {
            *swept = Some(Instant::now());
            let age = Millis::from(days) * 24 * 60 * 60 * 1000;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.map_or(0, |now| now.as_millis() as Millis);
            self.sweep = Some(Sweep::of(now.saturating_sub(age)));
        }
        if let Some(sweep) = &mut self.sweep
            && writer.prune_old(sweep)?
        {
            self.sweep = None;
        }
        let commits = &mut self.commits;
        let most = self.options.database_bytes();
        let is_much = *commits >= COMMITS || self.came >= most / PART;
        if is_much || is_quiet && *commits > 0 || self.is_full {
            *commits = 0;
            let bytes = writer.bytes()?;
            shared.note(|report| report.bytes = bytes);
            // Somewhat more goes than has to, so that it is not a piece with each commit.
            let was_full = self.is_full;
            self.is_full = bytes > most || was_full && bytes > most - most / 16;
            if self.is_full {
                self.is_full = self.make_room(writer, most)?;
            } else {
                self.came = 0;
            }
            if was_full || self.is_full {
                writer.vacuum(0)?;
            }
        }
        Ok(())
    }

    /// Prunes a piece; more, if more has come meanwhile: twice as much goes as comes, so however
    /// much is said does not outrun it. False if there is nothing.
    fn make_room(&mut self, writer: &mut Writer, most: u64) -> rusqlite::Result<bool> {
        let mut gone = 0;
        for step in 1.. {
            self.pages += 64;
            match writer.prune_most(most)? {
                None => return Ok(false),
                // Rooms are looked at, as many as there is time for.
                Some(0) if step >= MOST_LOOKS => return Ok(true),
                Some(bytes) => gone += bytes,
            }
            if gone >= self.came.saturating_mul(2) {
                break;
            }
        }
        self.came = 0;
        Ok(true)
    }

    /// Somebody beside this program reads what was there long ago, and the journal grows.
    fn warn_of_readers(&mut self, writer: &Writer, shared: &Shared, left: u64) {
        shared.note(|report| report.held_journal_bytes = left * PAGE_BYTES);
        let is_much = left * PAGE_BYTES > 2 * self.options.journal_bytes();
        if is_much && !self.has_complained {
            let path = writer.folder.database();
            let megabytes = left * PAGE_BYTES / (1024 * 1024);
            warn!(
                "{}: another program reads it in one long transaction, and {megabytes} MB wait for \
                 its end",
                path.display()
            );
        }
        self.has_complained = is_much;
    }

    /// The end: what is under way is waited for.
    pub(super) fn end(self) {
        self.checkpoints.end();
    }
}

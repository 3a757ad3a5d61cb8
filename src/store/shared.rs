//! What the loop and the threads have together: jobs one way, news the other, each behind a lock that
//! nobody holds for long.
//!
//! What was found before a line was taken back may not be told after that: what was taken back
//! while it was read is left out.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::vec;

use super::passing::Passing;
use crate::chat::{Found, Query, Recall, Recalled};
use crate::room_log::{News, Report, Unreadable, Wake};

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

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    /// Pages, and rooms.
    Short,
    Searches,
}

/// What is read now.
#[derive(Default)]
struct Read {
    /// The numbers of what was taken back since it began.
    taken_back: Vec<u64>,
    /// The room that is read, as names are compared, if all of it counts.
    room: Option<Box<str>>,
    /// That has heard something since.
    has_changed: bool,
}

impl Read {
    fn note(&mut self, settled: &Passing) {
        self.taken_back.extend(settled.taken_back());
        if let Some(room) = &self.room {
            self.has_changed |= settled.room_name().is_some_and(|it| *it.folded() == **room);
        }
    }
}

/// What the threads have to tell.
#[derive(Default)]
struct ToTell {
    news: VecDeque<Told>,
    wake: Option<Wake>,
    /// What is read now, by each of those who read.
    reading: [Option<Read>; 2],
    /// How many drafts were settled so far.
    settled: u64,
    /// News wait until so many are.
    held_until: Option<u64>,
    /// What is given now is settled so soon that it is worth waiting for.
    is_prompt: bool,
}

impl ToTell {
    /// Has the loop look.
    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake();
        }
    }
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

    /// Changes the report.
    pub(super) fn note(&self, change: impl FnOnce(&mut Report)) {
        change(&mut lock(&self.report));
    }

    /// What is given now is settled soon, or not: then nothing waits for it.
    pub(super) fn set_prompt(&self, is_prompt: bool) {
        let mut told = lock(&self.news);
        let was_prompt = mem::replace(&mut told.is_prompt, is_prompt);
        if was_prompt && !is_prompt && told.held_until.is_some() {
            told.wake();
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

    pub(super) fn tell(&self, news: impl IntoIterator<Item = News>) {
        let mut told = lock(&self.news);
        told.news.extend(news.into_iter().map(Told::Other));
        told.wake();
    }

    pub(super) fn tell_settled(&self, turns: Vec<Vec<Passing>>) {
        let mut told = lock(&self.news);
        for read in told.reading.iter_mut().flatten() {
            turns
                .iter()
                .flatten()
                .for_each(|passing| read.note(passing));
        }
        told.settled += turns.iter().map(|turn| turn.len() as u64).sum::<u64>();
        let settled = turns
            .into_iter()
            .map(|turn| Told::Settled(turn.into_iter()));
        told.news.extend(settled);
        told.wake();
    }

    /// What waits; nothing if nothing has come for that long, and `None` at the end.
    pub(super) fn next_jobs(&self, limit: Option<Duration>) -> Option<VecDeque<Job>> {
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

    /// The thread has ended, however it has.
    pub(super) fn has_ended(&self) {
        lock(&self.jobs).has_ended = true;
        self.changed.notify_all();
    }

    /// Something begins to be read; all of a room, if one is named, as names are compared.
    pub(super) fn begin_reading(&self, reader: Reader, room: Option<&str>) {
        let read = Read {
            room: room.map(Into::into),
            ..Read::default()
        };
        lock(&self.news).reading[reader as usize] = Some(read);
    }

    /// It was read, and is told without what was taken back meanwhile. False if it has to be read
    /// again.
    pub(super) fn tell_found(&self, reader: Reader, mut found: Found) -> bool {
        let mut told = lock(&self.news);
        let read = told.reading[reader as usize].take().unwrap_or_default();
        if !leave_out(&mut found, &read.taken_back) {
            return false;
        }
        told.news.push_back(Told::Other(News::Found(found)));
        told.wake();
        true
    }

    /// A room was read, and is told to all who have asked. They stay if it has to be read again,
    /// since it has heard something meanwhile: whoever hears of that first would not find it.
    pub(super) fn tell_recalled(
        &self,
        reader: Reader,
        askers: &mut VecDeque<Recall>,
        found: &Result<Option<Arc<Recalled>>, Unreadable>,
    ) {
        let mut told = lock(&self.news);
        let read = told.reading[reader as usize].take().unwrap_or_default();
        if read.has_changed {
            return;
        }
        let tell = |recall| {
            let found = found.clone();
            Told::Other(News::Recalled { recall, found })
        };
        told.news.extend(askers.drain(..).map(tell));
        told.wake();
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

//! The log, as the loop has it: what it is given goes to another thread, and news come back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use log::{info, warn};

use super::passing::Passing;
use super::shared::{Job, Shared, Told};
use super::threads;
use super::writing::Writer;
use super::{Folder, Options, StoreError, schema};
use crate::chat::{Draft, LogId, Millis, Query, Recall, Recalled, Settled};
use crate::room_log::{News, Report, RoomLog, Unreadable, Wake};

/// How long the end waits for what is still to be written.
const LAST: Duration = Duration::from_secs(10);

/// Keeps what rooms hear in a [`Folder`]. What two members say to each other alone gets its place
/// here, too, and is not kept.
///
/// A turn's drafts are one transaction, joined with others while one is under way. If it fails, for
/// want of space, or since something else holds or breaks the database, all of its drafts are
/// [refused](crate::chat::Unkept), and the next one is tried as any other.
///
/// When it goes out of scope it waits a while for what is under way.
#[derive(Debug)]
pub struct StoreLog {
    shared: Arc<Shared>,
    /// What this turn has brought.
    appended: Vec<Passing>,
    /// How many drafts there were so far.
    given: u64,
    /// What the threads have told.
    news: VecDeque<Told>,
}

impl StoreLog {
    /// Opens the store in a folder, or makes one, and starts its threads.
    ///
    /// # Errors
    ///
    /// [`StoreError`], and nothing has been changed that was there.
    pub fn open(folder: &Folder, options: Options) -> Result<Self, StoreError> {
        let writer = Writer::open(folder, &options)?;
        let missing = writer.missing();
        let read = || schema::open_to_read(&folder.database());
        let readers = [read()?, read()?];
        let journal = schema::open(&folder.database(), &options)?;
        let shared =
            threads::start(writer, readers, journal, options).map_err(StoreError::Thread)?;
        let path = folder.database();
        if missing > 0 {
            let path = path.display();
            warn!("{path}: the last {missing} lines at most are missing");
        }
        info!("what is said is kept in {}", path.display());
        Ok(Self {
            shared,
            appended: Vec::new(),
            given: 0,
            news: VecDeque::new(),
        })
    }

    fn give(&mut self, job: Job) {
        self.flush(); // it shows what was there when it was asked
        self.shared.give(job);
    }
}

impl RoomLog for StoreLog {
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled> {
        self.appended.push(Passing::new(draft, utc));
        self.given += 1;
        None
    }

    fn flush(&mut self) {
        if !self.appended.is_empty() {
            // The next turn may well bring as much.
            let next = Vec::with_capacity(self.appended.len());
            let drafts = std::mem::replace(&mut self.appended, next);
            self.shared.give(Job::Commit(drafts));
        }
    }

    fn read(&mut self, query: Query) -> Result<(), Query> {
        match query.log {
            LogId::Room(_) => {
                self.give(Job::Find(query));
                Ok(())
            }
            LogId::Pair(_) => Err(query),
        }
    }

    fn search(&mut self, query: Query) -> Result<(), Query> {
        self.read(query)
    }

    fn keeps_rooms(&self) -> bool {
        true
    }

    fn recall(&mut self, recall: Recall) -> Result<(), Recall> {
        self.give(Job::Recall(recall));
        Ok(())
    }

    fn recall_at_once(&mut self, recall: Recall) -> Result<Option<Recalled>, Unreadable> {
        let (answer, answered) = mpsc::channel();
        self.give(Job::RecallAtOnce(recall, answer));
        answered.recv().unwrap_or(Err(Unreadable))
    }

    fn next_news(&mut self) -> Option<News> {
        loop {
            match self.news.front_mut() {
                Some(Told::Settled(settled)) => {
                    if let Some(passing) = settled.next() {
                        return Some(News::Settled(passing.settled()));
                    }
                    self.news.pop_front();
                }
                Some(Told::Other(_)) => {
                    if let Some(Told::Other(news)) = self.news.pop_front() {
                        return Some(news);
                    }
                }
                // Whoever is told that there is none is woken for the next: so it has to be asked
                // for here, and not only if nothing was left of what was taken before.
                None => {
                    self.shared.take_news(self.given, &mut self.news);
                    if self.news.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    fn report(&self) -> Option<Report> {
        Some(self.shared.report())
    }

    fn wake_by(&mut self, wake: Wake) {
        self.shared.wake_by(wake);
    }
}

impl Drop for StoreLog {
    fn drop(&mut self) {
        self.flush();
        if !self.shared.end(LAST) {
            warn!("the store is still being written to");
        }
    }
}

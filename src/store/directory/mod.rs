//! Who is who is kept: SQLite, in a thread of its own.
//!
//! It is a database beside that of what is said. A change of a password waits for the disk, whatever
//! `--store-sync` says of lines; in one database those would wait with it. And what makes room there
//! for new lines can never take an account.
//!
//! | file | what |
//! | --- | --- |
//! | `schema.rs`  | the tables, and how older ones become these          |
//! | `tables.rs`  | entries as rows; many questions in one transaction   |
//! | `thread.rs`  | the thread, and what the loop and it have together   |

mod schema;
mod tables;
#[cfg(all(test, feature = "server"))]
mod tests;
mod thread;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use log::{info, warn};

use self::tables::Tables;
use self::thread::Shared;
use super::{Folder, StoreError};
use crate::directory::{Directory, MOST_WAITING, News, Question, Wake};

/// How long the end waits for what is still to be written.
const LAST: Duration = Duration::from_secs(10);

/// A [`Directory`] that outlasts its process, in a [`Folder`].
///
/// What it has answered is on the disk. All that waits when the disk is free again is one
/// transaction; if that fails nothing of it has happened, all of it is
/// [unavailable](crate::directory::Unavailable), and the next one is tried as any other.
///
/// When it goes out of scope it waits a while for what is under way.
pub struct StoreDirectory {
    shared: Arc<Shared>,
    /// Questions without an answer, as far as the loop knows.
    waiting: usize,
    news: VecDeque<News>,
}

impl StoreDirectory {
    /// Opens the directory in a folder, or makes one, and starts its thread. What was written by an
    /// older version is brought to this one.
    ///
    /// # Errors
    ///
    /// [`StoreError`], and nothing has been changed that was there, but that steps to a newer
    /// version may have been done which are whole.
    pub fn open(folder: &Folder) -> Result<Self, StoreError> {
        let mut tables = Tables::open(folder)?;
        let answer = move |questions: &[Question]| tables.answer(questions);
        let shared = thread::start(answer).map_err(StoreError::Thread)?;
        info!("who is who is kept in {}", folder.directory().display());
        Ok(Self::with(shared))
    }

    fn with(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            waiting: 0,
            news: VecDeque::new(),
        }
    }
}

impl fmt::Debug for StoreDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreDirectory")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Directory for StoreDirectory {
    fn ask(&mut self, question: Question) -> Result<(), Question> {
        if self.waiting >= MOST_WAITING {
            return Err(question);
        }
        self.waiting += 1;
        self.shared.ask(question);
        Ok(())
    }

    fn next_news(&mut self) -> Option<News> {
        if self.news.is_empty() {
            self.shared.take_news(&mut self.news);
        }
        let news = self.news.pop_front()?;
        self.waiting -= usize::from(matches!(news, News::Answered { .. }));
        Some(news)
    }

    fn wake_by(&mut self, wake: Wake) {
        self.shared.wake_by(wake);
    }
}

impl Drop for StoreDirectory {
    fn drop(&mut self) {
        if !self.shared.end(LAST) {
            warn!("the directory is still being written to");
        }
    }
}

//! Where what is said gets its place: the logs of rooms.
//!
//! Nothing is said in a room until its log has given it its place, nor to one member alone until the
//! log of the two has. The chat makes a
//! [`Draft`] of what a member says, a [`RoomLog`] takes it, and what has become of it goes back to
//! [`Chat::settle`](crate::chat::Chat::settle). So what everybody has heard is in the log, in the
//! order in which it was heard.
//!
//! | log | when a draft is settled | keeps |
//! | --- | --- | --- |
//! | [`MemoryLog`] | within the call | nothing but what the chat itself remembers |
//! | `StoreLog` (feature `store`) | when it is committed, in a thread of its own | what rooms hear, in SQLite |
//!
//! A draft has one of three outcomes. It is *committed*: it has its place, and everybody will hear
//! it. It is *refused*, which is said only if it is certain that nobody will ever hear it. Or it is
//! *in doubt*: the log waits, and finds out by the draft's id, which is its own for ever; until
//! then it says nothing.
//!
//! A log may keep rooms for longer than the chat remembers them, and over a restart: then it is
//! asked for a room before one of that name is opened ([`RoomLog::recall`]).
//!
//! What was said may be read again, by a [`Query`]: a page next to a number, or messages by their
//! words. A log that keeps no more than the chat remembers, or has no search, says so, and then the
//! chat answers for itself.

mod memory;
#[cfg(all(test, feature = "server"))]
pub(crate) mod slow;

use std::sync::Arc;
use std::time::Duration;

use crate::chat::{Draft, Found, Millis, Query, Recall, Recalled, Settled};

pub use memory::MemoryLog;

/// The logs of all rooms, and of all that two members say to each other alone: which of them a draft
/// is for, [`Draft::log`] tells.
///
/// Drafts of one log are settled in the order in which everybody is to hear them, and those of one
/// member in one log in the order in which they were appended: if one of them is refused, those
/// behind it still come in order. Between logs there is no order.
///
/// A [redaction](crate::chat::Content::Redaction) is a draft as any other. Once it is committed the
/// log has forgotten the text: what was [found](News::Found) before it may come before it in
/// [`next_news`](Self::next_news), and nothing that comes after it has it.
pub trait RoomLog {
    /// Takes a draft, said at `utc` milliseconds since 1970 by people's clocks.
    ///
    /// Returns what has become of it, if that is known at once. A log that does so does it for
    /// every draft. Any other keeps the draft, and gives its outcome by
    /// [`next_news`](Self::next_news) when it is known.
    #[must_use]
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled>;

    /// The turn is over: what was appended in it may go on its way together.
    fn flush(&mut self) {}

    /// Reads a [page](crate::chat::Wanted::Page), or one
    /// [message](crate::chat::Wanted::Message), of what it keeps of one life of one log: of what
    /// was appended with that [epoch](Query::epoch), no more than is asked for. Another room may
    /// have had the same [id](crate::chat::LogId) before. What it has found is given by
    /// [`next_news`](Self::next_news), once, in whichever order.
    ///
    /// # Errors
    ///
    /// The query, if it keeps no more than the chat remembers: then nothing comes.
    fn read(&mut self, query: Query) -> Result<(), Query> {
        Err(query)
    }

    /// Looks for messages by their [words](crate::chat::Wanted::Words), likewise.
    ///
    /// # Errors
    ///
    /// The query, if it has no search.
    fn search(&mut self, query: Query) -> Result<(), Query> {
        Err(query)
    }

    /// Whether it keeps rooms that the chat does not remember: then it is asked for one before that
    /// is opened.
    fn keeps_rooms(&self) -> bool {
        false
    }

    /// Looks for a room that is about to be opened. What was appended before is in what it finds,
    /// which is given by [`next_news`](Self::next_news), once.
    ///
    /// # Errors
    ///
    /// What was asked, if it keeps no rooms.
    fn recall(&mut self, recall: Recall) -> Result<(), Recall> {
        Err(recall)
    }

    /// The same before anybody is here who would wait for it: of the room in which everyone begins.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], if it may have kept something of it.
    fn recall_at_once(&mut self, _recall: Recall) -> Result<Option<Recalled>, Unreadable> {
        Ok(None)
    }

    /// What has become of a draft that was not settled at once, or what was found; `None` if there
    /// is no news.
    fn next_news(&mut self) -> Option<News> {
        None
    }

    /// How it does; `None` of a log that keeps nothing.
    fn report(&self) -> Option<Report> {
        None
    }

    /// What the log is to call, from whichever thread, when there is news. It is called once,
    /// before the first draft or question, and never by a log that settles everything at once.
    fn wake_by(&mut self, _wake: Wake) {}
}

/// What a log has to tell.
#[derive(Debug)]
pub enum News {
    /// What has become of a draft.
    Settled(Settled),
    /// What somebody wanted to read.
    Found(Found),
    /// A room that is about to be opened.
    Recalled {
        /// What was asked.
        recall: Recall,
        /// The room as it was; `None` if nothing is kept of it.
        found: Result<Option<Arc<Recalled>>, Unreadable>,
    },
}

/// How a log does that keeps what it is given, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Transactions of what was said.
    pub commits: u64,
    /// Drafts that they had, of rooms and of members alone.
    pub committed: u64,
    /// Drafts that were refused.
    pub refused: u64,
    /// How long all of that took.
    pub busy: Duration,
    /// Bytes that are in use of the database, as of a moment ago.
    pub bytes: u64,
    /// Numbers that are not yet in the index of words.
    pub unindexed: u64,
    /// Bytes of the journal that somebody who reads kept from the database when that was tried
    /// last.
    pub held_journal_bytes: u64,
}

/// What is kept cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Has the loop ask for [news](RoomLog::next_news).
pub type Wake = Box<dyn Fn() + Send>;

impl std::fmt::Debug for dyn RoomLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomLog")
    }
}

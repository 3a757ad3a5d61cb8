//! Where it is kept who is who: entries under keys, each with a version.
//!
//! A [`Directory`] is to accounts, rooms' owners and sanctions what a
//! [`RoomLog`](crate::room_log::RoomLog) is to what is said. It is asked from the loop, and what it
//! answers comes back later as [`News`]; so one may be in another thread, or on another machine. It
//! knows keys and bytes, and nothing of what they mean. What it can do is what key-value stores on
//! the network can, too: look up, change if nobody else has, tell of changes, forget in time.
//!
//! | directory | answers | keeps |
//! | --- | --- | --- |
//! | [`MemoryDirectory`] | within the call | entries as long as it is there itself |
//! | `StoreDirectory` (feature `store`) | when it is committed, in a thread of its own | entries, in SQLite |
//!
//! Whoever wants to change an entry looks it up, and changes it on the condition that its
//! [version](Entry::version) still is the same ([`Update::expected`]). Of two who do so at once one
//! is told what the other has made of it. There is no change of two entries at once: what belongs
//! together is one entry, or is written in an order in which each step may be the last.
//!
//! | file | what |
//! | --- | --- |
//! | `question.rs` | what is asked, and what comes back                               |
//! | `rules.rs`    | what follows from a question, whatever keeps the entries         |
//! | `memory.rs`   | entries in memory                                                |

mod memory;
mod question;
pub(crate) mod rules;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

pub use memory::MemoryDirectory;
pub use question::{
    Answer, Bucket, Entry, Expected, Key, LISTED, News, NotSet, Question, SWEPT, Ticket,
    Unavailable, Update, Value, Version, Wanted,
};

/// As many questions may be without an answer. Whoever asks one more has to wait.
pub const MOST_WAITING: usize = 1024;

/// Entries under keys, each with a version.
///
/// Questions are answered in the order in which they were asked, each once, and a question finds
/// what those before it have changed. What is told as changed is kept: it outlasts whatever the
/// directory outlasts.
pub trait Directory {
    /// Asks. The answer comes by [`next_news`](Self::next_news).
    ///
    /// # Errors
    ///
    /// The question, if [`MOST_WAITING`] have no answer yet: then nothing comes.
    fn ask(&mut self, question: Question) -> Result<(), Question>;

    /// An answer, or a change; `None` if there is no news.
    ///
    /// A change of a bucket that is [watched](Wanted::Watch) comes before the answer to the question
    /// that has made it: whoever keeps a copy is up to date when it is told.
    fn next_news(&mut self) -> Option<News>;

    /// What the directory is to call, from whichever thread, when there is news. It is called once,
    /// before the first question.
    fn wake_by(&mut self, wake: Wake);
}

/// Has the loop ask for [news](Directory::next_news).
pub type Wake = Box<dyn Fn() + Send>;

impl fmt::Debug for dyn Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}

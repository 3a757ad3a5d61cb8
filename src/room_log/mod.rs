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
//!
//! A draft has one of three outcomes. It is *committed*: it has its place, and everybody will hear
//! it. It is *refused*, which is said only if it is certain that nobody will ever hear it. Or it is
//! *in doubt*: the log waits, and finds out by the draft's id, which is its own for ever; until
//! then it says nothing.

mod memory;
#[cfg(all(test, feature = "server"))]
pub(crate) mod slow;

use crate::chat::{Draft, Millis, Settled};

pub use memory::MemoryLog;

/// The logs of all rooms, and of all that two members say to each other alone: which of them a draft
/// is for, [`Draft::log`] tells.
///
/// Drafts of one log are settled in the order in which everybody is to hear them, and those of one
/// member in one log in the order in which they were appended: if one of them is refused, those
/// behind it still come in order. Between logs there is no order.
pub trait RoomLog {
    /// Takes a draft, said at `utc` milliseconds since 1970 by people's clocks.
    ///
    /// Returns what has become of it, if that is known at once. A log that does so does it for
    /// every draft. Any other keeps the draft, and gives its outcome by
    /// [`next_settled`](Self::next_settled) when it is known.
    #[must_use]
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled>;

    /// The turn is over: what was appended in it may go on its way together.
    fn flush(&mut self) {}

    /// What has become of a draft that was not settled at once; `None` if there is no news.
    fn next_settled(&mut self) -> Option<Settled> {
        None
    }

    /// What the log is to call, from whichever thread, when there is news. It is called once,
    /// before the first draft, and never by a log that settles everything at once.
    fn wake_by(&mut self, _wake: Wake) {}
}

/// Has the loop ask for [news](RoomLog::next_settled).
pub type Wake = Box<dyn Fn() + Send>;

impl std::fmt::Debug for dyn RoomLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomLog")
    }
}

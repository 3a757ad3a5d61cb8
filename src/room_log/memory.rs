//! The log that keeps nothing: what is said gets its place within the call.

use super::RoomLog;
use crate::chat::{Draft, Millis, Settled};

/// Gives places, and keeps nothing: what the chat remembers of a room is all there is, and is gone
/// with the process. One count serves all rooms, so that nothing is kept of any of them; numbers
/// have gaps therefore.
#[derive(Debug, Default)]
pub struct MemoryLog {
    /// The number of what was said last.
    last: u64,
}

impl RoomLog for MemoryLog {
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled> {
        self.last += 1;
        Some(Settled::Committed {
            draft,
            number: self.last,
            time: utc,
        })
    }
}

//! The two times that something happens at.

use crate::chat::Millis;

/// When something happens: by the loop's clock, and by people's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// In milliseconds of a clock that never goes back: limits and deadlines are in it.
    pub now: Millis,
    /// In milliseconds since 1970, UTC: messages have it.
    pub utc: Millis,
}

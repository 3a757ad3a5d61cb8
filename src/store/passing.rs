//! Drafts on their way: from the loop to the thread that writes, and back.

use super::writing::weight;
use crate::chat::{Content, Draft, Millis, Name, Recipient, Settled, Text, Unkept};

/// A draft on its way through the threads: it stays where it is among those of its turn until it is
/// settled.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) draft: Draft,
    /// When it was said; then, when it has got its place.
    pub(super) time: Millis,
    /// What it is when it has one.
    pub(super) number: u64,
    /// The row of its room, if it is for one and was written.
    pub(super) room: i64,
    pub(super) refused: Option<Unkept>,
}

impl Passing {
    pub(super) fn new(draft: Draft, time: Millis) -> Self {
        Self {
            draft,
            time,
            number: 0,
            room: 0,
            refused: None,
        }
    }

    /// Whether it is written: what is said to one alone is not.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.draft.to, Recipient::Room { .. })
    }

    /// The room that hears it, unless it is refused.
    pub(super) fn room_name(&self) -> Option<&Name> {
        match &self.draft.to {
            Recipient::Room { name, .. } if !self.is_refused() => Some(name),
            _ => None,
        }
    }

    /// Bytes that it takes once it is written.
    pub(super) fn bytes(&self) -> u64 {
        match self.is_kept() {
            true => weight(self.draft.content.text().map(|text| &**text)) as u64,
            false => 0,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// What has become of it.
    pub(super) fn settled(self) -> Settled {
        let Self {
            draft,
            number,
            time,
            ..
        } = self;
        match self.refused {
            Some(why) => Settled::Refused { draft, why },
            None => Settled::Committed {
                draft,
                number,
                time,
            },
        }
    }

    /// What was said, if it is for a room: its number, the row of the room, and the text.
    pub(super) fn line(&self) -> Option<(u64, i64, &Text)> {
        match &self.draft.content {
            Content::Message { text, .. } if self.is_kept() => Some((self.number, self.room, text)),
            _ => None,
        }
    }

    /// The number of what it takes back, unless it is refused.
    pub(super) fn taken_back(&self) -> Option<u64> {
        match &self.draft.content {
            Content::Redaction(taken) if !self.is_refused() => Some(taken.number),
            _ => None,
        }
    }
}

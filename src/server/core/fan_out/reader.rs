//! What one reader gets of a batch.

use std::collections::HashSet;

use super::{Batch, Said, Skipped, Tally};
use crate::chat::{Event, MemberId};
use crate::server::core::rendering::{Framing, FramingId};

/// One who reads a batch.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) framing: FramingId,
    pub(super) framings: &'a [Framing],
    pub(super) ignored: Option<&'a HashSet<MemberId>>,
}

impl Reader<'_> {
    /// Adds what it has not seen of a batch, without the messages if it is behind, and without
    /// those of whom it wants to hear nothing. Returns how much it has seen then.
    pub(super) fn add(
        self,
        batch: &mut Batch,
        seen: usize,
        skipped: &mut Option<Skipped>,
        bytes: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        let (id, framings) = (self.framing, self.framings);
        let is_wanted = |said: &Said| match (said, self.ignored) {
            (
                Said::Event(Event::Message(message)) | Said::Unechoed(Event::Message(message)),
                Some(ignored),
            ) => !ignored.contains(&message.member),
            _ => true,
        };
        // Whom it does not want to hear it is not spared, either.
        let messages = match self.ignored {
            None => batch.messages_after(seen),
            Some(_) => {
                let rest = batch.rest(seen).iter();
                rest.filter(|said| said.is_message() && is_wanted(said))
                    .count() as u32
            }
        };
        match (skipped, self.ignored) {
            (None, None) => {
                tally.deliveries += u64::from(messages);
                batch.copy_rest(seen, id, framings, bytes);
            }
            (None, Some(_)) => {
                tally.deliveries += u64::from(messages);
                batch.copy_if(seen, id, framings, bytes, is_wanted);
            }
            (Some(skipped), _) => {
                skipped.lines += match skipped.all {
                    true => batch.lines_after(seen, id, framings, is_wanted),
                    false => messages,
                };
                if !skipped.all {
                    batch.copy_if(seen, id, framings, bytes, |said| !said.is_message());
                }
                tally.skipped += u64::from(messages);
            }
        }
        batch.len()
    }
}

//! What a room remembers: the newest messages, so many, and so many bytes, oldest first.
//!
//! Two limits, because people write far less than they may: rooms full of longest lines would cost
//! a hundred times the memory that the number of lines suggests. And all rooms together have a
//! third.
//!
//! Beside the messages it remembers as many of the other things that have had a place in the room,
//! so that whoever was away for a moment can be told exactly what it has missed.

use std::collections::VecDeque;
use std::rc::Rc;

use super::{Event, EventId, Message, Millis};

/// What a message costs beside its text: its fields, its place in the queue, the counts of both
/// allocations, and the allocator's own.
const OVERHEAD: usize = size_of::<Message>() + 72;

/// Messages that are told again, and the bytes of their texts and names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// How many messages.
    pub messages: usize,
    /// Bytes, as lines of text.
    pub bytes: usize,
}

#[derive(Debug)]
pub(super) struct History {
    messages: VecDeque<Rc<Message>>,
    bytes: usize,
    /// Older ones are not kept any more.
    has_forgotten: bool,
    /// Redactions and topics. Their texts count for nothing: there are few, and they are short.
    others: VecDeque<Event>,
    /// All that has had a larger number is kept, unless it was taken back.
    whole_after: u64,
    most_lines: usize,
    most_bytes: usize,
}

impl History {
    pub(super) fn new(most_lines: usize, most_bytes: usize) -> History {
        History {
            messages: VecDeque::new(),
            bytes: 0,
            has_forgotten: false,
            others: VecDeque::new(),
            whole_after: 0,
            most_lines,
            most_bytes,
        }
    }

    pub(super) fn push(&mut self, message: &Rc<Message>) {
        self.bytes += length(message);
        self.messages.push_back(Rc::clone(message));
        while self.messages.len() > self.most_lines || self.is_too_heavy() {
            self.forget_oldest();
        }
    }

    /// The newest message stays even if it alone is heavy: it is what the room is talking about.
    fn is_too_heavy(&self) -> bool {
        self.messages.len() > 1 && self.bytes > self.most_bytes
    }

    pub(super) fn forget_oldest(&mut self) {
        if let Some(oldest) = self.messages.pop_front() {
            self.has_forgotten = true;
            self.whole_after = self.whole_after.max(oldest.place.number);
            self.bytes -= length(&oldest);
        }
    }

    /// Remembers something that is no message.
    pub(super) fn note(&mut self, event: Event) {
        self.others.push_back(event);
        if self.others.len() > self.most_lines
            && let Some(oldest) = self.others.pop_front()
        {
            let number = oldest.place().map_or(0, |place| place.number);
            self.whole_after = self.whole_after.max(number);
        }
    }

    /// All that has had a larger number than this, in order; `None` if not all of it is kept.
    pub(super) fn since(&self, number: u64) -> Option<Vec<Event>> {
        if number < self.whole_after {
            return None;
        }
        let first = self
            .messages
            .partition_point(|message| message.place.number <= number);
        let messages = self.messages.range(first..).map(Rc::clone);
        let number_of = |event: &Event| event.place().map_or(0, |place| place.number);
        let others = self.others.iter();
        let others = others.filter(|event| number_of(event) > number).cloned();
        let mut events: Vec<Event> = messages.map(Event::Message).chain(others).collect();
        events.sort_by_key(number_of);
        Some(events)
    }

    /// A message that is kept.
    pub(super) fn find(&self, id: EventId) -> Option<&Rc<Message>> {
        self.rfind(|message| message.place.id == id)
    }

    /// Forgets one message.
    pub(super) fn forget(&mut self, id: EventId) {
        let at = self
            .messages
            .iter()
            .rposition(|message| message.place.id == id);
        if let Some(message) = at.and_then(|at| self.messages.remove(at)) {
            self.bytes -= length(&message);
        }
    }

    /// The newest message for which that holds.
    pub(super) fn rfind(&self, is_meant: impl Fn(&Message) -> bool) -> Option<&Rc<Message>> {
        self.messages.iter().rev().find(|message| is_meant(message))
    }

    /// Whether the last `count` are all that were ever said, but for those taken back.
    pub(super) fn is_whole(&self, count: usize) -> bool {
        !self.has_forgotten && count >= self.messages.len()
    }

    /// When the oldest message was said, and its number: by both it is older than others.
    pub(super) fn oldest(&self) -> Option<(Millis, u64)> {
        let oldest = self.messages.front()?.place;
        Some((oldest.time, oldest.number))
    }

    /// Bytes of memory that it takes.
    pub(super) fn weight(&self) -> usize {
        self.bytes + (self.messages.len() + self.others.len()) * OVERHEAD
    }

    /// What has had a larger number than this.
    pub(super) fn repeated_since(&self, number: u64) -> Repeated {
        let first = self
            .messages
            .partition_point(|message| message.place.number <= number);
        let repeated = self.repeated(self.messages.len() - first);
        Repeated {
            messages: repeated.messages + self.others.len(),
            ..repeated
        }
    }

    /// What the newest `count` messages are.
    pub(super) fn repeated(&self, count: usize) -> Repeated {
        let messages = count.min(self.messages.len());
        let bytes = match messages == self.messages.len() {
            true => self.bytes,
            false => self.last(count).map(|message| length(message)).sum(),
        };
        Repeated { messages, bytes }
    }

    /// The newest `count` messages, or as many as there are, oldest first.
    pub(super) fn last(
        &self,
        count: usize,
    ) -> impl ExactSizeIterator<Item = &Rc<Message>> + DoubleEndedIterator {
        let from = self.messages.len().saturating_sub(count);
        self.messages.range(from..)
    }
}

/// As a line of text.
fn length(message: &Message) -> usize {
    message.author.nickname.len() + 2 + message.text.len()
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::said;
    use super::*;

    fn kept(history: &History, count: usize) -> Vec<&str> {
        history.last(count).map(|message| &*message.text).collect()
    }

    /// Of all messages together, each of somebody called `ann`.
    const BYTES: usize = 1000;

    fn filled(limit: usize, texts: &[&str]) -> History {
        let mut history = History::new(limit, BYTES);
        for (number, text) in texts.iter().enumerate() {
            history.push(&said(number as u64, "ann", text));
        }
        history
    }

    #[test]
    fn the_newest_messages_come_oldest_first() {
        let history = filled(3, &["a", "b", "c", "d"]);
        assert_eq!(kept(&history, 9), ["b", "c", "d"]);
        assert_eq!(kept(&history, 2), ["c", "d"]);
        assert_eq!(history.last(2).len(), 2);
        assert!(kept(&history, 0).is_empty());
        assert!(kept(&filled(3, &[]), 5).is_empty());
    }

    #[test]
    fn a_room_may_keep_nothing() {
        let history = filled(0, &["a", "b"]);
        assert!(kept(&history, 9).is_empty());
        assert_eq!(history.bytes, 0);
    }

    #[test]
    fn long_messages_push_out_more_than_one() {
        let half = "x".repeat(BYTES / 2 - "ann: ".len());
        let mut history = filled(4, &["a", "b", &half]);
        assert_eq!(history.last(9).len(), 3);
        history.push(&said(9, "ann", &half));
        assert_eq!(history.last(9).len(), 2);
        assert_eq!(history.bytes, BYTES);
    }

    #[test]
    fn one_message_heavier_than_the_whole_is_kept() {
        let long = "x".repeat(9 * BYTES);
        assert_eq!(kept(&filled(1, &["a", &long]), 9), [long.as_str()]);
    }

    #[test]
    fn one_that_is_forgotten_leaves_no_byte() {
        let mut history = filled(9, &["a", "bb", "c"]);
        let id = history.find(EventId(1)).expect("it is kept").place.id;
        history.forget(id);
        history.forget(id);
        assert_eq!(kept(&history, 9), ["a", "c"]);
        assert_eq!(history.bytes, 2 * "ann: x".len());
        assert!(history.find(id).is_none());
        let last = history.rfind(|message| &*message.text != "c");
        assert_eq!(last.map(|message| &*message.text), Some("a"));
    }
}

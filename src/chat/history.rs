//! What is remembered of a room, or of what two say to each other alone: the newest messages, so
//! many, and so many bytes, oldest first.
//!
//! Two limits, because people write far less than they may: rooms full of longest lines would cost
//! a hundred times the memory that the number of lines suggests. And all rooms together have a
//! third.
//!
//! Beside the messages it remembers as many of the other things that have had a place in the room,
//! so that whoever was away for a moment can be told exactly what it has missed.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use super::{Event, EventId, Meant, Message, Millis, Side};

/// What a message costs beside its text: its fields, its place in the queue, the counts of both
/// allocations, and the allocator's own.
const OVERHEAD: usize = size_of::<Message>() + 72;

/// Messages and other things that are told again, and the bytes of their texts and names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// How many messages.
    pub messages: usize,
    /// Bytes, as lines of text.
    pub bytes: usize,
}

/// A part of a history.
pub(super) struct Page {
    /// Oldest first.
    pub(super) messages: Vec<Rc<Message>>,
    /// Of one that goes back: nothing was said before the first. Of one that goes forward: none is
    /// missing before the first.
    pub(super) is_whole: bool,
    /// The number from which one reads on in the same direction; `None` if there is nothing more.
    pub(super) next: Option<u64>,
    /// It is as it would be if everything was kept.
    pub(super) is_remembered: bool,
}

/// Next to which number a page is, on which side.
#[derive(Clone, Copy)]
enum ByNumber {
    Before(u64),
    After(u64),
}

#[derive(Debug)]
pub(super) struct History {
    messages: VecDeque<Rc<Message>>,
    bytes: usize,
    /// Older ones are not kept any more.
    has_forgotten: bool,
    /// Redactions and topics.
    others: VecDeque<Event>,
    /// Bytes of their texts.
    other_bytes: usize,
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
            other_bytes: 0,
            whole_after: 0,
            most_lines,
            most_bytes,
        }
    }

    pub(super) fn push(&mut self, message: &Rc<Message>) {
        self.bytes += length(message);
        self.messages.push_back(Rc::clone(message));
        while self.messages.len() > self.most_lines || self.is_too_heavy() {
            self.forget_message();
        }
    }

    /// The newest message stays even if it alone is heavy: it is what the room is talking about.
    fn is_too_heavy(&self) -> bool {
        self.messages.len() > 1 && self.bytes > self.most_bytes
    }

    /// Forgets the oldest of what is kept.
    pub(super) fn forget_oldest(&mut self) {
        let message = self.messages.front().map(|message| message.place.number);
        let other = self.others.front().map(number_of);
        match (message, other) {
            (Some(message), Some(other)) if other < message => self.forget_other(),
            (None, Some(_)) => self.forget_other(),
            _ => self.forget_message(),
        }
    }

    fn forget_other(&mut self) {
        if let Some(oldest) = self.others.pop_front() {
            self.whole_after = self.whole_after.max(number_of(&oldest));
            self.other_bytes -= length_of(&oldest);
        }
    }

    fn forget_message(&mut self) {
        if let Some(oldest) = self.messages.pop_front() {
            self.has_forgotten = true;
            self.whole_after = self.whole_after.max(oldest.place.number);
            self.bytes -= length(&oldest);
        }
    }

    /// Remembers something that is no message.
    pub(super) fn note(&mut self, event: Event) {
        self.other_bytes += length_of(&event);
        self.others.push_back(event);
        while self.others.len() > self.most_lines || self.other_bytes > self.most_bytes {
            self.forget_other();
        }
    }

    /// Remembers what was heard, and that all is there that has had a larger number than
    /// `whole_after`; perhaps even all that was ever said.
    pub(super) fn recall(
        &mut self,
        events: impl Iterator<Item = Event>,
        whole_after: u64,
        is_whole: bool,
    ) {
        for event in events {
            match event {
                Event::Message(message) => self.push(&message),
                other => self.note(other),
            }
        }
        self.has_forgotten |= !is_whole;
        self.whole_after = self.whole_after.max(whole_after);
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
        let others = self.others.iter();
        let others = others.filter(|event| number_of(event) > number).cloned();
        let mut events: Vec<Event> = messages.map(Event::Message).chain(others).collect();
        events.sort_by_key(number_of);
        Some(events)
    }

    /// A message that is kept.
    pub(super) fn find(&self, meant: Meant) -> Option<&Rc<Message>> {
        match meant {
            Meant::Id(id) => self.rfind(|message| message.place.id == id),
            Meant::Number(number) => {
                let key = |message: &Rc<Message>| message.place.number;
                let at = self.messages.binary_search_by_key(&number, key).ok()?;
                self.messages.get(at)
            }
        }
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

    /// The newest message that is kept.
    pub(super) fn newest(&self) -> Option<&Rc<Message>> {
        self.messages.back()
    }

    /// So many messages next to a number for which that holds. More are looked through, if some are
    /// not wanted.
    pub(super) fn page(
        &self,
        side: Side,
        count: usize,
        is_wanted: impl Fn(&Message) -> bool,
    ) -> Page {
        let side = self.by_number(side);
        let all = self.messages.range(self.range(side, usize::MAX));
        let wanted = all.filter(|message| is_wanted(message)).map(Rc::clone);
        let one_more = count.saturating_add(1); // to see whether there is one
        let mut messages: Vec<_> = match side {
            ByNumber::Before(_) => wanted.rev().take(one_more).collect(),
            ByNumber::After(_) => wanted.take(one_more).collect(),
        };
        let is_last = messages.len() <= count;
        messages.truncate(count);
        let next = messages.last().map(|message| message.place.number);
        match side {
            ByNumber::Before(_) => {
                messages.reverse();
                let is_whole = !self.has_forgotten && is_last;
                Page {
                    is_whole,
                    next: next.filter(|_| !is_whole),
                    is_remembered: is_whole || messages.len() == count,
                    messages,
                }
            }
            ByNumber::After(number) => {
                let is_whole = number >= self.whole_after;
                Page {
                    is_whole,
                    next: next.filter(|_| !is_last),
                    is_remembered: is_whole,
                    messages,
                }
            }
        }
    }

    /// Next to which number a page is of what is kept.
    fn by_number(&self, side: Side) -> ByNumber {
        let at = |time| {
            self.messages
                .partition_point(|message| message.place.time < time)
        };
        let number_at = |at: usize| self.messages.get(at).map(|message| message.place.number);
        match side {
            Side::Before(number) => ByNumber::Before(number),
            Side::After(number) => ByNumber::After(number),
            Side::Until(time) => ByNumber::Before(number_at(at(time)).unwrap_or(u64::MAX)),
            Side::Since(time) => {
                let before = at(time).checked_sub(1).and_then(number_at);
                ByNumber::After(before.unwrap_or(0))
            }
        }
    }

    /// Where the messages of a page are.
    fn range(&self, side: ByNumber, count: usize) -> Range<usize> {
        match side {
            ByNumber::Before(number) => {
                let end = self
                    .messages
                    .partition_point(|message| message.place.number < number);
                end.saturating_sub(count)..end
            }
            ByNumber::After(number) => {
                let start = self
                    .messages
                    .partition_point(|message| message.place.number <= number);
                start..start.saturating_add(count).min(self.messages.len())
            }
        }
    }

    /// When the oldest of what is kept was, and its number: by both it is older than others.
    pub(super) fn oldest(&self) -> Option<(Millis, u64)> {
        let message = self.messages.front().map(|message| &message.place);
        let other = self.others.front().and_then(Event::place);
        let oldest = message.into_iter().chain(other);
        oldest.map(|place| (place.time, place.number)).min()
    }

    /// Bytes of memory that it takes.
    pub(super) fn weight(&self) -> usize {
        self.bytes + self.other_bytes + (self.messages.len() + self.others.len()) * OVERHEAD
    }

    /// What has had a larger number than this.
    pub(super) fn repeated_since(&self, number: u64) -> Repeated {
        if number < self.whole_after {
            return Repeated::default(); // it is not told
        }
        let repeated = self.repeated_of(Side::After(number), usize::MAX);
        let others = self
            .others
            .partition_point(|event| number_of(event) <= number);
        let others = self.others.range(others..);
        Repeated {
            messages: repeated.messages + others.len(),
            bytes: repeated.bytes + others.map(length_of).sum::<usize>(),
        }
    }

    /// What the newest `count` messages are.
    pub(super) fn repeated(&self, count: usize) -> Repeated {
        self.repeated_of(Side::END, count)
    }

    /// What the messages of a page are.
    pub(super) fn repeated_of(&self, side: Side, count: usize) -> Repeated {
        let range = self.range(self.by_number(side), count);
        let messages = range.len();
        let bytes = match messages == self.messages.len() {
            true => self.bytes,
            false => self
                .messages
                .range(range)
                .map(|message| length(message))
                .sum(),
        };
        Repeated { messages, bytes }
    }
}

fn number_of(event: &Event) -> u64 {
    event.place().map_or(0, |place| place.number)
}

/// What an event that is no message has of a text.
fn length_of(event: &Event) -> usize {
    match event {
        Event::Topic(set) => set.topic.len(),
        _ => 0,
    }
}

/// As a line of text.
fn length(message: &Message) -> usize {
    message.author.nickname.len() + 2 + message.text.len()
}

#[cfg(all(test, feature = "server"))]
mod tests;

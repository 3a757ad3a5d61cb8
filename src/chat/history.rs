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
mod tests {
    use super::super::tests::said;
    use super::super::{Name, TopicSet};
    use super::*;

    fn kept(history: &History, count: usize) -> Vec<String> {
        texts(&history.page(Side::END, count, |_| true))
    }

    fn texts(page: &Page) -> Vec<String> {
        let texts = page.messages.iter().map(|message| message.text.to_string());
        texts.collect()
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
        assert_eq!(history.messages.len(), 3);
        history.push(&said(9, "ann", &half));
        assert_eq!(history.messages.len(), 2);
        assert_eq!(history.bytes, BYTES);
    }

    #[test]
    fn one_message_heavier_than_the_whole_is_kept() {
        let long = "x".repeat(9 * BYTES);
        assert_eq!(kept(&filled(1, &["a", &long]), 9), [long]);
    }

    #[test]
    fn one_that_is_forgotten_leaves_no_byte() {
        let mut history = filled(9, &["a", "bb", "c"]);
        let id = EventId::new(1);
        let found = [Meant::Id(id), Meant::Number(1)].map(|meant| history.find(meant));
        assert!(
            found
                .iter()
                .all(|found| found.is_some_and(|it| &*it.text == "bb"))
        );
        history.forget(id);
        history.forget(id);
        assert_eq!(kept(&history, 9), ["a", "c"]);
        assert_eq!(history.bytes, 2 * "ann: x".len());
        assert!(history.find(Meant::Id(id)).is_none() && history.find(Meant::Number(1)).is_none());
        let last = history.rfind(|message| &*message.text != "c");
        assert_eq!(last.map(|message| &*message.text), Some("a"));
    }

    /// Catches: a page that is off by one, one that looks whole and is not, and one from which
    /// nobody can read on.
    #[test]
    fn a_page_has_what_is_next_to_a_number() {
        let history = filled(4, &["a", "b", "c", "d", "e"]); // numbers 0 to 4, without the first
        for (side, count, expected, is_whole, next, is_remembered) in [
            (Side::END, 2, "d e", false, Some(3), true),
            (Side::END, 4, "b c d e", false, Some(1), true),
            (Side::END, 5, "b c d e", false, Some(1), false),
            (Side::Before(4), 2, "c d", false, Some(2), true),
            (Side::Before(2), 2, "b", false, Some(1), false),
            (Side::Before(1), 1, "", false, None, false),
            (Side::After(0), 2, "b c", true, Some(2), true),
            (Side::After(2), 2, "d e", true, None, true),
            (Side::After(4), 2, "", true, None, true),
        ] {
            let page = history.page(side, count, |_| true);
            let seen = (texts(&page).join(" "), page.is_whole, page.next);
            let what = format!("{side:?} {count}");
            assert_eq!(seen, (expected.to_owned(), is_whole, next), "{what}");
            assert_eq!(page.is_remembered, is_remembered, "{what}");
        }
        // Two are of one time, and those that are forgotten may have been of it, too.
        let mut timed = History::new(3, BYTES);
        for (number, time) in [(1, 5), (2, 5), (3, 7), (4, 7)] {
            let mut message = (*said(number, "ann", &number.to_string())).clone();
            message.place.time = time;
            timed.push(&Rc::new(message));
        }
        for (side, expected, is_whole, is_remembered) in [
            (Side::Until(7), "2", false, false),
            (Side::Until(8), "3 4", false, true),
            (Side::Until(5), "", false, false),
            (Side::Since(5), "2 3", false, false),
            (Side::Since(6), "3 4", true, true),
            (Side::Since(7), "3 4", true, true),
            (Side::Since(8), "", true, true),
        ] {
            let page = timed.page(side, 2, |_| true);
            let seen = (texts(&page).join(" "), page.is_whole, page.is_remembered);
            let wanted = (expected.to_owned(), is_whole, is_remembered);
            assert_eq!(seen, wanted, "{side:?}");
        }
        let whole = filled(4, &["a", "b"]);
        let all = whole.page(Side::END, 9, |_| true);
        assert!(all.is_whole && all.is_remembered && all.next.is_none());
        let half = whole.page(Side::END, 1, |_| true);
        assert!(!half.is_whole && half.next == Some(1));
        assert!(whole.page(Side::Before(1), 1, |_| true).is_whole);
        let mut gone = filled(1, &["a", "b", "c"]);
        gone.forget_oldest();
        let page = gone.page(Side::After(0), 9, |_| true);
        assert!(!page.is_remembered && !page.is_whole && page.messages.is_empty());
    }

    /// Catches: what somebody does not want to hear, counted as if it was told.
    #[test]
    fn a_page_is_full_of_what_is_wanted() {
        let history = filled(4, &["a", "b", "c", "d", "e"]);
        let page = history.page(Side::END, 2, |message| &*message.text != "d");
        assert_eq!((texts(&page).join(" "), page.next), ("c e".into(), Some(2)));
        let page = history.page(Side::END, 2, |message| &*message.text == "d");
        assert!(!page.is_remembered, "there may be more than are kept");
        let whole = filled(9, &["a", "b", "c", "d", "e"]);
        let page = whole.page(Side::END, 3, |message| &*message.text == "d");
        assert!(page.is_whole && page.is_remembered && page.next.is_none());
    }

    /// Catches: memory that no limit counts, gaps that look as if there were none, and a backlog
    /// that is too much for what is not in it.
    #[test]
    fn topics_count_and_what_is_forgotten_is_known_to_be() {
        let topic = |number| {
            Event::Topic(Rc::new(TopicSet {
                place: said(number, "ann", "").place,
                room: Name::generated("tea".into()),
                author: said(number, "ann", "").author.clone(),
                topic: "t".repeat(300).into(),
            }))
        };
        let mut history = History::new(5, BYTES);
        assert_eq!(history.since(0).map(|events| events.len()), Some(0));
        history.push(&said(1, "ann", "a"));
        history.note(topic(2));
        history.push(&said(3, "ann", "b"));
        let numbers = |history: &History, since| {
            let events = history.since(since)?;
            Some(events.iter().map(number_of).collect::<Vec<_>>())
        };
        assert_eq!(numbers(&history, 0), Some(vec![1, 2, 3]));
        assert_eq!(numbers(&history, 1), Some(vec![2, 3]));
        assert_eq!(history.weight(), 2 * "ann: a".len() + 300 + 3 * OVERHEAD);
        assert_eq!(history.repeated_since(1).bytes, "ann: a".len() + 300);
        let without_topic = Repeated {
            messages: 1,
            bytes: "ann: b".len(),
        };
        assert_eq!(history.repeated_since(2), without_topic);
        assert_eq!(history.repeated_since(3), Repeated::default());
        for number in 4..7 {
            history.note(topic(number));
        }
        assert_eq!(history.others.len(), 3, "no more bytes than there may be");
        assert_eq!(numbers(&history, 1), None, "the first topic is forgotten");
        assert_eq!(numbers(&history, 2), Some(vec![3, 4, 5, 6]));
        while history.oldest().is_some() {
            history.forget_oldest();
        }
        assert_eq!((history.weight(), history.others.len()), (0, 0));
        assert_eq!(numbers(&history, 6), Some(vec![]));
        assert_eq!(numbers(&history, 5), None);
    }
}

//! The lines a room keeps: the newest so many, and so many bytes, oldest first.
//!
//! Two limits, because people write far less than they may: rooms full of longest lines would cost
//! a hundred times the memory that the number of lines suggests. And all rooms together have a
//! third.

use std::collections::VecDeque;
use std::rc::Rc;

use super::Line;

/// What a line costs beside its text: its place in the queue, its counts, and the allocator's own.
const LINE_OVERHEAD: usize = 56;

#[derive(Debug)]
pub(super) struct History {
    /// Each with a number that grows from line to line, in whichever room.
    lines: VecDeque<(u64, Line)>,
    bytes: usize,
    most_lines: usize,
    most_bytes: usize,
}

impl History {
    pub(super) fn new(most_lines: usize, most_bytes: usize) -> History {
        History {
            lines: VecDeque::new(),
            bytes: 0,
            most_lines,
            most_bytes,
        }
    }

    pub(super) fn push(&mut self, line: &Line, number: u64) {
        self.bytes += line.len();
        self.lines.push_back((number, Rc::clone(line)));
        while self.lines.len() > self.most_lines || self.is_too_heavy() {
            self.forget_oldest();
        }
    }

    /// The newest line stays even if it alone is heavy: it is what the room is talking about.
    fn is_too_heavy(&self) -> bool {
        self.lines.len() > 1 && self.bytes > self.most_bytes
    }

    pub(super) fn forget_oldest(&mut self) {
        let oldest = self.lines.pop_front();
        self.bytes -= oldest.map_or(0, |(_, line)| line.len());
    }

    /// The number of the oldest line.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.lines.front().map(|&(number, _)| number)
    }

    /// Bytes of memory that it takes.
    pub(super) fn weight(&self) -> usize {
        self.bytes + self.lines.len() * LINE_OVERHEAD
    }

    /// The newest `count` lines, or as many as there are, oldest first.
    pub(super) fn last(&self, count: usize) -> impl ExactSizeIterator<Item = &Line> {
        let from = self.lines.len().saturating_sub(count);
        self.lines.range(from..).map(|(_, line)| line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(history: &History, count: usize) -> Vec<&str> {
        history.last(count).map(|line| &**line).collect()
    }

    const BYTES: usize = 1000;

    fn filled(limit: usize, lines: &[&str]) -> History {
        let mut history = History::new(limit, BYTES);
        for &line in lines {
            history.push(&line.into(), 0);
        }
        history
    }

    #[test]
    fn the_newest_lines_come_oldest_first() {
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
    fn long_lines_push_out_more_than_one() {
        let half = "x".repeat(BYTES / 2);
        let mut history = filled(4, &["a", "b", &half]);
        assert_eq!(history.last(9).len(), 3);
        history.push(&half.as_str().into(), 0);
        assert_eq!(history.last(9).len(), 2);
        assert_eq!(history.bytes, BYTES);
    }

    #[test]
    fn one_line_heavier_than_the_whole_is_kept() {
        let long = "x".repeat(9 * BYTES);
        assert_eq!(kept(&filled(1, &["a", &long]), 9), [long.as_str()]);
    }
}

//! The lines a room keeps: the newest so many, and so many bytes, oldest first.
//!
//! Two limits, because people write far less than they may: rooms full of longest lines would cost a
//! hundred times the memory that the number of lines suggests.

use std::collections::VecDeque;
use std::rc::Rc;

use super::Line;

#[derive(Debug)]
pub(super) struct History {
    lines: VecDeque<Line>,
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

    pub(super) fn push(&mut self, line: &Line) {
        self.bytes += line.len();
        self.lines.push_back(Rc::clone(line));
        while self.lines.len() > self.most_lines || self.is_too_heavy() {
            let oldest = self.lines.pop_front();
            self.bytes -= oldest.map_or(0, |line| line.len());
        }
    }

    /// The newest line stays even if it alone is heavy: it is what the room is talking about.
    fn is_too_heavy(&self) -> bool {
        self.lines.len() > 1 && self.bytes > self.most_bytes
    }

    /// The newest `count` lines, or as many as there are, oldest first.
    pub(super) fn last(&self, count: usize) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.range(self.lines.len().saturating_sub(count)..)
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
            history.push(&line.into());
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
        history.push(&half.as_str().into());
        assert_eq!(history.last(9).len(), 2);
        assert_eq!(history.bytes, BYTES);
    }

    #[test]
    fn one_line_heavier_than_the_whole_is_kept() {
        let long = "x".repeat(9 * BYTES);
        assert_eq!(kept(&filled(1, &["a", &long]), 9), [long.as_str()]);
    }
}

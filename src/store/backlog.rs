//! What was said last and is not in the index of words yet: it is kept, so that nothing has to be
//! read for that.

use std::collections::VecDeque;

use super::passing::Passing;
use crate::chat::Text;

/// Lines that are kept until they are in the index; what is before them is read again.
const MOST_LINES: usize = 4096;

/// A line that is to come into the index.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    /// The row of its room.
    pub(super) room: i64,
    pub(super) text: Text,
}

/// What was said last and is not in the index. It is kept so that nothing has to be read for that.
#[derive(Debug)]
pub(super) struct Backlog {
    /// All that has a larger number and is not in the index is here.
    pub(super) after: u64,
    /// In the order of their numbers.
    pub(super) lines: VecDeque<Line>,
}

impl Backlog {
    /// What has a larger number will be there.
    pub(super) fn after(number: u64) -> Self {
        let lines = VecDeque::new();
        Self {
            after: number,
            lines,
        }
    }

    /// Notes what was committed.
    pub(super) fn note(&mut self, committed: &[Passing]) {
        for passing in committed {
            if let Some((number, room, text)) = passing.line() {
                let text = text.clone();
                self.lines.push_back(Line { number, room, text });
                if self.lines.len() > MOST_LINES {
                    *self = Self::after(number);
                }
            }
            if let Some(taken) = passing.taken_back() {
                let at = self.lines.binary_search_by_key(&taken, |line| line.number);
                at.ok().and_then(|at| self.lines.remove(at));
            }
        }
    }

    /// What a room has heard up to this number is kept no more.
    pub(super) fn forget(&mut self, room: i64, upto: u64) {
        let stays = |line: &Line| line.room != room || line.number > upto;
        self.lines.retain(stays);
    }
}

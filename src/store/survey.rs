//! Which rooms take most, which have been silent for longest, and how many there are.
//!
//! There may be a great many, so they are looked through some at a time, between the commits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;

use rusqlite::Connection;

/// Rooms that are remembered as the largest, and pieces that go before it is looked again.
const LARGEST: usize = 64;

/// Little rooms that are remembered as the oldest.
const OLDEST: usize = 1024;

/// Rooms that are looked at in one step.
const STEP: usize = 1000;

/// Bytes of events beyond which a room is not little.
const LITTLE: i64 = 4096;

/// Bytes that a room takes beside its events, about: its row and the index of names.
pub(super) const ROOM: u64 = 512;

/// The rooms as they were when they were looked through last.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Those that take most: what each takes, and its row.
    pub(super) largest: BinaryHeap<(i64, i64)>,
    /// No other took more.
    pub(super) others: i64,
    /// Pieces that may go before it is looked again: rooms grow meanwhile.
    pub(super) pieces: usize,
    /// The little ones that have been silent for longest: since when, and the row; the oldest last.
    pub(super) oldest: Vec<(i64, i64)>,
    /// How many rooms there are.
    pub(super) rooms: u64,
    /// What is being looked through.
    under_way: Option<Step>,
}

/// How far that has come.
#[derive(Debug, Default)]
struct Step {
    /// The next row has this id or a larger one.
    from: i64,
    largest: BinaryHeap<Reverse<(i64, i64)>>,
    oldest: BinaryHeap<(i64, i64)>,
    rooms: u64,
}

impl Survey {
    /// Whether it has to be looked again before anything goes.
    pub(super) fn is_stale(&self) -> bool {
        let largest = self.largest.peek();
        self.pieces == 0 || largest.is_some_and(|(bytes, _)| *bytes < self.others)
    }

    /// Looks at some more of them. True if they were all looked at, and the survey is new.
    pub(super) fn look(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let step = self.under_way.get_or_insert_default();
        let sql = "SELECT id, bytes, time FROM rooms WHERE id >= ?1 ORDER BY id LIMIT ?2";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([step.from, STEP as i64])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            let (id, bytes, time): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            (seen, step.from) = (seen + 1, id + 1);
            if bytes > 0 {
                step.largest.push(Reverse((bytes, id)));
                if step.largest.len() > LARGEST {
                    step.largest.pop();
                }
            }
            if bytes < LITTLE {
                step.oldest.push((time, id));
                if step.oldest.len() > OLDEST {
                    step.oldest.pop();
                }
            }
        }
        step.rooms += seen as u64;
        if seen == STEP {
            return Ok(false);
        }
        let step = mem::take(step);
        let others = match step.largest.peek() {
            Some(Reverse((bytes, _))) if step.largest.len() == LARGEST => *bytes,
            _ => 0,
        };
        let oldest = step.oldest.into_sorted_vec().into_iter().rev();
        *self = Self {
            largest: step.largest.into_iter().map(|Reverse(room)| room).collect(),
            others,
            pieces: LARGEST,
            oldest: oldest.collect(),
            rooms: step.rooms,
            under_way: None,
        };
        Ok(true)
    }
}

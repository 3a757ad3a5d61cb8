//! Which rooms take most.

use std::collections::BinaryHeap;

use rusqlite::Connection;

/// Rooms that are remembered as the largest, and pieces that go before it is looked again. There
/// may be a great many, so they are not all looked at for each piece.
const LARGEST: usize = 64;

/// The rooms that took most when it was looked last.
#[derive(Debug, Default)]
pub(super) struct Largest {
    /// What each takes, and its row.
    pub(super) rooms: BinaryHeap<(i64, i64)>,
    /// No other took more.
    others: i64,
    /// Pieces that may go before it is looked again: rooms grow meanwhile.
    pub(super) pieces: usize,
}

impl Largest {
    /// Whether it has to be looked again before anything goes.
    pub(super) fn is_stale(&self) -> bool {
        let largest = self.rooms.peek();
        self.pieces == 0 || largest.is_none_or(|(bytes, _)| *bytes < self.others)
    }

    /// Looks which they are.
    pub(super) fn find(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT bytes, id FROM rooms WHERE bytes > 0 ORDER BY bytes DESC LIMIT ?1";
        let mut select = connection.prepare_cached(sql)?;
        let rooms = select.query_map([LARGEST as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rooms: Vec<(i64, i64)> = rooms.collect::<rusqlite::Result<_>>()?;
        let last = rooms.get(LARGEST - 1);
        Ok(Self {
            others: last.map_or(0, |&(bytes, _)| bytes),
            rooms: rooms.into(),
            pieces: LARGEST,
        })
    }
}

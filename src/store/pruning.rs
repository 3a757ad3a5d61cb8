//! What goes when there is too much, or when it is too old.
//!
//! The oldest of the room that takes most goes first. So whoever talks a great deal pushes out what
//! was said where it talks, and nobody else's. It goes in small pieces, between the commits.

use rusqlite::params;

use super::largest::Largest;
use super::words;
use super::writing::{Writer, weight};
use crate::chat::Millis;

/// Events that go at a time.
const PIECE: usize = 100;

/// Free pages that are given back at a time.
const PAGES: u32 = 200;

/// Rooms that are looked at for what is too old at a time.
const ROOMS: i64 = 100;

/// What a piece of pruning has done.
struct Pruned {
    events: usize,
    /// Bytes that the room takes now.
    left: i64,
    /// The number of the last that went.
    upto: i64,
}

/// A sweep for what is too old.
#[derive(Debug)]
pub(super) struct Sweep {
    /// What was said before that goes.
    before: Millis,
    /// The room that is looked at next has this id, or a larger one.
    from: i64,
}

impl Sweep {
    pub(super) fn of(before: Millis) -> Self {
        Self { before, from: 0 }
    }
}

impl Writer {
    /// Bytes that the database takes, without what is free in it.
    pub(super) fn bytes(&self) -> rusqlite::Result<u64> {
        let pragma = |name| {
            let value = self
                .connection
                .pragma_query_value(None, name, |row| row.get(0));
            value.map(|value: i64| value as u64)
        };
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        Ok(pages * pragma("page_size")?)
    }

    /// Forgets some of the oldest of what the largest room has heard. False if there is nothing.
    pub(super) fn prune_largest(&mut self) -> rusqlite::Result<bool> {
        if self.largest.is_stale() {
            self.largest = Largest::find(&self.connection)?;
        }
        while let Some(&(_, room)) = self.largest.rooms.peek() {
            let pruned = self.prune(room, Millis::MAX)?;
            self.largest.rooms.pop();
            if pruned.events > 0 {
                self.largest.rooms.push((pruned.left, room));
                self.largest.pieces -= 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Forgets some of what is too old. True when there is no more of it.
    pub(super) fn prune_old(&mut self, sweep: &mut Sweep) -> rusqlite::Result<bool> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM rooms WHERE id >= ?1 ORDER BY id LIMIT ?2")?;
        let rooms = select.query_map([sweep.from, ROOMS], |row| row.get(0))?;
        let rooms: Vec<i64> = rooms.collect::<rusqlite::Result<_>>()?;
        drop(select);
        let is_last = rooms.len() < ROOMS as usize;
        for room in rooms {
            sweep.from = room;
            let before = sweep.before;
            let gone = self.prune(room, before)?;
            if gone.events == PIECE {
                return Ok(false); // there may be more of the same room
            }
            sweep.from = room + 1;
        }
        Ok(is_last)
    }

    /// Gives pages of the database back to the disk, if more than so many are free. False if not.
    pub(super) fn vacuum(&self, most: u64) -> rusqlite::Result<bool> {
        let sql = "freelist_count";
        let free = self
            .connection
            .pragma_query_value(None, sql, |row| row.get::<_, i64>(0))?;
        let is_much = free as u64 > most;
        if is_much {
            let sql = format!("PRAGMA incremental_vacuum({PAGES})");
            let mut vacuum = self.connection.prepare_cached(&sql)?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {} // each is a page
        }
        Ok(is_much)
    }

    /// Forgets the oldest of a room that was before that time, a piece at most. A room of which
    /// nothing is left, not even a topic, is forgotten, too.
    fn prune(&mut self, room: i64, before: Millis) -> rusqlite::Result<Pruned> {
        self.begin(|| ())?;
        let done = self.delete(room, before);
        let pruned = self.end(done)?;
        self.backlog.forget(room, pruned.upto as u64);
        self.forget_rooms();
        Ok(pruned)
    }

    /// The same, within a transaction.
    fn delete(&self, room: i64, before: Millis) -> rusqlite::Result<Pruned> {
        let connection = &self.connection;
        let mut select = connection.prepare_cached(
            "SELECT number, kind < 2, text, time FROM events WHERE room = ?1 ORDER BY number LIMIT ?2",
        )?;
        let mut rows = select.query(params![room, PIECE as i64])?;
        let (mut gone, mut bytes, mut upto) = (0, 0, 0);
        while let Some(row) = rows.next()? {
            let (number, time) = (row.get::<_, i64>(0)?, row.get::<_, i64>(3)?);
            if time as u64 >= before {
                break;
            }
            let text: Option<String> = row.get(2)?;
            bytes += weight(text.as_deref());
            let is_indexed = row.get(1)? && number as u64 <= self.indexed;
            if let Some(text) = text.filter(|_| is_indexed) {
                words::forget(connection, room, number, &text)?;
            }
            (gone, upto) = (gone + 1, number);
        }
        drop(rows);
        let mut left = 0;
        if gone > 0 {
            let sql = "DELETE FROM events WHERE room = ?1 AND number <= ?2";
            connection.prepare_cached(sql)?.execute([room, upto])?;
            let sql = "UPDATE rooms SET bytes = bytes - ?2, pruned = ?3 WHERE id = ?1
                           RETURNING bytes";
            let mut update = connection.prepare_cached(sql)?;
            left = update.query_row([room, bytes, upto], |row| row.get(0))?;
        }
        let sql = "DELETE FROM rooms WHERE id = ?1 AND topic IS NULL AND time < ?2
                       AND NOT EXISTS (SELECT 1 FROM events WHERE room = ?1)";
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        connection.prepare_cached(sql)?.execute([room, before])?;
        Ok(Pruned {
            events: gone,
            left,
            upto,
        })
    }
}

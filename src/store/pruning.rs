//! What goes when there is too much, or when it is too old.
//!
//! The oldest of the room that takes most goes first. So whoever talks a great deal pushes out what
//! was said where it talks, and nobody else's. Rooms themselves may take a part of it: when there
//! are more, those in which little was said go whole, the longest silent first, so that nobody
//! pushes out by making rooms what was said in others. It goes in small pieces, between the
//! commits.

use rusqlite::{OptionalExtension, params};

use super::schema::set_floor;
use super::survey::ROOM;
use super::words;
use super::writing::{Writer, weight};
use crate::chat::Millis;

/// Events that go at a time.
const PIECE: usize = 100;

/// Free pages that are given back at a time.
const PAGES: u32 = 200;

/// Rooms that are looked at for what is too old at a time.
const ROOMS: i64 = 100;

/// Rooms that are forgotten at a time.
const FORGOTTEN: usize = 64;

/// What rooms may take beside what was said in them: so much of what the database may.
const SHARE: u64 = 4;

/// What a piece of pruning has done.
struct Pruned {
    events: usize,
    /// Bytes that it took.
    bytes: i64,
    /// Bytes that the room takes now.
    left: i64,
    /// The number of the last that went.
    upto: i64,
    /// No room that was forgotten had a larger number.
    floor: u64,
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

    /// Forgets some of what there is too much of, if the database may take so many bytes. How many
    /// have gone; none if more rooms have to be looked at first. `None` if there is nothing.
    pub(super) fn prune_most(&mut self, most: u64) -> rusqlite::Result<Option<u64>> {
        if self.survey.is_stale() && !self.survey.look(&self.connection)? {
            return Ok(Some(0));
        }
        if self.survey.rooms * ROOM > most / SHARE && !self.survey.oldest.is_empty() {
            return self.forget_oldest().map(Some);
        }
        while let Some(&(_, room)) = self.survey.largest.peek() {
            let pruned = self.prune(room, Millis::MAX)?;
            self.survey.largest.pop();
            if pruned.events > 0 {
                self.survey.largest.push((pruned.left, room));
                self.survey.pieces -= 1;
                return Ok(Some(pruned.bytes.max(0) as u64));
            }
        }
        self.survey.pieces = 0; // what was looked at is used up
        if self.survey.others > 0 {
            return Ok(Some(0));
        }
        while !self.survey.oldest.is_empty() {
            let bytes = self.forget_oldest()?;
            if bytes > 0 {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Forgets some of the rooms in which little was said, with all of it and their topics. How
    /// many bytes they took.
    fn forget_oldest(&mut self) -> rusqlite::Result<u64> {
        let from = self.survey.oldest.len().saturating_sub(FORGOTTEN);
        let rooms = self.survey.oldest.split_off(from);
        self.survey.rooms -= rooms.len() as u64;
        if self.survey.oldest.is_empty() {
            self.survey.pieces = 0;
        }
        let mut bytes = 0;
        for (time, room) in rooms {
            let sql = "SELECT 1 FROM rooms WHERE id = ?1 AND time = ?2";
            if !self.connection.prepare_cached(sql)?.exists([room, time])? {
                continue; // something was said in it since
            }
            // What is little is a piece, or a few.
            loop {
                let pruned = self.prune(room, Millis::MAX)?;
                bytes += pruned.bytes.max(0) as u64;
                if pruned.events < PIECE {
                    break;
                }
            }
            self.forget_room(room)?;
            bytes += ROOM;
        }
        Ok(bytes)
    }

    /// Forgets a room of which only a topic is left.
    fn forget_room(&mut self, room: i64) -> rusqlite::Result<()> {
        self.begin(|| ())?;
        let done = self.delete_room(room, Millis::MAX, true);
        self.floor = self.end(done)?;
        self.forget_rooms();
        Ok(())
    }

    /// The same, within a transaction, if nothing was said in it since that time: what the floor is
    /// then.
    fn delete_room(&self, room: i64, before: Millis, has_topic: bool) -> rusqlite::Result<u64> {
        let sql = "DELETE FROM rooms WHERE id = ?1 AND (?3 OR topic IS NULL) AND time < ?2
                       AND NOT EXISTS (SELECT 1 FROM events WHERE room = ?1)
                   RETURNING number";
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let mut delete = self.connection.prepare_cached(sql)?;
        let number = delete.query_row(params![room, before, has_topic], |row| row.get::<_, i64>(0));
        let floor = self.floor.max(number.optional()?.unwrap_or(0) as u64);
        if floor > self.floor {
            set_floor(&self.connection, floor)?;
        }
        Ok(floor)
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
        self.floor = pruned.floor;
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
        } else if before == Millis::MAX {
            // Whatever is noted of it, there is nothing: it is not to be looked at again.
            let sql = "UPDATE rooms SET bytes = 0 WHERE id = ?1 AND bytes <> 0";
            connection.prepare_cached(sql)?.execute([room])?;
        }
        Ok(Pruned {
            events: gone,
            bytes,
            left,
            upto,
            // A topic outlives what was said as long as there is space, but not for ever.
            floor: self.delete_room(room, before, before < Millis::MAX)?,
        })
    }
}

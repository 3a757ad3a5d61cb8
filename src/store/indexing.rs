//! The index of words. It is filled behind the commits, so that nobody waits for it, and catches up
//! after a kill: how far it has come is committed with it.
//!
//! It holds no text, only where each word is. To take a line out of it one has to say what it was.

use std::collections::{HashSet, VecDeque};

use rusqlite::{Connection, params};

use super::writing::{Passing, Writer, set_state};
use crate::chat::Text;

/// Lines that are kept until they are in the index; what is before them is read again.
const MOST_LINES: usize = 4096;

/// So many numbers are looked through at a time for lines that are read again.
const WINDOW: u64 = 1 << 16;

/// A line that is to come into the index.
#[derive(Debug)]
pub(super) struct Line {
    number: u64,
    /// The row of its room.
    room: i64,
    text: Text,
}

/// What was said last and is not in the index. It is kept so that nothing has to be read for that.
#[derive(Debug)]
pub(super) struct Backlog {
    /// All that has a larger number and is not in the index is here.
    after: u64,
    /// In the order of their numbers.
    lines: VecDeque<Line>,
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

impl Writer {
    /// How many numbers there are that are not in the index.
    pub(super) fn unindexed(&self) -> u64 {
        self.last() - self.indexed
    }

    /// Puts the next of what was said into the index, no more than so many lines.
    pub(super) fn index(&mut self, most: usize) -> rusqlite::Result<()> {
        let read = match self.indexed < self.backlog.after {
            true => Some(self.read_again(most)?),
            false => None,
        };
        let upto = match &read {
            Some((_, upto)) => *upto,
            None => match self.backlog.lines.get(most) {
                Some(next) => next.number - 1,
                None => self.last(),
            },
        };
        self.begin(|| ())?;
        let written = match &read {
            Some((lines, _)) => self.index_lines(lines.iter(), upto),
            None => self.index_lines(self.backlog.lines.iter().take(most), upto),
        };
        self.end(written)?;
        self.indexed = upto;
        while let Some(first) = self.backlog.lines.front()
            && first.number <= upto
        {
            self.backlog.lines.pop_front();
        }
        Ok(())
    }

    fn index_lines<'a>(
        &self,
        lines: impl Iterator<Item = &'a Line>,
        upto: u64,
    ) -> rusqlite::Result<()> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO words (rowid, room, text) VALUES (?1, ?2, ?3)")?;
        for line in lines {
            insert.execute(params![line.number as i64, token(line.room), &*line.text])?;
        }
        set_state(&self.connection, "indexed", upto)
    }

    /// Reads lines that are not in the index, and up to which number they are all of them.
    fn read_again(&self, most: usize) -> rusqlite::Result<(Vec<Line>, u64)> {
        let mut upto = self.backlog.after.min(self.indexed + WINDOW);
        // A room that has heard nothing new is passed over without a look at what it has heard.
        let mut select = self.connection.prepare_cached(
            "SELECT events.room, events.number, events.text
             FROM rooms CROSS JOIN events
             WHERE rooms.number > ?1 AND events.room = rooms.id
                 AND events.number > ?1 AND events.number <= ?2 AND events.kind < 2
             ORDER BY events.number LIMIT ?3",
        )?;
        let (from, limit) = (self.indexed as i64, most as i64);
        let lines = select.query_map(params![from, upto as i64, limit], |row| {
            Ok(Line {
                number: row.get::<_, i64>(1)? as u64,
                room: row.get(0)?,
                text: row.get_ref(2)?.as_str()?.into(),
            })
        })?;
        let lines: Vec<Line> = lines.collect::<rusqlite::Result<_>>()?;
        if let Some(last) = lines.last().filter(|_| lines.len() == most) {
            upto = last.number;
        }
        Ok((lines, upto))
    }
}

/// Takes a line out of the index.
pub(super) fn forget(
    connection: &Connection,
    room: i64,
    number: i64,
    text: &str,
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(
        "INSERT INTO words (words, rowid, room, text) VALUES ('delete', ?1, ?2, ?3)",
    )?;
    delete.execute(params![number, token(room), text])?;
    Ok(())
}

/// The word by which the lines of a room are found.
fn token(room: i64) -> String {
    format!("r{room}")
}

/// What finds the lines of a room that have all of these words, each of which costs as much again as
/// one. Whatever they are made of is no operator.
pub(super) fn expression(room: i64, words: &str) -> String {
    let mut expression = format!("room : {}", token(room));
    let mut seen = HashSet::new();
    for word in words.split_whitespace().filter(|word| seen.insert(*word)) {
        expression.push_str(" AND text : \"");
        expression.push_str(&word.replace('"', "\"\""));
        expression.push('"');
    }
    expression
}

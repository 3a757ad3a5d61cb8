//! The index of words is filled behind the commits, so that nobody waits for it, and catches up after
//! a kill: how far it has come is committed with it.

use rusqlite::params;

use super::backlog::Line;
use super::schema::set_state;
use super::words;
use super::writing::Writer;

/// So many numbers are looked through at a time for lines that are read again.
const WINDOW: u64 = 1 << 16;

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
        words::insert(&self.connection, lines)?;
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

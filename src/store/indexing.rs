//! The index of words. It is filled behind the commits, so that nobody waits for it, and catches up
//! after a kill: how far it has come is committed with it.
//!
//! It holds no text, only where each word is. To take a line out of it one has to say what it was.

use rusqlite::{Connection, params};

use super::writing::{Writer, set_state};

impl Writer {
    /// How many numbers there are that are not in the index.
    pub(super) fn unindexed(&self) -> u64 {
        self.last() - self.indexed
    }

    /// Puts the next of what was said into the index, no more than so many lines.
    pub(super) fn index(&mut self, most: usize) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let indexed = self.index_lines(most).and_then(|upto| {
            self.connection.execute_batch("COMMIT")?;
            Ok(upto)
        });
        match indexed {
            Ok(upto) => {
                self.indexed = upto;
                Ok(())
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn index_lines(&self, most: usize) -> rusqlite::Result<u64> {
        // A room that has heard nothing new is passed over without a look at what it has heard.
        let mut select = self.connection.prepare_cached(
            "SELECT events.room, events.number, events.kind < 2, events.text
             FROM rooms CROSS JOIN events
             WHERE rooms.number > ?1 AND events.room = rooms.id AND events.number > ?1
             ORDER BY events.number LIMIT ?2",
        )?;
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO words (rowid, room, text) VALUES (?1, ?2, ?3)")?;
        let mut rows = select.query(params![self.indexed as i64, most as i64])?;
        let (mut upto, mut count) = (self.last(), 0);
        while let Some(row) = rows.next()? {
            let (room, number) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
            if row.get(2)? {
                insert.execute(params![
                    number,
                    token(room),
                    row.get_ref(3)?.as_str_or_null()?
                ])?;
            }
            count += 1;
            if count == most {
                upto = number as u64;
            }
        }
        set_state(&self.connection, "indexed", upto)?;
        Ok(upto)
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

/// What finds the lines of a room that have all of these words. Whatever they are made of is no
/// operator.
pub(super) fn expression(room: i64, words: &str) -> String {
    let mut expression = format!("room : {}", token(room));
    for word in words.split_whitespace() {
        expression.push_str(" AND text : \"");
        expression.push_str(&word.replace('"', "\"\""));
        expression.push('"');
    }
    expression
}

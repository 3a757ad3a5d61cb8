//! Messages by their words, in a bounded time however common the words are and however many.
//!
//! The index is gone through from the newest number to the oldest, in stretches. What has been
//! found when the time is over is the answer, which says that there may be more.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::rows::{Answer, FIELDS, RoomRow, collect, signed};
use super::schema::state;
use super::words::expression;
use crate::chat::Query;

/// Of the lines that have the words, so many of the newest are ranked.
const MOST_RANKED: usize = 2000;

/// Numbers that are looked through at first, before it is seen how long that takes.
const STRETCH: u64 = 4096;

/// How long it may take to look through the index. Others wait behind it.
pub(super) const BUDGET: Duration = Duration::from_millis(200);

/// The messages of a room that have all of these words: the shortest first, since they have the
/// least beside them, and of those the newest.
pub(super) fn search(
    connection: &Connection,
    life: u64,
    query: &Query,
    room: &RoomRow,
    words: &str,
    budget: Duration,
) -> rusqlite::Result<Answer> {
    let (expression, signs) = expression(room.id, words);
    let (hits, is_all) = hits(connection, query, room, &expression, budget)?;
    let signs = serde_json::to_string(&signs).unwrap_or_default();
    // What is not in the index yet was not looked at.
    let last = query.up_to.min(room.position.number);
    let is_all = is_all && last <= state(connection, "indexed")? as u64;
    // Without the subquery its columns would be taken for those of events.
    let sql = format!(
        "SELECT {FIELDS} FROM (SELECT value AS hit FROM json_each(?2)) CROSS JOIN events
         WHERE events.room = ?1 AND events.number = hit
             AND NOT EXISTS (SELECT 1 FROM json_each(?3) WHERE instr(text, value) = 0)
         ORDER BY octet_length(text), number DESC"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query(params![room.id, hits, signs])?;
    let (messages, is_last) = collect(rows, life, query, room)?;
    Ok(Answer {
        messages,
        is_whole: is_last && is_all,
        is_last,
    })
}

/// The numbers of the newest lines that have the words, as JSON, and whether they are all.
fn hits(
    connection: &Connection,
    query: &Query,
    room: &RoomRow,
    expression: &str,
    budget: Duration,
) -> rusqlite::Result<(String, bool)> {
    let began = Instant::now();
    let mut select = connection.prepare_cached(
        "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid > ?2 AND rowid <= ?3
         ORDER BY rowid DESC LIMIT ?4",
    )?;
    let (mut hits, mut count) = ("[".to_owned(), 0);
    let (mut to, mut stretch) = (query.up_to.min(room.position.number), STRETCH);
    // What was pruned is not there.
    while to > room.pruned {
        let from = to.saturating_sub(stretch).max(room.pruned);
        let asked = Instant::now();
        let left = (MOST_RANKED - count) as i64;
        let mut rows = select.query(params![expression, signed(from), signed(to), left])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let comma = if count > 0 { "," } else { "" };
            let _ = write!(hits, "{comma}{number}");
            count += 1;
        }
        if count == MOST_RANKED {
            break;
        }
        to = from;
        if began.elapsed() >= budget {
            break;
        }
        // Numbers have gaps, and few words go fast.
        if asked.elapsed() < budget / 16 {
            stretch = stretch.saturating_mul(2);
        }
    }
    hits.push(']');
    Ok((hits, to <= room.pruned))
}

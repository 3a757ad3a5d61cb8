//! What is read: pages, rooms as they were.

use std::io;

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Answer, FIELDS, RoomRow, collect, kept, room_of, signed, unsigned};
use super::searching;
use crate::chat::{Audience, Found, Kept, Meant, Name, Query, Recall, Recalled, Side, Wanted};

/// So many events are looked at for one of some id: as many as a room has when the clock was set
/// back, and all that it hears meanwhile has one time.
const MOST_COMPARED: i64 = 20_000;

/// Events of a room that are read at a time, if all of them are wanted.
const GIVEN: i64 = 1000;

/// Answers a question. What was said up to `life` was said in another life of the program, by
/// nobody who is here now.
pub(super) fn found(connection: &Connection, life: u64, query: Query) -> rusqlite::Result<Found> {
    // All of it is of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let Answer {
        messages,
        is_whole,
        is_last,
    } = answer(&snapshot, life, &query)?;
    Ok(Found {
        query,
        messages: Some(messages),
        is_whole,
        is_last,
    })
}

fn answer(connection: &Connection, life: u64, query: &Query) -> rusqlite::Result<Answer> {
    let room = match &query.of {
        Audience::Room(name) => room_of(connection, name)?,
        Audience::Member { .. } => None,
    };
    let room = room.filter(|room| room.position.epoch == query.epoch);
    let Some(room) = room else {
        return Ok(Answer {
            messages: Vec::new(),
            is_whole: true,
            is_last: true,
        });
    };
    match &query.wanted {
        Wanted::Page(side) => page(connection, life, query, &room, *side),
        Wanted::Message(meant) => message(connection, life, query, &room, *meant),
        Wanted::Words(words) => {
            searching::search(connection, life, query, &room, words, searching::BUDGET)
        }
    }
}

fn page(
    connection: &Connection,
    life: u64,
    query: &Query,
    room: &RoomRow,
    side: Side,
) -> rusqlite::Result<Answer> {
    let first = |time| first_since(connection, room, time);
    let number = match side {
        Side::Before(number) | Side::After(number) => number,
        Side::Until(time) => first(time)?,
        Side::Since(time) => first(time)?.saturating_sub(1),
    };
    let (is_beside, order) = match side.goes_back() {
        true => ("number < ?2", "DESC"),
        false => ("number > ?2", "ASC"),
    };
    let sql = format!(
        "SELECT {FIELDS} FROM events
         WHERE room = ?1 AND {is_beside} AND number <= ?3 AND kind < 2 ORDER BY number {order}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query(params![room.id, signed(number), signed(query.up_to)])?;
    let (mut messages, is_last) = collect(rows, life, query, room)?;
    let is_whole = match side.goes_back() {
        true => {
            messages.reverse();
            is_last && room.pruned == 0
        }
        false => number >= room.pruned,
    };
    Ok(Answer {
        messages,
        is_whole,
        is_last,
    })
}

/// The least number for which this holds: what has it, or a larger one, was said at that time or
/// later. There is no index of times, but they only grow in a room: so the numbers are halved,
/// which takes no more steps than a number has bits.
fn first_since(connection: &Connection, room: &RoomRow, time: u64) -> rusqlite::Result<u64> {
    let mut next = connection.prepare_cached(
        "SELECT number, time FROM events WHERE room = ?1 AND number >= ?2 ORDER BY number LIMIT 1",
    )?;
    let (mut low, mut high) = (0, room.position.number.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found = next.query_row(params![room.id, signed(middle)], |row| {
            Ok((unsigned(row, 0)?, unsigned(row, 1)?))
        });
        match found.optional()? {
            Some((number, said)) if said < time => low = number + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// One message. Ids have no index either, but tell when they were made, which was not later than
/// what they name was kept: it is among the first since then.
fn message(
    connection: &Connection,
    life: u64,
    query: &Query,
    room: &RoomRow,
    meant: Meant,
) -> rusqlite::Result<Answer> {
    let (from, many, id) = match meant {
        Meant::Number(number) => (number, 1, None),
        Meant::Id(id) => {
            let from = first_since(connection, room, id.made_at())?;
            (from, MOST_COMPARED, Some(id.to_bytes()))
        }
    };
    let sql = format!(
        "SELECT {FIELDS} FROM (
             SELECT * FROM events WHERE room = ?1 AND number >= ?2 ORDER BY number LIMIT ?3
         ) WHERE kind < 2 AND number <= ?4 AND CASE WHEN ?5 IS NULL THEN number = ?2 ELSE id = ?5 END"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let up_to = signed(query.up_to);
    let rows = select.query(params![room.id, signed(from), many, up_to, id])?;
    let (messages, is_last) = collect(rows, life, query, room)?;
    Ok(Answer {
        messages,
        is_whole: true,
        is_last,
    })
}

/// A room as it was; `None` if nothing is kept of it.
pub(super) fn recall(
    connection: &Connection,
    life: u64,
    recall: &Recall,
) -> rusqlite::Result<Option<Recalled>> {
    let snapshot = connection.unchecked_transaction()?;
    let Some(room) = room_of(&snapshot, &recall.room)? else {
        return Ok(None);
    };
    let sql = format!("SELECT {FIELDS} FROM events WHERE room = ?1 ORDER BY number DESC");
    let mut select = snapshot.prepare_cached(&sql)?;
    let mut rows = select.query([room.id])?;
    let (mut events, mut bytes, mut is_whole) = (Vec::new(), 0, room.pruned == 0);
    while let Some(row) = rows.next()? {
        let text = row.get_ref("text")?.as_str_or_null()?;
        bytes += text.map_or(0, str::len);
        if events.len() == recall.limit || bytes > recall.bytes {
            is_whole = false;
            break;
        }
        events.push(kept(row, life, &room.name)?);
    }
    events.reverse();
    Ok(Some(Recalled {
        room: room.name,
        position: room.position,
        heard_at: room.time,
        topic: room.topic.map(Into::into),
        events,
        is_whole,
    }))
}

/// Gives all that is kept of a room by now, oldest first; `None` if nothing is. What `take` fails
/// with ends it. It is read some at a time: however slowly it is taken, the journal does not wait.
pub(super) fn each(
    connection: &Connection,
    name: &Name,
    mut take: impl FnMut(Kept) -> io::Result<()>,
) -> rusqlite::Result<Option<io::Result<()>>> {
    let Some(room) = room_of(connection, name)? else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT {FIELDS} FROM events
         WHERE room = ?1 AND number > ?2 AND number <= ?3 ORDER BY number LIMIT ?4"
    );
    let mut select = connection.prepare(&sql)?;
    let (mut after, last) = (0, signed(room.position.number));
    loop {
        let rows = select.query_map(params![room.id, after, last, GIVEN], |row| {
            Ok((row.get::<_, i64>(2)?, kept(row, u64::MAX, &room.name)?))
        })?;
        let events: Vec<(i64, Kept)> = rows.collect::<rusqlite::Result<_>>()?;
        if events.is_empty() {
            return Ok(Some(Ok(())));
        }
        for (number, event) in events {
            if let Err(error) = take(event) {
                return Ok(Some(Err(error)));
            }
            after = number;
        }
    }
}

//! Rows of the tables, and what they are of.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::chat::{
    Audience, Cloak, Epoch, EventId, Kept, MemberId, Message, MessageKind, Name, Person, Place,
    Position, Query, Redaction, TopicSet,
};

/// What an event is, in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum Kind {
    Said = 0,
    Action = 1,
    Topic = 2,
    /// By its author.
    Withdrawn = 3,
    /// By somebody else.
    Removed = 4,
}

/// What an event is made of, in the order in which it is read.
pub(super) const FIELDS: &str =
    "kind, id, number, previous, time, nickname, account, origin, member, text,
     message, said, author";

/// A room, as the tables have it.
pub(super) struct RoomRow {
    pub(super) id: i64,
    pub(super) name: Name,
    pub(super) position: Position,
    pub(super) time: u64,
    pub(super) topic: Option<String>,
    /// All up to there was pruned.
    pub(super) pruned: u64,
}

/// What was found, before it is known whose question it was.
pub(super) struct Answer {
    pub(super) messages: Vec<Message>,
    pub(super) is_whole: bool,
    pub(super) is_last: bool,
}

/// A room, if anything is known of it.
pub(super) fn room_of(connection: &Connection, name: &Name) -> rusqlite::Result<Option<RoomRow>> {
    let mut select = connection.prepare_cached(
        "SELECT id, name, epoch, number, time, topic, pruned FROM rooms WHERE key = ?1",
    )?;
    let room = select.query_row([&*name.folded()], |row| {
        let text: String = row.get(1)?;
        Ok(RoomRow {
            id: row.get(0)?,
            name: Name::kept(&text),
            position: Position {
                epoch: Epoch::from_bits(unsigned(row, 2)?),
                number: unsigned(row, 3)?,
            },
            time: unsigned(row, 4)?,
            topic: row.get(5)?,
            pruned: unsigned(row, 6)?,
        })
    });
    room.optional()
}

/// An event, out of its [`FIELDS`].
pub(super) fn kept(row: &Row<'_>, life: u64, room: &Name) -> rusqlite::Result<Kept> {
    let kind: i64 = row.get(0)?;
    let place = Place {
        id: EventId::from_bytes(row.get(1)?),
        number: unsigned(row, 2)?,
        previous: unsigned(row, 3)?,
        time: unsigned(row, 4)?,
    };
    let account: Option<String> = row.get(6)?;
    let author = Person {
        nickname: Name::kept(text(row, 5)?),
        account: account.map(Into::into),
        origin: Cloak::from_bits(unsigned(row, 7)?),
    };
    let said = |kind| {
        let member = match place.number > life {
            true => MemberId::from_bits(unsigned(row, 8)?),
            false => MemberId::NOBODY,
        };
        Ok(Kept::Message(Message {
            place,
            audience: Audience::Room(room.clone()),
            author: author.clone(),
            member,
            kind,
            text: text(row, 9)?.into(),
        }))
    };
    if kind == Kind::Said as i64 {
        return said(MessageKind::Said);
    } else if kind == Kind::Action as i64 {
        return said(MessageKind::Action);
    } else if kind == Kind::Topic as i64 {
        return Ok(Kept::Topic(TopicSet {
            place,
            room: room.clone(),
            author,
            topic: text(row, 9)?.into(),
        }));
    }
    Ok(Kept::Redaction(Redaction {
        place,
        room: room.clone(),
        by: author,
        message: EventId::from_bytes(row.get(10)?),
        said: unsigned(row, 11)?,
        author: Name::kept(text(row, 12)?),
        is_authors: kind == Kind::Withdrawn as i64,
    }))
}

/// Messages, as many as are asked for, and whether there are no more.
pub(super) fn collect(
    mut rows: rusqlite::Rows<'_>,
    life: u64,
    query: &Query,
    room: &RoomRow,
) -> rusqlite::Result<(Vec<Message>, bool)> {
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if messages.len() == query.limit {
            return Ok((messages, false));
        }
        let Kept::Message(message) = kept(row, life, &room.name)? else {
            continue;
        };
        bytes += message.text.len();
        if bytes > query.bytes && !messages.is_empty() {
            return Ok((messages, false));
        }
        messages.push(message);
    }
    Ok((messages, true))
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(at)?.as_str()?)
}

/// SQLite's numbers have a sign; what is kept fits.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(at)? as u64)
}

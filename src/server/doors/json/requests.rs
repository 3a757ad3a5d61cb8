//! What a client of `loopchat.v1.json` sends, and what it is told first.

use std::fmt::{self, Formatter};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

use crate::chat::{Epoch, LogMeant, Millis, Position, Reading, Side, Text};
use crate::server::core::hub::HeardUpTo;
use crate::server::core::resuming::{CLIENT_ID_BYTES, CLIENT_IDS, ResumeToken};
use crate::server::doors::json::rendering::Object;
use crate::server::{Config, FloodLimit};

/// The name of the subprotocol.
pub(in crate::server) const SUBPROTOCOL: &str = "loopchat.v1.json";

/// A reference has at most so many bytes.
const REFERENCE: usize = 64;

/// What a client wants.
#[derive(Debug, PartialEq)]
pub(in crate::server) enum Request {
    /// To say what a line says that is typed.
    Line {
        /// The line, or several.
        text: String,
        /// As what its author's client knows it.
        client_id: Option<Text>,
        /// What it is to be told when all of that is done.
        reference: Option<Reference>,
    },
    /// To go on with a session whose connection is gone.
    Resume {
        /// That session's.
        token: ResumeToken,
        /// What was heard of which rooms.
        heard: Vec<HeardUpTo>,
        /// What it is to be told when that is done.
        reference: Option<Reference>,
    },
    /// To read what was said.
    History(History),
    /// An answer.
    Ping {
        /// Which it is to be.
        reference: Option<Reference>,
    },
}

/// What of a log is to be read.
#[derive(Debug, PartialEq)]
pub(in crate::server) struct History {
    room: Option<String>,
    with: Option<String>,
    epoch: Option<Epoch>,
    side: Side,
    limit: Option<usize>,
    /// What the client is to be told when that is done.
    pub(in crate::server) reference: Option<Reference>,
}

impl History {
    /// What is to be read.
    pub(in crate::server) fn reading(&self) -> Reading<'_> {
        Reading {
            of: match (&self.room, &self.with) {
                (_, Some(with)) => LogMeant::With(with),
                (Some(room), None) => LogMeant::Room(room),
                (None, None) => LogMeant::OwnRoom,
            },
            epoch: self.epoch,
            side: self.side,
            count: self.limit,
        }
    }
}

/// What a client tells its requests apart by: a short string, or a number.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct Reference(Value);

impl Request {
    /// Reads one object. Fields that are not known are left alone.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a sentence.
    pub(in crate::server) fn read(object: &str) -> Result<Self, &'static str> {
        let Ok(Fields {
            kind,
            text,
            reference,
            client_id,
            token,
            rooms,
            history,
        }) = serde_json::from_str(object)
        else {
            return Err("That is no object of JSON.");
        };
        let reference = match reference {
            Value::Null => None,
            Value::String(text) if text.len() > REFERENCE => return Err(BAD_REFERENCE),
            Value::String(_) | Value::Number(_) => Some(Reference(reference)),
            _ => return Err(BAD_REFERENCE),
        };
        match kind.as_str() {
            Some("ping") => Ok(Self::Ping { reference }),
            Some("line") => match text {
                Value::String(text) => Ok(Self::Line {
                    client_id: client_id_of(&client_id, &text)?,
                    text,
                    reference,
                }),
                _ => Err("A line has a text."),
            },
            Some("resume") => Ok(Self::Resume {
                token: token_of(&token).ok_or("A token is 32 hexadecimal digits.")?,
                heard: heard_of(&rooms).ok_or(BAD_ROOMS)?,
                reference,
            }),
            Some("history") => match history.read(reference) {
                Some(history) => Ok(Self::History(history)),
                None => Err(BAD_HISTORY),
            },
            Some(_) => Err("There is no such kind: line, history, ping and resume are there."),
            None => Err("An object has a kind."),
        }
    }
}

fn client_id_of(client_id: &Value, text: &str) -> Result<Option<Text>, &'static str> {
    match client_id {
        Value::Null => Ok(None),
        Value::String(_) if text.contains(['\n', '\r']) => Err("A line with a client_id is one."),
        Value::String(id) if id.len() <= CLIENT_ID_BYTES => Ok(Some(id.as_str().into())),
        _ => Err("A client_id is a string of at most 40 bytes."),
    }
}

fn token_of(token: &Value) -> Option<ResumeToken> {
    token.as_str()?.parse().ok()
}

fn heard_of(rooms: &Value) -> Option<Vec<HeardUpTo>> {
    let rooms = match rooms {
        Value::Null => return Some(Vec::new()),
        rooms => rooms.as_array().filter(|rooms| rooms.len() <= ROOMS)?,
    };
    let heard = rooms.iter().map(|heard| {
        let position = Position {
            epoch: heard["epoch"].as_str()?.parse().ok()?,
            number: heard["last"].as_u64()?,
        };
        let room = match &heard["room"] {
            Value::Null => None,
            room => Some(room.as_str()?.into()),
        };
        Some((room, position))
    });
    heard.collect()
}

/// Rooms, and others alone, of which one asks what one has missed.
const ROOMS: usize = 200;

const BAD_ROOMS: &str =
    "Rooms are a list of at most 200, each with an epoch, last and perhaps its room.";

const BAD_REFERENCE: &str = "A ref is a number, or a string of at most 64 bytes.";

/// The fields of a `history`.
#[derive(Default)]
struct HistoryFields {
    room: Value,
    with: Value,
    epoch: Value,
    before: Value,
    after: Value,
    until: Value,
    since: Value,
    limit: Value,
}

impl HistoryFields {
    fn read(self, reference: Option<Reference>) -> Option<History> {
        let name = |value: Value| match value {
            Value::Null => Some(None),
            Value::String(name) => Some(Some(name)),
            _ => None,
        };
        let (room, with) = (name(self.room)?, name(self.with)?);
        let number = |value: &Value| match value {
            Value::Null => Some(None),
            value => value.as_u64().map(Some),
        };
        let sides = [
            number(&self.before)?.map(Side::Before),
            number(&self.after)?.map(Side::After),
            number(&self.until)?.map(Side::Until),
            number(&self.since)?.map(Side::Since),
        ];
        let mut sides = sides.into_iter().flatten();
        let side = sides.next().unwrap_or(Side::END);
        if sides.next().is_some() {
            return None;
        }
        // Numbers hold in one life of the log, times in all of them.
        let is_by_number = !self.before.is_null() || !self.after.is_null();
        let epoch = match is_by_number {
            true => Some(self.epoch.as_str()?.parse().ok()?),
            false => None,
        };
        let limit = number(&self.limit)?;
        let is_one = room.is_none() || with.is_none();
        (is_one && limit != Some(0)).then(|| History {
            room,
            with,
            epoch,
            side,
            limit: limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            reference,
        })
    }
}

const BAD_HISTORY: &str = "A history is of a room or with somebody, before or after a number \
    of an epoch, or until or since a time, or of none of these, and may have a limit.";

/// The fields of an object that are known. The others are passed over and not kept, however many
/// there are. Of one that is there twice the last counts.
#[derive(Default)]
struct Fields {
    kind: Value,
    text: Value,
    reference: Value,
    client_id: Value,
    token: Value,
    rooms: Value,
    history: HistoryFields,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, to: &mut Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<String>()? {
                    let field = match &*name {
                        "kind" => &mut fields.kind,
                        "text" => &mut fields.text,
                        "ref" => &mut fields.reference,
                        "client_id" => &mut fields.client_id,
                        "token" => &mut fields.token,
                        "rooms" => &mut fields.rooms,
                        "room" => &mut fields.history.room,
                        "with" => &mut fields.history.with,
                        "epoch" => &mut fields.history.epoch,
                        "before" => &mut fields.history.before,
                        "after" => &mut fields.history.after,
                        "until" => &mut fields.history.until,
                        "since" => &mut fields.history.since,
                        "limit" => &mut fields.history.limit,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *field = map.next_value()?;
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// A line that was heard in part, since it is several.
pub(in crate::server) struct Begun {
    text: String,
    /// Bytes of it that were heard.
    heard: usize,
    /// As what its author's client knows it.
    pub(in crate::server) client_id: Option<Text>,
    /// What its author is to be told when all of it is done.
    pub(in crate::server) reference: Option<Reference>,
}

impl Begun {
    /// Nothing of it was heard yet.
    pub(in crate::server) fn new(
        text: String,
        client_id: Option<Text>,
        reference: Option<Reference>,
    ) -> Self {
        Self {
            text,
            heard: 0,
            client_id,
            reference,
        }
    }

    /// What is still to be heard. It may begin within a character: a line that is too long is
    /// refused at its first byte too many.
    pub(in crate::server) fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.heard..]
    }

    /// So many bytes more were heard.
    pub(in crate::server) fn heard(&mut self, bytes: usize) {
        self.heard += bytes;
    }

    /// Bytes of memory that it holds.
    pub(in crate::server) fn held(&self) -> usize {
        self.text.capacity() + size_of::<Self>() + REFERENCE + CLIENT_ID_BYTES
    }
}

/// A line is done.
pub(in crate::server) fn done(Reference(reference): Reference) -> Vec<u8> {
    let mut object = Vec::new();
    Object::new("done")
        .with("ref", reference)
        .write(&mut object);
    object
}

/// By what a session may be resumed, and for how many seconds after its connection is gone.
pub(in crate::server) fn token(token: ResumeToken, seconds: u32) -> Vec<u8> {
    let mut object = Vec::new();
    Object::new("token")
        .with("token", token.to_string())
        .with("seconds", seconds)
        .write(&mut object);
    object
}

/// The answer to a ping.
pub(in crate::server) fn pong(reference: Option<Reference>) -> Vec<u8> {
    let mut object = Vec::new();
    let reference = reference.map(|Reference(value)| value);
    Object::new("pong")
        .with("ref", reference)
        .write(&mut object);
    object
}

/// The first object of a session: who speaks, and to what limits it holds the client.
pub(in crate::server) fn hello(
    config: &Config,
    flood: Option<FloodLimit>,
    max_message: usize,
    utc: Millis,
) -> Vec<u8> {
    let chat = config.chat();
    let flood =
        flood.map(|FloodLimit { rate, burst }| json!({ "lines_per_second": rate, "burst": burst }));
    let limits = json!({
        "line_bytes": config.max_line,
        "message_bytes": max_message,
        "flood": flood,
        "rooms": chat.rooms,
        "rooms_per_member": chat.rooms_per_member,
        "room_members": chat.room_members,
        "nickname": chat.nickname,
        "room_name": chat.room_name,
        "topic": chat.topic,
        "reason": chat.reason,
        "history": chat.history,
        "replay": chat.replay,
        "client_ids": CLIENT_IDS,
    });
    let mut object = Vec::new();
    Object::new("hello")
        .with("protocol", SUBPROTOCOL)
        .with("server", concat!("loopchat/", env!("CARGO_PKG_VERSION")))
        .with("time", utc)
        .with("limits", limits)
        .write(&mut object);
    object
}

#[cfg(test)]
mod tests;

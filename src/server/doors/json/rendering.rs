//! The objects of `loopchat.v1.json`: what is heard, as JSON, one object a line.
//!
//! `docs/protocol.md` describes each with its fields. What people are told is in `text`, in the
//! words of the line door; what programs need is in the other fields.

mod said;

use serde_json::{Map, Value, json};

use crate::chat::{
    Answer, Audience, COMMANDS, CommandEntry, Departure, Event, Millis, Name, ORDERS, Outcome,
    Person, Place, Position, Refusal, Report, Text, Unkept,
};
use crate::server::core::digests::{Changes, Digest, Expulsion};
use crate::server::core::rendering::Heard;
use crate::server::doors::line::times::Times;
use crate::server::doors::line::words;
use said::{backlog, found, history, message};

/// Puts something into an object, with a line feed behind it.
pub(in crate::server) fn render(heard: Heard<'_>, to: &mut Vec<u8>) {
    match heard {
        Heard::Event(Event::Message(said)) | Heard::Private(said) => {
            message(said, None, to);
            to.push(b'\n');
        }
        Heard::Own(said, client_id) => {
            message(said, Some(client_id), to);
            to.push(b'\n');
        }
        Heard::Event(event) => {
            if let Some(object) = event_object(event) {
                object.write(to);
            }
        }
        Heard::Digest(Digest::Changes(changes)) => presence(changes).write(to),
        Heard::Digest(Digest::Expulsion(expulsion)) => expelled(expulsion).write(to),
        Heard::Answer(Answer::History {
            of,
            messages,
            is_whole,
            next,
            ..
        }) => history(of, (*is_whole, *next), messages, to),
        Heard::Answer(Answer::Found {
            of,
            words,
            messages,
            is_whole,
            ..
        }) => found((of, words), *is_whole, messages, to),
        Heard::Answer(Answer::Backlog {
            of,
            position,
            events,
            own,
            is_more,
        }) => backlog(of, (position, *is_more), events.as_deref(), own, to),
        Heard::Answer(answer) => {
            if let Some(object) = answer_object(answer) {
                object.write(to);
            }
        }
    }
}

/// The same of a room in which the reader is not. An announcement everybody hears where it is.
pub(in crate::server) fn render_elsewhere(heard: Heard<'_>, to: &mut Vec<u8>) {
    if !matches!(heard, Heard::Event(Event::Announcement(_))) {
        render(heard, to);
    }
}

/// One object; its kind comes first.
pub(in crate::server) struct Object {
    kind: &'static str,
    fields: Map<String, Value>,
}

impl Object {
    pub(in crate::server) fn new(kind: &'static str) -> Self {
        let fields = Map::new();
        Self { kind, fields }
    }

    pub(in crate::server) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    fn place_in(self, place: &Place, room: &Name) -> Self {
        self.with("room", name(room)).place(place)
    }

    fn place(self, place: &Place) -> Self {
        self.with("id", place.id.to_string())
            .with("number", place.number)
            .with("previous", place.previous)
            .with("time", place.time)
    }

    /// Up to where a room was heard.
    fn position(self, position: &Position) -> Self {
        self.with("epoch", position.epoch.to_string())
            .with("last", position.number)
    }

    fn person(self, who: &Person) -> Self {
        self.with("nick", name(&who.nickname))
            .with("account", who.account.as_deref())
            .with("origin", who.origin.to_string())
    }

    pub(in crate::server) fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(b"{\"kind\":");
        string(self.kind, to);
        for (field, value) in self.fields {
            to.push(b',');
            string(&field, to);
            to.push(b':');
            write_value(&value, to);
        }
        to.extend_from_slice(b"}\n");
    }
}

fn write_value(value: &Value, to: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(to, value);
}

fn string(text: &str, to: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(to, text);
}

fn name(name: &Name) -> Value {
    Value::from(&**name)
}

fn text(text: &Text) -> Value {
    Value::from(&**text)
}

/// `None` for messages, and for what comes in [digests](Digest) only.
fn event_object(event: &Event) -> Option<Object> {
    Some(match event {
        Event::Redaction(taken) => Object::new("redaction")
            .place_in(&taken.place, &taken.room)
            .person(&taken.by)
            .with("message", taken.message.to_string())
            .with("author", name(&taken.author)),
        Event::Topic(set) => Object::new("topic")
            .place_in(&set.place, &set.room)
            .person(&set.author)
            .with("topic", text(&set.topic)),
        Event::Announcement(announcement) => Object::new("announcement")
            .with("nick", announcement.by.as_ref().map(name))
            .with("text", text(&announcement.text)),
        Event::Message(_)
        | Event::Arrival { .. }
        | Event::Departure { .. }
        | Event::Rename { .. } => return None,
    })
}

fn person(who: &Person) -> Object {
    Object::new("").person(who)
}

fn presence_of(room: &Name, time: Millis) -> Object {
    Object::new("presence")
        .with("room", name(room))
        .with("time", time)
        .with("joined", json!([]))
        .with("joined_count", 0)
        .with("left", json!([]))
        .with("left_count", 0)
        .with("renamed", json!([]))
        .with("renamed_count", 0)
}

fn list(objects: impl Iterator<Item = Object>) -> Value {
    objects.map(|object| Value::from(object.fields)).collect()
}

fn presence(changes: &Changes) -> Object {
    let joined = changes.joined.iter().map(person);
    let left = changes.left.iter().map(|(who, why)| gone(who, why));
    let renamed = changes
        .renamed
        .iter()
        .map(|(who, before)| person(who).with("before", name(before)));
    presence_of(&changes.room, changes.time)
        .with("joined", list(joined))
        .with("joined_count", changes.joined_count)
        .with("left", list(left))
        .with("left_count", changes.left_count)
        .with("renamed", list(renamed))
        .with("renamed_count", changes.renamed_count)
}

fn expelled(expulsion: &Expulsion) -> Object {
    let left = expulsion.who.iter().map(|who| gone(who, &expulsion.why));
    presence_of(&expulsion.room, expulsion.time)
        .with("left", list(left))
        .with("left_count", expulsion.count)
}

fn gone(who: &Person, why: &Departure) -> Object {
    let (reason, said) = match why {
        Departure::Parted => ("parted", &None),
        Departure::Quit => ("quit", &None),
        Departure::Lost => ("lost", &None),
        Departure::Kicked { reason } => ("kicked", reason),
        Departure::Banned { reason } => ("banned", reason),
    };
    person(who)
        .with("reason", reason)
        .with("text", said.as_ref().map(text))
}

fn commands(entries: &[CommandEntry]) -> Value {
    let entries = entries.iter();
    entries
        .map(|entry| json!({ "usage": entry.usage, "purpose": entry.purpose }))
        .collect()
}

fn rooms(listed: &[(Name, usize)]) -> Value {
    let listed = listed.iter();
    listed
        .map(|(room, members)| json!({ "name": name(room), "members": members }))
        .collect()
}

fn seconds(millis: Millis) -> u64 {
    millis.div_ceil(1000)
}

/// `None` for what is written as it comes.
fn answer_object(answer: &Answer) -> Option<Object> {
    let object = match answer {
        Answer::History { .. } | Answer::Found { .. } | Answer::Backlog { .. } => return None,
        Answer::Welcome {
            who,
            room,
            others,
            topic,
            position,
        } => Object::new("welcome")
            .with("nick", name(&who.nickname))
            .with("origin", who.origin.to_string())
            .with("room", name(room))
            .with("others", *others)
            .with("topic", topic.as_ref().map(text))
            .position(position),
        Answer::Returned {
            who,
            room,
            others,
            topic,
            watched,
        } => Object::new("returned")
            .with("nick", name(&who.nickname))
            .with("origin", who.origin.to_string())
            .with("room", name(room))
            .with("others", *others)
            .with("topic", topic.as_ref().map(text))
            .with("watched", watched.iter().map(name).collect::<Value>()),
        Answer::Entered {
            room,
            others,
            topic,
            linger,
            is_kept,
            position,
        } => Object::new("entered")
            .with("room", name(room))
            .with("others", *others)
            .with("topic", topic.as_ref().map(text))
            .with("linger_ms", *linger)
            .with("kept", *is_kept)
            .position(position),
        Answer::Watching {
            room,
            others,
            topic,
            linger,
            is_kept,
            position,
        } => Object::new("watching")
            .with("room", name(room))
            .with("others", *others)
            .with("topic", topic.as_ref().map(text))
            .with("linger_ms", *linger)
            .with("kept", *is_kept)
            .position(position),
        Answer::Hears { room } => Object::new("hears").with("room", name(room)),
        Answer::Parted { room } => Object::new("parted").with("room", name(room)),
        Answer::OwnRooms { listed } => Object::new("own_rooms").with("rooms", rooms(listed)),
        Answer::Ignoring { nickname } => Object::new("ignoring").with("nick", name(nickname)),
        Answer::Unignored { nickname } => Object::new("unignored").with("nick", name(nickname)),
        Answer::Ignored { nicknames } => {
            Object::new("ignored").with("nicks", nicknames.iter().map(name).collect::<Value>())
        }
        Answer::Times { is_on } => Object::new("times").with("is_on", *is_on),
        Answer::Stayed { room } => Object::new("stayed").with("room", name(room)),
        Answer::Renamed { nickname } => Object::new("renamed").with("nick", name(nickname)),
        Answer::RoomTopic { room, topic } => Object::new("room_topic")
            .with("room", name(room))
            .with("topic", topic.as_ref().map(text)),
        Answer::TopicSet { room, topic, .. } => Object::new("topic_set")
            .with("room", name(room))
            .with("topic", text(topic)),
        Answer::Rooms { listed, count } => Object::new("rooms")
            .with("rooms", rooms(listed))
            .with("count", *count),
        Answer::Members {
            room,
            nicknames,
            count,
        } => Object::new("members")
            .with("room", name(room))
            .with("nicks", nicknames.iter().map(name).collect::<Value>())
            .with("count", *count),
        Answer::Help {
            is_operator,
            is_kept,
        } => {
            let orders = is_operator.then(|| commands(ORDERS));
            Object::new("help")
                .with("commands", commands(COMMANDS))
                .with("orders", orders.unwrap_or_else(|| json!([])))
                .with("kept", *is_kept)
        }
        Answer::Muted { left } => Object::new("muted").with("seconds", seconds(*left)),
        Answer::Unmuted => Object::new("unmuted"),
        Answer::CarriedOut(outcome) => Object::new("carried_out").with("order", order(outcome)),
        Answer::Bans { listed, count } => {
            let entries = listed.iter().map(|ban| {
                json!({
                    "origin": ban.origin.to_string(),
                    "nick": null,
                    "seconds": seconds(ban.left),
                    "reason": ban.reason.as_ref().map(text),
                })
            });
            Object::new("bans")
                .with("entries", entries.collect::<Value>())
                .with("count", *count)
        }
        Answer::Mutes { listed, count } => {
            let entries = listed.iter().map(|mute| {
                json!({
                    "origin": mute.origin.to_string(),
                    "nick": mute.nickname.as_ref().map(name),
                    "seconds": seconds(mute.left),
                    "reason": null,
                })
            });
            Object::new("mutes")
                .with("entries", entries.collect::<Value>())
                .with("count", *count)
        }
        Answer::Report(report) => Object::new("report").with(
            "what",
            match &**report {
                Report::Loop(_) => "loop",
                Report::Limits(_) => "limits",
                Report::Connections(_) => "connections",
            },
        ),
        Answer::Skipped { count, .. } => Object::new("skipped").with("count", *count),
        Answer::Deleted(taken) => Object::new("deleted")
            .place_in(&taken.place, &taken.room)
            .with("message", taken.message.to_string())
            .with("author", name(&taken.author)),
        Answer::Committed {
            audience,
            place,
            client_id,
        } => match audience {
            Audience::Room(room) => Object::new("committed").with("room", name(room)),
            Audience::Member { nickname, epoch } => Object::new("committed")
                .with("to", name(nickname))
                .with("epoch", epoch.to_string()),
        }
        .place(place)
        .with("client_id", text(client_id)),
        Answer::Missed { count } => Object::new("missed").with("count", *count),
        Answer::Flooding { per_second } => {
            Object::new("flooding").with("lines_per_second", *per_second)
        }
        Answer::Here => Object::new("here"),
        Answer::Refused(refusal) => refused(refusal),
        Answer::Disconnected(reason) => Object::new("disconnected").with("code", reason.code()),
    };
    Some(object.with("text", said(answer)))
}

/// What people are told: the words of the line door, without the marks in front of its lines.
fn said(answer: &Answer) -> String {
    let mut lines = Vec::new();
    words::render(Heard::Answer(answer), Times::Never, &mut lines);
    let lines = String::from_utf8_lossy(&lines);
    let first = if matches!(
        answer,
        Answer::Welcome { .. } | Answer::Entered { .. } | Answer::Watching { .. }
    ) {
        1 // the rest is in fields
    } else {
        usize::MAX
    };
    let texts = lines.lines().take(first);
    let texts: Vec<&str> = texts
        .map(|line| line.get(2..).unwrap_or_default())
        .collect();
    texts.join("\n")
}

fn order(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Kicked { .. } => "kick",
        Outcome::Banned { .. } => "ban",
        Outcome::Unbanned { .. } => "unban",
        Outcome::Muted { .. } => "mute",
        Outcome::Unmuted { .. } => "unmute",
    }
}

/// A refusal of what is no object that is understood.
pub(in crate::server) fn not_understood(why: &str) -> Object {
    Object::new("refused")
        .with("code", "not_understood")
        .with("text", why)
}

fn refused(refusal: &Refusal) -> Object {
    let code = |code: &str| Object::new("refused").with("code", code);
    match refusal {
        Refusal::Muted { left } => code("muted").with("seconds", seconds(*left)),
        Refusal::OperatorsOnly { word } => code("operators_only").with("name", *word),
        Refusal::UnknownCommand { word } => code("unknown_command").with("name", text(word)),
        Refusal::Usage { usage } => code("usage").with("usage", *usage),
        Refusal::BadNickname(_) => code("bad_nickname"),
        Refusal::BadRoomName(_) => code("bad_room_name"),
        Refusal::NicknameReserved { nickname } => {
            code("nickname_reserved").with("name", name(nickname))
        }
        Refusal::NicknameTaken { nickname, free } => code("nickname_taken")
            .with("name", name(nickname))
            .with("free", free.as_ref().map(name)),
        Refusal::RoomNameTaken { room, like } => code("room_name_taken")
            .with("room", name(room))
            .with("like", name(like)),
        Refusal::NoSuchMember { nickname } => code("no_such_member").with("name", text(nickname)),
        Refusal::NoSuchRoom { room } => code("no_such_room").with("room", text(room)),
        Refusal::RoomFull { room, limit } => code("room_full")
            .with("room", name(room))
            .with("limit", *limit),
        Refusal::TooManyRooms { limit } => code("too_many_rooms").with("limit", *limit),
        Refusal::TooManyOwnRooms { limit } => code("too_many_own_rooms").with("limit", *limit),
        Refusal::NotInRoom { room } => code("not_in_room").with("room", name(room)),
        Refusal::LastRoom { room } => code("last_room").with("room", name(room)),
        Refusal::TooManyIgnored { limit } => code("too_many_ignored").with("limit", *limit),
        Refusal::NotIgnored { nickname } => code("not_ignored").with("name", name(nickname)),
        Refusal::Oneself => code("oneself"),
        Refusal::TopicTooLong { limit } => code("topic_too_long").with("limit", *limit),
        Refusal::ReasonTooLong { limit } => code("reason_too_long").with("limit", *limit),
        Refusal::IsOperator { nickname } => code("is_operator").with("name", name(nickname)),
        Refusal::OriginOfOperators { origin } => {
            code("origin_of_operators").with("name", origin.to_string())
        }
        Refusal::ThisMachine { origin } => code("this_machine").with("name", origin.to_string()),
        Refusal::TooManyBans { limit } => code("too_many_bans").with("limit", *limit),
        Refusal::TooManyMutes { limit } => code("too_many_mutes").with("limit", *limit),
        Refusal::NotBanned { origin, .. } => code("not_banned").with("name", origin.to_string()),
        Refusal::NeverBanned { text: typed } => code("never_banned").with("name", text(typed)),
        Refusal::NotMuted { who } => code("not_muted").with("name", text(who)),
        Refusal::NothingToDelete => code("nothing_to_delete"),
        Refusal::NoSuchMessage { message } => {
            code("no_such_message").with("name", message.to_string())
        }
        Refusal::NotYours { message } => code("not_yours").with("name", message.to_string()),
        Refusal::BadPlace { typed } => code("bad_place").with("name", text(typed)),
        Refusal::LineTooLong { limit } => code("line_too_long").with("limit", *limit),
        Refusal::NotKept { why, client_id, .. } => match why {
            Unkept::Full => code("log_full"),
            Unkept::Unavailable => code("log_unavailable"),
        }
        .with("client_id", client_id.as_ref().map(text)),
        Refusal::OtherEpoch => code("other_epoch"),
        Refusal::NotRead => code("not_read"),
        Refusal::NoSearch => code("no_search"),
        Refusal::CannotResume => code("cannot_resume"),
        Refusal::NotDelivered {
            nickname,
            client_id,
        } => code("not_delivered")
            .with("name", name(nickname))
            .with("client_id", client_id.as_ref().map(text)),
    }
}

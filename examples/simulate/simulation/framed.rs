//! What is heard, in each framing: as the server puts it, and looked at by somebody who has only
//! read `docs/protocol.md`.

use std::rc::Rc;

use loopchat::chat::{
    Answer, Audience, Departure, Event, Message, MessageKind, Millis, Name, Person, Place, Refusal,
};
use loopchat::server::FRAMINGS;
use loopchat::server::core::digests::{Changes, Digest, Expulsion};
use loopchat::server::core::rendering::{Framing, FramingId, Heard};
use serde_json::{Value, json};

use super::{Checked, violated};

/// `nc`'s lines, as they are at first.
pub const LINES: FramingId = FramingId(0);

/// Objects of JSON.
pub fn json_objects() -> FramingId {
    let first = FRAMINGS.iter().position(|framing| framing.echoes);
    FramingId(first.unwrap_or_default() as u8)
}

/// How lines are put.
#[derive(Clone, Copy)]
struct Lines {
    /// Those of a room in which the reader is not.
    is_elsewhere: bool,
    /// Each message has its time.
    is_timed: bool,
}

pub fn framing(id: FramingId) -> &'static Framing {
    &FRAMINGS[usize::from(id.0)]
}

/// For rooms that a member hears without being there.
pub fn elsewhere(id: FramingId) -> FramingId {
    framing(id).elsewhere
}

/// What the server makes of it, in whole lines, once that is seen to say what it should.
pub fn rendered(id: FramingId, heard: Heard<'_>) -> Checked<Vec<Rc<str>>> {
    let mut bytes = Vec::new();
    (framing(id).render)(heard, &mut bytes);
    let Ok(text) = String::from_utf8(bytes) else {
        return violated("everything sent is UTF-8", format!("{heard:?}"));
    };
    if !text.is_empty() && !text.ends_with('\n') {
        return violated("lines are whole", format!("{text:?}"));
    }
    let is_elsewhere = elsewhere(id) == id;
    let timed = framing(id).with_times;
    let is_timed = id == timed || id == elsewhere(timed);
    let lines = Lines {
        is_elsewhere,
        is_timed,
    };
    let is_right = match framing(id).echoes {
        true => is_object(heard, is_elsewhere, &text),
        false => is_line(heard, lines, &text),
    };
    match is_right {
        true => Ok(text.lines().map(Rc::from).collect()),
        false => violated(
            "a framing says what happened",
            format!("{heard:?}: {text:?}"),
        ),
    }
}

/// Whether a line says what happened. Answers are told by what they mean in fields; their words
/// are for people.
fn is_line(heard: Heard<'_>, lines: Lines, text: &str) -> bool {
    let Lines {
        is_elsewhere,
        is_timed,
    } = lines;
    // By which id its author knows it, a line does not say.
    let heard = match heard {
        Heard::Own(said, _) if room_of(said).is_none() => Heard::Private(said),
        other => other,
    };
    let (room, time, wanted) = match heard {
        Heard::Event(Event::Message(said)) | Heard::Own(said, _) => {
            let Message { author, text, .. } = &**said;
            let wanted = match said.kind {
                MessageKind::Said => format!("{}: {text}", author.nickname),
                MessageKind::Action => format!("** {} {text}", author.nickname),
            };
            (room_of(said), Some(said.place.time), wanted)
        }
        Heard::Event(Event::Topic(set)) => {
            let wanted = format!("* {} set the topic: {}", set.author.nickname, set.topic);
            (Some(&set.room), None, wanted)
        }
        Heard::Event(Event::Redaction(taken)) => {
            let minutes = taken.said / 60_000;
            let time = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
            let wanted = match taken.is_authors {
                true => format!("* {} took back a message of {time}.", taken.by.nickname),
                false => {
                    let (by, author) = (&taken.by.nickname, &taken.author);
                    format!("* {by} took back a message of {author}, of {time}.")
                }
            };
            (Some(&taken.room), None, wanted)
        }
        Heard::Event(Event::Announcement(_)) if is_elsewhere => return text.is_empty(),
        Heard::Event(Event::Announcement(said)) => {
            let wanted = match &said.by {
                Some(by) => format!("* Announcement by {by}: {}", said.text),
                None => format!("* {}", said.text),
            };
            (None, None, wanted)
        }
        Heard::Private(said) => {
            let wanted = format!(
                "{} -> {}: {}",
                said.author.nickname,
                reader_of(said),
                said.text
            );
            (None, Some(said.place.time), wanted)
        }
        Heard::Digest(digest) => return is_digest(digest, is_elsewhere, text),
        Heard::Event(_) => return text.is_empty(),
        Heard::Answer(Answer::History { messages, .. }) => {
            return text.lines().count() == 1 + messages.len();
        }
        Heard::Answer(_) => return !text.is_empty(),
    };
    let mut rest = text;
    if is_elsewhere && let Some(room) = room {
        rest = match rest.strip_prefix(&format!("#{room} ")) {
            Some(rest) => rest,
            None => return false,
        };
    }
    if is_timed && let Some(time) = time {
        let stamped = rest
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        let Some((stamp, behind)) = stamped else {
            return false;
        };
        let stamp = stamp.parse::<jiff::Timestamp>();
        if !stamp.is_ok_and(|stamp| stamp.as_millisecond() as Millis == time) {
            return false;
        }
        rest = behind;
    }
    rest == format!("{wanted}\n")
}

/// Whether a line tells who has come and gone: as many as there is place for by name, and how many
/// others.
fn is_digest(digest: &Digest, is_elsewhere: bool, text: &str) -> bool {
    let (room, names, count): (_, Vec<&Name>, _) = match digest {
        Digest::Changes(changes) => {
            let names = changes.joined.iter().take(NAMED).map(|who| &who.nickname);
            let left = changes
                .left
                .iter()
                .take(NAMED)
                .map(|(who, _)| &who.nickname);
            (
                &changes.room,
                names.chain(left).collect(),
                changes.joined_count,
            )
        }
        Digest::Expulsion(expulsion) => {
            let names = expulsion.who.iter().take(NAMED).map(|who| &who.nickname);
            (&expulsion.room, names.collect(), expulsion.count)
        }
    };
    let others = match count.saturating_sub(NAMED) {
        0 => String::new(),
        others => format!(" and {others} other"),
    };
    let room = format!("#{room} ");
    text.starts_with(&room) == is_elsewhere
        && names.iter().all(|name| text.contains(&***name))
        && text.contains(&others)
        && text.lines().count() == 1
}

/// How many names a line shows of each kind.
const NAMED: usize = 3;

/// Whether an object says what happened, by its fields. Others are left alone.
fn is_object(heard: Heard<'_>, is_elsewhere: bool, text: &str) -> bool {
    let wanted = match heard {
        Heard::Event(Event::Announcement(_)) if is_elsewhere => return text.is_empty(),
        Heard::Event(Event::Arrival { .. } | Event::Departure { .. } | Event::Rename { .. }) => {
            return text.is_empty();
        }
        Heard::Event(event) => event_fields(event),
        Heard::Own(said, client_id) => with(
            event_fields(&Event::Message(Rc::clone(said))),
            json!({ "client_id": client_id }),
        ),
        Heard::Digest(Digest::Changes(changes)) => changes_fields(changes),
        Heard::Digest(Digest::Expulsion(expulsion)) => expulsion_fields(expulsion),
        Heard::Private(said) => event_fields(&Event::Message(Rc::clone(said))),
        Heard::Answer(answer) => answer_fields(answer),
    };
    let mut lines = text.lines();
    let Some(Ok(object)) = lines.next().map(serde_json::from_str::<Value>) else {
        return false;
    };
    lines.next().is_none() && holds(&object, &wanted)
}

/// Whether all that is wanted is in an object, whatever else is.
fn holds(object: &Value, wanted: &Value) -> bool {
    let Value::Object(wanted) = wanted else {
        return false;
    };
    wanted
        .iter()
        .all(|(field, value)| match (&object[field], value) {
            (Value::Array(found), Value::Array(wanted)) => {
                let is_same = |(found, wanted): (&Value, &Value)| match wanted {
                    Value::Object(_) => holds(found, wanted),
                    _ => found == wanted,
                };
                found.len() == wanted.len() && found.iter().zip(wanted).all(is_same)
            }
            (found, wanted) => found == wanted && object.get(field).is_some(),
        })
}

fn with(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

fn person(who: &Person) -> Value {
    json!({
        "nick": &*who.nickname,
        "account": who.account.as_deref(),
        "origin": who.origin.to_string(),
    })
}

fn room_of(said: &Message) -> Option<&Name> {
    match &said.audience {
        Audience::Room(room) => Some(room),
        Audience::Member { .. } => None,
    }
}

fn reader_of(said: &Message) -> &str {
    match &said.audience {
        Audience::Room(_) => "",
        Audience::Member { nickname, .. } => nickname,
    }
}

fn place_in(place: &Place, room: &Name) -> Value {
    with(json!({ "room": &**room }), self::place(place))
}

fn place(place: &Place) -> Value {
    json!({
        "id": place.id.to_string(),
        "number": place.number,
        "previous": place.previous,
        "time": place.time,
    })
}

fn event_fields(event: &Event) -> Value {
    match event {
        Event::Message(said) => {
            let fields = match (&said.audience, said.kind) {
                (Audience::Member { nickname, epoch }, _) => json!({
                    "kind": "private", "to": &**nickname, "epoch": epoch.to_string(),
                    "text": &*said.text,
                }),
                (_, MessageKind::Said) => json!({ "kind": "message", "text": &*said.text }),
                (_, MessageKind::Action) => json!({ "kind": "action", "text": &*said.text }),
            };
            let place = match room_of(said) {
                Some(room) => place_in(&said.place, room),
                None => place(&said.place),
            };
            with(with(place, person(&said.author)), fields)
        }
        Event::Redaction(taken) => {
            let (message, author) = (taken.message.to_string(), &*taken.author);
            let fields = json!({ "kind": "redaction", "message": message, "author": author });
            with(
                with(place_in(&taken.place, &taken.room), person(&taken.by)),
                fields,
            )
        }
        Event::Topic(set) => {
            let fields = json!({ "kind": "topic", "topic": &*set.topic });
            with(
                with(place_in(&set.place, &set.room), person(&set.author)),
                fields,
            )
        }
        Event::Announcement(said) => {
            json!({ "kind": "announcement", "nick": said.by.as_deref(), "text": &*said.text })
        }
        Event::Arrival { .. } | Event::Departure { .. } | Event::Rename { .. } => json!({}),
    }
}

fn presence(room: &Name, time: Millis, counts: [usize; 3]) -> Value {
    let [joined, left, renamed] = counts;
    json!({
        "kind": "presence",
        "room": &**room,
        "time": time,
        "joined_count": joined,
        "left_count": left,
        "renamed_count": renamed,
    })
}

fn changes_fields(changes: &Changes) -> Value {
    let Changes {
        joined_count,
        left_count,
        renamed_count,
        ..
    } = *changes;
    let joined: Vec<Value> = changes.joined.iter().map(person).collect();
    let left: Vec<Value> = changes
        .left
        .iter()
        .map(|(who, why)| gone(who, why))
        .collect();
    let renamed = changes.renamed.iter();
    let renamed: Vec<Value> = renamed
        .map(|(who, before)| with(person(who), json!({ "before": &**before })))
        .collect();
    with(
        presence(
            &changes.room,
            changes.time,
            [joined_count, left_count, renamed_count],
        ),
        json!({ "joined": joined, "left": left, "renamed": renamed }),
    )
}

fn expulsion_fields(expulsion: &Expulsion) -> Value {
    let Expulsion {
        who, why, count, ..
    } = expulsion;
    let left: Vec<Value> = who.iter().map(|who| gone(who, why)).collect();
    with(
        presence(&expulsion.room, expulsion.time, [0, *count, 0]),
        json!({ "left": left }),
    )
}

fn gone(who: &Person, why: &Departure) -> Value {
    let (reason, text) = match why {
        Departure::Parted => ("parted", None),
        Departure::Quit => ("quit", None),
        Departure::Lost => ("lost", None),
        Departure::Kicked { reason } => ("kicked", reason.as_deref()),
        Departure::Banned { reason } => ("banned", reason.as_deref()),
    };
    with(person(who), json!({ "reason": reason, "text": text }))
}

/// Those of its fields that a program cannot do without.
fn answer_fields(answer: &Answer) -> Value {
    match answer {
        Answer::Welcome {
            who, room, others, ..
        } => json!({
            "kind": "welcome", "nick": &*who.nickname, "room": &**room, "others": others,
        }),
        Answer::History {
            of,
            messages,
            is_whole,
            next,
            ..
        } => {
            let messages = messages
                .iter()
                .map(|said| event_fields(&Event::Message(Rc::clone(said))));
            let messages: Vec<Value> = messages.collect();
            let of = match of {
                Audience::Room(room) => json!({ "room": &**room }),
                Audience::Member { nickname, .. } => json!({ "with": &**nickname }),
            };
            let fields = json!({
                "kind": "history", "complete": is_whole, "next": next, "messages": messages,
            });
            with(of, fields)
        }
        Answer::Entered {
            room,
            others,
            topic,
            linger,
            is_kept,
            position,
        } => json!({
            "kind": "entered", "room": &**room, "others": others, "topic": topic.as_deref(),
            "linger_ms": linger, "kept": is_kept, "epoch": position.epoch.to_string(), "last": position.number,
        }),
        Answer::Returned {
            who,
            room,
            others,
            topic,
            watched,
        } => {
            let watched: Vec<&str> = watched.iter().map(|room| &**room).collect();
            json!({
                "kind": "returned", "nick": &*who.nickname, "room": &**room, "others": others,
                "topic": topic.as_deref(), "watched": watched,
            })
        }
        Answer::Backlog {
            of,
            position,
            events,
            own,
            is_more,
        } => {
            let fields = |event: &Event| {
                let id = event.place().map(|place| place.id);
                let own = own.iter().find(|(own, _)| Some(*own) == id);
                let own = own.map(|(_, client_id)| json!({ "client_id": &**client_id }));
                with(event_fields(event), own.unwrap_or_else(|| json!({})))
            };
            let told: Vec<Value> = events.iter().flatten().map(fields).collect();
            let whose = match of {
                Audience::Room(room) => json!({ "room": &**room }),
                Audience::Member { nickname, .. } => json!({ "with": &**nickname }),
            };
            let fields = json!({
                "kind": "backlog", "complete": events.is_some(), "more": is_more,
                "epoch": position.epoch.to_string(), "last": position.number, "events": told,
            });
            with(whose, fields)
        }
        Answer::Committed {
            audience,
            place,
            client_id,
        } => {
            let whose = match audience {
                Audience::Room(room) => json!({ "room": &**room }),
                Audience::Member { nickname, epoch } => {
                    json!({ "to": &**nickname, "epoch": epoch.to_string() })
                }
            };
            let fields = json!({ "kind": "committed", "client_id": &**client_id });
            with(with(whose, self::place(place)), fields)
        }
        Answer::Refused(Refusal::CannotResume) => {
            json!({ "kind": "refused", "code": "cannot_resume" })
        }
        Answer::Renamed { nickname } => json!({ "kind": "renamed", "nick": &**nickname }),
        Answer::Skipped { count, .. } => json!({ "kind": "skipped", "count": count }),
        Answer::Missed { count } => json!({ "kind": "missed", "count": count }),
        Answer::Deleted(taken) => json!({
            "kind": "deleted", "message": taken.message.to_string(),
            "number": taken.place.number, "previous": taken.place.previous,
        }),
        Answer::Disconnected(reason) => json!({ "kind": "disconnected", "code": reason.code() }),
        Answer::Refused(_) => json!({ "kind": "refused" }),
        _ => json!({}),
    }
}

//! What a client of `loopchat.v1.json` sends, and what it is told first.

use serde_json::{Value, json};

use crate::chat::Millis;
use crate::server::doors::web::json::Object;
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
        /// What it is to be told when all of that is done.
        reference: Option<Reference>,
    },
    /// An answer.
    Ping {
        /// Which it is to be.
        reference: Option<Reference>,
    },
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
        let Ok(Value::Object(mut fields)) = serde_json::from_str(object) else {
            return Err("That is no object of JSON.");
        };
        let reference = match fields.remove("ref") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= REFERENCE => Some(Value::String(text)),
            Some(Value::Number(number)) => Some(Value::Number(number)),
            Some(_) => return Err("A ref is a number, or a string of at most 64 bytes."),
        };
        let reference = reference.map(Reference);
        let kind = fields.get("kind").and_then(Value::as_str);
        match kind {
            Some("ping") => Ok(Self::Ping { reference }),
            Some("line") => match fields.remove("text") {
                Some(Value::String(text)) => Ok(Self::Line { text, reference }),
                _ => Err("A line has a text."),
            },
            Some(_) => Err("There is no such kind: line and ping are there."),
            None => Err("An object has a kind."),
        }
    }

    /// The same again, as a client writes it: of a line, what has not been heard of it.
    pub(in crate::server) fn line(rest: &str, reference: Option<Reference>) -> String {
        let reference = reference.map(|Reference(value)| value);
        json!({ "kind": "line", "text": rest, "ref": reference }).to_string()
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
mod tests {
    use super::*;

    fn line(text: &str, reference: Option<Value>) -> Request {
        Request::Line {
            text: text.to_owned(),
            reference: reference.map(Reference),
        }
    }

    #[test]
    fn requests_are_read_and_what_is_not_known_is_left_alone() {
        for (object, request) in [
            (r#"{"kind":"line","text":"hi"}"#, line("hi", None)),
            (
                r#" {"text":"a\nb","ref":7,"kind":"line","colour":{"is":"red"}}"#,
                line("a\nb", Some(7.into())),
            ),
            (
                r#"{"kind":"ping","ref":"x"}"#,
                Request::Ping {
                    reference: Some(Reference("x".into())),
                },
            ),
        ] {
            assert_eq!(Request::read(object), Ok(request), "{object}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let long = format!(r#"{{"kind":"ping","ref":"{}"}}"#, "x".repeat(65));
        for object in [
            "",
            "hello",
            "[]",
            r#"{"kind":"line"}"#,
            r#"{"kind":"line","text":7}"#,
            r#"{"kind":"dance"}"#,
            r#"{"text":"hi"}"#,
            r#"{"kind":"ping","ref":[]}"#,
            &long,
        ] {
            assert!(Request::read(object).is_err(), "{object}");
        }
    }

    #[test]
    fn what_is_left_of_a_line_is_a_line() {
        let rest = Request::line("more\n\"text\"", Some(Reference(7.into())));
        assert_eq!(
            Request::read(&rest),
            Ok(line("more\n\"text\"", Some(7.into())))
        );
    }
}

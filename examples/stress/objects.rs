//! Objects of `loopchat.v1.json`, as far as they matter here: a few fields of a few kinds. A room's
//! history is an object of its own, so that nothing in it is taken for a delivery.

use std::borrow::Cow;

use serde::Deserialize;

use super::message::{Format, Heard};

/// The subprotocol.
pub const SUBPROTOCOL: &str = "loopchat.v1.json";

/// What an object has beside the nickname and the text of a message, in bytes: about so many.
pub const BESIDES: usize = 200;

/// The fields that are looked at. Others are left alone.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    nick: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

/// Without a copy, unless something in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What an object of the server is; `None` if it is none.
pub fn read<'a>(format: &Format, object: &'a str) -> Option<Heard<'a>> {
    let Object {
        kind,
        code,
        nick,
        text,
    } = serde_json::from_str(object).ok()?;
    let text = text.map_or(Cow::Borrowed(""), |text| text.0);
    Some(match &*kind?.0 {
        "message" => match format.own_nick(nick?.0.as_bytes()) {
            Some(author) => format.read(author, text.as_bytes()),
            None => Heard::Other,
        },
        "entered" => Heard::Entered,
        "refused" => Heard::Refused(text),
        "disconnected" if code.is_some_and(|code| code.0 == "quit") => Heard::Farewell,
        "disconnected" => Heard::Disconnected(text),
        _ => Heard::Other,
    })
}

/// Appends the object that says a line.
pub fn write(line: &str, to: &mut String) {
    let mut object = serde_json::json!({ "kind": "line", "text": line }).to_string();
    object.push('\n');
    to.push_str(&object);
}

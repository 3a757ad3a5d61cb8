//! What was said, as JSON: the hot path, and lists of hundreds for everybody who asks. Nothing is put
//! together before it is written.

use std::io::Write;
use std::rc::Rc;

use super::{event_object, string};
use crate::chat::{Audience, Event, EventId, Message, MessageKind, Position, Text};

/// A message; its author's client sees by which id it knows it.
pub(super) fn message(said: &Message, client_id: Option<&str>, to: &mut Vec<u8>) {
    let Message { place, author, .. } = said;
    let kind = match (&said.audience, said.kind) {
        (Audience::Room(_), MessageKind::Said) => "message",
        (Audience::Room(_), MessageKind::Action) => "action",
        (Audience::Member { .. }, _) => "private",
    };
    // Writing to memory cannot fail. Neither names nor ids have a sign that JSON would have to
    // escape.
    let _ = match &said.audience {
        Audience::Room(room) => write!(to, "{{\"kind\":\"{kind}\",\"room\":\"{room}\""),
        Audience::Member { nickname, epoch } => write!(
            to,
            "{{\"kind\":\"{kind}\",\"to\":\"{nickname}\",\"epoch\":\"{epoch}\""
        ),
    };
    let _ = write!(
        to,
        ",\"id\":\"{}\",\"number\":{},\"previous\":{},\"time\":{},\"nick\":\"{}\",\"account\":",
        place.id, place.number, place.previous, place.time, author.nickname,
    );
    match &author.account {
        Some(account) => string(account, to),
        None => to.extend_from_slice(b"null"),
    }
    let _ = write!(to, ",\"origin\":\"{}\",\"text\":", author.origin);
    string(&said.text, to);
    if let Some(client_id) = client_id {
        to.extend_from_slice(b",\"client_id\":");
        string(client_id, to);
    }
    to.push(b'}');
}

/// Of which room it is, or of the reader and whom.
fn write_of(of: &Audience, to: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = match of {
        Audience::Room(room) => write!(to, ",\"room\":\"{room}\""),
        Audience::Member { nickname, .. } => write!(to, ",\"with\":\"{nickname}\""),
    };
}

/// What was said in a room, or to one alone.
pub(super) fn history(
    of: &Audience,
    (is_whole, next): (bool, Option<u64>),
    messages: &[Rc<Message>],
    to: &mut Vec<u8>,
) {
    to.extend_from_slice(b"{\"kind\":");
    string("history", to);
    write_of(of, to);
    let _ = match next {
        Some(next) => write!(to, ",\"complete\":{is_whole},\"next\":{next}"),
        None => write!(to, ",\"complete\":{is_whole},\"next\":null"),
    };
    to.extend_from_slice(b",\"messages\":");
    write_messages(messages, to);
}

/// What was said with some words in it.
pub(super) fn found(
    (of, words): (&Audience, &Text),
    is_whole: bool,
    messages: &[Rc<Message>],
    to: &mut Vec<u8>,
) {
    to.extend_from_slice(b"{\"kind\":");
    string("found", to);
    write_of(of, to);
    to.extend_from_slice(b",\"words\":");
    string(words, to);
    let _ = write!(to, ",\"complete\":{is_whole},\"messages\":");
    write_messages(messages, to);
}

/// The last field of an object.
fn write_messages(messages: &[Rc<Message>], to: &mut Vec<u8>) {
    to.push(b'[');
    for (place, said) in messages.iter().enumerate() {
        if place > 0 {
            to.push(b',');
        }
        message(said, None, to);
    }
    to.extend_from_slice(b"]}\n");
}

/// What somebody has missed of a room, or of what was said to it alone, and which of it is its own.
pub(super) fn backlog(
    of: &Audience,
    (position, is_more): (&Position, bool),
    events: Option<&[Event]>,
    own: &[(EventId, Text)],
    to: &mut Vec<u8>,
) {
    to.extend_from_slice(b"{\"kind\":");
    string("backlog", to);
    write_of(of, to);
    let (is_whole, Position { epoch, number }) = (events.is_some(), position);
    let _ = write!(
        to,
        ",\"complete\":{is_whole},\"epoch\":\"{epoch}\",\"last\":{number},\"more\":{is_more},\"events\":["
    );
    for (place, event) in events.unwrap_or_default().iter().enumerate() {
        if place > 0 {
            to.push(b',');
        }
        match event {
            Event::Message(said) => {
                let mut own = own.iter();
                let own = own.find(|(id, _)| *id == said.place.id);
                message(said, own.map(|(_, client_id)| &**client_id), to);
            }
            event => {
                if let Some(object) = event_object(event) {
                    object.write(to);
                    to.pop(); // its line feed
                }
            }
        }
    }
    to.extend_from_slice(b"]}\n");
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chat::tests::said;

    #[test]
    fn what_was_found_is_told_with_the_words_and_in_its_order() {
        let all = [said(7, "ann", "green \"tea\""), said(3, "bob", "tea")];
        for (is_whole, messages) in [(true, &all[..]), (false, &all[..1]), (true, &[])] {
            let of = said(1, "ann", "x").audience.clone();
            let mut told = Vec::new();
            found((&of, &"\"tea\"".into()), is_whole, messages, &mut told);
            assert_eq!(told.pop(), Some(b'\n'));
            let told: Value = serde_json::from_slice(&told).expect("it is JSON");
            let texts = messages.iter().map(|said| &*said.text);
            let found = told["messages"].as_array().expect("a list").iter();
            assert!(
                found
                    .map(|one| one["text"].as_str().expect("text"))
                    .eq(texts)
            );
            assert_eq!(
                [
                    &told["kind"],
                    &told["room"],
                    &told["words"],
                    &told["complete"]
                ],
                [
                    &json!("found"),
                    &json!("lobby"),
                    &json!("\"tea\""),
                    &json!(is_whole)
                ]
            );
        }
    }
}

//! What was said, and has not come back. The server remembers so many messages of a session by the
//! ids that their client gives them: no more are on the way, and any of them may be said again.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// One line.
#[derive(Debug)]
struct Line {
    text: String,
    /// By which the server knows it again, if it is a message.
    client_id: Option<String>,
    reference: u64,
}

#[derive(Debug, Default)]
pub struct Sent {
    /// Not sent by this connection, in order.
    waiting: VecDeque<Line>,
    /// On the way, in order.
    on_the_way: VecDeque<Line>,
    limit: usize,
    /// Numbers of lines, and ids of messages, are used once.
    last: u64,
}

impl Sent {
    /// So many messages the server remembers.
    pub fn limit(&mut self, most: &Value) {
        self.limit = most.as_u64().map_or(1, |most| most as usize).max(1);
    }

    pub fn add(&mut self, text: &str) {
        self.last += 1;
        // To the server that is an end of a line, and this is one.
        let text = text.replace('\r', "");
        let client_id = is_message(&text).then(|| format!("c-{}", self.last));
        self.waiting.push_back(Line {
            text,
            client_id,
            reference: self.last,
        });
    }

    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub fn has_messages(&self) -> bool {
        let mut lines = self.waiting.iter().chain(&self.on_the_way);
        lines.any(|line| line.client_id.is_some())
    }

    /// What is to be sent next, if it may be now.
    pub fn next(&mut self) -> Option<Value> {
        let messages = self.on_the_way.iter();
        let messages = messages.filter(|line| line.client_id.is_some()).count();
        let has_to_wait = |line: &Line| line.client_id.is_some() && messages >= self.limit;
        if self.waiting.front().is_none_or(has_to_wait) {
            return None;
        }
        let line = self.waiting.pop_front()?;
        let request = json!({
            "kind": "line",
            "text": line.text,
            "ref": line.reference,
            "client_id": line.client_id,
        });
        self.on_the_way.push_back(line);
        Some(request)
    }

    /// All is said that a line has brought; and so it is of those before it.
    pub fn done(&mut self, reference: &Value) {
        let reference = reference.as_u64().unwrap_or_default();
        self.on_the_way.retain(|line| line.reference > reference);
    }

    /// A message has its place.
    pub fn came_back(&mut self, client_id: &Value) {
        let client_id = client_id.as_str();
        let is_other = |line: &Line| line.client_id.as_deref() != client_id;
        self.on_the_way.retain(is_other);
        self.waiting.retain(is_other);
    }

    /// The connection is gone: messages are kept, and what was not sent. Gives the commands that
    /// were, which nobody may say twice.
    pub fn cut(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.on_the_way).into_iter();
        let (mut messages, commands): (VecDeque<Line>, VecDeque<Line>) =
            sent.partition(|line| line.client_id.is_some());
        messages.append(&mut self.waiting);
        messages.retain(|line| !is_asked_again(&line.text));
        self.waiting = messages;
        commands.into_iter().map(|line| line.text).collect()
    }

    /// The session goes on, by another connection: of that the lines have numbers of their own.
    pub fn again(&mut self) {
        for line in &mut self.waiting {
            self.last += 1;
            line.reference = self.last;
        }
    }

    /// Gives what has not come back, and forgets it.
    pub fn clear(&mut self) -> Vec<String> {
        let lines = self.on_the_way.drain(..).chain(self.waiting.drain(..));
        lines.map(|line| line.text).collect()
    }
}

/// Whether the session asks that again by itself.
pub fn is_asked_again(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or(line).to_lowercase();
    word == "/nick" || word == "/join" || word.starts_with("/answered-")
}

/// Whether a line comes back with its id: no command does but `/me` and `/msg`, nor what cannot be
/// seen.
fn is_message(text: &str) -> bool {
    let text = loopchat::chat::sanitise(text);
    let text = text.trim();
    let is_action = text.split_once(' ').is_some_and(|(word, _)| {
        word.eq_ignore_ascii_case("/me") || word.eq_ignore_ascii_case("/msg")
    });
    !text.is_empty() && (!text.starts_with('/') || text.starts_with("//") || is_action)
}

//! Objects, as the lines that a session of lines would get.

use jiff::Timestamp;
use serde_json::Value;

/// How many names a notice of comings and goings shows of each kind.
const NAMED: usize = 3;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// What has to be known for that.
#[derive(Debug, Default)]
pub struct Lines {
    /// Who one is, and where.
    nick: String,
    room: String,
    /// `/times`, if it was asked for.
    times: Option<bool>,
    /// The server's clock, as far as it was seen.
    now: u64,
    /// The topic one has set, and was told of before the room.
    topic_set: Option<String>,
}

fn field<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or_default()
}

fn list<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object[name].as_array().into_iter().flatten()
}

impl Lines {
    /// The server says how late it is.
    pub fn is_now(&mut self, time: &Value) {
        self.now = self.now.max(time.as_u64().unwrap_or_default());
    }

    /// What is said, asked or told now.
    pub fn of(&mut self, object: &Value) -> Vec<String> {
        self.is_now(&object["time"]);
        match field(object, "kind") {
            "message" | "action" => {
                vec![self.here(object, self.live_time(object) + &said(object))]
            }
            // One's own is what was typed.
            "private" if field(object, "nick") == self.nick => Vec::new(),
            "private" => vec![self.live_time(object) + &said(object)],
            "topic" => {
                let told = self.topic_set.take();
                let is_told = field(object, "nick") == self.nick
                    && told.as_deref() == Some(field(object, "topic"));
                match is_told {
                    true => Vec::new(),
                    false => vec![self.here(object, topic(object))],
                }
            }
            "redaction" => vec![self.here(object, redaction(object))],
            "presence" => {
                let line = self.presence(object);
                line.map(|line| self.here(object, line))
                    .into_iter()
                    .collect()
            }
            "announcement" => {
                let text = field(object, "text");
                match object["nick"].as_str() {
                    Some(nick) => vec![format!("* Announcement by {nick}: {text}")],
                    None => marked("* ", text),
                }
            }
            "history" => self.history(object),
            "refused" => marked("! ", field(object, "text")),
            "disconnected" => match field(object, "code") {
                "quit" | "shutdown" => marked("* ", field(object, "text")),
                _ => marked("! ", field(object, "text")),
            },
            _ => self.answer(object),
        }
    }

    /// What was said while one was away.
    pub fn of_old(&mut self, object: &Value) -> Vec<String> {
        self.is_now(&object["time"]);
        match field(object, "kind") {
            "message" | "action" => vec![self.here(object, self.old_time(object) + &said(object))],
            "topic" => vec![self.here(object, topic(object))],
            "redaction" => vec![self.here(object, redaction(object))],
            "private" => vec![self.old_time(object) + &said(object)],
            _ => Vec::new(),
        }
    }

    /// An answer has its words, and some more in fields.
    fn answer(&mut self, object: &Value) -> Vec<String> {
        let kind = field(object, "kind");
        match kind {
            "welcome" | "returned" | "renamed" => {
                if kind == "welcome" {
                    self.times = None; // that was another session's
                }
                self.nick = field(object, "nick").to_owned();
                if kind != "renamed" {
                    self.room = field(object, "room").to_owned();
                }
            }
            "entered" => self.room = field(object, "room").to_owned(),
            "times" => self.times = object["is_on"].as_bool(),
            "topic_set" => self.topic_set = object["topic"].as_str().map(str::to_owned),
            _ => {}
        }
        let mut lines = marked("* ", field(object, "text"));
        if matches!(kind, "entered" | "watching") {
            let room = field(object, "room");
            if let Some(topic) = object["topic"].as_str() {
                lines.push(format!("* Topic of #{room}: {topic}"));
            }
            if object["kept"].as_bool() == Some(true) {
                lines.push("* What is said here is kept.".to_owned());
            } else if let Some(linger) = object["linger_ms"].as_u64() {
                let kept = match linger.div_ceil(60_000) {
                    1 => "1 minute".to_owned(),
                    minutes => format!("{minutes} minutes"),
                };
                lines.push(format!(
                    "* What is said here is kept for {kept} after the last has left."
                ));
            }
        }
        lines
    }

    fn history(&self, object: &Value) -> Vec<String> {
        let room = field(object, "room");
        let with = object["with"].as_str();
        let count = list(object, "messages").count();
        if count == 0 {
            return vec![match with {
                Some(with) => {
                    format!("* You and {with} have said nothing to each other alone yet.")
                }
                None => format!("* Nothing has been said in #{room} yet."),
            }];
        }
        let header = match with {
            Some(with) => format!("* The last {count} messages between you and {with}:"),
            None => format!("* The last {count} messages of #{room}:"),
        };
        let messages = list(object, "messages").map(|old| self.old_time(old) + &said(old));
        [header].into_iter().chain(messages).collect()
    }

    /// Something of a room that one only watches has its name before it.
    fn here(&self, object: &Value, line: String) -> String {
        let room = field(object, "room");
        match room == self.room {
            true => line,
            false => format!("#{room} {line}"),
        }
    }

    /// `* alice, bob, carol and 7 others joined #tea; dave left #tea; guest7 is now erin.` Nobody is
    /// told of oneself.
    fn presence(&self, object: &Value) -> Option<String> {
        let room = field(object, "room");
        let others = |kind: &str| -> (Vec<&Value>, u64) {
            let is_me =
                |who: &&Value| field(who, "nick") == self.nick || field(who, "before") == self.nick;
            let count = number(object, &format!("{kind}_count"));
            let own = list(object, kind).filter(|who| is_me(who)).count();
            let others = list(object, kind).filter(|who| !is_me(who)).collect();
            (others, count.saturating_sub(own as u64))
        };
        let nicks = |who: &[&Value]| -> Vec<String> {
            who.iter()
                .map(|who| field(who, "nick").to_owned())
                .collect()
        };
        let (joined, left, renamed) = (others("joined"), others("left"), others("renamed"));
        if let Some(first) = left.0.first()
            && let what @ ("kicked" | "banned") = field(first, "reason")
        {
            let names = names(&nicks(&left.0), left.1, "others");
            let were = if left.1 == 1 { "was" } else { "were" };
            return Some(match first["text"].as_str() {
                Some(reason) => format!("* {names} {were} {what}: {reason}"),
                None => format!("* {names} {were} {what}."),
            });
        }
        let changed: Vec<String> = renamed
            .0
            .iter()
            .map(|who| format!("{} is now {}", field(who, "before"), field(who, "nick")))
            .collect();
        let phrases = [
            (joined.1 > 0).then(|| {
                names(&nicks(&joined.0), joined.1, "others") + &format!(" joined #{room}")
            }),
            (left.1 > 0)
                .then(|| names(&nicks(&left.0), left.1, "others") + &format!(" left #{room}")),
            (renamed.1 > 0).then(|| names(&changed, renamed.1, "others have new names")),
        ];
        let phrases: Vec<String> = phrases.into_iter().flatten().collect();
        (!phrases.is_empty()).then(|| format!("* {}.", phrases.join("; ")))
    }

    /// `[2026-11-28T14:03:07.123Z] `, for those who want it.
    fn live_time(&self, object: &Value) -> String {
        match self.times {
            Some(true) => format!("[{:.3}] ", timestamp(number(object, "time"))),
            _ => String::new(),
        }
    }

    /// `[14:03] `, and with the date if that is more than a day ago.
    fn old_time(&self, object: &Value) -> String {
        let time = number(object, "time");
        let format = match self.now.saturating_sub(time) > DAY {
            true => "[%Y-%m-%d %H:%M] ",
            false => "[%H:%M] ",
        };
        match self.times {
            Some(false) => String::new(),
            _ => timestamp(time).strftime(format).to_string(),
        }
    }
}

fn timestamp(utc: u64) -> Timestamp {
    let millis = i64::try_from(utc).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// A text may be several lines, and may be empty.
fn marked(mark: &str, text: &str) -> Vec<String> {
    text.lines().map(|line| format!("{mark}{line}")).collect()
}

fn said(object: &Value) -> String {
    let (nick, text) = (field(object, "nick"), field(object, "text"));
    match field(object, "kind") {
        "action" => format!("** {nick} {text}"),
        "private" => format!("{nick} -> {}: {text}", field(object, "to")),
        _ => format!("{nick}: {text}"),
    }
}

fn topic(object: &Value) -> String {
    let (nick, topic) = (field(object, "nick"), field(object, "topic"));
    format!("* {nick} set the topic: {topic}")
}

fn redaction(object: &Value) -> String {
    let (nick, author) = (field(object, "nick"), field(object, "author"));
    match nick == author {
        true => format!("* {nick} took back a message."),
        false => format!("* {nick} took back a message of {author}."),
    }
}

/// `alice, bob, carol and 7 others`.
fn names(all: &[String], count: u64, others: &str) -> String {
    let shown = &all[..all.len().min(NAMED)];
    let names = shown.join(", ");
    match count.saturating_sub(shown.len() as u64) {
        0 => names,
        1 if shown.is_empty() => "1 other".to_owned(),
        1 => format!("{names} and 1 {}", singular(others)),
        more => format!("{names} and {more} {others}"),
    }
}

fn singular(others: &str) -> &str {
    match others {
        "others" => "other",
        _ => "other has a new name",
    }
}

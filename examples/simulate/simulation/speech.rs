//! What members type: the bytes, and what they must mean to the server.

use std::fmt::Write;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::plan::choose;

/// What telnet clients send: an option, one that is 255, a command, a subnegotiation.
const NEGOTIATIONS: [&[u8]; 4] = [
    b"\xFF\xFB\x01",
    b"\xFF\xFD\xFF",
    b"\xFF\xF1",
    b"\xFF\xFA\x18\x00xterm\n\xFF\xFF\xFF\xF0",
];

const LINE_ENDS: [&[u8]; 4] = [b"\n", b"\n", b"\r\n", b"\r\0"];

/// A line as it is sent, and as it must be understood.
#[derive(Clone, Debug)]
pub struct Spoken {
    pub bytes: Vec<u8>,
    /// The line that the framing must make of it; `None` if it is too long.
    pub line: Option<String>,
    pub act: Act,
    pub has_telnet: bool,
    pub is_broken_utf8: bool,
}

/// What a line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// To be said to the room, in these words.
    Say(String),
    Me(String),
    Msg {
        to: String,
        text: String,
    },
    Nick(String),
    Join(String),
    History(usize),
    Quit,
    /// An order, or what reads like one to who is no operator.
    Order,
    /// Something that is answered, whatever with.
    Ask,
    /// Blank.
    Nothing,
    TooLong,
}

/// Who speaks, and what it knows of the others.
pub struct Speaker<'a> {
    pub number: usize,
    pub is_operator: bool,
    pub nicknames: &'a [String],
    pub max_line: usize,
}

impl Speaker<'_> {
    /// A line of any kind. `count` makes it one of its own.
    pub fn anything(&self, count: u64, rng: &mut ChaCha8Rng) -> Spoken {
        if self.is_operator && rng.random_ratio(1, 6) {
            return self.order(rng);
        }
        let nickname = choose(rng, self.nicknames).clone();
        let room = *choose(rng, &["r0", "R1", "#r2", "r3", "lobby", "r5", "r6"]);
        let (line, act) = match rng.random_range(0..1000) {
            0..640 => return self.message(count, rng),
            640..700 => {
                let text = self.text(count, rng);
                (format!("/me {text}"), Act::Me(text))
            }
            700..780 => {
                let text = self.text(count, rng);
                let line = format!("/msg {nickname} {text}");
                (line, Act::Msg { to: nickname, text })
            }
            780..830 => {
                let name = format!("{}{}", choose(rng, &["n", "N"]), rng.random_range(0..16));
                (format!("/nick {name}"), Act::Nick(name))
            }
            830..880 => {
                let name = room.trim_start_matches('#').to_owned();
                (format!("/join {room}"), Act::Join(name))
            }
            880..920 => {
                let count = rng.random_range(1..40);
                (format!("/history {count}"), Act::History(count))
            }
            920..970 => {
                let line = *choose(
                    rng,
                    &["/who", "/rooms", "/help", "/topic", "/who r0", "/nick"],
                );
                (line.to_owned(), Act::Ask)
            }
            970..980 => (format!("/topic of {count}"), Act::Ask),
            980..985 => ("  ".to_owned(), Act::Nothing),
            985..992 => {
                let line = "x".repeat(self.max_line + rng.random_range(1..300));
                (line, Act::TooLong)
            }
            992..995 => return self.order(rng),
            _ => ("/quit".to_owned(), Act::Quit),
        };
        self.sent(line.into_bytes(), act, rng)
    }

    /// Something said to the room.
    pub fn message(&self, count: u64, rng: &mut ChaCha8Rng) -> Spoken {
        let text = self.text(count, rng);
        if !rng.random_ratio(1, 20) {
            return self.sent(text.clone().into_bytes(), Act::Say(text), rng);
        }
        // What is not UTF-8, and what steers a terminal.
        let mut bytes = text.clone().into_bytes();
        bytes.extend(b"\x1b[1m\xC3(\x07");
        let mut spoken = self.sent(bytes, Act::Say(text + "[1m\u{FFFD}("), rng);
        spoken.is_broken_utf8 = true;
        spoken
    }

    /// Something with a long answer.
    pub fn question(&self, rng: &mut ChaCha8Rng) -> Spoken {
        let (line, act) = match rng.random_range(0..4) {
            0 => ("/help", Act::Ask),
            _ => ("/history 60", Act::History(60)),
        };
        self.sent(line.as_bytes().to_vec(), act, rng)
    }

    fn order(&self, rng: &mut ChaCha8Rng) -> Spoken {
        let nickname = choose(rng, self.nicknames);
        let line = match rng.random_range(0..100) {
            0..25 => format!("/kick {nickname} go"),
            25..35 => format!("/ban {nickname} 1 you know why"),
            35..55 => format!("/mute {nickname} 1"),
            55..65 => format!("/unmute {nickname}"),
            65..75 => format!("/announce {}", rng.random_range(0..1000)),
            75..80 => "/unban 192.0.2.1".to_owned(),
            80..85 => "/ban".to_owned(),
            85..90 => "/mute".to_owned(),
            90..95 => "/limits".to_owned(),
            _ => "/connections".to_owned(),
        };
        self.sent(line.into_bytes(), Act::Order, rng)
    }

    /// Words that nobody else has said or will say.
    fn text(&self, count: u64, rng: &mut ChaCha8Rng) -> String {
        let mut text = format!("{}.{count}", self.number);
        let longest = (self.max_line - 60).max(1);
        let padding = rng.random_range(0..longest);
        let padding = padding.min(rng.random_range(0..longest));
        let _ = write!(text, " {}", "é".repeat(padding / 2 + 1));
        text
    }

    /// Puts a line end to it, and things into it that the framing must take out.
    fn sent(&self, content: Vec<u8>, act: Act, rng: &mut ChaCha8Rng) -> Spoken {
        let too_long = content.len() > self.max_line;
        let line = (!too_long).then(|| String::from_utf8_lossy(&content).into_owned());
        let mut bytes = content;
        let has_telnet = rng.random_ratio(1, 20);
        if has_telnet {
            let negotiation = choose(rng, &NEGOTIATIONS);
            let at = rng.random_range(0..=bytes.len());
            bytes.splice(at..at, negotiation.iter().copied());
        }
        let line_end = *choose(rng, &LINE_ENDS);
        bytes.extend_from_slice(line_end);
        let act = if too_long { Act::TooLong } else { act };
        Spoken {
            bytes,
            line,
            act,
            has_telnet,
            is_broken_utf8: false,
        }
    }
}

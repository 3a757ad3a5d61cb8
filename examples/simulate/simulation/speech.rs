//! What members type: the bytes, and what they must mean to the server.

use std::fmt::Write;

use ipnet::Ipv4Net;
use loopchat::chat::{EventId, Origin, Text};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::plan::choose;

/// What operators say of every ban.
pub const BAN_REASON: &str = "you know why";

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
    /// As what its program knows it.
    pub client_id: Option<Text>,
    /// It was typed before.
    pub is_again: bool,
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
    Watch(String),
    Part(Option<String>),
    /// Which rooms it hears.
    OwnRooms,
    History(usize),
    /// What it and somebody have said to each other alone.
    PrivateHistory {
        with: String,
        count: usize,
    },
    Topic(Option<String>),
    Who(Option<String>),
    /// What was said is to be taken back: this, or the last of its own.
    Delete(Option<EventId>),
    Ignore {
        nickname: String,
        is_on: bool,
    },
    Times(bool),
    Quit,
    /// An order, whoever gives it.
    Order(Order),
    /// Something that is answered, whatever with.
    Ask,
    /// Blank.
    Nothing,
    TooLong,
}

/// What operators want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    Kick(String),
    Ban(String),
    /// As it is written, and what that is.
    BanOrigin(&'static str, Origin),
    Unban(&'static str, Origin),
    Mute(String),
    Unmute(String),
    Announce(String),
    Bans,
    Mutes,
    Limits,
    Connections,
    Shutdown,
}

impl Order {
    /// The command's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Kick(_) => "kick",
            Self::Ban(_) | Self::BanOrigin(..) | Self::Bans => "ban",
            Self::Unban(..) => "unban",
            Self::Mute(_) | Self::Mutes => "mute",
            Self::Unmute(_) => "unmute",
            Self::Announce(_) => "announce",
            Self::Limits => "limits",
            Self::Connections => "connections",
            Self::Shutdown => "shutdown",
        }
    }

    fn line(&self) -> String {
        let word = self.word();
        match self {
            Self::Kick(nickname) => format!("/{word} {nickname} go"),
            Self::Ban(nickname) => format!("/{word} {nickname} 1 {BAN_REASON}"),
            Self::BanOrigin(from, _) => format!("/{word} {from} 1 {BAN_REASON}"),
            Self::Unban(from, _) => format!("/{word} {from}"),
            Self::Mute(nickname) => format!("/{word} {nickname} 1"),
            Self::Unmute(nickname) => format!("/{word} {nickname}"),
            Self::Announce(text) => format!("/{word} {text}"),
            Self::Bans | Self::Mutes | Self::Limits | Self::Connections | Self::Shutdown => {
                format!("/{word}")
            }
        }
    }
}

/// An address of the simulated members, and their network.
const ADDRESSES: [(&str, [u8; 4], u8); 4] = [
    ("192.0.2.1", [192, 0, 2, 1], 32),
    ("192.0.2.2", [192, 0, 2, 2], 32),
    ("192.0.2.0/24", [192, 0, 2, 0], 24),
    ("192.0.2.4/30", [192, 0, 2, 4], 30),
];

fn some_origin(rng: &mut ChaCha8Rng) -> (&'static str, Origin) {
    let (written, address, length) = *choose(rng, &ADDRESSES);
    let network = Ipv4Net::new(address.into(), length).unwrap_or_default();
    (written, Origin::Network(network.into()))
}

/// Who speaks, and what it knows of the others.
pub struct Speaker<'a> {
    pub number: usize,
    pub is_operator: bool,
    pub nicknames: &'a [String],
    /// Whom it ignores.
    pub ignored: &'a [String],
    /// What it may want to take back.
    pub messages: &'a [EventId],
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
            0..580 => return self.message(count, rng),
            580..640 => return self.habit(rng),
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
                match rng.random_ratio(1, 3) {
                    true => (
                        format!("/history {count} @{nickname}"),
                        Act::PrivateHistory {
                            with: nickname,
                            count,
                        },
                    ),
                    false => (format!("/history {count}"), Act::History(count)),
                }
            }
            920..935 => {
                let line = *choose(rng, &["/rooms", "/help", "/nick", "/loop", "/dance"]);
                (line.to_owned(), Act::Ask)
            }
            935..950 => match rng.random_ratio(1, 2) {
                true => ("/who".to_owned(), Act::Who(None)),
                false => {
                    let name = room.trim_start_matches('#').to_owned();
                    (format!("/who {room}"), Act::Who(Some(name)))
                }
            },
            950..970 => {
                let id = match rng.random_ratio(1, 3) || self.messages.is_empty() {
                    true => None,
                    false => Some(*choose(rng, self.messages)),
                };
                let named = id.map_or(String::new(), |id| format!(" {id}"));
                (format!("/delete{named}"), Act::Delete(id))
            }
            970..975 => ("/topic".to_owned(), Act::Topic(None)),
            975..980 => {
                let topic = format!("of {} {count}", self.number);
                (format!("/topic {topic}"), Act::Topic(Some(topic)))
            }
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

    /// What it wants to hear, and how.
    fn habit(&self, rng: &mut ChaCha8Rng) -> Spoken {
        let nickname = choose(rng, self.nicknames).clone();
        let room = *choose(rng, &["r0", "R1", "#r2", "r3", "lobby", "r5"]);
        let name = room.trim_start_matches('#').to_owned();
        let (line, act) = match rng.random_range(0..100) {
            0..35 => (format!("/watch {room}"), Act::Watch(name)),
            35..45 => ("/part".to_owned(), Act::Part(None)),
            45..60 => (format!("/part {room}"), Act::Part(Some(name))),
            60..65 => ("/rooms mine".to_owned(), Act::OwnRooms),
            65..75 => {
                let is_on = rng.random_ratio(1, 2);
                let line = if is_on { "/times on" } else { "/times off" };
                (line.to_owned(), Act::Times(is_on))
            }
            draw => {
                let is_on = draw < 85;
                let nickname = match is_on || self.ignored.is_empty() {
                    true => nickname,
                    false => choose(rng, self.ignored).clone(),
                };
                let word = if is_on { "ignore" } else { "unignore" };
                let line = format!("/{word} {nickname}");
                (line, Act::Ignore { nickname, is_on })
            }
        };
        self.sent(line.into_bytes(), act, rng)
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
        let nickname = choose(rng, self.nicknames).clone();
        let order = match rng.random_range(0..400) {
            0..100 => Order::Kick(nickname),
            100..130 => Order::Ban(nickname),
            130..140 => {
                let (written, origin) = some_origin(rng);
                Order::BanOrigin(written, origin)
            }
            140..220 => Order::Mute(nickname),
            220..260 => Order::Unmute(nickname),
            260..300 => Order::Announce(rng.random_range(0..1000).to_string()),
            300..320 => {
                let (written, origin) = some_origin(rng);
                Order::Unban(written, origin)
            }
            320..340 => Order::Bans,
            340..360 => Order::Mutes,
            360..380 => Order::Limits,
            380..399 => Order::Connections,
            _ => Order::Shutdown,
        };
        self.sent(order.line().into_bytes(), Act::Order(order), rng)
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
            client_id: None,
            is_again: false,
        }
    }
}

//! Why somebody is disconnected, or not let in at all: one type, with its last line, its name in
//! metrics and logs, and the code that a WebSocket is closed with.

use super::answer::{ending, minutes};
use super::counted::counted;
use super::{Millis, Name, Text};

/// Why a connection is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// It has asked for it.
    Quit {
        /// Who it was.
        nickname: Name,
    },
    /// The server ends.
    Shutdown,
    /// An operator has sent it away.
    Kicked {
        /// What the operator says of it.
        reason: Option<Text>,
    },
    /// Nobody from there is let in.
    Banned {
        /// For how long yet, in milliseconds.
        left: Millis,
        /// What the operator says of it.
        reason: Option<Text>,
    },
    /// The room in which everybody begins has no place left.
    RoomFull {
        /// The room.
        room: Name,
        /// Members it may have.
        limit: usize,
    },
    /// Too many of its own answers wait for it.
    ReadTooSlowly {
        /// Bytes that may.
        limit: usize,
    },
    /// It has taken nothing of what waits for it.
    ReadNothing {
        /// For so many seconds.
        seconds: u32,
    },
    /// It has said nothing.
    SaidNothing {
        /// For so many seconds.
        seconds: u32,
    },
    /// Its session goes on by another connection.
    Resumed,
    /// All connections hold too much memory, and this one most of it.
    Memory,
    /// There are as many connections as there may be.
    ServerFull {
        /// So many.
        limit: u32,
    },
    /// There are as many connections from its address as there may be.
    AddressFull {
        /// So many.
        limit: u32,
    },
    /// Its address connects too often.
    AddressPace {
        /// Connections a second that it may make.
        per_second: u32,
    },
    /// This door is for proxies, and it is none that is trusted.
    NoProxy,
    /// A proxy has not said whom it speaks for.
    NoProxyHeader,
    /// A proxy has said so in a way that cannot be understood.
    BadProxyHeader,
    /// Its connection was gone before anything came of it.
    Gone,
}

impl DisconnectReason {
    /// In one word, for programs: in JSON, and in the log of who is refused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Quit { .. } => "quit",
            Self::Shutdown => "shutdown",
            Self::Kicked { .. } => "kicked",
            Self::Banned { .. } => "banned",
            Self::RoomFull { .. } => "room",
            Self::ReadTooSlowly { .. } => "read_too_slowly",
            Self::ReadNothing { .. } => "read_nothing",
            Self::SaidNothing { .. } => "said_nothing",
            Self::Resumed => "resumed",
            Self::Memory => "memory",
            Self::ServerFull { .. } => "full",
            Self::AddressFull { .. } => "address",
            Self::AddressPace { .. } => "pace",
            Self::NoProxy | Self::NoProxyHeader | Self::BadProxyHeader => "proxy",
            Self::Gone => "gone",
        }
    }

    /// The codes of those that are the server's own doing, which metrics count.
    pub const COUNTED: [&'static str; 5] = [
        "read_too_slowly",
        "read_nothing",
        "said_nothing",
        "memory",
        "shutdown",
    ];

    /// Whether its session is over for good: nobody goes on with it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Quit { .. } | Self::Kicked { .. } | Self::Banned { .. } | Self::Resumed
        )
    }

    /// With what a WebSocket is closed (RFC 6455, section 7.4.1) whose session had begun.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::Quit { .. } => 1000,
            Self::Shutdown => 1001,
            _ => 1008,
        }
    }

    /// What a WebSocket is told with that code. It is cut where it is too long.
    #[must_use]
    pub fn close_reason(&self) -> String {
        match self {
            Self::Quit { .. } | Self::Shutdown => self.line(),
            _ => self.text(),
        }
    }

    /// The reason alone, as a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Quit { nickname } => format!("Bye, {nickname}."),
            Self::Shutdown => "The server is shutting down. Goodbye.".to_owned(),
            Self::Kicked { reason } => format!("you were kicked{}", ending(reason.as_deref())),
            Self::Banned { left, reason } => {
                let (minutes, ending) = (minutes(*left), ending(reason.as_deref()));
                format!("you are banned for {minutes}{ending}")
            }
            Self::RoomFull { room, limit } => format!("#{room} is full, it has {limit} members."),
            Self::ReadTooSlowly { limit } => format!(
                "you read too slowly, more than {} KiB were waiting for you.",
                limit / 1024
            ),
            Self::ReadNothing { seconds } => {
                format!("you read nothing for {}.", in_words(*seconds))
            }
            Self::SaidNothing { seconds } => {
                format!("you said nothing for {}.", in_words(*seconds))
            }
            Self::Resumed => "your session goes on elsewhere.".to_owned(),
            Self::Memory => {
                "the server is short of memory, and most of it was held for you.".to_owned()
            }
            Self::ServerFull { limit } => {
                format!("the server is full, {limit} are connected. Try again later.")
            }
            Self::AddressFull { limit } => {
                format!("there are {limit} connections from your address, no more are allowed.")
            }
            Self::AddressPace { per_second } => format!(
                "your address connects too often, at most {per_second} a second. Try again later."
            ),
            Self::NoProxy => "only proxies that are trusted connect here.".to_owned(),
            Self::NoProxyHeader => "a PROXY header has to come first.".to_owned(),
            Self::BadProxyHeader => "that PROXY header cannot be read.".to_owned(),
            Self::Gone => "the connection is gone.".to_owned(),
        }
    }

    /// The last line of the session, as who reads lines is told it; without a line end.
    ///
    /// ```
    /// use loopchat::chat::DisconnectReason;
    ///
    /// let reason = DisconnectReason::ReadNothing { seconds: 30 };
    /// assert_eq!(reason.line(), "! Disconnected: you read nothing for 30 seconds.");
    /// assert_eq!(DisconnectReason::Shutdown.line(), "* The server is shutting down. Goodbye.");
    /// ```
    #[must_use]
    pub fn line(&self) -> String {
        let text = self.text();
        match self {
            Self::Quit { .. } | Self::Shutdown => format!("* {text}"),
            _ => format!("! Disconnected: {text}"),
        }
    }
}

fn in_words(seconds: u32) -> String {
    counted(seconds as usize, ("second", "seconds")).to_string()
}

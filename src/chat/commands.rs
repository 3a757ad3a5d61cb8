//! The commands: one table, from which a typed line is parsed and `/help` and usage lines are made.

use super::Meant;

/// What a typed line asks for. Texts are slices of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Say(&'a str),
    Nick(&'a str),
    Join(&'a str),
    Watch(&'a str),
    Part(Option<&'a str>),
    Rooms,
    OwnRooms,
    Who(Option<&'a str>),
    Msg {
        to: &'a str,
        text: &'a str,
    },
    Me(&'a str),
    Topic(Option<&'a str>),
    History {
        count: Option<usize>,
        /// Next to where; the newest, if that is not said.
        beside: Option<Beside<'a>>,
        /// Of what was said to each other alone.
        with: Option<&'a str>,
    },
    Search(&'a str),
    Delete(Option<Meant>),
    Ignore(Option<&'a str>),
    Unignore(&'a str),
    Times(bool),
    Loop,
    Help,
    Quit,
    Order(Order<'a>),
}

/// On which side of a number, or of a time, as somebody has typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside<'a> {
    Before(&'a str),
    After(&'a str),
}

/// What only an operator may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order<'a> {
    Kick {
        nick: &'a str,
        reason: Option<&'a str>,
    },
    Ban {
        /// A nickname, an address or a network.
        target: &'a str,
        /// How long, in seconds.
        seconds: Option<u32>,
        reason: Option<&'a str>,
    },
    Bans,
    Unban(&'a str),
    Mute {
        nick: &'a str,
        /// How long, in seconds.
        seconds: Option<u32>,
    },
    Mutes,
    Unmute(&'a str),
    Announce(&'a str),
    Limits,
    Connections,
    Shutdown,
}

impl Command<'_> {
    /// Whether others come to read what its author chose, which is what a mute is against. A new
    /// name is announced, so it counts.
    pub(super) fn is_heard_by_others(&self) -> bool {
        match self {
            Command::Say(_)
            | Command::Nick(_)
            | Command::Msg { .. }
            | Command::Me(_)
            | Command::Topic(Some(_)) => true,
            Command::Join(_)
            | Command::Watch(_)
            | Command::Part(_)
            | Command::Rooms
            | Command::OwnRooms
            | Command::Who(_)
            | Command::Topic(None)
            | Command::History { .. }
            | Command::Search(_)
            | Command::Delete(_)
            | Command::Ignore(_)
            | Command::Unignore(_)
            | Command::Times(_)
            | Command::Loop
            | Command::Help
            | Command::Quit
            | Command::Order(_) => false,
        }
    }
}

/// Why a line is not a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoCommand<'a> {
    /// There is no such word.
    Unknown(&'a str),
    /// There is, for others.
    OperatorsOnly(&'static str),
    /// Something is missing or is not what it should be.
    Usage(&'static Entry),
}

/// One command of the table.
#[derive(Debug)]
pub struct Entry {
    word: &'static str,
    /// What is to be typed, as shown to people.
    pub usage: &'static str,
    /// What it does, as shown to people.
    pub purpose: &'static str,
    /// Reads what follows the word, trimmed.
    parse: for<'a> fn(&'a str) -> Option<Command<'a>>,
}

#[cfg(all(test, feature = "server"))]
impl Entry {
    pub(super) fn word(&self) -> &'static str {
        self.word
    }
}

/// The commands, in the order in which `/help` shows them.
pub const COMMANDS: &[Entry] = &[
    Entry {
        word: "nick",
        usage: "/nick NAME",
        purpose: "give yourself a name",
        parse: |rest| given(rest).map(Command::Nick),
    },
    Entry {
        word: "join",
        usage: "/join ROOM",
        purpose: "go to another room, or open it",
        parse: |rest| given(rest).map(Command::Join),
    },
    Entry {
        word: "watch",
        usage: "/watch ROOM",
        purpose: "hear another room, too",
        parse: |rest| given(rest).map(Command::Watch),
    },
    Entry {
        word: "part",
        usage: "/part [ROOM]",
        purpose: "leave this room, or one that you watch",
        parse: |rest| Some(Command::Part(given(rest))),
    },
    Entry {
        word: "rooms",
        usage: "/rooms [mine]",
        purpose: "list the rooms, largest first, or your own",
        parse: |rest| {
            Some(match rest.eq_ignore_ascii_case("mine") {
                true => Command::OwnRooms,
                false => Command::Rooms,
            })
        },
    },
    Entry {
        word: "who",
        usage: "/who [ROOM]",
        purpose: "list who is here, or in another room",
        parse: |rest| Some(Command::Who(given(rest))),
    },
    Entry {
        word: "msg",
        usage: "/msg NICK TEXT",
        purpose: "say something to one person only",
        parse: |rest| {
            let (to, text) = rest.split_once(char::is_whitespace)?;
            let text = text.trim_start();
            Some(Command::Msg { to, text })
        },
    },
    Entry {
        word: "me",
        usage: "/me ACTION",
        purpose: "say what you do: /me waves",
        parse: |rest| given(rest).map(Command::Me),
    },
    Entry {
        word: "topic",
        usage: "/topic [TEXT]",
        purpose: "show the topic of the room, or set it",
        parse: |rest| Some(Command::Topic(given(rest))),
    },
    Entry {
        word: "history",
        usage: "/history [N] [before|after WHEN] [@NICK]",
        purpose: "show the last messages, or those next to a number or time, here or with NICK",
        parse: |rest| {
            let (count, with) = match rest.split_once('@') {
                Some((_, with)) if with.contains(char::is_whitespace) => return None,
                Some((count, with)) => (count.trim_end(), Some(given(with)?)),
                None => (rest, None),
            };
            let (count, beside) = beside(count)?;
            let count = given(count).map(str::parse).transpose().ok()?;
            (count != Some(0)).then_some(Command::History {
                count,
                beside,
                with,
            })
        },
    },
    Entry {
        word: "search",
        usage: "/search WORDS",
        purpose: "show the messages of the room that have all of these words",
        parse: |rest| given(rest).map(Command::Search),
    },
    Entry {
        word: "delete",
        usage: "/delete [NUMBER|ID]",
        purpose: "take back what you said last, or the message of that number or ID",
        parse: |rest| {
            let meant = given(rest).map(str::parse).transpose().ok()?;
            Some(Command::Delete(meant))
        },
    },
    Entry {
        word: "ignore",
        usage: "/ignore [NICK]",
        purpose: "hear nothing more of someone; list whom you ignore",
        parse: |rest| Some(Command::Ignore(given(rest))),
    },
    Entry {
        word: "unignore",
        usage: "/unignore NICK",
        purpose: "hear someone again",
        parse: |rest| given(rest).map(Command::Unignore),
    },
    Entry {
        word: "times",
        usage: "/times on|off",
        purpose: "show when each message was said, or never",
        parse: |rest| match rest {
            _ if rest.eq_ignore_ascii_case("on") => Some(Command::Times(true)),
            _ if rest.eq_ignore_ascii_case("off") => Some(Command::Times(false)),
            _ => None,
        },
    },
    Entry {
        word: "loop",
        usage: "/loop",
        purpose: "show what the server's event loop is doing",
        parse: |_| Some(Command::Loop),
    },
    Entry {
        word: "help",
        usage: "/help",
        purpose: "show this",
        parse: |_| Some(Command::Help),
    },
    Entry {
        word: "quit",
        usage: "/quit",
        purpose: "leave",
        parse: |_| Some(Command::Quit),
    },
];

/// The orders, in the order in which `/help` shows them to operators.
pub const ORDERS: &[Entry] = &[
    Entry {
        word: "kick",
        usage: "/kick NICK [REASON]",
        purpose: "disconnect someone",
        parse: |rest| {
            let (nick, reason) = first_word(rest)?;
            Some(Command::Order(Order::Kick { nick, reason }))
        },
    },
    Entry {
        word: "ban",
        usage: "/ban [NICK|ADDRESS [TIME] [REASON]]",
        purpose: "disconnect someone and keep out where it comes from; list the bans",
        parse: |rest| {
            let Some((target, rest)) = first_word(rest) else {
                return Some(Command::Order(Order::Bans));
            };
            let (seconds, reason) = time(rest)?;
            Some(Command::Order(Order::Ban {
                target,
                seconds,
                reason,
            }))
        },
    },
    Entry {
        word: "unban",
        usage: "/unban NICK|ADDRESS",
        purpose: "lift a ban",
        parse: |rest| given(rest).map(|rest| Command::Order(Order::Unban(rest))),
    },
    Entry {
        word: "mute",
        usage: "/mute [NICK [TIME]]",
        purpose: "let someone read only; list the mutes",
        parse: |rest| {
            let Some((nick, rest)) = first_word(rest) else {
                return Some(Command::Order(Order::Mutes));
            };
            match time(rest)? {
                (seconds, None) => Some(Command::Order(Order::Mute { nick, seconds })),
                (_, Some(_)) => None,
            }
        },
    },
    Entry {
        word: "unmute",
        usage: "/unmute NICK|ADDRESS",
        purpose: "lift a mute",
        parse: |rest| given(rest).map(|rest| Command::Order(Order::Unmute(rest))),
    },
    Entry {
        word: "announce",
        usage: "/announce TEXT",
        purpose: "say something in every room",
        parse: |rest| given(rest).map(|rest| Command::Order(Order::Announce(rest))),
    },
    Entry {
        word: "limits",
        usage: "/limits",
        purpose: "show the limits in force",
        parse: |_| Some(Command::Order(Order::Limits)),
    },
    Entry {
        word: "connections",
        usage: "/connections",
        purpose: "show what waits for whom",
        parse: |_| Some(Command::Order(Order::Connections)),
    },
    Entry {
        word: "shutdown",
        usage: "/shutdown",
        purpose: "end the server",
        parse: |_| Some(Command::Order(Order::Shutdown)),
    },
];

/// The longest ban and the longest mute: a year, in seconds.
const LONGEST: u32 = 366 * 24 * 60 * 60;

/// What may stand behind a number, and how many seconds it is. A number alone counts minutes.
const UNITS: [(&str, u32); 5] = [
    ("s", 1),
    ("m", 60),
    ("h", 60 * 60),
    ("d", 24 * 60 * 60),
    ("w", 7 * 24 * 60 * 60),
];

/// Reads a sanitised line. What starts with `/` is a command, unless a second `/` says it is not.
pub(super) fn parse(line: &str, is_operator: bool) -> Result<Command<'_>, NoCommand<'_>> {
    let Some(command) = line.strip_prefix('/') else {
        return Ok(Command::Say(line));
    };
    if command.starts_with('/') {
        return Ok(Command::Say(command));
    }
    let (word, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let is_meant = |entry: &&'static Entry| entry.word.eq_ignore_ascii_case(word);
    let entry = match COMMANDS.iter().find(is_meant) {
        Some(entry) => entry,
        None => match ORDERS.iter().find(is_meant) {
            Some(order) if is_operator => order,
            Some(order) => return Err(NoCommand::OperatorsOnly(order.word)),
            None => return Err(NoCommand::Unknown(word)),
        },
    };
    (entry.parse)(rest.trim()).ok_or(NoCommand::Usage(entry))
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The first word, and what follows it, if there is any.
fn first_word(text: &str) -> Option<(&str, Option<&str>)> {
    let text = given(text)?;
    Some(match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, given(rest.trim_start())),
        None => (text, None),
    })
}

/// What stands before `before` or `after`, and what behind it.
fn beside(text: &str) -> Option<(&str, Option<Beside<'_>>)> {
    for (at, _) in text.char_indices() {
        let (before, rest) = text.split_at(at);
        if !before.is_empty() && !before.ends_with(' ') {
            continue;
        }
        let Some((word, rest)) = first_word(rest) else {
            continue;
        };
        let is_before = word.eq_ignore_ascii_case("before");
        if is_before || word.eq_ignore_ascii_case("after") {
            let place = rest?;
            let beside = match is_before {
                true => Beside::Before(place),
                false => Beside::After(place),
            };
            return Some((before.trim_end(), Some(beside)));
        }
    }
    Some((text, None))
}

/// A length of time in seconds, if that is the first word, and what follows it: `30`, `90s`, `2h`,
/// `1w`, `1d12h`. `None` for a word that starts with a digit and is none, so that no typing error
/// becomes a reason.
fn time(text: Option<&str>) -> Option<(Option<u32>, Option<&str>)> {
    let Some((word, rest)) = text.and_then(first_word) else {
        return Some((None, None));
    };
    if !word.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((None, text));
    }
    let seconds = seconds(word)?;
    (1..=LONGEST)
        .contains(&seconds)
        .then_some((Some(seconds), rest))
}

fn seconds(mut word: &str) -> Option<u32> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse::<u32>().ok()?.checked_mul(60);
    }
    let mut sum: u32 = 0;
    while !word.is_empty() {
        let digits = word.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = word.split_at(digits);
        let unit = rest.get(..1)?;
        let is_meant = |(name, _): &&(&str, u32)| unit.eq_ignore_ascii_case(name);
        let (_, length) = UNITS.iter().find(is_meant)?;
        sum = sum.checked_add(number.parse::<u32>().ok()?.checked_mul(*length)?)?;
        word = &rest[1..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests;

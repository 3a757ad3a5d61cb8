//! The commands: one table, from which a typed line is parsed and `/help` and usage lines are made.

/// What a typed line asks for. Texts are slices of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Say(&'a str),
    Nick(&'a str),
    Join(&'a str),
    Rooms,
    Who(Option<&'a str>),
    Msg { to: &'a str, text: &'a str },
    Me(&'a str),
    Topic(Option<&'a str>),
    History(Option<usize>),
    Help,
    Quit,
}

/// Why a line is not a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal<'a> {
    /// There is no such word.
    Unknown(&'a str),
    /// Something is missing or is not what it should be.
    Usage(&'static Entry),
}

/// One command of the table.
#[derive(Debug)]
pub(super) struct Entry {
    word: &'static str,
    /// What is to be typed, as shown to people.
    pub(super) usage: &'static str,
    /// What it does, as shown to people.
    pub(super) purpose: &'static str,
    /// Reads what follows the word, trimmed.
    parse: for<'a> fn(&'a str) -> Option<Command<'a>>,
}

/// In the order in which `/help` shows them.
pub(super) const COMMANDS: &[Entry] = &[
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
        word: "rooms",
        usage: "/rooms",
        purpose: "list the rooms, largest first",
        parse: |_| Some(Command::Rooms),
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
        usage: "/history [N]",
        purpose: "show the last messages of the room",
        parse: |rest| {
            let count = given(rest).map(str::parse).transpose().ok()?;
            (count != Some(0)).then_some(Command::History(count))
        },
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

/// Reads a sanitised line. What starts with `/` is a command, unless a second `/` says it is not.
pub(super) fn parse(line: &str) -> Result<Command<'_>, Refusal<'_>> {
    let Some(command) = line.strip_prefix('/') else {
        return Ok(Command::Say(line));
    };
    if command.starts_with('/') {
        return Ok(Command::Say(command));
    }
    let (word, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let entry = COMMANDS
        .iter()
        .find(|entry| entry.word.eq_ignore_ascii_case(word))
        .ok_or(Refusal::Unknown(word))?;
    (entry.parse)(rest.trim()).ok_or(Refusal::Usage(entry))
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(line: &str) -> &'static str {
        match parse(line) {
            Err(Refusal::Usage(entry)) => entry.usage,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines_become_commands() {
        for (line, command) in [
            ("hello /nick x", Command::Say("hello /nick x")),
            (" /nick x", Command::Say(" /nick x")),
            ("//etc/passwd", Command::Say("/etc/passwd")),
            ("//", Command::Say("/")),
            ("/nick alice", Command::Nick("alice")),
            ("/NiCk   two words ", Command::Nick("two words")),
            ("/join #tea", Command::Join("#tea")),
            ("/rooms now", Command::Rooms),
            ("/who", Command::Who(None)),
            ("/who tea", Command::Who(Some("tea"))),
            (
                "/msg bob  hi  there",
                Command::Msg {
                    to: "bob",
                    text: "hi  there",
                },
            ),
            ("/me waves", Command::Me("waves")),
            ("/topic", Command::Topic(None)),
            ("/topic tea at five", Command::Topic(Some("tea at five"))),
            ("/history", Command::History(None)),
            ("/history 20", Command::History(Some(20))),
            ("/help me", Command::Help),
            ("/quit so long", Command::Quit),
        ] {
            assert_eq!(parse(line).ok(), Some(command), "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        assert_eq!(usage("/nick"), "/nick NAME");
        assert_eq!(usage("/join   "), "/join ROOM");
        assert_eq!(usage("/msg"), "/msg NICK TEXT");
        assert_eq!(usage("/msg bob "), "/msg NICK TEXT");
        assert_eq!(usage("/me"), "/me ACTION");
        for count in ["0", "-1", "many", "1 2", "99999999999999999999999"] {
            assert_eq!(usage(&format!("/history {count}")), "/history [N]");
        }
    }

    #[test]
    fn unknown_words_are_given_back() {
        for (line, word) in [("/nickname x", "nickname"), ("/", ""), ("/ nick", "")] {
            assert!(matches!(parse(line), Err(Refusal::Unknown(w)) if w == word));
        }
    }

    #[test]
    fn the_table_is_consistent() {
        for entry in COMMANDS {
            let typed = entry.usage.split(' ').next();
            assert_eq!(typed, Some(format!("/{}", entry.word).as_str()));
        }
    }
}

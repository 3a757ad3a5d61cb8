//! Whole sessions at the line door, byte for byte: what each member sends, and every line that it
//! gets.
//!
//! A transcript is a text that a person can read and write. Its lines, but for blank ones and
//! those that begin with `#`, are
//!
//!     server FLAGS              flags that the server is started with; first, if at all. `STORE` is
//!                               a folder of the test's own
//!     server is killed          and is started again, as it was; everybody is gone
//!     NAME connects             over TCP, and asks something, so that it is announced
//!     NAME connects locally     the same over a Unix socket: an operator
//!     NAME connects silently    over TCP
//!     NAME > LINE               what it sends; `\u{1B}` is that character
//!     NAME < LINE               the next line that it gets
//!     NAME ends                 it says no more, and reads on
//!     NAME is reset             its connection is broken
//!     NAME is gone              the server has ended its connection, after the lines before
//!
//! Times are not the same twice: what is replayed begins with `[HH:MM] ` in a transcript, what is
//! said with `[YYYY-MM-DDTHH:MM:SS.mmmZ] ` where somebody wants that, and what is taken back was
//! said at `HH:MM`.
//!
//! Each room is heard in its order: a line from one that is watched may come before or after one
//! from another.
//!
//! At the end nobody may have got a line that the transcript does not have. A line `NAME <` is
//! waited for before the next thing happens, so notices that come with a delay have their place,
//! too.
//!
//! `LOOPCHAT_BLESS=1 cargo test --test transcripts` writes the lines with `<` and `is gone` anew,
//! as they come.

#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{Client, Folder, Server, Signal, without_digits};

/// Longer than any notice is put off.
const LATEST: Duration = Duration::from_millis(1500);

/// Somebody who is connected.
struct Member {
    client: Client,
    /// Lines that it has got, and the transcript has not come to.
    heard: VecDeque<String>,
    /// It cannot ask whether there is more, or would not be silent if it did.
    asks_nothing: bool,
}

impl Member {
    /// Takes what has come until the server has read all that this one has sent.
    fn settle(&mut self) {
        if !self.asks_nothing {
            self.heard.extend(self.client.sync());
        }
    }

    /// The next line of the room that it watches, or of none.
    fn next(&mut self, room: Option<&str>) -> Option<String> {
        loop {
            let next = self.heard.iter().position(|line| watched(line) == room);
            if let Some(line) = next.and_then(|next| self.heard.remove(next)) {
                return Some(without_times(&line));
            }
            let line = self.client.next_line()?;
            self.heard.push_back(line);
        }
    }
}

/// The watched room that a line is from.
fn watched(line: &str) -> Option<&str> {
    Some(line.strip_prefix('#')?.split_once(' ')?.0)
}

/// A line with the form of each time in its place.
fn without_times(line: &str) -> String {
    let (room, line) = match line.strip_prefix('#').and_then(|rest| rest.split_once(' ')) {
        Some((room, rest)) => (format!("#{room} "), rest),
        None => (String::new(), line),
    };
    // Messages that were looked for have their numbers before that.
    let is_number = |start: &str| start.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((number, rest)) = line.split_once(' ')
        && is_number(number)
        && rest.starts_with('[')
    {
        return format!("{room}{number} {}", without_times(rest));
    }
    const FORMS: [(&str, &str); 2] = [
        ("[00:00] ", "[HH:MM] "),
        ("[0000-00-00T00:00:00.000Z] ", "[YYYY-MM-DDTHH:MM:SS.mmmZ] "),
    ];
    for (digits, form) in FORMS {
        if let Some((start, rest)) = line.split_at_checked(digits.len())
            && without_digits(start) == digits
        {
            return format!("{room}{form}{rest}");
        }
    }
    let is_taken_back = line.starts_with("* ") && line.contains(" took back a message of ");
    if let Some((start, end)) = line.split_at_checked(line.len().saturating_sub(6))
        && is_taken_back
        && without_digits(end) == "00:00."
    {
        return format!("{room}{start}HH:MM.");
    }
    format!("{room}{line}")
}

fn started(flags: &[String]) -> Server {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Server::with(&flags)
}

struct Play {
    server: Server,
    flags: Vec<String>,
    local: String,
    _folder: Folder,
    members: BTreeMap<String, Member>,
}

impl Play {
    fn start(flags: &str) -> Self {
        let folder = Folder::new();
        let local = folder.text("chat.sock");
        let store = folder.text("store");
        let mut all = vec!["--listen".to_owned(), local.clone()];
        all.extend(flags.split_whitespace().map(|flag| match flag {
            "STORE" => store.clone(),
            flag => flag.to_owned(),
        }));
        Self {
            server: started(&all),
            flags: all,
            _folder: folder,
            members: BTreeMap::new(),
            local,
        }
    }

    /// The server is killed, and started again.
    fn start_again(&mut self) {
        self.server.signal(Signal::KILL);
        self.server.ended();
        self.members.clear();
        self.server = started(&self.flags);
    }

    fn member(&mut self, name: &str) -> &mut Member {
        let member = self.members.get_mut(name);
        member.unwrap_or_else(|| panic!("{name} is not connected"))
    }

    /// Does what one line says, unless it is what somebody gets.
    fn does(&mut self, name: &str, what: &str) {
        match what {
            "connects" | "connects locally" | "connects silently" => {
                let address = match what {
                    "connects locally" => &self.local,
                    _ => &self.server.address,
                };
                let mut member = Member {
                    client: Client::connect(address),
                    heard: VecDeque::new(),
                    asks_nothing: what == "connects silently",
                };
                member.settle();
                let before = self.members.insert(name.to_owned(), member);
                assert!(before.is_none(), "{name} is connected already");
            }
            "ends" => {
                let member = self.member(name);
                member.client.half_close();
                member.asks_nothing = true;
            }
            "is reset" => {
                let member = self.members.remove(name).expect("it is connected");
                member.client.reset();
            }
            _ => {
                let line = what.strip_prefix('>').expect("one of the known verbs");
                let line = line.strip_prefix(' ').unwrap_or(line);
                let member = self.member(name);
                member.client.say(&unescaped(line));
                member.asks_nothing = matches!(line, "/quit" | "/shutdown");
                member.settle();
            }
        }
    }

    /// Looks whether everything that comes is what the transcript has.
    fn check(&mut self, name: &str, what: &str) {
        if what == "is gone" {
            let member = self.member(name);
            assert_eq!(member.next(None), None, "{name} is not gone");
            assert_eq!(member.heard, [""; 0], "{name} got more");
            self.members.remove(name);
            return;
        }
        let wanted = what.strip_prefix('<').expect("a line that it gets");
        let wanted = wanted.strip_prefix(' ').unwrap_or(wanted);
        let got = self.member(name).next(watched(wanted));
        assert_eq!(got.as_deref(), Some(wanted), "what {name} gets");
    }

    /// Everything that comes after what has happened last, as lines of a transcript.
    fn record(&mut self) -> String {
        std::thread::sleep(LATEST); // so that it is complete; checking does not wait for times
        let mut text = String::new();
        let mut gone = Vec::new();
        for (name, member) in &mut self.members {
            let is_over = member.client.has_been_ended();
            if is_over {
                member.heard.extend(member.client.rest());
                gone.push(name.clone());
            } else {
                member.settle();
            }
            for line in member.heard.drain(..) {
                let line = without_times(&line);
                writeln!(text, "{name} < {line}").expect("a string");
            }
            if is_over {
                writeln!(text, "{name} is gone").expect("a string");
            }
        }
        for name in gone {
            self.members.remove(&name);
        }
        text
    }
}

/// With the characters that nobody would see in a transcript.
fn unescaped(line: &str) -> String {
    let mut parts = line.split("\\u{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').expect("an end of the escape");
        let number = u32::from_str_radix(digits, 16).expect("hexadecimal digits");
        text.push(char::from_u32(number).expect("a character"));
        text += rest;
    }
    text
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

fn play(file: &str) {
    let path = folder().join(file);
    let text = fs::read_to_string(&path).expect("a transcript");
    let is_blessed = std::env::var_os("LOOPCHAT_BLESS").is_some();
    let mut blessed = String::new();
    let mut play: Option<Play> = None;
    for (number, line) in text.lines().enumerate() {
        let is_comment = line.is_empty() || line.starts_with('#');
        let (name, what) = line.split_once(' ').unwrap_or((line, ""));
        let is_heard = !is_comment && (what.starts_with('<') || what == "is gone");
        if is_blessed && is_heard {
            continue;
        }
        blessed += &format!("{line}\n");
        if is_comment {
            continue;
        }
        eprintln!("{file}:{}: {line}", number + 1);
        if let Some(play) = play.as_mut().filter(|_| line == "server is killed") {
            play.start_again();
            continue;
        }
        if name == "server" {
            play = Some(Play::start(what));
            continue;
        }
        let play = play.get_or_insert_with(|| Play::start(""));
        if is_heard {
            play.check(name, what);
            continue;
        }
        play.does(name, what);
        if is_blessed && what != "connects silently" {
            blessed += &play.record();
        }
    }
    if is_blessed {
        fs::write(path, blessed).expect("it can be written");
        return;
    }
    // Nobody may go before all have been looked at: the others would hear of it.
    for (name, member) in &mut play.expect("something happens").members {
        member.settle();
        assert_eq!(member.heard, [""; 0], "{name} got more");
    }
}

macro_rules! transcripts {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            play(concat!(stringify!($name), ".txt"));
        })*

        #[test]
        fn every_transcript_is_played() {
            let mut files: Vec<String> = fs::read_dir(folder())
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
                .filter(|name| name.ends_with(".txt"))
                .collect();
            files.sort();
            assert_eq!(files, [$(concat!(stringify!($name), ".txt")),*]);
        }
    };
}

transcripts!(
    arriving,
    bounds,
    ending,
    ignoring,
    kept,
    names,
    operators,
    private,
    rooms,
    several_rooms,
    taking_back,
    talking,
    times,
    topics
);

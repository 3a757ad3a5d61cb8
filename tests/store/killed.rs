//! A server that is killed while many speak: whatever anybody has heard is there, in its place.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;

use serde_json::{Value, json};

use super::program::Program;
use super::*;
use crate::support::Signal;

/// Rounds, unless `LOOPCHAT_KILLS` says another number.
const ROUNDS: usize = 5;

/// After so many all that is kept is read once more, and another store begun.
const ROUNDS_OF_A_STORE: usize = 50;

/// Those who speak in each room.
const AUTHORS: usize = 3;

/// Those who listen there.
const LISTENERS: usize = 2;

const ROOMS: [&str; 2] = ["tea", "chess"];

/// What was said, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    number: u64,
    previous: u64,
    id: String,
    text: String,
}

impl Said {
    fn of(message: &Value) -> Self {
        let text = |name: &str| message[name].as_str().expect("a text").to_owned();
        let number = |name: &str| message[name].as_u64().expect("a number");
        Self {
            number: number("number"),
            previous: number("previous"),
            id: text("id"),
            text: text("text"),
        }
    }
}

/// What one member has heard.
#[derive(Default)]
struct Heard {
    said: Vec<Said>,
    /// It was told that it was too slow for some.
    has_missed: bool,
}

/// A room through all lives of a server.
struct Room {
    name: &'static str,
    epoch: Option<Value>,
    /// What the server has told of it after its starts.
    kept: Vec<Said>,
    /// What was heard in the last life.
    heard: Vec<Heard>,
}

/// Speaks until it is cut off.
fn speak(mut stream: TcpStream, room: &str, name: &str) {
    let mut reader = stream.try_clone().expect("a descriptor");
    // What nobody reads would end it.
    let drain = thread::spawn(move || _ = std::io::copy(&mut reader, &mut std::io::sink()));
    let mut lines = format!("/join {room}\n");
    for at in 0.. {
        lines += &format!("{name} {at}\n");
        if at % 5 == 0 {
            if stream.write_all(lines.as_bytes()).is_err() {
                break;
            }
            lines.clear();
        }
    }
    drain.join().expect("it reads to the end");
}

/// What somebody in a room hears until it is cut off; `hears` is told of each line.
fn listen(mut stream: TcpStream, room: &str, mut hears: impl FnMut()) -> Heard {
    let join = json!({ "kind": "line", "text": format!("/join {room}") });
    write!(stream, "/json\n{join}\n").expect("it reads");
    let mut heard = Heard::default();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else {
            break;
        };
        // The first lines are none, and the last may be half of one.
        let Ok(object) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if object["kind"] == "skipped" {
            heard.has_missed = true;
        }
        if object["kind"] == "message" && object["room"] == room {
            heard.said.push(Said::of(&object));
            hears();
        }
    }
    heard
}

/// Many speak, and some listen, until the server is killed.
fn speak_until_killed(server: &mut Server, round: usize, rooms: &mut [Room]) {
    // None comes late: what the others say may soon be enough.
    let connect = || TcpStream::connect(&server.address).expect("it listens");
    let (said, hears) = std::sync::mpsc::channel();
    let mut listeners = Vec::new();
    for (at, room) in rooms.iter().enumerate() {
        for _ in 0..LISTENERS {
            let (stream, name, said) = (connect(), room.name, said.clone());
            let listener = thread::spawn(move || listen(stream, name, || _ = said.send(at)));
            listeners.push((at, listener));
        }
    }
    let mut authors = Vec::new();
    for (at, room) in (0..AUTHORS).flat_map(|at| ROOMS.map(|room| (at, room))) {
        let (stream, name) = (connect(), format!("r{round}a{at}"));
        authors.push(thread::spawn(move || speak(stream, room, &name)));
    }
    // At another moment each time, with many lines on their way, some of them in each room.
    let (mut lines, mut silent) = (400 + round * 137 % 3000, vec![true; rooms.len()]);
    while lines > 0 || silent.contains(&true) {
        let at = hears.recv().expect("somebody hears");
        silent[at] = false;
        lines = lines.saturating_sub(1);
    }
    server.signal(Signal::KILL);
    server.ended();
    for author in authors {
        author.join().expect("it has spoken");
    }
    for (at, listener) in listeners {
        let heard = listener.join().expect("it has listened");
        rooms[at].heard.push(heard);
    }
}

/// All that is kept of a room behind a number, in order, as a server tells it.
fn read_on(program: &mut Program, room: &str, epoch: &Value, mut number: u64) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    loop {
        let page = program.page(room, epoch, ("after", number), 200);
        assert_eq!(page["complete"], true, "#{room} after {number}");
        let messages = page["messages"].as_array().expect("a list");
        for said in messages.iter().map(Said::of) {
            assert_eq!(said.previous, number, "#{room}: nothing between {said:?}");
            assert!(said.number > number, "#{room}: {said:?} after {number}");
            number = said.number;
            all.push(said);
        }
        if page["next"].is_null() {
            return all;
        }
    }
}

/// What each author has said is there in the order in which it was said, each once.
fn expect_once(room: &Room) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for said in &room.kept {
        let (author, at) = said.text.split_once(' ').expect("as it was said");
        let at: u64 = at.parse().expect("a number");
        let before = last.insert(author, at);
        assert!(before.is_none_or(|before| before < at), "{said:?}");
    }
}

/// Two have heard the same in the same order while both were there.
fn expect_alike(one: &Heard, other: &Heard) {
    let (Some(ones), Some(others)) = (one.said.first(), other.said.first()) else {
        return;
    };
    let both = |heard: &Heard| -> Vec<Said> {
        let last = |heard: &Heard| heard.said.last().map_or(0, |said| said.number);
        let (from, to) = (ones.number.max(others.number), last(one).min(last(other)));
        let said = heard.said.iter();
        let said = said.filter(|said| (from..=to).contains(&said.number));
        said.cloned().collect()
    };
    if !one.has_missed && !other.has_missed {
        assert_eq!(both(one), both(other));
    }
}

/// What was heard in the last life is kept, in the same place, once.
fn expect_kept(server: &Server, rooms: &mut [Room]) {
    let mut program = Program::join(&server.address);
    for room in rooms {
        let entered = program.enter(room.name);
        let epoch = room.epoch.get_or_insert_with(|| entered["epoch"].clone());
        assert_eq!(entered["epoch"], *epoch, "#{}: it goes on", room.name);
        let number = room.kept.last().map_or(0, |said| said.number);
        let more = read_on(&mut program, room.name, epoch, number);
        let last = more.last().map_or(number, |said| said.number);
        assert_eq!(entered["last"], last, "#{}", room.name);
        let by_number: HashMap<u64, &Said> = more.iter().map(|said| (said.number, said)).collect();
        for heard in &room.heard {
            for said in &heard.said {
                let kept = by_number.get(&said.number);
                assert_eq!(kept, Some(&said), "#{}: it was heard", room.name);
            }
            let is_sorted = heard
                .said
                .is_sorted_by(|one, other| one.number < other.number);
            assert!(is_sorted, "#{}: each once, and in order", room.name);
            expect_alike(heard, &room.heard[0]);
        }
        room.heard.clear();
        room.kept.extend(more);
        expect_once(room);
    }
}

/// All that the server has told so far is what it tells of everything.
fn expect_all(server: &Server, rooms: &[Room]) {
    let mut program = Program::join(&server.address);
    for room in rooms {
        let epoch = program.enter(room.name)["epoch"].clone();
        let all = read_on(&mut program, room.name, &epoch, 0);
        assert!(all == room.kept, "#{}: it has changed", room.name);
    }
}

/// Catches: a line that somebody has heard and that is not there, or is there twice, or elsewhere,
/// or has another number; what the journal of a server that was killed has, and is not used.
#[test]
fn what_anybody_has_heard_outlives_a_kill() {
    let rounds = env::var("LOOPCHAT_KILLS")
        .map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let rounds: Vec<usize> = (0..rounds).collect();
    let (mut heard, mut kept) = (0, 0);
    for rounds in rounds.chunks(ROUNDS_OF_A_STORE) {
        // What has to be looked through grows with each.
        let folder = Folder::new();
        let store = folder.text("store");
        let mut rooms = ROOMS.map(|name| Room {
            name,
            epoch: None,
            kept: Vec::new(),
            heard: Vec::new(),
        });
        // Nothing but the next server opens what the one before has left.
        let mut server = keeping(&store);
        for round in rounds {
            speak_until_killed(&mut server, *round, &mut rooms);
            for room in &rooms {
                let lines = room.heard.iter().map(|heard| heard.said.len());
                let lines: Vec<usize> = lines.collect();
                assert!(lines.iter().any(|lines| *lines > 0), "in round {round}");
                heard += lines.iter().sum::<usize>();
            }
            let journal = folder.path("store").join("chat.sqlite-wal");
            let journal = fs::metadata(journal).expect("it is left");
            assert!(journal.len() > 0, "there is something to be found");
            server = keeping(&store);
            expect_kept(&server, &mut rooms);
            let log = server.log();
            assert!(!log.iter().any(|line| line.contains("WARN")), "{log:?}");
        }
        expect_all(&server, &rooms);
        kept += rooms.iter().map(|room| room.kept.len()).sum::<usize>();
    }
    println!("{} kills, {heard} lines heard, {kept} kept", rounds.len());
}

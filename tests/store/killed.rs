//! A server that is killed while many speak: whatever anybody has heard is there.

use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;

use super::*;
use crate::support::Signal;

/// Rounds, unless `LOOPCHAT_KILLS` says another number.
const ROUNDS: usize = 5;

/// Those who speak in each room.
const AUTHORS: usize = 3;

const ROOMS: [&str; 2] = ["tea", "chess"];

/// Speaks until it is cut off.
fn speak(address: &str, room: &str, name: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
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

/// What somebody in a room hears until it is cut off; `heard` is told of each line.
fn listen(address: &str, room: &str, mut heard: impl FnMut()) -> Vec<String> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    writeln!(stream, "/join {room}").expect("it reads");
    let mut texts = Vec::new();
    let mut is_there = false;
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else {
            break;
        };
        if line.starts_with("* You are now in") {
            is_there = true;
        }
        // What is replayed was heard before; a notice has no author.
        let text = line
            .split_once(": ")
            .filter(|_| is_there && !line.starts_with(['*', '[', '!']));
        if let Some((_, text)) = text {
            texts.push(text.to_owned());
            heard();
        }
    }
    texts
}

/// One life of the server. What was heard in each room.
fn live(store: &str, round: usize) -> Vec<Vec<String>> {
    let mut server = keeping(store);
    let address = server.address.clone();
    let (said, hears) = std::sync::mpsc::channel();
    let listeners = ROOMS.map(|room| {
        let (address, said) = (address.clone(), said.clone());
        thread::spawn(move || listen(&address, room, || _ = said.send(())))
    });
    let mut authors = Vec::new();
    for (at, room) in (0..AUTHORS).flat_map(|at| ROOMS.map(|room| (at, room))) {
        let (address, name) = (address.clone(), format!("r{round}a{at}"));
        authors.push(thread::spawn(move || speak(&address, room, &name)));
    }
    // At another moment each time, with many lines on their way.
    for _ in 0..200 + round * 137 % 1500 {
        hears.recv().expect("somebody hears");
    }
    server.signal(Signal::KILL);
    server.ended();
    for author in authors {
        author.join().expect("it has spoken");
    }
    let heard = listeners.map(|listener| listener.join().expect("it has listened"));
    heard.into()
}

/// Whether all of some texts are among others, in their order.
fn is_within(texts: &[String], others: &[String]) -> bool {
    let mut others = others.iter();
    texts.iter().all(|text| others.any(|other| other == text))
}

/// Catches: a line that somebody has heard and that is not there, or is there twice, or elsewhere.
#[test]
fn what_anybody_has_heard_outlives_a_kill() {
    let rounds = env::var("LOOPCHAT_KILLS")
        .map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut folder = Folder::new();
    let mut heard: Vec<Vec<String>> = vec![Vec::new(); ROOMS.len()];
    for round in 0..rounds {
        if round % 50 == 0 {
            // What has to be looked through grows with each.
            folder = Folder::new();
            heard.iter_mut().for_each(Vec::clear);
        }
        let store = folder.text("store");
        for (heard, more) in heard.iter_mut().zip(live(&store, round)) {
            assert!(!more.is_empty(), "somebody was heard in round {round}");
            heard.extend(more);
        }
        for (heard, room) in heard.iter().zip(ROOMS) {
            let kept = kept(&store, room);
            let different: HashSet<&String> = kept.iter().collect();
            assert_eq!(
                different.len(),
                kept.len(),
                "#{room} in round {round}: twice"
            );
            let is_there = is_within(heard, &kept);
            assert!(
                is_there,
                "#{room} in round {round}: not all that was heard, in order"
            );
        }
    }
}

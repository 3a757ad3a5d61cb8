//! The store, in processes: [kills](killed), [starts](again), [pages](by_place) from further back
//! than the memory, [authors who are quick](quick), [disks and files that fail](broken), other
//! [programs](foreign) that have it open, what can be done [beside](beside) a server that runs, and
//! ten million [lines](large).

#[path = "../support/mod.rs"]
mod support;

mod again;
mod beside;
mod broken;
mod by_place;
mod foreign;
mod killed;
#[cfg(target_os = "linux")]
mod large;
mod program;
mod quick;

use std::process::Command;

use support::{Client, Folder, Server, loopchat, run};

/// A server that keeps what is said in this folder.
fn keeping(store: &str) -> Server {
    Server::with(&["--store", store])
}

/// The texts of all that is kept of a room, in order; none if nothing is.
fn kept(store: &str, room: &str) -> Vec<String> {
    let out = run(loopchat().args(["export", room, "--store", store]));
    let lines = String::from_utf8(out.stdout).expect("text");
    let objects = lines.lines().map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).expect("an object");
        object
    });
    let messages = objects.filter(|object| object["kind"] == "message");
    let texts = messages.map(|object| object["text"].as_str().expect("a text").to_owned());
    texts.collect()
}

/// What a server says that does not start.
fn refused(command: &mut Command) -> String {
    let out = run(command.args(["--listen", "127.0.0.1:0"]));
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    String::from_utf8(out.stderr).expect("text")
}

/// Goes to a room.
fn goes(client: &mut Client, room: &str) {
    client.say(&format!("/join {room}"));
    client.expect_line(|line| line.starts_with("* You are now in"));
    client.sync();
}

/// Says something that another hears.
fn says(author: &mut Client, reader: &mut Client, text: &str) {
    author.say(text);
    reader.expect_line(|line| line.ends_with(text));
}

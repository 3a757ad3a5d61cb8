//! The line door, byte by byte: what goes in, what comes out, and what one connection can do to
//! the others.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/virtual_time.rs"]
mod virtual_time;

mod budgets;
mod ends;
mod foreign;
mod hostile;
mod house;
mod json;
mod late;
mod limits;
mod lines;
mod long;
mod many;
mod proxied;
mod telnet;

use std::sync::Barrier;
use std::thread;

use support::{
    Client, Folder, Server, eventually, is_message, joins, loopchat, messages, replayed,
};

/// A server with two members, `guest1` and `guest2`.
fn two() -> (Server, Client, Client) {
    let server = Server::start();
    let (alice, bob) = (server.join(), server.join());
    (server, alice, bob)
}

/// A third one, `guest3`, of whom the others have heard: who comes and goes within a second is not
/// worth a notice.
fn third(server: &Server, others: [&mut Client; 2]) -> Client {
    let mut carol = server.join();
    for other in others {
        other.expect_line(|line| line.starts_with("* ") && line.contains("guest3"));
    }
    // Nothing is on its way to her any more: not the notice that named the others, too.
    carol.sync();
    carol
}

fn is_her_leaving(line: &str) -> bool {
    line.starts_with("* ") && line.contains("guest3 left #lobby")
}

/// What a reader has heard of everything that an author has sent until now.
fn heard(author: &mut Client, reader: &mut Client) -> Vec<String> {
    author.sync();
    messages(reader.sync())
}

/// Sends bytes one by one, each alone in a read of the server: before the next one is sent, the
/// server has answered the other member, who asked after this one was there.
fn trickle(author: &mut Client, bytes: &[u8], other: &mut Client) -> Vec<String> {
    let mut said = Vec::new();
    for byte in bytes {
        author.send([*byte]);
        said.extend(other.sync());
    }
    messages(said)
}

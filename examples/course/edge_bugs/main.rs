//! The mistakes of edge-triggered programs, each watched as it happens, and mended.
//!
//! ```sh
//! cargo run --example edge_bugs -- 1     # the first of nine; without a number, all
//! ```
//!
//! Each bug is written as one would write it by mistake, on plain mio, with both ends of the
//! connection in this one process: what a peer does is done when its call returns, so every run
//! prints the same. `docs/course/03-readiness.md` goes through them.

mod accepting;
mod connecting;
mod ending;
mod fairness;
mod interrupted;
mod reading;
mod slots;
mod unbounded;
mod writing;

use std::io;
use std::os::unix::net::UnixStream as Peer;
use std::time::Duration;

use mio::event::Event;
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

/// A bug: what the rule says, and the program that shows both ways.
type Bug = (&'static str, fn() -> io::Result<()>);

const BUGS: [Bug; 9] = [
    ("read until there is no more", reading::show),
    ("give everyone a share", fairness::show),
    (
        "be told of room to write, and mind it only if bytes wait",
        writing::show,
    ),
    (
        "out of descriptors: remember that somebody waits",
        accepting::show,
    ),
    ("an event may be for one who is gone", slots::show),
    ("the end of reading is not the end", ending::show),
    ("writable is not connected", connecting::show),
    ("a signal is no error", interrupted::show),
    ("what a stranger sends has a limit", unbounded::show),
];

fn main() -> io::Result<()> {
    let chosen = std::env::args().nth(1);
    for (nth, (rule, show)) in (1..).zip(BUGS) {
        if chosen
            .as_ref()
            .is_none_or(|chosen| *chosen == nth.to_string())
        {
            println!("{nth}. {rule}");
            show()?;
        }
    }
    Ok(())
}

/// Says what happened: in the program with the bug, or in the mended one.
fn say(program: &str, what: impl std::fmt::Display) {
    println!("   {program:7} {what}");
}

const THE_SOCKET: Token = Token(0);

/// A poll, and one connection: our end, registered for everything, and the peer's end.
struct Rig {
    poll: Poll,
    ours: UnixStream,
    peer: Peer,
}

impl Rig {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let (mut ours, peer) = connection()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut ours, THE_SOCKET, both)?;
        Ok(Self { poll, ours, peer })
    }

    fn events(&mut self) -> io::Result<Vec<Event>> {
        events(&mut self.poll)
    }
}

/// Both ends of a connection; ours does not block.
fn connection() -> io::Result<(UnixStream, Peer)> {
    let (ours, peer) = Peer::pair()?;
    ours.set_nonblocking(true)?;
    peer.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours), peer))
}

/// What one poll brings. What there is comes at once; where nothing is to come, a moment is as
/// good as for ever.
fn events(poll: &mut Poll) -> io::Result<Vec<Event>> {
    let mut events = Events::with_capacity(16);
    poll.poll(&mut events, Some(Duration::from_millis(50)))?;
    Ok(events.iter().cloned().collect())
}

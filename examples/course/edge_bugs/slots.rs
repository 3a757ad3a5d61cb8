//! Rule 5: one poll brings many events, and a callback may end the one a later event is for.

use std::io;
use std::os::unix::net::UnixStream as Peer;

use mio::net::UnixStream;
use mio::{Interest, Poll, Token};
use slab::Slab;

use crate::{connection, events, say};

/// The connections: the place in the slab is the token, with a generation above it or without.
struct Connections {
    poll: Poll,
    slab: Slab<(Token, &'static str, UnixStream)>,
    opened: usize,
    with_generations: bool,
}

impl Connections {
    fn open(&mut self, name: &'static str) -> io::Result<(Token, Peer)> {
        let (mut stream, peer) = connection()?;
        self.opened += 1;
        let generation = if self.with_generations {
            self.opened
        } else {
            0
        };
        let token = Token(generation << 32 | self.slab.vacant_key());
        self.poll
            .registry()
            .register(&mut stream, token, Interest::READABLE)?;
        self.slab.insert((token, name, stream));
        Ok((token, peer))
    }

    /// The one that an event is for.
    fn find(&self, token: Token) -> Option<&'static str> {
        let (current, name, _) = self.slab.get(token.0 & 0xffff_ffff)?;
        (*current == token).then_some(*name)
    }
}

pub fn show() -> io::Result<()> {
    run("broken", false)?;
    run("mended", true)
}

fn run(program: &str, with_generations: bool) -> io::Result<()> {
    let (poll, slab) = (Poll::new()?, Slab::new());
    let mut all = Connections {
        poll,
        slab,
        opened: 0,
        with_generations,
    };
    let (ann, anns_end) = all.open("ann")?;
    let (bob, bobs_end) = all.open("bob")?;
    // Both hang up before we look, so one poll brings both events.
    drop((anns_end, bobs_end));
    let mut carols_end = None;
    for event in events(&mut all.poll)? {
        match all.find(event.token()) {
            Some("ann") => {
                // Ann was the host: bob has to go, too, and somebody new takes a free place.
                all.slab.remove(bob.0 & 0xffff_ffff);
                carols_end = Some(all.open("carol")?);
                say(
                    program,
                    "ann has hung up: bob is dropped, carol gets his place",
                );
            }
            Some(name) => say(
                program,
                format!("{name} has hung up, says bob's event: {name} is dropped"),
            ),
            None => say(
                program,
                "bob's event is for a connection that is gone: ignored",
            ),
        }
    }
    let _open_until_here = (ann, carols_end);
    Ok(())
}

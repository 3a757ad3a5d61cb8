//! Rule 4: when no descriptor is left, freeing one brings no event.

use std::fs::File;
use std::io;
use std::net::TcpStream;

use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{events, say};

pub fn show() -> io::Result<()> {
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"))?;
    poll.registry()
        .register(&mut listener, Token(0), Interest::READABLE)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let mut poll = poll;

    let before = getrlimit(Resource::Nofile);
    let taken = take_all_descriptors()?;
    let ready = !events(&mut poll)?.is_empty();
    let error = listener.accept().expect_err("there is no descriptor");
    say("broken", format!("readable is {ready}; accept: {error}"));
    drop(taken);
    let told = events(&mut poll)?.len();
    say(
        "broken",
        format!("descriptors are free again: {told} events; the client waits for ever"),
    );

    // What the broken one has forgotten is that it was told once already.
    let accepted = listener.accept().map(|(stream, _)| stream.peer_addr());
    let is_it = accepted??.port() == client.local_addr()?.port();
    say(
        "mended",
        format!("the readiness is remembered, so a close tries again: accepted is {is_it}"),
    );
    setrlimit(Resource::Nofile, before)?;
    Ok(())
}

/// Opens files until there is no descriptor left; few, since the limit is lowered before.
fn take_all_descriptors() -> io::Result<Vec<File>> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let lowered = Rlimit {
        current: Some(64),
        maximum,
    };
    setrlimit(Resource::Nofile, lowered)?;
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    Ok(files)
}

//! Rule 1: mio promises another event only after a read has said `WouldBlock`.

use std::io::{self, Read, Write};

use crate::{Rig, say};

pub fn show() -> io::Result<()> {
    broken()?;
    mended()?;
    end_is_missed()?;
    end_is_read()
}

/// Reads once for each event, as one may when events are levels.
fn broken() -> io::Result<()> {
    let mut rig = Rig::new()?;
    rig.peer.write_all(b"hello, world")?;
    let mut buffer = [0; 5];
    for turn in 1..=2 {
        let readable = rig.events()?.iter().any(|event| event.is_readable());
        if readable {
            let count = rig.ours.read(&mut buffer)?;
            let text = String::from_utf8_lossy(&buffer[..count]);
            say("broken", format!("turn {turn}: read {text:?}"));
        } else {
            say(
                "broken",
                format!("turn {turn}: no event, and 7 bytes lie in the kernel"),
            );
        }
    }
    Ok(())
}

fn mended() -> io::Result<()> {
    let mut rig = Rig::new()?;
    rig.peer.write_all(b"hello, world")?;
    rig.events()?;
    let mut buffer = [0; 5];
    loop {
        match rig.ours.read(&mut buffer) {
            Ok(count) => {
                let text = String::from_utf8_lossy(&buffer[..count]);
                say("mended", format!("turn 1: read {text:?}"));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                say(
                    "mended",
                    "turn 1: WouldBlock: now an event will come for what is next",
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

/// A read that does not fill the buffer has emptied the socket: one call saved. But an end that has
/// been told already is not told again.
fn end_is_missed() -> io::Result<()> {
    let (mut rig, mut buffer) = (bye()?, [0; 64]);
    rig.events()?;
    let count = rig.ours.read(&mut buffer)?;
    say(
        "broken",
        format!("bye: a short read of {count} bytes, so that was all"),
    );
    let told = rig.events()?.iter().any(|event| event.is_read_closed());
    say(
        "broken",
        format!("bye: told of the end in the next turn: {told}; it is never closed"),
    );
    Ok(())
}

fn end_is_read() -> io::Result<()> {
    let (mut rig, mut buffer) = (bye()?, [0; 64]);
    let read_closed = rig.events()?.iter().any(|event| event.is_read_closed());
    loop {
        let count = rig.ours.read(&mut buffer)?;
        if count == 0 {
            say("mended", "bye: read 0: the end");
            return Ok(());
        }
        say(
            "mended",
            format!("bye: read {count} bytes; read_closed is {read_closed}, so read on"),
        );
    }
}

/// A peer that says its last word and closes, both before we look.
fn bye() -> io::Result<Rig> {
    let mut rig = Rig::new()?;
    rig.peer.write_all(b"bye")?;
    rig.peer.shutdown(std::net::Shutdown::Write)?;
    Ok(rig)
}

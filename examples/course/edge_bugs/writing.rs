//! Rule 3: register for both directions once, and act on room to write only when bytes wait.

use std::io::{self, Write};

use mio::Interest;

use crate::{Rig, THE_SOCKET, say};

pub fn show() -> io::Result<()> {
    // Asking anew is answered anew: there is room now, as there was before.
    let mut rig = Rig::new()?;
    let mut woken = 0;
    for _turn in 0..1000 {
        let events = rig.events()?;
        woken += usize::from(events.iter().any(|event| event.is_writable()));
        rig.poll
            .registry()
            .reregister(&mut rig.ours, THE_SOCKET, Interest::WRITABLE)?;
    }
    say(
        "broken",
        format!("registered anew each turn: woken {woken} times in 1000 turns, to write nothing"),
    );

    // Registered once: told once. What counts is the outbox.
    let mut rig = Rig::new()?;
    let first = rig.events()?.len();
    let mut outbox = vec![b'x'; 1024 * 1024];
    let taken = rig.ours.write(&outbox)?;
    outbox.drain(..taken);
    let while_full = rig.events()?.iter().any(|event| event.is_writable());
    say(
        "mended",
        format!("registered once: {first} event; with the kernel full, writable is {while_full}"),
    );
    let mut turns = 0;
    while !outbox.is_empty() {
        drain_peer(&mut rig.peer)?;
        if rig.events()?.iter().any(|event| event.is_writable()) {
            flush(&mut rig.ours, &mut outbox)?;
            turns += 1;
        }
    }
    say(
        "mended",
        format!(
            "the peer reads, we are told, and the rest goes out: {}",
            turns > 0
        ),
    );
    Ok(())
}

fn flush(to: &mut impl Write, outbox: &mut Vec<u8>) -> io::Result<()> {
    while !outbox.is_empty() {
        match to.write(outbox) {
            Ok(taken) => drop(outbox.drain(..taken)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn drain_peer(peer: &mut impl io::Read) -> io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        match peer.read(&mut buffer) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

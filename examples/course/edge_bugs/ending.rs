//! Rule 6: `read` returning 0 says that the peer sends no more, not that it has gone.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use crate::{Rig, say};

pub fn show() -> io::Result<()> {
    for program in ["broken", "mended"] {
        let mut rig = Rig::new()?;
        // As `printf question | nc -N` does: it asks, ends its side, and waits for the answer.
        rig.peer.write_all(b"question")?;
        rig.peer.shutdown(Shutdown::Write)?;
        rig.events()?;
        let mut outbox = Vec::new();
        while rig.ours.read(&mut [0; 64])? > 0 {
            outbox.extend(b"answer"); // to be sent at the end of the turn, with all others'
        }
        if program == "mended" {
            rig.ours.write_all(&outbox)?;
            rig.ours.shutdown(Shutdown::Write)?;
        }
        drop(rig.ours);
        let mut heard = String::new();
        rig.peer.read_to_string(&mut heard)?;
        say(
            program,
            format!("the peer has sent \"question\", ended its side, and got {heard:?}"),
        );
    }
    Ok(())
}

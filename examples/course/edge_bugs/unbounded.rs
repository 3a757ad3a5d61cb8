//! Rule 9: nothing that a peer sends makes memory grow without a limit.

use std::io::{self, Read, Write};

use crate::{Rig, say};

/// The longest line, in bytes.
const MAX_LINE: usize = 4096;

pub fn show() -> io::Result<()> {
    let kept = keep_line(usize::MAX)?;
    say(
        "broken",
        format!(
            "waits for a line end: holds {} KiB by now, and counting",
            kept / 1024
        ),
    );
    let kept = keep_line(MAX_LINE)?;
    say(
        "mended",
        format!(
            "refuses a line at its byte {}; holds {kept} bytes",
            MAX_LINE + 1
        ),
    );
    Ok(())
}

/// Takes 1024 pieces of 1 KiB without a line end; how many bytes it holds then.
fn keep_line(max_line: usize) -> io::Result<usize> {
    let mut rig = Rig::new()?;
    let (mut line, mut discarding) = (Vec::new(), false);
    let mut buffer = [0; 1024];
    for _ in 0..1024 {
        rig.peer.write_all(&[b'x'; 1024])?;
        let count = rig.ours.read(&mut buffer)?;
        if !discarding {
            line.extend_from_slice(&buffer[..count]);
        }
        if line.len() > max_line {
            line = Vec::new();
            discarding = true; // up to the next line end
        }
    }
    Ok(line.len())
}

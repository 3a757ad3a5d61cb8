//! What a network does to lines, and what puts them together again.
//!
//! ```sh
//! cargo run --example torn_lines
//! ```
//!
//! The same bytes, cut in three ways, for a program that takes each read for a message, and for the
//! chat's decoder.

use std::ops::ControlFlow;

use loopchat::server::framing::{Frame, LineDecoder};

/// "café" and a line end as nc sends it, then `IAC DO 1` of a telnet, a line end as telnet sends
/// it.
const SENT: &[u8] = b"caf\xC3\xA9\n\xFF\xFD\x01tea\r\n";

fn main() {
    for cuts in [
        &[][..],
        &[4, 8],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    ] {
        println!("{} reads:", cuts.len() + 1);
        let reads = cut(SENT, cuts);
        let naive: Vec<_> = reads
            .iter()
            .map(|read| String::from_utf8_lossy(read))
            .collect();
        println!("  each read a message  {naive:?}");
        println!("  the chat's decoder   {:?}", decode(&reads));
    }
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let (mut reads, mut from) = (Vec::new(), 0);
    for &to in cuts.iter().chain([&bytes.len()]) {
        reads.push(&bytes[from..to]);
        from = to;
    }
    reads
}

fn decode(reads: &[&[u8]]) -> Vec<String> {
    let (mut decoder, mut lines) = (LineDecoder::new(), Vec::new());
    for read in reads {
        decoder.feed(4096, read, |frame| {
            if let Frame::Line(line) = frame {
                lines.push(line.to_owned());
            }
            ControlFlow::Continue(())
        });
    }
    lines
}

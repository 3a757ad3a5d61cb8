//! From the bytes of a read to lines: what every byte that a member types goes through.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput};
use loopchat::server::framing::LineDecoder;

/// The server's own default for the longest line.
const MAX_LINE: usize = 4096;

/// 64 bytes with the line end: a sentence, as people type them.
const LINE: &[u8; 64] = b"Has anyone seen the keys? They were on the table a minute ago.\r\n";

/// What `telnet` sends when asked to go on: `IAC WILL ECHO`.
const WILL_ECHO: &[u8] = &[255, 251, 1];

pub(crate) fn benches(criterion: &mut Criterion) {
    let hundred = LINE.repeat(100);
    let with_command = [&LINE[..30], WILL_ECHO, &LINE[30..]].concat();
    // Not UTF-8 either: a byte 255 is doubled by telnet, and becomes U+FFFD.
    let with_doubled = [&LINE[..30], &[255, 255], &LINE[30..]].concat();

    let mut group = criterion.benchmark_group("lines");
    let mut bench = |name: &str, lines: usize, reads: &[&[u8]]| {
        group.throughput(Throughput::Elements(lines as u64));
        group.bench_function(name, |b| {
            let mut decoder = LineDecoder::new();
            assert_eq!(decode(&mut decoder, reads), lines);
            b.iter(|| decode(&mut decoder, black_box(reads)));
        });
    };
    // `nc` on a terminal: the line is lent from the read buffer.
    bench("one in a read", 1, &[LINE]);
    // A script that pipes its lines in, or a burst after a stall.
    bench("100 in a read", 100, &[&hundred]);
    // A line put together from pieces, which takes a buffer; the last cut is within its end.
    bench(
        "one in three reads",
        1,
        &[&LINE[..20], &LINE[20..63], &LINE[63..]],
    );
    // The slow way, telnet's bytes taken out.
    bench("one with a telnet command", 1, &[&with_command]);
    bench("one with a doubled 255", 1, &[&with_doubled]);
    group.finish();
}

/// Feeds the reads, one after the other; how many frames came out.
fn decode(decoder: &mut LineDecoder, reads: &[&[u8]]) -> usize {
    let mut frames = 0;
    for read in reads {
        decoder.feed(MAX_LINE, read, |frame| {
            black_box(frame);
            frames += 1;
            ControlFlow::Continue(())
        });
    }
    frames
}

//! Bytes to lines: telnet, line ends, UTF-8, the limit of a line.

use std::ops::ControlFlow;

use loopchat::server::framing::{Frame, LineDecoder};

use super::cuts::Cuts;

/// However the input is cut, and however often its reader stops, the frames are the same, and
/// within their limits.
pub fn check(data: &[u8]) {
    let Some(cuts) = Cuts::of(data) else { return };
    let max_line = [0, 1, 7, 64, 100, 300, 512, 4096][usize::from(cuts.flags & 7)];
    let whole = decode(max_line, &[cuts.input], false);
    for (pieces, stop) in [
        (vec![cuts.input], true),
        (cuts.pieces(), false),
        (cuts.pieces(), true),
    ] {
        let frames = decode(max_line, &pieces, stop);
        assert_eq!(frames, whole, "with {} pieces", pieces.len());
    }
}

/// `None` is a line that is too long.
fn decode(max_line: usize, pieces: &[&[u8]], stop: bool) -> Vec<Option<String>> {
    let (mut decoder, mut frames) = (LineDecoder::new(), Vec::new());
    let keep = |frame: Frame<'_>, frames: &mut Vec<_>| {
        frames.push(match frame {
            Frame::Line(line) => {
                assert!(line.len() <= 3 * max_line && !line.contains('\n'));
                Some(line.to_owned())
            }
            Frame::TooLong => None,
        });
    };
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let before = frames.len();
            let used = decoder.feed(max_line, rest, |frame| {
                keep(frame, &mut frames);
                match stop {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            assert!(used > 0, "no progress");
            assert!(stop || used == rest.len(), "something is left");
            assert!(!stop || frames.len() <= before + 1, "it did not stop");
            assert!(decoder.heap_size() <= max_line);
            rest = &rest[used..];
        }
    }
    let before = frames.len();
    decoder.finish(max_line, |frame| keep(frame, &mut frames));
    assert!(frames.len() <= before + 1 && decoder.is_idle());
    frames
}

//! Bytes to lines: telnet, line ends, UTF-8, the limit of a line.

use std::ops::ControlFlow;

use loopchat::server::framing::{Frame, Item, LineDecoder, Stop};

use super::cuts::Cuts;

/// However the input is cut, and however often its reader stops, after a frame or before it, the
/// frames are the same, and within their limits.
pub fn check(data: &[u8]) {
    let Some(cuts) = Cuts::of(data) else { return };
    let max_line = [0, 1, 7, 64, 100, 300, 512, 4096][usize::from(cuts.flags & 7)];
    let whole = decode(max_line, &[cuts.input], None);
    for (pieces, stop) in [
        (vec![cuts.input], Some(Stop::After)),
        (vec![cuts.input], Some(Stop::Before)),
        (cuts.pieces(), None),
        (cuts.pieces(), Some(Stop::After)),
        (cuts.pieces(), Some(Stop::Before)),
    ] {
        let frames = decode(max_line, &pieces, stop);
        assert_eq!(frames, whole, "with {} pieces", pieces.len());
    }
}

/// `None` is a line that is too long. The reader stops at every frame, or never; and if it is
/// before a line, it takes that the next time.
fn decode(max_line: usize, pieces: &[&[u8]], stop: Option<Stop>) -> Vec<Option<String>> {
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
    let mut left = None;
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let before = frames.len();
            let mut leaves = false;
            let used = decoder.feed_items(max_line, rest, |item| {
                let Item::Frame(frame) = item else {
                    return ControlFlow::Continue(());
                };
                if let (Some(Stop::Before), None, Frame::Line(line)) = (stop, &left, frame) {
                    (left, leaves) = (Some(line.to_owned()), true);
                    return ControlFlow::Break(Stop::Before);
                }
                if let Some(left) = left.take() {
                    let line = Frame::Line(&left);
                    assert_eq!(frame, line, "what was left for later is the same then");
                }
                keep(frame, &mut frames);
                match stop {
                    Some(_) => ControlFlow::Break(Stop::After),
                    None => ControlFlow::Continue(()),
                }
            });
            assert!(used > 0 || leaves, "no progress");
            assert!(stop.is_some() || used == rest.len(), "something is left");
            let most = before + usize::from(!leaves);
            assert!(stop.is_none() || frames.len() <= most, "it did not stop");
            assert!(decoder.heap_size() <= max_line);
            rest = &rest[used..];
        }
    }
    let before = frames.len();
    decoder.finish(max_line, |frame| keep(frame, &mut frames));
    assert!(frames.len() <= before + 1 && decoder.is_idle());
    frames
}

//! The line decoder against a model, whatever the cuts.
//!
//! The decoder sees a stream in pieces and remembers what the cuts tear apart. The model sees the
//! whole input at once and remembers nothing, which is why it is easy to believe.

use std::ops::ControlFlow;

use loopchat::server::framing::{self, Command, Frame, LineDecoder, MAX_SUBNEGOTIATION, Stop};
use proptest::prelude::*;

/// A [`Frame`] that outlives its input.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    Line(String),
    TooLong,
}

fn line(text: &str) -> Item {
    Item::Line(text.to_owned())
}

fn item(frame: Frame<'_>) -> Item {
    match frame {
        Frame::Line(text) => line(text),
        Frame::TooLong => Item::TooLong,
    }
}

mod model {
    use super::{Item, MAX_SUBNEGOTIATION};

    const SE: u8 = 240;
    const IAC: u8 = 255;

    pub fn decode(max_line: usize, input: &[u8]) -> Vec<Item> {
        lines(&without_telnet(input))
            .into_iter()
            .map(|line| {
                if line.len() > max_line {
                    Item::TooLong
                } else {
                    Item::Line(String::from_utf8_lossy(&line).into_owned())
                }
            })
            .collect()
    }

    fn without_telnet(mut input: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        loop {
            input = match input {
                [] => return text,
                [IAC, IAC, rest @ ..] => {
                    text.push(IAC);
                    rest
                }
                [IAC, 251..=254, _, rest @ ..] => rest,
                [IAC, 251..=254] => &[],
                [IAC, 250, rest @ ..] => after_subnegotiation(rest),
                [IAC, 240..=249, rest @ ..] => rest,
                [byte, rest @ ..] => {
                    text.push(*byte);
                    rest
                }
            };
        }
    }

    fn after_subnegotiation(mut input: &[u8]) -> &[u8] {
        for _ in 0..MAX_SUBNEGOTIATION {
            input = match input {
                [IAC, SE, rest @ ..] => return rest,
                [IAC, _, rest @ ..] => rest,
                [IAC] | [] => return &[],
                [_, rest @ ..] => rest,
            };
        }
        match input {
            [IAC, SE, rest @ ..] => rest,
            // The stream ends where the end of the command would have begun.
            [IAC] => &[],
            rest => rest,
        }
    }

    fn lines(mut text: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        loop {
            let (ended, rest) = match text {
                [] => break,
                [b'\n', rest @ ..] | [b'\r', b'\n' | 0, rest @ ..] => (true, rest),
                [b'\r'] => (true, &[][..]),
                [byte, rest @ ..] => {
                    line.push(*byte);
                    (false, rest)
                }
            };
            if ended {
                lines.push(std::mem::take(&mut line));
            }
            text = rest;
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// Feeds the pieces and ends the stream. `stop` says of each frame whether to break off there.
/// Returns the frames, each with how much of the stream was consumed when a break after it made
/// that known.
fn decode_stopping(
    max_line: usize,
    pieces: &[&[u8]],
    mut stop: impl FnMut() -> bool,
) -> Vec<(Item, Option<usize>)> {
    let mut decoder = LineDecoder::new();
    let mut items: Vec<(Item, Option<usize>)> = Vec::new();
    let mut before = 0;
    for piece in pieces {
        let mut at = 0;
        while at < piece.len() {
            let mut stopped = false;
            let consumed = decoder.feed(max_line, &piece[at..], |frame| {
                assert!(!stopped, "a frame after the break");
                items.push((item(frame), None));
                stopped = stop();
                if stopped {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            at += consumed;
            assert!(decoder.heap_size() <= max_line);
            if stopped {
                assert!(consumed > 0, "a caller that goes on would never end");
                items.last_mut().unwrap().1 = Some(before + at);
            } else {
                assert_eq!(at, piece.len(), "bytes left without a break");
            }
        }
        before += piece.len();
    }
    let told = items.len();
    decoder.finish(max_line, |frame| items.push((item(frame), None)));
    assert!(
        items.len() <= told + 1,
        "the end completes one line at most"
    );
    assert_eq!(decoder.heap_size(), 0);
    items
}

fn decode(max_line: usize, pieces: &[&[u8]]) -> Vec<Item> {
    decode_stopping(max_line, pieces, || false)
        .into_iter()
        .map(|(item, _)| item)
        .collect()
}

/// Inputs that have something to tear apart, with what they mean at a limit of 8 bytes.
fn nasty() -> Vec<(Vec<u8>, Vec<Item>)> {
    let subnegotiation = |length: usize| {
        let mut input = b"a\xFF\xFA".to_vec();
        input.extend(std::iter::repeat_n(b'x', length));
        input.extend(b"\xFF\xF0b\nc\n");
        input
    };
    let most = usize::from(MAX_SUBNEGOTIATION);
    let lines = |texts: &[&str]| texts.iter().map(|text| line(text)).collect::<Vec<_>>();
    vec![
        (b"".to_vec(), vec![]),
        (b"hello\nyou\n".to_vec(), lines(&["hello", "you"])),
        (b"a\r\nb\r\0c\nd".to_vec(), lines(&["a", "b", "c", "d"])),
        (b"\r\n\r\0\n\r\n\r".to_vec(), lines(&["", "", "", "", ""])),
        (b"\r\r\n\n\r\r\0\r".to_vec(), lines(&["\r", "", "\r", ""])),
        (b"a\rb\r\rc\n".to_vec(), lines(&["a\rb\r\rc"])),
        (
            b"\0a\0\n\0\r\n\r\0\0\n".to_vec(),
            lines(&["\0a\0", "\0", "", "\0"]),
        ),
        (
            "é€😀\n€\r\n".as_bytes().to_vec(),
            vec![Item::TooLong, line("€")],
        ),
        ("€😀\né".as_bytes().to_vec(), lines(&["€😀", "é"])),
        (
            b"\xE2\x82\n\xAC\xC3\r\n\xF0\x9F\x98A\n\xC0\x80".to_vec(),
            lines(&[
                "\u{FFFD}",
                "\u{FFFD}\u{FFFD}",
                "\u{FFFD}A",
                "\u{FFFD}\u{FFFD}",
            ]),
        ),
        // Telnet in the middle of a character and of each line end.
        (
            b"\xE2\xFF\xF1\x82\xFF\xFB\x01\xAC\r\xFF\xFD\n\n\r\xFF\xFA\r\n\xFF\xF0\0z".to_vec(),
            lines(&["€", "", "z"]),
        ),
        (
            b"\xFF\xFB\x18\xFF\xFA\x18\0xterm\xFF\xF0ls\xFF\xF9\r\0".to_vec(),
            lines(&["ls"]),
        ),
        (
            b"\xFF\xFF\xFB\n\xFF\n\xFFa\xFF\r\n\xFF".to_vec(),
            lines(&[
                "\u{FFFD}\u{FFFD}",
                "\u{FFFD}",
                "\u{FFFD}a\u{FFFD}",
                "\u{FFFD}",
            ]),
        ),
        (
            b"a\xFF\xFB\xFF\n\xFF\xFE\nb\n\xFF\xFD".to_vec(),
            lines(&["a", "b"]),
        ),
        (
            b"a\xFF\xFAb\xFF\xFF\xF0\n\xFF\n\xFF\xF0c\n".to_vec(),
            lines(&["ac"]),
        ),
        (b"\x1B[2J\x1B]0;t\x07\n".to_vec(), vec![Item::TooLong]),
        (
            b"\x1B[2J\x7F\x08\x07\n\xC2\x9B1m".to_vec(),
            lines(&["\x1B[2J\x7F\x08\x07", "\u{9B}1m"]),
        ),
        (
            b"12345678\n12345678\r\n12345678\r\x0012345678\r".to_vec(),
            lines(&["12345678"; 4]),
        ),
        (
            b"123456789\n12345678\r\r\nok\n12345678\r9\r\nok\n12345678\0\r\0ok\n1234567890"
                .to_vec(),
            vec![
                Item::TooLong,
                Item::TooLong,
                line("ok"),
                Item::TooLong,
                line("ok"),
                Item::TooLong,
                line("ok"),
                Item::TooLong,
            ],
        ),
        (
            b"12345678\xFF\xF1\r\xFF\xF1\n1234567\xFF\xFF\n12345678\xFF\nok\n12345678\r\xFF"
                .to_vec(),
            vec![
                line("12345678"),
                line("1234567\u{FFFD}"),
                Item::TooLong,
                line("ok"),
                Item::TooLong,
            ],
        ),
        // A line being discarded: line ends inside telnet are none, one torn by telnet is one.
        (
            b"1234567890\xFF\xFA\n\xFF\xF0\xFF\xFB\n\xFF\xFF1\r2\r\xFF\xF1\0ok\r".to_vec(),
            vec![Item::TooLong, line("ok")],
        ),
        (subnegotiation(most), lines(&["ab", "c"])),
        (subnegotiation(most + 1), lines(&["axb", "c"])),
        (subnegotiation(most + 8), vec![Item::TooLong, line("c")]),
    ]
}

const LIMIT: usize = 8;

#[test]
fn nasty_inputs_mean_what_they_should() {
    for (input, expected) in nasty() {
        assert_eq!(
            decode(LIMIT, &[&input]),
            expected,
            "{}",
            input.escape_ascii()
        );
        assert_eq!(
            model::decode(LIMIT, &input),
            expected,
            "the model: {}",
            input.escape_ascii()
        );
    }
}

#[test]
fn no_cut_changes_the_frames() {
    for (input, expected) in nasty() {
        for cut in 0..=input.len() {
            let (one, two) = input.split_at(cut);
            assert_eq!(
                decode(LIMIT, &[one, two]),
                expected,
                "{} at {cut}",
                input.escape_ascii()
            );
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(
            decode(LIMIT, &bytes),
            expected,
            "{} byte by byte",
            input.escape_ascii()
        );
    }
}

#[test]
fn no_two_cuts_change_the_frames() {
    for (input, expected) in nasty() {
        // The square of the long ones is not worth its minutes; their inside is all the same.
        if input.len() > 100 {
            continue;
        }
        for second in 0..=input.len() {
            for first in 0..=second {
                let pieces = [&input[..first], &input[first..second], &input[second..]];
                assert_eq!(
                    decode(LIMIT, &pieces),
                    expected,
                    "{} at {first} and {second}",
                    input.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn no_limit_breaks_the_agreement_with_the_model() {
    for (input, _) in nasty() {
        for max_line in 0..20 {
            let expected = model::decode(max_line, &input);
            let bytes: Vec<&[u8]> = input.chunks(1).collect();
            assert_eq!(
                decode(max_line, &[&input]),
                expected,
                "{}",
                input.escape_ascii()
            );
            assert_eq!(
                decode(max_line, &bytes),
                expected,
                "{}",
                input.escape_ascii()
            );
        }
    }
}

#[test]
fn a_break_falls_on_the_same_byte_however_the_input_was_cut() {
    for (input, _) in nasty() {
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(
            decode_stopping(LIMIT, &[&input], || true),
            decode_stopping(LIMIT, &bytes, || true),
            "{}",
            input.escape_ascii()
        );
    }
}

#[test]
fn an_endless_line_is_refused_at_once_and_takes_no_memory() {
    const MAX_LINE: usize = 4096;
    let flood = [b'x'; 1000];
    let mut decoder = LineDecoder::new();
    let mut refused_in = Vec::new();
    for turn in 0..10_000 {
        decoder.feed(MAX_LINE, &flood, |frame| {
            assert_eq!(frame, Frame::TooLong);
            refused_in.push(turn);
            ControlFlow::Continue(())
        });
        assert!(decoder.heap_size() <= MAX_LINE);
        if turn >= 4 {
            assert_eq!(decoder.heap_size(), 0, "a refused line is not kept");
        }
    }
    assert_eq!(refused_in, [4], "once, when byte 4097 came");
    let mut items = Vec::new();
    decoder.feed(MAX_LINE, b"x\nback again\n", |frame| {
        items.push(item(frame));
        ControlFlow::Continue(())
    });
    assert_eq!(items, [line("back again")]);
}

#[test]
fn a_torn_line_owns_memory_only_until_it_is_whole() {
    let mut decoder = LineDecoder::new();
    let mut lines = 0;
    for part in [&b"one\ntwo\nthr"[..], b"ee", b"\nfour\n"] {
        decoder.feed(4096, part, |_| {
            lines += 1;
            ControlFlow::Continue(())
        });
        let torn = !part.ends_with(b"\n");
        assert_eq!(
            decoder.heap_size() > 0,
            torn,
            "after {}",
            part.escape_ascii()
        );
    }
    assert_eq!(lines, 4);
}

#[test]
fn a_line_typed_byte_by_byte_stays_within_the_limit() {
    for max_line in [1, 63, 64, 65, 100, 4096] {
        let mut decoder = LineDecoder::new();
        let mut sizes = vec![0];
        for _ in 0..max_line {
            decoder.feed(max_line, b"x", |frame| panic!("{frame:?}"));
            sizes.push(decoder.heap_size());
        }
        sizes.dedup();
        assert_eq!(sizes.last(), Some(&max_line), "all of the line, no more");
        assert!(sizes.is_sorted());
        assert!(
            sizes.len() <= 8,
            "64, 128 .. 4096, not one by one: {sizes:?}"
        );
    }
}

#[test]
fn telnet_without_end_takes_no_memory() {
    let mut decoder = LineDecoder::new();
    for _ in 0..1000 {
        decoder.feed(
            4096,
            b"\xFF\xFB\x01\xFF\xF1\xFF\xFAdata\xFF\xFF\xFF\xF0",
            |frame| panic!("{frame:?}"),
        );
        assert_eq!(decoder.heap_size(), 0);
    }
}

/// Pieces of input that mean something together, so that chance finds the interesting places.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(vec![
        b'\n', b'\r', 0, 0xFF, 0xFF, 240, 241, 249, 250, 251, 254, 0xE2, 0x82, 0xAC, 0xC3, 0xA9,
        0xF0, 0x9F, 0x98, 0x80, 0xC0, 0xED, 0xA0, 0x1B, b'[', b'a',
    ]);
    let sequence = prop::sample::select(vec![
        b"\r\n".to_vec(),
        b"\r\0".to_vec(),
        b"\xFF\xFD\x01".to_vec(),
        b"\xFF\xFA\x18\xFF\xFF\n\xFF\xF0".to_vec(),
        b"\r\xFF\xF1\n".to_vec(),
        "€".as_bytes().to_vec(),
        "😀".as_bytes().to_vec(),
    ]);
    let long_subnegotiation = (505..520_usize, any::<bool>()).prop_map(|(length, ended)| {
        let mut bytes = vec![0xFF, 250];
        bytes.extend(std::iter::repeat_n(b's', length));
        if ended {
            bytes.extend([0xFF, 240]);
        }
        bytes
    });
    prop_oneof![
        20 => special.prop_map(|byte| vec![byte]),
        8 => sequence,
        4 => (1..12_usize).prop_map(|length| vec![b'x'; length]),
        2 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => long_subnegotiation,
    ]
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..60).prop_map(|fragments| fragments.concat())
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..16_usize, 1 => Just(4096)]
}

/// Cuts `input` into pieces of these lengths, again and again.
fn cut<'a>(input: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = input;
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => prop::collection::vec(1..8_usize, 1..20),
        1 => prop::collection::vec(1..600_usize, 1..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_chunking_agrees_with_the_model(
        input in input(),
        lengths in lengths(),
        max_line in limit(),
    ) {
        let expected = model::decode(max_line, &input);
        prop_assert_eq!(&decode(max_line, &[&input]), &expected);
        prop_assert_eq!(&decode(max_line, &cut(&input, &lengths)), &expected);
    }

    #[test]
    fn any_break_is_harmless(
        input in input(),
        lengths in lengths(),
        max_line in limit(),
        stops in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let mut stop = stops.iter().copied().cycle();
        let stopping =
            decode_stopping(max_line, &cut(&input, &lengths), || stop.next().unwrap());
        // Byte by byte, a break can fall nowhere but on the byte that completes the frame.
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        let exact = decode_stopping(max_line, &bytes, || true);
        prop_assert_eq!(stopping.len(), exact.len());
        for (found, exact) in stopping.iter().zip(&exact) {
            prop_assert_eq!(&found.0, &exact.0);
            if found.1.is_some() {
                prop_assert_eq!(found.1, exact.1);
            }
        }
        let items: Vec<Item> = stopping.into_iter().map(|(item, _)| item).collect();
        prop_assert_eq!(items, model::decode(max_line, &input));
    }
}

/// The telnet commands of a stream in pieces, each with how many frames were complete before it.
fn commands(pieces: &[&[u8]]) -> Vec<(usize, Command)> {
    let mut decoder = LineDecoder::new();
    let (mut frames, mut found) = (0, Vec::new());
    for piece in pieces {
        let used = decoder.feed_items(LIMIT, piece, |item| {
            match item {
                framing::Item::Frame(_) => frames += 1,
                framing::Item::Command(command) => found.push((frames, command)),
            }
            ControlFlow::Continue(())
        });
        assert_eq!(used, piece.len());
    }
    found
}

#[test]
fn telnet_commands_are_told_in_their_place_whatever_the_cuts() {
    let stream =
        b"a\xFF\xFB\x01b\r\xFF\xFD\x06\n\xFF\xF6c\xFF\xF4\xFF\xFA\x18x\xFF\xFFy\xFF\xF0\r\n\
        \xFF\xFE\xFF\xFF\xFC\n0123456789\xFF\xFD\xFF\n\xFF\xFF\xFF";
    let wanted = [
        (0, Command::Will(1)),
        (0, Command::Do(6)),
        (1, Command::AreYouThere),
        (1, Command::Other),
        (1, Command::Other),
        (2, Command::Dont(255)),
        (2, Command::Wont(10)),
        (3, Command::Do(255)),
    ];
    assert_eq!(commands(&[stream]), wanted);
    for second in 0..=stream.len() {
        for first in 0..=second {
            let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(commands(&pieces), wanted, "at {first} and {second}");
        }
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(commands(&bytes), wanted);
}

/// A reader that leaves every line for later once, wherever the stream is cut, gets the same.
#[test]
fn a_line_that_is_left_comes_again() {
    let stream =
        b"whole\ntorn\r\n\xFF\xFB\x01with \xFF\xF1telnet\r\0\r\r\nfar too long for it\n\nend";
    let decode = |pieces: &[&[u8]], leaves: bool| {
        let mut decoder = LineDecoder::new();
        let mut items = Vec::new();
        for mut rest in pieces.iter().copied() {
            let mut is_left = !leaves;
            while !rest.is_empty() {
                let used = decoder.feed_items(LIMIT, rest, |of| match of {
                    framing::Item::Frame(Frame::Line(_)) if !is_left => {
                        is_left = true;
                        ControlFlow::Break(Stop::Before)
                    }
                    framing::Item::Frame(frame) => {
                        items.push(item(frame));
                        is_left = !leaves;
                        ControlFlow::Break(Stop::After)
                    }
                    framing::Item::Command(_) => ControlFlow::Continue(()),
                });
                rest = &rest[used..];
            }
        }
        decoder.finish(LIMIT, |frame| items.push(item(frame)));
        items
    };
    let whole = decode(&[stream], false);
    assert_eq!(whole.len(), 7);
    for second in 0..=stream.len() {
        for first in 0..=second {
            let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(decode(&pieces, true), whole, "at {first} and {second}");
        }
    }
}

/// A reader that stops at a command goes on behind it.
#[test]
fn a_reader_may_stop_at_every_command() {
    let stream = [255, 241].repeat(100);
    let (mut decoder, mut at, mut stops) = (LineDecoder::new(), 0, 0);
    while at < stream.len() {
        at += decoder.feed_items(LIMIT, &stream[at..], |_| ControlFlow::Break(Stop::After));
        stops += 1;
    }
    assert_eq!(stops, 100);
}

//! Cases too fine for chance to find. That no cut changes anything, `tests/framing.rs` shows.

use super::*;

/// What the frames of one stream look like, the refusals as `<too long>`.
fn decode(max_line: usize, reads: &[&[u8]]) -> Vec<String> {
    let mut decoder = LineDecoder::new();
    let mut seen = feed_all(&mut decoder, max_line, reads);
    decoder.finish(max_line, |frame| seen.push(show(frame)));
    assert!(
        decoder.is_idle() && decoder.heap_size() == 0,
        "finish leaves something behind: {decoder:?}"
    );
    seen
}

fn feed_all(decoder: &mut LineDecoder, max_line: usize, reads: &[&[u8]]) -> Vec<String> {
    let mut seen = Vec::new();
    for bytes in reads {
        let consumed = decoder.feed(max_line, bytes, |frame| {
            seen.push(show(frame));
            ControlFlow::Continue(())
        });
        assert_eq!(consumed, bytes.len());
    }
    seen
}

fn show(frame: Frame<'_>) -> String {
    match frame {
        Frame::Line(line) => line.to_owned(),
        Frame::TooLong => "<too long>".to_owned(),
    }
}

#[test]
fn a_decoder_is_as_new_after_the_end() {
    for left in [&b"a"[..], b"\r", b"\xFF", b"\xFF\xFB", b"\xFF\xFA", b"aaaa"] {
        let mut decoder = LineDecoder::new();
        feed_all(&mut decoder, 3, &[left]);
        decoder.finish(3, |_| {});
        assert_eq!(feed_all(&mut decoder, 3, &[b"A\n"]), ["A"], "{left:?}");
    }
}

#[test]
fn telnet_commands_are_taken_out() {
    for command in [
        &[IAC, WILL, 1][..],
        &[IAC, DONT, IAC],
        &[IAC, WILL, LF],
        &[IAC, SE],
        &[IAC, 241],
        &[IAC, GO_AHEAD],
        &[IAC, SB, 24, 0, b'x', LF, IAC, SE],
        &[IAC, SB, IAC, IAC, SE, IAC, SE],
        &[IAC, SB, IAC, LF, IAC, WILL, IAC, SE],
    ] {
        let input = [b"a", command, b"b\r", command, b"\nc", command].concat();
        assert_eq!(decode(9, &[&input]), ["ab", "c"], "{command:?}");
    }
}

#[test]
fn a_stray_iac_eats_nothing() {
    assert_eq!(decode(9, &[b"a\xFF\nb"]), ["a\u{FFFD}", "b"]);
    assert_eq!(decode(9, &[b"\xFF\xFF\xFBx"]), ["\u{FFFD}\u{FFFD}x"]);
    assert_eq!(decode(9, &[b"\r\xFF\n"]), ["\r\u{FFFD}"]);
    // At the end of the stream it is no command either; a command torn by it is dropped.
    assert_eq!(decode(9, &[b"a\xFF"]), ["a\u{FFFD}"]);
    assert_eq!(decode(9, &[b"a\xFF\xFB"]), ["a"]);
    assert_eq!(decode(9, &[b"a\xFF\xFAbcd"]), ["a"]);
}

#[test]
fn a_subnegotiation_ends_somewhere() {
    let most = usize::from(MAX_SUBNEGOTIATION);
    let sub = |data: &[u8]| [&[IAC, SB], data, &[IAC, SE], b"b\n"].concat();
    assert_eq!(decode(9, &[&sub(&vec![b'x'; most])]), ["b"]);
    assert_eq!(decode(9, &[&sub(&vec![b'x'; most + 1])]), ["xb"]);
    // A pair counts once.
    assert_eq!(decode(9, &[&sub(&vec![IAC; 2 * most])]), ["b"]);
    assert_eq!(decode(9, &[&sub(&vec![IAC; 2 * most + 2])]), ["\u{FFFD}b"]);
    // The unit too many is `IAC LF`: a stray IAC, and a line end that still is one.
    let data = [&vec![b'x'; most][..], &[IAC, LF]].concat();
    assert_eq!(decode(9, &[&sub(&data)]), ["\u{FFFD}", "b"]);
}

#[test]
fn the_limit_counts_content() {
    // A CR before a line end is not content, nor is telnet; any other CR is.
    for fits in [
        &b"1234\r\n"[..],
        b"1234\r\0",
        b"1234\r",
        b"12\xFF\xFB\x0134\n",
    ] {
        assert_eq!(decode(4, &[fits]), ["1234"], "{fits:?}");
    }
    for exceeds in [
        &b"1234\r\r\n"[..],
        b"1234\r\xFF\n",
        b"1234\0\n",
        b"123\xFF\xFF4\r\0",
    ] {
        let seen = decode(4, &[exceeds, b"ok\n"]);
        assert_eq!(seen, ["<too long>", "ok"], "{exceeds:?}");
    }
    assert_eq!(decode(0, &[b"\n\r\na\n\n"]), ["", "", "<too long>", ""]);
}

#[test]
fn a_break_consumes_to_the_last_frame_exactly() {
    let input = b"a\r\nb\r\0\n12345\nc\rd\n";
    let mut decoder = LineDecoder::new();
    let mut at = 0;
    let mut seen = Vec::new();
    while at < input.len() {
        at += decoder.feed(4, &input[at..], |frame| {
            seen.push(show(frame));
            ControlFlow::Break(())
        });
        seen.push(at.to_string());
    }
    assert_eq!(seen.join(" "), "a 3 b 6  7 <too long> 12 c\rd 17");
}

#[test]
fn whole_lines_are_lent_from_the_input() {
    let input = "hej\r\nblåbær\n\na\0b\r\0\x1B[31m\n".as_bytes();
    let mut lines = 0;
    // "blåbær" has 8 bytes, so the longest line allowed is one of them.
    LineDecoder::new().feed(8, input, |frame| {
        let Frame::Line(line) = frame else {
            panic!("{frame:?}")
        };
        assert!(input.as_ptr_range().contains(&line.as_ptr()), "{line:?}");
        lines += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(lines, 5);
}

#[test]
fn a_lower_limit_holds_for_a_line_begun() {
    let mut decoder = LineDecoder::new();
    feed_all(&mut decoder, 9, &[b"123456"]);
    assert_eq!(feed_all(&mut decoder, 4, &[b"7"]), ["<too long>"]);
}

#[test]
fn a_torn_line_may_be_as_long_as_a_whole_one() {
    assert_eq!(decode(4, &[b"ab", b"cd", b"\n"]), ["abcd"]);
    assert_eq!(decode(4, &[b"ab", b"cde", b"\n"]), ["<too long>"]);
    assert_eq!(decode(4, &[b"abcd"]), ["abcd"]);
}

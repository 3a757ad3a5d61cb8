//! The state machine alone: no socket, no clock, any input.

use loopchat::http::web_socket::{Decoded, Protocol, ReadyState, Received, Role};
use proptest::collection::vec;
use proptest::prelude::*;

use super::client::frame;
use super::*;

const MAX: usize = 2000;

/// Everything that comes of pieces of input: the events, the answers, and the state at the end.
fn receive(pieces: &[&[u8]]) -> (Vec<Received>, Vec<u8>, ReadyState) {
    let mut protocol = Protocol::new(Role::Server, MAX);
    let (mut events, mut answers) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = protocol.receive(&mut input, &mut answers) {
            events.push(event);
        }
        assert!(input.is_empty(), "all of it is taken");
    }
    protocol.answer_close(&mut answers);
    (events, answers, protocol.state())
}

/// The same bytes cut at these places.
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(0);
    cuts.push(bytes.len());
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|ends| &bytes[ends[0]..ends[1]])
        .collect()
}

/// A frame that may break any rule.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        vec(any::<u8>(), 0..8),
        "\\PC{0,60}".prop_map(String::into_bytes),
        (0..1500usize).prop_map(|length| "\u{e9}".repeat(length / 2).into_bytes()),
        (990u16..1020).prop_map(|code| close_frame(code, "why").payload),
    ];
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x89, 0x8A]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    (first, payload).prop_map(|(first, payload)| frame(first, &payload))
}

/// A message, or a control frame.
#[derive(Clone, Debug)]
enum Said {
    Text(String, Vec<usize>),
    Binary(Vec<u8>, Vec<usize>),
    Ping(Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    let cuts = || vec(any::<usize>(), 0..4);
    prop_oneof![
        ("\\PC{0,50}", cuts()).prop_map(|(text, cuts)| Said::Text(text, cuts)),
        (vec(any::<u8>(), 0..300), cuts()).prop_map(|(bytes, cuts)| Said::Binary(bytes, cuts)),
        vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
    ]
}

/// A message in fragments, with a ping before each but the first.
fn fragments(opcode: u8, bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, usize) {
    let pieces = cut(bytes, cuts);
    let (mut frames, last) = (Vec::new(), pieces.len() - 1);
    for (index, piece) in pieces.iter().enumerate() {
        let fin = if index == last { FIN } else { 0 };
        let opcode = if index == 0 { opcode } else { CONTINUATION };
        if index > 0 {
            frames.extend(frame(FIN | PING, b"between"));
        }
        frames.extend(frame(fin | opcode, piece));
    }
    (frames, last)
}

proptest! {
    #[test]
    fn the_cuts_in_the_input_make_no_difference(
        frames in vec(any_frame(), 0..12),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        let bytes = frames.concat();
        let whole = receive(&[&bytes]);
        prop_assert_eq!(&receive(&cut(&bytes, &cuts)), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&receive(&single), &whole);
    }

    #[test]
    fn no_input_breaks_it(bytes in vec(any::<u8>(), 0..500), cuts in vec(any::<usize>(), 0..5)) {
        prop_assert_eq!(receive(&cut(&bytes, &cuts)), receive(&[&bytes]));
    }

    #[test]
    fn what_is_said_is_heard_in_order(
        said in vec(said(), 0..10),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        let (mut bytes, mut wanted, mut pongs) = (Vec::new(), Vec::new(), 0);
        for said in said {
            let (frames, decoded, pings) = match said {
                Said::Text(text, cuts) => {
                    let (frames, pings) = fragments(TEXT, text.as_bytes(), &cuts);
                    (frames, Decoded::Text(text), pings)
                }
                Said::Binary(payload, cuts) => {
                    let (frames, pings) = fragments(BINARY, &payload, &cuts);
                    (frames, Decoded::Binary(payload), pings)
                }
                Said::Ping(payload) => {
                    pongs += 2 + payload.len();
                    (frame(FIN | PING, &payload), Decoded::Ping(payload), 0)
                }
            };
            bytes.extend(frames);
            let between = Received::Frame(Decoded::Ping(b"between".to_vec()));
            wanted.extend(std::iter::repeat_n(between, pings));
            pongs += pings * (2 + b"between".len());
            wanted.push(Received::Frame(decoded));
        }
        let (events, answers, state) = receive(&cut(&bytes, &cuts));
        prop_assert_eq!(events, wanted);
        prop_assert_eq!(answers.len(), pongs);
        prop_assert_eq!(state, ReadyState::Open);
    }

    #[test]
    fn what_one_end_sends_the_other_receives(
        text in "\\PC{0,200}",
        binary in vec(any::<u8>(), 0..1000),
        server_sends in any::<bool>(),
    ) {
        let roles = [Role::Client, Role::Server];
        let [mut from, mut to] = if server_sends { [roles[1], roles[0]] } else { roles }
            .map(|role| Protocol::new(role, MAX));
        let (mut sent, mut answers) = (Vec::new(), Vec::new());
        prop_assert!(from.send_text(&text, &mut sent));
        prop_assert!(from.send_binary(&binary, &mut sent));
        prop_assert!(from.send_ping(b"ping", &mut sent));
        prop_assert!(from.close(4000, &text, &mut sent));
        prop_assert!(!from.send_text(&text, &mut sent), "after the close frame");
        let (mut input, mut events) = (sent.as_slice(), Vec::new());
        while let Some(event) = to.receive(&mut input, &mut answers) {
            events.push(event);
        }
        prop_assert_eq!(to.state(), ReadyState::Open, "until it is answered");
        prop_assert!(to.is_peer_done() && to.send_text("last", &mut answers));
        prop_assert!(to.answer_close(&mut answers));
        prop_assert!(!to.answer_close(&mut answers), "twice");
        let Some(Received::Frame(Decoded::Close(4000, reason))) = events.pop() else {
            return Err(TestCaseError::fail("no close"));
        };
        prop_assert!(text.starts_with(&reason) && reason.len() <= 123);
        prop_assert!(text.len() <= 123 || reason.len() >= 120);
        let wanted = [Decoded::Text(text), Decoded::Binary(binary), Decoded::Ping(b"ping".to_vec())];
        prop_assert_eq!(events, wanted.map(Received::Frame));
        // The pong is no event for one that is closing but it is one all the same; then its close
        // frame.
        let (mut input, mut events) = (answers.as_slice(), Vec::new());
        while let Some(event) = from.receive(&mut input, &mut sent) {
            events.push(event);
        }
        let wanted = [
            Decoded::Pong(b"ping".to_vec()),
            Decoded::Text("last".into()),
            Decoded::Close(4000, String::new()),
        ];
        prop_assert_eq!(events, wanted.map(Received::Frame));
        prop_assert_eq!(from.state(), ReadyState::Closed);
        prop_assert_eq!(to.state(), ReadyState::Closed);
    }
}

#[test]
fn a_header_that_promises_much_costs_nothing_yet() {
    let mut protocol = Protocol::new(Role::Server, usize::MAX);
    let header = b"\x82\xFF\x00\x00\x7F\xFF\xFF\xFF\xFF\xFF\0\0\0\0data";
    let mut answers = Vec::new();
    assert_eq!(protocol.receive(&mut &header[..], &mut answers), None);
    assert_eq!(protocol.state(), ReadyState::Open);
}

#[test]
fn what_may_not_be_sent_in_a_close_frame_is_left_out() {
    for code in [1005, 1006, 0, 999, 1015, 5000] {
        let mut sent = Vec::new();
        let mut protocol = Protocol::new(Role::Server, MAX);
        assert!(protocol.close(code, "reason", &mut sent));
        assert_eq!(sent, b"\x88\x00");
    }
}

#[test]
fn a_client_takes_no_masked_frame() {
    let mut client = Protocol::new(Role::Client, MAX);
    let masked = frame(FIN | TEXT, b"x");
    let mut answers = Vec::new();
    let event = client.receive(&mut masked.as_slice(), &mut answers);
    let Some(Received::Failed(error)) = event else {
        panic!("it was taken: {event:?}");
    };
    assert_eq!(error.code(), 1002);
}

#[test]
fn a_ping_and_a_pong_may_have_125_bytes() {
    for length in [0, 1, 124, 125, 126, 1000] {
        let mut server = Protocol::new(Role::Server, 1000);
        let payload = vec![b'p'; length];
        let (mut ping, mut pong) = (Vec::new(), Vec::new());
        assert_eq!(server.send_ping(&payload, &mut ping), length <= 125);
        assert_eq!(server.send_pong(&payload, &mut pong), length <= 125);
        for sent in [ping, pong] {
            assert_eq!(sent.len(), if length <= 125 { 2 + length } else { 0 });
        }
    }
}

/// Whether it comes as one frame or as several, a message may be as long as was allowed, and no
/// longer.
#[test]
fn a_message_may_be_as_long_as_was_said() {
    for most in [0, 1, 125, 126, 1000] {
        for pieces in 1..=3 {
            for length in [most, most + 1] {
                let mut client = Vec::new();
                for piece in 0..pieces {
                    let first = if piece == 0 { 2 } else { 0 }; // binary, then what continues it
                    let last = piece + 1 == pieces;
                    let from = length * piece / pieces;
                    let count = length * (piece + 1) / pieces - from;
                    let first = if last { 0x80 | first } else { first };
                    client.extend(super::client::frame(first, &vec![b'm'; count]));
                }
                let mut server = Protocol::new(Role::Server, most);
                let received = server.receive(&mut &client[..], &mut Vec::new());
                let fits = matches!(
                    received,
                    Some(Received::Frame(Decoded::Binary(bytes))) if bytes.len() == length
                );
                assert_eq!(fits, length == most, "{length} of {most} in {pieces}");
            }
        }
    }
}

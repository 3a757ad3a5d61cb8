//! WebSocket frames, as a server and as a client reads them.

use loopchat::http::web_socket::{Decoded, Protocol, ReadyState, Received, Role};

use super::cuts::Cuts;

/// Small, so that the fuzzer meets it.
const MAX_MESSAGE: usize = 300;

/// However the input is cut, events and answers are the same; every message is within its limit,
/// nothing comes after the end, and the other end understands the answers.
pub fn check(data: &[u8]) {
    let Some(cuts) = Cuts::of(data) else { return };
    let (role, other) = match cuts.flags & 1 {
        0 => (Role::Server, Role::Client),
        _ => (Role::Client, Role::Server),
    };
    let (events, sent) = receive(role, &[cuts.input]);
    // A client's answers are under a mask that is new each time: compared is what they say.
    let (answers, _) = receive(other, &[&sent]);
    let (events_of_pieces, sent) = receive(role, &cuts.pieces());
    assert_eq!(events_of_pieces, events);
    assert_eq!(receive(other, &[&sent]).0, answers);

    let mut wanted = Vec::new();
    for event in events {
        match event {
            Received::Frame(Decoded::Ping(payload)) => wanted.push(Decoded::Pong(payload)),
            Received::Frame(Decoded::Close(code, _)) => {
                wanted.push(Decoded::Close(code, String::new()));
            }
            Received::Failed(error) => wanted.push(Decoded::Close(error.code(), String::new())),
            Received::Frame(_) => {}
        }
    }
    let wanted: Vec<_> = wanted.into_iter().map(Received::Frame).collect();
    assert_eq!(answers, wanted);
}

/// What comes, and the bytes that are sent for it.
fn receive(role: Role, pieces: &[&[u8]]) -> (Vec<Received>, Vec<u8>) {
    let mut protocol = Protocol::new(role, MAX_MESSAGE);
    let (mut events, mut answer) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = protocol.receive(&mut input, &mut answer) {
            let (length, most) = match &event {
                Received::Frame(Decoded::Text(text)) => (text.len(), MAX_MESSAGE),
                Received::Frame(Decoded::Binary(bytes)) => (bytes.len(), MAX_MESSAGE),
                Received::Frame(Decoded::Ping(bytes) | Decoded::Pong(bytes)) => (bytes.len(), 125),
                Received::Frame(Decoded::Close(_, reason)) => (reason.len(), 123),
                Received::Failed(_) => (0, 0),
            };
            assert!(length <= most, "{length} bytes");
            events.push(event);
        }
        assert!(input.is_empty(), "something is left");
    }
    let over = |event: &Received| {
        matches!(
            event,
            Received::Failed(_) | Received::Frame(Decoded::Close(..))
        )
    };
    let ends = events.iter().position(over);
    assert!(
        ends.is_none_or(|at| at + 1 == events.len()),
        "more after the end"
    );
    assert_eq!(ends.is_some(), protocol.is_peer_done());
    assert_eq!(protocol.answer_close(&mut answer), ends.is_some());
    assert!(!protocol.answer_close(&mut answer), "twice");
    assert_eq!(ends.is_some(), protocol.state() == ReadyState::Closed);
    (events, answer)
}

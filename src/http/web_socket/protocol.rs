//! One end of a WebSocket as a state machine: bytes in, events and bytes to send out.
//!
//! [`Protocol`] knows no socket and no clock. Whatever the cuts in its input, the same bytes give
//! the same events and the same answers.
//!
//! | state | a message is | a ping is | the peer's close frame |
//! | --- | --- | --- | --- |
//! | open | told | told and answered | is told: answering |
//! | closing: our close frame is sent | told | told, not answered | is told: closed |
//! | answering: the peer's close frame came, ours is still to be sent | ignored | ignored | ignored |
//! | closed | ignored | ignored | ignored |
//!
//! What breaks the protocol is told, and is an end as the peer's close frame is. The answer to it
//! is asked for ([`answer_close`](Protocol::answer_close)), so that what came before it can be
//! answered first.

use super::close::MAX_CONTROL;
use super::decoder::{Decoded, Decoder};
use super::frame::{self, Kind};
use super::{Error, Role, close};

/// How far a WebSocket is (`readyState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyState {
    /// Messages go both ways; or the peer's close frame came, and until it is answered, in the
    /// check phase of the same turn, messages can still be sent.
    Open,
    /// Our close frame is sent, or will be with what is queued; the peer's has not come.
    Closing,
    /// Both close frames are sent, or the stream has ended.
    Closed,
}

/// As [`ReadyState`], and whether an answer is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    /// The peer sends nothing more that counts. Our close frame will have this code.
    Answering(u16),
    Closed,
}

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message, a ping (answered, if it is to be), a pong, or the peer's close frame.
    Frame(Decoded),
    /// The protocol was broken.
    Failed(Error),
}

/// One end of a WebSocket.
///
/// ```
/// use loopchat::http::web_socket::{Decoded, Protocol, Received, Role};
///
/// let mut client = Protocol::new(Role::Client, 1024);
/// let mut server = Protocol::new(Role::Server, 1024);
/// let (mut upstream, mut downstream) = (Vec::new(), Vec::new());
/// client.send_text("hello", &mut upstream);
/// client.send_ping(b"?", &mut upstream);
/// client.close(1000, "", &mut upstream);
///
/// let mut received = Vec::new();
/// let mut input = upstream.as_slice();
/// while let Some(event) = server.receive(&mut input, &mut downstream) {
///     received.push(event);
/// }
/// let wanted = [
///     Decoded::Text("hello".into()),
///     Decoded::Ping(b"?".into()),
///     Decoded::Close(1000, String::new()),
/// ];
/// assert_eq!(received, wanted.map(Received::Frame));
/// server.answer_close(&mut downstream);
/// // The pong, and the close frame's answer.
/// assert_eq!(downstream, b"\x8A\x01?\x88\x02\x03\xE8");
/// ```
#[derive(Debug)]
pub struct Protocol {
    role: Role,
    state: State,
    decoder: Decoder,
}

impl Protocol {
    /// An open WebSocket that takes messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(role: Role, max_message: usize) -> Self {
        Self {
            role,
            state: State::Open,
            decoder: Decoder::new(role, max_message),
        }
    }

    /// Which end it is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// How many frames have begun so far, of all kinds; it may come round.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.decoder.frames()
    }

    /// Bytes of memory that it holds for what is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        self.decoder.held()
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> ReadyState {
        match self.state {
            State::Open | State::Answering(_) => ReadyState::Open,
            State::Closing => ReadyState::Closing,
            State::Closed => ReadyState::Closed,
        }
    }

    /// Whether the peer is done: its close frame came, it broke the protocol, or the stream has
    /// ended. Nothing that it sends is told any more.
    #[must_use]
    pub fn is_peer_done(&self) -> bool {
        matches!(self.state, State::Answering(_) | State::Closed)
    }

    /// Takes input up to the next event, and appends the answer that it wants. `None` once all
    /// input is taken; when the [peer is done](Self::is_peer_done), whatever comes is.
    pub fn receive(&mut self, input: &mut &[u8], answer: &mut Vec<u8>) -> Option<Received> {
        if self.is_peer_done() {
            *input = &[];
            return None;
        }
        let decoded = match self.decoder.decode(input) {
            Ok(decoded) => decoded?,
            Err(error) => {
                self.peer_is_done(error.code());
                return Some(Received::Failed(error));
            }
        };
        match &decoded {
            Decoded::Ping(payload) if self.state == State::Open => {
                frame::append(Kind::Pong, payload, self.role, answer);
            }
            &Decoded::Close(code, _) => self.peer_is_done(code),
            _ => {}
        }
        Some(Received::Frame(decoded))
    }

    fn peer_is_done(&mut self, code: u16) {
        self.state = match self.state {
            State::Open => State::Answering(code),
            _ => State::Closed,
        };
    }

    /// Appends the close frame that the peer's wants as its answer, or that tells the peer how it
    /// broke the protocol. False, and nothing, unless one is owed.
    pub fn answer_close(&mut self, to: &mut Vec<u8>) -> bool {
        match self.state {
            State::Answering(owed) => self.close(owed, "", to),
            _ => false,
        }
    }

    /// The peer's stream has ended: nothing more comes, and nothing can be sent.
    pub fn end(&mut self) {
        self.state = State::Closed;
    }

    /// Appends a text message. False, and nothing, unless it is open.
    pub fn send_text(&mut self, text: &str, to: &mut Vec<u8>) -> bool {
        self.send(Kind::Text, text.as_bytes(), to)
    }

    /// Appends a binary message. False, and nothing, unless it is open.
    pub fn send_binary(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> bool {
        self.send(Kind::Binary, bytes, to)
    }

    /// Appends a ping. False, and nothing, unless it is open and the payload has at most 125 bytes.
    pub fn send_ping(&mut self, payload: &[u8], to: &mut Vec<u8>) -> bool {
        payload.len() <= MAX_CONTROL && self.send(Kind::Ping, payload, to)
    }

    /// Appends a pong nobody has asked for. False, and nothing, unless it is open and the payload
    /// has at most 125 bytes.
    pub fn send_pong(&mut self, payload: &[u8], to: &mut Vec<u8>) -> bool {
        payload.len() <= MAX_CONTROL && self.send(Kind::Pong, payload, to)
    }

    fn send(&mut self, kind: Kind, payload: &[u8], to: &mut Vec<u8>) -> bool {
        let open = self.state() == ReadyState::Open;
        if open {
            frame::append(kind, payload, self.role, to);
        }
        open
    }

    /// Appends a close frame, the last frame of this end. False, and nothing, unless it is open. If
    /// one is owed ([`answer_close`](Self::answer_close)), it is that one.
    ///
    /// A `code` that may not be sent ([`is_valid_close_code`](close::is_valid_close_code)) is left
    /// out, and the reason with it; a reason of more than [`MAX_REASON`](close::MAX_REASON) bytes
    /// is cut between two characters.
    pub fn close(&mut self, code: u16, reason: &str, to: &mut Vec<u8>) -> bool {
        let (code, reason, next) = match self.state {
            State::Answering(owed) => (owed, "", State::Closed),
            _ => (code, reason, State::Closing),
        };
        let open = self.send(Kind::Close, &close::payload(code, reason), to);
        if open {
            self.state = next;
        }
        open
    }
}

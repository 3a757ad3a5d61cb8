//! One end of a WebSocket as a state machine: bytes in, events and bytes to send out.
//!
//! [`Protocol`] knows no socket and no clock. Whatever the cuts in its input, the same bytes give
//! the same events and the same answers.
//!
//! | state | a message is | a ping is | the peer's close frame |
//! | --- | --- | --- | --- |
//! | open | told | told and answered | is told and answered: closed |
//! | closing: our close frame is sent | told | told, not answered | is told: closed |
//! | closed | ignored | ignored | ignored |
//!
//! What breaks the protocol is told, and answered with a close frame if none was sent: closed.

use super::close::MAX_CONTROL;
use super::decoder::{Decoded, Decoder};
use super::frame::{self, Kind};
use super::{Error, Role, close};

/// How far a WebSocket is (`readyState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyState {
    /// Messages go both ways.
    Open,
    /// Our close frame is sent, or will be with what is queued; the peer's has not come.
    Closing,
    /// The peer's close frame came, the protocol was broken, or the stream has ended.
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
/// // The pong, and the close frame's answer.
/// assert_eq!(downstream, b"\x8A\x01?\x88\x02\x03\xE8");
/// ```
#[derive(Debug)]
pub struct Protocol {
    role: Role,
    state: ReadyState,
    decoder: Decoder,
}

impl Protocol {
    /// An open WebSocket that takes messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(role: Role, max_message: usize) -> Self {
        Self {
            role,
            state: ReadyState::Open,
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
        self.state
    }

    /// Takes input up to the next event, and appends the answer that it wants. `None` once all
    /// input is taken; when it is [closed](ReadyState::Closed), whatever comes is.
    pub fn receive(&mut self, input: &mut &[u8], answer: &mut Vec<u8>) -> Option<Received> {
        if self.state == ReadyState::Closed {
            *input = &[];
            return None;
        }
        let decoded = match self.decoder.decode(input) {
            Ok(decoded) => decoded?,
            Err(error) => {
                self.close(error.code(), "", answer);
                self.state = ReadyState::Closed;
                return Some(Received::Failed(error));
            }
        };
        match &decoded {
            Decoded::Ping(payload) if self.state == ReadyState::Open => {
                frame::append(Kind::Pong, payload, self.role, answer);
            }
            &Decoded::Close(code, _) => {
                self.close(code, "", answer);
                self.state = ReadyState::Closed;
            }
            _ => {}
        }
        Some(Received::Frame(decoded))
    }

    /// The peer's stream has ended: nothing more comes, and nothing can be sent.
    pub fn end(&mut self) {
        self.state = ReadyState::Closed;
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
        let open = self.state == ReadyState::Open;
        if open {
            frame::append(kind, payload, self.role, to);
        }
        open
    }

    /// Appends a close frame, the last frame of this end. False, and nothing, unless it is open.
    ///
    /// A `code` that may not be sent ([`is_valid_close_code`](close::is_valid_close_code)) is left
    /// out, and the reason with it; a reason of more than [`MAX_REASON`](close::MAX_REASON) bytes
    /// is cut between two characters.
    pub fn close(&mut self, code: u16, reason: &str, to: &mut Vec<u8>) -> bool {
        let payload = close::payload(code, reason);
        let open = self.send(Kind::Close, &payload, to);
        if open {
            self.state = ReadyState::Closing;
        }
        open
    }
}

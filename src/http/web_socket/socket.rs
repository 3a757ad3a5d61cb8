//! WebSockets: one end of one, and what can be done with it.

use std::rc::Rc;

use super::connection::{self, Connection};
use super::frame::{self, Kind};
use super::{Endpoint, Handshake, ReadyState, Refusal, Role, WebSocket, code};
use crate::event_loop::{CallbackResult, CallbackSite};
use crate::http::Head;
use crate::http::server;
use crate::net::{Context, Socket};

/// Makes the connection of an HTTP server's `upgrade` event a WebSocket, or refuses the request if
/// it is not in order: [`Handshake::from_head`], then [`Handshake::accept`] or [`Refusal::send`].
/// Whoever wants to look at the origin or the subprotocols in between calls these.
///
/// # Errors
///
/// Why the request was refused; the answer is on its way.
pub fn accept<S: 'static>(
    cx: &mut Context<S>,
    endpoint: Endpoint,
    request: &Head,
    socket: Socket,
    head: &[u8],
) -> Result<WebSocket, Refusal> {
    match Handshake::from_head(request) {
        Ok(handshake) => Ok(handshake.accept(cx, endpoint, socket, head)),
        Err(refusal) => {
            refusal.send(cx, socket);
            Err(refusal)
        }
    }
}

impl Handshake {
    /// Makes the request's connection a WebSocket (`wss.handleUpgrade`): answers, and takes the
    /// socket over from whoever listened to it. `head` is what has come behind the request.
    ///
    /// Its events come from the next tick on.
    pub fn accept<S: 'static>(
        &self,
        cx: &mut Context<S>,
        endpoint: Endpoint,
        socket: Socket,
        head: &[u8],
    ) -> WebSocket {
        let web_socket = connection::open(cx, endpoint, Role::Server, socket, head);
        socket.write(cx, self.response());
        // HTTP may have left more to be sent than is good: that it is sent is told here then.
        let need_drain = socket.writable_need_drain(cx);
        if let Some(connection) = web_socket.connection_mut(cx) {
            connection.need_drain = need_drain;
        }
        web_socket
    }
}

impl Refusal {
    /// Answers the request, and ends the connection. Whoever listened to the socket hears no more
    /// of it.
    pub fn send<S: 'static>(&self, cx: &mut Context<S>, socket: Socket) {
        server::end_with(cx, socket, self.response());
    }
}

/// Appends a text message as a server sends it: for many to one piece, or for one piece of several.
pub fn append_text(text: &str, to: &mut Vec<u8>) {
    frame::append(Kind::Text, text.as_bytes(), Role::Server, to);
}

/// Appends a binary message as a server sends it.
pub fn append_binary(bytes: &[u8], to: &mut Vec<u8>) {
    frame::append(Kind::Binary, bytes, Role::Server, to);
}

/// Encodes a text message once, for [`WebSocket::send_encoded`] to any number of WebSockets.
#[must_use]
pub fn encode_text(text: &str) -> Rc<Vec<u8>> {
    let mut encoded = Vec::new();
    append_text(text, &mut encoded);
    Rc::new(encoded)
}

/// Encodes a binary message once, for [`WebSocket::send_encoded`] to any number of WebSockets.
#[must_use]
pub fn encode_binary(bytes: &[u8]) -> Rc<Vec<u8>> {
    let mut encoded = Vec::new();
    append_binary(bytes, &mut encoded);
    Rc::new(encoded)
}

impl WebSocket {
    /// The WebSocket that a connection has become. If it is none, everything done with it is a
    /// no-op.
    #[must_use]
    pub fn of(socket: Socket) -> Self {
        Self(socket)
    }

    /// The socket under it: for its addresses, and to hang data on. To read from it or write to it
    /// breaks the protocol.
    #[must_use]
    pub fn socket(self) -> Socket {
        self.0
    }

    /// A callback of this WebSocket has returned: with an error it is closed, since the program
    /// has not done what it wanted with it.
    pub(super) fn check<S: 'static>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        if let Some(_logged) = site.check(format_args!("'{event}' of a WebSocket"), returned) {
            self.close(cx, code::INTERNAL_ERROR, "internal error");
        }
    }

    pub(super) fn connection<S: 'static>(self, cx: &Context<S>) -> Option<&Connection> {
        self.0.data(cx)
    }

    pub(super) fn connection_mut<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Connection> {
        self.0.data_mut(cx)
    }

    /// Sends a text message. False if so much is queued that one should wait for
    /// [`Event::Drain`](super::Event::Drain), or if it is not open: then nothing is sent.
    pub fn send_text<S: 'static>(self, cx: &mut Context<S>, text: &str) -> bool {
        let mut frame = Vec::new();
        let Some(connection) = self.connection_mut(cx) else {
            return false;
        };
        connection.protocol.send_text(text, &mut frame) && self.write(cx, frame)
    }

    /// Sends a binary message; as [`send_text`](Self::send_text).
    pub fn send_binary<S: 'static>(self, cx: &mut Context<S>, bytes: &[u8]) -> bool {
        let mut frame = Vec::new();
        let Some(connection) = self.connection_mut(cx) else {
            return false;
        };
        connection.protocol.send_binary(bytes, &mut frame) && self.write(cx, frame)
    }

    /// Sends what [`encode_text`], [`encode_binary`] or several [`append_text`] have made: bytes
    /// that go to many, encoded once and never copied. As [`send_text`](Self::send_text). A
    /// client's end has to mask them, so there each is encoded anew.
    pub fn send_encoded<S: 'static>(self, cx: &mut Context<S>, frames: &Rc<Vec<u8>>) -> bool {
        let Some(connection) = self.connection(cx) else {
            return false;
        };
        if connection.protocol.state() != ReadyState::Open {
            return false;
        }
        match connection.protocol.role() {
            Role::Server => self.write_shared(cx, frames),
            Role::Client => {
                frame::masked(frames).is_some_and(|masked| self.write_shared(cx, &Rc::new(masked)))
            }
        }
    }

    /// Sends a ping; the peer's pong has the same payload. As [`send_text`](Self::send_text), and
    /// false if the payload has more than 125 bytes: then nothing is sent.
    pub fn ping<S: 'static>(self, cx: &mut Context<S>, payload: &[u8]) -> bool {
        let mut frame = Vec::new();
        let Some(connection) = self.connection_mut(cx) else {
            return false;
        };
        connection.protocol.send_ping(payload, &mut frame) && self.write(cx, frame)
    }

    /// Sends a pong that no ping has asked for; as [`ping`](Self::ping).
    pub fn pong<S: 'static>(self, cx: &mut Context<S>, payload: &[u8]) -> bool {
        let mut frame = Vec::new();
        let Some(connection) = self.connection_mut(cx) else {
            return false;
        };
        connection.protocol.send_pong(payload, &mut frame) && self.write(cx, frame)
    }

    /// Sends a close frame, after what is queued, and nothing more. What the peer sends is still
    /// told, even if it was paused, until its close frame comes; then the connection ends, or
    /// [some time](super::Options::close_timeout) later at the latest, and
    /// [`Event::Close`](super::Event::Close) follows. A no-op unless it is open; once the peer's
    /// close frame has come, it is answered as it would be anyway.
    ///
    /// A `code` that may not be sent ([`is_valid_close_code`](super::is_valid_close_code)) is left
    /// out, and the reason with it; a reason of more than [`MAX_REASON`](super::MAX_REASON) bytes
    /// is cut between two characters.
    pub fn close<S: 'static>(self, cx: &mut Context<S>, code: u16, reason: &str) {
        let mut frame = Vec::new();
        let Some(connection) = self.connection_mut(cx) else {
            return;
        };
        if connection.protocol.close(code, reason, &mut frame) {
            self.write(cx, frame);
            connection::resume(cx, self);
            connection::await_end(cx, self);
        }
    }

    /// Cuts the connection off at once; what is queued is lost.
    /// [`Event::Close`](super::Event::Close) follows, with 1006 unless the peer's close frame had
    /// come.
    pub fn terminate<S: 'static>(self, cx: &mut Context<S>) {
        self.0.destroy(cx);
    }

    /// Hands out no more events of the peer's until `resume`; the kernel's buffer fills and the
    /// peer has to wait. For who cannot keep up: pause when a send returns false, resume on
    /// [`Event::Drain`](super::Event::Drain). A no-op unless it is open: the peer's close frame is
    /// waited for.
    pub fn pause<S: 'static>(self, cx: &mut Context<S>) {
        if let Some(connection) = self.connection_mut(cx)
            && connection.protocol.state() == ReadyState::Open
            && !connection.protocol.is_peer_done()
        {
            connection.paused = true;
            self.0.pause(cx);
        }
    }

    /// Hands out events again, from the next tick on.
    pub fn resume<S: 'static>(self, cx: &mut Context<S>) {
        connection::resume(cx, self);
    }

    /// Whether it is paused (`isPaused`).
    #[must_use]
    pub fn is_paused<S: 'static>(self, cx: &Context<S>) -> bool {
        self.connection(cx)
            .is_some_and(|connection| connection.paused)
    }

    /// Bytes that are queued, frames' headers included (`bufferedAmount`).
    #[must_use]
    pub fn buffered_amount<S: 'static>(self, cx: &Context<S>) -> usize {
        self.0.buffered(cx)
    }

    /// How far it is (`readyState`).
    #[must_use]
    pub fn ready_state<S: 'static>(self, cx: &Context<S>) -> ReadyState {
        match self.connection(cx) {
            Some(connection) if !self.0.destroyed(cx) => connection.protocol.state(),
            _ => ReadyState::Closed,
        }
    }

    fn write<S: 'static>(self, cx: &mut Context<S>, frame: Vec<u8>) -> bool {
        // Shared, so that what the kernel does not take at once is kept and not copied.
        self.write_shared(cx, &Rc::new(frame))
    }

    fn write_shared<S: 'static>(self, cx: &mut Context<S>, frames: &Rc<Vec<u8>>) -> bool {
        let fine = self.0.write_shared(cx, frames);
        if !fine && let Some(connection) = self.connection_mut(cx) {
            connection.need_drain = true;
        }
        fine
    }
}

//! What can happen to a WebSocket, and what it keeps to.

use std::time::Duration;

use super::Error;
use crate::event_loop::listeners::event_kinds;
use crate::net::Socket;

/// One end of a WebSocket (`WebSocket` of Node's `ws`): a small id; everything goes through the
/// context.
///
/// It is good until its [`Event::Close`](super::Event::Close); done with a stale one, everything
/// is a no-op. What it does comes to the listeners of its [`Endpoint`](super::Endpoint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebSocket(pub(super) Socket);

/// What the WebSockets of an endpoint keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) max_message: usize,
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) max_after_close: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 1024 * 1024,
            ping_interval: Duration::ZERO,
            ping_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
            max_after_close: usize::MAX,
        }
    }
}

impl Options {
    /// The defaults: messages of up to 1 MiB, no pings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest message that is taken, in bytes; a larger one fails the connection with 1009.
    /// 1 MiB. A connection holds at most twice as much while a message comes in pieces.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Who was silent for so long is sent a ping; zero, the default, for never. It may be up to
    /// twice as long, since silence is looked for once in this time.
    #[must_use]
    pub fn ping_interval(mut self, silence: Duration) -> Self {
        self.ping_interval = silence;
        self
    }

    /// Who stays silent for so long after the ping is closed, with 1006. 10 s.
    #[must_use]
    pub fn ping_timeout(mut self, silence: Duration) -> Self {
        self.ping_timeout = silence;
        self
    }

    /// How long the connection may take to end, from our close frame, or the peer's; then it is cut
    /// off. 30 s.
    #[must_use]
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// Bytes that are still read and told behind our close frame, in wait for the peer's. Beyond
    /// them the peer has to wait until it is cut off. All of them, unless this says otherwise.
    #[must_use]
    pub fn max_after_close(mut self, bytes: usize) -> Self {
        self.max_after_close = bytes;
        self
    }
}

/// A message, as a listener is lent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// What can happen to a WebSocket. Emitted by the loop, never from within a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole message came. Not while paused; still after `close`, until the peer's close frame.
    Message(Message<'a>),
    /// A ping came, and has been answered unless `close` was called before.
    Ping(&'a [u8]),
    /// A pong came.
    Pong(&'a [u8]),
    /// After a send that returned false, or when answers to pings could not be sent at once: all
    /// is sent, send on.
    Drain,
    /// The peer broke the protocol. It is told why, nothing more is read, and
    /// [`Close`](Self::Close) follows. An error of the socket's is no such error: there, as in
    /// Node's `ws`, only the close follows.
    Error(&'a Error),
    /// The connection is closed, in the closing phase, once; nothing follows. The code and the
    /// reason are those of the peer's close frame: 1005 if it had none, 1006 if there was no such
    /// frame.
    Close(u16, &'a str),
}

event_kinds! { EventKind of Event:
    Message "message",
    Ping "ping",
    Pong "pong",
    Drain "drain",
    Error "error",
    Close "close",
}

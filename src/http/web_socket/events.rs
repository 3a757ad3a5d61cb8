//! What can happen to a WebSocket, and what it keeps to.

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
    /// The largest message that is taken, in bytes; a larger one fails the connection with 1009.
    /// 1 MiB. A connection holds at most twice as much while a message comes in pieces.
    pub max_message: usize,
    /// Who was silent for so many milliseconds is sent a ping; 0, the default, for never. It may be
    /// up to twice as long, since silence is looked for once in this time.
    pub ping_interval_ms: u32,
    /// Who stays silent for so many milliseconds after the ping is closed, with 1006. 10 s.
    pub ping_timeout_ms: u32,
    /// From our close frame, or the peer's, the connection may take so many milliseconds to end;
    /// then it is cut off. 30 s.
    pub close_timeout_ms: u32,
    /// Bytes that are still read and told behind our close frame, in wait for the peer's. Beyond
    /// them the peer has to wait until it is cut off. All of them, unless this says otherwise.
    pub max_after_close: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 1024 * 1024,
            ping_interval_ms: 0,
            ping_timeout_ms: 10_000,
            close_timeout_ms: 30_000,
            max_after_close: usize::MAX,
        }
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

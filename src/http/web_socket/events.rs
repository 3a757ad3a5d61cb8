//! What can happen to a WebSocket.

use super::Error;
use crate::event_loop::listeners::event_kinds;

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

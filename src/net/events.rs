//! What can happen to sockets and servers.

use std::net::{IpAddr, SocketAddr};

use super::{Context, Error, Server, Socket};
use crate::event_loop::listeners::{self, event_kinds};

/// What can happen to a socket. Emitted by the loop, never from within a call.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A host name was looked up; once for each address found. Not for IP addresses and paths.
    Lookup {
        /// One address, or why there is none.
        found: Result<IpAddr, &'a Error>,
        /// The name.
        host: &'a str,
    },
    /// An IP address is about to be tried.
    ConnectionAttempt(&'a SocketAddr),
    /// An IP address could not be connected to. Others may follow.
    ConnectionAttemptFailed(&'a SocketAddr, &'a Error),
    /// One of several addresses took too long, and the next is tried.
    ConnectionAttemptTimeout(&'a SocketAddr),
    /// The connection is established. Only on sockets that were made to connect.
    Connect,
    /// After [`Connect`](Self::Connect), when what had been written before was handed on.
    Ready,
    /// Its [layer](super::Layer) has opened, at either end: the handshake is done. Whether the peer
    /// is whom one wants to talk to is told by what follows, if that is
    /// [`SecureConnect`](Self::SecureConnect) or [`ServerEvent::SecureConnection`].
    Secure,
    /// The same, once the other end has shown who it is. Only on sockets whose end began to talk
    /// (`tls.connect`), and not if it is not to be trusted: then [`Error`](Self::Error) comes.
    SecureConnect,
    /// Bytes came, at most 64 KiB of them in one turn. What was given back with `unshift` comes in
    /// the next turn, in the pieces in which it was given. Never after [`End`](Self::End), and
    /// never while paused.
    Data(&'a [u8]),
    /// There is something to be [read](Socket::read), or the peer will send no more. Only if
    /// somebody listens to this event by its name, and then no data flows. As a tick: told again
    /// when more comes.
    Readable,
    /// The peer will send no more and everything it sent has been handed out. Not after a
    /// `destroy`. Unless `allow_half_open` is set, the socket ends itself in the tick after.
    End,
    /// Everything written before `end` was handed to the kernel, and the peer told so.
    Finish,
    /// After a `write` that returned false: all is sent, write on. Not after `end`.
    Drain,
    /// Nothing was read or written for the time set with `set_timeout`. Closes nothing.
    Timeout,
    /// What broke the connection; [`Close`](Self::Close) follows. A write that fails takes nothing
    /// from what the peer had sent before: that comes first, its [`End`](Self::End) included. Only
    /// on a socket that is paused the error comes at once, and the rest when it is resumed, unless
    /// it is destroyed.
    Error(&'a Error),
    /// The socket is closed, in the closing phase, once; true if an error did it. Nothing follows.
    Close(bool),
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug)]
pub enum ServerEvent<'a> {
    /// It listens now; a tick after `listen`.
    Listening,
    /// A connection was accepted. Its data never comes within the same callback.
    Connection(Socket),
    /// A connection was accepted and closed at once, since there were `max_connections`. Both ends
    /// of it; `None` for IPC.
    Drop(Option<&'a Dropped>),
    /// The handshake with a connection that was accepted is done. It is the first that those
    /// who want no more than to talk to it hear of it.
    SecureConnection(Socket),
    /// The handshake with a connection failed, or was not done in time. It is destroyed behind this
    /// event, unless a listener [takes it over](Socket::remove_layer).
    TlsClientError(&'a Error, Socket),
    /// It could not listen, a tick after `listen`. No [`Close`](Self::Close) follows.
    Error(&'a Error),
    /// After `close`, once the last connection is gone too.
    Close,
}

/// The ends of a connection that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The server's end.
    pub local: SocketAddr,
    /// The client's.
    pub remote: SocketAddr,
}

event_kinds! { EventKind of Event:
    Lookup "lookup",
    ConnectionAttempt "connectionAttempt",
    ConnectionAttemptFailed "connectionAttemptFailed",
    ConnectionAttemptTimeout "connectionAttemptTimeout",
    Connect "connect",
    Ready "ready",
    Secure "secure",
    SecureConnect "secureConnect",
    Data "data",
    Readable "readable",
    End "end",
    Finish "finish",
    Drain "drain",
    Timeout "timeout",
    Error "error",
    Close "close",
}

event_kinds! { ServerEventKind of ServerEvent:
    Listening "listening",
    Connection "connection",
    Drop "drop",
    SecureConnection "secureConnection",
    TlsClientError "tlsClientError",
    Error "error",
    Close "close",
}

impl Event<'_> {
    /// Bytes that it brings.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

/// A listener of a socket's events.
pub(super) type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, Socket, Event<'_>);
/// A listener of a server's events.
pub(super) type ServerCallback<S> = dyn FnMut(&mut S, &mut Context<S>, Server, ServerEvent<'_>);

/// Who listens to a socket, or to all that a server accepts.
pub(super) type Listeners<S> = listeners::Listeners<EventKind, Callback<S>>;
/// Who listens to a server.
pub(super) type ServerListeners<S> = listeners::Listeners<ServerEventKind, ServerCallback<S>>;

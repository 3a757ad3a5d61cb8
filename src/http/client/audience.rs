//! Who is told of a request.

use super::ids::ClientRequest;
use crate::Context;
use crate::event_loop::listeners::{self, event_kinds};
use crate::http::incoming::IncomingMessage;
use crate::http::message::Head;
use crate::net::{Error, Socket};

/// What can happen to a request.
#[derive(Clone, Copy, Debug)]
pub enum RequestEvent<'a> {
    /// It has a connection, which may not stand yet; a tick later at the earliest.
    Socket(Socket),
    /// The server asks to go on (`Expect: 100-continue`).
    Continue,
    /// The server has said something in advance, with a status from 100 to 199 except 101.
    Information(&'a Head),
    /// The head of the response has come. If nobody listens to it, the response is thrown away.
    Response(IncomingMessage),
    /// The server has switched protocols: its head, the socket, which is the listener's from now
    /// on, and what has come behind the head. If nobody listens to it, the connection is closed.
    Upgrade(&'a Head, Socket, &'a [u8]),
    /// The response to a CONNECT; as [`Upgrade`](Self::Upgrade).
    Connect(&'a Head, Socket, &'a [u8]),
    /// After a `write` that returned false: all is sent, write on. Not after `end`.
    Drain,
    /// All of the request was handed to the kernel.
    Finish,
    /// The connection was idle for the time that was set for the request, or else for its agent.
    /// Comes once, and closes nothing.
    Timeout,
    /// There will be no response: it could not be made or sent, the connection ended too soon
    /// (`ECONNRESET`), or what came is no HTTP. Once it has a [`Response`](Self::Response), a
    /// connection that ends too soon is an error of that, and this comes if the connection broke,
    /// or the program had a reason to give it up. Also told of what is written after the end.
    Error(&'a Error),
    /// It is over, in whichever way. Nothing follows.
    Close,
}

event_kinds! { RequestEventKind of RequestEvent:
    Socket "socket",
    Continue "continue",
    Information "information",
    Response "response",
    Upgrade "upgrade",
    Connect "connect",
    Drain "drain",
    Finish "finish",
    Timeout "timeout",
    Error "error",
    Close "close",
}

pub(super) type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, ClientRequest, RequestEvent<'_>);
pub(super) type Listeners<S> = listeners::Listeners<RequestEventKind, Callback<S>>;

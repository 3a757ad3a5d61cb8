//! What the loop keeps of a server: who is told, what it allows, its connections.

use slab::Slab;

use super::audience::Audience;
use super::ids::{Server, ServerResponse};
use super::pipeline::{Exchange, Spoken};
use super::settings::Settings;
use crate::Context;
use crate::event_loop::Timer;
use crate::event_loop::listeners::{self, event_kinds};
use crate::http::incoming::IncomingMessage;
use crate::http::message::Head;
use crate::http::message::date::DateCache;
use crate::net::{self, Error, Socket};

/// What can happen to a server.
#[derive(Clone, Copy, Debug)]
pub enum ServerEvent<'a> {
    /// A request, as soon as its head has come. Those of a client that does not wait for the
    /// responses come one after the other; the responses go out in that order.
    Request(IncomingMessage, ServerResponse),
    /// A request that sends its body only when told to (`Expect: 100-continue`), instead of
    /// [`Request`](Self::Request): answer it, or
    /// [`write_continue`](ServerResponse::write_continue). If nobody listens to it, the client is
    /// told to go on.
    CheckContinue(IncomingMessage, ServerResponse),
    /// A request with another `Expect`. If nobody listens to it, the answer is 417.
    CheckExpectation(IncomingMessage, ServerResponse),
    /// A request to become another protocol (`Connection: upgrade`): its head, the socket, which
    /// is the listener's from now on, and what has come behind the head. Nothing of HTTP stays
    /// with the socket. If nobody listens to it, or
    /// [`set_should_upgrade`](Server::set_should_upgrade) says so, it is an ordinary request.
    Upgrade(&'a Head, Socket, &'a [u8]),
    /// A request with the method CONNECT; as [`Upgrade`](Self::Upgrade), but if nobody listens to
    /// it the connection is closed.
    Connect(&'a Head, Socket, &'a [u8]),
    /// What a client sent cannot be understood, is too much or too slow, or its connection broke.
    /// Who listens to it has to answer and to end the socket; if nobody does, that is done.
    ClientError(&'a Error, Socket),
    /// A request beyond [`set_max_requests_per_socket`](Server::set_max_requests_per_socket); it is
    /// answered with 503.
    DropRequest(IncomingMessage, Socket),
    /// A connection was idle for [`set_timeout`](Server::set_timeout). If nobody listens to it,
    /// nor to that of its request or response, it is closed.
    Timeout(Socket),
}

event_kinds! { ServerEventKind of ServerEvent:
    Request "request",
    CheckContinue "checkContinue",
    CheckExpectation "checkExpectation",
    Upgrade "upgrade",
    Connect "connect",
    ClientError "clientError",
    DropRequest "dropRequest",
    Timeout "timeout",
}

pub(super) type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, Server, ServerEvent<'_>);
pub(super) type Listeners<S> = listeners::Listeners<ServerEventKind, Callback<S>>;

/// What hangs on the `net` server.
pub(super) struct ServerState<S> {
    pub(super) listeners: Listeners<S>,
    pub(super) settings: Settings,
    /// All its connections, to check and to close them.
    pub(super) connections: Slab<Socket>,
    pub(super) date: DateCache,
    /// Exchanges that are over, and a buffer: their memory is used again.
    #[expect(
        clippy::vec_box,
        reason = "an exchange moves between lists, and is large"
    )]
    pub(super) spare: Vec<Box<Exchange<Audience<S>>>>,
    pub(super) buffer: Vec<u8>,
    pub(super) check: Option<Timer>,
}

impl<S> Default for ServerState<S> {
    fn default() -> Self {
        Self {
            listeners: Listeners::default(),
            settings: Settings::default(),
            connections: Slab::new(),
            date: DateCache::default(),
            spare: Vec::new(),
            buffer: Vec::new(),
            check: None,
        }
    }
}

impl<S> ServerState<S> {
    pub(super) fn all(&self) -> Vec<Socket> {
        self.connections.iter().map(|(_, socket)| *socket).collect()
    }

    pub(super) fn spoken(&self) -> Spoken {
        Spoken {
            upgrade: self.listeners.listens(ServerEventKind::Upgrade),
            connect: self.listeners.listens(ServerEventKind::Connect),
        }
    }
}

pub(super) fn of<S: 'static>(
    cx: &mut Context<S>,
    server: net::Server,
) -> Option<&mut ServerState<S>> {
    server.data_mut(cx)
}

/// Tells the listeners of a socket's server; true if there was one.
pub(super) fn emit<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    event: ServerEvent<'_>,
) -> bool {
    let Some(server) = socket.server(cx) else {
        return false;
    };
    listeners::emit(
        state,
        cx,
        event.kind(),
        |cx| Some(&mut of(cx, server)?.listeners),
        |callback: &mut Callback<S>, state, cx| callback(state, cx, Server(server), event),
    )
}

//! What the loop keeps of its clients: requests, connections, agents; where it is, and who is told.

use std::collections::HashMap;
use std::time::Duration;

use slab::Slab;

use super::audience::{Callback, Listeners, RequestEvent};
use super::exchange::{Received, Receiving, Sending};
use super::ids::{Agent, ClientRequest};
use super::pool::AgentState;
use crate::Context;
use crate::event_loop::listeners::emit;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::Limits;
use crate::http::message::incoming::Incoming;
use crate::http::{WriteCallback, gone};
use crate::net::{Error, Socket};

/// What the loop keeps of a request.
pub(super) struct Request<S> {
    pub(super) generation: u64,
    pub(super) sending: Sending,
    pub(super) listeners: Listeners<S>,
    pub(super) callbacks: Vec<WriteCallback<S>>,
    /// Told after the finish.
    pub(super) on_finish: Vec<WriteCallback<S>>,
    pub(super) agent: Option<Agent>,
    /// What connections must have in common to be used for it.
    pub(super) name: String,
    pub(super) socket: Option<Socket>,
    /// What the head of its response may be.
    pub(super) limits: Limits,
    pub(super) timeout: Timeout,
    /// Its connection has served another before, and has waited since.
    pub(super) reused: bool,
    /// Why it was given up, if that was before it had its connection.
    pub(super) destroy_error: Option<Error>,
    /// An error was told.
    pub(super) failed: bool,
}

/// When a request is told that its connection was idle.
#[derive(Clone, Copy, Default)]
pub(super) struct Timeout {
    pub(super) idle: Option<Duration>,
    /// It begins when the connection stands.
    pub(super) connected: bool,
    pub(super) told: bool,
}

/// What a client keeps of a connection, as data of its socket.
pub(super) struct Connection<S> {
    pub(super) receiving: Receiving<incoming::Listeners<S>>,
    /// The request that is being served; none while it is idle.
    pub(super) request: Option<ClientRequest>,
    pub(super) agent: Option<(Agent, String)>,
}

impl<S> Connection<S> {
    pub(super) fn new(agent: Option<(Agent, String)>) -> Self {
        Self {
            receiving: Receiving::new(),
            request: None,
            agent,
        }
    }

    /// The response to the request that is being served, once its head has come.
    pub(super) fn message(&self, socket: Socket) -> Option<IncomingMessage> {
        let number = self.receiving.answer()?;
        Some(IncomingMessage { socket, number })
    }
}

/// A response, and who listens to it.
pub(super) type Response<S> = Received<incoming::Listeners<S>>;

impl<S> Response<S> {
    /// Whether something of it is still to be told, and somebody listens to it or has paused it.
    pub(super) fn is_wanted(&self) -> bool {
        let told = self.incoming.has_ended() || self.incoming.is_closed();
        !told && (self.incoming.is_decided() || self.companion.any())
    }
}

/// What all clients of a loop share, as data of the loop.
pub(super) struct Clients<S> {
    pub(super) requests: Slab<Request<S>>,
    pub(super) generation: u64,
    pub(super) agents: Vec<AgentState>,
    /// Responses that are complete, and not all handed out, though their connection is gone.
    pub(super) left: HashMap<IncomingMessage, Box<Response<S>>>,
}

/// The clients' state, made when it is first asked for. The first agent is the loop's own.
pub(super) fn clients<S: 'static>(cx: &mut Context<S>) -> &mut Clients<S> {
    if cx.extensions().get::<Clients<S>>().is_none() {
        cx.extensions_mut().insert(Clients::<S> {
            requests: Slab::new(),
            generation: 0,
            agents: vec![AgentState::global()],
            left: HashMap::new(),
        });
    }
    cx.extensions_mut()
        .get_mut()
        .expect("it was just put there")
}

pub(super) fn of<S: 'static>(
    cx: &mut Context<S>,
    request: ClientRequest,
) -> Option<&mut Request<S>> {
    let requests = &mut cx.extensions_mut().get_mut::<Clients<S>>()?.requests;
    let own = requests.get_mut(request.index)?;
    (own.generation == request.generation).then_some(own)
}

pub(super) fn known<S: 'static>(cx: &Context<S>, request: ClientRequest) -> Option<&Request<S>> {
    let requests = &cx.extensions().get::<Clients<S>>()?.requests;
    let own = requests.get(request.index)?;
    (own.generation == request.generation).then_some(own)
}

pub(super) fn agent<S: 'static>(cx: &mut Context<S>, agent: Agent) -> Option<&mut AgentState> {
    clients(cx).agents.get_mut(agent.0)
}

pub(super) fn known_agent<S: 'static>(cx: &Context<S>, agent: Agent) -> Option<&AgentState> {
    cx.extensions().get::<Clients<S>>()?.agents.get(agent.0)
}

pub(super) fn connection<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
) -> Option<&mut Connection<S>> {
    socket.data_mut(cx)
}

/// A response, with its connection or, once that is gone, without.
pub(super) fn find_response<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> Option<&mut Response<S>> {
    let IncomingMessage { socket, number } = message;
    let here = |own: &Connection<S>| {
        own.receiving.number() == number && own.receiving.response().is_some()
    };
    if socket.data(cx).is_some_and(here) {
        return connection(cx, socket)?.receiving.response_mut();
    }
    let clients = cx.extensions_mut().get_mut::<Clients<S>>()?;
    Some(clients.left.get_mut(&message)?)
}

/// A response of one of the clients.
pub(in crate::http) fn response<S: 'static>(
    cx: &Context<S>,
    message: IncomingMessage,
) -> Option<&Incoming> {
    let IncomingMessage { socket, number } = message;
    let own = socket.data::<S, Connection<S>>(cx);
    let own = own.filter(|own| own.receiving.number() == number);
    let here = own.and_then(|own| own.receiving.response());
    let left = || {
        let clients = cx.extensions().get::<Clients<S>>()?;
        Some(&**clients.left.get(&message)?)
    };
    Some(&here.or_else(left)?.incoming)
}

/// The connection closed before there was a response.
pub(super) fn hung_up() -> Error {
    Error::with_code("ECONNRESET", "socket hang up")
}

// --- who is told ----------------------------------------------------------------------------

/// Calls the request's listeners; true if there were any.
pub(super) fn tell<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    event: RequestEvent<'_>,
) -> bool {
    emit(
        state,
        cx,
        event.kind(),
        |cx| Some(&mut of(cx, request)?.listeners),
        |callback: &mut Callback<S>, state, cx| callback(state, cx, request, event),
    )
}

/// Tells an error, once.
pub(super) fn fail<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    error: &Error,
) {
    if of(cx, request).is_some_and(|own| !std::mem::replace(&mut own.failed, true)) {
        tell_error(state, cx, request, error);
    }
}

pub(super) fn tell_error<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    error: &Error,
) {
    if !tell(state, cx, request, RequestEvent::Error(error)) {
        log::warn!("a request failed, and nobody listens to its errors: {error}");
    }
}

/// The last event. The request is forgotten.
pub(super) fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.sending.destroy();
    let mut callbacks = std::mem::take(&mut own.callbacks);
    callbacks.append(&mut own.on_finish);
    for callback in callbacks {
        callback(state, cx, Some(&gone()));
    }
    tell(state, cx, request, RequestEvent::Close);
    if of(cx, request).is_some() {
        clients(cx).requests.remove(request.index);
    }
}

/// A request that has no connection ends with an error, as a tick.
pub(super) fn over_later<S: 'static>(cx: &mut Context<S>, request: ClientRequest, error: Error) {
    cx.next_tick(move |state, cx| {
        fail(state, cx, request, &error);
        close(state, cx, request);
    });
}

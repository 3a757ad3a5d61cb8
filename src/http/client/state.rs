//! What the loop keeps of its clients' requests, and what happens to them.

use std::collections::HashMap;

use slab::Slab;

use super::agent::{self, Agent, AgentState};
use super::connection;
use super::received::Received;
use super::request::{Callback, ClientRequest, Listeners, RequestEvent, RequestEventKind};
use crate::Context;
use crate::event_loop::listeners::emit;
use crate::http::incoming::IncomingMessage;
use crate::http::message::outgoing::{Added, Body, Outgoing};
use crate::http::{WriteCallback, gone, write_after_end};
use crate::net::{Error, Socket};

/// Bytes of a request that wait for a connection, from which on `write` returns false.
const FULL: usize = 16 * 1024;

/// What the loop keeps of a request.
pub(super) struct Request<S> {
    pub(super) generation: u64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) outgoing: Outgoing,
    pub(super) listeners: Listeners<S>,
    pub(super) callbacks: Vec<WriteCallback<S>>,
    /// Told after the finish.
    pub(super) on_finish: Vec<WriteCallback<S>>,
    pub(super) agent: Option<Agent>,
    pub(super) name: String,
    pub(super) socket: Option<Socket>,
    /// Its bytes may go to the socket.
    pub(super) attached: bool,
    pub(super) out: Vec<u8>,
    /// The end of it is with the socket.
    pub(super) flushed: bool,
    pub(super) flush_queued: bool,
    pub(super) timeout: Option<u32>,
    /// That begins when the connection stands.
    pub(super) timeout_connected: bool,
    pub(super) timeout_told: bool,
    pub(super) reused: bool,
    /// Everything is with the kernel.
    pub(super) finished: bool,
    pub(super) response_ended: bool,
    pub(super) freed: bool,
    pub(super) destroyed: bool,
    /// Why, if it was given up before it had its connection.
    pub(super) destroy_error: Option<Error>,
    /// An error was told.
    pub(super) failed: bool,
}

/// What all clients of a loop share, as data of the loop.
pub(super) struct ClientState<S> {
    pub(super) requests: Slab<Request<S>>,
    pub(super) generation: u64,
    pub(super) agents: Vec<AgentState>,
    /// Responses that are complete, and not all handed out, though their connection is gone.
    pub(super) left: HashMap<IncomingMessage, Box<Received<S>>>,
}

/// The clients' state, made when it is first asked for. The first agent is the loop's own.
pub(super) fn state<S: 'static>(cx: &mut Context<S>) -> &mut ClientState<S> {
    if cx.extensions().get::<ClientState<S>>().is_none() {
        cx.extensions_mut().insert(ClientState::<S> {
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
    let requests = &mut cx.extensions_mut().get_mut::<ClientState<S>>()?.requests;
    let own = requests.get_mut(request.index)?;
    (own.generation == request.generation).then_some(own)
}

pub(super) fn known<S: 'static>(cx: &Context<S>, request: ClientRequest) -> Option<&Request<S>> {
    let requests = &cx.extensions().get::<ClientState<S>>()?.requests;
    let own = requests.get(request.index)?;
    (own.generation == request.generation).then_some(own)
}

/// A request that has no connection ends with an error, as a tick.
pub(super) fn over_later<S: 'static>(cx: &mut Context<S>, request: ClientRequest, error: Error) {
    cx.next_tick(move |state, cx| {
        fail(state, cx, request, &error);
        close(state, cx, request);
    });
}

/// Keeps a response whose connection is gone, until its end is told.
pub(super) fn keep_response<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
    response: Box<Received<S>>,
) {
    state(cx).left.insert(message, response);
}

pub(super) fn left<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> Option<&mut Received<S>> {
    let clients = cx.extensions_mut().get_mut::<ClientState<S>>()?;
    clients
        .left
        .get_mut(&message)
        .map(|response| &mut **response)
}

pub(super) fn known_left<S: 'static>(
    cx: &Context<S>,
    message: IncomingMessage,
) -> Option<&Received<S>> {
    let clients = cx.extensions().get::<ClientState<S>>()?;
    clients.left.get(&message).map(|response| &**response)
}

pub(super) fn forget_response<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    if let Some(clients) = cx.extensions_mut().get_mut::<ClientState<S>>() {
        clients.left.remove(&message);
    }
}

/// The connection closed before there was a response.
pub(super) fn hung_up() -> Error {
    Error::with_code("ECONNRESET", "socket hang up")
}

/// A connection was found. It is used from the next tick on.
pub(super) fn assign<S: 'static>(
    cx: &mut Context<S>,
    request: ClientRequest,
    socket: Socket,
    reused: bool,
) {
    if let Some(own) = of(cx, request) {
        own.socket = Some(socket);
        own.reused = reused;
    }
    connection::serve(cx, socket, request);
    cx.next_tick(move |state, cx| attach(state, cx, request, socket));
}

fn attach<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest, socket: Socket) {
    let connecting = socket.connecting(cx);
    let Some(own) = of(cx, request) else { return };
    if own.destroyed {
        // It was given up meanwhile, and has no use for the connection.
        let error = own.destroy_error.take().unwrap_or_else(hung_up);
        connection::release(cx, socket);
        fail(state, cx, request, &error);
        close(state, cx, request);
        return;
    }
    let waits = own.timeout_connected && connecting;
    let timeout = own.timeout.filter(|_| !waits);
    let bodiless = own.method == "HEAD";
    own.attached = true;
    connection::expect(cx, socket, bodiless);
    if let Some(ms) = timeout {
        socket.set_timeout(cx, ms);
    }
    tell(state, cx, request, RequestEvent::Socket(socket));
    flush(cx, request);
}

/// The timeout that runs from the moment a connection is made for it; 0 for none.
pub(super) fn timeout<S: 'static>(cx: &mut Context<S>, request: ClientRequest) -> u32 {
    let own = of(cx, request).filter(|own| !own.timeout_connected);
    own.and_then(|own| own.timeout).unwrap_or(0)
}

/// Its connection stands.
pub(super) fn connected<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    if let Some(own) = of(cx, request)
        && own.timeout_connected
        && let (Some(ms), Some(socket)) = (own.timeout, own.socket)
    {
        socket.set_timeout(cx, ms);
    }
}

/// Its connection was idle. It is told so once, if it asked for that or its agent did; never of
/// what somebody else on the same connection has asked for.
pub(super) fn timed_out<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    let (asked, agent) = (own.timeout.is_some(), own.agent);
    let asked = asked || agent.is_some_and(|agent| agent::timeout(cx, agent) > 0);
    let Some(own) = of(cx, request).filter(|own| asked && !own.response_ended) else {
        return;
    };
    if !std::mem::replace(&mut own.timeout_told, true) {
        tell(state, cx, request, RequestEvent::Timeout);
    }
}

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

pub(super) fn listens<S: 'static>(
    cx: &mut Context<S>,
    request: ClientRequest,
    kind: RequestEventKind,
) -> bool {
    of(cx, request).is_some_and(|own: &mut Request<S>| own.listeners.listens(kind))
}

pub(super) fn method<S: 'static>(cx: &Context<S>, request: ClientRequest) -> &str {
    known(cx, request).map_or("", |own| &own.method)
}

/// Tells an error, once.
pub(super) fn fail<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    error: &Error,
) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.failed, true) {
        return;
    }
    tell_error(state, cx, request, error);
}

fn tell_error<S: 'static>(
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
    own.destroyed = true;
    let mut callbacks = std::mem::take(&mut own.callbacks);
    callbacks.append(&mut own.on_finish);
    for callback in callbacks {
        callback(state, cx, Some(&gone()));
    }
    tell(state, cx, request, RequestEvent::Close);
    if of(cx, request).is_some() {
        self::state(cx).requests.remove(request.index);
    }
}

/// The head of its response has come.
pub(super) fn responded<S: 'static>(cx: &mut Context<S>, request: ClientRequest, keep_alive: bool) {
    if let Some(own) = of(cx, request) {
        own.outgoing.keep_alive &= keep_alive && !own.outgoing.last;
    }
}

/// The end of its response was told.
pub(super) fn response_ended<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.response_ended = true;
    if !own.outgoing.keep_alive {
        if let Some(socket) = own.socket {
            socket.destroy_soon(cx);
        }
    } else if own.finished {
        free(cx, request);
    }
}

/// Both directions are done and the connection is kept: it is given back after the close, as a
/// tick.
fn free<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.freed, true) {
        return;
    }
    own.destroyed = true; // it cannot close the connection any more: that is somebody else's
    let socket = own.socket;
    cx.next_tick(move |state, cx| {
        close(state, cx, request);
        if let Some(socket) = socket {
            connection::free(cx, socket);
        }
    });
}

/// Hands to the socket what was written.
fn flush<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.flush_queued = false;
    let Some(socket) = own.socket.filter(|_| own.attached) else {
        return;
    };
    let out = std::mem::take(&mut own.out);
    let ended = own.outgoing.ended;
    let flushed = std::mem::replace(&mut own.flushed, ended);
    if flushed || !socket.writable(cx) {
        return; // the server has had enough: its response tells
    }
    let Some(own) = of(cx, request) else { return };
    if ended || !own.callbacks.is_empty() {
        let callbacks = std::mem::take(&mut own.callbacks);
        socket.write_then(cx, out, move |state, cx, error| {
            for callback in callbacks {
                callback(state, cx, error);
            }
            if ended && error.is_none() {
                finished(state, cx, request);
            }
            drained(state, cx, request);
        });
    } else if !out.is_empty() {
        socket.write(cx, out);
        if socket.writable_length(cx) == 0 {
            cx.next_tick(move |state, cx| drained(state, cx, request));
        }
    }
}

/// All of it is with the kernel.
fn finished<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.finished, true) {
        return;
    }
    tell(state, cx, request, RequestEvent::Finish);
    let Some(own) = of(cx, request) else { return };
    for callback in std::mem::take(&mut own.on_finish) {
        callback(state, cx, None);
    }
    let Some(own) = of(cx, request) else { return };
    if own.response_ended && own.outgoing.keep_alive {
        free(cx, request);
    }
}

/// The socket has sent everything.
pub(super) fn drained<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if own.outgoing.ended || !own.out.is_empty() || !std::mem::take(&mut own.outgoing.need_drain) {
        return;
    }
    tell(state, cx, request, RequestEvent::Drain);
}

impl ClientRequest {
    /// Takes a piece of the body, behind the head if that is still to be sent.
    pub(super) fn send<S: 'static>(
        self,
        cx: &mut Context<S>,
        data: Option<&[u8]>,
        end: bool,
    ) -> bool {
        let Some(own) = of(cx, self) else {
            return false;
        };
        if own.outgoing.ended {
            self.refuse(cx, write_after_end(), None);
            return false;
        }
        if own.destroyed {
            own.outgoing.ended |= end;
            return false;
        }
        if !own.outgoing.head_sent {
            own.render(data, end);
        }
        let mut result = Ok(());
        if let Some(data) = data.filter(|data| !data.is_empty()) {
            if own.outgoing.body == Body::None {
                let message = "The head of this request has said that there is no body";
                let error = Error::with_code("ERR_HTTP_BODY_NOT_ALLOWED", message);
                self.report(cx, error);
                return false;
            }
            result = own.outgoing.body(data, &mut own.out);
        }
        if end && result.is_ok() {
            result = own.outgoing.end(&mut own.out);
        }
        let (length, socket) = (own.out.len(), own.socket);
        let queue = end && own.attached;
        if let Err(error) = result {
            self.report(cx, error.into());
            return false;
        }
        let queued = socket.map_or(0, |socket| socket.writable_length(cx));
        let below = length + queued < FULL;
        let Some(own) = of(cx, self) else {
            return false;
        };
        own.outgoing.need_drain |= !below;
        if queue {
            flush(cx, self);
        } else if own.attached && !std::mem::replace(&mut own.flush_queued, true) {
            cx.next_tick(move |_, cx| flush(cx, self));
        }
        below
    }

    /// What was written cannot be sent any more: its callback is told, and behind it whoever
    /// listens to errors. The request goes on.
    pub(super) fn refuse<S: 'static>(
        self,
        cx: &mut Context<S>,
        error: Error,
        callback: Option<WriteCallback<S>>,
    ) {
        cx.next_tick(move |state, cx| {
            if let Some(callback) = callback {
                callback(state, cx, Some(&error));
            }
            if !self.destroyed(cx) {
                tell_error(state, cx, self, &error);
            }
        });
    }

    /// What the program did wrong: the request cannot be completed any more.
    fn report<S: 'static>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| {
            fail(state, cx, self, &error);
            self.destroy(cx);
        });
    }
}

impl<S> Request<S> {
    /// Renders the head. Without a body a GET, and what is like it, says nothing of one.
    fn render(&mut self, data: Option<&[u8]>, end: bool) {
        let empty = end && data.is_none_or(<[u8]>::is_empty);
        let silent = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
        let silent = silent.contains(&self.method.as_str());
        let early = data.is_none(); // only the head was asked for
        let has_length = self.outgoing.fields.get("content-length").is_some();
        self.outgoing.bodiless = silent && (empty || early) && !has_length;
        self.out.extend_from_slice(self.method.as_bytes());
        self.out.push(b' ');
        self.out.extend_from_slice(self.path.as_bytes());
        self.out.extend_from_slice(b" HTTP/1.1\r\n");
        let added = Added {
            request: true,
            ..Added::default()
        };
        let length = data.filter(|_| end).map(|data| data.len() as u64);
        self.outgoing.render(&mut self.out, length, &added);
    }
}

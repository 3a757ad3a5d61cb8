//! A connection serves a request: what was written goes out, its response is kept; then the
//! connection goes to the next request that waits, is kept for one that will come, or closed.

use super::audience::RequestEvent;
use super::exchange::After;
use super::ids::{Agent, ClientRequest};
use super::state::{agent, clients, close, connection, fail, find_response, hung_up, of, tell};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage, Listeners, Side};
use crate::http::message::incoming::Incoming;
use crate::net::Socket;

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
    if let Some(own) = connection::<S>(cx, socket) {
        own.request = Some(request);
        own.receiving.serve();
    }
    cx.next_tick(move |state, cx| attach(state, cx, request, socket));
}

fn attach<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest, socket: Socket) {
    let connecting = socket.connecting(cx);
    let Some(own) = of(cx, request) else { return };
    if own.sending.is_destroyed() {
        // It was given up meanwhile, and has no use for the connection.
        let error = own.destroy_error.take().unwrap_or_else(hung_up);
        release(cx, socket);
        fail(state, cx, request, &error);
        return close(state, cx, request);
    }
    let waits = own.timeout.connected && connecting;
    let timeout = own.timeout.idle.filter(|_| !waits);
    own.sending.attach();
    let (method, limits) = (own.sending.method.clone(), own.limits);
    if let Some(own) = connection::<S>(cx, socket) {
        own.receiving.expect(&method, limits);
    }
    if let Some(idle) = timeout {
        socket.set_timeout(cx, idle);
    }
    tell(state, cx, request, RequestEvent::Socket(socket));
    flush(cx, request);
}

/// The request has no use for the connection after all: the next that waits gets it, or nobody.
fn release<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = leave::<S>(cx, socket) else {
        return;
    };
    let passed = |cx: &mut Context<S>, (of_agent, name): (Agent, String)| {
        !socket.destroyed(cx) && pass_on(cx, of_agent, &name, socket)
    };
    if !own.is_some_and(|own| passed(cx, own)) {
        socket.destroy(cx);
    }
}

/// The exchange is over and the connection good for another: the next that waits gets it, or it is
/// kept, or closed.
fn free<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let hint = connection::<S>(cx, socket).and_then(|own| own.receiving.keep_alive_hint());
    let Some(own) = leave::<S>(cx, socket) else {
        return;
    };
    if let Some((of_agent, name)) = own.filter(|_| socket.writable(cx) && !socket.destroyed(cx)) {
        if pass_on(cx, of_agent, &name, socket) {
            return;
        }
        let kept = agent(cx, of_agent).and_then(|own| own.keep(&name, socket, hint));
        if let Some(timeout) = kept {
            let probes_after = agent(cx, of_agent).and_then(|own| own.probes_after());
            socket.set_ref(cx, false);
            socket.set_timeout(cx, timeout);
            socket.set_keep_alive(cx, probes_after);
            return;
        }
    }
    socket.destroy(cx);
}

/// A connection serves no request any more; whose it is.
fn leave<S: 'static>(cx: &mut Context<S>, socket: Socket) -> Option<Option<(Agent, String)>> {
    let own = connection::<S>(cx, socket)?;
    own.request = None;
    own.receiving.release();
    Some(own.agent.clone())
}

/// Gives a connection to the request that waits longest; false if none does.
fn pass_on<S: 'static>(cx: &mut Context<S>, of_agent: Agent, name: &str, socket: Socket) -> bool {
    let own = agent(cx, of_agent);
    let next = own.and_then(|own| Some((own.next_waiting(name)?, own.timeout())));
    let Some((request, timeout)) = next else {
        return false;
    };
    socket.set_timeout(cx, timeout); // not that of the request before
    assign(cx, request, socket, false);
    true
}

// --- a request goes out ---------------------------------------------------------------------

/// Hands to the socket what was written.
pub(super) fn flush<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let socket = of(cx, request).and_then(|own| own.socket);
    let writable = socket.is_some_and(|socket| socket.writable(cx));
    let Some(own) = of(cx, request) else { return };
    let out = own.sending.take_out(writable);
    let (Some(socket), Some((out, ended))) = (socket, out) else {
        return;
    };
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
    if !of(cx, request).is_some_and(|own| own.sending.finish()) {
        return;
    }
    tell(state, cx, request, RequestEvent::Finish);
    let Some(own) = of(cx, request) else { return };
    for callback in std::mem::take(&mut own.on_finish) {
        callback(state, cx, None);
    }
    if of(cx, request).is_some_and(|own| own.sending.is_done()) {
        give_back(cx, request);
    }
}

/// The socket has sent everything.
pub(super) fn drained<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    if of(cx, request).is_some_and(|own| own.sending.drained()) {
        tell(state, cx, request, RequestEvent::Drain);
    }
}

/// The end of its response was told.
fn response_ended<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    let socket = own.socket;
    match own.sending.end_response() {
        After::Close => {
            if let Some(socket) = socket {
                socket.destroy_soon(cx);
            }
        }
        After::Wait => {}
        After::Free => give_back(cx, request),
    }
}

/// Both directions are done and the connection is kept: it is given back after the close, as a
/// tick.
fn give_back<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    let socket = own.socket;
    if !own.sending.free() {
        return;
    }
    cx.next_tick(move |state, cx| {
        close(state, cx, request);
        if let Some(socket) = socket {
            free(cx, socket);
        }
    });
}

// --- its response ---------------------------------------------------------------------------

/// Responses are kept with their connections, and some of them beyond these.
pub(in crate::http) struct Responses;

impl<S: 'static> Side<S> for Responses {
    fn find(
        cx: &mut Context<S>,
        message: IncomingMessage,
    ) -> Option<(&mut Incoming, &mut Listeners<S>)> {
        let own = find_response(cx, message)?;
        Some((&mut own.incoming, &mut own.companion))
    }

    fn completed(_: &mut Context<S>, _: IncomingMessage) {}

    /// Its connection is closed, or free once the request is sent, too.
    fn ended(cx: &mut Context<S>, message: IncomingMessage) {
        let IncomingMessage { socket, number } = message;
        let own = connection::<S>(cx, socket).filter(|own| own.receiving.number() == number);
        if let Some(request) = own.and_then(|own| own.request) {
            response_ended(cx, request);
        }
    }

    fn recount(_: &mut Context<S>, _: IncomingMessage) {}

    fn read_on(cx: &mut Context<S>, message: IncomingMessage) {
        let socket = message.socket;
        if connection::<S>(cx, socket).is_some_and(|own| own.receiving.reads_on()) {
            socket.resume(cx);
        }
    }

    fn closed(cx: &mut Context<S>, message: IncomingMessage) {
        clients(cx).left.remove(&message);
    }
}

/// Nobody wants the rest of the response that is being received.
pub(super) fn discard<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let own = connection::<S>(cx, socket);
    if let Some(message) = own.and_then(|own| own.message(socket)) {
        incoming::discard::<S, Responses>(cx, message);
    }
}

//! The connections of clients: how they begin, and what the events of their sockets mean.

use std::time::Duration;

use super::audience::RequestEvent;
use super::exchange::{Closed, EndOfStream, Event};
use super::ids::{Agent, ClientRequest};
use super::options::Place;
use super::serving::{Responses, assign, drained};
use super::state::{
    Connection, Response, agent, clients, close, connection, fail, hung_up, known, of, response,
    tell,
};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::Head;
use crate::http::message::incoming::Incoming;
use crate::net::{self, Error, Socket};

/// Finds a connection for a request, makes one, or lets it wait for one.
pub(super) fn find_connection<S: 'static>(
    cx: &mut Context<S>,
    of_agent: Agent,
    name: &str,
    request: ClientRequest,
    place: Place,
) {
    while let Some(socket) = agent(cx, of_agent).and_then(|own| own.take_free(name)) {
        if socket.destroyed(cx) || !socket.writable(cx) {
            continue;
        }
        let timeout = agent(cx, of_agent).map_or(Duration::ZERO, |own| {
            own.add(name, socket);
            own.timeout()
        });
        socket.set_ref(cx, true);
        socket.set_timeout(cx, timeout); // that of the agent, until the request sets its own
        return assign(cx, request, socket, true);
    }
    if !agent(cx, of_agent).is_some_and(|own| own.waits(name, request, &place)) {
        connect(cx, of_agent, name, request, place);
    }
}

/// Makes a connection for a request of an agent's.
fn connect<S: 'static>(
    cx: &mut Context<S>,
    of_agent: Agent,
    name: &str,
    request: ClientRequest,
    place: Place,
) {
    // From now on, and not once the connection stands: that may take long, too.
    let agents = agent(cx, of_agent).map(|own| own.timeout());
    let timeout = agents.filter(|timeout| !timeout.is_zero()).or_else(|| {
        let own = of(cx, request)?;
        own.timeout.idle.filter(|_| !own.timeout.connected)
    });
    let socket = plug_in(
        cx,
        place,
        Some((of_agent, name.to_owned())),
        timeout.unwrap_or_default(),
    );
    if let Some(own) = agent(cx, of_agent) {
        own.add(name, socket);
    }
    assign(cx, request, socket, false);
}

/// Makes a connection for this request alone.
pub(super) fn connect_alone<S: 'static>(
    cx: &mut Context<S>,
    request: ClientRequest,
    place: Place,
    timeout: Duration,
) {
    let socket = plug_in(cx, place, None, timeout);
    assign(cx, request, socket, false);
}

fn plug_in<S: 'static>(
    cx: &mut Context<S>,
    place: Place,
    of_agent: Option<(Agent, String)>,
    timeout: Duration,
) -> Socket {
    let socket = place.connect(cx);
    socket.set_no_delay(cx, true);
    socket.set_data(cx, Connection::<S>::new(of_agent));
    socket.on_event(cx, heard);
    socket.set_timeout(cx, timeout);
    socket
}

/// A connection is closed, or has left HTTP: a request that waits gets another.
fn remove<S: 'static>(cx: &mut Context<S>, of_agent: Agent, name: &str, socket: Socket) {
    let next = agent(cx, of_agent).and_then(|own| own.remove(name, socket));
    if let Some((request, place)) = next {
        connect(cx, of_agent, name, request, place);
    }
}

// --- what happens to it ---------------------------------------------------------------------

/// Whatever happens to the socket.
fn heard<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, event: net::Event<'_>) {
    let request = connection::<S>(cx, socket).and_then(|own| own.request);
    match (event, request) {
        (net::Event::Data(bytes), _) => feed(state, cx, socket, bytes),
        (net::Event::End, _) => end_of_stream(state, cx, socket),
        (net::Event::Timeout, _) => timed_out(state, cx, socket),
        (net::Event::Close(_), _) => closed(state, cx, socket),
        (net::Event::Drain, Some(request)) => drained(state, cx, request),
        (net::Event::Connect, Some(request)) => connected(cx, request),
        (net::Event::Error(error), Some(request)) => fail(state, cx, request, error),
        _ => {}
    }
}

/// Its connection stands.
fn connected<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    if let Some(own) = of(cx, request)
        && own.timeout.connected
        && let (Some(idle), Some(socket)) = (own.timeout.idle, own.socket)
    {
        socket.set_timeout(cx, idle);
    }
}

/// Bytes have come: hands out what they are, until they are used up or somebody has to wait.
fn feed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, mut input: &[u8]) {
    if let Some(own) = connection::<S>(cx, socket) {
        own.receiving.begin();
    }
    while !socket.destroyed(cx)
        && let Some(own) = connection::<S>(cx, socket)
        && let Some(event) = own.receiving.next(&mut input)
    {
        let (request, message) = (own.request, own.message(socket));
        match event {
            Event::Unasked => {
                socket.destroy(cx);
            }
            Event::Later => {
                socket.unshift(cx, input); // it comes back in the next turn
                return;
            }
            Event::Full => {
                socket.unshift(cx, input);
                socket.pause(cx);
                return;
            }
            Event::Data(bytes) => {
                if let Some(message) = message {
                    incoming::data::<S, Responses>(state, cx, message, bytes);
                }
            }
            Event::Information(head) => {
                let Some(request) = request else { return };
                if head.status_code() == 100 {
                    tell(state, cx, request, RequestEvent::Continue);
                }
                tell(state, cx, request, RequestEvent::Information(&head));
            }
            Event::Response => {
                if let (Some(request), Some(message)) = (request, message) {
                    begin(state, cx, request, message);
                }
            }
            Event::Switched { head, connect } => {
                if let Some(request) = request {
                    hand_over(state, cx, socket, request, &head, input, connect);
                }
                return;
            }
            Event::End { trailers, surplus } => {
                if let Some(message) = message {
                    incoming::completed::<S, Responses>(cx, message, trailers);
                }
                if let Some(surplus) = surplus {
                    socket.destroy(cx);
                    if let (Err(error), Some(request)) = (surplus, request) {
                        fail(state, cx, request, &Error::from(error));
                    }
                }
            }
            Event::Fault(error) => {
                socket.destroy(cx);
                if let Some(request) = request {
                    fail(state, cx, request, &Error::from(error));
                }
            }
        }
    }
}

/// The head of a response has come.
fn begin<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    message: IncomingMessage,
) {
    let keep_alive = response(cx, message).is_some_and(|own| own.head.facts().keep_alive);
    if let Some(own) = of(cx, request) {
        own.sending.respond(keep_alive);
    }
    if !tell(state, cx, request, RequestEvent::Response(message)) {
        incoming::dump::<S, Responses>(cx, message);
    }
}

/// Gives the socket away: nothing of HTTP stays with it.
fn hand_over<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    request: ClientRequest,
    head: &Head,
    rest: &[u8],
    connect: bool,
) {
    let event = match connect {
        true => RequestEvent::Connect(head, socket, rest),
        false => RequestEvent::Upgrade(head, socket, rest),
    };
    let listens = known(cx, request).is_some_and(|own| own.listeners.listens(event.kind()));
    if !listens {
        socket.destroy(cx);
        return;
    }
    let own = socket.take_data::<S, Connection<S>>(cx);
    if let Some((of_agent, name)) = own.and_then(|own| own.agent) {
        remove(cx, of_agent, &name, socket);
    }
    socket.remove_all_listeners(cx);
    socket.set_timeout(cx, Duration::ZERO);
    tell(state, cx, request, event);
    close(state, cx, request);
}

fn end_of_stream<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = connection::<S>(cx, socket) else {
        return;
    };
    let (message, request) = (own.message(socket), own.request);
    match (own.receiving.end_of_stream(), message, request) {
        (EndOfStream::Complete, Some(message), _) => {
            incoming::completed::<S, Responses>(cx, message, None);
        }
        (EndOfStream::HungUp, _, Some(request)) => fail(state, cx, request, &hung_up()),
        _ => {}
    }
    socket.destroy(cx);
}

/// The connection was idle. The request is told so once, if it asked for that or its agent did;
/// never of what somebody else on the same connection has asked for.
fn timed_out<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = connection::<S>(cx, socket) else {
        return;
    };
    let (message, request) = (own.message(socket), own.request);
    let Some(request) = request else {
        socket.destroy(cx); // idle for long enough
        return;
    };
    let of_agent = known(cx, request).and_then(|own| own.agent);
    let agents = of_agent.and_then(|of_agent| agent(cx, of_agent).map(|own| own.timeout()));
    if let Some(own) = of(cx, request)
        && (own.timeout.idle.is_some() || agents.is_some_and(|idle| !idle.is_zero()))
        && !own.sending.has_response_ended()
        && !std::mem::replace(&mut own.timeout.told, true)
    {
        tell(state, cx, request, RequestEvent::Timeout);
    }
    let has_ended = |message| response(cx, message).is_some_and(Incoming::has_ended);
    if let Some(message) = message.filter(|message| !has_ended(*message)) {
        incoming::timed_out::<S, Responses>(state, cx, message);
    }
}

/// The socket is closed: who waits for anything is told.
fn closed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = connection::<S>(cx, socket) else {
        return;
    };
    let (message, request) = (own.message(socket), own.request.take());
    let of_agent = own.agent.take();
    let closed = own.receiving.close();
    if let Some(request) = request {
        match (closed, message) {
            (Closed::CutShort, Some(message)) => {
                incoming::abort::<S, Responses>(state, cx, message, move |state, cx| {
                    close(state, cx, request);
                });
            }
            (Closed::Complete, Some(message)) => {
                keep(cx, message);
                close(state, cx, request);
            }
            _ => {
                fail(state, cx, request, &hung_up());
                close(state, cx, request);
            }
        }
    }
    if let Some((of_agent, name)) = of_agent {
        remove(cx, of_agent, &name, socket);
    }
}

/// A response is complete whose connection is gone: what of it is not told yet is still to be had,
/// if somebody listens to it or has paused it.
fn keep<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some(own) = connection::<S>(cx, message.socket) else {
        return;
    };
    let is_wanted = own.receiving.response().is_some_and(Response::is_wanted);
    if is_wanted && let Some(response) = own.receiving.take_response() {
        clients(cx).left.insert(message, response);
    }
}

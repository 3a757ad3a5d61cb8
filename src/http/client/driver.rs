//! What happens to requests and their connections: the driver of the state machines in
//! [`exchange`](super::exchange).
//!
//! A request gets a connection, is written to it, and has its response; then the connection goes to
//! the next request that waits, is kept for one that will come, or closed. That is one circle, and
//! one file.

use super::audience::{ClientRequest, RequestEvent};
use super::exchange::{After, Closed, EndOfStream, Event};
use super::options::Place;
use super::pool::Agent;
use super::state::{
    Connection, Response, agent, clients, close, connection, fail, find_response, hung_up, known,
    of, response, tell,
};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage, Listeners, Side};
use crate::http::message::Head;
use crate::http::message::incoming::Incoming;
use crate::net::{self, Error, Socket};

// --- a connection for a request -------------------------------------------------------------

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
        let timeout = agent(cx, of_agent).map_or(0, |own| {
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
    let timeout = match agent(cx, of_agent).map_or(0, |own| own.timeout()) {
        0 => of(cx, request).map_or(0, |own| match own.timeout.connected {
            true => 0,
            false => own.timeout.ms.unwrap_or(0),
        }),
        timeout => timeout,
    };
    let socket = plug_in(cx, place, Some((of_agent, name.to_owned())), timeout);
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
    timeout: u32,
) {
    let socket = plug_in(cx, place, None, timeout);
    assign(cx, request, socket, false);
}

fn plug_in<S: 'static>(
    cx: &mut Context<S>,
    place: Place,
    of_agent: Option<(Agent, String)>,
    timeout: u32,
) -> Socket {
    let socket = net::create_connection(cx, place.options());
    socket.set_no_delay(cx, true);
    socket.set_data(cx, Connection::<S>::new(of_agent));
    socket.on_event(cx, heard);
    socket.set_timeout(cx, timeout);
    socket
}

/// A connection was found. It is used from the next tick on.
fn assign<S: 'static>(cx: &mut Context<S>, request: ClientRequest, socket: Socket, reused: bool) {
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
    let timeout = own.timeout.ms.filter(|_| !waits);
    own.sending.attach();
    let (method, limits) = (own.sending.method.clone(), own.limits);
    if let Some(own) = connection::<S>(cx, socket) {
        own.receiving.expect(&method, limits);
    }
    if let Some(ms) = timeout {
        socket.set_timeout(cx, ms);
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

/// A connection is closed, or has left HTTP: a request that waits gets another.
fn remove<S: 'static>(cx: &mut Context<S>, of_agent: Agent, name: &str, socket: Socket) {
    let next = agent(cx, of_agent).and_then(|own| own.remove(name, socket));
    if let Some((request, place)) = next {
        connect(cx, of_agent, name, request, place);
    }
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
fn drained<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
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

// --- a response comes in --------------------------------------------------------------------

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
        && let (Some(ms), Some(socket)) = (own.timeout.ms, own.socket)
    {
        socket.set_timeout(cx, ms);
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
    socket.set_timeout(cx, 0);
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
        && (own.timeout.ms.is_some() || agents.unwrap_or(0) > 0)
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

/// Nobody wants the rest of the response that is being received.
pub(super) fn discard<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let own = connection::<S>(cx, socket);
    if let Some(message) = own.and_then(|own| own.message(socket)) {
        incoming::discard::<S, Responses>(cx, message);
    }
}

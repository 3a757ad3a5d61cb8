//! What a client does with the bytes of one connection, and what it keeps of it.

use super::agent::{self, Agent};
use super::received::Received;
use super::request::{ClientRequest, RequestEvent};
use super::state as client;
use crate::Context;
use crate::http::incoming::{self, IncomingMessage, Listeners, Side};
use crate::http::message::incoming::Incoming;
use crate::http::message::{Head, Limits, PARTS_PER_TURN, ParseError, Parser, Part};
use crate::net::{Error, Event, Socket};

/// Bytes of a response that are kept while it does not flow; what is behind them has to wait
/// (Node's high-water mark).
const KEPT: usize = 16 * 1024;

/// What a client keeps of a connection, as data of its socket.
pub(super) struct Connection<S> {
    parser: Parser,
    /// The request that is being served; none while it is idle.
    request: Option<ClientRequest>,
    /// The head of its response has come.
    answered: bool,
    /// That response, kept up to the next.
    response: Option<Box<Received<S>>>,
    /// The number of that response: it tells it from those before on the same connection.
    number: u32,
    agent: Option<(Agent, String)>,
    /// The socket is paused until somebody wants what it has.
    paused: bool,
    /// Nothing that comes is of any use any more.
    over: bool,
}

fn of<S: 'static>(cx: &mut Context<S>, socket: Socket) -> Option<&mut Connection<S>> {
    socket.data_mut(cx)
}

/// Makes a socket speak HTTP as a client.
pub(super) fn plug_in<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
    agent: Option<(Agent, String)>,
) {
    let connection = Connection::<S> {
        parser: Parser::responses(),
        request: None,
        answered: false,
        response: None,
        number: 0,
        agent,
        paused: false,
        over: false,
    };
    socket.set_data(cx, connection);
    socket.on_event(cx, event);
}

/// The connection serves this request from now on.
pub(super) fn serve<S: 'static>(cx: &mut Context<S>, socket: Socket, request: ClientRequest) {
    if let Some(own) = of(cx, socket) {
        own.request = Some(request);
        own.answered = false;
    }
}

/// What of the request bears on how its response is read.
pub(super) fn expect<S: 'static>(cx: &mut Context<S>, socket: Socket, bodiless: bool) {
    if let Some(own) = of(cx, socket) {
        own.parser.set_bodiless(bodiless);
    }
}

/// The response to the request that is being served, once its head has come.
fn message<S>(own: &Connection<S>, socket: Socket) -> Option<IncomingMessage> {
    let number = own.number;
    own.answered.then_some(IncomingMessage { socket, number })
}

/// A response, with its connection or, once that is gone, without.
pub(in crate::http) fn response<S: 'static>(
    cx: &Context<S>,
    message: IncomingMessage,
) -> Option<&Incoming> {
    let own = message.socket.data::<S, Connection<S>>(cx);
    let own = own.filter(|own| own.number == message.number);
    let here = own.and_then(|own| own.response.as_deref());
    let received = here.or_else(|| client::known_left(cx, message));
    received.map(|received| &received.incoming)
}

/// Responses are kept with their connections, and some of them beyond these.
pub(in crate::http) struct Responses;

impl<S: 'static> Side<S> for Responses {
    fn find(
        cx: &mut Context<S>,
        message: IncomingMessage,
    ) -> Option<(&mut Incoming, &mut Listeners<S>)> {
        let IncomingMessage { socket, number } = message;
        let here = |own: &Connection<S>| own.number == number && own.response.is_some();
        let received = match socket.data(cx).is_some_and(here) {
            true => of(cx, socket)?.response.as_deref_mut()?,
            false => client::left(cx, message)?,
        };
        Some((&mut received.incoming, &mut received.listeners))
    }

    fn completed(_: &mut Context<S>, _: IncomingMessage) {}

    /// Its connection is closed, or free once the request is sent, too.
    fn ended(cx: &mut Context<S>, message: IncomingMessage) {
        let IncomingMessage { socket, number } = message;
        let own = of::<S>(cx, socket).filter(|own| own.number == number);
        if let Some(request) = own.and_then(|own| own.request) {
            client::response_ended(cx, request);
        }
    }

    fn recount(_: &mut Context<S>, _: IncomingMessage) {}

    fn read_on(cx: &mut Context<S>, message: IncomingMessage) {
        let socket = message.socket;
        if of::<S>(cx, socket).is_some_and(|own| std::mem::take(&mut own.paused)) {
            socket.resume(cx);
        }
    }

    fn closed(cx: &mut Context<S>, message: IncomingMessage) {
        client::forget_response(cx, message);
    }
}

/// Whatever happens to the socket.
fn event<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, event: Event<'_>) {
    match event {
        Event::Data(bytes) => feed(state, cx, socket, bytes),
        Event::End => end_of_stream(state, cx, socket),
        Event::Drain => {
            if let Some(request) = of::<S>(cx, socket).and_then(|own| own.request) {
                client::drained(state, cx, request);
            }
        }
        Event::Connect => {
            if let Some(request) = of::<S>(cx, socket).and_then(|own| own.request) {
                client::connected(cx, request);
            }
        }
        Event::Timeout => timed_out(state, cx, socket),
        Event::Error(error) => {
            if let Some(request) = of::<S>(cx, socket).and_then(|own| own.request) {
                client::fail(state, cx, request, error);
            }
        }
        Event::Close(_) => closed(state, cx, socket),
        _ => {}
    }
}

/// Takes bytes apart and hands out what they are, until they are used up or somebody has to wait.
fn feed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, mut input: &[u8]) {
    let mut parts = 0;
    while let Some(own) = of::<S>(cx, socket) {
        if own.over || socket.destroyed(cx) {
            return;
        }
        let Some(own) = of::<S>(cx, socket) else {
            return;
        };
        let Some(request) = own.request else {
            // Nothing was asked for: what comes now must not be taken for the next response.
            own.over = true;
            socket.destroy(cx);
            return;
        };
        if !input.is_empty() && parts == PARTS_PER_TURN {
            socket.unshift(cx, input); // it comes back in the next turn
            return;
        }
        let Some(window) = room(own, input.len()) else {
            own.paused = true;
            socket.unshift(cx, input);
            socket.pause(cx);
            return;
        };
        parts += 1;
        let mut head = Head::default();
        let limits = Limits::default();
        let (mut now, limited) = (&input[..window], window < input.len());
        let part = own.parser.next_within(&mut now, &mut head, &limits);
        input = &input[window - now.len()..];
        match part {
            Ok(None) if limited => {}
            Ok(None) => return,
            Ok(Some(Part::Head)) => {
                if begin(state, cx, socket, request, head, input) {
                    return;
                }
            }
            Ok(Some(Part::Data(bytes))) => {
                if let Some(response) = message(own, socket) {
                    incoming::data::<S, Responses>(state, cx, response, bytes);
                }
            }
            Ok(Some(Part::End)) => {
                // One response is all that was asked for.
                own.over = !input.is_empty();
                let surplus = surplus(own, input);
                let trailers = own.parser.take_trailers();
                if let Some(response) = message(own, socket) {
                    incoming::completed::<S, Responses>(cx, response, trailers);
                }
                if of::<S>(cx, socket).is_some_and(|own| own.over) {
                    socket.destroy(cx);
                    if let Err(error) = surplus {
                        client::fail(state, cx, request, &Error::from(error));
                    }
                    return;
                }
            }
            Err(error) => {
                own.over = true;
                socket.destroy(cx);
                client::fail(state, cx, request, &Error::from(error));
                return;
            }
        }
    }
}

/// What came with the end of a response, and does not belong to it: an error if nothing could.
fn surplus<S>(own: &mut Connection<S>, input: &[u8]) -> Result<(), ParseError> {
    let start = input.iter().position(|byte| !b"\r\n".contains(byte));
    let Some(mut input) = start.map(|start| &input[start..]) else {
        return Ok(());
    };
    let response = own.response.as_ref();
    if response.is_some_and(|response| !response.incoming.head.facts().keep_alive) {
        return Err(ParseError::Closed);
    }
    let parsed = own.parser.next(&mut input, &mut Head::default());
    parsed.map(|_| ())
}

/// How many of the bytes that have come may be looked at: all, unless they are of a body that does
/// not flow, which is kept up to a limit. `None` if the limit is reached. What comes with the last
/// of a body of a known length does not have to wait: then nothing more is read of it.
fn room<S>(own: &Connection<S>, length: usize) -> Option<usize> {
    let Some(response) = own.response.as_deref().filter(|_| own.parser.in_body()) else {
        return Some(length);
    };
    let response = &response.incoming;
    let flows = response.is_flowing() && response.kept_bytes() == 0;
    if length == 0 || flows || own.parser.ends_within(length) {
        return Some(length);
    }
    let room = KEPT.saturating_sub(response.kept_bytes());
    (room > 0).then_some(room.min(length))
}

/// A head has come. True if nothing more of the input is HTTP.
fn begin<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    request: ClientRequest,
    head: Head,
    rest: &[u8],
) -> bool {
    let status = head.status_code();
    let connect = client::method(cx, request) == "CONNECT";
    if connect || status == 101 {
        hand_over(state, cx, socket, request, &head, rest, connect);
        return true;
    }
    if (100..200).contains(&status) {
        if status == 100 {
            client::tell(state, cx, request, RequestEvent::Continue);
        }
        let event = RequestEvent::Information(&head);
        client::tell(state, cx, request, event);
        return false;
    }
    let keep_alive = head.facts().keep_alive;
    let Some(own) = of::<S>(cx, socket) else {
        return true;
    };
    own.answered = true;
    own.number = own.number.wrapping_add(1);
    let number = own.number;
    own.response = Some(Box::new(Received::new(head)));
    let response = IncomingMessage { socket, number };
    client::responded(cx, request, keep_alive);
    let event = RequestEvent::Response(response);
    if !client::tell(state, cx, request, event) {
        incoming::dump::<S, Responses>(cx, response);
    }
    false
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
    let event = if connect {
        RequestEvent::Connect(head, socket, rest)
    } else {
        RequestEvent::Upgrade(head, socket, rest)
    };
    if !client::listens(cx, request, event.kind()) {
        if let Some(own) = of::<S>(cx, socket) {
            own.over = true;
        }
        socket.destroy(cx);
        return;
    }
    let own = socket.take_data::<S, Connection<S>>(cx);
    if let Some((agent, name)) = own.and_then(|own| own.agent) {
        agent::remove(cx, agent, &name, socket);
    }
    socket.remove_all_listeners(cx);
    socket.set_timeout(cx, 0);
    client::tell(state, cx, request, event);
    client::close(state, cx, request);
}

/// The server will send no more: that ends a response without a length, and is too soon for any
/// other.
fn end_of_stream<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of::<S>(cx, socket) else {
        return;
    };
    let finished = own.parser.finish() == Ok(true);
    own.over = true;
    let (response, request) = (message(own, socket), own.request);
    match (response, request) {
        (Some(response), _) if finished => incoming::completed::<S, Responses>(cx, response, None),
        (None, Some(request)) => client::fail(state, cx, request, &client::hung_up()),
        _ => {}
    }
    socket.destroy(cx);
}

fn timed_out<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of::<S>(cx, socket) else {
        return;
    };
    let (response, request) = (message(own, socket), own.request);
    let Some(request) = request else {
        socket.destroy(cx); // idle for long enough
        return;
    };
    client::timed_out(state, cx, request);
    let has_ended =
        |&message: &IncomingMessage| self::response(cx, message).is_some_and(Incoming::has_ended);
    if let Some(response) = response.filter(|response| !has_ended(response)) {
        incoming::timed_out::<S, Responses>(state, cx, response);
    }
}

/// The socket is closed: who waits for anything is told.
fn closed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of::<S>(cx, socket) else {
        return;
    };
    own.over = true;
    let (response, request) = (message(own, socket), own.request.take());
    let agent = own.agent.take();
    let known = response.and_then(|message| self::response(cx, message));
    let complete = known.is_some_and(Incoming::is_complete);
    match (response, request) {
        (Some(response), Some(request)) if !complete => {
            incoming::abort::<S, Responses>(state, cx, response, move |state, cx| {
                client::close(state, cx, request);
            });
        }
        (Some(response), Some(request)) => {
            keep(cx, response);
            client::close(state, cx, request);
        }
        (None, Some(request)) => {
            client::fail(state, cx, request, &client::hung_up());
            client::close(state, cx, request);
        }
        (_, None) => {}
    }
    if let Some((agent, name)) = agent {
        agent::remove(cx, agent, &name, socket);
    }
}

/// A response is complete whose connection is gone: what of it is not told yet is still to be had,
/// if somebody listens to it or has paused it.
fn keep<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some(own) = of::<S>(cx, message.socket) else {
        return;
    };
    if own.response.as_deref().is_some_and(Received::is_wanted)
        && let Some(response) = own.response.take()
    {
        client::keep_response(cx, message, response);
    }
}

/// Nobody wants the rest of the response that is being received.
pub(super) fn dump<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    if let Some(response) = of::<S>(cx, socket).and_then(|own| message(own, socket)) {
        incoming::discard::<S, Responses>(cx, response);
    }
}

/// The request has no use for the connection after all: the next that waits gets it, or nobody.
pub(super) fn release<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of::<S>(cx, socket) else {
        return;
    };
    own.request = None;
    match own.agent.clone() {
        Some((agent, name)) => agent::release(cx, agent, &name, socket),
        None => {
            socket.destroy(cx);
        }
    }
}

/// The exchange is over and the connection good for another: the agent gets it back.
pub(super) fn free<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of::<S>(cx, socket) else {
        return;
    };
    own.request = None;
    let hint = own.response.as_ref().and_then(|response| {
        let hint = response.incoming.head.header_str("keep-alive")?;
        let digits = hint.strip_prefix("timeout=")?;
        digits
            .split(|byte: char| !byte.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    });
    match own.agent.clone() {
        Some((agent, name)) => agent::free(cx, agent, &name, socket, hint),
        None => {
            socket.destroy(cx);
        }
    }
}

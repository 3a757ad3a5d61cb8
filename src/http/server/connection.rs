//! What a server does with the bytes of one connection, and what it keeps of it.
//!
//! The whole of it hangs on the socket as its data, and hears of the socket through the server's
//! one listener: a user's own protocol could do the same.

use std::collections::VecDeque;

use super::exchange::{Exchange, put_spare, take_spare};
use super::giving_up::THROWN_AWAY;
use super::{Kind, ServerEvent, ServerState, Settings, dispatch, giving_up, sending};
use crate::Context;
use crate::event_loop::Timer;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::{Head, PARTS_PER_TURN, ParseError, Parser, Part};
use crate::net::{Event, Holding, Socket};

/// Requests of one connection at most that are handed out and not answered yet. What is pipelined
/// beyond them waits in the kernel.
pub(in crate::http) const PIPELINED: usize = 64;

/// Requests of one connection that are handed out in one turn at most. Those behind them wait for
/// the next, so that nobody's pipeline holds up the others.
const REQUESTS_PER_TURN: usize = 16;

/// What a server keeps of a connection. An idle one owns next to nothing.
pub(in crate::http) struct Connection<S> {
    pub(in crate::http) parser: Parser,
    /// Requests whose responses are not sent yet, in order.
    pub(in crate::http) exchanges: VecDeque<Box<Exchange<S>>>,
    /// Those that are done with, but for events that are still to be told.
    #[expect(
        clippy::vec_box,
        reason = "an exchange moves between lists, and is large"
    )]
    pub(in crate::http) leaving: Vec<Box<Exchange<S>>>,
    /// The number of the next request; the one before is the one that is being received, if any is.
    pub(in crate::http) begun: u32,
    /// The number of the first whose response has not ended: it writes to the socket, others are
    /// held.
    pub(in crate::http) ended: u32,
    /// The number of the first whose response is not wholly with the kernel.
    pub(in crate::http) sent: u32,
    /// What is to be written to the socket.
    pub(in crate::http) out: Vec<u8>,
    /// Bytes of the body that is being received; then those that were thrown away behind it.
    pub(in crate::http) received: u64,
    /// Parts that the bytes that came last were taken apart into.
    parts: u32,
    /// Its place in the server's list.
    pub(in crate::http) place: usize,
    /// Since when a message is awaited or arriving, in the loop's milliseconds.
    pub(in crate::http) since: Option<u64>,
    /// The head of that message has come.
    pub(in crate::http) head_done: bool,
    /// Bytes are being taken apart: what is written meanwhile goes out at the end of that, as one.
    pub(in crate::http) feeding: bool,
    /// The socket is paused until somebody wants what it has.
    pub(in crate::http) paused: bool,
    /// The program wants no further request for now.
    pub(in crate::http) held_back: bool,
    /// No further request is taken: the last one said so, or its response.
    pub(in crate::http) closing: bool,
    /// The last response has ended: what is written to those behind it is dropped.
    pub(in crate::http) shut: bool,
    /// Nothing that comes is HTTP any more.
    pub(in crate::http) over: bool,
    /// What could not be understood, and which message that would have been: to be refused in its
    /// turn.
    pub(in crate::http) fault: Option<(ParseError, u32)>,
    /// Some of what was to be sent was not: the socket had ended.
    pub(in crate::http) lost: bool,
    pub(in crate::http) flush_queued: bool,
    pub(in crate::http) settle_queued: bool,
    /// A callback waits for the kernel to have taken everything.
    pub(in crate::http) waiting: bool,
    /// Counts torn heads, requests with what is kept of their bodies, and responses that are not
    /// with the socket.
    counted: Holding,
    /// The socket's timer of the keep-alive time, if it runs: it is not stopped for each request.
    idle_timer: Option<Timer>,
}

impl<S> Connection<S> {
    fn new(place: usize, now: u64) -> Self {
        Self {
            parser: Parser::requests(),
            exchanges: VecDeque::new(),
            leaving: Vec::new(),
            begun: 0,
            ended: 0,
            sent: 0,
            out: Vec::new(),
            received: 0,
            parts: 0,
            place,
            since: Some(now),
            head_done: false,
            feeding: false,
            paused: false,
            held_back: false,
            closing: false,
            shut: false,
            over: false,
            fault: None,
            lost: false,
            flush_queued: false,
            settle_queued: false,
            waiting: false,
            counted: Holding::default(),
            idle_timer: None,
        }
    }

    fn index(&self, number: u32) -> Option<usize> {
        let first = self.exchanges.front()?.number;
        Some(number.wrapping_sub(first) as usize)
    }

    /// An exchange by its number, while anything of it is still to be told.
    pub(in crate::http) fn exchange(&mut self, number: u32) -> Option<&mut Exchange<S>> {
        match self.index(number) {
            Some(index) if index < self.exchanges.len() => Some(&mut self.exchanges[index]),
            _ => {
                let mut leaving = self.leaving.iter_mut();
                let found = leaving.find(|exchange| exchange.number == number)?;
                Some(found)
            }
        }
    }

    fn known(&self, number: u32) -> Option<&Exchange<S>> {
        match self
            .index(number)
            .and_then(|index| self.exchanges.get(index))
        {
            Some(exchange) => Some(exchange),
            None => self
                .leaving
                .iter()
                .find(|exchange| exchange.number == number)
                .map(|b| &**b),
        }
    }

    /// Whether it has nothing under way: no request that is being received or answered.
    pub(in crate::http) fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.parser.is_idle()
    }

    /// Bytes of memory beyond this.
    fn memory(&self) -> usize {
        let exchanges = self.exchanges.iter().chain(&self.leaving);
        let requests = exchanges.map(|one| {
            let incoming = &one.incoming;
            size_of::<Exchange<S>>() + incoming.head.held() + incoming.kept_bytes()
        });
        self.parser.held() + self.held() + requests.sum::<usize>()
    }

    /// Counts that anew.
    pub(in crate::http) fn recount(&mut self) {
        self.counted.set(self.memory());
    }

    /// Bytes of responses that are not with the socket yet.
    fn held(&self) -> usize {
        let held = self
            .exchanges
            .iter()
            .map(|exchange| exchange.response.held.len());
        self.out.len() + held.sum::<usize>()
    }
}

/// Counts anew what is held for a connection.
pub(in crate::http) fn recount<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket) {
        own.recount();
    }
}

/// Whether a socket belongs to an HTTP server.
pub(in crate::http) fn is<S: 'static>(cx: &Context<S>, socket: Socket) -> bool {
    socket.data::<S, Connection<S>>(cx).is_some()
}

pub(in crate::http) fn of<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
) -> Option<&mut Connection<S>> {
    socket.data_mut(cx)
}

pub(in crate::http) fn known<S: 'static>(
    cx: &Context<S>,
    socket: Socket,
    number: u32,
) -> Option<&Exchange<S>> {
    socket.data::<S, Connection<S>>(cx)?.known(number)
}

pub(in crate::http) fn state_of<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
) -> Option<&mut ServerState<S>> {
    socket.server(cx)?.data_mut(cx)
}

pub(in crate::http) fn settings<S: 'static>(cx: &Context<S>, socket: Socket) -> Settings {
    let server = socket.server(cx);
    let state = server.and_then(|server| server.data::<S, ServerState<S>>(cx));
    state.map_or_else(Settings::default, |state| state.settings)
}

/// A connection was accepted.
pub(in crate::http) fn accepted<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let now = cx.now();
    let Some(server) = state_of(cx, socket) else {
        return;
    };
    let place = server.connections.insert(socket);
    let timeout = server.settings.timeout;
    socket.set_data(cx, Connection::<S>::new(place, now));
    if timeout > 0 {
        socket.set_timeout(cx, timeout);
    }
    if let Some(server) = socket.server(cx) {
        super::start_checking(cx, server);
    }
}

/// Whatever happens to a socket of the server's.
pub(in crate::http) fn event<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    event: Event<'_>,
) {
    match event {
        Event::Data(bytes) => feed(state, cx, socket, bytes),
        Event::End => giving_up::end_of_stream(state, cx, socket),
        Event::Timeout => giving_up::timed_out(state, cx, socket),
        Event::Error(error) => giving_up::failed(state, cx, socket, error),
        Event::Close(_) => giving_up::closed(state, cx, socket),
        _ => {}
    }
}

/// Takes bytes apart and hands out what they are, until they are used up or somebody has to wait.
/// What was written to the socket meanwhile goes out at the end, as one.
fn feed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket, mut input: &[u8]) {
    let now = cx.now();
    let settings = settings(cx, socket);
    let Some(own) = of(cx, socket) else { return };
    own.parts = 0;
    if own.over {
        return giving_up::throw_away(cx, socket, input);
    }
    own.feeding = true;
    let last_of_turn = own.begun.wrapping_add(REQUESTS_PER_TURN as u32);
    let mut fresh = None;
    let mut no_head = Head::default();
    while let Some(own) = of(cx, socket) {
        if own.over || (input.is_empty() && own.parser.is_idle()) {
            break;
        }
        if socket.destroyed(cx) || (!input.is_empty() && must_wait(cx, socket, input)) {
            break;
        }
        let Some(own) = of(cx, socket) else { break };
        let many = own.begun == last_of_turn && own.parser.is_idle() && !own.closing;
        if !input.is_empty() && (many || own.parts >= PARTS_PER_TURN) {
            socket.unshift(cx, input); // it comes back in the next turn
            break;
        }
        if own.parser.is_idle() {
            if own.closing {
                own.received += input.len() as u64;
                break; // what comes behind the last request is nobody's
            }
            if own.since.is_none() {
                (own.since, own.head_done) = (Some(now), false);
            }
        }
        let head = if own.parser.in_message() {
            &mut no_head
        } else {
            let exchange = match fresh.take() {
                Some(exchange) => exchange,
                None => take_spare(cx, socket),
            };
            let exchange: &mut Box<Exchange<S>> = fresh.insert(exchange);
            &mut exchange.incoming.head
        };
        let Some(own) = of(cx, socket) else { break };
        own.parts += 1;
        match own.parser.next_within(&mut input, head, &settings.limits) {
            Ok(None) => {
                if own.parser.is_idle() && own.begun > 0 {
                    own.since = None; // empty lines are no message
                }
                break;
            }
            Ok(Some(Part::Head)) => {
                if let Some(exchange) = fresh.take()
                    && begin(state, cx, socket, exchange, input, &settings)
                {
                    return; // it is not HTTP any more
                }
            }
            Ok(Some(Part::Data(bytes))) => received(state, cx, socket, bytes, &settings),
            Ok(Some(Part::End)) => {
                own.since = None;
                let trailers = own.parser.take_trailers();
                let number = own.begun.wrapping_sub(1);
                incoming::completed(cx, IncomingMessage { socket, number }, trailers);
            }
            Err(error) => {
                giving_up::fail(state, cx, socket, error);
                break;
            }
        }
    }
    if let Some(exchange) = fresh {
        put_spare(cx, socket, exchange);
    }
    if let Some(own) = of(cx, socket) {
        own.feeding = false;
    }
    sending::flush(cx, socket);
    sending::settle(state, cx, socket);
    if let Some(own) = of(cx, socket) {
        own.recount();
    }
}

/// What HTTP holds for a connection of one of its servers, in bytes, beside what its socket
/// [holds](Socket::held).
#[must_use]
pub fn held<S: 'static>(cx: &Context<S>, socket: Socket) -> usize {
    let own = socket.data::<S, Connection<S>>(cx);
    own.map_or(0, |own| own.counted.bytes())
}

/// How much work the bytes were that have come last on a connection of an HTTP server: the parts
/// of messages that they were taken apart into, which are heads, chunks or pieces of bodies, and
/// ends. Zero if the connection has left HTTP.
#[must_use]
pub fn parts<S: 'static>(cx: &Context<S>, socket: Socket) -> u32 {
    let own = socket.data::<S, Connection<S>>(cx);
    own.map_or(0, |own| own.parts)
}

/// Whether nobody can take what comes next: a message that does not flow and is full, a client that does not
/// read its responses, or too many requests in a row. Then the rest is given back to the socket.
fn must_wait<S: 'static>(cx: &mut Context<S>, socket: Socket, input: &[u8]) -> bool {
    let full = socket.writable_high_water_mark(cx) as usize;
    let queued = socket.writable_length(cx);
    let Some(own) = of(cx, socket) else {
        return false;
    };
    if !waits(own, full, queued) {
        return false;
    }
    own.paused = true;
    socket.unshift(cx, input);
    socket.pause(cx);
    true
}

fn waits<S>(own: &mut Connection<S>, full: usize, queued: usize) -> bool {
    let enough = own.received > THROWN_AWAY;
    if own.over && enough {
        return true;
    }
    if own.parser.in_body() {
        let number = own.begun.wrapping_sub(1);
        // Nobody waits for the body of a request that has its response.
        let exchange = own.exchange(number);
        return exchange.is_some_and(|exchange| exchange.incoming.is_full(full));
    }
    if own.parser.in_message() {
        return false; // its end is known without another byte
    }
    if own.closing && enough {
        return true;
    }
    // Answered ones that the program has paused are not done with, either.
    let unfinished = own.exchanges.len() + own.leaving.len();
    let unanswered = own.exchanges.len();
    let all = own.exchanges.iter().chain(&own.leaving);
    let bodies: usize = all.map(|exchange| exchange.incoming.kept_bytes()).sum();
    let has_much = unanswered > 0 && own.held() + queued + bodies >= full;
    own.held_back || unfinished >= PIPELINED || has_much || bodies >= full
}

/// Reads on, if that was what it waited for.
pub(in crate::http) fn go_on<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let full = socket.writable_high_water_mark(cx) as usize;
    let queued = socket.writable_length(cx);
    if let Some(own) = of(cx, socket)
        && own.paused
        && !waits(own, full, queued)
    {
        own.paused = false;
        socket.resume(cx);
    }
}

/// A head has come: it is handed out as what it is. True if the socket left HTTP with that.
fn begin<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    mut exchange: Box<Exchange<S>>,
    rest: &[u8],
    settings: &Settings,
) -> bool {
    let Some(own) = of(cx, socket) else {
        return false;
    };
    own.head_done = true;
    own.received = 0;
    let (facts, head) = (*exchange.incoming.head.facts(), &exchange.incoming.head);
    let connect = head.method() == "CONNECT";
    let upgrade = facts.upgrade && (settings.should_upgrade)(head);
    let kind = if connect {
        Kind::Connect
    } else {
        Kind::Upgrade
    };
    // Nothing can be handed over before what came in front of it is answered.
    let answered = own.ended == own.begun;
    let idle_timer = own.idle_timer.take_if(|_| settings.timeout > 0).is_some();
    let listened = state_of(cx, socket).is_some_and(|server| server.listeners.listens(kind));
    if connect && !(listened && answered) {
        socket.destroy(cx);
        return false;
    }
    if connect || (upgrade && listened && answered) {
        hand_over(state, cx, socket, &exchange.incoming.head, rest, connect);
        return true;
    }
    if idle_timer {
        socket.set_timeout(cx, settings.timeout);
    }
    if facts
        .length
        .is_some_and(|length| length > settings.max_body)
    {
        giving_up::fail(state, cx, socket, ParseError::BodyTooLarge);
        return false;
    }
    let outgoing = &mut exchange.response.outgoing;
    outgoing.bodiless = exchange.incoming.head.method() == "HEAD";
    outgoing.chunks = exchange.incoming.head.http_version() != "1.0";
    outgoing.keep_alive = facts.keep_alive;
    let Some(own) = of(cx, socket) else {
        return false;
    };
    let number = own.begun;
    exchange.number = number;
    own.begun = number.wrapping_add(1);
    own.closing |= !facts.keep_alive;
    own.exchanges.push_back(exchange);
    dispatch::request(state, cx, socket, number, &facts);
    false
}

/// Gives the socket away: nothing of HTTP stays with it.
fn hand_over<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    head: &Head,
    rest: &[u8],
    connect: bool,
) {
    if let Some(own) = of(cx, socket) {
        own.feeding = false;
    }
    sending::flush(cx, socket);
    sending::settle(state, cx, socket);
    leave(cx, socket);
    socket.remove_all_listeners(cx);
    socket.set_timeout(cx, 0);
    let Some(server) = socket.server(cx) else {
        return;
    };
    if connect {
        let event = ServerEvent::Connect(head, socket, rest);
        super::emit(state, cx, server, Kind::Connect, event);
    } else {
        let event = ServerEvent::Upgrade(head, socket, rest);
        super::emit(state, cx, server, Kind::Upgrade, event);
    }
}

/// Takes what HTTP keeps of it off the socket and off the server's list.
fn leave<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = socket.take_data::<S, Connection<S>>(cx) else {
        return;
    };
    if let Some(server) = state_of(cx, socket) {
        server.connections.try_remove(own.place);
    }
}

/// Some of a body has come.
fn received<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    bytes: &[u8],
    settings: &Settings,
) {
    let Some(own) = of(cx, socket) else { return };
    own.received += bytes.len() as u64;
    if own.received > settings.max_body {
        return giving_up::fail(state, cx, socket, ParseError::BodyTooLarge);
    }
    let number = own.begun.wrapping_sub(1);
    incoming::data(state, cx, IncomingMessage { socket, number }, bytes);
}

/// Whether the time that runs is that of an idle connection. It is not stopped for each request; if
/// the program has set another meanwhile, it is that.
pub(in crate::http) fn is_idle_time<S: 'static>(cx: &mut Context<S>, socket: Socket) -> bool {
    let runs = socket.timer(cx);
    of(cx, socket).is_some_and(|own| own.idle_timer.is_some() && own.idle_timer == runs)
}

/// The keep-alive time is over, and a request has come meanwhile: what runs now is the server's.
pub(in crate::http) fn end_idle_time<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let timeout = settings(cx, socket).timeout;
    if let Some(own) = of(cx, socket) {
        own.idle_timer = None;
        socket.set_timeout(cx, timeout);
    }
}

/// Starts the keep-alive time, when everything is answered: a little longer than the client is told.
pub(in crate::http) fn idle<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let settings = settings(cx, socket);
    if settings.keep_alive_timeout == 0 || is_idle_time(cx, socket) {
        return; // it runs; every read and write starts it anew
    }
    let ms = settings.keep_alive_timeout.saturating_add(super::GRACE);
    socket.set_timeout(cx, ms);
    let timer = socket.timer(cx);
    if let Some(own) = of(cx, socket) {
        own.idle_timer = timer;
    }
}

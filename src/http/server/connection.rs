//! What a server keeps of one connection, and how it is found.
//!
//! The whole of it hangs on the socket as its data, and hears of the socket through the server's
//! one listener: a user's own protocol could do the same.

use std::time::Duration;

use super::audience::Audience;
use super::pipeline::{Backlog, Exchange, PIPELINED, Pipeline};
use super::settings::Settings;
use super::state::ServerState;
use crate::Context;
use crate::event_loop::Timer;
use crate::http::incoming::{self, IncomingMessage, Listeners, Side};
use crate::http::message::incoming::Incoming;
use crate::net::{Holding, Socket};

/// What a server keeps of a connection.
pub(super) struct Connection<S> {
    pub(super) pipeline: Pipeline<Audience<S>>,
    /// Its place in the server's list.
    pub(super) place: usize,
    /// Bytes are being taken apart: what is written meanwhile goes out at the end of that, as one.
    pub(super) feeding: bool,
    pub(super) flush_queued: bool,
    pub(super) settle_queued: bool,
    /// A callback waits for the kernel to have taken everything.
    pub(super) waiting: bool,
    /// Counts torn heads, requests with what is kept of their bodies, and responses that are not
    /// with the socket.
    counted: Holding,
    /// The socket's timer of the keep-alive time, if it runs, and how long that is: it is not stopped
    /// for each request.
    idle_timer: Option<Timer>,
    idle_ms: u32,
    /// Since when it has had nothing to do, in the loop's milliseconds.
    idle_since: u64,
}

impl<S> Connection<S> {
    /// One that was accepted now, with a place in the server's list.
    pub(super) fn new(place: usize, now: u64) -> Self {
        Self {
            pipeline: Pipeline::new(now),
            place,
            feeding: false,
            flush_queued: false,
            settle_queued: false,
            waiting: false,
            counted: Holding::default(),
            idle_timer: None,
            idle_ms: 0,
            idle_since: now,
        }
    }

    /// Counts anew what is held for it.
    pub(super) fn recount(&mut self) {
        self.counted.set(self.pipeline.memory());
    }
}

pub(super) fn of<S: 'static>(cx: &mut Context<S>, socket: Socket) -> Option<&mut Connection<S>> {
    socket.data_mut(cx)
}

fn known<S: 'static>(cx: &Context<S>, socket: Socket) -> Option<&Connection<S>> {
    socket.data(cx)
}

/// Whether a socket belongs to an HTTP server.
pub(in crate::http) fn is<S: 'static>(cx: &Context<S>, socket: Socket) -> bool {
    known(cx, socket).is_some()
}

/// A request, and the response to it.
pub(super) fn exchange<S: 'static>(
    cx: &Context<S>,
    socket: Socket,
    number: u32,
) -> Option<&Exchange<Audience<S>>> {
    known(cx, socket)?.pipeline.known(number)
}

/// Bytes of a response that are not with the kernel yet.
pub(super) fn unsent<S: 'static>(cx: &Context<S>, socket: Socket, number: u32) -> usize {
    let queued = socket.writable_length(cx);
    let unsent = known(cx, socket).and_then(|own| own.pipeline.unsent_of(number, queued));
    unsent.unwrap_or(0)
}

/// A request of a client of one of the servers.
pub(in crate::http) fn request<S: 'static>(
    cx: &Context<S>,
    message: IncomingMessage,
) -> Option<&Incoming> {
    Some(&exchange(cx, message.socket, message.number)?.request)
}

pub(super) fn state_of<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
) -> Option<&mut ServerState<S>> {
    socket.server(cx)?.data_mut(cx)
}

pub(super) fn settings<S: 'static>(cx: &Context<S>, socket: Socket) -> Settings {
    let server = socket.server(cx);
    let state = server.and_then(|server| server.data::<S, ServerState<S>>(cx));
    state.map_or_else(Settings::default, |state| state.settings)
}

/// What of a socket bears on how much is read and written.
pub(super) fn backlog<S>(cx: &Context<S>, socket: Socket) -> Backlog {
    Backlog {
        queued: socket.writable_length(cx),
        full: socket.writable_high_water_mark(cx) as usize,
    }
}

/// What HTTP holds for a connection of one of its servers, in bytes, beside what its socket
/// [holds](Socket::held).
#[must_use]
pub fn held<S: 'static>(cx: &Context<S>, socket: Socket) -> usize {
    known(cx, socket).map_or(0, |own| own.counted.bytes())
}

/// How much work the bytes were that have come last on a connection of an HTTP server: the parts
/// of messages that they were taken apart into, which are heads, chunks or pieces of bodies, and
/// ends. Zero if the connection has left HTTP.
#[must_use]
pub fn parts<S: 'static>(cx: &Context<S>, socket: Socket) -> u32 {
    known(cx, socket).map_or(0, |own| own.pipeline.parts())
}

/// Counts anew what is held for a connection.
pub(super) fn recount<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket) {
        own.recount();
    }
}

/// Reads on, if that was what it waited for.
pub(super) fn go_on<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let backlog = backlog(cx, socket);
    if of(cx, socket).is_some_and(|own| own.pipeline.reads_on(backlog)) {
        socket.resume(cx);
    }
}

/// Takes what HTTP keeps of it off the socket and off the server's list.
pub(super) fn leave<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = socket.take_data::<S, Connection<S>>(cx) else {
        return;
    };
    if let Some(server) = state_of(cx, socket) {
        server.connections.try_remove(own.place);
    }
}

/// Has an exchange's memory used again.
pub(super) fn put_spare<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
    mut exchange: Box<Exchange<Audience<S>>>,
) {
    if let Some(server) = state_of(cx, socket)
        && server.spare.len() < PIPELINED
    {
        exchange.recycle();
        server.spare.push(exchange);
    }
}

/// Forgets an exchange of which everything is told.
pub(super) fn forget<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let IncomingMessage { socket, number } = message;
    let told = of(cx, socket).and_then(|own| own.pipeline.take_told(number));
    let Some(exchange) = told else { return };
    put_spare(cx, socket, exchange);
    recount(cx, socket);
    go_on(cx, socket); // there is room for another
}

/// Requests are kept with the connections of servers.
pub(in crate::http) struct Requests;

impl<S: 'static> Side<S> for Requests {
    fn find(
        cx: &mut Context<S>,
        message: IncomingMessage,
    ) -> Option<(&mut Incoming, &mut Listeners<S>)> {
        let exchange = of(cx, message.socket)?.pipeline.exchange(message.number)?;
        Some((&mut exchange.request, &mut exchange.companion.request))
    }

    fn completed(cx: &mut Context<S>, message: IncomingMessage) {
        let own = of(cx, message.socket);
        if own.is_some_and(|own| own.pipeline.is_leaving(message.number)) {
            cx.next_tick(move |state, cx| incoming::settle::<S, Self>(state, cx, message));
        }
    }

    fn ended(_: &mut Context<S>, _: IncomingMessage) {}

    fn recount(cx: &mut Context<S>, message: IncomingMessage) {
        recount(cx, message.socket);
    }

    fn read_on(cx: &mut Context<S>, message: IncomingMessage) {
        go_on(cx, message.socket);
    }

    fn closed(cx: &mut Context<S>, message: IncomingMessage) {
        forget(cx, message);
    }
}

/// Whether the time that runs is that of an idle connection. It is not stopped for each request; if
/// the program has set another meanwhile, it is that.
pub(super) fn is_idle_time<S: 'static>(cx: &Context<S>, socket: Socket) -> bool {
    let runs = socket.timer(cx);
    known(cx, socket).is_some_and(|own| own.idle_timer.is_some() && own.idle_timer == runs)
}

/// A request has come, or is under way though the keep-alive time is over: if that runs, it is the
/// server's time from here on.
pub(super) fn end_idle_time<S: 'static>(cx: &mut Context<S>, socket: Socket, timeout: Duration) {
    if of(cx, socket).is_some_and(|own| own.idle_timer.take().is_some()) {
        socket.set_timeout(cx, timeout);
    }
}

/// Starts the keep-alive time, when everything is answered.
pub(super) fn idle<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(ms) = settings(cx, socket).keep_alive() else {
        return;
    };
    if known(cx, socket).is_some_and(|own| own.pipeline.is_held_back()) {
        return; // what it has asked for may wait to be read
    }
    let now = cx.now();
    let mut runs = is_idle_time(cx, socket);
    if let Some(own) = of(cx, socket) {
        own.idle_since = now;
        runs &= own.idle_ms == ms;
    }
    if !runs {
        run_idle_time(cx, socket, ms); // every read and write starts it anew
    }
}

/// Empty lines have come, which are nothing: the keep-alive time goes on as if they had not.
pub(super) fn stay_idle<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let (now, ms) = (cx.now(), settings(cx, socket).keep_alive());
    let since = known(cx, socket).map(|own| own.idle_since);
    if let (Some(ms), Some(since)) = (ms, since) {
        let over = u32::try_from(now - since).unwrap_or(u32::MAX);
        run_idle_time(cx, socket, ms.saturating_sub(over).max(1));
    }
}

fn run_idle_time<S: 'static>(cx: &mut Context<S>, socket: Socket, ms: u32) {
    socket.set_timeout(cx, Duration::from_millis(ms.into()));
    let timer = socket.timer(cx);
    if let Some(own) = of(cx, socket) {
        (own.idle_timer, own.idle_ms) = (timer, ms);
    }
}

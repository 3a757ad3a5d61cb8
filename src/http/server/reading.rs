//! What a server does with the bytes of one connection: they become requests, which are handed out.

use std::time::Duration;

use super::connection::{
    self, Connection, Requests, backlog, leave, of, put_spare, settings, state_of,
};
use super::ids::ServerResponse;
use super::pipeline::{self, Route, Spoken};
use super::state::{ServerEvent, emit};
use super::{checking, giving_up, sending, settling};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::Head;
use crate::net::{Event, Socket};

/// A connection was accepted.
pub(super) fn accepted<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let now = cx.now();
    let Some(server) = state_of(cx, socket) else {
        return;
    };
    let place = server.connections.insert(socket);
    let timeout = server.settings.timeout;
    socket.set_data(cx, Connection::<S>::new(place, now));
    if !timeout.is_zero() {
        socket.set_timeout(cx, timeout);
    }
    if let Some(server) = socket.server(cx) {
        checking::start(cx, server);
    }
}

/// Whatever happens to a socket of the server's.
pub(super) fn event<S: 'static>(
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
    own.pipeline.begin_turn();
    if own.pipeline.is_over() {
        return giving_up::throw_away(cx, socket, input);
    }
    own.feeding = true;
    let (mut lent, mut spoken) = (None, Spoken::default());
    let mut heard = false;
    while !socket.destroyed(cx) {
        let backlog = backlog(cx, socket);
        let Some(mut own) = of(cx, socket) else { break };
        if own.pipeline.awaits_head() && lent.is_none() && !input.is_empty() {
            if let Some(server) = state_of(cx, socket) {
                (lent, spoken) = (server.spare.pop(), server.spoken());
            }
            let Some(again) = of(cx, socket) else { break };
            own = again;
        }
        let pipeline = &mut own.pipeline;
        match pipeline.read(&mut input, &mut lent, now, backlog, &settings, spoken) {
            pipeline::Event::Done => {
                match heard {
                    _ if !pipeline.stays_idle() => {}
                    true => connection::idle(cx, socket),
                    false => connection::stay_idle(cx, socket),
                }
                break;
            }
            pipeline::Event::NextTurn => {
                socket.unshift(cx, input);
                break;
            }
            pipeline::Event::Wait => {
                socket.unshift(cx, input);
                socket.pause(cx);
                break;
            }
            pipeline::Event::Request(number, route) => {
                heard = true;
                if !settings.timeout.is_zero() {
                    connection::end_idle_time(cx, socket, settings.timeout);
                }
                hand_out(state, cx, ServerResponse { socket, number }, route);
            }
            pipeline::Event::HandOver { connect } => {
                let exchange = lent.unwrap_or_default();
                return hand_over(state, cx, socket, &exchange.request.head, input, connect);
            }
            pipeline::Event::Close => giving_up::destroy(cx, socket, None),
            pipeline::Event::Data(number, bytes) => {
                heard = true;
                let request = IncomingMessage { socket, number };
                incoming::data::<S, Requests>(state, cx, request, bytes);
            }
            pipeline::Event::End(number) => {
                heard = true;
                let trailers = pipeline.take_trailers();
                let request = IncomingMessage { socket, number };
                incoming::completed::<S, Requests>(cx, request, trailers);
            }
            pipeline::Event::Fault => {
                giving_up::refuse(state, cx, socket);
                break;
            }
        }
    }
    if let Some(exchange) = lent {
        put_spare(cx, socket, exchange);
    }
    send(state, cx, socket);
}

/// What was written while bytes were taken apart goes out.
fn send<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket) {
        own.feeding = false;
    }
    sending::flush(cx, socket);
    settling::settle(state, cx, socket);
}

/// Hands a request out to whom it is for, or answers it.
fn hand_out<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    response: ServerResponse,
    route: Route,
) {
    let (request, socket) = (response.request(), response.socket);
    match route {
        Route::Request => {}
        Route::CheckContinue => {
            let event = ServerEvent::CheckContinue(request, response);
            if emit(state, cx, socket, event) {
                return;
            }
            response.write_continue(cx);
        }
        Route::CheckExpectation => {
            let event = ServerEvent::CheckExpectation(request, response);
            if !emit(state, cx, socket, event) {
                refuse(cx, response, 417, &[]);
            }
            return;
        }
        Route::Drop => {
            let event = ServerEvent::DropRequest(request, socket);
            emit(state, cx, socket, event);
            return refuse(cx, response, 503, &[]);
        }
        Route::Refuse => return refuse(cx, response, 400, &[("Connection", "close")]),
    }
    let event = ServerEvent::Request(request, response);
    emit(state, cx, socket, event);
}

/// Answers with a status alone. As in Node the head is written first, so that the empty body comes
/// in chunks.
fn refuse<S: 'static>(
    cx: &mut Context<S>,
    response: ServerResponse,
    status: u16,
    fields: &[(&str, &str)],
) {
    if let Err(error) = response.write_head(cx, status, fields) {
        log::debug!("a request was not refused with {status}: {error}");
    }
    response.end(cx);
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
    send(state, cx, socket);
    leave(cx, socket);
    socket.remove_all_listeners(cx);
    socket.set_timeout(cx, Duration::ZERO);
    let event = match connect {
        true => ServerEvent::Connect(head, socket, rest),
        false => ServerEvent::Upgrade(head, socket, rest),
    };
    emit(state, cx, socket, event);
}

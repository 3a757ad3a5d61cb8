//! How a connection ends: the client's end, a refusal, a timeout, a close; and who is told.

use super::connection::{self, of, settings, state_of};
use super::response::{self, ServerResponse};
use super::{Kind, ServerEvent, Settings, sending};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::{ParseError, status_message};
use crate::net::{Error, Socket};

/// How long a connection that was given up may be silent, in milliseconds, before it is closed,
/// and how long it may go on talking. Closing it at once would reset it, and the reset may cost
/// the client the answer.
const LINGER_SILENT: u32 = 500;
const LINGER_IN_ALL: u64 = 5000;

/// Bytes that are thrown away of a connection that was given up. It is not read any further: the
/// kernel's buffer fills, and whoever goes on talking waits until the connection is closed.
pub(in crate::http) const THROWN_AWAY: u64 = 64 * 1024;

/// How long whoever was refused is given to read why, in milliseconds.
const REFUSAL_MS: u64 = 2000;

/// The client will send no more. As in Node nothing is answered any more after that, but what has
/// been answered is still sent; unless the server
/// [allows](super::Server::set_http_allow_half_open) its clients to wait for the rest.
pub(in crate::http) fn end_of_stream<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
) {
    let waits = settings(cx, socket).allow_half_open;
    let Some(own) = of(cx, socket) else { return };
    if own.over {
        socket.end(cx);
        return;
    }
    let finished = own.parser.finish();
    own.over = finished.is_err();
    match finished {
        Err(error) => fail(state, cx, socket, error),
        Ok(_) => {
            let unanswered = own.ended != own.begun;
            if waits
                && unanswered
                && let Some(last) = own.exchanges.back_mut()
            {
                // Its head says so, if it is still to come.
                let response = &mut last.response.outgoing;
                (response.keep_alive, response.last) = (false, true);
                return;
            }
            sending::flush(cx, socket);
            socket.end(cx);
        }
    }
}

/// Nothing was read or written for a while.
pub(in crate::http) fn timed_out<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let is_idle_time = connection::is_idle_time(cx, socket);
    let Some(own) = of(cx, socket) else { return };
    if own.over && own.fault.is_none() {
        return lingered(cx, socket);
    }
    if !own.is_idle() && is_idle_time {
        return connection::end_idle_time(cx, socket);
    }
    let (number, answering) = (own.begun.wrapping_sub(1), own.ended);
    let (request, response) = (
        IncomingMessage { socket, number },
        ServerResponse::new(socket, answering),
    );
    let unfinished = !request.complete(cx);
    let told = unfinished && incoming::timed_out(state, cx, request);
    let told = response::timed_out(state, cx, response) || told;
    let Some(server) = socket.server(cx) else {
        return;
    };
    let event = ServerEvent::Timeout(socket);
    if !(super::emit(state, cx, server, Kind::Timeout, event) || told) {
        socket.give_up(cx);
    }
}

/// Checks one connection against the server's timeouts; the server does so now and then.
pub(in crate::http) fn check<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    settings: &Settings,
) {
    let (now, awake) = (cx.now(), cx.awake_since());
    let Some(own) = of(cx, socket) else { return };
    let Some(since) = own.since.filter(|_| !own.over) else {
        return;
    };
    let since = since.max(awake);
    let over = |limit: u64| limit > 0 && now.saturating_sub(since) >= limit;
    if over(settings.request_timeout) || (!own.head_done && over(settings.headers_timeout)) {
        fail(state, cx, socket, ParseError::Timeout);
    }
}

/// The socket broke.
pub(in crate::http) fn failed<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    error: &Error,
) {
    let Some(own) = of(cx, socket) else { return };
    let over = std::mem::replace(&mut own.over, true);
    if let Some(server) = socket.server(cx).filter(|_| !over) {
        let event = ServerEvent::ClientError(error, socket);
        super::emit(state, cx, server, Kind::ClientError, event);
    }
    // Requests that are still unread, since something had to wait, could not be answered any more.
    socket.destroy(cx);
}

/// What the client sends is no HTTP, or too much of it: no more is read, and as soon as what came
/// before is answered, so is that.
pub(in crate::http) fn fail<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    error: ParseError,
) {
    let Some(own) = of(cx, socket) else { return };
    own.over = true;
    own.received = 0;
    // Whose fault it is: the message's that is being received, or that of a head that is none yet.
    let last = own.begun.wrapping_sub(1);
    let receiving = own
        .exchange(last)
        .is_some_and(|exchange| !exchange.incoming.complete);
    let number = if receiving { last } else { own.begun };
    own.fault = Some((error, number));
    own.parser.stop();
    refuse(state, cx, socket);
}

/// Refuses what could not be understood, if it is its turn. Unless somebody listens to that the
/// client is told so, and the connection ends.
pub(in crate::http) fn refuse<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of(cx, socket) else { return };
    let due =
        |&mut (_, number): &mut (ParseError, u32)| own.begun == own.ended || own.ended == number;
    let Some((error, _)) = own.fault.take_if(due) else {
        return;
    };
    let writing = own.ended;
    let answers = own.exchange(writing);
    let begun = answers.is_some_and(|exchange| exchange.response.outgoing.head_sent);
    sending::flush(cx, socket);
    let Some(server) = socket.server(cx) else {
        return;
    };
    let event = ServerEvent::ClientError(&Error::from(error), socket);
    if super::emit(state, cx, server, Kind::ClientError, event) {
        return;
    }
    if socket.writable(cx) && !begun {
        let status = error.status();
        let reason = status_message(status).unwrap_or_default();
        let answer = format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\n\r\n");
        socket.write(cx, answer);
    }
    abort(state, cx, socket);
    linger(cx, socket);
}

/// Ends the connection, but reads on for a little while and throws away what comes, so that the
/// client gets to read what it was told.
pub(in crate::http) fn linger<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let now = cx.now();
    let Some(own) = of(cx, socket) else { return };
    own.over = true;
    own.since = Some(now);
    own.received = 0;
    if std::mem::take(&mut own.paused) {
        socket.resume(cx);
    }
    socket.end(cx);
    socket.set_timeout(cx, LINGER_SILENT);
}

/// Whoever was to take a socket over has failed: the client is told, and may be slow to read it.
pub(in crate::http) fn refuse_upgrade<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let answer =
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    end_with(cx, socket, answer);
}

/// Ends a connection that is HTTP's no more. Whoever listened to it hears no more of it.
pub(in crate::http) fn end_with<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
    answer: impl AsRef<[u8]>,
) {
    // It is read on: closing with something unread may cost the client the answer.
    let mut thrown_away = 0;
    socket
        .remove_all_listeners(cx)
        .set_timeout(cx, 0)
        .set_allow_half_open(cx, false)
        .on_data(cx, move |_, cx, socket, bytes| {
            thrown_away += bytes.len() as u64;
            if thrown_away > THROWN_AWAY {
                socket.pause(cx);
            }
        })
        .resume(cx)
        .end_with(cx, answer);
    let timer = cx.set_deadline(REFUSAL_MS, move |_, cx| socket.give_up(cx));
    cx.set_timer_ref(timer, false);
}

/// Throws away what has come of a connection that is given up, or will be when it has its answers.
pub(in crate::http) fn throw_away<S: 'static>(cx: &mut Context<S>, socket: Socket, bytes: &[u8]) {
    let ended = socket.writable_ended(cx);
    if ended && lingers_long(cx, socket) {
        socket.give_up(cx);
        return;
    }
    let now = cx.now();
    let Some(own) = of(cx, socket) else { return };
    own.received += bytes.len() as u64;
    // If the program has been told of the fault, its end is the program's to make.
    if own.received <= THROWN_AWAY || !(ended || own.fault.is_some()) {
        return;
    }
    own.paused = true;
    own.since.get_or_insert(now);
    socket.pause(cx);
    if ended {
        socket.set_timeout(cx, LINGER_SILENT);
    }
}

fn lingers_long<S: 'static>(cx: &mut Context<S>, socket: Socket) -> bool {
    let (now, awake) = (cx.now(), cx.awake_since());
    let long = |since: u64| now.saturating_sub(since.max(awake)) > LINGER_IN_ALL;
    of(cx, socket).is_some_and(|own| own.since.is_some_and(long))
}

/// It was given up, and nothing came or went for a moment. Whose system has not even taken what
/// there was for it has a little longer, and so has who cannot be heard any more.
fn lingered<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let unheard = of(cx, socket).is_some_and(|own| own.paused);
    if (unheard || socket.buffered(cx) > 0) && !lingers_long(cx, socket) {
        socket.set_timeout(cx, LINGER_SILENT);
    } else {
        socket.give_up(cx);
    }
}

/// The socket is closed: who waits for anything is told.
pub(in crate::http) fn closed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of(cx, socket) else { return };
    let place = own.place;
    own.over = true;
    if let Some(server) = state_of(cx, socket) {
        server.connections.try_remove(place);
    }
    abort(state, cx, socket);
}

/// Tells all requests and responses that they will not be finished.
fn abort<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of(cx, socket) else { return };
    let exchanges = std::mem::take(&mut own.exchanges);
    let numbers: Vec<u32> = exchanges.iter().map(|exchange| exchange.number).collect();
    own.leaving.extend(exchanges);
    own.out = Vec::new();
    for number in numbers {
        let request = IncomingMessage { socket, number };
        incoming::abort(state, cx, request, |state, cx| {
            sending::abort(state, cx, ServerResponse::new(socket, number));
        });
    }
}

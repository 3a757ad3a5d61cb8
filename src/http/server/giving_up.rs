//! How a connection ends: the client's end, a refusal, a timeout, a close; and who is told.

use std::time::Duration;

use super::audience::ResponseEvent;
use super::connection::{self, Requests, of, settings, state_of};
use super::ids::ServerResponse;
use super::pipeline::{Discarded, EndOfStream, THROWN_AWAY};
use super::sending;
use super::state::{ServerEvent, emit};
use crate::Context;
use crate::http::incoming::{self, IncomingMessage};
use crate::http::message::{ParseError, status_message};
use crate::net::{Error, Socket};

/// How long whoever was refused is given to read why.
const REFUSAL: Duration = Duration::from_secs(2);

/// The client will send no more; see [`Server::set_http_allow_half_open`].
///
/// [`Server::set_http_allow_half_open`]: super::Server::set_http_allow_half_open
pub(super) fn end_of_stream<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let may_wait = settings(cx, socket).allow_half_open;
    let Some(own) = of(cx, socket) else { return };
    match own.pipeline.end_of_stream(may_wait) {
        EndOfStream::Fault => refuse(state, cx, socket),
        EndOfStream::Wait => {}
        EndOfStream::End => {
            sending::flush(cx, socket);
            connection::recount(cx, socket);
            socket.end(cx);
        }
        EndOfStream::Over => {
            socket.end(cx);
        }
    }
}

/// Closes a connection at once, for a reason or none. What was answered before that goes out, as far
/// as the kernel takes it.
pub(in crate::http) fn destroy<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
    error: Option<Error>,
) {
    sending::flush(cx, socket);
    note_cut(cx, socket);
    match error {
        Some(error) => socket.destroy_with_error(cx, error),
        None => socket.destroy(cx),
    };
}

/// Before a connection is closed: a response that is cut short does not look complete.
pub(super) fn note_cut<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of(cx, socket) else { return };
    let pipeline = &own.pipeline;
    let writing = pipeline.known(pipeline.writing());
    let is_cut = writing.is_some_and(|exchange| {
        let outgoing = &exchange.response.outgoing;
        outgoing.head_sent && !outgoing.ended
    });
    if is_cut {
        socket.set_incomplete(cx);
    }
}

/// Nothing was read or written for a while.
pub(super) fn timed_out<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let is_idle_time = connection::is_idle_time(cx, socket);
    let Some(own) = of(cx, socket) else { return };
    let pipeline = &own.pipeline;
    if pipeline.is_lingering() {
        return lingered(cx, socket);
    }
    if !pipeline.is_idle() && is_idle_time {
        let timeout = settings(cx, socket).timeout;
        return connection::end_idle_time(cx, socket, timeout);
    }
    let number = pipeline.last();
    let request = IncomingMessage { socket, number };
    let known = pipeline.known(number);
    let complete = known.is_some_and(|exchange| exchange.request.is_complete());
    let number = pipeline.writing();
    let response = ServerResponse { socket, number };
    let told = !complete && incoming::timed_out::<S, Requests>(state, cx, request);
    let event = ResponseEvent::Timeout;
    let told = sending::tell(state, cx, response, event) || told;
    let event = ServerEvent::Timeout(socket);
    if socket.server(cx).is_some() && !(emit(state, cx, socket, event) || told) {
        note_cut(cx, socket);
        socket.give_up(cx);
    }
}

/// The socket broke.
pub(super) fn failed<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    error: &Error,
) {
    let Some(own) = of(cx, socket) else { return };
    if own.pipeline.stop() {
        let event = ServerEvent::ClientError(error, socket);
        emit(state, cx, socket, event);
    }
    // Requests that are still unread, since something had to wait, could not be answered any more.
    socket.destroy(cx);
}

/// A message takes too long to arrive.
pub(super) fn overdue<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket) {
        own.pipeline.fail(ParseError::Timeout);
        refuse(state, cx, socket);
    }
}

/// Refuses what could not be understood, if it is its turn. Unless somebody listens to that the
/// client is told so, and the connection ends.
pub(super) fn refuse<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let fault = of(cx, socket).and_then(|own| own.pipeline.take_fault());
    let Some((error, begun)) = fault else { return };
    sending::flush(cx, socket);
    connection::recount(cx, socket);
    if socket.server(cx).is_none() {
        return;
    }
    let event = ServerEvent::ClientError(&Error::from(error), socket);
    if emit(state, cx, socket, event) {
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
pub(super) fn linger<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let now = cx.now();
    let Some(own) = of(cx, socket) else { return };
    let (silent, was_paused) = own.pipeline.linger(now);
    if was_paused {
        socket.resume(cx);
    }
    socket.end(cx);
    socket.set_timeout(cx, silent);
}

/// Whoever was to take a socket over has failed: the client is told, and may be slow to read it.
pub(super) fn refuse_upgrade<S: 'static>(cx: &mut Context<S>, socket: Socket) {
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
        .set_timeout(cx, Duration::ZERO)
        .set_allow_half_open(cx, false)
        .on_data(cx, move |_, cx, socket, bytes| {
            thrown_away += bytes.len() as u64;
            if thrown_away > THROWN_AWAY {
                socket.pause(cx);
            }
        })
        .resume(cx)
        .end_with(cx, answer);
    let timer = cx.set_deadline(REFUSAL, move |_, cx| socket.give_up(cx));
    cx.set_timer_ref(timer, false);
}

/// Throws away what has come of a connection that is given up, or will be when it has its answers.
pub(super) fn throw_away<S: 'static>(cx: &mut Context<S>, socket: Socket, bytes: &[u8]) {
    let ended = socket.writable_ended(cx);
    let (now, awake) = (cx.now(), cx.awake_since());
    let Some(own) = of(cx, socket) else { return };
    match own.pipeline.throw_away(bytes.len(), now, awake, ended) {
        Discarded::ReadOn => {}
        Discarded::Pause(silent) => {
            socket.pause(cx);
            if let Some(silent) = silent {
                socket.set_timeout(cx, silent);
            }
        }
        Discarded::Close => {
            socket.give_up(cx);
        }
    }
}

/// It was given up, and nothing came or went for a moment.
fn lingered<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let (now, awake) = (cx.now(), cx.awake_since());
    let buffered = socket.buffered(cx);
    let own = of(cx, socket);
    match own.and_then(|own| own.pipeline.lingers_on(buffered, now, awake)) {
        Some(silent) => socket.set_timeout(cx, silent),
        None => socket.give_up(cx),
    };
}

/// The socket is closed: who waits for anything is told.
pub(super) fn closed<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let Some(own) = of(cx, socket) else { return };
    let place = own.place;
    own.pipeline.stop();
    if let Some(server) = state_of(cx, socket) {
        server.connections.try_remove(place);
    }
    abort(state, cx, socket);
}

/// Tells all requests and responses that they will not be finished.
fn abort<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let numbers = of(cx, socket).map(|own| own.pipeline.abort());
    for number in numbers.into_iter().flatten() {
        let request = IncomingMessage { socket, number };
        incoming::abort::<S, Requests>(state, cx, request, |state, cx| {
            sending::abort(state, cx, ServerResponse { socket, number });
        });
    }
}

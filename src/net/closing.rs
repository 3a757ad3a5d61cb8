//! The end of a socket, however it has come: its descriptor is closed at once, and everybody is told
//! who waits for something of it.

use log::debug;

use super::connection::Connection;
use super::emitting::{emit, emit_error};
use super::layered::{Layered, Wire};
use super::states::Life;
use super::stream::Stream;
use super::{Context, Error, Event, EventKind, Handles, server};
use crate::event_loop::HandleId;

/// Closes the descriptor at once, and lets follow: the callbacks of writes that are lost and
/// `Error`, as ticks; `Close`, in the closing phase. Only the first call counts.
pub(super) fn destroy<S>(cx: &mut Context<S>, id: HandleId, error: Option<Error>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let life = connection.life;
    if life.is_over() {
        return;
    }
    let error = error.or_else(|| connection.failure());
    if error.is_none() && connection.waiting() == 0 {
        say_goodbye(cx, id);
    }
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.life = life.destroyed(error.is_some());
    connection.stream = Stream::Closed;
    connection.inbox = None;
    let timers = connection.take_timers();
    let server = connection.server;
    let lost = connection
        .outbox
        .as_ref()
        .is_some_and(|outbox| !outbox.buffered.is_empty() || !outbox.on_finish.is_empty());
    if let Some(own) = connection.own.as_mut() {
        own.listeners.remove_own(EventKind::Connect);
    }
    if let Some(error) = &error {
        connection.note_error(error);
    }
    cx.counters_mut().connections_closed += u64::from(life.has_stood());
    if lost {
        cx.next_tick(move |state, cx| fail_buffered(state, cx, id));
    }
    for timer in timers.into_iter().flatten() {
        cx.clear_timer(timer);
    }
    cx.close(id);
    if let Some(error) = error {
        cx.next_tick(move |state, cx| emit_error(state, cx, id, &error));
    }
    if life == Life::New {
        // There is no handle whose close could be waited for.
        cx.next_tick(move |state, cx| emit_close(state, cx, id));
    }
    if let Some(server) = server {
        server::connection_gone(cx, server);
    }
}

/// All that was written is sent: a layer may say that there is no more. Without one the end of the
/// stream does.
fn say_goodbye<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some((connection, counters)) = cx.connection_and_counters(id)
        && let Wire {
            stream,
            layered: Some(layered),
        } = connection.wire()
    {
        layered.say_goodbye(stream, counters);
    }
}

/// Destroys with a reset, which only TCP can tell.
pub(super) fn reset<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if let Some(layered) = connection.layered_mut() {
        layered.say_nothing();
    }
    let refused = connection.stream.reset_on_close().err();
    destroy(
        cx,
        id,
        refused.map(|error| Error::system("setsockopt", &error, None)),
    );
}

/// Destroys, with a reset where there is such a thing.
pub(super) fn abort<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(connection) = cx.connection_mut(id) {
        if let Some(layered) = connection.layered_mut() {
            layered.say_nothing();
        }
        if let Err(error) = connection.stream.reset_on_close() {
            debug!("a connection is closed without a reset: {error}");
        }
    }
    destroy(cx, id, None);
}

/// Tells those whose writes will never be sent, and those who wait for the finish. While a write
/// is with the kernel they have to wait for that.
pub(super) fn fail_buffered<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.writing() {
        return;
    }
    let failed = connection.take_buffered();
    connection.tidy();
    for (callback, error) in failed {
        callback(state, cx, Some(&error));
    }
}

fn emit_close<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if !connection.life.close() {
        return;
    }
    let had_error = connection.life.had_error();
    emit(state, cx, id, Event::Close(had_error));
}

/// Closing phase: the last event, unless a listener connects the socket anew.
pub(super) fn closed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    cx.make_callback(state, |state, cx| fail_sending(state, cx, id));
    cx.make_callback(state, |state, cx| emit_close(state, cx, id));
    if cx.connection(id).is_some_and(Connection::stays) {
        cx.reopen(id);
    }
}

/// Closing phase: the write that was with the kernel when the socket was destroyed is let go; one
/// that waited for a layer to open was lost.
pub(super) fn fail_sending<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id).filter(|own| own.life.has_stood()) else {
        return; // one that waited for the connection is told by a close listener
    };
    let outbox = connection.outbox.as_mut();
    let Some(sending) = outbox.and_then(|outbox| outbox.sending.take()) else {
        return;
    };
    // It goes on counting as written.
    connection.bytes_sent += sending.waiting() as u64;
    let layered = connection.layered();
    let error = layered.is_some_and(Layered::has_sent_nothing).then(|| {
        let met = connection.own.as_ref().and_then(|own| own.error.as_deref());
        let closed = || Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed");
        met.cloned().unwrap_or_else(closed)
    });
    for callback in sending.callbacks {
        callback(state, cx, error.as_ref());
    }
    fail_buffered(state, cx, id);
}

//! Who is told of what happens to a socket.

use log::debug;

use super::events::{Callback, Listeners};
use super::states::ReadSide;
use super::{Context, Error, Event, Handles, Socket};
use crate::event_loop::{HandleId, listeners};

/// Tells the server's listeners for all its sockets, then the socket's own; true if there was
/// one. From a phase, go through [`emit_from_loop`].
pub(super) fn emit<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, event: Event<'_>) -> bool {
    cx.note_event(id, event.name(), event.bytes());
    let kind = event.kind();
    let call = move |callback: &mut Callback<S>, state: &mut S, cx: &mut Context<S>| {
        callback(state, cx, Socket(id), event);
    };
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    let Some(server) = connection.server.filter(|_| !connection.detached) else {
        return listeners::emit(state, cx, kind, |cx| own(cx, id), call);
    };
    // First of all: whom the server's listeners add does not hear this event.
    let listeners = connection.own.as_mut().map(|own| &mut own.listeners);
    let begun = listeners.is_some_and(|listeners| listeners.begin(kind).is_some());
    let for_all = listeners::emit(state, cx, kind, |cx| for_all(cx, server), call);
    let own = begun && listeners::emit_begun(state, cx, kind, |cx| own(cx, id), call);
    for_all || own
}

fn for_all<S>(cx: &mut Context<S>, server: HandleId) -> Option<&mut Listeners<S>> {
    Some(&mut cx.server_mut(server)?.sockets)
}

fn own<S>(cx: &mut Context<S>, id: HandleId) -> Option<&mut Listeners<S>> {
    Some(&mut cx.connection_mut(id)?.own.as_mut()?.listeners)
}

/// As [`emit`], with the next-tick queue run dry afterwards: one callback of the loop.
pub(super) fn emit_from_loop<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    event: Event<'_>,
) -> bool {
    cx.make_callback(state, |state, cx| emit(state, cx, id, event))
}

/// Tells what broke it, once.
pub(super) fn emit_error<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: &Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let own = connection.own.get_or_insert_default();
    if std::mem::replace(&mut own.error_emitted, true) {
        return;
    }
    if !emit(state, cx, id, Event::Error(error)) {
        debug!("a socket failed, and nobody listens to its errors: {error}");
    }
}

/// Tells the end of what the peer has sent, once everything before it was handed out; false if it is
/// not to be told now.
pub(super) fn emit_end<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) -> bool {
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    let has_failed = connection.errored() && !connection.life.is_broken();
    let is_over = connection.read_side.has_ended() || has_failed || connection.life.is_closed();
    if is_over || !connection.is_consumed() {
        return false;
    }
    connection.read_side = ReadSide::Ended;
    emit(state, cx, id, Event::End);
    true
}

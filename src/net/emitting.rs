//! Who is told of what happens to a socket.

use log::debug;

use super::events::{Kind, Listeners, SocketCallback};
use super::states::ReadSide;
use super::{Context, Error, Event, Handles, Socket};
use crate::event_loop::HandleId;

/// Tells the server's listeners for all its sockets, then the socket's own; true if there was
/// one. From a phase, go through [`emit_from_loop`].
pub(super) fn emit<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, event: Event<'_>) -> bool {
    cx.note_event(id, event.name(), event.bytes());
    let detached = |cx: &Context<S>| cx.connection(id).is_none_or(|own| own.detached);
    let alone = detached(cx);
    let for_all = !alone
        && emit_to(state, cx, id, event, |cx| {
            let server = cx.connection(id)?.server?;
            Some(&mut cx.server_mut(server)?.sockets)
        });
    if !alone && detached(cx) {
        return for_all; // who listens now was added meanwhile
    }
    let own = emit_to(state, cx, id, event, |cx| {
        Some(&mut cx.connection_mut(id)?.own.as_mut()?.listeners)
    });
    for_all || own
}

fn emit_to<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    event: Event<'_>,
    listeners: impl Fn(&mut Context<S>) -> Option<&mut Listeners<SocketCallback<S>>>,
) -> bool {
    let kind = event.kind();
    let mut lent = listeners(cx).and_then(|listeners| listeners.lend(kind));
    let any = lent.is_some();
    while let Some(mut turn) = lent.take() {
        let own = turn.call(kind, |callback| callback(state, cx, Socket(id), event));
        if let Some(listeners) = listeners(cx) {
            listeners.take_back(turn);
        }
        if let Some(mut own) = own {
            (own.callback)(state, cx, Socket(id), event);
            lent = listeners(cx).and_then(|listeners| listeners.lend_to(kind, own.rest));
        }
    }
    any
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

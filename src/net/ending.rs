//! The end of the write side: what is queued is sent, the peer is told, `Finish` comes.

use std::io;

use log::debug;

use super::connection::update_active;
use super::emitting::emit;
use super::states::WriteSide;
use super::{Context, Event, Handles, lingering};
use crate::event_loop::HandleId;

/// Once everything is sent that was written before `end`: asks for the shutdown.
pub(super) fn finish_if_done<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let open = connection.life.has_stood() && !connection.life.is_over() && !connection.errored();
    let sent = connection.writable_length() == 0 && !connection.writing();
    if connection.write_side != WriteSide::Ending || !open || !sent {
        return;
    }
    connection.write_side = WriteSide::ShuttingDown;
    update_active(cx, id);
    cx.pend(id);
}

/// Pending phase: tells the peer that no more comes. `Finish` follows.
pub(super) fn shut_down<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    if connection.write_side != WriteSide::ShuttingDown || connection.life.is_over() {
        return;
    }
    match connection.wire().shut_down_writing(counters) {
        Ok(()) => {}
        // A layer has not opened, or has still something to send: it is tried again then.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        // The peer has reset the connection: reading will say so.
        Err(error) => debug!("shutdown: {error}"),
    }
    cx.make_callback(state, |_, cx| {
        cx.next_tick(move |state, cx| finish(state, cx, id));
    });
}

/// The write side is done. If the read side is too, so is the socket.
fn finish<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.life.is_over() || connection.write_side.has_finished() {
        return;
    }
    connection.write_side = WriteSide::Finished;
    let outbox = connection.outbox.as_mut();
    let callbacks = outbox.map(|outbox| std::mem::take(&mut outbox.on_finish));
    connection.tidy();
    update_active(cx, id);
    for callback in callbacks.into_iter().flatten() {
        callback(state, cx, None);
    }
    emit(state, cx, id, Event::Finish);
    if cx
        .connection(id)
        .is_some_and(|connection| connection.read_side.has_ended())
    {
        lingering::close(cx, id);
    }
}

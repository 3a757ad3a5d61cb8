//! The end of the write side: what is queued is sent, the peer is told, `Finish` comes.

use log::debug;

use super::connection::{self, emit, update_active};
use super::outbox::{Data, WriteCallback};
use super::states::WriteSide;
use super::writing::{refusal, refuse, uncork, write};
use super::{Context, Error, Event, Handles, lingering};
use crate::event_loop::HandleId;

/// No more will be written, after `data`: what is queued is sent, then the peer is told, in the
/// pending phase; then `callback`, then `Finish`.
pub(super) fn end<S>(
    cx: &mut Context<S>,
    id: HandleId,
    data: Option<Data<'_>>,
    callback: Option<WriteCallback<S>>,
) {
    let mut error = None;
    if let Some(data) = data {
        let Some(connection) = cx.connection(id) else {
            return;
        };
        if connection.write_side.is_ending() || connection.life.is_over() {
            error = Some(refusal(connection));
            connection::destroy(cx, id, error.clone());
        } else {
            write(cx, id, data, None);
        }
    }
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.corked > 0 {
        connection.corked = 1;
        uncork(cx, id);
    }
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let first = error.is_none() && !connection.errored() && !connection.write_side.is_ending();
    if first {
        connection.write_side = WriteSide::Ending;
    } else if error.is_none() {
        error = if connection.write_side.has_finished() {
            let message = "Cannot call end after a stream was finished";
            Some(Error::with_code("ERR_STREAM_ALREADY_FINISHED", message))
        } else if connection.life.is_over() {
            Some(Error::destroyed("end"))
        } else if connection.errored() {
            connection.own.as_ref().and_then(|own| own.error.clone())
        } else {
            None
        };
    }
    match (callback, error) {
        (callback @ Some(_), Some(error)) => refuse(cx, id, callback, error),
        // The first after a destroy is never told, as in Node.
        (Some(callback), None) => {
            let outbox = connection.outbox.get_or_insert_default();
            outbox.on_finish.push(callback);
        }
        (None, _) => {}
    }
    if first {
        finish_if_done(cx, id);
    }
}

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
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.write_side != WriteSide::ShuttingDown || connection.life.is_over() {
        return;
    }
    if let Err(error) = connection.stream.shut_down_writing() {
        // The peer has reset the connection: reading will say so.
        debug!("shutdown: {error}");
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

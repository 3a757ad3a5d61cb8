//! From `write` to the descriptor: at once if it can be, later if it must.
//!
//! The order of what follows a write is Node's: the answer to `write` is known after the kernel
//! was tried; `Drain` comes before the callbacks of the writes that made it due; `Finish` comes
//! after all of them.

use std::io;

use super::broken::writing_failed;
use super::closing::{destroy, fail_buffered};
use super::connection::{Connection, update_active, wire};
use super::emitting::emit;
use super::ending::{finish_if_done, shut_down};
use super::idle::touch;
use super::layered::Wire;
use super::outbox::{Batch, Data, Outcome, WriteCallback};
use super::states::{Life, WriteSide};
use super::{Context, Error, Event, EventKind, Handles, Socket};
use crate::event_loop::{HandleId, Readiness};

/// Writes what the kernel takes at once and queues the rest. False if so much is queued that
/// the caller should wait for `Drain`, or if the socket can send no more.
pub(super) fn write<S>(
    cx: &mut Context<S>,
    id: HandleId,
    data: Data<'_>,
    callback: Option<WriteCallback<S>>,
) -> bool {
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return false;
    };
    if connection.write_side.is_ending() || connection.life.is_over() {
        let error = write_refusal(connection);
        refuse(cx, id, callback, error.clone());
        destroy(cx, id, Some(error));
        return false;
    }
    if let Some(error) = connection.failure() {
        // What the peer sent before it broke is still being handed out.
        refuse(cx, id, callback, error);
        return false;
    }
    let mut activity = false;
    let at_once =
        connection.life != Life::Connecting && !connection.errored() && connection.corked == 0;
    if at_once && !connection.writing() {
        activity = true;
        match connection.wire().send(data.bytes(), counters) {
            Ok(taken) => {
                connection.bytes_sent += taken as u64;
                if taken < data.bytes().len() {
                    let mut batch = Batch::default();
                    batch.push(data, taken, callback);
                    connection.outbox.get_or_insert_default().sending = Some(batch);
                    update_active(cx, id);
                } else if callback.is_some() || connection.need_drain {
                    tell_later(cx, id, Outcome::Sent(callback.into_iter().collect()));
                }
            }
            Err(error) => fail_later(cx, id, &error, callback.into_iter().collect()),
        }
    } else {
        let first =
            connection.life == Life::Connecting && !connection.writing() && connection.corked == 0;
        if first {
            settle_in_turn(connection);
        }
        let outbox = connection.outbox.get_or_insert_default();
        if first {
            // The write that waits for the connection counts as being sent; the rest waits for it.
            outbox
                .sending
                .insert(Batch::default())
                .push(data, 0, callback);
        } else {
            outbox.buffered.push(data, 0, callback);
        }
    }
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    let length = connection.writable_length();
    let below = length < connection.high_water_mark as usize || length == 0;
    connection.need_drain |= !below;
    let fine = below && !connection.errored() && !connection.life.is_over();
    if activity && connection.timeout != 0 {
        touch(cx, id);
    }
    fine
}

/// Has the write that waits for the connection sent, or told that it cannot be, in its turn among
/// the listeners: after those of `Connect` or `Close` that are there already.
fn settle_in_turn<S>(connection: &mut Connection<S>) {
    let listeners = &mut connection.own.get_or_insert_default().listeners;
    let send = |state: &mut S, cx: &mut Context<S>, socket: Socket, _: Event<'_>| {
        connected(state, cx, socket.0);
    };
    listeners.add_own(EventKind::Connect, Box::new(send));
    let tell = |state: &mut S, cx: &mut Context<S>, socket: Socket, _: Event<'_>| {
        not_connected(state, cx, socket.0);
    };
    listeners.add_own(EventKind::Close, Box::new(tell));
}

/// What follows a write that was settled at once: never within the call itself.
fn tell_later<S>(cx: &mut Context<S>, id: HandleId, outcome: Outcome<S>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let outbox = connection.outbox.get_or_insert_default();
    outbox.outcomes.push_back(outcome);
    cx.next_tick(move |state, cx| tell(state, cx, id));
}

fn tell<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let outbox = connection.outbox.as_mut();
    let outcome = outbox.and_then(|outbox| outbox.outcomes.pop_front());
    connection.tidy();
    match outcome {
        Some(Outcome::Sent(callbacks)) => after_write(state, cx, id, callbacks),
        Some(Outcome::Failed(callbacks, error)) => fail(state, cx, id, callbacks, error),
        Some(Outcome::Refused(callback, error)) => callback(state, cx, Some(&error)),
        None => {}
    }
}

pub(super) fn refuse<S>(
    cx: &mut Context<S>,
    id: HandleId,
    callback: Option<WriteCallback<S>>,
    error: Error,
) {
    if let Some(callback) = callback {
        tell_later(cx, id, Outcome::Refused(callback, error));
    }
}

/// Why nothing can be written any more.
pub(super) fn refusal<S>(connection: &Connection<S>) -> Error {
    if connection.write_side.is_ending() {
        Error::with_code("ERR_STREAM_WRITE_AFTER_END", "write after end")
    } else {
        Error::destroyed("write")
    }
}

/// As [`refusal`], told to a `write`: that the other party ended the socket, if it was that.
fn write_refusal<S>(connection: &Connection<S>) -> Error {
    if connection.write_side.is_ending()
        && connection.read_side.has_ended()
        && !connection.allow_half_open
    {
        Error::with_code("EPIPE", "This socket has been ended by the other party")
    } else {
        refusal(connection)
    }
}

/// `Drain` if it is due, the callbacks, and the finish if that was the last.
fn after_write<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    callbacks: Vec<WriteCallback<S>>,
) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let open = !connection.write_side.is_ending() && !connection.life.is_over();
    if connection.need_drain && open && connection.writable_length() == 0 {
        connection.need_drain = false;
        emit(state, cx, id, Event::Drain);
    }
    for callback in callbacks {
        callback(state, cx, None);
    }
    if cx
        .connection(id)
        .is_some_and(|connection| connection.life.is_over())
    {
        fail_buffered(state, cx, id);
    }
    finish_if_done(cx, id);
}

/// A write that failed at once: its callback, those behind it, then the socket's own error follow
/// as a tick.
fn fail_later<S>(
    cx: &mut Context<S>,
    id: HandleId,
    error: &io::Error,
    callbacks: Vec<WriteCallback<S>>,
) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let error = if connection.stream.is_closed() {
        Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed") // or never was open
    } else {
        Error::system("write", error, None)
    };
    connection.note_error(&error);
    tell_later(cx, id, Outcome::Failed(callbacks, error));
}

fn fail<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    callbacks: Vec<WriteCallback<S>>,
    error: Error,
) {
    for callback in callbacks {
        callback(state, cx, Some(&error));
    }
    fail_buffered(state, cx, id);
    writing_failed(state, cx, id, error);
}

/// The connection never stood. A close listener before this one may have begun another.
fn not_connected<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let mut unsent = connection.take_unsent();
    let own = connection.own.as_mut();
    if let Some(connecting) = own.and_then(|own| own.connecting.as_mut()) {
        unsent.append(&mut connecting.unsent);
    }
    for (callback, error) in unsent {
        callback(state, cx, Some(&error));
    }
}

/// Poll phase: there is room in the kernel again. It matters only if bytes wait.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if !cx.readiness(id).contains(Readiness::WRITABLE) {
        return;
    }
    cx.clear_readiness(id, Readiness::WRITABLE);
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    let is_writing = connection.writing();
    let Wire { stream, layered } = connection.wire();
    let has_layer = layered.is_some();
    if let Some(layered) = layered {
        layered.flush_own(stream, counters);
    }
    if is_writing {
        cx.make_callback(state, |state, cx| send_on(state, cx, id));
    }
    if is_writing || has_layer {
        // An end that waited only for this need not wait for the pending phase.
        shut_down(state, cx, id);
    }
}

/// A layer has opened: what was written before is sent, and the end if there was one.
pub(super) fn opened<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if let Some((connection, counters)) = cx.connection_and_counters(id)
        && let Wire {
            stream,
            layered: Some(layered),
        } = connection.wire()
    {
        layered.flush_own(stream, counters);
    }
    send_on(state, cx, id);
    shut_down(state, cx, id);
}

/// Sends on what is being sent. When it is done, so is what follows a write.
fn send_on<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    let Some(outbox) = connection.outbox.as_mut() else {
        return;
    };
    let Some(mut batch) = outbox.sending.take() else {
        return;
    };
    let wire = wire(&connection.stream, &mut connection.own);
    match batch.send(wire, &mut connection.bytes_sent, counters) {
        Ok(true) => {
            touch(cx, id);
            send_buffered(cx, id);
            let callbacks = std::mem::take(&mut batch.callbacks);
            after_write(state, cx, id, callbacks);
        }
        // The idle timer looks by itself whether this gets on.
        Ok(false) => outbox.sending = Some(batch),
        Err(error) => {
            let error = Error::system("write", &error, None);
            connection.note_error(&error);
            fail(state, cx, id, batch.callbacks, error);
        }
    }
    if let Some(connection) = cx.connection_mut(id) {
        connection.tidy();
    }
    update_active(cx, id);
}

/// Sends what was queued behind a write, or while the socket was corked, as one.
pub(super) fn send_buffered<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.corked > 0 || connection.life.is_over() || connection.writing() {
        return;
    }
    let Some(outbox) = connection.outbox.as_mut() else {
        return;
    };
    if outbox.buffered.is_empty() {
        return;
    }
    let mut batch = std::mem::take(&mut outbox.buffered);
    if connection.life == Life::Connecting {
        outbox.sending = Some(batch);
        return settle_in_turn(connection);
    }
    touch(cx, id);
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    let outbox = connection.outbox.get_or_insert_default();
    let wire = wire(&connection.stream, &mut connection.own);
    match batch.send(wire, &mut connection.bytes_sent, counters) {
        Ok(true) => {
            connection.tidy();
            if connection.need_drain || !batch.callbacks.is_empty() {
                tell_later(cx, id, Outcome::Sent(batch.callbacks));
            } else {
                finish_if_done(cx, id);
            }
        }
        Ok(false) => {
            outbox.sending = Some(batch);
            update_active(cx, id);
        }
        Err(error) => fail_later(cx, id, &error, batch.callbacks),
    }
}

/// The connection stands: what waited for it is sent, and followed up at once.
fn connected<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.life.is_over() {
        // A connect listener did that.
        let outbox = connection.outbox.as_mut();
        if let Some(sending) = outbox.and_then(|outbox| outbox.sending.take()) {
            let error = Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed");
            connection.note_error(&error);
            for callback in sending.callbacks {
                callback(state, cx, Some(&error));
            }
            fail_buffered(state, cx, id);
        }
        return;
    }
    send_on(state, cx, id);
}

/// Undoes one cork; the last one sends.
pub(super) fn uncork<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.corked > 0 {
        connection.corked -= 1;
        send_buffered(cx, id);
    }
}

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
            destroy(cx, id, error.clone());
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
            connection
                .own
                .as_ref()
                .and_then(|own| own.error.as_deref().cloned())
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

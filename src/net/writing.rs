//! From `write` to the descriptor: at once if it can be, later if it must; and the end of it.
//!
//! The order of what follows a write is Node's: the answer to `write` is known after the kernel
//! was tried; `Drain` comes before the callbacks of the writes that made it due; `Finish` comes
//! after all of them.

use std::io;

use log::debug;

use super::connection::{self, emit, touch, update_active};
use super::outbox::{Batch, Data, Outcome, WriteCallback};
use super::stream::Stream;
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
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    if connection.ending || connection.destroyed {
        let error = write_error(connection);
        refuse(cx, id, callback, error.clone());
        connection::destroy(cx, id, Some(error));
        return false;
    }
    let mut activity = false;
    let at_once = !connection.connecting && !connection.errored && connection.corked == 0;
    if at_once && !connection.writing() {
        activity = true;
        match send_now(&connection.stream, data.bytes()) {
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
        let first = connection.connecting && !connection.writing() && connection.corked == 0;
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
    let fine = below && !connection.errored && !connection.destroyed;
    if activity {
        touch(cx, id);
    }
    fine
}

/// Has the write that waits for the connection sent, or told that it cannot be, in its turn among the
/// listeners: after those of `Connect` or `Close` that are there already.
fn settle_in_turn<S>(connection: &mut connection::Connection<S>) {
    let life = connection.life;
    let listeners = &mut connection.own.get_or_insert_default().listeners;
    let send = move |state: &mut S, cx: &mut Context<S>, socket: Socket, _: Event<'_>| {
        // After a failure it is still there when the socket is connected anew.
        if cx
            .connection(socket.0)
            .is_some_and(|connection| connection.life == life)
        {
            connected(state, cx, socket.0);
        }
    };
    listeners.add(EventKind::Connect, true, Box::new(send));
    let tell = |state: &mut S, cx: &mut Context<S>, socket: Socket, _: Event<'_>| {
        tell_stranded(state, cx, socket.0);
    };
    listeners.add(EventKind::Close, true, Box::new(tell));
}

/// Sends until all is sent or the kernel takes no more; how many bytes it took.
fn send_now(stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
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

fn refuse<S>(cx: &mut Context<S>, id: HandleId, callback: Option<WriteCallback<S>>, error: Error) {
    if let Some(callback) = callback {
        tell_later(cx, id, Outcome::Refused(callback, error));
    }
}

fn destroyed_error(method: &str) -> Error {
    let message = format!("Cannot call {method} after a stream was destroyed");
    Error::with_code("ERR_STREAM_DESTROYED", message)
}

/// Why nothing can be written any more.
fn write_error<S>(connection: &connection::Connection<S>) -> Error {
    if !connection.ending {
        destroyed_error("write")
    } else if connection.ended && !connection.allow_half_open {
        Error::with_code("EPIPE", "This socket has been ended by the other party")
    } else {
        Error::with_code("ERR_STREAM_WRITE_AFTER_END", "write after end")
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
    let open = !connection.ending && !connection.destroyed;
    if connection.need_drain && open && connection.writable_length() == 0 {
        connection.need_drain = false;
        emit(state, cx, id, Event::Drain);
    }
    for callback in callbacks {
        callback(state, cx, None);
    }
    if cx
        .connection(id)
        .is_some_and(|connection| connection.destroyed)
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
    let error = Error::system("write", error, None);
    note_error(cx, id, &error);
    tell_later(cx, id, Outcome::Failed(callbacks, error));
}

fn note_error<S>(cx: &mut Context<S>, id: HandleId, error: &Error) {
    if let Some(connection) = cx.connection_mut(id) {
        connection.errored = true;
        let own = connection.own.get_or_insert_default();
        own.error.get_or_insert_with(|| error.clone());
    }
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
    connection::destroy(cx, id, Some(error));
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
    let failed = take_buffered(connection);
    connection.tidy();
    for (callback, error) in failed {
        callback(state, cx, Some(&error));
    }
}

/// Those who wait behind a write and for the finish, with what to tell them.
fn take_buffered<S>(connection: &mut connection::Connection<S>) -> Vec<(WriteCallback<S>, Error)> {
    let Some(outbox) = connection.outbox.as_mut() else {
        return Vec::new();
    };
    let buffered = std::mem::take(&mut outbox.buffered).callbacks;
    let on_finish = std::mem::take(&mut outbox.on_finish);
    let met = connection.own.as_ref().and_then(|own| own.error.clone());
    let error = |method| met.clone().unwrap_or_else(|| destroyed_error(method));
    let writes = buffered.into_iter().map(|told| (told, error("write")));
    let ends = on_finish.into_iter().map(|told| (told, error("end")));
    writes.chain(ends).collect()
}

/// Closing phase: the write that was with the kernel when the socket was destroyed is let go; one
/// that still waited for the connection has failed, and those behind it: their close listener tells.
pub(super) fn fail_sending<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if !connection.established {
        return strand(connection);
    }
    let outbox = connection.outbox.as_mut();
    let Some(sending) = outbox.and_then(|outbox| outbox.sending.take()) else {
        return;
    };
    for callback in sending.callbacks {
        callback(state, cx, None);
    }
    fail_buffered(state, cx, id);
}

/// Puts what waited for the connection aside, each with its error: a close listener may connect anew
/// before it is told.
fn strand<S>(connection: &mut connection::Connection<S>) {
    let Some(sending) = connection.outbox.as_mut().and_then(|o| o.sending.take()) else {
        return;
    };
    let closed = Error::with_code(
        "ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
        "Socket closed before the connection was established",
    );
    let mut stranded: Vec<_> = sending
        .callbacks
        .into_iter()
        .map(|callback| (callback, closed.clone()))
        .collect();
    stranded.extend(take_buffered(connection));
    connection.tidy();
    connection.own.get_or_insert_default().stranded = stranded;
}

fn tell_stranded<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let own = cx
        .connection_mut(id)
        .and_then(|connection| connection.own.as_mut());
    let stranded = own.map(|own| std::mem::take(&mut own.stranded));
    for (callback, error) in stranded.into_iter().flatten() {
        callback(state, cx, Some(&error));
    }
}

/// Poll phase: there is room in the kernel again. It matters only if bytes wait.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if !cx.readiness(id).contains(Readiness::WRITABLE) {
        return;
    }
    cx.clear_readiness(id, Readiness::WRITABLE);
    if cx
        .connection(id)
        .is_some_and(|connection| connection.writing())
    {
        cx.make_callback(state, |state, cx| send_on(state, cx, id));
    }
}

/// Sends on what is being sent. When it is done, so is what follows a write.
fn send_on<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let Some(outbox) = connection.outbox.as_mut() else {
        return;
    };
    let Some(mut batch) = outbox.sending.take() else {
        return;
    };
    match batch.send(&connection.stream, &mut connection.bytes_sent) {
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
            note_error(cx, id, &error);
            fail(state, cx, id, batch.callbacks, error);
        }
    }
    if let Some(connection) = cx.connection_mut(id) {
        connection.tidy();
    }
    update_active(cx, id);
}

/// Sends what was queued behind a write, or while the socket was corked, as one.
fn send_buffered<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let held = connection.corked > 0 || connection.connecting || connection.destroyed;
    if held || connection.writing() {
        return;
    }
    let Some(outbox) = connection.outbox.as_mut() else {
        return;
    };
    if outbox.buffered.is_empty() {
        return;
    }
    let mut batch = std::mem::take(&mut outbox.buffered);
    touch(cx, id);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let outbox = connection.outbox.get_or_insert_default();
    match batch.send(&connection.stream, &mut connection.bytes_sent) {
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
pub(super) fn connected<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.destroyed {
        // A connect listener did that.
        let outbox = connection.outbox.as_mut();
        if let Some(sending) = outbox.and_then(|outbox| outbox.sending.take()) {
            let error = Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed");
            note_error(cx, id, &error);
            for callback in sending.callbacks {
                callback(state, cx, Some(&error));
            }
            fail_buffered(state, cx, id);
        }
        return;
    }
    if cx
        .connection(id)
        .is_some_and(|connection| connection.writing())
    {
        send_on(state, cx, id);
    } else {
        send_buffered(cx, id);
    }
    finish_if_done(cx, id);
}

/// Undoes one cork; the last one sends.
pub(super) fn uncork<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.corked = connection.corked.saturating_sub(1);
    send_buffered(cx, id);
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
        error = (connection.ending || connection.destroyed).then(|| write_error(connection));
        write(cx, id, data, None);
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
    if error.is_none() {
        if !connection.errored && !connection.ending && !connection.destroyed {
            connection.ending = true;
            if callback.is_some() {
                connection
                    .outbox
                    .get_or_insert_default()
                    .on_finish
                    .extend(callback);
            }
            return finish_if_done(cx, id);
        }
        if connection.finished {
            let message = "Cannot call end after a stream was finished";
            error = Some(Error::with_code("ERR_STREAM_ALREADY_FINISHED", message));
        } else if connection.destroyed {
            error = Some(destroyed_error("end"));
        }
    }
    match (callback, error) {
        (callback @ Some(_), Some(error)) => refuse(cx, id, callback, error),
        (Some(callback), None) => {
            connection
                .outbox
                .get_or_insert_default()
                .on_finish
                .push(callback);
        }
        (None, _) => {}
    }
}

/// Once everything is sent that was written before `end`: asks for the shutdown.
fn finish_if_done<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let open = !connection.destroyed && !connection.errored && !connection.connecting;
    let sent = connection.writable_length() == 0 && !connection.writing();
    if !connection.ending || connection.shutting_down || !open || !sent {
        return;
    }
    connection.shutting_down = true;
    update_active(cx, id);
    cx.pend(id);
}

/// Pending phase: tells the peer that no more comes. `Finish` follows.
pub(super) fn shut_down<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.finished || !connection.shutting_down || connection.destroyed {
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
    if connection.destroyed || connection.finished {
        return;
    }
    connection.finished = true;
    let outbox = connection.outbox.as_mut();
    let callbacks = outbox.map(|outbox| std::mem::take(&mut outbox.on_finish));
    connection.tidy();
    update_active(cx, id);
    for callback in callbacks.into_iter().flatten() {
        callback(state, cx, None);
    }
    emit(state, cx, id, Event::Finish);
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.ended || connection.destroy_when_finished {
        connection::destroy(cx, id, None);
    }
}

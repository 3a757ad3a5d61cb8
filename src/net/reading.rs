//! From the descriptor to `Data` and `End`: one read a turn, through the loop's one buffer.

use std::io;

use super::connection::{self, Inbox, emit, emit_from_loop, touch, update_active};
use super::{Context, Error, Event, Handles, ending};
use crate::event_loop::{HandleId, Readiness};

/// Anything after which a read tells more: bytes, the end, or the error.
fn readable() -> Readiness {
    Readiness::READABLE | Readiness::READ_CLOSED | Readiness::ERROR | Readiness::PRIORITY
}

/// Acts on readiness from now on, and on what is remembered (`readStart`).
pub(super) fn start<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.reading || connection.destroyed {
        return;
    }
    connection.reading = true;
    if connection.established {
        update_active(cx, id);
        wake(cx, id);
    }
}

/// The connection stands: reads if somebody asked for it before, even if it was paused after that.
pub(super) fn connected<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id).filter(|own| !own.destroyed) else {
        return;
    };
    connection.reading |= connection.flowing != Some(false);
    update_active(cx, id);
    wake(cx, id);
}

/// No longer acts on readiness; it stays remembered, and the peer has to wait (`readStop`).
fn stop<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.reading = false;
    update_active(cx, id);
}

/// Has a socket served that may have something to read, or to hand out.
fn wake<S>(cx: &mut Context<S>, id: HandleId) {
    if given_back(cx, id) || cx.readiness(id).contains(readable()) {
        cx.queue_ready(id);
    }
}

/// Whether something flows that was kept: it was given back with `unshift`.
fn given_back<S>(cx: &Context<S>, id: HandleId) -> bool {
    cx.connection(id).is_some_and(|connection| {
        connection.flowing == Some(true) && !connection.resume_queued && connection.inbox.is_some()
    })
}

/// Poll phase: at most one piece of data, so that no socket holds up the others. If there may be
/// more, the socket keeps its readiness and a place in the ready queue.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if given_back(cx, id) {
        // It comes before anything that is still to be read.
        cx.make_callback(state, |state, cx| hand_out(state, cx, id));
        wake(cx, id);
    } else if wants(cx, id) && cx.readiness(id).contains(readable()) {
        let mut buffer = cx.take_read_buffer();
        read(state, cx, id, &mut buffer);
        cx.put_read_buffer(buffer);
    }
}

fn wants<S>(cx: &Context<S>, id: HandleId) -> bool {
    cx.connection(id)
        .is_some_and(|connection| connection.reading && !connection.eof && !connection.destroyed)
}

fn read<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, buffer: &mut [u8]) {
    let Some((connection, counters)) = cx.connection_and_counters(id) else {
        return;
    };
    match connection.stream.read(buffer, counters) {
        Ok(0) => end_of_stream(state, cx, id),
        Ok(count) => {
            connection.bytes_read += count as u64;
            touch(cx, id);
            let short = count < buffer.len();
            received(state, cx, id, &buffer[..count]);
            // After a short read the kernel has no more, and says so when it has. But if the peer
            // has closed, no further edge comes: the end is still to be read; if nothing can be sent
            // either, that is not worth another turn, nor a reset an error (libuv). And in front
            // of urgent data every read is short.
            let readiness = cx.readiness(id);
            if !short || readiness.contains(Readiness::PRIORITY) {
                cx.clear_readiness(id, Readiness::PRIORITY);
                cx.queue_ready(id);
            } else if hung_up(cx, id) {
                if wants(cx, id) {
                    end_of_stream(state, cx, id);
                }
            } else if readiness.contains(Readiness::READ_CLOSED) {
                cx.queue_ready(id);
            } else {
                cx.clear_readiness(id, Readiness::READABLE);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.clear_readiness(id, readable());
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => cx.queue_ready(id),
        Err(error) => connection::destroy(cx, id, Some(Error::system("read", &error, None))),
    }
}

/// Whether both directions are over, as far as the kernel is concerned.
fn hung_up<S>(cx: &Context<S>, id: HandleId) -> bool {
    let readiness = cx.readiness(id);
    let sent_all = cx
        .connection(id)
        .is_some_and(|connection| connection.finished);
    readiness.contains(Readiness::READ_CLOSED)
        && (sent_all || readiness.contains(Readiness::WRITE_CLOSED))
}

/// Hands bytes out, if they flow; keeps them otherwise, and stops reading when it keeps enough.
fn received<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, bytes: &[u8]) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.flowing == Some(true) && connection.inbox.is_none() {
        emit_from_loop(state, cx, id, Event::Data(bytes));
        return;
    }
    let inbox = connection.inbox.get_or_insert_default();
    inbox.chunks.push_back(bytes.into());
    inbox.length += bytes.len();
    if inbox.length >= connection.high_water_mark as usize {
        stop(cx, id);
    }
}

/// Gives bytes back, to be handed out again before any others, in the next poll phase.
pub(super) fn unshift<S>(cx: &mut Context<S>, id: HandleId, bytes: &[u8]) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if bytes.is_empty() {
        return;
    }
    if connection.ended {
        let message = "stream.unshift() after end event";
        let error = Error::with_code("ERR_STREAM_UNSHIFT_AFTER_END_EVENT", message);
        return connection::destroy(cx, id, Some(error));
    }
    if connection.destroyed || connection.errored {
        return;
    }
    let inbox = connection.inbox.get_or_insert_default();
    inbox.chunks.push_front(bytes.into());
    inbox.length += bytes.len();
    wake(cx, id);
}

pub(super) fn pause<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(connection) = cx.connection_mut(id) {
        connection.flowing = Some(false);
    }
}

pub(super) fn resume<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.flowing.replace(true) != Some(true) {
        queue_flow(cx, id);
    }
}

/// Somebody listens to data now: it flows, unless it was paused.
pub(super) fn data_listener_added<S>(cx: &mut Context<S>, id: HandleId) {
    if cx
        .connection(id)
        .is_some_and(|connection| connection.flowing != Some(false))
    {
        resume(cx, id);
    }
}

fn queue_flow<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if !std::mem::replace(&mut connection.resume_queued, true) {
        cx.next_tick(move |state, cx| {
            if let Some(connection) = cx.connection_mut(id) {
                connection.resume_queued = false;
            }
            start(cx, id);
            flow(state, cx, id);
        });
    }
}

/// Hands out what was kept, until it is empty or somebody pauses.
fn flow<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    while hand_out(state, cx, id) {}
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.eof && connection.flowing == Some(true) && connection.unread() == 0 {
        queue_end(cx, id);
    }
}

/// Hands out the first piece of what was kept; false if there is none, or it does not flow.
fn hand_out<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) -> bool {
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    if connection.flowing != Some(true) || connection.destroyed {
        return false;
    }
    let Some(Inbox { chunks, length }) = connection.inbox.as_deref_mut() else {
        return false;
    };
    let Some(chunk) = chunks.pop_front() else {
        connection.inbox = None;
        return false;
    };
    *length -= chunk.len();
    let (left, eof) = (*length, connection.eof);
    if left == 0 {
        connection.inbox = None;
    }
    if left < connection.high_water_mark as usize && !eof {
        start(cx, id);
    }
    if left == 0 && eof {
        // Queued before the last bytes are handed out: even a pause there does not hold it back.
        queue_end(cx, id);
    }
    emit(state, cx, id, Event::Data(&chunk));
    true
}

/// Everything was read: `End` follows what was kept.
fn end_of_stream<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    cx.clear_readiness(id, readable());
    touch(cx, id);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.eof = true;
    let unread = connection.unread();
    update_active(cx, id);
    if unread == 0 {
        cx.make_callback(state, |_, cx| queue_end(cx, id));
    }
    wake(cx, id);
}

/// `End`, as a tick; after it, without `allow_half_open`, the socket's own end as another.
fn queue_end<S>(cx: &mut Context<S>, id: HandleId) {
    cx.next_tick(move |state, cx| {
        let Some(connection) = cx.connection_mut(id) else {
            return;
        };
        let over = connection.ended || connection.errored || connection.close_emitted;
        if over || connection.unread() > 0 {
            return;
        }
        connection.ended = true;
        emit(state, cx, id, Event::End);
        let Some(connection) = cx.connection(id) else {
            return;
        };
        if connection.writable() && !connection.allow_half_open {
            cx.next_tick(move |_, cx| {
                if cx
                    .connection(id)
                    .is_some_and(|connection| connection.writable())
                {
                    ending::end(cx, id, None, None);
                }
            });
        } else if connection.finished {
            connection::destroy(cx, id, None);
        }
    });
}

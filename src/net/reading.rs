//! From the descriptor to `Data` and `End`: one read a turn, through the loop's one buffer.

use std::io;

use super::connection::{self, Inbox, emit, emit_from_loop, touch, update_active};
use super::{Context, Error, Event, Handles, writing};
use crate::event_loop::{HandleId, Readiness};

/// Anything after which a read tells more: bytes, the end, or the error.
fn readable() -> Readiness {
    Readiness::READABLE | Readiness::READ_CLOSED | Readiness::ERROR | Readiness::PRIORITY
}

/// After any of these a short read is not the last.
fn more() -> Readiness {
    Readiness::READ_CLOSED | Readiness::PRIORITY
}

/// Acts on readiness from now on, and on what is remembered (`readStart`).
pub(super) fn start<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.reading || connection.connecting || connection.destroyed {
        return;
    }
    connection.reading = true;
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

/// Has a socket served that may have something to read.
fn wake<S>(cx: &mut Context<S>, id: HandleId) {
    let kept = cx
        .connection(id)
        .is_some_and(|connection| connection.flowing == Some(true) && connection.inbox.is_some());
    if kept || cx.readiness(id).contains(readable()) {
        cx.queue_ready(id);
    }
}

/// Poll phase: at most one piece of data, so that no socket holds up the others. If there may be
/// more, the socket keeps its readiness and a place in the ready queue.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let flowing = connection.flowing == Some(true) && !connection.resume_queued;
    if flowing && connection.inbox.is_some() {
        // Given back with `unshift`: it comes before anything that is still to be read.
        cx.make_callback(state, |state, cx| hand_out(state, cx, id));
        return wake(cx, id);
    }
    let wanted = connection.reading && !connection.eof && !connection.destroyed;
    if !wanted || !cx.readiness(id).contains(readable()) {
        return;
    }
    let mut buffer = cx.take_read_buffer();
    let result = match cx.connection(id) {
        Some(connection) => connection.stream.read(&mut buffer),
        None => Err(io::ErrorKind::NotConnected.into()),
    };
    match result {
        Ok(0) => end_of_stream(state, cx, id),
        Ok(count) => {
            if let Some(connection) = cx.connection_mut(id) {
                connection.bytes_read += count as u64;
            }
            touch(cx, id);
            // After a short read the kernel has no more, and says so when it has. But if the peer
            // has closed, no further edge comes: read on until the end itself is read. And a
            // read stops short in front of urgent data.
            if count == buffer.len() || cx.readiness(id).contains(more()) {
                cx.queue_ready(id);
            } else {
                cx.clear_readiness(id, Readiness::READABLE);
            }
            received(state, cx, id, &buffer[..count]);
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.clear_readiness(id, readable());
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => cx.queue_ready(id),
        Err(error) => connection::destroy(cx, id, Some(Error::system("read", &error, None))),
    }
    cx.put_read_buffer(buffer);
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
    if bytes.is_empty() || connection.destroyed || connection.ended {
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
    update_active(cx, id);
    cx.make_callback(state, |state, cx| {
        flow(state, cx, id);
        if cx
            .connection(id)
            .is_some_and(|connection| connection.unread() == 0)
        {
            queue_end(cx, id);
        }
    });
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
                    writing::end(cx, id, None, None);
                }
            });
        } else if connection.finished {
            connection::destroy(cx, id, None);
        }
    });
}

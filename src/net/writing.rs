//! From `write` to the descriptor: at once if it can be, later if it must.

use std::io;

use super::connection::{self, HIGH_WATER_MARK, emit_from_loop, touch};
use super::outbox::Data;
use super::{Context, Error, Event, Handles};
use crate::event_loop::{HandleId, Readiness};

/// Writes what the kernel takes at once and queues the rest. False if so much is queued that
/// the caller should wait for `Drain`, or if the socket can send no more.
pub(super) fn write<S>(cx: &mut Context<S>, id: HandleId, data: Data<'_>) -> bool {
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    if connection.destroyed {
        return false;
    }
    if connection.ending {
        let by_peer = connection.ended && !connection.allow_half_open;
        connection::destroy(cx, id, Some(write_after_end(by_peer)));
        return false;
    }
    let mut taken = 0;
    if connection.outbox.is_empty() && connection.corked == 0 && !connection.connecting {
        let bytes = data.bytes();
        while taken < bytes.len() {
            match connection.stream.write(&bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    connection::destroy(cx, id, Some(Error::system("write", &error, None)));
                    return false;
                }
            }
        }
        connection.bytes_sent += taken as u64;
    }
    connection.outbox.push(data, taken);
    let below = connection.outbox.writable_length() < HIGH_WATER_MARK;
    connection.need_drain |= !below;
    if connection.timeout != 0 {
        touch(cx, id);
    }
    below
}

fn write_after_end(by_peer: bool) -> Error {
    if by_peer {
        Error::stream("EPIPE", "This socket has been ended by the other party")
    } else {
        Error::stream("ERR_STREAM_WRITE_AFTER_END", "write after end")
    }
}

/// Sends what waits until all is sent or the kernel takes no more; true if nothing waits.
fn flush<S>(cx: &mut Context<S>, id: HandleId) -> bool {
    let Some(connection) = cx.connection_mut(id) else {
        return false;
    };
    let mut progress = false;
    let failed = loop {
        let stream = &connection.stream;
        match connection
            .outbox
            .with_slices(|slices| stream.write_vectored(slices))
        {
            None => break None,
            Some(Ok(count)) => {
                connection.outbox.sent(count);
                connection.bytes_sent += count as u64;
                progress = true;
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => break None,
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Some(Err(error)) => break Some(error),
        }
    };
    let empty = connection.outbox.is_empty();
    if let Some(error) = failed {
        connection::destroy(cx, id, Some(Error::system("write", &error, None)));
        return false;
    }
    if progress {
        touch(cx, id);
    }
    empty
}

/// Poll phase: there is room in the kernel again. It matters only if bytes are queued.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if !cx.readiness(id).contains(Readiness::WRITABLE) {
        return;
    }
    cx.clear_readiness(id, Readiness::WRITABLE);
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.outbox.is_empty() || connection.corked > 0 || !flush(cx, id) {
        return;
    }
    drained(state, cx, id);
    shut_down(state, cx, id);
}

/// Emits the drain that a `write` which returned false has promised.
fn drained<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if std::mem::take(&mut connection.need_drain) && !connection.ending {
        emit_from_loop(state, cx, id, Event::Drain);
    }
}

/// Sends what was queued while the socket connected or was corked; its drain comes as a tick.
pub(super) fn flush_queued<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let held = connection.destroyed || connection.connecting || connection.corked > 0;
    if held || connection.outbox.is_empty() || !flush(cx, id) {
        return;
    }
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.ending {
        cx.pend(id);
    } else if connection.need_drain {
        cx.next_tick(move |state, cx| drained(state, cx, id));
    }
}

/// No more will be written: what is queued is sent, then the peer is told, in the pending phase.
pub(super) fn end<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.ending || connection.destroyed {
        return;
    }
    connection.ending = true;
    connection.corked = 0;
    if connection.outbox.is_empty() && !connection.connecting {
        cx.pend(id);
    } else {
        flush_queued(cx, id);
    }
}

/// Pending phase, or when the last byte is sent: shuts down writing. If the peer has ended too,
/// the socket is done.
pub(super) fn shut_down<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let due = connection.ending && !connection.finished && !connection.destroyed;
    if !due || connection.connecting || !connection.outbox.is_empty() {
        return;
    }
    match connection.stream.shut_down_writing() {
        Ok(()) => {}
        // The peer has reset the connection: reading will say so.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
        Err(error) => {
            let error = Error::system("shutdown", &error, None);
            return connection::destroy(cx, id, Some(error));
        }
    }
    connection.finished = true;
    emit_from_loop(state, cx, id, Event::Finish);
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.ended || connection.destroy_when_finished {
        connection::destroy(cx, id, None);
    }
}

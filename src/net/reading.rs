//! From the descriptor to `Data` and `End`: one read a turn, through the loop's one buffer.

use std::io;

use super::connection::{self, emit, emit_from_loop, touch};
use super::{Context, Error, Event, EventKind, Handles, writing};
use crate::event_loop::{HandleId, Readiness};

/// Anything after which a read tells more: bytes, the end, or the error.
fn readable() -> Readiness {
    Readiness::READABLE | Readiness::READ_CLOSED | Readiness::ERROR
}

/// Whether `Data` may be handed out: not while paused, and not before anyone listens.
fn flowing<S>(cx: &Context<S>, id: HandleId) -> bool {
    match cx.connection(id).and_then(|connection| connection.flowing) {
        Some(flowing) => flowing,
        None => connection::listens(cx, id, EventKind::Data),
    }
}

/// Poll phase: hands out at most one piece of data, so that no socket holds up the others. What
/// is left keeps its readiness and its place in the ready queue.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.destroyed || connection.connecting || connection.eof {
        return;
    }
    let given_back = connection.unread.is_some();
    match (flowing(cx, id), given_back) {
        (true, true) => hand_out_unread(state, cx, id),
        (true, false) if cx.readiness(id).contains(readable()) => read(state, cx, id),
        (false, false) if cx.readiness(id).contains(Readiness::READ_CLOSED) => look_for_end(cx, id),
        _ => {} // paused: the readiness stays remembered
    }
}

/// Wakes a socket that may have something to hand out.
pub(super) fn wake<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.unread.is_some() || cx.readiness(id).contains(readable()) {
        cx.queue_ready(id);
    }
}

fn hand_out_unread<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let unread = cx
        .connection_mut(id)
        .and_then(|connection| connection.unread.take());
    if let Some(bytes) = unread {
        emit_from_loop(state, cx, id, Event::Data(&bytes));
    }
    wake(cx, id);
}

fn read<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let mut buffer = cx.take_read_buffer();
    let size = buffer.len();
    let result = match cx.connection(id) {
        Some(connection) => connection.stream.read(&mut buffer),
        None => Err(io::ErrorKind::NotConnected.into()),
    };
    match result {
        Ok(0) => end_of_stream(cx, id),
        Ok(count) => {
            if let Some(connection) = cx.connection_mut(id) {
                connection.bytes_read += count as u64;
            }
            touch(cx, id);
            // After a short read the kernel has no more, and says so when it has. But if the peer
            // has closed, no further edge comes: read on until the end itself is read.
            if count == size || cx.readiness(id).contains(Readiness::READ_CLOSED) {
                cx.queue_ready(id);
            } else {
                cx.clear_readiness(id, Readiness::READABLE);
            }
            emit_from_loop(state, cx, id, Event::Data(&buffer[..count]));
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.clear_readiness(id, readable());
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => cx.queue_ready(id),
        Err(error) => connection::destroy(cx, id, Some(Error::system("read", &error, None))),
    }
    cx.put_read_buffer(buffer);
}

/// The peer has closed and nobody reads: if it left nothing unread, that is the end.
fn look_for_end<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    match connection.stream.peek() {
        Ok(0) => end_of_stream(cx, id),
        Ok(_) => {} // kept for whoever resumes
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.clear_readiness(id, readable());
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => cx.queue_ready(id),
        Err(error) => connection::destroy(cx, id, Some(Error::system("read", &error, None))),
    }
}

/// Everything was read. `End` follows as a tick; after it, without `allow_half_open`, the socket's
/// own end as another.
fn end_of_stream<S>(cx: &mut Context<S>, id: HandleId) {
    cx.clear_readiness(id, readable());
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.eof = true;
    cx.next_tick(move |state, cx| {
        let Some(connection) = cx.connection_mut(id) else {
            return;
        };
        if connection.destroyed {
            return;
        }
        connection.ended = true;
        emit(state, cx, id, Event::End);
        let Some(connection) = cx.connection(id) else {
            return;
        };
        if connection.finished {
            connection::destroy(cx, id, None);
        } else if !connection.allow_half_open {
            cx.next_tick(move |_, cx| writing::end(cx, id));
        }
    });
}

//! A connection that broke. What its peer had sent before is still handed out, its end included,
//! and then the socket is destroyed.

use super::closing;
use super::connection::settle;
use super::emitting::{emit_end, emit_error};
use super::states::{Life, ReadSide, Rest};
use super::stream::Then;
use super::{Context, Error, Handles};
use crate::event_loop::HandleId;

/// Reading has failed. What was read before is still handed out.
pub(super) fn reading_failed<S>(cx: &mut Context<S>, id: HandleId, error: Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.is_consumed() {
        return closing::destroy(cx, id, Some(error));
    }
    connection.note_error(&error);
    connection.life = Life::Broken(Rest::Read);
    connection.need_drain = false;
    cx.next_tick(move |state, cx| tell_failure(state, cx, id));
}

/// Writing has failed, and that is told. What the peer had sent before is still read and handed
/// out, its end included, and then the socket is destroyed: at once, if there is nothing.
pub(super) fn writing_failed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.life.is_over() || connection.life.is_broken() {
        return;
    }
    if !connection.life.has_stood()
        || matches!(connection.read_side, ReadSide::Idle | ReadSide::Ended)
    {
        return closing::destroy(cx, id, Some(error));
    }
    connection.note_error(&error);
    connection.life = Life::Broken(Rest::InKernel);
    connection.need_drain = false;
    if connection.wants() {
        // Whether there is anything is not known: no event may have told of it yet.
        let mut buffer = cx.take_read_buffer();
        if let Some((connection, counters)) = cx.connection_and_counters(id) {
            let (count, then) = connection.wire().fill(&mut buffer, counters);
            if count > 0 {
                connection.bytes_read += count as u64;
                connection.keep(&buffer[..count]);
            }
            connection.keep_overflow();
            match then {
                Then::End => connection.read_side = ReadSide::Eof,
                Then::Empty | Then::Failed(_) => connection.life = Life::Broken(Rest::Read),
                Then::More | Then::Short => {}
            }
        }
        cx.put_read_buffer(buffer);
    }
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.read_side.is_at_end() && connection.is_consumed() {
        cx.next_tick(move |state, cx| {
            if emit_end(state, cx, id) {
                give_up(cx, id);
            }
        });
    }
    give_up(cx, id);
    settle(cx, id);
    tell_failure(state, cx, id);
}

/// Destroys a broken socket of which nothing is to be handed out any more.
pub(super) fn give_up<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let all_read = match (connection.life, connection.read_side) {
        (Life::Broken(_), ReadSide::Ended) => true,
        (Life::Broken(Rest::Read), side) => !side.is_at_end(),
        _ => false,
    };
    if all_read && connection.is_consumed() {
        closing::destroy(cx, id, None);
    }
}

/// A broken socket that does not flow may stay for long: whoever has paused it is told why it
/// should not, and may resume or destroy it.
pub(super) fn tell_failure<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.flowing != Some(true)
        && let Some(error) = connection.failure()
    {
        emit_error(state, cx, id, &error);
    }
}

//! A socket that is idle: its timer, which starts anew whenever something is read or written.

use std::time::Duration;

use super::emitting::emit_from_loop;
use super::{Context, Event, Handles};
use crate::event_loop::{HandleId, timer_millis};

/// Something was read or written: the idle period starts anew.
pub(super) fn touch<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.timeout == 0 || connection.life.is_over() {
        return;
    }
    let (timer, period) = (connection.timer, connection.timeout);
    if timer.is_some_and(|timer| cx.refresh_timer(timer)) {
        return;
    }
    let timer = cx.set_handle_timeout(Duration::from_millis(u64::from(period)), id);
    if let Some(connection) = cx.connection_mut(id) {
        connection.timer = Some(timer);
    }
}

/// Sets the idle period, zero for none: a timer that runs is as long as the one before.
pub(super) fn set_timeout<S>(cx: &mut Context<S>, id: HandleId, period: Duration) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.timeout = timer_millis(period);
    if let Some(timer) = connection.timer.take() {
        cx.clear_timer(timer);
    }
    touch(cx, id);
}

/// Timers phase: the socket was idle for its period. It is told once, until there is activity.
pub(super) fn idle<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.life.is_over() {
        return;
    }
    let stands = connection.life.has_stood();
    let outbox = connection.outbox.as_mut().filter(|_| stands);
    if let Some(batch) = outbox.and_then(|outbox| outbox.sending.as_mut()) {
        // A large write that is still getting on is no idleness.
        let waiting = batch.waiting();
        if batch
            .seen_waiting
            .replace(waiting)
            .unwrap_or(batch.length())
            != waiting
        {
            return touch(cx, id);
        }
    }
    emit_from_loop(state, cx, id, Event::Timeout);
}

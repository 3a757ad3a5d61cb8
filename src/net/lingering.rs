//! Closing without leaving anything behind: what is closed with bytes that the peer has not
//! acknowledged goes on holding them in the kernel, for minutes, and nobody counts it.
//!
//! A server that minds it says how long a peer has
//! ([`Server::set_linger`](super::Server::set_linger)). Its connections then close when everything
//! is acknowledged, or by a reset when that time is over: then the kernel throws away what it
//! holds.

use std::time::Duration;

use super::closing;
use super::unacknowledged::unacknowledged;
use super::{Context, Handles};
use crate::event_loop::HandleId;

/// Who has been sent no more than so many bytes is not waited for: what it can leave behind is
/// less than the connection itself takes.
const LITTLE: u64 = 4096;

/// The first look comes so long after the end, and each later one after twice the time.
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// The longest time between two looks.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// Closes as the connection's server wants it.
pub(super) fn close<S>(cx: &mut Context<S>, id: HandleId) {
    let linger = patience(cx, id);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let sent = connection.bytes_sent + connection.waiting() as u64;
    if connection.life.is_over() || std::mem::replace(&mut connection.lingers, true) {
        return; // it is closed, or will be
    }
    match linger {
        Some(patience) if sent > LITTLE => wait(cx, id, FIRST_LOOK, patience),
        _ => closing::destroy(cx, id, None),
    }
}

fn patience<S>(cx: &Context<S>, id: HandleId) -> Option<Duration> {
    let server = cx.connection(id)?.server?;
    cx.server(server)?.linger
}

/// Closes if all is acknowledged, or looks again later. `left` is how long that may go on.
fn wait<S>(cx: &mut Context<S>, id: HandleId, next: Duration, left: Duration) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let waiting = connection.waiting();
    if waiting == 0 && unacknowledged(cx, id).is_none_or(|bytes| bytes == 0) {
        return closing::destroy(cx, id, None);
    }
    if left.is_zero() {
        return closing::abort(cx, id);
    }
    let next = next.min(left);
    let timer = cx.set_deadline(next, move |_, cx| {
        wait(cx, id, (next * 2).min(LAST_LOOK), left - next);
    });
    // It holds the loop open as the socket would.
    let referenced = cx.has_ref(id);
    cx.set_timer_ref(timer, referenced);
}

//! Looks at all connections of a server now and then: whose request takes too long is told so.

use super::state::of;
use super::{connection, giving_up};
use crate::Context;
use crate::net;

/// Looks at them while there are any.
pub(super) fn start<S: 'static>(cx: &mut Context<S>, server: net::Server) {
    let Some(own) = of(cx, server).filter(|own| own.check.is_none()) else {
        return;
    };
    let interval = own.settings.checking_interval;
    let timer = cx.set_interval(interval, move |state, cx| check(state, cx, server));
    cx.set_timer_ref(timer, false);
    if let Some(own) = of(cx, server) {
        own.check = Some(timer);
    }
}

pub(super) fn stop<S: 'static>(cx: &mut Context<S>, server: net::Server) {
    if let Some(timer) = of(cx, server).and_then(|own| own.check.take()) {
        cx.clear_timer(timer);
    }
}

fn check<S: 'static>(state: &mut S, cx: &mut Context<S>, server: net::Server) {
    let (now, awake) = (cx.now(), cx.awake_since());
    let Some(own) = of(cx, server) else { return };
    let settings = own.settings;
    if own.connections.is_empty() {
        return stop(cx, server); // an idle server sleeps
    }
    for socket in own.all() {
        let own = connection::of::<S>(cx, socket);
        let deadline = own.and_then(|own| own.pipeline.deadline(awake, &settings));
        if deadline.is_some_and(|deadline| now >= deadline) {
            giving_up::overdue(state, cx, socket);
        }
    }
}

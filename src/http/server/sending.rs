//! How responses go out: what is written goes to the socket, and who waits for that is told.

use super::audience::{Audience, Callback, Listeners, ResponseEvent};
use super::connection::{self, of, state_of};
use super::ids::ServerResponse;
use super::pipeline::Exchange;
use crate::Context;
use crate::event_loop::listeners::emit;
use crate::http::incoming::IncomingMessage;
use crate::http::{WriteCallback, gone};
use crate::net::{Error, Socket};

/// Memory that is kept for what is written next.
const KEPT: usize = 64 * 1024;

/// Calls the response's listeners; true if there were any.
pub(super) fn tell<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    response: ServerResponse,
    event: ResponseEvent<'_>,
) -> bool {
    emit(
        state,
        cx,
        event.kind(),
        |cx| response.listeners(cx),
        |callback: &mut Callback<S>, state, cx| callback(state, cx, response, event),
    )
}

impl ServerResponse {
    /// What is kept of it, while anything of it is still to be told.
    pub(super) fn with<'a, S: 'static, R>(
        self,
        cx: &'a mut Context<S>,
        change: impl FnOnce(&'a mut Exchange<Audience<S>>) -> R,
    ) -> Option<R> {
        let own = of(cx, self.socket)?;
        Some(change(own.pipeline.exchange(self.number)?))
    }

    pub(super) fn listeners<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        self.with(cx, |exchange| &mut exchange.companion.response)
    }

    /// The request it answers (`res.req`).
    #[must_use]
    pub fn request(self) -> IncomingMessage {
        let Self { socket, number } = self;
        IncomingMessage { socket, number }
    }
}

/// Calls those who wait for something to be sent.
pub(super) fn call_back<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    response: ServerResponse,
    error: Option<&Error>,
    who: fn(&mut Audience<S>) -> &mut Vec<WriteCallback<S>>,
) {
    let waiting = response.with(cx, |exchange| std::mem::take(who(&mut exchange.companion)));
    for callback in waiting.into_iter().flatten() {
        callback(state, cx, error);
    }
}

/// Its connection is gone.
pub(super) fn abort<S: 'static>(state: &mut S, cx: &mut Context<S>, response: ServerResponse) {
    let gone = gone();
    let error = Some(&gone);
    call_back(state, cx, response, error, |audience| &mut audience.on_sent);
    call_back(state, cx, response, error, |audience| {
        &mut audience.on_finish
    });
    close(state, cx, response);
}

/// The last event, once.
pub(super) fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, response: ServerResponse) {
    let open = response.with(cx, |exchange| {
        !std::mem::replace(&mut exchange.response.closed, true)
    });
    if open == Some(true) {
        tell(state, cx, response, ResponseEvent::Close);
    }
    connection::forget(cx, response.request());
}

/// Writes to the socket what was written to the response whose turn it is. What is held for the
/// connection is to be counted anew after it, which settling does.
pub(super) fn flush<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let writable = socket.writable(cx);
    let Some(own) = of(cx, socket) else { return };
    own.flush_queued = false;
    let mut out = own.pipeline.take_out();
    if !out.is_empty() {
        if writable {
            socket.write(cx, &out);
        } else {
            own.pipeline.lose();
        }
    }
    out.clear();
    give_back(cx, socket, out);
}

/// Keeps a buffer's memory for what is written next.
pub(super) fn give_back<S: 'static>(cx: &mut Context<S>, socket: Socket, buffer: Vec<u8>) {
    if (1..=KEPT).contains(&buffer.capacity())
        && let Some(server) = state_of(cx, socket)
        && server.buffer.capacity() < buffer.capacity()
    {
        server.buffer = buffer;
    }
}

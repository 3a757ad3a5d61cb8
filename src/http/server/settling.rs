//! What follows when the kernel has what was written: who is told, and what happens next.

use super::audience::ResponseEvent;
use super::connection::{self, Requests, backlog, of, put_spare, state_of};
use super::giving_up;
use super::ids::ServerResponse;
use super::pipeline::{Next, Supplies, When, Written};
use super::sending::{call_back, close, flush, give_back, tell};
use crate::Context;
use crate::http::{incoming, write_after_end};
use crate::net::{Error, Socket};

/// Looks what of the responses is done: whose `finish` is due, who may write on, whether more can
/// be read.
pub(super) fn settle<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let (queued, writable) = (socket.writable_length(cx), socket.writable(cx));
    let Some(own) = of(cx, socket) else { return };
    own.settle_queued = false;
    let is_flushed = own.pipeline.is_flushed();
    if !is_flushed || queued > 0 {
        own.recount();
    }
    if !is_flushed {
        return; // the close is to come, or a flush
    }
    if queued > 0 {
        // Once the socket has ended, its close tells.
        if writable && !std::mem::replace(&mut own.waiting, true) {
            socket.write_then(cx, b"", move |state, cx, _| {
                if let Some(own) = of(cx, socket) {
                    own.waiting = false;
                    settle(state, cx, socket);
                }
            });
        }
        return;
    }
    if !finish_sent(cx, socket) {
        return settle_later(cx, socket);
    }
    let Some(own) = of(cx, socket) else { return };
    let number = own.pipeline.writing();
    let writing = ServerResponse { socket, number };
    // All that was written to it so far is sent. Whoever is told may write on, and fill it anew.
    let needs = writing.with(cx, |exchange| {
        let outgoing = &mut exchange.response.outgoing;
        std::mem::take(&mut outgoing.need_drain) && !outgoing.ended
    });
    if needs == Some(true) {
        tell(state, cx, writing, ResponseEvent::Drain);
    }
    call_back(state, cx, writing, None, |audience| &mut audience.on_sent);
    connection::go_on(cx, socket);
    giving_up::refuse(state, cx, socket);
}

fn settle_later<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket)
        && !std::mem::replace(&mut own.settle_queued, true)
    {
        cx.next_tick(move |state, cx| settle(state, cx, socket));
    }
}

/// All that was written is with the kernel: the responses that have ended are over. False if the
/// rest follows the events of one of them.
fn finish_sent<S: 'static>(cx: &mut Context<S>, socket: Socket) -> bool {
    if let Some(own) = of(cx, socket) {
        own.pipeline.sent();
    }
    while let Some(own) = of(cx, socket)
        && let Some((exchange, next)) = own.pipeline.finished()
    {
        let heard = exchange.companion.any();
        if heard {
            let number = exchange.number;
            own.pipeline.leave(exchange);
            cx.next_tick(move |state, cx| finish(state, cx, ServerResponse { socket, number }));
        } else {
            put_spare(cx, socket, exchange);
        }
        match next {
            Next::End => giving_up::linger(cx, socket),
            Next::Idle => connection::idle(cx, socket),
            Next::Response => {}
        }
        if heard {
            connection::recount(cx, socket);
            return false;
        }
    }
    connection::recount(cx, socket);
    true
}

/// A response is sent: whoever waits for that is told, and then of the close.
fn finish<S: 'static>(state: &mut S, cx: &mut Context<S>, response: ServerResponse) {
    call_back(state, cx, response, None, |audience| &mut audience.on_sent);
    tell(state, cx, response, ResponseEvent::Finish);
    call_back(state, cx, response, None, |audience| {
        &mut audience.on_finish
    });
    cx.next_tick(move |state, cx| {
        close(state, cx, response);
        let request = response.request();
        incoming::dump::<S, Requests>(cx, request);
        cx.next_tick(move |state, cx| incoming::settle::<S, Requests>(state, cx, request));
    });
}

impl ServerResponse {
    /// Takes a piece of the body, or the head alone, for the socket or for later.
    pub(super) fn send<S: 'static>(
        self,
        cx: &mut Context<S>,
        data: Option<&[u8]>,
        end: bool,
    ) -> bool {
        let Self { socket, number } = self;
        let now = cx.now();
        let backlog = backlog(cx, socket);
        // What the server adds to a head, and its memory to write into.
        let Some(server) = state_of(cx, socket) else {
            return false;
        };
        let settings = server.settings;
        let mut supplies = Supplies {
            settings: &settings,
            date: server.date.get(now),
            buffer: std::mem::take(&mut server.buffer),
        };
        let Some(own) = of(cx, socket) else {
            return false;
        };
        let feeding = own.feeding;
        let pipeline = &mut own.pipeline;
        let written = pipeline.write(number, data, end, backlog, &mut supplies);
        give_back(cx, socket, supplies.buffer);
        match written {
            Written::Dropped => false,
            Written::AfterEnd => {
                self.report(cx, write_after_end(), false);
                false
            }
            Written::Wrong(misuse) => {
                self.report(cx, misuse.into(), true);
                false
            }
            Written::Done { below, when } => {
                match when {
                    When::Held => {}
                    When::Ended if feeding => {}
                    When::Soon => self.flush_soon(cx),
                    When::Ended | When::Now => {
                        flush(cx, socket);
                        settle_later(cx, socket);
                    }
                }
                below
            }
        }
    }

    /// Tells the client something before the head.
    pub(super) fn inform<S: 'static>(self, cx: &mut Context<S>, text: &[u8]) -> Self {
        let own = of(cx, self.socket);
        if own.is_some_and(|own| own.pipeline.inform(self.number, text)) {
            self.flush_soon(cx);
        }
        self
    }

    /// Has what is written go out when the callback that is running returns.
    pub(super) fn flush_soon<S: 'static>(self, cx: &mut Context<S>) {
        let socket = self.socket;
        let Some(own) = of(cx, socket) else { return };
        if own.feeding || std::mem::replace(&mut own.flush_queued, true) {
            return;
        }
        cx.next_tick(move |state, cx| {
            flush(cx, socket);
            settle(state, cx, socket);
        });
    }

    /// Tells, as a tick, what the program did wrong. If the response cannot be completed any more,
    /// neither can what comes after it: the connection ends.
    fn report<S: 'static>(self, cx: &mut Context<S>, error: Error, fatal: bool) {
        cx.next_tick(move |state, cx| {
            let event = ResponseEvent::Error(&error);
            if !tell(state, cx, self, event) {
                log::warn!("a response failed, and nobody listens to its errors: {error}");
            }
            if fatal {
                flush(cx, self.socket);
                giving_up::note_cut(cx, self.socket);
                self.socket.destroy(cx);
            }
        });
    }

    /// The program gives it up: what was written before is sent, as far as the kernel takes it at
    /// once, and the connection is closed.
    pub(super) fn give_up<S: 'static>(self, cx: &mut Context<S>) {
        let socket = self.socket;
        let destroyed = self.with(cx, |exchange| {
            std::mem::replace(&mut exchange.response.destroyed, true)
        });
        if destroyed != Some(false) {
            return;
        }
        flush(cx, socket);
        let flushed = of(cx, socket).is_some_and(|own| own.pipeline.is_flushed());
        if flushed && socket.writable_length(cx) == 0 {
            finish_sent(cx, socket);
        }
        giving_up::note_cut(cx, socket);
        socket.destroy(cx);
    }
}

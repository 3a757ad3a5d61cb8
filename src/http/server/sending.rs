//! How responses go out: each in its turn, what one read has brought as one write, and what
//! follows when the kernel has it.

use super::connection::{self, Connection, of};
use super::response::{Kind, ResponseEvent, ServerResponse, tell};
use super::{ServerState, Settings, exchange, giving_up};
use crate::Context;
use crate::http::incoming;
use crate::http::message::outgoing::Added;
use crate::http::{gone, write_after_end};
use crate::net::{Error, Socket};

/// What is written while bytes are taken apart goes out as one, but not more than so many bytes at
/// a time.
const JOINED: usize = 64 * 1024;

/// Memory that is kept for what is written next.
const KEPT: usize = 64 * 1024;

/// Its connection is gone.
pub(in crate::http) fn abort<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    response: ServerResponse,
) {
    let callbacks = response.with(cx, |exchange| {
        let response = &mut exchange.response;
        let mut callbacks = std::mem::take(&mut response.callbacks);
        callbacks.append(&mut response.on_finish);
        callbacks
    });
    for callback in callbacks.into_iter().flatten() {
        callback(state, cx, Some(&gone()));
    }
    close(state, cx, response);
}

/// The last event, once.
fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, response: ServerResponse) {
    let open = response.with(cx, |exchange| {
        !std::mem::replace(&mut exchange.response.closed, true)
    });
    if open == Some(true) {
        tell(state, cx, response, Kind::Close, ResponseEvent::Close);
    }
    exchange::forget(cx, response.request());
}

/// Writes to the socket what was written to the response whose turn it is.
pub(in crate::http) fn flush<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    let writable = socket.writable(cx);
    let Some(own) = of(cx, socket) else { return };
    own.flush_queued = false;
    let mut out = std::mem::take(&mut own.out);
    if !out.is_empty() {
        own.lost |= !writable;
        if writable {
            socket.write(cx, &out);
        }
    }
    out.clear();
    give_back(cx, socket, out);
    if let Some(own) = of(cx, socket) {
        own.recount();
    }
}

/// Keeps a buffer's memory for what is written next.
fn give_back<S: 'static>(cx: &mut Context<S>, socket: Socket, buffer: Vec<u8>) {
    let server = socket.server(cx);
    if let Some(server) = server.and_then(|server| server.data_mut::<S, ServerState<S>>(cx))
        && (1..=KEPT).contains(&buffer.capacity())
        && server.buffer.capacity() < buffer.capacity()
    {
        server.buffer = buffer;
    }
}

/// Looks what of the responses is done: whose `finish` is due, who may write on, whether more can
/// be read.
pub(in crate::http) fn settle<S: 'static>(state: &mut S, cx: &mut Context<S>, socket: Socket) {
    let (queued, writable) = (socket.writable_length(cx), socket.writable(cx));
    let Some(own) = of(cx, socket) else { return };
    own.settle_queued = false;
    if own.lost || !own.out.is_empty() {
        return; // the close is to come, or a flush
    }
    if queued > 0 {
        // Once the socket has ended, its close tells.
        if writable && !std::mem::replace(&mut own.waiting, true) {
            socket.write_with(cx, b"", move |state, cx, _| {
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
    let writing = ServerResponse::new(socket, own.ended);
    // All that was written to it so far is sent.
    let sent = writing.with(cx, |exchange| {
        std::mem::take(&mut exchange.response.callbacks)
    });
    for callback in sent.into_iter().flatten() {
        callback(state, cx, None);
    }
    let needs = writing.with(cx, |exchange| {
        std::mem::take(&mut exchange.response.outgoing.need_drain)
    });
    if needs == Some(true) {
        tell(state, cx, writing, Kind::Drain, ResponseEvent::Drain);
    }
    connection::go_on(cx, socket);
    giving_up::refuse(state, cx, socket);
}

/// All that was written is with the kernel: the responses that have ended are over. False if the
/// rest follows the events of one of them.
fn finish_sent<S: 'static>(cx: &mut Context<S>, socket: Socket) -> bool {
    if let Some(own) = of(cx, socket) {
        own.sent = own.ended;
    }
    while let Some(own) = of(cx, socket)
        && let Some(front) = own.exchanges.front()
        && front.number != own.sent
    {
        if !finish(cx, socket) {
            return false;
        }
    }
    true
}

/// The program gives a response up: what was written before is sent, as far as the kernel takes it
/// at once, and the connection is closed.
pub(in crate::http) fn destroy<S: 'static>(cx: &mut Context<S>, response: ServerResponse) {
    let socket = response.socket();
    let own = response.with(cx, |exchange| {
        std::mem::replace(&mut exchange.response.destroyed, true)
    });
    if own != Some(false) {
        return;
    }
    flush(cx, socket);
    let all_sent = of(cx, socket).is_some_and(|own| !own.lost && own.out.is_empty());
    if all_sent && socket.writable_length(cx) == 0 {
        finish_sent(cx, socket);
    }
    socket.destroy(cx);
}

fn settle_later<S: 'static>(cx: &mut Context<S>, socket: Socket) {
    if let Some(own) = of(cx, socket)
        && !std::mem::replace(&mut own.settle_queued, true)
    {
        cx.next_tick(move |state, cx| settle(state, cx, socket));
    }
}

/// The first response is sent: the exchange is over. True if nobody had to be told of that.
fn finish<S: 'static>(cx: &mut Context<S>, socket: Socket) -> bool {
    let Some(own) = of(cx, socket) else {
        return true;
    };
    let Some(exchange) = own.exchanges.pop_front() else {
        return true;
    };
    let number = exchange.number;
    let last = exchange.response.outgoing.last;
    let after = |cx: &mut Context<S>| {
        let Some(own) = of(cx, socket) else { return };
        if last {
            own.closing = true;
            giving_up::linger(cx, socket);
        } else if own.exchanges.is_empty() {
            connection::idle(cx, socket);
        }
    };
    let listens = exchange.response.listeners.any() || exchange.incoming.listeners.any();
    let told = exchange.response.callbacks.is_empty() && exchange.response.on_finish.is_empty();
    if !listens && told {
        exchange::put_spare(cx, socket, exchange);
        connection::recount(cx, socket);
        after(cx);
        return true;
    }
    let response = ServerResponse::new(socket, number);
    own.leaving.push(exchange);
    own.recount();
    cx.next_tick(move |state, cx| {
        let callbacks = response.with(cx, |exchange| {
            std::mem::take(&mut exchange.response.callbacks)
        });
        for callback in callbacks.into_iter().flatten() {
            callback(state, cx, None);
        }
        tell(state, cx, response, Kind::Finish, ResponseEvent::Finish);
        let on_finish = response.with(cx, |exchange| {
            std::mem::take(&mut exchange.response.on_finish)
        });
        for callback in on_finish.into_iter().flatten() {
            callback(state, cx, None);
        }
        cx.next_tick(move |state, cx| {
            close(state, cx, response);
            let request = response.request();
            incoming::dump(cx, request);
            cx.next_tick(move |state, cx| incoming::settle(state, cx, request));
        });
    });
    after(cx);
    false
}

impl ServerResponse {
    /// Takes a piece of the body: it is rendered, behind the head if that is still to be sent, for
    /// the socket or for later.
    pub(in crate::http) fn send<S: 'static>(
        self,
        cx: &mut Context<S>,
        data: Option<&[u8]>,
        end: bool,
    ) -> bool {
        let Self { socket, number } = self;
        let now = cx.now();
        let queued = socket.writable_length(cx);
        let full = socket.writable_high_water_mark(cx) as usize;
        let open = |own: &mut Connection<S>| {
            let response = &mut own.exchange(number)?.response;
            let has_ended = response.outgoing.ended;
            if response.destroyed {
                response.outgoing.ended |= end;
                return None;
            }
            (!response.closed).then_some(has_ended)
        };
        match of(cx, socket).filter(|own| !own.shut).and_then(open) {
            None => return false,
            Some(true) => {
                self.report(cx, write_after_end(), false);
                return false;
            }
            Some(false) => {}
        }
        // What the server adds to a head, and its memory to write into.
        let Some(server) = socket.server(cx) else {
            return false;
        };
        let Some(server) = server.data_mut::<S, ServerState<S>>(cx) else {
            return false;
        };
        let mut date = [0; 29];
        date.copy_from_slice(server.date.get(now));
        let settings = server.settings;
        let spare = std::mem::take(&mut server.buffer);
        let Some(own) = of(cx, socket) else {
            return false;
        };
        let writing = own.ended == number;
        let mut out = std::mem::take(&mut own.out);
        if writing && out.capacity() == 0 {
            out = spare;
        }
        let Some(exchange) = own.exchange(number) else {
            return false;
        };
        let response = &mut exchange.response;
        let into = if writing {
            &mut out
        } else {
            &mut response.held
        };
        let mut rendered = std::mem::take(into);
        if !response.outgoing.head_sent {
            let length = data.filter(|_| end).map(|data| data.len() as u64);
            response.render(&mut rendered, length, added(&settings, number, &date));
        }
        let mut result = Ok(());
        if let Some(data) = data {
            result = response.outgoing.body(data, &mut rendered);
        }
        if end && result.is_ok() {
            result = response.outgoing.end(&mut rendered);
        }
        let length = rendered.len() + if writing { queued } else { 0 };
        let below = length < full || length == 0;
        response.outgoing.need_drain |= !below;
        if writing {
            out = rendered;
        } else {
            response.held = rendered;
        }
        own.out = out;
        if end && writing && result.is_ok() {
            pass_on(own);
        }
        let (feeding, long) = (own.feeding, own.out.len() >= JOINED);
        if let Err(error) = result {
            self.report(cx, error.into(), true);
            return false;
        }
        if long || (end && writing && !feeding) {
            flush(cx, socket);
            settle_later(cx, socket);
        } else if writing {
            self.flush_soon(cx);
        }
        below
    }

    /// Has what is written go out when the callback that is running returns.
    pub(in crate::http) fn flush_soon<S: 'static>(self, cx: &mut Context<S>) {
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
            if !tell(state, cx, self, Kind::Error, event) {
                log::warn!("a response failed, and nobody listens to its errors: {error}");
            }
            if fatal {
                self.socket.destroy(cx);
            }
        });
    }
}

/// What a server adds to the head of a response.
fn added<'a>(settings: &Settings, number: u32, date: &'a [u8]) -> Added<'a> {
    let (keep_alive, max) = (
        settings.keep_alive_timeout,
        settings.max_requests_per_socket,
    );
    Added {
        date: Some(date),
        timeout: (keep_alive > 0).then_some((u64::from(keep_alive / 1000), max)),
        say_close: max > 0 && number.saturating_add(1) >= max,
        request: false,
    }
}

/// A response has ended: those behind it may write, up to and with the first that has not ended.
fn pass_on<S>(own: &mut Connection<S>) {
    loop {
        let last = own
            .exchange(own.ended)
            .is_some_and(|own| own.response.outgoing.last);
        own.ended = own.ended.wrapping_add(1);
        if last {
            (own.closing, own.shut) = (true, true);
            return;
        }
        let next = own.ended;
        let mut out = std::mem::take(&mut own.out);
        let mut ended = false;
        if let Some(exchange) = own.exchange(next) {
            out.append(&mut exchange.response.held);
            exchange.response.held = Vec::new();
            ended = exchange.response.outgoing.ended;
        }
        own.out = out;
        if !ended {
            return;
        }
    }
}

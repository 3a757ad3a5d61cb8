//! A message that is being received: a request at a server, a response at a client.

mod message;

use std::collections::VecDeque;

use super::listeners::{Kept, Listeners, emit, listener_methods};
use super::{Head, client, listeners, server};
use crate::Context;
use crate::event_loop::{CallbackResult, CallbackSite};
use crate::net::{Error, Socket};

/// A message that is being received (`http.IncomingMessage`): a small id; everything goes through
/// the context.
///
/// It is good until its [`Close`](MessageEvent::Close), a request at least until its response has
/// ended; asked of a stale one, everything is empty or a no-op.
///
/// Its body comes as [`Data`](MessageEvent::Data) once somebody listens to that or
/// [resumes](Self::resume) it. Until then, and while it is paused, as much of it is kept as the
/// socket's high-water mark allows, and then the other side has to wait. Whether it is gone is known
/// until then only.
/// What nobody has had any of when the response is sent is read and thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IncomingMessage {
    pub(super) socket: Socket,
    pub(super) number: u32,
}

/// What can happen to a message that is being received.
#[derive(Clone, Copy, Debug)]
pub enum MessageEvent<'a> {
    /// Some of the body, not empty. Never while paused, nor after [`End`](Self::End).
    Data(&'a [u8]),
    /// The body is complete and has been handed out; only if it flows. The
    /// [trailers](IncomingMessage::trailers) are known.
    End,
    /// The connection was closed before the end. [`Error`](Self::Error) follows.
    Aborted,
    /// Its connection was idle for the time [set](IncomingMessage::set_timeout), and it has not come
    /// in full.
    Timeout,
    /// With `ECONNRESET`: the connection was closed before the end; or why the program closed it.
    Error(&'a Error),
    /// Nothing follows. Two ticks after the end, or after an error.
    Close,
}

/// The bits of what one can listen to.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Data,
    End,
    Aborted,
    Timeout,
    Error,
    Close,
}

impl listeners::Kind for Kind {
    fn bit(self) -> u16 {
        1 << self as u16
    }
}

type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, IncomingMessage, MessageEvent<'_>);

/// Bytes that a piece of a body takes beside its own: a client may send one byte in each.
const PIECE: usize = 64;

/// What a connection keeps of a message.
pub(super) struct Incoming<S> {
    pub(super) head: Head,
    pub(super) trailers: Option<Box<Head>>,
    pub(super) listeners: Listeners<Callback<S>>,
    /// `None` until somebody listens to data, pauses or resumes.
    pub(super) flowing: Option<bool>,
    /// Pieces of the body that have come and were not handed out, and how many bytes they take, each
    /// with what it takes beside its own. Up to the high-water mark the connection is read on for
    /// them: so it is known that the body has come, or that the other side is gone.
    kept: VecDeque<Box<[u8]>>,
    kept_bytes: usize,
    flow_queued: bool,
    /// Somebody has asked for it.
    asked_for: bool,
    /// Some of it was handed out: who has that wants the rest, even when it is paused.
    consumed: bool,
    /// What is left of it is thrown away.
    dumped: bool,
    /// All of it was received.
    pub(super) complete: bool,
    pub(super) end_queued: bool,
    pub(super) ended: bool,
    pub(super) aborted: bool,
    pub(super) closed: bool,
    /// The program has given it up.
    pub(super) destroyed: bool,
}

impl<S> Default for Incoming<S> {
    fn default() -> Self {
        Self {
            head: Head::default(),
            trailers: None,
            listeners: Listeners::default(),
            flowing: None,
            kept: VecDeque::new(),
            kept_bytes: 0,
            flow_queued: false,
            asked_for: false,
            consumed: false,
            dumped: false,
            complete: false,
            end_queued: false,
            ended: false,
            aborted: false,
            closed: false,
            destroyed: false,
        }
    }
}

impl<S> Incoming<S> {
    pub(super) fn new(head: Head) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// Forgets all, but keeps a little memory.
    pub(super) fn recycle(&mut self) {
        let Self {
            head,
            trailers,
            listeners,
            flowing,
            kept,
            kept_bytes,
            flow_queued,
            asked_for,
            consumed,
            dumped,
            complete,
            end_queued,
            ended,
            aborted,
            closed,
            destroyed,
        } = self;
        head.recycle();
        *trailers = None;
        listeners.clear();
        *flowing = None;
        (*kept, *kept_bytes) = Default::default();
        for flag in [
            flow_queued,
            asked_for,
            consumed,
            dumped,
            complete,
            end_queued,
            ended,
            aborted,
            closed,
            destroyed,
        ] {
            *flag = false;
        }
    }

    /// Whether no more of it is read for now: it does not flow, and enough is kept.
    pub(super) fn is_full(&self, high_water_mark: usize) -> bool {
        self.flowing != Some(true) && self.kept_bytes >= high_water_mark
    }

    /// Bytes that what has come takes, and was not handed out.
    pub(super) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.push_back(bytes.into());
        self.kept_bytes += bytes.len() + PIECE;
    }

    fn take_kept(&mut self) -> Option<Box<[u8]>> {
        let piece = self.kept.pop_front()?;
        self.kept_bytes -= piece.len() + PIECE;
        Some(piece)
    }

    fn forget_kept(&mut self) {
        (self.kept, self.kept_bytes) = Default::default();
    }
}

/// Where a message is kept: with the connection of either side.
pub(super) fn of<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> Option<&mut Incoming<S>> {
    let IncomingMessage { socket, number } = message;
    if server::is(cx, socket) {
        let exchange = server::connection_of(cx, socket)?.exchange(number)?;
        return Some(&mut exchange.incoming);
    }
    client::incoming(cx, message)
}

fn known<S: 'static>(cx: &Context<S>, message: IncomingMessage) -> Option<&Incoming<S>> {
    let IncomingMessage { socket, number } = message;
    if let Some(exchange) = server::known(cx, socket, number) {
        return Some(&exchange.incoming);
    }
    client::known_incoming(cx, message)
}

/// Calls the message's listeners; true if there were any.
fn tell<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    kind: Kind,
    event: MessageEvent<'_>,
) -> bool {
    let list = Lookup(message);
    emit(
        state,
        cx,
        kind,
        &list,
        |callback: &mut Callback<S>, state, cx| {
            callback(state, cx, message, event);
        },
    )
}

struct Lookup(IncomingMessage);

impl<S: 'static> Kept<S, Callback<S>> for Lookup {
    fn listeners<'a>(&self, cx: &'a mut Context<S>) -> Option<&'a mut Listeners<Callback<S>>> {
        Some(&mut of(cx, self.0)?.listeners)
    }
}

/// Some of the body has come: it is handed out if it flows, and kept if not.
pub(super) fn data<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    bytes: &[u8],
) {
    let Some(own) = of(cx, message) else { return };
    if own.dumped {
        return;
    }
    if own.flowing != Some(true) || !own.kept.is_empty() {
        return own.keep(bytes);
    }
    own.consumed = true;
    tell(state, cx, message, Kind::Data, MessageEvent::Data(bytes));
}

/// Hands out what was kept, as a tick.
fn queue_flow<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some(own) = of(cx, message) else { return };
    if std::mem::replace(&mut own.flow_queued, true) {
        return;
    }
    cx.next_tick(move |state, cx| {
        if let Some(own) = of(cx, message) {
            own.flow_queued = false;
        }
        while let Some(own) = of(cx, message)
            && own.flowing == Some(true)
            && let Some(piece) = own.take_kept()
        {
            own.consumed = true;
            tell(state, cx, message, Kind::Data, MessageEvent::Data(&piece));
        }
        server::recount(cx, message.socket);
        read_on(cx, message);
    });
}

/// It flows, and nothing of it is kept: its end may be next, or more is read.
fn read_on<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    queue_end(cx, message);
    server::go_on(cx, message.socket);
    client::go_on(cx, message.socket);
}

/// All of it has come: its end is told, once it flows, as a tick.
pub(super) fn completed<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
    trailers: Option<Box<Head>>,
) {
    let Some(own) = of(cx, message) else { return };
    own.complete = true;
    own.trailers = trailers;
    queue_end(cx, message);
    if server::is_leaving(cx, message) {
        cx.next_tick(move |state, cx| settle(state, cx, message));
    }
}

/// Its response is over: so is it, if it is complete and no end is to be told, now or when who has
/// paused it goes on.
pub(super) fn settle<S: 'static>(state: &mut S, cx: &mut Context<S>, message: IncomingMessage) {
    let is_over = |own: &mut Incoming<S>| {
        let is_paused = own.asked_for && own.flowing == Some(false);
        own.complete && !own.end_queued && !is_paused
    };
    if of(cx, message).is_some_and(is_over) {
        close(state, cx, message);
    }
}

/// Tells the end, if it is due and not told yet, and then the close: each a tick.
fn queue_end<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some(own) = of(cx, message) else { return };
    let flows = own.flowing == Some(true) && own.kept.is_empty();
    let due = own.complete && flows && !own.end_queued;
    if !due || own.aborted || own.ended || own.destroyed {
        return;
    }
    if !own.listeners.any() {
        own.ended = true; // there is nobody to tell
        client::forget_response(cx, message);
        return client::response_ended(cx, message);
    }
    own.end_queued = true;
    cx.next_tick(move |state, cx| {
        let Some(own) = of(cx, message) else { return };
        if own.flowing != Some(true) || own.aborted || own.destroyed {
            own.end_queued = false; // paused meanwhile
            return;
        }
        own.ended = true;
        // First: whoever hears of the end cannot close a connection that is kept any more.
        client::response_ended(cx, message);
        tell(state, cx, message, Kind::End, MessageEvent::End);
        if of(cx, message).is_some_and(|own| !own.destroyed) {
            cx.next_tick(move |state, cx| close(state, cx, message));
        }
    });
}

/// The last event, once.
pub(super) fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, message: IncomingMessage) {
    let Some(own) = of(cx, message) else { return };
    if !std::mem::replace(&mut own.closed, true) {
        tell(state, cx, message, Kind::Close, MessageEvent::Close);
    }
    client::forget_response(cx, message);
    server::forget(cx, message);
}

/// Nobody will want it any more, unless somebody has had some of it, or has asked for it and is
/// about to: it is read and thrown away.
pub(super) fn dump<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let full = message.socket.writable_high_water_mark(cx) as usize;
    let Some(own) = of(cx, message) else { return };
    let is_wanted = own.consumed || own.asked_for && !own.is_full(full);
    if !is_wanted {
        discard(cx, message);
    }
}

/// What is left of it is read and thrown away.
pub(super) fn discard<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    if let Some(own) = of(cx, message) {
        own.dumped = true;
        own.forget_kept();
        server::recount(cx, message.socket);
        message.resume(cx);
    }
}

/// Its connection is gone: tells that it was cut short if it was, at once, and the rest as a tick.
pub(super) fn abort<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    then: impl FnOnce(&mut S, &mut Context<S>),
) {
    let Some(own) = of(cx, message).filter(|own| !own.destroyed) else {
        return then(state, cx); // it has been told all
    };
    let cut_short = !(own.complete && (own.ended || own.end_queued)) && !own.closed;
    if cut_short {
        own.aborted = true;
        own.forget_kept();
        tell(state, cx, message, Kind::Aborted, MessageEvent::Aborted);
    }
    then(state, cx);
    cx.next_tick(move |state, cx| {
        if cut_short {
            let error = Error::with_code("ECONNRESET", "aborted");
            tell(state, cx, message, Kind::Error, MessageEvent::Error(&error));
        }
        close(state, cx, message);
    });
}

/// Its connection was idle; true if somebody listens to that.
pub(super) fn timed_out<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> bool {
    tell(state, cx, message, Kind::Timeout, MessageEvent::Timeout)
}

listener_methods! { IncomingMessage, MessageEvent:
    on_data once_data Data (&[u8]) MessageEvent::Data(bytes) => (bytes);
    on_end once_end End () MessageEvent::End => ();
    on_aborted once_aborted Aborted () MessageEvent::Aborted => ();
    on_timeout once_timeout Timeout () MessageEvent::Timeout => ();
    on_error once_error Error (&Error) MessageEvent::Error(error) => (error);
    on_close once_close Close () MessageEvent::Close => ();
}

//! A message that is being received, a request at a server or a response at a client: who is told
//! of it, and when. What a program does with it is in `incoming_message.rs`.

use super::message::Head;
use super::message::incoming::{Incoming, Resumed};
use crate::Context;
use crate::event_loop::listeners::{self, emit, event_kinds};
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
    /// There is something to be [read](IncomingMessage::read), or all of it has come. Only if
    /// somebody listens to this event by its name, and then no data flows. As a tick.
    Readable,
    /// The body is complete and has been handed out; only if it flows, or is read by hand. The
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

event_kinds! { MessageEventKind of MessageEvent:
    Data "data",
    Readable "readable",
    End "end",
    Aborted "aborted",
    Timeout "timeout",
    Error "error",
    Close "close",
}

pub(super) type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, IncomingMessage, MessageEvent<'_>);
pub(super) type Listeners<S> = listeners::Listeners<MessageEventKind, Callback<S>>;

/// Where a message is kept, with the connection of either side, and what that does as it goes on.
pub(super) trait Side<S: 'static>: 'static {
    /// A message, and who listens to it.
    fn find(
        cx: &mut Context<S>,
        message: IncomingMessage,
    ) -> Option<(&mut Incoming, &mut Listeners<S>)>;

    /// All of it was received.
    fn completed(cx: &mut Context<S>, message: IncomingMessage);

    /// Its end is told now, or there is nobody to tell.
    fn ended(cx: &mut Context<S>, message: IncomingMessage);

    /// Less of it is kept than before.
    fn recount(cx: &mut Context<S>, message: IncomingMessage);

    /// More of it can be handed out.
    fn read_on(cx: &mut Context<S>, message: IncomingMessage);

    /// Everything of it is told.
    fn closed(cx: &mut Context<S>, message: IncomingMessage);
}

/// Calls the message's listeners; true if there were any.
pub(super) fn tell<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    event: MessageEvent<'_>,
) -> bool {
    emit(
        state,
        cx,
        event.kind(),
        |cx| Some(D::find(cx, message)?.1),
        |callback: &mut Callback<S>, state, cx| callback(state, cx, message, event),
    )
}

fn of<S: 'static, D: Side<S>>(
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> Option<&mut Incoming> {
    Some(D::find(cx, message)?.0)
}

/// Some of the body has come: it is handed out if it flows, and kept if not.
pub(super) fn data<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    bytes: &[u8],
) {
    match of::<S, D>(cx, message).is_some_and(|own| own.takes(bytes)) {
        true => {
            tell::<S, D>(state, cx, message, MessageEvent::Data(bytes));
        }
        false => queue_readable::<S, D>(cx, message),
    }
}

/// Takes what was kept of it, so many bytes or all (`read`).
pub(super) fn take<S: 'static, D: Side<S>>(
    cx: &mut Context<S>,
    message: IncomingMessage,
    count: Option<usize>,
) -> Option<Vec<u8>> {
    let taken = of::<S, D>(cx, message)?.take(count);
    D::recount(cx, message);
    queue_end::<S, D>(cx, message);
    D::read_on(cx, message);
    taken
}

/// Somebody reads by hand from now on: nothing flows.
pub(super) fn read_by_hand<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    if let Some(own) = of::<S, D>(cx, message) {
        own.read_by_hand();
        queue_readable::<S, D>(cx, message);
        D::read_on(cx, message);
    }
}

/// Says, as a tick, that there is something to be read by hand, or nothing any more.
fn queue_readable<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some((own, listeners)) = D::find(cx, message) else {
        return;
    };
    if listeners.names(MessageEventKind::Readable) && own.has_more() && own.queue_readable() {
        cx.next_tick(move |state, cx| {
            if of::<S, D>(cx, message).is_some_and(Incoming::is_readable) {
                tell::<S, D>(state, cx, message, MessageEvent::Readable);
            }
            queue_end::<S, D>(cx, message);
        });
    }
}

/// It is to flow, from the next tick on.
pub(super) fn resume<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some((own, listeners)) = D::find(cx, message) else {
        return;
    };
    if listeners.names(MessageEventKind::Readable) {
        return; // it is read by hand
    }
    match own.resume() {
        Resumed::Kept if own.queue_flow() => {
            cx.next_tick(move |state, cx| flow::<S, D>(state, cx, message));
        }
        Resumed::Kept => {}
        Resumed::Flowed => queue_end::<S, D>(cx, message),
        Resumed::ReadOn => {
            queue_end::<S, D>(cx, message);
            D::read_on(cx, message);
        }
    }
}

/// Hands out what was kept. Then its end may be next, or more is read.
fn flow<S: 'static, D: Side<S>>(state: &mut S, cx: &mut Context<S>, message: IncomingMessage) {
    if let Some(own) = of::<S, D>(cx, message) {
        own.start_flow();
    }
    while let Some(piece) = of::<S, D>(cx, message).and_then(Incoming::take_kept) {
        tell::<S, D>(state, cx, message, MessageEvent::Data(&piece));
    }
    D::recount(cx, message);
    queue_end::<S, D>(cx, message);
    D::read_on(cx, message);
}

/// All of it has come: its end is told, once it flows, as a tick.
pub(super) fn completed<S: 'static, D: Side<S>>(
    cx: &mut Context<S>,
    message: IncomingMessage,
    trailers: Option<Box<Head>>,
) {
    let Some((own, listeners)) = D::find(cx, message) else {
        return;
    };
    own.complete(trailers);
    if listeners.names(MessageEventKind::Readable) {
        queue_readable::<S, D>(cx, message);
    }
    queue_end::<S, D>(cx, message);
    D::completed(cx, message);
}

/// Its response is over: so is it, unless its end is to be told, now or when who has paused it goes
/// on.
pub(super) fn settle<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
) {
    if of::<S, D>(cx, message).is_some_and(|own| own.is_over()) {
        close::<S, D>(state, cx, message);
    }
}

/// Tells the end, if it is due and not told yet, and then the close: each a tick.
fn queue_end<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    let Some((own, listeners)) = D::find(cx, message) else {
        return;
    };
    if !own.is_end_due() {
        return;
    }
    if !listeners.any() {
        own.end_untold();
        D::closed(cx, message);
        return D::ended(cx, message);
    }
    own.queue_end();
    cx.next_tick(move |state, cx| {
        if !of::<S, D>(cx, message).is_some_and(Incoming::ends) {
            return; // paused meanwhile, or gone
        }
        // First: whoever hears of the end cannot close a connection that is kept any more.
        D::ended(cx, message);
        tell::<S, D>(state, cx, message, MessageEvent::End);
        if of::<S, D>(cx, message).is_some_and(|own| !own.is_destroyed()) {
            cx.next_tick(move |state, cx| close::<S, D>(state, cx, message));
        }
    });
}

/// The last event, once.
pub(super) fn close<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
) {
    let Some(own) = of::<S, D>(cx, message) else {
        return;
    };
    if own.close() {
        tell::<S, D>(state, cx, message, MessageEvent::Close);
    }
    D::closed(cx, message);
}

/// Nobody will want it any more, unless somebody has had some of it, or has asked for it and is
/// about to: it is read and thrown away.
pub(super) fn dump<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    let full = message.socket.writable_high_water_mark(cx) as usize;
    if of::<S, D>(cx, message).is_some_and(|own| !own.is_wanted(full)) {
        discard::<S, D>(cx, message);
    }
}

/// What is left of it is read and thrown away.
pub(super) fn discard<S: 'static, D: Side<S>>(cx: &mut Context<S>, message: IncomingMessage) {
    if let Some(own) = of::<S, D>(cx, message) {
        own.discard();
        D::recount(cx, message);
        resume::<S, D>(cx, message);
    }
}

/// Its connection is gone: tells that it was cut short if it was, at once, and the rest as a tick.
pub(super) fn abort<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
    then: impl FnOnce(&mut S, &mut Context<S>),
) {
    let Some(own) = of::<S, D>(cx, message).filter(|own| !own.is_destroyed()) else {
        return then(state, cx); // it has been told all
    };
    let cut_short = own.abort();
    if cut_short {
        tell::<S, D>(state, cx, message, MessageEvent::Aborted);
    }
    then(state, cx);
    cx.next_tick(move |state, cx| {
        if cut_short {
            let error = Error::with_code("ECONNRESET", "aborted");
            tell::<S, D>(state, cx, message, MessageEvent::Error(&error));
        }
        close::<S, D>(state, cx, message);
    });
}

/// Its connection was idle; true if somebody listens to that.
pub(super) fn timed_out<S: 'static, D: Side<S>>(
    state: &mut S,
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> bool {
    tell::<S, D>(state, cx, message, MessageEvent::Timeout)
}

/// The program gives a response up, for a reason or none: what follows of it is told in ticks. True
/// if its connection is to be closed.
pub(super) fn destroy<S: 'static, D: Side<S>>(
    cx: &mut Context<S>,
    message: IncomingMessage,
    error: Option<Error>,
) -> bool {
    let Some(cut_short) = of::<S, D>(cx, message).and_then(Incoming::destroy) else {
        return false;
    };
    cx.next_tick(move |state, cx| {
        if cut_short {
            tell::<S, D>(state, cx, message, MessageEvent::Aborted);
        }
        cx.next_tick(move |state, cx| {
            if let Some(error) = &error {
                tell::<S, D>(state, cx, message, MessageEvent::Error(error));
            }
            close::<S, D>(state, cx, message);
        });
    });
    cut_short
}

//! What the loop keeps of one socket, from its making to its close.

use std::collections::VecDeque;

use log::debug;

use super::events::{Kind, Lent, Listeners, SocketCallback};
use super::outbox::Outbox;
use super::stream::Stream;
use super::{Address, Context, Error, Event, EventKind, Handles, Socket, server};
use crate::event_loop::{HandleId, Timer};

/// Bytes queued from which on `write` returns false: Node's default.
pub(super) const HIGH_WATER_MARK: usize = 16 * 1024;

/// One socket. An idle one owns no memory beyond this.
pub(super) struct Connection<S> {
    pub(super) stream: Stream,
    /// The server that accepted it.
    pub(super) server: Option<HandleId>,
    /// Bytes that were read but given back, to be handed out first.
    pub(super) unread: Option<Box<[u8]>>,
    pub(super) outbox: Outbox,
    /// What only some sockets need.
    pub(super) own: Option<Box<Own<S>>>,
    /// The idle timer, and its period in milliseconds (0: none).
    pub(super) timer: Option<Timer>,
    pub(super) timeout: u32,
    pub(super) bytes_read: u64,
    pub(super) bytes_sent: u64,
    /// `None` until `pause` or `resume` was called: flowing if anyone listens to data.
    pub(super) flowing: Option<bool>,
    pub(super) corked: u8,
    pub(super) connecting: bool,
    pub(super) allow_half_open: bool,
    /// The end of the stream was read.
    pub(super) eof: bool,
    /// `End` was emitted.
    pub(super) ended: bool,
    /// `end` was called.
    pub(super) ending: bool,
    /// The write side is shut down: `Finish` was emitted.
    pub(super) finished: bool,
    pub(super) need_drain: bool,
    pub(super) destroy_when_finished: bool,
    pub(super) destroyed: bool,
    pub(super) had_error: bool,
}

/// What only sockets need that connect themselves or have listeners of their own.
pub(super) struct Own<S> {
    pub(super) listeners: Listeners<SocketCallback<S>>,
    /// Addresses still to try.
    pub(super) attempts: VecDeque<Address>,
    /// The address that is being tried.
    pub(super) attempt: Option<Address>,
    /// Why the first address failed.
    pub(super) failed: Option<Error>,
}

impl<S> Default for Own<S> {
    fn default() -> Self {
        Self {
            listeners: Listeners::default(),
            attempts: VecDeque::new(),
            attempt: None,
            failed: None,
        }
    }
}

impl<S> Connection<S> {
    pub(super) fn new(server: Option<HandleId>) -> Self {
        Self {
            stream: Stream::Closed,
            server,
            unread: None,
            outbox: Outbox::default(),
            own: None,
            timer: None,
            timeout: 0,
            bytes_read: 0,
            bytes_sent: 0,
            flowing: None,
            corked: 0,
            connecting: false,
            allow_half_open: false,
            eof: false,
            ended: false,
            ending: false,
            finished: false,
            need_drain: false,
            destroy_when_finished: false,
            destroyed: false,
            had_error: false,
        }
    }

    /// A fresh life on the same id, for another connection: listeners and settings stay.
    pub(super) fn renew(&mut self) {
        let fresh = Self::new(self.server);
        let old = std::mem::replace(self, fresh);
        self.own = old.own;
        self.allow_half_open = old.allow_half_open;
        self.timeout = old.timeout;
    }
}

/// Tells the server's listeners for all its sockets, then the socket's own; true if there was
/// one. From a phase, go through [`emit_from_loop`].
pub(super) fn emit<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, event: Event<'_>) -> bool {
    let for_all = emit_to(state, cx, id, event, |cx| {
        let server = cx.connection(id)?.server?;
        Some(&mut cx.server_mut(server)?.sockets)
    });
    let own = emit_to(state, cx, id, event, |cx| {
        Some(&mut cx.connection_mut(id)?.own.as_mut()?.listeners)
    });
    for_all || own
}

fn emit_to<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    event: Event<'_>,
    listeners: impl Fn(&mut Context<S>) -> Option<&mut Listeners<SocketCallback<S>>>,
) -> bool {
    let kind = event.kind();
    let lent = listeners(cx).and_then(|listeners| listeners.lend(kind));
    let Some(mut lent): Option<Lent<SocketCallback<S>>> = lent else {
        return false;
    };
    let once = lent.call(kind, |callback| callback(state, cx, Socket(id), event));
    if let Some(listeners) = listeners(cx) {
        listeners.take_back(lent);
        if once {
            listeners.recount();
        }
    }
    true
}

/// As [`emit`], with the next-tick queue run dry afterwards: one callback of the loop.
pub(super) fn emit_from_loop<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    event: Event<'_>,
) -> bool {
    cx.make_callback(state, |state, cx| emit(state, cx, id, event))
}

/// Whether anyone listens to a kind of event of this socket.
pub(super) fn listens<S>(cx: &Context<S>, id: HandleId, kind: EventKind) -> bool {
    let Some(connection) = cx.connection(id) else {
        return false;
    };
    let for_all = connection.server.and_then(|server| cx.server(server));
    for_all.is_some_and(|server| server.sockets.listens(kind))
        || connection
            .own
            .as_ref()
            .is_some_and(|own| own.listeners.listens(kind))
}

/// Closes the descriptor at once, drops what waits, and lets `Error` (a tick) and `Close` (the
/// closing phase) follow. Only the first call counts.
pub(super) fn destroy<S>(cx: &mut Context<S>, id: HandleId, error: Option<Error>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.destroyed {
        return;
    }
    connection.destroyed = true;
    connection.connecting = false;
    connection.had_error = error.is_some();
    connection.stream = Stream::Closed;
    connection.outbox.clear();
    connection.unread = None;
    let (timer, server) = (connection.timer.take(), connection.server);
    if let Some(timer) = timer {
        cx.clear_timer(timer);
    }
    cx.close(id);
    if let Some(error) = error {
        cx.next_tick(move |state, cx| {
            if !emit(state, cx, id, Event::Error(&error)) {
                debug!("a socket failed, and nobody listens to its errors: {error}");
            }
        });
    }
    if let Some(server) = server {
        server::connection_gone(cx, server);
    }
}

/// Closing phase: the last event, unless a listener connects the socket anew.
pub(super) fn closed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let had_error = connection.had_error;
    emit_from_loop(state, cx, id, Event::Close(had_error));
}

/// Something was read or written: the idle period starts anew.
pub(super) fn touch<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.timeout == 0 {
        return;
    }
    let (timer, period) = (connection.timer, connection.timeout);
    if timer.is_some_and(|timer| cx.refresh_timer(timer)) {
        return;
    }
    let timer = cx.set_handle_timeout(u64::from(period), id);
    if let Some(connection) = cx.connection_mut(id) {
        connection.timer = Some(timer);
    }
}

/// Timers phase: the socket was idle for its period. It is told once, until there is activity.
pub(super) fn idle<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if cx
        .connection(id)
        .is_some_and(|connection| !connection.destroyed)
    {
        emit_from_loop(state, cx, id, Event::Timeout);
    }
}

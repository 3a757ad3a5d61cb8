//! What the loop keeps of one socket, from its making to its close.

use log::debug;

use super::connect::Attempts;
use super::events::{Kind, Listeners, SocketCallback};
use super::inbox::Inbox;
use super::lookup::LookUp;
use super::outbox::{Outbox, WriteCallback};
use super::states::{Life, ReadSide, WriteSide};
use super::stream::Stream;
use super::{Address, Context, Error, Event, EventKind, Handles, Socket, server, writing};
use crate::event_loop::{Extensions, HandleId, Timer};

/// Bytes from which on a socket takes no more: written ones (`write` returns false), or read ones
/// that nobody has taken (reading stops). Node 20's default.
pub(super) const HIGH_WATER_MARK: u32 = 16 * 1024;

/// One socket. An idle one owns no memory beyond this.
pub(super) struct Connection<S> {
    pub(super) stream: Stream,
    /// The server that accepted it.
    pub(super) server: Option<HandleId>,
    /// What was read and not handed out yet.
    pub(super) inbox: Option<Box<Inbox>>,
    /// What was written and is not sent yet.
    pub(super) outbox: Option<Box<Outbox<S>>>,
    /// What only some sockets need.
    pub(super) own: Option<Box<Own<S>>>,
    /// The idle timer, and its period in milliseconds (0: none).
    pub(super) timer: Option<Timer>,
    pub(super) timeout: u32,
    pub(super) high_water_mark: u32,
    pub(super) bytes_read: u64,
    pub(super) bytes_sent: u64,
    /// The turn in which it last handed out data, and how many bytes.
    pub(super) turn: u32,
    pub(super) handed_out: u32,
    pub(super) life: Life,
    pub(super) read_side: ReadSide,
    /// `None` until data is listened to, or `pause` or `resume` was called (`readableFlowing`).
    pub(super) flowing: Option<bool>,
    pub(super) resume_queued: bool,
    /// A protocol keeps what was handed out.
    pub(super) is_kept: bool,
    pub(super) write_side: WriteSide,
    pub(super) corked: u8,
    pub(super) need_drain: bool,
    pub(super) allow_half_open: bool,
    pub(super) no_delay: bool,
    /// Its server's listeners for all sockets hear nothing of it any more.
    pub(super) detached: bool,
    /// It closes once the peer has everything, or has had its time for that.
    pub(super) lingers: bool,
}

/// What only sockets need that connect themselves, fail, or have listeners of their own.
pub(super) struct Own<S> {
    pub(super) listeners: Listeners<SocketCallback<S>>,
    pub(super) attempts: Attempts,
    /// The program's own way to look up a name, until it is called.
    pub(super) lookup: Option<LookUp<S>>,
    /// The other end's address, once it was asked for: it is still told after the close.
    pub(super) remote: Option<Address>,
    /// What broke it: the first error counts, and writing stops.
    pub(super) error: Option<Error>,
    pub(super) error_emitted: bool,
    /// How often it has begun to connect: what was begun for one connection must not reach the
    /// next.
    pub(super) connects: u32,
    /// Its slot stays after `Close`, for another `connect`.
    pub(super) reusable: bool,
    /// A lookup is under way whose answer is told even after `Close`: its slot stays until then.
    pub(super) looking_up: bool,
    /// Writes that waited for a connection that never stood, if another was begun before the close
    /// listener that was added for them has told.
    pub(super) unsent: Vec<(WriteCallback<S>, Error)>,
    /// Keep-alive, and the idle time in seconds before the first probe.
    pub(super) keep_alive: Option<u32>,
    /// What programs and protocols hang on it.
    pub(super) extensions: Extensions,
}

impl<S> Default for Own<S> {
    fn default() -> Self {
        Self {
            listeners: Listeners::default(),
            attempts: Attempts::default(),
            lookup: None,
            remote: None,
            error: None,
            error_emitted: false,
            connects: 0,
            reusable: false,
            looking_up: false,
            unsent: Vec::new(),
            keep_alive: None,
            extensions: Extensions::default(),
        }
    }
}

impl<S> Connection<S> {
    pub(super) fn new(server: Option<HandleId>) -> Self {
        Self {
            stream: Stream::Closed,
            server,
            inbox: None,
            outbox: None,
            own: None,
            timer: None,
            timeout: 0,
            high_water_mark: HIGH_WATER_MARK,
            bytes_read: 0,
            bytes_sent: 0,
            turn: 0,
            handed_out: 0,
            life: Life::New,
            read_side: ReadSide::Idle,
            flowing: None,
            resume_queued: false,
            is_kept: false,
            write_side: WriteSide::Open,
            corked: 0,
            need_drain: false,
            allow_half_open: false,
            no_delay: false,
            detached: false,
            lingers: false,
        }
    }

    /// A fresh life on the same id, for another connection: listeners and settings stay.
    pub(super) fn renew(&mut self) {
        let fresh = Self::new(self.server);
        let mut old = std::mem::replace(self, fresh);
        let unsent = writing::take_unsent(&mut old);
        self.own = old.own;
        if let Some(own) = &mut self.own {
            (own.remote, own.error, own.error_emitted) = (None, None, false);
            own.looking_up = false;
            own.unsent.extend(unsent);
        }
        self.allow_half_open = old.allow_half_open;
        self.high_water_mark = old.high_water_mark;
        self.timeout = old.timeout;
        self.flowing = old.flowing;
        self.no_delay = old.no_delay;
    }

    /// Whether an error was met: writing stops.
    pub(super) fn errored(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.error.is_some())
    }

    /// Whether its slot stays after `Close`.
    pub(super) fn stays(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| own.reusable || own.looking_up)
    }

    /// Whether its user may still write (`socket.writable`).
    pub(super) fn writable(&self) -> bool {
        !self.write_side.is_ending() && !self.life.is_over() && !self.errored()
    }

    /// Whether its user may still get data (`socket.readable`).
    pub(super) fn readable(&self) -> bool {
        !self.read_side.has_ended() && !self.life.is_over() && !self.errored()
    }

    /// Bytes that were read and not handed out yet.
    pub(super) fn unread(&self) -> usize {
        self.inbox.as_ref().map_or(0, |inbox| inbox.length())
    }

    /// Bytes of writes that are not done.
    pub(super) fn writable_length(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.length())
    }

    /// Bytes of writes that the kernel has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.waiting())
    }

    /// Whether a write is with the kernel, or waits for the connection.
    pub(super) fn writing(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.sending.is_some())
    }

    /// Why it is broken, if it is and not destroyed yet.
    pub(super) fn failure(&self) -> Option<Error> {
        let own = self.own.as_ref().filter(|_| self.life.is_broken());
        own?.error.clone()
    }

    /// Gives the outbox's memory back once there is nothing in it.
    pub(super) fn tidy(&mut self) {
        if self.outbox.as_ref().is_some_and(|outbox| outbox.is_empty()) {
            self.outbox = None;
        }
    }
}

/// Tells the loop whether the socket has anything going on that may bring an event: only then
/// does it hold the loop open, as an active handle of libuv's.
pub(super) fn update_active<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let reading = connection.wants() || connection.flows();
    let connecting = connection.life == Life::Connecting;
    let shutting_down = connection.write_side == WriteSide::ShuttingDown;
    let busy = connecting || reading || connection.writing() || shutting_down;
    let active = busy && !connection.life.is_over();
    cx.set_active(id, active);
}

/// Tells the server's listeners for all its sockets, then the socket's own; true if there was
/// one. From a phase, go through [`emit_from_loop`].
pub(super) fn emit<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, event: Event<'_>) -> bool {
    cx.note_event(id, event.name(), event.bytes());
    let detached = |cx: &Context<S>| cx.connection(id).is_none_or(|own| own.detached);
    let alone = detached(cx);
    let for_all = !alone
        && emit_to(state, cx, id, event, |cx| {
            let server = cx.connection(id)?.server?;
            Some(&mut cx.server_mut(server)?.sockets)
        });
    if !alone && detached(cx) {
        return for_all; // who listens now was added meanwhile
    }
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
    let mut lent = listeners(cx).and_then(|listeners| listeners.lend(kind));
    let any = lent.is_some();
    while let Some(mut turn) = lent.take() {
        let own = turn.call(kind, |callback| callback(state, cx, Socket(id), event));
        if let Some(listeners) = listeners(cx) {
            listeners.take_back(turn);
        }
        if let Some(mut own) = own {
            (own.callback)(state, cx, Socket(id), event);
            lent = listeners(cx).and_then(|listeners| listeners.lend_to(kind, own.rest));
        }
    }
    any
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

/// Closes the descriptor at once, and lets follow: the callbacks of writes that are lost and
/// `Error`, as ticks; `Close`, in the closing phase. Only the first call counts.
pub(super) fn destroy<S>(cx: &mut Context<S>, id: HandleId, error: Option<Error>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let life = connection.life;
    if life.is_over() {
        return;
    }
    let error = error.or_else(|| connection.failure());
    connection.life = life.destroyed(error.is_some());
    connection.stream = Stream::Closed;
    connection.inbox = None;
    let timer = connection.timer.take();
    let server = connection.server;
    let lost = connection
        .outbox
        .as_ref()
        .is_some_and(|outbox| !outbox.buffered.is_empty() || !outbox.on_finish.is_empty());
    if let Some(own) = connection.own.as_mut() {
        own.listeners.forget_own(EventKind::Connect);
    }
    if let Some(error) = &error {
        note_error(connection, error);
    }
    cx.counters_mut().connections_closed += u64::from(life.has_stood());
    if lost {
        cx.next_tick(move |state, cx| writing::fail_buffered(state, cx, id));
    }
    if let Some(timer) = timer {
        cx.clear_timer(timer);
    }
    super::connect::cancel(cx, id);
    cx.close(id);
    if let Some(error) = error {
        cx.next_tick(move |state, cx| emit_error(state, cx, id, &error));
    }
    if life == Life::New {
        // There is no handle whose close could be waited for.
        cx.next_tick(move |state, cx| emit_close(state, cx, id));
    }
    if let Some(server) = server {
        server::connection_gone(cx, server);
    }
}

/// Keeps what broke it: the first error counts.
pub(super) fn note_error<S>(connection: &mut Connection<S>, error: &Error) {
    let own = connection.own.get_or_insert_default();
    own.error.get_or_insert_with(|| error.clone());
}

/// Tells what broke it, once.
pub(super) fn emit_error<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: &Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let own = connection.own.get_or_insert_default();
    if std::mem::replace(&mut own.error_emitted, true) {
        return;
    }
    if !emit(state, cx, id, Event::Error(error)) {
        debug!("a socket failed, and nobody listens to its errors: {error}");
    }
}

fn emit_close<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if !connection.life.close() {
        return;
    }
    let had_error = connection.life.had_error();
    emit(state, cx, id, Event::Close(had_error));
}

/// Closing phase: the last event, unless a listener connects the socket anew.
pub(super) fn closed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    cx.make_callback(state, |state, cx| writing::fail_sending(state, cx, id));
    cx.make_callback(state, |state, cx| emit_close(state, cx, id));
    if cx.connection(id).is_some_and(Connection::stays) {
        cx.reopen(id);
    }
}

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
    let timer = cx.set_handle_timeout(u64::from(period), id);
    if let Some(connection) = cx.connection_mut(id) {
        connection.timer = Some(timer);
    }
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

/// Destroys with a reset, which only TCP can tell.
pub(super) fn reset<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let refused = connection.stream.reset_on_close().err();
    destroy(
        cx,
        id,
        refused.map(|error| Error::system("setsockopt", &error, None)),
    );
}

/// Destroys, with a reset where there is such a thing.
pub(super) fn abort<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(connection) = cx.connection(id)
        && let Err(error) = connection.stream.reset_on_close()
    {
        debug!("a connection is closed without a reset: {error}");
    }
    destroy(cx, id, None);
}

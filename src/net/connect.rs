//! Connecting: one address after another, and the moment it stands.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

use super::connection::{self, HIGH_WATER_MARK, emit, touch, update_active};
use super::lookup::{LookUp, LookupRequest, is_same, look_up};
use super::states::Life;
use super::stream::Stream;
use super::{
    Address, BufferSizes, Context, Error, Event, Handles, Socket, Target, ending, reading,
};
use crate::event_loop::{CallbackResult, CallbackSite, HandleId, Readiness, Timer};

/// How long, in milliseconds, one address of several may take before the next is tried
/// (`autoSelectFamilyAttemptTimeout`).
const ATTEMPT_TIMEOUT_MS: u64 = 250;

/// Where and how to connect; made from a [`Target`] or anything that becomes one.
pub struct ConnectOptions<S> {
    target: Target,
    pub(super) allow_half_open: bool,
    pub(super) high_water_mark: u32,
    buffer_sizes: BufferSizes,
    family: Option<u8>,
    lookup: Option<LookUp<S>>,
}

impl<S, T: Into<Target>> From<T> for ConnectOptions<S> {
    fn from(target: T) -> Self {
        Self::new(target)
    }
}

impl<S> ConnectOptions<S> {
    /// The defaults: not half-open, a high-water mark of 16 KiB, all addresses of a name.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            target: target.into(),
            allow_half_open: false,
            high_water_mark: HIGH_WATER_MARK,
            buffer_sizes: BufferSizes::default(),
            family: None,
            lookup: None,
        }
    }

    /// Whether the socket stays writable after its [`Event::End`] (`allowHalfOpen`).
    #[must_use]
    pub fn allow_half_open(mut self, allow: bool) -> Self {
        self.allow_half_open = allow;
        self
    }

    /// Bytes queued from which on `write` returns false (`highWaterMark`).
    #[must_use]
    pub fn high_water_mark(mut self, bytes: u32) -> Self {
        self.high_water_mark = bytes;
        self
    }

    /// How much the kernel keeps for the connection. Node has no such thing for `net`.
    #[must_use]
    pub fn buffer_sizes(mut self, sizes: BufferSizes) -> Self {
        self.buffer_sizes = sizes;
        self
    }

    /// Takes the first address of this family only, 4 or 6 (`family`).
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = Some(family);
        self
    }

    /// Looks the name up in a way of one's own (`lookup`), called as a tick.
    #[must_use]
    #[track_caller]
    pub fn lookup<R: CallbackResult>(
        mut self,
        lookup: impl FnOnce(&mut S, &mut Context<S>, LookupRequest) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        self.lookup = Some(Box::new(move |state, cx, request| {
            let socket = Socket(request.id);
            let returned = lookup(state, cx, request);
            socket.check(cx, site, "lookup", returned);
        }));
        self
    }
}

/// Where a socket that connects has got to.
#[derive(Default)]
pub(super) struct Attempts {
    left: VecDeque<SocketAddr>,
    /// The address that is being tried.
    current: Option<Address>,
    /// Several addresses are tried, each for a limited time.
    several: bool,
    errors: Vec<Error>,
    /// Why an attempt failed at once; told in the pending phase, as by libuv.
    failed: Option<io::Error>,
    timer: Option<Timer>,
    buffer_sizes: BufferSizes,
}

/// Begins to connect. A path is tried at once, an IP address in the next tick, a name after
/// its lookup.
pub(super) fn start<S>(cx: &mut Context<S>, id: HandleId, options: ConnectOptions<S>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    match connection.life {
        Life::New => {}
        Life::Connecting | Life::Open | Life::Broken(_) | Life::Destroyed(_) => return,
        Life::Closed(_) => connection.renew(),
    }
    connection.life = Life::Connecting;
    let own = connection.own.get_or_insert_default();
    own.attempts = Attempts {
        buffer_sizes: options.buffer_sizes,
        ..Attempts::default()
    };
    own.connects = own.connects.wrapping_add(1);
    let connects = own.connects;
    cx.reopen(id);
    update_active(cx, id);
    touch(cx, id);
    match options.target {
        Target::Address(address @ Address::Ipc(_)) => {
            if let Err(error) = open(cx, id, address) {
                fail_later(cx, id, error);
            }
        }
        Target::Address(Address::Tcp(address)) => cx.next_tick(move |state, cx| {
            if is_same(cx, id, connects) {
                attempt_first(state, cx, id, VecDeque::from([address]));
            }
        }),
        Target::Host(host, port) => {
            let all = options.family.is_none();
            let connection = cx.connection_mut(id);
            if let Some(own) = connection.and_then(|connection| connection.own.as_mut()) {
                own.looking_up = !all;
            }
            let request = LookupRequest {
                id,
                connects,
                host,
                port,
                all,
            };
            match options.lookup {
                Some(lookup) => {
                    if let Some(connection) = cx.connection_mut(id) {
                        connection.own.get_or_insert_default().lookup = Some(lookup);
                    }
                    cx.next_tick(move |state, cx| {
                        let own = cx.connection_mut(id).and_then(|own| own.own.as_mut());
                        if let Some(lookup) = own.and_then(|own| own.lookup.take()) {
                            lookup(state, cx, request);
                        }
                    });
                }
                None => look_up(cx, request, options.family),
            }
        }
    }
}

pub(super) fn connecting<S>(cx: &Context<S>, id: HandleId) -> bool {
    cx.connection(id)
        .is_some_and(|connection| connection.life == Life::Connecting)
}

fn attempts<S>(cx: &mut Context<S>, id: HandleId) -> Option<&mut Attempts> {
    let connection = cx
        .connection_mut(id)
        .filter(|connection| connection.life == Life::Connecting)?;
    Some(&mut connection.own.get_or_insert_default().attempts)
}

pub(super) fn attempt_first<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    addresses: VecDeque<SocketAddr>,
) {
    if let Some(attempts) = attempts(cx, id) {
        attempts.several = addresses.len() > 1;
        attempts.left = addresses;
        attempt_next(state, cx, id);
    }
}

/// Tries the next address; when none is left, the socket fails as they all did.
fn attempt_next<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(attempts) = attempts(cx, id) else {
        return;
    };
    let Some(address) = attempts.left.pop_front() else {
        let errors = std::mem::take(&mut attempts.errors);
        return connection::destroy(cx, id, Some(Error::aggregate(errors)));
    };
    let last = attempts.left.is_empty();
    emit(state, cx, id, Event::ConnectionAttempt(&address));
    if !connecting(cx, id) {
        return;
    }
    if let Err(error) = open(cx, id, address.into()) {
        return refused(state, cx, id, &error);
    }
    if !last {
        let timer = cx.set_timeout(ATTEMPT_TIMEOUT_MS, move |state, cx| {
            let late = Errno::TIMEDOUT.into();
            let told = note_failure(cx, id, &late);
            if let Some((Address::Tcp(address), _)) = told {
                emit(state, cx, id, Event::ConnectionAttemptTimeout(&address));
            }
            attempt_next(state, cx, id);
        });
        if let Some(attempts) = self::attempts(cx, id) {
            attempts.timer = Some(timer);
        }
    }
}

/// Starts one connection and has it polled. What was remembered of the attempt before is not true
/// of this one.
fn open<S>(cx: &mut Context<S>, id: HandleId, address: Address) -> io::Result<()> {
    cx.clear_readiness(id, cx.readiness(id));
    let own = cx.connection(id).and_then(|own| own.own.as_ref());
    let sizes = own.map_or_else(BufferSizes::default, |own| own.attempts.buffer_sizes);
    let opened = Stream::connect(&address, sizes).and_then(|mut stream| {
        stream.register(cx.registry(), id.token())?;
        Ok(stream)
    });
    if let Some(connection) = cx.connection_mut(id) {
        let attempts = &mut connection.own.get_or_insert_default().attempts;
        attempts.current = Some(address);
        connection.stream = opened?;
    }
    Ok(())
}

/// An attempt that failed at once is told in the pending phase, as by libuv.
fn fail_later<S>(cx: &mut Context<S>, id: HandleId, error: io::Error) {
    if let Some(attempts) = attempts(cx, id) {
        attempts.failed = Some(error);
        cx.pend(id);
    }
}

/// An IP address failed at once. That nobody listens there is told later, as if it had taken its
/// time; anything else ends the attempt here and now, and an only one without
/// [`Event::ConnectionAttemptFailed`].
fn refused<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: &io::Error) {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return fail_later(cx, id, Errno::CONNREFUSED.into());
    }
    let Some((Address::Tcp(address), error)) = note_failure(cx, id, error) else {
        return;
    };
    let error = error.of_unbound(&address);
    let Some(attempts) = attempts(cx, id).filter(|attempts| attempts.several) else {
        return connection::destroy(cx, id, Some(error));
    };
    if let Some(noted) = attempts.errors.last_mut() {
        noted.clone_from(&error);
    }
    let event = Event::ConnectionAttemptFailed(&address, &error);
    emit(state, cx, id, event);
    attempt_next(state, cx, id);
}

/// Pending phase: an attempt that failed at once.
pub(super) fn pending<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    if let Some(error) = attempts(cx, id).and_then(|attempts| attempts.failed.take()) {
        cx.make_callback(state, |state, cx| failed(state, cx, id, &error));
    }
}

/// Forgets the attempt that is under way; its address and its error.
fn note_failure<S>(
    cx: &mut Context<S>,
    id: HandleId,
    error: &io::Error,
) -> Option<(Address, Error)> {
    cancel(cx, id);
    let connection = cx.connection_mut(id)?;
    connection.stream = Stream::Closed;
    let attempts = &mut connection.own.get_or_insert_default().attempts;
    let address = attempts.current.take()?;
    let error = Error::system("connect", error, Some(&address));
    attempts.errors.push(error.clone());
    Some((address, error))
}

fn failed<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, error: &io::Error) {
    let Some((address, error)) = note_failure(cx, id, error) else {
        return;
    };
    if let Address::Tcp(address) = address {
        emit(
            state,
            cx,
            id,
            Event::ConnectionAttemptFailed(&address, &error),
        );
    }
    if attempts(cx, id).is_some_and(|attempts| attempts.several) {
        attempt_next(state, cx, id);
    } else {
        connection::destroy(cx, id, Some(error));
    }
}

/// Stops the clock of the attempt that is under way.
pub(super) fn cancel<S>(cx: &mut Context<S>, id: HandleId) {
    let own = cx
        .connection_mut(id)
        .and_then(|connection| connection.own.as_mut());
    if let Some(timer) = own.and_then(|own| own.attempts.timer.take()) {
        cx.clear_timer(timer);
    }
}

/// Poll phase of a socket that connects.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let outcome = match connection.stream.take_error() {
        Ok(None) => connection.stream.peer_address().map(drop),
        Ok(Some(error)) | Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => connected(state, cx, id),
        // Nothing is decided yet: the event was not the one.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            cx.clear_readiness(id, Readiness::WRITABLE);
        }
        Err(error) => cx.make_callback(state, |state, cx| failed(state, cx, id, &error)),
    }
}

/// It stands. `Connect`, then what was written meanwhile is sent, then `Ready`.
fn connected<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    cancel(cx, id);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.life = Life::Open;
    let keep_alive = connection.own.as_ref().and_then(|own| own.keep_alive);
    let no_delay = connection
        .no_delay
        .then(|| connection.stream.set_no_delay(true));
    let keep_alive = keep_alive.map(|idle| connection.stream.set_keep_alive(Some(idle)));
    for refused in [no_delay, keep_alive].into_iter().flatten() {
        if let Err(error) = refused {
            log::debug!("a socket option is not to be had: {error}");
        }
    }
    cx.counters_mut().connections_opened += 1;
    touch(cx, id);
    cx.make_callback(state, |state, cx| {
        emit(state, cx, id, Event::Connect);
        ending::finish_if_done(cx, id);
        emit(state, cx, id, Event::Ready);
        reading::connected(cx, id);
    });
}

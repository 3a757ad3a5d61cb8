//! Connecting: one address after another, and the moment it stands.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;

use super::closing::destroy;
use super::connection::{Attempts, update_active};
use super::emitting::emit;
use super::idle::{self, touch};
use super::lookup::{LookupRequest, alternate, resolve};
use super::options::Attempting;
use super::states::Life;
use super::stream::{self, Stream};
use super::{
    Address, ConnectOptions, Context, Error, Event, Handles, Target, ending, opening, reading,
};
use crate::event_loop::{HandleId, Readiness};

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
    connection.no_delay |= options.no_delay;
    let own = connection.own.get_or_insert_default();
    let connecting = own.connecting.get_or_insert_default();
    connecting.keep_alive = options.keep_alive.or(connecting.keep_alive);
    let how = options.attempting;
    connecting.attempts = Some(Box::new(Attempts {
        how,
        ..Attempts::default()
    }));
    own.connects = own.connects.wrapping_add(1);
    let connects = own.connects;
    cx.reopen(id);
    update_active(cx, id);
    match options.timeout {
        Some(period) => idle::set_timeout(cx, id, period),
        None => touch(cx, id),
    }
    match options.target {
        Target::Address(address @ Address::Ipc(_)) => {
            if let Err(error) = open(cx, id, address, None) {
                fail_later(cx, id, error);
            }
        }
        Target::Address(Address::Tcp(address)) => cx.next_tick(move |state, cx| {
            if is_same(cx, id, connects) {
                attempt_first(state, cx, id, VecDeque::from([address]));
            }
        }),
        Target::Host(host, port) => {
            let any_family = options.family.is_none() && how.local_address.is_none();
            let all = how.each && any_family;
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
                        let own = connection.own.get_or_insert_default();
                        own.connecting.get_or_insert_default().lookup = Some(lookup);
                    }
                    cx.next_tick(move |state, cx| {
                        let own = cx.connection_mut(id).and_then(|own| own.own.as_mut());
                        let connecting = own.and_then(|own| own.connecting.as_mut());
                        if let Some(lookup) = connecting.and_then(|own| own.lookup.take()) {
                            lookup(state, cx, request);
                        }
                    });
                }
                None => look_up(cx, request, options.family),
            }
        }
    }
}

/// Asks the system, on the thread pool.
fn look_up<S>(cx: &mut Context<S>, request: LookupRequest, family: Option<u8>) {
    let host = request.host.clone();
    let work = move || resolve(&host, family);
    cx.queue_work(work, move |state, cx, found| {
        looked_up(state, cx, request, found)
    });
}

impl LookupRequest {
    /// Answers, now or later; the socket goes on in the next tick.
    pub fn answer<S>(self, cx: &mut Context<S>, found: Result<Vec<IpAddr>, Error>) {
        cx.next_tick(move |state, cx| looked_up(state, cx, self, found));
    }
}

/// Whether the socket is still on the connection for which something was begun.
fn is_same<S>(cx: &Context<S>, id: HandleId, connects: u32) -> bool {
    let own = cx.connection(id).and_then(|found| found.own.as_ref());
    own.is_some_and(|own| own.connects == connects)
}

fn looked_up<S>(
    state: &mut S,
    cx: &mut Context<S>,
    request: LookupRequest,
    found: Result<Vec<IpAddr>, Error>,
) {
    let LookupRequest { id, connects, .. } = request;
    if !is_same(cx, id, connects) {
        return;
    }
    go_on(state, cx, request, found);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let is_closed = connection.life.is_closed();
    let own = connection.own.as_mut();
    let Some(own) = own.filter(|own| own.connects == connects) else {
        return;
    };
    let waited = std::mem::take(&mut own.looking_up);
    if waited && is_closed && !own.reusable {
        cx.close(id);
    }
}

/// Tells what was found, and tries it, unless the socket was destroyed meanwhile.
fn go_on<S>(
    state: &mut S,
    cx: &mut Context<S>,
    request: LookupRequest,
    found: Result<Vec<IpAddr>, Error>,
) {
    let LookupRequest {
        id,
        host,
        port,
        all,
        ..
    } = request;
    let host = host.as_str();
    // Of a single family the answer is told even to a socket that was destroyed meanwhile.
    if all && !connecting(cx, id) {
        return;
    }
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            emit(
                state,
                cx,
                id,
                Event::Lookup {
                    found: Err(&error),
                    host,
                },
            );
            if connecting(cx, id) {
                cx.next_tick(move |_, cx| destroy(cx, id, Some(error)));
            }
            return;
        }
    };
    let told = if all { found.len() } else { 1 };
    for ip in found.iter().take(told) {
        emit(
            state,
            cx,
            id,
            Event::Lookup {
                found: Ok(*ip),
                host,
            },
        );
        if !connecting(cx, id) {
            return;
        }
    }
    let addresses = alternate(&found[..told.min(found.len())]);
    touch(cx, id);
    let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
    attempt_first(state, cx, id, addresses.collect());
}

fn connecting<S>(cx: &Context<S>, id: HandleId) -> bool {
    cx.connection(id)
        .is_some_and(|connection| connection.life == Life::Connecting)
}

fn attempts<S>(cx: &mut Context<S>, id: HandleId) -> Option<&mut Attempts> {
    let connection = cx
        .connection_mut(id)
        .filter(|connection| connection.life == Life::Connecting)?;
    connection.own.as_mut()?.attempts_mut()
}

fn attempt_first<S>(
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
        return destroy(cx, id, Some(Error::aggregate(errors)));
    };
    let (last, how) = (attempts.left.is_empty(), attempts.how);
    let mut bound = None;
    if let Some(local) = how.local(&address) {
        match stream::bind(local) {
            Ok(socket) => bound = Some(socket),
            Err(error) => return not_bound(state, cx, id, local, &error),
        }
    }
    emit(state, cx, id, Event::ConnectionAttempt(&address));
    if !connecting(cx, id) {
        return;
    }
    if let Err(error) = open(cx, id, address.into(), bound) {
        return refused(state, cx, id, &error);
    }
    if !last {
        let timer = cx.set_timeout(how.timeout, move |state, cx| {
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

/// The own end cannot be had: the only attempt fails with that, one of several is passed over.
fn not_bound<S>(
    state: &mut S,
    cx: &mut Context<S>,
    id: HandleId,
    local: SocketAddr,
    error: &io::Error,
) {
    let error = Error::system("bind", error, Some(&local.into()));
    match attempts(cx, id).filter(|attempts| attempts.several) {
        Some(attempts) => {
            attempts.errors.push(error);
            attempt_next(state, cx, id);
        }
        None => destroy(cx, id, Some(error)),
    }
}

/// Starts one connection and has it polled. What was remembered of the attempt before is not true
/// of this one.
fn open<S>(
    cx: &mut Context<S>,
    id: HandleId,
    address: Address,
    bound: Option<socket2::Socket>,
) -> io::Result<()> {
    cx.clear_readiness(id, cx.readiness(id));
    let own = cx.connection_mut(id).and_then(|own| own.own.as_mut());
    let attempts = own.and_then(|own| own.attempts_mut());
    let how = attempts.map_or_else(Attempting::default, |attempts| attempts.how);
    let opened = Stream::connect(&address, how.buffer_sizes, bound).and_then(|mut stream| {
        stream.register(cx.registry(), id.token())?;
        Ok(stream)
    });
    if let Some(attempts) = self::attempts(cx, id) {
        attempts.current = Some(address);
    }
    if let Some(connection) = cx.connection_mut(id) {
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
        return destroy(cx, id, Some(error));
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
    let attempts = connection.own.as_mut()?.attempts_mut()?;
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
        destroy(cx, id, Some(error));
    }
}

/// Stops the clock of the attempt that is under way.
fn cancel<S>(cx: &mut Context<S>, id: HandleId) {
    let own = cx
        .connection_mut(id)
        .and_then(|connection| connection.own.as_mut());
    if let Some(timer) = own.and_then(|own| own.attempts_mut()?.timer.take()) {
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
    let own = connection.own.as_mut();
    let connecting = own.and_then(|own| own.connecting.as_mut());
    let keep_alive = connecting.and_then(|connecting| {
        connecting.attempts = None;
        connecting.keep_alive
    });
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
        opening::begin(cx, id);
        ending::finish_if_done(cx, id);
        emit(state, cx, id, Event::Ready);
        reading::connected(cx, id);
    });
}

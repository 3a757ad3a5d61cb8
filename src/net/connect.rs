//! Connecting: the lookup, one address after another, and the moment it stands.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use mio::net::{TcpStream, UnixStream};

use super::connection::{self, emit, touch};
use super::stream::Stream;
use super::{Address, Context, Error, Event, Handles, Target, reading, writing};
use crate::event_loop::{HandleId, Readiness};

/// Begins to connect. A path is tried at once, an IP address in the next tick, a name after
/// its lookup on the thread pool.
pub(super) fn start<S>(cx: &mut Context<S>, id: HandleId, target: Target) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    if connection.connecting || !connection.stream.is_closed() {
        return;
    }
    if connection.destroyed {
        connection.renew();
    }
    connection.connecting = true;
    cx.reopen(id);
    cx.set_active(id, true);
    touch(cx, id);
    match target {
        Target::Address(address @ Address::Ipc(_)) => attempt_all(cx, id, [address].into()),
        Target::Address(address) => {
            cx.next_tick(move |_, cx| attempt_all(cx, id, [address].into()));
        }
        Target::Host(host, port) => look_up(cx, id, host, port),
    }
}

fn look_up<S>(cx: &mut Context<S>, id: HandleId, host: String, port: u16) {
    let name = host.clone();
    cx.queue_work(
        move || {
            (name.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect::<Vec<_>>)
        },
        move |state, cx, found: io::Result<Vec<SocketAddr>>| {
            let found = found.unwrap_or_default();
            if found.is_empty() {
                let error = Error::lookup(&host);
                emit(state, cx, id, Event::Lookup(Err(&error)));
                return connection::destroy(cx, id, Some(error));
            }
            for address in &found {
                emit(state, cx, id, Event::Lookup(Ok(address.ip())));
            }
            attempt_all(cx, id, found.into_iter().map(Address::Tcp).collect());
        },
    );
}

fn attempt_all<S>(cx: &mut Context<S>, id: HandleId, addresses: VecDeque<Address>) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.own.get_or_insert_default().attempts = addresses;
    attempt_next(cx, id);
}

/// Tries the next address; when none is left, the socket fails as the first of them did.
fn attempt_next<S>(cx: &mut Context<S>, id: HandleId) {
    loop {
        let Some(connection) = cx.connection_mut(id) else {
            return;
        };
        if !connection.connecting {
            return; // destroyed meanwhile
        }
        let own = connection.own.get_or_insert_default();
        let Some(address) = own.attempts.pop_front() else {
            own.attempt = None;
            let error = own.failed.take();
            return connection::destroy(cx, id, error);
        };
        own.attempt = Some(address.clone());
        match open(cx, id, &address) {
            Ok(stream) => {
                if let Some(connection) = cx.connection_mut(id) {
                    connection.stream = stream;
                }
                return;
            }
            Err(error) => note_failure(cx, id, &error),
        }
    }
}

/// Starts the connection and has it polled. What was remembered of the attempt before is not true
/// of this one.
fn open<S>(cx: &mut Context<S>, id: HandleId, address: &Address) -> io::Result<Stream> {
    cx.clear_readiness(id, cx.readiness(id));
    let mut stream = match address {
        Address::Tcp(address) => Stream::Tcp(TcpStream::connect(*address)?),
        Address::Ipc(path) => Stream::Ipc(UnixStream::connect(path)?),
    };
    stream.register(cx.registry(), id.token())?;
    Ok(stream)
}

fn note_failure<S>(cx: &mut Context<S>, id: HandleId, error: &io::Error) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.stream = Stream::Closed;
    let own = connection.own.get_or_insert_default();
    let error = Error::system("connect", error, own.attempt.as_ref());
    own.failed.get_or_insert(error);
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
        Err(error) => {
            note_failure(cx, id, &error);
            attempt_next(cx, id);
        }
    }
}

/// It stands: what was written meanwhile is sent, then the listeners are told.
fn connected<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    connection.connecting = false;
    touch(cx, id);
    writing::flush_queued(cx, id);
    cx.make_callback(state, |state, cx| {
        emit(state, cx, id, Event::Connect);
        if cx
            .connection(id)
            .is_some_and(|connection| !connection.destroyed)
        {
            emit(state, cx, id, Event::Ready);
        }
    });
    let Some(connection) = cx.connection(id) else {
        return;
    };
    if connection.ending && connection.outbox.is_empty() {
        cx.pend(id);
    }
    reading::wake(cx, id);
}

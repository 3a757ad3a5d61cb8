//! Accepting, bounded in every turn, and what to do when no descriptor is left.

use std::io;
use std::time::Duration;

use log::{debug, error, info, warn};
use rustix::io::Errno;

use super::closing::destroy;
use super::connection::{Connection, update_active};
use super::states::Life;
use super::stream::Stream;
use super::{
    Address, Context, Dropped, EventKind, Handle, HandleKind, Handles, Server, ServerEvent, Socket,
    server,
};
use crate::event_loop::{HandleId, Readiness};

/// Connections one listener accepts in one turn at most; the rest wait for the next. Node takes
/// one a turn; a chat that a thousand clients join at once is the faster for taking more.
const ACCEPTS_PER_TURN: usize = 64;

/// How long to wait, before another try when there was no descriptor left:
/// one may come free elsewhere in the process, and that brings no event.
const RETRY: Duration = Duration::from_millis(250);

/// Poll phase: accepts what is in the backlog.
pub(super) fn ready<S>(state: &mut S, cx: &mut Context<S>, id: HandleId) {
    for _ in 0..ACCEPTS_PER_TURN {
        cx.counters_mut().accepts += 1;
        let accepted = match cx.server(id).and_then(|server| server.listener.as_ref()) {
            Some(listener) => listener.accept(),
            None => return, // closed, perhaps by the callback of the connection before
        };
        match accepted {
            Ok(stream) => {
                cx.make_callback(state, |state, cx| connection(state, cx, id, stream));
            }
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::AGAIN) => {
                    stop_retrying(cx, id);
                    return cx.clear_readiness(id, Readiness::READABLE);
                }
                // The client gave up while it waited, or a signal came: on to the next.
                Some(Errno::CONNABORTED | Errno::INTR | Errno::PROTO) => {
                    debug!("a connection was gone before it was accepted: {error}");
                }
                Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    let why = "no connection can be accepted until a descriptor is free";
                    return try_again_later(cx, id, why, &error);
                }
                _ => {
                    let why = "no connection can be accepted for now";
                    return try_again_later(cx, id, why, &error);
                }
            },
        }
    }
    // The cap is reached and the backlog may hold more: the readiness stays remembered.
    cx.queue_ready(id);
}

/// A connection was accepted: counts it, registers it, tells the server.
fn connection<S>(state: &mut S, cx: &mut Context<S>, id: HandleId, mut stream: Stream) {
    let Some(server) = cx.server_mut(id) else {
        return;
    };
    if server
        .max_connections
        .is_some_and(|max| server.connections >= max)
    {
        let ends = ends(&stream);
        server::emit(state, cx, Server(id), ServerEvent::Drop(ends.as_ref()));
        return; // and closes it
    }
    server.connections += 1;
    let mut connection = Connection::new(Some(id));
    connection.life = Life::Open;
    connection.allow_half_open = server.allow_half_open;
    connection.high_water_mark = server.high_water_mark;
    connection.no_delay = server.no_delay;
    if server.pause_on_connect {
        connection.flowing = Some(false);
    } else {
        connection.read_side.start();
        connection.flowing = server.sockets.listens(EventKind::Data).then_some(true);
    }
    let (no_delay, keep_alive) = (server.no_delay, server.keep_alive);
    let socket = cx.insert(Handle(HandleKind::Connection(connection)));
    cx.counters_mut().connections_opened += 1;
    let registered = stream.register(cx.registry(), socket.token());
    if let (true, Err(error)) = (no_delay, stream.set_no_delay(no_delay)) {
        debug!("Nagle's delay stays on: {error}");
    }
    if let Some(initial_delay) = keep_alive
        && let Err(error) = stream.set_keep_alive(Some(initial_delay))
    {
        debug!("a connection is not probed: {error}");
    }
    let Some(connection) = cx.connection_mut(socket) else {
        return;
    };
    connection.stream = stream;
    update_active(cx, socket);
    if let Err(error) = registered {
        // Its listeners have heard nothing of it yet, so they need not hear of its end.
        error!("a connection cannot be polled, it is dropped: {error}");
        destroy(cx, socket, None);
        if let Some(connection) = cx.connection_mut(socket) {
            connection.life.close();
        }
        return;
    }
    server::emit(
        state,
        cx,
        Server(id),
        ServerEvent::Connection(Socket(socket)),
    );
}

/// Both ends of a TCP connection.
fn ends(stream: &Stream) -> Option<Dropped> {
    match (stream.local_address(), stream.peer_address()) {
        (Ok(Some(Address::Tcp(local))), Ok(Some(Address::Tcp(remote)))) => {
            Some(Dropped { local, remote })
        }
        _ => None,
    }
}

/// No descriptor is left. Freeing one brings no new edge, so the readiness stays remembered and the
/// server tries again: when one of its connections is destroyed, and now and then.
fn try_again_later<S>(cx: &mut Context<S>, id: HandleId, why: &str, error: &io::Error) {
    let first = cx.server(id).is_some_and(|server| server.retry.is_none());
    if first {
        warn!("{why}: {error}");
    }
    let timer = cx.set_handle_timeout(RETRY, id);
    let old = cx
        .server_mut(id)
        .and_then(|server| server.retry.replace(timer));
    if let Some(old) = old {
        cx.clear_timer(old);
    }
}

/// Timers phase: tries again in the next poll.
pub(super) fn retry<S>(cx: &mut Context<S>, id: HandleId) {
    cx.queue_ready(id);
}

fn stop_retrying<S>(cx: &mut Context<S>, id: HandleId) {
    if let Some(timer) = cx.server_mut(id).and_then(|server| server.retry.take()) {
        cx.clear_timer(timer);
        info!("connections are accepted again");
    }
}

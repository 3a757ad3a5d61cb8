//! The door for `nc`: a connection is a member, a line is what it says.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | sockets' events |
//! | `hearing.rs` | lines that are heard; `/json`, the one that is the door's own |
//! | `objects.rs` | sessions that speak JSON: objects, one a line |
//! | `ending.rs` | the last lines of who has ended its side, its answers, then our end |
//! | [`opening`] | whether a session begins as a chat does, or as another protocol |
//! | `proxy_header.rs` | who is behind a proxy |
//! | `words.rs`, `order_words.rs`, `report_words.rs`, `listing.rs` | what is heard, as lines |

pub(in crate::server) mod ending;
mod hearing;
mod listing;
mod objects;
pub(in crate::server) mod opening;
mod order_words;
mod proxy_header;
mod report_words;
pub(in crate::server) mod times;
pub(in crate::server) mod words;

use std::borrow::Cow;
use std::time::Duration;

use log::debug;

use crate::chat::{DisconnectReason, Peer};
use crate::net::{self, Context, Error, Event, Server, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::fan_out::Payload;
use crate::server::core::sessions::SessionId;
use crate::server::doors::arrivals;
use crate::server::doors::connections::{Stage, Unheard};
use crate::server::doors::handshakes;
use crate::server::doors::json::objects::Pace;
use crate::server::doors::outlet::{Door, Outlet};
use crate::server::doors::{LINE_DOOR, LINES};
use crate::server::{ChatServer, Loop};
use crate::tls::{self, ServerOptions};
use ending::{LAST_LINES, LINGER, close, end, last_words, see_off, throw_away, turn_away};
use hearing::hear;
use opening::{Foreign, Verdict};
use proxy_header::Beginning;

/// How long a proxy has to say whom it speaks for: where it has to, and where
/// somebody on its machine may have come without it.
const HEADER: Duration = Duration::from_secs(5);
const MAYBE_HEADER: Duration = Duration::from_secs(1);

/// What the door does for its members.
pub(super) static DOOR: Door = Door {
    write: |socket, cx, payload| {
        match payload {
            Payload::Shared(shared) => socket.write_shared(cx, shared.bytes()),
            Payload::Own(bytes) => socket.write(cx, bytes),
        };
    },
    read_on: |server, cx, socket| {
        if objects::hear_kept(server, cx, socket) {
            match socket.readable_ended(cx) {
                true => end(server, cx, socket),
                false => _ = socket.resume(cx),
            }
        }
    },
    close: |server, cx, socket, _| close(server, cx, socket),
    forget_unread: |socket, cx| {
        socket.forget_unread(cx);
    },
    show_board: None,
};

/// Makes the door; it opens when it is given a listener.
pub(in crate::server) fn open(event_loop: &mut Loop, high_water_mark: u32) -> Server {
    let door = net::create_server(event_loop);
    furnish(event_loop, door, high_water_mark);
    door
}

/// The same, over TLS.
///
/// # Errors
///
/// As [`tls::create_server`].
pub(in crate::server) fn open_tls(
    event_loop: &mut Loop,
    high_water_mark: u32,
    options: ServerOptions,
) -> Result<Server, Error> {
    // A proxy may have something to say first, in the clear.
    let door = tls::create_server(event_loop, options.at_once(false))?;
    furnish(event_loop, door, high_water_mark);
    door.on_secure_connection(event_loop, secured);
    door.on_tls_client_error(event_loop, |server: &mut ChatServer, cx, error, socket| {
        let place = server.browsers.clone();
        handshakes::failed(server, cx, error, socket, &place);
    });
    Ok(door)
}

fn furnish(event_loop: &mut Loop, door: Server, high_water_mark: u32) {
    door.set_high_water_mark(event_loop, high_water_mark);
    // The door answers what came before the end of a stream, and only then ends its own side.
    door.set_allow_half_open(event_loop, true);
    // A chat's lines are small and wanted now.
    door.set_no_delay(event_loop, true);
    door.set_linger(event_loop, Some(LAST_LINES));
    door.on_connection(event_loop, connection);
    door.on_socket_event(event_loop, |server, cx, socket, event| match event {
        Event::Data(bytes) => data(server, cx, socket, bytes),
        Event::End => end(server, cx, socket),
        Event::Drain => server.drained(cx, socket),
        // We have ended our side, and all is with the system: whatever comes is thrown away for a
        // while.
        Event::Finish => {
            socket.set_timeout(cx, LINGER);
        }
        // If it is silent since it is read no more, its time is not over.
        Event::Timeout if socket.readable_flowing(cx) == Some(false) => {}
        Event::Timeout => {
            socket.linger(cx);
        }
        Event::Error(error) => {
            debug!("a connection broke: {error}");
            // Its answers need not be waited for any more: what it said before is still heard.
            see_off(server, cx, socket);
            server.read_on(cx, socket);
        }
        Event::Close(_) => {
            if socket.readable_ended(cx) {
                last_words(server, cx, socket); // they may have waited for their time
            }
            server.gone(cx, socket);
        }
        _ => {}
    });
    door.on_error(event_loop, |_, _, _, error| {
        log::error!("the line door: {error}")
    });
}

fn connection(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(peer) = arrivals::peer(cx, socket) else {
        server.turn_away(socket);
        socket.destroy(cx);
        return;
    };
    let door = socket.server(cx);
    let is_for_proxies = door.is_some_and(|door| server.proxy_doors.contains(&door));
    let is_proxy = server.config.trusts(peer);
    match (is_for_proxies, peer) {
        (true, _) if !is_proxy => turn_away(server, cx, socket, peer, &DisconnectReason::NoProxy),
        (true, _) => await_header(server, cx, socket, peer, true),
        // At a door for all, whoever comes through a Unix socket is no proxy: it may be an
        // operator.
        (false, Peer::Tcp(_)) if is_proxy => await_header(server, cx, socket, peer, false),
        (false, _) => admit(server, cx, socket, peer),
    }
}

/// Waits for a proxy to say whom it speaks for. Nothing is said until it has, or has had its time.
fn await_header(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    peer: Peer,
    is_header_required: bool,
) {
    let (connections, config) = (&mut server.connections, &server.config);
    if let Err(refused) = connections.admits(peer, config, cx.now()) {
        return turn_away(server, cx, socket, peer, &refused);
    }
    connections.insert(socket, None, peer, config, cx.now());
    if let Some(connection) = connections.get_mut(socket) {
        connection.stage = Stage::Proxied { is_header_required };
    }
    let wait = match is_header_required {
        true => HEADER,
        false => MAYBE_HEADER,
    };
    let timer = cx.set_timeout(wait, move |server: &mut ChatServer, cx| {
        let connection = server.connections.get_mut(socket);
        if connection.is_some_and(|found| matches!(found.stage, Stage::Proxied { .. })) {
            begins_with(server, cx, socket, Beginning::Other, &[]);
        }
    });
    cx.set_timer_ref(timer, false);
}

/// The beginning of a proxy's connection.
fn proxied(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    let Some(connection) = server.connections.get_mut(socket) else {
        return;
    };
    let mut held = connection
        .unheard
        .take()
        .map_or_else(Vec::new, |kept| kept.bytes);
    held.extend_from_slice(bytes);
    match proxy_header::read(&held) {
        Beginning::Torn => {
            connection.unheard = Some(Unheard::new(held));
            server.finish(cx); // that is memory
        }
        beginning => begins_with(server, cx, socket, beginning, &held),
    }
}

/// It is known with what a proxy's connection begins: from now on it is its client's, or is ended.
fn begins_with(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    beginning: Beginning,
    bytes: &[u8],
) {
    let peer = arrivals::peer(cx, socket);
    let (Some(connection), Some(peer)) = (server.connections.remove(socket, cx.now()), peer) else {
        return;
    };
    let bytes = match &connection.unheard {
        Some(kept) if bytes.is_empty() => &kept.bytes[..],
        _ => bytes,
    };
    let is_header_required = connection.stage
        == Stage::Proxied {
            is_header_required: true,
        };
    let (client, length) = match beginning {
        Beginning::Header { client, length } => (client.map(Peer::Tcp), length),
        Beginning::Broken => {
            return turn_away(server, cx, socket, peer, &DisconnectReason::BadProxyHeader);
        }
        Beginning::Torn | Beginning::Other if is_header_required => {
            return turn_away(server, cx, socket, peer, &DisconnectReason::NoProxyHeader);
        }
        Beginning::Torn | Beginning::Other => (None, 0),
    };
    // A proxy that speaks for itself gives no orders.
    let itself = match peer {
        Peer::Local { user, .. } => Peer::Local {
            user,
            operator: false,
        },
        Peer::Tcp(_) => peer,
    };
    let rest = &bytes[length..];
    let is_secure = speaks_tls(server, cx, socket);
    if is_secure {
        socket.unshift(cx, rest); // for the handshake
    }
    admit(server, cx, socket, client.unwrap_or(itself));
    if !is_secure && !rest.is_empty() {
        data(server, cx, socket, rest);
    }
}

/// Whether TLS is to be spoken at the door by which somebody has come.
fn speaks_tls(server: &ChatServer, cx: &Context<ChatServer>, socket: Socket) -> bool {
    let door = socket.server(cx);
    door.is_some_and(|door| server.tls_doors.contains(&door))
}

/// Begins the handshake with somebody who enters when it is done. Whoever may not is told why then.
fn secure(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, peer: Peer) {
    let begun = match peer {
        Peer::Tcp(address) => socket.start_tls_for(cx, address),
        Peer::Local { .. } => socket.start_tls(cx),
    };
    if let Err(error) = begun {
        debug!("TLS cannot be spoken: {error}");
        server.turn_away(socket);
        socket.destroy(cx);
        return;
    }
    let (connections, config) = (&mut server.connections, &server.config);
    if let Err(refused) = connections.admits(peer, config, cx.now()) {
        return turn_away(server, cx, socket, peer, &refused);
    }
    connections.insert(socket, None, peer, config, cx.now());
    server.handshakes.begins(socket, peer);
}

/// A handshake is done.
fn secured(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(peer) = server.handshakes.is_done(socket) else {
        return; // it was turned away
    };
    match enter(server, cx, socket, peer) {
        Ok((session, cost)) => {
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.session = Some(session);
                connection.visits = false;
                connection.stage = Stage::Opening;
            }
            server.spend_in_turn(cx, socket, cost);
            server.finish(cx);
        }
        Err(refused) => {
            server.connections.remove(socket, cx.now());
            turn_away(server, cx, socket, peer, &refused);
        }
    }
}

/// Makes somebody a member of the chat.
fn enter(
    server: &mut ChatServer,
    cx: &Context<ChatServer>,
    socket: Socket,
    peer: Peer,
) -> Result<(SessionId, Cost), DisconnectReason> {
    let outlet = Outlet {
        door: LINE_DOOR,
        socket,
    };
    server.enter(cx, outlet, LINES, peer)
}

/// Lets somebody in, or says why not.
fn admit(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, peer: Peer) {
    if speaks_tls(server, cx, socket) {
        return secure(server, cx, socket, peer);
    }
    let admitted = server.connections.admits(peer, &server.config, cx.now());
    match admitted.and_then(|()| enter(server, cx, socket, peer)) {
        Ok((session, cost)) => {
            let (connections, config) = (&mut server.connections, &server.config);
            connections.insert(socket, Some(session), peer, config, cx.now());
            if let Some(connection) = connections.get_mut(socket) {
                connection.stage = Stage::Opening;
            }
            server.spend_in_turn(cx, socket, cost);
            server.finish(cx);
        }
        Err(refused) => turn_away(server, cx, socket, peer, &refused),
    }
}

/// Whoever does not read its answers is asked no more questions, and whoever types too fast is
/// read more slowly: the bytes wait until then.
fn data(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    let connection = server.connections.get_mut(socket);
    if connection.is_none_or(|found| found.has_departed()) {
        return throw_away(server, cx, socket);
    }
    if socket.is_broken(cx) {
        see_off(server, cx, socket);
    }
    if server.must_wait(cx, socket) || server.has_had_its_share(cx, socket) {
        socket.pause(cx);
        socket.unshift(cx, bytes);
        return server.finish(cx); // it may have been told so
    }
    let connection = server.connections.get_mut(socket);
    if connection.is_some_and(|found| matches!(found.stage, Stage::Proxied { .. })) {
        return proxied(server, cx, socket, bytes);
    }
    if let Some(bytes) = opening(server, cx, socket, bytes, false) {
        let used = hear(server, cx, socket, &bytes, Pace::InTurn);
        socket.unshift(cx, &bytes[used..]);
        if server.has_had_its_share(cx, socket) {
            socket.pause(cx);
        }
        server.finish(cx);
    }
}

/// Looks at the beginning of a session. Returns what is to be heard: nothing while it may still be
/// no chat, nor if it is none.
fn opening<'a>(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &'a [u8],
    has_ended: bool,
) -> Option<Cow<'a, [u8]>> {
    let connection = server.connections.get_mut(socket)?;
    if connection.stage != Stage::Opening {
        return Some(Cow::Borrowed(bytes));
    }
    let is_first = connection.unheard.is_none();
    let bytes = match connection.unheard.take() {
        None => Cow::Borrowed(bytes),
        Some(mut kept) => {
            kept.bytes.extend_from_slice(bytes);
            Cow::Owned(kept.bytes)
        }
    };
    match opening::judge(&bytes, has_ended) {
        Verdict::Chat => {
            connection.stage = Stage::FirstLine;
            Some(bytes)
        }
        Verdict::Undecided => {
            connection.unheard = Some(Unheard::new(bytes.into_owned()));
            if let Some(session) = connection.session.filter(|_| is_first) {
                server.hub.withhold(session, cx.now());
                server.finish(cx);
            }
            None
        }
        Verdict::Foreign(foreign) => {
            send_away(server, cx, socket, foreign);
            None
        }
    }
}

/// Ends a session that is no chat, with the answer that whoever it is understands. As far as the
/// chat knows, it was never there, and what it was told so far is not sent any more.
fn send_away(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    foreign: Foreign,
) {
    let answer = opening::answer(foreign, &server.browsers);
    let connection = server.connections.get_mut(socket);
    if let Some(session) = connection.and_then(|found| found.session) {
        if let Some(peer) = server.hub.peer(session) {
            server.access_log.foreign(peer, cx.now());
        }
        server.forget_session(cx, session);
    }
    socket.write(cx, &answer);
    close(server, cx, socket);
    server.finish(cx);
}

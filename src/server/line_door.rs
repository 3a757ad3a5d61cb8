//! The door for `nc`: a connection is a member, a line is what it says.

use log::{debug, info};
use rustix::process::geteuid;

use super::connections::LineConnection;
use super::hub::Hub;
use super::{ChatServer, Loop};
use crate::chat::{self, Millis, Peer};
use crate::net::{self, Context, Event, RemoteParty, Server, Socket};

/// A connection that we have ended is read on, and what comes thrown away, until nothing has
/// come for so many milliseconds: closing it with bytes unread would be a reset, which may cost the
/// peer our last line.
const LINGER_MS: u32 = 500;

/// Connections that are turned away and have time to read why. Those that come on top are closed
/// without a word: they hold descriptors that members could have.
const TURNED_AWAY: usize = 64;

/// How long, in milliseconds, a connection that we have ended has to read its last lines. When the
/// whole server ends, `--shutdown-timeout` says so instead.
const LAST_LINES_MS: u64 = 5000;

/// Makes the door; it opens when it is given a listener.
pub(super) fn open(event_loop: &mut Loop, high_water_mark: u32) -> Server {
    let door = net::create_server(event_loop);
    door.set_high_water_mark(event_loop, high_water_mark);
    // The door answers what came before the end of a stream, and only then ends its own side.
    door.set_allow_half_open(event_loop, true);
    // A chat's lines are small and wanted now.
    door.set_no_delay(event_loop, true);
    door.on_connection(event_loop, connection);
    door.on_socket_event(event_loop, |server, cx, socket, event| match event {
        Event::Data(bytes) => data(server, cx, socket, bytes),
        Event::End => end(server, cx, socket),
        Event::Drain => drained(server, cx, socket),
        Event::Timeout => lingered(cx, socket),
        Event::Error(error) => debug!("a connection broke: {error}"),
        Event::Close(_) => closed(server, cx, socket),
        _ => {}
    });
    door.on_error(event_loop, |_, _, _, error| {
        log::error!("the line door: {error}")
    });
    door
}

/// Who it is that connects, as the chat wants to know it. `None` if it has gone already.
fn peer(cx: &Context<ChatServer>, socket: Socket) -> Option<Peer> {
    Some(match socket.remote_party(cx)? {
        RemoteParty::Host(address) => Peer::Tcp(address),
        RemoteParty::User(user) => Peer::Local {
            user: user.unwrap_or(u32::MAX),
            // Whoever could end the server by a signal may as well do it by a command.
            operator: user == Some(geteuid().as_raw()),
        },
    })
}

fn connection(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(peer) = peer(cx, socket) else {
        server.connections.turned_away += 1;
        socket.destroy(cx);
        return;
    };
    let now = cx.now();
    let admitted = server.connections.admits(peer, &server.config);
    let connected = admitted.and_then(|()| {
        let refusal = |line: chat::Line| line.to_string();
        server.hub.connect(peer, now).map_err(refusal)
    });
    let member = match connected {
        Ok(member) => member,
        Err(reason) => return turn_away(server, cx, socket, &reason),
    };
    let ChatServer {
        connections,
        config,
        ..
    } = server;
    connections.insert(socket, member, peer, config, now);
    server.seat(member, socket);
    server.finish(cx);
}

/// Takes lines, up to the cap; gives the rest back. Whoever does not read its answers is asked no
/// more questions, and whoever types too fast is read more slowly: the bytes wait until then.
fn data(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    let now = cx.now();
    if socket.writable_need_drain(cx) || is_held_back(server, socket) {
        socket.pause(cx);
        socket.unshift(cx, bytes);
        return;
    }
    let ChatServer {
        hub, connections, ..
    } = server;
    // What comes after a member has left is thrown away.
    if let Some(LineConnection {
        input,
        member: Some(member),
        ..
    }) = connections.get_mut(socket)
    {
        let member = *member;
        let used = input.feed(hub, member, bytes, now, Hub::frame);
        socket.unshift(cx, &bytes[used..]);
        if let Some(wait) = input.hold_back(hub, member, now) {
            socket.pause(cx);
            read_on_in(cx, socket, wait);
        }
    }
    server.finish(cx);
}

/// Reads on after so many milliseconds.
fn read_on_in(cx: &mut Context<ChatServer>, socket: Socket, wait: Millis) {
    let timer = cx.set_timeout(wait, move |server: &mut ChatServer, cx| {
        if let Some(connection) = server.connections.get_mut(socket) {
            connection.input.release();
            read_on(server, cx, socket);
        }
    });
    cx.set_timer_ref(timer, false);
}

fn is_held_back(server: &mut ChatServer, socket: Socket) -> bool {
    let connection = server.connections.get_mut(socket);
    connection.is_some_and(|connection| connection.input.is_held_back())
}

/// Reads on, unless something else is still to be waited for.
fn read_on(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    if !socket.writable_need_drain(cx) && !is_held_back(server, socket) {
        socket.resume(cx);
    }
}

/// Everything that waited for a member is with the system.
fn drained(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let connection = server.connections.get_mut(socket);
    if let Some(member) = connection.and_then(|found| found.member) {
        server.hub.caught_up(member);
    }
    read_on(server, cx, socket);
    server.finish(cx);
}

/// The peer has said all it will: what is left is a line, too. It gets its answers, then the end.
fn end(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let ChatServer {
        hub, connections, ..
    } = server;
    if let Some(LineConnection {
        input,
        member: Some(member),
        ..
    }) = connections.get_mut(socket)
    {
        input.finish(hub, *member, cx.now(), Hub::frame);
        hub.leave(*member, cx.now());
    }
    server.finish(cx);
}

/// Ends a connection that has left the chat, after what was written to it.
pub(super) fn close(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.get_mut(socket) else {
        return;
    };
    connection.member = None;
    connection.input.close();
    socket.resume(cx); // to throw away what comes
    dismiss(server, cx, socket);
}

/// Ends our side of a connection, and sees to it that the other side does not take for ever.
fn dismiss(server: &ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    socket.end(cx);
    socket.set_timeout(cx, LINGER_MS);
    if server.shutting_down {
        return;
    }
    let timer = cx.set_timeout(LAST_LINES_MS, move |_, cx| {
        if socket.buffered(cx) > 0 {
            info!("a connection did not read its last lines in time");
        }
        socket.destroy(cx);
    });
    cx.set_timer_ref(timer, false);
}

/// Ends a connection that has never been in the chat, with a reason.
fn turn_away(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, reason: &str) {
    server.connections.turned_away += 1;
    if server.connections.turned_away > TURNED_AWAY {
        socket.destroy(cx);
        return;
    }
    socket.write(cx, format!("{reason}\n").as_bytes());
    dismiss(server, cx, socket);
}

/// Nothing has come or gone for a while, after we ended the connection.
fn lingered(cx: &mut Context<ChatServer>, socket: Socket) {
    if socket.buffered(cx) == 0 {
        socket.destroy(cx);
    }
}

/// The connection is gone.
fn closed(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.remove(socket) else {
        server.connections.turned_away -= 1;
        return;
    };
    let Some(member) = connection.member else {
        return;
    };
    server.sockets[member.index()] = None;
    server.hub.gone(member, cx.now());
    server.hub.apply();
    server.hub.forget(member);
    server.finish(cx);
}

//! The door for `nc`: a connection is a member, a line is what it says.

use std::borrow::Cow;

use log::{debug, info};

use super::arrivals;
use super::connections::Connection;
use super::hub::Hub;
use super::line_input::Read;
use super::opening::{self, Foreign, Verdict};
use super::outlet::Outlet;
use super::{ChatServer, Loop};
use crate::net::{self, Context, Event, Server, Socket};

/// A connection that we have ended is read on, and what comes thrown away, until nothing has
/// come for so many milliseconds: closing it with bytes unread would be a reset, which may cost the
/// peer our last line.
const LINGER_MS: u32 = 500;

/// How long, in milliseconds, a connection that we have ended has to read its last lines. When the
/// whole server ends, `--shutdown-timeout` says so instead.
pub(super) const LAST_LINES_MS: u64 = 5000;

/// Makes the door; it opens when it is given a listener.
pub(super) fn open(event_loop: &mut Loop, high_water_mark: u32) -> Server {
    let door = net::create_server(event_loop);
    door.set_high_water_mark(event_loop, high_water_mark);
    // The door answers what came before the end of a stream, and only then ends its own side.
    door.set_allow_half_open(event_loop, true);
    // A chat's lines are small and wanted now.
    door.set_no_delay(event_loop, true);
    door.set_linger(event_loop, Some(LAST_LINES_MS as u32));
    door.on_connection(event_loop, connection);
    door.on_socket_event(event_loop, |server, cx, socket, event| match event {
        Event::Data(bytes) => data(server, cx, socket, bytes),
        Event::End => end(server, cx, socket),
        Event::Drain => server.drained(cx, socket),
        Event::Timeout => lingered(cx, socket),
        Event::Error(error) => {
            debug!("a connection broke: {error}");
            // Its answers need not be waited for any more: what it said before is still heard.
            server.read_on(cx, socket);
        }
        Event::Close(_) => server.gone(cx, socket),
        _ => {}
    });
    door.on_error(event_loop, |_, _, _, error| {
        log::error!("the line door: {error}")
    });
    door
}

fn connection(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(peer) = arrivals::peer(cx, socket) else {
        server.turn_away(socket);
        socket.destroy(cx);
        return;
    };
    let admitted = server.connections.admits(peer, &server.config, cx.now());
    let entered = admitted.and_then(|()| server.enter(Outlet::Line(socket), peer, cx.now()));
    match entered {
        Ok(member) => {
            let (connections, config) = (&mut server.connections, &server.config);
            connections.insert(socket, Some(member), peer, config, cx.now());
            if let Some(connection) = connections.get_mut(socket) {
                connection.opens = true;
            }
            server.finish(cx);
        }
        Err(reason) => turn_away(server, cx, socket, &reason),
    }
}

/// Whoever does not read its answers is asked no more questions, and whoever types too fast is read more
/// slowly: the bytes wait until then.
fn data(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: &[u8]) {
    if server.must_wait(cx, socket) || server.has_had_its_share(cx, socket) {
        socket.pause(cx);
        socket.unshift(cx, bytes);
        return server.finish(cx); // it may have been told so
    }
    if let Some(bytes) = opening(server, cx, socket, bytes, false) {
        let used = hear(server, cx, socket, &bytes);
        socket.unshift(cx, &bytes[used..]);
        if server.has_had_its_share(cx, socket) {
            socket.pause(cx);
        }
        server.finish(cx);
    }
}

/// Looks at the beginning of a session. Returns what is to be heard: nothing while it may still be no chat, nor
/// if it is none.
fn opening<'a>(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &'a [u8],
    has_ended: bool,
) -> Option<Cow<'a, [u8]>> {
    let connection = server.connections.get_mut(socket)?;
    if !connection.opens {
        return Some(Cow::Borrowed(bytes));
    }
    let is_first = connection.unheard.is_none();
    let bytes = match connection.unheard.take() {
        None => Cow::Borrowed(bytes),
        Some(mut held) => {
            held.extend_from_slice(bytes);
            Cow::Owned(*held)
        }
    };
    match opening::judge(&bytes, has_ended) {
        Verdict::Chat => {
            connection.opens = false;
            Some(bytes)
        }
        Verdict::Undecided => {
            connection.unheard = Some(Box::new(bytes.into_owned()));
            if let Some(member) = connection.member.filter(|_| is_first) {
                server.hub.withhold(member, cx.now());
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

/// Ends a session that is no chat, with the answer that whoever it is understands. As far as the chat knows, it
/// was never there, and what it was told so far is not sent any more.
fn send_away(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    foreign: Foreign,
) {
    let answer = opening::answer(foreign, &server.browsers);
    let connection = server.connections.get_mut(socket);
    if let Some(member) = connection.and_then(|found| found.member) {
        server.unseat(member);
        server.hub.gone(member, cx.now());
        server.hub.apply();
        server.hub.forget(member);
    }
    socket.write(cx, &answer);
    close(server, cx, socket);
    server.finish(cx);
}

/// Takes lines, up to the cap. Returns how many bytes are used up: all, if nobody hears them any more.
fn hear(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &[u8],
) -> usize {
    let lines = server.lines_to_hear(cx, socket);
    let ChatServer {
        hub, connections, ..
    } = server;
    let Some(Connection {
        input,
        member: Some(member),
        ..
    }) = connections.get_mut(socket)
    else {
        return bytes.len(); // what comes after a member has left is thrown away
    };
    let read = Read {
        bytes,
        is_message: false,
        lines,
    };
    let fed = input.hear(hub, *member, read, cx.now(), Hub::frame);
    let answers = input.take_answers();
    if !answers.is_empty() {
        socket.write(cx, answers);
    }
    server.spend(cx, socket, fed.cost);
    fed.used
}

/// The peer has said all it will: what is left is a line, too, when its time comes. It gets its answers, then the
/// end.
fn end(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let wait = server.connections.wait(socket, cx.now());
    if wait > 0 {
        let timer = cx.set_timeout(wait, move |server: &mut ChatServer, cx| {
            end(server, cx, socket);
        });
        return cx.set_timer_ref(timer, false);
    }
    // A line without an end may have been kept, and blank ones before it. They are few.
    if let Some(bytes) = opening(server, cx, socket, &[], true) {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            rest = &rest[hear(server, cx, socket, rest)..];
        }
        server.finish(cx);
    }
    let ChatServer {
        hub, connections, ..
    } = server;
    if let Some(Connection {
        input,
        member: Some(member),
        ..
    }) = connections.get_mut(socket)
    {
        let cost = input.finish(hub, *member, cx.now(), Hub::frame);
        hub.leave(*member, cx.now());
        server.spend(cx, socket, cost);
    }
    server.finish(cx);
}

/// Ends a connection that has left the chat, after what was written to it.
pub(super) fn close(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Some(connection) = server.connections.get_mut(socket) else {
        return;
    };
    connection.depart();
    socket.resume(cx); // to throw away what comes
    dismiss(server, cx, socket);
}

/// Ends our side of a connection, and sees to it that the other side does not take for ever.
fn dismiss(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    socket.end(cx);
    socket.set_timeout(cx, LINGER_MS);
    if server.shutting_down {
        return;
    }
    // It closes by itself once it has ended both its sides and taken everything.
    let timer = cx.set_deadline(LAST_LINES_MS, move |_, cx| {
        if socket.buffered(cx) > 0 {
            info!("a connection did not read its last lines in time");
        }
        socket.abort(cx);
    });
    cx.set_timer_ref(timer, false);
    server.connections.dismissed(socket, timer);
}

/// Ends a connection that has never been in the chat, with a reason.
fn turn_away(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, reason: &str) {
    if !server.turn_away(socket) {
        socket.destroy(cx);
        return;
    }
    socket.write(cx, format!("{reason}\n").as_bytes());
    dismiss(server, cx, socket);
}

/// Nothing has come or gone for a while, after we ended the connection.
fn lingered(cx: &mut Context<ChatServer>, socket: Socket) {
    if socket.buffered(cx) == 0 {
        socket.linger(cx);
    } else {
        socket.set_timeout(cx, LINGER_MS); // it may still take it
    }
}

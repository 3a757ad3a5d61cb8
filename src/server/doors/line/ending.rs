//! How sessions of the line door end: the last lines of who has ended its side, its answers, then
//! our end.

use std::borrow::Cow;
use std::time::Duration;

use log::info;

use super::hearing::{hear, last_line};
use super::{objects, opening};
use crate::chat::{DisconnectReason, Peer};
use crate::net::{Context, Socket};
use crate::server::doors::connections::{Ending, Stage, Unheard};
use crate::server::doors::json::objects::Pace;
use crate::server::{ChatServer, moment};

/// A connection that we have ended is read on, and what comes thrown away, until nothing has
/// come for so long: closing it with bytes unread would be a reset, which may cost the
/// peer our last line.
pub(in crate::server) const LINGER: Duration = Duration::from_millis(500);

/// How long a connection that we have ended has to read its last lines. When the
/// whole server ends, `--shutdown-timeout` says so instead.
pub(in crate::server) const LAST_LINES: Duration = Duration::from_secs(5);

/// How many bytes of a connection that we have ended are thrown away. What comes behind them waits
/// at the sender until its time is over.
pub(in crate::server) const THROWN_AWAY: u64 = 64 * 1024;

/// Bytes have come of a connection that we have ended. If it goes on and on, it is read no more.
pub(in crate::server::doors) fn throw_away(
    server: &ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
) {
    let ending = server.connections.ending(socket);
    let before = ending.map_or(0, |ending| ending.bytes_read);
    if socket.bytes_read(cx) - before > THROWN_AWAY {
        socket.pause(cx);
    }
}

/// Nobody is there any more to answer to. What was said before is heard for a while: a paste may
/// take hours at the pace of a stranger, and somebody may want the name, or come from the same
/// address.
pub(super) fn see_off(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    if server.connections.ending(socket).is_none() {
        set_end_deadline(server, cx, socket, |_, _| {
            info!(
                "a connection is cut off: its peer was gone, and had said more than is heard in that time"
            );
        });
    }
}

/// Has a connection ended for certain before long, whatever its peer does; `log` tells of it then.
fn set_end_deadline(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    log: fn(&mut Context<ChatServer>, Socket),
) {
    let timer = (!server.end.has_begun()).then(|| {
        let timer = cx.set_deadline(LAST_LINES, move |_, cx| {
            log(cx, socket);
            socket.abort(cx);
        });
        cx.set_timer_ref(timer, false);
        timer
    });
    let bytes_read = socket.bytes_read(cx);
    let before = server
        .connections
        .note_ending(socket, Ending { timer, bytes_read });
    if let Some(timer) = before.and_then(|before| before.timer) {
        cx.clear_timer(timer);
    }
}

/// The peer has said all it will: what is left is a line, too, when its time comes. It gets its
/// answers, then the end.
pub(super) fn end(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let connection = server.connections.get_mut(socket);
    if connection.is_some_and(|found| matches!(found.stage, Stage::Proxied { .. })) {
        return close(server, cx, socket); // a health check of the proxy's
    }
    let wait = server.connections.wait(socket, cx.now());
    if let Some(wait @ 1..) = wait {
        let timer = cx.set_timeout(
            Duration::from_millis(wait),
            move |server: &mut ChatServer, cx| {
                end(server, cx, socket);
            },
        );
        return cx.set_timer_ref(timer, false);
    }
    // When it is its turn, it is read on, and comes here again.
    if wait.is_some() && server.queue(cx, socket) {
        return;
    }
    if hear_kept(server, cx, socket)
        && !server.postpones_last(cx, socket)
        && !server.end_awaits_log(socket)
    {
        last_line(server, cx, socket);
        // Who has said it may yet be told that nobody hears it.
        if !server.end_awaits_log(socket) {
            leave(server, cx, socket);
        }
    }
}

/// Hears what was kept of the beginning of a session that has ended: thousands of blank lines may
/// be in front of what is no chat either. False if some of it has to wait for its turn.
fn hear_kept(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) -> bool {
    if is_json(server, socket) {
        return objects::hear_last(server, cx, socket, Pace::InTurn);
    }
    let kept = take_kept(server, cx, socket);
    let mut rest = &kept[..];
    while !rest.is_empty() {
        rest = &rest[hear(server, cx, socket, rest, Pace::InTurn)..];
        if !rest.is_empty() && server.has_had_its_share(cx, socket) {
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.unheard = Some(Unheard::new(rest.to_vec()));
            }
            server.finish(cx);
            return false;
        }
    }
    server.finish(cx);
    true
}

fn is_json(server: &mut ChatServer, socket: Socket) -> bool {
    let connection = server.connections.get_mut(socket);
    connection.is_some_and(|found| found.stage.is_json())
}

/// What is kept of the beginning of a session that has ended, if it is a chat's.
fn take_kept(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) -> Vec<u8> {
    match server.connections.get_mut(socket) {
        Some(connection) if connection.stage != Stage::Opening => {
            let kept = connection.unheard.take();
            kept.map_or_else(Vec::new, |kept| kept.bytes)
        }
        _ => opening(server, cx, socket, &[], true).map_or_else(Vec::new, Cow::into_owned),
    }
}

/// Hears what is left of somebody whose connection is closed: it may have waited in vain.
pub(super) fn last_words(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    if is_json(server, socket) {
        objects::hear_last(server, cx, socket, Pace::AtOnce);
    } else {
        let kept = take_kept(server, cx, socket);
        let mut rest = &kept[..];
        while !rest.is_empty() {
            rest = &rest[hear(server, cx, socket, rest, Pace::AtOnce)..];
        }
    }
    server.finish(cx);
    last_line(server, cx, socket);
    leave(server, cx, socket);
}

/// Sees somebody off who will say no more.
fn leave(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let connection = server.connections.get_mut(socket);
    if let Some(session) = connection.and_then(|found| found.session) {
        server.hub.leave(session, moment(cx));
    }
    server.finish(cx);
}

/// Ends a connection that has left the chat, after what was written to it.
pub(in crate::server) fn close(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
) {
    let Some(connection) = server.connections.get_mut(socket) else {
        return;
    };
    connection.depart();
    socket.set_kept(cx, false);
    socket.resume(cx); // to throw away what comes
    dismiss(server, cx, socket);
}

/// Ends our side of a connection, and sees to it that the other side does not take for ever.
pub(in crate::server::doors) fn dismiss(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
) {
    socket.end(cx);
    // It closes by itself once it has ended both its sides and taken everything.
    set_end_deadline(server, cx, socket, |cx, socket| {
        if socket.buffered(cx) > 0 {
            info!("a connection did not read its last lines in time");
        }
    });
}

/// Ends a connection that has never been in the chat, with a reason.
pub(super) fn turn_away(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    peer: Peer,
    reason: &DisconnectReason,
) {
    server.access_log.refused(peer, reason, cx.now());
    if !server.turn_away(socket) {
        socket.destroy(cx);
        return;
    }
    socket.write(cx, format!("{}\n", reason.line()).as_bytes());
    dismiss(server, cx, socket);
}

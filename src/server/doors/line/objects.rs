//! Sessions on the line door that speak JSON: an object is a line, in both directions.
//!
//! Whole lines that are not heard yet go back to their socket, as those of other sessions do. Two
//! things cannot, and are kept: a line that has no end yet, and what is left of one that was begun,
//! or paid for.

use std::borrow::Cow;

use crate::chat::{Answer, Refusal};
use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::doors::JSON;
use crate::server::doors::connections::{Stage, Unheard};
use crate::server::doors::json::objects::{self, Left, Pace};
use crate::server::doors::json::{self, requests, resuming};
use crate::server::{ChatServer, moment};

/// Greets somebody in JSON who has asked for that, when its turn comes: it is told again what was
/// said last, and that may be much. False if it has to wait for that.
pub(super) fn greet(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    pace: Pace,
) -> bool {
    let Some(connection) = server.connections.get_mut(socket) else {
        return true;
    };
    let (Some(session), Stage::AsksForJson) = (connection.session, connection.stage) else {
        return true;
    };
    let flood = connection.input.flood();
    let foreseen = server.hub.foresee_welcome(JSON);
    if pace == Pace::InTurn && !server.allowance(cx, socket).allows(foreseen) {
        socket.pause(cx);
        socket.set_kept(cx, true); // it is still to be answered
        server.postpone(cx, socket);
        return false;
    }
    let before = server.hub.fan_out.answered();
    let at = moment(cx);
    let max_message = json::max_message(&server.config);
    let mut first = requests::hello(&server.config, flood, max_message, at.utc);
    first.extend(resuming::grant(server, session).unwrap_or_default());
    server.hub.begin_anew(session, JSON, &first, at);
    server.hub.apply();
    let cost = Cost::answer(server.hub.fan_out.answered() - before);
    server.spend_in_turn(cx, socket, cost);
    if let Some(connection) = server.connections.get_mut(socket) {
        connection.stage = Stage::Json;
    }
    server.finish(cx);
    true
}

/// Hears whole lines, until one has to wait, and keeps one that has no end yet. Returns how many
/// bytes are used up.
pub(super) fn hear(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &[u8],
    pace: Pace,
) -> usize {
    if !greet(server, cx, socket, pace) {
        return 0;
    }
    let max_message = json::max_message(&server.config);
    let mut used = 0;
    while used < bytes.len() {
        let Some(connection) = server
            .connections
            .get_mut(socket)
            .filter(|found| found.session.is_some())
        else {
            return bytes.len(); // what comes after a member has left is thrown away
        };
        if connection.has_more_to_hear() {
            socket.pause(cx);
            return used; // that comes first
        }
        let rest = &bytes[used..];
        let end = memchr::memchr(b'\n', rest);
        let piece = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let torn = connection.unheard.take().map(|kept| kept.bytes);
        let length = torn.as_ref().map_or(0, Vec::len) + piece.len();
        used += piece.len();
        let may_go_on = if connection.stage == Stage::JsonTooLong {
            server.charge(cx, socket, Cost::bytes(piece.len()));
            true
        } else if length - usize::from(end.is_some()) > max_message {
            refuse(server, cx, socket, piece.len());
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.stage = Stage::JsonTooLong;
            }
            true
        } else {
            let line = match torn {
                None => Cow::Borrowed(piece),
                Some(mut torn) => {
                    torn.extend_from_slice(piece);
                    Cow::Owned(torn)
                }
            };
            match end {
                Some(_) => hear_line(server, cx, socket, &line, pace),
                None => {
                    server.charge(cx, socket, Cost::bytes(piece.len()));
                    keep(server, socket, Unheard::new(line.into_owned()));
                    true
                }
            }
        };
        if end.is_some()
            && let Some(connection) = server.connections.get_mut(socket)
            && connection.stage == Stage::JsonTooLong
        {
            connection.stage = Stage::Json;
        }
        if !may_go_on || (pace == Pace::InTurn && server.has_had_its_share(cx, socket)) {
            break;
        }
    }
    server.finish(cx);
    used
}

/// Hears a whole line. False if it is not done, or nothing more is to be heard for now.
fn hear_line(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    line: &[u8],
    pace: Pace,
) -> bool {
    // Before it is taken apart: many may come in one turn.
    server.charge(cx, socket, Cost::parsed(line.len()));
    if line.trim_ascii().is_empty() {
        server.charge(cx, socket, Cost::LINE); // an empty one is not free
        return true;
    }
    let line = String::from_utf8_lossy(line);
    let left = objects::hear(server, cx, socket, (None, &line), pace);
    take_up(server, cx, socket, left, &line, pace)
}

/// Keeps what is left of a line, if that is anything, and reads nothing more until it is heard.
fn take_up(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    mut left: Option<Left>,
    line: &str,
    pace: Pace,
) -> bool {
    let mut heard = 0;
    while let Some(Left { begun, used }) = left.take() {
        heard += used;
        let rest = &line[heard..];
        let is_done = begun.is_none() && rest.is_empty();
        if pace == Pace::AtOnce {
            if is_done {
                return true;
            }
            left = objects::hear(server, cx, socket, (begun, rest), pace);
            continue;
        }
        socket.pause(cx);
        if !is_done {
            socket.set_kept(cx, true);
            keep(server, socket, Unheard::behind(begun, rest.into()));
        }
        server.finish(cx); // that is memory
        return false;
    }
    true
}

fn keep(server: &mut ChatServer, socket: Socket, unheard: Box<Unheard>) {
    if let Some(connection) = server.connections.get_mut(socket) {
        connection.unheard = Some(unheard);
    }
}

/// Hears what was kept and can be heard as it is. False if that has to wait again.
pub(super) fn hear_kept(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
) -> bool {
    let Some(connection) = server.connections.get_mut(socket) else {
        return true;
    };
    if !connection.stage.is_json() {
        return true;
    }
    let is_whole = connection.has_more_to_hear();
    let whole = connection.unheard.take_if(|_| is_whole);
    if !greet(server, cx, socket, Pace::InTurn) {
        return false;
    }
    if let Some(kept) = whole {
        let kept = *kept;
        let line = String::from_utf8_lossy(&kept.bytes);
        let left = objects::hear(server, cx, socket, (kept.begun, &line), Pace::InTurn);
        if !take_up(server, cx, socket, left, &line, Pace::InTurn) {
            let connection = server.connections.get_mut(socket);
            if connection.is_none_or(|found| !found.has_more_to_hear()) {
                socket.set_kept(cx, false);
            }
            return false;
        }
    }
    socket.set_kept(cx, false); // if it has ended, that is told now
    !server.must_wait(cx, socket)
}

/// Hears what is left of somebody who says no more: an object whose line has no end is one, too.
/// False if it has to wait.
pub(super) fn hear_last(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    pace: Pace,
) -> bool {
    if pace == Pace::InTurn
        && (server.must_wait(cx, socket) || server.has_had_its_share(cx, socket))
    {
        return false; // it is read on then
    }
    if !greet(server, cx, socket, pace) {
        return false;
    }
    let connection = server.connections.get_mut(socket);
    let Some(kept) = connection.and_then(|found| found.unheard.take()) else {
        return true;
    };
    let Unheard {
        begun, mut bytes, ..
    } = *kept;
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        server.charge(cx, socket, Cost::parsed(bytes.len()));
        bytes.push(b'\n');
    }
    let line = String::from_utf8_lossy(&bytes);
    let left = objects::hear(server, cx, socket, (begun, &line), pace);
    take_up(server, cx, socket, left, &line, pace)
}

/// A line is too long: it is said so at its first byte too many, and nothing of it is heard.
fn refuse(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket, bytes: usize) {
    let limit = json::max_message(&server.config);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let connection = server.connections.get_mut(socket);
    if let Some(session) = connection.and_then(|found| found.session) {
        server
            .hub
            .tell(session, Answer::Refused(Refusal::LineTooLong { limit }));
    }
    server.charge(cx, socket, Cost::LINE + Cost::bytes(bytes));
}

//! What a session says on the line door: lines, or, if its very first one is `/json`, objects.

use crate::net::{Context, Socket};
use crate::server::core::Moment;
use crate::server::core::framing::Frame;
use crate::server::core::hub::Hub;
use crate::server::core::line_input::Read;
use crate::server::core::sessions::SessionId;
use crate::server::doors::connections::{Connection, Stage};
use crate::server::doors::json::objects::Pace;
use crate::server::doors::line::objects;
use crate::server::{ChatServer, moment};

/// The first line of a session that is to be in JSON. It is the door's: the chat never hears it.
const JSON_WORD: &str = "/json";

/// The answer to it anywhere else.
const TOO_LATE: &[u8] =
    b"! /json is the very first line of a session, or none: this one speaks lines.\n";

/// Hears what has come, up to the cap. Returns how many bytes are used up: all, if nobody hears them
/// any more, and none, if the first line has to wait for its turn.
pub(super) fn hear(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &[u8],
    pace: Pace,
) -> usize {
    let mut used = 0;
    // If that may be the word, what may end the first line is heard by itself: what comes behind it
    // may be JSON.
    while may_ask_for_json(server, socket, &bytes[used..]) {
        let rest = &bytes[used..];
        let end = memchr::memchr2(b'\n', 0, rest);
        let piece = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let heard = lines(server, cx, socket, piece, pace);
        used += heard;
        let has_had_its_share = pace == Pace::InTurn && server.has_had_its_share(cx, socket);
        if heard < piece.len() || has_had_its_share {
            return used; // it has to wait
        }
    }
    let rest = &bytes[used..];
    match stage(server, socket) {
        Some(stage) if stage.is_json() => used + objects::hear(server, cx, socket, rest, pace),
        _ if rest.is_empty() => used,
        _ => used + lines(server, cx, socket, rest, pace),
    }
}

fn may_ask_for_json(server: &mut ChatServer, socket: Socket, bytes: &[u8]) -> bool {
    let connection = server.connections.get_mut(socket);
    connection.is_some_and(|found| {
        found.session.is_some()
            && found.stage == Stage::FirstLine
            && found.input.may_begin_with(b'/', bytes)
    })
}

fn stage(server: &mut ChatServer, socket: Socket) -> Option<Stage> {
    let connection = server.connections.get_mut(socket);
    connection
        .filter(|found| found.session.is_some())
        .map(|found| found.stage)
}

/// Takes lines.
fn lines(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    bytes: &[u8],
    pace: Pace,
) -> usize {
    let allowance = pace.allowance(server, cx, socket);
    let ChatServer {
        hub, connections, ..
    } = server;
    let Some(Connection {
        input,
        session: Some(session),
        stage,
        ..
    }) = connections.get_mut(socket)
    else {
        return bytes.len(); // what comes after a member has left is thrown away
    };
    let read = Read {
        bytes,
        is_message: false,
        allowance,
    };
    let frame = |hub: &mut Hub, session, frame: Frame<'_>, at| {
        hear_frame(hub, session, stage, frame, at);
    };
    let fed = input.hear(hub, *session, read, moment(cx), frame);
    let answers = input.take_answers();
    if !answers.is_empty() {
        socket.write(cx, answers);
    }
    server.heard(cx, socket, fed);
    fed.used
}

/// Hears the last line of somebody whose peer has ended, if it has no end.
pub(super) fn last_line(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let ChatServer {
        hub, connections, ..
    } = server;
    if let Some(Connection {
        input,
        session: Some(session),
        stage,
        ..
    }) = connections.get_mut(socket)
    {
        let frame = |hub: &mut Hub, session, frame: Frame<'_>, at| {
            hear_frame(hub, session, stage, frame, at);
        };
        let cost = input.finish(hub, *session, moment(cx), frame);
        server.spend(cx, socket, cost);
        objects::greet(server, cx, socket, Pace::AtOnce);
        server.finish(cx);
    }
}

/// Hears one line: the chat's, or the door's own.
fn hear_frame(hub: &mut Hub, session: SessionId, stage: &mut Stage, frame: Frame<'_>, at: Moment) {
    let is_first = *stage == Stage::FirstLine;
    if is_first {
        *stage = Stage::Open;
    }
    match frame {
        Frame::Line(line) if is_first && line.eq_ignore_ascii_case(JSON_WORD) => {
            *stage = Stage::AsksForJson;
        }
        Frame::Line(line) if is_json_word(line) => hub.tell_as_it_is(session, TOO_LATE),
        frame => hub.frame(session, frame, at),
    }
}

fn is_json_word(line: &str) -> bool {
    let word = line.split_whitespace().next();
    word.is_some_and(|word| word.eq_ignore_ascii_case(JSON_WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_one_whatever_its_case_and_what_comes_behind_it() {
        for line in ["/json", "/JSON", " /Json please"] {
            assert!(is_json_word(line), "{line}");
        }
        for line in ["", "json", "//json", "/jsonp", "/j son"] {
            assert!(!is_json_word(line), "{line}");
        }
    }
}

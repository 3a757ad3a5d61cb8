//! What programs say in objects of `loopchat.v1.json`: one after the other, until one has to wait.

use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::framing::Frame;
use crate::server::core::hub::Hub;
use crate::server::core::line_input::{Done, Read};
use crate::server::core::sessions::SessionId;
use crate::server::core::turns::Allowance;
use crate::server::doors::json::rendering;
use crate::server::doors::json::requests::{self, Begun, History, Request};
use crate::server::doors::json::resuming;
use crate::server::{ChatServer, moment};

/// How much of it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Pace {
    /// What this turn allows: the rest is heard later.
    InTurn,
    /// There is no later.
    AtOnce,
}

impl Pace {
    /// What may be heard of a connection now.
    pub(in crate::server) fn allowance(
        self,
        server: &mut ChatServer,
        cx: &Context<ChatServer>,
        socket: Socket,
    ) -> Allowance {
        match self {
            Self::InTurn => server.allowance(cx, socket),
            Self::AtOnce => Allowance::UNBOUNDED,
        }
    }
}

/// What is still to be heard. If it is nothing, nothing more is to be read for now.
pub(in crate::server) struct Left {
    /// The rest of a line that is several.
    pub(in crate::server) begun: Option<Begun>,
    /// So many bytes of the text were heard, or are in `begun`.
    pub(in crate::server) used: usize,
}

/// Hears objects, one a line, until one has to wait: then all behind it do, and the caller keeps
/// them. [`ChatServer::read_on`] is called when it is time.
pub(in crate::server) fn hear(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    (mut begun, text): (Option<Begun>, &str),
    pace: Pace,
) -> Option<Left> {
    let mut rest = text.trim_start();
    while begun.is_some() || !rest.is_empty() {
        let line = match begun.take() {
            Some(line) => Some(line),
            None => {
                let (object, behind) = rest.split_once('\n').unwrap_or((rest, ""));
                match hear_object(server, cx, socket, object, pace) {
                    Ok(line) => {
                        rest = behind.trim_start();
                        line
                    }
                    Err(wait) => {
                        if let Wait::ForItsTurn = wait {
                            server.postpone(cx, socket);
                        }
                        server.finish(cx);
                        let used = text.len() - rest.len();
                        return Some(Left { begun: None, used });
                    }
                }
            }
        };
        let begun = line.and_then(|line| hear_line(server, cx, socket, line, pace));
        server.finish(cx);
        if !server.connections.is_member(socket) {
            return None;
        }
        if begun.is_some() || server.must_wait(cx, socket) || server.has_had_its_share(cx, socket) {
            // Whoever sends many lines in one message has had its share of this turn.
            cx.set_immediate(move |server: &mut ChatServer, cx| server.read_on(cx, socket));
            let used = text.len() - rest.len();
            return Some(Left { begun, used });
        }
    }
    server.finish(cx);
    None
}

/// Why an object was not heard.
enum Wait {
    /// It would cost more than is allowed now.
    ForItsTurn,
    /// What its author has said before is still to get its place. The log's news has it
    /// [read on](ChatServer::log_has_news).
    ForTheLog,
}

/// Hears one object. The line in it is still to be heard.
fn hear_object(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    object: &str,
    pace: Pace,
) -> Result<Option<Begun>, Wait> {
    let connection = server.connections.get_mut(socket);
    let Some(session) = connection.and_then(|found| found.session) else {
        return Ok(None); // what comes after a member has left is thrown away
    };
    let line = match Request::read(object) {
        Ok(Request::Line {
            text,
            client_id,
            reference,
        }) => Some(Begun::new(text, client_id, reference)),
        Ok(Request::Resume {
            token,
            heard,
            reference,
        }) => {
            if pace == Pace::InTurn && server.hub.return_has_to_wait(session, token) {
                return Err(Wait::ForTheLog);
            }
            let foreseen = server.hub.foresee_backlog(session, token, &heard);
            if !pace.allowance(server, cx, socket).allows(foreseen) {
                return Err(Wait::ForItsTurn);
            }
            let session = resuming::resume(server, cx, (socket, session), token, &heard);
            if let Some(reference) = reference {
                server
                    .hub
                    .tell_as_it_is(session, &requests::done(reference));
            }
            None
        }
        Ok(Request::History(history)) => {
            let asked = (history, object);
            return read(server, cx, (socket, session), asked, pace).map(|()| None);
        }
        Ok(Request::Ping { reference }) => {
            server.hub.tell_behind(session, &requests::pong(reference));
            server.charge(cx, socket, Cost::CONTROL_FRAME);
            None
        }
        Err(why) => {
            let mut refused = Vec::new();
            rendering::not_understood(why).write(&mut refused);
            server.hub.tell_behind(session, &refused);
            server.charge(cx, socket, Cost::LINE);
            None
        }
    };
    Ok(line)
}

/// Tells a session what was said. It is a command, and waits as a line that is one.
fn read(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    (socket, session): (Socket, SessionId),
    (history, object): (History, &str),
    pace: Pace,
) -> Result<(), Wait> {
    let hub = &mut server.hub;
    match pace {
        Pace::InTurn if hub.command_has_to_wait(session) => return Err(Wait::ForTheLog),
        // There is no later, and it must not come before what was said.
        Pace::AtOnce if hub.awaits_its_own(session) => return Ok(()),
        _ => {}
    }
    let before = Done::by(hub);
    let foreseen = Cost::LINE + hub.foresee_read(session, history.reading());
    if !pace.allowance(server, cx, socket).allows(foreseen) {
        let looked = before.since(&server.hub, object.len());
        server.charge(cx, socket, looked);
        return Err(Wait::ForItsTurn);
    }
    let hub = &mut server.hub;
    hub.read(session, history.reading(), moment(cx));
    hub.apply();
    let more = before.since(hub, object.len());
    if let Some(reference) = history.reference {
        hub.tell_behind(session, &requests::done(reference));
    }
    server.charge(cx, socket, Cost::LINE + more);
    Ok(())
}

/// Hears the line of an object. What is left of it, if it has to wait: it may be many lines.
fn hear_line(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    socket: Socket,
    mut line: Begun,
    pace: Pace,
) -> Option<Begun> {
    let allowance = pace.allowance(server, cx, socket);
    let connection = server.connections.get_mut(socket)?;
    let session = connection.session?;
    let read = Read {
        bytes: line.rest(),
        is_message: true,
        allowance,
    };
    let client_id = line.client_id.as_ref();
    let frame = |hub: &mut Hub, session, frame: Frame<'_>, at| {
        hub.frame_as(session, client_id, frame, at);
    };
    let fed = connection
        .input
        .hear(&mut server.hub, session, read, moment(cx), frame);
    server.heard(cx, socket, fed);
    if !fed.is_postponed {
        server.charge(cx, socket, Cost::CONTROL_FRAME); // one without a line is not free
    }
    line.heard(fed.used);
    if !line.rest().is_empty() {
        return Some(line);
    }
    if let Some(reference) = line.reference {
        server.finish(cx); // what only the door can answer comes first
        server.hub.tell_behind(session, &requests::done(reference));
    }
    None
}

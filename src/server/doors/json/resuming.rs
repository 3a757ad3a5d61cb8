//! Sessions of programs that are resumed after a cut.

use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::hub::HeardUpTo;
use crate::server::core::resuming::ResumeToken;
use crate::server::core::sessions::SessionId;
use crate::server::doors::json::requests;
use crate::server::{ChatServer, moment};

/// A session may be resumed from now on: the object that says by what. `None` if nobody may.
pub(in crate::server) fn grant(server: &mut ChatServer, session: SessionId) -> Option<Vec<u8>> {
    let seconds = server.config.resume_time;
    (seconds > 0).then(|| {
        // Nobody can foresee it.
        let token = ResumeToken::new(rand::random());
        server.hub.grant(session, token);
        requests::token(token, seconds)
    })
}

/// A newcomer says that it was another session: from now on it is, if that may be resumed. Its
/// connection has what the other's had still to make up for. Returns the session that it has then.
pub(in crate::server) fn resume(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    (socket, newcomer): (Socket, SessionId),
    token: ResumeToken,
    heard: &[HeardUpTo],
) -> SessionId {
    let before = server.hub.fan_out.answered();
    let resumed = server.hub.resume(newcomer, token, heard, moment(cx));
    server.hub.apply();
    let cost = Cost::LINE + Cost::answer(server.hub.fan_out.answered() - before);
    let Some(resumed) = resumed else {
        server.charge(cx, socket, cost);
        return newcomer;
    };
    let session = resumed.session;
    // The other connection may be there, and is ended when this is done.
    let other = server.outlets.get(resumed.before).copied().flatten();
    let other = other.and_then(|other| server.connections.get_mut(other.socket));
    let debts = resumed.debts(other.map(|other| &other.input));
    if let Some(connection) = server.connections.get_mut(socket) {
        connection.session = Some(session);
        connection.input.inherit(debts);
    }
    if session != newcomer {
        let outlet = server.outlets.entry(newcomer).take();
        *server.outlets.entry(session) = outlet;
    }
    let seconds = server.config.resume_time;
    server
        .hub
        .tell_as_it_is(session, &requests::token(token, seconds));
    server.charge(cx, socket, cost);
    session
}

//! Who comes and who is gone, through whichever door.

use rustix::process::geteuid;

use crate::chat::{DisconnectReason, Peer};
use crate::net::{Context, RemoteParty, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::rendering::FramingId;
use crate::server::core::sessions::SessionId;
use crate::server::doors::outlet::Outlet;
use crate::server::{ChatServer, moment};

/// Connections that are turned away and have time to read why. Those that come on top are closed
/// without a word: they hold descriptors that members could have.
const TURNED_AWAY: usize = 64;

/// Who it is that connects, as the chat wants to know it. `None` if it has gone already.
pub(in crate::server) fn peer(cx: &Context<ChatServer>, socket: Socket) -> Option<Peer> {
    Some(match socket.remote_party(cx)? {
        RemoteParty::Host(address) => Peer::Tcp(address),
        RemoteParty::User(user) => Peer::Local {
            user: user.unwrap_or(u32::MAX),
            // Whoever could end the server by a signal may as well do it by a command.
            operator: user == Some(geteuid().as_raw()),
        },
    })
}

impl ChatServer {
    /// Makes a connection that was let in a member of the chat. Returns what that is to be
    /// [charged](Self::spend_in_turn).
    ///
    /// # Errors
    ///
    /// Why it is turned away.
    pub(in crate::server) fn enter(
        &mut self,
        cx: &Context<Self>,
        outlet: Outlet,
        framing: FramingId,
        peer: Peer,
    ) -> Result<(SessionId, Cost), DisconnectReason> {
        let before = self.hub.fan_out.answered();
        let session = self.hub.connect(peer, framing, moment(cx))?;
        self.hub.apply();
        let cost = Cost::answer(self.hub.fan_out.answered() - before);
        *self.outlets.entry(session) = Some(outlet);
        Ok((session, cost))
    }

    /// Takes a session's outlet away: nothing is delivered to it any more.
    pub(in crate::server) fn unseat(&mut self, session: SessionId) -> Option<Outlet> {
        let outlet = self.outlets.get_mut(session)?.take()?;
        if outlet.door().show_board.is_some() {
            self.board.leave();
        }
        Some(outlet)
    }

    /// Whether a connection that is turned away may be told why; it is to be closed at once
    /// otherwise. Either way its [close](Self::gone) is to be told.
    pub(in crate::server) fn turn_away(&mut self, socket: Socket) -> bool {
        self.connections.turned_away.insert(socket);
        self.connections.turned_away.len() <= TURNED_AWAY
    }

    /// A connection is closed.
    pub(in crate::server) fn gone(&mut self, cx: &mut Context<Self>, socket: Socket) {
        if let Some(timer) = self.connections.take_timer(socket) {
            cx.clear_timer(timer);
        }
        self.turns.forget(socket);
        self.entering.remove(&socket);
        self.handshakes.forget(socket);
        let Some(connection) = self.connections.remove(socket, cx.now()) else {
            self.connections.turned_away.remove(&socket);
            return;
        };
        let Some(session) = connection.session else {
            return;
        };
        self.hub.note_bucket(session, &connection.input);
        self.forget_session(cx, session);
        self.finish(cx);
    }

    /// Nothing more can be sent to a session, or is to be.
    pub(in crate::server) fn forget_session(&mut self, cx: &Context<Self>, session: SessionId) {
        self.unseat(session);
        self.hub.gone(session, moment(cx));
        self.hub.apply();
        self.hub.forget(session);
    }
}

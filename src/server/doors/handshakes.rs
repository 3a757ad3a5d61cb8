//! Connections over TLS, until it is spoken: handshakes that are under way, and those that come to
//! nothing.
//!
//! Each counts as a connection of its address from the start. What is no TLS at all is told so in
//! the clear, and nobody hears it: nothing that came before TLS is ever handed to a door.

use std::collections::HashMap;

use log::debug;

use crate::chat::Peer;
use crate::net::{Context, Error, Socket};
use crate::server::ChatServer;
use crate::server::doors::arrivals;
use crate::server::doors::line::ending::dismiss;
use crate::server::doors::line::opening;

/// The handshakes of all doors.
#[derive(Default)]
pub(in crate::server) struct Handshakes {
    /// Who it is, of those on the line door who are to enter when it is done.
    entering: HashMap<Socket, Peer>,
    /// How many were done.
    pub(in crate::server) done: u64,
    /// How many came to nothing.
    pub(in crate::server) failed: u64,
    /// How many have begun with something else.
    pub(in crate::server) not_tls: u64,
}

impl Handshakes {
    /// Somebody who was admitted begins.
    pub(in crate::server::doors) fn begins(&mut self, socket: Socket, peer: Peer) {
        self.entering.insert(socket, peer);
    }

    /// It is done. `None` if nobody is to enter by it.
    pub(in crate::server::doors) fn is_done(&mut self, socket: Socket) -> Option<Peer> {
        self.done += 1;
        self.entering.remove(&socket)
    }

    /// A connection is closed.
    pub(in crate::server::doors) fn forget(&mut self, socket: Socket) {
        self.entering.remove(&socket);
    }
}

/// A handshake has come to nothing: the connection is closed behind this, unless what came is no
/// TLS. Then it is told so, and where to go by `place`, in words; true.
pub(in crate::server::doors) fn failed(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    error: &Error,
    socket: Socket,
    place: &str,
) -> bool {
    let peer = server.handshakes.entering.remove(&socket);
    let peer = peer.or_else(|| arrivals::peer(cx, socket));
    // Whoever was turned away has its last line already.
    let was_refused = server.connections.turned_away.contains(&socket);
    if was_refused || !socket.remove_layer(cx) {
        debug!("a handshake came to nothing: {error}");
        server.handshakes.failed += 1;
        return false;
    }
    server.handshakes.not_tls += 1;
    server.connections.remove(socket, cx.now());
    if let Some(peer) = peer {
        server.access_log.foreign(peer, cx.now());
    }
    if !server.turn_away(socket) {
        socket.destroy(cx);
        return true;
    }
    socket.pause(cx);
    let began = socket.read(cx, None).unwrap_or_default();
    socket.resume(cx); // what comes is thrown away
    socket.write(cx, opening::answer_in_the_clear(&began, place));
    dismiss(server, cx, socket);
    true
}

//! When a connection is read, and when not: the same rules for both doors.
//!
//! Whoever does not read its answers is asked no more questions, and whoever types too fast is read more slowly:
//! the bytes wait in the system, and at the sender. What one says is in [`line_input`](super::line_input).

use super::ChatServer;
use super::outlet::Outlet;
use crate::net::{Context, Socket};

impl ChatServer {
    /// Whether nothing is to be heard from a connection now.
    pub(super) fn must_wait(&mut self, cx: &Context<Self>, socket: Socket) -> bool {
        let connection = self.connections.get_mut(socket);
        socket.writable_need_drain(cx) || connection.is_some_and(|found| found.input.is_held_back())
    }

    /// Has a connection that has used up its lines wait for a while: true if it has to. The caller stops
    /// reading from it.
    pub(super) fn hold_back(&mut self, cx: &mut Context<Self>, socket: Socket) -> bool {
        let Some(connection) = self.connections.get_mut(socket) else {
            return false;
        };
        let member = connection.member;
        let (hub, input, now) = (&mut self.hub, &mut connection.input, cx.now());
        let Some(wait) = member.and_then(|member| input.hold_back(hub, member, now)) else {
            return false;
        };
        let timer = cx.set_timeout(wait, move |server: &mut Self, cx| {
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.input.release();
                server.read_on(cx, socket);
            }
        });
        cx.set_timer_ref(timer, false);
        true
    }

    /// Reads on from a member's connection, unless something else is still to be waited for.
    pub(super) fn read_on(&mut self, cx: &mut Context<Self>, socket: Socket) {
        if self.must_wait(cx, socket) {
            return;
        }
        if let Some(outlet) = self.outlet_of(socket) {
            outlet.read_on(self, cx);
        }
    }

    /// Everything that waited for a member is with the system.
    pub(super) fn drained(&mut self, cx: &mut Context<Self>, socket: Socket) {
        let connection = self.connections.get_mut(socket);
        if let Some(member) = connection.and_then(|found| found.member) {
            self.hub.caught_up(member);
            self.show_board_again(cx, member);
        }
        self.read_on(cx, socket);
        self.finish(cx);
    }

    /// The outlet of whoever is in the chat by this connection.
    fn outlet_of(&mut self, socket: Socket) -> Option<Outlet> {
        let member = self.connections.get_mut(socket)?.member?;
        self.outlets.get(member.index()).copied().flatten()
    }
}

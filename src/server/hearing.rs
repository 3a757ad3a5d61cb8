//! When connections are heard, and when not.
//!
//! Whoever does not read its answers is asked no more questions, and whoever types too fast is read more
//! slowly. Both doors work by the same rules; only where unheard bytes wait is different.

use super::ChatServer;
use super::outlet::Outlet;
use crate::chat::Millis;
use crate::net::{Context, Socket};

impl ChatServer {
    /// Whether nothing is to be heard from a connection now.
    pub(super) fn must_wait(&mut self, cx: &Context<Self>, socket: Socket) -> bool {
        let connection = self.connections.get_mut(socket);
        let is_held_back = connection.is_some_and(|found| found.input.is_held_back());
        is_held_back || socket.writable_need_drain(cx)
    }

    /// Reads on from a connection that has used up its lines, after so many milliseconds.
    pub(super) fn read_on_in(cx: &mut Context<Self>, socket: Socket, wait: Millis) {
        let timer = cx.set_timeout(wait, move |server: &mut Self, cx| {
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.input.release();
                server.read_on(cx, socket);
            }
        });
        cx.set_timer_ref(timer, false);
    }

    /// Reads on from a member's connection, unless something else is still to be waited for.
    pub(super) fn read_on(&mut self, cx: &mut Context<Self>, socket: Socket) {
        if self.must_wait(cx, socket) {
            return;
        }
        let connection = self.connections.get_mut(socket);
        let outlet = connection
            .and_then(|found| found.member)
            .and_then(|member| self.outlet(member));
        match outlet {
            Some(outlet) => outlet.read_on(self, cx),
            None => {
                socket.resume(cx); // to throw away what comes
            }
        }
    }

    /// Everything that waited for a member is with the system.
    pub(super) fn drained(&mut self, cx: &mut Context<Self>, socket: Socket) {
        let connection = self.connections.get_mut(socket);
        if let Some(member) = connection.and_then(|found| found.member) {
            self.hub.caught_up(member);
            if let Some(Outlet::Web(web_socket)) = self.outlet(member)
                && let Some(board) = self.board.frame()
            {
                web_socket.send_encoded(cx, &board); // it went without of late
            }
        }
        self.read_on(cx, socket);
        self.finish(cx);
    }
}

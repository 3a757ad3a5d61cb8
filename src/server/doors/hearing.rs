//! When a connection is read, and when not: the same rules for all that connect.
//!
//! Whoever does not read its answers is asked no more questions, and whoever asks for too much is
//! read more slowly: the bytes wait in the system, and at the sender. What one may ask for is in
//! [`flood`](crate::server::core::flood), and what all together may ask for in one turn in
//! [`turns`](crate::server::core::turns). What one says is in [`line_input`](crate::server::core::line_input).

use std::time::Duration;

use crate::chat::Millis;
use crate::http::web_socket::WebSocket;
use crate::net::{Context, Socket};
use crate::server::core::cost::Cost;
use crate::server::core::line_input::Fed;
use crate::server::core::queues::QueueId;
use crate::server::core::turns::Allowance;
use crate::server::doors::connections::Queued;
use crate::server::doors::outlet::Outlet;
use crate::server::doors::web::{self, members};
use crate::server::{ChatServer, moment, shutdown};

impl ChatServer {
    /// Whether nothing is to be heard from a connection now.
    pub(in crate::server) fn must_wait(&mut self, cx: &Context<Self>, socket: Socket) -> bool {
        socket.writable_need_drain(cx) || self.waits(socket)
    }

    /// Whether a connection has had its share, and its time has not come, or what it has said
    /// before is still to get its place, or what it has asked its answer.
    fn waits(&mut self, socket: Socket) -> bool {
        let Some(connection) = self.connections.get_mut(socket) else {
            return self.turns.waits(socket);
        };
        let awaits_log = |session| self.hub.awaits_log(session);
        self.turns.waits(socket)
            || connection.input.is_held_back()
            || connection.session.is_some_and(awaits_log)
    }

    /// Whether a connection has had its share, of its own or of this turn. Then it is read on
    /// later, and the caller stops reading from it until then.
    pub(in crate::server) fn has_had_its_share(
        &mut self,
        cx: &mut Context<Self>,
        socket: Socket,
    ) -> bool {
        if self.hold_back(cx, socket) {
            return true;
        }
        let (turn, now) = (cx.counters().turns, cx.now());
        let Some(connection) = self.connections.get_mut(socket) else {
            return false;
        };
        if connection
            .session
            .is_some_and(|session| self.hub.awaits_log(session))
        {
            return true;
        }
        let load = connection.load;
        let waits = self.turns.has_had_enough_of(turn, socket, load, now);
        if waits {
            self.postpone(cx, socket);
        }
        waits || self.turns.waits(socket)
    }

    /// What may be heard of a connection now, in one go.
    pub(in crate::server) fn allowance(&mut self, cx: &Context<Self>, socket: Socket) -> Allowance {
        let (turn, now) = (cx.counters().turns, cx.now());
        let connection = self.connections.get_mut(socket);
        let load = connection.map_or_else(Default::default, |found| found.load);
        let allowance = self.turns.allowance(turn, socket, load, now);
        match self.connections.is_contended(socket) {
            true => allowance.for_one(),
            false => allowance,
        }
    }

    /// A connection was heard. If there was more, and it would have cost too much now, it waits for
    /// its turn; or for the log, which [says so](Self::log_has_news) itself.
    pub(in crate::server) fn heard(&mut self, cx: &mut Context<Self>, socket: Socket, fed: Fed) {
        self.spend(cx, socket, fed.cost);
        if fed.is_postponed && !self.waits(socket) {
            self.postpone(cx, socket);
        }
    }

    /// Whether the end of a connection is to wait: what it has said is still to get its place.
    pub(in crate::server) fn end_awaits_log(&mut self, socket: Socket) -> bool {
        let connection = self.connections.get_mut(socket);
        let session = connection.and_then(|found| found.session);
        session.is_some_and(|session| self.hub.end_has_to_wait(session))
    }

    /// The rooms' log has news. They are taken in the check phase, with what else is delivered
    /// then: each member is written to once, and the log may join what this turn has brought to
    /// them.
    pub(in crate::server) fn log_has_news(&mut self, cx: &mut Context<Self>) {
        self.log_has_news = true;
        self.deliver_soon(cx);
    }

    /// The rooms' log has settled drafts. Whoever has waited for that is read on. Of much news a
    /// piece is passed on, and the rest in the check phase of another turn.
    pub(in crate::server) fn take_news(&mut self, cx: &mut Context<Self>) {
        self.log_has_news |= self.hub.settle(moment(cx));
        self.finish(cx);
        for (session, cost) in self.hub.take_costs() {
            if let Some(Some(outlet)) = self.outlets.get(session) {
                self.charge(cx, outlet.socket, cost);
            }
        }
        for session in self.hub.take_released() {
            if let Some(Some(outlet)) = self.outlets.get(session) {
                self.read_on(cx, outlet.socket);
            }
        }
        self.finish(cx);
    }

    /// A connection waits for its turn.
    pub(in crate::server) fn postpone(&mut self, cx: &mut Context<Self>, socket: Socket) {
        self.turns.wait(socket);
        self.set_next_turn(cx);
    }

    /// Whether the last line of a connection, which has no end, has to wait for its turn.
    pub(in crate::server) fn postpones_last(
        &mut self,
        cx: &mut Context<Self>,
        socket: Socket,
    ) -> bool {
        let (allowance, now) = (self.allowance(cx, socket), cx.now());
        let Some(connection) = self.connections.get_mut(socket) else {
            return false;
        };
        let Some(session) = connection.session else {
            return false;
        };
        let foreseen = connection.input.foresee_last(&mut self.hub, session, now);
        let is_postponed = !allowance.allows(foreseen);
        if is_postponed {
            self.postpone(cx, socket);
        }
        is_postponed
    }

    /// Has a connection that has used up its lines wait for a while, or for others of its address if
    /// those have: true if it has to.
    fn hold_back(&mut self, cx: &mut Context<Self>, socket: Socket) -> bool {
        let now = cx.now();
        let Some(connection) = self.connections.get_mut(socket) else {
            return false;
        };
        if connection.input.is_held_back() {
            return true;
        }
        let session = connection.session;
        let (hub, input) = (&mut self.hub, &mut connection.input);
        let Some(wait) = input.hold_back(hub, session, now) else {
            return self.queue(cx, socket);
        };
        let timer = cx.set_timeout(Duration::from_millis(wait), move |server: &mut Self, cx| {
            if let Some(connection) = server.connections.get_mut(socket) {
                connection.input.release();
                server.read_on(cx, socket);
            }
        });
        cx.set_timer_ref(timer, false);
        true
    }

    /// Has a connection wait for others of its address, if all of them together have asked for too
    /// much: true if it has to.
    pub(in crate::server) fn queue(&mut self, cx: &mut Context<Self>, socket: Socket) -> bool {
        let unheard = || socket.readable_length(cx) + socket.unread_in_kernel(cx);
        match self.connections.queue(socket, unheard, cx.now()) {
            Queued::No => false,
            Queued::Behind => true,
            Queued::First(queue, wait) => {
                self.serve_in(cx, queue, wait);
                true
            }
        }
    }

    /// Has those of a queue heard in so many milliseconds that are next then, and so on until it is
    /// over.
    fn serve_in(&mut self, cx: &mut Context<Self>, queue: QueueId, wait: Millis) {
        let timer = cx.set_timeout(Duration::from_millis(wait), move |server: &mut Self, cx| {
            for _ in 0..queue.at_a_time() {
                if let Some(socket) = server.connections.next_of(queue, cx.now()) {
                    server.read_on(cx, socket);
                }
            }
            if let Some(wait) = server.connections.next_service(queue, cx.now()) {
                server.serve_in(cx, queue, wait);
            }
        });
        cx.set_timer_ref(timer, false);
    }

    /// A connection has asked for something that is no line.
    pub(in crate::server) fn charge(&mut self, cx: &mut Context<Self>, socket: Socket, cost: Cost) {
        if let Some(connection) = self.connections.get_mut(socket) {
            connection.input.charge(cost, cx.now());
        }
        self.spend(cx, socket, cost);
    }

    /// A connection has cost this much, which its own limit has been told of. When the turn has
    /// had enough, all that are read after this one are read in smaller pieces.
    pub(in crate::server) fn spend(&mut self, cx: &mut Context<Self>, socket: Socket, cost: Cost) {
        self.connections.ask(socket, cost, cx.now());
        self.spend_in_turn(cx, socket, cost);
    }

    /// The same of what is on nobody's limit.
    pub(in crate::server) fn spend_in_turn(
        &mut self,
        cx: &mut Context<Self>,
        socket: Socket,
        cost: Cost,
    ) {
        let (turn, now) = (cx.counters().turns, cx.now());
        if let Some(connection) = self.connections.get_mut(socket) {
            let load = &mut connection.load;
            self.turns.spend(turn, socket, load, cost, now);
        }
        if let Some(bytes) = self.turns.bytes(turn) {
            cx.set_read_limit(bytes);
        }
    }

    /// Sees to it that those who wait for their turn get one.
    fn set_next_turn(&mut self, cx: &mut Context<Self>) {
        if std::mem::replace(&mut self.turns.immediate_set, true) {
            return;
        }
        // The check phase: what this turn has brought of others has been read by then.
        cx.set_immediate(|server: &mut Self, cx| {
            server.turns.immediate_set = false;
            for socket in server.turns.read_on(cx.counters().turns) {
                server.read_on(cx, socket);
            }
            if server.turns.anyone_waits() {
                server.set_next_turn(cx);
            }
            if server.end.is_near() {
                shutdown::go_on_soon(server, cx);
            }
        });
    }

    /// Reads on from a connection, unless something else is still to be waited for.
    pub(in crate::server) fn read_on(&mut self, cx: &mut Context<Self>, socket: Socket) {
        if self.waits(socket) {
            return;
        }
        if socket.is_paused(cx)
            && let Some(connection) = self.connections.get_mut(socket)
        {
            connection.input.excuse(cx.now());
        }
        if let Some(outlet) = self.outlet_of(socket) {
            // When it has read what waits for it, it comes here again.
            if !socket.writable_need_drain(cx) {
                outlet.read_on(self, cx);
            }
        } else if let Some(entering) = self.entering.remove(&socket) {
            members::enter(self, cx, WebSocket::of(socket), entering);
        } else if let Some(watcher) = self.loop_view.watcher(socket) {
            watcher.resume(cx);
        } else if let Some(door) = web::door_of(self, cx, socket) {
            door.resume_requests(cx, socket);
        }
    }

    /// Everything that waited for a member is with the system.
    pub(in crate::server) fn drained(&mut self, cx: &mut Context<Self>, socket: Socket) {
        let connection = self.connections.get_mut(socket);
        if let Some(session) = connection.and_then(|found| found.session) {
            self.hub.caught_up(session);
            self.show_board_again(cx, session);
        }
        self.read_on(cx, socket);
        self.finish(cx);
    }

    /// The outlet of whoever is in the chat by this connection.
    fn outlet_of(&mut self, socket: Socket) -> Option<Outlet> {
        let session = self.connections.get_mut(socket)?.session?;
        self.outlets.get(session).copied().flatten()
    }
}

//! The budget for all: what clients make the server hold, and who has to go if it is too much.
//!
//! Every limit is one connection's or one room's, and there may be many of them at their limits.
//! What all of them hold is known at any time: sockets, lines and messages that are not complete
//! count themselves ([`net::held_bytes`]), rooms' histories are counted by the chat, and drafts, and sessions that may be resumed, by the hub. It is looked
//! at after everything that the doors are told of, and in every turn: a socket that is paused reads
//! on, up to its high-water mark, and a torn message grows, and no door is told.

use std::collections::HashSet;
use std::time::Duration;

use log::warn;

use crate::chat::DisconnectReason;
use crate::http::{self, web_socket};
use crate::net::{self, Context, Socket};
use crate::server::{ChatServer, moment};

/// Bytes that may be kept for one that was ended until it has read its last line, or its time for
/// that is over.
const LAST_WORDS: usize = 16 * 1024;

/// What the doors do about the budget.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Connections are being ended.
    relieving: bool,
    /// Ended, but the loop has not yet let go of what it holds for them.
    leaving: HashSet<Socket>,
}

impl ChatServer {
    /// Bytes that clients make the server hold.
    pub(super) fn held(&self) -> u64 {
        let hub = &self.hub;
        let of_rooms = hub.chat().history_bytes() + hub.draft_bytes();
        (net::held_bytes() + of_rooms + hub.resuming.bytes()) as u64
    }

    /// Ends the connections that hold most, if all hold too much, until it is an eighth less than
    /// that.
    pub(super) fn keep_within_memory(&mut self, cx: &mut Context<Self>) {
        let most = self.config.max_memory;
        if !self.budget.relieving && self.held() > most {
            self.budget.relieving = true;
            if self.held() > most + self.closing(cx) {
                self.relieve(cx);
            }
            self.budget.relieving = false;
        }
    }

    /// Bytes that the loop lets go of at the end of its turn: those of connections that were ended.
    fn closing(&mut self, cx: &Context<Self>) -> u64 {
        let mut leaving = std::mem::take(&mut self.budget.leaving);
        let mut bytes = 0;
        leaving.retain(|&socket: &Socket| {
            let held = self.held_for(cx, socket) as u64;
            bytes += held;
            held > 0
        });
        self.budget.leaving = leaving;
        bytes
    }

    fn relieve(&mut self, cx: &mut Context<Self>) {
        let mut closing = self.closing(cx);
        let mut leaving = std::mem::take(&mut self.budget.leaving);
        let mut holders: Vec<(usize, Socket)> = self
            .connections
            .sockets()
            .into_iter()
            .filter(|socket| !leaving.contains(socket))
            .map(|socket| (self.held_for(cx, socket), socket))
            .filter(|&(held, _)| held > 0)
            .collect();
        holders.sort_unstable_by_key(|&(held, _)| held);
        let most = self.config.max_memory;
        let (before, enough) = (self.held(), most - most / 8);
        let mut ended = 0;
        while self.held() > enough + closing
            && let Some((_, socket)) = holders.pop()
        {
            ended += 1;
            self.expel(cx, socket);
            // Last words count as long as they wait. Who has them may have to go without, as the
            // others do.
            if socket.destroyed(cx) {
                closing += self.held_for(cx, socket) as u64;
                leaving.insert(socket);
            }
        }
        self.budget.leaving = leaving;
        warn!(
            "--max-memory: {before} bytes were held: {ended} connections that held most are ended"
        );
        // What was shared is not let go of by one of its holders alone: once they are closed, the
        // sum tells whether that was enough.
        let another_turn = cx.set_timeout(Duration::from_millis(1), |_, _| {});
        cx.set_timer_ref(another_turn, false);
    }

    /// Bytes that are held for one connection. What it shares with others counts in full.
    fn held_for(&mut self, cx: &Context<Self>, socket: Socket) -> usize {
        let found = self.connections.get_mut(socket);
        let session = found.as_ref().and_then(|found| found.session);
        let own = found.map_or(0, |own| own.held())
            + session.map_or(0, |session| self.hub.resuming.bytes_of(session));
        own + socket.held(cx) + http::held(cx, socket) + web_socket::held(cx, socket)
    }

    /// Ends one connection, and lets go of what is held for it. A member is still told why, after
    /// the write that is being sent.
    fn expel(&mut self, cx: &mut Context<Self>, socket: Socket) {
        let session = self.connections.get_mut(socket).and_then(|own| own.session);
        if let Some(session) = session {
            socket.forget_unsent(cx);
            if let Some(Some(outlet)) = self.outlets.get(session) {
                (outlet.door().forget_unread)(socket, cx);
            }
            let reason = DisconnectReason::Memory;
            self.hub.disconnect(session, reason, moment(cx));
            self.finish(cx);
        }
        // Who only asks for pages has no place for a reason. What the system has taken still
        // arrives before the reset.
        if session.is_none() || self.held_for(cx, socket) > LAST_WORDS {
            socket.abort(cx);
        }
    }
}

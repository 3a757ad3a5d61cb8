//! What a socket tells of itself.

use std::fmt;
use std::time::Duration;

use super::states::Life;
use super::{Address, Context, Error, Handles, RemoteParty, Server, Socket};
use crate::event_loop::{HandleId, Readiness};

/// How far a socket is (`socket.readyState`); shown as Node's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyState {
    /// It is being connected.
    Opening,
    /// Both sides are open.
    Open,
    /// Its own side was ended.
    ReadOnly,
    /// The peer has ended its side.
    WriteOnly,
    /// Neither side is open.
    Closed,
}

impl fmt::Display for ReadyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening",
            Self::Open => "open",
            Self::ReadOnly => "readOnly",
            Self::WriteOnly => "writeOnly",
            Self::Closed => "closed",
        })
    }
}

impl Socket {
    /// The loop's own name for it, as in a [recording](crate::event_loop::Step).
    #[must_use]
    pub fn handle_id(self) -> HandleId {
        self.0
    }

    /// A small number for tables beside the loop: no other open socket or server has it, and one
    /// that is opened after this one was closed may.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.index()
    }

    /// How far it is (`readyState`).
    #[must_use]
    pub fn ready_state<S>(self, cx: &Context<S>) -> ReadyState {
        match (self.connecting(cx), self.readable(cx), self.writable(cx)) {
            (true, ..) => ReadyState::Opening,
            (false, true, true) => ReadyState::Open,
            (false, true, false) => ReadyState::ReadOnly,
            (false, false, true) => ReadyState::WriteOnly,
            (false, false, false) => ReadyState::Closed,
        }
    }

    /// Whether it is being connected (`connecting`).
    #[must_use]
    pub fn connecting<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.life == Life::Connecting)
    }

    /// Whether it is not connected, or not yet (`pending`).
    #[must_use]
    pub fn pending<S>(self, cx: &Context<S>) -> bool {
        let stands = |life| matches!(life, Life::Open | Life::Broken(_));
        !cx.connection(self.0)
            .is_some_and(|connection| stands(connection.life))
    }

    /// Whether it was destroyed, or is gone (`destroyed`).
    #[must_use]
    pub fn destroyed<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_none_or(|connection| connection.life.is_over())
    }

    /// Whether data may still come (`readable`).
    #[must_use]
    pub fn readable<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.readable())
    }

    /// Whether one may still write (`writable`).
    #[must_use]
    pub fn writable<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.writable())
    }

    /// Whether `end` was called (`writableEnded`).
    #[must_use]
    pub fn writable_ended<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.write_side.is_ending())
    }

    /// Whether it stays writable after [`Event::End`](super::Event::End) (`allowHalfOpen`).
    #[must_use]
    pub fn allow_half_open<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.allow_half_open)
    }

    /// Whether [`Event::Finish`](super::Event::Finish) has come (`writableFinished`).
    #[must_use]
    pub fn writable_finished<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.write_side.has_finished())
    }

    /// Whether [`Event::End`](super::Event::End) has come (`readableEnded`).
    #[must_use]
    pub fn readable_ended<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.read_side.has_ended())
    }

    /// Whether nothing can reach the peer any more, as far as is known: the connection was reset,
    /// a write has failed, or both directions are over. What the peer sent before may still be to
    /// be read, and a socket that is paused is told nothing until then.
    #[must_use]
    pub fn is_broken<S>(self, cx: &Context<S>) -> bool {
        let is = |readiness| cx.readiness(self.0).contains(readiness);
        is(Readiness::ERROR)
            || is(Readiness::READ_CLOSED) && is(Readiness::WRITE_CLOSED)
            || cx
                .connection(self.0)
                .is_some_and(|connection| connection.life.is_broken() || connection.life.is_over())
    }

    /// Whether data flows: `None` until somebody listens, pauses or resumes (`readableFlowing`).
    #[must_use]
    pub fn readable_flowing<S>(self, cx: &Context<S>) -> Option<bool> {
        cx.connection(self.0)?.flowing
    }

    /// Whether it is paused (`isPaused()`).
    #[must_use]
    pub fn is_paused<S>(self, cx: &Context<S>) -> bool {
        self.readable_flowing(cx) == Some(false)
    }

    /// Bytes that were read and not handed out yet (`readableLength`).
    #[must_use]
    pub fn readable_length<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0)
            .map_or(0, |connection| connection.unread())
    }

    /// Bytes of writes that are not done; one that is sent in part counts in full
    /// (`writableLength`).
    #[must_use]
    pub fn writable_length<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0)
            .map_or(0, |connection| connection.writable_length())
    }

    /// Whether [`Event::Drain`](super::Event::Drain) is to come (`writableNeedDrain`).
    #[must_use]
    pub fn writable_need_drain<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0).is_some_and(|connection| {
            connection.need_drain
                && !connection.life.is_over()
                && !connection.write_side.is_ending()
        })
    }

    /// How often it is corked (`writableCorked`).
    #[must_use]
    pub fn writable_corked<S>(self, cx: &Context<S>) -> u8 {
        cx.connection(self.0)
            .map_or(0, |connection| connection.corked)
    }

    /// Bytes queued from which on `write` returns false (`writableHighWaterMark`).
    #[must_use]
    pub fn writable_high_water_mark<S>(self, cx: &Context<S>) -> u32 {
        cx.connection(self.0)
            .map_or(0, |connection| connection.high_water_mark)
    }

    /// Bytes that were written and are not sent yet.
    #[must_use]
    pub fn buffered<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0)
            .and_then(|connection| connection.outbox.as_ref())
            .map_or(0, |outbox| outbox.waiting())
    }

    /// Bytes of memory that are held for it: what is not sent or not handed out, as
    /// [`held_bytes`](super::held_bytes) counts it. A write counts in full until its last byte is
    /// sent, and what it shares with others as if it were its own.
    #[must_use]
    pub fn held<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0).map_or(0, |connection| {
            let outbox = connection.outbox.as_ref().map_or(0, |outbox| outbox.held());
            let inbox = connection.inbox.as_ref().map_or(0, |inbox| inbox.held());
            let layered = connection.layered().map_or(0, |layered| layered.held());
            outbox + inbox + layered
        })
    }

    /// Bytes read so far, also after the close (`bytesRead`).
    #[must_use]
    pub fn bytes_read<S>(self, cx: &Context<S>) -> u64 {
        cx.connection(self.0)
            .map_or(0, |connection| connection.bytes_read)
    }

    /// Bytes that have come from the system so far: those that were [read](Self::bytes_read), or,
    /// of a socket that has a [layer](super::Layer), those that the layer was given. Node has no
    /// such thing.
    #[must_use]
    pub fn bytes_received<S>(self, cx: &Context<S>) -> u64 {
        cx.connection(self.0).map_or(0, |connection| {
            let layered = connection.layered();
            layered.map_or(connection.bytes_read, |layered| layered.came)
        })
    }

    /// Bytes that have come and were not read, as far as the system tells (`FIONREAD`); none of a
    /// socket that is closed. Node has no such thing.
    #[must_use]
    pub fn unread_in_kernel<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0)
            .and_then(|connection| connection.stream.unread().ok())
            .unwrap_or(0)
    }

    /// Bytes written so far, those included that are not sent yet (`bytesWritten`).
    #[must_use]
    pub fn bytes_written<S>(self, cx: &Context<S>) -> u64 {
        cx.connection(self.0)
            .map_or(0, |connection| connection.bytes_sent)
            + self.buffered(cx) as u64
    }

    /// The idle time after which [`Event::Timeout`](super::Event::Timeout) comes, zero for
    /// never (`timeout`).
    #[must_use]
    pub fn timeout<S>(self, cx: &Context<S>) -> Duration {
        let ms = cx.connection(self.0).map(|connection| connection.timeout);
        Duration::from_millis(ms.unwrap_or(0).into())
    }

    /// The timer of its idle time, which another [`set_timeout`](Self::set_timeout) replaces.
    #[cfg(feature = "http")]
    pub(crate) fn timer<S>(self, cx: &Context<S>) -> Option<crate::event_loop::Timer> {
        cx.connection(self.0)?.timer
    }

    /// What broke it, if anything (`errored`).
    #[must_use]
    pub fn errored<S>(self, cx: &Context<S>) -> Option<&Error> {
        cx.connection(self.0)?.own.as_ref()?.error.as_deref()
    }

    /// The server that accepted it, `None` for a socket that was made to connect (`socket.server`).
    #[must_use]
    pub fn server<S>(self, cx: &Context<S>) -> Option<Server> {
        cx.connection(self.0)?.server.map(Server)
    }

    /// The other end's address (`remoteAddress`, `remotePort`, `remoteFamily`); `None` for IPC, and
    /// before the connection stands. Told after the close only if it was asked for before.
    pub fn remote_address<S>(self, cx: &mut Context<S>) -> Option<Address> {
        let connection = cx.connection_mut(self.0)?;
        if let Some(known) = connection.own.as_ref().and_then(|own| own.remote.clone()) {
            return Some(*known);
        }
        if connection.life == Life::Connecting {
            return None;
        }
        let address = connection.stream.peer_address().ok()??;
        connection.own.get_or_insert_default().remote = Some(Box::new(address.clone()));
        Some(address)
    }

    /// Who is at the other end; `None` while connecting, after the close, and for a TCP peer that
    /// has reset the connection. Asks the system each time and remembers nothing, unlike
    /// [`remote_address`](Self::remote_address).
    #[must_use]
    pub fn remote_party<S>(self, cx: &Context<S>) -> Option<RemoteParty> {
        cx.connection(self.0)?.stream.remote_party()
    }

    /// This end's address (`localAddress`, `localPort`, `localFamily`); `None` for IPC, and when
    /// not connected.
    #[must_use]
    pub fn local_address<S>(self, cx: &Context<S>) -> Option<Address> {
        match cx.connection(self.0)?.stream.local_address().ok()?? {
            address @ Address::Tcp(_) => Some(address),
            Address::Ipc(_) => None,
        }
    }
}

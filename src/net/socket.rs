//! Sockets: one end of a connection.

use std::rc::Rc;

use super::connection::{self, touch};
use super::events::EventKind;
use super::outbox::Data;
use super::{Address, Context, Error, Event, Handles, Target, connect, reading, writing};
use crate::event_loop::HandleId;

/// One end of a connection (`net.Socket`): a small id; everything goes through the context.
///
/// It is good until its [`Event::Close`]; done with a stale one, everything is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket(pub(super) HandleId);

impl Socket {
    /// A small number for tables beside the loop: no other open socket or server has it, and one
    /// that is opened after this one was closed may.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.index()
    }

    /// Connects a socket anew that is closed, from its own [`Event::Close`] at the latest.
    /// Listeners stay, counters restart. A no-op while it is connecting or open.
    pub fn connect<S>(self, cx: &mut Context<S>, target: impl Into<Target>) {
        connect::start(cx, self.0, target.into());
    }

    /// Writes; what the kernel does not take at once is copied and sent later, in order.
    ///
    /// False if so much is queued that one should wait for [`Event::Drain`], or if the socket is
    /// closed. Writing after `end` breaks the connection: [`Event::Error`] follows.
    pub fn write<S>(self, cx: &mut Context<S>, bytes: &[u8]) -> bool {
        writing::write(cx, self.0, Data::Borrowed(bytes))
    }

    /// As [`write`](Self::write), for bytes that go to many: what is not taken at once is held, not
    /// copied.
    pub fn write_shared<S>(self, cx: &mut Context<S>, bytes: &Rc<Vec<u8>>) -> bool {
        writing::write(cx, self.0, Data::Shared(bytes))
    }

    /// Writes no more (`socket.end()`). After what is queued the peer is told, and
    /// [`Event::Finish`] comes; reading goes on until the peer ends, too.
    pub fn end<S>(self, cx: &mut Context<S>) {
        writing::end(cx, self.0);
    }

    /// Closes at once; what is queued is lost. [`Event::Close`] follows in the closing phase.
    pub fn destroy<S>(self, cx: &mut Context<S>) {
        connection::destroy(cx, self.0, None);
    }

    /// As [`destroy`](Self::destroy), for a reason: [`Event::Error`] comes first.
    pub fn destroy_with<S>(self, cx: &mut Context<S>, error: Error) {
        connection::destroy(cx, self.0, Some(error));
    }

    /// Ends, and closes as soon as everything is handed to the kernel (`destroySoon`).
    pub fn destroy_soon<S>(self, cx: &mut Context<S>) {
        let Some(connection) = cx.connection_mut(self.0) else {
            return;
        };
        if connection.finished {
            return connection::destroy(cx, self.0, None);
        }
        connection.destroy_when_finished = true;
        writing::end(cx, self.0);
    }

    /// Closes at once, and tells the peer with a reset (TCP only; IPC just closes).
    pub fn reset_and_destroy<S>(self, cx: &mut Context<S>) {
        let Some(connection) = cx.connection(self.0) else {
            return;
        };
        let error = connection.stream.reset_on_close().err();
        let error = error.map(|error| Error::system("setsockopt", &error, None));
        connection::destroy(cx, self.0, error);
    }

    /// Hands out no data until `resume`. The kernel's buffer fills and the peer has to wait. Does
    /// not hold back [`Event::End`] if there is nothing left to read.
    pub fn pause<S>(self, cx: &mut Context<S>) {
        self.set_flowing(cx, false);
    }

    /// Hands out data again, from the next poll phase on.
    pub fn resume<S>(self, cx: &mut Context<S>) {
        self.set_flowing(cx, true);
        reading::wake(cx, self.0);
    }

    fn set_flowing<S>(self, cx: &mut Context<S>, flowing: bool) {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.flowing = Some(flowing);
        }
    }

    /// Gives bytes back that came with [`Event::Data`]: they are handed out again first, in
    /// another turn (`readable.unshift`). How a reader takes only so much a turn.
    pub fn unshift<S>(self, cx: &mut Context<S>, bytes: &[u8]) {
        let Some(connection) = cx.connection_mut(self.0) else {
            return;
        };
        if bytes.is_empty() || connection.destroyed {
            return;
        }
        let mut joined = bytes.to_vec();
        if let Some(later) = connection.unread.take() {
            joined.extend_from_slice(&later);
        }
        connection.unread = Some(joined.into_boxed_slice());
        reading::wake(cx, self.0);
    }

    /// Queues writes until `uncork`, to send them as one. Nests.
    pub fn cork<S>(self, cx: &mut Context<S>) {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.corked = connection.corked.saturating_add(1);
        }
    }

    /// Undoes one `cork`; the last one sends.
    pub fn uncork<S>(self, cx: &mut Context<S>) {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.corked = connection.corked.saturating_sub(1);
            writing::flush_queued(cx, self.0);
        }
    }

    /// Emits [`Event::Timeout`] whenever nothing was read or written for `ms` milliseconds; 0
    /// turns it off. Does not hold the loop open, and closes nothing.
    pub fn set_timeout<S>(self, cx: &mut Context<S>, ms: u32) {
        let Some(connection) = cx.connection_mut(self.0) else {
            return;
        };
        if connection.destroyed {
            return;
        }
        connection.timeout = ms;
        if let Some(timer) = connection.timer.take() {
            cx.clear_timer(timer);
        }
        touch(cx, self.0);
    }

    /// Sends small writes at once instead of waiting for the answer to the one before (turns Nagle's
    /// algorithm off). On IPC a no-op.
    ///
    /// # Errors
    ///
    /// When the system refuses; the socket is none the worse for it.
    pub fn set_no_delay<S>(self, cx: &mut Context<S>, on: bool) -> Result<(), Error> {
        let Some(connection) = cx.connection(self.0) else {
            return Ok(());
        };
        let set = connection.stream.set_no_delay(on);
        set.map_err(|error| Error::system("setsockopt", &error, None))
    }

    /// Whether the socket stays writable after [`Event::End`] (`allowHalfOpen`).
    pub fn set_allow_half_open<S>(self, cx: &mut Context<S>, allow: bool) {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.allow_half_open = allow;
        }
    }

    /// Whether it holds the loop open (`socket.ref`, `socket.unref`).
    pub fn set_ref<S>(self, cx: &mut Context<S>, referenced: bool) {
        cx.set_ref(self.0, referenced);
    }

    /// Whether it is being connected (`socket.connecting`).
    #[must_use]
    pub fn connecting<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_some_and(|connection| connection.connecting)
    }

    /// Whether it was destroyed, or is gone (`socket.destroyed`).
    #[must_use]
    pub fn destroyed<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0)
            .is_none_or(|connection| connection.destroyed)
    }

    /// Bytes that were written and wait to be sent.
    #[must_use]
    pub fn buffered<S>(self, cx: &Context<S>) -> usize {
        cx.connection(self.0)
            .map_or(0, |connection| connection.outbox.waiting())
    }

    /// Bytes read so far (`socket.bytesRead`).
    #[must_use]
    pub fn bytes_read<S>(self, cx: &Context<S>) -> u64 {
        cx.connection(self.0)
            .map_or(0, |connection| connection.bytes_read)
    }

    /// Bytes written so far, those that still wait included (`socket.bytesWritten`).
    #[must_use]
    pub fn bytes_written<S>(self, cx: &Context<S>) -> u64 {
        cx.connection(self.0).map_or(0, |connection| {
            connection.bytes_sent + connection.outbox.waiting() as u64
        })
    }

    /// The other end's address; `None` for IPC, and when not connected.
    #[must_use]
    pub fn remote_address<S>(self, cx: &Context<S>) -> Option<Address> {
        cx.connection(self.0)?.stream.peer_address().ok()?
    }

    /// This end's address; `None` when not connected.
    #[must_use]
    pub fn local_address<S>(self, cx: &Context<S>) -> Option<Address> {
        cx.connection(self.0)?.stream.local_address().ok()?
    }

    fn on<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, Event<'_>) + 'static,
    ) {
        let Some(connection) = cx.connection_mut(self.0) else {
            return;
        };
        let own = connection.own.get_or_insert_default();
        own.listeners.add(kind, false, Box::new(callback));
        if matches!(kind, EventKind::Data | EventKind::Any) {
            reading::wake(cx, self.0);
        }
    }

    /// Calls back on every event of this one socket: how a protocol plugs in.
    pub fn on_event<S>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, Event<'_>) + 'static,
    ) {
        self.on(cx, EventKind::Any, callback);
    }

    /// Calls back on [`Event::Data`].
    pub fn on_data<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, &[u8]) + 'static,
    ) {
        self.on(cx, EventKind::Data, move |state, cx, socket, event| {
            if let Event::Data(bytes) = event {
                callback(state, cx, socket, bytes);
            }
        });
    }

    /// Calls back on [`Event::Error`].
    pub fn on_error<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, &Error) + 'static,
    ) {
        self.on(cx, EventKind::Error, move |state, cx, socket, event| {
            if let Event::Error(error) = event {
                callback(state, cx, socket, error);
            }
        });
    }

    /// Calls back on [`Event::Close`]; true if an error closed it.
    pub fn on_close<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, bool) + 'static,
    ) {
        self.on(cx, EventKind::Close, move |state, cx, socket, event| {
            if let Event::Close(had_error) = event {
                callback(state, cx, socket, had_error);
            }
        });
    }
}

/// Adds the listener methods of events that carry nothing.
macro_rules! plain_events {
    ($($name:ident, $kind:ident;)*) => {
        impl Socket {
            $(
                #[doc = concat!("Calls back on [`Event::", stringify!($kind), "`].")]
                pub fn $name<S>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S>, Self) + 'static,
                ) {
                    self.on(cx, EventKind::$kind, move |state, cx, socket, _event| {
                        callback(state, cx, socket);
                    });
                }
            )*
        }
    };
}

plain_events! {
    on_connect, Connect;
    on_ready, Ready;
    on_end, End;
    on_finish, Finish;
    on_drain, Drain;
    on_timeout, Timeout;
}

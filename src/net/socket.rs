//! Sockets: one end of a connection, and what can be done with it.

use std::rc::Rc;
use std::time::Duration;

use super::connection::Connection;
use super::idle;
use super::outbox::{Data, WriteCallback};
use super::states::Life;
use super::{ConnectOptions, Context, Error, EventKind, Handle, HandleKind, Handles, Socket};
use super::{closing, connect, lingering, reading, unacknowledged, writing};
use crate::event_loop::{CallbackResult, CallbackSite};

impl Socket {
    /// Makes a socket that is not connected (`new net.Socket()`), to be connected once or several
    /// times. It is [reusable](Self::set_reusable).
    pub fn new<S>(cx: &mut Context<S>) -> Self {
        let mut connection = Connection::new(None);
        connection.own.get_or_insert_default().reusable = true;
        Self(cx.insert(Handle(HandleKind::Connection(connection))))
    }

    /// Whether it may be connected anew at any time after it was closed; its listeners stay, and
    /// it takes up memory until it is made not reusable again. Otherwise it may be connected anew
    /// up to the end of its close listeners, and is forgotten then.
    pub fn set_reusable<S>(self, cx: &mut Context<S>, reusable: bool) -> Self {
        let Some(connection) = cx.connection_mut(self.0) else {
            return self;
        };
        connection.own.get_or_insert_default().reusable = reusable;
        if connection.life.is_closed() && !reusable {
            cx.close(self.0);
        }
        self
    }

    /// Connects, or connects anew a socket that is closed. Listeners stay, counters restart. Its
    /// [layer](Self::set_layer) does not: it was the other connection's, and what is written now
    /// goes in the clear unless it is given another. A no-op while it is connecting or open.
    pub fn connect<S>(self, cx: &mut Context<S>, to: impl Into<ConnectOptions<S>>) -> Self {
        let options = to.into();
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.allow_half_open |= options.allow_half_open;
            connection.high_water_mark = options.high_water_mark;
        }
        connect::start(cx, self.0, options);
        self
    }

    /// Writes; what the kernel does not take at once is copied and sent later, in order.
    ///
    /// False if so much is queued that one should wait for [`Event::Drain`](super::Event::Drain),
    /// or if the socket is closed. Writing after `end` breaks the connection:
    /// [`Event::Error`](super::Event::Error) follows.
    pub fn write<S>(self, cx: &mut Context<S>, bytes: impl AsRef<[u8]>) -> bool {
        writing::write(cx, self.0, Data::Borrowed(bytes.as_ref()), None)
    }

    /// As [`write`](Self::write), and calls back once it is sent, or cannot be: never before this
    /// returns.
    #[track_caller]
    pub fn write_then<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        bytes: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> bool {
        let site = CallbackSite::caller();
        if self.forgotten(cx) {
            refuse(cx, site, "write", callback);
            return false;
        }
        let callback = self.told(site, callback);
        writing::write(cx, self.0, Data::Borrowed(bytes.as_ref()), Some(callback))
    }

    /// A callback of a write, whose error is acted on.
    fn told<S, R: CallbackResult>(
        self,
        site: CallbackSite,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> WriteCallback<S> {
        Box::new(move |state, cx, error| {
            let returned = callback(state, cx, error);
            self.check(cx, site, "write", returned);
        })
    }

    /// Whether its slot is free: all that is known then is that it was destroyed.
    fn forgotten<S>(self, cx: &Context<S>) -> bool {
        cx.connection(self.0).is_none()
    }

    /// As [`write`](Self::write), for bytes that go to many: what is not taken at once is held, not
    /// copied.
    pub fn write_shared<S>(self, cx: &mut Context<S>, bytes: &Rc<Vec<u8>>) -> bool {
        writing::write(cx, self.0, Data::Shared(bytes), None)
    }

    /// Writes no more (`socket.end()`). After what is queued the peer is told, and
    /// [`Event::Finish`](super::Event::Finish) comes; reading goes on until the peer ends, too.
    pub fn end<S>(self, cx: &mut Context<S>) -> Self {
        writing::end(cx, self.0, None, None);
        self
    }

    /// Writes this, and no more (`socket.end(data)`).
    pub fn end_with<S>(self, cx: &mut Context<S>, bytes: impl AsRef<[u8]>) -> Self {
        writing::end(cx, self.0, Some(Data::Borrowed(bytes.as_ref())), None);
        self
    }

    /// As [`end`](Self::end), after these bytes if there are any, and calls back directly before
    /// [`Event::Finish`](super::Event::Finish), or when that cannot come (`socket.end(data,
    /// callback)`).
    #[track_caller]
    pub fn end_then<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        bytes: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        if self.forgotten(cx) {
            refuse(cx, site, "end", callback);
            return self;
        }
        let bytes = bytes.as_ref();
        let data = (!bytes.is_empty()).then_some(Data::Borrowed(bytes));
        writing::end(cx, self.0, data, Some(self.told(site, callback)));
        self
    }

    /// Closes at once; what is queued is lost. [`Event::Close`](super::Event::Close) follows in the
    /// closing phase. If nothing is lost, a layer still says that this is the end, unless what was
    /// written [is not complete](Self::set_incomplete).
    pub fn destroy<S>(self, cx: &mut Context<S>) -> Self {
        closing::destroy(cx, self.0, None);
        self
    }

    /// Says that what was written is not complete, and will not be: however the socket is closed
    /// from now on, its layer does not tell the peer that this was the end (TLS: no close_notify),
    /// and who relies on that does not take a part for the whole. Without a layer there is no
    /// telling. For protocols in which the end of the connection is that of a message.
    pub fn set_incomplete<S>(self, cx: &mut Context<S>) -> Self {
        let connection = cx.connection_mut(self.0);
        if let Some(layered) = connection.and_then(|connection| connection.layered_mut()) {
            layered.say_nothing();
        }
        self
    }

    /// As [`destroy`](Self::destroy), for a reason: [`Event::Error`](super::Event::Error) comes
    /// first.
    pub fn destroy_with_error<S>(self, cx: &mut Context<S>, error: Error) -> Self {
        closing::destroy(cx, self.0, Some(error));
        self
    }

    /// Ends, and closes as soon as everything is handed to the kernel (`destroySoon`).
    pub fn destroy_soon<S>(self, cx: &mut Context<S>) -> Self {
        let Some(connection) = cx.connection_mut(self.0) else {
            return self;
        };
        if connection.life.is_over() {
            return self;
        }
        if connection.write_side.has_finished() || connection.life.is_broken() {
            lingering::close(cx, self.0);
            return self;
        }
        let writable = connection.writable();
        let listeners = &mut connection.own.get_or_insert_default().listeners;
        listeners.add_own(
            EventKind::Finish,
            Box::new(|_, cx, socket, _| lingering::close(cx, socket.0)),
        );
        if writable {
            writing::end(cx, self.0, None, None);
        }
        self
    }

    /// Closes at once, and tells the peer with a reset (`resetAndDestroy`). While connecting, once
    /// the connection stands. On a socket without a connection,
    /// [`Event::Error`](super::Event::Error) follows with `ERR_SOCKET_CLOSED`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_HANDLE_TYPE` on IPC, which knows no reset; nothing is done.
    pub fn reset_and_destroy<S>(self, cx: &mut Context<S>) -> Result<(), Error> {
        let Some(connection) = cx.connection_mut(self.0) else {
            return Ok(());
        };
        if connection.stream.is_ipc() {
            let message = "This handle type cannot be sent";
            return Err(Error::with_code("ERR_INVALID_HANDLE_TYPE", message));
        }
        if connection.life == Life::Connecting {
            let listeners = &mut connection.own.get_or_insert_default().listeners;
            listeners.add_own(
                EventKind::Connect,
                Box::new(|_, cx, socket, _| closing::reset(cx, socket.0)),
            );
        } else if connection.stream.is_closed() {
            let error = Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed");
            closing::destroy(cx, self.0, Some(error));
        } else {
            closing::reset(cx, self.0);
        }
        Ok(())
    }

    /// Forgets what was read and not handed out. The peer is not told, and what it sends goes on
    /// from there: for one to whom nobody will listen any more.
    pub fn forget_unread<S>(self, cx: &mut Context<S>) -> Self {
        reading::forget_unread(cx, self.0);
        self
    }

    /// Forgets what was written and not sent, but for the write of which some may be sent already:
    /// what is written next follows that. The writes' callbacks are told as if they had been sent.
    /// For a peer that does not take what it is sent and is still to be told something.
    pub fn forget_unsent<S>(self, cx: &mut Context<S>) -> Self {
        if let Some(connection) = cx.connection_mut(self.0) {
            let sealed = connection.layered().map_or(0, |layered| layered.sealed());
            if let Some(outbox) = &mut connection.outbox {
                outbox.forget_unsent(sealed);
            }
        }
        self
    }

    /// Closes at once, with a reset where there is such a thing (not on IPC): what the kernel
    /// still holds for the peer is thrown away. For peers that do not take it.
    pub fn abort<S>(self, cx: &mut Context<S>) -> Self {
        closing::abort(cx, self.0);
        self
    }

    /// Closes as the server that has accepted it [wants it](super::Server::set_linger): once the
    /// peer has acknowledged everything, or by a reset when its time for that is over. As
    /// [`destroy`](Self::destroy), if the server wants nothing of the kind.
    pub fn linger<S>(self, cx: &mut Context<S>) -> Self {
        lingering::close(cx, self.0);
        self
    }

    /// Closes for good what its peer had its time for: by a reset if bytes wait that the kernel
    /// could not even take, as [`linger`](Self::linger) otherwise.
    pub fn give_up<S>(self, cx: &mut Context<S>) -> Self {
        match self.buffered(cx) {
            0 => self.linger(cx),
            _ => self.abort(cx),
        }
    }

    /// Bytes that the kernel has taken and the peer's has not acknowledged, our end of the stream
    /// among them as one. `None` where the system does not tell: not on IPC, nor outside of Linux.
    pub fn unacknowledged<S>(self, cx: &mut Context<S>) -> Option<u32> {
        unacknowledged::unacknowledged(cx, self.0)
    }

    /// Hands out no data until `resume`. It is read on only while less than the high-water mark is
    /// kept; then the kernel's buffer fills and the peer has to wait.
    /// [`Event::End`](super::Event::End) is held back only while something is kept.
    pub fn pause<S>(self, cx: &mut Context<S>) -> Self {
        reading::pause(cx, self.0);
        self
    }

    /// Hands out data again, from the next tick on.
    pub fn resume<S>(self, cx: &mut Context<S>) -> Self {
        reading::resume(cx, self.0);
        self
    }

    /// Takes what has come and was not handed out, so many bytes or all of it (`readable.read`).
    /// `None` if there is nothing, or not as much (once no more will come, what is left is given
    /// out), and while data flows, which hands out everything. No
    /// [`Event::Data`](super::Event::Data) is told of it. Whoever reads so is told by
    /// [`Event::Readable`](super::Event::Readable) when there is something, and has to read until
    /// there is nothing, or the peer has to wait; [`Event::End`](super::Event::End) follows what is
    /// read last.
    ///
    /// ```no_run
    /// # let mut event_loop = loopchat::EventLoop::<()>::new()?;
    /// # let socket = loopchat::net::create_connection(&mut event_loop, ("localhost", 3000));
    /// socket.on_readable(&mut event_loop, |_, cx, socket| {
    ///     while let Some(header) = socket.read(cx, Some(4)) {
    ///         println!("four bytes: {header:?}");
    ///     }
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read<S>(self, cx: &mut Context<S>, count: Option<usize>) -> Option<Vec<u8>> {
        reading::take(cx, self.0, count)
    }

    /// Gives bytes back that came with [`Event::Data`](super::Event::Data): they are handed out
    /// again before any others, in the next turn's poll phase (`readable.unshift`): how a reader
    /// takes only so much a turn. The end of a piece may be given back again and again: after the
    /// first time nothing is copied. After [`Event::End`](super::Event::End) it breaks the
    /// connection.
    ///
    /// While a [layer](Self::set_layer) opens they are the layer's: what came before it is not
    /// handed out behind it. Once the layer has read what came behind them, that breaks the
    /// connection, too.
    pub fn unshift<S>(self, cx: &mut Context<S>, bytes: &[u8]) -> Self {
        reading::unshift(cx, self.0, bytes);
        self
    }

    /// Says that a protocol keeps something that came with [`Event::Data`](super::Event::Data) and
    /// could not be given back, such as a message of several pieces; or that it does so no more. As
    /// long as it does, [`Event::End`](super::Event::End) is held back and a connection that breaks
    /// is not destroyed, as if it had been [given back](Self::unshift): nothing that a peer has
    /// said is lost because it has gone since. Whoever has [paused](Self::pause) the socket is told
    /// of the break by [`Event::Error`](super::Event::Error), and is not to keep it for ever.
    pub fn set_kept<S>(self, cx: &mut Context<S>, is_kept: bool) -> Self {
        reading::set_kept(cx, self.0, is_kept);
        self
    }

    /// Queues writes until `uncork`, to send them as one. Nests.
    pub fn cork<S>(self, cx: &mut Context<S>) {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.corked = connection.corked.saturating_add(1);
        }
    }

    /// Undoes one `cork`; the last one sends.
    pub fn uncork<S>(self, cx: &mut Context<S>) {
        writing::uncork(cx, self.0);
    }

    /// Emits [`Event::Timeout`](super::Event::Timeout) whenever nothing was read or written for
    /// so long; zero turns it off, and more than 2^31 - 1 ms (24.8 days) are that long. Does not
    /// hold the loop open, and closes nothing.
    pub fn set_timeout<S>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        let connection = cx.connection(self.0);
        if connection.is_some_and(|connection| !connection.life.is_over()) {
            idle::set_timeout(cx, self.0, idle);
        }
        self
    }

    /// Sends small writes at once instead of waiting for the answer to the one before (turns
    /// Nagle's algorithm off, `setNoDelay`). Before the connection stands it is remembered; on IPC
    /// a no-op. That the system refuses is no error, as in Node.
    pub fn set_no_delay<S>(self, cx: &mut Context<S>, on: bool) -> Self {
        if let Some(connection) = cx.connection_mut(self.0)
            && std::mem::replace(&mut connection.no_delay, on) != on
            && let Err(error) = connection.stream.set_no_delay(on)
        {
            log::debug!("setNoDelay: {error}");
        }
        self
    }

    /// Has the kernel probe the connection when it has been idle for so long, in whole seconds
    /// and one at least, then every second, ten times (`setKeepAlive`); `None` turns it off. Before
    /// the connection stands it is remembered; on IPC a no-op.
    ///
    /// Nothing is probed while something is on its way. So a peer is also given up that leaves
    /// what was sent unanswered, or takes none of it, for that time and the ten seconds of the
    /// probes, but not before 130 seconds (`TCP_USER_TIMEOUT`; Linux's, and not set by Node).
    pub fn set_keep_alive<S>(self, cx: &mut Context<S>, initial_delay: Option<Duration>) -> Self {
        if let Some(connection) = cx.connection_mut(self.0) {
            let own = connection.own.get_or_insert_default();
            own.connecting.get_or_insert_default().keep_alive = initial_delay;
            if let Err(error) = connection.stream.set_keep_alive(initial_delay) {
                log::debug!("setKeepAlive: {error}");
            }
        }
        self
    }

    /// Whether the socket stays writable after [`Event::End`](super::Event::End) (`allowHalfOpen`).
    pub fn set_allow_half_open<S>(self, cx: &mut Context<S>, allow: bool) -> Self {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.allow_half_open = allow;
        }
        self
    }

    /// Whether it holds the loop open (`socket.ref`, `socket.unref`).
    pub fn set_ref<S>(self, cx: &mut Context<S>, referenced: bool) -> Self {
        cx.set_ref(self.0, referenced);
        self
    }

    /// Short for `set_ref(cx, false)`.
    pub fn unref<S>(self, cx: &mut Context<S>) -> Self {
        self.set_ref(cx, false)
    }
}

/// Tells the callback of what is asked of a socket that is gone, as a tick.
fn refuse<S, R: CallbackResult>(
    cx: &mut Context<S>,
    site: CallbackSite,
    method: &str,
    callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
) {
    let error = Error::destroyed(method);
    cx.next_tick(move |state, cx| {
        site.check("a write", callback(state, cx, Some(&error)));
    });
}

//! Servers: listening, closing, and who is told.

use super::events::{EventKind, Kind, Listeners, ServerCallback, SocketCallback};
use super::{Address, Context, Error, Event, Handles, Listener, ServerEvent, Socket};
use crate::event_loop::{HandleId, Timer};

/// A server (`net.Server`): a small id; everything goes through the context.
///
/// It stays known to its loop until the loop ends, so it may listen again after it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server(pub(super) HandleId);

/// What the loop keeps of a server.
pub(super) struct ServerHandle<S> {
    pub(super) listener: Option<Listener>,
    /// Listeners of the server's own events.
    events: Listeners<ServerCallback<S>>,
    /// Listeners of the events of every socket it accepts, stored once for all of them.
    pub(super) sockets: Listeners<SocketCallback<S>>,
    pub(super) connections: usize,
    pub(super) max_connections: Option<usize>,
    pub(super) allow_half_open: bool,
    /// `close` was called and its event is still to come.
    closing: bool,
    /// Set while no descriptor was left for the next connection: when to try again.
    pub(super) retry: Option<Timer>,
}

impl<S> Default for ServerHandle<S> {
    fn default() -> Self {
        Self {
            listener: None,
            events: Listeners::default(),
            sockets: Listeners::default(),
            connections: 0,
            max_connections: None,
            allow_half_open: false,
            closing: false,
            retry: None,
        }
    }
}

impl Server {
    /// Listens on an address (`server.listen`). [`ServerEvent::Listening`] follows, or
    /// [`ServerEvent::Error`]; both a tick later. The port is bound when this returns, so
    /// [`address`](Self::address) tells it.
    pub fn listen<S>(self, cx: &mut Context<S>, address: impl Into<Address>) {
        match Listener::bind(&address.into(), Listener::BACKLOG) {
            Ok(listener) => self.listen_on(cx, listener),
            Err(error) => self.emit_later(cx, error),
        }
    }

    /// Listens on what is bound already (`server.listen(handle)`). For those who want to know
    /// at once whether a port can be had, and for a backlog of their own.
    pub fn listen_on<S>(self, cx: &mut Context<S>, mut listener: Listener) {
        if self.listening(cx) {
            let code = "ERR_SERVER_ALREADY_LISTEN";
            let message = "Listen method has been called more than once without closing.";
            return self.emit_later(cx, Error::stream(code, message));
        }
        if let Err(error) = listener.register(cx.registry(), self.0.token()) {
            let error = Error::system("listen", &error, Some(listener.address()));
            return self.emit_later(cx, error);
        }
        let Some(server) = cx.server_mut(self.0) else {
            return;
        };
        server.listener = Some(listener);
        cx.set_active(self.0, true);
        cx.next_tick(move |state, cx| {
            if self.listening(cx) {
                emit(state, cx, self, ServerEvent::Listening);
            }
        });
    }

    fn emit_later<S>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| {
            if !emit(state, cx, self, ServerEvent::Error(&error)) {
                log::error!("a server cannot listen, and nobody listens to its errors: {error}");
            }
        });
    }

    /// Whether it accepts connections (`server.listening`).
    #[must_use]
    pub fn listening<S>(self, cx: &Context<S>) -> bool {
        cx.server(self.0)
            .is_some_and(|server| server.listener.is_some())
    }

    /// Where it listens (`server.address()`): address and port, or the path. `None` before it
    /// is bound and after `close`.
    #[must_use]
    pub fn address<S>(self, cx: &Context<S>) -> Option<Address> {
        Some(cx.server(self.0)?.listener.as_ref()?.address().clone())
    }

    /// Stops accepting at once; connections stay. [`ServerEvent::Close`] comes when the last one
    /// is gone, a tick later at the earliest.
    pub fn close<S>(self, cx: &mut Context<S>) {
        let Some(server) = cx.server_mut(self.0) else {
            return;
        };
        server.listener = None;
        server.closing = true;
        let retry = server.retry.take();
        if let Some(timer) = retry {
            cx.clear_timer(timer);
        }
        cx.set_active(self.0, false);
        close_if_drained(cx, self.0);
    }

    /// How many connections it has accepted that are not destroyed (`server.getConnections`).
    #[must_use]
    pub fn connections<S>(self, cx: &Context<S>) -> usize {
        cx.server(self.0).map_or(0, |server| server.connections)
    }

    /// Accepts and closes at once what comes beyond so many connections, with
    /// [`ServerEvent::Drop`] (`server.maxConnections`). `None`, the default, sets no limit.
    pub fn set_max_connections<S>(self, cx: &mut Context<S>, max: Option<usize>) {
        if let Some(server) = cx.server_mut(self.0) {
            server.max_connections = max;
        }
    }

    /// Whether sockets accepted from now on stay writable after their [`Event::End`], until the
    /// program ends them itself (`allowHalfOpen`). Off by default.
    pub fn set_allow_half_open<S>(self, cx: &mut Context<S>, allow: bool) {
        if let Some(server) = cx.server_mut(self.0) {
            server.allow_half_open = allow;
        }
    }

    /// Whether it holds the loop open while it listens (`server.ref`, `server.unref`).
    pub fn set_ref<S>(self, cx: &mut Context<S>, referenced: bool) {
        cx.set_ref(self.0, referenced);
    }

    fn on<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, ServerEvent<'_>) + 'static,
    ) {
        if let Some(server) = cx.server_mut(self.0) {
            server.events.add(kind, false, Box::new(callback));
        }
    }

    fn on_socket<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) + 'static,
    ) {
        if let Some(server) = cx.server_mut(self.0) {
            server.sockets.add(kind, false, Box::new(callback));
        }
    }

    /// Calls back on [`ServerEvent::Listening`].
    pub fn on_listening<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self) + 'static,
    ) {
        self.on(cx, EventKind::Listening, move |state, cx, server, _| {
            callback(state, cx, server)
        });
    }

    /// Calls back on [`ServerEvent::Connection`].
    pub fn on_connection<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Socket) + 'static,
    ) {
        self.on(cx, EventKind::Connection, move |state, cx, _, event| {
            if let ServerEvent::Connection(socket) = event {
                callback(state, cx, socket);
            }
        });
    }

    /// Calls back on [`ServerEvent::Drop`].
    pub fn on_drop<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self) + 'static,
    ) {
        self.on(cx, EventKind::Drop, move |state, cx, server, _| {
            callback(state, cx, server)
        });
    }

    /// Calls back on [`ServerEvent::Error`].
    pub fn on_error<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, &Error) + 'static,
    ) {
        self.on(cx, EventKind::Error, move |state, cx, server, event| {
            if let ServerEvent::Error(error) = event {
                callback(state, cx, server, error);
            }
        });
    }

    /// Calls back on [`ServerEvent::Close`].
    pub fn on_close<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self) + 'static,
    ) {
        self.on(cx, EventKind::Close, move |state, cx, server, _| {
            callback(state, cx, server)
        });
    }

    /// Calls back on [`Event::Data`] of any socket this server accepted. The callback is stored
    /// once, so a connection costs no closure; so with the other `on_socket_` events.
    pub fn on_data<S>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Socket, &[u8]) + 'static,
    ) {
        self.on_socket(cx, EventKind::Data, move |state, cx, socket, event| {
            if let Event::Data(bytes) = event {
                callback(state, cx, socket, bytes);
            }
        });
    }

    /// Calls back on every event of any socket this server accepted.
    pub fn on_socket_event<S>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) + 'static,
    ) {
        self.on_socket(cx, EventKind::Any, callback);
    }
}

/// Tells the server's listeners; true if there was one.
pub(super) fn emit<S>(
    state: &mut S,
    cx: &mut Context<S>,
    server: Server,
    event: ServerEvent<'_>,
) -> bool {
    let kind = event.kind();
    let Some(mut lent) = cx
        .server_mut(server.0)
        .and_then(|server| server.events.lend(kind))
    else {
        return false;
    };
    lent.call(kind, |callback| callback(state, cx, server, event));
    if let Some(server) = cx.server_mut(server.0) {
        server.events.take_back(lent);
    }
    true
}

/// One of the server's connections was destroyed.
pub(super) fn connection_gone<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(server) = cx.server_mut(id) else {
        return;
    };
    server.connections -= 1;
    if server.retry.is_some() {
        // Its descriptor is free: whoever waits in the backlog can have it.
        cx.queue_ready(id);
    }
    close_if_drained(cx, id);
}

/// Emits the close of a closing server, as a tick, once no connection is left.
fn close_if_drained<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(server) = cx.server_mut(id) else {
        return;
    };
    if server.closing && server.connections == 0 {
        server.closing = false;
        cx.next_tick(move |state, cx| {
            emit(state, cx, Server(id), ServerEvent::Close);
        });
    }
}

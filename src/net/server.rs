//! Servers: listening, closing, and who is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use super::events::{Listeners, ServerCallback, ServerListeners};
use super::listener::How;
use super::options::{HIGH_WATER_MARK, ListenOptions, Place};
use super::{Address, Context, Error, Handles, Listener, Server, ServerEvent};
use crate::event_loop::{CallbackResult, Extensions, HandleId, Timer, listeners};

/// What the loop keeps of a server.
pub(super) struct ServerHandle<S> {
    pub(super) listener: Option<Listener>,
    /// The path it listens or has listened on: told as its address also after `close`.
    path: Option<PathBuf>,
    /// Counts `listen` and `close`: a lookup that was overtaken by either is forgotten.
    attempt: u32,
    /// Listeners of the server's own events.
    pub(super) events: ServerListeners<S>,
    /// Listeners of the events of every socket it accepts, stored once for all of them.
    pub(super) sockets: Listeners<S>,
    pub(super) connections: usize,
    pub(super) max_connections: Option<usize>,
    pub(super) allow_half_open: bool,
    pub(super) pause_on_connect: bool,
    pub(super) no_delay: bool,
    pub(super) keep_alive: Option<Duration>,
    pub(super) high_water_mark: u32,
    pub(super) linger: Option<Duration>,
    /// Set while no descriptor was left for the next connection: when to try again.
    pub(super) retry: Option<Timer>,
    /// What programs and protocols hang on it.
    pub(super) extensions: Extensions,
}

impl<S> Default for ServerHandle<S> {
    fn default() -> Self {
        Self {
            listener: None,
            path: None,
            attempt: 0,
            events: ServerListeners::default(),
            sockets: Listeners::default(),
            connections: 0,
            max_connections: None,
            allow_half_open: false,
            pause_on_connect: false,
            no_delay: false,
            keep_alive: None,
            high_water_mark: HIGH_WATER_MARK,
            linger: None,
            retry: None,
            extensions: Extensions::default(),
        }
    }
}

impl Server {
    /// Listens (`server.listen`). [`ServerEvent::Listening`] follows, or [`ServerEvent::Error`];
    /// both a tick later. A port or a path is bound when this returns, so that
    /// [`address`](Self::address) tells it; with a host there is a lookup first, which takes at
    /// least a tick.
    pub fn listen<S>(self, cx: &mut Context<S>, options: impl Into<ListenOptions>) -> Self {
        let ListenOptions { place, how } = options.into();
        if self.listening(cx) {
            let code = "ERR_SERVER_ALREADY_LISTEN";
            let message = "Listen method has been called more than once without closing.";
            self.emit_later(cx, Error::with_code(code, message));
            return self;
        }
        let attempt = self.next_attempt(cx);
        match place {
            Place::Address(address) => self.bind(cx, &address, how),
            Place::Port(port) => self.bind_port(cx, port, how),
            Place::Host(port, host) => self.look_up(cx, attempt, port, host, how),
        }
        self
    }

    fn bind<S>(self, cx: &mut Context<S>, address: &Address, how: How) {
        if let (Address::Ipc(path), Some(server)) = (address, cx.server_mut(self.0)) {
            server.path = Some(path.clone());
        }
        match Listener::bind_as(address, how) {
            Ok(listener) => {
                self.listen_on(cx, listener);
            }
            Err(error) => self.emit_later(cx, error),
        }
    }

    fn bind_port<S>(self, cx: &mut Context<S>, port: u16, how: How) {
        let any_v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        let any_v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        match Listener::bind_as(&any_v6.into(), how) {
            Ok(listener) => {
                self.listen_on(cx, listener);
            }
            Err(error) if error.code() == "EADDRINUSE" => self.emit_later(cx, error),
            Err(_no_v6) => self.bind(cx, &any_v4.into(), how),
        }
    }

    fn look_up<S>(self, cx: &mut Context<S>, attempt: u32, port: u16, host: String, how: How) {
        let overtaken = move |cx: &Context<S>| {
            cx.server(self.0)
                .is_none_or(|server| server.attempt != attempt)
        };
        if let Ok(ip) = host.parse::<IpAddr>() {
            cx.next_tick(move |_, cx| {
                if !overtaken(cx) {
                    self.bind(cx, &SocketAddr::new(ip, port).into(), how);
                }
            });
            return;
        }
        let name = host.clone();
        let work = move || (name.as_str(), port).to_socket_addrs().ok()?.next();
        cx.queue_work(work, move |state, cx, found: Option<SocketAddr>| {
            if overtaken(cx) {
                return;
            }
            match found {
                Some(address) => self.bind(cx, &address.into(), how),
                None => report(state, cx, self, &Error::lookup(&host)),
            }
        });
    }

    /// As [`listen`](Self::listen), and calls back once it listens (`server.listen(.., callback)`).
    #[track_caller]
    pub fn listen_then<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        options: impl Into<ListenOptions>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Self) -> R + 'static,
    ) -> Self {
        self.once_listening(cx, callback);
        self.listen(cx, options)
    }

    /// Listens on what is bound already (`server.listen(handle)`). For those who want to know
    /// at once whether a port can be had.
    pub fn listen_on<S>(self, cx: &mut Context<S>, mut listener: Listener) -> Self {
        if let Err(error) = listener.register(cx.registry(), self.0.token()) {
            let error = Error::system("listen", &error, Some(listener.address()));
            self.emit_later(cx, error);
            return self;
        }
        let Some(server) = cx.server_mut(self.0) else {
            return self;
        };
        if let Address::Ipc(path) = listener.address() {
            server.path = Some(path.clone());
        }
        server.listener = Some(listener);
        cx.set_active(self.0, true);
        cx.next_tick(move |state, cx| {
            if self.listening(cx) {
                emit(state, cx, self, ServerEvent::Listening);
            }
        });
        self
    }

    fn next_attempt<S>(self, cx: &mut Context<S>) -> u32 {
        cx.server_mut(self.0).map_or(0, |server| {
            server.attempt = server.attempt.wrapping_add(1);
            server.attempt
        })
    }

    fn emit_later<S>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| report(state, cx, self, &error));
    }

    /// The loop's own name for it, as in a [recording](crate::event_loop::Step).
    #[must_use]
    pub fn handle_id(self) -> HandleId {
        self.0
    }

    /// Whether it accepts connections (`server.listening`).
    #[must_use]
    pub fn listening<S>(self, cx: &Context<S>) -> bool {
        cx.server(self.0)
            .is_some_and(|server| server.listener.is_some())
    }

    /// Where it listens (`server.address()`): address, family and port for TCP; the path for IPC,
    /// also after `close`. `None` before TCP is bound and after `close`.
    #[must_use]
    pub fn address<S>(self, cx: &Context<S>) -> Option<Address> {
        let server = cx.server(self.0)?;
        match &server.listener {
            Some(listener) => Some(listener.address().clone()),
            None => server.path.clone().map(Address::Ipc),
        }
    }

    /// The port it listens on; 0 if it does not listen on one. Short for `address().port`.
    #[must_use]
    pub fn port<S>(self, cx: &Context<S>) -> u16 {
        self.address(cx)
            .and_then(|address| address.port())
            .unwrap_or(0)
    }

    /// Stops accepting at once; connections stay. [`ServerEvent::Close`] comes when the last one
    /// is gone, a tick later at the earliest; also if it did not listen.
    pub fn close<S>(self, cx: &mut Context<S>) -> Self {
        self.next_attempt(cx);
        let Some(server) = cx.server_mut(self.0) else {
            return self;
        };
        let listened = server.listener.take().is_some();
        let retry = server.retry.take();
        if let Some(timer) = retry {
            cx.clear_timer(timer);
        }
        if listened {
            cx.close_part();
        }
        cx.set_active(self.0, false);
        close_if_drained(cx, self.0);
        self
    }

    /// As [`close`](Self::close), and calls back on the close: with `ERR_SERVER_NOT_RUNNING` if it
    /// did not listen.
    #[track_caller]
    pub fn close_then<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> Self {
        let error = (!self.listening(cx))
            .then(|| Error::with_code("ERR_SERVER_NOT_RUNNING", "Server is not running."));
        self.once_close(cx, move |state, cx, _| callback(state, cx, error.as_ref()));
        self.close(cx)
    }

    /// Tells, in a tick, how many connections it has accepted that are not destroyed
    /// (`server.getConnections`).
    #[track_caller]
    pub fn get_connections<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, usize) -> R + 'static,
    ) -> Self {
        let count = self.connections(cx);
        cx.next_tick(move |state, cx| callback(state, cx, count));
        self
    }

    /// How many connections it has accepted that are not destroyed.
    #[must_use]
    pub fn connections<S>(self, cx: &Context<S>) -> usize {
        cx.server(self.0).map_or(0, |server| server.connections)
    }

    /// Accepts and closes at once what comes beyond so many connections, with
    /// [`ServerEvent::Drop`] (`server.maxConnections`). `None`, the default, sets no limit.
    pub fn set_max_connections<S>(self, cx: &mut Context<S>, max: Option<usize>) -> Self {
        self.set(cx, |server| server.max_connections = max)
    }

    /// Whether sockets accepted from now on stay writable after their [`End`](super::Event::End),
    /// until the program ends them itself (`allowHalfOpen`). Off by default.
    pub fn set_allow_half_open<S>(self, cx: &mut Context<S>, allow: bool) -> Self {
        self.set(cx, |server| server.allow_half_open = allow)
    }

    /// Whether sockets accepted from now on read nothing until they are resumed (`pauseOnConnect`).
    /// Off by default.
    pub fn set_pause_on_connect<S>(self, cx: &mut Context<S>, pause: bool) -> Self {
        self.set(cx, |server| server.pause_on_connect = pause)
    }

    /// Whether sockets accepted from now on send small writes at once (`noDelay`). Off by default.
    pub fn set_no_delay<S>(self, cx: &mut Context<S>, on: bool) -> Self {
        self.set(cx, |server| server.no_delay = on)
    }

    /// Has sockets accepted from now on probed when they have been idle for so long
    /// (`keepAlive`, `keepAliveInitialDelay`); as
    /// [`Socket::set_keep_alive`](super::Socket::set_keep_alive). `None` by default.
    pub fn set_keep_alive<S>(self, cx: &mut Context<S>, initial_delay: Option<Duration>) -> Self {
        self.set(cx, |server| server.keep_alive = initial_delay)
    }

    /// The high-water mark of sockets accepted from now on, in bytes (`highWaterMark`, 16 KiB).
    pub fn set_high_water_mark<S>(self, cx: &mut Context<S>, bytes: u32) -> Self {
        self.set(cx, |server| server.high_water_mark = bytes)
    }

    /// How long a peer has to acknowledge what it was sent before its connection
    /// is closed: one that closes by itself, or is told to [linger](super::Socket::linger), closes
    /// as soon as the peer has everything, and by a reset after that time. `None`, the default and
    /// Node's way, is to close at once: the kernel goes on sending, and goes on holding what the
    /// peer does not take, for minutes.
    pub fn set_linger<S>(self, cx: &mut Context<S>, patience: Option<Duration>) -> Self {
        self.set(cx, |server| server.linger = patience)
    }

    fn set<S>(self, cx: &mut Context<S>, change: impl FnOnce(&mut ServerHandle<S>)) -> Self {
        if let Some(server) = cx.server_mut(self.0) {
            change(server);
        }
        self
    }

    /// Whether it holds the loop open while it listens (`server.ref`, `server.unref`); may be said
    /// before it does.
    pub fn set_ref<S>(self, cx: &mut Context<S>, referenced: bool) -> Self {
        cx.set_ref(self.0, referenced);
        self
    }

    /// Short for `set_ref(cx, false)`.
    pub fn unref<S>(self, cx: &mut Context<S>) -> Self {
        self.set_ref(cx, false)
    }
}

/// Tells the server's listeners; true if there was one.
pub(super) fn emit<S>(
    state: &mut S,
    cx: &mut Context<S>,
    server: Server,
    event: ServerEvent<'_>,
) -> bool {
    cx.note_event(server.0, event.name(), 0);
    listeners::emit(
        state,
        cx,
        event.kind(),
        |cx| Some(&mut cx.server_mut(server.0)?.events),
        |callback: &mut ServerCallback<S>, state, cx| callback(state, cx, server, event),
    )
}

fn report<S>(state: &mut S, cx: &mut Context<S>, server: Server, error: &Error) {
    if !emit(state, cx, server, ServerEvent::Error(error)) {
        log::error!("a server cannot listen, and nobody listens to its errors: {error}");
    }
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

/// Emits the close of a server that does not listen, as a tick, once no connection is left.
fn close_if_drained<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(server) = cx.server(id) else { return };
    if server.listener.is_none() && server.connections == 0 {
        cx.next_tick(move |state, cx| {
            emit(state, cx, Server(id), ServerEvent::Close);
        });
    }
}

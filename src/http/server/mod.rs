//! Servers: who is told, what they allow, how they close.
//!
//! | file | what | knows |
//! | --- | --- | --- |
//! | `pipeline/` | one connection as a state machine: bytes in, requests and bytes out | no loop, no socket |
//! | `ids.rs` | what programs call servers and responses | |
//! | `settings.rs` | what a server allows | |
//! | `audience.rs`, `state.rs`, `connection.rs` | what the loop keeps of a response, a server, a connection | where it is kept |
//! | `sending.rs` | what is written goes to the socket | the socket |
//! | `giving_up.rs` | how a connection ends: refusals, timeouts, closes | what is kept, and `sending` |
//! | `settling.rs` | what follows when the kernel has what was written | the ones above |
//! | `response.rs`, `as_net.rs` | what a program does with a response; with a server, as with one of `net` | the ones above |
//! | `reading.rs`, `checking.rs` | what happens to a socket, and to none for too long | the ones above |

mod as_net;
mod audience;
mod checking;
mod connection;
mod giving_up;
mod ids;
mod pipeline;
mod reading;
mod response;
mod sending;
mod settings;
mod settling;
mod state;

use std::time::Duration;

pub use self::audience::{ResponseEvent, ResponseEventKind};
pub(in crate::http) use self::connection::{Requests, is, request};
pub use self::connection::{held, parts};
pub(in crate::http) use self::giving_up::{destroy, end_with};
pub use self::ids::{Server, ServerResponse};
pub(in crate::http) use self::pipeline::THROWN_AWAY;
use self::settings::Settings;
use self::state::{Callback, Listeners, ServerState, of};
pub use self::state::{ServerEvent, ServerEventKind};
use super::incoming::IncomingMessage;
use super::message::Head;
use crate::Context;
use crate::event_loop::listeners::{Role, adds_listeners, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId, millis, timer_millis};
use crate::net::{self, Address, Error, ListenOptions, Socket};

/// Makes a server that does not listen yet (`http.createServer`).
pub fn create_server<S: 'static>(cx: &mut Context<S>) -> Server {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, socket| reading::accepted(cx, socket));
    speak(cx, server)
}

/// Makes a server of one that speaks TLS: HTTP begins when the handshake is done.
#[cfg(feature = "tls")]
pub(crate) fn create_secure_server<S: 'static>(cx: &mut Context<S>, server: net::Server) -> Server {
    server.on_secure_connection(cx, |_, cx, socket| reading::accepted(cx, socket));
    // As in Node. Nothing of HTTP was said, so there is nobody to be answered.
    server.on_tls_client_error(cx, |own, cx, error, socket| {
        state::emit(own, cx, socket, ServerEvent::ClientError(error, socket));
    });
    speak(cx, server)
}

/// Has a server speak HTTP on its connections.
fn speak<S: 'static>(cx: &mut Context<S>, server: net::Server) -> Server {
    server.set_data(cx, ServerState::<S>::default());
    // As in Node: the end of the requests must not cut the response off, and small responses do
    // not wait.
    server.set_allow_half_open(cx, true);
    server.set_no_delay(cx, true);
    server.on_socket_event(cx, |state, cx, socket, event| {
        reading::event(state, cx, socket, event);
    });
    server.on_close(cx, |_, cx, server| checking::stop(cx, server));
    Server(server)
}

listener_methods! { Server of ServerEvent, ServerEventKind, Server, S: 'static;
    on_request once_request Request (IncomingMessage, ServerResponse)
        _, ServerEvent::Request(request, response) => (request, response);
    on_check_continue once_check_continue CheckContinue (IncomingMessage, ServerResponse)
        _, ServerEvent::CheckContinue(request, response) => (request, response);
    on_check_expectation once_check_expectation CheckExpectation (IncomingMessage, ServerResponse)
        _, ServerEvent::CheckExpectation(request, response) => (request, response);
    on_upgrade once_upgrade Upgrade (&Head, Socket, &[u8])
        _, ServerEvent::Upgrade(head, socket, rest) => (head, socket, rest);
    on_connect once_connect Connect (&Head, Socket, &[u8])
        _, ServerEvent::Connect(head, socket, rest) => (head, socket, rest);
    on_client_error once_client_error ClientError (&Error, Socket)
        _, ServerEvent::ClientError(error, socket) => (error, socket);
    on_drop_request once_drop_request DropRequest (IncomingMessage, Socket)
        _, ServerEvent::DropRequest(request, socket) => (request, socket);
    on_timeout once_timeout Timeout (Socket)
        _, ServerEvent::Timeout(socket) => (socket);
}

impl ServerEvent<'_> {
    /// Bytes that were written to a socket that is handed over.
    fn written<S>(&self, cx: &Context<S>) -> u64 {
        match self {
            Self::Upgrade(_, socket, _) | Self::Connect(_, socket, _) => socket.bytes_written(cx),
            _ => 0,
        }
    }

    /// A callback that was to see to it has failed: whoever waits for an answer gets one.
    fn fail<S: 'static>(&self, cx: &mut Context<S>, written: u64) {
        match *self {
            Self::Request(_, response)
            | Self::CheckContinue(_, response)
            | Self::CheckExpectation(_, response) => response.fail(cx),
            Self::Upgrade(_, socket, _) | Self::Connect(_, socket, _) => {
                if socket.writable(cx) && socket.bytes_written(cx) == written {
                    giving_up::refuse_upgrade(cx, socket);
                } else {
                    // Nobody knows what of it is still missing.
                    socket.set_incomplete(cx).destroy(cx);
                }
            }
            Self::ClientError(_, socket) | Self::Timeout(socket) => {
                giving_up::destroy(cx, socket, None);
            }
            Self::DropRequest(..) => {} // it is answered all the same
        }
    }
}

adds_listeners! { Server, ServerEventKind, Callback, S: 'static }

impl Server {
    fn listeners<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        Some(&mut of(cx, self.0)?.listeners)
    }

    fn run<S: 'static, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        _: Self,
        event: ServerEvent<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let written = event.written(cx);
        let returned = call(state, cx);
        let what = format_args!("'{}' of a server", event.name());
        if let Some(_logged) = site.check(what, returned) {
            event.fail(cx, written);
        }
    }

    fn connections<S: 'static>(self, cx: &mut Context<S>) -> Vec<Socket> {
        of(cx, self.0).map_or(Vec::new(), |own| own.all())
    }

    /// The server as `net` has it: its address, its connections, its events.
    #[must_use]
    pub fn net(self) -> net::Server {
        self.0
    }

    /// Listens, as [`net::Server::listen`].
    pub fn listen<S: 'static>(
        self,
        cx: &mut Context<S>,
        options: impl Into<ListenOptions>,
    ) -> Self {
        self.0.listen(cx, options);
        self
    }

    /// As [`listen`](Self::listen), and calls back once it listens (`server.listen(.., callback)`).
    #[track_caller]
    pub fn listen_then<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        options: impl Into<ListenOptions>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Self) -> R + 'static,
    ) -> Self {
        self.0.listen_then(cx, options, move |state, cx, server| {
            callback(state, cx, Self(server))
        });
        self
    }

    /// Calls back on every [`net::ServerEvent::Listening`].
    #[track_caller]
    pub fn on_listening<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self) -> R + 'static,
    ) -> Self {
        self.0.on_listening(cx, move |state, cx, server| {
            callback(state, cx, Self(server))
        });
        self
    }

    /// Calls back on every [`net::ServerEvent::Close`].
    #[track_caller]
    pub fn on_close<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self) -> R + 'static,
    ) -> Self {
        self.0.on_close(cx, move |state, cx, server| {
            callback(state, cx, Self(server))
        });
        self
    }

    /// Where it listens, as [`net::Server::address`].
    #[must_use]
    pub fn address<S>(self, cx: &Context<S>) -> Option<Address> {
        self.0.address(cx)
    }

    /// The port it listens on, 0 if none.
    #[must_use]
    pub fn port<S>(self, cx: &Context<S>) -> u16 {
        self.0.port(cx)
    }

    /// Whether it accepts connections.
    #[must_use]
    pub fn listening<S>(self, cx: &Context<S>) -> bool {
        self.0.listening(cx)
    }

    /// Stops accepting, and closes the connections that wait for a request (`server.close()`).
    /// Those that are being answered stay until they have been idle for the keep-alive time: to
    /// close them sooner, [`close_idle_connections`](Self::close_idle_connections) once they are.
    /// The server's [`Close`](net::ServerEvent::Close) comes when the last one is gone.
    pub fn close<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.close_idle_connections(cx);
        self.0.close(cx);
        self
    }

    /// As [`close`](Self::close), and calls back on the close, as [`net::Server::close_then`].
    #[track_caller]
    pub fn close_then<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> Self {
        self.close_idle_connections(cx);
        self.0.close_then(cx, callback);
        self
    }

    /// Closes the connections that wait for a request (`server.closeIdleConnections()`).
    pub fn close_idle_connections<S: 'static>(self, cx: &mut Context<S>) -> Self {
        for socket in self.connections(cx) {
            if connection::of::<S>(cx, socket).is_some_and(|own| own.pipeline.is_idle()) {
                socket.destroy(cx);
            }
        }
        self
    }

    /// Closes all connections (`server.closeAllConnections()`), but none that left HTTP.
    pub fn close_all_connections<S: 'static>(self, cx: &mut Context<S>) -> Self {
        for socket in self.connections(cx) {
            giving_up::destroy(cx, socket, None);
        }
        self
    }

    fn set<S: 'static>(self, cx: &mut Context<S>, change: impl FnOnce(&mut Settings)) -> Self {
        if let Some(own) = of(cx, self.0) {
            change(&mut own.settings);
        }
        self
    }

    /// Bytes of a head at most (`maxHeaderSize`, 16 KiB); more is answered with 431.
    pub fn set_max_header_size<S: 'static>(self, cx: &mut Context<S>, bytes: usize) -> Self {
        self.set(cx, |settings| settings.limits.max_header_size = bytes)
    }

    /// Fields of a head at most (`maxHeadersCount`, 2000); more are answered with 431, where Node
    /// drops them.
    pub fn set_max_headers_count<S: 'static>(self, cx: &mut Context<S>, count: usize) -> Self {
        self.set(cx, |settings| settings.limits.max_headers_count = count)
    }

    /// Bytes of a body at most; more are answered with 413. `None`, the default, sets no limit, as
    /// in Node: a body is handed out as it comes and takes up no memory.
    pub fn set_max_body<S: 'static>(self, cx: &mut Context<S>, bytes: Option<u64>) -> Self {
        self.set(cx, |settings| settings.max_body = bytes.unwrap_or(u64::MAX))
    }

    /// How long a head may take to arrive, zero for ever (`headersTimeout`, 60 s); a connection on
    /// which nothing has come yet is included. More is answered with 408, when it is
    /// [checked](Self::set_connections_checking_interval) next.
    pub fn set_headers_timeout<S: 'static>(self, cx: &mut Context<S>, time: Duration) -> Self {
        self.set(cx, |settings| settings.headers_timeout = millis(time))
    }

    /// How long a whole request may take to arrive, zero for ever (`requestTimeout`, 300 s). More
    /// is answered with 408, when it is checked next.
    pub fn set_request_timeout<S: 'static>(self, cx: &mut Context<S>, time: Duration) -> Self {
        self.set(cx, |settings| settings.request_timeout = millis(time))
    }

    /// How often the two timeouts are checked (`connectionsCheckingInterval`, 30 s) while there are
    /// connections; to be set before there are.
    pub fn set_connections_checking_interval<S: 'static>(
        self,
        cx: &mut Context<S>,
        interval: Duration,
    ) -> Self {
        self.set(cx, |settings| settings.checking_interval = interval)
    }

    /// How long an answered connection may wait for the next request, zero for ever
    /// (`keepAliveTimeout`, 5 s). The client is told so in seconds; the connection is closed a
    /// second later.
    pub fn set_keep_alive_timeout<S: 'static>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        self.set(cx, |settings| {
            settings.keep_alive_timeout = timer_millis(idle)
        })
    }

    /// How long a connection may be idle within a request or a response; zero, the default, for
    /// ever (`server.timeout`). [`ServerEvent::Timeout`] follows.
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        self.set(cx, |settings| settings.timeout = idle)
    }

    /// Which requests to become another protocol are [`ServerEvent::Upgrade`], if anybody listens
    /// to that (`shouldUpgradeCallback`, of Node 24); the others are ordinary requests. By default
    /// all are. A client that merely offers what nobody speaks here, as `Upgrade: h2c`, is still
    /// to be answered.
    pub fn set_should_upgrade<S: 'static>(
        self,
        cx: &mut Context<S>,
        should_upgrade: fn(&Head) -> bool,
    ) -> Self {
        self.set(cx, |settings| settings.should_upgrade = should_upgrade)
    }

    /// How many requests a connection may bring; 0, the default, for any number
    /// (`maxRequestsPerSocket`). The last response says `Connection: close`, further requests are
    /// answered with 503; closing is left to the client, as in Node.
    pub fn set_max_requests_per_socket<S: 'static>(self, cx: &mut Context<S>, max: u32) -> Self {
        self.set(cx, |settings| settings.max_requests_per_socket = max)
    }

    /// Whether a client that has ended its side gets the responses that are still to come; the
    /// connection ends after the last of them. If not, what is not answered by then is dropped
    /// (`httpAllowHalfOpen`, false by default).
    pub fn set_http_allow_half_open<S: 'static>(self, cx: &mut Context<S>, allow: bool) -> Self {
        self.set(cx, |settings| settings.allow_half_open = allow)
    }

    /// Takes no further request from a connection until
    /// [`resume_requests`](Self::resume_requests): what it sends waits in its socket, and then in
    /// the system. The request that is being received comes whole, and what was asked is answered.
    /// It is not idle meanwhile: its keep-alive time begins anew when it is resumed. A no-op if the
    /// connection is not one of this server's.
    pub fn pause_requests<S: 'static>(self, cx: &mut Context<S>, socket: Socket) {
        if let Some(connection) = connection::of::<S>(cx, socket) {
            connection.pipeline.hold_back();
            let timeout = connection::settings(cx, socket).timeout;
            connection::end_idle_time(cx, socket, timeout);
        }
    }

    /// Takes requests again, from the next tick on. A no-op unless they were
    /// [paused](Self::pause_requests).
    pub fn resume_requests<S: 'static>(self, cx: &mut Context<S>, socket: Socket) {
        if let Some(connection) = connection::of::<S>(cx, socket)
            && connection.pipeline.let_come()
        {
            if connection.pipeline.stays_idle() {
                connection::idle(cx, socket);
            }
            connection::go_on(cx, socket);
        }
    }
}

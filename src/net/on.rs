//! The methods that add and remove listeners: `on_` for every time, `once_` for the next time only.

use std::net::{IpAddr, SocketAddr};

use super::events::{Callback, Listeners, ServerCallback, ServerListeners};
use super::{Context, Dropped, Error, Event, EventKind, Handles, Server, ServerEvent};
use super::{ServerEventKind, Socket, reading};
use crate::event_loop::listeners::{Role, adds_listeners, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId};

listener_methods! { Socket of Event, EventKind, Socket, S: Sized;
    on_connection_attempt once_connection_attempt ConnectionAttempt (Self, &SocketAddr)
        socket, Event::ConnectionAttempt(address) => (socket, address);
    on_connection_attempt_failed once_connection_attempt_failed ConnectionAttemptFailed (Self, &SocketAddr, &Error)
        socket, Event::ConnectionAttemptFailed(address, error) => (socket, address, error);
    on_connection_attempt_timeout once_connection_attempt_timeout ConnectionAttemptTimeout (Self, &SocketAddr)
        socket, Event::ConnectionAttemptTimeout(address) => (socket, address);
    on_lookup once_lookup Lookup (Self, Result<IpAddr, &Error>, &str)
        socket, Event::Lookup { found, host } => (socket, found, host);
    on_connect once_connect Connect (Self) socket, Event::Connect => (socket);
    on_ready once_ready Ready (Self) socket, Event::Ready => (socket);
    on_secure once_secure Secure (Self) socket, Event::Secure => (socket);
    on_secure_connect once_secure_connect SecureConnect (Self)
        socket, Event::SecureConnect => (socket);
    on_data once_data Data (Self, &[u8]) socket, Event::Data(bytes) => (socket, bytes);
    on_readable once_readable Readable (Self) socket, Event::Readable => (socket);
    on_end once_end End (Self) socket, Event::End => (socket);
    on_finish once_finish Finish (Self) socket, Event::Finish => (socket);
    on_drain once_drain Drain (Self) socket, Event::Drain => (socket);
    on_timeout once_timeout Timeout (Self) socket, Event::Timeout => (socket);
    on_error once_error Error (Self, &Error) socket, Event::Error(error) => (socket, error);
    on_close once_close Close (Self, bool) socket, Event::Close(had_error) => (socket, had_error);
}

listener_methods! { Server of ServerEvent, ServerEventKind, Server, S: Sized;
    on_listening once_listening Listening (Self) server, ServerEvent::Listening => (server);
    on_connection once_connection Connection (Socket)
        _, ServerEvent::Connection(socket) => (socket);
    on_drop once_drop Drop (Self, Option<&Dropped>) server, ServerEvent::Drop(ends) => (server, ends);
    on_secure_connection once_secure_connection SecureConnection (Socket)
        _, ServerEvent::SecureConnection(socket) => (socket);
    on_tls_client_error once_tls_client_error TlsClientError (&Error, Socket)
        _, ServerEvent::TlsClientError(error, socket) => (error, socket);
    on_error once_error Error (Self, &Error) server, ServerEvent::Error(error) => (server, error);
    on_close once_close Close (Self) server, ServerEvent::Close => (server);
}

impl Socket {
    fn listeners<S>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        Some(&mut cx.connection_mut(self.0)?.own.as_mut()?.listeners)
    }

    fn add_listener<S>(
        self,
        cx: &mut Context<S>,
        kind: Option<EventKind>,
        role: Role,
        first: bool,
        callback: Box<Callback<S>>,
    ) -> ListenerId {
        let Some(connection) = cx.connection_mut(self.0) else {
            return ListenerId::NONE;
        };
        let listeners = &mut connection.own.get_or_insert_default().listeners;
        let id = listeners.add(kind, role, first, callback);
        if kind.is_none_or(|kind| kind == EventKind::Data) {
            reading::data_listener_added(cx, self.0);
        }
        if kind == Some(EventKind::Readable) {
            reading::readable_listener_added(cx, self.0);
        }
        id
    }

    fn run<S, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        socket: Self,
        event: Event<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        socket.check(cx, site, event.name(), returned);
    }

    /// A callback of this socket has returned: with an error it is destroyed, since the program
    /// has not done what it wanted with it.
    pub(super) fn check<S>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        let what = format_args!("'{event}' of socket {}", self.index());
        if let Some(error) = site.check(what, returned) {
            self.destroy_with_error(cx, Error::new(error));
        }
    }
}

adds_listeners! { Server, ServerEventKind, ServerCallback, S: Sized }

impl Server {
    fn listeners<S>(self, cx: &mut Context<S>) -> Option<&mut ServerListeners<S>> {
        Some(&mut cx.server_mut(self.0)?.events)
    }

    /// Its connections are not to blame for an error, but for the one that it is about.
    fn run<S, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        _: Self,
        event: ServerEvent<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        if let ServerEvent::Connection(socket)
        | ServerEvent::SecureConnection(socket)
        | ServerEvent::TlsClientError(_, socket) = event
        {
            socket.check(cx, site, event.name(), returned);
        } else {
            site.check(format_args!("'{}' of a server", event.name()), returned);
        }
    }

    /// Calls back on [`Event::Data`] of any socket this server accepts. Unlike a listener of one
    /// socket's, it is stored once, so a connection costs no closure.
    #[track_caller]
    pub fn on_data<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Socket, &[u8]) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        let heard = move |state: &mut S, cx: &mut Context<S>, socket, event: Event<'_>| {
            if let Event::Data(bytes) = event {
                Socket::run(state, cx, site, socket, event, |state, cx| {
                    callback(state, cx, socket, bytes)
                });
            }
        };
        self.listen_to_sockets(cx, Some(EventKind::Data), Box::new(heard))
    }

    /// Calls back on every event of any socket this server accepts; stored once for all of them. It
    /// listens to data, so data flows.
    #[track_caller]
    pub fn on_socket_event<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) -> R + 'static,
    ) -> Self {
        let callback = Socket::checked(CallbackSite::caller(), callback);
        self.listen_to_sockets(cx, None, callback)
    }

    fn listen_to_sockets<S>(
        self,
        cx: &mut Context<S>,
        kind: Option<EventKind>,
        callback: Box<Callback<S>>,
    ) -> Self {
        if let Some(server) = cx.server_mut(self.0) {
            server.sockets.add(kind, Role::Every, false, callback);
        }
        self
    }
}

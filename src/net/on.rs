//! The methods that add listeners: `on_` for every time, `once_` for the next time only.

use std::net::SocketAddr;

use super::events::EventKind;
use super::{Context, Dropped, Error, Event, Handles, Server, ServerEvent, Socket, reading};
use crate::event_loop::{CallbackResult, CallbackSite};

/// Writes the pair of methods for each event: the event, the types of what the callback gets, and
/// how they are taken out of it.
macro_rules! listener_methods {
    ($subject:ident, $event:ident: $(
        $on:ident $once:ident $kind:ident ($($type:ty),*) $pattern:pat => ($($value:expr),*);
    )*) => {
        impl $subject {
            $(
                #[doc = concat!("Calls back on every [`", stringify!($event), "::", stringify!($kind), "`].")]
                #[track_caller]
                pub fn $on<S, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S>, Self $(, $type)*) -> R + 'static,
                ) -> Self {
                    let site = CallbackSite::caller();
                    self.listen_to(cx, EventKind::$kind, false, move |state, cx, subject, event| {
                        if let $pattern = event {
                            let returned = callback(state, cx, subject $(, $value)*);
                            subject.check(cx, site, event.name(), returned);
                        }
                    })
                }

                #[doc = concat!("Calls back on the next [`", stringify!($event), "::", stringify!($kind), "`] only.")]
                #[track_caller]
                pub fn $once<S, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S>, Self $(, $type)*) -> R + 'static,
                ) -> Self {
                    let site = CallbackSite::caller();
                    self.listen_to(cx, EventKind::$kind, true, move |state, cx, subject, event| {
                        if let $pattern = event {
                            let returned = callback(state, cx, subject $(, $value)*);
                            subject.check(cx, site, event.name(), returned);
                        }
                    })
                }
            )*
        }
    };
}

listener_methods! { Socket, Event:
    on_connection_attempt once_connection_attempt ConnectionAttempt (&SocketAddr)
        Event::ConnectionAttempt(address) => (address);
    on_connection_attempt_failed once_connection_attempt_failed ConnectionAttemptFailed (&SocketAddr, &Error)
        Event::ConnectionAttemptFailed(address, error) => (address, error);
    on_connection_attempt_timeout once_connection_attempt_timeout ConnectionAttemptTimeout (&SocketAddr)
        Event::ConnectionAttemptTimeout(address) => (address);
    on_lookup once_lookup Lookup (Result<std::net::IpAddr, &Error>, &str)
        Event::Lookup { found, host } => (found, host);
    on_connect once_connect Connect () Event::Connect => ();
    on_ready once_ready Ready () Event::Ready => ();
    on_data once_data Data (&[u8]) Event::Data(bytes) => (bytes);
    on_end once_end End () Event::End => ();
    on_finish once_finish Finish () Event::Finish => ();
    on_drain once_drain Drain () Event::Drain => ();
    on_timeout once_timeout Timeout () Event::Timeout => ();
    on_error once_error Error (&Error) Event::Error(error) => (error);
    on_close once_close Close (bool) Event::Close(had_error) => (had_error);
}

listener_methods! { Server, ServerEvent:
    on_listening once_listening Listening () ServerEvent::Listening => ();
    on_drop once_drop Drop (Option<&Dropped>) ServerEvent::Drop(ends) => (ends);
    on_error once_error Error (&Error) ServerEvent::Error(error) => (error);
    on_close once_close Close () ServerEvent::Close => ();
}

impl Socket {
    /// Calls back on every event of this one socket: how a protocol plugs in.
    #[track_caller]
    pub fn on_event<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, Event<'_>) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        self.listen_to(cx, EventKind::Any, false, checked(site, callback))
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
            self.destroy_with(cx, Error::new(error));
        }
    }

    fn listen_to<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        once: bool,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, Event<'_>) + 'static,
    ) -> Self {
        let Some(connection) = cx.connection_mut(self.0) else {
            return self;
        };
        let own = connection.own.get_or_insert_default();
        own.listeners.add(kind, once, Box::new(callback));
        if matches!(kind, EventKind::Data | EventKind::Any) {
            reading::data_listener_added(cx, self.0);
        }
        self
    }
}

/// A listener of all events of a socket, whose errors are acted on.
fn checked<S, R: CallbackResult>(
    site: CallbackSite,
    mut callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) -> R + 'static,
) -> impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) + 'static {
    move |state, cx, socket, event| {
        let returned = callback(state, cx, socket, event);
        socket.check(cx, site, event.name(), returned);
    }
}

impl Server {
    /// A callback of this server has returned. Its connections are not to blame for an error.
    pub(super) fn check<S>(
        self,
        _: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        site.check(format_args!("'{event}' of a server"), returned);
    }

    /// Calls back on every [`ServerEvent::Connection`].
    #[track_caller]
    pub fn on_connection<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket) -> R + 'static,
    ) -> Self {
        self.listen_to_connection(cx, false, callback)
    }

    /// Calls back on the next [`ServerEvent::Connection`] only.
    #[track_caller]
    pub fn once_connection<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket) -> R + 'static,
    ) -> Self {
        self.listen_to_connection(cx, true, callback)
    }

    #[track_caller]
    fn listen_to_connection<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        once: bool,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Socket) -> R + 'static,
    ) -> Self {
        let (kind, site) = (EventKind::Connection, CallbackSite::caller());
        self.listen_to(cx, kind, once, move |state, cx, _server, event| {
            if let ServerEvent::Connection(socket) = event {
                let returned = callback(state, cx, socket);
                socket.check(cx, site, event.name(), returned);
            }
        })
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
        self.listen_to_sockets(cx, EventKind::Data, move |state, cx, socket, event| {
            if let Event::Data(bytes) = event {
                let returned = callback(state, cx, socket, bytes);
                socket.check(cx, site, event.name(), returned);
            }
        })
    }

    /// Calls back on every event of any socket this server accepts; stored once for all of them. It
    /// listens to data, so data flows.
    #[track_caller]
    pub fn on_socket_event<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        self.listen_to_sockets(cx, EventKind::Any, checked(site, callback))
    }

    fn listen_to_sockets<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket, Event<'_>) + 'static,
    ) -> Self {
        if let Some(server) = cx.server_mut(self.0) {
            server.sockets.add(kind, false, Box::new(callback));
        }
        self
    }

    pub(super) fn listen_to<S>(
        self,
        cx: &mut Context<S>,
        kind: EventKind,
        once: bool,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, ServerEvent<'_>) + 'static,
    ) -> Self {
        if let Some(server) = cx.server_mut(self.0) {
            server.events.add(kind, once, Box::new(callback));
        }
        self
    }
}

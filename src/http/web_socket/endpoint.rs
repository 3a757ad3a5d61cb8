//! Endpoints: who listens to many WebSockets, and what limits them.

use std::time::Duration;

use super::deadlines::Deadlines;
use super::{Error, Event, EventKind, Message, Options, WebSocket};
use crate::event_loop::listeners::{self, Role, adds_listeners, emit, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId, Timer};
use crate::net::Context;

/// Listeners and limits that many WebSockets share, stored once for all of them: a small id, as
/// good as its loop. What `WebSocketServer` is in Node's `ws`, for WebSockets that this end has
/// opened, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(u32);

type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, WebSocket, Event<'_>);
type Listeners<S> = listeners::Listeners<EventKind, Callback<S>>;

/// What the loop keeps of an endpoint.
pub(super) struct Shared<S> {
    pub(super) options: Options,
    pub(super) listeners: Listeners<S>,
    pub(super) deadlines: Deadlines,
    /// The one timer, and the loop time it is set to.
    pub(super) timer: Option<(u64, Timer)>,
}

/// The endpoints of a loop, in its extensions.
struct Endpoints<S>(Vec<Shared<S>>);

listener_methods! { Endpoint of Event, EventKind, WebSocket, S: 'static;
    on_message once_message Message (WebSocket, Message<'_>) web_socket, Event::Message(message) => (web_socket, message);
    on_ping once_ping Ping (WebSocket, &[u8]) web_socket, Event::Ping(payload) => (web_socket, payload);
    on_pong once_pong Pong (WebSocket, &[u8]) web_socket, Event::Pong(payload) => (web_socket, payload);
    on_drain once_drain Drain (WebSocket) web_socket, Event::Drain => (web_socket);
    on_error once_error Error (WebSocket, &Error) web_socket, Event::Error(error) => (web_socket, error);
    on_close once_close Close (WebSocket, u16, &str) web_socket, Event::Close(code, reason) => (web_socket, code, reason);
}

adds_listeners! { Endpoint, EventKind, Callback, S: 'static }

impl Endpoint {
    /// Makes an endpoint that has no WebSockets yet.
    pub fn new<S: 'static>(cx: &mut Context<S>, options: Options) -> Self {
        let shared = Shared {
            options,
            listeners: Listeners::default(),
            deadlines: Deadlines::new(&options),
            timer: None,
        };
        let extensions = cx.extensions_mut();
        if extensions.get::<Endpoints<S>>().is_none() {
            extensions.insert(Endpoints::<S>(Vec::new()));
        }
        let all = extensions.get_mut::<Endpoints<S>>();
        let place = all.map_or(0, |Endpoints(all)| {
            all.push(shared);
            all.len() - 1
        });
        Self(place as u32)
    }

    fn listeners<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        Some(&mut self.shared(cx)?.listeners)
    }

    fn run<S: 'static, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        web_socket: WebSocket,
        event: Event<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        web_socket.check(cx, site, event.name(), returned);
    }

    /// What its WebSockets keep to.
    #[must_use]
    pub fn options<S: 'static>(self, cx: &Context<S>) -> Options {
        let all = cx.extensions().get::<Endpoints<S>>();
        all.and_then(|Endpoints(all)| all.get(self.0 as usize))
            .map(|shared| shared.options)
            .unwrap_or_default()
    }

    /// Gives those that begin to end from now on more time for it than
    /// [`close_timeout`](Options::close_timeout) said: a server that ends as a whole may
    /// have more patience than one that runs. Less than before changes nothing, since who waits
    /// already is due first.
    pub fn extend_close_timeout<S: 'static>(self, cx: &mut Context<S>, time: Duration) {
        if let Some(shared) = self.shared(cx) {
            let longer = shared.options.close_timeout.max(time);
            shared.options.close_timeout = longer;
            shared.deadlines.set_close_wait(longer);
        }
    }

    pub(super) fn shared<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Shared<S>> {
        let Endpoints(all) = cx.extensions_mut().get_mut::<Endpoints<S>>()?;
        all.get_mut(self.0 as usize)
    }

    /// Tells the listeners.
    pub(super) fn emit<S: 'static>(
        self,
        state: &mut S,
        cx: &mut Context<S>,
        web_socket: WebSocket,
        event: Event<'_>,
    ) {
        emit(
            state,
            cx,
            event.kind(),
            |cx| self.listeners(cx),
            |callback: &mut Callback<S>, state, cx| callback(state, cx, web_socket, event),
        );
    }
}

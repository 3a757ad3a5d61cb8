//! Endpoints: who listens to many WebSockets, and what limits them.

use super::deadlines::{Deadlines, Due};
use super::{Error, WebSocket, connection};
use crate::event_loop::listeners::{self, Role, emit, event_kinds, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId, Timer};
use crate::net::Context;

/// The deadlines that one timer's callback handles at most; the others follow a turn later.
const DUE_PER_TURN: usize = 256;

/// What the WebSockets of an endpoint keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The largest message that is taken, in bytes; a larger one fails the connection with 1009.
    /// 1 MiB. A connection holds at most twice as much while a message comes in pieces.
    pub max_message: usize,
    /// Who was silent for so many milliseconds is sent a ping; 0, the default, for never. It may be
    /// up to twice as long, since silence is looked for once in this time.
    pub ping_interval_ms: u32,
    /// Who stays silent for so many milliseconds after the ping is closed, with 1006. 10 s.
    pub ping_timeout_ms: u32,
    /// From our close frame, or the peer's, the connection may take so many milliseconds to end;
    /// then it is cut off. 30 s.
    pub close_timeout_ms: u32,
    /// Bytes that are still read and told behind our close frame, in wait for the peer's. Beyond
    /// them the peer has to wait until it is cut off. All of them, unless this says otherwise.
    pub max_after_close: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 1024 * 1024,
            ping_interval_ms: 0,
            ping_timeout_ms: 10_000,
            close_timeout_ms: 30_000,
            max_after_close: usize::MAX,
        }
    }
}

/// A message, as a listener is lent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// What can happen to a WebSocket. Emitted by the loop, never from within a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole message came. Not while paused; still after `close`, until the peer's close frame.
    Message(Message<'a>),
    /// A ping came, and has been answered unless `close` was called before.
    Ping(&'a [u8]),
    /// A pong came.
    Pong(&'a [u8]),
    /// After a send that returned false, or when answers to pings could not be sent at once: all
    /// is sent, send on.
    Drain,
    /// The peer broke the protocol. It is told why, nothing more is read, and
    /// [`Close`](Self::Close) follows. An error of the socket's is no such error: there, as in
    /// Node's `ws`, only the close follows.
    Error(&'a Error),
    /// The connection is closed, in the closing phase, once; nothing follows. The code and the
    /// reason are those of the peer's close frame: 1005 if it had none, 1006 if there was no such
    /// frame.
    Close(u16, &'a str),
}

/// Listeners and limits that many WebSockets share, stored once for all of them: a small id, as
/// good as its loop. What `WebSocketServer` is in Node's `ws`, for WebSockets that this end has
/// opened, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(u32);

event_kinds! { EventKind of Event:
    Message "message",
    Ping "ping",
    Pong "pong",
    Drain "drain",
    Error "error",
    Close "close",
}

type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, WebSocket, Event<'_>);
type Listeners<S> = listeners::Listeners<EventKind, Callback<S>>;

/// What the loop keeps of an endpoint.
struct Shared<S> {
    options: Options,
    listeners: Listeners<S>,
    deadlines: Deadlines,
    /// The one timer, and the loop time it is set to.
    timer: Option<(u64, Timer)>,
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

    fn add_listener<S: 'static>(
        self,
        cx: &mut Context<S>,
        kind: Option<EventKind>,
        role: Role,
        first: bool,
        callback: Box<Callback<S>>,
    ) -> ListenerId {
        let listeners = self.listeners(cx);
        listeners.map_or(ListenerId::NONE, |listeners| {
            listeners.add(kind, role, first, callback)
        })
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
    /// [`close_timeout_ms`](Options::close_timeout_ms) said: a server that ends as a whole may
    /// have more patience than one that runs. Less than before changes nothing, since who waits
    /// already is due first.
    pub fn extend_close_timeout<S: 'static>(self, cx: &mut Context<S>, ms: u32) {
        if let Some(shared) = self.shared(cx) {
            let longer = shared.options.close_timeout_ms.max(ms);
            shared.options.close_timeout_ms = longer;
            shared.deadlines.set_close_wait(longer);
        }
    }

    fn shared<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Shared<S>> {
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

    /// Sees to it that the WebSocket is looked at when this is due.
    pub(super) fn set_deadline<S: 'static>(
        self,
        cx: &mut Context<S>,
        due: Due,
        web_socket: WebSocket,
    ) {
        let now = cx.now();
        if let Some(shared) = self.shared(cx) {
            shared.deadlines.push(now, due, web_socket);
            self.arm(cx);
        }
    }

    /// Sets the timer to the first deadline, unless it is set to about that.
    fn arm<S: 'static>(self, cx: &mut Context<S>) {
        let now = cx.now();
        let Some(shared) = self.shared(cx) else {
            return;
        };
        let Some(at) = shared.deadlines.next_look(now) else {
            return;
        };
        let set = shared.timer;
        let grain = shared.deadlines.grain();
        if set.is_some_and(|(set, _)| set <= at + grain) {
            return;
        }
        if let Some((_, timer)) = set {
            cx.clear_timer(timer);
        }
        let timer = cx.set_timeout(at.saturating_sub(now), move |_, cx| self.look(cx));
        // Who is waited for holds the loop open, not the waiting.
        cx.set_timer_ref(timer, false);
        if let Some(shared) = self.shared(cx) {
            shared.timer = Some((at, timer));
        }
    }

    /// Timers phase: looks at those whose deadline is past.
    fn look<S: 'static>(self, cx: &mut Context<S>) {
        let (now, awake) = (cx.now(), cx.awake_since());
        if let Some(shared) = self.shared(cx) {
            shared.timer = None;
        }
        for _ in 0..DUE_PER_TURN {
            let due = self.shared(cx).and_then(|shared| shared.deadlines.pop(now));
            let Some((due, web_socket, since)) = due else {
                break;
            };
            if since < awake {
                // What the peer has done while the loop was held up is still to be seen.
                self.set_deadline(cx, due, web_socket);
            } else if let Some(next) = connection::due(cx, web_socket, due) {
                self.set_deadline(cx, next, web_socket);
            }
        }
        self.arm(cx);
    }
}

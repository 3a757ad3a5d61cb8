//! Requests of a client.

use std::time::Duration;

use super::audience::{Callback, Listeners, RequestEvent, RequestEventKind};
use super::driver;
use super::exchange::{Sending, When, Written};
use super::ids::{Agent, ClientRequest};
use super::options::{Choice, RequestOptions};
use super::pool::AgentState;
use super::serving;
use super::state::{
    Request, Timeout, agent, clients, fail, hung_up, known, of, over_later, tell_error,
};
use super::url::Scheme;
use crate::Context;
use crate::event_loop::listeners::{Role, adds_listeners, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId};
use crate::http::incoming::IncomingMessage;
use crate::http::message::Head;
use crate::http::message::outgoing::Outgoing;
use crate::http::{WriteCallback, gone, write_after_end};
use crate::net::{Error, Socket};

/// Makes a request, to be [written](ClientRequest::write) to and [ended](ClientRequest::end)
/// (`http.request`). What becomes of it is an event: [`RequestEvent::Response`], or
/// [`RequestEvent::Error`]; then [`RequestEvent::Close`].
pub fn request<S: 'static>(
    cx: &mut Context<S>,
    options: impl Into<RequestOptions>,
) -> ClientRequest {
    request_over(cx, Scheme::Http, options.into())
}

/// As [`request`], over this.
pub(crate) fn request_over<S: 'static>(
    cx: &mut Context<S>,
    scheme: Scheme,
    mut options: RequestOptions,
) -> ClientRequest {
    let error = options.check(scheme);
    let of_agent = match options.agent {
        Choice::Global => Some(Agent(0)),
        Choice::Agent(agent) => Some(agent),
        Choice::None => None,
    };
    let reuses = of_agent.and_then(|of_agent| agent(cx, of_agent));
    let keep_alive = reuses.is_some_and(|own| AgentState::reuses(own));
    let (name, place) = (options.name(scheme), options.place(scheme));
    let timeout = options.timeout.unwrap_or_default();
    let mut outgoing = Outgoing {
        fields: std::mem::take(&mut options.fields),
        chunks: true,
        keep_alive,
        ..Outgoing::default()
    };
    if error.is_none() && options.sets_host && outgoing.fields.get("host").is_none() {
        // Of a host that cannot stand in a field no address will be found either.
        if let Err(error) = outgoing.set("Host", options.host_field(scheme).as_bytes()) {
            options.error = Some(error.into());
        }
    }
    if let Some(auth) = &options.auth
        && outgoing.fields.get("authorization").is_none()
    {
        let basic = format!("Basic {}", data_encoding::BASE64.encode(auth));
        if let Err(error) = outgoing.set("Authorization", basic.as_bytes()) {
            options.error = Some(error.into());
        }
    }
    let error = error.or(options.error.take());
    let mut sending = Sending::new(options.method, options.path, outgoing);
    if error.is_some() {
        sending.destroy();
    }
    let asks_first = sending.outgoing.fields.get("expect").is_some();
    let clients = clients(cx);
    clients.generation += 1;
    let generation = clients.generation;
    let index = clients.requests.insert(Request {
        generation,
        sending,
        listeners: Listeners::default(),
        callbacks: Vec::new(),
        on_finish: Vec::new(),
        agent: of_agent,
        name: name.clone(),
        socket: None,
        limits: options.limits,
        timeout: Timeout {
            idle: options.timeout,
            ..Timeout::default()
        },
        reused: false,
        destroy_error: None,
        failed: false,
    });
    let request = ClientRequest { index, generation };
    if asks_first {
        // The server is asked before there is a body.
        request.send(cx, None, false);
    }
    match (error, of_agent) {
        (Some(error), _) => over_later(cx, request, error),
        (None, Some(of_agent)) => driver::find_connection(cx, of_agent, &name, request, place),
        (None, None) => driver::connect_alone(cx, request, place, timeout),
    }
    request
}

/// Makes a request without a body (`http.get`).
pub fn get<S: 'static>(cx: &mut Context<S>, options: impl Into<RequestOptions>) -> ClientRequest {
    request(cx, options).end(cx)
}

listener_methods! { ClientRequest of RequestEvent, RequestEventKind, ClientRequest, S: 'static;
    on_socket once_socket Socket (Self, Socket) request, RequestEvent::Socket(socket) => (request, socket);
    on_continue once_continue Continue (Self) request, RequestEvent::Continue => (request);
    on_information once_information Information (Self, &Head) request, RequestEvent::Information(head) => (request, head);
    on_response once_response Response (Self, IncomingMessage) request, RequestEvent::Response(response) => (request, response);
    on_upgrade once_upgrade Upgrade (Self, &Head, Socket, &[u8])
        request, RequestEvent::Upgrade(head, socket, rest) => (request, head, socket, rest);
    on_connect once_connect Connect (Self, &Head, Socket, &[u8])
        request, RequestEvent::Connect(head, socket, rest) => (request, head, socket, rest);
    on_drain once_drain Drain (Self) request, RequestEvent::Drain => (request);
    on_finish once_finish Finish (Self) request, RequestEvent::Finish => (request);
    on_timeout once_timeout Timeout (Self) request, RequestEvent::Timeout => (request);
    on_error once_error Error (Self, &Error) request, RequestEvent::Error(error) => (request, error);
    on_close once_close Close (Self) request, RequestEvent::Close => (request);
}

adds_listeners! { ClientRequest, RequestEventKind, Callback, S: 'static }

impl ClientRequest {
    /// A callback of this request has returned: with an error it is given up.
    fn check<S: 'static>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        if let Some(error) = site.check(format_args!("'{event}' of a request"), returned) {
            self.destroy_with_error(cx, Error::new(error));
        }
    }

    fn listeners<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        Some(&mut of(cx, self)?.listeners)
    }

    fn run<S: 'static, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        request: Self,
        event: RequestEvent<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        request.check(cx, site, event.name(), returned);
    }

    /// Sends the head now, without waiting for the first of the body (`req.flushHeaders`).
    pub fn flush_headers<S: 'static>(self, cx: &mut Context<S>) -> Self {
        if !self.headers_sent(cx) {
            self.send(cx, None, false);
        }
        self
    }

    /// Writes some of the body (`req.write`); the head goes out first. False if so much is queued
    /// that one should wait for [`RequestEvent::Drain`], or if nothing can be sent any more. A
    /// body that is written piece by piece goes out in chunks unless a `Content-Length` is set.
    pub fn write<S: 'static>(self, cx: &mut Context<S>, data: impl AsRef<[u8]>) -> bool {
        self.send(cx, Some(data.as_ref()), false)
    }

    /// As [`write`](Self::write), and calls back once it is sent, or cannot be: never before this
    /// returns.
    #[track_caller]
    pub fn write_then<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> bool {
        let callback = self.told(CallbackSite::caller(), "write", callback);
        match known(cx, self).map(|own| (own.sending.outgoing.ended, own.sending.is_destroyed())) {
            Some((false, false)) => {
                if let Some(own) = of(cx, self) {
                    own.callbacks.push(callback);
                }
                self.write(cx, data)
            }
            Some((false, true)) => {
                cx.next_tick(move |state, cx| callback(state, cx, Some(&gone())));
                false
            }
            _ => {
                self.refuse(cx, write_after_end(), Some(callback));
                false
            }
        }
    }

    fn told<S: 'static, R: CallbackResult>(
        self,
        site: CallbackSite,
        what: &'static str,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> WriteCallback<S> {
        Box::new(move |state, cx, error| {
            let returned = callback(state, cx, error);
            self.check(cx, site, what, returned);
        })
    }

    /// Takes a piece of the body, behind the head if that is still to be sent.
    fn send<S: 'static>(self, cx: &mut Context<S>, data: Option<&[u8]>, end: bool) -> bool {
        let socket = of(cx, self).and_then(|own: &mut Request<S>| own.socket);
        let queued = socket.map_or(0, |socket| socket.writable_length(cx));
        let written = of(cx, self).map(|own| own.sending.write(data, end, queued));
        match written {
            None | Some(Written::Dropped) => false,
            Some(Written::AfterEnd) => {
                self.refuse(cx, write_after_end(), None);
                false
            }
            Some(Written::Wrong(misuse)) => {
                self.report(cx, misuse.into());
                false
            }
            Some(Written::Done { below, when }) => {
                match when {
                    When::Later => {}
                    When::Soon => cx.next_tick(move |_, cx| serving::flush(cx, self)),
                    When::Now => serving::flush(cx, self),
                }
                below
            }
        }
    }

    /// What was written cannot be sent any more: its callback is told, and behind it whoever
    /// listens to errors. The request goes on.
    fn refuse<S: 'static>(
        self,
        cx: &mut Context<S>,
        error: Error,
        callback: Option<WriteCallback<S>>,
    ) {
        cx.next_tick(move |state, cx| {
            if let Some(callback) = callback {
                callback(state, cx, Some(&error));
            }
            if !self.destroyed(cx) {
                tell_error(state, cx, self, &error);
            }
        });
    }

    /// What the program did wrong: the request cannot be completed any more.
    fn report<S: 'static>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| {
            fail(state, cx, self, &error);
            self.destroy(cx);
        });
    }

    /// Ends the request (`req.end()`): now the response may come.
    pub fn end<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.end_with(cx, b"")
    }

    /// Writes this, and ends the request (`req.end(data)`). Ending it again is a no-op, unless
    /// there is something to write, which is an [`RequestEvent::Error`] then.
    pub fn end_with<S: 'static>(self, cx: &mut Context<S>, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        if !self.writable_ended(cx) || !data.is_empty() {
            self.send(cx, Some(data), true);
        }
        self
    }

    /// As [`end_with`](Self::end_with), and calls back after [`RequestEvent::Finish`], or when
    /// that cannot come.
    #[track_caller]
    pub fn end_then<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> Self {
        let callback = self.told(CallbackSite::caller(), "end", callback);
        let data = data.as_ref();
        let finished = known(cx, self).is_none_or(|own| own.sending.has_finished());
        if finished || (self.writable_ended(cx) && !data.is_empty()) {
            let error = if data.is_empty() {
                already_finished()
            } else {
                write_after_end()
            };
            cx.next_tick(move |state, cx| callback(state, cx, Some(&error)));
        } else if let Some(own) = of(cx, self) {
            own.on_finish.push(callback);
        }
        self.end_with(cx, data)
    }

    /// Gives the request up and closes its connection (`req.destroy()`): unless its response has
    /// come, [`RequestEvent::Error`] follows with `ECONNRESET`; then [`RequestEvent::Close`]. One
    /// whose response has come and ended is over already.
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.give_up(cx, None)
    }

    /// As [`destroy`](Self::destroy), for a reason, which is then the error.
    pub fn destroy_with_error<S: 'static>(self, cx: &mut Context<S>, error: Error) -> Self {
        self.give_up(cx, Some(error))
    }

    fn give_up<S: 'static>(self, cx: &mut Context<S>, error: Option<Error>) -> Self {
        let Some(own) = of(cx, self) else { return self };
        if !own.sending.destroy() {
            return self;
        }
        match (own.socket, own.agent) {
            (Some(socket), _) if own.sending.is_attached() => {
                serving::discard(cx, socket);
                match error {
                    Some(error) => socket.destroy_with_error(cx, error),
                    None => socket.destroy(cx),
                };
            }
            // It is told when the connection would have been its own.
            (Some(_), _) => own.destroy_error = error,
            (None, agent) => {
                let name = own.name.clone();
                if let Some(own) = agent.and_then(|agent| self::agent(cx, agent)) {
                    own.forget(&name, self);
                }
                over_later(cx, self, error.unwrap_or_else(hung_up));
            }
        }
        self
    }

    /// Emits [`RequestEvent::Timeout`] when the connection has been idle for so long since it
    /// stands; zero turns it off (`req.setTimeout`). Not after the end of the response.
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        let Some(own) = of(cx, self) else { return self };
        if own.sending.has_response_ended() {
            return self;
        }
        (own.timeout.idle, own.timeout.connected) = (Some(idle), true);
        let attached = own.socket.filter(|_| own.sending.is_attached());
        if let Some(socket) = attached.filter(|socket| !socket.connecting(cx)) {
            socket.set_timeout(cx, idle);
        }
        self
    }

    /// Whether what is written goes out at once (`req.setNoDelay`), which it does by default; as
    /// [`Socket::set_no_delay`], as soon as it has a connection.
    pub fn set_no_delay<S: 'static>(self, cx: &mut Context<S>, on: bool) -> Self {
        self.with_socket(cx, move |cx, socket| {
            socket.set_no_delay(cx, on);
        })
    }

    /// Has the connection probed when it has been idle for so long
    /// (`req.setSocketKeepAlive`); as [`Socket::set_keep_alive`], as soon as it has one.
    pub fn set_socket_keep_alive<S: 'static>(
        self,
        cx: &mut Context<S>,
        initial_delay: Option<Duration>,
    ) -> Self {
        self.with_socket(cx, move |cx, socket| {
            socket.set_keep_alive(cx, initial_delay);
        })
    }

    /// Does something with its connection: now, or when it has one.
    fn with_socket<S: 'static>(
        self,
        cx: &mut Context<S>,
        act: impl FnOnce(&mut Context<S>, Socket) + 'static,
    ) -> Self {
        match self.socket(cx) {
            Some(socket) => act(cx, socket),
            None => {
                let mut act = Some(act);
                let callback = move |_: &mut S, cx: &mut Context<S>, _, event: RequestEvent<'_>| {
                    if let (RequestEvent::Socket(socket), Some(act)) = (event, act.take()) {
                        act(cx, socket);
                    }
                };
                if let Some(listeners) = self.listeners(cx) {
                    listeners.add_own(RequestEventKind::Socket, Box::new(callback));
                }
            }
        }
        self
    }

    /// The connection it goes out on, once it has one (`req.socket`).
    #[must_use]
    pub fn socket<S: 'static>(self, cx: &Context<S>) -> Option<Socket> {
        known(cx, self)?.socket
    }

    /// The method (`req.method`). `None` if it is stale.
    #[must_use]
    pub fn method<S: 'static>(self, cx: &Context<S>) -> Option<&str> {
        known(cx, self).map(|own| own.sending.method.as_str())
    }

    /// The target (`req.path`). `None` if it is stale.
    #[must_use]
    pub fn path<S: 'static>(self, cx: &Context<S>) -> Option<&str> {
        known(cx, self).map(|own| own.sending.path.as_str())
    }

    /// Whether its connection has served another request, and has waited since
    /// (`req.reusedSocket`): if it fails, the server may have closed it meanwhile, and another try
    /// is in order.
    #[must_use]
    pub fn reused_socket<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.reused)
    }

    /// Whether it was given up or is over (`req.destroyed`).
    #[must_use]
    pub fn destroyed<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_none_or(|own| own.sending.is_destroyed())
    }

    /// Bytes that are not with the kernel yet (`req.writableLength`), the head and the marks of chunks
    /// among them.
    #[must_use]
    pub fn writable_length<S: 'static>(self, cx: &Context<S>) -> usize {
        let Some(own) = known(cx, self) else { return 0 };
        let attached = own.socket.filter(|_| own.sending.is_attached());
        let queued = attached.map_or(0, |socket| socket.writable_length(cx));
        own.sending.unsent() + queued
    }

    /// Whether it has ended, and the kernel has all of it (`req.writableFinished`).
    #[must_use]
    pub fn writable_finished<S: 'static>(self, cx: &Context<S>) -> bool {
        self.writable_ended(cx) && self.writable_length(cx) == 0
    }

    /// Whether `end` was called (`req.writableEnded`).
    #[must_use]
    pub fn writable_ended<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_none_or(|own| own.sending.outgoing.ended)
    }
}

fn already_finished() -> Error {
    let message = "Cannot call end after a stream was finished";
    Error::with_code("ERR_STREAM_ALREADY_FINISHED", message)
}

//! Requests of a client.

use slab::Slab;

use super::Head;
use super::agent::{self, Agent, AgentState};
use super::client_connection as connection;
use super::incoming::IncomingMessage;
use super::listeners::{self, Kept, Listeners, emit, listener_methods};
use super::options::{Choice, RequestOptions};
use super::outgoing::{Added, Outgoing, write_after_end};
use super::response::WriteCallback;
use crate::Context;
use crate::net::{self, Error, Socket};

/// Bytes of a request that wait for a connection, from which on `write` returns false.
const FULL: usize = 16 * 1024;

/// A request that a client makes (`http.ClientRequest`): a small id; everything goes through the context.
///
/// It is good until its [`Close`](RequestEvent::Close), which always comes, once; done with a stale one,
/// everything is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientRequest {
    index: usize,
    generation: u64,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug)]
pub enum RequestEvent<'a> {
    /// It has a connection, which may not stand yet; a tick later at the earliest.
    Socket(Socket),
    /// The server asks to go on (`Expect: 100-continue`).
    Continue,
    /// The server has said something in advance, with a status from 100 to 199 except 101.
    Information(&'a Head),
    /// The head of the response has come. If nobody listens to it, the response is thrown away.
    Response(IncomingMessage),
    /// The server has switched protocols: its head, the socket, which is the listener's from now on, and what
    /// has come behind the head. If nobody listens to it, the connection is closed.
    Upgrade(&'a Head, Socket, &'a [u8]),
    /// The response to a CONNECT; as [`Upgrade`](Self::Upgrade).
    Connect(&'a Head, Socket, &'a [u8]),
    /// After a `write` that returned false: all is sent, write on. Not after `end`.
    Drain,
    /// All of the request was handed to the kernel.
    Finish,
    /// The connection was idle for the time set. Closes nothing.
    Timeout,
    /// There will be no response: it could not be made or sent, the connection ended too soon
    /// (`ECONNRESET`), or what came is no HTTP. Once it has a [`Response`](Self::Response), that has the
    /// error.
    Error(&'a Error),
    /// It is over, in whichever way. Nothing follows.
    Close,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Socket,
    Continue,
    Information,
    Response,
    Upgrade,
    Connect,
    Drain,
    Finish,
    Timeout,
    Error,
    Close,
}

impl listeners::Kind for Kind {
    fn bit(self) -> u16 {
        1 << self as u16
    }
}

type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, ClientRequest, RequestEvent<'_>);

/// What the loop keeps of a request.
struct Request<S> {
    generation: u64,
    method: String,
    path: String,
    outgoing: Outgoing,
    listeners: Listeners<Callback<S>>,
    callbacks: Vec<WriteCallback<S>>,
    agent: Option<Agent>,
    name: String,
    socket: Option<Socket>,
    /// Its bytes may go to the socket.
    attached: bool,
    out: Vec<u8>,
    flush_queued: bool,
    timeout: Option<u32>,
    reused: bool,
    /// Everything is with the kernel.
    finished: bool,
    response_ended: bool,
    responded: bool,
    freed: bool,
    destroyed: bool,
    destroy_error: Option<Error>,
    /// An error was told.
    failed: bool,
}

/// What all clients of a loop share, as data of the loop.
pub(super) struct ClientState<S> {
    requests: Slab<Request<S>>,
    generation: u64,
    pub(super) agents: Vec<AgentState>,
}

/// The clients' state, made when it is first asked for. The first agent is the loop's own.
pub(super) fn state<S: 'static>(cx: &mut Context<S>) -> &mut ClientState<S> {
    if cx.extensions().get::<ClientState<S>>().is_none() {
        cx.extensions_mut().insert(ClientState::<S> {
            requests: Slab::new(),
            generation: 0,
            agents: vec![AgentState::global()],
        });
    }
    cx.extensions_mut()
        .get_mut()
        .expect("it was just put there")
}

fn of<S: 'static>(cx: &mut Context<S>, request: ClientRequest) -> Option<&mut Request<S>> {
    let requests = &mut cx.extensions_mut().get_mut::<ClientState<S>>()?.requests;
    let own = requests.get_mut(request.index)?;
    (own.generation == request.generation).then_some(own)
}

fn known<S: 'static>(cx: &Context<S>, request: ClientRequest) -> Option<&Request<S>> {
    let requests = &cx.extensions().get::<ClientState<S>>()?.requests;
    let own = requests.get(request.index)?;
    (own.generation == request.generation).then_some(own)
}

/// Makes a request, to be [written](ClientRequest::write) to and [ended](ClientRequest::end)
/// (`http.request`). What becomes of it is an event: [`RequestEvent::Response`], or
/// [`RequestEvent::Error`]; then [`RequestEvent::Close`].
pub fn request<S: 'static>(
    cx: &mut Context<S>,
    options: impl Into<RequestOptions>,
) -> ClientRequest {
    let mut options: RequestOptions = options.into();
    let error = options.check();
    let agent = match options.agent {
        Choice::Global => Some(Agent(0)),
        Choice::Agent(agent) => Some(agent),
        Choice::None => None,
    };
    let clients = state(cx);
    let reuses = agent.and_then(|agent| clients.agents.get(agent.0));
    let keep_alive = reuses.is_some_and(AgentState::reuses);
    clients.generation += 1;
    let generation = clients.generation;
    let (name, target) = (options.name(), options.target());
    let mut outgoing = Outgoing {
        fields: std::mem::take(&mut options.fields),
        chunks: true,
        keep_alive,
        ..Outgoing::default()
    };
    if error.is_none() && outgoing.fields.get("host").is_none() {
        // Of a host that cannot stand in a field no address will be found either.
        if let Err(error) = outgoing.set("Host", options.host_field().as_bytes()) {
            options.error = Some(error);
        }
    }
    let error = error.or(options.error.take());
    let index = state(cx).requests.insert(Request {
        generation,
        method: options.method,
        path: options.path,
        outgoing,
        listeners: Listeners::default(),
        callbacks: Vec::new(),
        agent,
        name: name.clone(),
        socket: None,
        attached: false,
        out: Vec::new(),
        flush_queued: false,
        timeout: options.timeout,
        reused: false,
        finished: false,
        response_ended: false,
        responded: false,
        freed: false,
        destroyed: error.is_some(),
        destroy_error: None,
        failed: false,
    });
    let request = ClientRequest { index, generation };
    match (error, agent) {
        (Some(error), _) => over_later(cx, request, error),
        (None, Some(agent)) => agent::add_request(cx, agent, &name, request, target),
        (None, None) => {
            let socket = net::create_connection(cx, target);
            socket.set_no_delay(cx, true);
            connection::plug_in(cx, socket, None);
            assign(cx, request, socket, false);
        }
    }
    request
}

/// Makes a request without a body (`http.get`).
pub fn get<S: 'static>(cx: &mut Context<S>, options: impl Into<RequestOptions>) -> ClientRequest {
    request(cx, options).end(cx)
}

/// A request that has no connection ends with an error, as a tick.
fn over_later<S: 'static>(cx: &mut Context<S>, request: ClientRequest, error: Error) {
    cx.next_tick(move |state, cx| {
        fail(state, cx, request, &error);
        close(state, cx, request);
    });
}

/// The connection closed before there was a response.
pub(super) fn hung_up() -> Error {
    Error::with_code("ECONNRESET", "socket hang up")
}

/// A connection was found. It is used from the next tick on.
pub(super) fn assign<S: 'static>(
    cx: &mut Context<S>,
    request: ClientRequest,
    socket: Socket,
    reused: bool,
) {
    if let Some(own) = of(cx, request) {
        own.socket = Some(socket);
        own.reused = reused;
    }
    connection::serve(cx, socket, request);
    cx.next_tick(move |state, cx| attach(state, cx, request, socket));
}

fn attach<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest, socket: Socket) {
    let Some(own) = of(cx, request) else { return };
    if own.destroyed {
        return; // its close follows that of the socket
    }
    let timeout = own.timeout;
    let bodiless = own.method == "HEAD";
    own.attached = true;
    connection::expect(cx, socket, bodiless);
    if let Some(ms) = timeout {
        socket.set_timeout(cx, ms);
    }
    tell(
        state,
        cx,
        request,
        Kind::Socket,
        RequestEvent::Socket(socket),
    );
    flush(cx, request);
}

struct Place(ClientRequest);

impl<S: 'static> Kept<S, Callback<S>> for Place {
    fn listeners<'a>(&self, cx: &'a mut Context<S>) -> Option<&'a mut Listeners<Callback<S>>> {
        Some(&mut of(cx, self.0)?.listeners)
    }
}

/// Calls the request's listeners; true if there were any.
pub(super) fn tell<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    kind: Kind,
    event: RequestEvent<'_>,
) -> bool {
    let place = Place(request);
    emit(
        state,
        cx,
        kind,
        &place,
        |callback: &mut Callback<S>, state, cx| {
            callback(state, cx, request, event);
        },
    )
}

pub(super) fn listens<S: 'static>(cx: &mut Context<S>, request: ClientRequest, kind: Kind) -> bool {
    of(cx, request).is_some_and(|own: &mut Request<S>| own.listeners.listens(kind))
}

pub(super) fn method<S: 'static>(cx: &Context<S>, request: ClientRequest) -> &str {
    known(cx, request).map_or("", |own| &own.method)
}

/// Tells an error, once.
pub(super) fn fail<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    request: ClientRequest,
    error: &Error,
) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.failed, true) {
        return;
    }
    let own_error = own.destroy_error.take();
    let error = own_error.as_ref().unwrap_or(error);
    if !tell(state, cx, request, Kind::Error, RequestEvent::Error(error)) {
        log::warn!("a request failed, and nobody listens to its errors: {error}");
    }
}

/// The last event. The request is forgotten.
pub(super) fn close<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.destroyed = true;
    let callbacks = std::mem::take(&mut own.callbacks);
    let error = Error::with_code("ERR_STREAM_DESTROYED", "The connection was closed");
    for callback in callbacks {
        callback(state, cx, Some(&error));
    }
    tell(state, cx, request, Kind::Close, RequestEvent::Close);
    if of(cx, request).is_some() {
        self::state(cx).requests.remove(request.index);
    }
}

/// The head of its response has come.
pub(super) fn responded<S: 'static>(cx: &mut Context<S>, request: ClientRequest, keep_alive: bool) {
    if let Some(own) = of(cx, request) {
        own.responded = true;
        own.outgoing.keep_alive &= keep_alive && !own.outgoing.last;
    }
}

/// The end of its response was told.
pub(super) fn response_ended<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.response_ended = true;
    if !own.outgoing.keep_alive {
        if let Some(socket) = own.socket {
            socket.destroy_soon(cx);
        }
    } else if own.finished {
        free(cx, request);
    }
}

/// Both directions are done and the connection is kept: it is given back after the close, as a tick.
fn free<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.freed, true) {
        return;
    }
    let socket = own.socket;
    cx.next_tick(move |state, cx| {
        close(state, cx, request);
        if let Some(socket) = socket {
            connection::free(cx, socket);
        }
    });
}

/// Hands to the socket what was written.
fn flush<S: 'static>(cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    own.flush_queued = false;
    let Some(socket) = own.socket.filter(|_| own.attached) else {
        return;
    };
    let out = std::mem::take(&mut own.out);
    let ended = own.outgoing.ended;
    if ended || !own.callbacks.is_empty() {
        let callbacks = std::mem::take(&mut own.callbacks);
        socket.write_with(cx, out, move |state, cx, error| {
            for callback in callbacks {
                callback(state, cx, error);
            }
            if ended && error.is_none() {
                finished(state, cx, request);
            }
            drained(state, cx, request);
        });
    } else if !out.is_empty() {
        socket.write(cx, out);
        if socket.writable_length(cx) == 0 {
            cx.next_tick(move |state, cx| drained(state, cx, request));
        }
    }
}

/// All of it is with the kernel.
fn finished<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if std::mem::replace(&mut own.finished, true) {
        return;
    }
    tell(state, cx, request, Kind::Finish, RequestEvent::Finish);
    let Some(own) = of(cx, request) else { return };
    if own.response_ended && own.outgoing.keep_alive {
        free(cx, request);
    }
}

/// The socket has sent everything.
pub(super) fn drained<S: 'static>(state: &mut S, cx: &mut Context<S>, request: ClientRequest) {
    let Some(own) = of(cx, request) else { return };
    if own.outgoing.ended || !own.out.is_empty() || !std::mem::take(&mut own.outgoing.need_drain) {
        return;
    }
    tell(state, cx, request, Kind::Drain, RequestEvent::Drain);
}

listener_methods! { ClientRequest, RequestEvent:
    on_socket once_socket Socket (Socket) RequestEvent::Socket(socket) => (socket);
    on_continue once_continue Continue () RequestEvent::Continue => ();
    on_information once_information Information (&Head) RequestEvent::Information(head) => (head);
    on_response once_response Response (IncomingMessage) RequestEvent::Response(response) => (response);
    on_upgrade once_upgrade Upgrade (&Head, Socket, &[u8])
        RequestEvent::Upgrade(head, socket, rest) => (head, socket, rest);
    on_connect once_connect Connect (&Head, Socket, &[u8])
        RequestEvent::Connect(head, socket, rest) => (head, socket, rest);
    on_drain once_drain Drain () RequestEvent::Drain => ();
    on_finish once_finish Finish () RequestEvent::Finish => ();
    on_timeout once_timeout Timeout () RequestEvent::Timeout => ();
    on_error once_error Error (&Error) RequestEvent::Error(error) => (error);
    on_close once_close Close () RequestEvent::Close => ();
}

impl ClientRequest {
    fn listen_to<S: 'static>(
        self,
        cx: &mut Context<S>,
        kind: Kind,
        once: bool,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, RequestEvent<'_>) + 'static,
    ) -> Self {
        if let Some(own) = of(cx, self) {
            own.listeners.add(kind, once, Box::new(callback));
        }
        self
    }

    /// Sets a field, in the place of any of the same name (`req.setHeader`).
    ///
    /// # Errors
    ///
    /// As [`ServerResponse::set_header`](super::ServerResponse::set_header).
    pub fn set_header<S: 'static>(
        self,
        cx: &mut Context<S>,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        let own = of(cx, self);
        let set = own.map(|own| own.outgoing.set(name, value.as_ref()));
        set.unwrap_or(Ok(())).map(|()| self)
    }

    /// Takes a field out again (`req.removeHeader`).
    ///
    /// # Errors
    ///
    /// `ERR_HTTP_HEADERS_SENT` after the head is sent.
    pub fn remove_header<S: 'static>(self, cx: &mut Context<S>, name: &str) -> Result<Self, Error> {
        let removed = of(cx, self).map(|own| own.outgoing.remove(name));
        removed.unwrap_or(Ok(())).map(|()| self)
    }

    /// The value of a field that was set (`req.getHeader`).
    #[must_use]
    pub fn get_header<'a, S: 'static>(self, cx: &'a Context<S>, name: &str) -> Option<&'a [u8]> {
        known(cx, self)?.outgoing.fields.get(name)
    }

    /// Sends the head now, without waiting for the first of the body (`req.flushHeaders`).
    pub fn flush_headers<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.send(cx, None, false);
        self
    }

    /// Writes some of the body (`req.write`); the head goes out first. False if so much is queued that one
    /// should wait for [`RequestEvent::Drain`], or if nothing can be sent any more. A body that is written
    /// piece by piece goes out in chunks unless a `Content-Length` is set.
    pub fn write<S: 'static>(self, cx: &mut Context<S>, data: impl AsRef<[u8]>) -> bool {
        self.send(cx, Some(data.as_ref()), false)
    }

    /// As [`write`](Self::write), and calls back once it is sent, or cannot be: never before this returns.
    pub fn write_with<S: 'static, R>(
        self,
        cx: &mut Context<S>,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> bool {
        let open = |own: &Request<S>| !own.outgoing.ended && !own.destroyed;
        if !known(cx, self).is_some_and(open) {
            cx.next_tick(move |state, cx| callback(state, cx, Some(&write_after_end())));
            return false;
        }
        if let Some(own) = of(cx, self) {
            let callback: WriteCallback<S> =
                Box::new(move |state, cx, error| drop(callback(state, cx, error)));
            own.callbacks.push(callback);
        }
        self.write(cx, data)
    }

    /// Ends the request (`req.end()`): now the response may come.
    pub fn end<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.end_with(cx, b"")
    }

    /// Writes this, and ends the request (`req.end(data)`).
    pub fn end_with<S: 'static>(self, cx: &mut Context<S>, data: impl AsRef<[u8]>) -> Self {
        if known(cx, self).is_some_and(|own: &Request<S>| !own.outgoing.ended) {
            self.send(cx, Some(data.as_ref()), true);
        }
        self
    }

    /// Gives the request up and closes its connection (`req.destroy()`): unless its response has come,
    /// [`RequestEvent::Error`] follows with `ECONNRESET`; then [`RequestEvent::Close`].
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.give_up(cx, None)
    }

    /// As [`destroy`](Self::destroy), for a reason, which is then the error.
    pub fn destroy_with<S: 'static>(self, cx: &mut Context<S>, error: Error) -> Self {
        self.give_up(cx, Some(error))
    }

    fn give_up<S: 'static>(self, cx: &mut Context<S>, error: Option<Error>) -> Self {
        let Some(own) = of(cx, self) else { return self };
        if std::mem::replace(&mut own.destroyed, true) {
            return self;
        }
        own.destroy_error = error;
        match (own.socket, own.agent) {
            (Some(socket), _) => {
                socket.destroy(cx);
            }
            (None, Some(agent)) => {
                let name = own.name.clone();
                agent::forget(cx, agent, &name, self);
                over_later(cx, self, hung_up());
            }
            (None, None) => over_later(cx, self, hung_up()),
        }
        self
    }

    /// Emits [`RequestEvent::Timeout`] whenever the connection was idle for `ms` milliseconds; 0 turns it
    /// off (`req.setTimeout`).
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, ms: u32) -> Self {
        let Some(own) = of(cx, self) else { return self };
        own.timeout = Some(ms);
        if let Some(socket) = own.socket.filter(|_| own.attached) {
            socket.set_timeout(cx, ms);
        }
        self
    }

    /// The connection it goes out on, once it has one (`req.socket`).
    #[must_use]
    pub fn socket<S: 'static>(self, cx: &Context<S>) -> Option<Socket> {
        known(cx, self)?.socket
    }

    /// The method (`req.method`).
    #[must_use]
    pub fn method<S: 'static>(self, cx: &Context<S>) -> &str {
        method(cx, self)
    }

    /// The target (`req.path`).
    #[must_use]
    pub fn path<S: 'static>(self, cx: &Context<S>) -> &str {
        known(cx, self).map_or("", |own| &own.path)
    }

    /// Whether its connection has served another request, and has waited since (`req.reusedSocket`): if it
    /// fails, the server may have closed it meanwhile, and another try is in order.
    #[must_use]
    pub fn reused_socket<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.reused)
    }

    /// Whether it was given up or is over (`req.destroyed`).
    #[must_use]
    pub fn destroyed<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_none_or(|own| own.destroyed)
    }

    /// Whether `end` was called (`req.writableEnded`).
    #[must_use]
    pub fn writable_ended<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_none_or(|own| own.outgoing.ended)
    }

    /// Takes a piece of the body, behind the head if that is still to be sent.
    fn send<S: 'static>(self, cx: &mut Context<S>, data: Option<&[u8]>, end: bool) -> bool {
        let Some(own) = of(cx, self) else {
            return false;
        };
        if own.destroyed {
            return false;
        }
        if own.outgoing.ended {
            self.report(cx, write_after_end());
            return false;
        }
        if !own.outgoing.head_sent {
            own.render(data, end);
        }
        let mut result = Ok(());
        if let Some(data) = data {
            result = own.outgoing.body(data, &mut own.out);
        }
        if end && result.is_ok() {
            result = own.outgoing.end(&mut own.out);
        }
        let (length, socket) = (own.out.len(), own.socket);
        let queue = end && own.attached;
        if let Err(error) = result {
            self.report(cx, error);
            return false;
        }
        let queued = socket.map_or(0, |socket| socket.writable_length(cx));
        let below = length + queued < FULL;
        let Some(own) = of(cx, self) else {
            return false;
        };
        own.outgoing.need_drain |= !below;
        if queue {
            flush(cx, self);
        } else if own.attached && !std::mem::replace(&mut own.flush_queued, true) {
            cx.next_tick(move |_, cx| flush(cx, self));
        }
        below
    }

    /// What the program did wrong: the request cannot be completed any more.
    fn report<S: 'static>(self, cx: &mut Context<S>, error: Error) {
        cx.next_tick(move |state, cx| {
            fail(state, cx, self, &error);
            self.destroy(cx);
        });
    }
}

impl<S> Request<S> {
    /// Renders the head. Without a body a GET, and what is like it, says nothing of one.
    fn render(&mut self, data: Option<&[u8]>, end: bool) {
        let empty = end && data.is_none_or(<[u8]>::is_empty);
        let silent = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
        let silent = silent.contains(&self.method.as_str());
        let early = data.is_none(); // only the head was asked for
        let has_length = self.outgoing.fields.get("content-length").is_some();
        self.outgoing.bodiless = silent && (empty || early) && !has_length;
        self.out.extend_from_slice(self.method.as_bytes());
        self.out.push(b' ');
        self.out.extend_from_slice(self.path.as_bytes());
        self.out.extend_from_slice(b" HTTP/1.1\r\n");
        let added = Added {
            request: true,
            ..Added::default()
        };
        let length = data.filter(|_| end).map(|data| data.len() as u64);
        self.outgoing.render(&mut self.out, length, &added);
    }
}

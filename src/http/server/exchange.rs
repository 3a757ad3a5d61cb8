//! A request and its response, as their connection keeps them; their memory is used again.

use super::connection::{self, PIPELINED, of, state_of};
use super::response::Callback;
use crate::Context;
use crate::http::WriteCallback;
use crate::http::incoming::{Incoming, IncomingMessage};
use crate::http::listeners::Listeners;
use crate::http::message::chunked::write_number;
use crate::http::message::outgoing::{Added, Outgoing};
use crate::http::message::status_message;
use crate::net::Socket;

/// A request, and the response to it.
pub(in crate::http) struct Exchange<S> {
    pub(in crate::http) number: u32,
    pub(in crate::http) incoming: Incoming<S>,
    pub(in crate::http) response: Response<S>,
}

impl<S> Default for Exchange<S> {
    fn default() -> Self {
        Self {
            number: 0,
            incoming: Incoming::default(),
            response: Response::default(),
        }
    }
}

/// What a connection keeps of a response.
pub(in crate::http) struct Response<S> {
    pub(in crate::http) outgoing: Outgoing,
    pub(in crate::http) status: u16,
    pub(in crate::http) message: Option<Box<str>>,
    pub(in crate::http) listeners: Listeners<Callback<S>>,
    /// Told when what is written is sent.
    pub(in crate::http) callbacks: Vec<WriteCallback<S>>,
    /// Told after the finish.
    pub(in crate::http) on_finish: Vec<WriteCallback<S>>,
    /// What is written before its turn.
    pub(in crate::http) held: Vec<u8>,
    pub(in crate::http) expects_continue: bool,
    pub(in crate::http) sent_continue: bool,
    /// The program has given it up.
    pub(in crate::http) destroyed: bool,
    pub(in crate::http) closed: bool,
}

impl<S> Default for Response<S> {
    fn default() -> Self {
        Self {
            outgoing: Outgoing::default(),
            status: 200,
            message: None,
            listeners: Listeners::default(),
            callbacks: Vec::new(),
            on_finish: Vec::new(),
            held: Vec::new(),
            expects_continue: false,
            sent_continue: false,
            destroyed: false,
            closed: false,
        }
    }
}

impl<S> Response<S> {
    /// Forgets all, but keeps a little memory.
    pub(in crate::http) fn recycle(&mut self) {
        let Self {
            outgoing,
            status,
            message,
            listeners,
            callbacks,
            on_finish,
            held,
            expects_continue,
            sent_continue,
            destroyed,
            closed,
        } = self;
        outgoing.recycle();
        *status = 200;
        *message = None;
        listeners.clear();
        (*callbacks, *on_finish, *held) = Default::default();
        for flag in [expects_continue, sent_continue, destroyed, closed] {
            *flag = false;
        }
    }

    /// Renders the head, up to the empty line behind it.
    pub(in crate::http) fn render(
        &mut self,
        out: &mut Vec<u8>,
        length: Option<u64>,
        mut added: Added<'_>,
    ) {
        let outgoing = &mut self.outgoing;
        outgoing.bodiless |= matches!(self.status, 100..=199 | 204 | 304);
        if self.expects_continue && !self.sent_continue {
            // The client may or may not send a body that nobody has asked for.
            outgoing.keep_alive = false;
        }
        added.timeout = added.timeout.filter(|_| outgoing.keep_alive);
        out.extend_from_slice(b"HTTP/1.1 ");
        write_number(out, u64::from(self.status), 10);
        out.push(b' ');
        let known = status_message(self.status).unwrap_or("unknown");
        let message = self.message.as_deref().unwrap_or(known);
        out.extend_from_slice(message.as_bytes());
        out.extend_from_slice(b"\r\n");
        outgoing.render(out, length, &added);
    }
}

/// Whether a request has its response, and is only still being received.
pub(in crate::http) fn is_leaving<S: 'static>(
    cx: &mut Context<S>,
    message: IncomingMessage,
) -> bool {
    of(cx, message.socket).is_some_and(|own| {
        let mut leaving = own.leaving.iter();
        leaving.any(|exchange| exchange.number == message.number && exchange.response.closed)
    })
}

/// Forgets an exchange of which everything is told.
pub(in crate::http) fn forget<S: 'static>(cx: &mut Context<S>, message: IncomingMessage) {
    let IncomingMessage { socket, number } = message;
    let Some(own) = of(cx, socket) else { return };
    let told = |exchange: &Exchange<S>| exchange.response.closed && exchange.incoming.closed;
    let place = own
        .leaving
        .iter()
        .position(|exchange| exchange.number == number);
    let Some(place) = place.filter(|&place| told(&own.leaving[place])) else {
        return;
    };
    let exchange = own.leaving.swap_remove(place);
    if own.leaving.is_empty() {
        own.leaving = Vec::new();
    }
    put_spare(cx, socket, exchange);
    connection::recount(cx, socket);
    connection::go_on(cx, socket); // there is room for another
}

/// An exchange that was used before, if there is one.
pub(in crate::http) fn take_spare<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
) -> Box<Exchange<S>> {
    let spare = state_of(cx, socket).and_then(|server| server.spare.pop());
    spare.unwrap_or_default()
}

pub(in crate::http) fn put_spare<S: 'static>(
    cx: &mut Context<S>,
    socket: Socket,
    mut exchange: Box<Exchange<S>>,
) {
    if let Some(server) = state_of(cx, socket)
        && server.spare.len() < PIPELINED
    {
        exchange.incoming.recycle();
        exchange.response.recycle();
        server.spare.push(exchange);
    }
}

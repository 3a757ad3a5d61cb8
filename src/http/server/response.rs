//! What a program does with a response, and what it asks of it.

use std::time::Duration;

use super::audience::{Callback, ResponseEvent, ResponseEventKind};
use super::ids::ServerResponse;
use super::pipeline::Response;
use super::{connection, giving_up};
use crate::Context;
use crate::event_loop::listeners::{Role, adds_listeners, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId};
use crate::http::header_methods::header_methods;
use crate::http::message::Misuse;
use crate::http::message::fields::check_text;
use crate::http::message::outgoing::Outgoing;
use crate::http::{WriteCallback, write_after_end};
use crate::net::{Error, Socket};

listener_methods! { ServerResponse of ResponseEvent, ResponseEventKind, ServerResponse, S: 'static;
    on_drain once_drain Drain (Self) response, ResponseEvent::Drain => (response);
    on_finish once_finish Finish (Self) response, ResponseEvent::Finish => (response);
    on_timeout once_timeout Timeout (Self) response, ResponseEvent::Timeout => (response);
    on_error once_error Error (Self, &Error) response, ResponseEvent::Error(error) => (response, error);
    on_close once_close Close (Self) response, ResponseEvent::Close => (response);
}

adds_listeners! { ServerResponse, ResponseEventKind, Callback, S: 'static }
header_methods! { ServerResponse }

impl ServerResponse {
    /// A callback of this response, or of its request, has returned.
    pub(super) fn check<S: 'static>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        if let Some(_logged) = site.check(format_args!("'{event}' of a response"), returned) {
            self.fail(cx);
        }
    }

    /// A callback of a write, whose error is acted on.
    fn told<S: 'static, R: CallbackResult>(
        self,
        site: CallbackSite,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> WriteCallback<S> {
        Box::new(move |state, cx, error| {
            let returned = callback(state, cx, error);
            self.check(cx, site, "write", returned);
        })
    }

    /// The program has failed to answer: the client is told so by a status, if nothing was begun,
    /// and by the end of the connection otherwise. What was ended stands.
    pub(in crate::http) fn fail<S: 'static>(self, cx: &mut Context<S>) {
        let state = self.with(cx, |exchange| {
            let outgoing = &exchange.response.outgoing;
            (outgoing.head_sent, outgoing.ended)
        });
        match state {
            None | Some((_, true)) => {}
            Some((true, false)) => {
                giving_up::destroy(cx, self.socket, None);
            }
            Some((false, false)) => {
                self.with(cx, |exchange| exchange.response.start_over(500));
                self.end_with(cx, "Internal Server Error\n");
            }
        }
    }

    fn known<S: 'static>(self, cx: &Context<S>) -> Option<&Response> {
        Some(&connection::exchange(cx, self.socket, self.number)?.response)
    }

    fn outgoing<S: 'static>(self, cx: &Context<S>) -> Option<&Outgoing> {
        Some(&self.known(cx)?.outgoing)
    }

    fn run<S: 'static, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        response: Self,
        event: ResponseEvent<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        response.check(cx, site, event.name(), returned);
    }

    fn change<S: 'static>(
        self,
        cx: &mut Context<S>,
        change: impl FnOnce(&mut Outgoing) -> Result<(), Misuse>,
    ) -> Result<Self, Error> {
        let changed = self.with(cx, |exchange| change(&mut exchange.response.outgoing));
        changed.unwrap_or(Ok(()))?;
        Ok(self)
    }

    /// The connection it goes out on (`res.socket`).
    #[must_use]
    pub fn socket(self) -> Socket {
        self.socket
    }

    /// The status that the head will have, 200 unless it is [set](Self::set_status_code). `None` if
    /// it is stale.
    #[must_use]
    pub fn status_code<S: 'static>(self, cx: &Context<S>) -> Option<u16> {
        self.known(cx).map(|own| own.status)
    }

    /// Sets the status of the head, if that is not sent yet (`res.statusCode = ..`). One that is
    /// no number of three digits is [refused](Self::write_head) when the head is written by hand,
    /// and becomes 500 otherwise.
    pub fn set_status_code<S: 'static>(self, cx: &mut Context<S>, status: u16) -> Self {
        let valid = (100..=999).contains(&status);
        self.with(cx, |exchange| {
            exchange.response.status = if valid { status } else { 500 };
        });
        self
    }

    /// Sets the words behind the status (`res.statusMessage = ..`).
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_CHAR` if they hold a line end or another control character.
    pub fn set_status_message<S: 'static>(
        self,
        cx: &mut Context<S>,
        message: &str,
    ) -> Result<Self, Error> {
        check_text("statusMessage", message.as_bytes())?;
        self.with(cx, |exchange| {
            exchange.response.message = Some(message.into())
        });
        Ok(self)
    }

    /// Whether the head carries a `Date`; it does by default (`res.sendDate`).
    pub fn set_send_date<S: 'static>(self, cx: &mut Context<S>, send: bool) -> Self {
        self.with(cx, |exchange| {
            exchange.response.outgoing.removed.date = !send;
        });
        self
    }

    /// Fixes the head: nothing of it can be changed any more, and it goes out with the first of
    /// the body (`res.writeHead`). Since the body's length is not known then, it comes in chunks
    /// unless a `Content-Length` is set, as in Node.
    ///
    /// # Errors
    ///
    /// As [`set_header`](Self::set_header); `ERR_HTTP_INVALID_STATUS_CODE` for a status that is no
    /// number of three digits.
    pub fn write_head<S: 'static>(
        self,
        cx: &mut Context<S>,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<Self, Error> {
        if !(100..=999).contains(&status) {
            let message = format!("Invalid status code: {status}");
            return Err(Error::with_code("ERR_HTTP_INVALID_STATUS_CODE", message));
        }
        self.change(cx, |outgoing| outgoing.set_all(headers))?;
        self.with(cx, |exchange| exchange.response.status = status);
        self.send(cx, None, false);
        Ok(self)
    }

    /// Sends the head now (`res.flushHeaders`), if it is not sent yet.
    pub fn flush_headers<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.send(cx, None, false);
        self.flush_soon(cx);
        self
    }

    /// Tells a client that expects it to go on and send the body (`res.writeContinue`).
    pub fn write_continue<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.with(cx, |exchange| exchange.response.continues());
        self.inform(cx, b"HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Tells the client that the response will take time (`res.writeProcessing`).
    pub fn write_processing<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.inform(cx, b"HTTP/1.1 102 Processing\r\n\r\n")
    }

    /// Writes some of the body (`res.write`); the head goes out first. False if so much is queued
    /// that one should wait for [`ResponseEvent::Drain`], or if nothing can be sent any more.
    /// Writes of one callback go out as one.
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
        let callback = self.told(CallbackSite::caller(), callback);
        let refused = match self.known(cx) {
            Some(own) if own.outgoing.ended => Some(write_after_end()),
            Some(own) if own.destroyed || own.closed => Some(Error::destroyed("write")),
            Some(_) => None,
            None => Some(write_after_end()),
        };
        if let Some(error) = refused {
            cx.next_tick(move |state, cx| callback(state, cx, Some(&error)));
            return self.write(cx, data);
        }
        let fine = self.write(cx, data);
        self.with(cx, |exchange| {
            exchange.companion.on_sent.push(callback);
        });
        self.flush_soon(cx);
        fine
    }

    /// Ends the response (`res.end()`). Ending it again is a no-op.
    pub fn end<S: 'static>(self, cx: &mut Context<S>) -> Self {
        self.end_with(cx, b"")
    }

    /// Writes this, and ends the response (`res.end(data)`).
    pub fn end_with<S: 'static>(self, cx: &mut Context<S>, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        let ended = self.with(cx, |exchange| exchange.response.outgoing.ended);
        if ended == Some(true) && data.is_empty() {
            return self;
        }
        self.send(cx, Some(data), true);
        self
    }

    /// As [`end_with`](Self::end_with), and calls back after [`ResponseEvent::Finish`], or when
    /// that cannot come; after a [`destroy`](Self::destroy) never, as in Node.
    #[track_caller]
    pub fn end_then<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Option<&Error>) -> R + 'static,
    ) -> Self {
        let mut callback = Some(self.told(CallbackSite::caller(), callback));
        if self
            .known(cx)
            .is_some_and(|own| own.destroyed && !own.outgoing.ended)
        {
            return self.end_with(cx, data);
        }
        self.with(cx, |exchange| {
            exchange.companion.on_finish.extend(callback.take());
        });
        if let Some(callback) = callback {
            cx.next_tick(move |state, cx| callback(state, cx, Some(&write_after_end())));
        }
        self.end_with(cx, data)
    }

    /// Sets the time for which its connection may be idle (`res.setTimeout`); zero
    /// turns it off. When it is over, [`ResponseEvent::Timeout`] is told to the response whose turn
    /// it is, and whatever else listens; if nobody does, the connection is closed.
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        if self.known(cx).is_some() {
            self.socket.set_timeout(cx, idle);
        }
        self
    }

    /// Closes the connection at once (`res.destroy()`): the response is cut short, unless it has
    /// ended and the kernel takes all that is left of it.
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) {
        self.give_up(cx);
    }

    /// Whether `end` was called (`res.writableEnded`); true of a stale one.
    #[must_use]
    pub fn writable_ended<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_none_or(|own| own.outgoing.ended)
    }

    /// Bytes that are not with the kernel yet (`res.writableLength`), the head and the marks of
    /// chunks among them.
    #[must_use]
    pub fn writable_length<S: 'static>(self, cx: &Context<S>) -> usize {
        connection::unsent(cx, self.socket, self.number)
    }

    /// Whether it has ended, and the kernel has all of it (`res.writableFinished`); true of a stale
    /// one, unless its connection was lost.
    #[must_use]
    pub fn writable_finished<S: 'static>(self, cx: &Context<S>) -> bool {
        self.writable_ended(cx) && self.writable_length(cx) == 0
    }

    /// Whether [`ResponseEvent::Drain`] is to come (`res.writableNeedDrain`).
    #[must_use]
    pub fn writable_need_drain<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx)
            .is_some_and(|own| own.outgoing.need_drain && !own.outgoing.ended)
    }

    /// Whether it is over: sent, given up, or its connection is gone (`res.destroyed`).
    #[must_use]
    pub fn destroyed<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_none_or(|own| own.closed || own.destroyed)
    }
}

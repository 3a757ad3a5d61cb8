//! What a program does with a message that is being received, and what it asks of it.

use std::time::Duration;

use super::client;
use super::client::Responses;
use super::incoming::{
    self, Callback, IncomingMessage, Listeners, MessageEvent, MessageEventKind, Side,
};
use super::message::Head;
use super::message::incoming::Incoming;
use super::server::{self, Requests, ServerResponse};
use crate::Context;
use crate::event_loop::listeners::{Role, listener_methods};
use crate::event_loop::{CallbackResult, CallbackSite, ListenerId};
use crate::net::{Error, Socket};

listener_methods! { IncomingMessage of MessageEvent, MessageEventKind, IncomingMessage, S: 'static;
    on_data once_data Data (Self, &[u8]) message, MessageEvent::Data(bytes) => (message, bytes);
    on_readable once_readable Readable (Self) message, MessageEvent::Readable => (message);
    on_end once_end End (Self) message, MessageEvent::End => (message);
    on_aborted once_aborted Aborted (Self) message, MessageEvent::Aborted => (message);
    on_timeout once_timeout Timeout (Self) message, MessageEvent::Timeout => (message);
    on_error once_error Error (Self, &Error) message, MessageEvent::Error(error) => (message, error);
    on_close once_close Close (Self) message, MessageEvent::Close => (message);
}

impl IncomingMessage {
    fn find<S: 'static>(self, cx: &mut Context<S>) -> Option<(&mut Incoming, &mut Listeners<S>)> {
        match server::is(cx, self.socket) {
            true => Requests::find(cx, self),
            false => Responses::find(cx, self),
        }
    }

    fn known<S: 'static>(self, cx: &Context<S>) -> Option<&Incoming> {
        server::request(cx, self).or_else(|| client::response(cx, self))
    }

    /// A callback of this message has returned. An error fails what it belongs to: a request is
    /// answered with 500, the response to one of ours is cut short.
    fn check<S: 'static>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        let Some(_logged) = site.check(format_args!("'{event}' of a message"), returned) else {
            return;
        };
        let Self { socket, number } = self;
        if server::is(cx, socket) {
            ServerResponse { socket, number }.fail(cx);
        } else {
            self.destroy(cx);
        }
    }

    fn listeners<S: 'static>(self, cx: &mut Context<S>) -> Option<&mut Listeners<S>> {
        Some(self.find(cx)?.1)
    }

    fn add_listener<S: 'static>(
        self,
        cx: &mut Context<S>,
        kind: Option<MessageEventKind>,
        role: Role,
        first: bool,
        callback: Box<Callback<S>>,
    ) -> ListenerId {
        let Some((own, listeners)) = self.find(cx) else {
            return ListenerId::NONE;
        };
        let id = listeners.add(kind, role, first, callback);
        if kind.is_none_or(|kind| kind == MessageEventKind::Data) && !own.is_paused() {
            self.resume(cx);
        }
        if kind == Some(MessageEventKind::Readable) {
            match server::is(cx, self.socket) {
                true => incoming::read_by_hand::<S, Requests>(cx, self),
                false => incoming::read_by_hand::<S, Responses>(cx, self),
            }
        }
        id
    }

    fn run<S: 'static, R: CallbackResult>(
        state: &mut S,
        cx: &mut Context<S>,
        site: CallbackSite,
        message: Self,
        event: MessageEvent<'_>,
        call: impl FnOnce(&mut S, &mut Context<S>) -> R,
    ) {
        let returned = call(state, cx);
        message.check(cx, site, event.name(), returned);
    }

    /// Hands out no data until [`resume`](Self::resume): the other side has to wait.
    pub fn pause<S: 'static>(self, cx: &mut Context<S>) -> Self {
        if let Some((own, _)) = self.find(cx) {
            own.pause();
        }
        self
    }

    /// Hands out data, from the next tick on; what nobody listens to is thrown away.
    pub fn resume<S: 'static>(self, cx: &mut Context<S>) -> Self {
        match server::is(cx, self.socket) {
            true => incoming::resume::<S, Requests>(cx, self),
            false => incoming::resume::<S, Responses>(cx, self),
        }
        self
    }

    /// Takes what has come of the body and was not handed out, so many bytes or all of it
    /// (`readable.read`); as [`Socket::read`]. [`MessageEvent::Readable`] tells when there is
    /// something.
    pub fn read<S: 'static>(self, cx: &mut Context<S>, count: Option<usize>) -> Option<Vec<u8>> {
        match server::is(cx, self.socket) {
            true => incoming::take::<S, Requests>(cx, self, count),
            false => incoming::take::<S, Responses>(cx, self, count),
        }
    }

    /// Gives bytes back that came with [`MessageEvent::Data`]: they are handed out again before any
    /// others, from the next tick on (`unshift`). They count to what is kept of it.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_UNSHIFT_AFTER_END_EVENT` once its end was told, `ERR_STREAM_DESTROYED` if it was
    /// given up, cut short, or is stale.
    pub fn unshift<S: 'static>(self, cx: &mut Context<S>, bytes: &[u8]) -> Result<Self, Error> {
        let Some((own, _)) = self.find(cx) else {
            return Err(Error::destroyed("unshift"));
        };
        if own.has_ended() {
            let message = "stream.unshift() after end event";
            return Err(Error::with_code(
                "ERR_STREAM_UNSHIFT_AFTER_END_EVENT",
                message,
            ));
        }
        if own.is_destroyed_or_closed() || own.is_aborted() {
            return Err(Error::destroyed("unshift"));
        }
        own.give_back(bytes);
        if own.is_flowing() {
            self.resume(cx);
        }
        Ok(self)
    }

    /// Sets the time for which its connection may be idle (`setTimeout`); zero turns
    /// it off. When it is over, [`MessageEvent::Timeout`] is told as long as the message has not come
    /// in full, and whatever else listens; if nobody does, the connection is closed.
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, idle: Duration) -> Self {
        if self.known(cx).is_some() {
            self.socket.set_timeout(cx, idle);
        }
        self
    }

    /// Closes the connection it comes on (`destroy`): it is cut short. Of a response follow
    /// [`MessageEvent::Aborted`], unless its end was told, and [`MessageEvent::Close`].
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) {
        self.give_up(cx, None);
    }

    /// As [`destroy`](Self::destroy), for a reason, which is then the error of a response and of
    /// its request (`destroy(error)`).
    pub fn destroy_with_error<S: 'static>(self, cx: &mut Context<S>, error: Error) {
        self.give_up(cx, Some(error));
    }

    fn give_up<S: 'static>(self, cx: &mut Context<S>, error: Option<Error>) {
        let socket = self.socket;
        if server::is(cx, socket) {
            if self.known(cx).is_some() {
                server::destroy(cx, socket, error);
            }
            return;
        }
        let closes = incoming::destroy::<S, Responses>(cx, self, error.clone());
        match error {
            _ if !closes => {}
            Some(error) => {
                socket.destroy_with_error(cx, error);
            }
            None => {
                socket.destroy(cx);
            }
        }
    }

    /// The connection it comes on (`socket`).
    #[must_use]
    pub fn socket(self) -> Socket {
        self.socket
    }

    /// Its head: everything there is to know of the first line and the fields. `None` if it is
    /// stale.
    #[must_use]
    pub fn head<S: 'static>(self, cx: &Context<S>) -> Option<&Head> {
        Some(&self.known(cx)?.head)
    }

    /// The fields that came behind a body in chunks, once it has ended (`trailers`).
    #[must_use]
    pub fn trailers<S: 'static>(self, cx: &Context<S>) -> Option<&Head> {
        self.known(cx)?.trailers.as_deref()
    }

    /// The method of a request (`method`). `None` of a response, or if it is stale.
    #[must_use]
    pub fn method<S: 'static>(self, cx: &Context<S>) -> Option<&str> {
        let method = self.head(cx).map(Head::method);
        method.filter(|method| !method.is_empty())
    }

    /// The target of a request as it was sent (`url`). `None` of a response, or if it is stale.
    #[must_use]
    pub fn url<S: 'static>(self, cx: &Context<S>) -> Option<&str> {
        let url = self.head(cx).map(Head::url);
        url.filter(|url| !url.is_empty())
    }

    /// The status of a response (`statusCode`). `None` of a request, or if it is stale.
    #[must_use]
    pub fn status_code<S: 'static>(self, cx: &Context<S>) -> Option<u16> {
        let status = self.head(cx).map(Head::status_code);
        status.filter(|&status| status > 0)
    }

    /// The value of the first field of this name, if it is text (`headers[name]`); all there is to
    /// fields is in the [`head`](Self::head).
    #[must_use]
    pub fn header<'a, S: 'static>(self, cx: &'a Context<S>, name: &str) -> Option<&'a str> {
        self.head(cx)?.header_str(name)
    }

    /// Whether all of it was received (`complete`).
    #[must_use]
    pub fn complete<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_some_and(Incoming::is_complete)
    }

    /// Whether its end was told (`readableEnded`).
    #[must_use]
    pub fn readable_ended<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_some_and(Incoming::has_ended)
    }

    /// Whether it was cut short (`aborted`).
    #[must_use]
    pub fn aborted<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_some_and(Incoming::is_aborted)
    }

    /// Whether it was given up, or everything of it was told (`destroyed`); true of a stale one.
    #[must_use]
    pub fn destroyed<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_none_or(Incoming::is_destroyed_or_closed)
    }

    /// Whether it is paused (`isPaused()`).
    #[must_use]
    pub fn is_paused<S: 'static>(self, cx: &Context<S>) -> bool {
        self.known(cx).is_some_and(Incoming::is_paused)
    }
}

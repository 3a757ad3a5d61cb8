//! What a program does with a message that is being received, and what it asks of it.

use super::{
    IncomingMessage, Kind, MessageEvent, close, known, of, queue_end, queue_flow, read_on, tell,
};
use crate::Context;
use crate::event_loop::{CallbackResult, CallbackSite};
use crate::http::{Head, ServerResponse, server};
use crate::net::{Error, Socket};

impl IncomingMessage {
    /// A callback of this message has returned. An error fails what it belongs to: a request is
    /// answered with 500, the response to one of ours is cut short.
    pub(super) fn check<S: 'static>(
        self,
        cx: &mut Context<S>,
        site: CallbackSite,
        event: &str,
        returned: impl CallbackResult,
    ) {
        let Some(_logged) = site.check(format_args!("{event} of a message"), returned) else {
            return;
        };
        let Self { socket, number } = self;
        if server::is(cx, socket) {
            ServerResponse::new(socket, number).fail(cx);
        } else {
            self.destroy(cx);
        }
    }

    pub(super) fn listen_to<S: 'static>(
        self,
        cx: &mut Context<S>,
        kind: Kind,
        once: bool,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, MessageEvent<'_>) + 'static,
    ) -> Self {
        let Some(own) = of(cx, self) else { return self };
        own.listeners.add(kind, once, Box::new(callback));
        if matches!(kind, Kind::Data) && own.flowing != Some(false) {
            self.resume(cx);
        }
        self
    }

    /// Hands out no data until [`resume`](Self::resume): the other side has to wait.
    pub fn pause<S: 'static>(self, cx: &mut Context<S>) -> Self {
        if let Some(own) = of(cx, self) {
            own.flowing = Some(false);
        }
        self
    }

    /// Hands out data, from the next tick on; what nobody listens to is thrown away.
    pub fn resume<S: 'static>(self, cx: &mut Context<S>) -> Self {
        let Some(own) = of(cx, self) else { return self };
        own.asked_for = true;
        let flowed = own.flowing.replace(true) == Some(true);
        match (own.kept.is_empty(), flowed) {
            (false, _) => queue_flow(cx, self),
            (true, true) => queue_end(cx, self),
            (true, false) => read_on(cx, self),
        }
        self
    }

    /// Sets the time for which its connection may be idle, in milliseconds (`setTimeout`); 0 turns
    /// it off. When it is over, [`MessageEvent::Timeout`] is told as long as the message has not come
    /// in full, and whatever else listens; if nobody does, the connection is closed.
    pub fn set_timeout<S: 'static>(self, cx: &mut Context<S>, ms: u32) -> Self {
        if of(cx, self).is_some() {
            self.socket.set_timeout(cx, ms);
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
    pub fn destroy_with<S: 'static>(self, cx: &mut Context<S>, error: Error) {
        self.give_up(cx, Some(error));
    }

    fn give_up<S: 'static>(self, cx: &mut Context<S>, error: Option<Error>) {
        let socket = self.socket;
        let response = !server::is(cx, socket);
        let Some(own) = of(cx, self) else { return };
        let mut cut_short = true;
        if response {
            if own.closed || std::mem::replace(&mut own.destroyed, true) {
                return;
            }
            own.forget_kept();
            cut_short = !(own.complete && own.ended);
            own.aborted |= cut_short;
            let error = error.clone();
            cx.next_tick(move |state, cx| {
                if cut_short {
                    tell(state, cx, self, Kind::Aborted, MessageEvent::Aborted);
                }
                cx.next_tick(move |state, cx| {
                    if let Some(error) = &error {
                        tell(state, cx, self, Kind::Error, MessageEvent::Error(error));
                    }
                    close(state, cx, self);
                });
            });
        }
        match error {
            _ if !cut_short => {}
            Some(error) => {
                socket.destroy_with(cx, error);
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
        Some(&known(cx, self)?.head)
    }

    /// The fields that came behind a body in chunks, once it has ended (`trailers`).
    #[must_use]
    pub fn trailers<S: 'static>(self, cx: &Context<S>) -> Option<&Head> {
        known(cx, self)?.trailers.as_deref()
    }

    /// The method of a request (`method`).
    #[must_use]
    pub fn method<S: 'static>(self, cx: &Context<S>) -> &str {
        self.head(cx).map_or("", Head::method)
    }

    /// The target of a request as it was sent (`url`).
    #[must_use]
    pub fn url<S: 'static>(self, cx: &Context<S>) -> &str {
        self.head(cx).map_or("", Head::url)
    }

    /// The status of a response (`statusCode`).
    #[must_use]
    pub fn status_code<S: 'static>(self, cx: &Context<S>) -> u16 {
        self.head(cx).map_or(0, Head::status_code)
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
        known(cx, self).is_some_and(|own| own.complete)
    }

    /// Whether its end was told (`readableEnded`).
    #[must_use]
    pub fn readable_ended<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.ended)
    }

    /// Whether it was cut short (`aborted`).
    #[must_use]
    pub fn aborted<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.aborted)
    }

    /// Whether it is paused (`isPaused()`).
    #[must_use]
    pub fn is_paused<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.flowing == Some(false))
    }
}

//! Who is told of a request and of its response.

use super::pipeline::Companion;
use crate::Context;
use crate::event_loop::listeners::{self, event_kinds};
use crate::http::WriteCallback;
use crate::http::incoming;
use crate::net::{Error, Socket};

/// The response to a request (`http.ServerResponse`): a small id; everything goes through the
/// context.
///
/// It is good until its [`Close`](ResponseEvent::Close). A response whose connection is gone takes
/// everything and does nothing.
///
/// The head goes out with the first of the body. A body given to [`end_with`](Self::end_with) at
/// once gets a `Content-Length`; one that is [written](Self::write) piece by piece goes out in
/// chunks, unless the program has set a length. What is written to a later response of a
/// pipelining client waits for the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerResponse {
    pub(in crate::http) socket: Socket,
    pub(in crate::http) number: u32,
}

/// What can happen to a response.
#[derive(Clone, Copy, Debug)]
pub enum ResponseEvent<'a> {
    /// After a `write` that returned false: all is sent, write on. Not after `end`.
    Drain,
    /// All of it was handed to the kernel, a tick later at the earliest.
    Finish,
    /// Its connection was idle for the time set.
    Timeout,
    /// What the program did with it was wrong: written after its end, or not as much as it had
    /// said.
    Error(&'a Error),
    /// It is sent, or its connection is gone. Nothing follows.
    Close,
}

event_kinds! { ResponseEventKind of ResponseEvent:
    Drain "drain",
    Finish "finish",
    Timeout "timeout",
    Error "error",
    Close "close",
}

pub(super) type Callback<S> = dyn FnMut(&mut S, &mut Context<S>, ServerResponse, ResponseEvent<'_>);
pub(super) type Listeners<S> = listeners::Listeners<ResponseEventKind, Callback<S>>;

/// Who is told of an exchange.
pub(in crate::http) struct Audience<S> {
    pub(super) request: incoming::Listeners<S>,
    pub(super) response: Listeners<S>,
    /// Told when what is written is sent.
    pub(super) on_sent: Vec<WriteCallback<S>>,
    /// Told after the finish.
    pub(super) on_finish: Vec<WriteCallback<S>>,
}

impl<S> Default for Audience<S> {
    fn default() -> Self {
        Self {
            request: incoming::Listeners::default(),
            response: Listeners::default(),
            on_sent: Vec::new(),
            on_finish: Vec::new(),
        }
    }
}

impl<S> Audience<S> {
    /// Whether there is anybody.
    pub(super) fn any(&self) -> bool {
        let listens = self.response.any() || self.request.any();
        listens || !(self.on_sent.is_empty() && self.on_finish.is_empty())
    }
}

impl<S> Companion for Audience<S> {
    fn recycle(&mut self) {
        self.request.clear();
        self.response.clear();
        (self.on_sent, self.on_finish) = Default::default();
    }
}

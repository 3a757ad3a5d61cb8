//! Who is told of a request and of its response.

use super::ids::ServerResponse;
use super::pipeline::Companion;
use crate::Context;
use crate::event_loop::listeners::{self, event_kinds};
use crate::http::WriteCallback;
use crate::http::incoming;
use crate::net::Error;

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

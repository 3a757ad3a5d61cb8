//! What a server of HTTP has in common with one of [`net`]: its connections, and its
//! errors.

use super::Server;
use crate::event_loop::CallbackResult;
use crate::net::{Context, Error, Socket};

impl Server {
    /// Calls back on every connection, before anything is read from it (`server.on('connection')`).
    #[track_caller]
    pub fn on_connection<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Socket) -> R + 'static,
    ) -> Self {
        self.net().on_connection(cx, callback);
        self
    }

    /// Calls back when it cannot listen, or accept (`server.on('error')`).
    #[track_caller]
    pub fn on_error<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, &Error) -> R + 'static,
    ) -> Self {
        self.net().on_error(cx, move |state, cx, server, error| {
            callback(state, cx, Self(server), error)
        });
        self
    }

    /// Tells, in a tick, how many connections it has accepted that are not destroyed
    /// (`server.getConnections`).
    #[track_caller]
    pub fn get_connections<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, usize) -> R + 'static,
    ) -> Self {
        self.net().get_connections(cx, callback);
        self
    }

    /// Accepts and closes at once what comes beyond so many connections (`server.maxConnections`).
    /// `None`, the default, sets no limit.
    pub fn set_max_connections<S: 'static>(self, cx: &mut Context<S>, max: Option<usize>) -> Self {
        self.net().set_max_connections(cx, max);
        self
    }
}

//! Forwarding from one socket to another at the pace of the slower.

use super::{Context, Socket};

impl Socket {
    /// Writes everything that comes to `to`, and ends it at the end (`source.pipe(to)`). While `to`
    /// takes no more, this socket is paused. It may be piped to itself: an echo.
    pub fn pipe<S>(self, cx: &mut Context<S>, to: Self) -> Self {
        self.on_data(cx, move |_, cx, from, bytes| {
            if !to.write(cx, bytes) {
                from.pause(cx);
            }
        });
        to.on_drain(cx, move |_, cx, _| {
            self.resume(cx);
        });
        self.on_end(cx, move |_, cx, _| {
            to.end(cx);
        });
        to
    }
}

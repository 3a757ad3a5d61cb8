//! Forwarding from one socket to another at the pace of the slower.

use std::cell::Cell;
use std::rc::Rc;

use super::{Context, Socket};

/// What a pipe is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Flowing,
    /// The source is paused until the target's drain.
    Waiting,
    /// The target is gone, or was ended: nothing is forwarded any more.
    Unpiped,
}

impl Socket {
    /// Writes everything that comes to `to`, and ends it at the end (`source.pipe(to)`). While `to`
    /// takes no more, this socket is paused. It may be piped to itself: an echo.
    ///
    /// Once `to` has finished, failed or closed, this socket is paused for good: whoever pipes
    /// decides what becomes of it.
    pub fn pipe<S>(self, cx: &mut Context<S>, to: Self) -> Self {
        let pipe = Rc::new(Cell::new(Pipe::Flowing));
        let forwarded = Rc::clone(&pipe);
        self.on_data(cx, move |_, cx, from, bytes| {
            if forwarded.get() != Pipe::Unpiped && !to.write(cx, bytes) {
                forwarded.set(Pipe::Waiting);
                from.pause(cx);
            }
        });
        let waiting = Rc::clone(&pipe);
        to.on_drain(cx, move |_, cx, _| {
            // A pause of the program's own stays.
            if waiting.get() == Pipe::Waiting {
                waiting.set(Pipe::Flowing);
                self.resume(cx);
            }
        });
        let unpipe = |pipe: &Rc<Cell<Pipe>>| {
            let pipe = Rc::clone(pipe);
            move |cx: &mut Context<S>| {
                if pipe.replace(Pipe::Unpiped) != Pipe::Unpiped {
                    self.pause(cx);
                }
            }
        };
        let (finished, failed, closed) = (unpipe(&pipe), unpipe(&pipe), unpipe(&pipe));
        to.on_finish(cx, move |_, cx, _| finished(cx));
        to.on_error(cx, move |_, cx, _, _| failed(cx));
        to.on_close(cx, move |_, cx, _, _| closed(cx));
        let ending = Rc::clone(&pipe);
        self.on_end(cx, move |_, cx, _| {
            if ending.get() != Pipe::Unpiped {
                to.end(cx);
            }
        });
        if to.writable_need_drain(cx) {
            pipe.set(Pipe::Waiting);
            self.pause(cx);
        } else {
            self.resume(cx);
        }
        to
    }
}

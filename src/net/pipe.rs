//! Forwarding from one socket to another at the pace of the slower.

use super::{Context, Event, EventKind, ListenerId, Socket};

/// Where a socket is piped to, and how; made from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipeOptions {
    to: Socket,
    end: bool,
}

impl PipeOptions {
    /// To this socket, which ends when the source does.
    #[must_use]
    pub fn new(to: Socket) -> Self {
        Self { to, end: true }
    }

    /// Whether the target ends when the source does (`end`). If not, it may be written to, or piped
    /// to, once the source has ended.
    #[must_use]
    pub fn end(mut self, end: bool) -> Self {
        self.end = end;
        self
    }
}

impl From<Socket> for PipeOptions {
    fn from(to: Socket) -> Self {
        Self::new(to)
    }
}

/// What a socket is piped to, as data of it.
#[derive(Default)]
struct Pipes {
    last: u32,
    list: Vec<Pipe>,
}

struct Pipe {
    number: u32,
    to: Socket,
    /// The source is paused until the target's drain.
    waits: bool,
    /// Those of the source, and of the target.
    listeners: ([ListenerId; 3], [ListenerId; 4]),
}

impl Pipes {
    fn get_mut(&mut self, number: u32) -> Option<&mut Pipe> {
        self.list.iter_mut().find(|pipe| pipe.number == number)
    }

    fn waits(&self) -> bool {
        self.list.iter().any(|pipe| pipe.waits)
    }
}

impl Socket {
    /// Writes everything that comes to `to`, and ends it at the end, unless
    /// [otherwise](PipeOptions::end) said (`source.pipe(to)`). While `to` takes no more, this socket
    /// is paused. It may be piped to itself: an echo; and to several: then the slowest sets the pace.
    ///
    /// Once `to` has finished, failed or closed, it is [unpiped](Self::unpipe).
    pub fn pipe<S>(self, cx: &mut Context<S>, to: impl Into<PipeOptions>) -> Self {
        let PipeOptions { to, end } = to.into();
        if self.data::<S, Pipes>(cx).is_none() {
            self.set_data(cx, Pipes::default());
        }
        let Some(pipes) = self.data_mut::<S, Pipes>(cx) else {
            return to; // it is gone
        };
        pipes.last = pipes.last.wrapping_add(1);
        let number = pipes.last;
        let unpipe = move |_: &mut S, cx: &mut Context<S>, _: Self, _: Event<'_>| {
            remove(cx, self, number);
        };
        let of_source = [
            self.on(cx, EventKind::Data, move |_, cx, from, event| {
                if let Event::Data(bytes) = event
                    && !to.write(cx, bytes)
                {
                    wait(cx, from, number);
                }
            }),
            self.on(
                cx,
                EventKind::End,
                move |state, cx, from, event| match end {
                    true => {
                        to.end(cx);
                    }
                    false => unpipe(state, cx, from, event),
                },
            ),
            self.on(cx, EventKind::Close, unpipe),
        ];
        let of_target = [
            to.on(cx, EventKind::Drain, move |_, cx, _, _| {
                drained(cx, self, number)
            }),
            to.on(cx, EventKind::Finish, unpipe),
            to.on(cx, EventKind::Error, unpipe),
            to.on(cx, EventKind::Close, unpipe),
        ];
        if let Some(pipes) = self.data_mut::<S, Pipes>(cx) {
            pipes.list.push(Pipe {
                number,
                to,
                waits: false,
                listeners: (of_source, of_target),
            });
        }
        if to.writable_need_drain(cx) {
            wait(cx, self, number);
        } else {
            self.resume(cx);
        }
        to
    }

    /// Forwards no more to this socket, or to any (`source.unpipe(to)`). One that is piped to none
    /// any more is paused: whoever unpipes decides what becomes of it. If it was piped there several
    /// times, once less. Piped to something else, it is as it was.
    pub fn unpipe<S>(self, cx: &mut Context<S>, to: impl Into<Option<Self>>) -> Self {
        let to = to.into();
        let pipes = self.data::<S, Pipes>(cx).into_iter();
        let meant = pipes.flat_map(|pipes| &pipes.list);
        let meant = meant.filter(|pipe| to.is_none_or(|to| to == pipe.to));
        let most = if to.is_some() { 1 } else { usize::MAX };
        let numbers: Vec<_> = meant.take(most).map(|pipe| pipe.number).collect();
        for number in numbers {
            remove(cx, self, number);
        }
        self
    }
}

/// A target takes no more: nothing is handed out until it has drained.
fn wait<S>(cx: &mut Context<S>, from: Socket, number: u32) {
    let pipes = from.data_mut::<S, Pipes>(cx);
    if let Some(pipe) = pipes.and_then(|pipes| pipes.get_mut(number)) {
        pipe.waits = true;
        from.pause(cx);
    }
}

/// A pause of the program's own stays.
fn drained<S>(cx: &mut Context<S>, from: Socket, number: u32) {
    let Some(pipes) = from.data_mut::<S, Pipes>(cx) else {
        return;
    };
    let pipe = pipes.get_mut(number);
    let waited = pipe.is_some_and(|pipe| std::mem::take(&mut pipe.waits));
    if waited && !pipes.waits() {
        from.resume(cx);
    }
}

fn remove<S>(cx: &mut Context<S>, from: Socket, number: u32) {
    let Some(pipes) = from.data_mut::<S, Pipes>(cx) else {
        return;
    };
    let Some(place) = pipes.list.iter().position(|pipe| pipe.number == number) else {
        return;
    };
    let pipe = pipes.list.remove(place);
    let (is_last, goes_on) = (pipes.list.is_empty(), pipe.waits && !pipes.waits());
    let (of_source, of_target) = pipe.listeners;
    for listener in of_source {
        from.off(cx, listener);
    }
    for listener in of_target {
        pipe.to.off(cx, listener);
    }
    if is_last {
        from.pause(cx);
    } else if goes_on {
        from.resume(cx);
    }
}

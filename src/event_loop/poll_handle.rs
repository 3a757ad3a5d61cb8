//! Polling of any other source: a terminal, a pipe, the signals.

use std::io;

use log::error;
use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::{Context, Handle, HandleId, Readiness};

/// A source that is being polled; mirrors `uv_poll_t`. A stale one is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollHandle(pub(super) HandleId);

/// A source with its callback, the types of both forgotten.
pub(super) trait Polled<H: Handle> {
    fn call(
        &mut self,
        state: &mut H::State,
        cx: &mut Context<H>,
        id: PollHandle,
        readiness: Readiness,
    );
    fn rearm(&mut self, registry: &Registry, token: Token) -> io::Result<()>;
    fn deregister(&mut self, registry: &Registry) -> io::Result<()>;
}

struct SourceAndCallback<Src, F> {
    source: Src,
    interest: Interest,
    callback: F,
}

impl<H, Src, F> Polled<H> for SourceAndCallback<Src, F>
where
    H: Handle,
    Src: Source,
    F: FnMut(&mut H::State, &mut Context<H>, PollHandle, &mut Src, Readiness),
{
    fn call(
        &mut self,
        state: &mut H::State,
        cx: &mut Context<H>,
        id: PollHandle,
        readiness: Readiness,
    ) {
        (self.callback)(state, cx, id, &mut self.source, readiness);
    }

    fn rearm(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(&mut self.source, token, self.interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.source)
    }
}

/// Registers the source and polls it from now on.
pub(super) fn open<H: Handle, Src: Source + 'static>(
    cx: &mut Context<H>,
    source: Src,
    interest: Interest,
    callback: impl FnMut(&mut H::State, &mut Context<H>, PollHandle, &mut Src, Readiness) + 'static,
) -> io::Result<PollHandle> {
    let id = cx.handles.reserve_poll();
    let mut polled = SourceAndCallback {
        source,
        interest,
        callback,
    };
    if let Err(error) = cx
        .registry()
        .register(&mut polled.source, id.token(), interest)
    {
        cx.handles.close(id);
        return Err(error);
    }
    cx.handles.put_poll(id, Box::new(polled));
    cx.handles.set_active(id, true);
    Ok(PollHandle(id))
}

/// Stops polling. From within the source's own callback, the source lives until that returns.
pub(super) fn close<H: Handle>(cx: &mut Context<H>, handle: PollHandle) {
    if let Some(polled) = cx.handles.take_poll(handle.0) {
        deregister(cx, polled);
    }
    cx.handles.close(handle.0);
}

/// Poll phase: calls back and arms the source again. That brings another event at once if
/// there is more, so the callback need not read until it would block: it may even be given a
/// blocking descriptor, such as a shared terminal, of which it reads once.
pub(super) fn ready<H: Handle>(state: &mut H::State, cx: &mut Context<H>, id: HandleId) {
    let Some(mut polled) = cx.handles.take_poll(id) else {
        return;
    };
    let readiness = cx.handles.readiness(id);
    cx.handles.clear_readiness(id, readiness);
    polled.call(state, cx, PollHandle(id), readiness);
    if let Some(closed) = cx.handles.put_poll(id, polled) {
        deregister(cx, closed);
        return;
    }
    let Some(mut polled) = cx.handles.take_poll(id) else {
        return;
    };
    if let Err(error) = polled.rearm(cx.registry(), id.token()) {
        error!("a polled source cannot be armed again, it is closed: {error}");
        cx.handles.close(id);
        return;
    }
    cx.handles.put_poll(id, polled);
}

fn deregister<H: Handle>(cx: &Context<H>, mut polled: Box<dyn Polled<H>>) {
    if let Err(error) = polled.deregister(cx.registry()) {
        // The descriptor was closed under us, and the kernel has forgotten it by itself.
        log::debug!("a polled source was gone before it was deregistered: {error}");
    }
}

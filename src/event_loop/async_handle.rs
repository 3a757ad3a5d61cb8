//! Waking the loop from other threads (`uv_async_t`).
//!
//! The loop's side is an [`AsyncHandle`]; the other threads have an [`AsyncSender`]. Between them
//! is one byte of flags, and the waker that the [thread pool](super::work) uses, too: a poll has
//! only one. So a wake does not say whom it is for, and the loop looks at each handle's flags, as
//! libuv does behind its one descriptor.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use log::error;
use mio::Waker;

use super::{CallbackResult, CallbackSite, Context, Handle, HandleId};

/// There was a send, and the callback has not begun since.
const PENDING: u8 = 1;
/// The handle was closed, or its loop is gone.
const CLOSED: u8 = 2;

/// A callback that other threads ask for; mirrors `uv_async_t`. A stale one is a no-op.
///
/// Made by [`Context::async_handle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsyncHandle(HandleId);

/// What other threads have of an [`AsyncHandle`]: it wakes the loop for it.
///
/// Clones are for the same handle. Dropping all of them closes nothing, and keeping one keeps
/// neither the handle nor the loop, nor a descriptor.
#[derive(Clone, Debug)]
pub struct AsyncSender(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    flags: AtomicU8,
    waker: Weak<Waker>,
}

/// The loop's own end: once it is dropped, with the handle or with the loop, senders are told.
struct LoopEnd(Arc<Shared>);

/// The async handles that are open, in the order in which they were made.
#[derive(Default)]
pub(super) struct AsyncHandles(Vec<(HandleId, LoopEnd)>);

/// What an async handle calls, its type forgotten.
pub(super) trait AsyncCallback<H: Handle> {
    fn call(&mut self, state: &mut H::State, cx: &mut Context<H>, handle: AsyncHandle);
}

impl<H, F> AsyncCallback<H> for F
where
    H: Handle,
    F: FnMut(&mut H::State, &mut Context<H>, AsyncHandle),
{
    fn call(&mut self, state: &mut H::State, cx: &mut Context<H>, handle: AsyncHandle) {
        self(state, cx, handle);
    }
}

impl AsyncSender {
    /// Has the loop call the handle's callback, in a poll phase soon; wakes it if it sleeps
    /// (`uv_async_send`). May be called on any thread, the loop's included, and never blocks.
    ///
    /// The next call that begins sees what this thread wrote before: so put something into a queue
    /// first, and send then. Sends that come before the callback begins are one call; only the
    /// first of them makes a system call. One that comes while the callback runs is another call.
    ///
    /// False if nothing will come of it: the handle was closed, the loop is gone, or the system
    /// refuses to wake it, which is logged. True is no promise: the handle may be closed, or the
    /// loop end, before its turn comes.
    ///
    /// Unlike `uv_async_send` it is not for signal handlers; there is
    /// [`on_signal`](Context::on_signal).
    pub fn send(&self) -> bool {
        // Written even if it is set already, and the callback's begin writes it, too: so one of the
        // two comes first and the other one sees what was done before it. After a mere look at
        // the flag the processor might let the callback miss what this thread has just written.
        let before = self.0.flags.fetch_or(PENDING, Ordering::AcqRel);
        if before & CLOSED != 0 {
            return false;
        }
        if before & PENDING != 0 {
            return true;
        }
        let Some(waker) = self.0.waker.upgrade() else {
            return false;
        };
        let woken = waker.wake();
        if let Err(error) = &woken {
            self.0.begin(); // or no later send would even try
            error!("a thread cannot wake the loop: {error}");
        }
        woken.is_ok()
    }
}

impl Shared {
    fn is_pending(&self) -> bool {
        self.flags.load(Ordering::Acquire) & PENDING != 0
    }

    /// The callback is about to begin: what is sent from now on wants another call.
    fn begin(&self) {
        self.flags.fetch_and(!PENDING, Ordering::AcqRel);
    }
}

impl Drop for LoopEnd {
    fn drop(&mut self) {
        self.0.flags.fetch_or(CLOSED, Ordering::AcqRel);
    }
}

impl<H: Handle> Context<H> {
    /// Makes a handle for other threads to wake the loop with (`uv_async_init`): whenever one has
    /// called [`AsyncSender::send`], `callback` comes on the loop.
    ///
    /// It brings no data. What there is to say stands elsewhere, in a channel or an atomic; the
    /// callback takes *all* that is there, since several sends may be one call. It may find nothing:
    /// the call before may have taken what was on its way to being sent.
    ///
    /// **When it comes:** in the poll phase, at the place of the wake among what the poll has
    /// found, behind [work](Self::queue_work) that has finished. Of several handles that are due
    /// the one that was made first is first. Each is called once a turn at most: a send from
    /// within the callback is for the next turn, which does not sleep.
    ///
    /// **What holds the loop open:** the handle, until it is [closed](Self::close_async), whether
    /// or not anybody has a sender. Not while it is [unreferenced](Self::set_async_ref); a loop
    /// that has ended calls nothing, and does so when it is run again.
    ///
    /// A [`ManualClock`](super::ManualClock) does not wait for other threads: make it
    /// [`stopped`](super::ManualClock::stopped) where there are any.
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let mut event_loop = loopchat::EventLoop::<Vec<u32>>::new()?;
    /// let (results, arrived) = mpsc::channel();
    /// let (_, sender) = event_loop.async_handle(move |sum: &mut Vec<u32>, cx, handle| {
    ///     sum.extend(arrived.try_iter());
    ///     if sum.len() == 3 {
    ///         cx.close_async(handle); // nothing else holds the loop open
    ///     }
    /// });
    /// let thread = std::thread::spawn(move || {
    ///     for number in [1, 2, 3] {
    ///         results.send(number).expect("the loop has the other end");
    ///         sender.send();
    ///     }
    /// });
    /// let mut numbers = Vec::new();
    /// event_loop.run(&mut numbers)?;
    /// assert_eq!(numbers, [1, 2, 3]);
    /// # thread.join().expect("it does not panic");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn async_handle<R: CallbackResult>(
        &mut self,
        mut callback: impl FnMut(&mut H::State, &mut Self, AsyncHandle) -> R + 'static,
    ) -> (AsyncHandle, AsyncSender) {
        let site = CallbackSite::caller();
        let shared = Arc::new(Shared {
            flags: AtomicU8::new(0),
            waker: Arc::downgrade(self.work.waker()),
        });
        let own = Arc::clone(&shared);
        let callback = move |state: &mut H::State, cx: &mut Self, handle| {
            own.begin(); // before it looks at anything that a sender may add to
            site.check("an async handle", callback(state, cx, handle));
        };
        let id = self.handles.insert_async(Box::new(callback));
        self.async_handles
            .0
            .push((id, LoopEnd(Arc::clone(&shared))));
        self.handles.set_active(id, true);
        (AsyncHandle(id), AsyncSender(shared))
    }

    /// Closes an async handle (`uv_close`): its callback does not come any more, also if it was
    /// sent for already, and senders are told so from now on. The callback is dropped; when it
    /// closes itself, once it returns. As after any close the loop goes on up to the closing phase;
    /// other than in libuv nobody is called there.
    pub fn close_async(&mut self, handle: AsyncHandle) {
        self.async_handles.0.retain(|(id, _)| *id != handle.0);
        self.handles.take_async(handle.0);
        self.handles.close(handle.0);
    }

    /// Whether an async handle holds the loop open (`uv_ref`, `uv_unref`). New ones do.
    pub fn set_async_ref(&mut self, handle: AsyncHandle, referenced: bool) {
        self.handles.set_referenced(handle.0, referenced);
    }

    /// The loop was woken: whoever was sent for is ready.
    pub(super) fn remember_sends(&mut self) {
        for (id, end) in &self.async_handles.0 {
            if end.0.is_pending() {
                self.handles.queue_ready(*id);
            }
        }
    }
}

/// Poll phase: calls back.
pub(super) fn ready<H: Handle>(state: &mut H::State, cx: &mut Context<H>, id: HandleId) {
    let Some(mut callback) = cx.handles.take_async(id) else {
        return;
    };
    callback.call(state, cx, AsyncHandle(id));
    cx.handles.put_async(id, callback);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a system call for each send. A waker that is gone refuses, so whoever asks it
    /// is told.
    #[test]
    fn only_the_first_of_several_sends_asks_the_waker() {
        let sender = AsyncSender(Arc::new(Shared {
            flags: AtomicU8::new(0),
            waker: Weak::new(),
        }));
        assert!(!sender.send(), "it is asked");
        assert!(sender.send(), "it is not: the first is pending");
        sender.0.begin();
        assert!(!sender.send(), "asked again");
    }

    /// Catches: senders that keep the descriptor of a loop that is gone, and memory for handles
    /// that nobody made.
    #[test]
    fn a_sender_keeps_nothing_of_the_loop() {
        let mut event_loop = crate::EventLoop::<()>::new().expect("a loop");
        assert_eq!(event_loop.async_handles.0.capacity(), 0);
        let (handle, sender) = event_loop.async_handle(|(), _, _| {});
        assert_eq!(sender.0.waker.strong_count(), 1);
        event_loop.close_async(handle);
        assert!(event_loop.async_handles.0.is_empty());
        assert_eq!(Arc::strong_count(&sender.0), 1, "the callback is gone");
        drop(event_loop);
        assert_eq!(sender.0.waker.strong_count(), 0);
    }
}

//! What a callback can ask of the loop.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Interest, Poll, Registry, Token, Waker};

use super::async_handle::AsyncHandles;
use super::before_exit::BeforeExit;
use super::callback::{CallbackResult, CallbackSite};
use super::clock::Clock;
use super::counters::Counters;
use super::extensions::Extensions;
use super::handles::{Handle, HandleId, Handles};
use super::immediates::{Immediate, Immediates};
use super::monitor::Monitor;
use super::poll_handle::{self, PollHandle};
use super::reading::Reading;
use super::timers::{Target, Timer, Timers, millis, timer_millis};
use super::work::Work;
use super::{Callback, Readiness};

/// The token of the waker; no handle has it: that would take a generation and an index of all
/// ones.
const WAKER: Token = Token(usize::MAX);

/// A repeatable callback of a timer.
type TimerCallback<H> = Box<dyn FnMut(&mut <H as Handle>::State, &mut Context<H>)>;

/// See [`Context::on_check`].
pub(super) type Check<H> = fn(&mut <H as Handle>::State, &mut Context<H>);

/// The loop as callbacks see it: timers, ticks, immediates, and the handles.
///
/// Lent as `cx` to every callback. Nothing here calls user code: what follows from a call comes
/// as a later event. A callback may return an error: see [`CallbackResult`].
pub struct Context<H: Handle> {
    pub(super) handles: Handles<H>,
    pub(super) timers: Timers<TimerCallback<H>>,
    pub(super) immediates: Immediates<Callback<H>>,
    /// What is called in every check phase.
    pub(super) checks: Vec<Check<H>>,
    /// Who is told that nothing is left to wait for.
    pub(super) before_exit: Vec<BeforeExit<H>>,
    pub(super) work: Work<H>,
    pub(super) async_handles: AsyncHandles,
    pub(super) counters: Counters,
    /// Only while somebody watches.
    pub(super) monitor: Option<Box<Monitor>>,
    ticks: VecDeque<Callback<H>>,
    ticking: bool,
    stopping: bool,
    pub(super) clock: Clock,
    pub(super) now: u64,
    /// When it was last seen how late the loop is.
    pub(super) checked: u64,
    pub(super) awake_since: u64,
    pub(super) poll: Poll,
    pub(super) reading: Reading,
    extensions: Extensions,
}

impl<H: Handle> Context<H> {
    pub(super) fn new(clock: Clock) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self {
            handles: Handles::default(),
            timers: Timers::default(),
            immediates: Immediates::default(),
            checks: Vec::new(),
            before_exit: Vec::new(),
            work: Work::new(waker),
            async_handles: AsyncHandles::default(),
            counters: Counters::default(),
            monitor: None,
            ticks: VecDeque::new(),
            ticking: false,
            stopping: false,
            now: clock.now(),
            checked: clock.now(),
            awake_since: 0,
            clock,
            poll,
            reading: Reading::default(),
            extensions: Extensions::default(),
        })
    }

    // --- time -------------------------------------------------------------------------------

    /// Loop time in milliseconds: when this turn last looked at the clock (`uv_now`).
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Nanoseconds since the loop was made, looked at now (`uv_hrtime`): for measuring, not for
    /// timers.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        self.clock.nanos()
    }

    /// Looks at the clock (`uv_update_time`). Setting a timer does it by itself, so that busy
    /// code before it does not make the timer shorter.
    pub fn update_time(&mut self) {
        self.now = self.clock.now();
    }

    /// Since when the loop has been able to look at its handles, in loop time: when it was last
    /// held up for more than a second, by a callback that blocked, a process that was stopped or a
    /// machine that was suspended. 0 if it never was.
    ///
    /// Whoever measures by the clock what a peer does or fails to do counts from no earlier than
    /// this: what the peer did meanwhile is still to be seen. [`set_deadline`](Self::set_deadline)
    /// does so by itself, and so do the timers of handles.
    #[must_use]
    pub fn awake_since(&mut self) -> u64 {
        self.update_time();
        self.look_how_late(0);
        self.awake_since
    }

    /// Calls back once, after `delay` at the earliest (`setTimeout`). The loop counts in whole
    /// milliseconds: a part of one counts as one, and so does zero. As in Node, more than 2^31 - 1
    /// of them (24.8 days) are one, too.
    ///
    /// Never in the same pass of the timers phase that set it.
    #[track_caller]
    pub fn set_timeout<R: CallbackResult>(
        &mut self,
        delay: Duration,
        mut callback: impl FnMut(&mut H::State, &mut Self) -> R + 'static,
    ) -> Timer {
        let site = CallbackSite::caller();
        let callback = move |state: &mut H::State, cx: &mut Self| {
            site.check("a timeout", callback(state, cx));
        };
        self.insert_timer(delay, false, true, Target::Callback(Box::new(callback)))
    }

    /// As [`set_timeout`](Self::set_timeout), for what a peer has to do by then: if the loop
    /// [was held up](Self::awake_since) meanwhile, the time starts anew. More than 24.8 days are
    /// that long: nobody is late because he has more time than a timer can have.
    #[track_caller]
    pub fn set_deadline<R: CallbackResult>(
        &mut self,
        delay: Duration,
        callback: impl FnMut(&mut H::State, &mut Self) -> R + 'static,
    ) -> Timer {
        let delay = Duration::from_millis(timer_millis(delay).into());
        let timer = self.set_timeout(delay, callback);
        self.timers.set_deadline(timer);
        timer
    }

    /// Calls back whenever `period` has passed since the start of the callback before
    /// (`setInterval`); it is counted as the delay of [`set_timeout`](Self::set_timeout).
    #[track_caller]
    pub fn set_interval<R: CallbackResult>(
        &mut self,
        period: Duration,
        mut callback: impl FnMut(&mut H::State, &mut Self) -> R + 'static,
    ) -> Timer {
        let site = CallbackSite::caller();
        let callback = move |state: &mut H::State, cx: &mut Self| {
            site.check("an interval", callback(state, cx));
        };
        self.insert_timer(period, true, true, Target::Callback(Box::new(callback)))
    }

    /// A [deadline](Self::set_deadline) that calls [`Handle::timeout`]: no closure, and it does
    /// not hold the loop open.
    pub fn set_handle_timeout(&mut self, delay: Duration, id: HandleId) -> Timer {
        let timer = self.insert_timer(delay, false, false, Target::Handle(id));
        self.timers.set_deadline(timer);
        timer
    }

    fn insert_timer(
        &mut self,
        delay: Duration,
        repeats: bool,
        referenced: bool,
        target: Target<TimerCallback<H>>,
    ) -> Timer {
        self.update_time();
        self.timers
            .insert(self.now, millis(delay), repeats, referenced, target)
    }

    /// Forgets a timeout or an interval (`clearTimeout`, `clearInterval`). One that has fired, or
    /// was cleared before, is no error.
    pub fn clear_timer(&mut self, timer: Timer) {
        self.timers.clear(timer);
    }

    /// Starts a timer's period anew (`timeout.refresh()`), also within its own callback; that of
    /// an interval counts from the start of its callback all the same. False if it was cleared, or
    /// has fired and is not [reusable](Self::set_timer_reusable): its callback is gone by then.
    pub fn refresh_timer(&mut self, timer: Timer) -> bool {
        self.update_time();
        self.timers.refresh(timer, self.now)
    }

    /// Whether a timeout stays known once it has fired, so that it may be refreshed at any time; it
    /// takes up memory until it is cleared. Others are forgotten when they have fired.
    pub fn set_timer_reusable(&mut self, timer: Timer, reusable: bool) {
        self.timers.set_reusable(timer, reusable);
    }

    /// Whether a timer holds the loop open (`ref`, `unref`). New ones do.
    pub fn set_timer_ref(&mut self, timer: Timer, referenced: bool) {
        self.timers.set_referenced(timer, referenced);
    }

    /// Whether a timer that is still set holds the loop open (`hasRef`).
    #[must_use]
    pub fn timer_has_ref(&mut self, timer: Timer) -> bool {
        self.timers.is_referenced(timer)
    }

    // --- queues -----------------------------------------------------------------------------

    /// Calls back in the check phase: of this turn when called in the poll phase or before, of the
    /// next when called in the check phase or after (`setImmediate`).
    #[track_caller]
    pub fn set_immediate<R: CallbackResult>(
        &mut self,
        callback: impl FnOnce(&mut H::State, &mut Self) -> R + 'static,
    ) -> Immediate {
        let site = CallbackSite::caller();
        self.immediates.push(Box::new(move |state, cx| {
            site.check("an immediate", callback(state, cx));
        }))
    }

    /// Forgets an immediate that has not run yet (`clearImmediate`).
    pub fn clear_immediate(&mut self, immediate: Immediate) {
        self.immediates.clear(immediate);
    }

    /// Whether an immediate holds the loop open (`ref`, `unref`). New ones do.
    pub fn set_immediate_ref(&mut self, immediate: Immediate, referenced: bool) {
        self.immediates.set_referenced(immediate, referenced);
    }

    /// Whether an immediate that has not run yet holds the loop open (`hasRef`).
    #[must_use]
    pub fn immediate_has_ref(&mut self, immediate: Immediate) -> bool {
        self.immediates.is_referenced(immediate)
    }

    /// Calls back as soon as the callback that is running returns, before any other event
    /// (`process.nextTick`). Ticks that queue ticks hold up the whole loop, as in Node.
    #[track_caller]
    pub fn next_tick<R: CallbackResult>(
        &mut self,
        callback: impl FnOnce(&mut H::State, &mut Self) -> R + 'static,
    ) {
        let site = CallbackSite::caller();
        self.ticks.push_back(Box::new(move |state, cx| {
            site.check("a tick", callback(state, cx));
        }));
    }

    /// Calls back in every turn from now on, in the check phase, before its immediates
    /// (`uv_check_start`): after everything that the turn has read. It neither holds the loop open nor
    /// keeps it from sleeping, and is not recorded as a step of the turn; so it is for a short look.
    pub fn on_check(&mut self, check: fn(&mut H::State, &mut Self)) {
        self.checks.push(check);
    }

    /// Runs `work` on the thread pool and then `after` on the loop, in a poll phase, with what
    /// it returned (`uv_queue_work`). Holds the loop open until then. For what blocks: name lookup.
    ///
    /// # Panics
    ///
    /// A panic of `work` is resumed on the loop.
    #[track_caller]
    pub fn queue_work<W: Send + 'static, R: CallbackResult>(
        &mut self,
        work: impl FnOnce() -> W + Send + 'static,
        after: impl FnOnce(&mut H::State, &mut Self, W) -> R + 'static,
    ) {
        let site = CallbackSite::caller();
        self.work.queue(work, move |state, cx, result| {
            site.check("after work", after(state, cx, result));
        });
    }

    /// Ends [`EventLoop::run`](super::EventLoop::run) after this turn (`uv_stop`). Nothing is
    /// closed: running again goes on.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Polls any other source, level-triggered: `callback` comes in the poll phase whenever the
    /// source is ready, until the handle is [closed](Self::close_poll) (`uv_poll_t`).
    ///
    /// # Errors
    ///
    /// When the system cannot poll it; regular files for one cannot be polled (`EPERM`).
    #[track_caller]
    pub fn poll<Src: Source + 'static, R: CallbackResult>(
        &mut self,
        source: Src,
        interest: Interest,
        mut callback: impl FnMut(&mut H::State, &mut Self, PollHandle, &mut Src, Readiness) -> R
        + 'static,
    ) -> io::Result<PollHandle> {
        let site = CallbackSite::caller();
        poll_handle::open(
            self,
            source,
            interest,
            move |state, cx, handle, source, ready| {
                site.check(
                    "a polled source",
                    callback(state, cx, handle, source, ready),
                );
            },
        )
    }

    /// Stops polling a source and drops it; when that is done from its own callback, once that
    /// returns. Until then the same descriptor cannot be polled anew.
    pub fn close_poll(&mut self, handle: PollHandle) {
        poll_handle::close(self, handle);
    }

    /// Whether a poll handle holds the loop open (`uv_ref`, `uv_unref`). New ones do.
    pub fn set_poll_ref(&mut self, handle: PollHandle, referenced: bool) {
        self.handles.set_referenced(handle.0, referenced);
    }

    /// What programs and protocols hang on the loop itself (`uv_loop_t.data`).
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// As [`extensions`](Self::extensions), to change it.
    #[must_use]
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    // --- for kinds of handles ---------------------------------------------------------------

    /// Adds a handle; it is inactive, that is, it does not hold the loop open yet.
    pub fn insert(&mut self, handle: H) -> HandleId {
        self.handles.insert(handle)
    }

    /// A handle, unless its id is stale.
    #[must_use]
    pub fn handle(&self, id: HandleId) -> Option<&H> {
        self.handles.get(id)
    }

    /// A handle to change, unless its id is stale.
    #[must_use]
    pub fn handle_mut(&mut self, id: HandleId) -> Option<&mut H> {
        self.handles.get_mut(id)
    }

    /// Where descriptors are registered, under their [`HandleId::token`].
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// What is remembered of a handle's readiness.
    #[must_use]
    pub fn readiness(&self, id: HandleId) -> Readiness {
        self.handles.readiness(id)
    }

    /// Forgets readiness that has been used up.
    pub fn clear_readiness(&mut self, id: HandleId, used: Readiness) {
        self.handles.clear_readiness(id, used);
    }

    /// Serves a handle (again) in the next poll phase, which then does not sleep.
    pub fn queue_ready(&mut self, id: HandleId) {
        self.handles.queue_ready(id);
    }

    /// Calls [`Handle::pending`] in the next pending phase (`uv__io_feed`).
    pub(crate) fn pend(&mut self, id: HandleId) {
        self.handles.pend(id);
    }

    /// Calls [`Handle::closed`] in the next closing phase and then frees the slot (`uv_close`). The
    /// descriptor is the handle's to close, at once.
    pub fn close(&mut self, id: HandleId) {
        self.handles.close(id);
    }

    /// Says that a descriptor was closed of a handle that stays itself. As after any close
    /// the loop goes on up to the closing phase.
    pub(crate) fn close_part(&mut self) {
        self.handles.close_part();
    }

    /// Keeps a handle that [`Handle::closed`] was called for: its id stays good.
    pub(crate) fn reopen(&mut self, id: HandleId) {
        self.handles.reopen(id);
    }

    /// An active handle may bring events, and holds the loop open if it is referenced.
    pub fn set_active(&mut self, id: HandleId, active: bool) {
        self.handles.set_active(id, active);
    }

    /// Whether a handle holds the loop open while it is active (`uv_ref`, `uv_unref`).
    pub fn set_ref(&mut self, id: HandleId, referenced: bool) {
        self.handles.set_referenced(id, referenced);
    }

    /// Whether a handle would hold the loop open (`uv_has_ref`).
    #[must_use]
    pub fn has_ref(&self, id: HandleId) -> bool {
        self.handles.is_referenced(id)
    }

    /// Calls user code in a phase and then runs the next-tick queue dry (`MakeCallback`). A phase
    /// that calls back several times for one handle uses it for each; the loop itself does so
    /// after each handle.
    pub fn make_callback<R>(
        &mut self,
        state: &mut H::State,
        callback: impl FnOnce(&mut H::State, &mut Self) -> R,
    ) -> R {
        let result = callback(state, self);
        self.run_ticks(state);
        result
    }

    // --- for the loop -----------------------------------------------------------------------

    /// Runs the next-tick queue dry, unless it is running already.
    pub(super) fn run_ticks(&mut self, state: &mut H::State) {
        if self.ticking {
            return;
        }
        self.returned(!self.ticks.is_empty());
        if self.ticks.is_empty() {
            return;
        }
        self.ticking = true;
        let begun = self.ticks_begin();
        while let Some(tick) = self.ticks.pop_front() {
            self.calling_tick();
            tick(state, self);
        }
        self.ticks_ran(begun);
        self.ticking = false;
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping
    }

    pub(super) fn take_stop(&mut self) {
        self.stopping = false;
    }

    /// Puts a due timer off, if it is a deadline and the loop was held up in its time.
    pub(super) fn puts_off(&mut self, timer: Timer) -> bool {
        let Some(start) = self.timers.deadline_start(timer) else {
            return false;
        };
        start < self.awake_since() && self.timers.refresh(timer, self.now)
    }

    /// Notes what the poll said.
    pub(super) fn remember(&mut self, event: &Event) {
        self.counters.events += 1;
        if event.token() == WAKER {
            self.remember_sends(); // or work has finished, which is looked at in every turn
        } else {
            self.handles.remember(event.token(), Readiness::from(event));
        }
    }
}

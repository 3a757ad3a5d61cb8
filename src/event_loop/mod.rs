//! The reactor: one thread that sleeps until something is ready, and calls back.
//!
//! It mirrors libuv's `uv_run` (1.45 and later, that is Node 20 and later) phase by phase. The
//! whole loop is the two functions [`EventLoop::run`] and [`EventLoop::turn`]; everything else in
//! this folder is one queue each:
//!
//! | file | holds | libuv or Node |
//! | --- | --- | --- |
//! | `mod.rs` | the loop: phases in order | `uv_run` in `src/unix/core.c` |
//! | `context.rs` | what a callback can ask of the loop | `uv_loop_t`, `process`, `timers` |
//! | `polling.rs` | the sleep: whether, and how long | `uv__io_poll`, `uv_backend_timeout` |
//! | `before_exit.rs` | the end of a run, and a last chance to go on | `process.on('beforeExit')` |
//! | `handles.rs` | handles, their remembered readiness, the queues between the phases | `uv_handle_t`, `uv__io_t` |
//! | `timers.rs` | timers, one list a duration | `lib/internal/timers.js` |
//! | `immediates.rs` | what the check phase runs | `setImmediate` |
//! | `poll_handle.rs` | any other pollable source | `uv_poll_t` |
//! | `async_handle.rs` | callbacks that other threads ask for | `uv_async_t` |
//! | `signals.rs` | signals as events | `uv_signal_t`, `process.on('SIGINT')` |
//! | `work.rs` | the thread pool for what blocks | `uv_queue_work` |
//! | `callback.rs` | what callbacks return, and their errors | |
//! | `listeners.rs` | lists of callbacks: who listens to what happens | `EventEmitter` |
//! | `extensions.rs` | values hung on the loop and on handles | `uv_handle_t.data`, `uv_loop_t.data` |
//! | `counters.rs` | what has been done so far, in sums | `uv_metrics_info` |
//! | `monitor/` | watching the loop at work, while somebody does | `perf_hooks` |
//! | `clock.rs` | loop time, real or injected | `uv_now`, `uv_update_time` |
//!
//! The loop knows tokens, time and queues. *What* it polls is a type parameter, a [`Handle`]:
//! [`net`](crate::net) supplies sockets and servers. Programs use
//! [`net::EventLoop<S>`](crate::net::EventLoop), where `S` is the program's own state.

mod async_handle;
mod before_exit;
mod callback;
mod clock;
mod context;
mod counters;
mod extensions;
#[cfg(test)]
pub(crate) mod forks;
mod handles;
mod immediates;
pub(crate) mod listeners;
mod monitor;
mod poll_handle;
mod polling;
mod readiness;
mod reading;
mod signals;
mod timers;
mod work;

use std::io;
use std::ops::{Deref, DerefMut};

use log::trace;
use mio::Events;

pub use async_handle::{AsyncHandle, AsyncSender};
pub(crate) use callback::no_error;
pub use callback::{CallbackResult, CallbackSite};
pub use clock::ManualClock;
pub use context::Context;
pub use counters::Counters;
pub use extensions::Extensions;
pub(crate) use handles::slot_size;
pub use handles::{Handle, HandleId};
pub use immediates::Immediate;
pub use listeners::ListenerId;
pub use monitor::{EventLoopDelay, Monitor, Origin, Phase, PhaseStats, Recording, Step, Turn};
pub use poll_handle::PollHandle;
pub use readiness::Readiness;
pub use signals::{SIGHUP, SIGINT, SIGTERM, Signal};
pub use timers::Timer;
pub(crate) use timers::{millis, timer_millis};

/// How many events one poll takes from the kernel at most, as in libuv.
const EVENTS_PER_POLL: usize = 1024;

/// How often the pending queue is run dry after one poll, as in libuv: work that keeps queueing
/// more of itself must not hold up the other phases.
const PENDING_ROUNDS: usize = 8;

/// A callback that runs once: the program's state is lent to it, and the loop itself.
pub type Callback<H> = Box<dyn FnOnce(&mut <H as Handle>::State, &mut Context<H>)>;

/// The event loop.
///
/// It owns every handle, timer and queue; the program's one shared state stays with the program
/// and is lent to [`run`](Self::run), which lends it on to every callback. It dereferences to
/// [`Context`], so whatever a callback may do can be done before the loop runs, too.
///
/// ```
/// use std::time::Duration;
///
/// use loopchat::EventLoop;
///
/// let mut event_loop = EventLoop::<Vec<&str>>::new()?;
/// event_loop.set_timeout(Duration::from_millis(1), |said, _cx| said.push("timeout"));
/// event_loop.set_immediate(|said, cx| {
///     said.push("immediate");
///     cx.next_tick(|said, _cx| said.push("tick"));
/// });
/// let mut said = vec!["main"];
/// event_loop.run(&mut said)?; // returns when nothing is left to wait for
/// assert_eq!(said[0], "main");
/// assert!(said.contains(&"timeout"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct EventLoop<H: Handle> {
    context: Context<H>,
    events: Events,
}

impl<H: Handle> EventLoop<H> {
    /// Makes a loop with nothing to do yet.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left for the poll itself.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            context: Context::new(clock::Clock::monotonic())?,
            events: Events::with_capacity(EVENTS_PER_POLL),
        })
    }

    /// Makes a loop whose time is the given clock's, for tests in which time matters: when a
    /// turn would sleep for a timer, the clock jumps to it instead; see [`ManualClock`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(clock: ManualClock) -> io::Result<Self> {
        Ok(Self {
            context: Context::new(clock::Clock::Manual(clock))?,
            events: Events::with_capacity(EVENTS_PER_POLL),
        })
    }

    /// Runs until nothing referenced is left to wait for, or [`Context::stop`] was called.
    ///
    /// Mirrors `uv_run(UV_RUN_DEFAULT)`: ticks queued by the main program run first, then the
    /// timers that are due already, then turn after turn. Like Node it then calls whom
    /// [`Context::on_before_exit`] has named, and goes on if they have begun anything.
    ///
    /// # Errors
    ///
    /// When polling itself fails. An error of a socket or a listener never ends the loop: it
    /// arrives there as an event.
    pub fn run(&mut self, state: &mut H::State) -> io::Result<()> {
        self.context.run_ticks(state);
        let mut alive = self.context.alive();
        loop {
            // What is alive is counted before these timers: one turn follows even if they were the
            // last.
            if alive {
                self.run_timers(state);
            }
            while alive && !self.context.stopping() {
                self.turn(state)?;
                alive = self.context.alive();
            }
            if !self.context.stopping() {
                self.context.tell_before_exit(state);
                alive = self.context.alive();
            }
            if !alive || self.context.stopping() {
                break;
            }
        }
        self.context.take_stop();
        Ok(())
    }

    /// One turn of the loop: every phase once, in libuv's order.
    ///
    /// After every single callback of every phase the next-tick queue runs dry. What precedes the
    /// first turn, the main program's own ticks and the timers that are due by then, is
    /// [`run`](Self::run)'s.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn turn(&mut self, state: &mut H::State) -> io::Result<()> {
        self.context.begin_turn();
        self.run_pending(state); //   what the last turn put off: finished shutdowns
        self.poll(state)?; //         sleep until ready, then every ready handle once
        for _ in 0..PENDING_ROUNDS {
            if !self.run_pending(state) {
                break; //             what polling has put off, before any immediate
            }
        }
        self.run_immediates(state); // the check phase
        self.run_closing(state); //   'close' events; only now may a slot be used again
        self.run_timers(state); //    last, and once before the first turn
        self.context.end_turn();
        Ok(())
    }

    /// Pending phase: true if there was anything to do.
    fn run_pending(&mut self, state: &mut H::State) -> bool {
        self.context.enter(Phase::Pending);
        let batch = self.context.handles.take_pending();
        let any = !batch.is_empty();
        for id in batch {
            if self.context.handles.start_pending(id) {
                self.context.calling(Origin::Handle, Some(id));
                H::pending(state, &mut self.context, id);
                self.context.run_ticks(state);
            }
        }
        any
    }

    /// Poll phase: sleeps, remembers what became ready, then serves a snapshot of the ready
    /// queue, each handle once. A handle that did not finish re-queues itself for the next turn.
    fn poll(&mut self, state: &mut H::State) -> io::Result<()> {
        self.context.enter(Phase::Sleep);
        self.context.sleep(&mut self.events)?;
        for event in &self.events {
            self.context.remember(event);
        }
        self.context.enter(Phase::Poll);
        work::run_finished(state, &mut self.context);
        for _ in 0..self.context.handles.ready_len() {
            match self.context.handles.next_ready() {
                Some(handles::Ready::Handle(id)) => {
                    self.context.calling(Origin::Handle, Some(id));
                    H::ready(state, &mut self.context, id);
                }
                Some(handles::Ready::Poll(id)) => {
                    self.context.calling(Origin::PollHandle, Some(id));
                    poll_handle::ready(state, &mut self.context, id);
                }
                Some(handles::Ready::Async(id)) => {
                    self.context.calling(Origin::AsyncHandle, Some(id));
                    async_handle::ready(state, &mut self.context, id);
                }
                None => continue, // closed since it was queued
            }
            self.context.run_ticks(state);
        }
        Ok(())
    }

    /// Check phase: the immediates that were set before it began.
    fn run_immediates(&mut self, state: &mut H::State) {
        self.context.enter(Phase::Check);
        self.run_checks(state); // who looks in every turn
        let end = self.context.immediates.end();
        while let Some(callback) = self.context.immediates.next_before(end) {
            self.context.calling(Origin::Immediate, None);
            callback(state, &mut self.context);
            self.context.run_ticks(state);
        }
    }

    fn run_checks(&mut self, state: &mut H::State) {
        for at in 0..self.context.checks.len() {
            let check = self.context.checks[at];
            check(state, &mut self.context);
            self.context.run_ticks(state);
        }
    }

    /// Closing phase: last closed, first called, as libuv's stack of closing handles has it.
    fn run_closing(&mut self, state: &mut H::State) {
        self.context.enter(Phase::Closing);
        for id in self.context.handles.take_closing().into_iter().rev() {
            if !self.context.handles.start_closing(id) {
                continue; // opened anew before its turn came
            }
            self.context.calling(Origin::Handle, Some(id));
            H::closed(state, &mut self.context, id);
            self.context.run_ticks(state);
            self.context.handles.finish_closing(id);
        }
    }

    /// Timers phase: the lists that are due, each list's due timers in one go.
    fn run_timers(&mut self, state: &mut H::State) {
        self.context.enter(Phase::Timers);
        self.context.update_time();
        let mut pass = self.context.timers.pass(self.context.now());
        while let Some(due) = self.context.timers.next_due(&mut pass) {
            // The ticks of the timer before, as late as in Node: what is next is chosen already.
            self.context.run_ticks(state);
            let timers::Due::Timer(timer) = due else {
                continue;
            };
            if self.context.puts_off(timer) {
                continue;
            }
            let Some(mut target) = self.context.timers.take(timer) else {
                continue; // cleared by a tick
            };
            // An interval counts from the start of its callback.
            self.context.update_time();
            let start = self.context.now();
            self.context.calling(Origin::Timer, target.handle());
            match &mut target {
                timers::Target::Callback(callback) => callback(state, &mut self.context),
                timers::Target::Handle(id) => H::timeout(state, &mut self.context, *id),
            }
            self.context.timers.fired(timer, start, target);
        }
        self.context.run_ticks(state);
        trace!(
            "turn done; next timer {:?}",
            self.context.timers.next_expiry()
        );
    }
}

impl<H: Handle> Deref for EventLoop<H> {
    type Target = Context<H>;
    fn deref(&self) -> &Context<H> {
        &self.context
    }
}

impl<H: Handle> DerefMut for EventLoop<H> {
    fn deref_mut(&mut self) -> &mut Context<H> {
        &mut self.context
    }
}

#[cfg(test)]
mod tests;

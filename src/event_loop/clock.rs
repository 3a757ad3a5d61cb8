//! Loop time: milliseconds since the loop was made, cached once a turn.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Counters;
use super::millis;

/// Where a loop takes its time from.
pub(super) enum Clock {
    Monotonic(Instant),
    Manual(ManualClock),
}

impl Clock {
    pub(super) fn monotonic() -> Self {
        Self::Monotonic(Instant::now())
    }

    /// Milliseconds since the clock was made.
    pub(super) fn now(&self) -> u64 {
        match self {
            Self::Monotonic(start) => start.elapsed().as_millis() as u64,
            Self::Manual(clock) => clock.now(),
        }
    }

    /// The same in nanoseconds.
    pub(super) fn nanos(&self) -> u64 {
        match self {
            Self::Monotonic(start) => start.elapsed().as_nanos() as u64,
            Self::Manual(clock) => clock.now() * 1_000_000,
        }
    }
}

/// A clock that a test moves by hand; clones share one time.
///
/// A loop made with [`EventLoop::with_clock`](super::EventLoop::with_clock) never sleeps for a
/// timer: when it has nothing else to do it moves this clock to the next one. Work on the thread
/// pool is something to do: the loop waits for it, as long as it takes.
///
/// What a peer has sent and the system has not delivered yet is not the loop's to know. Where
/// there are sockets, make the clock [`settling`](Self::settling), or have all peers write before
/// the turn on a transport that delivers at once: Unix sockets and pipes do. Where peers are in
/// other threads, it is to be [`stopped`](Self::stopped).
#[derive(Clone, Default)]
pub struct ManualClock(Rc<Inner>);

/// Waits until nothing is under way.
type Settle = Box<dyn Fn(&Counters)>;

#[derive(Default)]
struct Inner {
    now: Cell<u64>,
    /// Some of it passed while the loop was held up, and it has not noticed.
    held_up: Cell<bool>,
    settle: Option<Settle>,
    stopped: bool,
}

impl ManualClock {
    /// A clock at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock at zero that asks before it jumps: `settle` is called with what the loop has done
    /// so far, and returns once nothing that was sent is under way any more. The loop then polls
    /// again, and time passes only if that brings nothing.
    #[must_use]
    pub fn settling(settle: impl Fn(&Counters) + 'static) -> Self {
        Self(Rc::new(Inner {
            now: Cell::new(0),
            settle: Some(Box::new(settle)),
            ..Inner::default()
        }))
    }

    /// A clock at zero that nothing moves but [`advance`](Self::advance): the loop sleeps until
    /// something comes, so that nothing can come too late.
    #[must_use]
    pub fn stopped() -> Self {
        Self(Rc::new(Inner {
            stopped: true,
            ..Inner::default()
        }))
    }

    /// Whether the loop must not move it.
    pub(super) fn is_stopped(&self) -> bool {
        self.0.stopped
    }

    /// The loop time, in milliseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    /// Lets some time pass, counted in whole milliseconds as that of timers is. A running loop sees
    /// it at its next look at the clock.
    pub fn advance(&self, time: Duration) {
        self.0
            .now
            .set(self.0.now.get().saturating_add(millis(time)));
    }

    /// Lets some time pass in which the loop could do nothing, as when its process is
    /// stopped or a callback blocks: see [`Context::awake_since`](super::Context::awake_since).
    pub fn hold_up(&self, time: Duration) {
        self.advance(time);
        self.0.held_up.set(true);
    }

    pub(super) fn take_held_up(&self) -> bool {
        self.0.held_up.take()
    }

    /// Moves on to `time`; never back.
    pub(super) fn advance_to(&self, time: u64) {
        self.0.now.set(self.0.now.get().max(time));
    }

    /// Waits for what is under way: true if there was reason to, so that the loop polls again.
    pub(super) fn settle(&self, counters: &Counters) -> bool {
        let Some(settle) = &self.0.settle else {
            return false;
        };
        settle(counters);
        true
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

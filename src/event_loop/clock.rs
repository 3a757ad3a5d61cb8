//! Loop time: milliseconds since the loop was made, cached once a turn.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

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
/// timer: when it has nothing else to do it moves this clock to the next one.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Rc<Cell<u64>>);

impl ManualClock {
    /// A clock at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The time in milliseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.get()
    }

    /// Lets `ms` milliseconds pass. A running loop sees it at its next look at the clock.
    pub fn advance(&self, ms: u64) {
        self.0.set(self.0.get() + ms);
    }

    /// Moves on to `time`; never back.
    pub(super) fn advance_to(&self, time: u64) {
        self.0.set(self.0.get().max(time));
    }
}

//! Watching a loop at work: what each phase does, turn by turn, callback by callback.
//!
//! Nobody pays for it who does not ask for it. While nobody watches there is no `Monitor`: a
//! phase costs one branch, a callback another, and the clock is not looked at. While somebody
//! watches, each change of phase is one look at the clock, and one turn is kept as a few numbers.
//! Only a turn that is [recorded](Context::record_turn) looks at the clock for every callback.
//!
//! | file | what | Node or libuv |
//! | --- | --- | --- |
//! | `mod.rs` | [`Monitor`]: turns and sums; [`Phase`] | `uv_metrics_idle_time`, `performance.eventLoopUtilization` |
//! | `hooks.rs` | where the loop and its handles tell it | |
//! | `recording.rs` | [`Recording`]: one turn callback by callback | |
//! | `delay.rs` | [`EventLoopDelay`] | `perf_hooks.monitorEventLoopDelay` |

mod delay;
mod hooks;
mod recording;

use std::collections::VecDeque;

#[cfg(doc)]
use super::Context;
use super::Counters;
pub use delay::EventLoopDelay;
use recording::Recorder;
pub use recording::{Origin, Recording, Step};

/// How many turns are remembered.
const TURNS: usize = 1024;

/// The phases of a turn, in the order in which they begin; the poll phase in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// What an earlier phase has put off. It comes again between the poll and the check phase.
    Pending,
    /// The poll phase's first part: asleep until something is ready or a timer is due
    /// (`uv_metrics_idle_time`).
    Sleep,
    /// The poll phase's second part: everything that is ready.
    Poll,
    /// Immediates.
    Check,
    /// Close callbacks.
    Closing,
    /// Timers that are due.
    Timers,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Sleep,
        Self::Poll,
        Self::Check,
        Self::Closing,
        Self::Timers,
    ];

    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sleep => "sleep",
            Self::Poll => "poll",
            Self::Check => "check",
            Self::Closing => "closing",
            Self::Timers => "timers",
        }
    }
}

/// What one phase did in one turn, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseStats {
    /// How long it took, in nanoseconds, with the ticks after its callbacks.
    pub nanos: u64,
    /// Callbacks it made.
    pub callbacks: u64,
    /// The most that was queued for it when it began: handles in the ready queue for
    /// [`Phase::Poll`], timers that are set (due or not) for [`Phase::Timers`].
    pub queued: usize,
}

/// One turn, or the sum of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// [`Counters::turns`] at its begin: 1 for a loop's first.
    pub number: u64,
    /// When it began, in nanoseconds since the loop was made.
    pub start: u64,
    /// Callbacks of the next-tick queue.
    pub ticks: u64,
    /// How long those took, in nanoseconds; it is part of the phases' time, too.
    pub tick_nanos: u64,
    pub(crate) phases: [PhaseStats; Phase::ALL.len()],
}

impl Turn {
    /// What a phase did in it.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> PhaseStats {
        self.phases[phase as usize]
    }

    /// Nanoseconds it was at work: all but [`Phase::Sleep`].
    #[must_use]
    pub fn busy(&self) -> u64 {
        let all: u64 = self.phases.iter().map(|phase| phase.nanos).sum();
        all - self.phase(Phase::Sleep).nanos
    }

    /// Callbacks of all its phases, without ticks.
    #[must_use]
    pub fn callbacks(&self) -> u64 {
        self.phases.iter().map(|phase| phase.callbacks).sum()
    }

    /// What came on top of `earlier`, an older state of the same [sum](Monitor::total). What was
    /// queued stays the most of all.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = *self;
        rest.ticks -= earlier.ticks;
        rest.tick_nanos -= earlier.tick_nanos;
        for (rest, before) in rest.phases.iter_mut().zip(&earlier.phases) {
            rest.nanos -= before.nanos;
            rest.callbacks -= before.callbacks;
        }
        rest
    }

    /// Adds another; what was queued becomes the most of both. Number and start stay.
    pub fn add(&mut self, other: &Self) {
        self.ticks += other.ticks;
        self.tick_nanos += other.tick_nanos;
        for (sum, one) in self.phases.iter_mut().zip(&other.phases) {
            sum.nanos += one.nanos;
            sum.callbacks += one.callbacks;
            sum.queued = sum.queued.max(one.queued);
        }
    }
}

/// What is kept of a loop while somebody watches it; see [`Context::start_monitoring`].
pub struct Monitor {
    watchers: usize,
    /// The latest turns.
    turns: VecDeque<Turn>,
    total: Turn,
    open: Option<OpenTurn>,
    recorder: Option<Recorder>,
}

/// The turn that is under way.
struct OpenTurn {
    turn: Turn,
    phase: Phase,
    /// When this phase began, and the callbacks there had been by then.
    since: u64,
    callbacks: u64,
}

impl Monitor {
    fn new() -> Self {
        Self {
            watchers: 1,
            turns: VecDeque::with_capacity(TURNS),
            total: Turn::default(),
            open: None,
            recorder: None,
        }
    }

    /// The turns that have ended since it was started, oldest first: the last 1024 at most. Those
    /// after number `after` only.
    pub fn turns_after(&self, after: u64) -> impl ExactSizeIterator<Item = &Turn> + Clone {
        let first = self.turns.partition_point(|turn| turn.number <= after);
        self.turns.range(first..)
    }

    /// The sum of all turns since it was started, also of those that are no longer kept.
    #[must_use]
    pub fn total(&self) -> &Turn {
        &self.total
    }

    fn begin_turn(&mut self, nanos: u64, counters: &Counters) {
        let turn = Turn {
            number: counters.turns,
            start: nanos,
            ..Turn::default()
        };
        self.open = Some(OpenTurn {
            turn,
            phase: Phase::Pending,
            since: nanos,
            callbacks: counters.callbacks,
        });
        if let Some(recorder) = &mut self.recorder {
            recorder.begin_turn(nanos);
        }
    }

    /// Ends the phase before.
    fn enter(&mut self, phase: Phase, queued: usize, nanos: u64, counters: &Counters) {
        let Some(open) = &mut self.open else {
            return; // the timers before a loop's first turn
        };
        open.end_phase(nanos, counters);
        open.phase = phase;
        let stats = &mut open.turn.phases[phase as usize];
        stats.queued = stats.queued.max(queued);
        if let Some(recorder) = &mut self.recorder {
            recorder.enter(phase, nanos, counters);
        }
    }

    fn ticks_ran(&mut self, count: u64, nanos: u64) {
        if let Some(open) = &mut self.open {
            open.turn.ticks += count;
            open.turn.tick_nanos += nanos;
        }
    }

    fn end_turn(&mut self, nanos: u64, counters: &Counters) {
        let Some(mut open) = self.open.take() else {
            return; // it was started in this turn
        };
        open.end_phase(nanos, counters);
        if self.turns.len() == TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(open.turn);
        self.total.add(&open.turn);
        if let Some(recorder) = &mut self.recorder {
            recorder.end_turn(&open.turn, nanos, counters);
        }
    }
}

impl OpenTurn {
    fn end_phase(&mut self, nanos: u64, counters: &Counters) {
        let stats = &mut self.turn.phases[self.phase as usize];
        stats.nanos += nanos.saturating_sub(self.since);
        stats.callbacks += counters.callbacks - self.callbacks;
        (self.since, self.callbacks) = (nanos, counters.callbacks);
    }
}

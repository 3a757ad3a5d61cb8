//! One turn, callback by callback.

use super::{Phase, Turn};
use crate::event_loop::{Counters, HandleId};

/// Steps a recording has at most; the rest of the turn is only counted.
const STEPS: usize = 256;

/// Why the loop called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A handle was ready, pending or closed.
    Handle,
    /// A source of [`Context::poll`](crate::event_loop::Context::poll) was ready.
    PollHandle,
    /// A thread has woken the loop for a handle of
    /// [`Context::async_handle`](crate::event_loop::Context::async_handle).
    AsyncHandle,
    /// Work of the thread pool has ended.
    Work,
    /// A timer was due.
    Timer,
    /// An immediate was set.
    Immediate,
    /// The next-tick queue.
    Tick,
}

impl Origin {
    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::PollHandle => "poll handle",
            Self::AsyncHandle => "async handle",
            Self::Work => "work",
            Self::Timer => "timer",
            Self::Immediate => "immediate",
            Self::Tick => "tick",
        }
    }
}

/// One callback of a recorded turn. A callback in which several events are told, as `drain` and
/// then `finish`, is as many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The phase it belongs to.
    pub phase: Phase,
    /// Why the loop called back.
    pub origin: Origin,
    /// The handle it was about, and [what that is](crate::event_loop::Handle::kind).
    pub handle: Option<(HandleId, &'static str)>,
    /// The event that was told, by Node's name. `None` for a plain callback, and for a handle that
    /// was ready for what nobody waits for.
    pub event: Option<&'static str>,
    /// Bytes the event brought.
    pub bytes: usize,
    /// When it began, in nanoseconds since its turn began.
    pub start: u64,
    /// How long it took, in nanoseconds, without the ticks that it queued.
    pub nanos: u64,
    /// What was done in it.
    pub done: Counters,
}

/// What one turn did, callback by callback; see
/// [`Context::record_turn`](crate::event_loop::Context::record_turn).
#[derive(Clone, Debug)]
pub struct Recording {
    /// The turn as a whole.
    pub turn: Turn,
    /// Its steps in order, 256 at most.
    pub steps: Vec<Step>,
    /// Steps that came after those.
    pub left_out: usize,
}

/// Records every turn until one will do.
pub(super) struct Recorder {
    /// A turn of so many steps is wanted, and waited for until then.
    at_least: usize,
    deadline: u64,
    /// The busiest turn so far, and whether it is the one.
    best: Option<Recording>,
    done: bool,
    /// The turn under way, if it was seen from its begin.
    start: Option<u64>,
    phase: Phase,
    /// Of the callback under way, and of the one whose ticks run.
    origin: Origin,
    before_ticks: Origin,
    steps: Vec<Step>,
    left_out: usize,
    /// The last step has not ended; the counters when it began.
    open: Option<Counters>,
}

impl Recorder {
    pub(super) fn new(at_least: usize, deadline: u64) -> Self {
        Self {
            at_least,
            deadline,
            best: None,
            done: false,
            start: None,
            phase: Phase::Pending,
            origin: Origin::Handle,
            before_ticks: Origin::Handle,
            steps: Vec::with_capacity(STEPS),
            left_out: 0,
            open: None,
        }
    }

    /// The recording, once there is one.
    pub(super) fn take(&mut self) -> Option<Recording> {
        self.best.take_if(|_| self.done)
    }

    /// Whether callbacks are to be told it.
    pub(super) fn is_on(&self) -> bool {
        self.start.is_some() && !self.done
    }

    pub(super) fn begin_turn(&mut self, nanos: u64) {
        self.start = Some(nanos);
        self.phase = Phase::Pending;
        self.steps.clear();
        (self.left_out, self.open) = (0, None);
    }

    pub(super) fn enter(&mut self, phase: Phase, nanos: u64, counters: &Counters) {
        self.end_step(nanos, counters);
        self.phase = phase;
    }

    pub(super) fn begin_step(
        &mut self,
        origin: Origin,
        handle: Option<(HandleId, &'static str)>,
        nanos: u64,
        counters: &Counters,
    ) {
        self.end_step(nanos, counters);
        self.origin = origin;
        let Some(start) = self.start else {
            return;
        };
        if self.steps.len() == STEPS {
            self.left_out += 1;
            return;
        }
        self.steps.push(Step {
            phase: self.phase,
            origin,
            handle,
            event: None,
            bytes: 0,
            start: nanos - start,
            nanos: 0,
            done: Counters::default(),
        });
        self.open = Some(*counters);
    }

    /// An event is about to be told. It names the callback it is told in; if that has told one
    /// already, or is over, what follows is another step.
    pub(super) fn event(
        &mut self,
        handle: (HandleId, &'static str),
        event: &'static str,
        bytes: usize,
        nanos: u64,
        counters: &Counters,
    ) {
        let named = self.steps.last().is_none_or(|step| step.event.is_some());
        if self.open.is_none() || named {
            self.begin_step(self.origin, Some(handle), nanos, counters);
        }
        if let (Some(_), Some(step)) = (self.open, self.steps.last_mut()) {
            (step.handle, step.event, step.bytes) = (Some(handle), Some(event), bytes);
        }
    }

    /// A callback has returned. A handle's may go on and tell an event only then: its step stays
    /// open, unless ticks come between.
    pub(super) fn returned(&mut self, ticks: bool, nanos: u64, counters: &Counters) {
        let goes_on = |step: &Step| step.origin == Origin::Handle && step.event.is_none();
        if ticks || !self.steps.last().is_some_and(goes_on) {
            self.end_step(nanos, counters);
        }
        self.before_ticks = self.origin;
    }

    /// The ticks after a callback have run. What its handle tells now is not theirs.
    pub(super) fn ticks_ran(&mut self, nanos: u64, counters: &Counters) {
        self.end_step(nanos, counters);
        self.origin = self.before_ticks;
    }

    fn end_step(&mut self, nanos: u64, counters: &Counters) {
        if let (Some(before), Some(start), Some(step)) =
            (self.open.take(), self.start, self.steps.last_mut())
        {
            step.nanos = nanos.saturating_sub(start + step.start);
            step.done = counters.since(&before);
        }
    }

    pub(super) fn end_turn(&mut self, turn: &Turn, nanos: u64, counters: &Counters) {
        self.end_step(nanos, counters);
        if !self.is_on() {
            return; // it was begun in this turn, or is done
        }
        let count = self.steps.len() + self.left_out;
        let best = self.best.as_ref();
        if best.is_none_or(|best| best.steps.len() + best.left_out < count) && count > 0 {
            self.best = Some(Recording {
                turn: *turn,
                steps: self.steps.clone(),
                left_out: self.left_out,
            });
        }
        self.done = self.best.is_some() && (count >= self.at_least || nanos >= self.deadline);
    }
}

//! Where the loop and its handles tell the monitor what they do, if there is one.

use std::time::Duration;

use super::recording::Recorder;
use super::{Monitor, Origin, Phase, Recording};
use crate::event_loop::{Context, Counters, Handle, HandleId};

impl<H: Handle> Context<H> {
    /// What the loop and its handles have done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Somebody begins to watch the loop: from the next turn on there is a
    /// [`monitor`](Self::monitor). It costs a look at the clock for each phase of a turn. Each call
    /// wants one [`stop_monitoring`](Self::stop_monitoring).
    pub fn start_monitoring(&mut self) {
        match &mut self.monitor {
            Some(monitor) => monitor.watchers += 1,
            None => self.monitor = Some(Box::new(Monitor::new())),
        }
    }

    /// Somebody watches no more; with the last one, all that was kept is forgotten.
    pub fn stop_monitoring(&mut self) {
        if let Some(monitor) = &mut self.monitor {
            monitor.watchers -= 1;
            if monitor.watchers == 0 {
                self.monitor = None;
            }
        }
    }

    /// What is known of the latest turns, while somebody watches.
    #[must_use]
    pub fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_deref()
    }

    /// Records one of the next turns callback by callback: the first of `at_least` steps, or, when
    /// the time `within` has passed without one, the busiest of those.
    /// [`take_recording`](Self::take_recording) has it then. One that is under way already goes on.
    /// False if nobody watches, and so nothing is recorded.
    pub fn record_turn(&mut self, at_least: usize, within: Duration) -> bool {
        let within = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let deadline = self.nanos().saturating_add(within);
        let Some(monitor) = &mut self.monitor else {
            return false;
        };
        monitor
            .recorder
            .get_or_insert_with(|| Recorder::new(at_least, deadline));
        true
    }

    /// The recorded turn, once there is one.
    pub fn take_recording(&mut self) -> Option<Recording> {
        let monitor = self.monitor.as_mut()?;
        let recording = monitor.recorder.as_mut()?.take()?;
        monitor.recorder = None;
        Some(recording)
    }

    // --- for kinds of handles ---------------------------------------------------------------

    /// The counters, for a kind of handle to count what it does.
    #[must_use]
    pub(crate) fn counters_mut(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// A handle to change and the counters, both at once.
    #[must_use]
    pub fn handle_and_counters(&mut self, id: HandleId) -> Option<(&mut H, &mut Counters)> {
        Some((self.handles.get_mut(id)?, &mut self.counters))
    }

    /// Says that a handle is about to tell an event, by Node's name, that brings so many bytes: a
    /// recording shows it.
    pub fn note_event(&mut self, id: HandleId, event: &'static str, bytes: usize) {
        if self.is_recording() {
            let kind = self.handle(id).map_or("handle", Handle::kind);
            self.record(|recorder, nanos, counters| {
                recorder.event((id, kind), event, bytes, nanos, counters);
            });
        }
    }

    // --- for the loop -----------------------------------------------------------------------

    pub(in crate::event_loop) fn begin_turn(&mut self) {
        self.counters.turns += 1;
        if self.monitor.is_some() {
            self.tell(|monitor, nanos, counters| monitor.begin_turn(nanos, counters));
        }
    }

    pub(in crate::event_loop) fn enter(&mut self, phase: Phase) {
        if self.monitor.is_some() {
            let queued = match phase {
                Phase::Pending => self.handles.pending_len(),
                Phase::Sleep => 0,
                Phase::Poll => self.handles.ready_len(),
                Phase::Check => self.immediates.len(),
                Phase::Closing => self.handles.closing_len(),
                Phase::Timers => self.timers.len(),
            };
            self.tell(|monitor, nanos, counters| monitor.enter(phase, queued, nanos, counters));
        }
    }

    pub(in crate::event_loop) fn end_turn(&mut self) {
        if self.monitor.is_some() {
            self.tell(|monitor, nanos, counters| monitor.end_turn(nanos, counters));
        }
    }

    /// The loop is about to call back, perhaps for a handle.
    pub(in crate::event_loop) fn calling(&mut self, origin: Origin, id: Option<HandleId>) {
        self.counters.callbacks += 1;
        self.begin_step(origin, id);
    }

    pub(in crate::event_loop) fn calling_tick(&mut self) {
        self.counters.ticks += 1;
        self.begin_step(Origin::Tick, None);
    }

    /// A callback has returned, and ticks are to follow or not.
    pub(in crate::event_loop) fn returned(&mut self, ticks: bool) {
        if self.is_recording() {
            self.record(|recorder, nanos, counters| recorder.returned(ticks, nanos, counters));
        }
    }

    /// When the ticks begin that are about to run, if anybody wants to know.
    pub(in crate::event_loop) fn ticks_begin(&self) -> Option<(u64, u64)> {
        self.monitor.as_ref()?;
        Some((self.nanos(), self.counters.ticks))
    }

    pub(in crate::event_loop) fn ticks_ran(&mut self, begun: Option<(u64, u64)>) {
        if let Some((start, before)) = begun {
            let count = self.counters.ticks - before;
            self.tell(|monitor, nanos, _| monitor.ticks_ran(count, nanos.saturating_sub(start)));
            if self.is_recording() {
                self.record(|recorder, nanos, counters| recorder.ticks_ran(nanos, counters));
            }
        }
    }

    fn begin_step(&mut self, origin: Origin, id: Option<HandleId>) {
        if self.is_recording() {
            let kind = |id| (id, self.handle(id).map_or("handle", Handle::kind));
            let handle = id.map(kind);
            self.record(|recorder, nanos, counters| {
                recorder.begin_step(origin, handle, nanos, counters);
            });
        }
    }

    fn is_recording(&self) -> bool {
        let recorder = self.monitor.as_ref().and_then(|own| own.recorder.as_ref());
        recorder.is_some_and(Recorder::is_on)
    }

    /// Has the monitor, if there is one, note something that happens now.
    fn tell(&mut self, note: impl FnOnce(&mut Monitor, u64, &Counters)) {
        let nanos = self.nanos();
        if let Some(monitor) = &mut self.monitor {
            note(monitor, nanos, &self.counters);
        }
    }

    fn record(&mut self, note: impl FnOnce(&mut Recorder, u64, &Counters)) {
        self.tell(|monitor, nanos, counters| {
            if let Some(recorder) = &mut monitor.recorder {
                note(recorder, nanos, counters);
            }
        });
    }
}

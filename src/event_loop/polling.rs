//! The poll phase's sleep: whether, how long, and by which clock; and whether it was longer than
//! that.

use std::io;
use std::time::Duration;

use mio::Events;

use super::clock::Clock;
use super::{Context, Handle};

/// A loop that is so many milliseconds later than it meant to be was held up.
const HELD_UP_MS: u64 = 1000;

impl<H: Handle> Context<H> {
    /// Sleeps until something is ready or the next timer is due: not at all if any phase has
    /// work already.
    pub(super) fn sleep(&mut self, events: &mut Events) -> io::Result<()> {
        self.update_time();
        self.look_how_late(0);
        let busy = self.stopping()
            || !self.alive()
            || self.immediates.any_referenced()
            || self.handles.any_queued();
        let expiry = self.timers.next_expiry();
        let timeout = match (busy, expiry) {
            (true, _) => Some(0),
            (false, Some(expiry)) => Some(expiry.saturating_sub(self.now)),
            (false, None) => None,
        };
        self.wait(events, timeout)?;
        self.update_time();
        self.look_how_late(timeout.unwrap_or(u64::MAX));
        Ok(())
    }

    /// Polls for at most `timeout` milliseconds of loop time; without one, until something is
    /// ready.
    fn wait(&mut self, events: &mut Events, timeout: Option<u64>) -> io::Result<()> {
        let (Clock::Manual(clock), Some(ms)) = (&self.clock, timeout) else {
            return self.poll_once(events, timeout);
        };
        let clock = clock.clone();
        if ms > 0 && (self.work.any() || clock.is_stopped()) {
            // How long the pool takes is no matter of loop time.
            return self.poll_once(events, None);
        }
        self.poll_once(events, Some(0))?;
        if ms > 0 && events.is_empty() {
            if clock.settle(&self.counters) {
                self.poll_once(events, Some(0))?;
            }
            if events.is_empty() {
                clock.advance_to(self.now + ms);
            }
        }
        Ok(())
    }

    fn poll_once(&mut self, events: &mut Events, ms: Option<u64>) -> io::Result<()> {
        self.counters.polls += 1;
        match self.poll.poll(events, ms.map(Duration::from_millis)) {
            // A signal came first, such as the one that lets a stopped process go on: what has
            // become ready is looked at before any timer. The next turn computes its timeout anew.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                match self.poll.poll(events, Some(Duration::ZERO)) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                    result => result?,
                }
            }
            result => result?,
        }
        Ok(())
    }

    /// Sees whether more time has passed than was planned since this was last called.
    pub(super) fn look_how_late(&mut self, planned: u64) {
        let held_up = match &self.clock {
            Clock::Monotonic(_) => {
                let due = self.checked.saturating_add(planned);
                self.now.saturating_sub(due) > HELD_UP_MS
            }
            Clock::Manual(clock) => clock.take_held_up(),
        };
        if held_up {
            self.awake_since = self.now;
        }
        self.checked = self.now;
    }

    /// Whether anything referenced is left to wait for.
    pub(super) fn alive(&self) -> bool {
        self.handles.any_alive()
            || self.timers.any_referenced()
            || self.immediates.any_referenced()
            || self.work.any()
    }
}

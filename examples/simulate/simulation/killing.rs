//! The process dies between two steps, and another begins.
//!
//! All that it had in memory is gone: members, rooms, what was said and what was under way to a log
//! that is in memory, too. All connections are reset. Nothing that was said before may be named
//! again: neither by its id nor by the life of the log that it was in.

use loopchat::server::core::admission::Admission;

use super::Checked;
use super::queues::Waiting;
use super::tally::Count;
use super::world::{World, limits, process};

impl World<'_> {
    /// Kills the process, whatever it is at, and begins another.
    pub(super) fn kill(&mut self) -> Checked {
        self.count();
        self.tally.count(Count::Killed);
        let is_busy = self.hub.has_drafts();
        self.tally.add(Count::KilledDrafts, is_busy.into());
        for (_, client) in std::mem::take(&mut self.clients) {
            self.goes_away(client.program);
        }
        self.kept_out.clear();
        self.sockets.clear();
        self.asking = None;
        self.ends = false;
        (self.hub, self.log) = process(&self.setting, self.moment());
        self.admission = Admission::default();
        self.waiting = Waiting::default();
        let limits = limits(&self.setting);
        self.checker.begin_anew(&self.setting.config, limits);
        self.check()
    }
}

//! The short form, for `/loop` in the chat.

use crate::chat::LoopReport;
use crate::net::Context;
use crate::server::ChatServer;
use crate::server::inspect::loop_view::frame::{Sample, late};

impl ChatServer {
    /// What the loop has done since this was asked last, by whomever, or since it was made.
    pub(in crate::server) fn loop_report(&mut self, cx: &Context<Self>) -> LoopReport {
        let sample = Sample::take(self, cx);
        let before = std::mem::replace(&mut self.loop_view.told, sample);
        let counters = sample.counters.since(&before.counters);
        let delay = self.loop_view.running.as_ref().map(|own| &own.delay);
        let delay = delay.filter(|delay| delay.count() > 0).map(|delay| {
            let times = [delay.percentile(50.0), delay.percentile(99.0), delay.max()];
            times.map(|time| late(delay, time).unwrap_or_default())
        });
        LoopReport {
            nanos: sample.nanos - before.nanos,
            is_first: before.nanos == 0,
            turns: counters.turns,
            callbacks: counters.callbacks,
            ticks: counters.ticks,
            connections: sample.counters.connections(),
            messages: sample.tally.messages - before.tally.messages,
            deliveries: sample.tally.deliveries - before.tally.deliveries,
            polls: counters.polls,
            accepts: counters.accepts,
            reads: counters.reads,
            writes: counters.writes,
            bytes_written: counters.bytes_written,
            delay,
        }
    }
}

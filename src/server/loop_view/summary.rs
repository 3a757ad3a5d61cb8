//! The short form, for `/loop` in the chat.

use super::super::ChatServer;
use super::frame::Sample;
use crate::net::Context;

impl ChatServer {
    /// What the loop has done since this was asked last, by whomever, or since it was made.
    pub(in crate::server) fn describe_loop(&mut self, cx: &Context<Self>) -> Vec<String> {
        let sample = Sample::take(self, cx);
        let before = std::mem::replace(&mut self.loop_view.told, sample);
        let seconds = (sample.nanos - before.nanos) as f64 / 1e9;
        let since = match before.nanos {
            0 => "since it was started",
            _ => "since /loop was asked last",
        };
        let counters = sample.counters.since(&before.counters);
        let rate = |count: u64| number(count as f64 / seconds.max(0.001));
        let per = |count: u64, of: u64| number(count as f64 / of.max(1) as f64);
        let messages = sample.tally.messages - before.tally.messages;
        let deliveries = sample.tally.deliveries - before.tally.deliveries;
        let mut lines = vec![
            format!("* The event loop, {} s {since}:", number(seconds)),
            format!(
                "*   {} turns a second, {} callbacks and {} ticks in each; {} connections.",
                rate(counters.turns),
                per(counters.callbacks, counters.turns),
                per(counters.ticks, counters.turns),
                sample.counters.connections(),
            ),
            format!(
                "*   {} messages a second, {} deliveries a second.",
                rate(messages),
                rate(deliveries)
            ),
            format!(
                "*   System calls a second: {} polls, {} accepts, {} reads, {} writes.",
                rate(counters.polls),
                rate(counters.accepts),
                rate(counters.reads),
                rate(counters.writes)
            ),
        ];
        if deliveries > 0 {
            lines.push(format!(
                "*   A delivery: {} system calls, {} bytes sent.",
                per(counters.system_calls(), deliveries),
                per(counters.bytes_written, deliveries)
            ));
        }
        let delay = self.loop_view.running.as_ref().map(|own| &own.delay);
        lines.push(match delay {
            Some(delay) if delay.count() > 0 => {
                let late = |nanos: Option<u64>| {
                    number(delay.lateness(nanos.unwrap_or_default()) as f64 / 1e6)
                };
                format!(
                    "*   Delay in ms: {} half of the time, {} at 99%, {} at most.",
                    late(delay.percentile(50.0)),
                    late(delay.percentile(99.0)),
                    late(delay.max())
                )
            }
            _ => "*   Its delay is measured while somebody looks at /loop in a browser.".to_owned(),
        });
        lines
    }
}

/// With as many digits as say something.
fn number(value: f64) -> String {
    match value {
        _ if value >= 10.0 => format!("{value:.0}"),
        _ if value >= 1.0 || value == 0.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn small_numbers_have_more_digits() {
        let shown = [1234.5, 12.34, 1.234, 0.0123, 0.0].map(number);
        assert_eq!(shown, ["1234", "12", "1.2", "0.012", "0.0"]);
    }
}

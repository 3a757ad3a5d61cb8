//! What is printed at the end.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};

use super::process::Usage;
use super::run::{QUIET, Stress};

/// From so much of one core on, the client may be what is slow.
const BUSY_PERCENT: f64 = 90.0;

/// Names and values, one a line.
pub struct Table(Vec<(&'static str, String)>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.0 {
            writeln!(f, "{name:<width$}  {value}")?;
        }
        Ok(())
    }
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// What a run that has begun has found, so far or in the end.
pub fn table(stress: &Stress) -> Table {
    let flags = &stress.flags;
    let mut rows = vec![
        ("clients", count(u64::from(flags.clients))),
        ("rooms", count(u64::from(flags.rooms))),
    ];
    let (Some(from), Some(to)) = (stress.from, stress.to) else {
        rows.push(("connected", count(stress.entered as u64)));
        return Table(rows);
    };
    // A run that waited in vain was over when the last delivery came.
    let end = if stress.gave_up {
        stress.progress
    } else {
        to.at
    };
    let seconds = Duration::from_nanos(end.saturating_sub(from.at)).as_secs_f64();
    let measured = Duration::from_nanos(to.at.saturating_sub(from.at));
    let deliveries = stress.delivered + stress.uncounted;
    if !flags.idle {
        rows.push(("messages sent", count(stress.sent)));
        rows.push(("deliveries", count(stress.delivered)));
    }
    if flags.churn > 0 {
        rows.push(("not counted", count(stress.uncounted)));
        rows.push(("came back", count(stress.came_back)));
    }
    if flags.slow_readers > 0 {
        rows.push(("slow readers", count(u64::from(flags.slow_readers))));
    }
    rows.push(("seconds", format!("{seconds:.2}")));
    if !flags.idle {
        let rate = deliveries as f64 / seconds.max(1e-9);
        rows.push(("deliveries/s", count(rate as u64)));
        latencies(stress, &mut rows);
        rows.push(("lost", count(stress.lost())));
        rows.push(("duplicated", count(stress.check.duplicated)));
        rows.push(("out of order", count(stress.check.out_of_order)));
        if stress.damaged > 0 {
            rows.push(("damaged", count(stress.damaged)));
        }
    }
    rows.push(("disconnected", count(stress.disconnected)));
    if let (Some(before), Some(after)) = (from.own, to.own) {
        let mut text = cpu(before, after, measured, deliveries);
        if percent(before, after, measured) > BUSY_PERCENT {
            text += ": this client is a limit here, not the server alone";
        }
        rows.push(("client CPU", text));
    }
    if let (Some(before), Some(after)) = (from.server, to.server) {
        rows.push(("server CPU", cpu(before, after, measured, deliveries)));
    }
    if let (Some(before), Some(after)) = (stress.before, to.server) {
        let grown = after.resident.saturating_sub(before.resident);
        let text = format!(
            "{} before, {} after, {} a connection",
            HumanBytes(before.resident),
            HumanBytes(after.resident),
            HumanBytes(grown / flags.everyone() as u64)
        );
        rows.push(("server memory", text));
    }
    Table(rows)
}

fn latencies(stress: &Stress, rows: &mut Vec<(&'static str, String)>) {
    if stress.latency.is_empty() {
        return;
    }
    let show = |nanos| format!("{:.2?}", Duration::from_nanos(nanos));
    for (name, quantile) in [
        ("latency p50", 0.5),
        ("latency p90", 0.9),
        ("latency p99", 0.99),
        ("latency p99.9", 0.999),
    ] {
        rows.push((name, show(stress.latency.value_at_quantile(quantile))));
    }
    rows.push(("latency max", show(stress.latency.max())));
}

fn percent(before: Usage, after: Usage, during: Duration) -> f64 {
    let used = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    100.0 * used / during.as_secs_f64().max(1e-9)
}

/// How busy a process was, and what a delivery cost it.
fn cpu(before: Usage, after: Usage, during: Duration, deliveries: u64) -> String {
    let busy = format!("{:.1} % of a core", percent(before, after, during));
    if deliveries == 0 {
        return busy;
    }
    let used = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let each = Duration::from_secs_f64(used / deliveries as f64);
    if each < Duration::from_micros(1) {
        format!("{busy}, {each:?} a delivery")
    } else {
        format!("{busy}, {each:.2?} a delivery")
    }
}

/// What was wrong, in a sentence each; nothing if all was well.
pub fn problems(stress: &Stress) -> Vec<String> {
    let check = &stress.check;
    let mut problems: Vec<String> = [
        (stress.lost(), "lost"),
        (check.duplicated, "duplicated"),
        (check.out_of_order, "out of order"),
        (stress.damaged, "damaged"),
    ]
    .into_iter()
    .filter(|&(number, _)| number > 0)
    .map(|(number, what)| format!("deliveries {what}: {}", count(number)))
    .collect();
    if stress.gave_up {
        let seconds = QUIET.as_secs();
        problems.push(format!("nothing came for {seconds} seconds"));
    }
    if stress.refused > 0 {
        let why = stress.first_refusal.as_deref().unwrap_or_default();
        let number = count(stress.refused);
        problems.push(format!(
            "lines refused by the server: {number}, the first: {why}"
        ));
    }
    if stress.disconnected > 0 {
        let why = stress.first_disconnect.as_deref().unwrap_or_default();
        let number = count(stress.disconnected);
        problems.push(format!("disconnected: {number}, the first: {why}"));
    }
    if stress.unclosed > 0 {
        let number = count(stress.unclosed as u64);
        let what = "connections that the server did not end after we had ended ours";
        problems.push(format!("{what}: {number}"));
    }
    problems
}

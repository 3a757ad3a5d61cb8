//! What operators and the curious are told of the server, as lines.

use crate::chat::{
    BanListed, ConnectionListed, ConnectionsReport, Gone, LoopReport, MuteListed, Report, ending,
    minutes,
};
use crate::server::doors::line::words::line;

pub(in crate::server) fn render(report: &Report, to: &mut Vec<u8>) {
    match report {
        Report::Loop(report) => tell_loop(report, to),
        Report::Limits(limits) => {
            line(to, format_args!("* Limits:"));
            for (what, limit) in limits {
                line(to, format_args!("*   {what}: {limit}"));
            }
        }
        Report::Connections(report) => tell_connections(report, to),
    }
}

pub(in crate::server) fn bans(listed: &[BanListed], count: usize, to: &mut Vec<u8>) {
    tell_list("banned", listed, count, to, |ban| {
        let BanListed {
            origin,
            left,
            reason,
        } = ban;
        format!(
            "{origin} for {}{}",
            minutes(*left),
            ending(reason.as_deref())
        )
    });
}

pub(in crate::server) fn mutes(listed: &[MuteListed], count: usize, to: &mut Vec<u8>) {
    tell_list("muted", listed, count, to, |mute| {
        let nickname = mute.nickname.as_ref();
        let nickname = nickname.map_or(String::new(), |nickname| format!("{nickname}, "));
        format!("{nickname}{} for {}.", mute.origin, minutes(mute.left))
    });
}

/// A line each, under a header with their number.
fn tell_list<T>(
    what: &str,
    listed: &[T],
    count: usize,
    to: &mut Vec<u8>,
    describe: impl Fn(&T) -> String,
) {
    if count == 0 {
        return line(to, format_args!("* Nobody is {what}."));
    }
    line(to, format_args!("* {count} {what}:"));
    for entry in listed {
        line(to, format_args!("*   {}", describe(entry)));
    }
    tell_rest(count - listed.len(), to);
}

fn tell_rest(left_out: usize, to: &mut Vec<u8>) {
    if left_out > 0 {
        line(to, format_args!("*   and {left_out} more."));
    }
}

fn tell_connections(report: &ConnectionsReport, to: &mut Vec<u8>) {
    line(to, format_args!("* Connections, {}:", report.count));
    for connection in &report.listed {
        let ConnectionListed {
            nickname,
            peer,
            waiting,
            seconds,
            ..
        } = connection;
        let mut told = format!("*   {nickname}, {peer}: {waiting} bytes wait, {seconds} s old");
        if let Some(skipped) = connection.skipped {
            told += &format!(", reads too slowly, {skipped} messages left out");
        }
        if connection.is_held_back {
            told += ", types too fast";
        }
        line(to, format_args!("{told}."));
    }
    tell_rest(report.count - report.listed.len(), to);
    for gone in &report.gone {
        let Gone {
            nickname,
            peer,
            reason,
            ago,
        } = gone;
        let (seconds, reason) = (ago / 1000, reason.text());
        line(
            to,
            format_args!("*   Gone {seconds} s ago: {nickname}, {peer}: {reason}"),
        );
    }
}

fn tell_loop(report: &LoopReport, to: &mut Vec<u8>) {
    let seconds = report.nanos as f64 / 1e9;
    let since = match report.is_first {
        true => "since it was started",
        false => "since /loop was asked last",
    };
    let rate = |count: u64| number(count as f64 / seconds.max(0.001));
    let per = |count: u64, of: u64| number(count as f64 / of.max(1) as f64);
    line(
        to,
        format_args!("* The event loop, {} s {since}:", number(seconds)),
    );
    line(
        to,
        format_args!(
            "*   {} turns a second, {} callbacks and {} ticks in each; {} connections.",
            rate(report.turns),
            per(report.callbacks, report.turns),
            per(report.ticks, report.turns),
            report.connections,
        ),
    );
    line(
        to,
        format_args!(
            "*   {} messages a second, {} deliveries a second.",
            rate(report.messages),
            rate(report.deliveries)
        ),
    );
    line(
        to,
        format_args!(
            "*   System calls a second: {} polls, {} accepts, {} reads, {} writes.",
            rate(report.polls),
            rate(report.accepts),
            rate(report.reads),
            rate(report.writes)
        ),
    );
    if report.deliveries > 0 {
        let system_calls = report.polls + report.accepts + report.reads + report.writes;
        line(
            to,
            format_args!(
                "*   A delivery: {} system calls, {} bytes sent.",
                per(system_calls, report.deliveries),
                per(report.bytes_written, report.deliveries)
            ),
        );
    }
    match report.delay {
        Some(delay) => {
            let [half, most, all] = delay.map(|nanos| number(nanos as f64 / 1e6));
            line(
                to,
                format_args!(
                    "*   Delay in ms: {half} half of the time, {most} at 99%, {all} at most."
                ),
            );
        }
        None => line(
            to,
            format_args!("*   Its delay is measured while somebody looks at /loop in a browser."),
        ),
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
    use crate::server::doors::line::report_words::number;

    #[test]
    fn small_numbers_have_more_digits() {
        let shown = [1234.5, 12.34, 1.234, 0.0123, 0.0].map(number);
        assert_eq!(shown, ["1234", "12", "1.2", "0.012", "0.0"]);
    }
}

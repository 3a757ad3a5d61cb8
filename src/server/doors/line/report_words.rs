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
    use super::*;
    use crate::chat::tests::person;
    use crate::chat::{DisconnectReason, Peer};

    fn lines(tell: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
        let mut to = Vec::new();
        tell(&mut to);
        let text = String::from_utf8(to).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn small_numbers_have_more_digits() {
        let shown = [1234.5, 12.34, 1.234, 0.0123, 0.0].map(number);
        assert_eq!(shown, ["1234", "12", "1.2", "0.012", "0.0"]);
    }

    #[test]
    fn what_the_loop_does_is_told_by_the_second_and_by_the_delivery() {
        let report = LoopReport {
            nanos: 2_000_000_000,
            is_first: true,
            turns: 200,
            callbacks: 600,
            ticks: 100,
            connections: 7,
            messages: 20,
            deliveries: 40,
            polls: 400,
            accepts: 40,
            reads: 300,
            writes: 60,
            bytes_written: 4000,
            delay: Some([1_500_000, 20_000_000, 300_000_000]),
        };
        let told = lines(|to| tell_loop(&report, to));
        assert_eq!(
            told,
            [
                "* The event loop, 2.0 s since it was started:",
                "*   100 turns a second, 3.0 callbacks and 0.500 ticks in each; 7 connections.",
                "*   10 messages a second, 20 deliveries a second.",
                "*   System calls a second: 200 polls, 20 accepts, 150 reads, 30 writes.",
                "*   A delivery: 20 system calls, 100 bytes sent.",
                "*   Delay in ms: 1.5 half of the time, 20 at 99%, 300 at most.",
            ]
        );
        let idle = LoopReport {
            is_first: false,
            deliveries: 0,
            delay: None,
            ..report
        };
        let told = lines(|to| tell_loop(&idle, to));
        assert_eq!(
            told[0],
            "* The event loop, 2.0 s since /loop was asked last:"
        );
        assert!(
            !told.iter().any(|line| line.contains("A delivery")),
            "{told:#?}"
        );
    }

    #[test]
    fn connections_are_told_with_what_is_the_matter_and_those_gone_in_seconds() {
        let peer = Peer::Tcp([192, 0, 2, 7].into());
        let listed = |nickname: &str, skipped, is_held_back| ConnectionListed {
            nickname: person(nickname).nickname,
            peer,
            waiting: 12,
            seconds: 34,
            skipped,
            is_held_back,
        };
        let report = ConnectionsReport {
            count: 5,
            listed: vec![listed("ann", None, false), listed("bob", Some(3), true)],
            gone: vec![Gone {
                nickname: person("eve").nickname,
                peer,
                reason: DisconnectReason::Memory,
                ago: 61_500,
            }],
        };
        let reason = DisconnectReason::Memory.text();
        let told = lines(|to| tell_connections(&report, to));
        assert_eq!(
            told,
            [
                "* Connections, 5:",
                "*   ann, 192.0.2.7: 12 bytes wait, 34 s old.",
                "*   bob, 192.0.2.7: 12 bytes wait, 34 s old, reads too slowly, \
                 3 messages left out, types too fast.",
                "*   and 3 more.",
                &format!("*   Gone 61 s ago: eve, 192.0.2.7: {reason}"),
            ]
        );
    }
}

//! `/metrics`: what Prometheus wants to know, in its text format, version 0.0.4.
//!
//! What the system knows of the process is read on the thread pool: the loop does not wait for a
//! disk, nor for `/proc`, which counts thousands of descriptors one by one.

use std::fmt::{Display, Write};

use log::debug;

use crate::http::ServerResponse;
use crate::net::Context;
use crate::room_log::Report;
use crate::server::ChatServer;
use crate::server::doors::web;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who waits for what the system knows of the process: it is read once for all of them, so that no
/// number of requests fills the pool's queue.
#[derive(Default)]
pub(in crate::server) struct Waiting(Vec<ServerResponse>);

/// Answers a request.
pub(in crate::server) fn answer(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
) {
    let waiting = &mut server.metrics_waiting.0;
    waiting.push(response);
    if waiting.len() > 1 {
        return; // it is being read
    }
    cx.queue_work(process::read, |server: &mut ChatServer, cx, found| {
        let mut text = Text::default();
        describe(server, cx, &mut text);
        match found {
            Ok(process) => process.describe(&mut text),
            Err(why) => debug!("nothing is known of the process: {why}"),
        }
        for response in std::mem::take(&mut server.metrics_waiting.0) {
            web::body(cx, response, 200, CONTENT_TYPE, text.0.as_bytes());
        }
    });
}

fn describe(server: &ChatServer, cx: &Context<ChatServer>, text: &mut Text) {
    let counters = cx.counters();
    let tally = server.hub.fan_out.tally();
    let chat = server.hub.chat();
    let version = env!("CARGO_PKG_VERSION");
    text.family(
        "loopchat_build_info",
        "gauge",
        "Always 1; which version this is.",
    );
    text.sample("loopchat_build_info", &[("version", version)], 1);
    text.gauge(
        "loopchat_connections",
        "Connections that are open, of all doors.",
        server.connections.count(),
    );
    text.gauge(
        "loopchat_members",
        "Members of the chat.",
        chat.member_count(),
    );
    text.gauge("loopchat_rooms", "Rooms there are.", chat.room_count());
    let name = "loopchat_held_bytes";
    text.family(
        name,
        "gauge",
        "Bytes that clients make the server hold; --max-memory bounds them.",
    );
    let held = crate::net::held_bytes();
    text.sample(name, &[("for", "connections")], held);
    text.sample(name, &[("for", "histories")], chat.history_bytes());
    text.gauge(
        "loopchat_held_bytes_limit",
        "What --max-memory says.",
        server.config.max_memory,
    );
    text.counter(
        "loopchat_connections_opened_total",
        "Connections that were established.",
        counters.connections_opened,
    );
    text.counter(
        "loopchat_lines_total",
        "Lines that members have sent, commands included.",
        server.hub.lines(),
    );
    text.counter(
        "loopchat_messages_total",
        "Messages said in rooms.",
        tally.messages,
    );
    text.counter(
        "loopchat_deliveries_total",
        "Messages times the members each was written for.",
        tally.deliveries,
    );
    text.counter(
        "loopchat_skipped_messages_total",
        "Deliveries that were left out because a member read too slowly.",
        tally.skipped,
    );
    let name = "loopchat_disconnects_total";
    text.family(name, "counter", "Members that the server has disconnected.");
    for (reason, count) in server.hub.farewells.counts() {
        text.sample(name, &[("reason", reason)], count);
    }
    text.counter(
        "loopchat_received_bytes_total",
        "Bytes read from connections.",
        counters.bytes_read,
    );
    text.counter(
        "loopchat_sent_bytes_total",
        "Bytes written to connections.",
        counters.bytes_written,
    );
    let name = "loopchat_system_calls_total";
    text.family(name, "counter", "System calls of the event loop.");
    for (call, count) in [
        ("accept", counters.accepts),
        ("poll", counters.polls),
        ("read", counters.reads),
        ("write", counters.writes),
    ] {
        text.sample(name, &[("call", call)], count);
    }
    let name = "loopchat_tls_handshakes_total";
    text.family(name, "counter", "Handshakes of TLS, by what came of them.");
    let handshakes = &server.handshakes;
    for (result, count) in [
        ("done", handshakes.done),
        ("failed", handshakes.failed),
        ("not_tls", handshakes.not_tls),
    ] {
        text.sample(name, &[("result", result)], count);
    }
    let mut certificates = server.certificates.shown().peekable();
    if certificates.peek().is_some() {
        let name = "loopchat_tls_certificate_expiry_timestamp_seconds";
        text.family(name, "gauge", "Until when a certificate holds.");
        for (file, certificate) in certificates {
            text.sample(name, &[("file", &file)], certificate.valid_to);
        }
    }
    text.counter(
        "loopchat_event_loop_turns_total",
        "Turns of the event loop.",
        counters.turns,
    );
    text.counter(
        "loopchat_event_loop_events_total",
        "Events that polling brought.",
        counters.events,
    );
    text.counter(
        "loopchat_event_loop_callbacks_total",
        "Callbacks of all phases.",
        counters.callbacks,
    );
    text.counter(
        "loopchat_event_loop_ticks_total",
        "Callbacks of the next-tick queue.",
        counters.ticks,
    );
    if let Some(report) = server.hub.log_report() {
        describe_store(report, text);
    }
}

fn describe_store(report: Report, text: &mut Text) {
    text.counter(
        "loopchat_store_commits_total",
        "Transactions of what was said.",
        report.commits,
    );
    text.counter(
        "loopchat_store_lines_total",
        "What was said, set or taken back and has got its place.",
        report.committed,
    );
    text.counter(
        "loopchat_store_refused_total",
        "What was said and could not be kept: nobody has heard it.",
        report.refused,
    );
    text.counter(
        "loopchat_store_commit_seconds_total",
        "Seconds that all of that took.",
        report.busy.as_secs_f64(),
    );
    text.gauge(
        "loopchat_store_bytes",
        "Bytes of the database that are in use, as of a moment ago.",
        report.bytes,
    );
    text.gauge(
        "loopchat_store_unindexed_lines",
        "Lines that are not yet in the index of words.",
        report.unindexed,
    );
    text.gauge(
        "loopchat_store_held_journal_bytes",
        "Bytes of the journal that another program's transaction keeps from the database.",
        report.held_journal_bytes,
    );
}

/// The text format: families of samples, each under its help and its type.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        match labels.is_empty() {
            true => self.line(format_args!("{name} {value}")),
            false => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }
}

/// A label's value, which may be a path.
fn escaped(value: &str) -> String {
    let escapes = [('\\', "\\\\"), ('"', "\\\""), ('\n', "\\n")];
    let mut text = value.to_owned();
    for (from, to) in escapes {
        text = text.replace(from, to);
    }
    text
}

/// What Linux knows of the process, under the names that Prometheus's own libraries give it.
#[cfg(target_os = "linux")]
mod process {
    use procfs::WithCurrentSystemInfo;
    use procfs::process::{LimitValue, Process};

    use super::Text;

    pub(in crate::server) struct Found {
        cpu_seconds: f64,
        start_seconds: f64,
        resident: u64,
        virtual_size: u64,
        open_files: usize,
        max_files: Option<u64>,
    }

    pub(in crate::server) fn read() -> Result<Found, String> {
        let failed = |error: procfs::ProcError| error.to_string();
        let process = Process::myself().map_err(failed)?;
        let stat = process.stat().map_err(failed)?;
        let ticks = procfs::ticks_per_second() as f64;
        let boot = procfs::boot_time_secs().map_err(failed)?;
        let limits = process.limits().map_err(failed)?;
        Ok(Found {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            start_seconds: boot as f64 + stat.starttime as f64 / ticks,
            resident: stat.rss_bytes().get(),
            virtual_size: stat.vsize,
            open_files: process.fd_count().map_err(failed)?,
            max_files: match limits.max_open_files.soft_limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            },
        })
    }

    impl Found {
        pub(in crate::server) fn describe(&self, text: &mut Text) {
            text.counter(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                self.cpu_seconds,
            );
            text.gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                self.start_seconds,
            );
            text.gauge(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                self.resident,
            );
            text.gauge(
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                self.virtual_size,
            );
            text.gauge(
                "process_open_fds",
                "Number of open file descriptors.",
                self.open_files,
            );
            if let Some(most) = self.max_files {
                text.gauge(
                    "process_max_fds",
                    "Maximum number of open file descriptors.",
                    most,
                );
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod process {
    use super::Text;

    pub(in crate::server) struct Found;

    pub(in crate::server) fn read() -> Result<Found, String> {
        Err("this system has no /proc".to_owned())
    }

    impl Found {
        pub(in crate::server) fn describe(&self, _: &mut Text) {}
    }
}

#[cfg(test)]
mod tests {
    use crate::server::inspect::metrics::Text;

    #[test]
    fn samples_stand_under_their_help_and_type() {
        let mut text = Text::default();
        text.counter("a_total", "As.", 3);
        text.family("b", "gauge", "Bs.");
        text.sample("b", &[("c", "d"), ("e", "f")], 1.5);
        text.sample("b", &[("c", "/a\"b\\c\nd")], 2);
        let wanted = "# HELP a_total As.\n# TYPE a_total counter\na_total 3\n\
                      # HELP b Bs.\n# TYPE b gauge\nb{c=\"d\",e=\"f\"} 1.5\n\
                      b{c=\"/a\\\"b\\\\c\\nd\"} 2\n";
        assert_eq!(text.0, wanted);
    }
}

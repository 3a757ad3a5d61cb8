//! The same small programs in Node and here, and the trace that both print.
//!
//! `tests/node/` holds each scenario three times: the script for Node, the program for loopchat, and
//! the trace of events that Node printed. These tests run the programs and compare; whether Node still
//! prints the traces is for the project's own check script, which runs the scripts.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use loopchat::{Context, EventLoop};

/// What a scenario writes down: one sequence of lines, or a sequence for each of several lanes
/// between which no order is asserted.
#[derive(Default)]
pub struct Trace {
    lines: Vec<String>,
    lanes: Vec<(&'static str, Vec<String>)>,
    /// Removed with everything in it when the scenario is over.
    directory: Option<tempfile::TempDir>,
}

impl Trace {
    /// One line of a scenario with a single sequence.
    pub fn log(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A private directory for the scenario (`fs.mkdtempSync`).
    pub fn mkdtemp(&mut self) -> PathBuf {
        let directory = tempfile::Builder::new().prefix("np-").tempdir();
        let directory = self.directory.insert(directory.expect("a directory"));
        directory.path().to_owned()
    }

    /// One line of a lane.
    pub fn lane(&mut self, lane: &'static str, line: impl AsRef<str>) {
        let known = self.lanes.iter_mut().find(|(name, _)| *name == lane);
        let (_, lines) = known.expect("the lanes are named first");
        lines.push(format!("{lane} {}", line.as_ref()));
    }

    /// Names the lanes, in the order in which they are printed.
    pub fn lanes(names: &[&'static str]) -> Self {
        let lanes = names.iter().map(|name| (*name, Vec::new())).collect();
        Self {
            lanes,
            ..Self::default()
        }
    }

    /// What Node would print, with the exit code behind it if the script tells it: a loop that comes
    /// to its end is an exit with 0.
    fn text(self, exit: bool) -> String {
        let mut text = self.lines;
        for (name, lines) in self.lanes {
            text.push(format!("== {name}"));
            text.extend(lines);
        }
        if exit {
            text.push("exit 0".into());
        }
        text.join("\n") + "\n"
    }
}

/// What Node shows of a value that may be missing.
pub fn or_undefined(value: Option<impl Display>) -> String {
    value.map_or("undefined".into(), |value| value.to_string())
}

/// Keeps the loop busy: a callback that takes long.
pub fn busy(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {
        std::hint::spin_loop();
    }
}

/// Runs a scenario in a loop of its own, and compares with what Node printed.
fn check(name: &str, trace: Trace, main: impl FnOnce(&mut Trace, &mut Context<Trace>)) {
    let mut event_loop = EventLoop::new().expect("a loop");
    let mut trace = trace;
    main(&mut trace, &mut event_loop);
    let hung = event_loop.set_timeout(60_000, |_, _| panic!("the scenario never ended"));
    event_loop.set_timer_ref(hung, false);
    event_loop.run(&mut trace).expect("a loop that polls");
    let file = format!("{}/tests/node/{name}.trace", env!("CARGO_MANIFEST_DIR"));
    let expected = fs::read_to_string(&file).expect("a trace");
    let printed = trace.text(expected.ends_with("exit 0\n"));
    assert!(
        printed == expected,
        "{name}\n--- Node printed\n{expected}--- loopchat printed\n{printed}"
    );
}

/// Makes a test of each scenario: its module, its file, and the names of its lanes if it has any.
macro_rules! scenarios {
    ($($module:ident $name:literal $([$($lane:literal),*])?;)*) => {$(
        #[test]
        fn $module() {
            check($name, Trace::lanes(&[$($($lane),*)?]), node::$module::main);
        }
    )*};
}

scenarios! {
    sync_tick "01-sync-tick";
    io_immediate_before_timeout "02-io-immediate-before-timeout";
    tick_between_timers "03-tick-between-timers";
    tick_between_immediates "04-tick-between-immediates";
    timer_order_expiry "05-timer-order-expiry";
    timer_list_grouping "06-timer-list-grouping";
    nested_timer_next_pass "07-nested-timer-next-pass";
    close_phase_order "09-close-phase-order";
    unref_timers "10-unref-timers";
    tick_starves_loop "11-tick-starves-loop";
    close_callbacks_lifo "14-close-callbacks-lifo";
    interval_from_callback_start "15-interval-from-callback-start";
    listen_lifecycle "20-listen-lifecycle";
    eaddrinuse "22-eaddrinuse";
    close_waits_for_connections "23-close-waits-for-connections";
    max_connections_drop "24-max-connections-drop" ["server", "first", "second", "third"];
    echo_lifecycle "30-echo-lifecycle" ["server", "client"];
    server_ends_first "31-server-ends-first" ["server", "client"];
    half_open "32-half-open" ["server", "client"];
    write_after_end_own "34-write-after-end-own" ["client", "server"];
    write_while_connecting "35-write-while-connecting";
    sync_flush_returns_true "37-sync-flush-returns-true";
    backpressure_drain "38-backpressure-drain";
    unread_holds_end "39-unread-holds-end" ["empty", "unread"];
    pause_resume "40-pause-resume";
    destroy_orders "41-destroy-orders" ["plain", "witherr", "peer"];
    reset_and_destroy "43-reset-and-destroy" ["client", "peer", "idle"];
    econnreset_unread_data "44-econnreset-unread-data";
    epipe_half_open "45-epipe-half-open";
    econnrefused "46-econnrefused";
    lookup_event "47-lookup-event";
    reconnect_same_socket "49-reconnect-same-socket";
    ipc_echo "50-ipc-echo" ["server", "client"];
    ipc_errors "51-ipc-errors";
    ipc_abstract "53-ipc-abstract" ["server", "conn", "client"];
    lookup_all_fallback "54-lookup-all-fallback";
    timeout_idle "55-timeout-idle";
    timeout_reset_by_activity "56-timeout-reset-by-activity";
    bytes_counters "58-bytes-counters" ["server", "client"];
    addresses "59-addresses" ["server", "client"];
    unref_exit "60-unref-exit" ["server", "client"];
    cork_writev "62-cork-writev";
    set_encoding_split "63-set-encoding-split";
    large_transfer_pipe "64-large-transfer-pipe" ["server", "client"];
    chat_broadcast "65-chat-broadcast" ["server", "ann", "bob", "cid"];
    isip "66-isip";
}

mod node {
    #[path = "59-addresses.rs"]
    pub mod addresses;
    #[path = "38-backpressure-drain.rs"]
    pub mod backpressure_drain;
    #[path = "58-bytes-counters.rs"]
    pub mod bytes_counters;
    #[path = "65-chat-broadcast.rs"]
    pub mod chat_broadcast;
    #[path = "14-close-callbacks-lifo.rs"]
    pub mod close_callbacks_lifo;
    #[path = "09-close-phase-order.rs"]
    pub mod close_phase_order;
    #[path = "23-close-waits-for-connections.rs"]
    pub mod close_waits_for_connections;
    #[path = "62-cork-writev.rs"]
    pub mod cork_writev;
    #[path = "41-destroy-orders.rs"]
    pub mod destroy_orders;
    #[path = "22-eaddrinuse.rs"]
    pub mod eaddrinuse;
    #[path = "30-echo-lifecycle.rs"]
    pub mod echo_lifecycle;
    #[path = "46-econnrefused.rs"]
    pub mod econnrefused;
    #[path = "44-econnreset-unread-data.rs"]
    pub mod econnreset_unread_data;
    #[path = "45-epipe-half-open.rs"]
    pub mod epipe_half_open;
    #[path = "32-half-open.rs"]
    pub mod half_open;
    #[path = "15-interval-from-callback-start.rs"]
    pub mod interval_from_callback_start;
    #[path = "02-io-immediate-before-timeout.rs"]
    pub mod io_immediate_before_timeout;
    #[path = "53-ipc-abstract.rs"]
    pub mod ipc_abstract;
    #[path = "50-ipc-echo.rs"]
    pub mod ipc_echo;
    #[path = "51-ipc-errors.rs"]
    pub mod ipc_errors;
    #[path = "66-isip.rs"]
    pub mod isip;
    #[path = "64-large-transfer-pipe.rs"]
    pub mod large_transfer_pipe;
    #[path = "20-listen-lifecycle.rs"]
    pub mod listen_lifecycle;
    #[path = "54-lookup-all-fallback.rs"]
    pub mod lookup_all_fallback;
    #[path = "47-lookup-event.rs"]
    pub mod lookup_event;
    #[path = "24-max-connections-drop.rs"]
    pub mod max_connections_drop;
    #[path = "07-nested-timer-next-pass.rs"]
    pub mod nested_timer_next_pass;
    #[path = "40-pause-resume.rs"]
    pub mod pause_resume;
    #[path = "49-reconnect-same-socket.rs"]
    pub mod reconnect_same_socket;
    #[path = "43-reset-and-destroy.rs"]
    pub mod reset_and_destroy;
    #[path = "31-server-ends-first.rs"]
    pub mod server_ends_first;
    #[path = "63-set-encoding-split.rs"]
    pub mod set_encoding_split;
    #[path = "37-sync-flush-returns-true.rs"]
    pub mod sync_flush_returns_true;
    #[path = "01-sync-tick.rs"]
    pub mod sync_tick;
    #[path = "04-tick-between-immediates.rs"]
    pub mod tick_between_immediates;
    #[path = "03-tick-between-timers.rs"]
    pub mod tick_between_timers;
    #[path = "11-tick-starves-loop.rs"]
    pub mod tick_starves_loop;
    #[path = "55-timeout-idle.rs"]
    pub mod timeout_idle;
    #[path = "56-timeout-reset-by-activity.rs"]
    pub mod timeout_reset_by_activity;
    #[path = "06-timer-list-grouping.rs"]
    pub mod timer_list_grouping;
    #[path = "05-timer-order-expiry.rs"]
    pub mod timer_order_expiry;
    #[path = "39-unread-holds-end.rs"]
    pub mod unread_holds_end;
    #[path = "60-unref-exit.rs"]
    pub mod unref_exit;
    #[path = "10-unref-timers.rs"]
    pub mod unref_timers;
    #[path = "34-write-after-end-own.rs"]
    pub mod write_after_end_own;
    #[path = "35-write-while-connecting.rs"]
    pub mod write_while_connecting;
}

//! The same small programs in Node and here, and the trace that both print.
//!
//! `tests/node/` holds each scenario three times: the script for Node, the program for loopchat,
//! and the trace of events that Node printed. These tests run the programs and compare; whether
//! Node still prints the traces is for the project's own check script, which runs the scripts.

#[path = "support/in_flight.rs"]
mod in_flight;

use std::cell::RefCell;
use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use loopchat::net::Error;
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

    /// What Node would print, with the exit code behind it if the script tells it: a loop that
    /// comes to its end is an exit with 0.
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

/// What names an error in a trace: its code, or the message of one that has none.
pub fn code_or_message(error: &Error) -> String {
    match error.code() {
        "" => error.to_string(),
        code => code.into(),
    }
}

/// What Node shows of a value that may be missing.
pub fn or_undefined(value: Option<impl Display>) -> String {
    value.map_or("undefined".into(), |value| value.to_string())
}

/// A response with the one field that is never the same.
#[cfg(feature = "http")]
pub fn mask_date(text: &str) -> String {
    let masked = text
        .split("\r\n")
        .map(|line| match line.strip_prefix("Date: ") {
            Some(_) => "Date: X",
            None => line,
        });
    masked.collect::<Vec<_>>().join("\r\n")
}

thread_local! {
    /// The time of the scenario that runs on this thread.
    static CLOCK: RefCell<Option<ManualClock>> = const { RefCell::new(None) };
}

/// Keeps the loop busy: a callback that takes long.
pub fn busy(ms: u64) {
    CLOCK.with_borrow(|clock| {
        clock
            .as_ref()
            .expect("a scenario runs")
            .advance(Duration::from_millis(ms))
    });
}

/// Runs a scenario in a loop of its own, and compares with what Node printed.
fn check(name: &str, trace: Trace, main: impl FnOnce(&mut Trace, &mut Context<Trace>)) {
    let folder = format!("{}/tests/node", env!("CARGO_MANIFEST_DIR"));
    // Time is injected, so that a slow machine changes nothing. Both ends of every connection are
    // in this loop, and time stands while anything is under way between them.
    let clock = in_flight::clock();
    CLOCK.set(Some(clock.clone()));
    let mut event_loop = EventLoop::with_clock(clock).expect("a loop");
    let mut trace = trace;
    main(&mut trace, &mut event_loop);
    let hung = event_loop.set_timeout(Duration::from_secs(60), |_, _| {
        panic!("the scenario never ended")
    });
    event_loop.set_timer_ref(hung, false);
    event_loop.run(&mut trace).expect("a loop that polls");
    let expected = fs::read_to_string(format!("{folder}/{name}.trace")).expect("a trace");
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
    before_exit "99-before-exit";
    io_immediate_before_timeout "02-io-immediate-before-timeout";
    tick_between_timers "03-tick-between-timers";
    tick_between_immediates "04-tick-between-immediates";
    timer_order_expiry "05-timer-order-expiry";
    timer_list_grouping "06-timer-list-grouping";
    nested_timer_next_pass "07-nested-timer-next-pass";
    refresh_and_clear "08-refresh-and-clear";
    refresh_keeps_list "08b-refresh-keeps-list";
    unref_list_stays "08c-unref-list-stays";
    refresh_interval "08d-refresh-interval";
    tick_refreshes_next "08e-tick-refreshes-next";
    close_phase_order "09-close-phase-order";
    unref_timers "10-unref-timers";
    tick_starves_loop "11-tick-starves-loop";
    listener_order "12-listener-order";
    pending_before_check "13-pending-before-check";
    close_callbacks_lifo "14-close-callbacks-lifo";
    interval_from_callback_start "15-interval-from-callback-start";
    timers_before_loop "16-timers-before-loop";
    unref_overdue "16b-unref-overdue";
    close_in_close_callback "17-close-in-close-callback";
    interval_clearing "18-interval-clearing";
    immediate_edges "19-immediate-edges";
    listen_lifecycle "20-listen-lifecycle";
    close_not_listening "21-close-not-listening";
    close_before_listening "21b-close-before-listening";
    eaddrinuse "22-eaddrinuse";
    close_waits_for_connections "23-close-waits-for-connections";
    max_connections_drop "24-max-connections-drop" ["server", "first", "second", "third"];
    listen_twice_in_a_tick "26-listen-twice-in-a-tick";
    listen_dual_stack "27-listen-dual-stack";
    get_connections "28-get-connections";
    listen_again_while_connected "29-listen-again-while-connected";
    pause_on_connect "29b-pause-on-connect";
    echo_lifecycle "30-echo-lifecycle" ["server", "client"];
    server_ends_first "31-server-ends-first" ["server", "client"];
    half_open "32-half-open" ["server", "client"];
    write_after_peer_fin "33-write-after-peer-fin";
    write_after_end_own "34-write-after-end-own" ["client", "server"];
    write_while_connecting "35-write-while-connecting";
    drain_before_callback "36-drain-before-callback";
    sync_flush_returns_true "37-sync-flush-returns-true";
    backpressure_drain "38-backpressure-drain";
    unread_holds_end "39-unread-holds-end" ["empty", "unread"];
    pause_resume "40-pause-resume";
    destroy_orders "41-destroy-orders" ["plain", "witherr", "peer"];
    destroy_variants "42-destroy-variants";
    reset_and_destroy "43-reset-and-destroy" ["client", "peer", "idle"];
    econnreset_unread_data "44-econnreset-unread-data";
    epipe_half_open "45-epipe-half-open";
    econnrefused "46-econnrefused";
    lookup_event "47-lookup-event";
    destroy_during_lookup "48-destroy-during-lookup";
    reconnect_same_socket "49-reconnect-same-socket";
    ipc_echo "50-ipc-echo" ["server", "client"];
    ipc_errors "51-ipc-errors";
    ipc_destroy_unread "52-ipc-destroy-unread";
    ipc_reset_and_epipe "52-ipc-reset-and-epipe";
    ipc_abstract "53-ipc-abstract" ["server", "conn", "client"];
    lookup_all_fallback "54-lookup-all-fallback";
    timeout_idle "55-timeout-idle";
    timeout_reset_by_activity "56-timeout-reset-by-activity";
    timeout_edges "57-timeout-edges";
    bytes_counters "58-bytes-counters" ["server", "client"];
    addresses "59-addresses" ["server", "client"];
    unref_exit "60-unref-exit" ["server", "client"];
    unref_server_ref_connection "61-unref-server-ref-connection";
    unref_immediates "61b-unref-immediates";
    server_close_holds_one_turn "61c-server-close-holds-one-turn";
    cork_writev "62-cork-writev";
    set_encoding_split "63-set-encoding-split";
    large_transfer_pipe "64-large-transfer-pipe" ["server", "client"];
    chat_broadcast "65-chat-broadcast" ["server", "ann", "bob", "cid"];
    isip "66-isip";
    ref_unref_sockets "67-ref-unref-sockets";
    destroy_in_handlers "130-destroy-in-handlers";
    destroy_soon "131-destroy-soon" ["queued", "empty", "finished", "connecting", "peer"];
    end_callbacks "132-end-callbacks";
    end_and_destroy "133-end-and-destroy" ["client", "peer"];
    reset_while_connecting "134-reset-while-connecting" ["client", "peer", "ipc"];
    queued_behind_blocked "135-queued-behind-blocked";
    destroy_with_blocked_write "136-destroy-with-blocked-write";
    cork_high_water "137-cork-high-water";
    flowing_states "139-flowing-states";
    unshift "140-unshift";
    error_and_immediates "141-error-and-immediates";
    half_open_both "142-half-open-both" ["server", "client"];
    pipe_slow_reader "143-pipe-slow-reader";
    never_connected "144-never-connected";
    write_hooks "145-write-hooks";
    pause_while_connecting "146-pause-while-connecting";
    data_and_end_together "147-data-and-end-together";
    failed_write_states "148-failed-write-states";
    end_with_pending_read "149-end-with-pending-read";
    data_then_reset "150-data-then-reset";
    read_before_write "151-read-before-write";
    addresses_over_life "152-addresses-over-life";
    counters_reconnect "153-counters-reconnect";
    reconnect_from_timer "154-reconnect-from-timer";
    ipc_missing_phases "155-ipc-missing-phases";
    connection_attempts "156-connection-attempts";
    ipc_server_address "157-ipc-server-address";
    setters_return_self "158-setters-return-self";
    isip_more "159-isip-more";
    proxy "160-proxy" ["proxy", "client", "refused"];
    several_services "161-several-services" ["echo", "upper", "hint", "main"];
    ipv6_and_both_families "162-ipv6-and-both-families";
    timeout_needs_dispatch "163-timeout-needs-dispatch";
    listeners_and_pending_write "164-listeners-and-pending-write";
    net_listeners "120-net-listeners";
    net_options "122-net-options";
    net_read "124-net-read";
    net_unpipe "121-net-unpipe";
    pipe_target_gone "165-pipe-target-gone";
    unreachable "166-unreachable";
    timeout_slow_reader "167-timeout-slow-reader";
    ipc_life "168-ipc-life" ["server", "client"];
}

#[cfg(feature = "http")]
scenarios! {
    http_hello_raw "70-http-hello-raw";
    http_keepalive_sequential "71-http-keepalive-sequential";
    http10_and_close "72-http10-and-close";
    http_chunked_response "73-http-chunked-response";
    http_pipelining "76-http-pipelining";
    http_bad_requests "77-http-bad-requests";
    http_client_error_event "78-http-client-error-event" ["server", "client"];
    http_upgrade "79-http-upgrade";
    http_expect_continue "80-http-expect-continue";
    http_close_idle_and_active "82-http-close-idle-and-active" ["server", "idle", "active"];
    http_keepalive_timeout "83-http-keepalive-timeout";
    http_408 "84-http-408" ["head", "body", "done"];
    http_client_get "85-http-client-get" ["client", "server"];
    http_client_agent_reuse "86-http-client-agent-reuse";
    http_client_errors "87-http-client-errors";
    http_reused_connection_ends "93-http-reused-connection-ends";
    http_message_shapes "107-http-message-shapes";
    http_client_options "108-http-client-options";
    http_pipelined_orders "109-http-pipelined-orders";
    http_unread_body "94-http-unread-body";
    http_destroyed_response "95-http-destroyed-response";
    http_timeouts "96-http-timeouts";
    http_head_rules "97-http-head-rules";
    http_half_closed_client "88-http-half-closed-client";
    http_max_requests_per_socket "89-http-max-requests-per-socket";
    http_unix_and_connect "90-http-unix-and-connect";
    http_response_misuse "91-http-response-misuse";
    http_body_backpressure "92-http-body-backpressure";
    http_client_write_after_end "100-http-client-write-after-end";
    http_status_codes "176-http-status-codes";
    http_client_destroy "101-http-client-destroy";
    http_client_paused "102-http-client-paused";
    http_client_timeouts "103-http-client-timeouts";
    http_client_urls "104-http-client-urls";
    http_client_parse_errors "105-http-client-parse-errors";
    http_client_headers "106-http-client-headers";
    http_listeners "123-http-listeners";
    http_read "125-http-read";
    http_lookup "126-http-lookup";
}

#[cfg(feature = "tls")]
scenarios! {
    tls_echo_lifecycle "110-tls-echo-lifecycle" ["server", "client"];
    tls_authorization "111-tls-authorization";
    tls_client_errors "112-tls-client-errors";
    tls_client_certificates "113-tls-client-certificates" ["server", "client"];
    tls_names "114-tls-names";
    tls_upgrade "115-tls-upgrade" ["server", "client"];
    tls_hung_up "116-tls-hung-up";
    tls_not_a_server "117-tls-not-a-server";
}

#[cfg(all(feature = "http", feature = "tls"))]
scenarios! {
    https "118-https";
}

mod node {
    #[path = "59-addresses.rs"]
    pub mod addresses;
    #[path = "152-addresses-over-life.rs"]
    pub mod addresses_over_life;
    #[path = "38-backpressure-drain.rs"]
    pub mod backpressure_drain;
    #[path = "99-before-exit.rs"]
    pub mod before_exit;
    #[path = "58-bytes-counters.rs"]
    pub mod bytes_counters;
    #[path = "65-chat-broadcast.rs"]
    pub mod chat_broadcast;
    #[path = "21b-close-before-listening.rs"]
    pub mod close_before_listening;
    #[path = "14-close-callbacks-lifo.rs"]
    pub mod close_callbacks_lifo;
    #[path = "17-close-in-close-callback.rs"]
    pub mod close_in_close_callback;
    #[path = "21-close-not-listening.rs"]
    pub mod close_not_listening;
    #[path = "09-close-phase-order.rs"]
    pub mod close_phase_order;
    #[path = "23-close-waits-for-connections.rs"]
    pub mod close_waits_for_connections;
    #[path = "156-connection-attempts.rs"]
    pub mod connection_attempts;
    #[path = "137-cork-high-water.rs"]
    pub mod cork_high_water;
    #[path = "62-cork-writev.rs"]
    pub mod cork_writev;
    #[path = "153-counters-reconnect.rs"]
    pub mod counters_reconnect;
    #[path = "147-data-and-end-together.rs"]
    pub mod data_and_end_together;
    #[path = "150-data-then-reset.rs"]
    pub mod data_then_reset;
    #[path = "48-destroy-during-lookup.rs"]
    pub mod destroy_during_lookup;
    #[path = "130-destroy-in-handlers.rs"]
    pub mod destroy_in_handlers;
    #[path = "41-destroy-orders.rs"]
    pub mod destroy_orders;
    #[path = "131-destroy-soon.rs"]
    pub mod destroy_soon;
    #[path = "42-destroy-variants.rs"]
    pub mod destroy_variants;
    #[path = "136-destroy-with-blocked-write.rs"]
    pub mod destroy_with_blocked_write;
    #[path = "36-drain-before-callback.rs"]
    pub mod drain_before_callback;
    #[path = "22-eaddrinuse.rs"]
    pub mod eaddrinuse;
    #[path = "30-echo-lifecycle.rs"]
    pub mod echo_lifecycle;
    #[path = "46-econnrefused.rs"]
    pub mod econnrefused;
    #[path = "44-econnreset-unread-data.rs"]
    pub mod econnreset_unread_data;
    #[path = "133-end-and-destroy.rs"]
    pub mod end_and_destroy;
    #[path = "132-end-callbacks.rs"]
    pub mod end_callbacks;
    #[path = "149-end-with-pending-read.rs"]
    pub mod end_with_pending_read;
    #[path = "45-epipe-half-open.rs"]
    pub mod epipe_half_open;
    #[path = "141-error-and-immediates.rs"]
    pub mod error_and_immediates;
    #[path = "148-failed-write-states.rs"]
    pub mod failed_write_states;
    #[path = "139-flowing-states.rs"]
    pub mod flowing_states;
    #[path = "28-get-connections.rs"]
    pub mod get_connections;
    #[path = "32-half-open.rs"]
    pub mod half_open;
    #[path = "142-half-open-both.rs"]
    pub mod half_open_both;
    #[cfg(feature = "http")]
    #[path = "72-http10-and-close.rs"]
    pub mod http10_and_close;
    #[cfg(feature = "http")]
    #[path = "84-http-408.rs"]
    pub mod http_408;
    #[cfg(feature = "http")]
    #[path = "77-http-bad-requests.rs"]
    pub mod http_bad_requests;
    #[cfg(feature = "http")]
    #[path = "92-http-body-backpressure.rs"]
    pub mod http_body_backpressure;
    #[cfg(feature = "http")]
    #[path = "73-http-chunked-response.rs"]
    pub mod http_chunked_response;
    #[cfg(feature = "http")]
    #[path = "86-http-client-agent-reuse.rs"]
    pub mod http_client_agent_reuse;
    #[cfg(feature = "http")]
    #[path = "101-http-client-destroy.rs"]
    pub mod http_client_destroy;
    #[cfg(feature = "http")]
    #[path = "78-http-client-error-event.rs"]
    pub mod http_client_error_event;
    #[cfg(feature = "http")]
    #[path = "87-http-client-errors.rs"]
    pub mod http_client_errors;
    #[cfg(feature = "http")]
    #[path = "85-http-client-get.rs"]
    pub mod http_client_get;
    #[cfg(feature = "http")]
    #[path = "106-http-client-headers.rs"]
    pub mod http_client_headers;
    #[cfg(feature = "http")]
    #[path = "108-http-client-options.rs"]
    pub mod http_client_options;
    #[cfg(feature = "http")]
    #[path = "105-http-client-parse-errors.rs"]
    pub mod http_client_parse_errors;
    #[cfg(feature = "http")]
    #[path = "102-http-client-paused.rs"]
    pub mod http_client_paused;
    #[cfg(feature = "http")]
    #[path = "103-http-client-timeouts.rs"]
    pub mod http_client_timeouts;
    #[cfg(feature = "http")]
    #[path = "104-http-client-urls.rs"]
    pub mod http_client_urls;
    #[cfg(feature = "http")]
    #[path = "100-http-client-write-after-end.rs"]
    pub mod http_client_write_after_end;
    #[cfg(feature = "http")]
    #[path = "82-http-close-idle-and-active.rs"]
    pub mod http_close_idle_and_active;
    #[cfg(feature = "http")]
    #[path = "95-http-destroyed-response.rs"]
    pub mod http_destroyed_response;
    #[cfg(feature = "http")]
    #[path = "80-http-expect-continue.rs"]
    pub mod http_expect_continue;
    #[cfg(feature = "http")]
    #[path = "88-http-half-closed-client.rs"]
    pub mod http_half_closed_client;
    #[cfg(feature = "http")]
    #[path = "97-http-head-rules.rs"]
    pub mod http_head_rules;
    #[cfg(feature = "http")]
    #[path = "70-http-hello-raw.rs"]
    pub mod http_hello_raw;
    #[cfg(feature = "http")]
    #[path = "71-http-keepalive-sequential.rs"]
    pub mod http_keepalive_sequential;
    #[cfg(feature = "http")]
    #[path = "83-http-keepalive-timeout.rs"]
    pub mod http_keepalive_timeout;
    #[cfg(feature = "http")]
    #[path = "123-http-listeners.rs"]
    pub mod http_listeners;
    #[cfg(feature = "http")]
    #[path = "126-http-lookup.rs"]
    pub mod http_lookup;
    #[cfg(feature = "http")]
    #[path = "89-http-max-requests-per-socket.rs"]
    pub mod http_max_requests_per_socket;
    #[cfg(feature = "http")]
    #[path = "107-http-message-shapes.rs"]
    pub mod http_message_shapes;
    #[cfg(feature = "http")]
    #[path = "109-http-pipelined-orders.rs"]
    pub mod http_pipelined_orders;
    #[cfg(feature = "http")]
    #[path = "76-http-pipelining.rs"]
    pub mod http_pipelining;
    #[cfg(feature = "http")]
    #[path = "125-http-read.rs"]
    pub mod http_read;
    #[cfg(feature = "http")]
    #[path = "91-http-response-misuse.rs"]
    pub mod http_response_misuse;
    #[cfg(feature = "http")]
    #[path = "93-http-reused-connection-ends.rs"]
    pub mod http_reused_connection_ends;
    #[cfg(feature = "http")]
    #[path = "176-http-status-codes.rs"]
    pub mod http_status_codes;
    #[cfg(feature = "http")]
    #[path = "96-http-timeouts.rs"]
    pub mod http_timeouts;
    #[cfg(feature = "http")]
    #[path = "90-http-unix-and-connect.rs"]
    pub mod http_unix_and_connect;
    #[cfg(feature = "http")]
    #[path = "94-http-unread-body.rs"]
    pub mod http_unread_body;
    #[cfg(feature = "http")]
    #[path = "79-http-upgrade.rs"]
    pub mod http_upgrade;
    #[cfg(all(feature = "http", feature = "tls"))]
    #[path = "118-https.rs"]
    pub mod https;
    #[path = "19-immediate-edges.rs"]
    pub mod immediate_edges;
    #[path = "18-interval-clearing.rs"]
    pub mod interval_clearing;
    #[path = "15-interval-from-callback-start.rs"]
    pub mod interval_from_callback_start;
    #[path = "02-io-immediate-before-timeout.rs"]
    pub mod io_immediate_before_timeout;
    #[path = "53-ipc-abstract.rs"]
    pub mod ipc_abstract;
    #[path = "52-ipc-destroy-unread.rs"]
    pub mod ipc_destroy_unread;
    #[path = "50-ipc-echo.rs"]
    pub mod ipc_echo;
    #[path = "51-ipc-errors.rs"]
    pub mod ipc_errors;
    #[path = "168-ipc-life.rs"]
    pub mod ipc_life;
    #[path = "155-ipc-missing-phases.rs"]
    pub mod ipc_missing_phases;
    #[path = "52-ipc-reset-and-epipe.rs"]
    pub mod ipc_reset_and_epipe;
    #[path = "157-ipc-server-address.rs"]
    pub mod ipc_server_address;
    #[path = "162-ipv6-and-both-families.rs"]
    pub mod ipv6_and_both_families;
    #[path = "66-isip.rs"]
    pub mod isip;
    #[path = "159-isip-more.rs"]
    pub mod isip_more;
    #[cfg(feature = "tls")]
    #[path = "keys.rs"]
    mod keys;
    #[path = "64-large-transfer-pipe.rs"]
    pub mod large_transfer_pipe;
    #[path = "29-listen-again-while-connected.rs"]
    pub mod listen_again_while_connected;
    #[path = "27-listen-dual-stack.rs"]
    pub mod listen_dual_stack;
    #[path = "20-listen-lifecycle.rs"]
    pub mod listen_lifecycle;
    #[path = "26-listen-twice-in-a-tick.rs"]
    pub mod listen_twice_in_a_tick;
    #[path = "12-listener-order.rs"]
    pub mod listener_order;
    #[path = "164-listeners-and-pending-write.rs"]
    pub mod listeners_and_pending_write;
    #[path = "54-lookup-all-fallback.rs"]
    pub mod lookup_all_fallback;
    #[path = "47-lookup-event.rs"]
    pub mod lookup_event;
    #[path = "24-max-connections-drop.rs"]
    pub mod max_connections_drop;
    #[path = "07-nested-timer-next-pass.rs"]
    pub mod nested_timer_next_pass;
    #[path = "120-net-listeners.rs"]
    pub mod net_listeners;
    #[path = "122-net-options.rs"]
    pub mod net_options;
    #[path = "124-net-read.rs"]
    pub mod net_read;
    #[path = "121-net-unpipe.rs"]
    pub mod net_unpipe;
    #[path = "144-never-connected.rs"]
    pub mod never_connected;
    #[path = "29b-pause-on-connect.rs"]
    pub mod pause_on_connect;
    #[path = "40-pause-resume.rs"]
    pub mod pause_resume;
    #[path = "146-pause-while-connecting.rs"]
    pub mod pause_while_connecting;
    #[path = "13-pending-before-check.rs"]
    pub mod pending_before_check;
    #[path = "143-pipe-slow-reader.rs"]
    pub mod pipe_slow_reader;
    #[path = "165-pipe-target-gone.rs"]
    pub mod pipe_target_gone;
    #[path = "160-proxy.rs"]
    pub mod proxy;
    #[path = "135-queued-behind-blocked.rs"]
    pub mod queued_behind_blocked;
    #[path = "151-read-before-write.rs"]
    pub mod read_before_write;
    #[path = "154-reconnect-from-timer.rs"]
    pub mod reconnect_from_timer;
    #[path = "49-reconnect-same-socket.rs"]
    pub mod reconnect_same_socket;
    #[path = "67-ref-unref-sockets.rs"]
    pub mod ref_unref_sockets;
    #[path = "08-refresh-and-clear.rs"]
    pub mod refresh_and_clear;
    #[path = "08d-refresh-interval.rs"]
    pub mod refresh_interval;
    #[path = "08b-refresh-keeps-list.rs"]
    pub mod refresh_keeps_list;
    #[path = "43-reset-and-destroy.rs"]
    pub mod reset_and_destroy;
    #[path = "134-reset-while-connecting.rs"]
    pub mod reset_while_connecting;
    #[path = "61c-server-close-holds-one-turn.rs"]
    pub mod server_close_holds_one_turn;
    #[path = "31-server-ends-first.rs"]
    pub mod server_ends_first;
    #[path = "63-set-encoding-split.rs"]
    pub mod set_encoding_split;
    #[path = "158-setters-return-self.rs"]
    pub mod setters_return_self;
    #[path = "161-several-services.rs"]
    pub mod several_services;
    #[path = "37-sync-flush-returns-true.rs"]
    pub mod sync_flush_returns_true;
    #[path = "01-sync-tick.rs"]
    pub mod sync_tick;
    #[path = "04-tick-between-immediates.rs"]
    pub mod tick_between_immediates;
    #[path = "03-tick-between-timers.rs"]
    pub mod tick_between_timers;
    #[path = "08e-tick-refreshes-next.rs"]
    pub mod tick_refreshes_next;
    #[path = "11-tick-starves-loop.rs"]
    pub mod tick_starves_loop;
    #[path = "57-timeout-edges.rs"]
    pub mod timeout_edges;
    #[path = "55-timeout-idle.rs"]
    pub mod timeout_idle;
    #[path = "163-timeout-needs-dispatch.rs"]
    pub mod timeout_needs_dispatch;
    #[path = "56-timeout-reset-by-activity.rs"]
    pub mod timeout_reset_by_activity;
    #[path = "167-timeout-slow-reader.rs"]
    pub mod timeout_slow_reader;
    #[path = "06-timer-list-grouping.rs"]
    pub mod timer_list_grouping;
    #[path = "05-timer-order-expiry.rs"]
    pub mod timer_order_expiry;
    #[path = "16-timers-before-loop.rs"]
    pub mod timers_before_loop;
    #[cfg(feature = "tls")]
    #[path = "111-tls-authorization.rs"]
    pub mod tls_authorization;
    #[cfg(feature = "tls")]
    #[path = "113-tls-client-certificates.rs"]
    pub mod tls_client_certificates;
    #[cfg(feature = "tls")]
    #[path = "112-tls-client-errors.rs"]
    pub mod tls_client_errors;
    #[cfg(feature = "tls")]
    #[path = "110-tls-echo-lifecycle.rs"]
    pub mod tls_echo_lifecycle;
    #[cfg(feature = "tls")]
    #[path = "116-tls-hung-up.rs"]
    pub mod tls_hung_up;
    #[cfg(feature = "tls")]
    #[path = "114-tls-names.rs"]
    pub mod tls_names;
    #[cfg(feature = "tls")]
    #[path = "117-tls-not-a-server.rs"]
    pub mod tls_not_a_server;
    #[cfg(feature = "tls")]
    #[path = "115-tls-upgrade.rs"]
    pub mod tls_upgrade;
    #[path = "166-unreachable.rs"]
    pub mod unreachable;
    #[path = "39-unread-holds-end.rs"]
    pub mod unread_holds_end;
    #[path = "60-unref-exit.rs"]
    pub mod unref_exit;
    #[path = "61b-unref-immediates.rs"]
    pub mod unref_immediates;
    #[path = "08c-unref-list-stays.rs"]
    pub mod unref_list_stays;
    #[path = "16b-unref-overdue.rs"]
    pub mod unref_overdue;
    #[path = "61-unref-server-ref-connection.rs"]
    pub mod unref_server_ref_connection;
    #[path = "10-unref-timers.rs"]
    pub mod unref_timers;
    #[path = "140-unshift.rs"]
    pub mod unshift;
    #[path = "34-write-after-end-own.rs"]
    pub mod write_after_end_own;
    #[path = "33-write-after-peer-fin.rs"]
    pub mod write_after_peer_fin;
    #[path = "145-write-hooks.rs"]
    pub mod write_hooks;
    #[path = "35-write-while-connecting.rs"]
    pub mod write_while_connecting;
}

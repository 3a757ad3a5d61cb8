//! The event loop, looked at: `/loop/ws`, `/metrics`, and `/loop` in the chat.

use std::collections::BTreeMap;

use loopchat::server::Exposed;
use serde_json::Value;

use super::pages::get;
use super::rig::Rig;
use super::*;
use crate::support::Folder;

/// What a proxy adds to what it passes on.
const PROXY: &str = "X-Forwarded-For: 192.0.2.7\r\n";

/// Somebody who looks at the loop.
struct Watcher<S = TcpStream>(client::Client<S>);

/// A request for `/loop/ws`.
pub fn request(fields: &str) -> String {
    let start = client::REQUEST.replace("GET /ws ", "GET /loop/ws ");
    let head = start.trim_end_matches("\r\n");
    format!("{head}\r\n{fields}\r\n")
}

/// The first line of what such a request is answered with, and the connection.
fn ask(web: SocketAddr, fields: &str) -> (String, client::Client) {
    let mut client = client::Client::connect(web);
    client.send_raw(request(fields));
    let head = client.read_head();
    (head.lines().next().unwrap_or_default().to_owned(), client)
}

impl Watcher {
    fn open(web: SocketAddr, fields: &str) -> Self {
        let (line, client) = ask(web, fields);
        assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
        Self(client)
    }
}

impl<S: Read + Write> Watcher<S> {
    fn say(&mut self, word: &str) {
        self.0.send(TEXT, word);
    }

    /// The next message.
    fn any(&mut self) -> Value {
        loop {
            let Frame { first, payload } = self.0.read();
            if first != PING {
                assert_eq!(first, TEXT, "a message was to come");
                return serde_json::from_slice(&payload).expect("it is JSON");
            }
        }
    }

    /// Waits until the server has heard all that was said; what it has sent before it says so.
    fn sync(&mut self) -> Vec<Value> {
        self.0.send(PING, "");
        let mut before = Vec::new();
        loop {
            let Frame { first, payload } = self.0.read();
            match first {
                PONG => return before,
                TEXT => before.push(serde_json::from_slice(&payload).expect("it is JSON")),
                _ => {}
            }
        }
    }

    /// The next message of this type.
    fn next(&mut self, kind: &str) -> Value {
        loop {
            let message = self.any();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The close frame's code.
    fn closed(&mut self) -> u16 {
        loop {
            let Frame { first, payload } = self.0.read();
            if first == CLOSE {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }
}

pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("a number: {value}"))
}

#[test]
fn the_frames_move_with_the_load() {
    let (server, web) = start(&[]);
    let mut watcher = Watcher::open(web, "");
    let hello = watcher.next("hello");
    let phases: Vec<_> = hello["phases"].as_array().expect("six").clone();
    assert_eq!(phases[2], "poll");
    assert_eq!(hello["mayBlock"], true);
    let quiet = watcher.next("frame");
    assert_eq!(
        (number(&quiet["messages"]), number(&quiet["members"])),
        (0, 0)
    );
    let mut members: Vec<_> = (0..5).map(|_| server.join()).collect();
    members.iter_mut().for_each(|member| drop(member.sync()));
    for round in 0..20 {
        members[0].say(&format!("line {round}"));
    }
    for member in &mut members[1..] {
        assert_eq!(member.messages(20).len(), 20);
    }
    let (mut sums, mut checked, mut bars) = ([0; 4], 0, 0);
    while sums[1] < 80 {
        let frame = watcher.next("frame");
        let names = ["messages", "deliveries", "writes", "lines"];
        for (sum, name) in sums.iter_mut().zip(names) {
            *sum += number(&frame[name]);
        }
        checked += number(&frame["phases"][3][1]);
        let strip = frame["strip"].as_array().expect("bars");
        assert!(strip.len() <= 12, "{strip:?}");
        bars += strip.len();
        assert!(number(&frame["span"]) > 0 && number(&frame["turns"]) > 0);
    }
    let [messages, deliveries, writes, lines] = sums;
    assert_eq!((messages, deliveries), (20, 80), "each to the four others");
    assert!(writes >= 4 && lines >= 20, "{writes} {lines}");
    assert!(checked > 0 && bars > 0, "the check phase delivers");
    let frame = watcher.next("frame");
    assert_eq!(
        (number(&frame["members"]), number(&frame["watchers"])),
        (5, 1)
    );
    assert_eq!(number(&frame["connections"]), 6);
}

#[test]
fn a_recorded_turn_names_members_and_events() {
    let (server, web) = start(&[]);
    let mut watcher = Watcher::open(web, "");
    let mut members: Vec<_> = (0..20).map(|_| server.join()).collect();
    members[7].say("/nick ann");
    members.iter_mut().for_each(|member| drop(member.sync()));
    // A turn with so many callbacks is recorded, if it comes within a second of being asked for.
    // On a machine that takes longer even for that it is asked for again.
    let found = (0..1000).find_map(|_| {
        watcher.say("record");
        if watcher
            .sync()
            .iter()
            .any(|sent| sent["type"] == "recording")
        {
            return None; // of an earlier turn
        }
        server.freeze();
        members.iter_mut().for_each(|member| member.say("hello"));
        server.thaw();
        let recording = watcher.next("recording");
        let steps = recording["steps"].as_array().expect("steps").clone();
        steps.into_iter().find(|step| step["name"] == "ann")
    });
    let step = found.expect("a step of hers");
    assert_eq!(
        (&step["event"], &step["kind"]),
        (&"data".into(), &"TCP connection".into())
    );
    assert_eq!((number(&step["bytes"]), number(&step["reads"])), (6, 1));
    assert_eq!(number(&step["phase"]), 2);
    assert!(number(&step["nanos"]) > 0);
}

#[test]
fn recordings_do_not_pile_up_for_who_reads_none() {
    const MUCH: usize = 768 * 1024;
    let mut rig = Rig::new(|config| config.expose = vec![Exposed::Loop]);
    let mut members: Vec<_> = (0..200).map(|_| rig.nc()).collect();
    let [mut slow, mut reader] = [(); 2].map(|()| {
        let visitor = rig.visitor();
        rig.upgrade(visitor, &request(""))
    });
    let of_type = |kind: &'static str| move |message: &Value| message["type"] == kind;
    let mut recorded = 0;
    while recorded < MUCH {
        slow.say("record");
        reader.say("record");
        rig.0.settle();
        // All of it in one turn, so that there is much to record.
        members.iter_mut().for_each(|member| member.say(""));
        recorded += reader
            .board(&mut rig, of_type("recording"))
            .to_string()
            .len();
    }
    let now = number(&reader.board(&mut rig, of_type("frame"))["time"]);
    let mut got = 0;
    loop {
        let message = slow.board(&mut rig, |_| true);
        if message["type"] == "recording" {
            got += message.to_string().len();
        } else if message["time"].as_u64() > Some(now) {
            break;
        }
    }
    assert!(got < MUCH / 2, "{got} bytes of {recorded} were kept for it");
}

#[test]
fn a_block_is_seen_in_the_delay() {
    let (_server, web) = start(&[]);
    let mut watcher = Watcher::open(web, "Origin: http://localhost\r\n");
    assert_eq!(watcher.next("hello")["mayBlock"], true);
    while number(&watcher.next("frame")["delay"]["count"]) < 2 {}
    watcher.say("block");
    let late = (0..100).map(|_| watcher.next("frame")).find(|frame| {
        let max = frame["delay"]["max"].as_u64();
        max.is_some_and(|max| max >= 250_000_000)
    });
    assert!(late.is_some(), "it was blocked for 300 ms");
    let longest = (0..3)
        .map(|_| watcher.next("frame"))
        .chain(late)
        .any(|frame| {
            let strip = frame["strip"].as_array().expect("bars").clone();
            strip.iter().any(|bar| number(&bar[2][2]) >= 300_000_000)
        });
    assert!(longest, "the poll phase of one turn took so long");
}

#[test]
fn who_is_elsewhere_may_look_only_if_it_is_exposed_and_may_not_block() {
    let (_server, web) = start(&[]);
    for path in ["/loop", "/metrics"] {
        assert_eq!(get(web, path, "").status, 200, "{path}");
        assert_eq!(get(web, path, PROXY).status, 403, "{path}");
    }
    assert!(ask(web, PROXY).0.starts_with("HTTP/1.1 403 "));
    let elsewhere = "Origin: http://evil.example\r\n";
    assert!(ask(web, elsewhere).0.starts_with("HTTP/1.1 403 "));

    let (_server, web) = start(&["--expose", "loop,metrics"]);
    for path in ["/loop", "/metrics"] {
        assert_eq!(get(web, path, PROXY).status, 200, "{path}");
    }
    let mut watcher = Watcher::open(web, PROXY);
    assert_eq!(watcher.next("hello")["mayBlock"], false);
    watcher.say("block");
    assert_eq!(watcher.closed(), 1008);
}

/// Where pages from elsewhere are let in, nothing is this machine's own: they may look if it is
/// exposed, and so may this machine.
#[test]
fn another_origin_that_may_chat_may_look_if_exposed_and_not_block() {
    let (origin, other) = (
        "Origin: https://chat.example\r\n",
        "Origin: https://evil.example\r\n",
    );
    let (_server, web) = start(&["--web-origin", "https://chat.example"]);
    for fields in [origin, other, ""] {
        assert!(ask(web, fields).0.starts_with("HTTP/1.1 403 "), "{fields}");
    }
    let (_server, web) = start(&["--web-origin", "https://chat.example", "--expose", "loop"]);
    assert!(ask(web, other).0.starts_with("HTTP/1.1 403 "));
    for fields in [origin, ""] {
        let mut watcher = Watcher::open(web, fields);
        assert_eq!(watcher.next("hello")["mayBlock"], false, "{fields}");
    }
}

#[test]
fn behind_a_socket_file_is_elsewhere() {
    let folder = Folder::new();
    let path = folder.text("web.sock");
    let server = Server::with(&["--web", &path]);
    server.expect_log(|line| line.contains("over HTTP on "));
    for (target, status) in [("/healthz", "200"), ("/metrics", "403"), ("/loop", "403")] {
        let mut stream = UnixStream::connect(&path).expect("someone listens");
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target}: {answer}"
        );
    }
}

#[test]
fn no_more_than_sixteen_watch() {
    let (_server, web) = start(&[]);
    let mut watchers: Vec<_> = (0..16).map(|_| Watcher::open(web, "")).collect();
    assert!(ask(web, "").0.starts_with("HTTP/1.1 503 "));
    watchers.pop();
    while number(&watchers[0].next("frame")["watchers"]) > 15 {}
    Watcher::open(web, "");
}

#[test]
fn what_is_no_word_of_theirs_ends_it() {
    let (_server, web) = start(&[]);
    let mut watcher = Watcher::open(web, "");
    watcher.say("{}");
    assert_eq!(watcher.closed(), 1008);
}

/// The samples by name and labels; panics at what the text format does not allow.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').expect("a name and words").0.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a kind");
            assert_eq!(name, family, "each type follows its help");
            assert!(matches!(kind, "counter" | "gauge"), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let bare = name.split('{').next().expect("a name");
            assert_eq!(bare, family, "each sample follows its type");
            let value = value.parse().expect("a number");
            assert!(
                samples.insert(name.to_owned(), value).is_none(),
                "twice: {name}"
            );
        }
    }
    samples
}

#[test]
fn metrics_are_what_prometheus_reads_and_count() {
    let (server, web) = start(&[]);
    let page = get(web, "/metrics", "");
    assert!(page.is("text/plain; version=0.0.4; charset=utf-8"));
    let before = samples(&page.text());
    let mut members: Vec<_> = (0..3).map(|_| server.join()).collect();
    members.iter_mut().for_each(|member| drop(member.sync()));
    members[0].say("one");
    members[0].say("two");
    for member in &mut members[1..] {
        member.messages(2);
    }
    let after = samples(&get(web, "/metrics", "").text());
    let grown = |name: &str| after[name] - before[name];
    assert_eq!(grown("loopchat_messages_total"), 2.0);
    assert_eq!(grown("loopchat_deliveries_total"), 4.0);
    assert_eq!(grown("loopchat_skipped_messages_total"), 0.0);
    assert_eq!(
        (after["loopchat_members"], after["loopchat_rooms"]),
        (3.0, 1.0)
    );
    assert!(grown("loopchat_lines_total") >= 2.0);
    assert!(grown("loopchat_received_bytes_total") >= 8.0);
    assert!(grown("loopchat_sent_bytes_total") >= 4.0 * 12.0);
    assert!(grown("loopchat_system_calls_total{call=\"write\"}") >= 2.0);
    assert!(grown("loopchat_system_calls_total{call=\"read\"}") >= 2.0);
    assert!(grown("loopchat_event_loop_turns_total") > 0.0);
    assert!(after["loopchat_disconnects_total{reason=\"read_nothing\"}"] == 0.0);
    if cfg!(target_os = "linux") {
        assert!(after["process_resident_memory_bytes"] > 1e5);
        assert!(after["process_open_fds"] >= 8.0);
        assert!(after["process_start_time_seconds"] > 1.7e9);
        assert!(grown("process_cpu_seconds_total") >= 0.0);
    }
}

/// Catches: times in the system's ticks, or from another start.
#[cfg(target_os = "linux")]
#[test]
fn metrics_tell_the_times_of_the_process_in_seconds() {
    let (server, web) = start(&[]);
    let of_process = || {
        let process = procfs::process::Process::new(server.pid().as_raw_nonzero().get());
        let stat = process.and_then(|process| process.stat()).expect("it runs");
        let per_second = procfs::ticks_per_second() as f64;
        let used = (stat.utime + stat.stime) as f64 / per_second;
        (used, stat.starttime as f64 / per_second)
    };
    // So many that it shows on the processor.
    let mut busy = client::Client::connect(web);
    let ask = "GET /docs/ HTTP/1.1\r\nHost: localhost\r\n";
    while of_process().0 < 0.05 {
        busy.send_raw(format!("{ask}\r\n"));
        busy.read_head();
    }
    let (before, start) = of_process();
    let samples = samples(&get(web, "/metrics", "").text());
    let (after, _) = of_process();
    let used = samples["process_cpu_seconds_total"];
    assert!((before..=after).contains(&used), "{before} {used} {after}");
    let boot = procfs::boot_time_secs().expect("Linux knows it") as f64;
    let started = samples["process_start_time_seconds"] - boot;
    // What Linux says of its boot moves by a second as clocks are set.
    assert!((started - start).abs() < 5.0, "{started} {start}");
}

#[cfg(target_os = "linux")]
#[test]
fn who_asks_for_metrics_many_times_at_once_keeps_nobody_busier() {
    let (server, web) = start(&[]);
    let threads = || {
        let status = server.proc("status");
        let line = status.lines().find(|line| line.starts_with("Threads:"));
        line.expect("how many there are").to_owned()
    };
    assert_eq!(get(web, "/metrics", "").status, 200);
    let before = threads();
    let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
    let last = format!("{ask}Connection: close\r\n\r\n");
    let mut client = client::Client::connect(web);
    client.send_raw(format!("{ask}\r\n").repeat(63) + &last);
    let answers = String::from_utf8(client.rest()).expect("text");
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 64);
    assert_eq!(answers.matches("\nloopchat_build_info{").count(), 64);
    assert_eq!(threads(), before, "one thread reads it, once for all");
}

#[test]
fn the_chat_tells_what_the_loop_does() {
    let (server, web) = start(&[]);
    let mut ann = server.join();
    ann.sync();
    ann.say("/loop");
    let first = ann.line();
    assert!(
        first.starts_with("* The event loop, ") && first.ends_with(" s since it was started:"),
        "{first}"
    );
    ann.expect_line(|line| line.contains(" turns a second, "));
    ann.expect_line(|line| line.contains("System calls a second: "));
    ann.expect("*   Its delay is measured while somebody looks at /loop in a browser.");
    let mut watcher = Watcher::open(web, "");
    while number(&watcher.next("frame")["delay"]["count"]) == 0 {}
    ann.say("/loop");
    assert!(ann.line().ends_with(" s since /loop was asked last:"));
    ann.expect_line(|line| line.starts_with("*   Delay in ms: "));
}

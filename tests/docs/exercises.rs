//! The exercises of the course: each is run by a test, or is a question with nothing to run.
//!
//! The table below has every exercise there is, with the words it begins with and the test that
//! does what it asks for. An exercise that is not in it, or does not begin so any more, fails
//! [`every_exercise_is_run_by_a_test`]; so does a question that names a command or a flag.
//!
//! Those that change the source do so in a copy and build it: minutes, so they are ignored
//! (`cargo test --test docs -- --ignored` runs them, as CI does). They are in `changes.rs`.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use loopchat::event_loop::ManualClock;
use loopchat::{Context, EventLoop};

use super::experiments::example;
use super::support::{Client, Server, eventually, has_tool, run};
use super::{changes, pages, root};

enum Way {
    /// There is nothing to run.
    Question,
    Test,
}

macro_rules! exercises {
    ($($chapter:literal $number:literal $words:literal $($kind:ident $module:ident::$test:ident)?;)*) => {
        const EXERCISES: &[(&str, usize, &str, Way)] = &[
            $(($chapter, $number, $words, exercises!(@way $($kind)?))),*
        ];
        $($(exercises!(@test $kind $module $test);)?)*
    };
    (@way) => { Way::Question };
    (@way $kind:ident) => { Way::Test };
    (@test run $module:ident $test:ident) => {
        #[test]
        fn $test() {
            $module::$test();
        }
    };
    (@test change $module:ident $test:ident) => {
        #[test]
        #[ignore = "builds a changed copy, which takes minutes"]
        fn $test() {
            $module::$test();
        }
    };
}

exercises! {
    "01" 1 "Which of the numbers of `thread_per_client` would change" run programs::idle_clients;
    "01" 2 "Run `blocking_server -- 3`" run programs::a_third_client;
    "01" 3 "Node has one thread for JavaScript";
    "02" 1 "Start the server and three `nc`" run servers::four_numbers;
    "02" 2 "Close one `nc` and look again" run servers::time_wait;
    "02" 3 "A proxy has one address";
    "03" 1 "In `examples/course/edge_bugs/reading.rs` mend `broken`" change changes::mended_by_registering_again;
    "03" 2 "In `src/net/connection.rs` take `READ_CLOSED` out" change changes::an_end_that_is_not_read;
    "03" 3 "mio's `Poll` can be used level-triggered nowhere";
    "04" 1 "Move `self.run_timers(state);` to the top" change changes::timers_first;
    "04" 2 "The `for` in `poll` serves a snapshot" change changes::no_snapshot;
    "04" 3 "Find the line that makes an idle loop sleep" run loops::woken_without_holding_it_open;
    "05" 1 "Predict `orders -- 07`" run programs::orders_that_are_predicted;
    "05" 2 "Write the chapter's picture for a *timer* callback" run loops::all_three_from_a_timer;
    "05" 3 "Replace the lists in `timers.rs`";
    "06" 1 "`(printf 'hel'; sleep 1; printf 'lo\\n') | nc -N 127.0.0.1 3000`" run servers::a_line_in_two_pieces;
    "06" 2 "Why is CR alone no line end?";
    "06" 3 "Write down the framing of a protocol";
    "07" 1 "Have the server write at once" change changes::written_at_once;
    "07" 2 "Node has `socket.cork()`";
    "07" 3 "Why is the batch delivered in the check phase";
    "08" 1 "`loopchat --outbox-soft 4096 --outbox-hard 8192`" run servers::slow_with_small_limits;
    "08" 2 "Why is `progress.sent` compared";
    "08" 3 "`socket.pipe(cx, other)` is the third answer";
    "09" 1 "Give the chat a command that blocks" change changes::a_command_that_blocks;
    "09" 2 "Five clients ask for `/pool` at once";
    "09" 3 "`chat` may not block, and cannot";
    "10" 1 "Write the notes' client" run servers::node_and_we;
    "10" 2 "Take any script of `tests/node/`";
    "10" 3 "`Rc<RefCell<..>>` appears in the translations";
    "11" 1 "Give `one_loop` a second page, `/count`" change changes::a_second_page;
    "11" 2 "`printf 'GET / HTTP/1.1" run servers::two_requests_at_once;
    "11" 3 "Why may a WebSocket's first frame already be";
    "12" 1 "Break something: in `src/server/core/framing.rs`" change changes::a_byte_too_many;
    "12" 2 "Name something that a stranger can make grow";
    "12" 3 "Write a property for `fan_out.rs`";
    "13" 1 "Of the records that `on_the_wire -- tls` calls sealed" run programs::sealed_records;
    "13" 2 "Two lines of a chat are";
    "13" 3 "Somebody in between answers Ann's hello";
    "14" 1 "Write the bus";
    "14" 2 "`--max-room-members` is 20,000";
    "14" 3 "Sharding by room";
}

/// The numbered items under a chapter's exercises.
fn exercises_of(page: &str) -> Vec<String> {
    let (_, rest) = page.split_once("\n## Exercises\n").unwrap_or(("", ""));
    let mut found: Vec<String> = Vec::new();
    for line in rest.lines().take_while(|line| !line.starts_with("Next: ")) {
        let number = line
            .split_once(". ")
            .map(|(number, text)| (number.parse::<usize>(), text));
        match number {
            Some((Ok(number), text)) => {
                assert_eq!(number, found.len() + 1, "{line}");
                found.push(text.to_owned());
            }
            _ => {
                if let Some(last) = found.last_mut().filter(|_| !line.trim().is_empty()) {
                    *last += " ";
                    *last += line.trim();
                }
            }
        }
    }
    found
}

/// What a question names that is there to be run: a command with its arguments, or flags with
/// values.
fn to_be_run(text: &str) -> Option<&str> {
    let mut spans = text.split('`').skip(1).step_by(2);
    let starts = [
        "cargo ",
        "nc ",
        "printf ",
        "curl ",
        "loopchat ",
        "stress ",
        "node ",
        "ss ",
        "(",
        "$ ",
    ];
    let is_command = |span: &&str| {
        starts
            .iter()
            .any(|start| span.starts_with(start) && span.len() > 2)
            || (span.starts_with("--") && span.contains(' '))
            || span.contains(" -- ")
    };
    spans.find(is_command)
}

#[test]
fn every_exercise_is_run_by_a_test() {
    let mut wrong = Vec::new();
    let mut known = EXERCISES.iter().peekable();
    for page in pages() {
        let Ok(file) = page.path.strip_prefix("docs/course") else {
            continue;
        };
        let chapter = file.to_string_lossy()[..2].to_owned();
        for (at, text) in exercises_of(&page.text).iter().enumerate() {
            let here = format!("{}, exercise {}", page.path.display(), at + 1);
            let Some((of, number, words, way)) = known.next() else {
                wrong.push(format!("{here} is run by no test: {text}"));
                continue;
            };
            if (*of, *number) != (chapter.as_str(), at + 1) {
                wrong.push(format!(
                    "{here}: the table has chapter {of}, exercise {number} there"
                ));
            } else if !text.starts_with(words) {
                wrong.push(format!(
                    "{here} is not the one the table has ({words}): {text}"
                ));
            } else if let (Way::Question, Some(command)) = (way, to_be_run(text)) {
                wrong.push(format!("{here} is no mere question, it has `{command}`"));
            }
        }
    }
    wrong.extend(
        known.map(|(chapter, number, ..)| format!("chapter {chapter} has no exercise {number}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        to_be_run("a word, `nc`, then `nc -N x`").is_some() && to_be_run("`--history`").is_none()
    );
}

/// Those that run a program as it is.
mod programs {
    use super::*;

    fn printed(name: &str, arguments: &[&str]) -> String {
        let ran = run(Command::new(example(name))
            .args(arguments)
            .current_dir(root()));
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{name} {arguments:?}: {complaint}");
        String::from_utf8(ran.stdout).expect("it prints text")
    }

    pub fn sealed_records() {
        let seen = printed("on_the_wire", &["tls"]);
        let sealed = seen.lines().filter(|line| line.contains("sealed"));
        let lengths = sealed.map(|line| line.split_whitespace().nth(1));
        let lengths: Vec<usize> = lengths
            .map(|length| length.and_then(|text| text.parse().ok()).expect("a length"))
            .collect();
        let clear = printed("on_the_wire", &[]);
        // Each line without who says it, with its end, in a record.
        let said: Vec<usize> = clear.lines().map(|line| line.len() - 8 + 1 + 22).collect();
        let in_a_row = lengths.windows(said.len()).any(|lengths| lengths == said);
        assert!(in_a_row && said.len() == 3, "{seen}");
        assert_eq!(lengths.len(), 8, "{seen}");
    }

    pub fn idle_clients() {
        let idle = printed("thread_per_client", &["20", "0"]);
        let rows: Vec<Vec<&str>> = idle
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows.len(), 3, "{idle}");
        for (row, (name, threads)) in rows[1..].iter().zip([("threads", "21"), ("loop", "1")]) {
            assert_eq!(row[..2], [name, threads], "{idle}");
            assert_eq!(row[4..], ["-", "-", "-"], "{idle}"); // no line was said
        }
    }

    pub fn a_third_client() {
        let text = printed("blocking_server", &["3"]);
        let (blocking, with_loop) = text.split_once("the same thread with").expect("both");
        let says = |text: &str| -> Vec<String> {
            let said = text
                .lines()
                .filter(|line| line.contains("hears:") || line.contains("leaves"));
            said.map(|line| line.trim().split(' ').take(2).collect::<Vec<_>>().join(" "))
                .collect()
        };
        let one_after_the_other = [
            "ann leaves",
            "bob hears:",
            "bob leaves",
            "carol hears:",
            "carol leaves",
        ];
        assert_eq!(says(blocking), one_after_the_other, "{text}");
        assert_eq!(
            says(with_loop),
            ["bob hears:", "bob leaves", "carol hears:", "carol leaves"],
            "{text}"
        );
    }

    pub fn orders_that_are_predicted() {
        let all = printed("orders", &[]);
        for number in ["07", "13"] {
            let name = all
                .lines()
                .find(|line| line.starts_with(number))
                .expect("it is listed");
            let trace = format!("{}/tests/node/{name}.trace", root().display());
            let trace = std::fs::read_to_string(trace).expect("what Node printed");
            let said = printed("orders", &[number]);
            let said = said.strip_suffix("exit 0\n").unwrap_or(&said);
            assert_eq!(
                said,
                trace.strip_suffix("exit 0\n").unwrap_or(&trace),
                "{name}"
            );
        }
    }
}

/// Those that want a program of one's own.
mod loops {
    use super::*;

    pub fn woken_without_holding_it_open() {
        let mut event_loop = EventLoop::with_clock(ManualClock::new()).expect("a loop");
        let every_second =
            event_loop.set_interval(Duration::from_secs(1), |beats: &mut u32, _| *beats += 1);
        event_loop.set_timer_ref(every_second, false);
        event_loop.set_timeout(Duration::from_millis(3500), |_, _| {});
        let mut beats = 0;
        event_loop.run(&mut beats).expect("it polls");
        assert_eq!(
            beats, 3,
            "it beat while something else held the loop open, and then no more"
        );
    }

    pub fn all_three_from_a_timer() {
        let mut event_loop = EventLoop::with_clock(ManualClock::new()).expect("a loop");
        let said = Rc::new(RefCell::new(Vec::new()));
        let log = move |what: &'static str| {
            move |said: &mut Rc<RefCell<Vec<&str>>>, _: &mut Context<_>| {
                said.borrow_mut().push(what)
            }
        };
        event_loop.set_timeout(Duration::from_millis(1), move |_, cx| {
            cx.set_timeout(Duration::ZERO, log("timeout"));
            cx.set_immediate(log("immediate"));
            cx.next_tick(log("tick"));
        });
        let mut state = Rc::clone(&said);
        event_loop.run(&mut state).expect("it polls");
        assert_eq!(*said.borrow(), ["tick", "immediate", "timeout"]);
    }
}

/// Those that want a server, and somebody who talks to it.
mod servers {
    use super::*;

    /// The kernel's table of connections, without its heading.
    fn table(flags: &str, filter: &str) -> Vec<String> {
        let shown = run(Command::new("ss").args([flags, filter]));
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    fn established(filter: &str) -> Vec<String> {
        let lines = table("-tn", filter).into_iter();
        lines.filter(|line| line.starts_with("ESTAB")).collect()
    }

    pub fn four_numbers() {
        if !has_tool("ss") {
            return;
        }
        let server = Server::start();
        let (_, port) = server.address.rsplit_once(':').expect("a port");
        let _three: Vec<Client> = (0..3).map(|_| server.join()).collect();
        let connected = established(&format!("sport = :{port}"));
        let peers: Vec<&str> = connected
            .iter()
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        let ours: Vec<&str> = connected
            .iter()
            .filter_map(|line| line.split_whitespace().nth(3))
            .collect();
        assert_eq!(ours, [server.address.as_str(); 3], "{connected:?}");
        assert!(
            peers.windows(2).all(|two| two[0] != two[1]),
            "{connected:?}"
        );
        assert_eq!(
            table("-tln", &format!("sport = :{port}")).len(),
            1,
            "the listening socket"
        );
    }

    pub fn time_wait() {
        if !has_tool("ss") {
            return;
        }
        let server = Server::start();
        let mut first = server.join();
        let (_, port) = server.address.rsplit_once(':').expect("a port");
        let connected = established(&format!("dport = :{port}"));
        let address = connected
            .first()
            .and_then(|line| line.split_whitespace().nth(3));
        let (_, client) = address
            .and_then(|address| address.rsplit_once(':'))
            .expect("a port");
        let client = client.to_owned();
        first.half_close(); // whoever closes first waits
        first.wait_for_end();
        drop(first);
        // Somebody else may have had the server's port before it, and wait with it still.
        let waits = |from: &str, to: &str| {
            let filter = format!("sport = :{from} and dport = :{to}");
            let mut lines = table("-tan", &filter).into_iter();
            lines.find(|line| line.starts_with("TIME-WAIT"))
        };
        eventually("TIME-WAIT", || waits(&client, port));
        let servers = waits(port, &client);
        assert_eq!(servers, None, "it is the client's, not the server's");
    }

    pub fn a_line_in_two_pieces() {
        if !has_tool("nc") {
            return;
        }
        let server = Server::start();
        let mut listener = server.join();
        let (host, port) = server.address.rsplit_once(':').expect("a port");
        let script = format!("(printf 'hel'; sleep 1; printf 'lo\\n') | nc -N {host} {port}");
        let ran = run(Command::new("sh").args(["-c", &script]));
        assert!(ran.status.success());
        assert_eq!(listener.messages(1), ["guest2: hello"]);
        let more = listener.sync();
        assert!(
            !more.iter().any(|line| line.starts_with("guest2: ")),
            "{more:?}"
        );
    }

    pub fn slow_with_small_limits() {
        let server = Server::with(&["--outbox-soft", "4096", "--outbox-hard", "8192"]);
        let mut slow = server.join();
        let mut talker = server.join();
        slow.expect_line(|line| line.contains("joined"));
        // More than the kernel keeps for one who reads nothing, unless it has to leave before.
        let left = format!("* {} left #lobby", slow.name);
        let lines = format!("{}\n", "x".repeat(4000)).repeat(50);
        for _ in 0..60 {
            talker.send(&lines);
            if talker.sync().iter().any(|line| line.starts_with(&left)) {
                break;
            }
        }
        // What the turns were decides which limit it meets: the soft one if they were small, the
        // hard one at once if a single turn brought more than that.
        let told = slow.expect_line(|line| line.contains("skipped") || line.starts_with("! "));
        let hard = "! Disconnected: you read too slowly, more than 8 KiB";
        let soft = "skipped while you were not reading";
        assert!(told.starts_with(hard) || told.contains(soft), "{told}");
    }

    pub fn two_requests_at_once() {
        if !has_tool("nc") {
            return;
        }
        let (_server, port) = started("http_server");
        let requests = "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".repeat(2);
        let script = format!("printf '{requests}' | nc -N 127.0.0.1 {port}");
        let ran = run(Command::new("sh").args(["-c", &script]));
        let text = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
    }

    /// An example, ended with the test, and what it says: it may say more than its first line.
    struct Running(Child, Option<BufReader<ChildStdout>>);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill(); // an error says that it has ended by itself
            let _ = self.0.wait();
        }
    }

    /// Starts an example that takes an address and says which port it listens on.
    fn started(name: &str) -> (Running, String) {
        let mut command = Command::new(example(name));
        let command = command.arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut running = Running(command.spawn().expect("it is built"), None);
        let stdout = running.0.stdout.take().expect("piped");
        let mut line = String::new();
        let said = running.1.insert(BufReader::new(stdout));
        said.read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(' ').next().unwrap_or_default();
        assert!(port.parse::<u16>().is_ok(), "{name} says no port: {line}");
        (running, port.to_owned())
    }

    pub fn node_and_we() {
        // The page's program for Node, from where the page has it, on a port that is free.
        if !has_tool("node") {
            return;
        }
        let script = |name: &str, port: &str| -> String {
            let path = root().join(format!("examples/{name}.rs"));
            let source = std::fs::read_to_string(path).expect("a source");
            let lines = source.lines().skip_while(|line| {
                !line.contains("require('node:net')") && !line.contains("require('net')")
            });
            let script = lines.take_while(|line| !line.starts_with("//! ```"));
            let script: Vec<&str> = script.map(|line| line.trim_start_matches("//!")).collect();
            script.join("\n").replace("3000", port)
        };
        let (_server, port) = started("tcp_server");
        let theirs = run(Command::new("node").args(["-e", &script("tcp_client", &port)]));
        let ours = run(Command::new(example("tcp_client")).arg(format!("127.0.0.1:{port}")));
        assert!(theirs.status.success() && ours.status.success());
        let (theirs, ours) = (
            String::from_utf8_lossy(&theirs.stdout),
            String::from_utf8_lossy(&ours.stdout),
        );
        assert!(!ours.is_empty());
        assert_eq!(
            theirs, ours,
            "the server cannot tell Node's client from ours"
        );
    }
}

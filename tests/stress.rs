//! `examples/stress` as its users meet it: the real program against the real server, and against
//! servers that are at fault, to see that it finds out.

mod support;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use support::{Folder, Server, Signal, loopchat, run, untouched};

/// What a run has printed, and how it ended.
#[derive(Debug)]
struct Ended {
    table: String,
    errors: String,
    status: Option<i32>,
}

/// The example, which `cargo test` has built beside the tests.
fn example() -> Command {
    let test = env::current_exe().expect("a test knows its own path");
    let built = test.parent().and_then(Path::parent).expect("target/debug");
    let program = built.join("examples/stress");
    assert!(
        program.exists(),
        "{} is not built: `cargo test` and `cargo build --examples` do it",
        program.display()
    );
    let mut command = Command::new(program);
    untouched(&mut command);
    command
}

/// Runs it to its end, with flags as one types them.
fn stress(address: &str, flags: &str) -> Ended {
    ended(example().arg(address).args(flags.split_whitespace()))
}

fn ended(command: &mut Command) -> Ended {
    let output = run(command);
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    Ended {
        table: text(output.stdout),
        errors: text(output.stderr),
        status: output.status.code(),
    }
}

/// Runs it by a shell that changes the limit of descriptors first.
fn limited(limit: &str, address: &str, flags: &str) -> Ended {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit} && exec \"$@\""), "sh"]);
    shell.arg(example().get_program()).arg(address);
    ended(untouched(&mut shell).args(flags.split_whitespace()))
}

impl Ended {
    /// The value of a row of the table, if there is such a row.
    fn row(&self, name: &str) -> Option<&str> {
        let mut lines = self.table.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix("  ")?.trim()))
    }

    #[track_caller]
    fn says(&self, rows: &[(&str, &str)]) {
        for (name, value) in rows {
            assert_eq!(self.row(name), Some(*value), "{name} of {self:#?}");
        }
    }

    /// Nothing was wrong, and the counts are these.
    #[track_caller]
    fn is_well(&self, rows: &[(&str, &str)]) {
        assert_eq!(self.errors, "", "{self:#?}");
        assert_eq!(self.status, Some(0), "{self:#?}");
        self.says(rows);
        self.says(&[("disconnected", "0")]);
        if self.row("deliveries").is_some() {
            self.says(&[("lost", "0"), ("duplicated", "0"), ("out of order", "0")]);
            assert_eq!(self.row("damaged"), None, "{self:#?}");
        }
    }

    /// Something was wrong: the table tells, and so does one line of standard error.
    #[track_caller]
    fn is_wrong(&self, error: &str, rows: &[(&str, &str)]) {
        assert_eq!(self.status, Some(1), "{self:#?}");
        self.says(rows);
        let told = self
            .errors
            .lines()
            .any(|line| line == format!("stress: {error}"));
        assert!(told, "{error:?} is not in {self:#?}");
    }
}

// --- against the real server ----------------------------------------------------------------------

#[test]
fn everyone_gets_everything() {
    let server = Server::start();
    let ended = stress(&server.address, "--clients 20 --senders 5 --messages 40");
    ended.is_well(&[
        ("clients", "20"),
        ("rooms", "1"),
        ("messages sent", "200"),
        ("deliveries", "3,800"), // each of the 200 to 19
    ]);
    for row in [
        "seconds",
        "deliveries/s",
        "latency p50",
        "latency p99.9",
        "latency max",
    ] {
        assert!(ended.row(row).is_some(), "no {row} in {ended:#?}");
    }
    // Both runs are in the same room, whose history is not taken for deliveries.
    let again = stress(&server.address, "--clients 3 --senders 3 --messages 1");
    again.is_well(&[("messages sent", "3"), ("deliveries", "6")]);
}

#[test]
fn the_web_door_can_be_loaded_too() {
    let server = Server::with(&["--web", "127.0.0.1:0"]);
    let line = server.expect_log(|line| line.contains("in a browser: http://"));
    let (_, address) = line.rsplit_once("http://").expect("an address");
    let flags = "--ws --clients 20 --senders 5 --messages 40 --churn 2 --slow-readers 2";
    let ended = stress(address.trim_end_matches('/'), flags);
    ended.is_well(&[("clients", "20"), ("messages sent", "200")]);
    assert_eq!(stress("/tmp/none", "--ws").status, Some(2));
}

#[test]
fn rooms_keep_to_themselves() {
    let server = Server::start();
    let ended = stress(
        &server.address,
        "--clients 12 --rooms 4 --senders 6 --messages 10",
    );
    // Two rooms have two senders, two have one; three are in each.
    ended.is_well(&[
        ("rooms", "4"),
        ("messages sent", "60"),
        ("deliveries", "120"),
    ]);
}

#[test]
fn long_messages_go_through_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let _server = Server::listening(loopchat().args(["--listen", &path]));
    let ended = stress(&path, "--clients 10 --senders 10 --messages 20 --size 4000");
    ended.is_well(&[("deliveries", "1,800")]);
}

#[test]
fn a_rate_is_kept() {
    let server = Server::start();
    let flags = "--clients 10 --senders 3 --messages 20 --rate 100 --rooms 2";
    let ended = stress(&server.address, flags);
    ended.is_well(&[("messages sent", "60"), ("deliveries", "240")]);
    // The last of them is due after 0.59 seconds.
    let seconds: f64 = ended.row("seconds").unwrap().parse().unwrap();
    assert!(seconds >= 0.59, "{ended:#?}");
}

#[test]
fn those_who_leave_and_come_back_do_not_count() {
    let server = Server::start();
    // So dense that messages come in one piece with the answer to those who are back.
    let flags = "--clients 22 --senders 2 --messages 1000 --rate 2000 --churn 15";
    let ended = stress(&server.address, flags);
    // Seven stay, of which each sender reaches six.
    ended.is_well(&[("messages sent", "2,000"), ("deliveries", "12,000")]);
    for row in ["not counted", "came back"] {
        assert_ne!(ended.row(row), Some("0"), "{ended:#?}");
    }
}

#[test]
fn slow_readers_do_not_count() {
    let server = Server::start();
    let flags = "--clients 5 --senders 2 --messages 100 --slow-readers 3";
    let ended = stress(&server.address, flags);
    ended.is_well(&[("slow readers", "3"), ("deliveries", "800")]);
}

#[test]
fn idle_tells_what_connections_cost() {
    let server = Server::start();
    let pid = server.pid().as_raw_nonzero();
    let flags = format!("--idle --clients 50 --rooms 5 --hold 1 --pid {pid}");
    let ended = stress(&server.address, &flags);
    ended.is_well(&[("clients", "50"), ("rooms", "5")]);
    let seconds: f64 = ended.row("seconds").unwrap().parse().unwrap();
    assert!(seconds >= 1.0, "{ended:#?}");
    if cfg!(target_os = "linux") {
        let memory = ended.row("server memory").unwrap();
        assert!(memory.ends_with(" a connection"), "{ended:#?}");
        assert!(ended.row("server CPU").is_some(), "{ended:#?}");
    }
}

#[test]
fn with_a_process_id_a_delivery_has_its_price() {
    let server = Server::start();
    let pid = server.pid().as_raw_nonzero();
    let flags = format!("--clients 4 --messages 5 --pid {pid}");
    let ended = stress(&server.address, &flags);
    ended.is_well(&[("deliveries", "60")]); // all four send
    if cfg!(target_os = "linux") {
        for row in ["client CPU", "server CPU"] {
            // How busy the client was, which may be said behind it, is the machine's matter.
            assert!(
                ended.row(row).unwrap().contains(" a delivery"),
                "{ended:#?}"
            );
        }
    }
}

#[test]
fn ctrl_c_ends_the_holding_and_prints_the_table() {
    let server = Server::start();
    let mut witness = server.join();
    let (mut output, to_output) = std::io::pipe().expect("a descriptor is left");
    let mut command = example();
    command
        .args([
            &server.address,
            "--idle",
            "--clients",
            "1",
            "--hold",
            "3600",
        ])
        .stdout(to_output);
    let mut process = support::Process::spawn(&mut command);
    drop(command); // and with it our copy of the pipe's other end
    // It goes from the lobby to its own room.
    witness.expect_line(|line| line.contains(" left #lobby"));
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(0));
    let mut table = String::new();
    output.read_to_string(&mut table).expect("it is UTF-8");
    assert!(table.starts_with("clients"), "{table}");
}

#[test]
fn ctrl_c_prints_what_was_measured_so_far() {
    let server = Server::start();
    let mut witness = server.join();
    witness.say("/join r0");
    let (mut output, to_output) = std::io::pipe().expect("a descriptor is left");
    let mut command = example();
    // At this rate it would take a day.
    let flags = "--clients 4 --senders 2 --messages 1000000 --rate 20";
    command.arg(&server.address).args(flags.split(' '));
    let mut process = support::Process::spawn(command.stdout(to_output));
    drop(command);
    witness.messages(2);
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130));
    let mut table = String::new();
    output.read_to_string(&mut table).expect("it is UTF-8");
    let ended = Ended {
        table,
        errors: String::new(),
        status: None,
    };
    // What was on its way is not lost.
    ended.says(&[("lost", "0"), ("out of order", "0"), ("disconnected", "0")]);
    assert_ne!(ended.row("messages sent"), Some("0"), "{ended:#?}");
}

#[test]
fn what_the_server_refuses_is_told() {
    let server = Server::start();
    let flags = "--clients 2 --senders 1 --messages 1 --size 4097";
    let ended = stress(&server.address, flags);
    ended.is_wrong(
        "lines refused by the server: 1, the first: ! That line was not sent: it is longer than 4096 bytes.",
        &[("messages sent", "1"), ("deliveries", "0"), ("lost", "1")],
    );
}

// --- what cannot start ----------------------------------------------------------------------------

#[test]
fn what_cannot_start_says_why() {
    let (nobody, _kept) = support::nobody::nobody();
    let address = nobody.to_string();
    let server = Server::start();
    for (address, flags, reason) in [
        (&*address, "--clients 2", "ECONNREFUSED"),
        ("nonsense", "", "it wants IP:PORT"),
        (
            &server.address,
            "--clients 3 --rooms 2",
            "--rooms 2 takes at least 4 clients",
        ),
        (
            &server.address,
            "--clients 3 --senders 2 --churn 2",
            "--clients 3 is too few",
        ),
        (
            &server.address,
            "--clients 3 --senders 4",
            "--clients 3 is too few",
        ),
        (
            &server.address,
            "--idle --messages 3",
            "cannot be used with",
        ),
        (&server.address, "--size 10", "10 is not in 40..=60000"),
    ] {
        let ended = stress(address, flags);
        assert_eq!(ended.status, Some(2), "{flags}: {ended:#?}");
        assert!(ended.errors.contains(reason), "{flags}: {ended:#?}");
        assert_eq!(ended.table, "", "{flags}");
    }
}

#[test]
fn the_limit_of_descriptors_is_raised_as_far_as_it_goes() {
    let server = Server::start();
    let flags = "--clients 200 --senders 1 --messages 1";
    limited("-S -n 100", &server.address, flags).is_well(&[("deliveries", "199")]);
    let refused = limited("-n 200", &server.address, flags);
    assert_eq!(refused.status, Some(2), "{refused:#?}");
    let reason = "stress: 200 clients do not fit: each takes a descriptor; at most 136 do";
    assert!(refused.errors.starts_with(reason), "{refused:#?}");
}

// --- against servers that are at fault --------------------------------------------------------------

/// What a faulty server does with the messages of its one room, in the order in which they come.
type Fault = fn(nth: usize, line: &str, held: &mut Option<String>) -> Vec<String>;

/// What the threads of a faulty server's connections tell its room.
enum Said {
    Joined(usize, TcpStream),
    Line(usize, String),
    Left(usize),
}

/// A chat server of a few lines. Every message passes through `fault`, which says what is
/// delivered of it and whether something is held back.
fn faulty(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (say, room) = channel();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let say = say.clone();
            thread::spawn(move || serve(index, stream, &say));
        }
    });
    thread::spawn(move || {
        let mut members: Vec<(usize, TcpStream)> = Vec::new();
        let (mut nth, mut held) = (0, None);
        for said in room {
            match said {
                Said::Joined(index, mut stream) => {
                    // What a server repeats is no delivery, whatever it looks like.
                    let greeting = "* You are now in #r0 with others.\n\
                                    * The last 2 messages of #r0:\nold: 1\nold: 2\n";
                    stream.write_all(greeting.as_bytes()).expect("it reads");
                    members.push((index, stream));
                }
                Said::Line(index, line) => {
                    let lines = fault(nth, &line, &mut held);
                    nth += 1;
                    for (_, stream) in members.iter_mut().filter(|(member, _)| *member != index) {
                        for line in &lines {
                            // Whoever has gone meanwhile gets nothing.
                            let _ = stream.write_all(format!("{line}\n").as_bytes());
                        }
                    }
                }
                Said::Left(index) => {
                    let place = members.iter().position(|(member, _)| *member == index);
                    let (_, mut stream) = members.swap_remove(place.expect("it has joined"));
                    // After all that it was sent; the other end may have gone first.
                    let _ = stream.write_all(b"* Bye, member.\n");
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                }
            }
        }
    });
    address
}

/// Reads one connection to its end.
fn serve(index: usize, stream: TcpStream, say: &Sender<Said>) {
    let mut nick = String::new();
    let lines = BufReader::new(stream.try_clone().expect("a descriptor is left")).lines();
    for line in lines.map_while(Result::ok) {
        let said = if let Some(name) = line.strip_prefix("/nick ") {
            name.clone_into(&mut nick);
            continue;
        } else if line.starts_with("/join ") {
            Said::Joined(index, stream.try_clone().expect("a descriptor is left"))
        } else if line == "/quit" {
            break;
        } else {
            Said::Line(index, format!("{nick}: {line}"))
        };
        say.send(said).expect("the room is open");
    }
    say.send(Said::Left(index)).expect("the room is open");
}

/// One client that sends, so that the order is certain, and two that receive.
const SMALL: &str = "--clients 3 --senders 1 --messages 10";

fn as_it_is(line: &str) -> Vec<String> {
    vec![line.to_owned()]
}

#[test]
fn a_server_without_fault_is_found_to_be_so() {
    let ended = stress(&faulty(|_, line, _| as_it_is(line)), SMALL);
    ended.is_well(&[("messages sent", "10"), ("deliveries", "20")]);
}

#[test]
fn a_dropped_line_is_lost() {
    let address = faulty(|nth, line, _| if nth == 4 { vec![] } else { as_it_is(line) });
    stress(&address, SMALL).is_wrong(
        "deliveries lost: 2",
        &[
            ("deliveries", "18"),
            ("lost", "2"),
            ("duplicated", "0"),
            ("out of order", "0"),
            ("disconnected", "0"),
        ],
    );
}

#[test]
fn a_dropped_last_line_is_lost() {
    let address = faulty(|nth, line, _| if nth == 9 { vec![] } else { as_it_is(line) });
    let ended = stress(&address, SMALL);
    let rows = [
        ("deliveries", "18"),
        ("lost", "2"),
        ("duplicated", "0"),
        ("out of order", "0"),
    ];
    ended.is_wrong("deliveries lost: 2", &rows);
    ended.is_wrong("nothing came for 10 seconds", &rows);
}

#[test]
fn a_repeated_line_is_duplicated() {
    // Also the last one, which comes when everything has come.
    for repeated in ["4", "9"] {
        let address = match repeated {
            "4" => faulty(|nth, line, _| vec![line.to_owned(); if nth == 4 { 2 } else { 1 }]),
            _ => faulty(|nth, line, _| vec![line.to_owned(); if nth == 9 { 2 } else { 1 }]),
        };
        stress(&address, SMALL).is_wrong(
            "deliveries duplicated: 2",
            &[
                ("deliveries", "20"),
                ("lost", "0"),
                ("duplicated", "2"),
                ("out of order", "0"),
            ],
        );
    }
}

#[test]
fn two_swapped_lines_are_out_of_order() {
    let address = faulty(|nth, line, held| match nth {
        4 => {
            *held = Some(line.to_owned());
            vec![]
        }
        5 => [as_it_is(line), held.take().into_iter().collect()].concat(),
        _ => as_it_is(line),
    });
    stress(&address, SMALL).is_wrong(
        "deliveries out of order: 2",
        &[
            ("deliveries", "20"),
            ("lost", "0"),
            ("duplicated", "0"),
            ("out of order", "2"),
        ],
    );
}

#[test]
fn a_line_that_was_changed_is_damaged() {
    let address = faulty(|nth, line, _| match nth {
        4 => vec![line.replacen("x", "y", 1)],
        5 => vec![line[..line.len() - 1].to_owned()],
        _ => as_it_is(line),
    });
    // They are no deliveries: two of each receiver's are missing.
    let ended = stress(&address, SMALL);
    ended.is_wrong("deliveries damaged: 4", &[("lost", "4"), ("damaged", "4")]);
}

#[test]
fn a_server_that_dies_has_disconnected_everyone() {
    let mut server = Server::start();
    let mut witness = server.join();
    let address = server.address.clone();
    // At this rate it would take a day.
    let flags = "--clients 4 --senders 2 --messages 1000000 --rate 20";
    let running = thread::spawn(move || stress(&address, flags));
    witness.expect_line(|line| line.contains(" left #lobby"));
    witness.say("/join r0");
    witness.messages(1); // the load has begun
    server.signal(Signal::KILL);
    server.ended();
    let ended = running.join().expect("the run has ended");
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    ended.says(&[("disconnected", "4")]);
    assert!(
        ended.errors.contains("disconnected: 4, the first: "),
        "{ended:#?}"
    );
}

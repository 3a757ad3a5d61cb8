//! A load tool: thousands of chat clients in one process, on the same event loop as the server.
//!
//! ```text
//! cargo run --release                                            # the server, in another terminal
//! cargo run --release --example stress                           # 1000 clients, 10 of which send
//! cargo run --release --example stress -- --clients 5000 --rooms 100 --senders 500
//! cargo run --release --example stress -- --rate 1000 --messages 1000    # latency at a steady rate
//! cargo run --release --example stress -- --idle --clients 10000 --pid $(pgrep -x loopchat)
//! cargo run --release --example stress -- --ws 127.0.0.1:8080      # the same through the web door
//! cargo run --release --example stress -- --help
//! ```
//!
//! Every client takes a name and goes to its room. When the server has let all of them in, the
//! senders begin. Each message says who sent it, which one of theirs it is, and when; every
//! receiver checks that the messages of each sender come once, in order and without a gap. What a
//! room repeats from its history is no delivery, nor is what a client of the web door hears of itself. The run ends when everything has come, or when
//! nothing has come for 10 seconds; then all leave, and what still comes on the way out would be a
//! duplicate.
//!
//! | file | what |
//! | --- | --- |
//! | `flags.rs` | what can be asked for |
//! | `run.rs` | the state, and the phases of a run |
//! | `clients.rs` | connecting in waves, leaving and coming back, the end of a connection |
//! | `wire.rs` | a plain connection, or a WebSocket of the web door |
//! | `load.rs` | who says what when: by a rate, or as fast as it is delivered |
//! | `message.rs`, `lines.rs`, `objects.rs` | what is sent, and how it is found in what comes |
//! | `check.rs` | once, in order, complete |
//! | `process.rs`, `table.rs` | CPU time and memory; what is printed |

mod check;
mod clients;
mod flags;
mod lines;
mod load;
mod message;
mod objects;
mod process;
mod run;
mod table;
mod wire;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::ToSocketAddrs;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use loopchat::event_loop::{SIGINT, SIGTERM};
use loopchat::net::{EventLoop, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use flags::Flags;
use run::Stress;

/// Descriptors besides the connections': the standard streams, the loop's own, and connections
/// that come back before the last one's is free.
const OTHER_DESCRIPTORS: u64 = 64;

fn main() -> ExitCode {
    env_logger::init();
    let flags = Flags::parse();
    if let Err(error) = flags.check() {
        error.with_cmd(&Flags::command()).exit();
    }
    match run(flags) {
        Ok(stress) => report(&stress),
        Err(reason) => {
            eprintln!("stress: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Runs to the end; an error says why it could not begin.
fn run(flags: Flags) -> Result<Stress, String> {
    make_room(flags.everyone() as u64)?;
    let target = resolve(&flags.server)?;
    let before = flags.pid.map(|pid| {
        process::usage(Some(pid)).map_err(|error| format!("--pid {pid} cannot be read: {error}"))
    });
    let mut stress = Stress::new(flags, target, before.transpose()?);
    let system = |error: io::Error| format!("the event loop: {error}");
    let mut event_loop = EventLoop::new().map_err(system)?;
    let interrupted = |stress: &mut Stress, cx: &mut run::Context, _| stress.interrupt(cx);
    event_loop
        .on_signal(&[SIGINT, SIGTERM], interrupted)
        .map_err(system)?;
    stress.start(&mut event_loop);
    event_loop.run(&mut stress).map_err(system)?;
    match stress.failure.take() {
        Some(reason) => Err(reason),
        None => Ok(stress),
    }
}

/// Raises the soft limit of descriptors to the hard one, if the clients fit in there.
fn make_room(clients: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    let needed = clients + OTHER_DESCRIPTORS;
    let fits = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if fits(limit.current) {
        return Ok(());
    }
    let refuse = |why: &dyn Display| {
        let most = limit
            .maximum
            .map_or(0, |most| most - OTHER_DESCRIPTORS.min(most));
        format!(
            "{clients} clients do not fit: {why}; at most {most} do (ulimit -Hn, less {OTHER_DESCRIPTORS})"
        )
    };
    if !fits(limit.maximum) {
        return Err(refuse(&"each takes a descriptor"));
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| refuse(&error))
}

/// Looks a name up, once for all clients; an IPv4 address first, where the server is by default.
fn resolve(server: &Target) -> Result<Target, String> {
    let Target::Host(host, port) = server else {
        return Ok(server.clone());
    };
    let found = (host.as_str(), *port).to_socket_addrs();
    let found = found.map_err(|error| format!("{host}: {error}"))?;
    let first = found.min_by_key(|address| !address.is_ipv4());
    first
        .map(Target::from)
        .ok_or_else(|| format!("{host} has no address"))
}

/// Prints what was found. The exit status says whether all was well.
fn report(stress: &Stress) -> ExitCode {
    let mut problems = table::problems(stress);
    if let Err(error) = write!(io::stdout(), "{}", table::table(stress)) {
        problems.push(format!("the table cannot be printed: {error}"));
    }
    for problem in &problems {
        eprintln!("stress: {problem}");
    }
    if !problems.is_empty() {
        ExitCode::FAILURE
    } else if stress.interrupted && !stress.flags.idle {
        eprintln!("stress: interrupted");
        ExitCode::from(130) // 128 and the signal's number, as shells have it
    } else {
        ExitCode::SUCCESS
    }
}

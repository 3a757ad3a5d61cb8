//! Sessions that are resumed through a gate that cuts, freezes and resets connections at random:
//! every client has everything, once, in one order, whatever becomes of its connections.
//!
//! `LOOPCHAT_GATE_MESSAGES` says how many messages each client says, and `LOOPCHAT_GATE_SEED` which
//! cuts there are, as far as the machine's scheduling lets a seed mean the same.

mod gate;
mod half_closed;
mod link;
mod member;
#[path = "../support/mod.rs"]
mod support;

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use gate::Gate;
use link::Doors;
use member::Member;
use support::Server;

/// How many talk to each other.
const MEMBERS: usize = 5;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(otherwise, |given| given.parse().expect("a number"))
}

/// By which doors the members come.
#[derive(Clone, Copy, PartialEq)]
enum By {
    WebSockets,
    Lines,
    /// A session goes on by another door than it was on before.
    Both,
}

fn loopchat() -> Command {
    let mut server = support::loopchat();
    server.args(["--listen", "127.0.0.1:0"]);
    server
}

/// What is said is still on its way when its author is gone, or has come back.
fn with_a_slow_log() -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_loopchat")).parent();
    let program = built.expect("a folder").join("examples/delayed_log");
    let mut server = Command::new(program);
    support::untouched(&mut server).args(["20", "--listen", "127.0.0.1:0"]);
    server
}

#[test]
fn nothing_is_lost_and_nothing_is_heard_twice_whatever_is_cut() {
    talk_through_a_gate(loopchat(), By::WebSockets);
}

#[test]
fn nor_over_lines() {
    talk_through_a_gate(loopchat(), By::Lines);
}

#[test]
fn nor_by_one_door_after_the_other() {
    talk_through_a_gate(loopchat(), By::Both);
}

#[test]
fn nor_if_the_log_takes_its_time() {
    talk_through_a_gate(with_a_slow_log(), By::WebSockets);
}

#[test]
fn nor_over_lines_if_the_log_takes_its_time() {
    talk_through_a_gate(with_a_slow_log(), By::Both);
}

fn talk_through_a_gate(mut server: Command, by: By) {
    let messages = from_environment("LOOPCHAT_GATE_MESSAGES", 100);
    let seed = from_environment("LOOPCHAT_GATE_SEED", rand::random());
    let kept = "--history=100000 --history-bytes=67108864 --outbox-hard=67108864 --flood=off \
        --web=127.0.0.1:0";
    let server = Server::listening(server.args(kept.split_whitespace()));
    let line = server.address.parse().expect("it is on TCP");
    let web = (by != By::Lines).then(|| Gate::open(server.web_address(), seed));
    let line = (by != By::WebSockets).then(|| Gate::open(line, seed.wrapping_add(1)));
    let doors = Doors {
        web: web.as_ref().map(Gate::address),
        line: line.as_ref().map(Gate::address),
    };
    let all_are_here = Arc::new(Barrier::new(MEMBERS));
    let members = (0..MEMBERS).map(|number| {
        let all_are_here = Arc::clone(&all_are_here);
        thread::spawn(move || {
            let mut member = Member::enter(doors, number);
            all_are_here.wait();
            member.talk(messages, MEMBERS as u64 * messages);
            member
        })
    });
    let members: Vec<_> = members.collect();
    let members = members.into_iter().map(|member| member.join());
    let members: Result<Vec<Member>, _> = members.collect();
    let members = members.unwrap_or_else(|_| panic!("a member was lied to, with seed {seed}"));
    for member in &members {
        assert_eq!(member.heard, members[0].heard, "one order for all");
        for author in 0..MEMBERS {
            let said = |of: &(usize, u64)| of.0 == author;
            let of_author = member.heard.iter().filter(|of| said(of)).map(|of| of.1);
            assert!(of_author.eq(0..messages), "all of {author}, once, in order");
        }
    }
    // Each hears more bytes than the gate passes on by one connection.
    for Member { resumed, .. } in &members {
        assert!(*resumed > 0, "the gate has cut, with seed {seed}");
    }
    let resumed: u64 = members.iter().map(|member| member.resumed).sum();
    let cuts: u64 = [&web, &line].into_iter().flatten().map(Gate::cuts).sum();
    println!("seed {seed}: {cuts} cuts, {resumed} sessions resumed");
}

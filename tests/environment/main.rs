//! The server in the surroundings that shells, service managers and containers make for it: what
//! standard error is, what variables hold, what sockets and signals come from outside.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod log;
mod passed_sockets;
mod service_manager;
mod socket_files;
mod statuses;
mod terminal;
mod variables;

use support::{Client, Process, Signal};

/// Two members who hear each other.
fn can_chat(address: &str) -> (Client, Client) {
    let mut alice = Client::join(address);
    let mut bob = Client::join(address);
    alice.say("do you hear me?");
    bob.expect(&format!("{}: do you hear me?", alice.name));
    (alice, bob)
}

/// SIGTERM is the orderly end.
fn ends_well(server: &mut Process) {
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

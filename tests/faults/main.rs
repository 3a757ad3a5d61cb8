//! Peers that misbehave, on real sockets, against the real server. Whatever they do, the others get
//! everything that is said, in one order, and the server's memory and descriptors stay bounded.

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod crowding;
mod end;
mod resets;
mod slow;

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod endless;
#[cfg(target_os = "linux")]
mod floods;
#[cfg(target_os = "linux")]
mod held_up;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod orphans;
#[cfg(target_os = "linux")]
mod strangers;

use crowd::Crowd;
use support::{Client, Server, eventually, is_message, loopchat, raise_limit};

/// Members who come all at once: none of them waits for the others' greetings.
fn all_join(address: &str, count: usize) -> Vec<Client> {
    let mut members: Vec<Client> = (0..count).map(|_| Client::connect(address)).collect();
    members.iter_mut().for_each(Client::read_greeting);
    members
}

//! What the system knows of the server.

use std::fs;
use std::time::{Duration, Instant};

use super::*;

fn status(server: &Server, field: &str) -> u64 {
    let status = server.proc("status");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|line| line.split_whitespace().next());
    value
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

/// The most memory the server has had resident so far, in KiB.
pub fn peak_memory(server: &Server) -> u64 {
    status(server, "VmHWM:")
}

/// How many descriptors it has open.
pub fn descriptors(server: &Server) -> usize {
    let path = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    fs::read_dir(path).expect("the server is there").count()
}

/// How long the answers to a well-behaved member take while something else goes on.
#[derive(Default)]
pub struct ResponseTimes(Vec<Duration>);

impl ResponseTimes {
    pub fn ask(&mut self, member: &mut Client) {
        let asked = Instant::now();
        member.sync();
        self.0.push(asked.elapsed());
    }

    /// Prints them; how fast this machine is now is nothing to fail for.
    pub fn print(mut self, during: &str) {
        self.0.sort_unstable();
        let [.., most] = self.0[..] else { return };
        let middle = self.0[self.0.len() / 2];
        println!(
            "{during}: answers took {middle:.1?} mostly, {most:.1?} at most, of {}",
            self.0.len()
        );
    }
}

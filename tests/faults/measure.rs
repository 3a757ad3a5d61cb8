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

/// How often it has gone to sleep so far, and the time on the processor it has used, in ticks of
/// mostly 10 ms: both stand still while it does nothing.
pub fn activity(server: &Server) -> (u64, u64) {
    let stat = server.proc("stat");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    // The name is field 2; `utime` and `stime` are 14 and 15.
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    (status(server, "voluntary_ctxt_switches:"), ticks)
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

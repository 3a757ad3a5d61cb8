//! What a process sleeps in, and for how long it would: looked at, instead of waiting that nothing
//! happens.

use std::fs;

use super::Process;

/// The system calls in which a thread may sleep for ever, by their numbers on this machine, each
/// with the argument that says until when, and its value without an end.
#[cfg(target_arch = "x86_64")]
const ENDLESS: &[(u64, usize, u64)] = &[
    (232, 3, INFINITE), // epoll_wait
    (281, 3, INFINITE), // epoll_pwait
    (202, 3, 0),        // futex, for a thread that waits for work
];
#[cfg(target_arch = "aarch64")]
const ENDLESS: &[(u64, usize, u64)] = &[(22, 3, INFINITE), (98, 3, 0)];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ENDLESS: &[(u64, usize, u64)] = &[];

/// A timeout of -1, as an `int`.
const INFINITE: u64 = u32::MAX as u64;

/// What a process does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asleep {
    /// A thread runs, or sleeps in something else than a poll.
    No,
    /// It polls for at most so many milliseconds; other threads wait for work.
    Until(u64),
    /// Nothing but an event ends its sleep.
    Endlessly,
}

/// The folders in `/proc` of a process's threads.
pub fn threads(process: &Process) -> Vec<String> {
    let folder = format!("/proc/{}/task", process.pid().as_raw_nonzero());
    let tasks = fs::read_dir(folder).expect("the process is there");
    let path = |task: std::io::Result<fs::DirEntry>| task.unwrap().path().display().to_string();
    tasks.map(path).collect()
}

/// Looks what a process does.
///
/// # Errors
///
/// Why it cannot be seen here.
pub fn look(process: &Process) -> Result<Asleep, String> {
    if ENDLESS.is_empty() {
        return Err("the numbers of this machine's system calls are not known".into());
    }
    let mut nearest = Asleep::Endlessly;
    for thread in threads(process) {
        let path = format!("{thread}/syscall");
        let call = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The number, six arguments and two registers; or "running".
        let mut fields = call.split_whitespace();
        let Some(number) = fields.next().and_then(|field| field.parse::<u64>().ok()) else {
            return Ok(Asleep::No);
        };
        let arguments: Vec<u64> = fields
            .map(|field| u64::from_str_radix(field.trim_start_matches("0x"), 16))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{path}: {call}: {error}"))?;
        let sleep = ENDLESS.iter().find(|(sleep, ..)| *sleep == number);
        let Some(&(_, place, endless)) = sleep else {
            return Ok(Asleep::No);
        };
        let width = if endless == INFINITE {
            INFINITE
        } else {
            u64::MAX
        };
        match arguments.get(place).map(|argument| argument & width) {
            Some(until) if until == endless => {}
            Some(ms) if endless == INFINITE => nearest = Asleep::Until(ms),
            _ => return Ok(Asleep::No),
        }
    }
    Ok(nearest)
}

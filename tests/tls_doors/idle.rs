//! What an idle member costs, of the server's own memory.

use crate::rig::Keys;

/// So many of them that the pages which the allocator takes at once do not count.
const MEMBERS: usize = 250;

/// The memory of a process that is its own, in bytes.
fn memory(process: i32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: usize = kib.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// 4 KB where nothing is checked; where debug assertions are, each descriptor has more to it.
#[test]
#[cfg(target_os = "linux")]
fn an_idle_member_takes_four_kilobytes() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let process = server.pid().as_raw_nonzero().get();
    let first: Vec<_> = (0..30).map(|_| keys.connect(address).greeted()).collect();
    let before = memory(process);
    let many: Vec<_> = (0..MEMBERS)
        .map(|_| keys.connect(address).greeted())
        .collect();
    let each = (memory(process) - before) / many.len();
    let most = if cfg!(debug_assertions) { 4300 } else { 4096 };
    assert!(each > 1000, "{each} bytes: the measure is none");
    assert!(each <= most, "{each} bytes");
    drop(first);
}

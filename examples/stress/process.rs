//! What a process has used, from /proc.

use std::time::Duration;

/// CPU time and memory of a process.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// CPU time of all its threads since it was started, in steps of commonly 10 ms.
    pub cpu: Duration,
    /// Bytes of memory that are resident.
    pub resident: u64,
}

/// Of another process, or of this one.
#[cfg(target_os = "linux")]
pub fn usage(pid: Option<i32>) -> Result<Usage, String> {
    use procfs::WithCurrentSystemInfo;
    use procfs::process::Process;

    let process = pid.map_or_else(Process::myself, Process::new);
    let stat = process
        .and_then(|process| process.stat())
        .map_err(|error| error.to_string())?;
    let ticks = (stat.utime + stat.stime) as f64;
    Ok(Usage {
        cpu: Duration::from_secs_f64(ticks / procfs::ticks_per_second() as f64),
        resident: stat.rss_bytes().get(),
    })
}

/// There is no /proc that tells.
#[cfg(not(target_os = "linux"))]
pub fn usage(_pid: Option<i32>) -> Result<Usage, String> {
    Err("it can be read on Linux only".to_owned())
}

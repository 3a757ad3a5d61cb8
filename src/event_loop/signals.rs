//! Signals as events of the loop.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::Interest;
use signal_hook::consts;
use signal_hook_mio::v1_0::Signals;

use super::{CallbackResult, CallbackSite, Context, Handle, PollHandle};

/// A signal's number, shown by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(i32);

/// The terminal's Ctrl-C.
pub const SIGINT: Signal = Signal(consts::SIGINT);
/// What `kill`, systemd and containers send to end a process.
pub const SIGTERM: Signal = Signal(consts::SIGTERM);
/// The terminal is gone.
pub const SIGHUP: Signal = Signal(consts::SIGHUP);

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl Signal {
    /// Whether this process was started so that it ignores the signal, as `nohup` does it with
    /// SIGHUP. To be asked before there is a callback for it. False where the system does not
    /// tell, which is everywhere but on Linux.
    #[must_use]
    pub fn is_ignored(self) -> bool {
        #[cfg(target_os = "linux")]
        {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            ignored.is_some_and(|mask| mask >> (self.0 - 1) & 1 == 1)
        }
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// From the next time on, the signal does what it does by default: it ends the process at
    /// once, whatever the loop is busy with.
    ///
    /// # Errors
    ///
    /// When the system refuses the handler.
    pub fn restore_default(self) -> io::Result<()> {
        let always = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_default(self.0, always).map(drop)
    }
}

impl<H: Handle> Context<H> {
    /// Calls back, in a poll phase, whenever one of the signals came (`process.on('SIGINT', ..)`).
    /// A signal that comes twice before the loop gets to it counts once. Does not hold the loop
    /// open, as in Node.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler, or has no descriptor left for the pipe behind it.
    #[track_caller]
    pub fn on_signal<R: CallbackResult>(
        &mut self,
        signals: &[Signal],
        mut callback: impl FnMut(&mut H::State, &mut Self, Signal) -> R + 'static,
    ) -> io::Result<PollHandle> {
        let site = CallbackSite::caller();
        let source = Signals::new(signals.iter().map(|signal| signal.0))?;
        let handle = self.poll(
            source,
            Interest::READABLE,
            move |state, cx, _handle, source, _ready| {
                for number in source.pending() {
                    site.check("a signal", callback(state, cx, Signal(number)));
                }
            },
        )?;
        self.set_poll_ref(handle, false);
        Ok(handle)
    }
}

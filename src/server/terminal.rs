//! What SIGHUP means: that the terminal is gone, or that certificates are to be read again.
//!
//! It is the same signal, and who has sent it is not told. But whom a terminal controls that is
//! closed, it does not control any more when the signal comes; who is asked to read something again
//! has the terminal that it had, or never had one. So the first is an end, the second is none:
//! under a service manager, in a container, with `nohup` or `setsid`.

use rustix::fs::{Mode, OFlags, open};

use crate::event_loop::SIGHUP;

/// What is to be done when SIGHUP comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HangUp {
    /// The process had a terminal when it began, and outlives it only if it is told to.
    Ends,
    /// It had none, or is to outlive it.
    Reads,
}

impl HangUp {
    /// What it is for this process; to be asked before anybody listens to the signal.
    pub(super) fn at_start() -> Self {
        // Whoever starts it with `nohup` wants it to outlive the terminal.
        match is_there() && !SIGHUP.is_ignored() {
            true => Self::Ends,
            false => Self::Reads,
        }
    }

    /// Whether a signal that has come says that the terminal is gone.
    pub(super) fn is_the_end(self) -> bool {
        self == Self::Ends && !is_there()
    }
}

/// Whether a terminal controls this process.
fn is_there() -> bool {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    open("/dev/tty", flags, Mode::empty()).is_ok()
}

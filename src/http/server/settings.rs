//! What a server allows.

use std::time::Duration;

use crate::http::message::{Head, Limits};

/// How much longer than it says a server keeps an idle connection, in milliseconds, so that a
/// client that trusts it does not lose a request. Node's.
const GRACE: u32 = 1000;

/// What a server allows; times of 0 are no limit. Those that the pipeline counts with are in
/// milliseconds, as loop time is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    pub(super) max_body: u64,
    pub(super) headers_timeout: u64,
    pub(super) request_timeout: u64,
    pub(super) keep_alive_timeout: u32,
    pub(super) checking_interval: Duration,
    pub(super) timeout: Duration,
    pub(super) max_requests_per_socket: u32,
    pub(super) should_upgrade: fn(&Head) -> bool,
    pub(super) allow_half_open: bool,
}

impl Default for Settings {
    /// Node's.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_body: u64::MAX,
            headers_timeout: 60_000,
            request_timeout: 300_000,
            keep_alive_timeout: 5000,
            checking_interval: Duration::from_secs(30),
            timeout: Duration::ZERO,
            max_requests_per_socket: 0,
            should_upgrade: |_| true,
            allow_half_open: false,
        }
    }
}

impl Settings {
    /// How long an answered connection may be silent, if there is a limit: a little longer than the
    /// client is told.
    pub(super) fn keep_alive(&self) -> Option<u32> {
        let ms = self.keep_alive_timeout;
        (ms > 0).then_some(ms.saturating_add(GRACE))
    }
}

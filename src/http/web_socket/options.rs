//! What WebSockets keep to.

use std::time::Duration;

/// What the WebSockets of an endpoint keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) max_message: usize,
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) max_after_close: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 1024 * 1024,
            ping_interval: Duration::ZERO,
            ping_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
            max_after_close: usize::MAX,
        }
    }
}

impl Options {
    /// The defaults: messages of up to 1 MiB, no pings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest message that is taken, in bytes; a larger one fails the connection with 1009.
    /// 1 MiB. A connection holds at most twice as much while a message comes in pieces.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Who was silent for so long is sent a ping; zero, the default, for never. It may be up to
    /// twice as long, since silence is looked for once in this time.
    #[must_use]
    pub fn ping_interval(mut self, silence: Duration) -> Self {
        self.ping_interval = silence;
        self
    }

    /// Who stays silent for so long after the ping is closed, with 1006. 10 s.
    #[must_use]
    pub fn ping_timeout(mut self, silence: Duration) -> Self {
        self.ping_timeout = silence;
        self
    }

    /// How long the connection may take to end, from our close frame, or the peer's; then it is cut
    /// off. 30 s.
    #[must_use]
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// Bytes that are still read and told behind our close frame, in wait for the peer's. Beyond
    /// them the peer has to wait until it is cut off. All of them, unless this says otherwise.
    #[must_use]
    pub fn max_after_close(mut self, bytes: usize) -> Self {
        self.max_after_close = bytes;
        self
    }
}

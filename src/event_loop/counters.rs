//! What a loop has done so far, as plain sums.

/// What a loop and its handles have done since the loop was made.
///
/// Always counted: an addition each, no look at the clock. Two copies that were taken at different
/// times tell what was done between them: [`since`](Self::since).
///
/// The first three are libuv's `uv_metrics_info` (`performance.nodeTiming.uvMetricsInfo` in Node:
/// `loopCount`, `events`). System calls are counted whether or not they succeed, `WouldBlock`
/// included; those that set something up or end it (registering, options, shutdown, close) are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Turns begun (`loopCount`).
    pub turns: u64,
    /// Calls of `epoll_wait`, or what the system has instead.
    pub polls: u64,
    /// Events that polling brought.
    pub events: u64,
    /// Callbacks of all phases: a handle that was served, a timer, an immediate, a close.
    pub callbacks: u64,
    /// Callbacks of the next-tick queue.
    pub ticks: u64,
    /// Calls of `accept`.
    pub accepts: u64,
    /// Calls of `read`.
    pub reads: u64,
    /// Calls of `write` and `writev`.
    pub writes: u64,
    /// Bytes that reads brought.
    pub bytes_read: u64,
    /// Bytes that writes took.
    pub bytes_written: u64,
    /// Connections established, accepted or made.
    pub connections_opened: u64,
    /// Connections closed that had been established.
    pub connections_closed: u64,
}

impl Counters {
    /// What was done after `earlier` was taken.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            turns: self.turns - earlier.turns,
            polls: self.polls - earlier.polls,
            events: self.events - earlier.events,
            callbacks: self.callbacks - earlier.callbacks,
            ticks: self.ticks - earlier.ticks,
            accepts: self.accepts - earlier.accepts,
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
            bytes_read: self.bytes_read - earlier.bytes_read,
            bytes_written: self.bytes_written - earlier.bytes_written,
            connections_opened: self.connections_opened - earlier.connections_opened,
            connections_closed: self.connections_closed - earlier.connections_closed,
        }
    }

    /// All system calls that are counted.
    #[must_use]
    pub fn system_calls(&self) -> u64 {
        self.polls + self.accepts + self.reads + self.writes
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections_opened - self.connections_closed
    }
}

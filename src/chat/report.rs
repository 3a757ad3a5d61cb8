//! What somebody may want to know that the chat does not: the chat asks, and the server answers.

use super::{DisconnectReason, Millis, Name, Peer};

/// What somebody wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How the event loop is doing; anybody may ask.
    Loop,
    /// The limits in force, the chat's own among them.
    Limits,
    /// The connections: what waits for each, and how each is.
    Connections,
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// What the loop has done.
    Loop(LoopReport),
    /// Each limit: what is limited, and to what.
    Limits(Vec<(&'static str, String)>),
    /// The connections.
    Connections(ConnectionsReport),
}

/// What the loop has done since it was asked last, or since it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopReport {
    /// How long that is, in nanoseconds.
    pub nanos: u64,
    /// Whether it is since its start.
    pub is_first: bool,
    /// Turns.
    pub turns: u64,
    /// Callbacks of all phases.
    pub callbacks: u64,
    /// Callbacks of the next-tick queue.
    pub ticks: u64,
    /// Connections that are open now.
    pub connections: u64,
    /// Messages said in rooms.
    pub messages: u64,
    /// Those times the members each was for.
    pub deliveries: u64,
    /// Calls of `epoll_wait` or the like.
    pub polls: u64,
    /// Calls of `accept`.
    pub accepts: u64,
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
    /// Bytes written to connections.
    pub bytes_written: u64,
    /// How late the loop was, in nanoseconds: in half of the cases, in 99 of 100, at most. `None`
    /// unless it was measured.
    pub delay: Option<[u64; 3]>,
}

/// The connections, and whom the server has disconnected of late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionsReport {
    /// How many members are connected.
    pub count: usize,
    /// Those for whom most waits, as many as are listed.
    pub listed: Vec<ConnectionListed>,
    /// Who was disconnected, the latest first.
    pub gone: Vec<Gone>,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionListed {
    /// Who it is.
    pub nickname: Name,
    /// From where.
    pub peer: Peer,
    /// Bytes that wait for it.
    pub waiting: usize,
    /// How old it is, in seconds.
    pub seconds: u64,
    /// If it reads too slowly, how many messages were left out.
    pub skipped: Option<u32>,
    /// Its lines wait.
    pub is_held_back: bool,
}

/// Somebody whom the server has disconnected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Who it was.
    pub nickname: Name,
    /// From where.
    pub peer: Peer,
    /// Why.
    pub reason: DisconnectReason,
    /// How long ago, in milliseconds.
    pub ago: Millis,
}

//! Who may connect, and what is kept of all connections for that: how many there are, and what each
//! address has, has done of late, and has asked for (`addresses.rs`).
//!
//! Both doors ask here, and none of it needs a socket. Node has only the first of these limits
//! (`server.maxConnections`), and closes without a word; here a door is told why, and tells the
//! peer.

use crate::chat::{DisconnectReason, Millis, Peer};
use crate::server::Config;
use crate::server::core::addresses::Addresses;
use crate::server::core::cost::Cost;
use crate::server::core::line_input::LineInput;
use crate::server::core::queues::QueueId;
use crate::server::core::strangers;

/// The connections that there are, as counts. Which they are is the door's to know: it keeps the
/// [`LineInput`] that each [enters](Self::enter) with, and gives it back when it is closed.
///
/// ```
/// use loopchat::chat::{DisconnectReason, Peer};
/// use loopchat::server::Config;
/// use loopchat::server::core::admission::Admission;
///
/// let config = Config { max_connections: 1, ..Config::default() };
/// let peer = Peer::Tcp([192, 0, 2, 7].into());
/// let mut admission = Admission::default();
///
/// admission.admits(peer, &config, 0).expect("there is nobody yet");
/// let first = admission.enter(peer, &config, 0);
/// let full = DisconnectReason::ServerFull { limit: 1 };
/// assert_eq!(admission.admits(peer, &config, 5), Err(full));
///
/// admission.leave(&first, 10);
/// assert!(admission.admits(peer, &config, 10).is_ok());
/// ```
#[derive(Debug, Default)]
pub struct Admission {
    count: usize,
    addresses: Addresses,
}

impl Admission {
    /// Whether one more connection of a peer may come at `now`, in milliseconds. Operators come in
    /// even where `--max-connections` are there, and a trusted proxy's own connections are those
    /// of many: of the limits, only that one is for them.
    ///
    /// Asking changes nothing: who is admitted and then not [entered](Self::enter), since the chat
    /// has banned it, has not connected.
    ///
    /// # Errors
    ///
    /// Why not: [`ServerFull`](DisconnectReason::ServerFull),
    /// [`AddressFull`](DisconnectReason::AddressFull) or
    /// [`AddressPace`](DisconnectReason::AddressPace), the first of them that holds.
    pub fn admits(&self, peer: Peer, config: &Config, now: Millis) -> Result<(), DisconnectReason> {
        let limit = config.max_connections;
        if self.count >= limit as usize && !peer.is_operator() {
            return Err(DisconnectReason::ServerFull { limit });
        }
        let Some(source) = strangers::source(peer, config) else {
            return Ok(());
        };
        let limit = config.max_per_address;
        if strangers::is_counted(peer, config) && self.addresses.connections(source) >= limit {
            return Err(DisconnectReason::AddressFull { limit });
        }
        let pace = strangers::connect_limit(peer, config);
        let wait = pace.map(|pace| self.addresses.connect_wait(source, pace, now));
        match (pace, wait) {
            (Some(pace), Some(1..)) => {
                let per_second = pace.rate;
                Err(DisconnectReason::AddressPace { per_second })
            }
            _ => Ok(()),
        }
    }

    /// A peer that [was admitted](Self::admits) has connected at `now`, in milliseconds, and counts
    /// from here on. Returns what hears it: it starts with what a connection of its address that is
    /// gone had still to make up for.
    pub fn enter(&mut self, peer: Peer, config: &Config, now: Millis) -> LineInput {
        let source = strangers::source(peer, config);
        if let (Some(source), Some(pace)) = (source, strangers::connect_limit(peer, config)) {
            self.addresses.connects(source, pace, now);
        }
        let mut input = LineInput::new(peer, config, now);
        self.place(&mut input, now);
        input
    }

    /// A connection that [has entered](Self::enter) is closed. What it had still to make up for is
    /// left to the next from its address.
    pub fn leave(&mut self, input: &LineInput, now: Millis) {
        self.count -= 1;
        if let Some((source, bucket)) = input.account() {
            self.addresses.leave(source, bucket, now);
        }
    }

    /// Now it is known who is behind a connection that has entered as `before`: from here on it
    /// counts as one of `peer`'s, and is heard by a new `input`. If it was theirs before, nothing
    /// changes, and it has connected only once. Returns whether something has changed.
    ///
    /// # Errors
    ///
    /// Why it is turned away, as [`admits`](Self::admits) says; it stays what it was, and counts
    /// until it is closed.
    pub fn readmit(
        &mut self,
        input: &mut LineInput,
        (before, peer): (Peer, Peer),
        config: &Config,
        now: Millis,
    ) -> Result<bool, DisconnectReason> {
        if before == peer {
            return Ok(false);
        }
        // Its own place is no reason against it.
        self.leave(input, now);
        match self.admits(peer, config, now) {
            Ok(()) => {
                *input = self.enter(peer, config, now);
                Ok(true)
            }
            Err(reason) => {
                self.place(input, now);
                Err(reason)
            }
        }
    }

    fn place(&mut self, input: &mut LineInput, now: Millis) {
        self.count += 1;
        if let Some((source, _)) = input.account() {
            let left_behind = self.addresses.enter(source, now);
            input.inherit(left_behind);
        }
    }

    /// What a connection has asked for counts for its address, too.
    pub fn ask(&mut self, input: &LineInput, cost: Cost, now: Millis) {
        if let Some((source, limit)) = input.limit() {
            self.addresses.ask(source, limit, cost, now);
        }
    }

    /// How long a connection has to wait for others of its address, in milliseconds: all of them
    /// together may ask for ten times what one may. 0 if it need not, or has no limit.
    #[must_use]
    pub fn ask_wait(&self, input: &LineInput, now: Millis) -> Millis {
        input.limit().map_or(0, |(source, limit)| {
            self.addresses.ask_wait(source, limit, now)
        })
    }

    /// The same for whoever is next in a queue.
    #[must_use]
    pub fn wait_of(&self, queue: QueueId, now: Millis) -> Millis {
        self.addresses.ask_wait(queue.source, queue.limit, now)
    }

    /// How many connections there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests;

//! One connection as the server's system and the network have it.
//!
//! ```text
//! member ──typed──> network ──arrived──> server
//! member <──kernel, bounded── outbox <── server
//! ```
//!
//! Writing and draining are those of `net`: a write goes to the kernel first if nothing waits, the
//! rest to the outbox; from the high-water mark on, a drain is due when the outbox is empty.

use std::collections::VecDeque;

use super::{Checked, violated};

/// A time in which a member did not keep up, by the bytes that were written to it before something
/// happened.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    /// More than the soft limit waited.
    behind: u64,
    /// More than the hard limit did.
    full: Option<u64>,
    /// Everything had been sent, and then something was written again: that tells what was left
    /// out.
    ended: Option<u64>,
    /// Everything has been sent.
    is_over: bool,
}

impl Lag {
    /// Whether a line may be left out before the byte at this place.
    pub fn spares(&self, is_message: bool, at: u64) -> bool {
        let since = match is_message {
            true => Some(self.behind),
            false => self.full,
        };
        since.is_some_and(|since| since <= at) && self.ended.is_none_or(|ended| at < ended)
    }
}

#[derive(Debug, Default)]
pub struct Wire {
    /// On its way to the server.
    typed: VecDeque<u8>,
    /// The member will send no more.
    half_closed: bool,
    /// With the server's system, or given back by the door.
    pub arrived: Vec<u8>,
    /// What the system did not take yet.
    outbox: VecDeque<u8>,
    /// What it took and the member has not read.
    kernel: VecDeque<u8>,
    capacity: usize,
    high_water_mark: usize,
    soft: usize,
    pub sent: u64,
    pub need_drain: bool,
    /// The server has ended its side.
    ended: bool,
    /// The server has closed before everything was sent.
    pub cut: bool,
    hard: usize,
    /// What the server ever wrote.
    written: u64,
    /// When the member did not keep up, in the order of time.
    pub lags: Vec<Lag>,
    /// Writes of which the system took only a part.
    pub short_writes: u64,
}

impl Wire {
    /// `limits` are the soft and the hard one.
    pub fn new(capacity: usize, high_water_mark: u32, limits: (u32, u32)) -> Self {
        Self {
            capacity,
            high_water_mark: high_water_mark as usize,
            soft: limits.0 as usize,
            hard: limits.1 as usize,
            ..Self::default()
        }
    }

    /// The member sends. What comes after its end, or after the server's, nobody hears.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.typed.extend(bytes);
    }

    pub fn half_close(&mut self) {
        self.half_closed = true;
    }

    pub fn is_half_closed(&self) -> bool {
        self.half_closed
    }

    /// So many bytes reach the server.
    pub fn arrive(&mut self, count: usize) {
        let count = count.min(self.typed.len());
        self.arrived.extend(self.typed.drain(..count));
    }

    /// The server has read everything, and there will be no more.
    pub fn is_at_end(&self) -> bool {
        self.half_closed && self.typed.is_empty() && self.arrived.is_empty()
    }

    /// The server writes.
    pub fn write(&mut self, bytes: &[u8]) -> Checked {
        if self.ended {
            return violated("nothing is sent after the end", format!("{bytes:?}"));
        }
        self.outbox.extend(bytes);
        if self.outbox.len() == bytes.len() {
            self.send();
        }
        self.short_writes += u64::from(!self.outbox.is_empty());
        self.need_drain |= self.outbox.len() >= self.high_water_mark;
        self.written += bytes.len() as u64;
        self.note_lag();
        Ok(())
    }

    fn note_lag(&mut self) {
        let Self {
            written,
            ref outbox,
            ..
        } = *self;
        let waiting = outbox.len();
        if let Some(lag) = self.lags.last_mut()
            && lag.is_over
        {
            lag.ended.get_or_insert(written);
        }
        if waiting > self.soft && self.lags.last().is_none_or(|lag| lag.is_over) {
            self.lags.push(Lag {
                behind: written,
                full: None,
                ended: None,
                is_over: false,
            });
        }
        if waiting > self.hard
            && let Some(lag) = self.lags.last_mut()
        {
            lag.full.get_or_insert(written);
        }
    }

    /// Bytes of the server's that wait.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// The system takes what it has room for. Whether that ends a wait for it.
    pub fn drain(&mut self) -> bool {
        self.send();
        self.outbox.is_empty() && std::mem::take(&mut self.need_drain)
    }

    fn send(&mut self) {
        let room = self.capacity.saturating_sub(self.kernel.len());
        let count = room.min(self.outbox.len());
        self.kernel.extend(self.outbox.drain(..count));
        self.sent += count as u64;
        if self.outbox.is_empty()
            && let Some(lag) = self.lags.last_mut()
        {
            lag.is_over = true;
        }
    }

    /// The member reads.
    pub fn read(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.kernel.len());
        self.kernel.drain(..count).collect()
    }

    /// The server ends its side, after what waits.
    pub fn end(&mut self) {
        self.ended = true;
        self.arrived.clear();
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The server closes: what waits is lost.
    pub fn destroy(&mut self) {
        self.cut |= !self.outbox.is_empty();
        self.outbox.clear();
    }

    /// The member has read all there is, for now.
    pub fn is_all_read(&self) -> bool {
        self.outbox.is_empty() && self.kernel.is_empty()
    }
}

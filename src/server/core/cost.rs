//! What everything costs that a connection can ask for: one currency for all of it, so that no
//! kind of request is a way around the limits on another.
//!
//! The prices say about how long each keeps the loop busy, next to one short line. Deliveries have
//! one, too, which nobody pays alone: it counts for the [turn](crate::server::core::turns) that they
//! are made in.

use std::ops::{Add, AddAssign};

/// A price, in sixteenths of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(pub(in crate::server) u32);

/// Bytes of a line that count as one, unless `--flood` says otherwise.
pub(in crate::server) const LINE_BYTES: u32 = 512;

/// Characters that a line has looked up for nothing, beside one for each of its bytes: those of an
/// ordinary name.
const FREE_LOOKS: u64 = 256;

/// Looks that take about as long as a sixteenth of a short line.
const LOOKS_IN_ONE: u64 = 8;

/// Bytes of JSON that take about as long as a sixteenth of a short line.
const PARSED_IN_ONE: usize = 64;

/// Bytes of an answer that a line has for nothing.
const FREE_ANSWER: u64 = 1024;

/// Bytes of an answer that take about as long to put together, and to send, as a sixteenth of a
/// short line.
const ANSWERED_IN_ONE: u64 = 64;

/// A write, in sixteenths of a line.
const WRITE: u64 = 8;

/// Parts of messages that take about as long as a sixteenth of a short line.
const PARTS_IN_ONE: u32 = 2;

impl Cost {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A short line, an empty one, a request, a message of somebody who watches the loop.
    pub const LINE: Self = Self(16);
    /// A ping, a pong: what WebSockets say to each other besides messages.
    pub const CONTROL_FRAME: Self = Self(4);
    /// A telnet command.
    pub const TELNET: Self = Self(1);
    /// `/metrics` is put together anew for each.
    pub const METRICS: Self = Self(64);

    /// The price, in sixteenths of a line.
    #[must_use]
    pub fn sixteenths(self) -> u32 {
        self.0
    }

    /// A line of so many bytes: it counts once for every `line_bytes` begun.
    #[must_use]
    pub fn line(bytes: usize, line_bytes: u32) -> Self {
        let counted = bytes.div_ceil(line_bytes.max(1) as usize).max(1);
        Self(Self::LINE.0.saturating_mul(counted as u32))
    }

    /// What was looked up in Unicode's tables for a line of so many bytes, beyond what an ordinary
    /// one needs.
    #[must_use]
    pub fn looks(count: u64, bytes: usize) -> Self {
        let ordinary = FREE_LOOKS.saturating_add(bytes as u64);
        let beyond = count.saturating_sub(ordinary) / LOOKS_IN_ONE;
        Self(u32::try_from(beyond).unwrap_or(u32::MAX))
    }

    /// So many parts of HTTP messages that were taken apart, beside the requests.
    #[must_use]
    pub fn parts(count: u32) -> Self {
        Self(count / PARTS_IN_ONE)
    }

    /// A message of so many bytes that is taken apart, whatever turns out to be in it.
    #[must_use]
    pub fn parsed(bytes: usize) -> Self {
        Self((bytes / PARSED_IN_ONE) as u32)
    }

    /// An answer of so many bytes, beyond what an ordinary one needs.
    #[must_use]
    pub fn answer(bytes: u64) -> Self {
        let beyond = bytes.saturating_sub(FREE_ANSWER) / ANSWERED_IN_ONE;
        Self(u32::try_from(beyond).unwrap_or(u32::MAX))
    }

    /// What was said is written to so many readers, so many bytes in all.
    #[must_use]
    pub fn delivery(readers: u64, bytes: u64) -> Self {
        let cost = readers.saturating_mul(WRITE).saturating_add(bytes / 1024);
        Self(u32::try_from(cost).unwrap_or(u32::MAX))
    }

    /// Bytes that are only passed on: read and thrown away, or sent as they are.
    #[must_use]
    pub fn bytes(count: usize) -> Self {
        Self((count / 1024) as u32)
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_count_beyond_those_of_an_ordinary_line() {
        for (looks, bytes, sixteenths) in [
            (0, 5, 0),
            (256 + 20, 20, 0),
            (256 + 20 + 7, 20, 0),
            (256 + 20 + 8, 20, 1),
            (4096, 4096, 0),
            (1400, 54, 136),
        ] {
            let cost = Cost::looks(looks, bytes);
            assert_eq!(cost, Cost(sixteenths), "{looks} for {bytes} bytes");
        }
        assert_eq!(Cost::looks(u64::MAX, 0).0, u32::MAX);
    }

    #[test]
    fn answers_count_beyond_ordinary_ones() {
        for (bytes, sixteenths) in [
            (0, 0),
            (1024, 0),
            (1024 + 63, 0),
            (1024 + 64, 1),
            (65_536, 1008),
        ] {
            assert_eq!(Cost::answer(bytes), Cost(sixteenths), "{bytes}");
        }
        assert_eq!(Cost::answer(u64::MAX).0, u32::MAX);
    }

    #[test]
    fn what_is_parsed_and_what_is_delivered_counts_by_its_size() {
        for (bytes, sixteenths) in [(0, 0), (63, 0), (64, 1), (129, 2), (65_536, 1024)] {
            assert_eq!(Cost::parsed(bytes).sixteenths(), sixteenths, "{bytes}");
        }
        for (readers, bytes, sixteenths) in [(0, 0, 0), (1, 1023, 8), (2, 2048, 18)] {
            let cost = Cost::delivery(readers, bytes);
            assert_eq!(cost.sixteenths(), sixteenths, "{readers}, {bytes}");
        }
        assert_eq!(Cost::delivery(u64::MAX, 0).0, u32::MAX);
    }

    #[test]
    fn a_line_counts_once_for_every_so_many_bytes_begun() {
        for (bytes, lines) in [(0, 1), (1, 1), (512, 1), (513, 2), (4096, 8), (65_536, 128)] {
            assert_eq!(Cost::line(bytes, LINE_BYTES), Cost(16 * lines), "{bytes}");
        }
        assert_eq!(Cost::line(4096, 4096), Cost::LINE);
        assert_eq!(Cost::line(usize::MAX, 0).0, u32::MAX);
    }
}

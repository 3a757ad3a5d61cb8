//! Names of what was said, for ever.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::ParseIntError;
use std::str::FromStr;

use super::Millis;

/// The name of something that was said, set or taken back, for ever and everywhere: 32 hexadecimal
/// digits, which mean nothing.
///
/// It is kept as its digits are read, first ones first: a number of 128 bits would have each thing
/// that bears one begin at every sixteenth byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

impl EventId {
    pub(super) fn new(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl EventId {
    /// What it is made of.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// When it was made, in milliseconds since 1970, UTC, by the clock of the machine that did.
    #[must_use]
    pub fn made_at(self) -> Millis {
        (u128::from_be_bytes(self.0) >> 84) as Millis
    }

    /// The one that is made of [these](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for EventId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The standard library takes a plus, and any number of leading zeros.
        let is_longer = text.len() > 32 || text.starts_with('+');
        let digits = if is_longer { "no digits" } else { text };
        u128::from_str_radix(digits, 16).map(Self::new)
    }
}

/// Makes ids that no other process makes, nor this one again: from the time, from what is random
/// for each process, and from a count.
#[derive(Debug)]
pub(super) struct EventIds {
    process: u64,
    count: u32,
}

impl Default for EventIds {
    fn default() -> Self {
        Self {
            process: RandomState::new().hash_one("the process"),
            count: 0,
        }
    }
}

impl EventIds {
    /// How many there were so far.
    pub(super) fn made(&self) -> u32 {
        self.count
    }

    pub(super) fn next(&mut self, utc: Millis) -> EventId {
        self.count = self.count.wrapping_add(1);
        // 44 bits of milliseconds last for five hundred years; 52 tell processes apart that say
        // something within the same one.
        let (time, process) = (utc & ((1 << 44) - 1), self.process >> 12);
        EventId::new(u128::from(time) << 84 | u128::from(process) << 32 | u128::from(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for id in [0, 1, 0xFEDC_BA98, u128::MAX].map(EventId::new) {
            let written = id.to_string();
            assert_eq!(written.len(), 32);
            assert_eq!(written.parse(), Ok(id));
        }
        assert!("1".repeat(33).parse::<EventId>().is_err());
        assert_eq!("FEDCBA98".parse(), Ok(EventId::new(0xFEDC_BA98)));
        for text in ["", "+1", "-1", "0x1", " 1"] {
            assert!(text.parse::<EventId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_two_are_the_same() {
        let mut makers = [EventIds::default(), EventIds::default()];
        let mut made = std::collections::HashSet::new();
        for utc in [0, 1, 1_700_000_000_000, 1 << 50] {
            for maker in &mut makers {
                assert!((0..100).all(|_| made.insert(maker.next(utc))));
            }
        }
    }
}

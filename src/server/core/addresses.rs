//! What is kept of an address, whichever of its connections comes and goes: how many there are,
//! how often it connects, what it has asked for. So a reconnect gives nobody a new burst.
//!
//! An entry goes when its address has no connection and nothing to make up for, which takes
//! seconds; and there is a bound on how many there are, so that a flood from many addresses costs
//! no memory.

use std::collections::HashMap;

use crate::chat::Millis;
use crate::server::core::cost::Cost;
use crate::server::core::flood::{Bucket, FloodLimit, Pace};
use crate::server::core::strangers::Source;

/// Addresses without a connection that something is kept of, at most. Beyond, they are all
/// forgiven.
const REMEMBERED: usize = 20_000;

/// From so many entries on, those that are over are looked for when one is added.
const FIRST_SWEEP: usize = 64;

/// All addresses that something is kept of.
#[derive(Debug)]
pub(in crate::server) struct Addresses {
    entries: HashMap<Source, Entry>,
    /// How many entries there have to be before those that are over are looked for again.
    sweep_at: usize,
}

/// What is kept of one.
#[derive(Debug, Default)]
struct Entry {
    connections: u32,
    connects: Bucket,
    /// What all its connections have asked for together.
    asked: Bucket,
    /// Of connections that are closed: what they had still to make up for. The next ones start
    /// with that.
    left_behind: Vec<Bucket>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            sweep_at: FIRST_SWEEP,
        }
    }
}

impl Addresses {
    /// How many connections an address has.
    pub(in crate::server) fn connections(&self, source: Source) -> u32 {
        self.entries.get(&source).map_or(0, |own| own.connections)
    }

    /// How long an address has to wait, in milliseconds, until it may connect again; 0 if it may
    /// now.
    pub(in crate::server) fn connect_wait(
        &self,
        source: Source,
        pace: Pace,
        now: Millis,
    ) -> Millis {
        let found = self.entries.get(&source);
        found.map_or(0, |own| own.connects.wait(pace, now))
    }

    /// An address has connected, as it may.
    pub(in crate::server) fn connects(&mut self, source: Source, pace: Pace, now: Millis) {
        self.entry(source, now).connects.take(pace, Cost::LINE, now);
    }

    /// A connection is kept. Returns what it starts with: it takes over what one that is gone had
    /// to make up for.
    pub(in crate::server) fn enter(&mut self, source: Source, now: Millis) -> Bucket {
        let entry = self.entry(source, now);
        entry.connections += 1;
        entry.left_behind.retain(|bucket| !bucket.is_full(now));
        let worst = (0..entry.left_behind.len()).max_by_key(|&at| entry.left_behind[at]);
        worst.map_or_else(Bucket::default, |at| entry.left_behind.swap_remove(at))
    }

    /// A connection is gone, and this is what it had still to make up for.
    pub(in crate::server) fn leave(&mut self, source: Source, bucket: Bucket, now: Millis) {
        let Some(entry) = self.entries.get_mut(&source) else {
            return;
        };
        entry.connections = entry.connections.saturating_sub(1);
        if !bucket.is_full(now) {
            entry.left_behind.push(bucket);
        }
        if entry.is_over(now) {
            self.entries.remove(&source);
        }
    }

    /// A connection has asked for something.
    pub(in crate::server) fn ask(
        &mut self,
        source: Source,
        limit: FloodLimit,
        cost: Cost,
        now: Millis,
    ) {
        if let Some(entry) = self.entries.get_mut(&source) {
            entry.asked.take(limit.of_address(), cost, now);
        }
    }

    /// How long the connections of an address have to wait, in milliseconds, until one of them may
    /// ask for more.
    pub(in crate::server) fn ask_wait(
        &self,
        source: Source,
        limit: FloodLimit,
        now: Millis,
    ) -> Millis {
        let found = self.entries.get(&source);
        found.map_or(0, |own| own.asked.wait(limit.of_address(), now))
    }

    fn entry(&mut self, source: Source, now: Millis) -> &mut Entry {
        if self.entries.len() >= self.sweep_at && !self.entries.contains_key(&source) {
            self.sweep(now);
        }
        self.entries.entry(source).or_default()
    }

    /// Each sweep looks at no more than twice what was added since the one before.
    fn sweep(&mut self, now: Millis) {
        self.entries.retain(|_, entry| !entry.is_over(now));
        let absent = self.entries.values().filter(|own| own.connections == 0);
        if absent.count() >= REMEMBERED {
            self.entries.retain(|_, entry| entry.connections > 0);
        }
        self.sweep_at = (self.entries.len() * 2).max(FIRST_SWEEP);
    }

    /// How many addresses something is kept of.
    #[cfg(test)]
    pub(in crate::server) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    /// Whether there is nothing left to keep.
    fn is_over(&self, now: Millis) -> bool {
        self.connections == 0
            && self.connects.is_full(now)
            && self.asked.is_full(now)
            && self.left_behind.iter().all(|bucket| bucket.is_full(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::core::flood::DEFAULT;

    const PACE: Pace = Pace {
        rate: 10,
        burst: 100,
    };

    fn address(number: u32) -> Source {
        Source::Address(std::net::Ipv4Addr::from_bits(number).into())
    }

    /// Says what it may, reconnects, and so on.
    #[test]
    fn a_reconnect_gives_no_new_burst() {
        let mut addresses = Addresses::default();
        let (source, mut said) = (address(7), 0);
        for now in 0..10_000 {
            let mut bucket = addresses.enter(source, now);
            while bucket.wait(DEFAULT.pace(), now) == 0 {
                bucket.take(DEFAULT.pace(), Cost::LINE, now);
                said += 1;
            }
            addresses.leave(source, bucket, now);
        }
        assert!((130..=141).contains(&said), "{said}");
        assert_eq!(addresses.len(), 1);
        assert!(addresses.entries[&source].left_behind.len() <= 1);
    }

    /// As many as it may have at once, all of them reconnecting as often as they like.
    #[test]
    fn an_address_as_a_whole_may_ask_for_ten_times_as_much() {
        let mut addresses = Addresses::default();
        let (source, mut said) = (address(7), 0_u64);
        for now in 0..10_000 {
            let mut buckets: Vec<Bucket> = (0..50).map(|_| addresses.enter(source, now)).collect();
            for bucket in &mut buckets {
                while bucket.wait(DEFAULT.pace(), now) == 0
                    && addresses.ask_wait(source, DEFAULT, now) == 0
                {
                    bucket.take(DEFAULT.pace(), Cost::LINE, now);
                    addresses.ask(source, DEFAULT, Cost::LINE, now);
                    said += 1;
                }
            }
            for bucket in buckets {
                addresses.leave(source, bucket, now);
            }
            assert!(addresses.entries[&source].left_behind.len() <= 50);
        }
        assert!((1390..=1401).contains(&said), "{said}");
    }

    #[test]
    fn connecting_has_a_burst_and_a_rate() {
        let mut addresses = Addresses::default();
        let (source, mut connected) = (address(7), 0);
        for now in 0..10_000 {
            while addresses.connect_wait(source, PACE, now) == 0 {
                addresses.connects(source, PACE, now);
                connected += 1;
            }
        }
        assert!((199..=200).contains(&connected), "{connected}");
        assert_eq!(addresses.connect_wait(address(8), PACE, 0), 0);
    }

    #[test]
    fn nothing_is_kept_of_who_has_nothing_to_make_up_for() {
        let mut addresses = Addresses::default();
        let bucket = addresses.enter(address(7), 5);
        assert_eq!(addresses.connections(address(7)), 1);
        addresses.leave(address(7), bucket, 5);
        assert_eq!(addresses.len(), 0);
    }

    /// A flood from as many addresses as there are, of connects and of lines.
    #[test]
    fn what_is_kept_is_bounded_whoever_comes() {
        let mut addresses = Addresses::default();
        let mut most = 0;
        for number in 0..300_000 {
            let now = u64::from(number) / 50; // 50,000 a second
            let source = address(number);
            addresses.connects(source, PACE, now);
            let mut bucket = addresses.enter(source, now);
            bucket.take(DEFAULT.pace(), Cost(16 * 400), now);
            addresses.leave(source, bucket, now);
            most = most.max(addresses.len());
        }
        assert!(most <= 2 * REMEMBERED + FIRST_SWEEP, "{most}");
        // A minute later the next to come finds the place swept.
        for number in 0..=most as u32 {
            addresses.connects(address(number), PACE, 66_000);
        }
        assert!(addresses.len() <= most + 1);
    }
}

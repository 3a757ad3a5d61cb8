//! The check: of each sender, every receiver gets each message once and in order.

use std::collections::BTreeMap;

/// What a receiver that has just come back expects: anything, then what follows that.
const ANY: u32 = u32::MAX;

/// What has come, for every pair of a receiver and a sender in its room.
pub struct Check {
    senders_per_room: usize,
    /// The sequence number that has to come next.
    next: Vec<u32>,
    /// What was skipped: a pair and the first number of a gap, to the end of the gap. Empty unless
    /// the server is at fault.
    gaps: BTreeMap<(usize, u32), u32>,
    /// How many messages all gaps are.
    pub missing: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
}

/// What a message tells.
pub struct Seen {
    /// It has not come before.
    pub first: bool,
    /// Of so many messages it is known now that they have come, or that they were skipped.
    pub settled: u64,
}

impl Check {
    pub fn new(receivers: usize, senders_per_room: usize) -> Self {
        Self {
            senders_per_room,
            next: vec![0; receivers * senders_per_room],
            gaps: BTreeMap::new(),
            missing: 0,
            duplicated: 0,
            out_of_order: 0,
        }
    }

    /// A message has come; `sender` counts within the room.
    pub fn seen(&mut self, receiver: usize, sender: usize, sequence: u32) -> Seen {
        let pair = receiver * self.senders_per_room + sender;
        let next = &mut self.next[pair];
        if *next == sequence {
            *next += 1;
            return Seen {
                first: true,
                settled: 1,
            };
        }
        self.unexpected(pair, sequence)
    }

    #[cold]
    fn unexpected(&mut self, pair: usize, sequence: u32) -> Seen {
        let next = self.next[pair];
        if next == ANY || next < sequence {
            self.next[pair] = sequence + 1;
            let skipped = if next == ANY { 0 } else { sequence - next };
            if skipped > 0 {
                self.gaps.insert((pair, next), sequence);
                self.missing += u64::from(skipped);
            }
            return Seen {
                first: true,
                settled: u64::from(skipped) + 1,
            };
        }
        let first = self.fill_gap(pair, sequence);
        if first {
            // It was not lost after all: it was overtaken.
            self.missing -= 1;
            self.out_of_order += 1;
        } else {
            self.duplicated += 1;
        }
        Seen { first, settled: 0 }
    }

    /// Takes a number out of the gap that it is in; false if it is in none.
    fn fill_gap(&mut self, pair: usize, sequence: u32) -> bool {
        let before = self.gaps.range((pair, 0)..=(pair, sequence)).next_back();
        let Some((start, end)) = before.map(|(&(_, start), &end)| (start, end)) else {
            return false;
        };
        if sequence >= end {
            return false;
        }
        self.gaps.remove(&(pair, start));
        if start < sequence {
            self.gaps.insert((pair, start), sequence);
        }
        if sequence + 1 < end {
            self.gaps.insert((pair, sequence + 1), end);
        }
        true
    }

    /// How many of these messages a receiver has neither got nor skipped; `sent` is the number
    /// sent by each sender of its room but itself.
    pub fn outstanding(&self, receiver: usize, sent: impl Iterator<Item = (usize, u32)>) -> u64 {
        let start = receiver * self.senders_per_room;
        sent.map(|(sender, sent)| u64::from(sent.saturating_sub(self.next[start + sender])))
            .sum()
    }

    /// A receiver was away: whatever it hears next of a sender is where it goes on.
    pub fn came_back(&mut self, receiver: usize) {
        let start = receiver * self.senders_per_room;
        self.next[start..start + self.senders_per_room].fill(ANY);
    }
}

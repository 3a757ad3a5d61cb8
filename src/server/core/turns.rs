//! What one turn of the loop does for all connections together: whoever asks for much waits when a
//! turn has had enough, so that nobody else waits for it. This holds for everyone, wherever it
//! comes from.
//!
//! A turn may cost so much before those wait who have asked for much of late; the more it has
//! cost, the less is much. Whoever waits is not read. In the check phase some of those who wait
//! are read on, in the order in which they came to wait, for a share of what a turn may cost. Its
//! length is therefore bounded by what all those cost together who ask for little, and by that:
//! how many the others are does not matter.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

use crate::chat::Millis;
use crate::server::core::cost::Cost;

/// What a turn may cost before anybody waits, and what it may cost again for those who have
/// waited: 256 short lines or requests, one or two milliseconds.
const TURN: u32 = 256 * 16;

/// What a connection may have asked for in a [window](WINDOW_BITS) so that it waits for nobody,
/// until a turn has cost twice what it may; then it is a quarter, and so on, down to a line.
const MUCH: u32 = 64 * 16;

/// Two to the power of this is the length of a window, in milliseconds.
const WINDOW_BITS: u32 = 7;

/// Connections that are read on in one check phase.
const READ_ON: usize = 8;

/// Bytes that are read of a connection for each sixteenth of a line that it may cost, when a turn
/// has had enough: as long as a short line of ordinary length.
const BYTES: usize = 8;

/// Bytes that are read of it at least: an ordinary line or request comes in one piece.
const LEAST_READ: usize = 512;

/// When so much was said in one room that it is delivered before the turn's end, the turn has cost
/// this much: everyone there is written to.
const LARGE_DELIVERY: u32 = TURN;

/// What one connection has asked for in the window that runs: eleven bits for the cost, and five
/// for the last ones of the window's number. One that comes round may be taken for an older one,
/// for a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::server) struct Load([u8; 2]);

/// The most that a load tells; it is much.
const MOST: u32 = (1 << 11) - 1;

impl Load {
    fn in_window(self, now: Millis) -> u32 {
        let both = u32::from(u16::from_be_bytes(self.0));
        match both >> 11 == window(now) {
            true => both & MOST,
            false => 0,
        }
    }

    fn add(&mut self, cost: Cost, now: Millis) {
        let sum = self.in_window(now).saturating_add(cost.0).min(MOST);
        self.0 = ((window(now) << 11 | sum) as u16).to_be_bytes();
    }
}

const _: () = assert!(MUCH < MOST);

fn window(now: Millis) -> u32 {
    (now >> WINDOW_BITS) as u32 & 31
}

/// What the turn has cost so far, and who waits for another.
#[derive(Debug)]
pub(in crate::server) struct Turns<K> {
    turn: u64,
    spent: u32,
    waiting: HashSet<K>,
    /// Who has left meanwhile is passed over.
    order: VecDeque<K>,
    /// Those who were read on last.
    granted: Vec<Grant<K>>,
    /// An immediate is set that will read on.
    pub(in crate::server) immediate_set: bool,
}

/// What somebody who has waited may ask for, whatever the turn has cost.
#[derive(Debug)]
struct Grant<K> {
    connection: K,
    left: u32,
    is_used: bool,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self {
            turn: 0,
            spent: 0,
            waiting: HashSet::new(),
            order: VecDeque::new(),
            granted: Vec::new(),
            immediate_set: false,
        }
    }
}

impl<K: Copy + Eq + Hash> Turns<K> {
    /// Notes what a connection has cost in a turn of this number.
    pub(in crate::server) fn spend(
        &mut self,
        turn: u64,
        connection: K,
        load: &mut Load,
        cost: Cost,
        now: Millis,
    ) {
        self.begin(turn);
        self.spent = self.spent.saturating_add(cost.0);
        load.add(cost, now);
        if let Some(grant) = self.grant(connection) {
            grant.left = grant.left.saturating_sub(cost.0);
            grant.is_used = true;
        }
    }

    /// So much was said in one room that it is delivered at once. Who was to be read on still is
    /// first of those who wait.
    pub(in crate::server) fn delivered_much(&mut self, turn: u64) {
        self.begin(turn);
        self.spent = self.spent.saturating_add(LARGE_DELIVERY);
        for grant in &mut self.granted {
            grant.left = 0;
        }
    }

    /// Whether a connection is to wait before it is heard: the turn has had enough, and this one
    /// has asked for much.
    pub(in crate::server) fn has_had_enough_of(
        &mut self,
        turn: u64,
        connection: K,
        load: Load,
        now: Millis,
    ) -> bool {
        let much = match self.much(turn) {
            // Whoever waits comes before those who have had much already.
            None if self.anyone_waits() => MUCH,
            None => return false,
            Some(much) => much,
        };
        let has_grant = self.grant(connection).is_some_and(|grant| grant.left > 0);
        !has_grant && load.in_window(now) > much
    }

    /// How many lines a connection that is heard may say in one go.
    pub(in crate::server) fn lines(
        &mut self,
        turn: u64,
        connection: K,
        load: Load,
        now: Millis,
    ) -> usize {
        let Some(much) = self.much(turn) else {
            return usize::MAX;
        };
        let left = match self.grant(connection) {
            Some(grant) if grant.left > 0 => grant.left,
            _ => much.saturating_sub(load.in_window(now)),
        };
        (left / Cost::LINE.0).max(1) as usize
    }

    /// How many bytes each of those may be read that come now; `None` if that does not matter yet.
    /// What they cost is known when they are read and not before, and there may be many.
    pub(in crate::server) fn bytes(&mut self, turn: u64) -> Option<usize> {
        let much = self.much(turn)?;
        Some((much as usize * BYTES).max(LEAST_READ))
    }

    /// What is much, now that the turn has cost what it has; `None` as long as that does not
    /// matter.
    fn much(&mut self, turn: u64) -> Option<u32> {
        self.begin(turn);
        match self.spent / TURN {
            0 => None,
            1 => Some(MUCH),
            2..=3 => Some(MUCH / 4),
            4..=7 => Some(MUCH / 16),
            _ => Some(Cost::LINE.0),
        }
    }

    /// A connection waits for its turn from now on: behind those that do, unless it was promised
    /// one in vain.
    pub(in crate::server) fn wait(&mut self, connection: K) {
        let in_vain = self.grant(connection).is_some_and(|grant| !grant.is_used);
        if self.waiting.insert(connection) {
            match in_vain {
                true => self.order.push_front(connection),
                false => self.order.push_back(connection),
            }
        }
    }

    /// Whether a connection waits for its turn.
    pub(in crate::server) fn waits(&self, connection: K) -> bool {
        !self.waiting.is_empty() && self.waiting.contains(&connection)
    }

    /// Whether anybody waits.
    pub(in crate::server) fn anyone_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether this turn has had enough: somebody may have been heard in part.
    pub(in crate::server) fn has_had_enough(&mut self, turn: u64) -> bool {
        self.begin(turn);
        self.spent >= TURN
    }

    /// The check phase has come. Those to read on, in order.
    pub(in crate::server) fn read_on(&mut self) -> Vec<K> {
        let mut chosen = Vec::new();
        while chosen.len() < READ_ON
            && let Some(connection) = self.order.pop_front()
        {
            if self.waiting.remove(&connection) {
                chosen.push(connection);
            }
        }
        let left = TURN / (chosen.len() as u32).max(1);
        let grant = |&connection: &K| Grant {
            connection,
            left,
            is_used: false,
        };
        self.granted = chosen.iter().map(grant).collect();
        chosen
    }

    /// A connection is gone.
    pub(in crate::server) fn forget(&mut self, connection: K) {
        self.granted.retain(|grant| grant.connection != connection);
        if self.waiting.is_empty() {
            return;
        }
        self.waiting.remove(&connection);
        if self.waiting.is_empty() {
            self.order.clear();
        }
    }

    fn grant(&mut self, connection: K) -> Option<&mut Grant<K>> {
        let mut granted = self.granted.iter_mut();
        granted.find(|grant| grant.connection == connection)
    }

    fn begin(&mut self, turn: u64) {
        if self.turn != turn {
            (self.turn, self.spent) = (turn, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Connections that ask for so much in every turn that they are heard in.
    struct House {
        turns: Turns<u32>,
        loads: HashMap<u32, Load>,
        turn: u64,
        heard: HashMap<u32, u32>,
    }

    impl House {
        fn new() -> Self {
            Self {
                turns: Turns::default(),
                loads: HashMap::new(),
                turn: 0,
                heard: HashMap::new(),
            }
        }

        /// One of them is visited, and heard until it has said so many lines or is to wait. What
        /// it has said.
        fn visit(&mut self, connection: u32, lines: usize) -> usize {
            let load = self.loads.entry(connection).or_default();
            let (turn, now) = (self.turn, self.turn / 10);
            for said in 0..lines {
                if self.turns.has_had_enough_of(turn, connection, *load, now) {
                    self.turns.wait(connection);
                    return said;
                }
                self.turns.spend(turn, connection, load, Cost::LINE, now);
                *self.heard.entry(connection).or_default() += 1;
            }
            lines
        }

        /// A turn in which those who do not wait are visited; how many lines were heard in it.
        fn turn(&mut self, connections: u32) -> usize {
            self.turn += 1;
            let mut said = 0;
            for connection in 0..connections {
                if !self.turns.waits(connection) {
                    said += self.visit(connection, VISIT);
                }
            }
            for connection in self.turns.read_on() {
                said += self.visit(connection, VISIT);
            }
            said
        }
    }

    const VISIT: usize = 16;

    #[test]
    fn a_turn_is_bounded_however_many_ask_for_much_and_all_are_served_alike() {
        for connections in [10, 100, 1000] {
            let mut house = House::new();
            let most = (0..1000).map(|_| house.turn(connections)).max();
            // Those of whom nothing is known yet are heard, each for a line or two.
            let bound = 256 * 10 + 2 * connections as usize;
            assert!(most <= Some(bound), "{connections}: {most:?}");
            let heard = || house.heard.values();
            let (least, most) = (heard().min().unwrap(), heard().max().unwrap());
            let few = 3 * VISIT as u32;
            assert!(most / 2 <= least + few, "{connections}: {least} to {most}");
        }
    }

    #[test]
    fn who_is_known_costs_a_turn_no_more_than_its_share() {
        let mut house = House::new();
        let said: Vec<usize> = (0..20).map(|_| house.turn(5000)).collect();
        assert!(said[0] <= 256 * 10 + 2 * 5000, "{said:?}");
        assert!(said[1..].iter().all(|&said| said <= 4 * 256), "{said:?}");
    }

    #[test]
    fn who_asks_for_little_never_waits() {
        let mut house = House::new();
        for turn in 0..3000 {
            house.turn(300);
            // A line every tenth of a second or so.
            if turn % 1300 == 0 {
                assert_eq!(house.visit(9999, 1), 1);
            }
        }
        assert!(!house.turns.waits(9999));
    }

    #[test]
    fn a_visit_is_shorter_when_the_turn_has_had_enough() {
        let mut turns = Turns::<u32>::default();
        let mut other = Load::default();
        let lines = |turns: &mut Turns<u32>, turn| turns.lines(turn, 9, Load::default(), 0);
        assert_eq!(lines(&mut turns, 1), usize::MAX);
        turns.spend(1, 7, &mut other, Cost(TURN), 0);
        assert_eq!(lines(&mut turns, 1), 64);
        turns.spend(1, 7, &mut other, Cost(20 * TURN), 0);
        assert_eq!(lines(&mut turns, 1), 1);
        let heard = turns.lines(1, 7, other, 0);
        assert_eq!(heard, 1, "whoever is heard at all says a line");
        assert_eq!(lines(&mut turns, 2), usize::MAX);
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let mut turns = Turns::default();
        (0..100).for_each(|connection| turns.wait(connection));
        turns.wait(7);
        assert_eq!(turns.read_on(), (0..8).collect::<Vec<_>>());
        (8..100).for_each(|connection| turns.forget(connection));
        assert!(!turns.anyone_waits() && turns.order.is_empty());
    }

    #[test]
    fn who_waits_alone_has_a_whole_turn_and_many_share_it() {
        let mut turns = Turns::<u32>::default();
        let heavy = |turns: &mut Turns<u32>, connection| {
            let mut load = Load::default();
            turns.spend(1, connection, &mut load, Cost(2 * TURN), 0);
            assert!(turns.has_had_enough_of(1, connection, load, 0));
            turns.wait(connection);
            load
        };
        let load = heavy(&mut turns, 1);
        assert_eq!(turns.read_on(), [1]);
        assert_eq!(turns.lines(1, 1, load, 0), 256);
        for connection in 0..20 {
            heavy(&mut turns, connection);
        }
        assert_eq!(turns.read_on(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(turns.lines(1, 1, load, 0), 32);
        // The first of them says so much that the others come first the next time.
        turns.spend(1, 0, &mut Load::default(), Cost(16), 0);
        turns.delivered_much(1);
        for connection in 0..8 {
            assert!(turns.has_had_enough_of(1, connection, load, 0));
            turns.wait(connection);
        }
        let mut next = turns.read_on();
        next.sort_unstable();
        assert_eq!(next, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_window_passes() {
        let mut load = Load::default();
        load.add(Cost(100), 0);
        load.add(Cost(100), 127);
        assert_eq!(load.in_window(127), 200);
        assert_eq!(load.in_window(128), 0);
        load.add(Cost(u32::MAX), 128);
        assert_eq!(load.in_window(128), MOST);
    }
}

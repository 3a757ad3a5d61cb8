//! What one turn of the loop does for all connections together: whoever asks for much waits when a
//! turn has had enough, so that nobody else waits for it. This holds for everyone, wherever it
//! comes from.
//!
//! A turn may cost so much before those wait who have asked for much of late, or ask for it now; the
//! more it has cost, the less is much. Whoever waits is not read. In the check phase some of those
//! who wait are read on, in the order in which they came to wait, for a share of what a turn may
//! cost. Its length is therefore bounded by what all those cost together who ask for little, and by
//! that: how many the others are does not matter.

use std::collections::{BTreeMap, HashMap};
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

/// What a turn may cost when one connection is heard or one delivery made, whatever that has cost.
const AT_ONCE: u32 = 2 * TURN;

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
    /// Who waits, each with its ticket.
    waiting: HashMap<K, u64>,
    /// The same in the order in which they are read on.
    order: BTreeMap<u64, K>,
    /// The ticket that was given out last.
    last_ticket: u64,
    /// Those who were read on last.
    granted: Vec<Grant<K>>,
    /// What they may still cost together.
    granted_left: u32,
    /// An immediate is set that will read on.
    pub(in crate::server) immediate_set: bool,
}

/// What a connection may ask for in one go.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Allowance {
    left: Cost,
    /// It has waited for this: the first thing may cost whatever it does.
    is_overdue: bool,
    /// There is no later.
    is_last: bool,
    /// It is for one thing, whatever that costs.
    is_for_one: bool,
}

impl Allowance {
    /// For whom nothing is too much.
    pub(in crate::server) const PLENTY: Self = Self {
        left: Cost(u32::MAX),
        is_overdue: false,
        is_last: false,
        is_for_one: false,
    };

    /// For whom there is no later: nothing is too much, and nothing is waited for.
    pub(in crate::server) const UNBOUNDED: Self = Self {
        is_last: true,
        ..Self::PLENTY
    };

    /// The same, for one thing.
    pub(in crate::server) fn for_one(self) -> Self {
        let is_for_one = true;
        Self { is_for_one, ..self }
    }

    /// Whether what is not heard now may be heard later.
    pub(in crate::server) fn has_later(self) -> bool {
        !self.is_last
    }

    /// Whether something may be asked for that will cost this.
    pub(in crate::server) fn allows(self, cost: Cost) -> bool {
        self.is_overdue || cost <= self.left
    }

    /// Something was asked for, and has cost this.
    pub(in crate::server) fn spend(&mut self, cost: Cost) {
        let left = self.left.0.saturating_sub(cost.0);
        self.left = if self.is_for_one {
            Cost::NONE
        } else {
            Cost(left)
        };
        self.is_overdue = false;
    }

    /// Whether nothing more may be.
    pub(in crate::server) fn is_spent(self) -> bool {
        self.left == Cost::NONE
    }
}

/// What somebody who has waited may ask for, whatever the turn has cost.
#[derive(Debug)]
struct Grant<K> {
    connection: K,
    /// With which it has waited: if it was promised a turn in vain, it keeps its place.
    ticket: u64,
    /// In this turn, or in the next.
    turn: u64,
    left: u32,
    is_used: bool,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self {
            turn: 0,
            spent: 0,
            waiting: HashMap::new(),
            order: BTreeMap::new(),
            last_ticket: 0,
            granted: Vec::new(),
            granted_left: 0,
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
            grant.is_used |= cost > Cost::NONE;
            self.granted_left = self.granted_left.saturating_sub(cost.0);
        }
    }

    /// What was said was delivered, before the turn's end or at it, and has cost this. If it is
    /// much, whoever was to be read on still is first of those who wait; but one of them is heard
    /// before that. What it costs to write to thousands is less for each line the more are said
    /// together, so it counts up to a limit only.
    pub(in crate::server) fn delivered(&mut self, turn: u64, cost: Cost) {
        self.begin(turn);
        let cost = cost.0.min(AT_ONCE);
        self.spent = self.spent.saturating_add(cost);
        if self.granted.iter().any(|grant| grant.is_used) {
            self.granted_left = self.granted_left.saturating_sub(cost);
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
        self.granted_to(connection).is_none() && load.in_window(now) > much
    }

    /// What a connection that is heard may ask for in one go: a short line at least.
    pub(in crate::server) fn allowance(
        &mut self,
        turn: u64,
        connection: K,
        load: Load,
        now: Millis,
    ) -> Allowance {
        let much = self.much(turn);
        let granted = self.granted_to(connection);
        let left = match (much, granted) {
            // Its share, and not that of those who have waited with it.
            (_, Some(grant)) => grant.left,
            (None, None) => AT_ONCE - self.spent,
            (Some(much), None) => much.saturating_sub(load.in_window(now)).max(Cost::LINE.0),
        };
        Allowance {
            left: Cost(left),
            is_overdue: granted.is_some_and(|grant| !grant.is_used),
            ..Allowance::PLENTY
        }
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
        if self.waiting.contains_key(&connection) {
            return;
        }
        let grant = self.grant(connection).filter(|grant| !grant.is_used);
        let ticket = match grant {
            Some(grant) => grant.ticket,
            None => {
                self.last_ticket += 1;
                self.last_ticket
            }
        };
        self.waiting.insert(connection, ticket);
        self.order.insert(ticket, connection);
    }

    /// Whether a connection waits for its turn.
    pub(in crate::server) fn waits(&self, connection: K) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&connection)
    }

    /// Whether anybody waits.
    pub(in crate::server) fn anyone_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The check phase of a turn has come. Those to read on, in order. As long as some of the last
    /// ones were promised it in vain, it is these alone: who is heard first of several is not for
    /// this to say, and might be the same again and again.
    pub(in crate::server) fn read_on(&mut self, turn: u64) -> Vec<K> {
        self.begin(turn);
        let last_granted = self.granted.iter().map(|grant| grant.ticket).max();
        let first = self.order.keys().next().copied();
        // Tickets are given out in order: theirs are the lowest, if any of them are among these.
        let bound = last_granted.filter(|&last| first.is_some_and(|first| first <= last));
        let bound = bound.unwrap_or(u64::MAX);
        let mut chosen = Vec::new();
        while chosen.len() < READ_ON
            && let Some(next) = self.order.first_entry()
            && *next.key() <= bound
        {
            let (ticket, connection) = next.remove_entry();
            self.waiting.remove(&connection);
            chosen.push((ticket, connection));
        }
        let left = TURN / (chosen.len() as u32).max(1);
        let grant = |&(ticket, connection): &(u64, K)| Grant {
            connection,
            ticket,
            turn,
            left,
            is_used: false,
        };
        self.granted = chosen.iter().map(grant).collect();
        self.granted_left = TURN;
        chosen
            .into_iter()
            .map(|(_, connection)| connection)
            .collect()
    }

    /// A connection is gone.
    pub(in crate::server) fn forget(&mut self, connection: K) {
        self.granted.retain(|grant| grant.connection != connection);
        if let Some(ticket) = self.waiting.remove(&connection) {
            self.order.remove(&ticket);
        }
    }

    /// What a connection that was to be read on may still ask for, if it is anything.
    fn granted_to(&self, connection: K) -> Option<&Grant<K>> {
        let mut granted = self.granted.iter();
        let found = granted.find(|grant| grant.connection == connection);
        let is_current = |grant: &&Grant<K>| self.turn <= grant.turn + 1;
        found.filter(|grant| is_current(grant) && grant.left > 0 && self.granted_left > 0)
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
mod tests;

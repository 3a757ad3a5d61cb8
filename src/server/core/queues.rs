//! Who of one address is heard next, once all of it together have asked for too much.
//!
//! Many people may be behind one address, and one of them a flood. So nobody is heard there as long
//! as it likes when its turn has come, but for one thing only, and the next is whoever has asked for
//! least since there is a queue: who says something now and then does not notice the others. What was
//! asked for counts half after a while, and then half of that. A round of all may take as long as a
//! dear thing of each takes, so that what a connection may say by itself is no measure: each has
//! waited long enough for that.
//!
//! A door [serves](Queues::next) a queue whenever its address may ask for more, and not more often
//! than [that](QueueId::pause).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use crate::chat::Millis;
use crate::server::core::cost::Cost;
use crate::server::core::flood::FloodLimit;
use crate::server::core::line_input::LineInput;
use crate::server::core::strangers::Source;

/// The queues of all addresses that have one. `K` is what a door knows a connection by.
#[derive(Debug)]
pub struct Queues<K> {
    by_source: HashMap<Source, Queue<K>>,
    /// Whose turn it is, until it has asked for something.
    served: HashSet<K>,
}

/// Those of one address who wait.
#[derive(Debug)]
struct Queue<K> {
    /// Whoever has asked for least comes first, and of several who has waited longest.
    order: BTreeMap<Place, K>,
    places: HashMap<K, Place>,
    /// What each has asked for since there is this queue; nothing is kept of who has not.
    asked: HashMap<K, u64>,
    /// Which [age](age_at) that is halved for.
    age: u64,
    last_ticket: u64,
}

type Place = (u64, u64);

/// Two to the power of this is how long, in milliseconds, something counts as it was.
const AGE_BITS: u32 = 14;

/// What something that was asked for counts. One dear thing counts more than as many cheap ones as it
/// costs: all others have to wait for it at once.
fn weight(cost: Cost) -> u64 {
    let lines = (cost.0 / Cost::LINE.0).max(1);
    u64::from(cost.0) * u64::from(1 + lines.ilog2())
}

fn age_at(now: Millis) -> u64 {
    now >> AGE_BITS
}

impl<K: Copy + Eq + Hash> Queue<K> {
    fn new(now: Millis) -> Self {
        Self {
            order: BTreeMap::new(),
            places: HashMap::new(),
            asked: HashMap::new(),
            age: age_at(now),
            last_ticket: 0,
        }
    }

    /// Halves what was asked for as often as it is time. Those who wait keep their order.
    fn grow_older(&mut self, now: Millis) {
        let halvings = age_at(now).saturating_sub(self.age).min(63) as u32;
        if halvings == 0 {
            return;
        }
        self.age = age_at(now);
        self.asked.retain(|_, asked| {
            *asked >>= halvings;
            *asked > 0
        });
        let order = std::mem::take(&mut self.order).into_iter();
        let halved =
            order.map(|((asked, ticket), connection)| ((asked >> halvings, ticket), connection));
        self.order = halved.collect();
        for (place, connection) in &self.order {
            self.places.insert(*connection, *place);
        }
    }
}

/// A queue, by the address of which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueId {
    pub(super) source: Source,
    pub(super) limit: FloodLimit,
}

impl QueueId {
    /// How many are served at a time.
    #[must_use]
    pub fn at_a_time(self) -> usize {
        self.limit.of_address().rate.div_ceil(1000) as usize
    }

    /// How long nobody is served after that, in milliseconds: no more are heard than the address may
    /// ask for, even if who was served says nothing for now.
    #[must_use]
    pub fn pause(self) -> Millis {
        let rate = u64::from(self.limit.of_address().rate);
        (self.at_a_time() as u64 * 1000 / rate).max(1)
    }
}

impl<K> Default for Queues<K> {
    fn default() -> Self {
        Self {
            by_source: HashMap::new(),
            served: HashSet::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> Queues<K> {
    /// Whether others of a connection's address wait, and it is not its turn.
    pub fn are_before(&self, input: &LineInput, connection: K) -> bool {
        self.anyone_waits(input) && !self.served.contains(&connection)
    }

    /// Whether anybody waits beside a connection: then it is heard for one thing at a time.
    pub fn anyone_waits(&self, input: &LineInput) -> bool {
        let has_one = |(source, _)| self.by_source.contains_key(&source);
        !self.by_source.is_empty() && input.limit().is_some_and(has_one) // nearly never
    }

    /// A connection waits from now on, if it does not yet. What of it is `pending`, as far as that is
    /// known, counts as if it had been asked for: who has much to say is behind who has little, also
    /// before anybody there was heard. Returns the queue if it is a new one, which is to be
    /// [served](Self::next) from now on until it is empty. `None` if another connection waits there
    /// already, or nothing limits this one.
    pub fn join(
        &mut self,
        input: &LineInput,
        connection: K,
        pending: Cost,
        now: Millis,
    ) -> Option<QueueId> {
        let (source, limit) = input.limit()?;
        self.served.remove(&connection);
        let is_new = !self.by_source.contains_key(&source);
        let queue = self.by_source.entry(source);
        let queue = queue.or_insert_with(|| Queue::new(now));
        if !queue.places.contains_key(&connection) {
            queue.grow_older(now);
            queue.last_ticket += 1;
            let asked = queue.asked.get(&connection).copied().unwrap_or(0);
            let place = (asked + weight(pending), queue.last_ticket);
            queue.order.insert(place, connection);
            queue.places.insert(connection, place);
        }
        is_new.then_some(QueueId { source, limit })
    }

    /// The next of a queue: it may ask for one thing now. `None` if nobody waits there any more;
    /// then there is no such queue.
    pub fn next(&mut self, id: QueueId) -> Option<K> {
        let queue = self.by_source.get_mut(&id.source)?;
        let Some((_, connection)) = queue.order.pop_first() else {
            self.by_source.remove(&id.source);
            return None;
        };
        queue.places.remove(&connection);
        self.served.insert(connection);
        Some(connection)
    }

    /// Whether there is such a queue still, so that it is to be served.
    pub fn has(&self, id: QueueId) -> bool {
        self.by_source.contains_key(&id.source)
    }

    /// A connection has asked for something that costs this: its turn is over.
    pub fn has_asked(&mut self, input: &LineInput, connection: K, cost: Cost, now: Millis) {
        if self.by_source.is_empty() && self.served.is_empty() {
            return; // nearly always
        }
        self.served.remove(&connection);
        let source = input.limit().map(|(source, _)| source);
        if let Some(queue) = source.and_then(|source| self.by_source.get_mut(&source)) {
            queue.grow_older(now);
            *queue.asked.entry(connection).or_default() += weight(cost);
        }
    }

    /// A connection is gone, or counts as another's from now on.
    pub fn leave(&mut self, input: &LineInput, connection: K) {
        if self.by_source.is_empty() && self.served.is_empty() {
            return; // nearly always
        }
        self.served.remove(&connection);
        let source = input.account().map(|(source, _)| source);
        // An empty queue stays until it is served: it is known that it will be.
        if let Some(queue) = source.and_then(|source| self.by_source.get_mut(&source)) {
            queue.asked.remove(&connection);
            if let Some(place) = queue.places.remove(&connection) {
                queue.order.remove(&place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Peer;
    use crate::server::Config;

    fn input() -> LineInput {
        input_of([192, 0, 2, 7])
    }

    fn input_of(address: [u8; 4]) -> LineInput {
        LineInput::new(Peer::Tcp(address.into()), &Config::default(), 0)
    }

    /// Catches: the order of arrival alone, by which one waits for each of a thousand who flood; and
    /// one that forgets what was asked for before a round of all is over.
    #[test]
    fn who_has_asked_for_least_is_next() {
        let any = input();
        let mut queues = Queues::default();
        assert!(!queues.are_before(&any, 'q') && !queues.anyone_waits(&any));
        let id = queues
            .join(&any, 'a', Cost::NONE, 0)
            .expect("it is the first there");
        for (connection, lines) in [('a', 8), ('b', 9), ('q', 1)] {
            queues.has_asked(&any, connection, Cost(lines * Cost::LINE.0), 0);
        }
        let later = 10_000; // a round may take that long
        for connection in ['b', 'q', 'a', 'n'] {
            assert_eq!(
                queues.join(&any, connection, Cost::NONE, later),
                None,
                "it is no new queue"
            );
        }
        let heard: Vec<_> = std::iter::from_fn(|| queues.next(id)).collect();
        assert_eq!(
            heard,
            ['a', 'n', 'q', 'b'],
            "a had waited before it was known"
        );
        assert_eq!(
            queues.join(&any, 'c', Cost::NONE, later),
            Some(id),
            "the queue had ended"
        );
    }

    /// Catches: somebody who has asked for much once, and is last for ever; and an order that is
    /// lost when all of it grows older.
    #[test]
    fn what_was_asked_for_counts_less_and_less() {
        let any = input();
        let mut queues = Queues::default();
        let id = queues
            .join(&any, 'x', Cost::NONE, 0)
            .expect("it is the first there");
        for (connection, lines) in [('a', 1000), ('b', 4), ('c', 3)] {
            queues.has_asked(&any, connection, Cost(lines * Cost::LINE.0), 0);
        }
        queues.join(&any, 'c', Cost::NONE, 0);
        queues.join(&any, 'b', Cost::NONE, 0);
        let minutes = 4 * 60_000;
        queues.has_asked(&any, 'd', Cost::LINE, minutes);
        queues.join(&any, 'd', Cost::NONE, minutes);
        queues.join(&any, 'a', Cost::NONE, minutes);
        let heard: Vec<_> = std::iter::from_fn(|| queues.next(id)).collect();
        assert_eq!(heard, ['x', 'c', 'b', 'a', 'd']);
    }

    /// Catches: a turn that lasts, and one that is lost to those who were not asked.
    #[test]
    fn a_turn_is_for_one_thing() {
        let any = input();
        let mut queues = Queues::default();
        let id = queues
            .join(&any, 'a', Cost::NONE, 0)
            .expect("it is the first there");
        queues.join(&any, 'b', Cost::NONE, 0);
        assert!(queues.are_before(&any, 'a') && queues.are_before(&any, 'z'));
        assert_eq!(queues.next(id), Some('a'));
        assert!(!queues.are_before(&any, 'a') && queues.are_before(&any, 'b'));
        queues.has_asked(&any, 'a', Cost::LINE, 0);
        assert!(queues.are_before(&any, 'a'));
        queues.join(&any, 'a', Cost::NONE, 0);
        assert_eq!(queues.next(id), Some('b'));
        queues.leave(&any, 'a');
        assert_eq!(queues.next(id), None);
        assert!(!queues.are_before(&any, 'b'));
    }

    /// Catches: a queue that holds up other addresses, or does not hold up who comes beside it; and
    /// one that is served on and on when nobody is left.
    #[test]
    fn a_queue_is_for_one_address_and_while_somebody_waits() {
        let (here, elsewhere) = (input(), input_of([192, 0, 2, 8]));
        let mut queues = Queues::default();
        let id = queues
            .join(&here, 'a', Cost::NONE, 0)
            .expect("it is the first there");
        assert!(queues.anyone_waits(&here) && queues.are_before(&here, 'z'));
        assert!(!queues.anyone_waits(&elsewhere) && !queues.are_before(&elsewhere, 'z'));
        let other = queues
            .join(&elsewhere, 'z', Cost::NONE, 0)
            .expect("it is the first there");
        queues.leave(&here, 'a');
        assert!(queues.has(id), "until it is known that nobody is left");
        assert_eq!(queues.next(id), None);
        assert!(!queues.has(id) && !queues.anyone_waits(&here));
        assert!(queues.has(other) && queues.anyone_waits(&elsewhere));
    }

    #[test]
    fn a_queue_is_served_as_fast_as_its_address_may_ask() {
        for (rate, pause, served) in [(1, 100, 1), (10, 10, 1), (100, 1, 1), (1000, 1, 10)] {
            let flood = format!("{rate}:10").parse().expect("a limit");
            let config = Config {
                flood: Some(flood),
                ..Config::default()
            };
            let input = LineInput::new(Peer::Tcp([192, 0, 2, 7].into()), &config, 0);
            let mut queues = Queues::default();
            let id = queues
                .join(&input, (), Cost::NONE, 0)
                .expect("it is the first there");
            assert_eq!(id.pause(), pause, "{rate}");
            assert_eq!(id.at_a_time(), served, "{rate}");
        }
    }
}

//! Who of one address is heard next, once all of it together have asked for too much.
//!
//! Many people may be behind one address, and one of them a flood. So nobody is heard there as long
//! as it likes when its turn has come, but for one thing only, and the next is whoever has asked for
//! least of late: who says something now and then does not notice the others.
//!
//! Nothing here knows the time. A door [serves](Queues::next) a queue whenever its address may ask
//! for more, and not more often than [that](QueueId::pause).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use crate::chat::Millis;
use crate::server::core::flood::{Bucket, FloodLimit};
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
    last_ticket: u64,
}

type Place = (Bucket, u64);

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
        if self.by_source.is_empty() {
            return false; // nearly always
        }
        let others = input
            .limit()
            .filter(|(source, _)| self.by_source.contains_key(source));
        others.is_some() && !self.served.contains(&connection)
    }

    /// Whether anybody waits beside a connection: then it is heard for one thing at a time.
    pub fn anyone_waits(&self, input: &LineInput) -> bool {
        let queue = |(source, _)| self.by_source.get(&source);
        !self.by_source.is_empty() && input.limit().and_then(queue).is_some()
    }

    /// A connection waits from now on, if it does not yet. Returns the queue if it is a new one,
    /// which is to be [served](Self::next) from now on until it is empty. `None` if another
    /// connection waits there already, or nothing limits this one.
    pub fn join(&mut self, input: &LineInput, connection: K) -> Option<QueueId> {
        let (source, limit) = input.limit()?;
        let (_, bucket) = input.account()?;
        self.served.remove(&connection);
        let is_new = !self.by_source.contains_key(&source);
        let queue = self.by_source.entry(source).or_insert_with(|| Queue {
            order: BTreeMap::new(),
            places: HashMap::new(),
            last_ticket: 0,
        });
        if !queue.places.contains_key(&connection) {
            queue.last_ticket += 1;
            let place = (bucket, queue.last_ticket);
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

    /// A connection has asked for something: its turn is over.
    pub fn has_asked(&mut self, connection: K) {
        if !self.served.is_empty() {
            self.served.remove(&connection);
        }
    }

    /// A connection is gone, or counts as another's from now on.
    pub fn leave(&mut self, input: &LineInput, connection: K) {
        self.has_asked(connection);
        let source = input.account().map(|(source, _)| source);
        // An empty queue stays until it is served: it is known that it will be.
        let queue = source.and_then(|source| self.by_source.get_mut(&source));
        if let Some(queue) = queue
            && let Some(place) = queue.places.remove(&connection)
        {
            queue.order.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Peer;
    use crate::server::Config;
    use crate::server::core::cost::Cost;

    fn input(now: Millis) -> LineInput {
        let peer = Peer::Tcp([192, 0, 2, 7].into());
        let mut input = LineInput::new(peer, &Config::default(), now);
        input.charge(Cost::LINE, now);
        input
    }

    /// Catches: the order of arrival alone, by which one waits for each of a thousand who flood.
    #[test]
    fn who_has_asked_for_least_is_next() {
        let (often, seldom) = (input(900), input(100));
        let mut queues = Queues::default();
        assert!(!queues.are_before(&seldom, 'q') && !queues.anyone_waits(&seldom));
        let id = queues.join(&often, 'a').expect("it is the first there");
        assert_eq!(queues.join(&often, 'b'), None);
        assert_eq!(queues.join(&seldom, 'q'), None);
        assert_eq!(queues.join(&often, 'a'), None, "it waits already");
        let heard: Vec<_> = std::iter::from_fn(|| queues.next(id)).collect();
        assert_eq!(heard, ['q', 'a', 'b']);
        assert_eq!(queues.join(&often, 'c'), Some(id), "the queue had ended");
    }

    /// Catches: a turn that lasts, and one that is lost to those who were not asked.
    #[test]
    fn a_turn_is_for_one_thing() {
        let any = input(0);
        let mut queues = Queues::default();
        let id = queues.join(&any, 'a').expect("it is the first there");
        queues.join(&any, 'b');
        assert!(queues.are_before(&any, 'a') && queues.are_before(&any, 'z'));
        assert_eq!(queues.next(id), Some('a'));
        assert!(!queues.are_before(&any, 'a') && queues.are_before(&any, 'b'));
        queues.has_asked('a');
        assert!(queues.are_before(&any, 'a'));
        queues.join(&any, 'a');
        assert_eq!(queues.next(id), Some('b'));
        queues.leave(&any, 'a');
        assert_eq!(queues.next(id), None);
        assert!(!queues.are_before(&any, 'b'));
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
            let id = queues.join(&input, ()).expect("it is the first there");
            assert_eq!(id.pause(), pause, "{rate}");
            assert_eq!(id.at_a_time(), served, "{rate}");
        }
    }
}

//! How often somebody may try a password.
//!
//! Tries are counted by address, so that nobody tries many names, and by name, so that not many
//! addresses try one. The second lets a crowd keep a name's owner out, so it does not hold for
//! addresses from which the owner has logged in before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use crate::chat::Millis;

/// Names, or addresses, that are remembered. If there are more, those go first that could soonest
/// try as often as if they had never tried.
const MOST: usize = 16 * 1024;

/// Tries that one may make at once, and how long it takes until one more is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// As many at once.
    pub tries: u32,
    /// Then one in so many milliseconds.
    pub interval: Millis,
}

impl Limit {
    /// How long one has to wait who has tried so much that all of it is free again at `free_at`.
    fn wait(self, free_at: Millis, now: Millis) -> Millis {
        let most = Millis::from(self.tries.max(1)) * self.interval;
        (free_at.max(now) + self.interval).saturating_sub(now + most)
    }
}

/// Counts tries by name and by address. `A` is what addresses are told apart by.
#[derive(Debug)]
pub struct Tries<A> {
    names: Counted<Arc<str>>,
    addresses: Counted<A>,
    /// From where somebody has logged in to a name, and in which order.
    known: HashSet<(Arc<str>, A)>,
    order: VecDeque<(Arc<str>, A)>,
}

impl<A: Clone + Eq + Hash> Tries<A> {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new(of_name: Limit, of_address: Limit) -> Self {
        Self {
            names: Counted::new(of_name),
            addresses: Counted::new(of_address),
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Somebody wants to try, and it counts, if it is allowed. `name` is in the form that names are
    /// compared by.
    ///
    /// # Errors
    ///
    /// In how many milliseconds it will be allowed; it does not count then.
    pub fn take(&mut self, name: &str, address: &A, now: Millis) -> Result<(), Millis> {
        let name: Arc<str> = name.into();
        let is_known = self.known.contains(&(Arc::clone(&name), address.clone()));
        let of_name = if is_known {
            0
        } else {
            self.names.wait(&name, now)
        };
        match of_name.max(self.addresses.wait(address, now)) {
            0 => {
                if !is_known {
                    self.names.add(name, now);
                }
                self.addresses.add(address.clone(), now);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// The try was right: it does not count any more, and others from there are not kept back by
    /// what strangers try.
    pub fn was_right(&mut self, name: &str, address: &A) {
        let pair = (Arc::<str>::from(name), address.clone());
        self.addresses.give_back(address);
        if self.known.insert(pair.clone()) {
            self.names.give_back(&pair.0);
            self.order.push_back(pair);
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }
}

/// When each could try again as if it never had.
#[derive(Debug)]
struct Counted<K> {
    limit: Limit,
    free_at: HashMap<K, Millis>,
}

impl<K: Clone + Eq + Hash> Counted<K> {
    fn new(limit: Limit) -> Self {
        let free_at = HashMap::new();
        Self { limit, free_at }
    }

    fn wait(&self, key: &K, now: Millis) -> Millis {
        let free_at = self.free_at.get(key).copied().unwrap_or(0);
        self.limit.wait(free_at, now)
    }

    fn add(&mut self, key: K, now: Millis) {
        if self.free_at.len() >= MOST && !self.free_at.contains_key(&key) {
            self.make_room(now);
        }
        let free_at = self.free_at.entry(key).or_insert(now);
        *free_at = (*free_at).max(now) + self.limit.interval;
    }

    fn give_back(&mut self, key: &K) {
        if let Some(free_at) = self.free_at.get_mut(key) {
            *free_at = free_at.saturating_sub(self.limit.interval);
        }
    }

    /// Forgets those that are as free as if they were new; if that is not enough, the quarter that
    /// is so soonest, so that it costs little for each that comes.
    fn make_room(&mut self, now: Millis) {
        self.free_at.retain(|_, at| *at > now);
        if self.free_at.len() < MOST {
            return;
        }
        let mut times: Vec<Millis> = self.free_at.values().copied().collect();
        let (_, quarter, _) = times.select_nth_unstable(MOST / 4);
        let quarter = *quarter;
        self.free_at.retain(|_, at| *at > quarter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries() -> Tries<u32> {
        let of_name = Limit {
            tries: 5,
            interval: 1000,
        };
        let of_address = Limit {
            tries: 3,
            interval: 100,
        };
        Tries::new(of_name, of_address)
    }

    /// Catches: one who guesses many passwords, of one name or of many.
    #[test]
    fn an_address_may_try_so_often() {
        let mut tries = tries();
        for name in ["a", "b", "c"] {
            assert_eq!(tries.take(name, &1, 50), Ok(()));
        }
        assert_eq!(tries.take("d", &1, 50), Err(100));
        assert_eq!(
            tries.take("d", &1, 149),
            Err(1),
            "what was refused does not count"
        );
        assert_eq!(tries.take("d", &1, 150), Ok(()));
        assert_eq!(tries.take("d", &1, 150), Err(100));
        assert_eq!(tries.take("a", &2, 150), Ok(()), "another address");
        // However long it has waited, no more are free than at first.
        let free = (0..9).filter(|_| tries.take("e", &1, 1_000_000).is_ok());
        assert_eq!(free.count(), 3);
    }

    /// Catches: a crowd that guesses the password of one name, and one that keeps its owner out.
    #[test]
    fn a_name_may_be_tried_so_often_but_from_where_its_owner_was() {
        let mut tries = tries();
        assert_eq!(tries.take("ann", &1, 0), Ok(()));
        tries.was_right("ann", &1);
        let crowd = (10..100).filter(|from| tries.take("ann", from, 0).is_ok());
        assert_eq!(crowd.count(), 5, "what was right does not count");
        assert_eq!(tries.take("ann", &100, 0), Err(1000));
        assert_eq!(tries.take("bob", &100, 0), Ok(()), "it has not counted");
        assert_eq!(tries.take("ann", &1, 0), Ok(()), "she was here before");
        let more = (0..9).filter(|_| tries.take("ann", &1, 0).is_ok());
        assert_eq!(more.count(), 2, "and guesses no more than others");
        assert_eq!(tries.take("bob", &1, 0), Err(100));
    }

    /// Catches: whoever logs in often taken for one who guesses.
    #[test]
    fn what_is_right_is_not_counted() {
        let mut tries = tries();
        for _ in 0..20 {
            assert_eq!(tries.take("ann", &1, 0), Ok(()));
            tries.was_right("ann", &1);
        }
    }

    /// Catches: memory for each name that somebody makes up; a crowd of names that sets free whoever
    /// has tried too often.
    #[test]
    fn no_more_are_remembered_than_so_many() {
        let mut tries = tries();
        while tries.take("ann", &0, 0).is_ok() {}
        for from in 1..3 * MOST as u32 {
            let name = from.to_string();
            assert_eq!(tries.take(&name, &from, 0), Ok(()));
            tries.was_right(&name, &from);
            tries.take(&name, &from, 0).expect("it was right");
        }
        assert!(
            tries.names.free_at.len() <= MOST,
            "{}",
            tries.names.free_at.len()
        );
        assert!(tries.addresses.free_at.len() <= MOST);
        assert!(tries.known.len() <= MOST && tries.order.len() <= MOST);
        assert_eq!(tries.take("bob", &0, 0), Err(100), "it is not forgotten");
    }
}

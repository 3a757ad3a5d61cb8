//! The handshakes that a server has under way, and which of them goes if there are too many.
//!
//! Whoever begins the most of them pushes out its own: the oldest goes of the address that has
//! most, not the oldest of all, which may be anybody's. Each call takes time as the logarithm of how
//! many there are, and none looks at all of them: they are most while somebody wants to cost time.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::rc::Rc;

use crate::net::Socket;

/// An address that is [counted](crate::net::counted) as one; `None` for all that have none, such as
/// who comes by a Unix socket.
type Whose = Option<IpAddr>;

/// Handshakes under way, each until its [`Place`] is gone.
pub(super) struct UnderWay<T>(Rc<RefCell<Table<T>>>);

struct Table<T> {
    /// The number that the next one gets: the older, the smaller.
    next: u64,
    count: usize,
    /// Of each address that has any, by their numbers.
    of: HashMap<Whose, BTreeMap<u64, T>>,
    /// The addresses, in the order in which they have to give something up: the last is the next.
    order: BTreeSet<(Rank, Whose)>,
}

/// How many an address has, and the number of its oldest.
type Rank = (usize, Reverse<u64>);

/// That of one handshake: it counts until this is dropped, which is when it is done, or its
/// connection is gone.
pub(super) struct Place<T = Socket> {
    table: Rc<RefCell<Table<T>>>,
    whose: Whose,
    number: u64,
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Table {
            next: 0,
            count: 0,
            of: HashMap::new(),
            order: BTreeSet::new(),
        })))
    }
}

impl<T> UnderWay<T> {
    /// One more begins.
    pub(super) fn begins(&self, it: T, whose: Whose) -> Place<T> {
        let mut table = self.0.borrow_mut();
        let number = table.next;
        table.next += 1;
        table.count += 1;
        table.change(whose, |own| {
            own.insert(number, it);
        });
        Place {
            table: Rc::clone(&self.0),
            whose,
            number,
        }
    }

    /// Takes out the one that is to be given up, if there are more than `most`: it does not count
    /// any more.
    pub(super) fn one_too_many(&self, most: usize) -> Option<T> {
        let mut table = self.0.borrow_mut();
        if table.count <= most {
            return None;
        }
        let &((_, Reverse(oldest)), whose) = table.order.last()?;
        table.remove(whose, oldest)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.borrow().count
    }
}

impl<T> Table<T> {
    fn remove(&mut self, whose: Whose, number: u64) -> Option<T> {
        let removed = self.change(whose, |own| own.remove(&number));
        self.count -= usize::from(removed.is_some());
        removed
    }

    /// Changes what one address has, and keeps its rank.
    fn change<R>(&mut self, whose: Whose, change: impl FnOnce(&mut BTreeMap<u64, T>) -> R) -> R {
        let own = self.of.entry(whose).or_default();
        if let Some(rank) = rank(own) {
            self.order.remove(&(rank, whose));
        }
        let result = change(own);
        match rank(own) {
            Some(rank) => {
                self.order.insert((rank, whose));
            }
            None => {
                self.of.remove(&whose);
            }
        }
        result
    }
}

fn rank<T>(own: &BTreeMap<u64, T>) -> Option<Rank> {
    let (&oldest, _) = own.first_key_value()?;
    Some((own.len(), Reverse(oldest)))
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        // It may have been given up already.
        self.table.borrow_mut().remove(self.whose, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Whose {
        Some([192, 0, 2, last].into())
    }

    #[test]
    fn whoever_has_most_gives_up_its_oldest() {
        let under_way = UnderWay::default();
        let begin = |name, whose| under_way.begins(name, whose);
        let places = [
            begin("honest", address(1)),
            begin("first", address(2)),
            begin("local", None),
            begin("second", address(2)),
            begin("third", address(2)),
            begin("also local", None),
        ];
        assert_eq!(under_way.one_too_many(6), None);
        assert_eq!(under_way.one_too_many(5), Some("first"));
        assert_eq!(under_way.count(), 5);
        // Both have two now, and the oldest of those is a local one.
        assert_eq!(under_way.one_too_many(4), Some("local"));
        assert_eq!(under_way.one_too_many(3), Some("second"));
        // Everybody has one.
        assert_eq!(under_way.one_too_many(2), Some("honest"));
        assert_eq!(under_way.one_too_many(1), Some("third"));
        drop(places);
        assert_eq!(under_way.count(), 0);
    }

    #[test]
    fn who_is_done_or_gone_does_not_count_and_leaves_nothing() {
        let under_way = UnderWay::default();
        let slow = under_way.begins("slow", address(1));
        let done: Vec<_> = (0..3)
            .map(|_| under_way.begins("done", address(1)))
            .collect();
        let others = [address(2), address(2)].map(|whose| under_way.begins("other", whose));
        drop(done);
        assert_eq!(under_way.count(), 3);
        assert_eq!(under_way.one_too_many(2), Some("other"));
        drop((slow, others));
        let table = under_way.0.borrow();
        assert_eq!((table.count, table.of.len(), table.order.len()), (0, 0, 0));
    }
}

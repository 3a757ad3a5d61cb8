//! What sockets make the process hold: bytes that wait to be sent or to be handed out, and what
//! protocols keep of messages that are not complete.
//!
//! Whoever keeps such memory keeps a [`Holding`] beside it, and the sum of all of them is known at
//! any time, for an addition where bytes are kept and one where they are let go. What is shared by
//! many outboxes counts once. The sum is the thread's, as its loops are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// What a piece of memory costs beside its bytes: its place in a queue, and the allocator's own.
const OVERHEAD: usize = 64;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// How many outboxes each piece waits in that is shared, by its address.
    static SHARED: RefCell<HashMap<usize, usize>> = RefCell::default();
}

/// Bytes that the loops of this thread hold for their sockets.
#[must_use]
pub fn held_bytes() -> usize {
    HELD.get()
}

/// A share of what is held, given back when it is dropped.
#[derive(Debug, Default)]
pub struct Holding(usize);

impl Holding {
    /// So many bytes, and what it costs to keep them.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let mut holding = Self::default();
        holding.set(bytes);
        holding
    }

    /// It is so many bytes now; none cost nothing.
    pub fn set(&mut self, bytes: usize) {
        let held = match bytes {
            0 => 0,
            bytes => bytes + OVERHEAD,
        };
        HELD.set(HELD.get() - self.0 + held);
        self.0 = held;
    }

    /// What it counts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// The same for bytes that may wait in other outboxes, too.
pub(super) struct SharedHolding {
    address: usize,
    length: usize,
    /// Its own place in the outbox.
    place: Holding,
}

impl SharedHolding {
    pub(super) fn new(bytes: &Rc<Vec<u8>>) -> Self {
        let address = Rc::as_ptr(bytes).addr();
        let length = bytes.capacity();
        let first = SHARED.with_borrow_mut(|shared| {
            let count = shared.entry(address).or_default();
            *count += 1;
            *count == 1
        });
        if first {
            HELD.set(HELD.get() + length);
        }
        Self {
            address,
            length,
            place: Holding::new(1),
        }
    }

    /// All that is let go of with it, if nobody else shares it.
    pub(super) fn bytes(&self) -> usize {
        self.length + self.place.bytes()
    }
}

impl Drop for SharedHolding {
    fn drop(&mut self) {
        let last = SHARED.with_borrow_mut(|shared| {
            let Some(count) = shared.get_mut(&self.address) else {
                return false;
            };
            *count -= 1;
            let last = *count == 0;
            if last {
                shared.remove(&self.address);
            }
            last
        });
        if last {
            HELD.set(HELD.get() - self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_until_it_is_let_go() {
        let before = held_bytes();
        let mut one = Holding::new(100);
        let two = Holding::new(1);
        assert_eq!(held_bytes() - before, 101 + 2 * OVERHEAD);
        one.set(0);
        drop(two);
        assert_eq!(held_bytes(), before);
    }

    #[test]
    fn what_waits_in_many_outboxes_counts_once() {
        let before = held_bytes();
        let bytes = Rc::new(vec![b'x'; 5000]);
        let mut outboxes: Vec<_> = (0..100).map(|_| SharedHolding::new(&bytes)).collect();
        assert!(held_bytes() - before < 5000 + 100 * 100);
        let last = outboxes.pop();
        drop(outboxes); // the first to hold it, too
        assert!(held_bytes() - before >= 5000);
        drop(last);
        assert_eq!(held_bytes(), before);
    }
}

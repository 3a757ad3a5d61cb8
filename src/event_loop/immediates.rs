//! The queue of the check phase.

use std::collections::VecDeque;

/// An immediate that has been set; pass it to
/// [`Context::clear_immediate`](super::Context::clear_immediate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Immediate(u64);

/// First in, first out. Ids are consecutive, so an id is also a place in the queue, and clearing
/// costs no search.
pub(super) struct Immediates<C> {
    queue: VecDeque<Entry<C>>,
    first: u64,
    referenced: usize,
}

struct Entry<C> {
    callback: Option<C>,
    referenced: bool,
}

impl<C> Default for Immediates<C> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            first: 0,
            referenced: 0,
        }
    }
}

impl<C> Immediates<C> {
    pub(super) fn push(&mut self, callback: C) -> Immediate {
        self.queue.push_back(Entry {
            callback: Some(callback),
            referenced: true,
        });
        self.referenced += 1;
        Immediate(self.end() - 1)
    }

    /// Takes the callback out; false if it has run or been cleared already.
    pub(super) fn clear(&mut self, immediate: Immediate) -> bool {
        let Some(entry) = self.entry(immediate) else {
            return false;
        };
        let was = entry.callback.take().is_some();
        if was && std::mem::take(&mut entry.referenced) {
            self.referenced -= 1;
        }
        was
    }

    /// Whether it holds the loop open.
    pub(super) fn set_referenced(&mut self, immediate: Immediate, referenced: bool) {
        let Some(entry) = self.entry(immediate) else {
            return;
        };
        if entry.callback.is_some() && entry.referenced != referenced {
            entry.referenced = referenced;
            if referenced {
                self.referenced += 1;
            } else {
                self.referenced -= 1;
            }
        }
    }

    pub(super) fn is_referenced(&mut self, immediate: Immediate) -> bool {
        self.entry(immediate).is_some_and(|entry| entry.referenced)
    }

    fn entry(&mut self, immediate: Immediate) -> Option<&mut Entry<C>> {
        let place = immediate.0.checked_sub(self.first)?;
        self.queue.get_mut(usize::try_from(place).ok()?)
    }

    /// One past the id of the last immediate set: what is set from now on is not before it.
    pub(super) fn end(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    /// The next callback among those set before `end`, skipping what was cleared.
    pub(super) fn next_before(&mut self, end: u64) -> Option<C> {
        while self.first < end {
            let entry = self.queue.pop_front()?;
            self.first += 1;
            if let Some(callback) = entry.callback {
                self.referenced -= usize::from(entry.referenced);
                return Some(callback);
            }
        }
        None
    }

    /// How many are set, those included that were cleared and not skipped yet.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether any immediate holds the loop open, and keeps the poll from sleeping.
    pub(super) fn any_referenced(&self) -> bool {
        self.referenced > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_order_and_leaves_new_ones_for_the_next_turn() {
        let mut immediates = Immediates::default();
        immediates.push("a");
        let end = immediates.end();
        assert_eq!(immediates.next_before(end), Some("a"));
        immediates.push("b");
        assert_eq!(immediates.next_before(end), None);
        assert!(immediates.any_referenced());
        assert_eq!(immediates.next_before(immediates.end()), Some("b"));
        assert!(!immediates.any_referenced());
    }

    #[test]
    fn a_cleared_one_never_runs_even_during_the_phase() {
        let mut immediates = Immediates::default();
        immediates.push("a");
        let b = immediates.push("b");
        let end = immediates.end();
        assert_eq!(immediates.next_before(end), Some("a"));
        assert!(immediates.clear(b));
        assert!(!immediates.clear(b));
        assert_eq!(immediates.next_before(end), None);
        assert!(!immediates.any_referenced());
    }

    #[test]
    fn an_unreferenced_one_does_not_hold_the_loop() {
        let mut immediates = Immediates::default();
        let a = immediates.push("a");
        immediates.set_referenced(a, false);
        immediates.set_referenced(a, false);
        assert!(!immediates.any_referenced());
        assert!(!immediates.is_referenced(a));
        assert_eq!(immediates.next_before(immediates.end()), Some("a"));
        assert!(!immediates.any_referenced());
    }
}

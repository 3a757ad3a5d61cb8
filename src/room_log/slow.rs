//! A log for tests: it settles what the test says, when it says so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use super::{RoomLog, Wake};
use crate::chat::{Draft, Millis, Settled, Unkept};

/// The log and the test hold the same.
#[derive(Clone, Default)]
pub(crate) struct SlowLog(Rc<RefCell<Desk>>);

#[derive(Default)]
struct Desk {
    appended: VecDeque<Draft>,
    settled: VecDeque<Settled>,
    number: u64,
    flushed: usize,
    wake: Option<Wake>,
}

impl fmt::Debug for SlowLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SlowLog").field(&self.len()).finish()
    }
}

impl RoomLog for SlowLog {
    fn append(&mut self, draft: Draft, _utc: Millis) -> Option<Settled> {
        self.0.borrow_mut().appended.push_back(draft);
        None
    }

    fn flush(&mut self) {
        self.0.borrow_mut().flushed += 1;
    }

    fn next_settled(&mut self) -> Option<Settled> {
        self.0.borrow_mut().settled.pop_front()
    }

    fn wake_by(&mut self, wake: Wake) {
        self.0.borrow_mut().wake = Some(wake);
    }
}

impl SlowLog {
    /// How many drafts it has not settled.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().appended.len()
    }

    /// How many turns were over that had brought something.
    pub(crate) fn flushed(&self) -> usize {
        self.0.borrow().flushed
    }

    /// Commits the draft that is at this place of those that wait. Its time is its number.
    pub(crate) fn commit(&self, at: usize) {
        self.settle(at, |draft, number| Settled::Committed {
            draft,
            number,
            time: number,
        });
    }

    pub(crate) fn refuse(&self, at: usize) {
        let why = Unkept::Full;
        self.settle(at, |draft, _| Settled::Refused { draft, why });
    }

    fn settle(&self, at: usize, settled: impl FnOnce(Draft, u64) -> Settled) {
        let mut desk = self.0.borrow_mut();
        let draft = desk.appended.remove(at).expect("it was appended");
        desk.number += 10;
        let settled = settled(draft, desk.number);
        desk.settled.push_back(settled);
        if let Some(wake) = &desk.wake {
            wake();
        }
    }
}

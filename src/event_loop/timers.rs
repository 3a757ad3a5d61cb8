//! Timers as Node keeps them: one list a duration, and a queue of the lists.
//!
//! All timers of one duration expire in the order in which they were set, so each duration is a
//! plain linked list: setting, clearing and refreshing a timer cost the same however many are
//! pending. Only the lists are sorted, by the expiry of their heads. When a list is due, all of its
//! overdue timers run before the next list's: Node's order, by construction (a heap of timers
//! would give another one).

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::time::Duration;

use slab::Slab;

use super::HandleId;

/// The longest delay in milliseconds; a longer one, like zero, becomes 1, as in Node.
pub(super) const LONGEST: u64 = (1 << 31) - 1;

const NONE: u32 = u32::MAX;

/// A length of time in what the loop counts in, whole milliseconds. A part of one counts as one, so
/// that nothing is due before its time.
pub(crate) fn millis(time: Duration) -> u64 {
    let rest = time.subsec_nanos().div_ceil(1_000_000);
    let whole = time.as_secs().saturating_mul(1000);
    whole.saturating_add(u64::from(rest))
}

/// What a delay in milliseconds is taken for.
fn delay(millis: u64) -> u64 {
    if (1..=LONGEST).contains(&millis) {
        millis
    } else {
        1
    }
}

/// The delay that a timer has which is set to this time.
pub(super) fn whole_delay(time: Duration) -> Duration {
    Duration::from_millis(delay(millis(time)))
}

/// As [`millis`], but not more than a timer can be set to.
pub(crate) fn timer_millis(time: Duration) -> u32 {
    millis(time).min(LONGEST) as u32
}

/// A timer that has been set; pass it to [`Context::clear_timer`](super::Context::clear_timer).
///
/// A small copyable id. Once the timer has fired (and is no interval) or was cleared, the id
/// is stale and everything done with it is a no-op, even if another timer took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    index: u32,
    generation: NonZeroU32,
}

/// What a timer calls.
pub(super) enum Target<C> {
    /// A program's callback.
    Callback(C),
    /// A handle's own timeout, which needs no closure.
    Handle(HandleId),
}

impl<C> Target<C> {
    pub(super) fn handle(&self) -> Option<HandleId> {
        match self {
            Self::Callback(_) => None,
            Self::Handle(id) => Some(*id),
        }
    }
}

/// What a pass comes to.
pub(super) enum Due {
    /// The list that is next; its timers are looked at once the ticks of the one before have run.
    List,
    /// The timer that is next, to be [taken](Timers::take). Ticks that run before that may clear
    /// it, but no longer put it off.
    Timer(Timer),
}

/// One pass over what is due at one point in time.
pub(super) struct Pass {
    now: u64,
    list: Option<u64>,
}

struct Entry<C> {
    generation: NonZeroU32,
    duration: u64,
    start: u64,
    prev: u32,
    next: u32,
    /// Its list, while it is linked.
    list: Option<u32>,
    repeats: bool,
    /// It is set, or its callback is running: only then may it hold the loop open.
    armed: bool,
    referenced: bool,
    /// It stays known once it has fired, to be refreshed.
    reusable: bool,
    /// It starts anew if the loop was held up in its time.
    deadline: bool,
    target: Option<Target<C>>,
}

/// The timers of one duration; empty, both ends are [`NONE`].
struct List {
    head: u32,
    tail: u32,
    /// When the list asked to be looked at; the head may have gone since.
    expiry: u64,
    order: u64,
}

pub(super) struct Timers<C> {
    entries: Slab<Entry<C>>,
    lists: Slab<List>,
    /// The list of each duration. A timer that is linked knows its own.
    by_duration: HashMap<u64, u32>,
    /// (expiry, order of creation, duration) of every list.
    queue: BTreeSet<(u64, u64, u64)>,
    next_order: u64,
    generation: NonZeroU32,
    referenced: usize,
}

impl<C> Default for Timers<C> {
    fn default() -> Self {
        Self {
            entries: Slab::new(),
            lists: Slab::new(),
            by_duration: HashMap::new(),
            queue: BTreeSet::new(),
            next_order: 0,
            generation: NonZeroU32::MIN,
            referenced: 0,
        }
    }
}

impl<C> Timers<C> {
    /// Sets a timer for `start + duration`.
    pub(super) fn insert(
        &mut self,
        start: u64,
        duration: u64,
        repeats: bool,
        referenced: bool,
        target: Target<C>,
    ) -> Timer {
        let duration = delay(duration);
        let generation = self.generation;
        self.generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let index = self.entries.insert(Entry {
            generation,
            duration,
            start,
            prev: NONE,
            next: NONE,
            list: None,
            repeats,
            armed: false,
            referenced,
            reusable: false,
            deadline: false,
            target: Some(target),
        }) as u32;
        self.link(index, start);
        Timer { index, generation }
    }

    /// Forgets a timer; false if it was gone already.
    pub(super) fn clear(&mut self, timer: Timer) -> bool {
        let Some(entry) = self.get(timer) else {
            return false;
        };
        let (held, referenced) = (entry.armed && entry.referenced, entry.referenced);
        let duration = entry.duration;
        self.unlink(timer.index);
        self.entries.remove(timer.index as usize);
        self.referenced -= usize::from(held);
        // An unreferenced timer is most likely an idle timeout, and another of its duration soon to
        // come: as in Node its list stays, until it is looked at.
        if referenced {
            self.remove_if_empty(duration);
        }
        true
    }

    /// Starts a timer's period anew; false if it is gone. In its own callback it re-arms it. Its
    /// list stays where it is in the queue, also if it is the only one there: for a socket's idle
    /// timeout that is what makes each read and write cheap.
    pub(super) fn refresh(&mut self, timer: Timer, now: u64) -> bool {
        let Some(entry) = self.get(timer) else {
            return false;
        };
        if entry.list.is_some() && entry.next == NONE {
            entry.start = now; // the last of its list is where it belongs
            return true;
        }
        match self.unlink(timer.index) {
            Some(list) => self.append(timer.index, list, now),
            None => self.link(timer.index, now),
        }
        true
    }

    /// Whether it holds the loop open.
    pub(super) fn set_referenced(&mut self, timer: Timer, referenced: bool) {
        let Some(entry) = self.get(timer) else { return };
        if std::mem::replace(&mut entry.referenced, referenced) != referenced && entry.armed {
            if referenced {
                self.referenced += 1;
            } else {
                self.referenced -= 1;
            }
        }
    }

    /// Whether it stays known once it has fired; otherwise it is forgotten then.
    pub(super) fn set_reusable(&mut self, timer: Timer, reusable: bool) {
        let Some(entry) = self.get(timer) else { return };
        entry.reusable = reusable;
        if !reusable && !entry.armed {
            self.clear(timer);
        }
    }

    /// Makes it a deadline of somebody else's.
    pub(super) fn set_deadline(&mut self, timer: Timer) {
        if let Some(entry) = self.get(timer) {
            entry.deadline = true;
        }
    }

    /// When a deadline was set; `None` for any other timer.
    pub(super) fn deadline_start(&mut self, timer: Timer) -> Option<u64> {
        let entry = self.get(timer).filter(|entry| entry.deadline)?;
        Some(entry.start)
    }

    pub(super) fn is_referenced(&mut self, timer: Timer) -> bool {
        self.get(timer).is_some_and(|entry| entry.referenced)
    }

    pub(super) fn any_referenced(&self) -> bool {
        self.referenced > 0
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the first list wants to be looked at.
    pub(super) fn next_expiry(&self) -> Option<u64> {
        self.queue.first().map(|&(expiry, ..)| expiry)
    }

    /// Begins a pass over what is due at `now`.
    pub(super) fn pass(&self, now: u64) -> Pass {
        Pass { now, list: None }
    }

    /// What is next in the pass.
    pub(super) fn next_due(&mut self, pass: &mut Pass) -> Option<Due> {
        loop {
            let Some(duration) = pass.list else {
                let &(expiry, _, duration) = self.queue.first()?;
                if expiry > pass.now {
                    return None;
                }
                pass.list = Some(duration);
                return Some(Due::List);
            };
            let place = self.by_duration.get(&duration).copied();
            let head = place.map(|place| (place, self.lists[place as usize].head));
            let Some((place, index)) = head.filter(|&(_, head)| head != NONE) else {
                self.remove_if_empty(duration);
                pass.list = None; // its last timer ran, or was cleared
                continue;
            };
            let entry = &self.entries[index as usize];
            if pass.now.saturating_sub(entry.start) < duration {
                // Not due yet: the list goes back into the queue, behind its equals.
                let expiry = entry.start + duration;
                self.requeue(place, duration, expiry);
                pass.list = None;
                continue;
            }
            return Some(Due::Timer(Timer {
                index,
                generation: entry.generation,
            }));
        }
    }

    /// Takes a timer out of its list to be called, unless it was cleared. Call
    /// [`fired`](Self::fired) with what it calls after that.
    pub(super) fn take(&mut self, timer: Timer) -> Option<Target<C>> {
        let target = self.get(timer)?.target.take();
        self.unlink(timer.index);
        target
    }

    /// Ends a callback: an interval counts on from `start`, a refreshed timeout stays set, any
    /// other is forgotten.
    pub(super) fn fired(&mut self, timer: Timer, start: u64, target: Target<C>) {
        let Some(entry) = self.get(timer) else { return }; // cleared by its own callback
        entry.target = Some(target);
        if entry.repeats {
            self.unlink(timer.index); // a refresh by its own callback does not count
            self.link(timer.index, start);
        } else if entry.list.is_some() {
            // Refreshed by its own callback.
        } else if entry.reusable {
            entry.armed = false;
            let held = entry.referenced;
            self.referenced -= usize::from(held);
        } else {
            self.clear(timer);
        }
    }

    fn get(&mut self, timer: Timer) -> Option<&mut Entry<C>> {
        self.entries
            .get_mut(timer.index as usize)
            .filter(|entry| entry.generation == timer.generation)
    }

    fn link(&mut self, index: u32, start: u64) {
        let duration = self.entries[index as usize].duration;
        let place = *self.by_duration.entry(duration).or_insert_with(|| {
            let (expiry, order) = (start + duration, self.next_order);
            self.next_order += 1;
            self.queue.insert((expiry, order, duration));
            let list = List {
                head: NONE,
                tail: NONE,
                expiry,
                order,
            };
            self.lists.insert(list) as u32
        });
        self.append(index, place, start);
    }

    /// Puts a timer at the end of a list.
    fn append(&mut self, index: u32, place: u32, start: u64) {
        let list = &mut self.lists[place as usize];
        if list.head == NONE {
            list.head = index;
        }
        let tail = std::mem::replace(&mut list.tail, index);
        if tail != NONE {
            self.entries[tail as usize].next = index;
        }
        let entry = &mut self.entries[index as usize];
        (entry.start, entry.prev, entry.next) = (start, tail, NONE);
        entry.list = Some(place);
        if !std::mem::replace(&mut entry.armed, true) && entry.referenced {
            self.referenced += 1;
        }
    }

    /// Takes a timer out of its list; which one that was.
    fn unlink(&mut self, index: u32) -> Option<u32> {
        let entry = &mut self.entries[index as usize];
        let place = entry.list.take()?;
        let (prev, next) = (entry.prev, entry.next);
        if prev != NONE {
            self.entries[prev as usize].next = next;
        }
        if next != NONE {
            self.entries[next as usize].prev = prev;
        }
        let list = &mut self.lists[place as usize];
        if list.head == index {
            list.head = next;
        }
        if list.tail == index {
            list.tail = prev;
        }
        Some(place)
    }

    fn remove_if_empty(&mut self, duration: u64) {
        if let Some(&place) = self.by_duration.get(&duration)
            && self.lists[place as usize].head == NONE
        {
            let list = self.lists.remove(place as usize);
            self.by_duration.remove(&duration);
            self.queue.remove(&(list.expiry, list.order, duration));
        }
    }

    fn requeue(&mut self, place: u32, duration: u64, expiry: u64) {
        let list = &mut self.lists[place as usize];
        self.queue.remove(&(list.expiry, list.order, duration));
        (list.expiry, list.order) = (expiry, self.next_order);
        self.next_order += 1;
        self.queue.insert((list.expiry, list.order, duration));
    }
}

#[cfg(test)]
mod tests;

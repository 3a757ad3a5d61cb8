//! The handles of a loop, what each is known to be ready for, and the queues between the phases.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use mio::Token;
use slab::Slab;

use super::async_handle::AsyncCallback;
use super::poll_handle::Polled;
use super::{Context, Readiness};

/// A kind of thing that a loop polls, and what the loop calls at each phase.
///
/// All of a kind's functions are called by the loop, never by each other, with the program's
/// state and the loop lent to them. They take an id instead of `&mut self`, because the callbacks
/// they go on to call may reach any handle, this one included.
pub trait Handle: Sized {
    /// The program's own state.
    type State;

    /// Poll phase: something is known of the handle in [`Context::readiness`]. Do a bounded amount
    /// of work and clear what was used up; [`Context::queue_ready`] asks for another go next turn.
    fn ready(state: &mut Self::State, cx: &mut Context<Self>, id: HandleId);

    /// Pending phase: what was put off to it is due.
    fn pending(state: &mut Self::State, cx: &mut Context<Self>, id: HandleId);

    /// Closing phase: the handle was closed. Its slot is freed when this returns, unless it was
    /// kept.
    fn closed(state: &mut Self::State, cx: &mut Context<Self>, id: HandleId);

    /// Timers phase: the handle's own timer, set with [`Context::set_handle_timeout`], is due.
    fn timeout(state: &mut Self::State, cx: &mut Context<Self>, id: HandleId);

    /// What a handle is, for people who look at a [recorded turn](super::Recording).
    fn kind(&self) -> &'static str {
        "handle"
    }
}

/// Names a handle: its place in the slab, and a generation that no other handle of that place
/// has. An id whose handle is gone is stale, and everything done with it is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandleId {
    index: u32,
    generation: NonZeroU32,
}

impl HandleId {
    /// The place in the slab: small, and free for another handle once this one is gone.
    #[must_use]
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// The token under which the handle is registered with the poll: both halves, so that an event
    /// for a handle that is gone is known as such.
    #[must_use]
    pub fn token(self) -> Token {
        const { assert!(usize::BITS >= 64, "a token holds an index and a generation") };
        Token((self.generation.get() as usize) << 32 | self.index as usize)
    }

    fn from_token(token: Token) -> Option<Self> {
        let generation = NonZeroU32::new((token.0 >> 32) as u32)?;
        Some(Self {
            index: token.0 as u32,
            generation,
        })
    }
}

enum Kind<H> {
    Handle(H),
    /// `None` while it is being set up, and while its callback runs.
    Poll(Option<Box<dyn Polled<H>>>),
    /// `None` while its callback runs.
    Async(Option<Box<dyn AsyncCallback<H>>>),
}

struct Slot<H> {
    generation: NonZeroU32,
    readiness: Readiness,
    closing: Closing,
    marks: Marks,
    kind: Kind<H>,
}

/// Bytes that a handle takes, with what the loop keeps of it.
pub(crate) const fn slot_size<H>() -> usize {
    size_of::<Slot<H>>()
}

/// What else is so of a handle, in one byte: there are thousands of them.
#[derive(Clone, Copy)]
struct Marks(u8);

impl Marks {
    /// It is in the ready queue.
    const IN_READY: u8 = 1;
    /// It is in the pending queue.
    const IN_PENDING: u8 = 1 << 1;
    /// It may bring an event.
    const ACTIVE: u8 = 1 << 2;
    /// If so, it holds the loop open.
    const REFERENCED: u8 = 1 << 3;

    fn has(self, mark: u8) -> bool {
        self.0 & mark == mark
    }

    fn set(&mut self, mark: u8, is_so: bool) {
        match is_so {
            true => self.0 |= mark,
            false => self.0 &= !mark,
        }
    }
}

/// How far a handle is from being gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    Open,
    /// On the closing stack.
    Queued,
    /// Its close is being told; its slot is freed then, unless it is opened or even closed anew.
    Told,
}

/// Who is next in the ready queue.
pub(super) enum Ready {
    Handle(HandleId),
    Poll(HandleId),
    Async(HandleId),
}

pub(super) struct Handles<H> {
    slots: Slab<Slot<H>>,
    generation: NonZeroU32,
    ready: VecDeque<HandleId>,
    pending: Vec<HandleId>,
    closing: Vec<HandleId>,
    /// A part of a handle is closing that itself stays: a listener of a server.
    part_closing: bool,
    /// Handles that are active and referenced: while there are any the loop goes on.
    holding: usize,
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self {
            slots: Slab::new(),
            generation: NonZeroU32::MIN,
            ready: VecDeque::new(),
            pending: Vec::new(),
            closing: Vec::new(),
            part_closing: false,
            holding: 0,
        }
    }
}

impl<H> Handles<H> {
    pub(super) fn insert(&mut self, handle: H) -> HandleId {
        self.insert_kind(Kind::Handle(handle))
    }

    /// A place for a poll handle, whose id is needed to register its source;
    /// [`put_poll`](Self::put_poll) fills it.
    pub(super) fn reserve_poll(&mut self) -> HandleId {
        self.insert_kind(Kind::Poll(None))
    }

    fn insert_kind(&mut self, kind: Kind<H>) -> HandleId {
        let generation = self.generation;
        self.generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let index = self.slots.insert(Slot {
            generation,
            readiness: Readiness::NONE,
            closing: Closing::Open,
            marks: Marks(Marks::REFERENCED),
            kind,
        });
        HandleId {
            index: index as u32,
            generation,
        }
    }

    fn slot(&self, id: HandleId) -> Option<&Slot<H>> {
        self.slots
            .get(id.index())
            .filter(|slot| slot.generation == id.generation)
    }

    fn slot_mut(&mut self, id: HandleId) -> Option<&mut Slot<H>> {
        self.slots
            .get_mut(id.index())
            .filter(|slot| slot.generation == id.generation)
    }

    /// A handle's slot, unless it is closing.
    fn open_mut(&mut self, id: HandleId) -> Option<&mut Slot<H>> {
        self.slot_mut(id)
            .filter(|slot| slot.closing == Closing::Open)
    }

    pub(super) fn get(&self, id: HandleId) -> Option<&H> {
        match &self.slot(id)?.kind {
            Kind::Handle(handle) => Some(handle),
            Kind::Poll(_) | Kind::Async(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: HandleId) -> Option<&mut H> {
        match &mut self.slot_mut(id)?.kind {
            Kind::Handle(handle) => Some(handle),
            Kind::Poll(_) | Kind::Async(_) => None,
        }
    }

    /// A poll handle's source and callback, taken out while they are used, or to close it.
    pub(super) fn take_poll(&mut self, id: HandleId) -> Option<Box<dyn Polled<H>>> {
        match &mut self.slot_mut(id)?.kind {
            Kind::Poll(polled) => polled.take(),
            Kind::Handle(_) | Kind::Async(_) => None,
        }
    }

    /// Puts them back, or gives them back if the handle was closed meanwhile.
    pub(super) fn put_poll(
        &mut self,
        id: HandleId,
        taken: Box<dyn Polled<H>>,
    ) -> Option<Box<dyn Polled<H>>> {
        match self.open_mut(id).map(|slot| &mut slot.kind) {
            Some(Kind::Poll(polled)) => {
                *polled = Some(taken);
                None
            }
            _ => Some(taken),
        }
    }

    pub(super) fn insert_async(&mut self, callback: Box<dyn AsyncCallback<H>>) -> HandleId {
        self.insert_kind(Kind::Async(Some(callback)))
    }

    /// An async handle's callback, taken out while it runs, or to close it.
    pub(super) fn take_async(&mut self, id: HandleId) -> Option<Box<dyn AsyncCallback<H>>> {
        match &mut self.slot_mut(id)?.kind {
            Kind::Async(callback) => callback.take(),
            Kind::Handle(_) | Kind::Poll(_) => None,
        }
    }

    /// Puts it back, unless the handle was closed meanwhile.
    pub(super) fn put_async(&mut self, id: HandleId, taken: Box<dyn AsyncCallback<H>>) {
        if let Some(Kind::Async(callback)) = self.open_mut(id).map(|slot| &mut slot.kind) {
            *callback = Some(taken);
        }
    }

    pub(super) fn readiness(&self, id: HandleId) -> Readiness {
        self.slot(id).map_or(Readiness::NONE, |slot| slot.readiness)
    }

    pub(super) fn clear_readiness(&mut self, id: HandleId, used: Readiness) {
        if let Some(slot) = self.slot_mut(id) {
            slot.readiness = slot.readiness.without(used);
        }
    }

    /// Adds what the poll said about a token. A token that names no handle, or one that is
    /// closing, is ignored.
    pub(super) fn remember(&mut self, token: Token, readiness: Readiness) {
        let Some(id) = HandleId::from_token(token) else {
            return;
        };
        if let Some(slot) = self.open_mut(id) {
            slot.readiness |= readiness;
            self.queue_ready(id);
        }
    }

    /// Puts a handle on the ready queue, once: the next poll does not sleep.
    pub(super) fn queue_ready(&mut self, id: HandleId) {
        if let Some(slot) = self
            .open_mut(id)
            .filter(|slot| !slot.marks.has(Marks::IN_READY))
        {
            slot.marks.set(Marks::IN_READY, true);
            self.ready.push_back(id);
        }
    }

    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn closing_len(&self) -> usize {
        self.closing.len()
    }

    /// The next of the ready queue; `None` also for a handle that was closed while it waited.
    pub(super) fn next_ready(&mut self) -> Option<Ready> {
        let id = self.ready.pop_front()?;
        let slot = self.slot_mut(id)?;
        slot.marks.set(Marks::IN_READY, false);
        match (slot.closing != Closing::Open, &slot.kind) {
            (true, _) => None,
            (false, Kind::Handle(_)) => Some(Ready::Handle(id)),
            (false, Kind::Poll(_)) => Some(Ready::Poll(id)),
            (false, Kind::Async(_)) => Some(Ready::Async(id)),
        }
    }

    pub(super) fn pend(&mut self, id: HandleId) {
        if let Some(slot) = self
            .slot_mut(id)
            .filter(|slot| !slot.marks.has(Marks::IN_PENDING))
        {
            slot.marks.set(Marks::IN_PENDING, true);
            self.pending.push(id);
        }
    }

    pub(super) fn take_pending(&mut self) -> Vec<HandleId> {
        std::mem::take(&mut self.pending)
    }

    /// Takes a handle off the pending queue; false if it was closed while it waited.
    pub(super) fn start_pending(&mut self, id: HandleId) -> bool {
        self.slot_mut(id).is_some_and(|slot| {
            let is_queued = slot.marks.has(Marks::IN_PENDING);
            slot.marks.set(Marks::IN_PENDING, false);
            is_queued && slot.closing == Closing::Open
        })
    }

    /// Puts a handle on the closing stack, once. It takes no further event.
    pub(super) fn close(&mut self, id: HandleId) {
        self.set_active(id, false);
        if let Some(slot) = self.open_mut(id) {
            slot.closing = Closing::Queued;
            slot.readiness = Readiness::NONE;
            self.closing.push(id);
        }
    }

    /// Waits for the closing phase, without anyone to tell there.
    pub(super) fn close_part(&mut self) {
        self.part_closing = true;
    }

    pub(super) fn take_closing(&mut self) -> Vec<HandleId> {
        self.part_closing = false;
        std::mem::take(&mut self.closing)
    }

    /// Keeps a closed handle's slot and id.
    pub(super) fn reopen(&mut self, id: HandleId) {
        if let Some(slot) = self.slot_mut(id) {
            slot.closing = Closing::Open;
        }
    }

    /// The close of a handle is about to be told; false if it was opened anew before.
    pub(super) fn start_closing(&mut self, id: HandleId) -> bool {
        let slot = self
            .slot_mut(id)
            .filter(|slot| slot.closing == Closing::Queued);
        slot.map(|slot| slot.closing = Closing::Told).is_some()
    }

    /// Frees the slot of a handle whose close was told, unless it was opened anew meanwhile.
    pub(super) fn finish_closing(&mut self, id: HandleId) {
        if self
            .slot(id)
            .is_some_and(|slot| slot.closing == Closing::Told)
        {
            self.slots.remove(id.index());
        }
    }

    /// Whether the handle has anything going on that could bring an event.
    pub(super) fn set_active(&mut self, id: HandleId, active: bool) {
        self.update_holding(id, |slot| slot.marks.set(Marks::ACTIVE, active));
    }

    pub(super) fn set_referenced(&mut self, id: HandleId, referenced: bool) {
        self.update_holding(id, |slot| slot.marks.set(Marks::REFERENCED, referenced));
    }

    pub(super) fn is_referenced(&self, id: HandleId) -> bool {
        self.slot(id)
            .is_some_and(|slot| slot.marks.has(Marks::REFERENCED))
    }

    fn update_holding(&mut self, id: HandleId, change: impl FnOnce(&mut Slot<H>)) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let before = slot.marks.has(Marks::ACTIVE | Marks::REFERENCED);
        change(slot);
        let after = slot.marks.has(Marks::ACTIVE | Marks::REFERENCED);
        self.holding = self.holding + usize::from(after) - usize::from(before);
    }

    /// True while a handle holds the loop open, or a close is still to be told.
    pub(super) fn any_alive(&self) -> bool {
        self.holding > 0 || self.any_closing() || !self.pending.is_empty()
    }

    /// True if a phase has work already, so that the poll must not sleep.
    pub(super) fn any_queued(&self) -> bool {
        !self.ready.is_empty() || !self.pending.is_empty() || self.any_closing()
    }

    fn any_closing(&self) -> bool {
        self.part_closing || !self.closing.is_empty()
    }
}

#[cfg(test)]
mod tests;

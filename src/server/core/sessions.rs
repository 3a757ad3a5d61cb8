//! A member's connections: nearly always one.
//!
//! Others see one member, however many connections it has. Each of them hears all, and reads as
//! fast as it does; what one of them asks is answered there.
//!
//! Whoever has one connection costs nothing more: its session has the numbers of its member, and
//! tables are indexed by those. Only further sessions are kept here.

use std::collections::HashMap;
use std::num::NonZeroU32;

use slab::Slab;

use crate::chat::MemberId;

/// One connection of a member.
///
/// As with a [`MemberId`], an id is never valid again once its session is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SessionId {
    /// The member's, or the place among further sessions with [`FURTHER`] added.
    index: u32,
    /// Never zero, so that an `Option` of it is no larger.
    generation: NonZeroU32,
}

/// In an index: it is not the session that its member came with.
const FURTHER: u32 = 1 << 31;

enum Kind {
    /// The one that a member came with.
    First(MemberId),
    /// One that joined a member which was there, by its place.
    Further(usize),
}

impl From<MemberId> for SessionId {
    /// The session that a member comes with.
    fn from(member: MemberId) -> Self {
        let (index, generation) = member.parts();
        Self { index, generation }
    }
}

impl SessionId {
    fn kind(self) -> Kind {
        match self.index & FURTHER {
            0 => Kind::First(MemberId::from_parts(self.index, self.generation)),
            _ => Kind::Further((self.index - FURTHER) as usize),
        }
    }
}

/// The members that have, or had, more sessions than the one they came with, or none any more.
#[derive(Debug, Default)]
pub struct Sessions {
    further: Slab<Further>,
    several: HashMap<MemberId, Several>,
    /// Counts further sessions, for their generations.
    arrivals: u32,
}

#[derive(Debug)]
struct Further {
    member: MemberId,
    generation: NonZeroU32,
}

#[derive(Debug)]
struct Several {
    /// The session that the member came with is still there.
    has_first: bool,
    /// In the order in which they came.
    further: Vec<SessionId>,
}

impl Several {
    fn end(&mut self, session: SessionId) {
        match session.kind() {
            Kind::First(_) => self.has_first = false,
            Kind::Further(_) => self.further.retain(|other| *other != session),
        }
    }

    /// Its member is still there, but none of its sessions.
    fn is_empty(&self) -> bool {
        !self.has_first && self.further.is_empty()
    }
}

impl Sessions {
    /// Whose session it is, or was; `None` if nothing is kept of it.
    #[must_use]
    pub fn member(&self, session: SessionId) -> Option<MemberId> {
        match session.kind() {
            Kind::First(member) => Some(member),
            Kind::Further(index) => {
                let found = self.further.get(index)?;
                (found.generation == session.generation).then_some(found.member)
            }
        }
    }

    /// The sessions of a member that is there, in the order in which they came.
    pub fn of(&self, member: MemberId) -> impl Iterator<Item = SessionId> {
        let several = match self.several.is_empty() {
            true => None, // nearly always
            false => self.several.get(&member),
        };
        let has_first = several.is_none_or(|several| several.has_first);
        let first = has_first.then(|| SessionId::from(member));
        let further = several.map_or(&[][..], |several| &several.further);
        first.into_iter().chain(further.iter().copied())
    }

    /// Whether a session of a member that is there has not ended.
    #[must_use]
    pub fn has(&self, session: SessionId) -> bool {
        let member = self.member(session);
        member.is_some_and(|member| self.of(member).any(|one| one == session))
    }

    /// The sessions of a member beside the one that it came with.
    pub fn further(&self, member: MemberId) -> impl Iterator<Item = SessionId> {
        let several = self.several.get(&member);
        several
            .into_iter()
            .flat_map(|several| several.further.iter().copied())
    }

    /// Whether a member that is there has more than one.
    #[must_use]
    pub fn has_several(&self, member: MemberId) -> bool {
        self.of(member).nth(1).is_some()
    }

    /// Whether everybody has just the session it came with.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.several.is_empty()
    }

    /// Whether there is no session beside those that members came with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.further.is_empty() && self.several.is_empty()
    }

    /// One more session of a member that is there.
    pub fn attach(&mut self, member: MemberId) -> SessionId {
        self.arrivals = self.arrivals.wrapping_add(1).max(1);
        let generation = NonZeroU32::new(self.arrivals).unwrap_or(NonZeroU32::MIN);
        let index = self.further.insert(Further { member, generation }) as u32;
        let session = SessionId {
            index: index + FURTHER,
            generation,
        };
        let several = self.several.entry(member).or_insert_with(|| Several {
            has_first: true,
            further: Vec::new(),
        });
        several.further.push(session);
        session
    }

    /// A session has ended, while its member is there: it is none of its member's any more. Does
    /// nothing if it had ended before.
    pub fn detach(&mut self, session: SessionId) {
        let Some(member) = self.member(session) else {
            return;
        };
        let several = self.several.entry(member).or_insert_with(|| Several {
            has_first: true,
            further: Vec::new(),
        });
        several.end(session);
        // Of who has just the one it came with there is nothing to remember.
        if several.has_first && several.further.is_empty() {
            self.several.remove(&member);
        }
    }

    /// A member has left. Of one whose sessions had all ended before nothing more is kept.
    pub fn left(&mut self, member: MemberId) {
        if self.several.get(&member).is_some_and(Several::is_empty) {
            self.several.remove(&member);
        }
    }

    /// Nothing more is kept of a session, and another may have its place. False if nothing was.
    pub fn forget(&mut self, session: SessionId) -> bool {
        let member = self.member(session);
        let is_kept = member.is_some();
        if let Some(member) = member.filter(|_| self.has(session))
            && let Some(several) = self.several.get_mut(&member)
        {
            several.end(session);
            if several.further.is_empty() {
                self.several.remove(&member);
            }
        }
        if let (Kind::Further(index), true) = (session.kind(), is_kept) {
            self.further.remove(index);
        }
        is_kept
    }
}

/// Something of each session.
#[derive(Clone, Debug)]
pub(in crate::server) struct SessionTable<T> {
    first: Vec<T>,
    further: Vec<T>,
}

impl<T> Default for SessionTable<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            further: Vec::new(),
        }
    }
}

impl<T: Default> SessionTable<T> {
    pub(in crate::server) fn get(&self, session: SessionId) -> Option<&T> {
        match session.kind() {
            Kind::First(member) => self.first.get(member.index()),
            Kind::Further(index) => self.further.get(index),
        }
    }

    pub(in crate::server) fn get_mut(&mut self, session: SessionId) -> Option<&mut T> {
        match session.kind() {
            Kind::First(member) => self.first.get_mut(member.index()),
            Kind::Further(index) => self.further.get_mut(index),
        }
    }

    /// What there is of a session, by default if nothing was.
    pub(in crate::server) fn entry(&mut self, session: SessionId) -> &mut T {
        let (table, index) = match session.kind() {
            Kind::First(member) => (&mut self.first, member.index()),
            Kind::Further(index) => (&mut self.further, index),
        };
        if table.len() <= index {
            table.resize_with(index + 1, T::default);
        }
        &mut table[index]
    }

    pub(in crate::server) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.further)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests::members;

    #[test]
    fn most_members_have_the_session_they_came_with() {
        let sessions = Sessions::default();
        let ann = members(1)[0];
        assert!(sessions.of(ann).eq([SessionId::from(ann)]));
        assert!(sessions.has(ann.into()) && !sessions.has_several(ann));
        assert_eq!(sessions.member(ann.into()), Some(ann));
        assert!(sessions.is_plain() && sessions.is_empty());
    }

    #[test]
    fn each_session_ends_once_and_leaves_the_others() {
        let mut sessions = Sessions::default();
        let [ann, bob] = members(2).try_into().expect("two");
        let first = SessionId::from(ann);
        let [second, third] = [(); 2].map(|()| sessions.attach(ann));
        assert!(sessions.of(ann).eq([first, second, third]));
        assert!(sessions.further(ann).eq([second, third]));
        assert!(sessions.of(bob).eq([bob.into()]));
        for _ in 0..2 {
            sessions.detach(first);
            assert!(sessions.of(ann).eq([second, third]) && !sessions.has(first));
        }
        sessions.detach(second);
        assert!(sessions.of(ann).eq([third]) && !sessions.has_several(ann));
        assert!(!sessions.is_plain(), "it is not the one that she came with");
        sessions.detach(third);
        assert_eq!(sessions.of(ann).next(), None, "she has outlived them");
        assert!(!sessions.is_plain());
        sessions.left(bob);
        sessions.left(ann);
        assert!(sessions.is_plain() && !sessions.is_empty());
        assert_eq!(
            sessions.member(third),
            Some(ann),
            "it is still to be forgotten"
        );
        assert!([second, third].map(|session| sessions.forget(session)) == [true; 2]);
        assert!([second, third].map(|session| sessions.forget(session)) == [false; 2]);
        assert!(sessions.is_empty());
    }

    #[test]
    fn whoever_has_one_again_is_plain() {
        let mut sessions = Sessions::default();
        let ann = members(1)[0];
        let second = sessions.attach(ann);
        sessions.detach(second);
        assert!(sessions.is_plain() && sessions.has(ann.into()) && !sessions.has(second));
    }

    /// Catches: an id that means another session once its place is used again.
    #[test]
    fn a_place_is_used_again_by_another_id_and_not_before_it_was_forgotten() {
        let mut sessions = Sessions::default();
        let mut table = SessionTable::<u32>::default();
        let [ann, bob] = members(2).try_into().expect("two");
        let old = sessions.attach(ann);
        *table.entry(old) = 1;
        sessions.detach(old);
        let other = sessions.attach(bob);
        *table.entry(other) = 2;
        assert_eq!(table.get(old), Some(&1), "it is still to be forgotten");
        sessions.forget(old);
        let new = sessions.attach(bob);
        assert_ne!(new, old);
        assert_eq!(
            (sessions.member(old), sessions.member(new)),
            (None, Some(bob))
        );
        *table.entry(new) += 2;
        assert_eq!(table.get(old), Some(&3), "a table has places, not ids");
        assert_eq!(table.iter().count(), 2);
        assert!(!sessions.forget(old) && sessions.has(new));
    }

    #[test]
    fn first_and_further_sessions_have_places_of_their_own() {
        let mut sessions = Sessions::default();
        let ann = members(1)[0];
        let second = sessions.attach(ann);
        let mut table = SessionTable::<u32>::default();
        assert_eq!(table.get(second), None);
        assert_eq!(table.get_mut(ann.into()), None);
        *table.entry(ann.into()) = 1;
        *table.entry(second) = 2;
        assert!(table.iter().eq(&[1, 2]));
        assert_eq!(table.get_mut(second), Some(&mut 2));
        assert_eq!(table.get(ann.into()), Some(&1));
    }
}

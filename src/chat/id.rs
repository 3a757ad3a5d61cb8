//! What members and rooms are meant by: small numbers to index a table with.

use std::num::NonZeroU32;

#[cfg(doc)]
use super::{Draft, Effect};

/// One connected member.
///
/// An id is never valid again once its member is gone, even when its [`index`](MemberId::index) is:
/// a late call with the old id does nothing to whoever has the place now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct MemberId {
    pub(super) index: u32,
    /// Never zero, so that an `Option` of an id, or of a member, is no larger than the thing
    /// itself.
    pub(super) generation: NonZeroU32,
}

impl MemberId {
    /// A small number no other connected member has, to index a table with. Reused after the
    /// member is gone.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// Nobody who is, was or ever will be connected here: who has said something in another life
    /// of the program.
    pub const NOBODY: Self = Self {
        index: u32::MAX,
        generation: NonZeroU32::MAX,
    };

    /// A number from which [it can be made again](MemberId::from_bits).
    #[must_use]
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.index)
    }

    /// The one from which [this number](MemberId::to_bits) was made; [nobody](MemberId::NOBODY) if
    /// it was made from none.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        NonZeroU32::new((bits >> 32) as u32).map_or(Self::NOBODY, |generation| Self {
            index: bits as u32,
            generation,
        })
    }

    /// What it is made of: its [`index`](MemberId::index), and the generation.
    #[cfg(feature = "server")] // whose sessions have such ids, too
    pub(crate) fn parts(self) -> (u32, NonZeroU32) {
        (self.index, self.generation)
    }

    /// The id that is made of [these](MemberId::parts).
    #[cfg(feature = "server")]
    pub(crate) fn from_parts(index: u32, generation: NonZeroU32) -> Self {
        Self { index, generation }
    }
}

/// One room. Reused after the room is gone, which [`Effect::Moved`] makes safe: the last member of
/// the old room has been moved out of it before the first one of the new room is moved in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RoomId(pub(super) u32);

impl RoomId {
    /// Some room.
    #[cfg(all(test, feature = "server"))]
    pub(crate) fn of_test() -> Self {
        Self(0)
    }

    /// A small number no other room has, to index a table with.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the logs are told apart by that [drafts](Draft) are for: together with the
/// [epoch](Draft::epoch), since a room's is used again after the room is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum LogId {
    /// A room's.
    Room(RoomId),
    /// That of what two members say to each other alone, in either order.
    Pair(Pair),
}

/// Two members, or one that speaks to itself, whoever of them is named first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Pair(MemberId, MemberId);

impl Pair {
    /// These two.
    pub fn new(one: MemberId, other: MemberId) -> Self {
        Self(one.min(other), one.max(other))
    }

    pub(super) fn one(self) -> MemberId {
        self.0
    }

    pub(super) fn other(self) -> MemberId {
        self.1
    }

    /// The one of them that is not this one.
    pub(super) fn partner_of(self, member: MemberId) -> MemberId {
        match self.0 == member {
            true => self.1,
            false => self.0,
        }
    }
}

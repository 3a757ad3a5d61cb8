//! Bans and mutes: who is kept out or kept quiet, and until when.
//!
//! Nothing happens when one runs out: it merely no longer counts, so no timer waits for it. Those
//! that have run out are dropped when there is no place left, or when someone looks at the list.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::peer::Origin;
use super::{MemberId, Millis};

/// Entries that count until a point in time, never more than a limit.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    entries: BTreeMap<K, (Millis, V)>,
    limit: usize,
}

impl<K: Ord, V> Expiring<K, V> {
    pub(super) fn new(limit: usize) -> Expiring<K, V> {
        Expiring {
            entries: BTreeMap::new(),
            limit,
        }
    }

    /// Puts an entry in, over the one it may have had. `false` if there is no place.
    #[must_use]
    pub(super) fn insert(&mut self, key: K, until: Millis, value: V, now: Millis) -> bool {
        if self.entries.len() >= self.limit {
            self.drop_expired(now);
        }
        let has_place = self.entries.len() < self.limit || self.entries.contains_key(&key);
        if has_place {
            self.entries.insert(key, (until, value));
        }
        has_place
    }

    /// The entry of a key, if it still counts.
    pub(super) fn get(&self, key: &K, now: Millis) -> Option<&(Millis, V)> {
        self.entries.get(key).filter(|(until, _)| *until > now)
    }

    /// Takes out what `lifted` says; whether anything of it still counted.
    pub(super) fn remove(&mut self, now: Millis, lifted: impl Fn(&K) -> bool) -> bool {
        self.drop_expired(now);
        let before = self.entries.len();
        self.entries.retain(|key, _| !lifted(key));
        self.entries.len() < before
    }

    /// All that still count, in order.
    pub(super) fn list(&mut self, now: Millis) -> &BTreeMap<K, (Millis, V)> {
        self.drop_expired(now);
        &self.entries
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn drop_expired(&mut self, now: Millis) {
        self.entries.retain(|_, (until, _)| *until > now);
    }
}

/// Who is kept out, and why.
pub(super) type Bans = Expiring<Origin, Option<Box<str>>>;

/// Who is kept quiet: a member, and all who came after it from where it came from.
///
/// An address alone would silence those who were there before and merely share it; a member alone
/// could come back as another.
pub(super) type Mutes = Expiring<(Origin, MemberId), ()>;

impl Mutes {
    /// Until when a member is to be quiet.
    pub(super) fn hold(&self, origin: Origin, member: MemberId, now: Millis) -> Option<Millis> {
        if self.entries.is_empty() {
            return None;
        }
        let from = |index, generation| (origin, MemberId { index, generation });
        let of_origin = from(0, NonZeroU32::MIN)..=from(u32::MAX, NonZeroU32::MAX);
        self.entries
            .range(of_origin)
            .filter(|(muted, (until, _))| *until > now && hits(muted, origin, member))
            .map(|(_, (until, _))| *until)
            .max()
    }

    /// Lets a member speak again; whether it could not.
    pub(super) fn lift(&mut self, origin: Origin, member: MemberId, now: Millis) -> bool {
        self.remove(now, |muted| hits(muted, origin, member))
    }
}

/// Whether a mute is one of this member. Generations count arrivals, so the larger one came later.
fn hits(&(muted_origin, muted): &(Origin, MemberId), origin: Origin, member: MemberId) -> bool {
    muted_origin == origin && (muted == member || member.generation > muted.generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_out_makes_place() {
        let mut bans = Bans::new(2);
        assert!(bans.insert(Origin::User(1), 10, None, 0));
        assert!(bans.insert(Origin::User(2), 20, None, 0));
        assert!(!bans.insert(Origin::User(3), 30, None, 9), "both count");
        assert!(bans.insert(Origin::User(2), 25, None, 9), "no new place");
        assert!(bans.insert(Origin::User(3), 30, None, 10));
        assert!(bans.get(&Origin::User(1), 0).is_none());
        assert!(bans.get(&Origin::User(2), 24).is_some());
        assert!(bans.get(&Origin::User(2), 25).is_none());
        assert_eq!(bans.list(25).len(), 1);
    }

    #[test]
    fn a_mute_is_of_one_member_and_of_those_who_come_later() {
        let member = |arrival| MemberId {
            index: 9 - arrival,
            generation: NonZeroU32::new(arrival).unwrap(),
        };
        let mut mutes = Mutes::new(9);
        let [here, there] = [Origin::User(1), Origin::User(2)];
        assert!(mutes.insert((here, member(3)), 10, (), 0));
        let quiet = |mutes: &Mutes, origin, arrival| mutes.hold(origin, member(arrival), 9);
        assert_eq!(quiet(&mutes, here, 3), Some(10));
        assert_eq!(quiet(&mutes, here, 2), None, "it was there before");
        assert_eq!(quiet(&mutes, here, 4), Some(10), "it came back");
        assert_eq!(quiet(&mutes, there, 4), None);
        assert_eq!(mutes.hold(here, member(3), 10), None, "it has run out");
        assert!(!mutes.lift(here, member(2), 0));
        assert!(mutes.lift(here, member(4), 0));
        assert_eq!(quiet(&mutes, here, 3), None);
    }
}

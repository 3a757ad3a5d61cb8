//! Bans and mutes: who is kept out or kept quiet, and until when.
//!
//! Nothing happens when one runs out: it merely no longer counts, so no timer waits for it. Those
//! that have run out are dropped when there is no place left, or when someone looks at the list.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::peer::Origin;
use super::{MemberId, Millis, Text};

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

    /// Whether there is none, not even one that has run out.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a key, if it still counts.
    pub(super) fn get(&self, key: &K, now: Millis) -> Option<&(Millis, V)> {
        self.entries.get(key).filter(|(until, _)| *until > now)
    }

    /// Takes out what `lifted` says; whether anything of it still counted.
    pub(super) fn remove(&mut self, now: Millis, lifted: impl Fn(&K, &V) -> bool) -> bool {
        self.drop_expired(now);
        let before = self.entries.len();
        self.entries.retain(|key, (_, value)| !lifted(key, value));
        self.entries.len() < before
    }

    /// All that still count, in order.
    pub(super) fn list(&mut self, now: Millis) -> &BTreeMap<K, (Millis, V)> {
        self.drop_expired(now);
        &self.entries
    }

    #[cfg(all(test, feature = "server"))]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn drop_expired(&mut self, now: Millis) {
        self.entries.retain(|_, (until, _)| *until > now);
    }
}

/// Who is kept out.
pub(super) type Bans = Expiring<Origin, Ban>;

/// What is known of a ban besides whom it keeps out.
#[derive(Clone, Debug)]
pub(super) struct Ban {
    pub(super) reason: Option<Text>,
    /// The folded nickname that it was ordered by, so that it can be lifted by that.
    pub(super) nickname: Option<String>,
}

impl Bans {
    /// The ban of somebody from there that lasts longest, and until when.
    pub(super) fn of(&self, origin: Origin, now: Millis) -> Option<&(Millis, Ban)> {
        let hits = self
            .entries
            .iter()
            .filter(|(banned, (until, _))| *until > now && banned.contains(origin));
        hits.map(|(_, ban)| ban).max_by_key(|(until, _)| *until)
    }

    /// A ban that still keeps all of an origin out.
    pub(super) fn around(&self, origin: Origin, now: Millis) -> Option<Origin> {
        let mut hits = self.entries.iter().filter(|(_, (until, _))| *until > now);
        hits.find(|(banned, _)| banned.contains(origin))
            .map(|(banned, _)| *banned)
    }
}

/// Who is kept quiet: a member, and all who came from where it came from after it was muted.
///
/// An address alone would silence those who were there before and merely share it; a member alone
/// could come back as another. The value is the last arrival before the mute.
pub(super) type Mutes = Expiring<(Origin, MemberId), NonZeroU32>;

impl Mutes {
    /// Until when a member is to be quiet.
    pub(super) fn hold(&self, origin: Origin, member: MemberId, now: Millis) -> Option<Millis> {
        let from = |index, generation| (origin, MemberId { index, generation });
        let of_origin = from(0, NonZeroU32::MIN)..=from(u32::MAX, NonZeroU32::MAX);
        self.entries
            .range(of_origin)
            .filter(|((_, muted), (until, since))| *until > now && hits(*muted, *since, member))
            .map(|(_, (until, _))| *until)
            .max()
    }

    /// Keeps a member quiet; `last` is the latest arrival there was. `false` if there is no place.
    #[must_use]
    pub(super) fn put(
        &mut self,
        origin: Origin,
        member: MemberId,
        last: NonZeroU32,
        until: Millis,
        now: Millis,
    ) -> bool {
        // Whoever has come back since the first order is still the same.
        let since = self
            .get(&(origin, member), now)
            .map_or(last, |(_, since)| *since);
        self.insert((origin, member), until, since, now)
    }

    /// Lets a member speak again; whether it could not.
    pub(super) fn lift(&mut self, origin: Origin, member: MemberId, now: Millis) -> bool {
        self.remove(now, |(muted_origin, muted), since| {
            *muted_origin == origin && hits(*muted, *since, member)
        })
    }
}

/// Whether a mute is one of this member. Generations count arrivals, so the larger one came later.
fn hits(muted: MemberId, since: NonZeroU32, member: MemberId) -> bool {
    muted == member || member.generation > since
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_out_makes_place() {
        let ban = || Ban {
            reason: None,
            nickname: None,
        };
        let mut bans = Bans::new(2);
        assert!(bans.insert(Origin::User(1), 10, ban(), 0));
        assert!(bans.insert(Origin::User(2), 20, ban(), 0));
        assert!(!bans.insert(Origin::User(3), 30, ban(), 9), "both count");
        assert!(bans.insert(Origin::User(2), 25, ban(), 9), "no new place");
        assert!(bans.insert(Origin::User(3), 30, ban(), 10));
        assert!(bans.of(Origin::User(1), 0).is_none());
        assert!(bans.of(Origin::User(2), 24).is_some());
        assert!(bans.of(Origin::User(2), 25).is_none());
        assert_eq!(bans.list(25).len(), 1);
    }

    #[test]
    fn a_mute_is_of_one_member_and_of_those_who_come_later() {
        let arrival = |number| NonZeroU32::new(number).unwrap();
        let member = |number| MemberId {
            index: 9 - number,
            generation: arrival(number),
        };
        let mut mutes = Mutes::new(9);
        let [here, there] = [Origin::User(1), Origin::User(2)];
        assert!(mutes.put(here, member(3), arrival(4), 10, 0));
        let quiet = |mutes: &Mutes, origin, number| mutes.hold(origin, member(number), 9);
        assert_eq!(quiet(&mutes, here, 3), Some(10));
        for before in [2, 4] {
            assert_eq!(quiet(&mutes, here, before), None, "it was there before");
        }
        assert_eq!(quiet(&mutes, here, 5), Some(10), "it came back");
        assert_eq!(quiet(&mutes, there, 5), None);
        assert!(mutes.put(here, member(3), arrival(6), 20, 0));
        assert_eq!(mutes.hold(here, member(5), 19), Some(20), "as before");
        assert_eq!(mutes.hold(here, member(3), 20), None, "it has run out");
        assert!(!mutes.lift(here, member(4), 0));
        assert!(mutes.lift(here, member(5), 0));
        assert_eq!(quiet(&mutes, here, 3), None);
    }
}

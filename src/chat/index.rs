//! Members and rooms by name.
//!
//! The index keeps four bytes for each of them, the number of its place, and reads the name there
//! when it needs it. A map with the names as keys would cost ten thousand members ten times that.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::name::fold;

/// Places in a table, found by the [fold](fold) of the name that is there.
///
/// Every method is lent `name_at`, which tells the name at a place. The hashes are keyed anew in every
/// run, since strangers choose the names; so there is no iterating, whose order would differ.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    places: HashTable<u32>,
    hasher: RandomState,
}

impl NameIndex {
    /// The place whose name has this fold.
    pub(super) fn find<'a>(&self, folded: &str, name_at: impl Fn(u32) -> &'a str) -> Option<u32> {
        let hash = self.hasher.hash_one(folded);
        let found = self
            .places
            .find(hash, |&place| *fold(name_at(place)) == *folded);
        found.copied()
    }

    /// Adds a place, which no other one of the same fold may precede.
    pub(super) fn insert<'a>(&mut self, place: u32, name_at: impl Fn(u32) -> &'a str) {
        let hash_of = |place: u32| self.hasher.hash_one(&*fold(name_at(place)));
        self.places
            .insert_unique(hash_of(place), place, |&place| hash_of(place));
    }

    /// Takes a place out. The name must still be there, as it was when the place was added.
    pub(super) fn remove<'a>(&mut self, place: u32, name_at: impl Fn(u32) -> &'a str) {
        let hash = self.hasher.hash_one(&*fold(name_at(place)));
        if let Ok(found) = self.places.find_entry(hash, |&other| other == place) {
            found.remove();
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_any_spelling_of_their_names() {
        let names: Vec<String> = (0..1000).map(|number| format!("Žofie{number}")).collect();
        let name_at = |place: u32| names[place as usize].as_str();
        let mut index = NameIndex::default();
        (0..1000).for_each(|place| index.insert(place, name_at));
        for place in 0..1000 {
            let spelling = format!("ŽOFIE{place}");
            assert_eq!(index.find(&fold(&spelling), name_at), Some(place));
        }
        (0..500).for_each(|place| index.remove(place, name_at));
        assert_eq!(index.len(), 500);
        assert_eq!(index.find("žofie7", name_at), None);
        assert_eq!(index.find("žofie700", name_at), Some(700));
        assert_eq!(index.find("nobody", name_at), None);
    }
}

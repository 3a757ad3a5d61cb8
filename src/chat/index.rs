//! Members and rooms by name.
//!
//! The index keeps four bytes for each of them (eight if its name has two keys), the number of its
//! place, and reads the name there when it needs it. A map with the names as keys would cost ten
//! thousand members ten times that.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::look_alikes::Keys;
use super::name::fold;

/// Places in a table, found by the [keys](Keys) of the name that is there.
///
/// Every method is lent `name_at`, which tells the name at a place. The hashes are keyed anew in every
/// run, since strangers choose the names; so there is no iterating, whose order would differ.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    entries: HashTable<Entry>,
    hasher: RandomState,
}

/// A place, doubled, and which of the keys of its name it is entered for: nearly all names have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry(u32);

impl Entry {
    fn new(place: u32, key: usize) -> Self {
        debug_assert!(place <= u32::MAX / 2 && key < 2);
        Self(place << 1 | key as u32)
    }

    fn place(self) -> u32 {
        self.0 >> 1
    }

    fn key(self) -> usize {
        (self.0 & 1) as usize
    }
}

impl NameIndex {
    /// The place whose name is this one, however it is spelt.
    pub(super) fn find<'a>(&self, name: &str, name_at: impl Fn(u32) -> &'a str) -> Option<u32> {
        let folded = fold(name);
        let hash = self.hasher.hash_one(Keys::of(name).folded());
        let is_it = |entry: &Entry| entry.key() == 0 && fold(name_at(entry.place())) == folded;
        self.entries.find(hash, is_it).map(|entry| entry.place())
    }

    /// The places whose names are [alike](super::look_alikes) to this one.
    pub(super) fn alike<'a>(
        &self,
        name: &str,
        name_at: impl Fn(u32) -> &'a str,
    ) -> impl Iterator<Item = u32> {
        let keys = Keys::of(name);
        let at_key = |key: &str| {
            let is_it = |entry: &Entry| {
                let keys = Keys::of(name_at(entry.place()));
                keys.iter().nth(entry.key()) == Some(key)
            };
            let found = self.entries.find(self.hasher.hash_one(key), is_it);
            found.map(|entry| entry.place())
        };
        let mut found = [None; 2];
        for (place, key) in found.iter_mut().zip(keys.iter()) {
            *place = at_key(key);
        }
        found.into_iter().flatten()
    }

    /// Adds a place, to whose name none that is there may be alike.
    pub(super) fn insert<'a>(&mut self, place: u32, name_at: impl Fn(u32) -> &'a str) {
        let hash_of = |entry: &Entry| {
            let keys = Keys::of(name_at(entry.place()));
            let key = keys.iter().nth(entry.key());
            self.hasher
                .hash_one(key.expect("it has been entered for it"))
        };
        let keys = Keys::of(name_at(place)).iter().count();
        for entry in (0..keys).map(|key| Entry::new(place, key)) {
            self.entries.insert_unique(hash_of(&entry), entry, hash_of);
        }
    }

    /// Takes a place out. The name must still be there, as it was when the place was added.
    pub(super) fn remove<'a>(&mut self, place: u32, name_at: impl Fn(u32) -> &'a str) {
        let keys = Keys::of(name_at(place));
        for (number, key) in keys.iter().enumerate() {
            let entry = Entry::new(place, number);
            let hash = self.hasher.hash_one(key);
            if let Ok(found) = self.entries.find_entry(hash, |other| *other == entry) {
                found.remove();
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.key() == 0).count()
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
            assert_eq!(index.find(&spelling, name_at), Some(place));
        }
        (0..500).for_each(|place| index.remove(place, name_at));
        assert_eq!(index.len(), 500);
        assert_eq!(index.find("žofie7", name_at), None);
        assert_eq!(index.find("žofie700", name_at), Some(700));
        assert_eq!(index.find("nobody", name_at), None);
    }

    #[test]
    fn names_that_look_the_same_are_found_and_are_not_the_same() {
        let names = ["Вера", "aIice", "ian"];
        let name_at = |place: u32| names[place as usize];
        let mut index = NameIndex::default();
        (0..3).for_each(|place| index.insert(place, name_at));
        assert_eq!(index.len(), 3);
        let alike = |index: &NameIndex, name: &str| index.alike(name, name_at).next();
        for (name, place) in [
            ("вера", 0),
            ("Bepa", 0),
            ("alice", 1),
            ("Alice", 1),
            ("Ian", 2),
        ] {
            assert_eq!(alike(&index, name), Some(place), "{name}");
        }
        assert_eq!(index.find("Bepa", name_at), None);
        assert_eq!(index.find("alice", name_at), None);
        assert_eq!(index.find("AIICE", name_at), Some(1));
        assert_eq!(alike(&index, "lan"), None);
        (0..3).for_each(|place| index.remove(place, name_at));
        assert!(index.entries.is_empty());
    }
}

//! Members and rooms by name.
//!
//! The index keeps eight bytes for each of them (and for each further key of its name): the number
//! of its place, and what it takes to find it without making the keys of its name again. The name
//! is read at its place when it is needed. A map with the names as keys would cost ten thousand
//! members five times that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::look_alikes::{Keys, folded_key};
use super::name::fold;

/// Places in a table, found by the [keys](Keys) of the name that is there.
///
/// To make the keys of a name is dear, so they are lent where they are known, and those of names
/// that are not plain ASCII, which take Unicode's tables to make, are kept: whoever leaves or takes
/// another name, or one like it, does not have them made again. Where two hashes are the same,
/// `name_at` tells the name at a place. The hashes are keyed anew in every run, since
/// strangers choose the names; so there is no iterating, whose order would differ.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    entries: HashTable<Entry>,
    kept: HashMap<u32, Box<Keys>>,
    hasher: RandomState,
}

/// A place, four times, and which of the keys of its name it is entered for: names without a
/// capital and without an `i` have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    place_and_key: u32,
    /// Of that key. When the table grows, nothing has to be looked at but this.
    hash: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash(u32);

impl Hash {
    /// For the table, which takes the place of an entry from one end and a tag from the other.
    fn spread(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

impl Entry {
    fn new(place: u32, key: usize, hash: Hash) -> Self {
        debug_assert!(place <= u32::MAX / 4 && key < Keys::MOST);
        Self {
            place_and_key: place << 2 | key as u32,
            hash,
        }
    }

    fn place(self) -> u32 {
        self.place_and_key >> 2
    }

    fn key(self) -> usize {
        (self.place_and_key & 3) as usize
    }
}

impl NameIndex {
    fn hash(&self, key: &str) -> Hash {
        Hash(self.hasher.hash_one(key) as u32)
    }

    /// The place whose name is this one when it is folded.
    pub(super) fn find<'a>(&self, folded: &str, name_at: impl Fn(u32) -> &'a str) -> Option<u32> {
        self.find_by_key(folded, &folded_key(folded), name_at)
    }

    /// The same, where the key is known that all spellings of the name have.
    pub(super) fn find_by_key<'a>(
        &self,
        folded: &str,
        key: &str,
        name_at: impl Fn(u32) -> &'a str,
    ) -> Option<u32> {
        let hash = self.hash(key);
        let is_it = |entry: &Entry| {
            let is_same = |name: &str| name == folded || fold(name) == folded;
            entry.key() == 0 && entry.hash == hash && is_same(name_at(entry.place()))
        };
        let found = self.entries.find(hash.spread(), is_it);
        found.map(|entry| entry.place())
    }

    /// The places whose names are [alike](super::look_alikes) to the one with these keys.
    pub(super) fn alike<'a>(
        &self,
        keys: &Keys,
        name_at: impl Fn(u32) -> &'a str,
    ) -> impl Iterator<Item = u32> {
        let mut found: [Option<u32>; Keys::MOST] = [None; Keys::MOST];
        for (number, key) in keys.iter().enumerate() {
            let (hash, known) = (self.hash(key), found);
            let is_it = |entry: &Entry| {
                let has_key = |place| {
                    let keys = self.keys(place, name_at(place));
                    keys.iter().nth(entry.key()) == Some(key)
                };
                // Who has one of them is alike, whether it has the others or not.
                entry.hash == hash
                    && (known.contains(&Some(entry.place())) || has_key(entry.place()))
            };
            let entry = self.entries.find(hash.spread(), is_it);
            found[number] = entry.map(|entry| entry.place());
        }
        found.into_iter().flatten()
    }

    /// Whether a name with these keys is certain to be free. One in some hundred thousand that are
    /// is not found to be, since no name is looked at for this.
    pub(super) fn is_surely_free(&self, keys: &Keys) -> bool {
        keys.iter().all(|key| {
            let hash = self.hash(key);
            let found = self.entries.find(hash.spread(), |entry| entry.hash == hash);
            found.is_none()
        })
    }

    /// The keys of the name at a place.
    fn keys(&self, place: u32, name: &str) -> Cow<'_, Keys> {
        match self.kept.get(&place).filter(|_| !name.is_ascii()) {
            Some(keys) => Cow::Borrowed(keys),
            None => Cow::Owned(Keys::of(name)),
        }
    }

    /// Adds a place, to whose name, which has these keys, none that is there may be alike.
    pub(super) fn insert(&mut self, place: u32, name: &str, keys: &Keys) {
        if !name.is_ascii() {
            self.kept.insert(place, Box::new(keys.clone()));
        }
        for (number, key) in keys.iter().enumerate() {
            let hash = self.hash(key);
            let entry = Entry::new(place, number, hash);
            let hash_of = |entry: &Entry| entry.hash.spread();
            self.entries.insert_unique(hash.spread(), entry, hash_of);
        }
    }

    /// Takes a place out, which has this name.
    pub(super) fn remove(&mut self, place: u32, name: &str) {
        let keys = match self.kept.remove(&place) {
            Some(keys) => *keys,
            None => Keys::of(name),
        };
        for (number, key) in keys.iter().enumerate() {
            let hash = self.hash(key);
            let entry = Entry::new(place, number, hash);
            let found = self
                .entries
                .find_entry(hash.spread(), |other| *other == entry);
            if let Ok(found) = found {
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
        let keys_at = |place: u32| Keys::of(name_at(place));
        let mut index = NameIndex::default();
        (0..1000).for_each(|place| index.insert(place, name_at(place), &keys_at(place)));
        for place in 0..1000 {
            let spelling = format!("ŽOFIE{place}");
            assert_eq!(index.find(&fold(&spelling), name_at), Some(place));
        }
        assert_eq!(index.kept.len(), 1000);
        (0..500).for_each(|place| index.remove(place, name_at(place)));
        assert_eq!(index.kept.len(), 500);
        assert_eq!(index.len(), 500);
        assert_eq!(index.find("žofie7", name_at), None);
        assert_eq!(index.find("žofie700", name_at), Some(700));
        assert_eq!(index.find("nobody", name_at), None);
    }

    #[test]
    fn names_that_look_the_same_are_found_and_are_not_the_same() {
        let names = ["Вера", "aIice", "ian"];
        let name_at = |place: u32| names[place as usize];
        let keys_at = |place: u32| Keys::of(name_at(place));
        let mut index = NameIndex::default();
        (0..3).for_each(|place| index.insert(place, name_at(place), &keys_at(place)));
        assert_eq!(
            index.kept.len(),
            1,
            "what is plain ASCII costs nothing to keep"
        );
        assert_eq!(index.len(), 3);
        let alike = |index: &NameIndex, name: &str| index.alike(&Keys::of(name), name_at).next();
        for (name, place) in [
            ("вера", 0),
            ("Bepa", 0),
            ("alice", 1),
            ("Alice", 1),
            ("Ian", 2),
        ] {
            assert_eq!(alike(&index, name), Some(place), "{name}");
        }
        assert_eq!(index.find("bepa", name_at), None);
        assert_eq!(index.find("alice", name_at), None);
        assert_eq!(index.find(&fold("AIICE"), name_at), Some(1));
        assert_eq!(alike(&index, "lan"), None);
        (0..3).for_each(|place| index.remove(place, name_at(place)));
        assert!(index.entries.is_empty() && index.kept.is_empty());
    }
}

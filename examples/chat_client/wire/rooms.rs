//! Up to where each room was heard, and what was said to one alone: by that the server tells after a
//! cut exactly what was missed.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

/// What no log of a room has as its epoch: of such a one the server tells only where it is now.
const UNKNOWN: &str = "0000000000000000";

/// Ids that are kept behind a gap; if there are more, it is filled no more.
const MOST_IDS: usize = 10_000;

#[derive(Debug, Default)]
struct Room {
    epoch: String,
    /// Everything up to this number was heard.
    last: u64,
    /// What was heard behind a gap.
    beyond: HashSet<String>,
}

/// Logs of what was said to one alone of which it is known up to where they were heard.
const MOST_PRIVATE: usize = 100;

/// The rooms that are heard, by their names in small letters; and the logs of what was said to one
/// alone, by an `@` and their epochs.
#[derive(Debug, Default)]
pub struct Rooms(BTreeMap<String, Room>);

fn key(room: &Value) -> String {
    room.as_str().unwrap_or_default().to_lowercase()
}

/// Of which of them something is.
fn key_of(object: &Value) -> String {
    match object["room"].is_string() {
        true => key(&object["room"]),
        false => format!("@{}", object["epoch"].as_str().unwrap_or_default()),
    }
}

fn is_private(key: &str) -> bool {
    key.starts_with('@')
}

impl Rooms {
    /// One is there, and nowhere else.
    pub fn start(&mut self, welcome: &Value) {
        self.0.clear();
        self.enter(welcome);
    }

    /// One hears a room from here on; if one has heard it before, without a gap.
    pub fn enter(&mut self, entered: &Value) {
        if entered["epoch"].is_string() {
            self.reach(entered);
        }
    }

    pub fn leave(&mut self, parted: &Value) {
        self.0.remove(&key(&parted["room"]));
    }

    /// One is back, in these rooms and no others.
    pub fn only(&mut self, returned: &Value) {
        let watched = returned["watched"].as_array().into_iter().flatten();
        let heard: HashSet<String> = watched.chain([&returned["room"]]).map(key).collect();
        self.0
            .retain(|room, _| is_private(room) || heard.contains(room));
    }

    /// All up to there is heard, or not to be had.
    pub fn reach(&mut self, place: &Value) {
        let epoch = place["epoch"].as_str().unwrap_or(UNKNOWN).to_owned();
        let last = place["last"].as_u64().unwrap_or_default();
        let room = Room {
            epoch,
            last,
            beyond: HashSet::new(),
        };
        self.0.insert(key_of(place), room);
    }

    /// Commands were not answered that may have led somewhere.
    pub fn may_be_in<'a>(&mut self, commands: impl Iterator<Item = &'a str>) {
        for command in commands {
            let mut words = command.split_whitespace();
            let word = words.next().unwrap_or_default().to_lowercase();
            if let ("/join" | "/watch", Some(room)) = (word.as_str(), words.next()) {
                let room = room.trim_start_matches('#').to_lowercase();
                self.0.entry(room).or_insert_with(|| Room {
                    epoch: UNKNOWN.to_owned(),
                    ..Room::default()
                });
            }
        }
    }

    /// What a request to go on says of them.
    pub fn positions(&self) -> Value {
        let (private, rooms): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(key, _)| is_private(key));
        let all = rooms.into_iter().take(100).chain(private);
        all.map(|(key, heard)| {
            let room = Some(key).filter(|key| !is_private(key));
            json!({ "room": room, "epoch": heard.epoch, "last": heard.last })
        })
        .collect()
    }

    /// Somebody speaks with one alone for the first time.
    fn meet(&mut self, key: &str, event: &Value) {
        let is_known = |(key, _): &(&String, &Room)| is_private(key);
        if self.0.iter().filter(is_known).count() >= MOST_PRIVATE {
            let first = self.0.keys().find(|key| is_private(key)).cloned();
            first.iter().for_each(|first| _ = self.0.remove(first));
        }
        let epoch = event["epoch"].as_str().unwrap_or(UNKNOWN).to_owned();
        let room = Room {
            epoch,
            ..Room::default()
        };
        self.0.insert(key.to_owned(), room);
    }

    /// Whether something was not heard before; from now on it was.
    pub fn is_new(&mut self, event: &Value) -> bool {
        let (Some(number), Some(id)) = (event["number"].as_u64(), event["id"].as_str()) else {
            return true; // it has no place
        };
        let key = key_of(event);
        if is_private(&key) && !self.0.contains_key(&key) {
            self.meet(&key, event);
        }
        let Some(room) = self.0.get_mut(&key) else {
            return true;
        };
        if number <= room.last || room.beyond.contains(id) {
            return false;
        }
        if event["previous"].as_u64() == Some(room.last) {
            room.last = number;
        } else if room.beyond.len() < MOST_IDS {
            room.beyond.insert(id.to_owned());
        } else {
            (room.last, room.beyond) = (number, HashSet::new());
        }
        true
    }
}

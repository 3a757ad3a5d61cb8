//! What a directory is asked, and what it tells.

use std::fmt;
use std::sync::Arc;

use crate::chat::Millis;

/// As many entries are in one [page](Wanted::List) at most.
pub const LISTED: usize = 256;

/// As many entries are forgotten by one [sweep](Wanted::Sweep) at most.
pub const SWEPT: usize = 256;

/// A kind of entries, and how much of it is kept. Two of the same name are the same.
///
/// ```
/// use loopchat::directory::Bucket;
///
/// const ACCOUNTS: Bucket = Bucket {
///     name: "accounts",
///     most_entries: 100_000,
///     most_bytes: 4096,
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Entries that it may have.
    pub most_entries: usize,
    /// Bytes that a key and its value may have together.
    pub most_bytes: usize,
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Bucket {}

/// Where an entry is. Keys of a bucket are in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Among which others.
    pub bucket: Bucket,
    /// Its name there.
    pub name: Arc<str>,
}

impl Key {
    /// This one.
    #[must_use]
    pub fn new(bucket: Bucket, name: &str) -> Self {
        let name = name.into();
        Self { bucket, name }
    }
}

/// What is kept under a key. It may hold a secret, or what one is checked by, so it shows no more
/// than its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Arc<[u8]>);

impl Value {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// Says which of two states of an entry is the later one. Each change of a directory has a larger
/// one than all before it, also of other entries, and over a restart; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub(crate) u64);

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which state of it this is.
    pub version: Version,
    /// What it says.
    pub value: Value,
    /// From then on, in milliseconds since 1970, it is as if it were not there; `None` for never.
    pub expires: Option<Millis>,
}

impl Entry {
    /// Whether it still holds at this time.
    pub(crate) fn holds(&self, utc: Millis) -> bool {
        self.expires.is_none_or(|at| utc < at)
    }
}

/// Tells an answer from others. It is up to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// Something that a directory is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// Milliseconds since 1970 by people's clocks: what has expired by then is not there.
    pub utc: Millis,
    /// What is wanted.
    pub wanted: Wanted,
}

impl Question {
    /// Whether an entry may be another one after it.
    #[must_use]
    pub fn may_change(&self) -> bool {
        matches!(self.wanted, Wanted::Set(_) | Wanted::Sweep(_))
    }
}

/// What is wanted of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What is kept under a key: [`Answer::Found`].
    Get(Key),
    /// That an entry is changed: [`Answer::Set`].
    Set(Update),
    /// A page of entries in the order of their keys: [`Answer::Page`].
    List {
        /// Of which bucket.
        bucket: Bucket,
        /// Those whose keys begin so.
        prefix: Arc<str>,
        /// Those behind this key: the last one of the page before.
        after: Option<Arc<str>>,
        /// As many at most; [`LISTED`] if that is less.
        limit: usize,
    },
    /// To be told of each change of a bucket from now on: [`Answer::Watching`]. Whoever wants to
    /// have all of it asks for its pages afterwards, and of two states keeps that with the larger
    /// version.
    Watch(Bucket),
    /// That what has expired is forgotten, up to [`SWEPT`] entries: [`Answer::Swept`].
    Sweep(Bucket),
}

/// A change of one entry, on a condition: compare-and-set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which one.
    pub key: Key,
    /// What has to be there.
    pub expected: Expected,
    /// What it is to say; `None` if it is to be gone.
    pub value: Option<Value>,
    /// When it [expires](Entry::expires).
    pub expires: Option<Millis>,
}

/// What has to be under a key so that it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: it is new.
    Absent,
    /// The state that had this version.
    Version(Version),
}

/// What a directory has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The answer to a question.
    Answered {
        /// To which.
        ticket: Ticket,
        /// What it is.
        answer: Result<Answer, Unavailable>,
    },
    /// An entry of a bucket that is watched has changed.
    Changed {
        /// Which one.
        key: Key,
        /// The version of its new state, also if it is gone.
        version: Version,
        /// What is there now.
        entry: Option<Entry>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What is under the key.
    Found(Option<Entry>),
    /// The entry was changed, and has this version, also if it is gone; or it was not.
    Set(Result<Version, NotSet>),
    /// A page.
    Page {
        /// What is there, by key.
        entries: Vec<(Arc<str>, Entry)>,
        /// Nothing comes behind it.
        is_last: bool,
    },
    /// Changes are told from now on.
    Watching,
    /// Some were forgotten.
    Swept {
        /// No others had expired. If there are others, it is to be asked again.
        is_done: bool,
    },
}

/// Why an entry was not changed: it is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSet {
    /// Something else is there than was expected: this.
    Conflict(Option<Entry>),
    /// Its bucket has as many entries as it may.
    Full,
    /// The key and the value are longer than its bucket allows.
    TooLarge,
}

/// It cannot be said now. If something was to be changed it may have been, or not; since that
/// had a condition it can be tried again: what is there then will tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

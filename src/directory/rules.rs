//! What follows from a question, whatever keeps the entries.

use std::sync::Arc;

use super::question::{
    Answer, Bucket, Entry, Expected, Key, LISTED, News, NotSet, Question, SWEPT, Update, Version,
    Wanted,
};
use crate::chat::Millis;

/// What keeps entries. It knows neither times nor conditions.
pub(crate) trait Entries {
    /// Why it cannot.
    type Error;

    /// What is under a key.
    fn find(&mut self, key: &Key) -> Result<Option<Entry>, Self::Error>;

    /// Keeps it instead of what was there.
    fn put(&mut self, key: &Key, entry: &Entry) -> Result<(), Self::Error>;

    /// Forgets what was there.
    fn remove(&mut self, key: &Key) -> Result<(), Self::Error>;

    /// Entries that hold at this time, with the keys from `start` on in their order (behind it, if
    /// it is not to be among them), as many at most.
    fn page(
        &mut self,
        bucket: Bucket,
        start: &str,
        is_included: bool,
        utc: Millis,
        limit: usize,
    ) -> Result<Vec<(Arc<str>, Entry)>, Self::Error>;

    /// Keys of entries that do not hold any more, in the order in which they have expired, as many
    /// at most. It costs no more than those.
    fn expired(
        &mut self,
        bucket: Bucket,
        utc: Millis,
        limit: usize,
    ) -> Result<Vec<Arc<str>>, Self::Error>;

    /// How many entries a bucket has, with those that do not hold any more.
    fn count(&mut self, bucket: Bucket) -> Result<usize, Self::Error>;

    /// A version that is larger than all before it.
    fn next_version(&mut self) -> Result<Version, Self::Error>;
}

/// Buckets whose changes are told.
#[derive(Debug, Default)]
pub(crate) struct Watched(Vec<Bucket>);

impl Watched {
    fn insert(&mut self, bucket: Bucket) {
        if !self.0.contains(&bucket) {
            self.0.push(bucket);
        }
    }
}

/// Does what is wanted, and answers; the changes that this makes are told before it.
pub(crate) fn answer<E: Entries>(
    entries: &mut E,
    watched: &mut Watched,
    question: &Question,
    news: &mut Vec<News>,
) -> Result<(), E::Error> {
    let utc = question.utc;
    let answer = match &question.wanted {
        Wanted::Get(key) => {
            let found = entries.find(key)?;
            Answer::Found(found.filter(|entry| entry.holds(utc)))
        }
        Wanted::Set(update) => Answer::Set(set(entries, watched, update, utc, news)?),
        Wanted::List {
            bucket,
            prefix,
            after,
            limit,
        } => {
            let after = after.as_deref().filter(|after| **after >= **prefix);
            let limit = (*limit).min(LISTED);
            // One more shows whether there is one.
            let start = after.unwrap_or(prefix);
            let mut found = entries.page(*bucket, start, after.is_none(), utc, limit + 1)?;
            let inside = found
                .iter()
                .take_while(|(key, _)| key.starts_with(&**prefix));
            let inside = inside.count();
            found.truncate(inside.min(limit));
            Answer::Page {
                entries: found,
                is_last: inside <= limit,
            }
        }
        Wanted::Watch(bucket) => {
            watched.insert(*bucket);
            Answer::Watching
        }
        Wanted::Sweep(bucket) => Answer::Swept {
            is_done: sweep(entries, watched, *bucket, utc, news)? < SWEPT,
        },
    };
    news.push(News::Answered {
        ticket: question.ticket,
        answer: Ok(answer),
    });
    Ok(())
}

fn set<E: Entries>(
    entries: &mut E,
    watched: &Watched,
    update: &Update,
    utc: Millis,
    news: &mut Vec<News>,
) -> Result<Result<Version, NotSet>, E::Error> {
    let Update { key, value, .. } = update;
    let kept = entries.find(key)?;
    let is_kept = kept.is_some();
    let found = kept.filter(|entry| entry.holds(utc));
    let is_expected = match (update.expected, &found) {
        (Expected::Absent, None) => true,
        (Expected::Version(version), Some(entry)) => entry.version == version,
        _ => false,
    };
    if !is_expected {
        return Ok(Err(NotSet::Conflict(found)));
    }
    if let Some(value) = value {
        let bucket = key.bucket;
        if key.name.len() + value.bytes().len() > bucket.most_bytes {
            return Ok(Err(NotSet::TooLarge));
        }
        // What has expired takes nobody's place.
        if !is_kept && entries.count(bucket)? >= bucket.most_entries {
            sweep(entries, watched, bucket, utc, news)?;
            if entries.count(bucket)? >= bucket.most_entries {
                return Ok(Err(NotSet::Full));
            }
        }
    }
    let version = entries.next_version()?;
    let entry = value.as_ref().map(|value| Entry {
        version,
        value: value.clone(),
        expires: update.expires,
    });
    match &entry {
        Some(entry) => entries.put(key, entry)?,
        None => entries.remove(key)?,
    }
    tell(watched, key, version, entry, news);
    Ok(Ok(version))
}

/// Forgets what has expired, up to [`SWEPT`] entries. How many they were.
fn sweep<E: Entries>(
    entries: &mut E,
    watched: &Watched,
    bucket: Bucket,
    utc: Millis,
    news: &mut Vec<News>,
) -> Result<usize, E::Error> {
    let expired = entries.expired(bucket, utc, SWEPT)?;
    let count = expired.len();
    for name in expired {
        let key = Key { bucket, name };
        let version = entries.next_version()?;
        entries.remove(&key)?;
        tell(watched, &key, version, None, news);
    }
    Ok(count)
}

fn tell(
    watched: &Watched,
    key: &Key,
    version: Version,
    entry: Option<Entry>,
    news: &mut Vec<News>,
) {
    if watched.0.contains(&key.bucket) {
        news.push(News::Changed {
            key: key.clone(),
            version,
            entry,
        });
    }
}

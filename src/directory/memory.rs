//! The directory that is gone with its process.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use super::question::{Bucket, Entry, Key, News, Question, Version};
use super::rules::{self, Entries, Watched};
use super::{Directory, MOST_WAITING, Wake};
use crate::chat::Millis;

/// Keeps entries as long as it is there itself, and answers within the call. It has no thread, no
/// clock and no chance, so the same questions have the same answers: for tests, for the simulator,
/// and for a server that keeps nothing.
#[derive(Default)]
pub struct MemoryDirectory {
    kept: Kept,
    watched: Watched,
    news: VecDeque<News>,
    /// Answers among the news.
    waiting: usize,
    wake: Option<Wake>,
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: usize = self
            .kept
            .buckets
            .values()
            .map(|kept| kept.entries.len())
            .sum();
        f.debug_struct("MemoryDirectory")
            .field("entries", &entries)
            .field("news", &self.news.len())
            .finish_non_exhaustive()
    }
}

impl Directory for MemoryDirectory {
    fn ask(&mut self, question: Question) -> Result<(), Question> {
        if self.waiting >= MOST_WAITING {
            return Err(question);
        }
        self.waiting += 1;
        let mut news = Vec::new();
        let Ok(()) = rules::answer(&mut self.kept, &mut self.watched, &question, &mut news);
        self.news.extend(news);
        if let Some(wake) = &self.wake {
            wake();
        }
        Ok(())
    }

    fn next_news(&mut self) -> Option<News> {
        let news = self.news.pop_front()?;
        self.waiting -= usize::from(matches!(news, News::Answered { .. }));
        Some(news)
    }

    fn wake_by(&mut self, wake: Wake) {
        self.wake = Some(wake);
    }
}

#[derive(Default)]
struct Kept {
    buckets: HashMap<&'static str, Entered>,
    version: u64,
}

/// What is in one bucket.
#[derive(Default)]
struct Entered {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Those that expire, the first one first.
    expiring: BTreeSet<(Millis, Arc<str>)>,
}

impl Entered {
    fn remove(&mut self, name: &Arc<str>) {
        let removed = self.entries.remove(name);
        if let Some(at) = removed.and_then(|entry| entry.expires) {
            self.expiring.remove(&(at, Arc::clone(name)));
        }
    }
}

impl Kept {
    fn bucket(&mut self, bucket: Bucket) -> &mut Entered {
        self.buckets.entry(bucket.name).or_default()
    }
}

impl Entries for Kept {
    type Error = Infallible;

    fn find(&mut self, key: &Key) -> Result<Option<Entry>, Infallible> {
        Ok(self.bucket(key.bucket).entries.get(&key.name).cloned())
    }

    fn put(&mut self, key: &Key, entry: &Entry) -> Result<(), Infallible> {
        let bucket = self.bucket(key.bucket);
        bucket.remove(&key.name);
        if let Some(at) = entry.expires {
            bucket.expiring.insert((at, Arc::clone(&key.name)));
        }
        let name = Arc::clone(&key.name);
        bucket.entries.insert(name, entry.clone());
        Ok(())
    }

    fn remove(&mut self, key: &Key) -> Result<(), Infallible> {
        self.bucket(key.bucket).remove(&key.name);
        Ok(())
    }

    fn page(
        &mut self,
        bucket: Bucket,
        start: &str,
        is_included: bool,
        utc: Millis,
        limit: usize,
    ) -> Result<Vec<(Arc<str>, Entry)>, Infallible> {
        let start = match is_included {
            true => Bound::Included(start),
            false => Bound::Excluded(start),
        };
        let entries = &self.bucket(bucket).entries;
        let behind = entries.range::<str, _>((start, Bound::Unbounded));
        let holding = behind.filter(|(_, entry)| entry.holds(utc)).take(limit);
        let holding = holding.map(|(name, entry)| (Arc::clone(name), entry.clone()));
        Ok(holding.collect())
    }

    fn expired(
        &mut self,
        bucket: Bucket,
        utc: Millis,
        limit: usize,
    ) -> Result<Vec<Arc<str>>, Infallible> {
        let expiring = self.bucket(bucket).expiring.iter();
        let expired = expiring.take_while(|(at, _)| *at <= utc).take(limit);
        Ok(expired.map(|(_, name)| Arc::clone(name)).collect())
    }

    fn count(&mut self, bucket: Bucket) -> Result<usize, Infallible> {
        Ok(self.bucket(bucket).entries.len())
    }

    fn next_version(&mut self) -> Result<Version, Infallible> {
        self.version += 1;
        Ok(Version(self.version))
    }
}

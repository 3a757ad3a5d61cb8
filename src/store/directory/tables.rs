//! Entries as rows, and many questions in one transaction. It knows no thread.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use log::{error, info};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema;
use crate::chat::Millis;
use crate::directory::rules::{self, Entries, Watched};
use crate::directory::{Bucket, Entry, Key, News, Question, Unavailable, Value, Version};
use crate::store::schema::{set_state, state};
use crate::store::{Folder, StoreError};

/// The tables, and what is known of them.
pub(super) struct Tables {
    connection: Connection,
    path: PathBuf,
    /// It is let go with the file.
    _lock: File,
    /// The last version that was given.
    version: u64,
    /// How many entries there are of a bucket, once that was asked for.
    counts: HashMap<&'static str, usize>,
    watched: Watched,
    /// The last that was asked could not be answered.
    is_failing: bool,
}

impl Tables {
    /// Takes a folder, and opens the directory in it, or makes one.
    pub(super) fn open(folder: &Folder) -> Result<Self, StoreError> {
        let lock = folder.take_directory()?;
        let path = folder.directory();
        let connection = schema::open(&path)?;
        let version = state(&connection, "version");
        let version = version.map_err(|error| StoreError::Database(path.clone(), error))?;
        Ok(Self {
            connection,
            path,
            _lock: lock,
            version: version as u64,
            counts: HashMap::new(),
            watched: Watched::default(),
            is_failing: false,
        })
    }

    /// Answers questions in their order. When this returns what has changed is on the disk.
    pub(super) fn answer(&mut self, questions: &[Question]) -> Vec<News> {
        let answered = self.answer_all(questions);
        let was_failing = std::mem::replace(&mut self.is_failing, answered.is_err());
        match answered {
            Ok(news) => {
                if was_failing {
                    info!("{}: it can be asked again", self.path.display());
                }
                news
            }
            Err(failure) => {
                if !was_failing {
                    error!("{}: {failure}", self.path.display());
                }
                let unavailable = |question: &Question| News::Answered {
                    ticket: question.ticket,
                    answer: Err(Unavailable),
                };
                questions.iter().map(unavailable).collect()
            }
        }
    }

    fn answer_all(&mut self, questions: &[Question]) -> rusqlite::Result<Vec<News>> {
        if !questions.iter().any(Question::may_change) {
            return self.answer_each(questions);
        }
        let version = self.version;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let answered = self.answer_each(questions).and_then(|news| {
            if self.version != version {
                set_state(&self.connection, "version", self.version)?;
            }
            self.connection.execute_batch("COMMIT")?;
            Ok(news)
        });
        if answered.is_err() {
            self.version = version;
            self.counts.clear();
            // After some errors SQLite has already done so.
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
        }
        answered
    }

    fn answer_each(&mut self, questions: &[Question]) -> rusqlite::Result<Vec<News>> {
        let mut news = Vec::with_capacity(questions.len());
        let mut watched = std::mem::take(&mut self.watched);
        let mut each = questions.iter();
        let answered =
            each.try_for_each(|question| rules::answer(self, &mut watched, question, &mut news));
        self.watched = watched;
        answered.map(|()| news)
    }
}

impl Entries for Tables {
    type Error = rusqlite::Error;

    fn find(&mut self, key: &Key) -> rusqlite::Result<Option<Entry>> {
        let sql = "SELECT version, value, expires FROM entries WHERE bucket = ?1 AND key = ?2";
        self.connection
            .prepare_cached(sql)?
            .query_row(params![key.bucket.name, key.name], |row| entry(row, 0))
            .optional()
    }

    fn put(&mut self, key: &Key, entry: &Entry) -> rusqlite::Result<()> {
        let is_new = self.find(key)?.is_none();
        let sql = "INSERT OR REPLACE INTO entries (bucket, key, version, value, expires)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute(params![
            key.bucket.name,
            key.name,
            entry.version.0 as i64,
            entry.value.bytes(),
            entry.expires.map(time),
        ])?;
        if is_new && let Some(count) = self.counts.get_mut(key.bucket.name) {
            *count += 1;
        }
        Ok(())
    }

    fn remove(&mut self, key: &Key) -> rusqlite::Result<()> {
        let sql = "DELETE FROM entries WHERE bucket = ?1 AND key = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let removed = statement.execute(params![key.bucket.name, key.name])?;
        if let Some(count) = self.counts.get_mut(key.bucket.name) {
            *count -= removed;
        }
        Ok(())
    }

    fn page(
        &mut self,
        bucket: Bucket,
        start: &str,
        is_included: bool,
        utc: Millis,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Arc<str>, Entry)>> {
        let sql = match is_included {
            true => {
                "SELECT key, version, value, expires FROM entries
                WHERE bucket = ?1 AND key >= ?2 AND (expires IS NULL OR expires > ?3)
                ORDER BY key LIMIT ?4"
            }
            false => {
                "SELECT key, version, value, expires FROM entries
                WHERE bucket = ?1 AND key > ?2 AND (expires IS NULL OR expires > ?3)
                ORDER BY key LIMIT ?4"
            }
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![bucket.name, start, time(utc), limit as i64];
        let rows = statement.query_map(values, |row| Ok((row.get(0)?, entry(row, 1)?)))?;
        rows.collect()
    }

    fn expired(
        &mut self,
        bucket: Bucket,
        utc: Millis,
        limit: usize,
    ) -> rusqlite::Result<Vec<Arc<str>>> {
        let sql = "SELECT key FROM entries WHERE bucket = ?1 AND expires <= ?2
            ORDER BY expires, key LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![bucket.name, time(utc), limit as i64];
        statement.query_map(values, |row| row.get(0))?.collect()
    }

    fn count(&mut self, bucket: Bucket) -> rusqlite::Result<usize> {
        if let Some(count) = self.counts.get(bucket.name) {
            return Ok(*count);
        }
        let sql = "SELECT count(*) FROM entries WHERE bucket = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let count: i64 = statement.query_row([bucket.name], |row| row.get(0))?;
        self.counts.insert(bucket.name, count as usize);
        Ok(count as usize)
    }

    fn next_version(&mut self) -> rusqlite::Result<Version> {
        self.version += 1;
        Ok(Version(self.version))
    }
}

/// The entry whose columns begin there.
fn entry(row: &Row<'_>, at: usize) -> rusqlite::Result<Entry> {
    let version: i64 = row.get(at)?;
    let expires: Option<i64> = row.get(at + 2)?;
    Ok(Entry {
        version: Version(version as u64),
        value: Value::new(row.get_ref(at + 1)?.as_blob()?),
        expires: expires.map(|at| at as Millis),
    })
}

/// SQLite's numbers have a sign.
fn time(at: Millis) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

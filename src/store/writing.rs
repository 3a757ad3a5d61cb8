//! Drafts get their places: many in one transaction, or none of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::thread;
use std::time::{Duration, Instant};

use log::{info, warn};
use rusqlite::{Connection, ErrorCode, OptionalExtension, ffi, params};

use super::backlog::Backlog;
use super::checkpoints::{checkpoint, empty_journal};
use super::passing::Passing;
use super::place::{Noted, Taken};
use super::rows::Kind;
use super::schema::{PATIENCE, set_state, state};
use super::survey::Survey;
use super::{Folder, Options, StoreError, schema, words};
use crate::chat::{Content, Draft, Epoch, MessageKind, Millis, Name, Recipient, TakenBack, Unkept};

/// What an event costs beside its text.
const OVERHEAD: i64 = 80;

/// So many numbers are left out after an end that was none: those who have heard what a torn
/// database has lost have numbers that nothing else bears.
const GAP: u64 = 1 << 20;

/// How often it is looked whether something else still writes to the database.
const PAUSE: Duration = Duration::from_millis(2);

/// Rooms that are remembered so that they need not be looked up.
const MOST_ROOMS: usize = 4096;

/// What is known of a room.
#[derive(Clone, Debug)]
struct RoomRow {
    id: i64,
    epoch: Epoch,
    number: u64,
    time: Millis,
    bytes: i64,
}

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) folder: Folder,
    taken: Taken,
    /// The last number that was given.
    last: u64,
    /// What has a larger number was said in this life of the program.
    life: u64,
    /// The last before that.
    before: u64,
    /// So many lines at most were kept once, and are not there.
    missing: u64,
    /// The rooms that were forgotten had no larger number.
    pub(super) floor: u64,
    /// All up to there is in the index of words.
    pub(super) indexed: u64,
    /// What is to come into it next.
    pub(super) backlog: Backlog,
    /// What goes next, if there is too much.
    pub(super) survey: Survey,
    rooms: HashMap<Box<str>, RoomRow>,
    /// It could not be noted what the highest number is, and that was logged.
    has_complained: bool,
    /// The last that was to be kept was not.
    is_failing: bool,
    /// What is in the database makes no sense: nobody would find what was added to it.
    is_damaged: bool,
}

/// Rooms that a transaction has changed.
type Changed<'a> = HashMap<Cow<'a, str>, RoomRow>;

impl Writer {
    /// Takes a folder, and opens the store in it, or makes one.
    pub(super) fn open(folder: &Folder, options: &Options) -> Result<Self, StoreError> {
        let taken = folder.take()?;
        let path = folder.database();
        let connection = schema::open(&path, options)?;
        let database = |error| StoreError::Database(path.clone(), error);
        let state = |name| state(&connection, name).map_err(database);
        let (indexed, was_closed) = (state("indexed")? as u64, state("is_closed")? == 1);
        let kept: i64 = connection
            .query_row("SELECT ifnull(max(number), 0) FROM rooms", [], |row| {
                row.get(0)
            })
            .map_err(database)?;
        let floor = schema::floor(&connection).map_err(database)?;
        let (kept, noted) = ((kept as u64).max(floor), taken.noted());
        let noted = noted.map_err(|error| StoreError::Place(folder.path().to_owned(), error))?;
        // Whether it was closed is no word on that: the start that says it is in use may be lost
        // with the rest, if somebody has read beside it.
        let missing = noted.missing(kept);
        // It also shows whether the store can be written to.
        set_in_use(&connection).map_err(database)?;
        // From now on it is this that waits.
        connection.busy_timeout(Duration::ZERO).map_err(database)?;
        let gap = if was_closed && missing == 0 { 0 } else { GAP };
        let before = kept.max(noted.highest).max(indexed);
        let last = before + gap;
        Ok(Self {
            connection,
            folder: folder.clone(),
            taken,
            last,
            life: last,
            before,
            missing,
            floor,
            indexed,
            backlog: Backlog::after(last),
            survey: Survey::default(),
            rooms: HashMap::new(),
            has_complained: false,
            is_failing: false,
            is_damaged: false,
        })
    }

    /// What has a larger number was said in this life of the program.
    pub(super) fn life(&self) -> u64 {
        self.life
    }

    /// So many lines at most were kept once, and are not there.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// The last number that was given.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Gives drafts, those of each turn together, their places in their order; or none of those
    /// that are for rooms. Calls `waits` if something else writes, which is waited for.
    pub(super) fn commit(&mut self, turns: &mut [Vec<Passing>], waits: impl Fn()) {
        let mut last = self.last;
        for passing in turns.iter_mut().flatten() {
            last += 1;
            passing.number = last;
        }
        if turns.iter().flatten().any(Passing::is_kept) {
            let written = self.write(turns, waits);
            self.tell_of(&written);
            if let Err(error) = written {
                let kept = turns.iter_mut().flatten();
                let kept = kept.filter(|passing| passing.is_kept());
                kept.for_each(|passing| passing.refused = Some(unkept(&error)));
            }
        }
        self.last = last;
    }

    /// Says what is wrong with the database.
    pub(super) fn complain(&self, error: &rusqlite::Error) {
        warn!("{}: {error}", self.folder.database().display());
    }

    /// What is read and written beside the commits has failed: if the database is damaged, as it is
    /// when somebody writes over the file, what is committed goes into its journal all the same,
    /// and would be lost with it.
    pub(super) fn note_damage(&mut self, error: &rusqlite::Error) {
        let code = error.sqlite_error_code();
        self.is_damaged |= matches!(
            code,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        );
    }

    /// Says when it begins to fail, and when it works again.
    fn tell_of<T>(&mut self, written: &rusqlite::Result<T>) {
        let was_failing = std::mem::replace(&mut self.is_failing, written.is_err());
        let path = self.folder.database();
        match written {
            Err(error) if !was_failing => {
                warn!("{}: nothing can be said in rooms: {error}", path.display());
            }
            Ok(_) if was_failing => info!("{}: what is said is kept again", path.display()),
            _ => {}
        }
    }

    /// Writes those that are for rooms.
    fn write(&mut self, turns: &mut [Vec<Passing>], waits: impl Fn()) -> rusqlite::Result<()> {
        if self.rooms.len() > MOST_ROOMS {
            self.rooms.clear();
        }
        self.look_at_files()?;
        self.begin(waits)?;
        let mut changed = Changed::new();
        let written = self.insert_all(turns.iter_mut().flatten(), &mut changed);
        self.end(written)?;
        let highest = changed.values().map(|room| room.number).max();
        for (key, row) in changed {
            match self.rooms.get_mut(&*key) {
                Some(known) => *known = row,
                None => _ = self.rooms.insert(key.into(), row),
            }
        }
        turns.iter().for_each(|turn| self.backlog.note(turn));
        self.note_highest(highest.unwrap_or(0));
        Ok(())
    }

    /// Nothing is committed to what nobody would find. What is put back is used again.
    fn look_at_files(&self) -> rusqlite::Result<()> {
        if self.is_damaged {
            let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
            let why = "it is damaged: stop the server, and put a copy in its place";
            return Err(rusqlite::Error::SqliteFailure(code, Some(why.to_owned())));
        }
        self.taken.is_as_it_was().map_err(|(path, gone)| {
            let code = ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED);
            let mut why = gone.to_string();
            if path != self.folder.database() {
                why = format!("{}: {why}", path.display());
            }
            rusqlite::Error::SqliteFailure(code, Some(why))
        })
    }

    /// Begins a transaction that writes. If something else does, calls `waits`, and waits for it,
    /// for a while.
    pub(super) fn begin(&self, waits: impl Fn()) -> rusqlite::Result<()> {
        let mut begin = self.connection.prepare_cached("BEGIN IMMEDIATE")?;
        let is_busy = |begun: &rusqlite::Result<usize>| {
            let code = begun
                .as_ref()
                .err()
                .and_then(|error| error.sqlite_error_code());
            code == Some(ErrorCode::DatabaseBusy)
        };
        let mut begun = begin.execute([]);
        if is_busy(&begun) {
            waits();
            let until = Instant::now() + PATIENCE;
            while is_busy(&begun) && Instant::now() < until {
                thread::sleep(PAUSE);
                begun = begin.execute([]);
            }
        }
        begun.map(|_| ())
    }

    /// Ends it: all of it is there, or nothing.
    pub(super) fn end<T>(&self, done: rusqlite::Result<T>) -> rusqlite::Result<T> {
        let ended = done.and_then(|done| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(done)
        });
        if ended.is_err() {
            self.roll_back();
        }
        ended
    }

    /// Gives up what was not committed. A full disk has SQLite do so by itself.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            self.complain(&error);
        }
    }

    fn insert_all<'a>(
        &self,
        drafts: impl Iterator<Item = &'a mut Passing>,
        changed: &mut Changed<'a>,
    ) -> rusqlite::Result<()> {
        for passing in drafts {
            let Passing { draft, time, .. } = passing;
            let Recipient::Room { name, .. } = &draft.to else {
                continue;
            };
            let room = match changed.entry(name.folded()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let room = self.room_of(draft, name, entry.key())?;
                    entry.insert(room)
                }
            };
            *time = room.time.max(*time);
            self.insert(draft, room, passing.number, *time)?;
            (room.number, room.time) = (passing.number, *time);
            passing.room = room.id;
        }
        let mut update = self
            .connection
            .prepare_cached("UPDATE rooms SET number = ?2, time = ?3, bytes = ?4 WHERE id = ?1")?;
        for room in changed.values() {
            let RoomRow {
                id,
                number,
                time,
                bytes,
                epoch: _,
            } = room;
            update.execute(params![id, *number as i64, *time as i64, bytes])?;
        }
        Ok(())
    }

    /// The row of a room, which is made if there is none. If it has another epoch than the draft,
    /// what was kept is of that from now on: a room was opened that could not be looked up.
    fn room_of(&self, draft: &Draft, name: &Name, key: &str) -> rusqlite::Result<RoomRow> {
        let known = self.rooms.get(key);
        if let Some(room) = known.filter(|room| room.epoch == draft.epoch) {
            return Ok(room.clone());
        }
        let bits = draft.epoch.to_bits() as i64;
        let epoch = draft.epoch;
        let connection = &self.connection;
        let mut find = connection
            .prepare_cached("SELECT id, number, time, bytes, epoch FROM rooms WHERE key = ?1")?;
        let found = find.query_row([key], |row| {
            let room = RoomRow {
                id: row.get(0)?,
                epoch,
                number: row.get::<_, i64>(1)? as u64,
                time: row.get::<_, i64>(2)? as u64,
                bytes: row.get(3)?,
            };
            Ok((room, row.get::<_, i64>(4)?))
        });
        match found.optional()? {
            Some((room, kept)) => {
                if kept != bits {
                    let sql = "UPDATE rooms SET epoch = ?2 WHERE id = ?1";
                    connection.execute(sql, params![room.id, bits])?;
                }
                Ok(room)
            }
            None => {
                let mut make = connection.prepare_cached(
                    "INSERT INTO rooms (key, name, epoch, number, time, bytes, pruned)
                     VALUES (?1, ?2, ?3, ?4, 0, 0, ?4)",
                )?;
                // It may have been there, and been forgotten.
                let number = self.floor;
                let id = make.insert(params![key, &**name, bits, number as i64])?;
                Ok(RoomRow {
                    id,
                    epoch,
                    number,
                    time: 0,
                    bytes: 0,
                })
            }
        }
    }

    fn insert(
        &self,
        draft: &Draft,
        room: &mut RoomRow,
        number: u64,
        time: Millis,
    ) -> rusqlite::Result<()> {
        let (kind, text, taken) = match &draft.content {
            Content::Message { kind, text } => {
                let kind = match kind {
                    MessageKind::Said => Kind::Said,
                    MessageKind::Action => Kind::Action,
                };
                (kind, Some(&**text), None)
            }
            Content::Topic { topic, .. } => {
                let mut set = self
                    .connection
                    .prepare_cached("UPDATE rooms SET topic = ?2 WHERE id = ?1")?;
                set.execute(params![room.id, &**topic])?;
                (Kind::Topic, Some(&**topic), None)
            }
            Content::Redaction(taken) => {
                self.take_back(room, taken)?;
                let kind = match taken.is_authors {
                    true => Kind::Withdrawn,
                    false => Kind::Removed,
                };
                (kind, None, Some(taken))
            }
        };
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (room, number, previous, time, kind, id, nickname, account, origin,
                 member, text, message, said, author)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        let author = &draft.author;
        insert.execute(params![
            room.id,
            number as i64,
            room.number as i64,
            time as i64,
            kind as i64,
            draft.id.to_bytes(),
            &*author.nickname,
            author.account.as_deref(),
            author.origin.to_bits() as i64,
            draft.member.to_bits() as i64,
            text,
            taken.map(|taken| taken.message.to_bytes()),
            taken.map(|taken| taken.said as i64),
            taken.map(|taken| &*taken.author),
        ])?;
        room.bytes += weight(text);
        Ok(())
    }

    /// Takes the text of a message out of the table, and out of the index.
    fn take_back(&self, room: &mut RoomRow, taken: &TakenBack) -> rusqlite::Result<()> {
        let mut delete = self.connection.prepare_cached(
            "DELETE FROM events WHERE room = ?1 AND number = ?2 AND id = ?3 RETURNING text",
        )?;
        let (number, id) = (taken.number as i64, taken.message.to_bytes());
        let text = delete.query_row(params![room.id, number, id], |row| {
            row.get::<_, Option<String>>(0)
        });
        let Some(text) = text.optional()? else {
            return Ok(()); // it was pruned
        };
        room.bytes -= weight(text.as_deref());
        if let Some(text) = text.filter(|_| taken.number <= self.indexed) {
            words::forget(&self.connection, room.id, number, &text)?;
        }
        Ok(())
    }

    /// Rooms have changed behind what is remembered of them.
    pub(super) fn forget_rooms(&mut self) {
        self.rooms.clear();
    }

    fn note_highest(&mut self, number: u64) {
        let noted = self.taken.note(&Noted {
            highest: number,
            life: self.life,
            before: self.before,
        });
        let has_failed = noted.is_err();
        if let Err(error) = noted
            && !self.has_complained
        {
            let path = self.folder.path().join("highest");
            warn!("{}: {error}", path.display());
        }
        self.has_complained = has_failed;
    }

    /// The end is an orderly one.
    pub(super) fn close(&mut self) -> rusqlite::Result<()> {
        set_state(&self.connection, "is_closed", 1)?;
        empty_journal(&self.connection)?;
        Ok(())
    }
}

/// What an event with such a text takes.
pub(super) fn weight(text: Option<&str>) -> i64 {
    OVERHEAD + text.map_or(0, |text| text.len() as i64)
}

/// The end of the store is none from now on. The disk has that before anything is said, in the
/// database itself: a loss of power may take the journal, and a copy of the file alone has none.
fn set_in_use(connection: &Connection) -> rusqlite::Result<()> {
    let sync: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    set_state(connection, "is_closed", 0)?;
    connection.pragma_update(None, "synchronous", sync)?;
    // If somebody reads it, the journal has it, and the disk has that.
    checkpoint(connection)?;
    Ok(())
}

/// What somebody is told whose line could not be kept.
fn unkept(error: &rusqlite::Error) -> Unkept {
    match schema::is_full(error) {
        true => Unkept::Full,
        false => Unkept::Unavailable,
    }
}

//! The folder of a store: its files, who may read them, and who has it.
//!
//! SQLite lets several processes write to one database; two servers would give the same numbers to
//! different lines. So a lock on a file of its own says who has the store, as long as it runs.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::StoreError;

/// The name of the database.
const DATABASE: &str = "chat.sqlite";

/// The name of that of who is who.
const DIRECTORY: &str = "directory.sqlite";

/// Digits of a number that is noted, so that one write replaces another.
const DIGITS: usize = 20;

/// Bytes of a line with a number.
const LINE: usize = DIGITS + 1;

/// A folder in which a store is, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// This one. Nothing is looked at or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// The database of who is who.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.0.join(DIRECTORY)
    }

    /// Makes the folder if it is not there, for its owner alone, and takes what is said in it for
    /// this process as long as what is returned is kept.
    pub(super) fn take(&self) -> Result<Taken, StoreError> {
        let (lock, files) = self.lock("lock", DATABASE)?;
        Ok(Taken {
            _lock: lock,
            highest: self.open("highest")?.0,
            files,
        })
    }

    /// The same of who is who.
    pub(super) fn take_directory(&self) -> Result<File, StoreError> {
        Ok(self.lock("directory.lock", DIRECTORY)?.0)
    }

    /// Makes a database that is not there, and takes it as long as the file is kept that says so.
    /// With it comes which files the two are.
    fn lock(
        &self,
        name: &str,
        database: &str,
    ) -> Result<(File, [(PathBuf, Which); 2]), StoreError> {
        self.make()
            .map_err(|error| StoreError::Place(self.0.clone(), error))?;
        let (lock, locked) = self.open(name)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(StoreError::InUse(self.0.clone())),
            Err(error) => return Err(StoreError::Place(self.0.join(name), error.into())),
        }
        // SQLite would make it for all to read. It is closed again before that opens it: closing it
        // later would let go of the locks that SQLite has on it.
        let (_, made) = self.open(database)?;
        let found = fs::metadata(&self.0);
        let found = found.map_err(|error| StoreError::Place(self.0.clone(), error))?;
        warn_of_others(&self.0, &found);
        warn_of_others(&self.0.join(database), &made);
        let files = [(name, locked), (database, made)]
            .map(|(name, file)| (self.0.join(name), Which::of(&file)));
        Ok((lock, files))
    }

    fn make(&self) -> io::Result<()> {
        let not = |why: &str| Err(io::Error::new(ErrorKind::InvalidInput, why));
        if self.0.as_os_str().is_empty() {
            return not("no folder is named");
        }
        let is_new = match (fs::metadata(&self.0), fs::symlink_metadata(&self.0)) {
            (Ok(found), _) if found.is_dir() => false,
            (Ok(_), _) => return not("it is no folder"),
            (Err(error), Ok(_)) if error.kind() == ErrorKind::NotFound => {
                return not("it is a link to nothing");
            }
            (Err(error), _) if error.kind() == ErrorKind::NotFound => true,
            (Err(error), _) => return Err(error),
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)?;
        if is_new {
            // What others in the process have the system leave out of a mode, as for the file of a
            // socket, it leaves out here, too.
            std::fs::set_permissions(&self.0, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    fn open(&self, name: &str) -> Result<(File, Metadata), StoreError> {
        let path = self.0.join(name);
        create(&path).map_err(|error| StoreError::Place(path, error))
    }
}

/// Opens a file that is for its owner alone, and makes it if it is not there.
fn create(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Nobody may ever come to the other end of what is a pipe.
    options.custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = options.mode(0o600).open(path)?;
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found)),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is no file")),
    }
}

/// Says so if others than the owner may do something with it.
fn warn_of_others(path: &Path, found: &Metadata) {
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        warn!("{path}: what is said is kept there, and others have access to it (mode {mode:04o})");
    }
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Which {
    device: u64,
    file: u64,
}

impl Which {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            file: found.ino(),
        }
    }
}

/// What has become of a file that was in use.
#[derive(Debug)]
pub(super) enum Gone {
    Removed,
    Replaced,
    Emptied,
    Unknown(io::Error),
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("it was removed while it was in use"),
            Self::Replaced => f.write_str("another was put in its place while it was in use"),
            Self::Emptied => f.write_str("it was emptied while it was in use"),
            Self::Unknown(error) => error.fmt(f),
        }
    }
}

/// Numbers that are beside the database, so that a loss in that is noticed. One that is 0 is not
/// known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// The highest that was ever committed.
    pub(super) highest: u64,
    /// What has a larger one was said in the life of the program that has noted it.
    pub(super) life: u64,
    /// The last before that life: those between the two were left out.
    pub(super) before: u64,
}

impl Noted {
    /// How many lines at most are missing in a database with that last number.
    pub(super) fn missing(&self, kept: u64) -> u64 {
        let of_life = self.highest.saturating_sub(kept.max(self.life));
        of_life + self.before.saturating_sub(kept)
    }
}

/// A folder that this process has.
#[derive(Debug)]
pub(super) struct Taken {
    /// It is let go with the file.
    _lock: File,
    highest: File,
    /// Those without which it is another's, or nobody's: where they are, and which.
    files: [(PathBuf, Which); 2],
}

impl Taken {
    /// Whether the files are still those that were taken. Nothing is opened for that: SQLite's
    /// locks would be gone with it.
    ///
    /// # Errors
    ///
    /// Which is gone, another, or has lost what was in it; and if it cannot be looked.
    pub(super) fn is_as_it_was(&self) -> Result<(), (&Path, Gone)> {
        for (path, taken) in &self.files {
            let gone = match fs::metadata(path) {
                Ok(found) if Which::of(&found) != *taken => Gone::Replaced,
                Ok(found) if found.len() == 0 && path.ends_with(DATABASE) => Gone::Emptied,
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => Gone::Removed,
                Err(error) => Gone::Unknown(error),
            };
            return Err((path, gone));
        }
        Ok(())
    }

    /// What was noted last, as far as is known.
    pub(super) fn noted(&self) -> io::Result<Noted> {
        let (mut bytes, mut length) = ([0; 3 * LINE], 0);
        loop {
            match self.highest.read_at(&mut bytes[length..], length as u64)? {
                0 => break,
                count => length += count,
            }
        }
        // What is no number, or a part of one, says nothing.
        let lines = bytes[..length].chunks_exact(LINE).map(|line| {
            let digits = std::str::from_utf8(&line[..DIGITS]).ok();
            digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
        });
        let mut lines = lines.chain(std::iter::repeat(0));
        let mut next = || lines.next().unwrap_or(0);
        Ok(Noted {
            highest: next(),
            life: next(),
            before: next(),
        })
    }

    pub(super) fn note(&self, noted: &Noted) -> io::Result<()> {
        let Noted {
            highest,
            life,
            before,
        } = noted;
        let lines = format!("{highest:0DIGITS$}\n{life:0DIGITS$}\n{before:0DIGITS$}\n");
        self.highest.write_all_at(lines.as_bytes(), 0)
    }
}

//! The folder of a store: its files, who may read them, and who has it.
//!
//! SQLite lets several processes write to one database; two servers would give the same numbers to
//! different lines. So a lock on a file of its own says who has the store, as long as it runs.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::StoreError;

/// Digits of the highest number, so that one write replaces another.
const DIGITS: usize = 20;

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
        self.0.join("chat.sqlite")
    }

    /// Makes the folder if it is not there, for its owner alone, and takes it for this process as
    /// long as what is returned is kept.
    pub(super) fn take(&self) -> Result<Taken, StoreError> {
        self.make()
            .map_err(|error| StoreError::Place(self.0.clone(), error))?;
        let lock = self.open("lock")?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(StoreError::InUse(self.0.clone())),
            Err(error) => return Err(StoreError::Place(self.0.join("lock"), error.into())),
        }
        // SQLite would make it for all to read.
        create(&self.database()).map_err(|error| StoreError::Place(self.database(), error))?;
        Ok(Taken {
            _lock: lock,
            highest: self.open("highest")?,
        })
    }

    fn make(&self) -> io::Result<()> {
        let is_new = !self.0.try_exists()?;
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)?;
        if is_new {
            // What others in the process have the system leave out of a mode, as for the file of a
            // socket, it leaves out here, too.
            std::fs::set_permissions(&self.0, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    fn open(&self, name: &str) -> Result<File, StoreError> {
        let path = self.0.join(name);
        create(&path).map_err(|error| StoreError::Place(path, error))
    }
}

/// Opens a file that is for its owner alone, and makes it if it is not there.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// A folder that this process has.
#[derive(Debug)]
pub(super) struct Taken {
    /// It is let go with the file.
    _lock: File,
    highest: File,
}

impl Taken {
    /// The highest number that was ever committed, as far as was noted; 0 if that is not known.
    /// It is beside the database, so that a loss in that is noticed.
    pub(super) fn highest(&self) -> io::Result<u64> {
        let mut digits = [0; DIGITS];
        match self.highest.read_exact_at(&mut digits, 0) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            read => read?,
        }
        let digits = std::str::from_utf8(&digits).ok();
        Ok(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
    }

    pub(super) fn note_highest(&self, number: u64) -> io::Result<()> {
        let digits = format!("{number:0DIGITS$}\n");
        self.highest.write_all_at(digits.as_bytes(), 0)
    }
}

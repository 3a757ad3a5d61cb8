//! Where what is said is kept, and what can be done with it beside a server that runs.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::{env, fmt};

use log::warn;

use crate::chat::{Event, Kept};
use crate::room_log::{MemoryLog, RoomLog};
use crate::server::core::rendering::Heard;
use crate::server::doors::json::rendering;
use crate::server::{Config, StartError};
use crate::store::{self, Folder, Options, StoreError, StoreLog};

/// What the program does instead of serving.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Copy the store, whoever uses it, into one file, which must not be there
    Backup {
        /// The file.
        path: PathBuf,
    },
    /// Print all that is kept of a room, oldest first, a JSON object a line
    Export {
        /// The room.
        room: String,
    },
}

/// Why there is no place by default.
const NOWHERE: &str = "neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME names a folder";

/// When a line is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sync {
    /// When the system has it.
    Normal,
    /// When the disk has it.
    Full,
}

/// What `--store` says for nothing that outlasts the process.
const MEMORY: &str = "memory";

/// Where the store is.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Somebody has said so.
    Given(Folder),
    /// Nobody has: it is where programs keep what is to outlast them.
    ByDefault(Folder),
    /// There is none: somebody has said so.
    Memory,
    /// There is none, since nobody has said where, and it is not known where programs do.
    Nowhere,
}

/// The log that the configuration asks for.
///
/// A store that was asked for has to be usable. By default there is none if it is not, for whatever
/// reason, and a warning says so: who only wants to try the server has not asked for a store.
pub(super) fn open_log(config: &Config) -> Result<Box<dyn RoomLog>, StartError> {
    let options = Options {
        is_synced: config.store_sync == Sync::Full,
        most_bytes: config.store_max,
        most_days: config.store_days,
    };
    let (folder, is_given) = match wanted(config.store.as_deref(), env::var_os) {
        Wanted::Given(folder) => (folder, true),
        Wanted::ByDefault(folder) => (folder, false),
        Wanted::Memory => return Ok(Box::<MemoryLog>::default()),
        Wanted::Nowhere => return Ok(in_memory(NOWHERE)),
    };
    match StoreLog::open(&folder, options) {
        Ok(log) => Ok(Box::new(log)),
        Err(error) if !is_given => Ok(in_memory(error)),
        Err(error) => Err(not_usable(error)),
    }
}

fn in_memory(why: impl fmt::Display) -> Box<dyn RoomLog> {
    warn!("what is said is kept in memory only ({why}); --store says where else, or memory");
    Box::<MemoryLog>::default()
}

fn not_usable(error: StoreError) -> StartError {
    StartError::new("--store", error)
}

fn wanted(given: Option<&str>, variable: impl Fn(&'static str) -> Option<OsString>) -> Wanted {
    match given {
        Some(MEMORY) => return Wanted::Memory,
        Some(path) => return Wanted::Given(Folder::new(path)),
        None => {}
    }
    let folder = state_folder(variable);
    folder.map_or(Wanted::Nowhere, |path| Wanted::ByDefault(Folder::new(path)))
}

/// The folder for what outlasts the process, if nobody has named one.
pub(super) fn state_folder(variable: impl Fn(&'static str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(variable(name)?);
        Some(path).filter(|path| path.is_absolute())
    };
    // The service manager separates several by colons.
    let managed = absolute("STATE_DIRECTORY").map(|path| match path.to_str() {
        Some(text) => PathBuf::from(text.split(':').next().unwrap_or(text)),
        None => path,
    });
    managed
        .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("loopchat")))
        .or_else(|| Some(absolute("HOME")?.join(".local/state/loopchat")))
}

/// Does what is asked of the program instead of serving: a copy of the store, or all that is kept of
/// a room.
///
/// # Errors
///
/// [`StartError`], which says why not.
pub fn carry_out(command: &Command, config: &Config) -> Result<(), StartError> {
    let folder = match wanted(config.store.as_deref(), env::var_os) {
        Wanted::Given(folder) | Wanted::ByDefault(folder) => folder,
        Wanted::Memory => {
            return Err(StartError::new("--store", "memory keeps nothing"));
        }
        Wanted::Nowhere => return Err(StartError::new("--store", NOWHERE)),
    };
    match command {
        Command::Backup { path } => store::backup(&folder, path).map_err(not_usable),
        Command::Export { room } => {
            let mut out = io::stdout().lock();
            let mut line = Vec::new();
            let written = store::each_event(&folder, room, |kept| {
                line.clear();
                export(kept, &mut line);
                out.write_all(&line)
            });
            match written.map_err(not_usable)?.and_then(|()| out.flush()) {
                // Whoever reads it with `head` has had enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|error| StartError::new("export", error)),
            }
        }
    }
}

/// What was heard, as programs that speak JSON hear it.
fn export(kept: Kept, to: &mut Vec<u8>) {
    rendering::render(Heard::Event(&Event::from(kept)), to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_or_the_first_that_is_known() {
        let all = [
            ("STATE_DIRECTORY", "/var/lib/loopchat:/other"),
            ("XDG_STATE_HOME", "/state"),
            ("HOME", "/home/ann"),
        ];
        let found = |given, known: &[(&str, &str)]| {
            wanted(given, |name| {
                let value = known.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| value.into())
            })
        };
        let default = |path| Wanted::ByDefault(Folder::new(path));
        assert_eq!(found(Some("memory"), &all), Wanted::Memory);
        assert_eq!(
            found(Some("here"), &all),
            Wanted::Given(Folder::new("here"))
        );
        assert_eq!(found(None, &all), default("/var/lib/loopchat"));
        assert_eq!(found(None, &all[1..]), default("/state/loopchat"));
        let home = default("/home/ann/.local/state/loopchat");
        assert_eq!(found(None, &all[2..]), home);
        let relative = [("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "a"), all[2]];
        assert_eq!(
            found(None, &relative),
            home,
            "who is nowhere is passed over"
        );
        assert_eq!(found(None, &[]), Wanted::Nowhere);
    }
}

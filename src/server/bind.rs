//! Binding everything `--listen` names, before anyone is served.

use std::fmt;
use std::fs;
use std::io;
use std::net::ToSocketAddrs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use log::{info, warn};
use mio::net::UnixStream;
use rustix::fs::Mode;
use rustix::process::umask;

use crate::net::{Address, BufferSizes, Error, Listener, Target};

/// Connections that may wait to be accepted, so that a burst of arrivals is not refused.
const BACKLOG: i32 = 4096;

/// After so long without a word from a TCP peer the system asks whether it is still there; a minute
/// or so later one that does not answer is given up.
const KEEP_ALIVE_SECONDS: u32 = 120;

/// Why the server could not start: one line that names the flag.
#[derive(Debug)]
pub struct StartError {
    flag: String,
    reason: String,
}

impl StartError {
    pub(super) fn new(flag: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            flag: flag.into(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.flag, self.reason)
    }
}

impl std::error::Error for StartError {}

/// Binds all addresses, or none: what was bound before an error is given back with it. Socket files
/// get the permissions `ipc_mode`.
pub(super) fn bind_all(listen: &[String], ipc_mode: u32) -> Result<Vec<Listener>, StartError> {
    listen
        .iter()
        .map(|text| {
            bind(text, ipc_mode)
                .map_err(|reason| StartError::new(format!("--listen {text}"), reason))
        })
        .collect()
}

/// What the system keeps for each connection, of what is not taken by the peer, and of what is not read
/// here: enough for a fast one, and a bound for one that stalls.
const BUFFER_SIZES: BufferSizes = BufferSizes {
    send: Some(64 * 1024),
    receive: Some(64 * 1024),
};

/// Where the web door is if nobody says where.
const WEB: &str = "127.0.0.1:8080";

/// Binds the web door's address, if there is to be one. One that was given has to be free; if nobody has
/// given any, the chat does without.
pub(super) fn bind_web(web: Option<&str>, ipc_mode: u32) -> Result<Option<Listener>, StartError> {
    match web {
        Some("off") => Ok(None),
        Some(text) => bind(text, ipc_mode)
            .map(Some)
            .map_err(|reason| StartError::new(format!("--web {text}"), reason)),
        None => Ok(bind(WEB, ipc_mode)
            .inspect_err(|reason| {
                warn!("no chat in the browser: {reason}; --web sets another address")
            })
            .ok()),
    }
}

fn bind(text: &str, ipc_mode: u32) -> Result<Listener, String> {
    let Some(target) = Target::parse(text) else {
        return Err("not an address; it wants IP:PORT, HOST:PORT or a path with a /".to_owned());
    };
    let address = match target {
        Target::Address(address) => address,
        Target::Host(host, port) => look_up(&host, port)?,
    };
    if let Address::Ipc(path) = &address {
        remove_stale(path)?;
    }
    // A socket file takes its permissions from the mask. They are narrow from the start: nobody gets
    // in before they are what they are to be.
    let mask = umask(Mode::from_raw_mode(0o177));
    let bound = Listener::bind(&address, BACKLOG);
    umask(mask);
    let mut listener = bound.map_err(|error| explain(&error, &address))?;
    if let Address::Ipc(path) = listener.address() {
        fs::set_permissions(path, fs::Permissions::from_mode(ipc_mode))
            .map_err(|error| format!("its permissions: {error}"))?;
    }
    // Whoever vanishes without a word is found out by probes. The system hands this on to every
    // connection that is accepted.
    if let Err(error) = listener.set_keep_alive(KEEP_ALIVE_SECONDS) {
        warn!("peers that vanish will not be noticed: {error}");
    }
    // A connection's share of the kernel's memory is bounded as its share of ours is.
    if let Err(error) = listener.set_buffer_sizes(BUFFER_SIZES) {
        warn!("the system keeps as much for each connection as it likes: {error}");
    }
    Ok(listener)
}

/// Blocks, which is fine before the loop runs.
fn look_up(host: &str, port: u16) -> Result<Address, String> {
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    // An IPv4 address first: it is what `nc localhost` and this project's examples dial.
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|address| !address.is_ipv4());
    found
        .first()
        .map(|address| Address::Tcp(*address))
        .ok_or(format!("{host} has no address"))
}

/// Adds what the error alone does not say.
fn explain(error: &Error, address: &Address) -> String {
    let hint = match address {
        Address::Tcp(_) if error.code() == "EADDRINUSE" => "; is another server running there?",
        Address::Ipc(path) if path.parent().is_some_and(|folder| !folder.exists()) => {
            "; the folder does not exist"
        }
        _ => "",
    };
    format!("{error}{hint}")
}

/// Makes way for a new socket file: one that nobody listens on any more, left by a server that
/// was killed, is removed; one that is in use, or is no socket at all, is an error.
fn remove_stale(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(file) if !file.file_type().is_socket() => {
            return Err("the file exists and is not a socket".to_owned());
        }
        Ok(_) => {}
    }
    // A nonblocking probe: a server that is alive but busy, its backlog full, is alive.
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            info!("replacing the stale socket file {path:?}");
            fs::remove_file(path).map_err(|error| format!("its stale socket file: {error}"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err("the socket belongs to someone else".to_owned())
        }
        Ok(_) | Err(_) => Err("another server is listening there".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_address_that_fails_gives_the_first_back() {
        let taken = bind("127.0.0.1:0", 0o600).unwrap();
        let path = tempfile::tempdir().unwrap();
        let socket = path.path().join("chat.sock").display().to_string();
        let error = bind_all(&[socket.clone(), taken.address().to_string()], 0o600)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with(&format!("--listen {}: ", taken.address()))
        );
        assert!(!Path::new(&socket).exists());
    }

    #[test]
    fn stale_socket_files_are_replaced_and_live_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.sock");
        let text = path.display().to_string();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves the file: a stale one");
        let live = bind(&text, 0o600).unwrap();
        assert_eq!(
            bind(&text, 0o600).err().unwrap(),
            "another server is listening there"
        );
        assert!(path.exists());
        drop(live);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_file_has_the_permissions_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o660, 0o666] {
            let path = folder.path().join(format!("{mode:o}.sock"));
            let _listener = bind(&path.display().to_string(), mode).unwrap();
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "precious").unwrap();
        assert!(bind(&path.display().to_string(), 0o600).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn addresses_that_cannot_be_are_explained() {
        for text in ["3000", "127.0.0.1", "127.0.0.1:66000", "", "nowhere:"] {
            assert!(
                bind(text, 0o600).err().unwrap().contains("not an address"),
                "{text}"
            );
        }
        assert!(
            bind("/nowhere/at/all.sock", 0o600)
                .err()
                .unwrap()
                .contains("folder does not exist")
        );
    }
}

//! Binding everything `--listen` names, before anyone is served.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use log::{info, warn};
use mio::net::UnixStream;
use rustix::fs::Mode;
use rustix::net::netdevice::name_to_index;
use rustix::process::umask;

use crate::net::{Address, BufferSizes, Error, Listener, Target};

/// Connections that may wait to be accepted, so that a burst of arrivals is not refused.
const BACKLOG: i32 = 4096;

/// After so long without a word from a TCP peer the system asks whether it is still there; a minute
/// or so later one that does not answer is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

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

/// A door's address, bound.
pub(super) struct Bound {
    pub(super) listener: Listener,
    /// TLS is spoken there.
    pub(super) is_tls: bool,
}

/// What stands in front of an address where TLS is spoken, of the two doors.
pub(super) const TLS: &str = "tls://";
pub(super) const HTTPS: &str = "https://";

impl Bound {
    /// Where it is, as flags say it.
    pub(super) fn shown(&self, scheme: &str) -> String {
        let scheme = if self.is_tls { scheme } else { "" };
        format!("{scheme}{}", self.listener.address())
    }

    /// One that somebody else has bound.
    pub(super) fn passed(listener: Listener, is_tls: bool) -> Self {
        Self { listener, is_tls }
    }
}

/// Where the line door is if nobody says where.
const LINE: &str = "127.0.0.1:3000";

/// Binds all addresses, or none: what was bound before an error is given back with it. Socket files
/// get the permissions `ipc_mode`.
///
/// If none is given, those that were `passed` are enough.
pub(super) fn bind_all(
    listen: &[String],
    passed: Vec<Bound>,
    ipc_mode: u32,
) -> Result<Vec<Bound>, StartError> {
    let default = (listen.is_empty() && passed.is_empty()).then_some(LINE);
    let listen = listen.iter().map(String::as_str).chain(default);
    let bound: Vec<Bound> = listen
        .map(|text| {
            bind_door(text, TLS, ipc_mode)
                .map_err(|reason| StartError::new(format!("--listen {text}"), reason))
        })
        .collect::<Result<_, _>>()?;
    Ok(passed.into_iter().chain(bound).collect())
}

/// Binds all addresses of doors that are for proxies, or none.
pub(super) fn bind_for_proxies(listen: &[String], ipc_mode: u32) -> Result<Vec<Bound>, StartError> {
    let bound = listen.iter().map(|text| {
        bind_door(text, TLS, ipc_mode)
            .map_err(|reason| StartError::new(format!("--listen-proxy {text}"), reason))
    });
    bound.collect()
}

/// What [`Listener::set_keep_alive`] has the system wait for a peer that takes nothing, in seconds.
const USER_TIMEOUT_SECONDS: u32 = 130;

/// How much longer than we the system is to wait for somebody who reads nothing, in seconds.
const GRACE_SECONDS: u32 = 60;

/// What the system keeps for each connection, of what is not taken by the peer, and of what is not
/// read here: enough for a fast one, and a bound for one that stalls.
const BUFFER_SIZES: BufferSizes = BufferSizes {
    send: Some(64 * 1024),
    receive: Some(64 * 1024),
};

/// Where the web door is if nobody says where.
const WEB: &str = "127.0.0.1:8080";

/// What says that there is to be no web door.
const OFF: &str = "off";

/// Binds the addresses of the web door, or none. Those that were given have to be free; if nobody
/// has given any, the chat does without.
///
/// If none is given, those that were `passed` are enough.
pub(super) fn bind_web(
    web: &[String],
    passed: Vec<Bound>,
    ipc_mode: u32,
) -> Result<Vec<Bound>, StartError> {
    if web.iter().any(|text| text == OFF) {
        let others = web.iter().any(|text| text != OFF);
        let reason = match passed.is_empty() {
            _ if others => "there is an address for it, too",
            false => "the service manager has passed a socket for it",
            true => return Ok(Vec::new()),
        };
        return Err(StartError::new(format!("--web {OFF}"), reason));
    }
    if web.is_empty() && passed.is_empty() {
        let bound = bind_door(WEB, HTTPS, ipc_mode).inspect_err(|reason| {
            warn!("no chat in the browser: {reason}; --web sets another address")
        });
        return Ok(bound.into_iter().collect());
    }
    let bound: Vec<Bound> = web
        .iter()
        .map(|text| {
            bind_door(text, HTTPS, ipc_mode)
                .map_err(|reason| StartError::new(format!("--web {text}"), reason))
        })
        .collect::<Result<_, _>>()?;
    Ok(passed.into_iter().chain(bound).collect())
}

/// Binds an address that has this scheme in front of it if TLS is spoken there.
fn bind_door(text: &str, scheme: &str, ipc_mode: u32) -> Result<Bound, String> {
    let (address, is_tls) = match text.strip_prefix(scheme) {
        Some(address) => (address, true),
        None if text.contains("://") => {
            return Err(format!(
                "not an address: in front of one may stand {scheme} and nothing else"
            ));
        }
        None => (text, false),
    };
    let listener = bind(address, ipc_mode)?;
    Ok(Bound { listener, is_tls })
}

fn bind(text: &str, ipc_mode: u32) -> Result<Listener, String> {
    let mut listener = match Place::parse(text)? {
        Place::Everywhere(port) => {
            let bind_any = |address: SocketAddr| bind_address(&address.into());
            let on_both = bind_any((Ipv6Addr::UNSPECIFIED, port).into());
            match on_both {
                // A machine without IPv6, or whose IPv6 is off.
                Err(error) if matches!(error.code(), "EAFNOSUPPORT" | "EADDRNOTAVAIL") => {
                    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
                    bind_any(address).map_err(|error| explain(&error, &address.into()))
                }
                bound => {
                    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
                    bound.map_err(|error| explain(&error, &address.into()))
                }
            }?
        }
        Place::Host(host, port) => bind_there(&look_up(&host, port)?)?,
        Place::Address(address) => bind_there(&address)?,
    };
    if let Address::Ipc(path) = listener.address()
        && !is_abstract(path)
    {
        fs::set_permissions(path, fs::Permissions::from_mode(ipc_mode))
            .map_err(|error| format!("its permissions: {error}"))?;
    }
    set_options(&mut listener);
    Ok(listener)
}

fn bind_there(address: &Address) -> Result<Listener, String> {
    if let Address::Ipc(path) = address
        && !is_abstract(path)
    {
        remove_stale(path)?;
    }
    bind_address(address).map_err(|error| explain(&error, address))
}

fn is_abstract(path: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(b"\0")
}

/// Binds a path anew, under the permissions that it had.
pub(super) fn bind_again(path: &Path, ipc_mode: u32) -> Result<Listener, String> {
    let address = Address::from(path);
    let mut listener = bind_there(&address)?;
    fs::set_permissions(path, fs::Permissions::from_mode(ipc_mode))
        .map_err(|error| format!("its permissions: {error}"))?;
    set_options(&mut listener);
    Ok(listener)
}

/// What the system hands on to every connection that is accepted.
pub(super) fn set_options(listener: &mut Listener) {
    // Whoever vanishes without a word is found out by probes.
    if let Err(error) = listener.set_keep_alive(KEEP_ALIVE) {
        warn!("peers that vanish will not be noticed: {error}");
    }
    // A connection's share of the kernel's memory is bounded as its share of ours is.
    if let Err(error) = listener.set_buffer_sizes(BUFFER_SIZES) {
        warn!("the system keeps as much for each connection as it likes: {error}");
    }
    // Telnet marks the end of an interrupt so.
    if let Err(error) = listener.set_urgent_inline() {
        warn!("telnet's interrupts may be misread: {error}");
    }
}

/// Members who may read nothing for so many seconds are not given up by the system before.
pub(super) fn wait_for_readers<'a>(
    listeners: impl Iterator<Item = &'a Listener>,
    stall_timeout: u32,
) {
    let seconds = stall_timeout.saturating_add(GRACE_SECONDS);
    if seconds <= USER_TIMEOUT_SECONDS {
        return; // the system has that patience
    }
    let patience = Duration::from_secs(seconds.into());
    for listener in listeners {
        if let Err(error) = listener.set_user_timeout(patience) {
            warn!("the system may give up members sooner than --stall-timeout says: {error}");
        }
    }
}

/// Where to listen, as flags say it.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Address(Address),
    /// To be looked up.
    Host(String, u16),
    /// All addresses of the machine: IPv6 and IPv4.
    Everywhere(u16),
}

/// Bytes that a Unix socket's name may have, without the NUL at its end or its start.
const LONGEST_PATH: usize = 107;

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        let wanted = "it wants IP:PORT, HOST:PORT, PORT, :PORT, @NAME or a path with a /";
        if text.contains('/') || text.starts_with('@') {
            return Self::parse_ipc(text);
        }
        if let Ok(port) = text.parse() {
            return Ok(Self::Address(
                SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into(),
            ));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(format!(
                "not an address; an IPv6 address has brackets and a port: [{text}]:3000"
            ));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(format!("not an address; {wanted}"));
        };
        let Ok(port) = port.parse() else {
            return Err(format!(
                "not an address: {port:?} is no port, 0 to 65535; {wanted}"
            ));
        };
        if matches!(host, "" | "*") {
            return Ok(Self::Everywhere(port));
        }
        if host.parse::<Ipv6Addr>().is_ok() {
            return Err(format!(
                "not an address; an IPv6 address has brackets: [{host}]:{port}"
            ));
        }
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Some((ip, zone)) = bracketed.and_then(|host| host.split_once('%')) {
            let ip = ip
                .parse()
                .map_err(|_| format!("not an address: {ip} is not IPv6"))?;
            let address = SocketAddrV6::new(ip, port, 0, scope(zone)?);
            return Ok(Self::Address(SocketAddr::from(address).into()));
        }
        match Target::parse(text) {
            Some(Target::Address(address)) => Ok(Self::Address(address)),
            Some(Target::Host(host, port)) => Ok(Self::Host(host, port)),
            None => Err(format!("not an address; {wanted}")),
        }
    }

    fn parse_ipc(text: &str) -> Result<Self, String> {
        let abstract_name = text.strip_prefix('@').filter(|_| cfg!(target_os = "linux"));
        let (what, name) = match abstract_name {
            Some(name) => ("name", name),
            None => ("path", text),
        };
        match name.len() {
            0 => Err("not an address; @ stands before a name".to_owned()),
            1..=LONGEST_PATH => {
                let path = match abstract_name {
                    Some(name) => format!("\0{name}"),
                    None => text.to_owned(),
                };
                Ok(Self::Address(Path::new(OsStr::new(&path)).into()))
            }
            length => Err(format!(
                "the {what} has {length} bytes; that of a Unix socket may have {LONGEST_PATH}"
            )),
        }
    }
}

/// The number of an IPv6 zone, which is an interface's name or number.
fn scope(zone: &str) -> Result<u32, String> {
    if let Ok(number) = zone.parse() {
        return Ok(number);
    }
    // The system wants to be asked through a socket, whichever.
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|socket| Ok(name_to_index(&socket, zone)?))
        .map_err(|error| format!("there is no network interface {zone:?}: {error}"))
}

/// Binds, with a socket file that nobody else can use yet.
fn bind_address(address: &Address) -> Result<Listener, Error> {
    // A socket file takes its permissions from the mask. They are narrow from the start: nobody
    // gets in before they are what they are to be.
    let mask = umask(Mode::from_raw_mode(0o177));
    let bound = Listener::bind(address, BACKLOG);
    umask(mask);
    bound
}

/// Blocks, which is fine before the loop runs.
fn look_up(host: &str, port: u16) -> Result<Address, String> {
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    first_to_try(found)
        .map(Address::Tcp)
        .ok_or(format!("{host} has no address"))
}

/// An IPv4 address, if there is one: it is what `nc localhost` and this project's examples dial.
fn first_to_try(found: impl IntoIterator<Item = SocketAddr>) -> Option<SocketAddr> {
    found.into_iter().min_by_key(|address| !address.is_ipv4())
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
mod tests;

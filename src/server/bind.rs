//! Binding everything `--listen` names, before anyone is served.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

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

/// Where the line door is if nobody says where.
const LINE: &str = "127.0.0.1:3000";

/// Binds all addresses, or none: what was bound before an error is given back with it. Socket files
/// get the permissions `ipc_mode`.
///
/// If none is given, those that were `passed` are enough.
pub(super) fn bind_all(
    listen: &[String],
    passed: Vec<Listener>,
    ipc_mode: u32,
) -> Result<Vec<Listener>, StartError> {
    let default = (listen.is_empty() && passed.is_empty()).then_some(LINE);
    let listen = listen.iter().map(String::as_str).chain(default);
    let bound: Vec<Listener> = listen
        .map(|text| {
            bind(text, ipc_mode)
                .map_err(|reason| StartError::new(format!("--listen {text}"), reason))
        })
        .collect::<Result<_, _>>()?;
    Ok(passed.into_iter().chain(bound).collect())
}

/// Binds all addresses of doors that are for proxies, or none.
pub(super) fn bind_for_proxies(
    listen: &[String],
    ipc_mode: u32,
) -> Result<Vec<Listener>, StartError> {
    let bound = listen.iter().map(|text| {
        bind(text, ipc_mode)
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

/// Binds the web door's address, if there is to be one. One that was given has to be free; if
/// nobody has given any, the chat does without.
///
/// One that was `passed` is the web door; there is no second one.
pub(super) fn bind_web(
    web: Option<&str>,
    passed: Option<Listener>,
    ipc_mode: u32,
) -> Result<Option<Listener>, StartError> {
    if let Some(listener) = passed {
        return match web {
            None => Ok(Some(listener)),
            Some(text) => {
                let reason = "the service manager has passed a socket for it already";
                Err(StartError::new(format!("--web {text}"), reason))
            }
        };
    }
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
    if let Err(error) = listener.set_keep_alive(KEEP_ALIVE_SECONDS) {
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
    for listener in listeners {
        if let Err(error) = listener.set_user_timeout(seconds) {
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
        let error = bind_all(
            &[socket.clone(), taken.address().to_string()],
            vec![],
            0o600,
        )
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
        for text in [
            "127.0.0.1",
            "127.0.0.1:66000",
            "",
            "nowhere:",
            "66000",
            ":",
            "@",
            "-1",
            "a b:1",
            "[::1]",
        ] {
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

    #[test]
    fn a_place_may_be_short() {
        let place = |text: &str| Place::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let address = |text: &str| Place::Address(text.parse().expect("an address"));
        assert_eq!(place("3000"), address("127.0.0.1:3000"));
        assert_eq!(place(":3000"), Place::Everywhere(3000));
        assert_eq!(place("*:0"), Place::Everywhere(0));
        assert_eq!(place("localhost:1"), Place::Host("localhost".into(), 1));
        assert_eq!(place("[::1]:80"), address("[::1]:80"));
        assert_eq!(place("./chat"), address("./chat"));
        assert_eq!(place("@chat"), Place::Address(Path::new("\0chat").into()));
        assert_eq!(place("[fe80::1%7]:80"), address("[fe80::1%7]:80"));
        let everywhere = bind(":0", 0o600).expect("a free port");
        assert!(
            everywhere
                .address()
                .ip()
                .is_some_and(|ip| ip.is_unspecified())
        );
    }

    #[test]
    fn what_was_probably_meant_is_said() {
        for (text, said) in [
            ("::1", "[::1]:3000"),
            ("::1:3000", "[::1:3000]:3000"),
            ("fe80::1%eth0:3000", "not an address"),
            ("[::1%nowhere]:1", "no network interface"),
            ("[127.0.0.1%lo]:1", "not IPv6"),
            ("host:port", "is no port"),
        ] {
            let why = Place::parse(text).expect_err(text);
            assert!(why.contains(said), "{text}: {why}");
        }
        let long = format!("/{}", "x".repeat(107));
        let why = Place::parse(&long).expect_err("it is too long");
        assert_eq!(
            why,
            "the path has 108 bytes; that of a Unix socket may have 107"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_zone_is_a_name_or_a_number() {
        let lo = scope("lo").expect("every Linux has one");
        assert_eq!(scope(&lo.to_string()), Ok(lo));
        let place = Place::parse("[fe80::1%lo]:80");
        assert_eq!(place, Place::parse(&format!("[fe80::1%{lo}]:80")));
    }
}

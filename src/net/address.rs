//! Addresses: an IP address with a port, or the path of an IPC socket.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::{self, ffi::OsStrExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::io::Errno;

/// Where a server listens (`server.address()`).
///
/// As text, an address with a `/` in it is the path of a Unix socket; anything else is an IP
/// address and a port, such as `127.0.0.1:3000` or `[::1]:3000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP: address, family and port.
    Tcp(SocketAddr),
    /// IPC: the path of a Unix socket; on Linux, beginning with a NUL, an abstract name.
    Ipc(PathBuf),
}

impl Address {
    /// `IPv4` or `IPv6` as Node names the family, `None` for IPC.
    #[must_use]
    pub fn family(&self) -> Option<&'static str> {
        match self {
            Self::Tcp(SocketAddr::V4(_)) => Some("IPv4"),
            Self::Tcp(SocketAddr::V6(_)) => Some("IPv6"),
            Self::Ipc(_) => None,
        }
    }

    /// The IP address, `None` for IPC.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Ipc(_) => None,
        }
    }

    /// The port, `None` for IPC.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Ipc(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('/') {
            Ok(Self::Ipc(PathBuf::from(text)))
        } else {
            text.parse().map(Self::Tcp)
        }
    }
}

/// The system's form of an IPC path. On Linux one that begins with a NUL is an abstract name, which
/// is in no file system. One that is too long is `EINVAL`: it is not cut, as Node 20 does it, but
/// refused, as later ones do.
pub(super) fn ipc(path: &Path) -> io::Result<unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = abstract_name(path) {
        use std::os::linux::net::SocketAddrExt;
        return unix::net::SocketAddr::from_abstract_name(name).map_err(|_| Errno::INVAL.into());
    }
    unix::net::SocketAddr::from_pathname(path).map_err(|_| Errno::INVAL.into())
}

/// The other way round; empty for a socket without a name.
pub(super) fn ipc_path(address: &unix::net::SocketAddr) -> PathBuf {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        if let Some(name) = address.as_abstract_name() {
            return PathBuf::from(OsStr::from_bytes(&[b"\0", name].concat()));
        }
    }
    address
        .as_pathname()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// The name without its NUL, if it is an abstract one.
pub(super) fn abstract_name(path: &Path) -> Option<&[u8]> {
    path.as_os_str().as_bytes().strip_prefix(b"\0")
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Ipc(path.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Ipc(path) => match abstract_name(path) {
                Some(name) => write!(f, "@{}", name.escape_ascii()),
                None => path.display().fmt(f),
            },
        }
    }
}

/// What `net.isIP` says of a text: 4, 6, or 0 if it is no IP address. A zone (`fe80::1%eth0`) may
/// follow an IPv6 address; it is made of letters, digits, `-`, `.` and `:`.
///
/// ```
/// use loopchat::net::is_ip;
/// assert_eq!((is_ip("127.0.0.1"), is_ip("::1"), is_ip("localhost")), (4, 6, 0));
/// ```
#[must_use]
pub fn is_ip(text: &str) -> u8 {
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return 4;
    }
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    let zone_is_fine = !zone.is_empty()
        && zone
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
    if zone_is_fine && address.parse::<std::net::Ipv6Addr>().is_ok() {
        6
    } else {
        0
    }
}

/// What a socket connects to: an [`Address`], or a host name and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A place that needs no lookup.
    Address(Address),
    /// A name that is looked up first, off the loop, and a port.
    Host(String, u16),
}

impl Target {
    /// Reads `HOST:PORT`, `IP:PORT` or a path with a `/` in it. `None` if there is no port, or
    /// none that is a number.
    ///
    /// ```
    /// use loopchat::net::Target;
    /// assert_eq!(Target::parse("localhost:3000"), Some(Target::Host("localhost".into(), 3000)));
    /// assert_eq!(Target::parse("localhost"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':')?;
        let plain = !host.is_empty() && !host.contains([':', '[', ']', ' ']);
        plain.then(|| Some(Self::Host(host.to_owned(), port.parse().ok()?)))?
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address.into())
    }
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        Self::Address(path.into())
    }
}

impl From<(&str, u16)> for Target {
    fn from((host, port): (&str, u16)) -> Self {
        match host.parse() {
            Ok(ip) => SocketAddr::new(ip, port).into(),
            Err(_) => Self::Host(host.to_owned(), port),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Who is at the other end of a connection, as the system vouches for it. Node has no such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteParty {
    /// A TCP peer at this address.
    Host(IpAddr),
    /// A process of this machine that ran as this user when the connection was made; `None` where
    /// the system does not tell (`SO_PEERCRED` is Linux's).
    User(Option<u32>),
}

/// What counts as one address where something is counted for each. An IPv4 address is the same in
/// all its forms; who has an IPv6 address mostly has 64 bits of them, so those are one.
#[must_use]
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_path_an_ip_or_a_name() {
        for (text, shown) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
            ("./chat.sock", "./chat.sock"),
            ("localhost:3000", "localhost:3000"),
        ] {
            assert_eq!(Target::parse(text).expect(text).to_string(), shown);
        }
        for text in [
            "",
            "3000",
            "host:",
            ":3000",
            "host:65536",
            "::1",
            "a:b:1",
            "[::1]",
            "a b:1",
        ] {
            assert_eq!(Target::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn families_have_nodes_names() {
        let family = |text: &str| text.parse::<Address>().unwrap().family();
        assert_eq!(family("127.0.0.1:1"), Some("IPv4"));
        assert_eq!(family("[::1]:1"), Some("IPv6"));
        assert_eq!(family("/tmp/x"), None);
    }

    #[test]
    fn an_abstract_name_is_shown_as_other_tools_show_it() {
        assert_eq!(Address::from(Path::new("\0chat")).to_string(), "@chat");
    }
    #[test]
    fn an_ipc_path_goes_to_the_system_and_back() {
        let abstract_too = if cfg!(target_os = "linux") { 2 } else { 1 };
        for path in ["/tmp/chat.sock", "\0chat"].iter().take(abstract_too) {
            let path = Path::new(path);
            assert_eq!(ipc_path(&ipc(path).expect("it is short")), path);
        }
        let (unnamed, _other) = unix::net::UnixStream::pair().expect("a pair");
        let unnamed = unnamed.local_addr().expect("it is a socket");
        assert_eq!(ipc_path(&unnamed), Path::new(""));
        let too_long = ipc(Path::new(&"x".repeat(200))).expect_err("the system has no such name");
        assert_eq!(too_long.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    }
}

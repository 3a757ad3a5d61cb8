//! A bound port or path, before a server listens on it.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::{debug, warn};
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::address::{self, abstract_name};
use super::stream::{self, Stream};
use super::{Address, BufferSizes, Error};

/// A port or a path that is bound and listening: connections are queued by the kernel, and
/// accepted once a [`Server`](super::Server) was given it (`server.listen(handle)`).
///
/// Dropping it gives the port back and removes the socket file, unless another one took
/// its place.
pub struct Listener {
    kind: Kind,
    address: Address,
    sizes: BufferSizes,
}

/// How a port or a path is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    pub(super) backlog: i32,
    pub(super) buffer_sizes: BufferSizes,
    pub(super) ipv6_only: bool,
    /// Whom a socket file is opened to.
    pub(super) readable_all: bool,
    pub(super) writable_all: bool,
}

impl Default for How {
    fn default() -> Self {
        Self {
            backlog: Listener::BACKLOG,
            buffer_sizes: BufferSizes::default(),
            ipv6_only: false,
            readable_all: false,
            writable_all: false,
        }
    }
}

enum Kind {
    Tcp(TcpListener),
    Ipc(UnixListener, Option<SocketFile>),
}

impl Listener {
    /// How many connections the kernel keeps for a server that is busy, if nothing else is said:
    /// as Node.
    pub const BACKLOG: i32 = 511;

    /// Binds and listens. Port 0 is a free port; [`address`](Self::address) tells which.
    ///
    /// A socket file that is there already is an error, whether or not anyone listens on it, as in
    /// Node.
    ///
    /// # Errors
    ///
    /// With syscall `listen`: `EADDRINUSE`, `EACCES` (also, as in Node, for a path whose folder
    /// does not exist) ...
    pub fn bind(address: &Address, backlog: i32) -> Result<Self, Error> {
        Self::bind_as(
            address,
            How {
                backlog,
                ..How::default()
            },
        )
    }

    pub(super) fn bind_as(address: &Address, how: How) -> Result<Self, Error> {
        let bound = match address {
            Address::Tcp(address) => bind_tcp(*address, how),
            Address::Ipc(path) => bind_ipc(path, how),
        };
        bound.map_err(|error| Error::system("listen", &error, Some(address)))
    }

    /// One that somebody else has bound, and that listens: a service manager, say
    /// (`sd_listen_fds(3)`). Dropping it leaves a socket file where it is.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is a connection and not a listener; otherwise the system's.
    pub fn from_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listens(&SockRef::from(&listener))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.into();
        Ok(Self {
            kind: Kind::Tcp(TcpListener::from_std(listener)),
            address,
            sizes: BufferSizes::default(),
        })
    }

    /// The same for IPC.
    ///
    /// # Errors
    ///
    /// Those of [`from_tcp`](Self::from_tcp).
    pub fn from_ipc(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listens(&SockRef::from(&listener))?;
        listener.set_nonblocking(true)?;
        let address = Address::Ipc(address::ipc_path(&listener.local_addr()?));
        Ok(Self {
            kind: Kind::Ipc(UnixListener::from_std(listener), None),
            address,
            sizes: BufferSizes::default(),
        })
    }

    /// Where it really listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The socket file that goes with it when it is dropped: none with an abstract name, or if
    /// somebody else has bound it.
    #[must_use]
    pub fn socket_file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Ipc(_, Some(file)) => Some(&file.path),
            _ => None,
        }
    }

    /// Device and inode of that file: whatever else is at its path by now is not this listener's.
    #[must_use]
    pub fn socket_file_inode(&self) -> Option<(u64, u64)> {
        match &self.kind {
            Kind::Ipc(_, Some(file)) => Some(file.inode),
            _ => None,
        }
    }

    /// Has the system probe the connections that are accepted from now on as
    /// [`Socket::set_keep_alive`](super::Socket::set_keep_alive) would each: after so long, in
    /// whole seconds, without a word from the peer. IPC has no such thing.
    ///
    /// # Errors
    ///
    /// The system's, if it does not know the option.
    pub fn set_keep_alive(&self, idle: Duration) -> io::Result<()> {
        match &self.kind {
            Kind::Tcp(listener) => stream::set_keep_alive(&SockRef::from(listener), Some(idle)),
            Kind::Ipc(..) => Ok(()),
        }
    }

    /// Has the system give up a peer of a connection that is accepted from now on, if it leaves
    /// what was sent unanswered, or takes none of it, for so long (`TCP_USER_TIMEOUT`;
    /// Linux's): another time than [`set_keep_alive`](Self::set_keep_alive) has set, which is to
    /// come before. IPC has no such thing.
    ///
    /// # Errors
    ///
    /// The system's, if it does not know the option.
    pub fn set_user_timeout(&self, patience: Duration) -> io::Result<()> {
        match &self.kind {
            Kind::Tcp(listener) => {
                stream::set_user_timeout(&SockRef::from(listener), Some(patience))
            }
            Kind::Ipc(..) => Ok(()),
        }
    }

    /// Has the system keep so much for each connection that is accepted from now on. Those that
    /// wait in the backlog by now may have other sizes.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_buffer_sizes(&mut self, sizes: BufferSizes) -> io::Result<()> {
        self.sizes = sizes;
        match &self.kind {
            // What a TCP listener accepts has the listener's sizes.
            Kind::Tcp(listener) => sizes.set_on(&SockRef::from(listener)),
            Kind::Ipc(listener, _) => sizes.set_on(&SockRef::from(listener)),
        }
    }

    /// Has the bytes that a peer marks as urgent come in their place, on the connections that are
    /// accepted from now on (`SO_OOBINLINE`). Otherwise each is missing among the others, as in
    /// Node: what a telnet client sends at Ctrl-C is then torn in the middle of a command. IPC has
    /// none on streams.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_urgent_inline(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Tcp(listener) => SockRef::from(listener).set_out_of_band_inline(true),
            Kind::Ipc(..) => Ok(()),
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.kind {
            Kind::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Kind::Ipc(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Stream> {
        match &self.kind {
            Kind::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Kind::Ipc(listener, _) => {
                let (stream, _) = listener.accept()?;
                // Nothing is handed on there.
                if let Err(error) = self.sizes.set_on(&SockRef::from(&stream)) {
                    debug!("a connection has the buffers of the system's choice: {error}");
                }
                Ok(Stream::Ipc(stream))
            }
        }
    }
}

fn listens(socket: &SockRef<'_>) -> io::Result<()> {
    match socket.is_listener()? {
        true => Ok(()),
        false => Err(Errno::INVAL.into()),
    }
}

fn bind_tcp(address: SocketAddr, how: How) -> io::Result<Listener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        None,
    )?;
    if address.is_ipv6() {
        // All of IPv6 is IPv4, too, whatever the system's default.
        socket.set_only_v6(how.ipv6_only)?;
    }
    // A restart must not wait for the connections of the run before (TIME_WAIT).
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(how.backlog)?;
    let listener = TcpListener::from_std(socket.into());
    let address = listener.local_addr()?.into();
    let mut listener = Listener {
        kind: Kind::Tcp(listener),
        address,
        sizes: BufferSizes::default(),
    };
    listener.set_buffer_sizes(how.buffer_sizes)?;
    Ok(listener)
}

fn bind_ipc(path: &Path, how: How) -> io::Result<Listener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    address::ipc(path)?; // tells why a path cannot be one, with the system's number
    let bound = socket.bind(&SockAddr::unix(path)?);
    // libuv's answer, and so Node's, to a folder that does not exist.
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Errno::ACCESS.into(),
        _ => error,
    })?;
    // From here on the file is there, and goes with this value, also if listening fails.
    let file = match abstract_name(path) {
        Some(_) => None,
        None => Some(SocketFile::new(path)?),
    };
    socket.listen(how.backlog)?;
    if how.readable_all || how.writable_all {
        let file = file.as_ref().ok_or(Errno::NOENT)?;
        file.open_to_all(how.readable_all, how.writable_all)?;
    }
    let listener = UnixListener::from_std(socket.into());
    let mut listener = Listener {
        kind: Kind::Ipc(listener, file),
        address: path.into(),
        sizes: BufferSizes::default(),
    };
    listener.set_buffer_sizes(how.buffer_sizes)?;
    Ok(listener)
}

/// The file of an IPC server, known by its inode: it is removed only while it is still ours.
struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            inode: inode(path)?,
        })
    }

    /// Lets every user of the machine read or write it (`uv_pipe_chmod`).
    fn open_to_all(&self, readable: bool, writable: bool) -> io::Result<()> {
        let mut permissions = std::fs::metadata(&self.path)?.permissions();
        let added = if readable { 0o444 } else { 0 } | if writable { 0o222 } else { 0 };
        permissions.set_mode(permissions.mode() | added);
        std::fs::set_permissions(&self.path, permissions)
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let file = std::fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let removed = match inode(&self.path) {
            Ok(now) if now == self.inode => std::fs::remove_file(&self.path),
            Ok(_) => return,
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("the socket file {:?} stays: {error}", self.path);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_is_an_invalid_argument() {
        for long in ["/".repeat(200), format!("\0{}", "x".repeat(200))] {
            let error = Listener::bind(&Path::new(&long).into(), Listener::BACKLOG).err();
            assert_eq!(error.expect("an error").code(), "EINVAL");
        }
    }

    /// Catches: a file that is opened to more than was said, or to nobody.
    #[test]
    fn a_file_is_opened_to_all_as_far_as_was_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        for (readable, writable, expected) in [
            (false, false, 0o600),
            (true, false, 0o644),
            (false, true, 0o622),
            (true, true, 0o666),
        ] {
            std::fs::write(&path, "").expect("it is ours");
            let owners = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, owners).expect("it is ours");
            let file = SocketFile::new(&path).expect("it is there");
            let opened = file.open_to_all(readable, writable);
            opened.expect("it is ours");
            let mode = std::fs::metadata(&path).expect("it is there").mode();
            assert_eq!(mode & 0o777, expected);
        }
    }

    #[test]
    fn what_has_no_file_is_opened_to_nobody() {
        let how = How {
            readable_all: true,
            ..How::default()
        };
        let name = format!("\0loopchat-test-{}", std::process::id());
        let error = Listener::bind_as(&Path::new(&name).into(), how).err();
        assert_eq!(error.expect("an error").code(), "ENOENT");
    }
}

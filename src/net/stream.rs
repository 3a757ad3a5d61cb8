//! A connected descriptor of either kind, TCP or IPC, behind one face.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use super::{Address, Error, RemoteParty, address};
use crate::event_loop::Counters;

/// Reads of one socket in one turn at most, where one does not tell all there is (libuv's number).
const READS: usize = 32;

/// How much the kernel keeps for one connection, in bytes, in either direction: what is not
/// acknowledged or read by the peer (`SO_SNDBUF`), and what is not read here (`SO_RCVBUF`).
///
/// `None` leaves it to the kernel, which lets a fast connection have megabytes. Linux takes the
/// number twice, since it counts its own overhead. On IPC only the first is of any use: there,
/// what a peer has sent and nobody has read counts as the peer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferSizes {
    /// Bytes to be sent.
    pub send: Option<u32>,
    /// Bytes that were received.
    pub receive: Option<u32>,
}

impl BufferSizes {
    pub(super) fn set_on(self, socket: &SockRef<'_>) -> io::Result<()> {
        if let Some(bytes) = self.send {
            socket.set_send_buffer_size(bytes as usize)?;
        }
        if let Some(bytes) = self.receive {
            socket.set_recv_buffer_size(bytes as usize)?;
        }
        Ok(())
    }
}

/// The descriptor of a socket, or none: before it is connected, and from its `destroy` on.
pub(super) enum Stream {
    Closed,
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// What is known after reading, beside the bytes.
pub(super) enum Then {
    /// There may be more.
    More,
    /// A short read: on TCP it takes all there is, unless something stands in its way. Under a
    /// layer it is of what the kernel had, not of what was handed on.
    Short,
    /// The kernel has no more, and will say so when it has.
    Empty,
    /// The peer has ended its side.
    End,
    Failed(Error),
}

/// Does the same with either kind of stream, and fails as the system does with a closed one.
macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self {
            Stream::Closed => Err(io::Error::from(io::ErrorKind::NotConnected)),
            Stream::Tcp($stream) => $do,
            Stream::Ipc($stream) => $do,
        }
    };
}

/// Both directions; and urgent data, where the system can tell of it.
fn interest() -> Interest {
    let both = Interest::READABLE | Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let both = both | Interest::PRIORITY;
    both
}

impl Stream {
    /// Starts to connect, from what was bound if anything was. TCP goes on in the background; IPC
    /// stands at once, or fails.
    pub(super) fn connect(
        address: &Address,
        sizes: BufferSizes,
        bound: Option<Socket>,
    ) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => connect_tcp(*address, sizes, bound).map(Self::Tcp),
            Address::Ipc(path) => {
                let stream = UnixStream::connect_addr(&address::ipc(path)?)?;
                sizes.set_on(&SockRef::from(&stream))?;
                Ok(Self::Ipc(stream))
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Registers for both directions, once and for all: edge-triggered readiness is remembered, so
    /// interest never changes.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        either!(self, stream => stream.register(registry, token, interest()))
    }

    fn read(&self, buffer: &mut [u8], done: &mut Counters) -> io::Result<usize> {
        done.reads += 1;
        let count = either!(self, stream => { let mut stream = stream; stream.read(buffer) })?;
        done.bytes_read += count as u64;
        Ok(count)
    }

    /// Reads: once, but on a Unix socket on until it would block. A descriptor that a peer passes ends
    /// a read there before what comes behind it, and nothing would ever tell of that.
    pub(super) fn fill(&self, buffer: &mut [u8], done: &mut Counters) -> (usize, Then) {
        let mut count = 0;
        for _ in 0..READS {
            match self.read(&mut buffer[count..], done) {
                Ok(0) => return (count, Then::End),
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return (count, Then::Empty);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(error) => {
                    return (count, Then::Failed(Error::system("read", &error, None)));
                }
            }
            if count == buffer.len() {
                break;
            }
            if !self.is_ipc() {
                return (count, Then::Short);
            }
        }
        (count, Then::More)
    }

    pub(super) fn write(&self, bytes: &[u8], done: &mut Counters) -> io::Result<usize> {
        done.writes += 1;
        let count = either!(self, stream => { let mut stream = stream; stream.write(bytes) })?;
        done.bytes_written += count as u64;
        Ok(count)
    }

    pub(super) fn write_vectored(
        &self,
        slices: &[IoSlice<'_>],
        done: &mut Counters,
    ) -> io::Result<usize> {
        done.writes += 1;
        let count =
            either!(self, stream => { let mut stream = stream; stream.write_vectored(slices) })?;
        done.bytes_written += count as u64;
        Ok(count)
    }

    pub(super) fn shut_down_writing(&self) -> io::Result<()> {
        either!(self, stream => stream.shutdown(Shutdown::Write))
    }

    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        either!(self, stream => stream.take_error())
    }

    /// Bytes that have come and were not read.
    pub(super) fn unread(&self) -> io::Result<usize> {
        let count = either!(self, stream => Ok(rustix::io::ioctl_fionread(stream)?))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Fails with `NotConnected` while the connection is not established.
    pub(super) fn peer_address(&self) -> io::Result<Option<Address>> {
        match self {
            Self::Closed => Err(io::Error::from(io::ErrorKind::NotConnected)),
            Self::Tcp(stream) => stream.peer_addr().map(|address| Some(address.into())),
            Self::Ipc(stream) => stream.peer_addr().map(|_unnamed| None),
        }
    }

    pub(super) fn remote_party(&self) -> Option<RemoteParty> {
        match self {
            Self::Closed => None,
            Self::Tcp(stream) => {
                let address = stream.peer_addr().ok()?;
                Some(RemoteParty::Host(address.ip()))
            }
            Self::Ipc(stream) => Some(RemoteParty::User(user_at(stream))),
        }
    }

    pub(super) fn local_address(&self) -> io::Result<Option<Address>> {
        match self {
            Self::Closed => Err(io::Error::from(io::ErrorKind::NotConnected)),
            Self::Tcp(stream) => stream.local_addr().map(|address| Some(address.into())),
            Self::Ipc(stream) => stream
                .local_addr()
                .map(|address| address.as_pathname().map(Address::from)),
        }
    }

    /// Turns Nagle's delay off or on; IPC has none.
    pub(super) fn set_no_delay(&self, on: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(on),
            Self::Closed | Self::Ipc(_) => Ok(()),
        }
    }

    /// Has the kernel probe an idle connection, after so long and every second from then
    /// on, ten times, and give up one that leaves what was sent unanswered for as long, but not
    /// before some two minutes; `None` turns both off. IPC has none.
    pub(super) fn set_keep_alive(&self, idle: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => set_keep_alive(&SockRef::from(stream), idle),
            Self::Closed | Self::Ipc(_) => Ok(()),
        }
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Closed => "closed connection",
            Self::Tcp(_) => "TCP connection",
            Self::Ipc(_) => "IPC connection",
        }
    }

    pub(super) fn is_ipc(&self) -> bool {
        matches!(self, Self::Ipc(_))
    }

    /// Makes the coming close a reset. Only TCP can.
    pub(super) fn reset_on_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream).set_linger(Some(Duration::ZERO)),
            Self::Closed | Self::Ipc(_) => Ok(()),
        }
    }
}

/// Binds the own end of a connection that is to be made.
pub(super) fn bind(local: SocketAddr) -> io::Result<Socket> {
    let socket = tcp(local)?;
    socket.set_reuse_address(true)?; // as libuv
    socket.bind(&local.into())?;
    Ok(socket)
}

fn tcp(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        None,
    )
}

/// The sizes are to be known when the connection begins: then it is said how large the window may
/// be.
fn connect_tcp(
    address: SocketAddr,
    sizes: BufferSizes,
    bound: Option<Socket>,
) -> io::Result<TcpStream> {
    let socket = match bound {
        Some(socket) => socket,
        None if sizes == BufferSizes::default() => return TcpStream::connect(address),
        None => tcp(address)?,
    };
    sizes.set_on(&SockRef::from(&socket))?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// How often a silent peer is probed, a second apart each, before it is given up.
const PROBES: u32 = 10;

/// What was sent may stay unanswered for so long at least before a peer is given up. The
/// same clock runs while a peer that is there has no room for more, so it must not be impatient.
const PATIENCE: Duration = Duration::from_secs(120 + PROBES as u64);

/// As [`Stream::set_keep_alive`], also for a listener: what it accepts has the same setting.
pub(super) fn set_keep_alive(socket: &SockRef<'_>, idle: Option<Duration>) -> io::Result<()> {
    let Some(idle) = idle else {
        set_user_timeout(socket, None)?;
        return socket.set_keepalive(false);
    };
    let idle = idle.max(Duration::from_secs(1));
    let probes = TcpKeepalive::new()
        .with_time(idle)
        .with_interval(Duration::from_secs(1))
        .with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    // While something is on its way nothing is probed: the system sends it again, for some 15
    // minutes.
    let probes = Duration::from_secs(u64::from(PROBES));
    set_user_timeout(socket, Some(idle.saturating_add(probes).max(PATIENCE)))
}

/// How long what was sent may stay unanswered (`TCP_USER_TIMEOUT`); `None` for the system's own
/// time.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn set_user_timeout(socket: &SockRef<'_>, patience: Option<Duration>) -> io::Result<()> {
    socket.set_tcp_user_timeout(patience)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_user_timeout(_: &SockRef<'_>, _: Option<Duration>) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn user_at(stream: &UnixStream) -> Option<u32> {
    let credentials = rustix::net::sockopt::socket_peercred(stream).ok()?;
    Some(credentials.uid.as_raw())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn user_at(_: &UnixStream) -> Option<u32> {
    None
}

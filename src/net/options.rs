//! Where and how to connect, and to listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::listener::How;
use super::lookup::{LookUp, LookupRequest};
use super::{Address, BufferSizes, Context, Socket, Target};
use crate::event_loop::{CallbackResult, CallbackSite};

/// Bytes from which on a socket takes no more: written ones (`write` returns false), or read ones
/// that nobody has taken (reading stops). Node 20's default.
pub(super) const HIGH_WATER_MARK: u32 = 16 * 1024;

/// Where and how to connect; made from a [`Target`] or anything that becomes one.
pub struct ConnectOptions<S> {
    pub(super) target: Target,
    pub(super) allow_half_open: bool,
    pub(super) high_water_mark: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) keep_alive: Option<Duration>,
    pub(super) no_delay: bool,
    pub(super) family: Option<u8>,
    pub(super) lookup: Option<LookUp<S>>,
    pub(super) attempting: Attempting,
}

/// How each address is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempting {
    /// Each address of a name, one after the other.
    pub(super) each: bool,
    /// How long one of several may take before the next is tried.
    pub(super) timeout: Duration,
    /// The own end.
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: u16,
    pub(super) buffer_sizes: BufferSizes,
}

impl Default for Attempting {
    /// Node's.
    fn default() -> Self {
        Self {
            each: true,
            timeout: Duration::from_millis(250),
            local_address: None,
            local_port: 0,
            buffer_sizes: BufferSizes::default(),
        }
    }
}

impl Attempting {
    /// The own end of a connection to this address, if it is to have a certain one.
    pub(super) fn local(&self, to: &SocketAddr) -> Option<SocketAddr> {
        let any = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let is_any = self.local_address.is_none() && self.local_port == 0;
        let ip = self.local_address.unwrap_or(any);
        (!is_any).then(|| SocketAddr::new(ip, self.local_port))
    }
}

impl<S, T: Into<Target>> From<T> for ConnectOptions<S> {
    fn from(target: T) -> Self {
        Self::new(target)
    }
}

impl<S> ConnectOptions<S> {
    /// The defaults: not half-open, a high-water mark of 16 KiB, all addresses of a name.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            target: target.into(),
            allow_half_open: false,
            high_water_mark: HIGH_WATER_MARK,
            timeout: None,
            keep_alive: None,
            no_delay: false,
            family: None,
            lookup: None,
            attempting: Attempting::default(),
        }
    }

    /// The name or the address of the host that is connected to; none has a path.
    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> Option<String> {
        match &self.target {
            Target::Address(Address::Tcp(address)) => Some(address.ip().to_string()),
            Target::Address(Address::Ipc(_)) => None,
            Target::Host(host, _) => Some(host.clone()),
        }
    }

    /// Whether the socket stays writable after its [`Event::End`](super::Event::End) (`allowHalfOpen`).
    #[must_use]
    pub fn allow_half_open(mut self, allow: bool) -> Self {
        self.allow_half_open = allow;
        self
    }

    /// Bytes queued from which on `write` returns false (`highWaterMark`).
    #[must_use]
    pub fn high_water_mark(mut self, bytes: u32) -> Self {
        self.high_water_mark = bytes;
        self
    }

    /// How much the kernel keeps for the connection. Node has no such thing for `net`.
    #[must_use]
    pub fn buffer_sizes(mut self, sizes: BufferSizes) -> Self {
        self.attempting.buffer_sizes = sizes;
        self
    }

    /// Emits [`Event::Timeout`](super::Event::Timeout) when the socket has been idle for so
    /// long, while it connects, too (`timeout`); as [`set_timeout`](Socket::set_timeout).
    #[must_use]
    pub fn timeout(mut self, idle: Duration) -> Self {
        self.timeout = Some(idle);
        self
    }

    /// Has an idle connection probed after so long (`keepAlive`,
    /// `keepAliveInitialDelay`); as [`set_keep_alive`](Socket::set_keep_alive).
    #[must_use]
    pub fn keep_alive(mut self, initial_delay: Duration) -> Self {
        self.keep_alive = Some(initial_delay);
        self
    }

    /// Whether small writes are sent at once (`noDelay`); as
    /// [`set_no_delay`](Socket::set_no_delay).
    #[must_use]
    pub fn no_delay(mut self, on: bool) -> Self {
        self.no_delay = on;
        self
    }

    /// The address of this end (`localAddress`). Of a name the first address is tried only. That it
    /// cannot be had is an [`Event::Error`](super::Event::Error) with the syscall `bind`.
    #[must_use]
    pub fn local_address(mut self, ip: IpAddr) -> Self {
        self.attempting.local_address = Some(ip);
        self
    }

    /// The port of this end (`localPort`); as [`local_address`](Self::local_address).
    #[must_use]
    pub fn local_port(mut self, port: u16) -> Self {
        self.attempting.local_port = port;
        self
    }

    /// Whether the addresses of a name are tried one after the other until one can be connected to
    /// (`autoSelectFamily`, true), or the first only.
    #[must_use]
    pub fn auto_select_family(mut self, on: bool) -> Self {
        self.attempting.each = on;
        self
    }

    /// How long one address of several may take before the next is tried
    /// (`autoSelectFamilyAttemptTimeout`): 250 ms if nothing is said, 10 ms at least.
    #[must_use]
    pub fn auto_select_family_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempting.timeout = timeout.max(Duration::from_millis(10));
        self
    }

    /// Takes the first address of this family only, 4 or 6; 0 is any (`family`).
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = (family != 0).then_some(family);
        self
    }

    /// Looks the name up in a way of one's own (`lookup`), called as a tick.
    #[must_use]
    #[track_caller]
    pub fn lookup<R: CallbackResult>(
        mut self,
        lookup: impl FnOnce(&mut S, &mut Context<S>, LookupRequest) -> R + 'static,
    ) -> Self {
        let site = CallbackSite::caller();
        self.lookup = Some(Box::new(move |state, cx, request| {
            let socket = Socket(request.id);
            let returned = lookup(state, cx, request);
            socket.check(cx, site, "lookup", returned);
        }));
        self
    }
}

/// Where and how to listen; made from a port, a port and a host, or an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    pub(super) place: Place,
    pub(super) how: How,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// All addresses of the machine: IPv6 and IPv4, or IPv4 where there is no IPv6.
    Port(u16),
    /// Looked up first, even if it is an IP address: it is bound a tick later.
    Host(u16, String),
    /// Bound at once.
    Address(Address),
}

impl ListenOptions {
    /// How many connections the kernel keeps for the server while it is busy (511).
    #[must_use]
    pub fn backlog(mut self, backlog: i32) -> Self {
        self.how.backlog = backlog;
        self
    }

    /// How much the kernel keeps for each connection. Node has no such thing for `net`.
    #[must_use]
    pub fn buffer_sizes(mut self, sizes: BufferSizes) -> Self {
        self.how.buffer_sizes = sizes;
        self
    }

    /// Whether IPv4 is left out where all addresses of the machine are listened on (`ipv6Only`). Off
    /// by default.
    #[must_use]
    pub fn ipv6_only(mut self, only: bool) -> Self {
        self.how.ipv6_only = only;
        self
    }

    /// Makes the file of an IPC server readable for every user of the machine (`readableAll`). That
    /// it cannot be is a [`ServerEvent::Error`](super::ServerEvent::Error).
    #[must_use]
    pub fn readable_all(mut self, all: bool) -> Self {
        self.how.readable_all = all;
        self
    }

    /// Makes the file of an IPC server writable for every user of the machine (`writableAll`), which
    /// is what it takes to connect to it. As [`readable_all`](Self::readable_all).
    #[must_use]
    pub fn writable_all(mut self, all: bool) -> Self {
        self.how.writable_all = all;
        self
    }
}

impl From<Place> for ListenOptions {
    fn from(place: Place) -> Self {
        let how = How::default();
        Self { place, how }
    }
}

impl From<u16> for ListenOptions {
    fn from(port: u16) -> Self {
        Place::Port(port).into()
    }
}

impl From<(&str, u16)> for ListenOptions {
    fn from((host, port): (&str, u16)) -> Self {
        Place::Host(port, host.to_owned()).into()
    }
}

impl<T: Into<Address>> From<T> for ListenOptions {
    fn from(address: T) -> Self {
        Place::Address(address.into()).into()
    }
}

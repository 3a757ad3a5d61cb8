//! Where and how to connect, and to listen.

use super::connection::HIGH_WATER_MARK;
use super::lookup::{LookUp, LookupRequest};
use super::{Address, BufferSizes, Context, Listener, Socket, Target};
use crate::event_loop::{CallbackResult, CallbackSite};

/// Where and how to connect; made from a [`Target`] or anything that becomes one.
pub struct ConnectOptions<S> {
    pub(super) target: Target,
    pub(super) allow_half_open: bool,
    pub(super) high_water_mark: u32,
    pub(super) buffer_sizes: BufferSizes,
    pub(super) family: Option<u8>,
    pub(super) lookup: Option<LookUp<S>>,
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
            buffer_sizes: BufferSizes::default(),
            family: None,
            lookup: None,
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
        self.buffer_sizes = sizes;
        self
    }

    /// Takes the first address of this family only, 4 or 6 (`family`).
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = Some(family);
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
    pub(super) backlog: i32,
    pub(super) buffer_sizes: BufferSizes,
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
        self.backlog = backlog;
        self
    }

    /// How much the kernel keeps for each connection. Node has no such thing for `net`.
    #[must_use]
    pub fn buffer_sizes(mut self, sizes: BufferSizes) -> Self {
        self.buffer_sizes = sizes;
        self
    }
}

impl From<Place> for ListenOptions {
    fn from(place: Place) -> Self {
        let backlog = Listener::BACKLOG;
        let buffer_sizes = BufferSizes::default();
        Self {
            place,
            backlog,
            buffer_sizes,
        }
    }
}

impl From<u16> for ListenOptions {
    fn from(port: u16) -> Self {
        Place::Port(port).into()
    }
}

impl From<(u16, &str)> for ListenOptions {
    fn from((port, host): (u16, &str)) -> Self {
        Place::Host(port, host.to_owned()).into()
    }
}

impl<T: Into<Address>> From<T> for ListenOptions {
    fn from(address: T) -> Self {
        Place::Address(address.into()).into()
    }
}

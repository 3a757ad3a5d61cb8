//! Events, and those who listen.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::{Context, Error, Server, Socket};

/// What can happen to a socket. Emitted by the loop, never from within a call.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A host name was looked up; once for each address found. Not for IP addresses and paths.
    Lookup {
        /// One address, or why there is none.
        found: Result<IpAddr, &'a Error>,
        /// The name.
        host: &'a str,
    },
    /// An IP address is about to be tried.
    ConnectionAttempt(&'a SocketAddr),
    /// An IP address could not be connected to. Others may follow.
    ConnectionAttemptFailed(&'a SocketAddr, &'a Error),
    /// One of several addresses took too long, and the next is tried.
    ConnectionAttemptTimeout(&'a SocketAddr),
    /// The connection is established. Only on sockets that were made to connect.
    Connect,
    /// After [`Connect`](Self::Connect), when what had been written before was handed on.
    Ready,
    /// Bytes came, at most 64 KiB of them in one turn. What was given back with `unshift` comes in
    /// the next turn, in the pieces in which it was given. Never after [`End`](Self::End), and
    /// never while paused.
    Data(&'a [u8]),
    /// The peer will send no more and everything it sent has been handed out. Not after a
    /// `destroy`. Unless `allow_half_open` is set, the socket ends itself in the tick after.
    End,
    /// Everything written before `end` was handed to the kernel, and the peer told so.
    Finish,
    /// After a `write` that returned false: all is sent, write on. Not after `end`.
    Drain,
    /// Nothing was read or written for the time set with `set_timeout`. Closes nothing.
    Timeout,
    /// What broke the connection; [`Close`](Self::Close) follows. A write that fails takes nothing
    /// from what the peer had sent before: that comes first, its [`End`](Self::End) included. Only
    /// on a socket that is paused the error comes at once, and the rest when it is resumed, unless
    /// it is destroyed.
    Error(&'a Error),
    /// The socket is closed, in the closing phase, once; true if an error did it. Nothing follows.
    Close(bool),
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug)]
pub enum ServerEvent<'a> {
    /// It listens now; a tick after `listen`.
    Listening,
    /// A connection was accepted. Its data never comes within the same callback.
    Connection(Socket),
    /// A connection was accepted and closed at once, since there were `max_connections`. Both ends
    /// of it; `None` for IPC.
    Drop(Option<&'a Dropped>),
    /// It could not listen, a tick after `listen`. No [`Close`](Self::Close) follows.
    Error(&'a Error),
    /// After `close`, once the last connection is gone too.
    Close,
}

/// The ends of a connection that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The server's end.
    pub local: SocketAddr,
    /// The client's.
    pub remote: SocketAddr,
}

impl Event<'_> {
    /// Node's name of it, as `socket.on` takes it: `"data"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lookup { .. } => "lookup",
            Self::ConnectionAttempt(_) => "connectionAttempt",
            Self::ConnectionAttemptFailed(..) => "connectionAttemptFailed",
            Self::ConnectionAttemptTimeout(_) => "connectionAttemptTimeout",
            Self::Connect => "connect",
            Self::Ready => "ready",
            Self::Data(_) => "data",
            Self::End => "end",
            Self::Finish => "finish",
            Self::Drain => "drain",
            Self::Timeout => "timeout",
            Self::Error(_) => "error",
            Self::Close(_) => "close",
        }
    }

    /// Bytes that it brings.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

impl ServerEvent<'_> {
    /// Node's name of it, as `server.on` takes it: `"connection"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Connection(_) => "connection",
            Self::Drop(_) => "drop",
            Self::Error(_) => "error",
            Self::Close => "close",
        }
    }
}

/// An event, of whichever sort.
pub(super) trait Kind {
    fn kind(&self) -> EventKind;
}

/// What one can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    Lookup,
    ConnectionAttempt,
    ConnectionAttemptFailed,
    ConnectionAttemptTimeout,
    Connect,
    Ready,
    Data,
    End,
    Finish,
    Drain,
    Timeout,
    Error,
    Close,
    Listening,
    Connection,
    Drop,
    /// A listener that wants every event.
    Any,
}

impl EventKind {
    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl Kind for Event<'_> {
    fn kind(&self) -> EventKind {
        match self {
            Self::Lookup { .. } => EventKind::Lookup,
            Self::ConnectionAttempt(_) => EventKind::ConnectionAttempt,
            Self::ConnectionAttemptFailed(..) => EventKind::ConnectionAttemptFailed,
            Self::ConnectionAttemptTimeout(_) => EventKind::ConnectionAttemptTimeout,
            Self::Connect => EventKind::Connect,
            Self::Ready => EventKind::Ready,
            Self::Data(_) => EventKind::Data,
            Self::End => EventKind::End,
            Self::Finish => EventKind::Finish,
            Self::Drain => EventKind::Drain,
            Self::Timeout => EventKind::Timeout,
            Self::Error(_) => EventKind::Error,
            Self::Close(_) => EventKind::Close,
        }
    }
}

impl Kind for ServerEvent<'_> {
    fn kind(&self) -> EventKind {
        match self {
            Self::Listening => EventKind::Listening,
            Self::Connection(_) => EventKind::Connection,
            Self::Drop(_) => EventKind::Drop,
            Self::Error(_) => EventKind::Error,
            Self::Close => EventKind::Close,
        }
    }
}

/// A listener of a socket's events.
pub(super) type SocketCallback<S> = dyn FnMut(&mut S, &mut Context<S>, Socket, Event<'_>);
/// A listener of a server's events.
pub(super) type ServerCallback<S> = dyn FnMut(&mut S, &mut Context<S>, Server, ServerEvent<'_>);

struct Listener<F: ?Sized> {
    kind: EventKind,
    once: bool,
    /// The socket's own, which may itself lead to events.
    own: bool,
    /// Its number in the order in which listeners were added.
    number: u32,
    callback: Box<F>,
}

/// Listeners in the order in which they were added.
pub(super) struct Listeners<F: ?Sized> {
    list: Vec<Listener<F>>,
    /// The bits of the kinds that are listened to, also while the list is lent out.
    kinds: u32,
    /// The number of the next.
    next: u32,
    /// Those with a smaller number were removed, also if they are lent out.
    kept_from: u32,
}

impl<F: ?Sized> Default for Listeners<F> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            kinds: 0,
            next: 0,
            kept_from: 0,
        }
    }
}

impl<F: ?Sized> Listeners<F> {
    pub(super) fn add(&mut self, kind: EventKind, once: bool, callback: Box<F>) {
        self.insert(kind, once, false, callback);
    }

    /// Adds what the socket itself has to do at the next such event, in its place among the
    /// listeners. Other than theirs, its callback may emit events of the same socket.
    pub(super) fn add_own(&mut self, kind: EventKind, callback: Box<F>) {
        self.insert(kind, true, true, callback);
    }

    fn insert(&mut self, kind: EventKind, once: bool, own: bool, callback: Box<F>) {
        self.kinds |= kind.bit();
        self.list.push(Listener {
            kind,
            once,
            own,
            number: self.next,
            callback,
        });
        self.next = self.next.wrapping_add(1);
    }

    /// Forgets what the socket itself would have done at such an event.
    pub(super) fn forget_own(&mut self, kind: EventKind) {
        self.list
            .retain(|listener| !(listener.own && listener.kind == kind));
    }

    /// Forgets all but what the socket itself has to do. Those that are lent out still hear this
    /// event.
    pub(super) fn remove_all(&mut self) {
        self.kept_from = self.next;
        self.list.retain(|listener| listener.own);
        self.count_kinds();
    }

    fn count_kinds(&mut self) {
        let kinds = self.list.iter().map(|listener| listener.kind.bit());
        self.kinds = kinds.fold(0, |all, kind| all | kind);
    }

    pub(super) fn listens(&self, kind: EventKind) -> bool {
        self.kinds & (kind.bit() | EventKind::Any.bit()) != 0
    }

    /// Lends the list out for one event, so that the listeners may reach everything while they
    /// run. Those added meanwhile do not hear this event.
    pub(super) fn lend(&mut self, kind: EventKind) -> Option<Lent<F>> {
        self.lend_to(kind, 0..self.next)
    }

    /// As [`lend`](Self::lend), to go on with the rest after one of the socket's own.
    pub(super) fn lend_to(&mut self, kind: EventKind, turn: Range<u32>) -> Option<Lent<F>> {
        self.listens(kind).then(|| Lent {
            list: std::mem::take(&mut self.list),
            turn,
        })
    }

    /// Takes the list back, before those that were added meanwhile.
    pub(super) fn take_back(&mut self, mut lent: Lent<F>) {
        if self.kept_from > 0 {
            let kept = |listener: &Listener<F>| listener.own || listener.number >= self.kept_from;
            lent.list.retain(kept);
        }
        if !self.list.is_empty() {
            lent.list.append(&mut self.list);
        }
        self.list = lent.list;
        self.count_kinds();
    }
}

/// A list of listeners while they are being called.
pub(super) struct Lent<F: ?Sized> {
    list: Vec<Listener<F>>,
    /// The numbers of those whose turn it is.
    turn: Range<u32>,
}

/// What the socket itself has to do before the rest of the listeners.
pub(super) struct Own<F: ?Sized> {
    pub(super) callback: Box<F>,
    pub(super) rest: Range<u32>,
}

impl<F: ?Sized> Lent<F> {
    /// Calls each listener of the kind; those that wanted it only once are gone then. It stops at
    /// one of the socket's own and gives that out, to be called when the list is back.
    pub(super) fn call(&mut self, kind: EventKind, mut call: impl FnMut(&mut F)) -> Option<Own<F>> {
        let (mut once, mut own) = (false, None);
        for (index, listener) in self.list.iter_mut().enumerate() {
            let hears = listener.kind == kind || listener.kind == EventKind::Any;
            if !hears || !self.turn.contains(&listener.number) {
                continue;
            }
            if listener.own {
                own = Some(index);
                break;
            }
            call(&mut listener.callback);
            once |= listener.once;
        }
        let own = own.map(|index| self.list.remove(index));
        let called = self.turn.start..own.as_ref().map_or(self.turn.end, |own| own.number);
        if once {
            self.list.retain(|listener| {
                !(listener.once && listener.kind == kind && called.contains(&listener.number))
            });
        }
        own.map(|own| Own {
            callback: own.callback,
            rest: own.number + 1..self.turn.end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = dyn FnMut(&mut Vec<u8>);

    fn heard(listeners: &mut Listeners<Numbers>, kind: EventKind) -> Vec<u8> {
        let mut heard = Vec::new();
        if let Some(mut lent) = listeners.lend(kind) {
            lent.call(kind, |callback| callback(&mut heard));
            listeners.take_back(lent);
        }
        heard
    }

    #[test]
    fn listeners_hear_their_kind_in_the_order_added() {
        let mut listeners = Listeners::<Numbers>::default();
        listeners.add(EventKind::Data, false, Box::new(|heard| heard.push(1)));
        listeners.add(EventKind::End, false, Box::new(|heard| heard.push(2)));
        listeners.add(EventKind::Any, false, Box::new(|heard| heard.push(3)));
        listeners.add(EventKind::Data, true, Box::new(|heard| heard.push(4)));
        assert_eq!(heard(&mut listeners, EventKind::Data), [1, 3, 4]);
        assert_eq!(heard(&mut listeners, EventKind::Data), [1, 3]);
        assert_eq!(heard(&mut listeners, EventKind::Close), [3]);
    }

    #[test]
    fn what_is_added_while_lent_comes_behind_and_hears_the_next() {
        let mut listeners = Listeners::<Numbers>::default();
        listeners.add(EventKind::Data, false, Box::new(|heard| heard.push(1)));
        let lent = listeners.lend(EventKind::Data).expect("one listens");
        listeners.add(EventKind::Data, false, Box::new(|heard| heard.push(2)));
        listeners.take_back(lent);
        assert_eq!(heard(&mut listeners, EventKind::Data), [1, 2]);
        assert!(listeners.lend(EventKind::Close).is_none());
    }

    #[test]
    fn an_own_one_is_given_out_in_its_place_and_the_rest_follow() {
        let mut listeners = Listeners::<Numbers>::default();
        listeners.add(EventKind::Close, true, Box::new(|heard| heard.push(1)));
        listeners.add_own(EventKind::Close, Box::new(|heard| heard.push(2)));
        listeners.add(EventKind::Close, true, Box::new(|heard| heard.push(3)));
        let mut heard = Vec::new();
        let mut lent = listeners.lend(EventKind::Close).expect("some listen");
        let own = lent.call(EventKind::Close, |callback| callback(&mut heard));
        listeners.take_back(lent);
        let mut own = own.expect("the second");
        (own.callback)(&mut heard);
        listeners.add(EventKind::Close, true, Box::new(|heard| heard.push(4)));
        let mut lent = listeners
            .lend_to(EventKind::Close, own.rest)
            .expect("some listen");
        let own = lent.call(EventKind::Close, |callback| callback(&mut heard));
        listeners.take_back(lent);
        assert!(own.is_none());
        assert_eq!(heard, [1, 2, 3]);
        assert!(listeners.listens(EventKind::Close), "the fourth is left");
    }

    #[test]
    fn removed_while_lent_they_do_not_come_back() {
        let mut listeners = Listeners::<Numbers>::default();
        listeners.add(EventKind::Data, false, Box::new(|heard| heard.push(1)));
        listeners.add_own(EventKind::Close, Box::new(|heard| heard.push(2)));
        let lent = listeners.lend(EventKind::Data).expect("one listens");
        listeners.remove_all();
        listeners.add(EventKind::Data, false, Box::new(|heard| heard.push(3)));
        listeners.take_back(lent);
        assert_eq!(heard(&mut listeners, EventKind::Data), [3]);
        assert!(
            listeners.listens(EventKind::Close),
            "the socket's own stays"
        );
    }

    #[test]
    fn a_kind_nobody_listens_to_any_more_is_known_as_such() {
        let mut listeners = Listeners::<Numbers>::default();
        listeners.add(EventKind::Data, true, Box::new(|heard| heard.push(1)));
        assert_eq!(heard(&mut listeners, EventKind::Data), [1]);
        assert!(!listeners.listens(EventKind::Data));
    }
}

//! What the loop keeps of one socket, from its making to its close, and what it is told of it.
//!
//! It is state, which the files above it act on: [reading](super::reading), [writing](super::writing)
//! and [connecting](super::connect) do, and [closing](super::closing).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::events::Listeners;
use super::inbox::Inbox;
use super::layered::{Layered, Wire};
use super::lookup::LookUp;
use super::options::{Attempting, HIGH_WATER_MARK};
use super::outbox::{Outbox, WriteCallback};
use super::states::{Life, ReadSide, Rest, WriteSide};
use super::stream::Stream;
use super::{Address, Context, Error, EventKind, Handles};
use crate::event_loop::{Extensions, HandleId, Readiness, Timer};

/// Bytes that one socket hands out in one turn at most; fewer, if the program has
/// [limited](Context::set_read_limit) the turn.
pub(super) const SHARE: usize = 64 * 1024;

/// One socket. An idle one owns no memory beyond this.
pub(super) struct Connection<S> {
    pub(super) stream: Stream,
    /// The server that accepted it.
    pub(super) server: Option<HandleId>,
    /// What was read and not handed out yet.
    pub(super) inbox: Option<Box<Inbox>>,
    /// What was written and is not sent yet.
    pub(super) outbox: Option<Box<Outbox<S>>>,
    /// What only some sockets need.
    pub(super) own: Option<Box<Own<S>>>,
    /// The idle timer, and its period in milliseconds (0: none).
    pub(super) timer: Option<Timer>,
    pub(super) timeout: u32,
    pub(super) high_water_mark: u32,
    pub(super) bytes_read: u64,
    pub(super) bytes_sent: u64,
    /// The turn in which it last handed out data, and how many bytes.
    pub(super) turn: u32,
    pub(super) handed_out: u32,
    pub(super) life: Life,
    pub(super) read_side: ReadSide,
    /// `None` until data is listened to, or `pause` or `resume` was called (`readableFlowing`).
    pub(super) flowing: Option<bool>,
    pub(super) resume_queued: bool,
    /// `Readable` is told in a tick.
    pub(super) readable_queued: bool,
    /// A protocol keeps what was handed out.
    pub(super) is_kept: bool,
    pub(super) write_side: WriteSide,
    pub(super) corked: u8,
    pub(super) need_drain: bool,
    pub(super) allow_half_open: bool,
    pub(super) no_delay: bool,
    /// Its server's listeners for all sockets hear nothing of it any more.
    pub(super) detached: bool,
    /// It closes once the peer has everything, or has had its time for that.
    pub(super) lingers: bool,
}

/// What only sockets need that connect themselves, fail, or have listeners of their own.
pub(super) struct Own<S> {
    pub(super) listeners: Listeners<S>,
    /// Of one that connects itself, or has had its keep-alive set.
    pub(super) connecting: Option<Box<Connecting<S>>>,
    /// The other end's address, once it was asked for: it is still told after the close.
    pub(super) remote: Option<Box<Address>>,
    /// What broke it: the first error counts, and writing stops.
    pub(super) error: Option<Box<Error>>,
    pub(super) error_emitted: bool,
    /// How often it has begun to connect: what was begun for one connection must not reach the
    /// next.
    pub(super) connects: u32,
    /// Its slot stays after `Close`, for another `connect`.
    pub(super) reusable: bool,
    /// A lookup is under way whose answer is told even after `Close`: its slot stays until then.
    pub(super) looking_up: bool,
    /// What programs and protocols hang on it.
    pub(super) extensions: Extensions,
    /// What stands between its descriptor and its user.
    pub(super) layered: Option<Box<Layered>>,
}

impl<S> Default for Own<S> {
    fn default() -> Self {
        Self {
            listeners: Listeners::default(),
            connecting: None,
            remote: None,
            error: None,
            error_emitted: false,
            connects: 0,
            reusable: false,
            looking_up: false,
            extensions: Extensions::default(),
            layered: None,
        }
    }
}

impl<S> Own<S> {
    pub(super) fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        self.connecting.as_mut()?.attempts.as_deref_mut()
    }
}

/// What only sockets need that connect themselves; what is set before the connection stands is
/// remembered here.
pub(super) struct Connecting<S> {
    pub(super) attempts: Option<Box<Attempts>>,
    /// The program's own way to look up a name, until it is called.
    pub(super) lookup: Option<LookUp<S>>,
    /// Writes that waited for a connection that never stood, if another was begun before the close
    /// listener that was added for them has told.
    pub(super) unsent: Vec<(WriteCallback<S>, Error)>,
    /// Keep-alive, and the idle time before the first probe.
    pub(super) keep_alive: Option<Duration>,
}

impl<S> Default for Connecting<S> {
    fn default() -> Self {
        Self {
            attempts: None,
            lookup: None,
            unsent: Vec::new(),
            keep_alive: None,
        }
    }
}

/// Where a socket that connects has got to.
#[derive(Default)]
pub(super) struct Attempts {
    pub(super) left: VecDeque<SocketAddr>,
    /// The address that is being tried.
    pub(super) current: Option<Address>,
    /// Several addresses are tried, each for a limited time.
    pub(super) several: bool,
    pub(super) errors: Vec<Error>,
    /// Why an attempt failed at once; told in the pending phase, as by libuv.
    pub(super) failed: Option<io::Error>,
    pub(super) timer: Option<Timer>,
    pub(super) how: Attempting,
}

impl<S> Connection<S> {
    pub(super) fn new(server: Option<HandleId>) -> Self {
        Self {
            stream: Stream::Closed,
            server,
            inbox: None,
            outbox: None,
            own: None,
            timer: None,
            timeout: 0,
            high_water_mark: HIGH_WATER_MARK,
            bytes_read: 0,
            bytes_sent: 0,
            turn: 0,
            handed_out: 0,
            life: Life::New,
            read_side: ReadSide::Idle,
            flowing: None,
            resume_queued: false,
            readable_queued: false,
            is_kept: false,
            write_side: WriteSide::Open,
            corked: 0,
            need_drain: false,
            allow_half_open: false,
            no_delay: false,
            detached: false,
            lingers: false,
        }
    }

    /// A fresh life on the same id, for another connection: listeners and settings stay.
    pub(super) fn renew(&mut self) {
        let fresh = Self::new(self.server);
        let mut old = std::mem::replace(self, fresh);
        let unsent = old.take_unsent();
        self.own = old.own;
        if let Some(own) = &mut self.own {
            (own.remote, own.error, own.error_emitted) = (None, None, false);
            own.looking_up = false;
            own.layered = None;
            if !unsent.is_empty() {
                own.connecting.get_or_insert_default().unsent.extend(unsent);
            }
        }
        self.allow_half_open = old.allow_half_open;
        self.high_water_mark = old.high_water_mark;
        self.timeout = old.timeout;
        self.flowing = old.flowing;
        self.no_delay = old.no_delay;
    }

    /// Whether an error was met: writing stops.
    pub(super) fn errored(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.error.is_some())
    }

    /// Keeps what broke it: the first error counts.
    pub(super) fn note_error(&mut self, error: &Error) {
        let own = self.own.get_or_insert_default();
        own.error.get_or_insert_with(|| Box::new(error.clone()));
    }

    /// Why it is broken, if it is and not destroyed yet.
    pub(super) fn failure(&self) -> Option<Error> {
        let own = self.own.as_ref().filter(|_| self.life.is_broken());
        own?.error.as_deref().cloned()
    }

    /// The timers that go with the connection.
    pub(super) fn take_timers(&mut self) -> [Option<Timer>; 3] {
        let deadline = self.layered_mut().and_then(|own| own.deadline.take());
        let own = self.own.as_mut();
        [
            self.timer.take(),
            own.and_then(|own| own.attempts_mut()?.timer.take()),
            deadline,
        ]
    }

    // --- the descriptor, and what stands before it --------------------------------------------

    /// The descriptor, through its layer if it has one.
    pub(super) fn wire(&mut self) -> Wire<'_> {
        wire(&self.stream, &mut self.own)
    }

    pub(super) fn layered(&self) -> Option<&Layered> {
        self.own.as_ref()?.layered.as_deref()
    }

    pub(super) fn layered_mut(&mut self) -> Option<&mut Layered> {
        self.own.as_mut()?.layered.as_deref_mut()
    }

    /// Whether it has a layer that has not opened yet: nothing is handed out or sent until then.
    pub(super) fn is_opening(&self) -> bool {
        self.layered().is_some_and(Layered::is_opening)
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.layered() {
            Some(_) if !self.stream.is_closed() => "connection with a layer",
            _ => self.stream.kind(),
        }
    }

    /// Whether its slot stays after `Close`.
    pub(super) fn stays(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| own.reusable || own.looking_up)
    }

    /// Whether its user may still write (`socket.writable`).
    pub(super) fn writable(&self) -> bool {
        !self.write_side.is_ending() && !self.life.is_over() && !self.errored()
    }

    /// Whether its user may still get data (`socket.readable`).
    pub(super) fn readable(&self) -> bool {
        !self.read_side.has_ended() && !self.life.is_over() && !self.errored()
    }

    // --- reading ----------------------------------------------------------------------------

    /// Whether it is read whenever there is something to read. Not if nobody has asked for data
    /// yet, nor beyond its high-water mark: then the kernel's buffer fills, and the peer has to
    /// wait.
    pub(super) fn wants(&self) -> bool {
        let may_be_read = matches!(self.life, Life::Open | Life::Broken(Rest::InKernel));
        let mark = (self.high_water_mark as usize).max(1);
        let has_room = self.read_side == ReadSide::Started && self.unread() < mark;
        // A layer opens whether or not anybody wants data.
        may_be_read && (has_room || self.is_opening())
    }

    /// Whether it is to be read, and with this readiness a read would tell something.
    pub(super) fn is_readable(&self, readiness: Readiness) -> bool {
        let tells = self.life == Life::Broken(Rest::InKernel) || readiness.contains(readable());
        self.wants() && (tells || self.layered().is_some_and(Layered::tells))
    }

    /// Bytes that were read and not handed out yet.
    pub(super) fn unread(&self) -> usize {
        self.inbox.as_ref().map_or(0, |inbox| inbox.length())
    }

    /// Whether all that was read was handed out, and nobody keeps any of it.
    pub(super) fn is_consumed(&self) -> bool {
        self.unread() == 0 && !self.is_kept
    }

    /// Whether somebody listens to `Readable`: it does not flow then, and is read by hand.
    pub(super) fn is_read_by_hand(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| own.listeners.names(EventKind::Readable))
    }

    /// Whether it has something to hand out.
    pub(super) fn flows(&self) -> bool {
        let may_flow = self.flowing == Some(true) && !self.life.is_over();
        may_flow && self.unread() > 0 && !self.is_opening()
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.inbox.get_or_insert_default().push(bytes, SHARE);
    }

    /// Keeps what its layer has handed on beyond what there was room for.
    pub(super) fn keep_overflow(&mut self) {
        let overflow = self.layered_mut().map(Layered::take_overflow);
        if let Some(overflow) = overflow.filter(|bytes| !bytes.is_empty())
            && !self.life.is_over()
        {
            self.bytes_read += overflow.len() as u64;
            self.keep(&overflow);
        }
    }

    // --- writing ----------------------------------------------------------------------------

    /// Bytes of writes that are not done.
    pub(super) fn writable_length(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.length())
    }

    /// Bytes of writes that the kernel has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.waiting())
    }

    /// Whether a write is with the kernel, or waits for the connection.
    pub(super) fn writing(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.sending.is_some())
    }

    /// Gives the outbox's memory back once there is nothing in it.
    pub(super) fn tidy(&mut self) {
        if self.outbox.as_ref().is_some_and(|outbox| outbox.is_empty()) {
            self.outbox = None;
        }
    }

    /// Those who wait behind a write and for the finish, with what to tell them.
    pub(super) fn take_buffered(&mut self) -> Vec<(WriteCallback<S>, Error)> {
        let Some(outbox) = self.outbox.as_mut() else {
            return Vec::new();
        };
        let buffered = std::mem::take(&mut outbox.buffered).callbacks;
        let on_finish = std::mem::take(&mut outbox.on_finish);
        let met = self.own.as_ref();
        let met = met.and_then(|own| own.error.as_deref().cloned());
        let error = |method| met.clone().unwrap_or_else(|| Error::destroyed(method));
        let writes = buffered.into_iter().map(|told| (told, error("write")));
        let ends = on_finish.into_iter().map(|told| (told, error("end")));
        writes.chain(ends).collect()
    }

    /// Who waited for a connection that never stood, with what to tell them.
    pub(super) fn take_unsent(&mut self) -> Vec<(WriteCallback<S>, Error)> {
        let outbox = self.outbox.as_mut();
        let waited = !self.life.has_stood() && self.life.is_over();
        let sending = outbox.and_then(|outbox| outbox.sending.take_if(|_| waited));
        let Some(sending) = sending else {
            return Vec::new();
        };
        self.bytes_sent += sending.waiting() as u64;
        let closed = Error::with_code(
            "ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
            "Socket closed before the connection was established",
        );
        self.note_error(&closed);
        let first = sending.callbacks.into_iter();
        let mut unsent: Vec<_> = first.map(|told| (told, closed.clone())).collect();
        unsent.extend(self.take_buffered());
        self.tidy();
        unsent
    }
}

/// As [`Connection::wire`], while the rest of the connection is in use.
pub(super) fn wire<'a, S>(stream: &'a Stream, own: &'a mut Option<Box<Own<S>>>) -> Wire<'a> {
    let layered = own.as_mut().and_then(|own| own.layered.as_deref_mut());
    Wire { stream, layered }
}

/// Tells the loop whether the socket has anything going on that may bring an event: only then
/// does it hold the loop open, as an active handle of libuv's.
pub(super) fn update_active<S>(cx: &mut Context<S>, id: HandleId) {
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let reading = connection.wants() || connection.flows();
    let connecting = connection.life == Life::Connecting;
    let shutting_down = connection.write_side == WriteSide::ShuttingDown;
    let busy = connecting || reading || connection.writing() || shutting_down;
    let active = busy && !connection.life.is_over();
    cx.set_active(id, active);
}

/// Whatever was done to a socket: tells the loop whether it is to be served in the next poll
/// phase.
pub(super) fn settle<S>(cx: &mut Context<S>, id: HandleId) {
    update_active(cx, id);
    let Some(connection) = cx.connection(id) else {
        return;
    };
    let hands_out = connection.flows() && !connection.resume_queued;
    if hands_out || connection.is_readable(cx.readiness(id)) {
        cx.queue_ready(id);
    }
}

/// Anything after which a read tells more: bytes, the end, or the error.
pub(super) fn readable() -> Readiness {
    Readiness::READABLE | Readiness::READ_CLOSED | Readiness::ERROR | Readiness::PRIORITY
}

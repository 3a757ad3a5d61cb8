//! What the doors keep of each connection, and who may have one.

use std::collections::{HashMap, HashSet};

use super::Config;
use super::access_log::Refused;
use super::addresses::Addresses;
use super::cost::Cost;
use super::line_input::LineInput;
use super::strangers;
use super::turns::Load;
use crate::chat::{MemberId, Millis, Peer};
use crate::event_loop::HandleId;
use crate::event_loop::Timer;
use crate::net::{Holding, Socket};

/// One connection.
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) input: LineInput,
    /// What it has said and nobody has heard yet: of a WebSocket (a socket takes such bytes back),
    /// or at the beginning of a session on the line door.
    pub(super) unheard: Option<Box<Unheard>>,
    /// `None` while it only asks for pages, and once it has left the chat.
    pub(super) member: Option<MemberId>,
    /// It has never been in the chat: it only looks at pages so far, or is a proxy that has not
    /// said whom it speaks for.
    pub(super) visits: bool,
    /// On the line door: what is still to be found out of it.
    pub(super) stage: Stage,
    /// What it has asked for of late.
    pub(super) load: Load,
    /// When it was accepted, in seconds.
    pub(super) since: u32,
}

// There are thousands of them.
const _: () = assert!(size_of::<Option<Connection>>() <= 48);

/// How far the beginning of a session is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A proxy's, which may say first whom it speaks for; or has to.
    Proxied {
        /// Without a header it is ended.
        is_header_required: bool,
    },
    /// What it has sent so far is not known to be a chat.
    Opening,
    /// A chat.
    Open,
}

/// What somebody has said and nobody has heard yet.
pub(super) struct Unheard {
    pub(super) bytes: Vec<u8>,
    held: Holding,
}

impl Unheard {
    pub(super) fn new(bytes: Vec<u8>) -> Box<Self> {
        let held = Holding::new(bytes.capacity());
        Box::new(Self { bytes, held })
    }
}

/// All doors' connections, by socket index.
#[derive(Default)]
pub(super) struct Connections {
    by_index: Vec<Option<Connection>>,
    count: usize,
    addresses: Addresses,
    /// Connections that were turned away and are not closed yet.
    pub(super) turned_away: HashSet<Socket>,
    /// Those that are on their way out.
    endings: HashMap<Socket, Ending>,
}

/// A connection that is to be ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// It ends it for certain; there is none when the whole server ends.
    pub(super) timer: Option<Timer>,
    /// How many bytes had been read from it until then.
    pub(super) bytes_read: u64,
}

impl Connections {
    /// Whether one more from there may come.
    ///
    /// # Errors
    ///
    /// The line to turn it away with.
    pub(super) fn admits(&self, peer: Peer, config: &Config, now: Millis) -> Result<(), Refused> {
        let most = config.max_connections as usize;
        if self.count >= most && !peer.is_operator() {
            let line = format!(
                "! Disconnected: the server is full, {most} are connected. Try again later."
            );
            return Err(Refused { why: "full", line });
        }
        let Some(source) = strangers::source(peer, config) else {
            return Ok(());
        };
        let most = config.max_per_address;
        if strangers::is_counted(peer, config) && self.addresses.connections(source) >= most {
            return Err(Refused {
                why: "address",
                line: format!(
                    "! Disconnected: there are {most} connections from your address, no more are allowed."
                ),
            });
        }
        let pace = strangers::connect_limit(peer, config);
        let wait = pace.map(|pace| self.addresses.connect_wait(source, pace, now));
        match (pace, wait) {
            (Some(pace), Some(1..)) => Err(Refused {
                why: "pace",
                line: format!(
                    "! Disconnected: your address connects too often, at most {} a second. Try again later.",
                    pace.rate
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Keeps a connection whose peer was admitted.
    pub(super) fn insert(
        &mut self,
        socket: Socket,
        member: Option<MemberId>,
        peer: Peer,
        config: &Config,
        now: Millis,
    ) {
        let source = strangers::source(peer, config);
        if let (Some(source), Some(pace)) = (source, strangers::connect_limit(peer, config)) {
            self.addresses.connects(source, pace, now);
        }
        let connection = Connection {
            socket,
            input: LineInput::new(peer, config, now),
            unheard: None,
            member,
            visits: member.is_none(),
            stage: Stage::Open,
            load: Load::default(),
            since: (now / 1000) as u32,
        };
        self.place(connection, now);
    }

    fn place(&mut self, mut connection: Connection, now: Millis) {
        let index = connection.socket.index();
        if self.by_index.len() <= index {
            self.by_index.resize_with(index + 1, || None);
        }
        if let Some((source, _)) = connection.input.account() {
            let left_behind = self.addresses.enter(source, now);
            connection.input.inherit(left_behind);
        }
        self.count += 1;
        self.by_index[index] = Some(connection);
    }

    /// Now it is known who is behind a connection: from here on it counts as one of theirs. If it
    /// did before, it has connected only once.
    ///
    /// # Errors
    ///
    /// The line to turn it away with; it stays what it was.
    pub(super) fn readmit(
        &mut self,
        socket: Socket,
        (before, peer): (Peer, Peer),
        config: &Config,
        now: Millis,
    ) -> Result<(), Refused> {
        if before == peer {
            return Ok(());
        }
        let Some(before) = self.remove(socket, now) else {
            return Ok(());
        };
        match self.admits(peer, config, now) {
            Ok(()) => self.insert(socket, before.member, peer, config, now),
            Err(reason) => {
                self.place(before, now);
                return Err(reason);
            }
        }
        Ok(())
    }

    pub(super) fn get_mut(&mut self, socket: Socket) -> Option<&mut Connection> {
        let found = self.by_index.get_mut(socket.index())?.as_mut();
        found.filter(|connection| connection.socket == socket)
    }

    /// The connection of a handle that a recorded turn names.
    pub(super) fn by_handle(&self, id: HandleId) -> Option<&Connection> {
        let found = self.by_index.get(id.index())?.as_ref();
        found.filter(|connection| connection.socket.handle_id() == id)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn remove(&mut self, socket: Socket, now: Millis) -> Option<Connection> {
        self.get_mut(socket)?;
        let gone = self.by_index[socket.index()].take()?;
        self.count -= 1;
        if let Some((source, bucket)) = gone.input.account() {
            self.addresses.leave(source, bucket, now);
        }
        Some(gone)
    }

    /// What a connection has asked for counts for its address, too.
    pub(super) fn ask(&mut self, socket: Socket, cost: Cost, now: Millis) {
        let found = self.get_mut(socket);
        if let Some((source, limit)) = found.and_then(|found| found.input.limit()) {
            self.addresses.ask(source, limit, cost, now);
        }
    }

    /// How long a connection has to wait until it may say another line, in milliseconds.
    pub(super) fn wait(&mut self, socket: Socket, now: Millis) -> Millis {
        let of_address = self.ask_wait(socket, now);
        let found = self.get_mut(socket);
        let says_more =
            |found: &&mut Connection| found.unheard.is_some() || found.input.has_something_left();
        let found = found.filter(says_more);
        found.map_or(0, |found| found.input.wait(now).max(of_address))
    }

    /// How long a connection has to wait for others of its address, in milliseconds.
    pub(super) fn ask_wait(&mut self, socket: Socket, now: Millis) -> Millis {
        let found = self.get_mut(socket);
        let bound = found.and_then(|found| found.input.limit());
        bound.map_or(0, |(source, limit)| {
            self.addresses.ask_wait(source, limit, now)
        })
    }

    /// A connection is to be ended. Returns what was known of it if it was before.
    pub(super) fn note_ending(&mut self, socket: Socket, now: Ending) -> Option<Ending> {
        self.endings.insert(socket, now)
    }

    /// What is known of a connection that is to be ended.
    pub(super) fn ending(&self, socket: Socket) -> Option<Ending> {
        self.endings.get(&socket).copied()
    }

    /// A connection is closed: the timer that would have ended it, if there is one.
    pub(super) fn take_timer(&mut self, socket: Socket) -> Option<Timer> {
        self.endings.remove(&socket)?.timer
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.by_index.iter().flatten()
    }

    /// Everyone who is still in the chat, and when it last said something, if anyone wants to know.
    pub(super) fn heard(&self) -> impl Iterator<Item = (MemberId, Millis)> {
        self.iter()
            .filter_map(|connection| Some((connection.member?, connection.input.heard()?)))
    }

    /// All there are, those included that were turned away.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        let here = self.iter().map(|connection| connection.socket);
        here.chain(self.turned_away.iter().copied()).collect()
    }

    /// Those that have never been in the chat.
    pub(super) fn visitors(&self) -> Vec<Socket> {
        self.iter()
            .filter(|connection| connection.visits)
            .map(|connection| connection.socket)
            .collect()
    }
}

impl Connection {
    /// Whether it was in the chat and is not any more.
    pub(super) fn has_departed(&self) -> bool {
        self.member.is_none() && !self.visits
    }

    /// Bytes that are held of what it has said, beside its socket's.
    pub(super) fn held(&self) -> usize {
        let unheard = self.unheard.as_ref().map_or(0, |kept| kept.held.bytes());
        self.input.held() + unheard
    }

    /// Its member has left the chat: nothing more is heard, and nothing held back.
    pub(super) fn depart(&mut self) {
        self.member = None;
        self.unheard = None;
        self.input.close();
    }
}

//! What the doors keep of each connection. Who may have one is in
//! [`admission`](crate::server::core::admission).

use std::collections::{HashMap, HashSet};

use crate::chat::{DisconnectReason, Millis, Peer};
use crate::event_loop::HandleId;
use crate::event_loop::Timer;
use crate::net::{Holding, Socket};
use crate::server::Config;
use crate::server::core::admission::Admission;
use crate::server::core::cost::Cost;
use crate::server::core::line_input::LineInput;
use crate::server::core::queues::{QueueId, Queues};
use crate::server::core::sessions::SessionId;
use crate::server::core::turns::Load;
use crate::server::doors::json::requests::Begun;

/// One connection.
pub(in crate::server) struct Connection {
    pub(in crate::server) socket: Socket,
    pub(in crate::server) input: LineInput,
    /// What it has said and nobody has heard yet: of a WebSocket (a socket takes such bytes back),
    /// or on the line door at the beginning of a session, or in JSON.
    pub(in crate::server) unheard: Option<Box<Unheard>>,
    /// `None` while it only asks for pages, and once it has left the chat.
    pub(in crate::server) session: Option<SessionId>,
    /// It has never been in the chat: it only looks at pages so far, is a proxy that has not said
    /// whom it speaks for, or in the middle of a handshake.
    pub(in crate::server) visits: bool,
    /// On the line door: what is still to be found out of it.
    pub(in crate::server) stage: Stage,
    /// What it has asked for of late.
    pub(in crate::server) load: Load,
    /// When it was accepted, in seconds.
    pub(in crate::server) since: u32,
}

// There are thousands of them.
const _: () = assert!(size_of::<Option<Connection>>() <= 48);

/// How far the beginning of a session is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Stage {
    /// A proxy's, which may say first whom it speaks for; or has to.
    Proxied {
        /// Without a header it is ended.
        is_header_required: bool,
    },
    /// What it has sent so far is not known to be a chat.
    Opening,
    /// A chat of which the first line has not come.
    FirstLine,
    /// A chat.
    Open,
    /// It has asked for JSON, and was not greeted in it yet.
    AsksForJson,
    /// A chat in JSON.
    Json,
    /// The same, within a line that is too long.
    JsonTooLong,
}

impl Stage {
    /// Whether a connection speaks JSON, or is about to.
    pub(in crate::server) fn is_json(self) -> bool {
        matches!(self, Self::AsksForJson | Self::Json | Self::JsonTooLong)
    }
}

/// What somebody has said and nobody has heard yet.
pub(in crate::server) struct Unheard {
    /// What comes before the bytes.
    pub(in crate::server) begun: Option<Begun>,
    pub(in crate::server) bytes: Vec<u8>,
    /// It is a whole message that nothing was taken of yet.
    pub(in crate::server) is_new: bool,
    held: Holding,
}

impl Unheard {
    pub(in crate::server) fn new(bytes: Vec<u8>) -> Box<Self> {
        Self::behind(None, bytes)
    }

    /// Bytes that come behind a request that was heard in part.
    pub(in crate::server) fn behind(begun: Option<Begun>, bytes: Vec<u8>) -> Box<Self> {
        let text = begun.as_ref().map_or(0, Begun::held);
        let held = Holding::new(bytes.capacity() + text);
        Box::new(Self {
            begun,
            bytes,
            is_new: false,
            held,
        })
    }
}

/// All doors' connections, by socket index.
#[derive(Default)]
pub(in crate::server) struct Connections {
    by_index: Vec<Option<Connection>>,
    bounds: Bounds,
    /// Connections that were turned away and are not closed yet.
    pub(in crate::server) turned_away: HashSet<Socket>,
    /// Those that are on their way out.
    endings: HashMap<Socket, Ending>,
}

/// What connections count with, each with others of its address.
#[derive(Default)]
struct Bounds {
    admission: Admission,
    /// Those who wait for each other.
    queues: Queues<Socket>,
}

/// Whether a connection waits for others of its address.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum Queued {
    /// It does not.
    No,
    /// It does, as others do.
    Behind,
    /// It is the first: the queue is to be served, for the first time in so many milliseconds.
    First(QueueId, Millis),
}

/// A connection that is to be ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Ending {
    /// It ends it for certain; there is none when the whole server ends.
    pub(in crate::server) timer: Option<Timer>,
    /// How many bytes had been read from it until then.
    pub(in crate::server) bytes_read: u64,
}

impl Connections {
    /// Whether one more from there may come.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(in crate::server) fn admits(
        &self,
        peer: Peer,
        config: &Config,
        now: Millis,
    ) -> Result<(), DisconnectReason> {
        self.bounds.admission.admits(peer, config, now)
    }

    /// Keeps a connection whose peer was admitted.
    pub(in crate::server) fn insert(
        &mut self,
        socket: Socket,
        session: Option<SessionId>,
        peer: Peer,
        config: &Config,
        now: Millis,
    ) {
        let index = socket.index();
        if self.by_index.len() <= index {
            self.by_index.resize_with(index + 1, || None);
        }
        let input = self.bounds.admission.enter(peer, config, now);
        self.by_index[index] = Some(Connection::new(socket, session, input, now));
    }

    /// Now it is known who is behind a connection: from here on it counts as one of theirs. If it
    /// did before, it has connected only once.
    ///
    /// # Errors
    ///
    /// Why it is turned away; it stays what it was.
    pub(in crate::server) fn readmit(
        &mut self,
        socket: Socket,
        peers: (Peer, Peer),
        config: &Config,
        now: Millis,
    ) -> Result<(), DisconnectReason> {
        let Some((bounds, found)) = self.find(socket) else {
            return Ok(());
        };
        if peers.0 != peers.1 {
            bounds.queues.leave(&found.input, socket);
        }
        let admission = &mut bounds.admission;
        if admission.readmit(&mut found.input, peers, config, now)? {
            let input = std::mem::take(&mut found.input);
            *found = Connection::new(socket, found.session, input, now);
        }
        Ok(())
    }

    pub(in crate::server) fn get_mut(&mut self, socket: Socket) -> Option<&mut Connection> {
        self.find(socket).map(|(_, found)| found)
    }

    /// Whether a connection is in the chat.
    pub(in crate::server) fn is_member(&mut self, socket: Socket) -> bool {
        let connection = self.get_mut(socket);
        connection.is_some_and(|found| found.session.is_some())
    }

    /// A connection, and what it counts with.
    fn find(&mut self, socket: Socket) -> Option<(&mut Bounds, &mut Connection)> {
        let found = self.by_index.get_mut(socket.index())?.as_mut();
        let found = found.filter(|connection| connection.socket == socket)?;
        Some((&mut self.bounds, found))
    }

    /// The connection of a handle that a recorded turn names.
    pub(in crate::server) fn by_handle(&self, id: HandleId) -> Option<&Connection> {
        let found = self.by_index.get(id.index())?.as_ref();
        found.filter(|connection| connection.socket.handle_id() == id)
    }

    /// How many there are.
    pub(in crate::server) fn count(&self) -> usize {
        self.bounds.admission.count()
    }

    pub(in crate::server) fn remove(&mut self, socket: Socket, now: Millis) -> Option<Connection> {
        self.get_mut(socket)?;
        let gone = self.by_index[socket.index()].take()?;
        self.bounds.queues.leave(&gone.input, socket);
        self.bounds.admission.leave(&gone.input, now);
        Some(gone)
    }

    /// What a connection has asked for counts for its address, too.
    pub(in crate::server) fn ask(&mut self, socket: Socket, cost: Cost, now: Millis) {
        if let Some((bounds, found)) = self.find(socket) {
            bounds.admission.ask(&found.input, cost, now);
            if cost > Cost::NONE {
                bounds.queues.has_asked(&found.input, socket, cost, now);
            }
        }
    }

    /// Whether a connection has something left to say, and how long it has to wait until it may, in
    /// milliseconds.
    pub(in crate::server) fn wait(&mut self, socket: Socket, now: Millis) -> Option<Millis> {
        let found = self.get_mut(socket)?;
        let says_more = found.unheard.is_some() || found.input.has_something_left();
        says_more.then(|| found.input.wait(now))
    }

    /// Whether a connection has to wait for others of its address: then it waits from now on.
    /// So many bytes of it have come and were not heard.
    pub(in crate::server) fn queue(
        &mut self,
        socket: Socket,
        unheard: impl FnOnce() -> usize,
        now: Millis,
    ) -> Queued {
        let Some((bounds, found)) = self.find(socket) else {
            return Queued::No;
        };
        let wait = bounds.admission.ask_wait(&found.input, now);
        if wait == 0 && !bounds.queues.are_before(&found.input, socket) {
            return Queued::No;
        }
        found.input.queue();
        let pending = Cost::parsed(unheard() + found.held());
        match bounds.queues.join(&found.input, socket, pending, now) {
            Some(queue) => Queued::First(queue, wait.max(1)),
            None => Queued::Behind,
        }
    }

    /// Whether others of a connection's address wait.
    pub(in crate::server) fn is_contended(&mut self, socket: Socket) -> bool {
        let found = self.find(socket);
        found.is_some_and(|(bounds, found)| bounds.queues.anyone_waits(&found.input))
    }

    /// Who of a queue is heard next. `None` if its address has to wait, or nobody waits there.
    pub(in crate::server) fn next_of(&mut self, queue: QueueId, now: Millis) -> Option<Socket> {
        let Bounds { admission, queues } = &mut self.bounds;
        if admission.wait_of(queue, now) > 0 {
            return None;
        }
        let next = queues.next(queue)?;
        if let Some(found) = self.get_mut(next) {
            found.input.release();
        }
        Some(next)
    }

    /// When a queue is to be served again, in milliseconds. `None` if it is over.
    pub(in crate::server) fn next_service(&self, queue: QueueId, now: Millis) -> Option<Millis> {
        let Bounds { admission, queues } = &self.bounds;
        let wait = queue.pause().max(admission.wait_of(queue, now));
        queues.has(queue).then_some(wait)
    }

    /// A connection is to be ended. Returns what was known of it if it was before.
    pub(in crate::server) fn note_ending(&mut self, socket: Socket, now: Ending) -> Option<Ending> {
        self.endings.insert(socket, now)
    }

    /// What is known of a connection that is to be ended.
    pub(in crate::server) fn ending(&self, socket: Socket) -> Option<Ending> {
        self.endings.get(&socket).copied()
    }

    /// A connection is closed: the timer that would have ended it, if there is one.
    pub(in crate::server) fn take_timer(&mut self, socket: Socket) -> Option<Timer> {
        self.endings.remove(&socket)?.timer
    }

    pub(in crate::server) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.by_index.iter().flatten()
    }

    /// Everyone who is still in the chat, and when it last said something, if anyone wants to know.
    /// Whoever is not listened to is not silent.
    pub(in crate::server) fn heard(
        &self,
        now: Millis,
        is_paused: impl Fn(Socket) -> bool,
    ) -> impl Iterator<Item = (SessionId, Millis)> {
        self.iter().filter_map(move |connection| {
            let heard = connection.input.heard()?;
            let is_paused = is_paused(connection.socket);
            Some((connection.session?, if is_paused { now } else { heard }))
        })
    }

    /// All there are, those included that were turned away.
    pub(in crate::server) fn sockets(&self) -> Vec<Socket> {
        let here = self.iter().map(|connection| connection.socket);
        here.chain(self.turned_away.iter().copied()).collect()
    }

    /// Those that have never been in the chat.
    pub(in crate::server) fn visitors(&self) -> Vec<Socket> {
        self.iter()
            .filter(|connection| connection.visits)
            .map(|connection| connection.socket)
            .collect()
    }
}

impl Connection {
    fn new(socket: Socket, session: Option<SessionId>, input: LineInput, now: Millis) -> Self {
        Self {
            socket,
            input,
            unheard: None,
            session,
            visits: session.is_none(),
            stage: Stage::Open,
            load: Load::default(),
            since: (now / 1000) as u32,
        }
    }

    /// Whether it was in the chat and is not any more.
    pub(in crate::server) fn has_departed(&self) -> bool {
        self.session.is_none() && !self.visits
    }

    /// Whether what it says is heard: it is in the chat, and has not used up its lines.
    pub(in crate::server) fn is_heard(&self) -> bool {
        self.session.is_some() && !self.input.is_held_back()
    }

    /// Whether something that is kept can be heard as it is. On the line door an object can when its
    /// line has an end, and nothing can as long as it is not known to be a chat.
    pub(in crate::server) fn has_more_to_hear(&self) -> bool {
        let is_whole = |kept: &Unheard| kept.begun.is_some() || kept.bytes.ends_with(b"\n");
        let kept = self.unheard.as_deref();
        kept.is_some_and(|kept| match self.stage {
            Stage::FirstLine | Stage::Open => true,
            Stage::AsksForJson | Stage::Json | Stage::JsonTooLong => is_whole(kept),
            Stage::Proxied { .. } | Stage::Opening => false,
        })
    }

    /// Bytes that are held of what it has said, beside its socket's.
    pub(in crate::server) fn held(&self) -> usize {
        let unheard = self.unheard.as_ref().map_or(0, |kept| kept.held.bytes());
        self.input.held() + unheard
    }

    /// Its member has left the chat: nothing more is heard, and nothing held back.
    pub(in crate::server) fn depart(&mut self) {
        self.session = None;
        self.unheard = None;
        self.input.close();
    }
}

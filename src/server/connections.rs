//! What the doors keep of each connection, and who may have one.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Config;
use super::line_input::LineInput;
use super::strangers::counted;
use crate::chat::{MemberId, Millis, Peer};
use crate::event_loop::HandleId;
use crate::event_loop::Timer;
use crate::net::Socket;

/// One connection.
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) input: LineInput,
    /// What it has said and nobody has heard yet: of a WebSocket (a socket takes such bytes back), or at the
    /// beginning of a session on the line door.
    #[expect(
        clippy::box_collection,
        reason = "few have it, and all pay for its place"
    )]
    pub(super) unheard: Option<Box<Vec<u8>>>,
    /// `None` while it only asks for pages, and once it has left the chat.
    pub(super) member: Option<MemberId>,
    /// It speaks HTTP: it only looks at pages so far.
    pub(super) visits: bool,
    /// What it has sent so far is not known to be a chat yet.
    pub(super) opens: bool,
    /// When it was accepted, in seconds.
    pub(super) since: u32,
}

/// All doors' connections, by socket index.
#[derive(Default)]
pub(super) struct Connections {
    by_index: Vec<Option<Connection>>,
    count: usize,
    by_address: HashMap<IpAddr, u32>,
    /// Connections that were turned away and are not closed yet.
    pub(super) turned_away: HashSet<Socket>,
    /// Those that have been told their last lines, and until when they have time to read them.
    dismissed: HashMap<Socket, Timer>,
}

impl Connections {
    /// Whether one more from there may come.
    ///
    /// # Errors
    ///
    /// The line to turn it away with.
    pub(super) fn admits(&self, peer: Peer, config: &Config) -> Result<(), String> {
        let most = config.max_connections as usize;
        if self.count >= most && !peer.is_operator() {
            return Err(format!(
                "! Disconnected: the server is full, {most} are connected. Try again later."
            ));
        }
        let Peer::Tcp(address) = peer else {
            return Ok(());
        };
        let here = self.by_address.get(&counted(address)).copied();
        match here.unwrap_or(0) >= config.max_per_address {
            true => Err(format!(
                "! Disconnected: there are {} connections from your address, no more are allowed.",
                config.max_per_address
            )),
            false => Ok(()),
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
        let index = socket.index();
        if self.by_index.len() <= index {
            self.by_index.resize_with(index + 1, || None);
        }
        let input = LineInput::new(peer, config, now);
        if let Some(address) = input.address() {
            *self.by_address.entry(address).or_default() += 1;
        }
        self.count += 1;
        self.by_index[index] = Some(Connection {
            socket,
            input,
            unheard: None,
            member,
            visits: member.is_none(),
            opens: false,
            since: (now / 1000) as u32,
        });
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

    pub(super) fn remove(&mut self, socket: Socket) -> Option<Connection> {
        self.get_mut(socket)?;
        let gone = self.by_index[socket.index()].take()?;
        self.count -= 1;
        if let Some(address) = gone.input.address()
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(gone)
    }

    /// A connection is being ended; the timer ends it for certain.
    pub(super) fn dismissed(&mut self, socket: Socket, timer: Timer) {
        self.dismissed.insert(socket, timer);
    }

    /// A connection is closed: the timer that would have ended it, if there is one.
    pub(super) fn take_timer(&mut self, socket: Socket) -> Option<Timer> {
        self.dismissed.remove(&socket)
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

    /// Connections that speak HTTP.
    pub(super) fn visitors(&self) -> Vec<Socket> {
        self.iter()
            .filter(|connection| connection.visits)
            .map(|connection| connection.socket)
            .collect()
    }

    /// Everyone who is still in the chat.
    pub(super) fn members(&self) -> Vec<MemberId> {
        self.iter()
            .filter_map(|connection| connection.member)
            .collect()
    }
}

impl Connection {
    /// Its member has left the chat: nothing more is heard, and nothing held back.
    pub(super) fn depart(&mut self) {
        self.member = None;
        self.unheard = None;
        self.input.close();
    }
}

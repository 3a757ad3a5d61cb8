//! What the doors keep of each connection, and who may have one.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Config;
use super::flood::{self, Bucket, Flood, FloodLimit};
use super::framing::LineDecoder;
use crate::chat::{MemberId, Millis, Peer};
use crate::net::Socket;

/// One connection. There are many, and most say nothing: what only some need is in a box of its own.
pub(super) struct Connection {
    pub(super) socket: Socket,
    /// The decoder, when it has something to remember: a torn line.
    pub(super) torn: Option<Box<LineDecoder>>,
    /// Of a WebSocket: what it has said and nobody has heard yet. (A socket takes such bytes back.)
    #[expect(
        clippy::box_collection,
        reason = "few have it, and all pay for its place"
    )]
    pub(super) unheard: Option<Box<String>>,
    pub(super) bound: Option<Box<Bound>>,
    /// `None` while it only asks for pages, and once it has left the chat.
    pub(super) member: Option<MemberId>,
    /// It speaks HTTP: it only looks at pages so far.
    pub(super) visits: bool,
    /// When it was accepted, in seconds.
    pub(super) since: u32,
}

/// What is kept of a connection on which limits are.
#[derive(Debug)]
pub(super) struct Bound {
    /// It counts as one of this address.
    address: Option<IpAddr>,
    pub(super) flood: Option<FloodLimit>,
    pub(super) bucket: Bucket,
    /// It knows that it types too fast.
    pub(super) told: bool,
    /// A timer is set that reads on.
    pub(super) held_back: bool,
    /// When it last said something.
    pub(super) heard: Millis,
}

/// All doors' connections, by socket index.
#[derive(Default)]
pub(super) struct Connections {
    by_index: Vec<Option<Connection>>,
    count: usize,
    by_address: HashMap<IpAddr, u32>,
    /// Connections that were turned away and are not closed yet.
    pub(super) turned_away: usize,
}

/// Whether a peer is on this machine.
fn is_local(peer: Peer) -> bool {
    match peer {
        Peer::Tcp(address) => address.to_canonical().is_loopback(),
        Peer::Local { .. } => true,
    }
}

/// What counts as one address. Who has an IPv6 address mostly has 64 bits of them.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 => v4,
    }
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
        let bound = Bound::new(peer, config, now);
        if let Some(address) = bound.as_ref().and_then(|bound| bound.address) {
            *self.by_address.entry(address).or_default() += 1;
        }
        self.count += 1;
        self.by_index[index] = Some(Connection {
            socket,
            torn: None,
            unheard: None,
            bound: bound.map(Box::new),
            member,
            visits: member.is_none(),
            since: (now / 1000) as u32,
        });
    }

    pub(super) fn get_mut(&mut self, socket: Socket) -> Option<&mut Connection> {
        let found = self.by_index.get_mut(socket.index())?.as_mut();
        found.filter(|connection| connection.socket == socket)
    }

    pub(super) fn remove(&mut self, socket: Socket) -> Option<Connection> {
        self.get_mut(socket)?;
        let gone = self.by_index[socket.index()].take()?;
        self.count -= 1;
        if let Some(address) = gone.bound.as_ref().and_then(|bound| bound.address)
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(gone)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.by_index.iter().flatten()
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
        self.torn = None;
        self.unheard = None;
        if let Some(bound) = &mut self.bound {
            (bound.flood, bound.held_back) = (None, false);
        }
    }
}

impl Bound {
    /// `None` for a peer on which there are no limits.
    fn new(peer: Peer, config: &Config, now: Millis) -> Option<Self> {
        let is_stranger = !is_local(peer);
        let flood = match config.flood {
            Some(Flood::Off) => None,
            Some(Flood::Limit(limit)) => Some(limit),
            None => is_stranger.then_some(flood::DEFAULT),
        };
        let address = match peer {
            Peer::Tcp(address) if is_stranger => Some(counted(address)),
            _ => None,
        };
        let is_bound = flood.is_some() || address.is_some() || config.idle_timeout > 0;
        is_bound.then(|| Self {
            address,
            flood,
            bucket: Bucket::default(),
            told: false,
            held_back: false,
            heard: now,
        })
    }

    /// A line is taken. Returns how long the next has to wait, in milliseconds.
    pub(super) fn take_line(&mut self, now: Millis) -> Millis {
        self.heard = now;
        let Some(limit) = self.flood else {
            return 0;
        };
        if self.bucket.is_full(now) {
            self.told = false;
        }
        self.bucket.take(limit, now);
        self.bucket.wait(limit, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::Tcp(address.parse().expect("an address"))
    }

    fn bound(address: &str, config: &Config) -> Option<Bound> {
        Bound::new(peer(address), config, 0)
    }

    #[test]
    fn this_machine_is_bound_only_by_a_flag() {
        let given = |flood| Config {
            flood,
            ..Config::default()
        };
        let by_default = given(None);
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(bound(here, &by_default).is_none(), "{here}");
        }
        let limit = FloodLimit { rate: 1, burst: 1 };
        let by_flag = given(Some(Flood::Limit(limit)));
        assert_eq!(bound("::1", &by_flag).expect("a limit").flood, Some(limit));
        let stranger = bound("192.0.2.7", &by_default).expect("limits");
        assert_eq!(stranger.flood, Some(flood::DEFAULT));
        assert!(
            bound("192.0.2.7", &given(Some(Flood::Off)))
                .expect("a limit")
                .flood
                .is_none()
        );
    }

    #[test]
    fn an_address_counts_in_all_its_forms() {
        let address = |text| bound(text, &Config::default()).expect("limits").address;
        assert_eq!(address("192.0.2.7"), address("::ffff:192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(address("2001:db8::7"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::7"), address("2001:db8:0:1::7"));
    }
}

//! Connections that come in: as newcomers, or as further sessions of members that are there.

use loopchat::chat::{DisconnectReason, Peer};
use loopchat::server::line_input::LineInput;
use loopchat::server::sessions::SessionId;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::framed::LINES;
use super::members::Client;
use super::plan::choose;
use super::tally::Count;
use super::world::World;
use super::{Checked, violated};

impl World<'_> {
    /// Somebody connects, as itself or through a proxy.
    pub fn connect(&mut self, rng: &mut ChaCha8Rng) -> Checked {
        if self.clients.len() >= self.setting.crowd {
            return Ok(());
        }
        let peer = somebody(rng);
        let proxy = Peer::Tcp([10, 0, 0, rng.random_range(1..3)].into());
        let has_proxies = !self.setting.config.trust_proxy.is_empty();
        let is_remote = matches!(peer, Peer::Tcp(_));
        let (direct, peer) = match rng.random_range(0..8) {
            0..4 if has_proxies && is_remote => (proxy, peer),
            4 => (proxy, proxy), // it speaks for itself, or is none
            _ => (peer, peer),
        };
        let client = self.client(peer, rng);
        let is_doubtful = rng.random_ratio(1, 8);
        match client.framing == LINES {
            true => self.comes_to_line_door(client, direct, is_doubtful),
            false => self.comes_to_web_door(client, direct, is_doubtful),
        }
    }

    /// As `admit` at the line door: the chat is asked before it counts. What a proxy's connection
    /// was is over when its header is there.
    fn comes_to_line_door(&mut self, client: Client, direct: Peer, is_doubtful: bool) -> Checked {
        if direct != client.peer {
            let Some(proxied) = self.come(client.number, direct)? else {
                return Ok(());
            };
            self.tally.count(Count::Proxied);
            self.closed(client.number, &proxied);
        }
        match self.admits(client.number, client.peer)? {
            true => self.connected(client, None, is_doubtful),
            false => Ok(()),
        }
    }

    /// As at the web door: a connection counts as soon as it asks for anything, and as its
    /// client's when it is to chat.
    pub(super) fn comes_to_web_door(
        &mut self,
        client: Client,
        direct: Peer,
        is_doubtful: bool,
    ) -> Checked {
        let (number, peers) = (client.number, (direct, client.peer));
        let Some(mut input) = self.come(number, direct)? else {
            return Ok(());
        };
        self.tally
            .add(Count::Proxied, (direct != client.peer).into());
        match self.readmit(number, &mut input, peers)? {
            true => self.connected(client, Some(input), is_doubtful),
            false => {
                self.keep_out(number, input);
                Ok(())
            }
        }
    }

    /// A connection is let in, if the chat has nothing against it. `input` is there if it counts
    /// already, and `is_doubtful` says that its first bytes may be those of another protocol.
    fn connected(
        &mut self,
        mut client: Client,
        input: Option<LineInput>,
        is_doubtful: bool,
    ) -> Checked {
        let (number, peer, at) = (client.number, client.peer, self.moment());
        let refusal = self.checker.turns_away(peer, at.now);
        let asked = self.hub.chat().admits(peer, at.now);
        let entered = self.hub.connect(peer, client.framing, at);
        if asked.as_ref().err() != entered.as_ref().err() {
            let seen = format!("{asked:?}, then {entered:?}");
            return violated("who is admitted can connect, and nobody else", seen);
        }
        match (entered, refusal) {
            (Ok(session), None) => {
                self.tally.count(Count::Connected);
                let is_browser = client.framing != LINES;
                self.tally.add(Count::Browsers, is_browser.into());
                let newcomer = (number, peer, client.framing);
                let Self { hub, checker, .. } = self;
                let Some(member) = hub.member(session) else {
                    return violated("who has connected is a member", format!("{peer}"));
                };
                let ids = (member, session);
                checker.connected(ids, newcomer, hub.effects(), hub.chat(), at.now)?;
                client.session = Some(session);
                client.input = input.unwrap_or_else(|| self.enter(number, peer));
                self.sockets.insert(session, number);
                self.clients.insert(number, client);
                self.settle()?;
                self.grant(number, session);
                if is_doubtful {
                    self.tally.count(Count::Withheld);
                    self.hub.withhold(session, at.now);
                    self.checker.withheld(member, at.now);
                }
                Ok(())
            }
            (Err(reason), Some(wanted)) => {
                self.tally.count(match reason {
                    DisconnectReason::Banned { .. } => Count::RefusedBanned,
                    _ => Count::RefusedFull,
                });
                if !wanted.contains(&reason) || !self.hub.effects().is_empty() {
                    let seen = format!("{reason:?}, not {wanted:?}");
                    return violated("whoever is turned away is told why", seen);
                }
                if let Some(input) = input {
                    self.keep_out(number, input);
                }
                Ok(())
            }
            (entered, refusal) => violated(
                "who is banned, or has no place, is turned away, and nobody else",
                format!("{peer}: {entered:?}, not {refusal:?}"),
            ),
        }
    }

    /// One more connection of the member who has this one, if it is in the chat.
    pub fn attach(&mut self, number: usize, rng: &mut ChaCha8Rng) -> Checked {
        let Some(client) = self.clients.get(&number) else {
            return Ok(());
        };
        let Some(session) = client.session else {
            return Ok(());
        };
        if self.clients.len() >= self.setting.crowd {
            return Ok(());
        }
        let peer = client.peer;
        let client = self.client(peer, rng);
        self.attached(client, session)
    }

    /// A connection is one more of a member that is there.
    fn attached(&mut self, mut client: Client, other: SessionId) -> Checked {
        let (number, framing, at) = (client.number, client.framing, self.moment());
        self.settle()?; // what was before it need not hear
        let Some(member) = self.hub.member(other) else {
            return Ok(());
        };
        let Some(input) = self.come(number, client.peer)? else {
            return Ok(());
        };
        let Some(session) = self.hub.attach(member, framing, at) else {
            return violated("a member may have several sessions", format!("{member:?}"));
        };
        self.tally.count(Count::Attached);
        let Self { hub, checker, .. } = self;
        checker.attached((member, session), (number, framing), hub.effects(), at.now)?;
        client.session = Some(session);
        client.input = input;
        self.sockets.insert(session, number);
        self.clients.insert(number, client);
        self.asking = Some(session);
        self.settle()?;
        self.grant(number, session);
        Ok(())
    }
}

/// Where somebody comes from. Who has the same 64 bits of an IPv6 address is the same.
pub(super) fn somebody(rng: &mut ChaCha8Rng) -> Peer {
    let local = |user, operator| Peer::Local { user, operator };
    let stranger = Peer::Tcp([192, 0, 2, rng.random_range(1..8)].into());
    let (network, host) = (rng.random_range(1..3), rng.random_range(1..4));
    let other = Peer::Tcp([0x2001, 0xdb8, 0, network, 0, 0, 0, host].into());
    let loopback = Peer::Tcp([127, 0, 0, 1].into());
    *choose(
        rng,
        &[
            stranger,
            stranger,
            other,
            loopback,
            local(1001, false),
            local(1000, true),
        ],
    )
}

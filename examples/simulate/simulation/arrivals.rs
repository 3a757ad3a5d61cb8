//! Connections that come in: as newcomers, or as further sessions of members that are there.

use loopchat::chat::DisconnectReason;
use loopchat::server::sessions::SessionId;

use super::framed::LINES;
use super::members::Client;
use super::tally::Count;
use super::world::World;
use super::{Checked, violated};

impl World<'_> {
    /// A connection is let in, if the chat has nothing against it. `is_doubtful` says that its first
    /// bytes may be those of another protocol.
    pub fn connected(&mut self, mut client: Client, is_doubtful: bool) -> Checked {
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
                self.sockets.insert(session, number);
                self.clients.insert(number, client);
                self.settle()?;
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
                Ok(())
            }
            (entered, refusal) => violated(
                "who is banned, or has no place, is turned away, and nobody else",
                format!("{peer}: {entered:?}, not {refusal:?}"),
            ),
        }
    }

    /// A connection is one more of a member that is there.
    pub fn attached(&mut self, mut client: Client, other: SessionId) -> Checked {
        let (number, framing, at) = (client.number, client.framing, self.moment());
        self.settle()?; // what was before it need not hear
        let Some(member) = self.hub.member(other) else {
            return Ok(());
        };
        let Some(session) = self.hub.attach(member, framing, at) else {
            return violated("a member may have several sessions", format!("{member:?}"));
        };
        self.tally.count(Count::Attached);
        let Self { hub, checker, .. } = self;
        checker.attached((member, session), (number, framing), hub.effects(), at.now)?;
        client.session = Some(session);
        self.sockets.insert(session, number);
        self.clients.insert(number, client);
        self.asking = Some(session);
        self.settle()
    }
}

//! The model of who is kept out and who is kept quiet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};
use loopchat::chat::{Millis, Origin, Peer, Recorded, Text};

use super::checker::Checker;
use super::speech::BAN_REASON;

/// What orders have laid on people, as the server has recorded it.
#[derive(Default)]
pub struct Sanctions {
    bans: BTreeMap<Origin, (Millis, Option<Text>)>,
    /// By where its member comes from and the number of its connection: until when, and the latest
    /// connection there was when it was first muted.
    mutes: BTreeMap<(Origin, usize), (Millis, usize)>,
}

/// Whether a peer comes from there.
pub fn is_from(peer: Peer, origin: Origin) -> bool {
    match (origin, peer) {
        (Origin::Network(network), Peer::Tcp(address)) => network.contains(&address),
        (Origin::User(user), Peer::Local { user: other, .. }) => user == other,
        _ => false,
    }
}

/// Where a peer comes from, as an operator writes it: with IPv6 it is a network of 64 bits.
pub fn origin(peer: Peer) -> Origin {
    match peer {
        Peer::Tcp(IpAddr::V6(address)) => {
            let [first, second, third, fourth, ..] = address.segments();
            let network = Ipv6Addr::new(first, second, third, fourth, 0, 0, 0, 0);
            Origin::Network(IpNet::V6(Ipv6Net::new_assert(network, 64)))
        }
        Peer::Tcp(address) => Origin::Network(IpNet::from(address)),
        Peer::Local { user, .. } => Origin::User(user),
    }
}

impl Sanctions {
    /// Somebody is kept out, or let in again.
    pub fn ban(&mut self, what: &Recorded, reason: Option<Text>, now: Millis) {
        match what {
            Recorded::Banned {
                origin, seconds, ..
            } => {
                let until = now + Millis::from(*seconds) * 1000;
                self.bans.insert(*origin, (until, reason));
            }
            Recorded::Unbanned { origin } => {
                self.bans.remove(origin);
            }
            _ => {}
        }
    }

    /// Until when and why a peer is kept out: by what lasts longest.
    pub fn ban_of(&self, peer: Peer, now: Millis) -> Option<Vec<&(Millis, Option<Text>)>> {
        let hits = self
            .bans
            .iter()
            .filter(|(origin, (until, _))| *until > now && is_from(peer, **origin));
        let hits: Vec<_> = hits.map(|(_, ban)| ban).collect();
        let longest = hits.iter().map(|(until, _)| *until).max()?;
        Some(
            hits.into_iter()
                .filter(|(until, _)| *until == longest)
                .collect(),
        )
    }

    pub fn bans(&self, now: Millis) -> usize {
        self.bans.values().filter(|(until, _)| *until > now).count()
    }

    pub fn is_banned(&self, origin: Origin, now: Millis) -> bool {
        self.bans
            .get(&origin)
            .is_some_and(|(until, _)| *until > now)
    }

    /// A member is to be quiet; `latest` is the number of the last who came.
    pub fn mute(&mut self, peer: Peer, number: usize, latest: usize, seconds: u32, now: Millis) {
        let until = now + Millis::from(seconds) * 1000;
        let key = (origin(peer), number);
        let before = self.mutes.get(&key).filter(|(until, _)| *until > now);
        let since = before.map_or(latest, |(_, since)| *since);
        self.mutes.insert(key, (until, since));
    }

    /// A member is to be quiet as long as it was by another connection.
    pub fn mute_again(
        &mut self,
        before: (Peer, usize),
        (peer, number): (Peer, usize),
        latest: usize,
        now: Millis,
    ) {
        let left = self.muted_for(before.0, before.1, now);
        if left > self.muted_for(peer, number, now) {
            let until = now + left.unwrap_or(0);
            let key = (origin(peer), number);
            let own = self.mutes.get(&key).filter(|(until, _)| *until > now);
            let since = own.map_or(latest, |(_, since)| *since);
            self.mutes.insert(key, (until, since));
        }
    }

    /// A member need not be quiet any more.
    pub fn unmute(&mut self, peer: Peer, number: usize) {
        let from = origin(peer);
        let hits = |(origin, muted): &(Origin, usize), since: usize| {
            *origin == from && (*muted == number || number > since)
        };
        self.mutes.retain(|key, (_, since)| !hits(key, *since));
    }

    /// For how long a member is still to be quiet.
    pub fn muted_for(&self, peer: Peer, number: usize, now: Millis) -> Option<Millis> {
        let from = origin(peer);
        let of_origin = (from, 0)..=(from, usize::MAX);
        let hits = self
            .mutes
            .range(of_origin)
            .filter(|((_, muted), (until, since))| {
                *until > now && (*muted == number || number > *since)
            });
        let until = hits.map(|(_, (until, _))| *until).max()?;
        Some(until - now)
    }

    pub fn mutes(&self, now: Millis) -> usize {
        self.mutes
            .values()
            .filter(|(until, _)| *until > now)
            .count()
    }
}

impl Checker {
    /// What operators have laid on people is recorded.
    pub(super) fn recorded(&mut self, what: &Recorded, now: Millis) {
        match what {
            Recorded::Kicked { .. } => {}
            Recorded::Banned { .. } | Recorded::Unbanned { .. } => {
                self.sanctions.ban(what, Some(BAN_REASON.into()), now);
            }
            Recorded::Muted {
                nickname, seconds, ..
            } => {
                let muted = self.named(nickname).and_then(|member| self.seat(member));
                if let Some((peer, number)) = muted.map(|seat| (seat.peer, seat.number)) {
                    self.sanctions
                        .mute(peer, number, self.latest, *seconds, now);
                }
            }
            Recorded::Unmuted { nickname, .. } => {
                let named = nickname.as_ref().and_then(|nickname| self.named(nickname));
                let unmuted = named.and_then(|member| self.seat(member));
                if let Some((peer, number)) = unmuted.map(|seat| (seat.peer, seat.number)) {
                    self.sanctions.unmute(peer, number);
                }
            }
        }
    }
}

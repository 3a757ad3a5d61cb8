//! Whom the server has disconnected of late, and why.

use std::collections::VecDeque;

use crate::chat::{DisconnectReason, Gone, Millis, Name, Peer};

/// How many are remembered.
const REMEMBERED: usize = 10;

/// Whom the server has disconnected of late, and how many for what.
#[derive(Default)]
pub(in crate::server) struct Farewells {
    /// Each with the time at which it was.
    latest: VecDeque<(Gone, Millis)>,
    counts: [u64; DisconnectReason::COUNTED.len()],
}

impl Farewells {
    pub(super) fn note(
        &mut self,
        nickname: &Name,
        peer: Peer,
        reason: &DisconnectReason,
        now: Millis,
    ) {
        let mut counted = DisconnectReason::COUNTED.iter();
        if let Some(at) = counted.position(|code| *code == reason.code()) {
            self.counts[at] += 1;
        }
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        let gone = Gone {
            nickname: nickname.clone(),
            peer,
            reason: reason.clone(),
            ago: 0,
        };
        self.latest.push_back((gone, now));
    }

    /// How many were disconnected for what, by its [code](DisconnectReason::code). Kicks and bans
    /// are an operator's doing, and not among them.
    pub(in crate::server) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        DisconnectReason::COUNTED.into_iter().zip(self.counts)
    }

    /// The latest, the last first.
    pub(in crate::server) fn latest(&self, now: Millis) -> impl Iterator<Item = Gone> {
        let latest = self.latest.iter().rev();
        latest.map(move |(gone, at)| Gone {
            ago: now - at,
            ..gone.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests::person;

    #[test]
    fn the_latest_are_remembered_with_their_age_and_all_are_counted() {
        let mut farewells = Farewells::default();
        let reason = DisconnectReason::Memory;
        for number in 0..12 {
            let name = person(&format!("guest{number}")).nickname;
            let peer = Peer::Tcp([192, 0, 2, 7].into());
            farewells.note(&name, peer, &reason, 1000 * number);
        }
        let latest: Vec<_> = farewells.latest(20_000).collect();
        assert_eq!(latest.len(), REMEMBERED);
        assert_eq!((&*latest[0].nickname, latest[0].ago), ("guest11", 9000));
        assert_eq!((&*latest[9].nickname, latest[9].ago), ("guest2", 18_000));
        let counts: Vec<_> = farewells.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [(reason.code(), 12)]);
    }
}

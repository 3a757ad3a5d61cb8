//! The log of who was kept out, kicked, banned and muted: one line each, of one form, for people
//! and for programs as fail2ban.
//!
//! `EVENT ADDRESS KEY=VALUE ...` under a name of its own. No value holds a blank: addresses,
//! numbers, words of ours, and nicknames, which are made of letters, digits, `_`, `-` and `.`
//! only.
//!
//! Operators' orders come as effects of the chat. Refusals are noted here, and those beyond a rate
//! are counted instead: whoever is refused again and again must not fill a disk.

use log::info;

use crate::chat::{DisconnectReason, Millis, Peer, Record, Recorded};

/// The name that its lines are logged under.
pub(in crate::server) const TARGET: &str = "loopchat::access";

/// Refusals that are logged at once, and how often one more is in the long run, in milliseconds.
const BURST: Millis = 100;
const PERIOD: Millis = 1000;

/// What an operator has done, as a line. Nobody can choose how it begins, nor put a word of its own
/// into it.
pub(crate) fn line(record: &Record) -> String {
    let by = &record.by;
    match &record.what {
        Recorded::Kicked { from, nickname } => format!("kicked {from} nick={nickname} by={by}"),
        Recorded::Banned {
            origin,
            seconds,
            members,
        } => format!("banned {origin} by={by} seconds={seconds} members={members}"),
        Recorded::Unbanned { origin } => format!("unbanned {origin} by={by}"),
        Recorded::Muted {
            from,
            nickname,
            seconds,
        } => format!("muted {from} nick={nickname} by={by} seconds={seconds}"),
        Recorded::Unmuted {
            nickname: Some(nickname),
            from,
        } => format!("unmuted {from} nick={nickname} by={by}"),
        Recorded::Unmuted {
            nickname: None,
            from,
        } => format!("unmuted {from} by={by}"),
    }
}

/// How many refusals were logged of late.
#[derive(Debug, Default)]
pub(in crate::server) struct AccessLog {
    /// When as many may be logged at once again.
    full_at: Millis,
    left_out: u64,
}

impl AccessLog {
    /// Somebody was turned away.
    pub(in crate::server) fn refused(
        &mut self,
        peer: Peer,
        reason: &DisconnectReason,
        now: Millis,
    ) {
        self.note(peer, reason.code(), now);
    }

    /// Somebody was sent away, who is no chat client.
    pub(in crate::server) fn foreign(&mut self, peer: Peer, now: Millis) {
        self.note(peer, "foreign", now);
    }

    fn note(&mut self, peer: Peer, why: &str, now: Millis) {
        for line in self.lines(peer, why, now).into_iter().flatten() {
            info!(target: TARGET, "{line}");
        }
    }

    /// What is to be logged: how many were left out, and this one.
    fn lines(&mut self, peer: Peer, why: &str, now: Millis) -> [Option<String>; 2] {
        let full_at = self.full_at.max(now) + PERIOD;
        if full_at > now + BURST * PERIOD {
            self.left_out += 1;
            return [None, None];
        }
        self.full_at = full_at;
        let left_out = match std::mem::take(&mut self.left_out) {
            0 => None,
            count => Some(format!("skipped count={count}")),
        };
        [left_out, Some(format!("refused {peer} why={why}"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_logged() {
        let mut log = AccessLog::default();
        let peer = Peer::Tcp([192, 0, 2, 7].into());
        let mut lines = Vec::new();
        for now in (0..100_000).map(|n| 5000 + n / 100) {
            lines.extend(log.lines(peer, "full", now).into_iter().flatten());
        }
        // A hundred at once; the second is not over.
        assert_eq!(lines.len(), 100);
        assert_eq!(lines[0], "refused 192.0.2.7 why=full");
        let later: Vec<String> = log
            .lines(peer, "full", 7000)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(later, ["skipped count=99900", "refused 192.0.2.7 why=full"]);
        let again: Vec<String> = log
            .lines(peer, "banned", 99_000)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(again, ["refused 192.0.2.7 why=banned"]);
    }
}

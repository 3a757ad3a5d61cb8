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

use crate::chat::{Millis, Peer};

/// The name that its lines are logged under.
pub(super) const TARGET: &str = "loopchat::access";

/// Refusals that are logged at once, and how often one more is in the long run, in milliseconds.
const BURST: Millis = 100;
const PERIOD: Millis = 1000;

/// Who is turned away, and why.
#[derive(Debug)]
pub(super) struct Refused {
    /// In a word, for the log.
    pub(super) why: &'static str,
    /// The line that it is told.
    pub(super) line: String,
}

/// How many refusals were logged of late.
#[derive(Debug, Default)]
pub(super) struct AccessLog {
    /// When as many may be logged at once again.
    full_at: Millis,
    left_out: u64,
}

impl AccessLog {
    /// Somebody was turned away.
    pub(super) fn refused(&mut self, peer: Peer, why: &str, now: Millis) {
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

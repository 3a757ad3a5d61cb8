//! What becomes of those who read more slowly than others speak.
//!
//! The system keeps some bytes for each connection. What it does not take waits in an outbox of
//! ours, and that is bounded:
//!
//! | what waits for a member | what happens |
//! | --- | --- |
//! | nothing | the usual |
//! | more than the soft limit | it is *behind*: messages, private ones too, are left out for it until it has read what waits, then it is told how many |
//! | more than the hard limit | it is *full*: whatever others have said or done is left out |
//! | more than the hard limit of its own answers | it is disconnected, and told why in its last line |
//! | anything, and it reads none of it for the stall time | the same |
//!
//! So nobody is disconnected for what others say. And nobody else may fill the outbox of somebody
//! for whom bytes wait alone: of one author it holds a quarter of the soft limit.
//!
//! This is the policy alone: it knows no sockets and no clock, so that a simulator can drive it.

use std::collections::BTreeMap;

use crate::chat::{MemberId, Millis};
use crate::server::core::sessions::SessionId;

/// How often those with something waiting are looked at.
const SWEEP_MS: Millis = 1000;

/// The limits on what waits for one member.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Bytes from which on messages are left out.
    pub soft: usize,
    /// Bytes from which on nothing of others is added, and which no member may have of its own
    /// answers.
    pub hard: usize,
    /// How long a member for whom bytes wait may read none, in milliseconds.
    pub stall: Millis,
}

/// What a member's outbox means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on getting everything.
    Fine,
    /// Messages are to be left out.
    Behind,
    /// Notices, too.
    Full,
    /// It is to be disconnected.
    TooMuch,
}

/// Those members for whom bytes wait.
#[derive(Debug)]
pub struct SlowReaders {
    limits: OutboxLimits,
    /// In an order of its own, so that what happens does not differ from run to run.
    waiting: BTreeMap<SessionId, Progress>,
    swept: Millis,
    /// Who was found to have read everything, and how many private messages it has missed.
    late: Vec<(SessionId, u32)>,
}

/// What a member had read when it was last looked at.
#[derive(Debug)]
struct Progress {
    sent: u64,
    since: Millis,
    /// Bytes of its own answers that were written since something waits.
    own: usize,
    private: Option<Box<Private>>,
}

/// What others have written to one member alone since something waits for it.
#[derive(Debug, Default)]
struct Private {
    /// Bytes, by author.
    queued: BTreeMap<MemberId, usize>,
    /// Messages that were not delivered.
    missed: u32,
}

impl SlowReaders {
    /// Nobody is slow yet.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            waiting: BTreeMap::new(),
            swept: 0,
            late: Vec::new(),
        }
    }

    /// After a write: `waiting` bytes are not sent yet (more than 0; otherwise there is no need to
    /// tell), `sent` is how many ever were, and `own` how many of those written are the member's
    /// own answers.
    pub fn written(
        &mut self,
        session: SessionId,
        waiting: usize,
        sent: u64,
        own: usize,
        now: Millis,
    ) -> Verdict {
        if self.waiting.is_empty() {
            self.swept = now;
        }
        let progress = self.waiting.entry(session).or_insert(Progress {
            sent,
            since: now,
            own: 0,
            private: None,
        });
        progress.own += own;
        if progress.own.min(waiting) > self.limits.hard {
            Verdict::TooMuch
        } else if waiting > self.limits.hard {
            Verdict::Full
        } else if waiting > self.limits.soft {
            Verdict::Behind
        } else {
            Verdict::Fine
        }
    }

    /// Whether `bytes` that one member says to another alone could be queued for it now.
    pub fn would_take_private(&self, to: SessionId, from: MemberId, bytes: usize) -> bool {
        let queued = self.waiting.get(&to).map(|progress| {
            let private = progress.private.as_ref();
            private
                .and_then(|private| private.queued.get(&from))
                .copied()
        });
        match queued {
            None => true, // nothing waits
            Some(queued) => queued.unwrap_or(0) + bytes <= self.limits.soft / 4,
        }
    }

    /// Whether `bytes` that one member says to another alone may be queued for it. If not, it is
    /// counted.
    pub fn takes_private(&mut self, to: SessionId, from: MemberId, bytes: usize) -> bool {
        let most = self.limits.soft / 4;
        let Some(progress) = self.waiting.get_mut(&to) else {
            return true; // nothing waits
        };
        let private = progress.private.get_or_insert_default();
        let queued = private.queued.entry(from).or_default();
        let takes = *queued + bytes <= most;
        match takes {
            true => *queued += bytes,
            false => private.missed += 1,
        }
        takes
    }

    /// A private message was not delivered, since its reader is behind.
    pub fn leave_out_private(&mut self, to: SessionId) {
        if let Some(progress) = self.waiting.get_mut(&to) {
            progress.private.get_or_insert_default().missed += 1;
        }
    }

    /// A member has read everything, or is gone. Returns how many private messages it has missed.
    pub fn forget(&mut self, session: SessionId) -> u32 {
        let progress = self.waiting.remove(&session);
        let private = progress.and_then(|progress| progress.private);
        private.map_or(0, |private| private.missed)
    }

    /// Those whom the last sweep found to have read everything, and how many private messages each
    /// has missed.
    pub fn take_late(&mut self) -> Vec<(SessionId, u32)> {
        std::mem::take(&mut self.late)
    }

    /// Whether bytes wait for nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When [`sweep`](Self::sweep) is to be called next, if anything waits for anyone.
    #[must_use]
    pub fn next_sweep(&self) -> Option<Millis> {
        (!self.waiting.is_empty()).then_some(self.swept + SWEEP_MS)
    }

    /// Looks at everyone for whom bytes wait, and returns those who have read nothing for too
    /// long. `look` tells the bytes that wait for a member and those ever sent to it; `None` if it
    /// is gone. Time before `awake_since` does not count: nobody could see then what a member
    /// reads.
    pub fn sweep(
        &mut self,
        now: Millis,
        awake_since: Millis,
        look: impl Fn(SessionId) -> Option<(usize, u64)>,
    ) -> Vec<SessionId> {
        if self.next_sweep().is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.swept = now;
        let stall = self.limits.stall;
        let mut stalled = Vec::new();
        self.waiting.retain(|&session, progress| {
            let Some((1.., sent)) = look(session) else {
                // So little waited that nobody was told when it was read.
                if let Some(private) = &progress.private
                    && private.missed > 0
                {
                    self.late.push((session, private.missed));
                }
                return false;
            };
            if sent != progress.sent {
                (progress.sent, progress.since) = (sent, now);
            }
            let since = progress.since.max(awake_since);
            let is_stalled = now.saturating_sub(since) >= stall;
            if is_stalled {
                stalled.push(session);
            }
            !is_stalled
        });
        stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests::members;

    const LIMITS: OutboxLimits = OutboxLimits {
        soft: 100,
        hard: 1000,
        stall: 30_000,
    };

    /// A session each, and their members.
    fn two() -> ([SessionId; 2], [MemberId; 2]) {
        let members: [MemberId; 2] = members(2).try_into().expect("two");
        (members.map(SessionId::from), members)
    }

    #[test]
    fn the_limits_are_the_last_that_is_allowed() {
        let ([ann, _], _) = two();
        let verdict = |waiting| SlowReaders::new(LIMITS).written(ann, waiting, 0, waiting, 0);
        assert_eq!(verdict(100), Verdict::Fine);
        assert_eq!(verdict(101), Verdict::Behind);
        assert_eq!(verdict(1000), Verdict::Behind);
        assert_eq!(verdict(1001), Verdict::TooMuch);
    }

    #[test]
    fn nobody_is_disconnected_for_what_others_say() {
        let ([ann, _], _) = two();
        let mut slow = SlowReaders::new(LIMITS);
        assert_eq!(slow.written(ann, 1001, 0, 1000, 0), Verdict::Full);
        assert_eq!(slow.written(ann, 1001, 0, 1, 0), Verdict::TooMuch);
    }

    #[test]
    fn one_author_gets_a_quarter_of_what_may_wait() {
        let ([ann, _], [her, bob]) = two();
        let mut slow = SlowReaders::new(LIMITS);
        assert!(slow.takes_private(ann, bob, 5000), "nothing waits for her");
        slow.written(ann, 1, 0, 0, 0);
        assert!(slow.takes_private(ann, bob, 25));
        assert!(!slow.takes_private(ann, bob, 1));
        assert!(slow.takes_private(ann, her, 25), "each has its own");
        slow.leave_out_private(ann);
        assert_eq!(slow.forget(ann), 2);
        assert_eq!(slow.forget(ann), 0);
    }

    #[test]
    fn what_was_missed_is_told_though_little_waited() {
        let ([ann, _], [_, bob]) = two();
        let mut slow = SlowReaders::new(LIMITS);
        slow.written(ann, 1, 0, 0, 0);
        slow.takes_private(ann, bob, 26);
        assert!(slow.sweep(1000, 0, |_| Some((0, 1))).is_empty());
        assert_eq!(slow.take_late(), [(ann, 1)]);
        assert!(slow.take_late().is_empty());
        slow.written(ann, 1, 0, 0, 2000);
        assert!(slow.takes_private(ann, bob, 25));
        slow.sweep(3000, 0, |_| Some((0, 1)));
        assert_eq!(slow.take_late(), [], "nothing was missed");
    }

    #[test]
    fn whoever_reads_a_byte_now_and_then_may_stay() {
        let ([ann, bob], _) = two();
        let mut slow = SlowReaders::new(LIMITS);
        assert_eq!(slow.next_sweep(), None);
        slow.written(ann, 10, 0, 0, 500);
        slow.written(bob, 10, 0, 0, 500);
        let mut gone = Vec::new();
        while let Some(due) = slow.next_sweep().filter(|&due| due < 100_000) {
            // Ann reads a byte every 20 s.
            let sent = |session| if session == ann { due / 20_000 } else { 0 };
            let stalled = slow.sweep(due, 0, |session| Some((10, sent(session))));
            gone.extend(stalled.into_iter().map(|session| (session, due)));
        }
        assert_eq!(gone, [(bob, 30_500)]);
    }

    #[test]
    fn nobody_is_swept_for_who_has_read_all_or_gone() {
        let ([ann, bob], _) = two();
        let mut slow = SlowReaders::new(LIMITS);
        slow.written(ann, 10, 0, 0, 0);
        slow.written(bob, 10, 0, 0, 0);
        slow.forget(bob);
        assert!(slow.sweep(1000, 0, |_| Some((0, 10))).is_empty());
        assert_eq!(slow.next_sweep(), None);
    }

    #[test]
    fn a_second_wait_counts_from_its_own_start() {
        let ([ann, _], _) = two();
        let mut slow = SlowReaders::new(LIMITS);
        slow.written(ann, 10, 0, 0, 0);
        slow.forget(ann);
        slow.written(ann, 10, 10, 0, 29_000);
        assert_eq!(slow.next_sweep(), Some(30_000));
        assert!(slow.sweep(30_000, 0, |_| Some((10, 10))).is_empty());
        assert_eq!(slow.sweep(59_000, 0, |_| Some((10, 10))), [ann]);
    }
}

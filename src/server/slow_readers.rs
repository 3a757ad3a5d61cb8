//! What becomes of those who read more slowly than others speak.
//!
//! The system keeps some bytes for each connection. What it does not take waits in an outbox of ours,
//! and that is bounded:
//!
//! | what waits for a member | what happens |
//! | --- | --- |
//! | nothing | the usual |
//! | more than the soft limit | it is *behind*: messages are left out for it until it has read what waits, then it is told how many |
//! | more than the hard limit | it is disconnected, and told why in its last line |
//! | anything, and it reads none of it for the stall time | the same |
//!
//! This is the policy alone: it knows no sockets and no clock, so that a simulator can drive it.

use std::collections::BTreeMap;

use crate::chat::{MemberId, Millis};

/// How often those with something waiting are looked at.
const SWEEP_MS: Millis = 1000;

/// The limits on what waits for one member.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Bytes from which on messages are left out.
    pub soft: usize,
    /// Bytes from which on the member is disconnected.
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
    /// It is to be disconnected.
    TooMuch,
}

/// Those members for whom bytes wait.
#[derive(Debug)]
pub struct SlowReaders {
    limits: OutboxLimits,
    /// In an order of its own, so that what happens does not differ from run to run.
    waiting: BTreeMap<MemberId, Progress>,
    swept: Millis,
}

/// What a member had read when it was last looked at.
#[derive(Debug)]
struct Progress {
    sent: u64,
    since: Millis,
}

impl SlowReaders {
    /// Nobody is slow yet.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            waiting: BTreeMap::new(),
            swept: 0,
        }
    }

    /// After a write: `waiting` bytes are not sent yet (more than 0; otherwise there is no need to
    /// tell), `sent` is how many ever were.
    pub fn written(&mut self, member: MemberId, waiting: usize, sent: u64, now: Millis) -> Verdict {
        if self.waiting.is_empty() {
            self.swept = now;
        }
        let progress = Progress { sent, since: now };
        self.waiting.entry(member).or_insert(progress);
        if waiting > self.limits.hard {
            Verdict::TooMuch
        } else if waiting > self.limits.soft {
            Verdict::Behind
        } else {
            Verdict::Fine
        }
    }

    /// A member has read everything, or is gone.
    pub fn forget(&mut self, member: MemberId) {
        self.waiting.remove(&member);
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

    /// Looks at everyone for whom bytes wait, and returns those who have read nothing for too long.
    /// `look` tells the bytes that wait for a member and those ever sent to it; `None` if it is gone. Time
    /// before `awake_since` does not count: nobody could see then what a member reads.
    pub fn sweep(
        &mut self,
        now: Millis,
        awake_since: Millis,
        look: impl Fn(MemberId) -> Option<(usize, u64)>,
    ) -> Vec<MemberId> {
        if self.next_sweep().is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.swept = now;
        let stall = self.limits.stall;
        let mut stalled = Vec::new();
        self.waiting.retain(|&member, progress| {
            let Some((1.., sent)) = look(member) else {
                return false;
            };
            if sent != progress.sent {
                *progress = Progress { sent, since: now };
            }
            let since = progress.since.max(awake_since);
            let is_stalled = now.saturating_sub(since) >= stall;
            if is_stalled {
                stalled.push(member);
            }
            !is_stalled
        });
        stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Chat, Config, Peer};

    const LIMITS: OutboxLimits = OutboxLimits {
        soft: 100,
        hard: 1000,
        stall: 30_000,
    };

    fn two() -> [MemberId; 2] {
        let mut chat = Chat::new(Config::default());
        let peer = Peer::Tcp([127, 0, 0, 1].into());
        [(); 2].map(|()| {
            chat.connect(peer, 0, &mut Vec::new())
                .expect("there is room")
        })
    }

    #[test]
    fn the_limits_are_the_last_that_is_allowed() {
        let [ann, _] = two();
        let mut slow = SlowReaders::new(LIMITS);
        let mut verdict = |waiting| slow.written(ann, waiting, 0, 0);
        assert_eq!(verdict(100), Verdict::Fine);
        assert_eq!(verdict(101), Verdict::Behind);
        assert_eq!(verdict(1000), Verdict::Behind);
        assert_eq!(verdict(1001), Verdict::TooMuch);
    }

    #[test]
    fn whoever_reads_a_byte_now_and_then_may_stay() {
        let [ann, bob] = two();
        let mut slow = SlowReaders::new(LIMITS);
        assert_eq!(slow.next_sweep(), None);
        slow.written(ann, 10, 0, 500);
        slow.written(bob, 10, 0, 500);
        let mut gone = Vec::new();
        while let Some(due) = slow.next_sweep().filter(|&due| due < 100_000) {
            // Ann reads a byte every 20 s.
            let sent = |member| if member == ann { due / 20_000 } else { 0 };
            let stalled = slow.sweep(due, 0, |member| Some((10, sent(member))));
            gone.extend(stalled.into_iter().map(|member| (member, due)));
        }
        assert_eq!(gone, [(bob, 30_500)]);
    }

    #[test]
    fn nobody_is_swept_for_who_has_read_all_or_gone() {
        let [ann, bob] = two();
        let mut slow = SlowReaders::new(LIMITS);
        slow.written(ann, 10, 0, 0);
        slow.written(bob, 10, 0, 0);
        slow.forget(bob);
        assert!(slow.sweep(1000, 0, |_| Some((0, 10))).is_empty());
        assert_eq!(slow.next_sweep(), None);
    }

    #[test]
    fn a_second_wait_counts_from_its_own_start() {
        let [ann, _] = two();
        let mut slow = SlowReaders::new(LIMITS);
        slow.written(ann, 10, 0, 0);
        slow.forget(ann);
        slow.written(ann, 10, 10, 29_000);
        assert_eq!(slow.next_sweep(), Some(30_000));
        assert!(slow.sweep(30_000, 0, |_| Some((10, 10))).is_empty());
        assert_eq!(slow.sweep(59_000, 0, |_| Some((10, 10))), [ann]);
    }
}

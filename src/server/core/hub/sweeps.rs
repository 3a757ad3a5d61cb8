//! What time alone brings: greetings and digests that are due, and those who have read or said
//! nothing for too long.

use super::effects::place;
use super::{HIGH_WATER_MARK, Hub, IDLE_SWEEP_MS, Progress, seconds};
use crate::chat::{DisconnectReason, Millis};
use crate::server::core::Moment;
use crate::server::core::sessions::SessionId;

impl Hub {
    /// From so many bytes waiting for a connection on, the door reads nothing from it until they
    /// are sent, and then calls [`caught_up`](Self::caught_up). Whoever is behind is therefore
    /// always above it.
    #[must_use]
    pub fn high_water_mark(&self) -> u32 {
        self.config.outbox_soft.min(HIGH_WATER_MARK)
    }

    /// Those who have read nothing for too long, with the reason to [disconnect](Self::disconnect)
    /// them for. `look` tells what waits for a member; `None` if it is gone. What was before
    /// `awake_since` does not count: the door could not see then what anyone reads.
    #[must_use]
    pub fn sweep_slow_readers(
        &mut self,
        now: Millis,
        awake_since: Millis,
        look: impl Fn(SessionId) -> Option<Progress>,
    ) -> Vec<(SessionId, DisconnectReason)> {
        let look = |session| look(session).map(|Progress { waiting, sent }| (waiting, sent));
        let stalled = self.slow_readers.sweep(now, awake_since, look);
        for (session, missed) in self.slow_readers.take_late() {
            self.tell_missed(session, missed);
        }
        let seconds = self.config.stall_timeout;
        let reason = DisconnectReason::ReadNothing { seconds };
        stalled
            .into_iter()
            .map(|session| (session, reason.clone()))
            .collect()
    }

    /// Those who have said nothing for too long, if that is a limit, with the reason to
    /// [disconnect](Self::disconnect) them for. `heard` is everyone, and when it last said
    /// something; `awake_since` is as for [`sweep_slow_readers`](Self::sweep_slow_readers).
    #[must_use]
    pub fn sweep_idle(
        &mut self,
        now: Millis,
        awake_since: Millis,
        heard: impl Iterator<Item = (SessionId, Millis)>,
    ) -> Vec<(SessionId, DisconnectReason)> {
        let mut idle = Vec::new();
        if self.idle_sweep.is_none_or(|due| now < due) {
            return idle;
        }
        self.idle_sweep = None;
        let limit = seconds(self.config.idle_timeout);
        let reason = DisconnectReason::SaidNothing {
            seconds: self.config.idle_timeout,
        };
        for (session, heard) in heard {
            let due = heard.max(awake_since) + limit;
            if due <= now {
                idle.push((session, reason.clone()));
            } else {
                let next = self.idle_sweep.get_or_insert(due);
                *next = due.min(*next).max(now + IDLE_SWEEP_MS);
            }
        }
        idle
    }

    /// Does what time alone brings: greetings that have waited, notices that are due.
    pub fn tick(&mut self, at: Moment) {
        self.at = at;
        let Moment { now, utc } = at;
        self.fan_out.greet(now);
        while let Some(room) = self.digests.next_due(now) {
            let Self {
                chat,
                fan_out,
                digests,
                ..
            } = self;
            let time = chat.time_in(room, utc);
            let said = match place(chat, fan_out, room) {
                Some(place) => digests.take_due(place, now, time),
                None => {
                    digests.forget(room);
                    None
                }
            };
            said.into_iter().for_each(|said| self.say_digest(said));
        }
        let first = self.effects.len();
        self.chat.tick(now, utc, &mut self.effects);
        self.give_to_log(None, None, first, at);
        self.resuming.expire(now);
    }

    /// When the door is to call [`tick`](Self::tick) and both sweeps next, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let deadlines = [
            self.chat.next_deadline(),
            self.digests.next(),
            self.fan_out.next_greeting(),
            self.slow_readers.next_sweep(),
            self.idle_sweep,
            self.resuming.next(),
        ];
        deadlines.into_iter().flatten().min()
    }
}

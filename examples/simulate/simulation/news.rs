//! What the rooms' log says has become of what was said, and who has waited for that.

use loopchat::chat::{Draft, MemberId};
use loopchat::server::sessions::SessionId;
use rand::RngExt;

use super::checker::Checker;
use super::listening::check_placed;
use super::log::Noted;
use super::members::Client;
use super::plan::{Step, dice};
use super::speech::Act;
use super::tally::{Count, Tally};
use super::world::World;
use super::{Checked, violated};

/// A slow log stops once in so many steps.
const STOPS: u32 = 1500;

/// Lines that somebody pastes when it has.
const PASTE: usize = 70;

impl World<'_> {
    /// The log does something within a turn, or nothing for long.
    pub(super) fn log_goes_on(&mut self, step: &Step) -> Checked {
        if !self.log.is_slow() {
            return Ok(());
        }
        let mut rng = dice(!step.dice);
        if rng.random_ratio(1, STOPS) {
            self.log.stop();
            // Many go on all the same, so that there is much to be settled then.
            for number in self.numbers() {
                if rng.random_ratio(2, 3) {
                    self.type_lines(number, PASTE, &mut rng);
                }
            }
        }
        match rng.random_ratio(1, 4) {
            true => self.log_has_news(rng.random()),
            false => Ok(()),
        }
    }

    /// As the doors do it when the log wakes them: all it has said is passed on, and whoever has
    /// waited for that is read on.
    pub(super) fn log_has_news(&mut self, chance: u64) -> Checked {
        if !self.log.is_slow() {
            return Ok(());
        }
        self.settle()?;
        let at = self.moment();
        self.log.go_on(at, &mut dice(chance));
        let mut is_more = true;
        while is_more {
            self.see_who_is_slow();
            self.checker.see_leaving(self.hub.chat())?;
            is_more = self.hub.settle(at);
            check_placed(self.hub.effects(), &[])?;
            for noted in self.log.take_noted() {
                match noted {
                    Noted::Told(settled) => self.checker.settled(&self.hub, settled, at)?,
                    Noted::Appended(draft) => return unasked(&draft),
                }
            }
            self.settle()?;
        }
        self.release()?;
        self.check_drafts()
    }

    /// Whoever has waited for the log, and need not any more, is read on.
    fn release(&mut self) -> Checked {
        for session in self.hub.take_released() {
            let number = self.sockets.get(&session);
            if let Some(client) = number.and_then(|number| self.clients.get_mut(number)) {
                client.awaits_log = false;
                client.read_on();
            }
        }
        let is_forgotten = |client: &&Client| {
            let session = client.session.filter(|_| client.awaits_log);
            let member = session.and_then(|session| self.checker.member_of(session));
            let drafts = &self.checker.drafts;
            member.is_some_and(|member| drafts.of(member) == 0 && !drafts.is_full())
        };
        match self.clients.values().find(is_forgotten) {
            Some(client) => violated(
                "who has waited for the log is read on",
                client.number.to_string(),
            ),
            None => Ok(()),
        }
    }

    /// What is under way must be what the books say.
    fn check_drafts(&self) -> Checked {
        let (hub, drafts) = (&self.hub, &self.checker.drafts);
        match (hub.draft_bytes(), hub.has_drafts()) == (drafts.bytes(), !drafts.is_empty()) {
            true => Ok(()),
            false => violated(
                "what is under way is counted",
                format!("{}, not {}", hub.draft_bytes(), drafts.bytes()),
            ),
        }
    }

    /// What was appended by no line was due, and if it was settled at once, it is heard.
    pub(super) fn check_noted(&mut self) -> Checked {
        let Self { hub, checker, .. } = self;
        let mut wanted = Vec::new();
        let (is_slow, now) = (self.log.is_slow(), self.now);
        for noted in self.log.take_noted() {
            match noted {
                Noted::Appended(draft) => checker.drafted(draft, None, (is_slow, now))?,
                Noted::Told(settled) => {
                    wanted.extend(checker.outcome(settled, is_slow)?.effects);
                }
            }
        }
        check_placed(hub.effects(), &wanted)
    }
}

fn unasked(draft: &Draft) -> Checked {
    violated("nothing is said by who hears", format!("{draft:?}"))
}

impl Checker {
    /// Whether a line has to wait: it is no message, and those of its member are under way, or too
    /// many are.
    pub(super) fn has_to_wait(&self, member: MemberId, act: &Act) -> bool {
        let is_message = match act {
            Act::Say(_) | Act::Me(_) | Act::Nothing => true,
            Act::Msg { to, .. } => self.named(to).is_some(),
            _ => false,
        };
        self.drafts.has_to_wait(member, act, is_message)
    }

    /// Whether somebody is here who may not keep up.
    fn may_be_held_off(&self, nickname: &str) -> bool {
        let reader = self.named(nickname).and_then(|reader| self.seat(reader));
        let mut sessions = reader.iter().flat_map(|seat| &seat.sessions);
        sessions.all(|own| self.slow.contains(&own.id))
    }

    /// A line waits for the log: it must be one that has to.
    pub(super) fn check_wait(
        &self,
        session: SessionId,
        act: Option<&Act>,
        tally: &mut Tally,
    ) -> Checked {
        let drafts = &self.drafts;
        let member = self.member_of(session);
        let waits = member.zip(act);
        // Who is muted is told so in its turn: behind what it has said before.
        let is_muted = |member| drafts.of(member) > 0 && self.muted_for(member, 0).is_some();
        // Nor is a message that may not reach anybody refused before that.
        let may_be_refused = |member, act: &Act| match act {
            Act::Msg { to, .. } => drafts.of(member) > 0 && self.may_be_held_off(to),
            _ => false,
        };
        let has_to = |member, act: &Act| {
            self.has_to_wait(member, act) || is_muted(member) || may_be_refused(member, act)
        };
        if !waits.is_some_and(|(member, act)| has_to(member, act)) {
            let seen = format!("{session:?}: {act:?}");
            return violated("nobody waits for the log without need", seen);
        }
        tally.count(Count::LinesHeld);
        let own = member.map_or(0, |member| drafts.of(member));
        tally.add(Count::LinesHeldByMany, drafts.is_many(own).into());
        tally.add(Count::LinesHeldByAll, drafts.is_full().into());
        Ok(())
    }
}

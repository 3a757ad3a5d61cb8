//! Programs that come back: their connections are cut, or forsaken while the server still has them,
//! and they go on by another.

use std::collections::BTreeSet;

use loopchat::chat::Text;
use loopchat::server::core::hub::HeardUpTo;
use loopchat::server::core::resuming::ResumeToken;
use loopchat::server::framing::Frame;
use loopchat::server::sessions::SessionId;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::arrivals::somebody;
use super::backlogs::Back;
use super::checker::Checker;
use super::framed::json_objects;
use super::members::Client;
use super::plan::dice;
use super::programs::Program;
use super::resuming::Newcomer;
use super::speech::Spoken;
use super::tally::Count;
use super::tokens::{GoesOn, Known};
use super::world::World;
use super::{Checked, violated};

/// So many are away at most; then who has been away for longest does not come back.
const AWAY: usize = 12;

/// The longest that a newcomer takes to say who it was, in milliseconds.
const HESITATION_MS: u64 = 2500;

impl World<'_> {
    /// A session of a program has begun: it may be resumed, and the program is told by what.
    pub(super) fn grant(&mut self, number: usize, session: SessionId) {
        let returning = self.returning.take();
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.framing != json_objects() || self.setting.config.resume_time == 0 {
            return;
        }
        let token = ResumeToken::new(number as u128);
        self.hub.grant(session, token);
        self.checker.tokens.grant(session, token);
        client.program = Some(match returning {
            None => Program::new(number, client.peer, token),
            Some((mut program, seed)) => {
                let mut rng = dice(seed);
                let hesitates = rng.random_ratio(1, 3);
                let wait = if hesitates {
                    rng.random_range(0..HESITATION_MS)
                } else {
                    0
                };
                program.comes_back(token, self.now + wait, &mut rng);
                program
            }
        });
    }

    /// A program has no connection any more, or uses it no more.
    pub(super) fn goes_away(&mut self, program: Option<Program>) {
        let program = program.filter(Program::may_come_back);
        self.away.extend(program);
        if self.away.len() > AWAY {
            self.away.remove(0);
        }
    }

    /// A program forgets its connection, which the server still has: what was typed may still
    /// arrive, or come behind, and nobody may read what it is sent.
    pub(super) fn forsake(&mut self, number: usize, rng: &mut ChaCha8Rng) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        let may_come_back = |program: &mut Program| program.may_come_back();
        if let Some(program) = client.program.take_if(may_come_back) {
            self.tally.count(Count::Forsaken);
            client.is_stalled |= rng.random_ratio(1, 2);
            self.goes_away(Some(program));
        }
    }

    /// A program that is away connects again, and is a newcomer for now.
    pub(super) fn comes_back(&mut self, who: usize, rng: &mut ChaCha8Rng) -> Checked {
        if self.away.is_empty() || self.clients.len() >= self.setting.crowd {
            return Ok(());
        }
        // Mostly it is who has gone last.
        let last = self.away.len() - 1;
        let which = if rng.random_ratio(2, 3) {
            last
        } else {
            who % (last + 1)
        };
        let program = self.away.remove(which);
        let peer = match rng.random_ratio(3, 4) {
            true => program.peer,
            false => somebody(rng),
        };
        let mut client = self.client(peer, rng);
        let number = client.number;
        client.framing = json_objects();
        self.returning = Some((program, rng.random()));
        self.comes_to_web_door(client, peer, false)?;
        let not_let_in = self.returning.take();
        self.goes_away(not_let_in.map(|(program, _)| program));
        match rng.random_ratio(1, 2) {
            true => self.readable(number),
            false => Ok(()),
        }
    }

    /// A program says who it was.
    pub(super) fn resume(&mut self, number: usize) -> Checked {
        self.settle()?;
        let seed = self.setting.dice ^ self.now ^ number as u64;
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        let (Some(session), Some(program)) = (client.session, &mut client.program) else {
            return Ok(());
        };
        let (peer, framing) = (client.peer, client.framing);
        let unconfirmed = program.unconfirmed();
        let unconfirmed = unconfirmed.filter_map(|spoken| spoken.client_id.clone());
        let unconfirmed = unconfirmed.collect();
        let Some((token, heard)) = program.resumes(&mut dice(seed)) else {
            return Ok(());
        };
        let at = self.moment();
        let member = self.checker.member_of(session);
        let who = member.and_then(|member| self.hub.chat().person_of(member));
        let (Some(member), Some(who)) = (member, who) else {
            return violated("only members are listened to", format!("{session:?}"));
        };
        let known = self.checker.goes_on(session, token);
        let resumed = self.hub.resume(session, token, &heard, at);
        let (known, resumed) = match (known, resumed) {
            (Some(known), Some(resumed)) => (known, resumed),
            (None, None) => {
                self.tally.count(Count::CannotResume);
                Checker::cannot_go_on(member, self.hub.effects())?;
                self.asking = Some(session);
                return self.settle();
            }
            (known, resumed) => {
                let known = known.map(|known| known.session);
                let seen = format!("{resumed:?}, not {known:?}");
                return violated("who has the token of a session goes on with it", seen);
            }
        };
        let newcomer = Newcomer {
            member,
            session,
            who,
            peer,
            number,
            framing,
        };
        let back = (resumed.session, resumed.before);
        let before = self.sockets.get(&resumed.before).copied();
        let other = before.and_then(|before| self.clients.get(&before));
        let debts = resumed.debts(other.map(|other| &other.input));
        let of_other = before.map(|before| self.checker.places.debts(before));
        let wanted = of_other.unwrap_or(known.debts);
        self.checker.places.inherit(number, wanted);
        self.tally.add(
            Count::ResumedDebts,
            (self.checker.places.wait(number, self.now) > 0).into(),
        );
        if let Some(client) = self.clients.get_mut(&number) {
            client.input.inherit(debts);
        }
        self.goes_on(&known, &newcomer, back, &heard, unconfirmed)?;
        self.is_silenced(&newcomer, back)?;
        let line = format!("{{\"kind\":\"token\",\"token\":\"{token}\",\"seconds\":1}}\n");
        self.hub.tell_as_it_is(back.0, line.as_bytes());
        self.checker.expect_own(number, line.trim_end());
        self.settle()
    }

    /// A newcomer goes on with a session: what comes of that must be what must.
    fn goes_on(
        &mut self,
        known: &Known,
        newcomer: &Newcomer,
        (session, before): (SessionId, SessionId),
        heard: &[HeardUpTo],
        unconfirmed: BTreeSet<Text>,
    ) -> Checked {
        let (at, number) = (self.moment(), newcomer.number);
        let is_other = matches!(known.goes_on, GoesOn::AsMember { .. });
        if before != known.session || is_other == (session == newcomer.session) {
            let seen = format!("{before:?} as {session:?}");
            return violated("who shows a token is what that session was", seen);
        }
        let Self { hub, checker, .. } = self;
        let (member, count) = match &known.goes_on {
            GoesOn::AsNewcomer(gone) => {
                self.tally.count(Count::Restored);
                (newcomer.member, checker.becomes(hub, newcomer, gone, at)?)
            }
            &GoesOn::AsMember { member, is_gone } => {
                self.tally.count(match is_gone {
                    true => Count::ResumedHeld,
                    false => Count::TakenOver,
                });
                let before = (!is_gone).then_some(before);
                checker.takes_over(hub, newcomer, (member, session), before, at)?;
                (member, 0)
            }
        };
        checker.drafts.pass_on(before, session);
        let token = known.token;
        checker.tokens.grant(session, token);
        let effects = &hub.effects()[count..];
        checker.is_back((member, session), is_other, effects.first())?;
        let back = Back {
            member,
            session,
            heard,
            unconfirmed,
            most: self.setting.config.outbox_hard as usize / 2,
        };
        for what in checker.check_missed(&back, effects.get(1..).unwrap_or_default())? {
            self.tally.count(what);
        }
        self.hub.apply();
        if is_other {
            self.sockets.remove(&newcomer.session);
            self.sockets.insert(session, number);
        }
        if let Some(client) = self.clients.get_mut(&number) {
            client.session = Some(session);
            client.awaits_log = false;
            if is_other {
                // From now on another has to read what waits.
                client.progress = (at.now, client.wire.sent);
            }
        }
        Ok(())
    }

    /// Nothing is heard any more of a session that goes on by another connection, nor of a newcomer
    /// that is another now.
    fn is_silenced(
        &mut self,
        newcomer: &Newcomer,
        (session, before): (SessionId, SessionId),
    ) -> Checked {
        let at = self.moment();
        for silent in [newcomer.session, before] {
            if silent == session {
                continue;
            }
            self.hub.frame(silent, Frame::Line("one more thing"), at);
            if self.hub.is_here(silent) || !self.hub.effects().is_empty() || self.log.has_noted() {
                let seen = format!("{silent:?}: {:?}", self.hub.effects());
                return violated("nothing more is heard of who has gone on", seen);
            }
        }
        Ok(())
    }

    /// What a program has read that it had said, or not: it says again what has not come back.
    pub(super) fn says_again(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        let Client {
            program: Some(program),
            wire,
            sent,
            ..
        } = client
        else {
            return;
        };
        if wire.is_half_closed() {
            return;
        }
        for spoken in program.unconfirmed() {
            self.tally.count(Count::SaidAgain);
            wire.type_bytes(&spoken.bytes);
            sent.push_back(Spoken {
                is_again: true,
                ..spoken.clone()
            });
        }
    }
}

//! What connections send: bytes that have come, their end, or that they are gone.

use loopchat::chat::{Answer, Effect, MemberId, Millis, Text};
use loopchat::server::core::admission::Admission;
use loopchat::server::core::hub::Hub;
use loopchat::server::framing::Frame;
use loopchat::server::sessions::SessionId;
use loopchat::server::{Config, Cost, Moment};

use super::checker::Checker;
use super::client_ids::Said;
use super::drafts::is_placed;
use super::judge::judge;
use super::log::{Log, Noted};
use super::members::Client;
use super::places::ROUNDED_MS;
use super::queues::Waiting;
use super::speech::{Act, Spoken};
use super::tally::{Count, Tally};
use super::world::World;
use super::{Checked, violated};

impl World<'_> {
    /// For whom something waits now.
    pub(super) fn see_who_is_slow(&mut self) {
        let (now, jumped_at) = (self.now, self.jumped_at);
        let slow = self.clients.values();
        let slow = slow.filter(|client| client.is_slow(now, jumped_at));
        self.checker.slow = slow.filter_map(|client| client.session).collect();
    }

    /// Bytes have come from a connection, or its end, or it is gone.
    pub fn readable(&mut self, number: usize) -> Checked {
        self.see_who_is_slow();
        let (at, now) = (self.moment(), self.now);
        let config = &self.setting.config;
        let Self {
            hub,
            admission,
            waiting,
            checker,
            tally,
            clients,
            log,
            ..
        } = self;
        let Some(client) = clients.get_mut(&number) else {
            return Ok(());
        };
        if client.is_reset {
            return self.gone(number);
        }
        let Some(session) = client.session else {
            client.wire.arrived.clear(); // is thrown away
            return Ok(());
        };
        let resumes = client.resumes(now);
        let has_come = !client.wire.arrived.is_empty() || resumes;
        if has_come && (client.wire.need_drain || client.input.is_held_back()) {
            client.is_paused = true;
        }
        if client.is_paused || client.awaits_log {
            return Ok(());
        }
        if has_come && hold_back(hub, (admission, waiting), tally, client, now) {
            self.asking = Some(session);
            return self.settle();
        }
        if resumes {
            return self.resume(number);
        }
        let (wire, input, sent) = (&mut client.wire, &mut client.input, &mut client.sent);
        let wait = checker.places.wait(number, now);
        if wire.is_at_end() {
            let waits = hub.end_has_to_wait(session);
            let member = checker.member_of(session);
            let has_to_wait = member.is_some_and(|member| checker.drafts.of(member) > 0);
            if waits != has_to_wait {
                let seen = format!("{session:?}: {waits}");
                return violated(
                    "an end waits for what its member has said, and no other",
                    seen,
                );
            }
            if waits {
                client.awaits_log = true;
                tally.count(Count::EndsHeld);
                return Ok(());
            }
        }
        let mut result = Ok(());
        let mut frame = |hub: &mut Hub, session, frame: Frame<'_>, at| {
            let spoken = sent.pop_front();
            let books = (&mut *checker, &mut **tally, &*log);
            let heard = take(hub, books, session, spoken, frame, (at, config));
            if result.is_ok() {
                result = heard;
            }
        };
        if !wire.arrived.is_empty() {
            let fed = input.feed(hub, session, &wire.arrived, at, &mut frame);
            wire.arrived.drain(..fed.used);
            client.awaits_log = fed.is_postponed;
            if fed.is_postponed && result.is_ok() {
                let act = sent.front().map(|spoken| &spoken.act);
                checker.check_wait(session, act, tally)?;
            }
            input.take_answers(); // to telnet commands: bytes that are no line
            if fed.used > 0 && wait > ROUNDED_MS {
                return violated("who has asked for too much waits", format!("{wait} ms"));
            }
            admission.ask(input, fed.cost, now);
            if fed.cost > Cost::NONE {
                waiting.queues.has_asked(input, number, fed.cost, now);
            }
            checker.places.spend(number, fed.cost, now);
            hold_back(hub, (admission, waiting), tally, client, now);
        } else if wire.is_at_end() {
            let cost = input.finish(hub, session, at, &mut frame);
            admission.ask(input, cost, now);
            checker.places.spend(number, cost, now);
            if let Some(spoken) = sent.front() {
                return violated("flood control loses nothing", format!("{spoken:?}"));
            }
            result?;
            self.end(session, |hub| hub.leave(session, at))?;
            return self.settle();
        }
        result?;
        self.asking = Some(session);
        self.settle()
    }
}

/// Has a connection wait that has asked for too much, or whose address has.
fn hold_back(
    hub: &mut Hub,
    (admission, waiting): (&Admission, &mut Waiting),
    tally: &mut Tally,
    client: &mut Client,
    now: Millis,
) -> bool {
    let held = client.input.hold_back(hub, client.session, now);
    let Some(wait) = held else {
        return waiting.queue(admission, tally, client, now);
    };
    client.is_paused = true;
    client.release_at = Some(now + wait);
    tally.add(Count::Flooders, hub.effects().len() as u64);
    true
}

/// One frame: it must be what was typed, and do what was meant.
fn take(
    hub: &mut Hub,
    (checker, tally, log): (&mut Checker, &mut Tally, &Log),
    session: SessionId,
    spoken: Option<Spoken>,
    frame: Frame<'_>,
    (at, config): (Moment, &Config),
) -> Checked {
    tally.count(Count::Lines);
    let heard = match frame {
        Frame::Line(line) => Some(line),
        Frame::TooLong => None,
    };
    let Some(spoken) = spoken else {
        return violated("lines are heard once", format!("{heard:?}"));
    };
    if spoken.line.as_deref() != heard {
        let seen = format!("{heard:?}, not {:?}", spoken.line);
        return violated("lines are heard as they were typed, in order", seen);
    }
    tally.add(Count::Telnet, spoken.has_telnet.into());
    tally.add(Count::BrokenUtf8, spoken.is_broken_utf8.into());
    let Some(member) = checker.member_of(session) else {
        return violated("only members are listened to", format!("{heard:?}"));
    };
    if checker.drafts.of(member) > 0 && checker.has_to_wait(member, &spoken.act) {
        let seen = format!("{heard:?}");
        return violated("a command waits for what its member has said", seen);
    }
    let client_id = spoken.client_id.as_ref();
    if let Some(client_id) = client_id
        && let Some(said) = checker.client_ids.said(client_id).cloned()
    {
        hub.frame_as(session, Some(client_id), frame, at);
        said_before(member, client_id, &said, hub.effects())?;
        tally.count(match said.heard {
            Some(_) => Count::Committed,
            None => Count::CommittedLater,
        });
        if log.has_noted() {
            return violated("what was said is not said again", format!("{client_id}"));
        }
        return checker.observe(hub, Some(session), at);
    }
    tally.add(Count::SaidAtLast, spoken.is_again.into());
    if !matches!(spoken.act, Act::Nothing | Act::TooLong) {
        checker.speaks(member);
    }
    hub.frame_as(session, client_id, frame, at);
    let (mut drafts, mut settled) = (Vec::new(), Vec::new());
    for noted in log.take_noted() {
        match noted {
            Noted::Appended(draft) => drafts.push(draft),
            Noted::Told(outcome) => settled.push(outcome),
        }
    }
    let brought = (hub.effects(), &drafts[..]);
    judge(checker, member, &spoken.act, brought, (at, config), tally)?;
    for draft in drafts {
        if let Some(client_id) = client_id {
            checker.client_ids.drafted(client_id, draft.id)?;
        }
        checker.drafted(draft, Some(session), (log.is_slow(), at.now))?;
    }
    let mut wanted = Vec::new();
    for outcome in settled {
        wanted.extend(checker.outcome(outcome, log.is_slow())?.effects);
    }
    check_placed(hub.effects(), &wanted)?;
    checker.saying = client_id.cloned();
    let observed = checker.observe(hub, Some(session), at);
    checker.saying = None;
    observed
}

/// A program says something again that was said: it is told where that was heard, unless it has no
/// place yet.
fn said_before(member: MemberId, own: &Text, said: &Said, effects: &[Effect]) -> Checked {
    let is_right = match (&said.heard, effects) {
        (None, []) => true,
        (
            Some(heard),
            [
                Effect::Tell {
                    to,
                    answer:
                        Answer::Committed {
                            audience,
                            place,
                            client_id,
                        },
                },
            ],
        ) => *to == member && client_id == own && (audience, place) == (&heard.0, &heard.1),
        _ => false,
    };
    match is_right {
        true => Ok(()),
        false => violated(
            "what was said before is answered, and not said again",
            format!("{said:?}: {effects:?}"),
        ),
    }
}

/// What has come of drafts must be just this.
pub fn check_placed(effects: &[Effect], wanted: &[Effect]) -> Checked {
    let placed = effects.iter().filter(|effect| is_placed(effect));
    match placed.clone().eq(wanted) {
        true => Ok(()),
        false => violated(
            "what is heard is what was committed",
            format!("{:?}, not {wanted:?}", placed.collect::<Vec<_>>()),
        ),
    }
}

//! The doors: what the server's own doors do with sockets and timers, done with simulated ones.
//!
//! Everything that decides anything is the server's: [`Hub`], [`Admission`] and
//! [`LineInput`](loopchat::server::line_input::LineInput). Here is only when they are called, in
//! the order of a turn: what has come is read, the check phase delivers, time brings what is due.

use std::collections::BTreeMap;
use std::rc::Rc;

use loopchat::chat::{
    Answer, ConnectionsReport, DisconnectReason, Effect, Millis, Question, Report,
};
use loopchat::server::core::admission::Admission;
use loopchat::server::core::fan_out::Payload;
use loopchat::server::core::hub::{Asked, Hub, Progress};
use loopchat::server::framing::Frame;
use loopchat::server::sessions::SessionId;
use loopchat::server::{Config, FRAMINGS, Moment};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::checker::Checker;
use super::entrance::KeptOut;
use super::framed::LINES;
use super::judge::judge;
use super::members::Client;
use super::places::ROUNDED_MS;
use super::plan::{Action, Setting, Step, dice};
use super::speech::{Act, Spoken};
use super::tally::{Count, Tally};
use super::upkeep::{is_one_message, largest_write};
use super::{Checked, violated};

/// How long a connection that was ended has to read its last lines, in milliseconds.
const LAST_LINES_MS: Millis = 5000;

/// How late a stalled reader may be found to have stalled, and again to have done so for too long,
/// in milliseconds: those who wait are looked at once a second, if the clock does not jump.
pub const SWEEP_SLACK_MS: Millis = 10_000;

pub struct World<'a> {
    pub setting: Setting,
    pub hub: Hub,
    /// Who may connect.
    pub admission: Admission,
    pub checker: Checker,
    pub tally: &'a mut Tally,
    pub clients: BTreeMap<usize, Client>,
    /// Whom the web door has not let in.
    pub kept_out: Vec<KeptOut>,
    /// Where each session's lines go.
    pub sockets: BTreeMap<SessionId, usize>,
    /// The session whose call has brought about what is to be applied next.
    pub(super) asking: Option<SessionId>,
    pub now: Millis,
    /// What people's clocks show.
    pub utc: Millis,
    /// An operator wants the server to end.
    ends: bool,
    /// When the clock last jumped.
    pub jumped_at: Millis,
}

impl<'a> World<'a> {
    pub fn new(setting: Setting, tally: &'a mut Tally) -> Self {
        Self {
            hub: Hub::new(Rc::new(setting.config.clone()), &FRAMINGS),
            admission: Admission::default(),
            checker: Checker::new(&setting.config),
            setting,
            tally,
            clients: BTreeMap::new(),
            kept_out: Vec::new(),
            sockets: BTreeMap::new(),
            asking: None,
            now: 1_000_000,
            utc: 1_700_000_000_000,
            ends: false,
            jumped_at: 0,
        }
    }

    /// One thing happens; then everything is looked at.
    pub fn step(&mut self, step: Step) -> Checked {
        self.tally.steps += 1;
        let mut rng = dice(step.dice);
        self.pass(rng.random_range(0..3));
        self.act(&step, &mut rng)?;
        // The loop sleeps between turns.
        if step.ends_turn || step.action == Action::Wait {
            self.end_turn(&mut rng)?;
        }
        self.check_places()?;
        self.check()
    }

    /// Time passes, on both clocks.
    pub fn pass(&mut self, millis: Millis) {
        self.now += millis;
        self.utc += millis;
    }

    pub fn moment(&self) -> Moment {
        let Self { now, utc, .. } = *self;
        Moment { now, utc }
    }

    /// The rest of a turn: everyone is read from, the check phase delivers, members read.
    pub fn end_turn(&mut self, rng: &mut ChaCha8Rng) -> Checked {
        for number in self.numbers() {
            self.readable(number)?;
        }
        if std::mem::take(&mut self.ends) {
            self.shut_down()?;
        }
        self.deliver()?;
        for number in self.numbers() {
            self.member_reads(number, rng)?;
        }
        self.pass_time()?;
        for (what, times) in self.checker.take_counted() {
            self.tally.add(what, times);
        }
        self.check_deliveries()
    }

    pub fn numbers(&self) -> Vec<usize> {
        self.clients.keys().copied().collect()
    }

    /// Bytes have come from a connection, or its end, or it is gone.
    pub fn readable(&mut self, number: usize) -> Checked {
        let (now, jumped_at) = (self.now, self.jumped_at);
        let slow = self.clients.values();
        let slow = slow.filter(|client| client.is_slow(now, jumped_at));
        self.checker.slow = slow.filter_map(|client| client.session).collect();
        let at = self.moment();
        let config = &self.setting.config;
        let Self {
            hub,
            admission,
            checker,
            tally,
            clients,
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
        let has_come = !client.wire.arrived.is_empty();
        if has_come && (client.wire.need_drain || client.input.is_held_back()) {
            client.is_paused = true;
        }
        if client.is_paused {
            return Ok(());
        }
        if has_come && hold_back(hub, admission, tally, client, now) {
            let of_address = admission.ask_wait(&client.input, now);
            tally.add(Count::HeldForOthers, (of_address > 0).into());
            self.asking = Some(session);
            return self.settle();
        }
        let (wire, input, sent) = (&mut client.wire, &mut client.input, &mut client.sent);
        let wait = checker.places.wait(number, now);
        let mut result = Ok(());
        let mut frame = |hub: &mut Hub, session, frame: Frame<'_>, at| {
            let spoken = sent.pop_front();
            let heard = take(hub, checker, tally, session, spoken, frame, (at, config));
            if result.is_ok() {
                result = heard;
            }
        };
        if !wire.arrived.is_empty() {
            let fed = input.feed(hub, session, &wire.arrived, at, &mut frame);
            wire.arrived.drain(..fed.used);
            input.take_answers(); // to telnet commands: bytes that are no line
            if fed.used > 0 && wait > ROUNDED_MS {
                return violated("who has asked for too much waits", format!("{wait} ms"));
            }
            admission.ask(input, fed.cost, now);
            checker.places.spend(number, fed.cost, now);
            hold_back(hub, admission, tally, client, now);
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

    /// A session is to end, and its member to leave if it has no other.
    fn end(&mut self, session: SessionId, end: impl FnOnce(&mut Hub)) -> Checked {
        self.apply()?;
        let has_others = self.checker.has_others(session);
        end(&mut self.hub);
        let effects = self.hub.effects();
        let is_told = |effect: &Effect| matches!(effect, Effect::Tell { .. });
        if has_others && !effects.iter().all(is_told) {
            let seen = format!("{effects:?}");
            return violated("that one of several sessions ends nobody is told", seen);
        }
        self.asking = Some(session);
        self.apply()?;
        match has_others {
            true => self.checker.session_ended(session),
            false => Ok(()),
        }
    }

    /// A connection is closed: its peer has reset it.
    fn gone(&mut self, number: usize) -> Checked {
        self.tally.count(Count::Reset);
        let Some(client) = self.remove(number) else {
            return Ok(());
        };
        let Some(session) = client.session else {
            self.checker.forget(number);
            return Ok(());
        };
        let at = self.moment();
        self.end(session, |hub| hub.gone(session, at))?;
        self.checker.forget(number);
        self.hub.forget(session);
        self.sockets.remove(&session);
        self.settle()
    }

    /// There is nothing more to do about a connection: it is closed if it was not before.
    pub(super) fn remove(&mut self, number: usize) -> Option<Client> {
        let client = self.clients.remove(&number)?;
        if !client.is_closed {
            self.closed(number, &client.input);
        }
        Some(client)
    }

    /// Does what follows from what the hub was called for.
    pub fn settle(&mut self) -> Checked {
        self.apply()?;
        for asked in self.hub.take_asked() {
            match asked {
                Asked::Question { asking, what } => {
                    let report = Answer::Report(Rc::new(report(what)));
                    self.hub.tell(asking, report);
                    self.asking = Some(asking);
                    self.apply()?;
                }
                Asked::Shutdown => self.ends = true,
            }
        }
        while let Some((session, _, last)) = self.hub.next_gone() {
            let number = self.sockets.remove(&session);
            let Some(client) = number.and_then(|number| self.clients.get_mut(&number)) else {
                continue;
            };
            if !last.is_empty() {
                client.wire.write(&last)?;
            }
            client.session = None;
            client.input.close();
            client.wire.end();
            client.ended_at = Some(self.now);
        }
        match self.hub.has_large_deliveries() {
            true => self.deliver(),
            false => Ok(()),
        }
    }

    fn apply(&mut self) -> Checked {
        let at = self.moment();
        let Self { hub, checker, .. } = self;
        checker.observe(hub, self.asking.take(), at)?;
        hub.apply();
        Ok(())
    }

    /// The check phase.
    fn deliver(&mut self) -> Checked {
        let (hard, now) = (self.setting.config.outbox_hard as usize, self.now);
        let most_rooms = self.setting.config.max_rooms_per_member as usize;
        let (clients, sockets, tally) = (&mut self.clients, &self.sockets, &mut *self.tally);
        let mut result = Ok(());
        let too_slow = self.hub.deliver(self.now, |session, payload| {
            let client = sockets
                .get(&session)
                .and_then(|number| clients.get_mut(number))?;
            let is_browser = client.framing != LINES;
            let bytes = match payload {
                Payload::Shared(rendering) if is_browser => {
                    tally.count(Count::Frames);
                    if !is_one_message(rendering) {
                        let seen = format!("{:?}", rendering.frame());
                        result = violated("a WebSocket message is what was rendered", seen);
                    }
                    &rendering.bytes()[..]
                }
                Payload::Shared(rendering) => &rendering.bytes()[..],
                Payload::Own(bytes) => bytes,
            };
            let largest = largest_write(client, most_rooms);
            let waiting = client.wire.waiting();
            if waiting > hard + largest || bytes.len() > largest {
                let seen = format!("{} more for {waiting} waiting", bytes.len());
                result = violated("an outbox is bounded by its hard limit and one write", seen);
            }
            if let Err(violation) = client.wire.write(bytes) {
                result = Err(violation);
            }
            tally.add(
                Count::ShortWrites,
                std::mem::take(&mut client.wire.short_writes),
            );
            client.note_progress(now);
            let waiting = client.wire.waiting();
            let sent = client.wire.sent;
            (waiting > 0).then_some(Progress { waiting, sent })
        });
        result?;
        self.disconnect(too_slow)?;
        self.settle()
    }

    fn disconnect(&mut self, sessions: Vec<(SessionId, DisconnectReason)>) -> Checked {
        let at = self.moment();
        let mut sessions = sessions.into_iter();
        sessions.try_for_each(|(session, reason)| {
            self.end(session, |hub| hub.disconnect(session, reason, at))
        })
    }

    /// The system has sent what it could; everything that waited may be gone.
    pub fn writable(&mut self, number: usize) -> Checked {
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        if client.wire.waiting() > 0 {
            client.waited_at = Some(self.now);
        }
        if client.wire.drain()
            && let Some(session) = client.session
        {
            self.tally.count(Count::Drains);
            self.hub.caught_up(session);
            client.read_on();
            self.asking = Some(session);
        }
        self.settle()
    }

    /// Timers: the hub's, those of connections that were held back, and of those that were ended.
    fn pass_time(&mut self) -> Checked {
        let now = self.now;
        let stall = u64::from(self.setting.config.stall_timeout) * 1000;
        for client in self.clients.values_mut() {
            if client.release_at.is_some_and(|due| due <= now) {
                client.release_at = None;
                client.input.release();
                client.read_on();
            }
            if !client.note_progress(now)
                && client.session.is_some()
                && now > client.progress.0.max(self.jumped_at) + stall + SWEEP_SLACK_MS
            {
                let seen = format!("{} since {}, now {now}", client.number, client.progress.0);
                return violated("who reads nothing is disconnected", seen);
            }
            let is_over = client.ended_at.is_some_and(|at| at + LAST_LINES_MS <= now);
            if is_over && !std::mem::replace(&mut client.is_closed, true) {
                client.wire.destroy();
                self.admission.leave(&client.input, now);
                self.checker.places.leave(client.number, now);
            }
        }
        self.see_off();
        if self.hub.next_deadline().is_none_or(|due| now < due) {
            return self.checker.check_time(now);
        }
        let (sockets, clients) = (&self.sockets, &self.clients);
        let stalled = self.hub.sweep_slow_readers(now, self.jumped_at, |session| {
            let wire = &clients.get(sockets.get(&session)?)?.wire;
            let (waiting, sent) = (wire.waiting(), wire.sent);
            Some(Progress { waiting, sent })
        });
        for (session, _) in &stalled {
            let number = self.sockets.get(session);
            let client = number.and_then(|number| self.clients.get(number));
            let since = |client: &Client| client.progress.0.max(self.jumped_at);
            if client.is_some_and(|client| now < since(client) + stall) {
                let seen = format!(
                    "{number:?} at {now} had read something at {:?}",
                    client.map(|client| client.progress),
                );
                return violated("only who reads nothing is disconnected for it", seen);
            }
        }
        self.disconnect(stalled)?;
        let heard = self.clients.values();
        let heard = heard.filter_map(|client| Some((client.session?, client.input.heard()?)));
        let idle = self.hub.sweep_idle(now, self.jumped_at, heard);
        self.disconnect(idle)?;
        let at = self.moment();
        self.checker.tick(at)?;
        self.hub.tick(at);
        self.settle()?;
        self.checker.check_time(now)
    }
}

/// Has a connection wait that has asked for too much, or whose address has.
fn hold_back(
    hub: &mut Hub,
    admission: &Admission,
    tally: &mut Tally,
    client: &mut Client,
    now: Millis,
) -> bool {
    let of_address = admission.ask_wait(&client.input, now);
    let held = client.input.hold_back(hub, client.session, of_address, now);
    let Some(wait) = held else {
        return false;
    };
    client.is_paused = true;
    client.release_at = Some(now + wait);
    tally.add(Count::Flooders, hub.effects().len() as u64);
    true
}

/// One frame: it must be what was typed, and do what was meant.
fn take(
    hub: &mut Hub,
    checker: &mut Checker,
    tally: &mut Tally,
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
    if !matches!(spoken.act, Act::Nothing | Act::TooLong) {
        checker.speaks(member);
    }
    hub.frame(session, frame, at);
    judge(
        checker,
        member,
        &spoken.act,
        hub.effects(),
        (at, config),
        tally,
    )?;
    checker.observe(hub, Some(session), at)
}

/// What only a server with a network can tell; here it is as good as anything.
fn report(what: Question) -> Report {
    match what {
        Question::Limits => Report::Limits(vec![("simulated", "true".to_owned())]),
        Question::Loop | Question::Connections => Report::Connections(ConnectionsReport {
            count: 0,
            listed: Vec::new(),
            gone: Vec::new(),
        }),
    }
}

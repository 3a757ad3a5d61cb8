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
use loopchat::server::sessions::SessionId;
use loopchat::server::{FRAMINGS, Moment};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::checker::Checker;
use super::drafts::Leaving;
use super::entrance::KeptOut;
use super::framed::LINES;
use super::log::Log;
use super::members::Client;
use super::plan::{Action, Setting, Step, dice};
use super::programs::Program;
use super::queues::Waiting;
use super::tally::{Count, Tally};
use super::upkeep::{is_one_message, largest_write};
use super::{Checked, violated};

/// How long a connection that was ended has to read its last lines, in milliseconds.
const LAST_LINES_MS: Millis = 5000;

/// The limits of drafts that the server has: how many of one member, and bytes of all.
const USUAL: (usize, usize) = (64, 8 * 1024 * 1024);

/// How late a stalled reader may be found to have stalled, and again to have done so for too long,
/// in milliseconds: those who wait are looked at once a second, if the clock does not jump.
pub const SWEEP_SLACK_MS: Millis = 10_000;

pub struct World<'a> {
    pub setting: Setting,
    pub hub: Hub,
    /// The other half is the hub's.
    pub log: Log,
    /// Who may connect.
    pub admission: Admission,
    pub(super) waiting: Waiting,
    pub checker: Checker,
    pub tally: &'a mut Tally,
    pub clients: BTreeMap<usize, Client>,
    /// Whom the web door has not let in.
    pub kept_out: Vec<KeptOut>,
    /// Programs whose connections are gone, and that may come back.
    pub away: Vec<Program>,
    /// The one that comes, and what it leaves to chance.
    pub(super) returning: Option<(Program, u64)>,
    /// Where each session's lines go.
    pub sockets: BTreeMap<SessionId, usize>,
    /// The session whose call has brought about what is to be applied next.
    pub(super) asking: Option<SessionId>,
    pub now: Millis,
    /// What people's clocks show.
    pub utc: Millis,
    /// An operator wants the server to end.
    pub(super) ends: bool,
    /// When the clock last jumped.
    pub jumped_at: Millis,
}

impl<'a> World<'a> {
    pub fn new(setting: Setting, tally: &'a mut Tally) -> Self {
        let (now, utc) = (1_000_000, 1_700_000_000_000);
        let (hub, log) = process(&setting, Moment { now, utc });
        Self {
            hub,
            log,
            admission: Admission::default(),
            waiting: Waiting::default(),
            checker: Checker::new(&setting.config, limits(&setting)),
            setting,
            tally,
            clients: BTreeMap::new(),
            kept_out: Vec::new(),
            away: Vec::new(),
            returning: None,
            sockets: BTreeMap::new(),
            asking: None,
            now,
            utc,
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
        self.log_goes_on(&step)?;
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
        self.log_has_news(rng.random())?;
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
        self.count();
        self.check_deliveries()
    }

    /// What was met since goes into the tally.
    pub(super) fn count(&mut self) {
        for (what, times) in self.checker.take_counted() {
            self.tally.add(what, times);
        }
        let of_drafts = self.checker.drafts.counted.drain(..);
        for what in self.log.take_counted().into_iter().chain(of_drafts) {
            self.tally.count(what);
        }
    }

    pub fn numbers(&self) -> Vec<usize> {
        self.clients.keys().copied().collect()
    }

    /// A session is to end, and its member to leave if it has no other.
    pub(super) fn end(&mut self, session: SessionId, end: impl FnOnce(&mut Hub)) -> Checked {
        self.apply()?;
        let has_others = self.checker.has_others(session);
        let member = self.checker.member_of(session);
        let held = member.filter(|&member| !has_others && self.checker.is_held(member));
        let resume_time = Millis::from(self.setting.config.resume_time) * 1000;
        self.checker.session_goes(session, self.now, resume_time);
        end(&mut self.hub);
        let effects = self.hub.effects();
        let is_told = |effect: &Effect| {
            let is_told = matches!(effect, Effect::Tell { .. });
            is_told || held.is_some() && matches!(effect, Effect::Disconnect { .. })
        };
        if (has_others || held.is_some()) && !effects.iter().all(is_told) {
            let seen = format!("{effects:?}");
            return violated(
                "nobody is told that one of several sessions ends, or who has drafts under way",
                seen,
            );
        }
        self.asking = Some(session);
        self.apply()?;
        if let Some(member) = held {
            self.checker.leaves_later(member, Leaving::Lost);
            self.checker.last_session_ended(session);
        }
        match has_others {
            true => self.checker.session_ended(session),
            false => Ok(()),
        }
    }

    /// A connection is closed: its peer has reset it.
    pub(super) fn gone(&mut self, number: usize) -> Checked {
        self.tally.count(Count::Reset);
        let debts = self.checker.places.debts(number);
        let Some(client) = self.remove(number) else {
            return Ok(());
        };
        let Some(session) = client.session else {
            self.checker.forget(number);
            return Ok(());
        };
        let at = self.moment();
        self.hub.note_bucket(session, &client.input);
        self.checker.tokens.note_debts(session, debts);
        self.end(session, |hub| hub.gone(session, at))?;
        self.checker.forget(number);
        self.hub.forget(session);
        self.checker.tokens.end(session);
        self.sockets.remove(&session);
        self.settle()
    }

    /// There is nothing more to do about a connection: it is closed if it was not before.
    pub(super) fn remove(&mut self, number: usize) -> Option<Client> {
        let mut client = self.clients.remove(&number)?;
        self.goes_away(client.program.take());
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
                self.checker.tokens.end(session);
                continue;
            };
            self.hub.note_bucket(session, &client.input);
            let debts = self.checker.places.debts(client.number);
            self.checker.tokens.note_debts(session, debts);
            self.checker.tokens.end(session);
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

    pub(super) fn apply(&mut self) -> Checked {
        let at = self.moment();
        self.check_noted()?;
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
        if self.log.is_unflushed() {
            let seen = format!("{:?}", self.log);
            return violated("what was said goes on its way when the turn is over", seen);
        }
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
        self.serve_queues();
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
                self.waiting.queues.leave(&client.input, client.number);
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

/// What a process begins with. Its log is in memory, and goes with it; one that outlives a process
/// would be handed on here.
pub(super) fn process(setting: &Setting, at: Moment) -> (Hub, Log) {
    let log = Log::new(setting.log.clone(), at);
    let config = Rc::new(setting.config.clone());
    let mut hub = Hub::with_log(config, &FRAMINGS, Box::new(log.clone()));
    let (most_of_one, most_bytes) = limits(setting);
    hub.limit_drafts(most_of_one, most_bytes);
    (hub, log)
}

/// Those of drafts: how many of one member, and bytes of all.
pub(super) fn limits(setting: &Setting) -> (usize, usize) {
    setting.log.as_ref().map_or(USUAL, |log| log.limits)
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

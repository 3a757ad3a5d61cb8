//! The doors: what the server's own doors do with sockets and timers, done with simulated ones.
//!
//! Everything that decides anything is the server's: [`Hub`] and
//! [`LineInput`](loopchat::server::line_input::LineInput). Here is only when they are called, in
//! the order of a turn: what has come is read, the check phase delivers, time brings what is due.

use std::collections::BTreeMap;
use std::rc::Rc;

use loopchat::chat::{Effect, MemberId, Millis};
use loopchat::server::fan_out::Payload;
use loopchat::server::framing::Frame;
use loopchat::server::hub::{Hub, Progress};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::checker::Checker;
use super::judge::judge;
use super::members::Client;
use super::plan::{Action, Setting, Step, dice};
use super::speech::{Act, Spoken};
use super::tally::{Count, Tally};
use super::wire::Wire;
use super::{Checked, violated};

/// How long a connection that was ended has to read its last lines, in milliseconds.
const LAST_LINES_MS: Millis = 5000;

/// The most that one write to one member can be: its own answers and its room's batch, each
/// delivered at once from 16 KiB on, and what the line that tipped them brought.
const LARGEST_WRITE: usize = 48 * 1024;

/// How late a stalled reader may be found to have stalled, and again to have done so for too long,
/// in milliseconds: those who wait are looked at once a second, if the clock does not jump.
pub const SWEEP_SLACK_MS: Millis = 10_000;

/// The longest a greeting waits, in milliseconds.
const GREETING_MS: Millis = 20;

pub struct World<'a> {
    pub setting: Setting,
    pub hub: Hub,
    pub checker: Checker,
    pub tally: &'a mut Tally,
    pub clients: BTreeMap<usize, Client>,
    /// Where each member's lines go.
    sockets: BTreeMap<MemberId, usize>,
    pub now: Millis,
    /// When the clock last jumped.
    pub jumped_at: Millis,
}

impl<'a> World<'a> {
    pub fn new(setting: Setting, tally: &'a mut Tally) -> Self {
        Self {
            hub: Hub::new(Rc::new(setting.config.clone())),
            checker: Checker::new(&setting.config),
            setting,
            tally,
            clients: BTreeMap::new(),
            sockets: BTreeMap::new(),
            now: 1_000_000,
            jumped_at: 0,
        }
    }

    /// One thing happens; then everything is looked at.
    pub fn step(&mut self, step: Step) -> Checked {
        self.tally.steps += 1;
        let mut rng = dice(step.dice);
        self.now += rng.random_range(0..3);
        self.act(&step, &mut rng)?;
        // The loop sleeps between turns.
        if step.ends_turn || step.action == Action::Wait {
            self.end_turn(&mut rng)?;
        }
        self.check()
    }

    /// The rest of a turn: everyone is read from, the check phase delivers, members read.
    pub fn end_turn(&mut self, rng: &mut ChaCha8Rng) -> Checked {
        for number in self.numbers() {
            self.readable(number)?;
        }
        self.deliver()?;
        for number in self.numbers() {
            self.member_reads(number, rng)?;
        }
        self.pass_time()?;
        self.check_deliveries()
    }

    pub fn numbers(&self) -> Vec<usize> {
        self.clients.keys().copied().collect()
    }

    /// A connection is let in, if the chat has nothing against it.
    pub fn connected(&mut self, mut client: Client) -> Checked {
        let number = client.number;
        match self.hub.connect(client.peer, self.now) {
            Ok(member) => {
                self.tally.count(Count::Connected);
                let effects = self.hub.effects();
                self.checker.connected(member, number, effects, self.now)?;
                client.member = Some(member);
                self.sockets.insert(member, number);
                self.clients.insert(number, client);
            }
            Err(reason) => {
                self.tally.count(Count::Refused);
                if !reason.starts_with("! Disconnected: ") || !self.hub.effects().is_empty() {
                    return violated("whoever is turned away is told why", &*reason);
                }
            }
        }
        self.settle()
    }

    /// Bytes have come from a connection, or its end, or it is gone.
    pub fn readable(&mut self, number: usize) -> Checked {
        let (now, jumped_at) = (self.now, self.jumped_at);
        let slow = self.clients.values();
        let slow = slow.filter(|client| client.is_slow(now, jumped_at));
        self.checker.slow = slow.filter_map(|client| client.member).collect();
        let Self {
            hub,
            checker,
            tally,
            clients,
            now,
            ..
        } = self;
        let Some(client) = clients.get_mut(&number) else {
            return Ok(());
        };
        if client.is_reset {
            return self.gone(number);
        }
        let (Some(member), now) = (client.member, *now) else {
            client.wire.arrived.clear(); // is thrown away
            return Ok(());
        };
        let (wire, input, sent) = (&mut client.wire, &mut client.input, &mut client.sent);
        if !wire.arrived.is_empty() && (wire.need_drain || input.is_held_back()) {
            client.is_paused = true;
        }
        if client.is_paused {
            return Ok(());
        }
        let mut result = Ok(());
        let mut frame = |hub: &mut Hub, member, frame: Frame<'_>, now| {
            let spoken = sent.pop_front();
            let heard = take(hub, checker, tally, member, spoken, frame, now);
            if result.is_ok() {
                result = heard;
            }
        };
        if !wire.arrived.is_empty() {
            let fed = input.feed(hub, member, &wire.arrived, now, &mut frame);
            wire.arrived.drain(..fed.used);
            input.take_answers(); // to telnet commands: bytes that are no line
            if let Some(wait) = input.hold_back(hub, member, now) {
                client.is_paused = true;
                client.release_at = Some(now + wait);
                let effects = hub.effects();
                tally.add(Count::Flooders, effects.len() as u64);
            }
        } else if wire.is_at_end() {
            input.finish(hub, member, now, &mut frame);
            if let Some(spoken) = sent.front() {
                return violated("flood control loses nothing", format!("{spoken:?}"));
            }
            hub.leave(member, now);
        }
        result?;
        self.settle()
    }

    /// A connection is closed: its peer has reset it.
    fn gone(&mut self, number: usize) -> Checked {
        self.tally.count(Count::Reset);
        let Some(client) = self.clients.remove(&number) else {
            return Ok(());
        };
        let Some(member) = client.member else {
            self.checker.forget(number);
            return Ok(());
        };
        self.hub.gone(member, self.now);
        self.checker.observe(self.hub.effects(), self.now)?;
        self.checker.forget(number);
        self.hub.apply();
        self.hub.forget(member);
        self.sockets.remove(&member);
        self.settle()
    }

    /// Does what follows from what the hub was called for.
    pub fn settle(&mut self) -> Checked {
        self.apply()?;
        for asked in self.hub.take_asked() {
            if let Effect::Report { to, .. } = asked {
                self.hub.tell(to, "*   as simulated");
            }
        }
        self.apply()?;
        while let Some((member, last)) = self.hub.next_gone() {
            let number = self.sockets.remove(&member);
            let Some(client) = number.and_then(|number| self.clients.get_mut(&number)) else {
                continue;
            };
            if !last.is_empty() {
                client.wire.write(&last)?;
            }
            client.member = None;
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
        self.checker.observe(self.hub.effects(), self.now)?;
        self.hub.apply();
        Ok(())
    }

    /// The check phase.
    fn deliver(&mut self) -> Checked {
        let hard = self.setting.config.outbox_hard as usize;
        let (clients, sockets, tally) = (&mut self.clients, &self.sockets, &mut *self.tally);
        let mut result = Ok(());
        let too_slow = self.hub.deliver(self.now, |member, payload| {
            let client = sockets
                .get(&member)
                .and_then(|number| clients.get_mut(number))?;
            let bytes = match payload {
                Payload::Shared(batch) => &batch.bytes()[..],
                Payload::Own(bytes) => bytes,
            };
            let waiting = client.wire.waiting();
            if waiting > hard + LARGEST_WRITE || bytes.len() > LARGEST_WRITE {
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
            let waiting = client.wire.waiting();
            let sent = client.wire.sent;
            (waiting > 0).then_some(Progress { waiting, sent })
        });
        result?;
        self.disconnect(too_slow)?;
        self.settle()
    }

    pub fn disconnect(&mut self, members: Vec<(MemberId, String)>) -> Checked {
        for (member, reason) in members {
            self.hub.disconnect(member, &reason, self.now);
            self.apply()?;
        }
        Ok(())
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
            && let Some(member) = client.member
        {
            self.tally.count(Count::Drains);
            self.hub.caught_up(member);
            client.read_on();
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
            let Wire { sent, .. } = client.wire;
            if client.wire.waiting() == 0 || sent != client.progress.1 {
                client.progress = (now, sent);
            } else if client.member.is_some()
                && now > client.progress.0.max(self.jumped_at) + stall + SWEEP_SLACK_MS
            {
                let seen = format!("{} since {}, now {now}", client.number, client.progress.0);
                return violated("who reads nothing is disconnected", seen);
            }
            if client.ended_at.is_some_and(|at| at + LAST_LINES_MS <= now) {
                client.wire.destroy();
            }
        }
        if self.hub.next_deadline().is_none_or(|due| now < due) {
            return Ok(());
        }
        let (sockets, clients) = (&self.sockets, &self.clients);
        let stalled = self.hub.sweep_slow_readers(now, self.jumped_at, |member| {
            let wire = &clients.get(sockets.get(&member)?)?.wire;
            let (waiting, sent) = (wire.waiting(), wire.sent);
            Some(Progress { waiting, sent })
        });
        for (member, _) in &stalled {
            let number = self.sockets.get(member);
            let client = number.and_then(|number| self.clients.get(number));
            let since = |client: &Client| client.progress.0.max(self.jumped_at);
            if client.is_some_and(|client| now < since(client) + stall) {
                let seen = format!("{number:?} had read something");
                return violated("only who reads nothing is disconnected for it", seen);
            }
        }
        self.disconnect(stalled)?;
        let heard = self.clients.values();
        let heard = heard.filter_map(|client| Some((client.member?, client.input.heard()?)));
        let idle = self.hub.sweep_idle(now, self.jumped_at, heard);
        self.disconnect(idle)?;
        self.hub.tick(now);
        self.settle()
    }

    /// What must hold after every step.
    fn check(&self) -> Checked {
        let chat = self.hub.chat();
        if chat.member_count() != self.checker.seats().count()
            || chat.member_count() != self.sockets.len()
        {
            return violated(
                "members are those who have connected",
                chat.member_count().to_string(),
            );
        }
        for (member, seat) in self.checker.seats() {
            if chat.nickname(member) != Some(&seat.nickname) {
                let seen = format!("{} is {:?}", seat.nickname, chat.nickname(member));
                return violated("names are those that were given", seen);
            }
            let members = chat.members_of(seat.room);
            if chat.room_of(member) != Some(seat.room)
                || !members.contains(&member)
                || members.len() != self.checker.members_in(seat.room)
            {
                return violated("rooms hold those who went there", seat.nickname.clone());
            }
        }
        let most = self.setting.config.outbox_hard as usize + LARGEST_WRITE;
        let too_much = |client: &&Client| client.member.is_some() && client.wire.waiting() > most;
        match self.clients.values().find(too_much) {
            Some(client) => violated(
                "nothing is added to what is more than the hard limit",
                format!("{} has {}", client.number, client.wire.waiting()),
            ),
            None => Ok(()),
        }
    }

    /// What must hold when nothing is on its way.
    fn check_deliveries(&self) -> Checked {
        if self.hub.has_deliveries() {
            return Ok(());
        }
        let is_done = |client: &&Client| {
            client.member.is_some()
                && !client.is_reset
                && client.wire.is_all_read()
                && self.now > client.connected_at + GREETING_MS
        };
        let mut done = self.clients.values().filter(is_done);
        done.try_for_each(|client| self.checker.has_everything(client.number))
    }
}

/// One frame: it must be what was typed, and do what was meant.
fn take(
    hub: &mut Hub,
    checker: &mut Checker,
    tally: &mut Tally,
    member: MemberId,
    spoken: Option<Spoken>,
    frame: Frame<'_>,
    now: Millis,
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
    if !matches!(spoken.act, Act::Nothing | Act::TooLong) {
        checker.speaks(member);
    }
    hub.frame(member, frame, now);
    judge(checker, member, &spoken.act, hub.effects(), tally)?;
    checker.observe(hub.effects(), now)
}

//! What members do: connect, type, read, stall, go; and how they all leave.

use std::collections::VecDeque;

use loopchat::chat::{DisconnectReason, Millis, Peer};
use loopchat::server::core::rendering::FramingId;
use loopchat::server::line_input::LineInput;
use loopchat::server::sessions::SessionId;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::framed::{LINES, json_objects};
use super::plan::{Action, Step, dice};
use super::programs::Program;
use super::speech::{Speaker, Spoken};
use super::tally::Count;
use super::wire::Wire;
use super::world::{SWEEP_SLACK_MS, World};
use super::{Checked, violated};

/// Turns in which a line that was typed is heard, or the last who leave have left.
const PATIENCE: usize = 20_000;

/// Both ends of one connection.
pub struct Client {
    /// A number that no other connection has.
    pub number: usize,
    pub peer: Peer,
    pub framing: FramingId,
    pub wire: Wire,
    pub input: LineInput,
    /// `None` once it has left the chat.
    pub session: Option<SessionId>,
    pub connected_at: Millis,
    /// The door reads nothing from it, not even its end.
    pub is_paused: bool,
    /// Its next line, or its end, waits until the log has settled something.
    pub awaits_log: bool,
    /// When the system last took something for it, or nothing waited, and how much it had taken.
    pub progress: (Millis, u64),
    /// When something last waited for it.
    pub waited_at: Option<Millis>,
    /// When its lines are taken again.
    pub release_at: Option<Millis>,
    /// When the server has ended its side.
    pub ended_at: Option<Millis>,
    /// The server has closed it.
    pub is_closed: bool,
    pub is_reset: bool,
    /// What it has typed and the server has not heard.
    pub sent: VecDeque<Spoken>,
    /// It is a program's, that comes back when it is cut.
    pub program: Option<Program>,
    /// Lines it has ever typed.
    typed: u64,
    pub(super) is_stalled: bool,
    /// The beginning of a line that it reads.
    torn: Vec<u8>,
}

impl Client {
    /// The door reads on, unless something else is still to be waited for.
    pub fn read_on(&mut self) {
        self.is_paused = self.wire.need_drain || self.input.is_held_back();
    }

    /// Notes whether the system has taken something for it since, or has all.
    pub fn note_progress(&mut self, now: Millis) -> bool {
        let Wire { sent, .. } = self.wire;
        let has_moved = self.wire.waiting() == 0 || sent != self.progress.1;
        if has_moved {
            self.progress = (now, sent);
        }
        has_moved
    }

    /// Whether its program says now who it was.
    pub fn resumes(&self, now: Millis) -> bool {
        let program = self.program.as_ref().filter(|_| self.session.is_some());
        let due = program.and_then(|program| program.resumes_at);
        due.is_some_and(|due| due <= now)
    }

    /// Whether it may say anything now.
    fn may_type(&self) -> bool {
        let is_ready = self.program.as_ref().is_none_or(Program::is_ready);
        is_ready && !self.wire.is_half_closed() && self.session.is_some()
    }

    /// Whether something waits for it, or did when those who wait were last looked at.
    pub fn is_slow(&self, now: Millis, jumped_at: Millis) -> bool {
        let since = |at: Millis| at.max(jumped_at) + SWEEP_SLACK_MS;
        self.wire.waiting() > 0 || self.waited_at.is_some_and(|at| now <= since(at))
    }
}

impl World<'_> {
    /// Does what a step says.
    pub fn act(&mut self, step: &Step, rng: &mut ChaCha8Rng) -> Checked {
        match step.action {
            Action::Connect => {
                let most = self.setting.rush;
                let count = if most > 1 {
                    rng.random_range(1..=most)
                } else {
                    1
                };
                // Mostly it is one, who comes.
                let count = if rng.random_ratio(3, 4) { 1 } else { count };
                return (0..count).try_for_each(|_| self.connect(rng));
            }
            Action::Wait => {
                self.pass(rng.random_range(100..4000));
                return Ok(());
            }
            Action::Jump => {
                self.tally.count(Count::Jumps);
                self.pass(rng.random_range(60_000..600_000));
                self.jumped_at = self.now;
                return Ok(());
            }
            Action::SetClock => {
                self.set_clock(rng);
                return Ok(());
            }
            Action::Kill if self.setting.is_killed => return self.kill(),
            Action::Kill => return Ok(()),
            Action::Return => return self.comes_back(step.who, rng),
            _ => {}
        }
        let numbers = self.numbers();
        if numbers.is_empty() {
            return Ok(());
        }
        let number = numbers[step.who % numbers.len()];
        match step.action {
            Action::Attach => return self.attach(number, rng),
            Action::Type => {
                let count = rng.random_range(1..=4);
                self.type_lines(number, count, rng);
            }
            Action::Flood => {
                let count = rng.random_range(40..300);
                self.type_lines(number, count, rng);
            }
            Action::Read => self.read(number, usize::MAX)?,
            Action::HalfClose if rng.random_ratio(1, 2) => self.type_last(number, rng),
            Action::Forsake => self.forsake(number, rng),
            _ => {}
        }
        let tally = &mut *self.tally;
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        match step.action {
            Action::Arrive => {
                let count = rng.random_range(1..1500);
                client.wire.arrive(count.min(rng.random_range(1..1500)));
                let is_torn = client.wire.arrived.last().is_some_and(|&last| last >= b' ');
                tally.add(Count::TornLines, is_torn.into());
            }
            Action::Stall => client.is_stalled = !client.is_stalled,
            Action::HalfClose => client.wire.half_close(),
            Action::Reset => client.is_reset = true,
            _ => {}
        }
        // Within a turn, others may connect after somebody has been heard or has gone.
        match step.ends_turn {
            true => Ok(()),
            false => self.readable(number),
        }
    }

    /// Both ends of a connection that nobody has let in yet.
    pub(super) fn client(&mut self, peer: Peer, rng: &mut ChaCha8Rng) -> Client {
        let config = &self.setting.config;
        let (least, most) = self.setting.buffers;
        let capacity = rng.random_range(least..=most);
        let number = self.tally.next_connection();
        let framing = match rng.random_ratio(1, 3) {
            true => json_objects(),
            false => LINES,
        };
        Client {
            number,
            peer,
            framing,
            wire: Wire::new(
                capacity,
                self.hub.high_water_mark(),
                (config.outbox_soft, config.outbox_hard),
            ),
            input: LineInput::new(peer, config, self.now),
            session: None,
            connected_at: self.now,
            is_paused: false,
            awaits_log: false,
            progress: (self.now, 0),
            waited_at: None,
            release_at: None,
            ended_at: None,
            is_closed: false,
            is_reset: false,
            sent: VecDeque::new(),
            program: None,
            typed: 0,
            is_stalled: false,
            torn: Vec::new(),
        }
    }

    /// Somebody sets the clock that people see: a little, by days, to what it is at first, or to
    /// what nobody will live to see.
    fn set_clock(&mut self, rng: &mut ChaCha8Rng) {
        self.tally.count(Count::WallClock);
        let before = self.utc;
        self.utc = match rng.random_range(0..20) {
            0..6 => self.utc.saturating_sub(rng.random_range(1..100_000)),
            6..10 => self.utc.saturating_sub(rng.random_range(0..1_000_000_000)),
            10..16 => self.utc + rng.random_range(1..100_000),
            16..18 => self.utc + rng.random_range(1..1_000_000_000),
            18 => rng.random_range(0..1000),
            _ => 20_000_000_000_000,
        };
        self.tally.add(Count::Backwards, (self.utc < before).into());
    }

    /// Some lines at once: a few are anything, many are messages or questions.
    pub(super) fn type_lines(&mut self, number: usize, count: usize, rng: &mut ChaCha8Rng) {
        let seats = self.checker.seats();
        let mut nicknames: Vec<String> = seats.map(|(_, seat)| seat.nickname.clone()).collect();
        nicknames.push("nobody".to_owned());
        let max_line = self.setting.config.max_line as usize;
        let session = self.clients.get(&number).and_then(|client| client.session);
        let member = session.and_then(|session| self.checker.member_of(session));
        let messages = member.map(|member| self.checker.some_messages(member));
        let ignored = member.map(|member| self.checker.ignored_by(member));
        let ignored = ignored.unwrap_or_default();
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if !client.may_type() {
            return;
        }
        let speaker = Speaker {
            number,
            is_operator: client.peer.is_operator(),
            nicknames: &nicknames,
            ignored: &ignored,
            messages: messages.as_deref().unwrap_or_default(),
            max_line,
        };
        let asks = count > 4 && rng.random_ratio(1, 4);
        // An answer costs what many messages do.
        let count = if asks { count / 8 } else { count };
        for _ in 0..count {
            client.typed += 1;
            let mut spoken = match count {
                _ if asks => speaker.question(rng),
                0..=4 => speaker.anything(client.typed, rng),
                _ => speaker.message(client.typed, rng),
            };
            if let Some(program) = &mut client.program {
                program.says(&mut spoken);
            }
            client.wire.type_bytes(&spoken.bytes);
            client.sent.push_back(spoken);
        }
        self.tally.add(Count::SeveralLines, (count > 1).into());
        if rng.random_ratio(1, 2) {
            client.wire.arrive(usize::MAX);
        }
    }

    /// A last line, which has no end: `printf hello | nc -N`.
    fn type_last(&mut self, number: usize, rng: &mut ChaCha8Rng) {
        let max_line = self.setting.config.max_line as usize;
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if !client.may_type() {
            return;
        }
        self.tally.count(Count::LastLines);
        client.typed += 1;
        let speaker = Speaker {
            number,
            is_operator: client.peer.is_operator(),
            nicknames: &[],
            ignored: &[],
            messages: &[],
            max_line,
        };
        let mut spoken = speaker.message(client.typed, rng);
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        while spoken.bytes.pop_if(|byte| is_end(byte)).is_some() {}
        client.wire.type_bytes(&spoken.bytes);
        client.sent.push_back(spoken);
    }

    /// In a turn, most members read something.
    pub fn member_reads(&mut self, number: usize, rng: &mut ChaCha8Rng) -> Checked {
        let Some(client) = self.clients.get(&number) else {
            return Ok(());
        };
        let count = match client.is_stalled && !client.wire.cut {
            true => 0,
            false => rng.random_range(0..4000),
        };
        self.read(number, count)
    }

    /// A member reads, and the system has room for more.
    fn read(&mut self, number: usize, count: usize) -> Checked {
        self.writable(number)?;
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        if client.is_reset {
            return Ok(());
        }
        let bytes = client.wire.read(count);
        client.torn.extend(&bytes);
        let mut is_back = false;
        while let Some(end) = client.torn.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = client.torn.drain(..=end).collect();
            let Ok(line) = std::str::from_utf8(&line[..end]) else {
                return violated("everything sent is UTF-8", format!("{line:?}"));
            };
            if line.contains(char::is_control) {
                return violated("control characters are taken out", format!("{line:?}"));
            }
            self.checker
                .received(number, line, &client.wire.lags, self.tally)?;
            if let Some(program) = &mut client.program {
                for client_id in self.checker.take_refused(number) {
                    program.refused(&client_id);
                }
                let read = program.reads(line)?;
                self.tally.add(Count::LostSessions, read.is_new.into());
                self.tally.add(Count::ComesAgain, read.again);
                is_back |= read.is_back;
                if let Some(complete) = read.complete {
                    self.checker.has_all(&complete, program, number)?;
                }
            }
        }
        if is_back {
            self.says_again(number);
        }
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        if client.wire.is_ended() && client.wire.is_all_read() {
            let Client { wire, torn, .. } = client;
            let by_choice = wire.is_half_closed();
            let reason = self.checker.ended(number, wire.cut, by_choice, torn)?;
            self.tally.count(way_out(wire.cut, reason.as_ref()));
            self.remove(number);
        }
        self.writable(number)
    }

    /// Everything that was typed is heard, everything that was said is read; then everybody leaves,
    /// and nothing may be left of anyone.
    pub fn close(&mut self) -> Checked {
        let mut rng = dice(self.setting.dice);
        for client in self.clients.values_mut() {
            client.is_stalled = false;
        }
        self.log.hurry();
        let is_quiet = |world: &Self| {
            let is_quiet = |client: &Client| client.sent.is_empty() && client.wire.is_all_read();
            let is_busy = world.hub.has_deliveries() || world.hub.has_drafts();
            world.clients.values().all(is_quiet) && !is_busy
        };
        self.go_on_until(is_quiet, "flood control loses nothing", &mut rng)?;
        self.leave(&mut rng)?;
        let is_empty = |world: &Self| world.clients.is_empty() && world.kept_out.is_empty();
        self.go_on_until(is_empty, "everybody leaves", &mut rng)?;
        // Nobody comes back in time.
        self.pass(Millis::from(self.setting.config.resume_time) * 1000);
        self.jumped_at = self.now;
        let is_vacant = |world: &Self| world.hub.is_vacant();
        self.go_on_until(is_vacant, "no slot is leaked", &mut rng)?;
        self.check_places()?;
        match self.checker.is_vacant() {
            true => Ok(()),
            false => violated("no slot is leaked", "somebody never saw the end"),
        }
    }

    fn leave(&mut self, rng: &mut ChaCha8Rng) -> Checked {
        if rng.random_ratio(1, 3) {
            return self.shut_down();
        }
        for client in self.clients.values_mut() {
            match rng.random_range(0..5) {
                0 => client.is_reset = true,
                _ => client.wire.half_close(),
            }
        }
        Ok(())
    }

    /// Turn after turn, until something is so; it must be, in the end.
    fn go_on_until(
        &mut self,
        is_so: impl Fn(&Self) -> bool,
        rule: &'static str,
        rng: &mut ChaCha8Rng,
    ) -> Checked {
        let (mut turns, mut least) = (0, (usize::MAX, usize::MAX));
        while turns < PATIENCE {
            if is_so(self) {
                return Ok(());
            }
            // Whoever has asked for much is heard slowly, and may take its answers byte by byte.
            let unheard = self.clients.values().map(|client| client.sent.len()).sum();
            let waiting = self.clients.values().map(|client| client.wire.waiting());
            let left = (unheard, waiting.sum());
            turns = if left < least { 0 } else { turns + 1 };
            least = least.min(left);
            for client in self.clients.values_mut() {
                client.wire.arrive(usize::MAX);
            }
            self.pass(rng.random_range(1..300));
            self.end_turn(rng)?;
        }
        let left: Vec<usize> = self.numbers();
        violated(
            rule,
            format!("after {PATIENCE} more turns there are {left:?}"),
        )
    }
}

/// In which way a connection has ended.
fn way_out(cut: bool, reason: Option<&DisconnectReason>) -> Count {
    if cut {
        return Count::Cut;
    }
    match reason {
        Some(DisconnectReason::Kicked { .. }) => Count::Kicked,
        Some(DisconnectReason::Banned { .. }) => Count::Banned,
        Some(DisconnectReason::ReadTooSlowly { .. }) => Count::TooMuch,
        Some(DisconnectReason::ReadNothing { .. }) => Count::Stalled,
        Some(DisconnectReason::SaidNothing { .. }) => Count::Idle,
        Some(DisconnectReason::Shutdown) => Count::ShutDown,
        Some(DisconnectReason::Quit { .. }) => Count::Quit,
        Some(_) | None => Count::HalfClosed,
    }
}

//! One run from its beginning to its end: the state that the loop lends to every callback.

use std::fmt::Write;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use loopchat::http::web_socket::Endpoint;
use loopchat::net::{self, Target};

use super::check::Check;
use super::clients::{self, Client, Kind, Link};
use super::flags::Flags;
use super::load::Room;
use super::message::{Format, Heard, Message};
use super::process::{Usage, usage};
use super::wire;

/// What every callback gets to reach the loop.
pub type Context = net::Context<Stress>;

/// Nothing more is waited for when nothing has come for so long.
pub const QUIET: Duration = Duration::from_secs(10);

/// The time between two looks at the progress.
const LOOK: Duration = Duration::from_millis(100);

/// Latencies are told apart from one microsecond on, and up to ten minutes.
const LATENCIES: (u64, u64) = (1_000, 600_000_000_000);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Until the server has let everyone in.
    Connecting,
    /// Messages are under way, or `--idle` holds.
    Running,
    /// All is measured. Everyone leaves and hears what the server still has to say: nothing, or it
    /// is a duplicate.
    Leaving,
}

/// What was used up to a point in time.
#[derive(Clone, Copy)]
pub struct Mark {
    /// Nanoseconds of the run.
    pub at: u64,
    pub own: Option<Usage>,
    pub server: Option<Usage>,
}

pub struct Stress {
    pub flags: Flags,
    /// The server, without a name that would have to be looked up for each client.
    pub target: Target,
    /// With `--ws`: who listens to the WebSockets, and where the server has them.
    pub web: Option<(Endpoint, String)>,
    pub format: Format,
    start: Instant,
    pub phase: Phase,
    /// The steady and the churning clients, then the slow readers.
    pub clients: Vec<Client>,
    pub rooms: Vec<Room>,
    /// Rooms in which something is still to be said or heard.
    pub rooms_left: usize,
    /// The lines of one write; kept for its memory.
    pub text: Vec<u8>,

    /// How many clients have begun to connect, how many of them are not in their room yet, and how
    /// many are, or were.
    pub next_client: usize,
    pub under_way: usize,
    pub entered: usize,
    /// Connections that are still to be closed at the end.
    leaving: usize,
    /// When something was last got on with, in nanoseconds of the run.
    pub progress: u64,
    /// When the load began.
    pub begun: u64,

    pub check: Check,
    pub latency: Histogram<u64>,
    pub sent: u64,
    /// Messages that steady clients got, each counted once, and the others'.
    pub delivered: u64,
    pub uncounted: u64,
    /// Lost with their receiver's connection.
    pub cut_off: u64,
    /// Messages of ours that came changed, or where they do not belong.
    pub damaged: u64,
    /// Lines of ours that the server did not carry out.
    pub refused: u64,
    pub first_refusal: Option<Box<str>>,
    pub disconnected: u64,
    pub first_disconnect: Option<Box<str>>,
    pub came_back: u64,

    /// The server's memory before the first connection.
    pub before: Option<Usage>,
    pub from: Option<Mark>,
    pub to: Option<Mark>,
    /// Why it could not begin.
    pub failure: Option<String>,
    pub interrupted: bool,
    /// It ended because nothing came any more.
    pub gave_up: bool,
    /// Connections that the server did not end.
    pub unclosed: usize,
    bar: ProgressBar,
}

impl Stress {
    pub fn new(flags: Flags, target: Target, before: Option<Usage>) -> Self {
        let (count, rooms) = (flags.clients as usize, flags.rooms as usize);
        let senders = if flags.idle { 0 } else { flags.senders() };
        let kind = |index| match index {
            index if index >= count => Kind::Slow,
            index if index >= count - flags.churn as usize => Kind::Churning,
            _ => Kind::Steady,
        };
        let clients: Vec<Client> = (0..flags.everyone())
            .map(|index| Client::new(kind(index), index % rooms))
            .collect();
        let mut seats: Vec<Room> = (0..rooms).map(|_| Room::default()).collect();
        for (index, client) in clients.iter().enumerate() {
            let room = &mut seats[client.room];
            room.steady += u64::from(client.kind == Kind::Steady);
            if index < senders {
                room.senders.push(index);
                room.sent.push(0);
            }
        }
        let (low, high) = LATENCIES;
        Self {
            format: Format::new(flags.size),
            start: Instant::now(),
            phase: Phase::Connecting,
            rooms_left: rooms,
            text: Vec::new(),
            next_client: 0,
            under_way: 0,
            entered: 0,
            leaving: 0,
            progress: 0,
            begun: 0,
            check: Check::new(clients.len(), senders.div_ceil(rooms)),
            latency: Histogram::new_with_bounds(low, high, 3).expect("the bounds are in order"),
            sent: 0,
            delivered: 0,
            uncounted: 0,
            cut_off: 0,
            damaged: 0,
            refused: 0,
            first_refusal: None,
            disconnected: 0,
            first_disconnect: None,
            came_back: 0,
            before,
            from: None,
            to: None,
            failure: None,
            interrupted: false,
            gave_up: false,
            unclosed: 0,
            bar: bar("connecting", clients.len() as u64),
            clients,
            rooms: seats,
            flags,
            target,
            web: None,
        }
    }

    /// Nanoseconds since the run was started.
    pub fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn mark(&self) -> Mark {
        Mark {
            at: self.now(),
            own: usage(None).ok(),
            server: self.flags.pid.and_then(|pid| usage(Some(pid)).ok()),
        }
    }

    /// Starts: the rest follows from what the sockets tell.
    pub fn start(&mut self, cx: &mut Context) {
        if self.flags.ws {
            self.web = wire::url(&self.target).map(|url| (wire::listen(cx), url));
        }
        clients::connect_more(self, cx);
        let look = cx.set_interval(LOOK, Self::look);
        cx.set_timer_ref(look, false);
    }

    /// Everyone is in: the load begins, or the holding.
    pub fn begin(&mut self, cx: &mut Context) {
        self.phase = Phase::Running;
        let mark = self.mark();
        (self.begun, self.progress, self.from) = (mark.at, mark.at, Some(mark));
        self.bar.finish_and_clear();
        if self.flags.idle {
            let ms = u64::from(self.flags.hold) * 1000;
            self.bar = bar("milliseconds", ms);
            cx.set_timeout(Duration::from_millis(ms), Self::finish);
            return;
        }
        let deliveries = |room: &Room| room.total(self.flags.messages) * room.receivers();
        self.bar = bar("deliveries", self.rooms.iter().map(deliveries).sum());
        self.pace(cx);
        if self.flags.churn > 0 {
            clients::churn(self, cx, self.begun, 0);
        }
    }

    // --- what comes -----------------------------------------------------------------------------

    /// What a client was told at this time.
    pub fn hear(&mut self, index: usize, heard: &Heard<'_>, now: u64) {
        match heard {
            // Who speaks in objects hears itself, too.
            Heard::Message(message) if self.web.is_some() && message.sender as usize == index => {}
            Heard::Message(message) => self.delivery(index, *message, now),
            Heard::Damaged => self.damaged += 1,
            other => {
                let client = &mut self.clients[index];
                client.hear_other(other);
                if let (Heard::Refused(why), Link::In) = (other, client.link) {
                    self.refused += 1;
                    let why = || why.as_ref().into();
                    self.first_refusal.get_or_insert_with(why);
                }
            }
        }
    }

    fn delivery(&mut self, index: usize, message: Message, now: u64) {
        let client = &self.clients[index];
        let (sender, rooms) = (message.sender, self.rooms.len() as u32);
        let (room, place) = ((sender % rooms) as usize, (sender / rooms) as usize);
        let here = &mut self.rooms[client.room];
        let was_sent = here
            .sent
            .get(place)
            .is_some_and(|&sent| message.sequence < sent);
        if !was_sent || room != client.room || sender as usize == index {
            self.damaged += 1;
            return;
        }
        let seen = self.check.seen(index, place, message.sequence);
        if seen.first {
            let latency = now.saturating_sub(message.stamp);
            self.latency.saturating_record(latency);
        }
        if client.kind == Kind::Steady {
            self.delivered += u64::from(seen.first);
            here.pending -= seen.settled;
            self.progress = now;
        } else {
            self.uncounted += u64::from(seen.first);
        }
    }

    /// A client has heard something; more may be sent now.
    pub fn go_on(&mut self, cx: &mut Context, index: usize) {
        if self.phase == Phase::Running && !self.flags.idle {
            self.after(cx, self.clients[index].room);
        }
    }

    /// Deliveries that should have come, and did not.
    pub fn lost(&self) -> u64 {
        let pending: u64 = self.rooms.iter().map(|room| room.pending).sum();
        let given_up = if self.gave_up { pending } else { 0 };
        self.check.missing + self.cut_off + given_up
    }

    // --- the end --------------------------------------------------------------------------------

    /// All is measured. Everyone leaves: what still comes on the way would be too much.
    pub fn finish(&mut self, cx: &mut Context) {
        if self.phase != Phase::Running {
            return;
        }
        self.to = Some(self.mark());
        self.phase = Phase::Leaving;
        self.progress = self.now();
        self.bar.finish_and_clear();
        for client in &mut self.clients {
            let Some(wire) = client.wire else {
                continue;
            };
            self.leaving += 1;
            match (client.kind, client.link) {
                (Kind::Slow, _) | (_, Link::Joining) => wire.destroy(cx),
                (_, Link::In) => client.leave(cx),
                _ => {} // on its way already
            }
        }
        if self.leaving == 0 {
            cx.stop();
        }
    }

    /// One of those who leave is gone.
    pub fn left(&mut self, cx: &mut Context) {
        self.leaving -= 1;
        self.progress = self.now();
        if self.leaving == 0 {
            cx.stop();
        }
    }

    /// It cannot begin.
    pub fn fail(&mut self, cx: &mut Context, reason: String) {
        self.failure.get_or_insert(reason);
        cx.stop();
    }

    /// Ctrl-C: what there is now is the result.
    pub fn interrupt(&mut self, cx: &mut Context) {
        self.interrupted = true;
        if self.phase == Phase::Running {
            self.to = Some(self.mark());
        }
        self.bar.finish_and_clear();
        cx.stop();
    }

    /// Shows how far it is, and sees to it that nothing is waited for in vain.
    fn look(&mut self, cx: &mut Context) {
        let now = self.now();
        let quiet = now.saturating_sub(self.progress) > QUIET.as_nanos() as u64;
        match self.phase {
            Phase::Connecting => {
                self.bar.set_position(self.entered as u64);
                if quiet {
                    let reason = format!(
                        "{} of {} clients are in, and for {} seconds no other was let in",
                        self.entered,
                        self.clients.len(),
                        QUIET.as_secs()
                    );
                    self.fail(cx, reason);
                }
            }
            Phase::Running if self.flags.idle => {
                self.bar.set_position((now - self.begun) / 1_000_000);
            }
            Phase::Running => {
                self.bar.set_position(self.delivered);
                if quiet && self.rooms.iter().any(|room| room.pending > 0) {
                    self.to = Some(self.mark());
                    self.gave_up = true;
                    cx.stop();
                }
            }
            Phase::Leaving if quiet => {
                self.unclosed = self.leaving;
                cx.stop();
            }
            Phase::Leaving => {}
        }
        if self.failure.is_some() || self.gave_up {
            self.bar.finish_and_clear();
        }
    }
}

/// On standard error, and nowhere if that is no terminal.
fn bar(what: &'static str, length: u64) -> ProgressBar {
    let template = "{msg} {wide_bar} {human_pos} of {human_len}, {rate}, {elapsed}";
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        // It goes to memory.
        let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
    };
    ProgressBar::new(length)
        .with_style(style.with_key("rate", rate))
        .with_message(what)
}

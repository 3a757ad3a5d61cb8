//! The doors: they join the chat to the sockets.
//!
//! The [chat] knows no sockets and the [sockets](crate::net) know no chat. This room
//! is where they meet:
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | [`ChatServer`]: the state that the loop lends to every callback; effects to doors |
//! | `line_door.rs` | the door for `nc`: TCP and IPC, lines of text |
//! | `web_door/` | the door for browsers: pages, and lines as WebSocket messages |
//! | `connections.rs` | what the doors keep of each connection, and who may have one |
//! | `arrivals.rs` | who comes and who is gone |
//! | [`framing`], `hearing.rs` | bytes to lines, and how many of them are heard |
//! | `outlet.rs` | where a member's lines go: what differs between the doors |
//! | `board.rs` | the rooms, as browsers show them |
//! | `fan_out.rs`, `batch.rs` | one message to everyone, one write a member and turn |
//! | [`slow_readers`] | what becomes of those who do not read that fast |
//! | `flood.rs` | what becomes of those who type too fast |
//! | `shutdown.rs` | the orderly end |
//! | `reports.rs` | what operators ask the doors |
//! | `bind.rs`, `config.rs`, `descriptors.rs` | what happens before the loop runs |

mod arrivals;
mod batch;
mod bind;
mod board;
mod config;
mod connections;
mod descriptors;
mod fan_out;
mod flood;
pub mod framing;
mod hearing;
mod line_door;
mod outlet;
mod reports;
mod shutdown;
pub mod slow_readers;
mod web_door;

use std::io;

use log::info;

use crate::chat::{self, Chat, Effect, MemberId, Millis, SayKind};
use crate::event_loop::Timer;
use crate::http;
use crate::net::{self, Context, EventLoop, Server};
pub use bind::StartError;
use board::Board;
pub use config::Config;
use connections::Connections;
use fan_out::FanOut;
pub use flood::{Flood, FloodLimit};
use outlet::Outlet;
use reports::Farewells;
use slow_readers::{OutboxLimits, SlowReaders, Verdict};
use web_door::Site;

/// Those who have said nothing for too long are looked for no more often, in milliseconds.
const IDLE_SWEEP_MS: Millis = 1000;

/// The chat server's state: what [`EventLoop::run`] lends to every callback.
pub struct ChatServer {
    config: Config,
    chat: Chat,
    connections: Connections,
    /// Where each member's lines go, by member index.
    outlets: Vec<Option<Outlet>>,
    fan_out: FanOut,
    slow_readers: SlowReaders,
    /// When those are looked for next who have said nothing for too long.
    idle_sweep: Option<Millis>,
    farewells: Farewells,
    /// Empty between two steps; kept for its memory.
    effects: Vec<Effect>,
    /// An immediate is set that will deliver.
    deliver_set: bool,
    /// The next deadline there is, and the timer that is set for it.
    tick: Option<(Millis, Timer)>,
    /// Members the chat has removed whose connections are still to be closed.
    leaving: Vec<MemberId>,
    servers: Vec<Server>,
    /// What members on the web door see of the rooms.
    board: Board,
    /// What the web door serves.
    site: Site,
    web: Option<http::Server>,
    shutting_down: bool,
}

/// Binds what the configuration names, and serves until a signal ends it.
///
/// # Errors
///
/// [`StartError`] if any address cannot be bound or the loop cannot be made; nothing is left
/// behind then.
pub fn serve(config: Config) -> Result<(), StartError> {
    descriptors::raise_limit();
    let listeners = bind::bind_all(&config.listen, config.ipc_mode)?;
    let web = bind::bind_web(config.web.as_deref(), config.ipc_mode)?;
    let loop_error = |error: io::Error| StartError::new("event loop", error);
    let mut event_loop = EventLoop::new().map_err(loop_error)?;
    let mut server = ChatServer::new(config);
    shutdown::on_signals(&mut event_loop).map_err(loop_error)?;
    for listener in listeners {
        let address = listener.address().clone();
        let door = line_door::open(&mut event_loop);
        server.servers.push(door);
        door.listen_on(&mut event_loop, listener);
        if !door.listening(&event_loop) {
            let reason = "the system cannot poll it";
            return Err(StartError::new(format!("--listen {address}"), reason));
        }
        info!("listening on {address}");
    }
    if let Some(listener) = web {
        web_door::listen(&mut event_loop, &mut server, listener)?;
    }
    event_loop.run(&mut server).map_err(loop_error)
}

impl ChatServer {
    fn new(config: Config) -> Self {
        Self {
            chat: Chat::new(config.chat()),
            slow_readers: SlowReaders::new(OutboxLimits {
                soft: config.outbox_soft as usize,
                hard: config.outbox_hard as usize,
                stall: seconds(config.stall_timeout),
            }),
            site: Site::new(&config.web_origin),
            board: Board::default(),
            web: None,
            config,
            connections: Connections::default(),
            outlets: Vec::new(),
            fan_out: FanOut::new(),
            idle_sweep: None,
            farewells: Farewells::default(),
            effects: Vec::new(),
            deliver_set: false,
            tick: None,
            leaving: Vec::new(),
            servers: Vec::new(),
            shutting_down: false,
        }
    }

    /// Passes effects on, in order. [`finish`](Self::finish) has to follow once the caller is done:
    /// it sees to those that are left, which need more than lines.
    fn apply(fan_out: &mut FanOut, leaving: &mut Vec<MemberId>, effects: &mut Vec<Effect>) {
        effects.retain(|effect| {
            match effect {
                Effect::Tell { to, line } => fan_out.tell(*to, line),
                Effect::Say {
                    room,
                    except,
                    kind,
                    line,
                } => fan_out.say(*room, *except, line, *kind == SayKind::Message),
                Effect::Moved { member, to, .. } => fan_out.moved(*member, *to),
                Effect::Disconnect { member } => leaving.push(*member),
                Effect::Report { .. } | Effect::Shutdown => return true,
            }
            false
        });
    }

    /// Does what an operator asks of the doors.
    fn answer(&mut self, cx: &mut Context<Self>, asked: Effect) {
        match asked {
            Effect::Report { to, what } => self.report(cx, to, what),
            Effect::Shutdown => {
                info!("an operator ends the server");
                shutdown::begin(self, cx);
            }
            _ => {} // `apply` has passed it on
        }
    }

    /// Lets the chat do something now, and what follows from it.
    fn step(
        &mut self,
        cx: &mut Context<Self>,
        act: impl FnOnce(&mut Chat, Millis, &mut Vec<Effect>),
    ) {
        act(&mut self.chat, cx.now(), &mut self.effects);
        Self::apply(&mut self.fan_out, &mut self.leaving, &mut self.effects);
        self.finish(cx);
    }

    /// Closes the connections of those who left, and sets what has to come later.
    fn finish(&mut self, cx: &mut Context<Self>) {
        if !self.effects.is_empty() {
            let asked = std::mem::take(&mut self.effects);
            asked.into_iter().for_each(|effect| self.answer(cx, effect));
        }
        while let Some(member) = self.leaving.pop() {
            self.say_goodbye(cx, member);
        }
        if self.fan_out.is_large() {
            self.deliver(cx);
        }
        if !self.fan_out.is_empty() && !self.deliver_set {
            self.deliver_set = true;
            // The check phase comes when all that this turn brought has been read.
            cx.set_immediate(|server: &mut Self, cx| {
                server.deliver_set = false;
                server.deliver(cx);
            });
        }
        self.set_tick(cx);
    }

    /// Writes what the turn has brought, once per member.
    fn deliver(&mut self, cx: &mut Context<Self>) {
        let mut too_slow = Vec::new();
        let now = cx.now();
        let (outlets, slow_readers) = (&self.outlets, &mut self.slow_readers);
        self.fan_out.deliver(&self.chat, |member, payload| {
            let Some(Some(outlet)) = outlets.get(member.index()) else {
                return false;
            };
            outlet.write(cx, payload);
            if outlet.socket().buffered(cx) == 0 {
                return false; // nearly always
            }
            let (waiting, sent) = outlet.progress(cx);
            match slow_readers.written(member, waiting, sent, now) {
                Verdict::Fine => false,
                Verdict::Behind => true,
                Verdict::TooMuch => {
                    too_slow.push(member);
                    true
                }
            }
        });
        for member in too_slow {
            let reason = format!(
                "! Disconnected: you read too slowly, more than {} KiB were waiting for you.",
                self.config.outbox_hard / 1024
            );
            self.disconnect(cx, member, &reason);
        }
    }

    /// A member has read everything that waited for it.
    fn caught_up(&mut self, cx: &mut Context<Self>, member: MemberId) {
        self.slow_readers.forget(member);
        match self.fan_out.catch_up(member) {
            0 => {}
            skipped => {
                let line = chat::skipped(skipped as usize, self.config.history as usize);
                self.fan_out.tell(member, &line);
            }
        }
        if let Some(Some(Outlet::Web(web_socket))) = self.outlets.get(member.index())
            && let Some(board) = self.board.frame()
        {
            web_socket.send_encoded(cx, &board); // it went without of late
        }
    }

    /// Shows members on the web door what has become of the rooms, if it is time.
    fn renew_board(&mut self, cx: &mut Context<Self>) {
        let Some(frame) = self.board.renewed(&self.chat, cx.now()) else {
            return;
        };
        for outlet in self.outlets.iter().flatten() {
            if let Outlet::Web(web_socket) = outlet
                && web_socket.buffered_amount(cx) == 0
            {
                web_socket.send_encoded(cx, &frame);
            }
        }
    }

    /// Disconnects those who have read nothing for too long.
    fn sweep_slow_readers(&mut self, cx: &mut Context<Self>) {
        let outlets = &self.outlets;
        let stalled = self.slow_readers.sweep(cx.now(), |member| {
            let outlet = outlets.get(member.index()).copied().flatten()?;
            Some(outlet.progress(cx))
        });
        for member in stalled {
            let time = in_words(self.config.stall_timeout);
            let reason = format!("! Disconnected: you read nothing for {time}.");
            self.disconnect(cx, member, &reason);
        }
    }

    /// Disconnects those who have said nothing for too long, if that is a limit.
    fn sweep_idle(&mut self, cx: &mut Context<Self>) {
        let (now, limit) = (cx.now(), seconds(self.config.idle_timeout));
        if self.idle_sweep.is_none_or(|due| now < due) {
            return;
        }
        self.idle_sweep = None;
        let mut idle = Vec::new();
        for connection in self.connections.iter() {
            let (Some(bound), Some(member)) = (&connection.bound, connection.member) else {
                continue;
            };
            let due = bound.heard + limit;
            if due <= now {
                idle.push(member);
            } else {
                let next = self.idle_sweep.get_or_insert(due);
                *next = due.min(*next).max(now + IDLE_SWEEP_MS);
            }
        }
        for member in idle {
            let time = in_words(self.config.idle_timeout);
            let reason = format!("! Disconnected: you said nothing for {time}.");
            self.disconnect(cx, member, &reason);
        }
    }

    /// Removes a member from the chat and closes its connection, with a last line.
    fn disconnect(&mut self, cx: &mut Context<Self>, member: MemberId, reason: &str) {
        if let (Some(nickname), Some(peer)) = (self.chat.nickname(member), self.chat.peer(member)) {
            self.farewells.note(nickname, peer, reason, cx.now());
        }
        self.fan_out.tell(member, reason);
        self.step(cx, |chat, now, effects| {
            chat.leave(member, now, effects);
            effects.push(Effect::Disconnect { member });
        });
    }

    /// Sends a member that has left the chat what it was told until then, and ends its connection.
    fn say_goodbye(&mut self, cx: &mut Context<Self>, member: MemberId) {
        self.slow_readers.forget(member);
        let last = self.fan_out.take(member);
        if let Some(outlet) = self.unseat(member) {
            outlet.close(self, cx, &last);
        }
    }

    /// Keeps one timer set for the next deadline of all there are: none if there is none, so that an
    /// idle server sleeps.
    fn set_tick(&mut self, cx: &mut Context<Self>) {
        let deadlines = [
            self.chat.next_deadline(),
            self.fan_out.next_greeting(),
            self.slow_readers.next_sweep(),
            self.idle_sweep,
            self.board.next_renewal(&self.chat),
        ];
        let Some(due) = deadlines.into_iter().flatten().min() else {
            return;
        };
        if let Some((set_for, timer)) = self.tick {
            // Being called too early does no harm, and costs less than setting it anew each time.
            if set_for <= due {
                return;
            }
            cx.clear_timer(timer);
        }
        let wait = due.saturating_sub(cx.now()).max(1);
        let timer = cx.set_timeout(wait, |server: &mut Self, cx| {
            server.tick = None;
            server.fan_out.greet(cx.now());
            server.sweep_slow_readers(cx);
            server.sweep_idle(cx);
            server.renew_board(cx);
            server.step(cx, Chat::tick);
        });
        cx.set_timer_ref(timer, false);
        self.tick = Some((due, timer));
    }
}

fn in_words(seconds: u32) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        _ => format!("{seconds} seconds"),
    }
}

/// In milliseconds.
fn seconds(seconds: u32) -> Millis {
    u64::from(seconds) * 1000
}

/// The loop that a chat server runs on.
type Loop = net::EventLoop<ChatServer>;

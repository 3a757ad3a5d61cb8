//! The doors: they join the chat to the sockets.
//!
//! The [chat](crate::chat) knows no sockets and the [sockets](crate::net) know no chat. This room
//! is where they meet:
//!
//! | room | what |
//! | --- | --- |
//! | `mod.rs` | [`ChatServer`]: the state that the loop lends to every callback; sockets and timers for the hub |
//! | [`core`] | the chat and what is due to its members, limits and costs: no sockets |
//! | `doors/` | sockets' events into calls of the hub; what it gives back into words and JSON |
//! | `inspect/` | metrics, reports, the live loop |
//! | `memory.rs` | the budget for all, and who has to go |
//! | `shutdown.rs` | the orderly end |
//! | `config.rs`, `environment.rs`, `bind.rs`, `activation.rs`, `descriptors.rs` | what happens before the loop runs |
//! | `keeping.rs` | where what is said is kept, by flags and environment; `backup` and `export` |
//! | `service_manager.rs` | what systemd is told |
//! | `certificates/` | keys and certificates of the doors that speak TLS |
//! | `socket_files.rs`, `file_watch.rs` | socket files that somebody removes; how one hears of it |
//! | `terminal.rs` | what SIGHUP means |
//! | `log_queue.rs` | log lines on their way out, so that none of them can stop a turn |

mod activation;
mod bind;
mod certificates;
mod config;
pub mod core;
mod descriptors;
mod doors;
mod environment;
#[cfg(target_os = "linux")]
mod file_watch;
mod inspect;
mod keeping;
mod log_queue;
mod memory;
#[cfg(test)]
mod on_sockets;
mod service_manager;
mod shutdown;
mod socket_files;
mod terminal;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use log::{info, warn};

use crate::chat::{DisconnectReason, Millis};
use crate::event_loop::Timer;
use crate::http::web_socket::Endpoint;
use crate::net::{self, Context, EventLoop, Server, Socket};
use crate::room_log::{MemoryLog, RoomLog};
use activation::Passed;
use bind::Bound;
pub use bind::StartError;
use certificates::Certificates;
pub use config::{Config, Exposed};
use core::access_log::AccessLog;
#[cfg(test)]
pub(crate) use core::access_log::line as record_line;
pub use core::flood::{Connects, Flood, FloodLimit, Pace};
use core::hub::{Asked, Hub};
use core::sessions::{SessionId, SessionTable};
use core::turns::Turns;
pub use core::{Cost, Moment, framing, line_input, sessions};
pub use doors::FRAMINGS;
use doors::connections::Connections;
use doors::handshakes::Handshakes;
#[cfg(test)]
pub(crate) use doors::line::times::Times;
#[cfg(test)]
pub(crate) use doors::line::words::render as render_lines;
use doors::outlet::Outlet;
pub use doors::trusted_proxies::TrustedProxy;
pub use doors::web::Origin;
use doors::web::board::Board;
use doors::web::members::Entering;
use doors::web::{Entrance, Site};
use doors::{line as line_door, web as web_door};
pub use environment::Told;
use inspect::loop_view::LoopView;
use inspect::metrics;
pub use keeping::{Command, Sync, carry_out};
pub use log_queue::{LogQueue, standard_error};
use memory::Budget;
use service_manager::ServiceManager;
use shutdown::End;
use socket_files::SocketFiles;

/// The chat server's state: what [`EventLoop::run`] lends to every callback.
pub struct ChatServer {
    config: Rc<Config>,
    hub: Hub,
    connections: Connections,
    turns: Turns<Socket>,
    access_log: AccessLog,
    /// Where each session's lines go.
    outlets: SessionTable<Option<Outlet>>,
    /// An immediate is set that will deliver.
    deliver_set: bool,
    /// The rooms' log has news; then that is so, too.
    log_has_news: bool,
    /// The next deadline there is, and the timer that is set for it.
    tick: Option<(Millis, Timer)>,
    servers: Vec<Server>,
    /// Those of them to which only proxies connect, each with a PROXY header.
    proxy_doors: Vec<Server>,
    /// Those of them at which TLS is spoken.
    tls_doors: Vec<Server>,
    certificates: Certificates,
    handshakes: Handshakes,
    /// What members on the web door see of the rooms.
    board: Board,
    /// What the web door serves.
    site: Site,
    /// The addresses of the web door.
    web: Vec<Entrance>,
    /// Where browsers are to go, in words.
    browsers: String,
    /// Its members' WebSockets.
    web_members: Option<Endpoint>,
    /// Those who are to be let in there when their turn comes.
    entering: HashMap<Socket, Entering>,
    loop_view: LoopView,
    metrics_waiting: metrics::Waiting,
    service_manager: ServiceManager,
    socket_files: SocketFiles,
    end: End,
    /// When somebody asked for it.
    ends_since: Option<Millis>,
    /// By when it begins, whatever is still to be heard or settled.
    end_deadline: Option<Timer>,
    /// An immediate is set that will look whether it may begin.
    looks_at_end: bool,
    budget: Budget,
}

/// Binds what the configuration names, and serves until a signal ends it.
///
/// # Errors
///
/// [`StartError`] if any address cannot be bound or the loop cannot be made; nothing is left
/// behind then.
pub fn serve(config: Config) -> Result<(), StartError> {
    descriptors::raise_limit();
    let loop_error = |error: io::Error| StartError::new("event loop", error);
    let mut event_loop = EventLoop::new().map_err(loop_error)?;
    // Whoever reads that it listens may end it at once.
    shutdown::on_signals(&mut event_loop).map_err(loop_error)?;
    let log = keeping::open_log(&config)?;
    let mut server = open_doors(&mut event_loop, config, activation::passed()?, log)?;
    server.service_manager = ServiceManager::from_environment();
    service_manager::ready(&mut server, &mut event_loop);
    event_loop.run(&mut server).map_err(loop_error)
}

/// Binds what the configuration names and opens the doors on a loop of the caller's: running that
/// loop with what this returns serves. [`serve`] is this and what belongs to a process: signals,
/// the limit of descriptors, the service manager and the sockets that it passes, and the
/// [store](crate::store): what is said here is kept in memory.
///
/// # Errors
///
/// [`StartError`] if any address cannot be bound or polled.
pub fn open(
    event_loop: &mut EventLoop<ChatServer>,
    config: Config,
) -> Result<ChatServer, StartError> {
    open_with_log(event_loop, config, Box::new(MemoryLog::default()))
}

/// The same, with a log of the caller's where what is said [gets its place](RoomLog).
///
/// # Errors
///
/// [`StartError`] if any address cannot be bound or polled.
pub fn open_with_log(
    event_loop: &mut EventLoop<ChatServer>,
    config: Config,
    log: Box<dyn RoomLog>,
) -> Result<ChatServer, StartError> {
    open_doors(event_loop, config, Passed::default(), log)
}

fn open_doors(
    event_loop: &mut EventLoop<ChatServer>,
    config: Config,
    passed: Passed,
    log: Box<dyn RoomLog>,
) -> Result<ChatServer, StartError> {
    let listeners = bind::bind_all(&config.listen, passed.line, config.ipc_mode)?;
    let for_proxies = bind::bind_for_proxies(&config.listen_proxy, config.ipc_mode)?;
    let web = bind::bind_web(&config.web, passed.web, config.ipc_mode)?;
    let all = listeners.iter().chain(&for_proxies).chain(&web);
    bind::wait_for_readers(all.map(|bound| &bound.listener), config.stall_timeout);
    let certificates = Certificates::open(&config)?;
    let mut server = ChatServer::new(event_loop, config, log);
    server.certificates = certificates;
    event_loop.on_check(ChatServer::keep_within_memory);
    let for_all = listeners.into_iter().map(|listener| (listener, false));
    let for_proxies = for_proxies.into_iter().map(|listener| (listener, true));
    for (bound, is_for_proxies) in for_all.chain(for_proxies) {
        let flag = match is_for_proxies {
            true => "--listen-proxy",
            false => "--listen",
        };
        let shown = bound.shown(bind::TLS);
        let cannot = |reason: &dyn fmt::Display| StartError::new(format!("{flag} {shown}"), reason);
        let Bound { listener, is_tls } = bound;
        let high_water_mark = server.hub.high_water_mark();
        let door = match is_tls {
            true => {
                let open = |event_loop: &mut Loop, options| {
                    line_door::open_tls(event_loop, high_water_mark, options)
                };
                let door = server
                    .certificates
                    .open_door(event_loop, open, |door| *door);
                let door = door.map_err(|reason| cannot(&reason))?;
                server.tls_doors.push(door);
                door
            }
            false => line_door::open(event_loop, high_water_mark),
        };
        server.servers.push(door);
        server.socket_files.note(door, &listener);
        if is_for_proxies {
            server.proxy_doors.push(door);
        }
        door.listen_on(event_loop, listener);
        if !door.listening(event_loop) {
            return Err(cannot(&"the system cannot poll it"));
        }
        match is_for_proxies {
            true => info!("listening for proxies on {shown}"),
            false => info!("listening on {shown}"),
        }
    }
    if !server.proxy_doors.is_empty() && server.config.trust_proxy.is_empty() {
        warn!("nobody can come in by --listen-proxy: no proxy is trusted, see --trust-proxy");
    }
    web_door::open(event_loop, &mut server, web)?;
    socket_files::watch(event_loop, &mut server);
    certificates::watch(event_loop, &mut server);
    Ok(server)
}

impl ChatServer {
    fn new(cx: &mut Context<Self>, config: Config, mut log: Box<dyn RoomLog>) -> Self {
        let config = Rc::new(config);
        let (news, sender) = cx.async_handle(|server: &mut Self, cx, _| server.log_has_news(cx));
        cx.set_async_ref(news, false);
        log.wake_by(Box::new(move || _ = sender.send()));
        Self {
            hub: Hub::with_log(Rc::clone(&config), &FRAMINGS, log),
            board: Board::default(),
            site: Site::new(&config.web_origin),
            web: Vec::new(),
            browsers: "There is no chat for browsers here.".to_owned(),
            web_members: None,
            entering: HashMap::new(),
            loop_view: LoopView::default(),
            metrics_waiting: metrics::Waiting::default(),
            service_manager: ServiceManager::default(),
            socket_files: SocketFiles::default(),
            config,
            connections: Connections::default(),
            turns: Turns::default(),
            access_log: AccessLog::default(),
            outlets: SessionTable::default(),
            deliver_set: false,
            log_has_news: false,
            tick: None,
            servers: Vec::new(),
            proxy_doors: Vec::new(),
            tls_doors: Vec::new(),
            certificates: Certificates::default(),
            handshakes: Handshakes::default(),
            end: End::default(),
            ends_since: None,
            end_deadline: None,
            looks_at_end: false,
            budget: Budget::default(),
        }
    }

    /// Does what an operator asks of the doors.
    fn answer(&mut self, cx: &mut Context<Self>, asked: Asked) {
        match asked {
            Asked::Question { asking, what } => self.report(cx, asking, what),
            Asked::Shutdown => {
                info!("an operator ends the server");
                // The rest of what this turn has to read came no later.
                cx.set_immediate(shutdown::begin_after_what_came);
            }
        }
    }

    /// Does what follows from what the hub was called for: passes its effects on, ends the
    /// connections of those who left, and sets what has to come later.
    fn finish(&mut self, cx: &mut Context<Self>) {
        self.keep_within_memory(cx);
        self.hub.apply();
        for asked in self.hub.take_asked() {
            self.answer(cx, asked);
        }
        self.hub.apply();
        while let Some((session, reason, last)) = self.hub.next_gone() {
            self.say_goodbye(cx, session, reason.as_ref(), &last);
        }
        if self.end.is_near() {
            shutdown::go_on_soon(self, cx);
        }
        if self.hub.has_large_deliveries() {
            return self.deliver(cx);
        }
        if self.hub.has_deliveries() {
            self.deliver_soon(cx);
        }
        self.set_tick(cx);
    }

    /// Delivers in the check phase: it comes when all that this turn brought has been read.
    fn deliver_soon(&mut self, cx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.deliver_set, true) {
            cx.set_immediate(|server: &mut Self, cx| {
                // The log has something to do while members are written to.
                server.hub.flush();
                if std::mem::take(&mut server.log_has_news) {
                    server.take_news(cx);
                }
                server.deliver_set = false;
                server.deliver(cx);
                if server.log_has_news {
                    server.deliver_soon(cx);
                }
            });
        }
    }

    /// Writes what the turn has brought, once per member.
    fn deliver(&mut self, cx: &mut Context<Self>) {
        let now = cx.now();
        let outlets = &self.outlets;
        let (mut readers, mut bytes) = (0, 0);
        let too_slow = self.hub.deliver(now, |session, payload| {
            let outlet = outlets.get(session).copied().flatten()?;
            (readers, bytes) = (readers + 1, bytes + payload.len() as u64);
            outlet.write(cx, payload);
            (outlet.socket.buffered(cx) > 0).then(|| outlet.progress(cx))
        });
        let cost = Cost::delivery(readers, bytes);
        self.turns.delivered(cx.counters().turns, cost);
        self.disconnect_all(too_slow, moment(cx));
        self.finish(cx);
    }

    /// Ends sessions; [`finish`](Self::finish) closes their connections.
    fn disconnect_all(&mut self, sessions: Vec<(SessionId, DisconnectReason)>, at: Moment) {
        for (session, reason) in sessions {
            self.hub.disconnect(session, reason, at);
            self.hub.apply();
        }
    }

    /// Sends a session that has ended what it was told until then, and ends its connection.
    fn say_goodbye(
        &mut self,
        cx: &mut Context<Self>,
        session: SessionId,
        reason: Option<&DisconnectReason>,
        last: &[u8],
    ) {
        if let Some(outlet) = self.unseat(session) {
            if let Some(connection) = self.connections.get_mut(outlet.socket) {
                self.hub.note_bucket(session, &connection.input);
            }
            outlet.close(self, cx, reason, last);
        }
    }

    /// Shows members on the web door what has become of the rooms, if it is time.
    fn renew_board(&mut self, cx: &mut Context<Self>) {
        let Some(frame) = self.board.renewed(self.hub.chat(), cx.now()) else {
            return;
        };
        for outlet in self.outlets.iter().flatten() {
            // Who has to drain first gets it then; nobody else is told when all is read.
            if let Some(show_board) = outlet.door().show_board
                && !outlet.socket.writable_need_drain(cx)
            {
                show_board(outlet.socket, cx, &frame);
            }
        }
    }

    /// Shows it to a member that could not take it of late.
    fn show_board_again(&self, cx: &mut Context<Self>, session: SessionId) {
        if let Some(Some(outlet)) = self.outlets.get(session)
            && let Some(show_board) = outlet.door().show_board
            && let Some(frame) = self.board.frame()
        {
            show_board(outlet.socket, cx, &frame);
        }
    }

    /// Keeps one timer set for the next deadline of all there are: none if there is none, so that
    /// an idle server sleeps.
    fn set_tick(&mut self, cx: &mut Context<Self>) {
        let board = self.board.next_renewal(self.hub.chat());
        let Some(due) = self.hub.next_deadline().into_iter().chain(board).min() else {
            return;
        };
        if let Some((set_for, timer)) = self.tick {
            // Being called too early does no harm, and costs less than setting it anew each time.
            if set_for <= due {
                return;
            }
            cx.clear_timer(timer);
        }
        // A timer goes no farther: being called then does no harm.
        let wait = due.saturating_sub(cx.now()).clamp(1, i32::MAX as Millis);
        let timer = cx.set_timeout(Duration::from_millis(wait), |server: &mut Self, cx| {
            server.tick = None;
            server.ticked(cx);
        });
        cx.set_timer_ref(timer, false);
        self.tick = Some((due, timer));
    }

    /// Something is due, or was.
    fn ticked(&mut self, cx: &mut Context<Self>) {
        let (awake_since, at) = (cx.awake_since(), moment(cx));
        let now = at.now;
        let outlets = &self.outlets;
        let stalled = self.hub.sweep_slow_readers(now, awake_since, |session| {
            let outlet = outlets.get(session).copied().flatten()?;
            Some(outlet.progress(cx))
        });
        self.disconnect_all(stalled, at);
        let is_paused = |socket: Socket| socket.is_paused(cx);
        let heard = self.connections.heard(now, is_paused);
        let idle = self.hub.sweep_idle(now, awake_since, heard);
        self.disconnect_all(idle, at);
        self.hub.tick(at);
        self.renew_board(cx);
        self.finish(cx);
    }
}

/// When something happens that a callback is told of.
fn moment(cx: &Context<ChatServer>) -> Moment {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment {
        now: cx.now(),
        // A clock that stands before 1970 has never been set.
        utc: since_1970.map_or(0, |time| time.as_millis() as Millis),
    }
}

/// The loop that a chat server runs on.
type Loop = net::EventLoop<ChatServer>;

#[cfg(test)]
mod tests;

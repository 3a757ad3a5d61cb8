//! The doors: they join the chat to the sockets.
//!
//! The [chat](crate::chat) knows no sockets and the [sockets](crate::net) know no chat. This room
//! is where they meet:
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | [`ChatServer`]: the state that the loop lends to every callback; sockets and timers for the hub |
//! | `line_door.rs` | the door for `nc`: TCP and IPC, lines of text |
//! | `web_door/` | the door for browsers: pages, and lines as WebSocket messages |
//! | `connections.rs` | what the doors keep of each connection, and who may have one |
//! | `arrivals.rs`, `hearing.rs` | who comes and who is gone; when a connection is read |
//! | `access_log.rs` | who was kept out, kicked, banned, for the log |
//! | `outlet.rs` | where a member's lines go: what differs between the doors |
//! | `board.rs` | the rooms, as browsers show them |
//! | [`opening`] | whether a session begins as a chat does, or as another protocol |
//! | `trusted_proxies.rs`, `proxy_header.rs` | who is behind a proxy, and which proxies may say so |
//! | [`framing`] | bytes to lines |
//! | [`hub`] | the chat and what is due to its members, without sockets |
//! | [`line_input`] | what one connection says, no faster than it may |
//! | [`fan_out`], `batch.rs` | one message to everyone, one write a member and turn |
//! | [`slow_readers`] | what becomes of those who do not read that fast |
//! | `cost.rs` | what everything costs that a connection can ask for |
//! | `flood.rs` | what becomes of those who ask for too much |
//! | `addresses.rs` | what is kept of an address, whichever of its connections comes and goes |
//! | `turns.rs` | what one turn does for all together, and who waits for the next |
//! | `telnet.rs` | what telnet clients are answered |
//! | `strangers.rs` | whom limits on addresses and on speed are for |
//! | `loop_view/` | the event loop at work, as `/loop` shows it |
//! | `metrics.rs` | the same and more as Prometheus reads it |
//! | `shutdown.rs` | the orderly end |
//! | `memory.rs` | the budget for all, and who has to go |
//! | `reports.rs` | what operators ask the doors |
//! | `config.rs`, `environment.rs`, `bind.rs`, `activation.rs`, `descriptors.rs` | what happens before the loop runs |
//! | `service_manager.rs` | what systemd is told |
//! | `socket_files.rs` | socket files that somebody removes |
//! | `log_queue.rs` | log lines on their way out, so that none of them can stop a turn |

mod access_log;
mod activation;
mod addresses;
mod arrivals;
mod batch;
mod bind;
mod board;
mod config;
mod connections;
mod cost;
mod descriptors;
mod environment;
pub mod fan_out;
mod flood;
pub mod framing;
mod hearing;
pub mod hub;
mod line_door;
pub mod line_input;
mod log_queue;
mod loop_view;
mod memory;
mod metrics;
#[cfg(test)]
mod on_sockets;
pub mod opening;
mod outlet;
mod proxy_header;
mod reports;
mod service_manager;
mod shutdown;
pub mod slow_readers;
mod socket_files;
mod strangers;
mod telnet;
mod trusted_proxies;
mod turns;
mod web_door;

use std::io;
use std::rc::Rc;

use log::{info, warn};

use crate::chat::{Effect, MemberId, Millis};
use crate::event_loop::Timer;
use crate::http;
use crate::http::web_socket::Endpoint;
use crate::net::{self, Context, EventLoop, Server, Socket};
use access_log::AccessLog;
use activation::Passed;
pub use bind::StartError;
use board::Board;
pub use config::{Config, Exposed};
use connections::Connections;
pub use cost::Cost;
pub use environment::Told;
pub use flood::{Connects, Flood, FloodLimit, Pace};
use hub::{Hub, seconds};
pub use log_queue::{LogQueue, standard_error};
use loop_view::LoopView;
use memory::Budget;
use outlet::Outlet;
use service_manager::ServiceManager;
use socket_files::SocketFiles;
pub use trusted_proxies::TrustedProxy;
use turns::Turns;
pub use web_door::Origin;
use web_door::Site;

/// The chat server's state: what [`EventLoop::run`] lends to every callback.
pub struct ChatServer {
    config: Rc<Config>,
    hub: Hub,
    connections: Connections,
    turns: Turns<Socket>,
    access_log: AccessLog,
    /// Where each member's lines go, by member index.
    outlets: Vec<Option<Outlet>>,
    /// An immediate is set that will deliver.
    deliver_set: bool,
    /// The next deadline there is, and the timer that is set for it.
    tick: Option<(Millis, Timer)>,
    servers: Vec<Server>,
    /// Those of them to which only proxies connect, each with a PROXY header.
    proxy_doors: Vec<Server>,
    /// What members on the web door see of the rooms.
    board: Board,
    /// What the web door serves.
    site: Site,
    web: Option<http::Server>,
    /// Where browsers are to go, in words.
    browsers: String,
    /// Its members' WebSockets.
    web_members: Option<Endpoint>,
    loop_view: LoopView,
    metrics_waiting: metrics::Waiting,
    service_manager: ServiceManager,
    socket_files: SocketFiles,
    shutting_down: bool,
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
    let mut server = open_doors(&mut event_loop, config, activation::passed()?)?;
    server.service_manager = ServiceManager::from_environment();
    service_manager::ready(&mut server, &mut event_loop);
    event_loop.run(&mut server).map_err(loop_error)
}

/// Binds what the configuration names and opens the doors on a loop of the caller's: running that
/// loop with what this returns serves. [`serve`] is this and what belongs to a process: signals,
/// the limit of descriptors, the service manager and the sockets that it passes.
///
/// # Errors
///
/// [`StartError`] if any address cannot be bound or polled.
pub fn open(
    event_loop: &mut EventLoop<ChatServer>,
    config: Config,
) -> Result<ChatServer, StartError> {
    open_doors(event_loop, config, Passed::default())
}

fn open_doors(
    event_loop: &mut EventLoop<ChatServer>,
    config: Config,
    passed: Passed,
) -> Result<ChatServer, StartError> {
    let listeners = bind::bind_all(&config.listen, passed.line, config.ipc_mode)?;
    let for_proxies = bind::bind_for_proxies(&config.listen_proxy, config.ipc_mode)?;
    let web = bind::bind_web(config.web.as_deref(), passed.web, config.ipc_mode)?;
    let mut server = ChatServer::new(config);
    event_loop.on_check(ChatServer::keep_within_memory);
    let for_all = listeners.into_iter().map(|listener| (listener, false));
    let for_proxies = for_proxies.into_iter().map(|listener| (listener, true));
    for (listener, is_for_proxies) in for_all.chain(for_proxies) {
        let address = listener.address().clone();
        let door = line_door::open(event_loop, server.hub.high_water_mark());
        server.servers.push(door);
        server.socket_files.note(door, &listener);
        if is_for_proxies {
            server.proxy_doors.push(door);
        }
        door.listen_on(event_loop, listener);
        if !door.listening(event_loop) {
            let reason = "the system cannot poll it";
            let flag = if is_for_proxies {
                "--listen-proxy"
            } else {
                "--listen"
            };
            return Err(StartError::new(format!("{flag} {address}"), reason));
        }
        match is_for_proxies {
            true => info!("listening for proxies on {address}"),
            false => info!("listening on {address}"),
        }
    }
    if !server.proxy_doors.is_empty() && server.config.trust_proxy.is_empty() {
        warn!("nobody can come in by --listen-proxy: no proxy is trusted, see --trust-proxy");
    }
    if let Some(listener) = web {
        web_door::listen(event_loop, &mut server, listener)?;
    }
    socket_files::watch(event_loop, &mut server);
    Ok(server)
}

impl ChatServer {
    fn new(config: Config) -> Self {
        let config = Rc::new(config);
        Self {
            hub: Hub::new(Rc::clone(&config)),
            board: Board::default(),
            site: Site::new(&config.web_origin),
            web: None,
            browsers: "There is no chat for browsers here.".to_owned(),
            web_members: None,
            loop_view: LoopView::default(),
            metrics_waiting: metrics::Waiting::default(),
            service_manager: ServiceManager::default(),
            socket_files: SocketFiles::default(),
            config,
            connections: Connections::default(),
            turns: Turns::default(),
            access_log: AccessLog::default(),
            outlets: Vec::new(),
            deliver_set: false,
            tick: None,
            servers: Vec::new(),
            proxy_doors: Vec::new(),
            shutting_down: false,
            budget: Budget::default(),
        }
    }

    /// Does what an operator asks of the doors.
    fn answer(&mut self, cx: &mut Context<Self>, asked: Effect) {
        match asked {
            Effect::Report { to, what } => self.report(cx, to, what),
            Effect::Shutdown => {
                info!("an operator ends the server");
                // The rest of what this turn has to read came no later.
                cx.set_immediate(shutdown::begin_after_what_came);
            }
            _ => {} // the hub has passed it on
        }
    }

    /// Does what follows from what the hub was called for: passes its effects on, ends the
    /// connections of those who left, and sets what has to come later.
    fn finish(&mut self, cx: &mut Context<Self>) {
        self.keep_within_memory(cx);
        self.hub.apply();
        for effect in self.hub.take_asked() {
            self.answer(cx, effect);
        }
        self.hub.apply();
        while let Some((member, last)) = self.hub.next_gone() {
            self.say_goodbye(cx, member, &last);
        }
        if self.hub.has_large_deliveries() {
            self.turns.delivered_much(cx.counters().turns);
            return self.deliver(cx);
        }
        if self.hub.has_deliveries() && !self.deliver_set {
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
        let now = cx.now();
        let outlets = &self.outlets;
        let too_slow = self.hub.deliver(now, |member, payload| {
            let outlet = outlets.get(member.index()).copied().flatten()?;
            outlet.write(cx, payload);
            (outlet.socket().buffered(cx) > 0).then(|| outlet.progress(cx))
        });
        self.disconnect_all(too_slow, now);
        self.finish(cx);
    }

    /// Removes members from the chat; [`finish`](Self::finish) closes their connections.
    fn disconnect_all(&mut self, members: Vec<(MemberId, String)>, now: Millis) {
        for (member, reason) in members {
            self.hub.disconnect(member, &reason, now);
            self.hub.apply();
        }
    }

    /// Sends a member that has left the chat what it was told until then, and ends its connection.
    fn say_goodbye(&mut self, cx: &mut Context<Self>, member: MemberId, last: &[u8]) {
        if let Some(outlet) = self.unseat(member) {
            outlet.close(self, cx, last);
        }
    }

    /// Shows members on the web door what has become of the rooms, if it is time.
    fn renew_board(&mut self, cx: &mut Context<Self>) {
        let Some(frame) = self.board.renewed(self.hub.chat(), cx.now()) else {
            return;
        };
        for outlet in self.outlets.iter().flatten() {
            // Who has to drain first gets it then; nobody else is told when all is read.
            if let Outlet::Web(web_socket) = outlet
                && !web_socket.socket().writable_need_drain(cx)
            {
                web_socket.send_encoded(cx, &frame);
            }
        }
    }

    /// Shows it to a member that could not take it of late.
    fn show_board_again(&self, cx: &mut Context<Self>, member: MemberId) {
        if let Some(Some(Outlet::Web(web_socket))) = self.outlets.get(member.index())
            && let Some(frame) = self.board.frame()
        {
            web_socket.send_encoded(cx, &frame);
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
        let wait = due.saturating_sub(cx.now()).max(1);
        let timer = cx.set_timeout(wait, |server: &mut Self, cx| {
            server.tick = None;
            server.ticked(cx);
        });
        cx.set_timer_ref(timer, false);
        self.tick = Some((due, timer));
    }

    /// Something is due, or was.
    fn ticked(&mut self, cx: &mut Context<Self>) {
        let (awake_since, now) = (cx.awake_since(), cx.now());
        let outlets = &self.outlets;
        let stalled = self.hub.sweep_slow_readers(now, awake_since, |member| {
            let outlet = outlets.get(member.index()).copied().flatten()?;
            Some(outlet.progress(cx))
        });
        self.disconnect_all(stalled, now);
        let idle = self
            .hub
            .sweep_idle(now, awake_since, self.connections.heard());
        self.disconnect_all(idle, now);
        self.hub.tick(now);
        self.renew_board(cx);
        self.finish(cx);
    }
}

/// The loop that a chat server runs on.
type Loop = net::EventLoop<ChatServer>;

#[cfg(test)]
mod tests;

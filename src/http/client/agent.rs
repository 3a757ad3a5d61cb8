//! Connections that serve one request after the other.

use std::collections::{HashMap, VecDeque};

use super::connection;
use super::request::ClientRequest;
use super::state::{self as client, ClientState};
use crate::Context;
use crate::net::{self, Socket, Target};

/// Milliseconds by which an idle connection is given up before the server has said it would close
/// it.
const AHEAD: u64 = 1000;

/// Keeps connections to be used again (`http.Agent`): a small id; everything goes through the
/// context. It is good until the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Agent(pub(super) usize);

/// How an agent goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentOptions {
    /// Keeps a connection open after its response (`keepAlive`).
    pub keep_alive: bool,
    /// Connections to one place at most; further requests wait (`maxSockets`). `None` sets no
    /// limit.
    pub max_sockets: Option<usize>,
    /// Idle connections to one place at most (`maxFreeSockets`).
    pub max_free_sockets: usize,
    /// How long a connection may be idle, in milliseconds, 0 for ever (`timeout`). One that serves
    /// a request is left to that request, which is told; one that serves none is closed.
    pub timeout: u32,
}

impl Default for AgentOptions {
    /// Node's `new http.Agent()`: nothing is kept, nothing is limited.
    fn default() -> Self {
        Self {
            keep_alive: false,
            max_sockets: None,
            max_free_sockets: 256,
            timeout: 0,
        }
    }
}

/// The connections of one agent to one place.
#[derive(Default)]
struct Pool {
    /// Those in use, the idle ones not included.
    used: Vec<Socket>,
    /// The idle ones; the one that was idle last is used first.
    free: Vec<Socket>,
    waiting: VecDeque<(ClientRequest, Target)>,
}

/// What the loop keeps of an agent.
pub(super) struct AgentState {
    options: AgentOptions,
    pools: HashMap<String, Pool>,
}

impl AgentState {
    pub(super) fn new(options: AgentOptions) -> Self {
        let pools = HashMap::new();
        Self { options, pools }
    }

    /// Node's `http.globalAgent`.
    pub(super) fn global() -> Self {
        Self::new(AgentOptions {
            keep_alive: true,
            timeout: 5000,
            ..AgentOptions::default()
        })
    }

    /// Whether a connection may serve another request, so that it is worth asking the server for
    /// it.
    pub(super) fn reuses(&self) -> bool {
        self.options.keep_alive || self.options.max_sockets.is_some()
    }

    fn tidy(&mut self, name: &str) {
        let empty =
            |pool: &Pool| pool.used.is_empty() && pool.free.is_empty() && pool.waiting.is_empty();
        if self.pools.get(name).is_some_and(empty) {
            self.pools.remove(name);
        }
    }
}

impl Agent {
    /// Makes an agent (`new http.Agent(options)`).
    pub fn new<S: 'static>(cx: &mut Context<S>, options: AgentOptions) -> Self {
        let state = client::state(cx);
        state.agents.push(AgentState::new(options));
        Self(state.agents.len() - 1)
    }

    /// Closes its connections, those in use, too (`agent.destroy()`). It may be used again.
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) {
        let Some(agent) = of(cx, self) else { return };
        let pools = agent.pools.values();
        let all: Vec<_> = pools
            .flat_map(|pool| pool.free.iter().chain(&pool.used))
            .copied()
            .collect();
        for socket in all {
            socket.destroy(cx);
        }
    }

    /// How many connections it has: in use, and idle (`agent.sockets`, `agent.freeSockets`).
    #[must_use]
    pub fn sockets<S: 'static>(self, cx: &Context<S>) -> (usize, usize) {
        let state = cx.extensions().get::<ClientState<S>>();
        let Some(agent) = state.and_then(|state| state.agents.get(self.0)) else {
            return (0, 0);
        };
        let used = agent.pools.values().map(|pool| pool.used.len()).sum();
        let free = agent.pools.values().map(|pool| pool.free.len()).sum();
        (used, free)
    }
}

fn of<S: 'static>(cx: &mut Context<S>, agent: Agent) -> Option<&mut AgentState> {
    client::state(cx).agents.get_mut(agent.0)
}

/// How long its connections may be idle, 0 for ever.
pub(super) fn timeout<S: 'static>(cx: &mut Context<S>, agent: Agent) -> u32 {
    of(cx, agent).map_or(0, |own| own.options.timeout)
}

/// Finds a connection for a request, makes one, or lets it wait for one.
pub(super) fn add_request<S: 'static>(
    cx: &mut Context<S>,
    agent: Agent,
    name: &str,
    request: ClientRequest,
    target: Target,
) {
    loop {
        let Some(own) = of(cx, agent) else { return };
        let max = own.options.max_sockets;
        let pool = own.pools.entry(name.to_owned()).or_default();
        let Some(socket) = pool.free.pop() else {
            if max.is_some_and(|max| pool.used.len() >= max) {
                pool.waiting.push_back((request, target));
                return;
            }
            return create(cx, agent, name, request, target);
        };
        if socket.destroyed(cx) || !socket.writable(cx) {
            continue;
        }
        if let Some(pool) = of(cx, agent).and_then(|own| own.pools.get_mut(name)) {
            pool.used.push(socket);
        }
        socket.set_ref(cx, true);
        let timeout = timeout(cx, agent);
        socket.set_timeout(cx, timeout); // that of the agent, until the request sets its own
        return client::assign(cx, request, socket, true);
    }
}

fn create<S: 'static>(
    cx: &mut Context<S>,
    agent: Agent,
    name: &str,
    request: ClientRequest,
    target: Target,
) {
    let socket = net::create_connection(cx, target);
    socket.set_no_delay(cx, true);
    // From now on, and not once the connection stands: that may take long, too.
    let timeout = match timeout(cx, agent) {
        0 => client::timeout(cx, request),
        timeout => timeout,
    };
    socket.set_timeout(cx, timeout);
    if let Some(pool) = of(cx, agent).map(|own| own.pools.entry(name.to_owned()).or_default()) {
        pool.used.push(socket);
    }
    connection::plug_in(cx, socket, Some((agent, name.to_owned())));
    client::assign(cx, request, socket, false);
}

/// A connection has served its request: the next that waits gets it, or it is kept, or closed.
pub(super) fn free<S: 'static>(
    cx: &mut Context<S>,
    agent: Agent,
    name: &str,
    socket: Socket,
    hint: Option<u64>,
) {
    if !socket.writable(cx) || socket.destroyed(cx) {
        socket.destroy(cx);
        return;
    }
    if pass_on(cx, agent, name, socket) {
        return;
    }
    let Some(own) = of(cx, agent) else { return };
    let options = own.options;
    let pool = own.pools.entry(name.to_owned()).or_default();
    // The server has said how long it will wait: it is not taken at its word to the last second.
    let hint = hint.map(|seconds| seconds.saturating_mul(1000).saturating_sub(AHEAD));
    if !options.keep_alive || pool.free.len() >= options.max_free_sockets || hint == Some(0) {
        socket.destroy(cx);
        return;
    }
    pool.used.retain(|known| *known != socket);
    pool.free.push(socket);
    let hint = hint.map_or(options.timeout, |hint| {
        u32::try_from(hint).unwrap_or(u32::MAX)
    });
    let timeout = match options.timeout {
        0 => 0,
        timeout => timeout.min(hint),
    };
    socket.set_ref(cx, false);
    socket.set_timeout(cx, timeout);
}

/// Gives a connection to the request that waits longest; false if none does.
fn pass_on<S: 'static>(cx: &mut Context<S>, agent: Agent, name: &str, socket: Socket) -> bool {
    let pool = of(cx, agent).and_then(|own| own.pools.get_mut(name));
    let Some((request, _)) = pool.and_then(|pool| pool.waiting.pop_front()) else {
        return false;
    };
    let timeout = timeout(cx, agent);
    socket.set_timeout(cx, timeout); // not that of the request before
    client::assign(cx, request, socket, false);
    true
}

/// A connection was not used by the request it was meant for.
pub(super) fn release<S: 'static>(cx: &mut Context<S>, agent: Agent, name: &str, socket: Socket) {
    if socket.destroyed(cx) || !pass_on(cx, agent, name, socket) {
        socket.destroy(cx);
    }
}

/// A connection is closed, or has left HTTP: a request that waits gets another.
pub(super) fn remove<S: 'static>(cx: &mut Context<S>, agent: Agent, name: &str, socket: Socket) {
    let Some(own) = of(cx, agent) else { return };
    let Some(pool) = own.pools.get_mut(name) else {
        return;
    };
    pool.used.retain(|known| *known != socket);
    pool.free.retain(|known| *known != socket);
    let next = pool.waiting.pop_front();
    own.tidy(name);
    if let Some((request, target)) = next {
        create(cx, agent, name, request, target);
    }
}

/// A request that waits for a connection needs none any more.
pub(super) fn forget<S: 'static>(
    cx: &mut Context<S>,
    agent: Agent,
    name: &str,
    request: ClientRequest,
) {
    let Some(own) = of(cx, agent) else { return };
    if let Some(pool) = own.pools.get_mut(name) {
        pool.waiting.retain(|(waiting, _)| *waiting != request);
    }
    own.tidy(name);
}

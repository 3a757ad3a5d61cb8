//! The connections of agents, and the requests that wait for one: who gets which, and what is kept.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::ids::ClientRequest;
use super::options::{AgentOptions, Place};
use crate::net::Socket;

/// By how long an idle connection is given up before the server has said it would close it.
const AHEAD: Duration = Duration::from_secs(1);

/// The connections of one agent to one place.
#[derive(Default)]
struct Pool {
    /// Those in use, the idle ones not included.
    used: Vec<Socket>,
    /// The idle ones; the one that was idle last is used first.
    free: Vec<Socket>,
    waiting: VecDeque<(ClientRequest, Place)>,
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
        let options = AgentOptions::new().keep_alive(true);
        Self::new(options.timeout(Duration::from_secs(5)))
    }

    /// Whether a connection may serve another request, so that it is worth asking the server for
    /// it.
    pub(super) fn reuses(&self) -> bool {
        self.options.keep_alive || self.options.max_sockets.is_some()
    }

    /// How long its connections may be idle, zero for ever.
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    fn pool(&mut self, name: &str) -> &mut Pool {
        self.pools.entry(name.to_owned()).or_default()
    }

    /// All its connections: in use, and idle.
    pub(super) fn sockets(&self) -> (Vec<Socket>, Vec<Socket>) {
        let pools = self.pools.values();
        let of =
            |which: fn(&Pool) -> &Vec<Socket>| pools.clone().flat_map(which).copied().collect();
        (of(|pool| &pool.used), of(|pool| &pool.free))
    }

    /// How many requests wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        self.pools.values().map(|pool| pool.waiting.len()).sum()
    }

    /// After how long the kernel is to probe an idle connection.
    pub(super) fn probes_after(&self) -> Option<Duration> {
        let delay = self.options.keep_alive_initial_delay;
        (delay >= Duration::from_secs(1)).then_some(delay)
    }

    /// An idle connection, to be used if it is still good.
    pub(super) fn take_free(&mut self, name: &str) -> Option<Socket> {
        self.pool(name).free.pop()
    }

    /// A connection is in use.
    pub(super) fn add(&mut self, name: &str, socket: Socket) {
        self.pool(name).used.push(socket);
    }

    /// Lets a request wait, if there are as many connections as there may be.
    pub(super) fn waits(&mut self, name: &str, request: ClientRequest, place: &Place) -> bool {
        let max = self.options.max_sockets;
        let pool = self.pool(name);
        let waits = max.is_some_and(|max| pool.used.len() >= max);
        if waits {
            pool.waiting.push_back((request, place.clone()));
        }
        waits
    }

    /// The request that waits longest.
    pub(super) fn next_waiting(&mut self, name: &str) -> Option<ClientRequest> {
        let (request, _) = self.pools.get_mut(name)?.waiting.pop_front()?;
        Some(request)
    }

    /// Keeps a connection that has served its request and that nobody waits for: for so long,
    /// zero for ever. `None` if it is not kept. The server may have said for how many
    /// seconds it keeps it: it is not taken at its word to the last.
    pub(super) fn keep(
        &mut self,
        name: &str,
        socket: Socket,
        hint: Option<u64>,
    ) -> Option<Duration> {
        let options = self.options;
        let pool = self.pool(name);
        let hint = hint.map(|seconds| Duration::from_secs(seconds).saturating_sub(AHEAD));
        let is_full = pool.free.len() >= options.max_free_sockets;
        if !options.keep_alive || is_full || hint == Some(Duration::ZERO) {
            return None;
        }
        pool.used.retain(|known| *known != socket);
        pool.free.push(socket);
        Some(options.timeout.min(hint.unwrap_or(options.timeout)))
    }

    /// A connection is gone: the request that waits longest is to have another.
    pub(super) fn remove(&mut self, name: &str, socket: Socket) -> Option<(ClientRequest, Place)> {
        let pool = self.pools.get_mut(name)?;
        pool.used.retain(|known| *known != socket);
        pool.free.retain(|known| *known != socket);
        let next = pool.waiting.pop_front();
        self.tidy(name);
        next
    }

    /// A request that waits for a connection needs none any more.
    pub(super) fn forget(&mut self, name: &str, request: ClientRequest) {
        if let Some(pool) = self.pools.get_mut(name) {
            pool.waiting.retain(|(waiting, _)| *waiting != request);
        }
        self.tidy(name);
    }

    fn tidy(&mut self, name: &str) {
        let empty =
            |pool: &Pool| pool.used.is_empty() && pool.free.is_empty() && pool.waiting.is_empty();
        if self.pools.get(name).is_some_and(empty) {
            self.pools.remove(name);
        }
    }
}

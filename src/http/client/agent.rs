//! What a program does with an agent.

use super::ids::Agent;
use super::options::AgentOptions;
use super::pool::AgentState;
use super::state::{agent, clients, known_agent};
use crate::Context;

impl Agent {
    /// Makes an agent (`new http.Agent(options)`).
    pub fn new<S: 'static>(cx: &mut Context<S>, options: AgentOptions) -> Self {
        let agents = &mut clients(cx).agents;
        agents.push(AgentState::new(options));
        Self(agents.len() - 1)
    }

    /// Closes its connections, those in use, too (`agent.destroy()`). It may be used again.
    pub fn destroy<S: 'static>(self, cx: &mut Context<S>) {
        let Some((used, free)) = agent(cx, self).map(|own| own.sockets()) else {
            return;
        };
        for socket in free.into_iter().chain(used) {
            socket.destroy(cx);
        }
    }

    /// How many requests wait for a connection (`agent.requests`).
    #[must_use]
    pub fn requests<S: 'static>(self, cx: &Context<S>) -> usize {
        known_agent(cx, self).map_or(0, AgentState::waiting)
    }

    /// How many connections it has: in use, and idle (`agent.sockets`, `agent.freeSockets`).
    #[must_use]
    pub fn sockets<S: 'static>(self, cx: &Context<S>) -> (usize, usize) {
        let sockets = known_agent(cx, self).map(AgentState::sockets);
        sockets.map_or((0, 0), |(used, free)| (used.len(), free.len()))
    }
}

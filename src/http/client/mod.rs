//! Clients: requests, the connections that they go out on, and agents, which use those again.

mod agent;
mod connection;
mod options;
mod received;
mod request;
mod state;
mod url;

pub use agent::{Agent, AgentOptions};
pub(in crate::http) use connection::{Responses, response};
pub use options::RequestOptions;
pub use request::{ClientRequest, RequestEvent, RequestEventKind, get, request};

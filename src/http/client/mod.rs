//! Clients: requests, the connections that they go out on, and agents, which use those again.
//!
//! | file | what | knows |
//! | --- | --- | --- |
//! | `ids.rs` | what programs call requests and agents | |
//! | `exchange/` | a request and its response as state machines: bytes out, bytes in | no loop, no socket |
//! | `pool.rs` | which connection is whose, and what is kept | no loop |
//! | `options.rs`, `url.rs` | what to ask for | no loop |
//! | `audience.rs`, `state.rs` | what the loop keeps, and who is told | where it is kept |
//! | `serving.rs` | a connection serves a request, and then the next | the ones above |
//! | `driver.rs` | how connections begin, and what happens to them | the ones above |
//! | `agent.rs`, `request.rs`, `fields.rs` | what a program does with an agent, with a request, with its fields | the ones above |

mod agent;
mod audience;
mod driver;
mod exchange;
mod fields;
mod ids;
mod options;
mod pool;
mod request;
mod serving;
mod state;
mod url;

pub use audience::{RequestEvent, RequestEventKind};
pub use ids::{Agent, ClientRequest};
pub use options::{AgentOptions, RequestOptions};
#[cfg(feature = "tls")]
pub(crate) use request::request_over;
pub use request::{get, request};
pub(in crate::http) use serving::Responses;
pub(in crate::http) use state::response;
#[cfg(feature = "tls")]
pub(crate) use url::Scheme;

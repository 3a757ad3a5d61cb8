//! HTTP/1.1 as Node's `http` shows it.

mod agent;
mod chunked;
mod client;
mod client_connection;
mod date;
mod dispatch;
mod error;
mod facts;
mod fields;
mod head;
mod incoming;
mod listeners;
mod options;
mod outgoing;
mod parser;
mod response;
mod server;
mod server_connection;
mod status_codes;
pub mod web_socket;

pub use agent::{Agent, AgentOptions};
pub use client::{ClientRequest, RequestEvent, get, request};
pub use error::ParseError;
pub use head::{Head, Limits};
pub use incoming::{IncomingMessage, MessageEvent};
pub use options::RequestOptions;
pub use parser::{Parser, Part};
pub use response::{ResponseEvent, ServerResponse};
pub use server::{Server, ServerEvent, create_server};
pub use status_codes::status_message;

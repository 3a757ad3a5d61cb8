//! Messages as data: what their bytes mean, and the bytes for what is meant. No loop, no socket.
//!
//! The one way, a [`Parser`] takes bytes apart, however they are split, into heads and pieces of
//! bodies. The other way, [`outgoing`] puts a head and a body into bytes that say what was meant
//! and nothing more.

pub(in crate::http) mod chunked;
pub(in crate::http) mod date;
mod diagnosis;
mod error;
pub(in crate::http) mod facts;
pub(in crate::http) mod fields;
mod head;
pub(in crate::http) mod incoming;
pub(in crate::http) mod outgoing;
mod parser;
mod status_codes;

pub(in crate::http) use error::Misuse;
pub use error::ParseError;
pub use head::{Head, Limits};
pub(in crate::http) use parser::PARTS_PER_TURN;
pub use parser::{Parser, Part};
pub use status_codes::status_message;

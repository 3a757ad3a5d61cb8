//! A chat server on a Node-style event loop, written directly on [`mio`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]
pub mod chat;
pub mod event_loop;
pub mod net;
pub mod server;
pub use net::{Context, EventLoop};

//! A chat server on a Node-style event loop, written directly on [`mio`].
//!
//! One thread polls its listeners and thousands of nonblocking sockets, keeps them in a
//! [`slab`], and calls back when one is ready, in the phases and the order of Node's event loop.
//! The binary `loopchat` is the chat server; this library is what it is made of, and serves any
//! program of that kind.
//!
//! # Layout
//!
//! Arrows point one way: `server` uses `chat` and `net`, `http` uses `net`, `net` uses `event_loop`;
//! `chat` uses none of them.
//!
//! | module | what it is | knows nothing of |
//! | --- | --- | --- |
//! | [`event_loop`] | the reactor: phases, timers, queues, readiness | sockets, chat |
//! | [`net`] | servers and sockets as Node's `net` shows them | chat, HTTP |
//! | [`http`] | HTTP/1.1 servers and clients as Node's `http` shows them, on `net` alone | chat |
//! | [`chat`] | members, rooms, history: a pure state machine | sockets, clocks, I/O |
//! | [`server`] | the doors: joins `chat` to `net` | |
//!
//! # Reading order
//!
//! 1. [`EventLoop::turn`](event_loop::EventLoop::turn): the loop itself, on one screen.
//! 2. [`event_loop::Context`]: what a callback can ask of the loop.
//! 3. [`net::Event`]: what can happen to a socket, when it comes and when it cannot.
//! 4. [`net::Socket`] and [`net::Server`]: what one can do with them.
//! 5. [`chat::Chat`] and [`chat::Effect`]: a line comes in, effects come out.
//! 6. [`server::ChatServer`]: how the two meet, and how one message reaches everyone.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chat;
pub mod event_loop;
pub mod http;
pub mod net;
pub mod server;
mod web;

pub use net::{Context, EventLoop};

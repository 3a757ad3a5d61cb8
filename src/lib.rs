//! A chat server on a Node-style event loop, written directly on [`mio`].
//!
//! One thread polls its listeners and thousands of nonblocking sockets, keeps them in a
//! [`slab`], and calls back when one is ready, in the phases and the order of Node's event loop.
//! The binary `loopchat` is the chat server; this library is what it is made of, and serves any
//! program of that kind.
//!
//! This page leads from the loop to the sockets and to the chat, each step on the one before. The
//! course in `docs/` goes the same way at length, with pictures and experiments.
//!
//! # 1. The loop
//!
//! An [`EventLoop`] owns timers, queues and sockets. The program's own state stays with the
//! program: [`run`](event_loop::EventLoop::run) borrows it, and lends it to every callback, one at
//! a time. So there is no lock and no reference count in a program of this kind.
//!
//! ```
//! use std::time::Duration;
//!
//! use loopchat::EventLoop;
//!
//! let mut event_loop = EventLoop::new()?;
//! event_loop.set_timeout(Duration::from_millis(1), |order: &mut Vec<&str>, cx| {
//!     order.push("timeout");
//!     cx.set_immediate(|order: &mut Vec<&str>, _cx| order.push("immediate"));
//!     cx.next_tick(|order: &mut Vec<&str>, _cx| order.push("tick"));
//! });
//! let mut order = Vec::new(); // the state; it may be of any type
//! event_loop.run(&mut order)?; // returns when nothing is left to wait for
//! assert_eq!(order, ["timeout", "tick", "immediate"]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The whole loop is one function on one screen: read
//! [`EventLoop::turn`](event_loop::EventLoop::turn), then what a callback can ask of the loop:
//! [`event_loop::Context`].
//!
//! # 2. Sockets
//!
//! [`net`] has Node's [`Server`](net::Server) and [`Socket`](net::Socket). Each is a small id that
//! may be copied and kept; what one does with it goes through the context, and what follows comes
//! as an [event](net::Event). An echo server is one listener:
//!
//! ```no_run
//! use loopchat::{EventLoop, net};
//!
//! let mut event_loop = EventLoop::new()?;
//! let server = net::create_server(&mut event_loop);
//! server.on_data(&mut event_loop, |_, cx, socket, bytes| {
//!     socket.write(cx, bytes);
//! });
//! server.listen(&mut event_loop, ("127.0.0.1", 3000));
//! event_loop.run(&mut ())?; // a listening server holds it open: until something stops it
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! It takes all that comes from a client who reads nothing: [`Socket::write`](net::Socket::write)
//! returns false when one should wait for [`Drain`](net::Event::Drain), and
//! [`Socket::pipe`](net::Socket::pipe) minds it by itself.
//! Then: [`net::Event`], what can happen, when it comes and when it cannot; [`http`], a protocol
//! on `net` as one of yours would be.
//!
//! # 3. The chat
//!
//! [`Chat`](chat::Chat) knows no socket and no clock. A line comes in, [effects](chat::Effect)
//! come out, in fields: which words are made of them is the doors' business.
//!
#![cfg_attr(feature = "chat", doc = "```")]
#![cfg_attr(not(feature = "chat"), doc = "```ignore")]
//! use loopchat::chat::{Chat, Config, Effect, Event, Peer, Settled};
//!
//! let mut chat = Chat::new(Config::default());
//! let (mut effects, mut now, utc) = (Vec::new(), 0, 1_700_000_000_000);
//! let home = Peer::Tcp([127, 0, 0, 1].into());
//! let ann = chat.connect(home, now, utc, &mut effects).expect("there is room");
//! let bob = chat.connect(home, now, utc, &mut effects).expect("there is room");
//! now = chat.next_deadline().expect("their arrivals are still to be announced");
//! chat.tick(now, utc, &mut effects);
//! effects.clear(); // greetings, and who came
//!
//! chat.line(ann, "hello", now, utc, &mut effects);
//! let Some(Effect::Append(draft)) = effects.pop() else { panic!("one thing is said") };
//! // The room's log gives it its place.
//! chat.settle(Settled::Committed { draft, number: 1, time: utc }, now, &mut effects);
//! let [Effect::Say { except, event: Event::Message(said), .. }] = effects.as_slice() else {
//!     panic!("one thing is said")
//! };
//! assert_eq!(*except, Some(ann)); // everyone else in the room gets it: bob
//! assert_eq!((&*said.author.nickname, &*said.text), ("guest1", "hello"));
//! # let _ = bob;
//! ```
//!
//! # 4. The server
//!
//! [`server::ChatServer`] joins the two: a door turns sockets' events into calls of the chat, and
//! effects into its own framing, once for each member and turn. [`server::serve`] is all that `main` calls.
//!
//! # Layout
//!
//! Arrows point one way: `server` uses `room_log`, `chat`, `net` and `http`, `http` uses `net`, `net` uses
//! `event_loop`; `store` uses `room_log` and `directory`, those the types of `chat`, and `chat` none of
//! them.
//!
//! | module | what it is | knows nothing of |
//! | --- | --- | --- |
//! | [`event_loop`] | the reactor: phases, timers, queues, readiness | sockets, chat |
//! | [`net`] | servers and sockets as Node's `net` shows them | chat, HTTP |
//! | [`http`] | HTTP/1.1 servers and clients as Node's `http` shows them, on `net` alone | chat |
//! | [`https`] | `http` over `tls` | chat |
//! | [`tls`] | TLS as Node's `tls` shows it: a layer on sockets of `net` | chat, HTTP |
//! | [`chat`] | members, rooms, history: a pure state machine | sockets, clocks, I/O |
//! | [`room_log`] | where what is said gets its place | sockets |
//! | [`directory`] | where it is kept who is who | sockets, rooms |
//! | [`passwords`] | how passwords are kept and checked, and who may try | sockets, names |
//! | [`store`] | a log of rooms and a directory that outlast the process | the loop |
//! | [`server`] | the doors: joins `chat` to `net` and `http` | |
//!
//! # Features
//!
//! The loop and the sockets are always there. The rest can be left out, with the crates it needs
//! (`default-features = false`):
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `http` | [`http`], with WebSockets |
//! | `tls` | [`tls`], and with `http` [`https`] |
//! | `chat` | [`chat`], [`room_log`] and [`directory`] |
//! | `store` | [`store`], and `chat` |
//! | `passwords` | [`passwords`], and `chat` |
//! | `server` (on unless turned off) | all of them, [`server`], and the binary |

#![cfg_attr(
    not(feature = "server"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "without all features, this page still speaks of what was left out"
    )
)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

// Helpers that tests of both kinds share name the crate as its users do.
#[cfg(test)]
extern crate self as loopchat;

#[cfg(feature = "chat")]
pub mod chat;
#[cfg(feature = "chat")]
pub mod directory;
pub mod event_loop;
#[cfg(feature = "http")]
pub mod http;
#[cfg(all(feature = "http", feature = "tls"))]
pub mod https;
pub mod net;
#[cfg(feature = "passwords")]
pub mod passwords;
#[cfg(feature = "chat")]
pub mod room_log;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "server")]
mod web;

pub use net::{Context, EventLoop};

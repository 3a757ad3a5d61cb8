//! WebSockets (RFC 6455) as Node's `ws` package shows them: endpoints, messages, the closing
//! handshake.
//!
//! An [`Endpoint`] has the listeners and limits for many WebSockets, stored once; a [`WebSocket`]
//! is a small id. [`accept`] makes a request's socket a WebSocket: whoever listened to the socket
//! before hears no more of it; [`connect`] opens one. Nothing here calls back: what follows from a
//! call comes as a later [`Event`].
//!
//! ```
//! use loopchat::http::web_socket::{self, Endpoint, Message, Options};
//! use loopchat::{EventLoop, http};
//!
//! // An echo server on ws://127.0.0.1:8080/.
//! let mut event_loop = EventLoop::<()>::new()?;
//! let endpoint = Endpoint::new(&mut event_loop, Options::default());
//! endpoint.on_message(&mut event_loop, |_, cx, web_socket, message| {
//!     let fine = match message {
//!         Message::Text(text) => web_socket.send_text(cx, text),
//!         Message::Binary(bytes) => web_socket.send_binary(cx, bytes),
//!     };
//!     if !fine {
//!         web_socket.pause(cx); // it does not read its echoes: it need not send more
//!     }
//! });
//! endpoint.on_drain(&mut event_loop, |_, cx, web_socket| web_socket.resume(cx));
//!
//! let server = http::create_server(&mut event_loop);
//! server.on_upgrade(&mut event_loop, move |_, cx, request, socket, head| {
//!     if let Err(refusal) = web_socket::accept(cx, endpoint, request, socket, head) {
//!         eprintln!("{refusal}");
//!     }
//! });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What is said to many is encoded once: [`encode_text`], then [`WebSocket::send_encoded`] for
//! each.
//!
//! | file | what | `ws` |
//! | --- | --- | --- |
//! | `handshake.rs` | a request becomes a WebSocket or is refused | `WebSocketServer.handleUpgrade` |
//! | `client.rs` | the same from the other side | `new WebSocket(url)` |
//! | `ids.rs`, `options.rs` | what one is called, and what all of an endpoint keep to | |
//! | `events.rs` | what can happen to one | events |
//! | `endpoint.rs` | listeners and limits of many | `WebSocketServer`, `EventEmitter` |
//! | `socket.rs` | one WebSocket: what it does, what it tells | `WebSocket` |
//! | `connection.rs` | what the loop keeps of one; its socket's events | `websocket.js` |
//! | `deadlines.rs` | pings, and ends that take too long | `setInterval` in `ws`'s examples |
//! | `protocol.rs` | the state machine: bytes in, events and bytes out | `Receiver`, `Sender` |
//! | `decoder.rs` | frames to messages, text checked as it comes | `Receiver` |
//! | `frame.rs` | headers, by the codec; masks | `Sender.frame` |
//! | `close.rs` | codes, reasons, and what breaks the protocol | `validation.js` |
//!
//! # Bounds
//!
//! - A message is refused at the header that makes it too large, and memory grows only with what
//!   has come: see [`Options::max_message`].
//! - While a pong cannot be sent, nothing more is read that could ask for another.
//! - A connection is served 256 messages a turn; what else was read waits for the next.
//! - A closing handshake has a deadline, and so has a ping.
//! - What a program sends is queued without a limit, as in Node: mind what a send returns, or
//!   [`WebSocket::buffered_amount`].
//!
//! No extension is negotiated, so there is no compression.

mod client;
mod close;
mod connection;
mod deadlines;
mod decoder;
mod endpoint;
mod events;
mod frame;
mod handshake;
mod ids;
mod options;
mod protocol;
mod socket;

pub use client::{ClientHandshake, connect};
pub use close::{Error, MAX_REASON, code, is_valid_close_code};
pub use connection::held;
pub use decoder::{Decoded, Decoder};
pub use endpoint::Endpoint;
pub use events::{Event, EventKind, Message};
pub use frame::Role;
pub use handshake::{Handshake, Refusal};
pub use ids::WebSocket;
pub use options::Options;
pub use protocol::{Protocol, ReadyState, Received};
pub use socket::{accept, append_binary, append_text, encode_binary, encode_text};

crate::event_loop::no_error! { Endpoint, WebSocket }

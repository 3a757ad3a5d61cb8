//! WebSockets (RFC 6455) as Node's `ws` package shows them: endpoints, messages, the closing handshake.
//!
//! An [`Endpoint`] has the listeners and limits for many WebSockets, stored once; a [`WebSocket`] is a
//! small id. A request is checked by [`Handshake::read`], and [`Handshake::accept`] makes its socket a
//! WebSocket: whoever listened to the socket before hears no more of it. Nothing here calls back: what
//! follows from a call comes as a later [`Event`].
//!
//! What is said to many is encoded once: [`encode_text`], then [`WebSocket::send_encoded`] for each.
//!
//! | file | what | `ws` |
//! | --- | --- | --- |
//! | `handshake.rs` | a request becomes a WebSocket or is refused | `WebSocketServer.handleUpgrade` |
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
//! - A message is refused at the header that makes it too large, and memory grows only with what has
//!   come: see [`Options::max_message`].
//! - While a pong cannot be sent, nothing more is read that could ask for another.
//! - A connection is served 256 messages a turn; what else was read waits for the next.
//! - A closing handshake has a deadline, and so has a ping.
//! - What a program sends is queued without a limit, as in Node: mind what a send returns, or
//!   [`WebSocket::buffered_amount`].
//!
//! No extension is negotiated, so there is no compression.

mod close;
mod connection;
mod deadlines;
mod decoder;
mod endpoint;
mod frame;
mod handshake;
mod protocol;
mod socket;

pub use close::{Error, MAX_REASON, code, is_valid_close_code};
pub use decoder::{Decoded, Decoder};
pub use endpoint::{Endpoint, Event, Message, Options};
pub use handshake::{Handshake, Refusal};
pub use protocol::{Protocol, ReadyState, Received, Role};
pub use socket::{WebSocket, append_binary, append_text, encode_binary, encode_text};

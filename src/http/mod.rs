//! HTTP/1.1 as Node's `http` shows it: servers and clients, built on [`net`](crate::net) as any
//! protocol could be.
//!
//! A program that is written with `http.createServer` in Node carries over line by line. A request
//! and its response are small copyable ids, as sockets are: their methods go through the loop's
//! context and never call back, what follows is a later event.
//!
//! ```
//! use loopchat::{EventLoop, http, net};
//!
//! // A server that answers, and a client that asks it.
//! let mut event_loop = EventLoop::<String>::new()?;
//! let server = http::create_server(&mut event_loop);
//! server.on_request(&mut event_loop, |_, cx, request, response| {
//!     let url = request.url(cx).unwrap_or_default().to_owned();
//!     response.end_with(cx, format!("you asked for {url}"));
//! });
//! server.on_listening(&mut event_loop, |_, cx, server| {
//!     let request = http::get(cx, format!("http://127.0.0.1:{}/hello", server.port(cx)));
//!     request.on_response(cx, |_, cx, _, response| {
//!         assert_eq!(response.status_code(cx), Some(200));
//!         response.on_data(cx, |heard: &mut String, _, _, bytes| {
//!             heard.push_str(&String::from_utf8_lossy(bytes));
//!         });
//!     });
//!     request.on_close(cx, move |_, cx, _| {
//!         server.close(cx);
//!     });
//! });
//! server.listen(&mut event_loop, "127.0.0.1:0".parse::<net::Address>().unwrap());
//! let mut heard = String::new();
//! event_loop.run(&mut heard)?; // ends when the server is closed
//! assert_eq!(heard, "you asked for /hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | where | what | Node |
//! | --- | --- | --- |
//! | `message/` | messages as data: heads, fields, bodies; no loop, no socket | llhttp, `_http_outgoing.js` |
//! | `server/pipeline/` | one connection of a server as a state machine: bytes in, requests and bytes out; no loop, no socket | `parserOnIncoming`, `resOnFinish` |
//! | `server/` | its driver: [`Server`], [`ServerResponse`], who is told, how a connection ends | `http.Server`, `http.ServerResponse` |
//! | `client/exchange/` | a request and its response as state machines: bytes out, bytes in; no loop, no socket | `parserOnIncomingClient` |
//! | `client/` | their driver: [`ClientRequest`], [`RequestOptions`], [`Agent`] | `http.request`, `http.ClientRequest`, `http.Agent` |
//! | `incoming.rs`, `incoming_message.rs` | [`IncomingMessage`]: a request at a server, a response at a client | `http.IncomingMessage` |
//! | `body.rs` | a body as text, or as a whole | `setEncoding`, `stream/consumers` |
//! | `web_socket/` | WebSockets, which begin as a request: see [`web_socket`] | the `ws` package |
//!
//! # What is refused
//!
//! Whatever two readers of the same bytes could take differently is answered with 400 and the end
//! of the connection, and what comes behind it is nobody's: two lengths, a length and chunks,
//! chunk sizes with anything about them, a CR or an LF alone, folded lines, blanks before a colon,
//! control characters, no `Host` or two, a `Host` that names none, transfer codings of a request
//! other than `chunked`. The other way, what is sent says what was meant and nothing more: names, values,
//! methods and paths that could begin a line of their own are errors, and a body that is not as
//! long as its head has said ends the connection.
//!
//! # What is bounded
//!
//! Heads and trailers (16 KiB), fields (2000), chunk extensions (16 KiB), requests that are handed
//! out and not answered (64 a connection), responses that their client does not read (one
//! high-water mark), the time a head, a request and the wait for the next may take. A body is
//! handed out as it comes and takes up no memory; [`Server::set_max_body`] bounds it for those who
//! collect it.

mod body;
mod client;
mod header_methods;
mod incoming;
mod incoming_message;
mod message;
mod server;
pub mod web_socket;

pub use client::{
    Agent, AgentOptions, ClientRequest, RequestEvent, RequestEventKind, RequestOptions, get,
    request,
};
#[cfg(feature = "tls")]
pub(crate) use client::{Scheme, request_over};
pub use incoming::{IncomingMessage, MessageEvent, MessageEventKind};
use message::Misuse;
pub use message::{Head, Limits, ParseError, Parser, Part, status_message};
#[cfg(feature = "tls")]
pub(crate) use server::create_secure_server;
pub use server::{ResponseEvent, ResponseEventKind, Server, ServerEvent, ServerEventKind};
pub use server::{ServerResponse, create_server, held, parts};

use crate::Context;
use crate::net::Error;

/// Told when something is sent, or cannot be.
type WriteCallback<S> = Box<dyn FnOnce(&mut S, &mut Context<S>, Option<&Error>)>;

/// What was written to a message whose connection is gone, or that was given up.
fn gone() -> Error {
    Error::with_code("ERR_STREAM_DESTROYED", "The connection was closed")
}

fn write_after_end() -> Error {
    Error::with_code("ERR_STREAM_WRITE_AFTER_END", "write after end")
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::with_code(error.code(), error.to_string())
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::with_code(misuse.code(), misuse.to_string())
    }
}

crate::event_loop::no_error! { Agent, ClientRequest, Head, IncomingMessage, Server, ServerResponse }

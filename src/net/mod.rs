//! Sockets as Node's `net` shows them: servers and sockets, TCP and IPC, events.
//!
//! The same program that is written with `net.createServer` in Node carries over line by line.
//! A [`Server`] or a [`Socket`] is a small copyable id; its methods go through the loop's context
//! and never call back: what follows from a call comes as a later [event](Event).
//!
//! ```
//! use loopchat::{EventLoop, net};
//!
//! // An echo server, and a client that says hello to it.
//! let mut event_loop = EventLoop::<String>::new()?;
//! let server = net::create_server(&mut event_loop);
//! server.on_data(&mut event_loop, |_, cx, socket, bytes| {
//!     socket.write(cx, bytes);
//! });
//! server.on_listening(&mut event_loop, |_, cx, server| {
//!     let client = net::create_connection(cx, server.address(cx).unwrap());
//!     client.on_connect(cx, |_, cx, client| {
//!         client.write(cx, b"hello");
//!     });
//!     client.on_data(cx, move |heard: &mut String, cx, client, bytes| {
//!         heard.push_str(&String::from_utf8_lossy(bytes));
//!         client.end(cx);
//!         server.close(cx);
//!     });
//! });
//! server.listen(&mut event_loop, "127.0.0.1:0".parse::<net::Address>().unwrap());
//! let mut heard = String::new();
//! event_loop.run(&mut heard)?; // ends when the server and its last connection are closed
//! assert_eq!(heard, "hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Listeners
//!
//! Whatever is listened to has the same methods, here and in [`http`](crate::http), with Node's rules:
//!
//! - `on_data`, and its like for each event, calls back on every such event, with what it brings;
//!   `once_data` on the next only, and the listener is removed before it is called. Both give the
//!   subject back, so that calls may be chained.
//! - `on`, `once`, `prepend` and `prepend_once` take the kind of the event, call back with the event
//!   as it is, and give back a [`ListenerId`], with which `off` removes the listener.
//! - Listeners are called in the order in which they were added, those that were prepended first. An
//!   event is heard by those who listen when it begins: who is added by one of them hears the next,
//!   and who is removed by one of them still hears this. Only [`Socket::remove_all_listeners`] is at
//!   once: it gives the socket to somebody else.
//! - `listener_count` says how many the subject has. Those that a server has for all its sockets
//!   ([`Server::on_data`], [`Server::on_socket_event`]) hear an event before the socket's own, and are
//!   not counted with them.
//!
//! # Files
//!
//! Each knows only files below it:
//!
//! | file | what | Node |
//! | --- | --- | --- |
//! | `socket.rs`, `status.rs`, `on.rs` | [`Socket`]: what it does, what it tells, who listens | `net.Socket` |
//! | `pipe.rs`, `text.rs`, `data.rs` | forwarding with backpressure, text across reads, values hung on sockets | `pipe`, `setEncoding`, properties |
//! | `accept.rs`, `connect.rs` | how connections begin | `net.connect`, libuv's `tcp.c` |
//! | `reading.rs` | from the descriptor to `Data` and `End` | `stream_base_commons.js`, libuv's `stream.c` |
//! | `writing.rs` | from `write` and `end` to the descriptor | the same |
//! | `opening.rs` | how a layer comes in between, as TLS | `TLSSocket`'s handshake |
//! | `broken.rs`, `ending.rs`, `lingering.rs`, `unacknowledged.rs` | how they end: broken, in order, waiting for the peer | |
//! | `closing.rs` | the end of all of them: `destroy` and `Close` | `net.Socket._destroy` |
//! | `idle.rs` | the idle timer | `socket.setTimeout` |
//! | `emitting.rs` | who hears of what happens | `EventEmitter.emit` |
//! | `server.rs` | [`Server`]: its events, listening, closing | `net.Server` |
//! | `connection.rs` | what the loop keeps of one socket | `net.Socket` |
//! | `layer.rs`, `layered.rs` | [`Layer`]: what may stand before the descriptor; the two as one | `TLSWrap`, a stream on a stream |
//! | `inbox.rs`, `outbox.rs`, `states.rs`, `stream.rs` | the parts of that: bytes to hand out, to send; how far it is; the descriptor | |
//! | `lookup.rs`, `options.rs`, `listener.rs` | names looked up, where to connect and to listen, a bound port or path | `server.listen(handle)` |
//! | `events.rs` | what can happen | events |
//! | `held.rs` | what all of that makes the process hold | |
//! | `ids.rs`, `address.rs`, `error.rs` | what sockets and servers are called, addresses, errors with Node's codes | `server.address()`, `err.code` |

mod accept;
mod address;
mod broken;
mod closing;
mod connect;
mod connection;
mod data;
mod emitting;
mod ending;
mod error;
mod events;
mod held;
mod idle;
mod ids;
mod inbox;
mod layer;
mod layered;
mod lingering;
mod listener;
mod lookup;
mod on;
mod opening;
mod options;
mod outbox;
mod pipe;
mod reading;
mod server;
mod socket;
mod states;
mod status;
mod stream;
mod text;
mod unacknowledged;
mod writing;

pub use address::{Address, RemoteParty, Target, counted, is_ip};
pub use error::Error;
pub use events::{Dropped, Event, EventKind, ServerEvent, ServerEventKind};
pub use held::{Holding, held_bytes};
pub use ids::{Server, Socket};
pub use layer::{Layer, Side, Stage};
pub use listener::Listener;
pub use lookup::LookupRequest;
pub use options::{ConnectOptions, ListenOptions};
pub use pipe::PipeOptions;
pub use status::ReadyState;
pub use stream::BufferSizes;
pub use text::StringDecoder;

pub use crate::event_loop::ListenerId;
use crate::event_loop::{self, Counters, HandleId, slot_size};
use connection::Connection;
use server::ServerHandle;

event_loop::no_error! { Socket, Server, Address, Error }

/// An event loop whose handles are sockets and servers; `S` is the program's own state.
pub type EventLoop<S> = event_loop::EventLoop<Handle<S>>;

/// What every callback of an [`EventLoop`] gets, to reach the loop and its sockets.
pub type Context<S> = event_loop::Context<Handle<S>>;

/// What [`EventLoop`] polls: a server or a socket.
///
/// Programs name them by [`Server`] and [`Socket`]; this type only says what the loop stores.
pub struct Handle<S>(HandleKind<S>);

enum HandleKind<S> {
    Server(Box<ServerHandle<S>>),
    Connection(Connection<S>),
}

// There are thousands of them. Where debug assertions are on, mio keeps more of a socket.
const _: () = assert!(cfg!(debug_assertions) || slot_size::<Handle<()>>() <= 104);

/// Makes a server that does not listen yet (`net.createServer`).
pub fn create_server<S>(cx: &mut Context<S>) -> Server {
    Server(cx.insert(Handle(HandleKind::Server(Box::default()))))
}

/// Makes a socket and connects it (`net.createConnection`, `net.connect`): to an IP address, to a
/// host name that is looked up first, or to the path of an IPC server. Its
/// outcome is an event: [`Event::Connect`], or [`Event::Error`] and [`Event::Close`].
pub fn create_connection<S>(cx: &mut Context<S>, to: impl Into<ConnectOptions<S>>) -> Socket {
    let socket = Socket::new(cx);
    socket.set_reusable(cx, false);
    socket.connect(cx, to)
}

impl<S> event_loop::Handle for Handle<S> {
    type State = S;

    fn ready(state: &mut S, cx: &mut Context<S>, id: HandleId) {
        match cx.handle(id).map(|handle| &handle.0) {
            Some(HandleKind::Server(_)) => accept::ready(state, cx, id),
            Some(HandleKind::Connection(connection))
                if connection.life == states::Life::Connecting =>
            {
                connect::ready(state, cx, id);
            }
            Some(HandleKind::Connection(_)) => {
                // In this order: what came before a reset is still handed out.
                reading::ready(state, cx, id);
                writing::ready(state, cx, id);
            }
            None => {}
        }
    }

    fn pending(state: &mut S, cx: &mut Context<S>, id: HandleId) {
        connect::pending(state, cx, id);
        ending::shut_down(state, cx, id);
    }

    fn closed(state: &mut S, cx: &mut Context<S>, id: HandleId) {
        closing::closed(state, cx, id);
    }

    fn timeout(state: &mut S, cx: &mut Context<S>, id: HandleId) {
        match cx.handle(id).map(|handle| &handle.0) {
            Some(HandleKind::Server(_)) => accept::retry(cx, id),
            Some(HandleKind::Connection(_)) => idle::idle(state, cx, id),
            None => {}
        }
    }

    fn kind(&self) -> &'static str {
        match &self.0 {
            HandleKind::Server(_) => "server",
            HandleKind::Connection(connection) => connection.kind(),
        }
    }
}

/// How the files of this room reach a handle by its id.
trait Handles<S> {
    fn connection(&self, id: HandleId) -> Option<&Connection<S>>;
    fn connection_mut(&mut self, id: HandleId) -> Option<&mut Connection<S>>;
    fn connection_and_counters(
        &mut self,
        id: HandleId,
    ) -> Option<(&mut Connection<S>, &mut Counters)>;
    fn server(&self, id: HandleId) -> Option<&ServerHandle<S>>;
    fn server_mut(&mut self, id: HandleId) -> Option<&mut ServerHandle<S>>;
}

impl<S> Handles<S> for Context<S> {
    fn connection(&self, id: HandleId) -> Option<&Connection<S>> {
        match &self.handle(id)?.0 {
            HandleKind::Connection(connection) => Some(connection),
            HandleKind::Server(_) => None,
        }
    }

    fn connection_mut(&mut self, id: HandleId) -> Option<&mut Connection<S>> {
        match &mut self.handle_mut(id)?.0 {
            HandleKind::Connection(connection) => Some(connection),
            HandleKind::Server(_) => None,
        }
    }

    fn connection_and_counters(
        &mut self,
        id: HandleId,
    ) -> Option<(&mut Connection<S>, &mut Counters)> {
        match self.handle_and_counters(id)? {
            (Handle(HandleKind::Connection(connection)), counters) => Some((connection, counters)),
            (Handle(HandleKind::Server(_)), _) => None,
        }
    }

    fn server(&self, id: HandleId) -> Option<&ServerHandle<S>> {
        match &self.handle(id)?.0 {
            HandleKind::Server(server) => Some(server),
            HandleKind::Connection(_) => None,
        }
    }

    fn server_mut(&mut self, id: HandleId) -> Option<&mut ServerHandle<S>> {
        match &mut self.handle_mut(id)?.0 {
            HandleKind::Server(server) => Some(server),
            HandleKind::Connection(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;

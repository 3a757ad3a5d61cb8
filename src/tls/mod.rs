//! TLS as Node's `tls` shows it, on the sockets of [`net`](crate::net): versions 1.2 and 1.3, by
//! `rustls`.
//!
//! A connection that speaks TLS is a [`Socket`](crate::net::Socket) as any other. It has the same
//! events, in plaintext, and whatever protocol is spoken on sockets is spoken on it. What comes
//! first is the handshake: a server hears of a client by
//! [`SecureConnection`](crate::net::ServerEvent::SecureConnection), a client of its server by
//! [`SecureConnect`](crate::net::Event::SecureConnect). What is written before that waits.
//!
//! ```no_run
//! use loopchat::{EventLoop, tls};
//!
//! let (key, cert) = (std::fs::read("key.pem")?, std::fs::read("cert.pem")?);
//! let context = tls::SecureContextOptions::new().key_and_cert(key, cert);
//! let context = tls::SecureContext::new(&context).expect("a key and its certificate");
//!
//! let mut event_loop = EventLoop::new()?;
//! let options = tls::ServerOptions::new(context);
//! let server = tls::create_server(&mut event_loop, options).expect("good options");
//! server.on_secure_connection(&mut event_loop, |_, cx, socket| {
//!     socket.write(cx, "welcome!\n");
//!     socket.pipe(cx, socket);
//! });
//! server.listen(&mut event_loop, 8000);
//! event_loop.run(&mut ())?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What is checked, and what is not spoken
//!
//! A client knows its server by the name that it connects to, and by the system's authorities or
//! those that it is given; who is anybody else is an error, unless
//! [`reject_unauthorized`](ConnectOptions::reject_unauthorized) is off. An end that did not come
//! from the peer is an error, too: whoever cuts a connection cannot make it look complete. There is
//! no 0-RTT, no renegotiation, no compression, and no way back to plaintext: a layer is
//! [taken off](crate::net::Socket::remove_layer) only from a peer that never began to speak TLS.
//!
//! # Files
//!
//! | file | what | knows | Node |
//! | --- | --- | --- | --- |
//! | `server.rs`, `client.rs` | the two ends | `net`, and what is below | `tls.createServer`, `tls.connect` |
//! | `under_way.rs` | a server's handshakes, and which goes if there are too many | no loop | |
//! | `socket.rs` | what a socket tells of its TLS | `session.rs` | `tls.TLSSocket` |
//! | `session.rs` | one connection: bytes in, plaintext and bytes out | no loop, no socket | `TLSWrap` |
//! | `context.rs` | keys, certificates, whom one trusts | no loop | `tls.SecureContext` |
//! | `roots.rs` | whose signatures one trusts; the system's, and when they are read | no loop | `tls.rootCertificates` |
//! | `verify.rs`, `certificate.rs` | who the peer is | no loop | `tls.checkServerIdentity` |
//! | `error.rs` | what goes wrong, with OpenSSL's codes | | `err.code` |

mod certificate;
mod client;
mod context;
mod error;
mod roots;
mod server;
mod session;
mod socket;
mod under_way;
mod verify;

pub use certificate::{PeerCertificate, fingerprint};
pub use client::{ConnectOptions, connect, upgrade};
pub use context::{SecureContext, SecureContextOptions, Version};
pub use server::{ServerOptions, create_server, secure_server};
pub use socket::Cipher;

#[cfg(test)]
mod tests;

/// What the tests of both kinds have in common.
#[cfg(test)]
#[path = "../../tests/support"]
mod testing {
    pub(super) mod certificates;
}

//! TLS on real sockets: both ends here, and OpenSSL at the other.
//!
//! | file | what |
//! | --- | --- |
//! | `talking.rs` | the handshake, data both ways, backpressure, the end |
//! | `who.rs` | certificates of servers and of clients, sessions that are resumed |
//! | `refusing.rs` | truncation, what is no TLS, slow, half and too many handshakes |
//! | `https.rs` | HTTP over it: requests, agents, `curl` |
//! | `openssl.rs` | `openssl s_client` and `s_server` at the other end |
//!
//! What a session makes of bytes in whatever pieces is tested without sockets, in
//! `src/tls/tests.rs`.

#[path = "../support/certificates.rs"]
mod certificates;
#[cfg(feature = "http")]
mod https;
mod openssl;
mod refusing;
mod rig;
mod talking;
mod who;

//! What programs call servers and responses.

use crate::net::{self, Socket};

/// A server (`http.Server`): a small id; everything goes through the context. It is a
/// [`net::Server`], and [`net`](Self::net) is that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server(pub(super) net::Server);

/// The response to a request (`http.ServerResponse`): a small id; everything goes through the
/// context.
///
/// It is good until its [`Close`](super::ResponseEvent::Close). A response whose connection is gone
/// takes everything and does nothing.
///
/// The head goes out with the first of the body. A body given to [`end_with`](Self::end_with) at
/// once gets a `Content-Length`; one that is [written](Self::write) piece by piece goes out in
/// chunks, unless the program has set a length. What is written to a later response of a
/// pipelining client waits for the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerResponse {
    pub(in crate::http) socket: Socket,
    pub(in crate::http) number: u32,
}

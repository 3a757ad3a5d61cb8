//! What programs call a WebSocket.

use crate::net::Socket;

/// One end of a WebSocket (`WebSocket` of Node's `ws`): a small id; everything goes through the
/// context.
///
/// It is good until its [`Event::Close`](super::Event::Close); done with a stale one, everything
/// is a no-op. What it does comes to the listeners of its [`Endpoint`](super::Endpoint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebSocket(pub(super) Socket);

//! What programs call sockets and servers.

use crate::event_loop::HandleId;

/// A server (`net.Server`): a small id; everything goes through the context.
///
/// It stays known to its loop until the loop ends, so it may listen again after it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server(pub(super) HandleId);

/// One end of a connection (`net.Socket`): a small id; everything goes through the context.
///
/// It is good until its [`Event::Close`](super::Event::Close), or longer if it is
/// [reusable](Self::set_reusable); done with a stale one, everything is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket(pub(super) HandleId);

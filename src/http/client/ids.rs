//! What programs call requests and agents.

/// A request that a client makes (`http.ClientRequest`): a small id; everything goes through the
/// context.
///
/// It is good until its [`Close`](super::RequestEvent::Close), which always comes, once; done with
/// a stale one, everything is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientRequest {
    pub(super) index: usize,
    pub(super) generation: u64,
}

/// Keeps connections to be used again (`http.Agent`): a small id; everything goes through the
/// context. It is good until the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Agent(pub(super) usize);

//! What is kept of a response: with its connection up to the next, and beyond that if somebody wants it.

use crate::http::incoming::Listeners;
use crate::http::message::Head;
use crate::http::message::incoming::Incoming;

/// A response, and who listens to it.
pub(super) struct Received<S> {
    pub(super) incoming: Incoming,
    pub(super) listeners: Listeners<S>,
}

impl<S> Received<S> {
    pub(super) fn new(head: Head) -> Self {
        Self {
            incoming: Incoming::new(head),
            listeners: Listeners::default(),
        }
    }

    /// Whether something of it is still to be told, and somebody listens to it or has paused it.
    pub(super) fn is_wanted(&self) -> bool {
        let Self {
            incoming,
            listeners,
        } = self;
        let told = incoming.has_ended() || incoming.is_closed();
        !told && (incoming.is_decided() || listeners.any())
    }
}

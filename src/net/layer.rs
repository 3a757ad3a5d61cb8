//! What may stand between a descriptor and whoever uses the socket: a layer that makes of the
//! bytes that come those that are handed out, and of those that are written those that go. TLS is
//! one.
//!
//! A [`Layer`] is a state machine without loop or socket. What joins it to a descriptor is
//! [`Layered`](super::layered::Layered); to the rest of the socket the two look like a descriptor
//! of their own.

use std::any::Any;
use std::io::IoSlice;

use super::Error;

/// How far a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The two ends still talk about how they will talk (TLS: the handshake). Nothing is handed
    /// out, and what is written waits.
    Opening,
    /// Data may go both ways.
    Open,
    /// The peer has said that no more comes (TLS: close_notify). Writing goes on.
    Ended,
}

/// Bytes in, events and bytes out: what stands between a descriptor and its user.
///
/// It is given everything that comes, in whatever pieces, and keeps what it cannot read yet; there
/// is to be a bound to that. Whatever it has to say itself it appends to `answer`.
pub trait Layer: Any {
    /// Takes what has come, and hands on all that can be read by now. Called with nothing when the
    /// connection stands, so that it may begin.
    ///
    /// # Errors
    ///
    /// Why nothing can be read any more. It is not called again then; what was handed on before it
    /// stays good, and `answer` is still sent.
    fn receive(
        &mut self,
        came: &mut [u8],
        hand_on: &mut dyn FnMut(&[u8]),
        answer: &mut Vec<u8>,
    ) -> Result<(), Error>;

    /// Makes of the first of these bytes, some of them, what is to go, behind what is in `answer`;
    /// how many that were. Never called while it [opens](Stage::Opening), or with none.
    ///
    /// # Errors
    ///
    /// Why nothing can be sent any more.
    fn send(&mut self, bytes: &[IoSlice<'_>], answer: &mut Vec<u8>) -> Result<usize, Error>;

    /// No more will be sent: appends what tells the peer so. Called once, and never while it opens.
    fn end(&mut self, answer: &mut Vec<u8>);

    /// How far it is.
    fn stage(&self) -> Stage;

    /// Called once, when it has opened: what is wrong with the peer, if the connection is not to be
    /// used because of that. Nothing that was written has been sent yet, and nothing handed out.
    ///
    /// # Errors
    ///
    /// What the socket is destroyed with.
    fn opened(&mut self) -> Result<(), Error>;

    /// What it means that the bytes end before the peer has [said so](Stage::Ended).
    fn cut_off(&self) -> Error;

    /// Bytes that it keeps, since they cannot be read yet.
    fn kept(&self) -> usize;

    /// Everything that it was given, if the socket can go on without it: if what the peer sends is
    /// none of what the layer speaks (TLS: no handshake), and it has not answered anything; or if
    /// nothing was sent either way.
    fn give_back(&mut self) -> Option<Vec<u8>>;
}

/// Which end of the connection a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What waits for the other to begin.
    Server,
    /// What begins.
    Client,
}

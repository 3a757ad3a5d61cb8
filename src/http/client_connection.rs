//! What a client does with the bytes of one connection.

use super::incoming::{Incoming, IncomingMessage};
use crate::Context;
use crate::net::Socket;

pub(super) fn incoming<S: 'static>(
    _cx: &mut Context<S>,
    _socket: Socket,
    _number: u32,
) -> Option<&mut Incoming<S>> {
    None
}

pub(super) fn known_incoming<S: 'static>(
    _cx: &Context<S>,
    _socket: Socket,
    _number: u32,
) -> Option<&Incoming<S>> {
    None
}

pub(super) fn response_ended<S: 'static>(_cx: &mut Context<S>, _message: IncomingMessage) {}

pub(super) fn go_on<S: 'static>(_cx: &mut Context<S>, _socket: Socket) {}

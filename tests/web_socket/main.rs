//! WebSockets on real sockets: a server of this crate's, and a client that writes its frames by
//! hand, so that it can break every rule. The server is on a thread of its own, where time stands
//! still; what is about time, or about who gets how much of a turn, is tried in one thread, on a
//! clock that jumps (`rig.rs`).

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/virtual_time.rs"]
mod virtual_time;

mod backpressure;
mod client;
mod closing;
mod deadlines;
mod framing;
mod handshake;
mod keep_alive;
mod opening;
mod protocol;
mod rig;
mod server;

use client::{Client, Frame};
use server::Echo;

/// The first byte of a frame that is the last of its message.
const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A close frame with this code and this reason.
fn close_frame(code: u16, reason: &str) -> Frame {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    Frame {
        first: FIN | CLOSE,
        payload,
    }
}

fn text(text: &str) -> Frame {
    Frame {
        first: FIN | TEXT,
        payload: text.into(),
    }
}

fn pong(payload: &[u8]) -> Frame {
    Frame {
        first: FIN | PONG,
        payload: payload.into(),
    }
}

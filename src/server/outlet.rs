//! Where a member's lines go: a connection of either door.
//!
//! Limits, deliveries and farewells are the same for everyone. What differs is how bytes are
//! framed, how reading is stopped, and how one ends; that is here.

use super::ChatServer;
use super::fan_out::Payload;
use super::hub::Progress;
use super::{line_door, web_door};
use crate::http::web_socket::WebSocket;
use crate::net::{Context, Socket};

/// A member's end of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outlet {
    /// Lines as they are: `nc`.
    Line(Socket),
    /// Text messages of lines: a browser.
    Web(WebSocket),
}

impl Outlet {
    /// The socket under it: what waits and what was sent is counted there.
    pub(super) fn socket(self) -> Socket {
        match self {
            Self::Line(socket) => socket,
            Self::Web(web_socket) => web_socket.socket(),
        }
    }

    /// The bytes that wait for the member, and those ever sent to it.
    pub(super) fn progress(self, cx: &Context<ChatServer>) -> Progress {
        let socket = self.socket();
        let waiting = socket.buffered(cx);
        let sent = socket.bytes_written(cx) - waiting as u64;
        Progress { waiting, sent }
    }

    /// Writes what a turn has brought for the member: one write, one message.
    pub(super) fn write(self, cx: &mut Context<ChatServer>, payload: Payload<'_>) {
        match (self, payload) {
            (Self::Line(socket), Payload::Shared(batch)) => {
                socket.write_shared(cx, batch.bytes());
            }
            (Self::Line(socket), Payload::Own(bytes)) => {
                socket.write(cx, bytes);
            }
            (Self::Web(web_socket), Payload::Shared(batch)) => {
                web_socket.send_encoded(cx, batch.frame());
            }
            (Self::Web(web_socket), Payload::Own(bytes)) => {
                // It is text, put together from lines.
                web_socket.send_text(cx, &String::from_utf8_lossy(bytes));
            }
        }
    }

    /// Asks it for more, unless it still has lines that were not heard.
    pub(super) fn read_on(self, server: &mut ChatServer, cx: &mut Context<ChatServer>) {
        match self {
            Self::Line(socket) => {
                socket.resume(cx);
            }
            Self::Web(web_socket) => web_door::read_on(server, cx, web_socket),
        }
    }

    /// Ends the connection of a member that has left the chat, after `last`, which it is still to
    /// get.
    pub(super) fn close(self, server: &mut ChatServer, cx: &mut Context<ChatServer>, last: &[u8]) {
        if !last.is_empty() {
            self.write(cx, Payload::Own(last));
        }
        match self {
            Self::Line(socket) => line_door::close(server, cx, socket),
            Self::Web(web_socket) => web_door::close(server, cx, web_socket, last),
        }
    }
}

//! Where a member's lines go: a connection of one of the doors.
//!
//! Limits, deliveries and farewells are the same for everyone. What differs is how bytes are
//! written, how reading goes on, and how a session ends: each door says that in a [`Door`].

use std::rc::Rc;

use crate::chat::DisconnectReason;
use crate::net::{Context, Socket};
use crate::server::ChatServer;
use crate::server::core::fan_out::Payload;
use crate::server::core::hub::Progress;
use crate::server::doors::DOORS;

/// What a door does for its members.
#[derive(Debug)]
pub(in crate::server) struct Door {
    /// Writes what a turn has brought for a member: one write, one message.
    pub(in crate::server) write: fn(Socket, &mut Context<ChatServer>, Payload<'_>),
    /// Asks for more, unless there is still something that was not heard.
    pub(in crate::server) read_on: fn(&mut ChatServer, &mut Context<ChatServer>, Socket),
    /// Ends the connection of a member that has left the chat, for this reason if the server has
    /// one. Everything that the member is still to get was written.
    pub(in crate::server) close:
        fn(&mut ChatServer, &mut Context<ChatServer>, Socket, Option<&DisconnectReason>),
    /// Lets go of what is read and was not heard: nobody will hear it. Nothing, if what comes has
    /// to be read on from where it is.
    pub(in crate::server) forget_unread: fn(Socket, &mut Context<ChatServer>),
    /// Shows the rooms as they are now, if the door shows them.
    pub(in crate::server) show_board: Option<ShowBoard>,
}

/// A door's place in [`DOORS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct DoorId(pub(in crate::server) u8);

type ShowBoard = fn(Socket, &mut Context<ChatServer>, &Rc<Vec<u8>>);

/// A member's end of its connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Outlet {
    pub(in crate::server) door: DoorId,
    /// What waits and what was sent is counted there.
    pub(in crate::server) socket: Socket,
}

// There is one for each member, and there are thousands of them.
const _: () = assert!(size_of::<Option<Outlet>>() <= 12);

impl Outlet {
    pub(in crate::server) fn door(self) -> &'static Door {
        DOORS[usize::from(self.door.0)]
    }

    /// The bytes that wait for the member, and those ever sent to it.
    pub(in crate::server) fn progress(self, cx: &Context<ChatServer>) -> Progress {
        let waiting = self.socket.buffered(cx);
        let sent = self.socket.bytes_written(cx) - waiting as u64;
        Progress { waiting, sent }
    }

    pub(in crate::server) fn write(self, cx: &mut Context<ChatServer>, payload: Payload<'_>) {
        (self.door().write)(self.socket, cx, payload);
    }

    pub(in crate::server) fn read_on(self, server: &mut ChatServer, cx: &mut Context<ChatServer>) {
        (self.door().read_on)(server, cx, self.socket);
    }

    /// Ends the connection of a member that has left the chat, after `last`, which it is still to
    /// get.
    pub(in crate::server) fn close(
        self,
        server: &mut ChatServer,
        cx: &mut Context<ChatServer>,
        reason: Option<&DisconnectReason>,
        last: &[u8],
    ) {
        if !last.is_empty() {
            self.write(cx, Payload::Own(last));
        }
        (self.door().close)(server, cx, self.socket, reason);
    }
}

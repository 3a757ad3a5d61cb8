//! What has to happen outside of the chat.

#[cfg(doc)]
use super::Chat;
use super::{Line, MemberId, RoomId};

/// Something the caller has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// One line for one member.
    Tell {
        /// Who gets it. May have been removed by a later effect of the same call (`/quit`).
        to: MemberId,
        /// What to send.
        line: Line,
    },
    /// What one member says to another alone. The caller may leave it out, if the other does not
    /// keep up, and then tells its author [so](super::undelivered).
    Private {
        /// Who says it.
        from: MemberId,
        /// Who gets it.
        to: MemberId,
        /// What to send.
        line: Line,
    },
    /// One line for every member of a room, as the room is at this place in the order of effects.
    Say {
        /// The room that hears it. It had at least one member when this was said.
        room: RoomId,
        /// The one member that does not get it, mostly the author. It is a member, but need not be
        /// in the room.
        except: Option<MemberId>,
        /// Whether it may be left out for a member that does not keep up.
        kind: SayKind,
        /// What to send.
        line: Line,
    },
    /// A member went from one room to another, at exactly this place in the order of effects.
    ///
    /// Lines said to `from` before it reach the member, later ones do not; lines said to `to` reach
    /// it only when they come after this effect (what was said before is in the replay it gets).
    Moved {
        /// Who moved.
        member: MemberId,
        /// The room it was in, or `None` if it has just connected. The room may be gone by now.
        from: Option<RoomId>,
        /// The room it is in now, or `None` if it left the chat.
        to: Option<RoomId>,
    },
    /// Close this connection once everything it was told is flushed.
    ///
    /// The member has been removed already: its `Moved { to: None }` came before, and there is no
    /// need to call [`Chat::leave`] (although it does no harm).
    Disconnect {
        /// Whose connection to close.
        member: MemberId,
    },
    /// Somebody wants to know something that only the caller can tell.
    Report {
        /// Who gets the answer: notices, one line each, `* ...`.
        to: MemberId,
        /// What it wants to know.
        what: Report,
    },
    /// An operator has kicked, banned or muted somebody, or taken that back: for the log. No
    /// member can choose how it begins, nor put a word of its own into it.
    Record {
        /// `kicked ADDRESS nick=NICK by=NICK` and the like, see `docs/operating.md`.
        line: Line,
    },
    /// An operator wants the server to end, in the way in which a signal would end it.
    Shutdown,
}

/// What is said in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SayKind {
    /// What a member says or does. It is in the room's history, so a member that does not read may
    /// be spared it, and told [how many](super::skipped) it was spared.
    Message,
    /// The chat speaks: of who comes and goes, a topic, an announcement. It is said once and kept
    /// nowhere, so it is left out last. A member's own answers never are.
    Notice,
}

/// What somebody may want to know that the chat does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// How the server is doing; anybody may ask.
    Loop,
    /// The limits of the connections. The chat has told its own just before.
    Limits,
    /// The connections: what waits for each, and how each is.
    Connections,
}

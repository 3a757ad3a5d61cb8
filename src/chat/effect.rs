//! What has to happen outside of the chat.

use std::rc::Rc;

#[cfg(doc)]
use super::Chat;
use super::peer::Origin;
use super::{
    Answer, DisconnectReason, Draft, Event, MemberId, Message, Name, Peer, Query, Question, RoomId,
    Text,
};

/// Something the caller has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something for one member.
    Tell {
        /// Who gets it. May have been removed by a later effect of the same call (`/quit`).
        to: MemberId,
        /// What it is told.
        answer: Answer,
    },
    /// What one member says to another alone: it has its place between the two. The caller may leave
    /// it out for who does not keep up, since it is remembered.
    Private {
        /// Who says it; `None` if it has left since.
        author: Option<MemberId>,
        /// Who gets it; `None` if it has left since, or does not want to: then it is left out, and
        /// its author is not told so.
        reader: Option<MemberId>,
        /// What is said.
        message: Rc<Message>,
    },
    /// Something that is to get its place in a log; what has become of it the chat is to be
    /// [told](Chat::settle). What is for one member alone that does not keep up the caller may
    /// leave out, and tells its author [so](super::Refusal::NotDelivered).
    Append(Draft),
    /// A member wants to read what the chat does not remember, and what a log may have: then the
    /// chat is told what it [has found](Chat::found), and if it has not,
    /// [that](Chat::not_found).
    Query(Query),
    /// Something for every member of a room, as the room is at this place in the order of effects.
    Say {
        /// The room that hears it. It had at least one member when this was said.
        room: RoomId,
        /// The one member that knows it already, mostly its author. It is a member, but need not
        /// be in the room.
        except: Option<MemberId>,
        /// What is heard.
        event: Event,
    },
    /// A member went from one room to another, at exactly this place in the order of effects.
    ///
    /// What was said to `from` before it reaches the member, later it does not; what was said to
    /// `to` reaches it only when it comes after this effect (what was said before is in the history
    /// it gets).
    Moved {
        /// Who moved.
        member: MemberId,
        /// The room it was in, or `None` if it has just connected. The room may be gone by now.
        from: Option<RoomId>,
        /// The room it is in now, or `None` if it left the chat.
        to: Option<RoomId>,
    },
    /// A member hears a room beside its own from now on, or no more; in the order of effects as
    /// [`Moved`](Self::Moved). It is a member of it.
    Watched {
        /// Who hears it.
        member: MemberId,
        /// The room. It may be gone by now.
        room: RoomId,
        /// Whether it is heard.
        is_watched: bool,
    },
    /// What another says in rooms reaches a member no more, or again. Of what is said to it alone
    /// the chat itself takes care.
    Ignored {
        /// Who wants to hear nothing.
        member: MemberId,
        /// Of whom.
        whom: MemberId,
        /// Whether that holds from now on, or no more.
        is_ignored: bool,
    },
    /// A member wants to see when each message was said; or never, not even of old ones. Until it
    /// says so it sees it of old ones.
    Times {
        /// Who wants it.
        member: MemberId,
        /// Whether it wants to.
        is_on: bool,
    },
    /// Close this connection once everything it was told is flushed.
    ///
    /// The member has been removed already: its `Moved { to: None }` came before, and there is no
    /// need to call [`Chat::leave`] (although it does no harm). Only who quits by one of
    /// [several](Chat::share) connections is still there, and who is [held](Chat::hold).
    Disconnect {
        /// Whose connection to close.
        member: MemberId,
        /// Why. It was told so.
        reason: DisconnectReason,
    },
    /// Somebody wants to know something that only the caller can tell, in an
    /// [`Answer::Report`].
    Ask {
        /// Who gets the answer.
        to: MemberId,
        /// What it wants to know.
        what: Question,
    },
    /// An operator has kicked, banned or muted somebody, or taken that back: for the log.
    Record(Record),
    /// An operator wants the server to end, in the way in which a signal would end it.
    Shutdown,
}

/// What an operator has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The operator.
    pub by: Name,
    /// What it was.
    pub what: Recorded,
}

/// What is recorded of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Somebody was disconnected.
    Kicked {
        /// From where it came.
        from: Peer,
        /// Who it was.
        nickname: Name,
    },
    /// Nobody is let in from there.
    Banned {
        /// From there.
        origin: Origin,
        /// For how long.
        seconds: u32,
        /// How many members were disconnected.
        members: usize,
    },
    /// A ban was lifted.
    Unbanned {
        /// This one.
        origin: Origin,
    },
    /// Somebody is to be quiet.
    Muted {
        /// From where it comes.
        from: Peer,
        /// Who it is.
        nickname: Name,
        /// For how long.
        seconds: u32,
    },
    /// Somebody need not be quiet any more.
    Unmuted {
        /// Its member, if it was named.
        nickname: Option<Name>,
        /// From where it comes.
        from: Text,
    },
}

//! What is heard: by a room, or by one member of another.
//!
//! An event is what has happened, in fields. How it is put into words, or into JSON, is the doors'
//! business; nothing in the program reads it back from there.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{Epoch, EventId, MemberId, Millis, Name, Text};

/// Something that a room hears, as a member of it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody says or does something.
    Message(Rc<Message>),
    /// What somebody has said is to be forgotten.
    Redaction(Rc<Redaction>),
    /// The room has another topic.
    Topic(Rc<TopicSet>),
    /// Somebody is here now.
    Arrival {
        /// As what it is known to the chat.
        member: MemberId,
        /// Who it is.
        who: Person,
    },
    /// Somebody is here no more.
    Departure {
        /// As what it was known. It may have left the chat.
        member: MemberId,
        /// Who it was.
        who: Person,
        /// What has become of it.
        why: Departure,
    },
    /// Somebody has another nickname.
    Rename {
        /// As what it is known to the chat.
        member: MemberId,
        /// Who it is now.
        who: Person,
        /// The nickname it had.
        before: Name,
    },
    /// An operator, or the program, says something in every room.
    Announcement(Rc<Announcement>),
}

/// Somebody, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The nickname it has, or had when it was last seen.
    pub nickname: Name,
    /// The account it has logged in to. There are none yet.
    pub account: Option<Arc<str>>,
    /// Where it comes from.
    pub origin: Cloak,
}

/// Where somebody comes from, so that others can tell that two are from the same place and not
/// which it is: the same for all of one address or user, and another after the program is started
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cloak(pub(super) u64);

impl Cloak {
    /// What it is made of.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The one that is made of [these](Self::to_bits).
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Cloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The place of something in the order in which its room hears it, or the two between whom it is
/// said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub id: EventId,
    /// Grows from one to the next in one [life](super::Epoch) of the log, and may have gaps; less
    /// than 2⁵³.
    pub number: u64,
    /// The number of the one before it, by which a loss is noticed; 0 if there was none.
    pub previous: u64,
    /// When it was, in milliseconds since 1970, UTC; never less than of the one before.
    pub time: Millis,
}

/// What a member says in a room, or to another alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the order in which they hear it.
    pub place: Place,
    /// Who hears it.
    pub audience: Audience,
    /// Who says it.
    pub author: Person,
    /// As what its author is known to the chat, as long as it is here.
    pub member: MemberId,
    /// Whether it is said or done.
    pub kind: MessageKind,
    /// What is said, or what the author does.
    pub text: Text,
}

/// Who hears what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in this room.
    Room(Name),
    /// One member alone, beside who says it: the log of what the two say to each other is theirs.
    Member {
        /// Its nickname.
        nickname: Name,
        /// The life of that log.
        epoch: Epoch,
    },
}

/// Whether something is said or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// `nick: text`.
    Said,
    /// `/me`: `** nick text`.
    Action,
}

/// Something that was said is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// Its place in the room's order.
    pub place: Place,
    /// The room.
    pub room: Name,
    /// Who takes it back: its author, or an operator.
    pub by: Person,
    /// What is to be forgotten.
    pub message: EventId,
    /// When that was said.
    pub said: Millis,
    /// The nickname that its author had.
    pub author: Name,
    /// Whether it is the author that takes it back, whatever its nickname is by now.
    pub is_authors: bool,
}

/// A room's topic is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSet {
    /// Its place in the room's order.
    pub place: Place,
    /// The room.
    pub room: Name,
    /// Who has set it.
    pub author: Person,
    /// The topic.
    pub topic: Text,
}

/// What becomes of somebody who is not in a room any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It is in another room.
    Parted,
    /// It has left the chat.
    Quit,
    /// Its connection is gone, or was ended.
    Lost,
    /// An operator has sent it away.
    Kicked {
        /// What the operator says of it.
        reason: Option<Text>,
    },
    /// An operator has sent it away, and keeps out where it comes from.
    Banned {
        /// What the operator says of it.
        reason: Option<Text>,
    },
}

/// What is said in every room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The operator that says it; `None` if it is the program itself.
    pub by: Option<Name>,
    /// What is said.
    pub text: Text,
}

/// A place in a log: up to where somebody has heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The life of the log.
    pub epoch: Epoch,
    /// The number of what was heard last there; 0 if nothing was.
    pub number: u64,
}

impl Event {
    /// Its place in its room's order, if it has one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Message(said) => Some(&said.place),
            Self::Redaction(taken) => Some(&taken.place),
            Self::Topic(set) => Some(&set.place),
            Self::Arrival { .. }
            | Self::Departure { .. }
            | Self::Rename { .. }
            | Self::Announcement(_) => None,
        }
    }

    /// Whether a member that does not keep up may be spared it and told
    /// [how many](super::Answer::Skipped) it was spared: it is in the room's history. Everything
    /// else is said once and kept nowhere, so it is left out last.
    #[must_use]
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }
}

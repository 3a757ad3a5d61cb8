//! What one member is told: answers to what it has asked for, refusals, and what concerns it alone.

use std::fmt;
use std::rc::Rc;

use super::counted::counted;
use super::peer::Origin;
use super::{
    Audience, DisconnectReason, Event, EventId, Message, Millis, Name, Person, Place, Position,
    Redaction, Refusal, Report, Side, Text,
};

/// What one member is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its session begins.
    Welcome {
        /// As whom others see it.
        who: Person,
        /// The room it is in.
        room: Name,
        /// How many others are there.
        others: usize,
        /// What they talk about.
        topic: Option<Text>,
        /// Up to where what was said there is behind it.
        position: Position,
    },
    /// It is back after a cut, as who and where it was: as far as that could be.
    Returned {
        /// As whom others see it.
        who: Person,
        /// The room it is in.
        room: Name,
        /// How many others are there.
        others: usize,
        /// What they talk about.
        topic: Option<Text>,
        /// The rooms that it hears beside that.
        watched: Box<[Name]>,
    },
    /// What it has missed of a room, or of what it and another say to each other alone.
    Backlog {
        /// The room, or the other member.
        of: Audience,
        /// Up to where it has all with this.
        position: Position,
        /// All that it has not heard, in order, without the messages of those whom it ignores;
        /// `None` if not all of it is kept: it is to start anew.
        events: Option<Vec<Event>>,
        /// With which ids of its client's it has said which of them itself.
        own: Vec<(EventId, Text)>,
        /// Whether there is more, which is told next.
        is_more: bool,
    },
    /// It has said that before, and it was heard.
    Committed {
        /// Who has heard it.
        audience: Audience,
        /// Where it is in the order in which they hear it.
        place: Place,
        /// As what its client knows it.
        client_id: Text,
    },
    /// What was said in a room, or by it and another to each other alone, oldest first.
    History {
        /// The room, or the other member.
        of: Audience,
        /// Which part of it was asked for; [`Side::END`] if it is the newest.
        side: Side,
        /// The messages. None only if it was asked for.
        messages: Vec<Rc<Message>>,
        /// Whether nothing was said there before the first of them; or, of what was said behind a
        /// number, whether none is missing before the first of them.
        is_whole: bool,
        /// The number from which one reads on in the same direction; `None` if there is nothing
        /// more.
        next: Option<u64>,
        /// When it is told, in milliseconds since 1970, UTC.
        now: Millis,
    },
    /// Messages that have the words that it has looked for, the best first.
    Found {
        /// Where it has looked.
        of: Audience,
        /// For these words.
        words: Text,
        /// The messages.
        messages: Vec<Rc<Message>>,
        /// Whether there are no others.
        is_whole: bool,
        /// When it is told, in milliseconds since 1970, UTC.
        now: Millis,
    },
    /// It has gone to a room.
    Entered {
        /// The room.
        room: Name,
        /// How many others are there.
        others: usize,
        /// What they talk about.
        topic: Option<Text>,
        /// How long what is said there is kept after the last has left, in milliseconds; `None` if
        /// it is not, the room is always there, or it is kept whoever leaves.
        linger: Option<Millis>,
        /// Whether what is said is kept, whoever leaves.
        is_kept: bool,
        /// Up to where what was said there is behind it.
        position: Position,
    },
    /// It was in that room already.
    Stayed {
        /// The room.
        room: Name,
    },
    /// It hears a room beside its own.
    Watching {
        /// The room.
        room: Name,
        /// How many others are there.
        others: usize,
        /// What they talk about.
        topic: Option<Text>,
        /// How long what is said there is kept after the last has left, in milliseconds; `None` if
        /// it is not, the room is always there, or it is kept whoever leaves.
        linger: Option<Millis>,
        /// Whether what is said is kept, whoever leaves.
        is_kept: bool,
        /// Up to where what was said there is behind it.
        position: Position,
    },
    /// It hears that room already.
    Hears {
        /// The room.
        room: Name,
    },
    /// It hears a room no more that it has heard beside its own.
    Parted {
        /// The room.
        room: Name,
    },
    /// The rooms that it hears, the one that it is in first.
    OwnRooms {
        /// Each with the number of its members.
        listed: Vec<(Name, usize)>,
    },
    /// It hears nothing more of somebody.
    Ignoring {
        /// Of whom.
        nickname: Name,
    },
    /// It hears somebody again.
    Unignored {
        /// Whom.
        nickname: Name,
    },
    /// Those of whom it hears nothing, as far as they are here.
    Ignored {
        /// Who they are.
        nicknames: Vec<Name>,
    },
    /// When messages were said is shown to it, or never.
    Times {
        /// Whether it is.
        is_on: bool,
    },
    /// It has another nickname.
    Renamed {
        /// This one.
        nickname: Name,
    },
    /// The topic of a room, if it has one.
    RoomTopic {
        /// The room.
        room: Name,
        /// Its topic.
        topic: Option<Text>,
    },
    /// The topic is set, and the room hears of it [later](super::Event::Topic).
    TopicSet {
        /// Its own nickname.
        nickname: Name,
        /// The room.
        room: Name,
        /// Its topic.
        topic: Text,
    },
    /// The rooms, the largest first.
    Rooms {
        /// As many as are listed, each with the number of its members.
        listed: Vec<(Name, usize)>,
        /// How many there are.
        count: usize,
    },
    /// Who is in a room.
    Members {
        /// The room.
        room: Name,
        /// As many as are listed.
        nicknames: Vec<Name>,
        /// How many there are.
        count: usize,
    },
    /// The commands there are.
    Help {
        /// Whether it may give orders, too.
        is_operator: bool,
        /// Whether what is said in rooms is kept, whoever leaves.
        is_kept: bool,
    },
    /// It is to be quiet.
    Muted {
        /// For so long yet, in milliseconds.
        left: Millis,
    },
    /// It need not be quiet any more.
    Unmuted,
    /// An order of its own was carried out.
    CarriedOut(Outcome),
    /// The bans in force.
    Bans {
        /// As many as are listed.
        listed: Vec<BanListed>,
        /// How many there are.
        count: usize,
    },
    /// The mutes in force.
    Mutes {
        /// As many as are listed.
        listed: Vec<MuteListed>,
        /// How many there are.
        count: usize,
    },
    /// What it wanted to know of the server.
    Report(Rc<Report>),
    /// Messages were not sent to it, since it did not read: told once it reads again, before
    /// whatever follows.
    Skipped {
        /// So many.
        count: usize,
        /// The most of them that it can still ask for.
        history: usize,
    },
    /// It has taken a message back.
    Deleted(Rc<Redaction>),
    /// Private messages were not delivered to it, since it did not keep up. Their authors know.
    Missed {
        /// So many.
        count: usize,
    },
    /// It says more than is taken from it in a second: told once, when its lines begin to wait.
    Flooding {
        /// So many are taken.
        per_second: u32,
    },
    /// The server is there: for a telnet client that asks.
    Here,
    /// What it has asked for is not done.
    Refused(Refusal),
    /// It is disconnected: the last that it is told.
    Disconnected(DisconnectReason),
}

impl Answer {
    /// Whether it tells what the member has become, or where it is: then all its connections are
    /// told, if it has several. What one of them has asked is answered there.
    pub fn is_of_all_sessions(&self) -> bool {
        matches!(
            self,
            Self::Entered { .. }
                | Self::Watching { .. }
                | Self::Parted { .. }
                | Self::Ignoring { .. }
                | Self::Unignored { .. }
                | Self::Renamed { .. }
                | Self::TopicSet { .. } // of which the member's connections hear no more
        )
    }
}

/// What has come of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A member was disconnected.
    Kicked {
        /// This one.
        nickname: Name,
    },
    /// Nobody is let in from there.
    Banned {
        /// From there.
        origin: Origin,
        /// For how long, in milliseconds.
        left: Millis,
        /// How many members were disconnected.
        members: usize,
    },
    /// A ban is lifted.
    Unbanned {
        /// This one.
        origin: Origin,
        /// Another that still keeps them out.
        wider: Option<Origin>,
    },
    /// A member is to be quiet.
    Muted {
        /// This one.
        nickname: Name,
        /// For how long, in milliseconds.
        left: Millis,
    },
    /// Somebody need not be quiet any more.
    Unmuted {
        /// A nickname, or an origin.
        who: Text,
    },
}

/// One ban of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanListed {
    /// Whom it keeps out.
    pub origin: Origin,
    /// For how long yet, in milliseconds.
    pub left: Millis,
    /// What the operator said of it.
    pub reason: Option<Text>,
}

/// One mute of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteListed {
    /// The member, if it is still here.
    pub nickname: Option<Name>,
    /// Where it came from.
    pub origin: Origin,
    /// For how long yet, in milliseconds.
    pub left: Millis,
}

/// How long it is, in minutes begun.
pub(crate) fn minutes(left: Millis) -> impl fmt::Display {
    let minutes = left.div_ceil(60_000);
    counted(minutes as usize, ("minute", "minutes"))
}

/// The end of a sentence that may have a reason.
pub(crate) fn ending(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!(": {reason}"),
        None => ".".into(),
    }
}

//! Why something was not carried out.

use super::name::BadName;
use super::peer::Origin;
use super::{Meant, Millis, Name, Text, Unkept};

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its author is to be quiet.
    Muted {
        /// For how long yet, in milliseconds.
        left: Millis,
    },
    /// Only operators may.
    OperatorsOnly {
        /// The command's word.
        word: &'static str,
    },
    /// There is no such command.
    UnknownCommand {
        /// The word.
        word: Text,
    },
    /// Something is missing, or is not what it should be.
    Usage {
        /// What is to be typed.
        usage: &'static str,
    },
    /// That can be no nickname.
    BadNickname(BadName),
    /// That can be no room's name.
    BadRoomName(BadName),
    /// Nobody takes such a nickname.
    NicknameReserved {
        /// The nickname.
        nickname: Name,
    },
    /// Somebody has that nickname, or one that looks like it.
    NicknameTaken {
        /// The nickname.
        nickname: Name,
        /// One that is free.
        free: Option<Name>,
    },
    /// A room of this name would look like another.
    RoomNameTaken {
        /// The name.
        room: Name,
        /// The other room.
        like: Name,
    },
    /// Nobody has that nickname.
    NoSuchMember {
        /// What was typed, as far as a nickname may go.
        nickname: Text,
    },
    /// There is no such room.
    NoSuchRoom {
        /// What was typed, as far as a name may go.
        room: Text,
    },
    /// The room has no place left.
    RoomFull {
        /// The room.
        room: Name,
        /// Members it may have.
        limit: usize,
    },
    /// There are as many rooms as there may be.
    TooManyRooms {
        /// So many.
        limit: usize,
    },
    /// It hears as many rooms as one may.
    TooManyOwnRooms {
        /// So many.
        limit: usize,
    },
    /// It is not in that room.
    NotInRoom {
        /// The room.
        room: Name,
    },
    /// There is no other room to go to.
    LastRoom {
        /// The room that it is in.
        room: Name,
    },
    /// It ignores as many as one may.
    TooManyIgnored {
        /// So many.
        limit: usize,
    },
    /// It does not ignore that member.
    NotIgnored {
        /// This one.
        nickname: Name,
    },
    /// Nobody can be deaf to itself.
    Oneself,
    /// A topic may not be so long.
    TopicTooLong {
        /// Characters it may have.
        limit: usize,
    },
    /// A reason may not be so long.
    ReasonTooLong {
        /// Characters it may have.
        limit: usize,
    },
    /// Orders are for others than operators.
    IsOperator {
        /// The operator.
        nickname: Name,
    },
    /// Operators come from there, and are let in anyway.
    OriginOfOperators {
        /// From there.
        origin: Origin,
    },
    /// That is this machine, with others.
    ThisMachine {
        /// All of it.
        origin: Origin,
    },
    /// There are as many bans as there may be.
    TooManyBans {
        /// So many.
        limit: usize,
    },
    /// There are as many mutes as there may be.
    TooManyMutes {
        /// So many.
        limit: usize,
    },
    /// That is not banned.
    NotBanned {
        /// From there.
        origin: Origin,
        /// A ban that holds it, with others.
        wider: Option<Origin>,
    },
    /// That is no origin, and nobody of that name was banned.
    NeverBanned {
        /// What was typed, as far as a nickname may go.
        text: Text,
    },
    /// That is not muted.
    NotMuted {
        /// A nickname, or an origin.
        who: Text,
    },
    /// Nothing that it has said is kept here.
    NothingToDelete,
    /// No such message is kept here.
    NoSuchMessage {
        /// Which was meant.
        message: Meant,
    },
    /// Somebody else has said that.
    NotYours {
        /// Which was meant.
        message: Meant,
    },
    /// That is no number, and no time.
    BadPlace {
        /// What was typed, as far as it is repeated.
        typed: Text,
    },
    /// A line may not be so long.
    LineTooLong {
        /// Bytes it may have.
        limit: u32,
    },
    /// The room's log does not take that, and nobody hears it.
    NotKept {
        /// Why.
        why: Unkept,
        /// What its author has written; `None` if it was to take something back.
        text: Option<Text>,
        /// As what its author's client knows it, if it does.
        client_id: Option<Text>,
    },
    /// The numbers that it has named are of another life of that log.
    OtherEpoch,
    /// What was said cannot be read now.
    NotRead,
    /// What was said is not kept in such a way that it could be looked through.
    NoSearch,
    /// There is no session that it could go on with.
    CannotResume,
    /// Whom a private message was for does not keep up.
    NotDelivered {
        /// This one.
        nickname: Name,
        /// As what its author's client knows the message, if it does.
        client_id: Option<Text>,
    },
}

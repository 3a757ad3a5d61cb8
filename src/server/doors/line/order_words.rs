//! What has come of an order, and why something is not done: sentences.

use crate::chat::{Outcome, Refusal, Unkept, counted, minutes};

/// What has come of an order, as a sentence.
pub(in crate::server) fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Kicked { nickname } => format!("You kicked {nickname}."),
        Outcome::Banned {
            origin,
            left,
            members,
        } => format!(
            "You banned {origin} for {}; {} disconnected.",
            minutes(*left),
            counted(*members, ("member was", "members were"))
        ),
        Outcome::Unbanned {
            origin,
            wider: None,
        } => format!("{origin} is banned no more."),
        Outcome::Unbanned {
            origin,
            wider: Some(wider),
        } => format!("{origin} is banned no more by itself; {wider} still is."),
        Outcome::Muted { nickname, left } => {
            format!("You muted {nickname} for {}.", minutes(*left))
        }
        Outcome::Unmuted { who } => format!("{who} is muted no more."),
    }
}

/// Why something is not done, in a sentence.
pub(in crate::server) fn explain(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Muted { left } => {
            format!("You are muted for {}; nobody was told.", minutes(*left))
        }
        Refusal::OperatorsOnly { word } => format!("/{word} is for operators only."),
        Refusal::UnknownCommand { word } => {
            format!("There is no command /{word}. /help lists the commands.")
        }
        Refusal::Usage { usage } => format!("Usage: {usage}"),
        Refusal::BadNickname(bad) => format!("A nickname {bad}."),
        Refusal::BadRoomName(bad) => format!("A room name {bad}."),
        Refusal::NicknameReserved { nickname } => {
            format!("{nickname} is reserved; try another.")
        }
        Refusal::NicknameTaken { nickname, free } => match free {
            Some(free) => format!("{nickname} is taken; try {free}."),
            None => format!("{nickname} is taken; try another."),
        },
        Refusal::RoomNameTaken { room, like } => {
            format!("#{room} is taken: it looks like #{like}.")
        }
        Refusal::NoSuchMember { nickname } => format!("There is no {nickname} here."),
        Refusal::NoSuchRoom { room } => format!("There is no room #{room}."),
        Refusal::RoomFull { room, limit } => {
            format!("#{room} is full, it has {limit} members.")
        }
        Refusal::TooManyRooms { limit } => {
            format!("There are {limit} rooms already, and that is the limit. /rooms lists them.")
        }
        Refusal::TooManyOwnRooms { limit } => {
            format!("You hear {limit} rooms already, and that is the limit. /part leaves one.")
        }
        Refusal::NotInRoom { room } => format!("You are not in #{room}."),
        Refusal::LastRoom { room } => {
            format!("There is no other room for you to go to than #{room}. /quit leaves.")
        }
        Refusal::TooManyIgnored { limit } => {
            format!("You ignore {limit} already, and that is the limit. /unignore takes one back.")
        }
        Refusal::NotIgnored { nickname } => format!("You do not ignore {nickname}."),
        Refusal::Oneself => "That is you.".to_owned(),
        Refusal::TopicTooLong { limit } => format!("A topic has at most {limit} characters."),
        Refusal::ReasonTooLong { limit } => format!("A reason has at most {limit} characters."),
        Refusal::IsOperator { nickname } => format!("{nickname} is an operator."),
        Refusal::OriginOfOperators { origin } => {
            format!("{origin} is where operators come from.")
        }
        Refusal::ThisMachine { origin } => format!("{origin} holds this machine itself."),
        Refusal::TooManyBans { limit } => {
            format!("No more than {limit} bans at a time; /unban lifts one.")
        }
        Refusal::TooManyMutes { limit } => {
            format!("No more than {limit} mutes at a time; /unmute lifts one.")
        }
        Refusal::NotBanned {
            origin,
            wider: None,
        } => format!("{origin} is not banned."),
        Refusal::NotBanned {
            origin,
            wider: Some(wider),
        } => format!("{origin} is not banned by itself; {wider} is."),
        Refusal::NeverBanned { text } => format!(
            "{text} is neither an address nor a nickname that was banned; /ban lists the bans."
        ),
        Refusal::NotMuted { who } => format!("{who} is not muted."),
        Refusal::NothingToDelete => "Nothing that you said is kept here.".to_owned(),
        Refusal::NoSuchMessage { message } => format!("There is no message {message} here."),
        Refusal::NotYours { message } => format!("Only its author can take {message} back."),
        Refusal::BadPlace { typed } => format!(
            "{typed} is no number of a message, and no time (UTC): \
             try 14:00, 2026-11-30, 2026-11-30 14:00, today or yesterday."
        ),
        Refusal::LineTooLong { limit } => {
            format!("That line was not sent: it is longer than {limit} bytes.")
        }
        Refusal::OtherEpoch => "Those numbers are of another life of that log.".into(),
        Refusal::NotRead => "What was said cannot be read now; try again later.".into(),
        Refusal::NoSearch => "There is no search here: what is said is not kept.".into(),
        Refusal::NotKept { why, text, .. } => {
            let why = match why {
                Unkept::Full => "there is no space left to keep it",
                Unkept::Unavailable => "it cannot be kept now",
            };
            let text = text
                .as_ref()
                .map_or(String::new(), |text| format!(": {text}"));
            format!("Nobody hears that, since {why}{text}")
        }
        Refusal::CannotResume => "There is no session to go on with.".to_owned(),
        Refusal::NotDelivered { nickname, .. } => {
            format!("Not delivered: {nickname} reads too slowly.")
        }
    }
}

//! Messages are taken back: those that the chat remembers, and those that only a log keeps, which
//! is asked for them first.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use super::answers::tell;
use super::{
    Answer, Chat, Content, Effect, Epoch, EventId, LogId, MemberId, Message, Millis, Place,
    Refusal, RoomId, TakenBack,
};

/// Which message of a log somebody means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// The one of that name.
    Id(EventId),
    /// The one that has this number, in this life of the log.
    Number(u64),
}

impl Meant {
    /// Whether it is the message that has this place.
    #[must_use]
    pub fn is(self, place: &Place) -> bool {
        match self {
            Self::Id(id) => place.id == id,
            Self::Number(number) => place.number == number,
        }
    }
}

/// Digits of an id, which has all of them.
const ID_DIGITS: usize = 32;

impl FromStr for Meant {
    type Err = <EventId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = text.len() < ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        match is_number {
            true => text.parse().map(Self::Number),
            false => text.parse().map(Self::Id),
        }
    }
}

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Chat {
    /// Takes a message back: one's own, the last if none is named, or as an operator anybody's. For
    /// one that is not remembered the log is asked.
    pub(super) fn take_back(
        &mut self,
        member: MemberId,
        room: RoomId,
        meant: Option<Meant>,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let history = &self.room(room).timeline.history;
        let found = match meant {
            None => history.rfind(|message| message.member == member),
            Some(meant) => history.find(meant),
        };
        match (found.map(Rc::clone), meant) {
            (Some(message), _) => {
                effects.push(self.redact(member, room, &message, meant, utc)?);
                Ok(())
            }
            (None, None) => Err(Refusal::NothingToDelete),
            (None, Some(meant)) if self.config.is_kept => self.look_for(member, meant, effects),
            (None, Some(message)) => Err(Refusal::NoSuchMessage { message }),
        }
    }

    /// The log was asked for a message that is to be taken back.
    pub(super) fn take_back_found(
        &mut self,
        member: MemberId,
        (log, epoch): (LogId, Epoch),
        (meant, found): (Meant, Option<&Message>),
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_leaving(member) {
            return; // it is not heard any more
        }
        let done = match (self.room_of_log(log, epoch), found) {
            (Some(room), Some(message)) => self.redact(member, room, message, Some(meant), utc),
            _ => Err(Refusal::NoSuchMessage { message: meant }),
        };
        match done {
            Ok(draft) => effects.push(draft),
            Err(refusal) => tell(effects, member, Answer::Refused(refusal)),
        }
    }

    /// The room whose log that is, if it has not begun anew.
    fn room_of_log(&self, log: LogId, epoch: Epoch) -> Option<RoomId> {
        match log {
            LogId::Room(id) => {
                let room = self.rooms.get(id.index())?;
                (room.timeline.position.epoch == epoch).then_some(id)
            }
            LogId::Pair(_) => None,
        }
    }

    fn redact(
        &mut self,
        member: MemberId,
        room: RoomId,
        message: &Message,
        meant: Option<Meant>,
        utc: Millis,
    ) -> Result<Effect, Refusal> {
        let id = message.place.id;
        let is_authors = message.member == member;
        if !is_authors && !self.members[member.index()].peer.is_operator() {
            let message = meant.unwrap_or(Meant::Id(id));
            return Err(Refusal::NotYours { message });
        }
        let content = Content::Redaction(Box::new(TakenBack {
            message: id,
            number: message.place.number,
            said: message.place.time,
            author: message.author.nickname.clone(),
            is_authors,
        }));
        let author = (member, self.person(member));
        Ok(self.draft(room, author, content, utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_digits_are_a_number_and_all_of_them_an_id() {
        for (text, meant) in [
            ("17", Some(Meant::Number(17))),
            ("0017", Some(Meant::Number(17))),
            ("99999999999999999999", None),
            (
                "00000000000000000000000000000017",
                Some(Meant::Id(EventId::new(0x17))),
            ),
            ("ab", Some(Meant::Id(EventId::new(0xAB)))),
            ("+1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), meant, "{text}");
        }
        assert_eq!(Meant::Number(17).to_string(), "17");
        assert_eq!(Meant::Id(EventId::new(0x17)).to_string().len(), ID_DIGITS);
    }
}

//! Rooms that the chat does not remember, and a log does.
//!
//! A log may keep rooms for longer than the chat remembers them: over a restart of the program,
//! even. Whoever wants to go to a room that is not there has it looked up first
//! ([`Chat::room_to_recall`]), and what the log has of it is remembered again ([`Chat::recall`]), as
//! if the last had just left it. So who enters it finds it as it was: its numbers go on, and in the
//! same life of its log.

use std::rc::Rc;

use super::commands::{self, Command};
use super::look_alikes::Keys;
use super::{
    Absent, Chat, Event, LOBBY, MemberId, Message, Millis, Name, Position, QueryId, Redaction,
    RoomId, Text, TopicSet, name, sanitise,
};

/// How long a room that was recalled is kept if nobody comes, in milliseconds.
const AWHILE: Millis = 1000;

/// A room that is not there, and that a log may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Its name, in this process.
    pub id: QueryId,
    /// The room, as somebody has typed it: it is [the same](Name::folded) however it is spelt.
    pub room: Name,
    /// So many of the last things that were heard in it are wanted.
    pub limit: usize,
    /// And so many bytes of their texts.
    pub bytes: usize,
}

/// A room as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// As it was first written.
    pub room: Name,
    /// Up to where it was heard.
    pub position: Position,
    /// When it was heard last, in milliseconds since 1970, UTC.
    pub heard_at: Millis,
    /// Its topic.
    pub topic: Option<Text>,
    /// The last things that were heard in it, oldest first.
    pub events: Vec<Kept>,
    /// Nothing was said before the first of them.
    pub is_whole: bool,
}

/// Something that has had a place in a log. It is owned, and may come from another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Something was said.
    Message(Message),
    /// Something was taken back.
    Redaction(Redaction),
    /// The room's topic was set.
    Topic(TopicSet),
}

impl From<Kept> for Event {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Message(said) => Self::Message(Rc::new(said)),
            Kept::Redaction(taken) => Self::Redaction(Rc::new(taken)),
            Kept::Topic(set) => Self::Topic(Rc::new(set)),
        }
    }
}

impl Chat {
    /// The room that is to be [recalled](Self::recall) before a line of a member's is heard: it
    /// would be opened by that. Nearly every line wants none.
    pub fn room_to_recall(&mut self, member: MemberId, line: &str) -> Option<Recall> {
        // What is taken out of a line may stand before its first letter.
        let first = line.as_bytes().first();
        let may_be_command = first.is_some_and(|&byte| byte == b'/' || !byte.is_ascii_graphic());
        if !may_be_command || self.member(member).is_none() || self.is_leaving(member) {
            return None;
        }
        self.looking(|chat| chat.room_opened_by(member, &sanitise(line)))
    }

    fn room_opened_by(&mut self, member: MemberId, line: &str) -> Option<Recall> {
        let (name, leaves) = match commands::parse(line, false).ok()? {
            Command::Join(name) => (name, self.room_of(member)),
            Command::Watch(name) => (name, None),
            _ => return None,
        };
        let (room, keys, existing) = self.room_meant(name).ok()?;
        // What is refused anyway need not be looked up.
        let is_opened = existing.is_none()
            && self.may_speak(member, self.now).is_ok()
            && self.looks_like_no_other(&room, &keys).is_ok()
            && self.may_open_a_room(leaves).is_ok();
        is_opened.then(|| self.recall_of(room))
    }

    /// The rooms that are to be [recalled](Self::recall) before somebody is
    /// [given back](Self::restore) what it was.
    pub fn rooms_to_recall(&mut self, absent: &Absent) -> Vec<Recall> {
        let rooms = absent.rooms().cloned().collect::<Vec<_>>();
        let missing = rooms
            .into_iter()
            .filter(|room| self.kept_room(room).is_none());
        let missing = missing.collect::<Vec<_>>();
        missing
            .into_iter()
            .map(|room| self.recall_of(room))
            .collect()
    }

    /// The room in which everyone begins is to be [recalled](Self::recall) before anyone comes.
    pub fn first_room(&mut self) -> Recall {
        let room = self.room(LOBBY).name().clone();
        self.recall_of(room)
    }

    fn recall_of(&mut self, room: Name) -> Recall {
        let id = self.next_query();
        Recall {
            id,
            room,
            limit: self.config.history,
            bytes: self.config.history_bytes,
        }
    }

    /// Remembers a room as it was, for those who are about to come to it. Nothing happens if it is
    /// there by now, unless it is [the first](Self::first_room), and new; or if its name looks like
    /// that of another.
    pub fn recall(&mut self, recalled: Recalled, now: Millis) {
        self.now = now;
        let folded = name::fold(&recalled.room).into_owned();
        let keys = Keys::new(&recalled.room, &folded);
        let room = match self.room_with(&folded, &keys) {
            Some(LOBBY) if self.is_untouched(LOBBY) => LOBBY,
            Some(_) => return,
            None if self.looks_like_no_other(&recalled.room, &keys).is_err() => return,
            None => {
                let room = self.open_room(recalled.room.clone(), &keys);
                self.by_size.remove(&self.rooms[room.index()].rank(room));
                self.linger_until(room, now.saturating_add(AWHILE));
                room
            }
        };
        let Recalled {
            position,
            heard_at,
            topic,
            events,
            is_whole,
            ..
        } = recalled;
        let first = events.first().map(Kept::previous);
        let whole_after = first.unwrap_or(position.number);
        let place = &mut self.rooms[room.index()];
        place.topic = topic;
        place.timeline.resume(position, heard_at);
        self.change_history(room, |history| {
            history.recall(events.into_iter().map(Event::from), whole_after, is_whole);
        });
        self.changes += 1;
    }

    /// Whether a room is as it was made.
    fn is_untouched(&self, room: RoomId) -> bool {
        let place = self.room(room);
        place.len() == 0 && place.timeline.position.number == 0
    }
}

impl Kept {
    /// The number of what was heard before it.
    fn previous(&self) -> u64 {
        match self {
            Self::Message(said) => said.place.previous,
            Self::Redaction(taken) => taken.place.previous,
            Self::Topic(set) => set.place.previous,
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::{House, said};
    use super::super::{Config, Epoch};
    use super::*;

    fn tea() -> Recalled {
        let message = said(70, "ann", "the kettle is on");
        Recalled {
            room: Name::kept("Tea"),
            position: Position {
                epoch: Epoch::from_bits(9),
                number: 75,
            },
            heard_at: 5,
            topic: Some("leaves".into()),
            events: vec![Kept::Message(Message::clone(&message))],
            is_whole: false,
        }
    }

    #[test]
    fn only_what_would_open_a_room_is_looked_up() {
        let mut house = House::new(Config {
            rooms: 2,
            ..Config::default()
        });
        let [ann, bob] = [house.connect(), house.connect()];
        let wanted = |house: &mut House, who, line| {
            let recall = house.chat.room_to_recall(who, line);
            recall.map(|recall| recall.room.to_string())
        };
        for (line, room) in [
            ("/join #Tea", Some("Tea")),
            ("\u{7}/WATCH tea", Some("tea")),
            ("/join lobby", None),
            ("//join tea", None),
            ("/join", None),
            ("/join a b", None),
            ("tea", None),
            ("/who tea", None),
        ] {
            assert_eq!(wanted(&mut house, ann, line).as_deref(), room, "{line}");
        }
        house.types(bob, "/join tea");
        assert_eq!(wanted(&mut house, ann, "/join tea"), None, "it is there");
        assert_eq!(wanted(&mut house, ann, "/join tee"), None, "no more rooms");
        assert_eq!(wanted(&mut house, bob, "/join tee").as_deref(), Some("tee"));
        house.leave(ann);
        assert_eq!(wanted(&mut house, ann, "/join tee"), None);
    }

    /// Catches: numbers that begin anew, a history that looks whole, a room that is listed, or
    /// stays for ever, although nobody has come.
    #[test]
    fn who_enters_a_room_that_was_recalled_finds_it_as_it_was() {
        let (mut house, [ann, bob]) = House::with_guests_and(Config {
            linger: 0,
            ..Config::default()
        });
        house.chat.recall(tea(), house.now);
        assert_eq!(house.chat.room_count(), 1);
        assert_eq!(
            house.answers(ann, "/join tea"),
            [
                "* You are now in #Tea with 0 others.",
                "* Topic of #Tea: leaves",
                "* The last 1 messages of #Tea:",
                "ann: the kettle is on",
            ]
        );
        let position = house.chat.position("tea").expect("it is there");
        assert_eq!(position, tea().position);
        house.chat.recall(
            Recalled {
                topic: None,
                ..tea()
            },
            house.now,
        );
        let told = house.answers(bob, "/join TEA");
        assert!(
            told.contains(&"* Topic of #Tea: leaves".to_owned()),
            "{told:?}"
        );
        for member in [ann, bob] {
            house.types(member, "/join lobby");
        }
        house.chat.recall(tea(), house.now);
        assert_eq!(house.next_deadline(), Some(house.now + AWHILE));
        house.pass(AWHILE);
        assert_eq!(house.chat.history_bytes(), 0);
    }

    #[test]
    fn the_first_room_goes_on_if_nobody_has_come_yet() {
        let mut house = House::new(Config::default());
        let recall = house.chat.first_room();
        assert_eq!(&*recall.room, "lobby");
        let lobby = Recalled {
            room: recall.room,
            ..tea()
        };
        house.chat.recall(lobby.clone(), 0);
        assert_eq!(house.chat.position("lobby"), Some(lobby.position));
        house.connect();
        let later = Recalled {
            position: tea().position,
            topic: None,
            ..lobby
        };
        house.chat.recall(later, 0);
        let ann = house.connect();
        house.read(ann);
        assert_eq!(house.answers(ann, "/topic"), ["* Topic of #lobby: leaves"]);
    }
}

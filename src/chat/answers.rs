//! Greetings, histories and lists: what the chat tells a member of itself.

use super::commands::{self, Command};
use super::history::Repeated;
use super::place;
use super::room::Room;
use super::{
    Answer, Chat, Effect, LOBBY, MemberId, Millis, Reading, Refusal, RoomId, Side, Text, sanitise,
};

/// How many names `/who` and `/rooms` list.
const LISTED: usize = 40;

impl Chat {
    pub(super) fn greet(
        &self,
        member: MemberId,
        now: Millis,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let newcomer = &self.members[member.index()];
        let room = self.room(newcomer.room);
        let welcome = Answer::Welcome {
            who: self.person(member),
            room: room.name().clone(),
            others: room.len() - 1,
            topic: self.topic_of(newcomer.room),
            position: room.timeline.position,
        };
        tell(effects, member, welcome);
        self.replay(newcomer.room, member, utc, effects);
        if let Some(left) = self.muted_for(member, now) {
            tell(effects, member, Answer::Muted { left });
        }
    }

    /// What a line of a member's would have repeated to it if it were heard now: that can be much,
    /// whoever asks for it.
    pub fn foresee(&mut self, member: MemberId, line: &str) -> Repeated {
        // What is no command for certain is not looked at twice.
        let may_be_command = |c: char| c == '/' || !(c.is_ascii_graphic() || c == ' ');
        let may_be_command = line.starts_with(may_be_command);
        match may_be_command && self.member(member).is_some() {
            true => self.looking(|chat| chat.foresee_command(member, line)),
            false => Repeated::default(),
        }
    }

    fn foresee_command(&self, member: MemberId, line: &str) -> Repeated {
        let is_operator = self.members[member.index()].peer.is_operator();
        let line = sanitise(line);
        let room = match commands::parse(&line, is_operator) {
            Ok(Command::History {
                count,
                beside,
                with,
            }) => {
                // What the time is makes little odds: so many messages at most.
                let side = place::side(beside, 0).unwrap_or(Side::END);
                return self.foresee_page(member, Reading::of_line(with, side, count));
            }
            Ok(Command::Join(name) | Command::Watch(name)) => self.kept_room(without_hash(name)),
            Ok(Command::Part(_)) => Some(LOBBY),
            _ => None,
        };
        room.map_or_else(Repeated::default, |room| self.foresee_replay(room))
    }

    /// What is repeated to who comes into a room.
    fn foresee_replay(&self, room: RoomId) -> Repeated {
        let history = &self.room(room).timeline.history;
        history.repeated(self.config.replay)
    }

    /// What is repeated to a newcomer.
    pub fn foresee_welcome(&self) -> Repeated {
        self.foresee_replay(LOBBY)
    }

    pub(super) fn room(&self, id: RoomId) -> &Room {
        &self.rooms[id.index()]
    }

    /// Tells somebody who comes into a room what was said there last, if anything was.
    pub(super) fn replay(
        &self,
        room: RoomId,
        to: MemberId,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let history = self.replay_of(room, to, utc);
        if !matches!(&history, Answer::History { messages, .. } if messages.is_empty()) {
            tell(effects, to, history);
        }
    }

    /// There is no room of that name.
    pub(super) fn no_room(&self, name: &str) -> Refusal {
        Refusal::NoSuchRoom {
            room: shortened(name, self.config.room_name),
        }
    }

    /// Nobody has a nickname.
    pub(super) fn nobody(&self, nickname: &str) -> Refusal {
        Refusal::NoSuchMember {
            nickname: shortened(nickname, self.config.nickname),
        }
    }

    pub(super) fn describe_rooms(&self) -> Answer {
        let largest = self.by_size.iter().take(LISTED);
        Answer::Rooms {
            listed: largest
                .map(|(_, name, id)| (name.clone(), self.room(*id).len()))
                .collect(),
            count: self.room_count(),
        }
    }

    pub(super) fn describe_members(
        &self,
        here: RoomId,
        asked: Option<&str>,
    ) -> Result<Answer, Refusal> {
        let room = match asked.map(without_hash) {
            None => here,
            Some(name) => self.room_named(name).ok_or_else(|| self.no_room(name))?,
        };
        let room = self.room(room);
        let listed = room.members().iter().take(LISTED);
        Ok(Answer::Members {
            room: room.name().clone(),
            nicknames: listed
                .map(|id| self.members[id.index()].nickname.clone())
                .collect(),
            count: room.len(),
        })
    }
}

pub(super) fn tell(effects: &mut Vec<Effect>, to: MemberId, answer: Answer) {
    effects.push(Effect::Tell { to, answer });
}

/// The first so many characters of what somebody typed.
pub(super) fn shortened(text: &str, limit: usize) -> Text {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text[..end].into(),
        None => text.into(),
    }
}

pub(super) fn without_hash(room: &str) -> &str {
    room.strip_prefix('#').unwrap_or(room)
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;
    use super::super::{COMMANDS, Config};

    #[test]
    fn a_newcomer_is_greeted_in_three_lines_and_a_replay() {
        let mut house = House::new(Config {
            replay: 2,
            ..Config::default()
        });
        let alice = house.connect();
        assert_eq!(
            house.read(alice),
            [
                "* Welcome to loopchat, guest1. You are in #lobby with 0 others.",
                "* Type to talk. /help lists the commands, /nick NAME gives you a name."
            ]
        );
        for line in ["one", "two", "/me waves"] {
            house.types(alice, line);
        }
        let bob = house.connect();
        assert_eq!(
            house.read(bob)[..1],
            ["* Welcome to loopchat, guest2. You are in #lobby with 1 other."]
        );
        house.types(alice, "after");
        let carol = house.connect();
        assert_eq!(
            house.read(carol)[2..],
            [
                "* The last 2 messages of #lobby:",
                "** guest1 waves",
                "guest1: after"
            ]
        );
        house.pass(1000);
        assert_eq!(house.read(alice), ["* guest2 joined #lobby."]);
    }

    #[test]
    fn history_gives_what_was_asked_for_and_what_there_is() {
        let (mut house, [alice, bob]) = House::with_guests();
        (1..=15).for_each(|n| house.types(alice, &format!("line {n}")));
        house.read(bob);
        let mut lines = |command| house.answers(bob, command);
        assert_eq!(
            lines("/history 2"),
            [
                "* The last 2 messages of #lobby:",
                "guest1: line 14",
                "guest1: line 15"
            ]
        );
        assert_eq!(lines("/history").len(), 1 + 10);
        assert_eq!(
            lines("/history 999")[0],
            "* The last 15 messages of #lobby:"
        );
    }

    /// Catches: a dear line that is not seen to be one, or one that is looked at for nothing.
    #[test]
    fn what_a_line_would_repeat_is_known_before_it_is_heard() {
        let (mut house, [alice, bob]) = House::with_guests();
        (1..=15).for_each(|n| house.types(alice, &format!("line {n:02}")));
        house.types(bob, "/join tea");
        house.types(bob, "two");
        let each = "guest1: line 01".len();
        let lobby = |messages| (messages, messages * each);
        for (line, repeated) in [
            ("/history", (1, "guest2: two".len())),
            ("/history 2", (1, "guest2: two".len())),
            ("/join LOBBY", lobby(10)),
            ("\x1b/watch #lobby", lobby(10)),
            ("/part", lobby(10)),
            ("/join nowhere", (0, 0)),
            ("/who", (0, 0)),
            ("//history", (0, 0)),
            ("say /history", (0, 0)),
            ("", (0, 0)),
        ] {
            let foreseen = house.chat.foresee(bob, line);
            assert_eq!((foreseen.messages, foreseen.bytes), repeated, "{line}");
        }
        let foreseen = house.chat.foresee(alice, "/history 12");
        assert_eq!((foreseen.messages, foreseen.bytes), lobby(12));
        assert_eq!(house.chat.foresee_welcome().messages, 10);
        house.leave(bob);
        assert_eq!(
            house.chat.foresee(bob, "/history").messages,
            0,
            "it is gone"
        );
    }

    #[test]
    fn help_shows_every_command() {
        let (mut house, [alice]) = House::with_guests();
        let help = house.answers(alice, "/HELP");
        assert_eq!(help.len(), 1 + COMMANDS.len());
        for (line, entry) in help[1..].iter().zip(COMMANDS) {
            assert!(line.starts_with(&format!("*   {} ", entry.usage)), "{line}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let mut house = House::new(Config::default());
        let first = house.connect();
        for number in 0..60 {
            let id = house.connect();
            house.types(id, &format!("/nick {}{number:02}", "名".repeat(22)));
            house.types(id, &format!("/join {}{number:02}", "室".repeat(30)));
        }
        house.types(first, &format!("/join {}59", "室".repeat(30)));
        house.read(first);
        let rooms = house.answers(first, "/rooms").remove(0);
        assert!(rooms.len() < 2000);
        assert!(rooms.contains("59 (2), "), "the largest first: {rooms}");
        assert!(rooms.ends_with(" more"));
    }
}

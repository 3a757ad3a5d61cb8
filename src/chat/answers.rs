//! What the chat tells a member of itself: greetings, replays, lists.

use std::rc::Rc;

use super::commands::COMMANDS;
use super::listing::{counted, list};
use super::room::Room;
use super::{Chat, Effect, Line, MemberId, RoomId, name};

/// How many names `/who` and `/rooms` show.
const LISTED: usize = 40;

pub(super) const OTHERS: (&str, &str) = ("other", "others");
const MORE: (&str, &str) = ("more", "more");

impl Chat {
    pub(super) fn greet(&self, member: MemberId, effects: &mut Vec<Effect>) {
        let newcomer = &self.members[member.index()];
        let room = self.room(newcomer.room);
        let line = format!(
            "* Welcome to loopchat, {}. You are in #{} with {}.",
            newcomer.nickname,
            room.name(),
            counted(room.len() - 1, OTHERS)
        );
        tell(effects, member, line);
        tell(
            effects,
            member,
            "* Type to talk. /help lists the commands, /nick NAME gives you a name.",
        );
        replay(room, member, self.config.replay, effects);
    }

    pub(super) fn room(&self, id: RoomId) -> &Room {
        &self.rooms[id.index()]
    }

    pub(super) fn describe_rooms(&self) -> String {
        let mut rooms: Vec<&Room> = self.rooms.iter().map(|(_, room)| room).collect();
        let total = rooms.len();
        let order = |a: &&Room, b: &&Room| b.len().cmp(&a.len()).then(a.name().cmp(b.name()));
        // Ten thousand rooms need not be sorted to show forty.
        if total > LISTED {
            rooms.select_nth_unstable_by(LISTED, order);
            rooms.truncate(LISTED);
        }
        rooms.sort_unstable_by(order);
        let shown = rooms
            .iter()
            .map(|room| format!("#{} ({})", room.name(), room.len()));
        format!("* Rooms: {}", list(shown, total, LISTED, MORE))
    }

    pub(super) fn describe_members(&self, here: RoomId, asked: Option<&str>) -> String {
        let room = match asked.map(without_hash) {
            None => here,
            Some(name) => match self.room_names.get(&*name::fold(name)) {
                Some(&room) => room,
                None => {
                    let limit = self.config.room_name;
                    return format!("! There is no room #{name:.limit$}.");
                }
            },
        };
        let room = self.room(room);
        if room.len() == 0 {
            return format!("* Nobody is in #{}.", room.name());
        }
        let names = room
            .members()
            .iter()
            .map(|id| &self.members[id.index()].nickname);
        let names = list(names, room.len(), LISTED, MORE);
        format!("* In #{} ({}): {names}", room.name(), room.len())
    }
}

pub(super) fn tell(effects: &mut Vec<Effect>, to: MemberId, line: impl Into<Line>) {
    effects.push(Effect::Tell {
        to,
        line: line.into(),
    });
}

/// Tells the last `count` messages of a room under a header with their exact number, which is
/// returned. The header is always of the same form, for programs to read; there is none over nothing.
pub(super) fn replay(room: &Room, to: MemberId, count: usize, effects: &mut Vec<Effect>) -> usize {
    let lines = room.history.last(count);
    let count = lines.len();
    if count > 0 {
        let header = format!("* The last {count} messages of #{}:", room.name());
        tell(effects, to, header);
        effects.extend(lines.map(|line| Effect::Tell {
            to,
            line: Rc::clone(line),
        }));
    }
    count
}

pub(super) fn describe_topic(room: &Room) -> String {
    match &room.topic {
        Some(topic) => format!("* Topic of #{}: {topic}", room.name()),
        None => format!("* #{} has no topic.", room.name()),
    }
}

pub(super) fn without_hash(room: &str) -> &str {
    room.strip_prefix('#').unwrap_or(room)
}

/// Tells what `/help` tells: the table of commands, a line each.
pub(super) fn describe_commands(to: MemberId, effects: &mut Vec<Effect>) {
    let header = "* What does not start with / is said to the room. Commands:";
    tell(effects, to, header);
    for entry in COMMANDS {
        let line = format!("*   {:<15} {}", entry.usage, entry.purpose);
        tell(effects, to, line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::tests::House;
    use super::*;

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

//! What the chat tells a member of itself: greetings, replays, lists.

use std::fmt::{self, Write};
use std::rc::Rc;

use super::commands::{COMMANDS, Entry, ORDERS};
use super::listing::{counted, list};
use super::room::Room;
use super::{Chat, Effect, Line, MemberId, Millis, RoomId};

/// How many names `/who` and `/rooms` show.
const LISTED: usize = 40;

pub(super) const OTHERS: (&str, &str) = ("other", "others");
const MORE: (&str, &str) = ("more", "more");

/// Lines that are the same for everyone, made once.
#[derive(Debug)]
pub(super) struct StandingLines {
    hint: Line,
    help: Vec<Line>,
    /// What follows for operators.
    help_with_orders: Vec<Line>,
}

impl StandingLines {
    pub(super) fn new() -> StandingLines {
        StandingLines {
            hint: "* Type to talk. /help lists the commands, /nick NAME gives you a name.".into(),
            help: table(
                "* What does not start with / is said to the room. Commands:",
                COMMANDS,
            ),
            help_with_orders: table("* For operators only:", ORDERS),
        }
    }
}

/// The usage of commands, a line each under a header.
fn table(header: &str, entries: &[Entry]) -> Vec<Line> {
    let widest = entries.iter().map(|entry| entry.usage.len()).max();
    let widest = widest.unwrap_or_default();
    let lines = entries
        .iter()
        .map(|Entry { usage, purpose, .. }| format!("*   {usage:<widest$}  {purpose}").into());
    [header.into()].into_iter().chain(lines).collect()
}

impl Chat {
    pub(super) fn greet(&mut self, member: MemberId, effects: &mut Vec<Effect>) {
        let newcomer = &self.members[member.index()];
        let room = &self.rooms[newcomer.room.index()];
        let welcome = compose(
            &mut self.draft,
            format_args!(
                "* Welcome to loopchat, {}. You are in #{} with {}.",
                newcomer.nickname,
                room.name(),
                counted(room.len() - 1, OTHERS)
            ),
        );
        let room = newcomer.room;
        tell(effects, member, welcome);
        tell(effects, member, Rc::clone(&self.standing.hint));
        self.replay(room, member, self.config.replay, effects);
    }

    pub(super) fn room(&self, id: RoomId) -> &Room {
        &self.rooms[id.index()]
    }

    /// Tells the last `count` messages of a room under a header with their exact number, which is
    /// returned. The header is always of the same form, for programs to read; there is none over
    /// nothing.
    pub(super) fn replay(
        &mut self,
        room: RoomId,
        to: MemberId,
        count: usize,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let room = &self.rooms[room.index()];
        let lines = room.history.last(count);
        let count = lines.len();
        if count > 0 {
            let header = format_args!("* The last {count} messages of #{}:", room.name());
            tell(effects, to, compose(&mut self.draft, header));
            lines.for_each(|line| tell(effects, to, Rc::clone(line)));
        }
        count
    }

    /// Tells what `/help` tells: the table of commands, a line each.
    pub(super) fn describe_commands(&self, to: MemberId, effects: &mut Vec<Effect>) {
        let StandingLines {
            help,
            help_with_orders,
            ..
        } = &self.standing;
        let is_operator = self.members[to.index()].peer.is_operator();
        let orders = help_with_orders.iter().filter(|_| is_operator);
        let help = help.iter().chain(orders);
        help.for_each(|line| tell(effects, to, Rc::clone(line)));
    }

    /// Says that nobody has a nickname.
    pub(super) fn nobody(&self, nickname: &str) -> String {
        let limit = self.config.nickname;
        format!("There is no {nickname:.limit$} here")
    }

    pub(super) fn describe_rooms(&self) -> String {
        let shown = self
            .rooms()
            .map(|room| format!("#{} ({})", room.name, room.members));
        let listed = list(shown, self.room_count(), LISTED, MORE);
        format!("* Rooms: {listed}")
    }

    pub(super) fn describe_members(&self, here: RoomId, asked: Option<&str>) -> String {
        let room = match asked.map(without_hash) {
            None => here,
            Some(name) => match self.room_named(name) {
                Some(room) => room,
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

/// Puts a line together with one allocation: growing a fresh `String` would be a second one.
pub(super) fn compose(draft: &mut String, text: fmt::Arguments<'_>) -> Line {
    draft.clear();
    // Writing to a string cannot fail.
    let _ = draft.write_fmt(text);
    Rc::from(draft.as_str())
}

pub(super) fn describe_topic(room: &Room) -> String {
    match &room.topic {
        Some(topic) => format!("* Topic of #{}: {topic}", room.name()),
        None => format!("* #{} has no topic.", room.name()),
    }
}

/// The last line of someone banned, and the only one when it comes back.
pub(super) fn describe_ban(until: Millis, reason: Option<&str>, now: Millis) -> Line {
    let (minutes, ending) = (minutes(until, now), ending(reason));
    format!("! Disconnected: you are banned for {minutes}{ending}").into()
}

/// How long it is from now, in minutes begun.
pub(super) fn minutes(until: Millis, now: Millis) -> impl fmt::Display {
    let minutes = until.saturating_sub(now).div_ceil(60_000);
    counted(minutes as usize, ("minute", "minutes"))
}

/// The end of a sentence that may have a reason.
pub(super) fn ending(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!(": {reason}"),
        None => ".".into(),
    }
}

pub(super) fn without_hash(room: &str) -> &str {
    room.strip_prefix('#').unwrap_or(room)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::tests::{ANYONE, House};
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
        house.pass(1000);
        assert_eq!(house.read(alice), ["* guest2 joined #lobby."]);
    }

    #[test]
    fn what_everyone_is_told_is_made_once() {
        let mut chat = Chat::new(Config::default());
        let mut effects = Vec::new();
        for _ in 0..2 {
            let id = chat.connect(ANYONE, 0, &mut effects).unwrap();
            chat.line(id, "/help", 0, &mut effects);
        }
        let told = |text: &str| -> Vec<&Line> {
            let lines = effects.iter().filter_map(|effect| match effect {
                Effect::Tell { line, .. } if line.contains(text) => Some(line),
                _ => None,
            });
            lines.collect()
        };
        for text in ["Type to talk.", "/history [N]"] {
            let [one, other] = told(text)[..] else {
                panic!()
            };
            assert!(Rc::ptr_eq(one, other), "{text}");
        }
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

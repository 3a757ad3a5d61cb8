//! What a typed line does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::answers::{shortened, tell};
use super::commands::{self, Command, NoCommand};
use super::history::History;
use super::place;
use super::room::Room;
use super::{
    Answer, Chat, Content, Departure, DisconnectReason, Effect, MemberId, Message, MessageKind,
    Millis, Question, Reading, Refusal, RoomId, sanitise,
};

impl Chat {
    /// Does what one line asks for, as typed: unsanitised, without a line end.
    ///
    /// A blank line does nothing, nor does a line of a member that is not there, or is to leave.
    /// A command is to wait until the drafts of its member are settled. Whatever cannot be
    /// done is told to the member as an [`Answer::Refused`]. `utc` is in milliseconds since 1970.
    pub fn line(
        &mut self,
        member: MemberId,
        line: &str,
        now: Millis,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        self.now = now;
        self.looking(|chat| chat.hear(member, line, (now, utc), effects));
    }

    fn hear(
        &mut self,
        member: MemberId,
        line: &str,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) {
        let author = self.member(member).filter(|_| !self.is_leaving(member));
        let Some(author) = author else {
            return;
        };
        let line = sanitise(line);
        if line.is_empty() {
            return;
        }
        let command = commands::parse(&line, author.peer.is_operator());
        // Who begins with a name or a room is announced as that, and there; who only goes, not at
        // all.
        let is_later = matches!(
            command,
            Ok(Command::Nick(_) | Command::Join(_) | Command::Quit)
        );
        if !is_later {
            self.announce_arrival(member, effects);
        }
        let done = match command {
            Ok(command) => self.carry_out_line(member, command, now, utc, effects),
            Err(NoCommand::OperatorsOnly(word)) => Err(Refusal::OperatorsOnly { word }),
            Err(NoCommand::Unknown(word)) => Err(Refusal::UnknownCommand {
                word: shortened(word, WORD),
            }),
            Err(NoCommand::Usage(entry)) => Err(Refusal::Usage { usage: entry.usage }),
        };
        if let Err(refusal) = done {
            tell(effects, member, Answer::Refused(refusal));
        }
        if is_later {
            self.announce_arrival(member, effects);
        }
    }

    fn carry_out_line(
        &mut self,
        member: MemberId,
        command: Command<'_>,
        now: Millis,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if command.is_heard_by_others() {
            self.may_speak(member, now)?;
        }
        let room = self.members[member.index()].room;
        match command {
            Command::Say(text) => self.publish(member, room, MessageKind::Said, text, utc, effects),
            Command::Me(text) => {
                self.publish(member, room, MessageKind::Action, text, utc, effects)
            }
            Command::Nick(name) => self.rename(member, name, effects)?,
            Command::Join(name) => self.join(member, name, (now, utc), effects)?,
            Command::Watch(name) => self.watch(member, name, (now, utc), effects)?,
            Command::Part(name) => self.part(member, name, utc, effects)?,
            Command::OwnRooms => tell(effects, member, self.describe_own_rooms(member)),
            Command::Ignore(Some(nickname)) => self.ignore(member, nickname, effects)?,
            Command::Ignore(None) => tell(effects, member, self.describe_ignored(member)),
            Command::Unignore(nickname) => self.unignore(member, nickname, effects)?,
            Command::Times(is_on) => {
                effects.push(Effect::Times { member, is_on });
                tell(effects, member, Answer::Times { is_on });
            }
            Command::Rooms => tell(effects, member, self.describe_rooms()),
            Command::Who(name) => tell(effects, member, self.describe_members(room, name)?),
            Command::Msg { to, text } => {
                let to = self.named(to).ok_or_else(|| self.nobody(to))?;
                let draft = self.draft_private(member, to, text.into(), utc);
                effects.push(draft);
            }
            Command::Topic(None) => {
                let (topic, room) = (self.topic_of(room), self.room(room).name().clone());
                tell(effects, member, Answer::RoomTopic { room, topic });
            }
            Command::Topic(Some(topic)) => {
                let limit = self.config.topic;
                if topic.chars().count() > limit {
                    return Err(Refusal::TopicTooLong { limit });
                }
                self.spread_topic(room, member, topic.into(), (now, utc), effects);
            }
            Command::History {
                count,
                beside,
                with,
            } => {
                let side = place::side(beside, utc)?;
                let reading = Reading::of_line(with, side, count);
                self.read_page(member, reading, utc, effects)?;
            }
            Command::Search(words) => self.search(member, words, effects)?,
            Command::Delete(meant) => self.take_back(member, room, meant, utc, effects)?,
            Command::Loop => effects.push(Effect::Ask {
                to: member,
                what: Question::Loop,
            }),
            Command::Help => {
                let is_operator = self.members[member.index()].peer.is_operator();
                let is_kept = self.config.is_kept;
                let help = Answer::Help {
                    is_operator,
                    is_kept,
                };
                tell(effects, member, help);
            }
            Command::Quit => {
                let nickname = self.members[member.index()].nickname.clone();
                let reason = DisconnectReason::Quit { nickname };
                tell(effects, member, Answer::Disconnected(reason.clone()));
                if !self.shared.contains(&member) {
                    self.go(member, Departure::Quit, effects);
                }
                effects.push(Effect::Disconnect { member, reason });
            }
            Command::Order(order) => self.carry_out(member, order, now, effects)?,
        }
        Ok(())
    }

    /// Has a room hear what a member says.
    #[inline]
    fn publish(
        &mut self,
        member: MemberId,
        room: RoomId,
        kind: MessageKind,
        text: &str,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let text = text.into();
        let author = (member, self.person(member));
        let draft = self.draft(room, author, Content::Message { kind, text }, utc);
        effects.push(draft);
    }

    /// A room has heard a message: it is history.
    pub(super) fn remember(&mut self, room: RoomId, message: &Rc<Message>) {
        self.change_history(room, |history| history.push(message));
        if self.history_bytes > self.config.histories {
            self.shrink_histories();
        }
    }

    /// Forgets the oldest messages of all rooms, down to somewhat less than may be kept: so seldom
    /// that looking at all rooms is not much for each message said.
    fn shrink_histories(&mut self) {
        let oldest =
            |(key, room): (usize, &Room)| Some(Reverse((room.timeline.history.oldest()?, key)));
        let mut rooms: BinaryHeap<_> = self.rooms.iter().filter_map(oldest).collect();
        let most = self.config.histories - self.config.histories / 8;
        while self.history_bytes > most
            && let Some(Reverse((_, key))) = rooms.pop()
        {
            self.change_history(RoomId(key as u32), History::forget_oldest);
            let oldest = self.rooms[key].timeline.history.oldest();
            rooms.extend(oldest.map(|oldest| Reverse((oldest, key))));
        }
    }

    /// Changes what a room keeps, and with it what all of them take.
    pub(super) fn change_history(&mut self, room: RoomId, change: impl FnOnce(&mut History)) {
        let history = &mut self.rooms[room.index()].timeline.history;
        let before = history.weight();
        change(history);
        self.history_bytes = self.history_bytes - before + history.weight();
    }

    /// For how long a member is still to be quiet, if it is.
    pub(super) fn muted_for(&self, member: MemberId, now: Millis) -> Option<Millis> {
        if self.mutes.is_empty() {
            return None; // nearly always
        }
        let origin = self.members[member.index()].peer.origin();
        let until = self.mutes.hold(origin, member, now)?;
        Some(until.saturating_sub(now))
    }

    pub(super) fn may_speak(&self, member: MemberId, now: Millis) -> Result<(), Refusal> {
        match self.muted_for(member, now) {
            Some(left) => Err(Refusal::Muted { left }),
            None => Ok(()),
        }
    }
}

/// Characters that are repeated of a word that is no command.
const WORD: usize = 20;

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::Config;
    use super::super::tests::{ANYONE, House};

    #[test]
    fn a_line_reaches_everyone_else() {
        let (mut house, [alice, bob, carol]) = House::with_guests();
        assert!(house.answers(alice, "hi \x1b[1mthere\t").is_empty());
        assert!(house.answers(alice, "//etc").is_empty());
        assert!(house.answers(alice, "/me waves").is_empty());
        assert!(house.answers(alice, " \x07 \u{202E}").is_empty());
        for id in [bob, carol] {
            assert_eq!(
                house.read(id),
                ["guest1: hi [1mthere", "guest1: /etc", "** guest1 waves"]
            );
        }
    }

    #[test]
    fn a_new_name_is_answered_and_announced() {
        let (mut house, [alice, bob]) = House::with_guests();
        assert_eq!(
            house.answers(alice, "/nick Alice"),
            ["* You are now Alice."]
        );
        assert_eq!(house.read(bob), ["* guest1 is now Alice."]);
        assert_eq!(
            house.answers(bob, "/nick aLICE"),
            ["! aLICE is taken; try aLICE2."]
        );
        assert_eq!(
            house.answers(alice, "/nick ALICE"),
            ["* You are now ALICE."]
        );
        assert_eq!(
            house.answers(bob, "/nick a b"),
            ["! A nickname is made of letters, digits, _, - and . only, not U+0020."]
        );
        // The old name is free again.
        house.types(alice, "/nick zoe");
        house.read(bob);
        assert_eq!(house.answers(bob, "/nick alice"), ["* You are now alice."]);
    }

    #[test]
    fn another_room_is_entered_with_its_topic_and_history() {
        let (mut house, [alice, bob]) = House::with_guests();
        assert_eq!(
            house.answers(alice, "/join #Tea"),
            ["* You are now in #Tea with 0 others."]
        );
        assert_eq!(house.read(bob), ["* guest1 left #lobby."]);
        assert_eq!(
            house.answers(alice, "/topic at five"),
            ["* guest1 set the topic: at five"]
        );
        house.types(alice, "milk?");
        assert_eq!(
            house.answers(bob, "/join tea"),
            [
                "* You are now in #Tea with 1 other.",
                "* Topic of #Tea: at five",
                "* The last 1 messages of #Tea:",
                "guest1: milk?"
            ]
        );
        assert_eq!(house.read(alice), ["* guest2 joined #Tea."]);
        assert_eq!(
            house.answers(bob, "/join TEA"),
            ["* You are in #Tea already."]
        );
        assert_eq!(
            house.answers(bob, "/join #"),
            ["! A room name has 1 to 32 characters."]
        );
        assert_eq!(
            house.answers(bob, "/rooms"),
            ["* Rooms: #Tea (2), #lobby (0)"]
        );
        assert_eq!(
            house.answers(bob, "/who"),
            ["* In #Tea (2): guest1, guest2"]
        );
        assert_eq!(
            house.answers(bob, "/who #LOBBY"),
            ["* Nobody is in #lobby."]
        );
        assert_eq!(
            house.answers(bob, "/who chess"),
            ["! There is no room #chess."]
        );
    }

    #[test]
    fn a_private_message_reaches_one() {
        let (mut house, [alice, bob, carol]) = House::with_guests();
        assert!(house.answers(alice, "/msg GUEST2 psst").is_empty());
        assert_eq!(house.read(bob), ["guest1 -> guest2: psst"]);
        assert!(house.read(carol).is_empty());
        assert_eq!(
            house.answers(alice, "/msg zed psst"),
            ["! There is no zed here."]
        );
        let nobody = format!("/msg {} psst", "z".repeat(4000));
        assert!(house.answers(alice, &nobody)[0].len() < 50);
        // It was private, so it is not history.
        assert_eq!(
            house.answers(carol, "/history"),
            ["* Nothing has been said in #lobby yet."]
        );
    }

    #[test]
    fn a_topic_is_refused_rather_than_cut() {
        let (mut house, [alice]) = House::with_guests();
        let long = format!("/topic {}", "ž".repeat(201));
        assert_eq!(
            house.answers(alice, &long),
            ["! A topic has at most 200 characters."]
        );
        assert_eq!(house.answers(alice, "/topic"), ["* #lobby has no topic."]);
    }

    #[test]
    fn a_full_room_and_a_full_house_are_refused_with_the_limit() {
        let mut house = House::new(Config {
            rooms: 3,
            room_members: 2,
            linger: 0,
            ..Config::default()
        });
        let [alice, bob] = [house.connect(), house.connect()];
        let full = "! Disconnected: #lobby is full, it has 2 members.";
        assert_eq!(house.refusal(ANYONE).as_deref(), Some(full));
        house.types(alice, "/join tea");
        let carol = house.connect();
        house.types(bob, "/join TEA");
        let dave = house.connect();
        house.read(carol);
        assert_eq!(
            house.answers(carol, "/join tea"),
            ["! #tea is full, it has 2 members."]
        );
        house.types(carol, "/join chess");
        house.read(dave);
        assert_eq!(
            house.answers(dave, "/join go"),
            ["! There are 3 rooms already, and that is the limit. /rooms lists them."]
        );
        // Nothing has happened to those who were refused.
        assert_eq!(house.answers(dave, "/who"), ["* In #lobby (1): guest4"]);
        // Whoever leaves a room empty opens another in its stead.
        assert_eq!(
            house.answers(carol, "/join go").last().unwrap(),
            "* You are now in #go with 0 others."
        );
        assert_eq!(
            house.answers(carol, "/rooms"),
            ["* Rooms: #tea (2), #go (1), #lobby (1)"]
        );
    }

    #[test]
    fn what_is_no_command_is_answered_with_a_hint() {
        let (mut house, [alice]) = House::with_guests();
        assert_eq!(
            house.answers(alice, "/dance now"),
            ["! There is no command /dance. /help lists the commands."]
        );
        assert_eq!(house.answers(alice, "/nick"), ["! Usage: /nick NAME"]);
        assert!(house.answers(alice, &"/x".repeat(2000))[0].len() < 80);
    }

    #[test]
    fn quitting_is_answered_before_the_connection_goes() {
        let (mut house, [alice, bob]) = House::with_guests();
        assert_eq!(house.answers(alice, "/quit good night"), ["* Bye, guest1."]);
        assert!(house.disconnected.contains(&alice));
        assert_eq!(house.read(bob), ["* guest1 left #lobby."]);
        house.leave(alice);
        assert!(house.read(bob).is_empty());
    }

    #[test]
    fn an_announcement_is_heard_in_every_room() {
        let (mut house, [alice, bob]) = House::with_guests();
        house.types(alice, "/join tea");
        house.pass(1000);
        house.read(alice);
        house.read(bob);
        house.announce("The server is going down.\x07");
        for id in [alice, bob] {
            assert_eq!(house.read(id), ["* The server is going down."]);
        }
    }
}

//! What a typed line does.
//!
//! Lines a member gets are told apart by how they start: `* ` is the chat speaking, `! ` the chat
//! refusing, `** nick` an action, `nick: ` a message, `nick -> nick: ` a private one. No name has a
//! space, a star or a colon in it, so no member can put words into the chat's mouth.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use super::answers::{OTHERS, compose, describe_topic, minutes, tell, without_hash};
use super::commands::{self, Command, Refusal};
use super::listing::counted;
use super::look_alikes::Keys;
use super::name::Name;
use super::room::Room;
use super::{Chat, Effect, LOBBY, MemberId, Millis, Report, RoomId, SayKind, sanitise, unicode};

impl Chat {
    /// Does what one line asks for, as typed: unsanitised, without a line end.
    ///
    /// A blank line does nothing, nor does a line of a member that is not there. Whatever cannot be
    /// done is told to the member in a line that starts with `! `.
    pub fn line(&mut self, member: MemberId, line: &str, now: Millis, effects: &mut Vec<Effect>) {
        let before = unicode::looks();
        self.hear(member, line, now, effects);
        self.looks += unicode::looks() - before;
    }

    fn hear(&mut self, member: MemberId, line: &str, now: Millis, effects: &mut Vec<Effect>) {
        let Some(author) = self.member(member) else {
            return;
        };
        let (nickname, room) = (author.nickname.clone(), author.room);
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
            self.announce_arrival(member, now, effects);
        }
        if command.as_ref().is_ok_and(Command::is_heard_by_others)
            && let Some(why) = self.is_muted(member, now)
        {
            return tell(effects, member, format!("! {why}."));
        }
        match command {
            Ok(Command::Say(text)) => {
                self.publish(member, room, format_args!("{nickname}: {text}"), effects);
            }
            Ok(Command::Me(action)) => {
                self.publish(
                    member,
                    room,
                    format_args!("** {nickname} {action}"),
                    effects,
                );
            }
            Ok(Command::Nick(name)) => self.rename(member, name, now, effects),
            Ok(Command::Join(name)) => self.join(member, name, now, effects),
            Ok(Command::Rooms) => tell(effects, member, self.describe_rooms()),
            Ok(Command::Who(name)) => tell(effects, member, self.describe_members(room, name)),
            Ok(Command::Msg { to, text }) => match self.named(to) {
                Some(to) => {
                    let recipient = &self.members[to.index()].nickname;
                    let line = format!("{nickname} -> {recipient}: {text}");
                    effects.push(Effect::Private {
                        from: member,
                        to,
                        line: line.into(),
                    });
                }
                None => {
                    let line = format!("! {}.", self.nobody(to));
                    tell(effects, member, line);
                }
            },
            Ok(Command::Topic(None)) => tell(effects, member, describe_topic(self.room(room))),
            Ok(Command::Topic(Some(topic))) => self.set_topic(member, room, topic, now, effects),
            Ok(Command::History(count)) => {
                let count = count.unwrap_or(self.config.replay);
                if self.replay(room, member, count, effects) == 0 {
                    let name = self.room(room).name();
                    let line = format!("* Nothing has been said in #{name} yet.");
                    tell(effects, member, line);
                }
            }
            Ok(Command::Loop) => effects.push(Effect::Report {
                to: member,
                what: Report::Loop,
            }),
            Ok(Command::Help) => self.describe_commands(member, effects),
            Ok(Command::Quit) => {
                tell(effects, member, format!("* Bye, {nickname}."));
                self.leave(member, now, effects);
                effects.push(Effect::Disconnect { member });
            }
            Ok(Command::Order(order)) => {
                if let Err(why) = self.carry_out(member, order, now, effects) {
                    tell(effects, member, format!("! {why}."));
                }
            }
            Err(Refusal::OperatorsOnly(word)) => {
                tell(effects, member, format!("! /{word} is for operators only."));
            }
            Err(Refusal::Unknown(word)) => {
                let line = format!("! There is no command /{word:.20}. /help lists the commands.");
                tell(effects, member, line);
            }
            Err(Refusal::Usage(entry)) => {
                tell(effects, member, format!("! Usage: {}", entry.usage));
            }
        }
        if is_later {
            self.announce_arrival(member, now, effects);
        }
    }

    /// The hot path: one allocation, which history and effect share.
    fn publish(
        &mut self,
        author: MemberId,
        room: RoomId,
        text: fmt::Arguments<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let line = compose(&mut self.draft, text);
        let place = &mut self.rooms[room.index()];
        let before = place.history.weight();
        place.history.push(&line, self.lines);
        let after = place.history.weight();
        place.said += 1;
        self.lines += 1;
        self.changes += 1;
        self.history_bytes = self.history_bytes - before + after;
        if self.history_bytes > self.config.histories {
            self.shrink_histories();
        }
        effects.push(Effect::Say {
            room,
            except: Some(author),
            kind: SayKind::Message,
            line,
        });
    }

    /// Forgets the oldest lines of all rooms, down to somewhat less than may be kept: so seldom
    /// that looking at all rooms is not much for each line said.
    fn shrink_histories(&mut self) {
        let oldest = |(key, room): (usize, &Room)| Some(Reverse((room.history.oldest()?, key)));
        let mut rooms: BinaryHeap<_> = self.rooms.iter().filter_map(oldest).collect();
        let most = self.config.histories - self.config.histories / 8;
        while self.history_bytes > most
            && let Some(Reverse((_, key))) = rooms.pop()
        {
            let history = &mut self.rooms[key].history;
            let before = history.weight();
            history.forget_oldest();
            self.history_bytes = self.history_bytes - before + history.weight();
            rooms.extend(history.oldest().map(|number| Reverse((number, key))));
        }
    }

    fn join(&mut self, member: MemberId, name: &str, now: Millis, effects: &mut Vec<Effect>) {
        let (name, folded) = match Name::with_fold(without_hash(name), self.config.room_name) {
            Ok(found) => found,
            Err(bad) => return tell(effects, member, format!("! A room name {bad}.")),
        };
        let keys = Keys::new(&name, &folded);
        let existing = self.room_with(&folded, &keys);
        let here = self.members[member.index()].room;
        if existing == Some(here) {
            let line = format!("* You are in #{} already.", self.room(here).name());
            return tell(effects, member, line);
        }
        let refusal = match existing {
            Some(room) => self.is_full(room),
            None => self
                .is_muted(member, now) // `/rooms` would show what it is called
                .or_else(|| self.looks_like_another(&name, &keys))
                .or_else(|| self.has_all_rooms(here)),
        };
        if let Some(why) = refusal {
            return tell(effects, member, format!("! {why}."));
        }
        let to = existing.unwrap_or_else(|| self.open_room(name.clone(), &keys));
        self.relocate(member, to, now, effects);
        let room = &self.rooms[to.index()];
        let others = counted(room.len() - 1, OTHERS);
        let welcome = format_args!("* You are now in #{} with {others}.", room.name());
        tell(effects, member, compose(&mut self.draft, welcome));
        if room.topic.is_some() {
            tell(effects, member, describe_topic(room));
        }
        self.replay(to, member, self.config.replay, effects);
    }

    /// Until when a member is to be quiet, if it is.
    pub(super) fn muted_until(&self, member: MemberId, now: Millis) -> Option<Millis> {
        let origin = self.members[member.index()].peer.origin();
        self.mutes.hold(origin, member, now)
    }

    /// Says that a member is to be quiet, if it is.
    fn is_muted(&self, member: MemberId, now: Millis) -> Option<String> {
        let until = self.muted_until(member, now)?;
        let minutes = minutes(until, now);
        Some(format!("You are muted for {minutes}; nobody was told"))
    }

    /// Says that nobody in `here` can open another room, if so.
    fn has_all_rooms(&self, here: RoomId) -> Option<String> {
        let limit = self.config.rooms;
        // Whoever is alone in a room gives it up, and the new one takes its place.
        let given_up = usize::from(here != LOBBY && self.room(here).len() == 1);
        let has_all = self.rooms.len() - given_up >= limit;
        has_all.then(|| {
            format!("There are {limit} rooms already, and that is the limit. /rooms lists them")
        })
    }

    fn set_topic(
        &mut self,
        author: MemberId,
        room: RoomId,
        topic: &str,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let limit = self.config.topic;
        if topic.chars().count() > limit {
            let line = format!("! A topic has at most {limit} characters.");
            return tell(effects, author, line);
        }
        self.rooms[room.index()].topic = Some(topic.into());
        let nickname = &self.members[author.index()].nickname;
        let line = format!("* {nickname} set the topic: {topic}");
        self.topic_news.set(room, author, line.into(), now, effects);
    }
}

#[cfg(test)]
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

use super::*;
use crate::chat::{Announcement, Chat, Config, Effect, Event, MemberId, Peer};
use crate::room_log::{MemoryLog, RoomLog};
use crate::server::FRAMINGS;
use crate::server::core::digests::{Digests, Place};
use crate::server::core::sessions::Sessions;

const NEIGHBOUR: Peer = Peer::Tcp(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// A chat, and what each member was written, one entry a write. Each has one session.
struct House {
    chat: Chat,
    fan_out: FanOut,
    digests: Digests,
    log: MemoryLog,
}

fn session(member: MemberId) -> SessionId {
    member.into()
}

impl House {
    fn new() -> Self {
        let chat = Chat::new(Config::default());
        let fan_out = FanOut::new(&FRAMINGS);
        let digests = Digests::default();
        Self {
            chat,
            fan_out,
            digests,
            log: MemoryLog::default(),
        }
    }

    /// Whoever has said nothing yet, and of whom the others have not heard.
    fn arrive(&mut self, now: Millis) -> MemberId {
        self.arrive_and(now, |_, _| {})
    }

    /// The same when its silence is over, and others have heard of it.
    fn connect(&mut self, now: Millis) -> MemberId {
        self.arrive_and(now, |chat, effects| chat.tick(now + 10_000, 0, effects))
    }

    fn arrive_and(
        &mut self,
        now: Millis,
        then: impl FnOnce(&mut Chat, &mut Vec<Effect>),
    ) -> MemberId {
        let mut effects = Vec::new();
        let newcomer = self
            .chat
            .connect(NEIGHBOUR, now, 0, &mut effects)
            .expect("room");
        self.fan_out.admit(newcomer.into(), FramingId(0));
        then(&mut self.chat, &mut effects);
        self.apply(effects);
        self.fan_out.let_wait(newcomer.into(), now);
        newcomer
    }

    fn types(&mut self, member: MemberId, line: &str) {
        let mut effects = Vec::new();
        self.chat.line(member, line, 10_000, 0, &mut effects);
        self.apply(effects);
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(draft) => {
                    let mut effects = Vec::new();
                    let settled = self.log.append(draft, 0).expect("it is settled at once");
                    self.chat.settle(settled, 10_000, &mut effects);
                    self.apply(effects);
                }
                Effect::Tell { to, answer } => self.fan_out.tell(to.into(), Heard::Answer(&answer)),
                Effect::Private {
                    reader, message, ..
                } => {
                    let to = reader.expect("it wants to hear it");
                    self.fan_out.tell(to.into(), Heard::Private(&message));
                }
                Effect::Say {
                    room,
                    except,
                    event,
                } if matches!(event, Event::Arrival { .. } | Event::Departure { .. }) => {
                    let place = Place {
                        room,
                        name: self.chat.room_name(room).expect("it is there"),
                        members: self.chat.members_of(room).len(),
                        has_crowds: false,
                    };
                    let said = self.digests.hear(place, except, event, 10_000, 0);
                    if let Some((room, except, digest)) = said {
                        self.say(room, except, Said::Digest(digest));
                    }
                }
                Effect::Say {
                    room,
                    except,
                    event,
                } => self.say(room, except, Said::Event(event)),
                Effect::Moved { member, to, .. } => self.fan_out.moved(member.into(), to),
                Effect::Watched {
                    member,
                    room,
                    is_watched,
                } => self.fan_out.watch(member.into(), room, is_watched),
                Effect::Ignored {
                    member,
                    whom,
                    is_ignored,
                } => self.fan_out.ignore(member.into(), whom, is_ignored),
                Effect::Times { member, is_on } => self.fan_out.show_times(member.into(), is_on),
                Effect::Disconnect { .. }
                | Effect::Query(_)
                | Effect::Ask { .. }
                | Effect::Record(_)
                | Effect::Shutdown => {}
            }
        }
    }

    fn say(&mut self, room: RoomId, except: Option<MemberId>, said: Said) {
        let except = except.map(session);
        let readers = self.chat.members_of(room).len();
        self.fan_out.say(room, readers, except.as_slice(), said);
    }

    fn deliver_as(&mut self, mut write: impl FnMut(SessionId, Payload<'_>) -> Standing) {
        let sessions = Sessions::default();
        self.fan_out
            .deliver(&self.chat, &sessions, |session, payload, _| {
                write(session, payload)
            });
    }

    /// The writes of one turn, each with the first line of it and the number of its lines.
    fn deliver(&mut self) -> Vec<(SessionId, String, usize)> {
        let mut writes = Vec::new();
        self.deliver_as(|session, payload| {
            let bytes = match payload {
                Payload::Shared(shared) => &shared.bytes()[..],
                Payload::Own(bytes) => bytes,
            };
            let text = String::from_utf8_lossy(bytes);
            let first = text.lines().next().unwrap_or_default().to_owned();
            writes.push((session, first, text.lines().count()));
            Standing::KeepsUp
        });
        writes
    }
}

const WELCOME: &str = "* Welcome to loopchat, guest1. You are in #lobby with 0 others.";

#[test]
fn a_greeting_waits_and_goes_out_in_time() {
    let mut house = House::new();
    let ann = house.connect(0);
    assert!(house.fan_out.is_empty());
    assert_eq!(house.fan_out.next_greeting(), Some(GREETING_MS));
    house.fan_out.greet(GREETING_MS - 1);
    assert_eq!(house.deliver(), []);
    house.fan_out.greet(GREETING_MS);
    assert_eq!(house.deliver(), [(session(ann), WELCOME.to_owned(), 2)]);
    assert_eq!(house.fan_out.next_greeting(), None);
    house.fan_out.greet(99);
    assert_eq!(house.deliver(), [], "once");
}

#[test]
fn an_answer_takes_the_greeting_along() {
    let mut house = House::new();
    let ann = house.connect(0);
    house.types(ann, "/nick ann");
    assert_eq!(house.deliver(), [(session(ann), WELCOME.to_owned(), 3)]);
    house.fan_out.greet(GREETING_MS);
    assert_eq!(house.deliver(), []);
}

#[test]
fn what_others_say_takes_the_greeting_along() {
    let mut house = House::new();
    let ann = house.arrive(0);
    house.fan_out.greet(GREETING_MS);
    house.deliver();
    let bob = house.arrive(0);
    // Her arrival and her line are for him, and a reason to deliver, but nothing of his own.
    house.types(ann, "hello");
    let writes = house.deliver();
    assert_eq!(writes.len(), 1, "{writes:?}");
    let (_, first, lines) = writes
        .iter()
        .find(|write| write.0 == session(bob))
        .expect("his");
    assert!(first.starts_with("* Welcome") && *lines == 4, "{writes:?}");
    house.fan_out.greet(99);
    assert_eq!(house.deliver(), [], "nothing twice");
}

#[test]
fn a_greeting_outlives_who_had_the_place_before() {
    let mut house = House::new();
    let ann = house.connect(0);
    house.types(ann, "/quit");
    house.fan_out.take(session(ann));
    let bob = house.connect(0);
    assert_eq!(bob.index(), ann.index());
    assert_eq!(house.deliver(), []);
    house.fan_out.greet(GREETING_MS);
    assert_eq!(house.deliver().len(), 1);
}

#[test]
fn nothing_is_written_for_who_had_the_place_before() {
    let mut house = House::new();
    let ann = house.connect(0);
    house.types(ann, "/who");
    house.types(ann, "/quit");
    house.fan_out.take(session(ann));
    let bob = house.connect(1);
    house.types(bob, "/who");
    let writes = house.deliver();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].0, session(bob));
    // Nor does her greeting's time make it his.
    house.types(bob, "/quit");
    house.fan_out.take(session(bob));
    let carol = house.connect(GREETING_MS - 1);
    house.fan_out.greet(GREETING_MS + 1);
    assert_eq!(house.deliver(), []);
    house.fan_out.greet(2 * GREETING_MS);
    assert_eq!(house.deliver().len(), 1);
    assert!(!house.fan_out.waits(session(carol)));
}

#[test]
fn messages_are_left_out_for_those_behind_and_notices_are_not() {
    let mut house = House::new();
    let [ann, bob] = [(); 2].map(|()| house.connect(0));
    house.fan_out.greet(GREETING_MS);
    house.types(ann, "here");
    house.deliver();
    house.fan_out.fall_behind(session(bob), Standing::Behind);
    house.types(ann, "one");
    house.types(ann, "/topic two");
    house.types(ann, "three");
    let writes = house.deliver();
    let his: Vec<_> = writes
        .iter()
        .filter(|write| write.0 == session(bob))
        .collect();
    assert!(
        matches!(his[..], [(_, line, 1)] if line.contains("topic")),
        "{writes:?}"
    );
    assert_eq!(house.fan_out.skipped(session(bob)), Some(2));
    // An answer of his own comes at its place; what is only messages brings him nothing.
    house.types(ann, "four");
    house.types(bob, "/topic");
    assert_eq!(house.deliver().len(), 1);
    house.types(ann, "five");
    assert_eq!(house.deliver(), []);
    house.types(ann, "six");
    assert_eq!(
        house.fan_out.catch_up(session(bob)),
        5,
        "the one of this turn, too"
    );
    house.types(ann, "seven");
    assert_eq!(
        house.deliver(),
        [(session(bob), "guest1: seven".to_owned(), 1)]
    );
    assert_eq!(house.fan_out.catch_up(session(bob)), 0);
}

#[test]
fn who_is_found_behind_by_a_write_does_without_the_next_message() {
    let mut house = House::new();
    let [ann, bob] = [(); 2].map(|()| house.connect(0));
    house.fan_out.greet(GREETING_MS);
    house.deliver();
    house.types(ann, "one");
    house.deliver_as(|reader, _| match reader == session(bob) {
        true => Standing::Behind,
        false => Standing::KeepsUp,
    });
    house.types(ann, "two");
    assert_eq!(house.deliver(), []);
    assert_eq!(house.fan_out.catch_up(session(bob)), 1);
}

/// Catches: a member that others push over its limit; notices that were left out and not counted.
#[test]
fn who_is_full_does_without_notices_and_gets_its_own_answers() {
    let mut house = House::new();
    let [ann, bob] = [(); 2].map(|()| house.connect(0));
    house.fan_out.greet(GREETING_MS);
    house.deliver();
    house.types(ann, "one");
    house.deliver_as(|reader, _| match reader == session(bob) {
        true => Standing::Full,
        false => Standing::KeepsUp,
    });
    house.types(ann, "/topic tea");
    house.types(ann, "two");
    house.types(bob, "/nick");
    let written = house.deliver();
    let usage = "! Usage: /nick NAME".to_owned();
    assert_eq!(written.last(), Some(&(session(bob), usage, 1)));
    assert_eq!(house.fan_out.catch_up(session(bob)), 2);
}

/// Catches: a line of its own of which a program hears that it is done, and nothing else.
#[test]
fn who_is_behind_hears_its_own_message_if_it_hears_them_at_all() {
    let mut house = House::new();
    let [ann, bob] = [(); 2].map(|()| house.connect(0));
    let echoing = FRAMINGS.iter().position(|framing| framing.echoes);
    let echoing = FramingId(echoing.expect("one does") as u8);
    house.fan_out.admit(session(bob), echoing);
    let lobby = house.chat.room_of(bob);
    house.fan_out.moved(session(bob), lobby);
    house.fan_out.greet(GREETING_MS);
    house.types(ann, "here");
    house.deliver();
    house.fan_out.fall_behind(session(bob), Standing::Behind);
    house.types(ann, "one");
    house.types(bob, "mine");
    house.types(ann, "two");
    let writes = house.deliver();
    let his: Vec<_> = writes
        .iter()
        .filter(|write| write.0 == session(bob))
        .collect();
    assert!(
        matches!(his[..], [(_, object, 1)] if object.contains("\"text\":\"mine\"")),
        "{writes:?}"
    );
    assert_eq!(
        house.fan_out.catch_up(session(bob)),
        2,
        "its own was not left out"
    );
}

/// Catches: somebody who is told of more that it was spared than it would have heard.
#[test]
fn who_is_ignored_is_not_counted_as_skipped() {
    let mut house = House::new();
    let [ann, bob, carol] = [(); 3].map(|()| house.connect(0));
    house.fan_out.greet(GREETING_MS);
    house.types(bob, "/ignore guest1");
    house.deliver();
    for standing in [Standing::Behind, Standing::Full] {
        house.fan_out.fall_behind(session(bob), standing);
        house.types(ann, "one");
        house.types(carol, "two");
        house.types(ann, "three");
        house.deliver();
        assert_eq!(house.fan_out.catch_up(session(bob)), 1, "{standing:?}");
    }
}

/// Catches: what each room has heard is little, and those who hear many rooms get all of it.
#[test]
fn what_is_much_for_all_readers_together_does_not_wait_for_the_end_of_the_turn() {
    let mut house = House::new();
    let ann = house.connect(0);
    house.types(ann, "/join tea");
    house.deliver();
    let bob = house.connect(0);
    let rooms = [ann, bob].map(|member| house.chat.room_of(member).expect("one"));
    let said = || {
        let (by, text) = (None, "".into());
        Said::Event(Event::Announcement(Announcement { by, text }.into()))
    };
    // How often something may be said in turn in two rooms of so many readers.
    let mut times = |readers| {
        let fan_out = &mut house.fan_out;
        let mut is_large = |at: usize| {
            fan_out.say(rooms[at % 2], readers, &[], said());
            fan_out.is_large()
        };
        let times = (0..).position(&mut is_large);
        house.deliver();
        times.expect("it ends")
    };
    let each = BESIDES_OF_LINES;
    assert_eq!(times(512), LARGE_IN_ALL / 512 / each, "few hear much");
    assert_eq!(times(512), LARGE_IN_ALL / 512 / each, "it begins anew");
    assert_eq!(times(100_000), LARGE / each, "many hear little");
}

/// Catches: answers that count for less than they are, or for what others have said.
#[test]
fn how_much_of_a_write_is_ones_own_answers_is_told() {
    let mut house = House::new();
    let [ann, bob] = [(); 2].map(|()| house.connect(0));
    house.deliver();
    house.types(bob, "hello");
    house.types(ann, "/nick ann");
    house.types(ann, "/join tea");
    let mut own_of_ann = Vec::new();
    let sessions = Sessions::default();
    house
        .fan_out
        .deliver(&house.chat, &sessions, |session, payload, own| {
            if session == ann.into() {
                own_of_ann.push((own, payload.len()));
            }
            Standing::KeepsUp
        });
    let [(own, all)] = own_of_ann[..] else {
        panic!("{own_of_ann:?}");
    };
    let heard = "guest2: hello\n".len();
    assert_eq!(own, all - heard, "of {all}");
}

/// Catches: hundreds of long greetings that are all kept for the same moment.
#[test]
fn a_long_greeting_does_not_wait() {
    let mut house = House::new();
    let ann = house.connect(0);
    house.deliver();
    for _ in 0..10 {
        house.types(ann, &"x".repeat(LARGE / 8));
    }
    house.deliver();
    house.arrive(0);
    house.fan_out.greet(0); // Ann's, which was served
    assert_eq!(house.fan_out.next_greeting(), None);
    assert_eq!(house.deliver().len(), 1);
}

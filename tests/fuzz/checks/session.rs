//! Whole sessions against the chat: whoever comes, goes and types, and as time passes.
//!
//! The input is a script of lines, so that seeds can be read and the fuzzer's cuts and splices stay
//! meaningful. The first byte of each says what happens:
//!
//! | byte | what happens |
//! | --- | --- |
//! | `a` to `h` | a member, who comes if it is not there, types the rest of the line |
//! | `A` to `H` | this member's connection is gone |
//! | `@` | the member named by the next byte comes as an operator, and types the rest |
//! | `0` to `9` | one millisecond to eleven days pass |
//! | `!` | the rest is announced |
//! | any other | one of the members types the whole line |

use std::collections::{HashMap, HashSet};

use loopchat::chat::{
    Audience, Chat, Config, Effect, Event, MemberId, Millis, Name, Peer, Place, RoomId, Wanted,
};
use loopchat::room_log::{MemoryLog, RoomLog};
use loopchat::server::FRAMINGS;
use loopchat::server::core::rendering::Heard;

use super::steers_a_terminal;

/// Members at a time.
const SEATS: usize = 8;

/// Small limits, so that the fuzzer meets them.
fn limits() -> Config {
    Config {
        rooms: 3,
        is_kept: false,
        rooms_per_member: 2,
        room_members: 5,
        history: 4,
        history_bytes: 100,
        histories: 500,
        linger: 5000,
        replay: 3,
        nickname: 16,
        room_name: 8,
        topic: 20,
        reason: 10,
        bans: 2,
        mutes: 2,
    }
}

struct Session {
    chat: Chat,
    now: Millis,
    seats: [Option<MemberId>; SEATS],
    /// Where each member is, as the effects tell it.
    places: HashMap<MemberId, RoomId>,
    /// What each hears beside that.
    watched: HashSet<(MemberId, RoomId)>,
    /// What had a place in each room last.
    last: HashMap<(RoomId, String), Place>,
    effects: Vec<Effect>,
    log: MemoryLog,
    /// Bytes of the longest text that went in so far.
    longest: usize,
}

/// No line that comes out could steer a terminal or is longer than it must be; nicknames are
/// unique; what the effects tell of who is where is what the chat says; limits hold.
pub fn check(data: &[u8]) {
    let mut session = Session {
        chat: Chat::new(limits()),
        now: 0,
        seats: [None; SEATS],
        places: HashMap::new(),
        watched: HashSet::new(),
        last: HashMap::new(),
        effects: Vec::new(),
        log: MemoryLog::default(),
        longest: 0,
    };
    for line in data.split(|byte| *byte == b'\n') {
        session.step(line);
        session.follow_effects();
        session.agrees();
    }
}

impl Session {
    /// The wall clock, which somebody sets back all the time.
    fn utc(&self) -> Millis {
        2_000_000_000_000_u64.saturating_sub(self.now)
    }

    fn step(&mut self, line: &[u8]) {
        let [what, rest @ ..] = line else { return };
        match what {
            b'a'..=b'h' => self.types(usize::from(what - b'a'), false, rest),
            b'A'..=b'H' => {
                if let Some(member) = self.seats[usize::from(what - b'A')].take() {
                    let (now, utc) = (self.now, self.utc());
                    self.chat.leave(member, now, &mut self.effects);
                    self.chat.leave(member, now, &mut self.effects); // does no harm
                    self.chat
                        .line(member, "hello?", now, utc, &mut self.effects);
                }
            }
            b'@' => {
                if let [seat, rest @ ..] = rest {
                    self.types(usize::from(*seat) % SEATS, true, rest);
                }
            }
            b'0'..=b'9' => {
                self.now += 10_u64.pow(u32::from(what - b'0'));
                let utc = self.utc();
                self.chat.tick(self.now, utc, &mut self.effects);
                let next = self.chat.next_deadline();
                assert!(
                    next.is_none_or(|due| due > self.now),
                    "a tick left something due"
                );
            }
            b'!' => {
                let text = String::from_utf8_lossy(rest);
                self.longest = self.longest.max(text.len());
                self.chat.announce(&text, &mut self.effects);
            }
            _ => self.types(usize::from(*what) % SEATS, false, line),
        }
    }

    fn types(&mut self, seat: usize, operator: bool, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.longest = self.longest.max(line.len());
        if self.seats[seat].is_none() {
            let peer = match operator {
                true => Peer::Local {
                    user: 1000,
                    operator,
                },
                false => Peer::Tcp([192, 0, 2, seat as u8].into()),
            };
            let admits = self.chat.admits(peer, self.now);
            let utc = self.utc();
            match self.chat.connect(peer, self.now, utc, &mut self.effects) {
                Ok(member) => {
                    assert!(admits.is_ok());
                    self.seats[seat] = Some(member);
                }
                Err(refusal) => {
                    assert_eq!(admits.as_ref(), Err(&refusal));
                    assert!(self.effects.is_empty());
                    self.is_presentable(&refusal.line());
                }
            }
            // The newcomer is known from here on, whatever its first line does.
            self.follow_effects();
        }
        if let Some(member) = self.seats[seat] {
            let (now, utc) = (self.now, self.utc());
            self.chat.line(member, &line, now, utc, &mut self.effects);
        }
    }

    fn is_presentable(&self, line: &str) {
        assert!(!line.chars().any(steers_a_terminal), "{line:?}");
        assert!(
            line.len() < self.longest + 2000,
            "{} bytes: {line}",
            line.len()
        );
    }

    /// In each framing there is, what is heard is whole lines that may be shown.
    fn is_heard(&self, heard: Heard<'_>) {
        for framing in &FRAMINGS {
            let mut bytes = Vec::new();
            (framing.render)(heard, &mut bytes);
            let text = String::from_utf8(bytes).expect("it is UTF-8");
            assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
            for line in text.lines() {
                if !framing.echoes {
                    self.is_presentable(line);
                    continue;
                }
                let object: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
                assert!(object["kind"].is_string(), "{line}");
                assert!(!line.chars().any(steers_a_terminal), "{line:?}");
            }
        }
    }

    /// Numbers grow, and times do not go back.
    fn has_its_place(&mut self, room: RoomId, name: &Name, place: Place) {
        if let Some(last) = self.last.insert((room, name.to_string()), place) {
            assert!(last.number < place.number, "{last:?} {place:?}");
            assert!(last.time <= place.time, "{last:?} {place:?}");
            assert_ne!(last.id, place.id);
        }
    }

    fn hears(&self, member: MemberId, room: RoomId) -> bool {
        self.places.get(&member) == Some(&room) || self.watched.contains(&(member, room))
    }

    fn follow_effects(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Append(draft) => {
                    let utc = self.utc();
                    let settled = self.log.append(draft, utc).expect("it is settled at once");
                    self.chat.settle(settled, self.now, &mut self.effects);
                    self.follow_effects();
                }
                Effect::Query(query) => {
                    let asked = match query.wanted {
                        Wanted::Page(_) | Wanted::Message(_) => self.log.read(query),
                        Wanted::Words(_) => self.log.search(query),
                    };
                    let query = asked.expect_err("it keeps nothing more");
                    let utc = self.utc();
                    self.chat.not_found(query, utc, &mut self.effects);
                    self.follow_effects();
                }
                Effect::Tell { to, answer } => {
                    self.is_heard(Heard::Answer(&answer));
                    assert!(self.seats.contains(&Some(to)) || self.places.contains_key(&to));
                }
                Effect::Private {
                    author,
                    reader,
                    message,
                } => {
                    self.is_heard(Heard::Private(&message));
                    let mut named = author.iter().chain(&reader);
                    let are_here = named.all(|one| self.places.contains_key(one));
                    assert!(are_here, "{message:?}");
                }
                Effect::Say { room, event, .. } => {
                    self.is_heard(Heard::Event(&event));
                    match &event {
                        Event::Message(said) => match &said.audience {
                            Audience::Room(name) => self.has_its_place(room, name, said.place),
                            Audience::Member { .. } => panic!("a room hears it: {said:?}"),
                        },
                        Event::Redaction(taken) => {
                            self.has_its_place(room, &taken.room, taken.place);
                        }
                        Event::Topic(set) => self.has_its_place(room, &set.room, set.place),
                        _ => {}
                    }
                    let mut here = self.places.keys();
                    let somebody = here.any(|member| self.hears(*member, room));
                    assert!(somebody, "said to nobody: {event:?}");
                }
                Effect::Watched {
                    member,
                    room,
                    is_watched,
                } => {
                    let is_new = match is_watched {
                        true => self.watched.insert((member, room)),
                        false => self.watched.remove(&(member, room)),
                    };
                    assert!(is_new, "{member:?} {room:?} {is_watched}");
                    assert!(self.places.contains_key(&member));
                }
                Effect::Ignored { member, whom, .. } => {
                    let are_here = [member, whom].map(|one| self.places.contains_key(&one));
                    assert_eq!(are_here, [true; 2]);
                }
                Effect::Times { member, .. } => assert!(self.places.contains_key(&member)),
                Effect::Moved { member, from, to } => {
                    let before = match to {
                        Some(to) => self.places.insert(member, to),
                        None => {
                            self.watched.retain(|(watcher, _)| *watcher != member);
                            self.places.remove(&member)
                        }
                    };
                    assert_eq!(before, from, "{member:?} was somewhere else");
                    assert_ne!(from, to);
                }
                Effect::Disconnect { member, .. } => {
                    assert!(
                        !self.places.contains_key(&member),
                        "it was not moved out first"
                    );
                    let seat = self.seats.iter_mut().find(|seat| **seat == Some(member));
                    *seat.expect("only who is connected is disconnected") = None;
                }
                Effect::Ask { to, .. } => assert!(self.places.contains_key(&to)),
                Effect::Record(record) => {
                    let mut present = self.places.keys();
                    let is_by = |one: &MemberId| self.chat.nickname(*one) == Some(&record.by);
                    assert!(present.any(|one| self.is_operator(*one) && is_by(one)));
                }
                Effect::Shutdown => {}
            }
        }
    }

    fn is_operator(&self, member: MemberId) -> bool {
        self.chat.peer(member).is_some_and(Peer::is_operator)
    }

    fn agrees(&self) {
        let limits = limits();
        let members: Vec<MemberId> = self.seats.iter().flatten().copied().collect();
        assert_eq!(members.len(), self.chat.member_count());
        assert_eq!(members.len(), self.places.len());
        assert!(self.chat.room_count() <= limits.rooms.max(1));
        let mut names = Vec::new();
        for member in &members {
            let nickname = self.chat.nickname(*member).expect("it is there");
            assert!((1..=limits.nickname).contains(&nickname.chars().count()));
            let visible = |c: char| !c.is_whitespace() && !steers_a_terminal(c);
            assert!(nickname.chars().all(visible), "{nickname:?}");
            names.push(nickname.to_lowercase());
            let room = self.chat.room_of(*member);
            assert_eq!(room, self.places.get(member).copied());
            let rooms: Vec<RoomId> = self.chat.rooms_of(*member).collect();
            assert!((1..=limits.rooms_per_member).contains(&rooms.len()));
            assert!(rooms.iter().all(|room| self.hears(*member, *room)));
            let watched = self.watched.iter();
            let watched = watched.filter(|(watcher, _)| watcher == member);
            assert_eq!(rooms.len(), 1 + watched.count());
            for room in rooms {
                let present = self.chat.members_of(room);
                assert_eq!(present.iter().filter(|other| *other == member).count(), 1);
                assert!(present.iter().all(|other| members.contains(other)));
                let bound = limits.room_members;
                let guests = present.iter().filter(|other| !self.is_operator(**other));
                assert!(guests.count() <= bound, "{present:?}");
            }
        }
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
    }
}

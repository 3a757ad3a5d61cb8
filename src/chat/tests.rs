//! The door that plays conversations in tests, random ones too.
//!
//! [`House`] does with the effects what the hub and the line door do, but into inboxes, and checks on
//! the way what must hold of every effect. The unit tests of the other files use it too: they read
//! what people read.

mod checks;
mod conversations;
mod rules;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use super::look_alikes::Keys;
use super::*;
use crate::server::core::digests::{Digests, Place as DigestPlace, Saying};
use crate::server::core::rendering::Heard;
use crate::server::{Times, render_lines};

/// What kind of line it is, read as a program would that knows the grammar only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Notice,
    Error,
    Action,
    Message,
    Private,
}

pub(super) fn kind(line: &str) -> Kind {
    let (first, rest) = line
        .split_once(' ')
        .unwrap_or_else(|| panic!("no line: {line:?}"));
    match first {
        "*" => Kind::Notice,
        "!" => Kind::Error,
        "**" => Kind::Action,
        _ if first.ends_with(':') => Kind::Message,
        _ if rest.starts_with("-> ") => Kind::Private,
        _ => panic!("no line of the grammar: {line:?}"),
    }
}

/// Starts a message with a number; longer than any line made up at random, so that none is taken
/// for one.
const NUMBERED: &str = "this is message number ";

/// A peer of whom nothing is known.
pub(super) const ANYONE: Peer = Peer::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));

/// So many members of some chat, in which nothing has happened.
pub(crate) fn members(count: usize) -> Vec<MemberId> {
    let mut chat = Chat::new(Config::default());
    (0..count).map(|_| newcomer(&mut chat)).collect()
}

/// A chat with its members.
pub(super) fn members_of<const COUNT: usize>() -> (Chat, [MemberId; COUNT]) {
    let mut chat = Chat::new(Config::default());
    let members = [(); COUNT].map(|()| newcomer(&mut chat));
    (chat, members)
}

fn newcomer(chat: &mut Chat) -> MemberId {
    let connected = chat.connect(ANYONE, 0, 0, &mut Vec::new());
    connected.expect("a newcomer is let in")
}

/// The server's owner.
pub(super) const OWNER: Peer = Peer::Local {
    user: 1000,
    operator: true,
};

/// What people's clocks show when the loop's shows nothing.
const UTC: Millis = 1_700_000_000_000;

fn place(chat: &Chat, room: RoomId) -> DigestPlace<'_> {
    DigestPlace {
        room,
        name: chat.room_name(room).expect("it is there"),
        members: chat.members_of(room).len(),
        has_crowds: false,
    }
}

/// As who reads lines is told it.
pub(crate) fn lines_of(heard: Heard<'_>) -> Vec<String> {
    let mut bytes = Vec::new();
    render_lines(heard, Times::Never, &mut bytes);
    let text = String::from_utf8(bytes).expect("text");
    text.lines().map(str::to_owned).collect()
}

/// A message that somebody has said.
pub(crate) fn said(number: u64, nickname: &str, text: &str) -> Rc<Message> {
    Rc::new(Message {
        place: Place {
            id: EventId::new(number.into()),
            number,
            previous: number.saturating_sub(1),
            time: UTC + number,
        },
        audience: Audience::Room(Name::generated(LOBBY_NAME.into())),
        author: person(nickname),
        member: MemberId {
            index: 0,
            generation: NonZeroU32::MIN,
        },
        kind: MessageKind::Said,
        text: text.into(),
    })
}

/// Somebody of that name.
pub(crate) fn person(nickname: &str) -> Person {
    Person {
        nickname: Name::generated(nickname.into()),
        account: None,
        origin: Cloak(7),
    }
}

/// A chat with an inbox for everyone who is or was in it.
pub(crate) struct House {
    pub(super) chat: Chat,
    pub(super) now: Millis,
    effects: Vec<Effect>,
    /// Things that have got their place.
    placed: u64,
    /// Who is where, by the `Moved` effects alone.
    whereabouts: BTreeMap<MemberId, RoomId>,
    /// Who hears which rooms beside its own, by the `Watched` effects alone.
    watched: BTreeSet<(MemberId, RoomId)>,
    /// Who does not want to hear whom.
    ignored: HashSet<(MemberId, MemberId)>,
    digests: Digests,
    inboxes: HashMap<MemberId, Vec<String>>,
    last_presence: HashMap<RoomId, Millis>,
    /// The number of the last numbered message a member saw since it moved.
    last_message: HashMap<MemberId, u64>,
    pub(super) disconnected: HashSet<MemberId>,
    /// What the door was asked for.
    pub(super) asked: Vec<Effect>,
    /// What is for the log.
    pub(super) records: Vec<String>,
    /// Who was called what when the names were last looked at.
    called: BTreeMap<MemberId, String>,
    /// The folds of all names there were, and their keys, which are dear to make.
    spellings: HashMap<String, (String, Keys)>,
}

impl House {
    pub(crate) fn new(config: Config) -> House {
        House {
            chat: Chat::new(config),
            now: 0,
            effects: Vec::new(),
            placed: 0,
            whereabouts: BTreeMap::new(),
            watched: BTreeSet::new(),
            ignored: HashSet::new(),
            digests: Digests::default(),
            inboxes: HashMap::new(),
            last_presence: HashMap::new(),
            last_message: HashMap::new(),
            disconnected: HashSet::new(),
            asked: Vec::new(),
            records: Vec::new(),
            called: BTreeMap::new(),
            spellings: HashMap::new(),
        }
    }

    /// A house with so many in the lobby, a quiet second after the last came, and empty inboxes.
    /// Rooms do not outlive their members.
    pub(super) fn with_guests<const N: usize>() -> (House, [MemberId; N]) {
        Self::with_guests_and(Config {
            linger: 0,
            ..Config::default()
        })
    }

    pub(super) fn with_guests_and<const N: usize>(config: Config) -> (House, [MemberId; N]) {
        let mut house = House::new(config);
        let guests = std::array::from_fn(|_| house.connect());
        house.pass(3000);
        house.inboxes.values_mut().for_each(Vec::clear);
        (house, guests)
    }

    pub(crate) fn connect(&mut self) -> MemberId {
        self.connect_from(ANYONE)
    }

    pub(super) fn connect_from(&mut self, peer: Peer) -> MemberId {
        let (now, utc) = (self.now, self.utc());
        let id = self.chat.connect(peer, now, utc, &mut self.effects);
        self.deliver();
        id.expect("a newcomer is let in")
    }

    /// What a newcomer is refused with, if it is.
    pub(super) fn refusal(&mut self, peer: Peer) -> Option<String> {
        let (now, utc) = (self.now, self.utc());
        let refused = self.chat.connect(peer, now, utc, &mut self.effects);
        let refused = refused.err()?;
        assert_eq!(self.chat.admits(peer, self.now), Err(refused.clone()));
        assert_eq!(self.effects, []);
        Some(refused.line())
    }

    /// People's clocks show another time than the loop's.
    fn utc(&self) -> Millis {
        UTC + self.now
    }

    /// When something happens next by itself.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let both = [self.chat.next_deadline(), self.digests.next()];
        both.into_iter().flatten().min()
    }

    pub(super) fn types(&mut self, member: MemberId, line: &str) {
        let utc = self.utc();
        self.chat
            .line(member, line, self.now, utc, &mut self.effects);
        self.deliver();
    }

    /// What typing `line` tells its author, after what it had not read yet.
    pub(super) fn answers(&mut self, member: MemberId, line: &str) -> Vec<String> {
        self.types(member, line);
        self.read(member)
    }

    pub(super) fn leave(&mut self, member: MemberId) {
        self.chat.leave(member, self.now, &mut self.effects);
        self.deliver();
    }

    pub(super) fn announce(&mut self, text: &str) {
        self.chat.announce(text, &mut self.effects);
        self.deliver();
    }

    /// Lets time pass as an event loop would: it sleeps until the deadline, no earlier and no
    /// later.
    pub(super) fn pass(&mut self, millis: Millis) {
        let end = self.now + millis;
        while let Some(due) = self.next_deadline().filter(|&due| due <= end) {
            assert!(
                due > self.now || millis == 0,
                "a digest was due and not said"
            );
            self.chat.tick(due - 1, self.utc(), &mut self.effects);
            assert_eq!(self.effects, [], "said before its time");
            assert_eq!(self.digests.next_due(due - 1), None);
            self.now = due;
            let has_digest = self.say_digests_due();
            // Nobody may be there to hear of a newcomer.
            let announces = self.chat.newcomers.next() == Some(due);
            let rooms = self.chat.rooms.len();
            self.chat.tick(due, self.utc(), &mut self.effects);
            let is_forgotten = self.chat.rooms.len() < rooms;
            assert!(
                has_digest || announces || is_forgotten || !self.effects.is_empty(),
                "woken up for nothing"
            );
            self.deliver();
        }
        self.now = end;
        self.chat.tick(end, self.utc(), &mut self.effects);
        assert_eq!(self.effects, [], "said without a deadline");
    }

    fn say_digests_due(&mut self) -> bool {
        let mut has_digest = false;
        while let Some(room) = self.digests.next_due(self.now) {
            let place = place(&self.chat, room);
            let said = self.digests.take_due(place, self.now, UTC + self.now);
            said.into_iter().for_each(|said| self.say_digest(&said));
            has_digest = true;
        }
        has_digest
    }

    fn say_digest(&mut self, (room, except, digest): &Saying) {
        self.say(*room, *except, Heard::Digest(digest));
    }

    fn say(&mut self, room: RoomId, except: Option<MemberId>, heard: Heard<'_>) {
        let here = self.whereabouts.iter().filter(|(_, at)| **at == room);
        let here: Vec<MemberId> = here.map(|(id, _)| *id).collect();
        let elsewhere = self.watched.iter().filter(|(_, watched)| *watched == room);
        let elsewhere: Vec<MemberId> = elsewhere.map(|(id, _)| *id).collect();
        let lines = lines_of(heard);
        let is_empty = here.is_empty() && elsewhere.is_empty();
        assert!(!is_empty, "said to an empty room: {lines:?}");
        let author = match heard {
            Heard::Event(Event::Message(said)) => Some(said.member),
            _ => None,
        };
        let is_announced = matches!(heard, Heard::Event(Event::Announcement(_)));
        let name = self.chat.room_name(room).expect("it is there").clone();
        for line in lines {
            self.check_presence(room, &line);
            let wants = |house: &House, id: MemberId| {
                let ignores = |author| house.ignored.contains(&(id, author));
                Some(id) != except && !author.is_some_and(ignores)
            };
            for &id in &here {
                if wants(self, id) {
                    self.receive(id, line.clone());
                }
            }
            for &id in &elsewhere {
                if wants(self, id) && !is_announced {
                    self.receive(id, format!("#{name} {line}"));
                }
            }
        }
    }

    /// What a member got since the last call.
    pub(super) fn read(&mut self, member: MemberId) -> Vec<String> {
        let inbox = self.inboxes.entry(member).or_default();
        std::mem::take(inbox)
    }

    /// What is said gets its place at once.
    fn commit_drafts(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Append(draft) => {
                    self.placed += 1;
                    let committed = Settled::Committed {
                        draft,
                        number: self.placed,
                        time: self.utc(),
                    };
                    self.chat.settle(committed, self.now, &mut self.effects);
                }
                Effect::Query(query) => {
                    let utc = self.utc();
                    self.chat.not_found(query, utc, &mut self.effects);
                }
                other => self.effects.push(other),
            }
        }
    }

    fn deliver(&mut self) {
        self.commit_drafts();
        let mut replays: HashMap<MemberId, usize> = HashMap::new();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Tell { to, answer } => {
                    assert!(self.whereabouts.contains_key(&to), "to nobody: {answer:?}");
                    for line in lines_of(Heard::Answer(&answer)) {
                        self.check_replay(&mut replays, to, &line);
                        self.receive(to, line);
                    }
                }
                Effect::Private {
                    author,
                    reader,
                    message,
                } => {
                    let knows = |member: &MemberId| self.whereabouts.contains_key(member);
                    let are_here = author.iter().chain(&reader).all(knows);
                    assert!(are_here, "said to nobody: {message:?}");
                    let to = reader.filter(|&to| !self.ignored.contains(&(to, message.member)));
                    assert_eq!(reader, to, "it does not want to hear that");
                    for line in lines_of(Heard::Private(&message)) {
                        assert_eq!(kind(&line), Kind::Private);
                        reader.iter().for_each(|&to| self.receive(to, line.clone()));
                    }
                }
                Effect::Append(draft) => panic!("it has no place: {draft:?}"),
                Effect::Query(query) => panic!("nobody was asked: {query:?}"),
                Effect::Say {
                    room,
                    except,
                    event,
                } => {
                    // What may be left out is what history keeps, and nothing else.
                    if let Event::Message(said) = &event {
                        let history = &self.chat.room(room).timeline.history;
                        let is_kept = history.newest().is_some_and(|kept| Rc::ptr_eq(kept, said));
                        assert!(is_kept, "{said:?}");
                    }
                    // The fan-out goes by places: it would leave out who has come into that one.
                    let is_member = |id: &MemberId| self.whereabouts.contains_key(id);
                    assert!(
                        except.as_ref().is_none_or(is_member),
                        "kept from nobody: {event:?}"
                    );
                    match &event {
                        Event::Arrival { .. } | Event::Departure { .. } | Event::Rename { .. } => {
                            let place = place(&self.chat, room);
                            let said =
                                self.digests
                                    .hear(place, except, event, self.now, UTC + self.now);
                            said.into_iter().for_each(|said| self.say_digest(&said));
                        }
                        _ => self.say(room, except, Heard::Event(&event)),
                    }
                }
                Effect::Moved { member, from, to } => {
                    assert_ne!(from, to);
                    assert_eq!(self.whereabouts.remove(&member), from);
                    self.whereabouts.extend(to.map(|to| (member, to)));
                    self.last_message.remove(&member);
                    // The room's number may now be given to another room.
                    let watched = self.watched.iter().map(|(_, room)| *room);
                    let occupied: HashSet<RoomId> =
                        self.whereabouts.values().copied().chain(watched).collect();
                    self.last_presence.retain(|room, _| occupied.contains(room));
                    if let Some(room) = from
                        && self.chat.members_of(room).is_empty()
                    {
                        self.digests.forget(room);
                    }
                }
                Effect::Watched {
                    member,
                    room,
                    is_watched: true,
                } => {
                    assert_ne!(self.whereabouts[&member], room);
                    assert!(self.watched.insert((member, room)));
                }
                Effect::Watched { member, room, .. } => {
                    assert!(self.watched.remove(&(member, room)));
                    if self.chat.members_of(room).is_empty() {
                        self.digests.forget(room);
                    }
                }
                Effect::Ignored {
                    member,
                    whom,
                    is_ignored: true,
                } => {
                    self.ignored.insert((member, whom));
                }
                Effect::Ignored { member, whom, .. } => {
                    assert!(self.ignored.remove(&(member, whom)));
                }
                Effect::Times { .. } => {} // its lines have none
                Effect::Disconnect { member, .. } => {
                    assert!(!self.whereabouts.contains_key(&member));
                    self.disconnected.insert(member);
                }
                Effect::Ask { to, .. } => {
                    assert!(self.chat.peer(to).is_some_and(Peer::is_operator));
                    self.asked.push(effect);
                }
                Effect::Record(record) => self.records.push(crate::server::record_line(&record)),
                Effect::Shutdown => self.asked.push(effect),
            }
        }
        for said in self.digests.take_expulsions().collect::<Vec<_>>() {
            self.say_digest(&said);
        }
        assert!(
            replays.values().all(|&left| left == 0),
            "a replay is too short"
        );
        self.check_state();
    }

    fn receive(&mut self, member: MemberId, line: String) {
        let is_table = line.starts_with("*   /"); // of `/help`, with wide gaps
        assert!(
            is_table || matches!(sanitise(&line), Cow::Borrowed(clean) if *clean == *line),
            "{line:?}"
        );
        let said = match line.starts_with('#') {
            true => line.split_once(' ').expect("a line of that room").1,
            false => &line,
        };
        if let (Kind::Message, Some((_, text))) = (kind(said), line.split_once(NUMBERED))
            && let Ok(number) = text.parse()
        {
            // Once and in order: what the replay had is not said again.
            let last = self.last_message.insert(member, number);
            assert!(last.is_none_or(|last| last < number), "again: {line}");
        }
        self.inboxes.entry(member).or_default().push(line);
    }
}

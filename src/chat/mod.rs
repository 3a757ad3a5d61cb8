//! The chat itself: a state machine without sockets, clock or threads.
//!
//! What happens outside (someone connected, typed a line, went away, time passed) is a method call
//! on [`Chat`]; what has to happen outside is appended, in order, to a `Vec<`[`Effect`]`>` that
//! the caller owns and reuses. Time is an argument. The same calls therefore always give the same
//! effects, and a test can live through a year of chatting in a second. There are two times: `now`
//! never goes back, and deadlines are in it; `utc` is what people's clocks show, and messages have
//! it.
//!
//! Effects are typed: what was said, who it was and why not are fields. Which words, or which JSON,
//! are made of them is not known here.
//!
//! ```
//! use loopchat::chat::{Chat, Config, Effect, Event, Peer, Settled};
//!
//! let mut chat = Chat::new(Config::default());
//! let mut effects = Vec::new();
//! let peer = Peer::Tcp([127, 0, 0, 1].into());
//! let alice = chat.connect(peer, 0, 0, &mut effects)?;
//! let bob = chat.connect(peer, 0, 0, &mut effects)?;
//!
//! let now = chat.next_deadline().expect("their arrivals are still to be announced");
//! let utc = 1_700_000_000_000;
//! chat.tick(now, utc, &mut effects);
//! effects.clear();
//! chat.line(alice, "hello", now, utc, &mut effects);
//! let Some(Effect::Append(draft)) = effects.pop() else { panic!() };
//! // The room's log gives it its place, and then it is said.
//! let committed = Settled::Committed { draft, number: 1, time: utc };
//! chat.settle(committed, now, &mut effects);
//! let [Effect::Say { room, except, event: Event::Message(said) }] = &effects[..] else { panic!() };
//! assert_eq!((&*said.author.nickname, &*said.text), ("guest1", "hello"));
//! assert_eq!(said.place.time, utc);
//! assert_eq!(*except, Some(alice));
//! assert_eq!(chat.members_of(*room), [alice, bob]);
//! # Ok::<(), loopchat::chat::DisconnectReason>(())
//! ```
//!
//! # Layout
//!
//! | file              | thought                                                         |
//! |-------------------|-----------------------------------------------------------------|
//! | `mod.rs`          | who is here: connecting, moving between rooms, leaving, time     |
//! | `effect.rs`       | what has to happen outside                                      |
//! | `event.rs`        | what rooms hear                                                 |
//! | `answer.rs`       | what one member is told                                         |
//! | `event_id.rs`     | names of what was said, for ever                                |
//! | `returning.rs`    | who comes back after a cut, and what it has missed               |
//! | `refusal.rs`      | why something was not carried out                               |
//! | `report.rs`       | what the chat asks the server                                   |
//! | `draft.rs`        | what has no place in its room's log yet, and how it gets one     |
//! | `disconnect.rs`   | why somebody is disconnected                                    |
//! | `conversation.rs` | what a typed line does                                          |
//! | `answers.rs`      | greeting, history, lists                                        |
//! | `commands.rs`     | the table of commands, and how a line becomes one of them       |
//! | `operators.rs`    | what operators order                                            |
//! | `sanctions.rs`    | who is banned or muted, and until when                          |
//! | `peer.rs`         | where members come from, and who of them is an operator         |
//! | `config.rs`       | the limits                                                      |
//! | `name.rs`         | what may be a nickname or a room's name, and when two are one   |
//! | `naming.rs`       | who has a name, and taking another                              |
//! | `unicode.rs`      | Unicode's tables, and how often they are looked at               |
//! | `look_alikes.rs`  | when two names look the same, and which are the server's        |
//! | `id.rs`           | what members and rooms are meant by                             |
//! | `index.rs`        | finding members and rooms by name, in a few bytes each          |
//! | `room.rs`         | one room: its members, topic, history                           |
//! | `summary.rs`      | the rooms as others see them, and whether anything of that has changed |
//! | `timeline.rs`     | what a room, or two members, have heard: order, numbers, times  |
//! | `history.rs`      | the messages that are kept of it                                |
//! | `topic_news.rs`   | new topics, at most one event a second                          |
//! | `moving.rs`       | where members are: rooms that open and close, seats in them     |
//! | `lingering.rs`    | rooms that nobody is in, kept for those who come back           |
//! | `recall.rs`       | rooms that only a log remembers                                 |
//! | `own_rooms.rs`    | rooms that a member hears beside the one that it is in          |
//! | `private.rs`      | what two members say to each other alone                        |
//! | `ignoring.rs`     | whom members do not want to hear                                |
//! | `newcomers.rs`    | members whose arrival no room was told of yet                    |
//! | `counted.rs`      | a number with its word                                          |
//! | `text.rs`         | what is taken out of a text before other terminals see it       |
//! | `characters.rs`   | which characters can be seen, and which take room               |

mod answer;
mod answers;
mod characters;
mod cloaks;
mod commands;
mod config;
mod conversation;
mod counted;
mod disconnect;
mod draft;
mod effect;
mod event;
mod event_id;
mod history;
mod id;
mod ignoring;
mod index;
mod leaving;
mod lingering;
mod look_alikes;
mod moving;
mod name;
mod naming;
mod newcomers;
mod operators;
mod own_rooms;
mod peer;
mod place;
mod private;
mod query;
mod recall;
mod refusal;
mod report;
mod returning;
mod room;
mod sanctions;
mod sharing;
mod summary;
mod taking_back;
#[cfg(all(test, feature = "server"))]
pub(crate) mod tests;
mod text;
mod timeline;
mod topic_news;
mod unicode;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroU32;
use std::rc::Rc;

use ecow::EcoString;
use slab::Slab;

use cloaks::Cloaks;
use draft::Held;
use event_id::EventIds;
use index::NameIndex;
use lingering::Lingering;
use look_alikes::Keys;
use newcomers::{DOUBT, Newcomers, SILENCE};
use own_rooms::OwnRooms;
use private::PrivateLogs;
use room::Room;
use sanctions::{Bans, Mutes};
use topic_news::TopicNews;

pub use answer::{Answer, BanListed, MuteListed, Outcome};
#[cfg(feature = "server")]
pub(crate) use answer::{ending, minutes};
pub use commands::{COMMANDS, Entry as CommandEntry, ORDERS};
pub use config::Config;
#[cfg(feature = "server")]
pub(crate) use counted::counted;
pub use disconnect::DisconnectReason;
pub use draft::{Content, Draft, Epoch, Reader, Recipient, Settled, TakenBack, Unkept};
pub use effect::{Effect, Record, Recorded};
pub use event::{
    Announcement, Audience, Cloak, Departure, Event, Message, MessageKind, Person, Place, Position,
    Redaction, TopicSet,
};
pub use event_id::EventId;
pub use history::Repeated;
pub use id::{LogId, MemberId, Pair, RoomId};
pub use name::{BadName, Name};
pub use peer::{Origin, Peer};
pub use query::{Found, LogMeant, Query, QueryId, Reading, Side, Wanted};
pub use recall::{Kept, Recall, Recalled};
pub use refusal::Refusal;
pub use report::{ConnectionListed, ConnectionsReport, Gone, LoopReport, Question, Report};
pub use returning::Absent;
pub use summary::RoomSummary;
pub use taking_back::Meant;
pub use text::sanitise;

/// A point in time, or a length of it, in milliseconds of a clock that never goes back.
pub type Millis = u64;

/// A text, sanitised and without a line end. Up to fifteen bytes are kept in place; a longer one is
/// shared by its copies.
pub type Text = EcoString;

/// What the chat keeps for every member, times ten thousand: 48 bytes, five in the index of names
/// and eight in its room's list. A nickname of more than 15 bytes has an allocation of its own,
/// and of one that is not ASCII the index keeps what it is compared by.
#[derive(Debug)]
struct Member {
    nickname: Name,
    peer: Peer,
    generation: NonZeroU32,
    room: RoomId,
    /// The member's place in its room's list, so that leaving needs no search.
    seat: u32,
}

/// The room everyone starts in; made first, never removed.
const LOBBY: RoomId = RoomId(0);
const LOBBY_NAME: &str = "lobby";

/// A chat: members with unique nicknames, each in one room.
///
/// See the [module](self) for how to drive it. Every method that takes `effects` appends to it and
/// leaves what is there alone.
#[derive(Debug)]
pub struct Chat {
    config: Config,
    members: Slab<Member>,
    rooms: Slab<Room>,
    nicknames: NameIndex,
    room_names: NameIndex,
    lingering: Lingering,
    /// The rooms in the order in which `/rooms` lists them, so that listing a few looks at few.
    by_size: BTreeSet<Rank>,
    /// The time of the call that is being answered.
    now: Millis,
    newcomers: Newcomers,
    own_rooms: OwnRooms,
    /// Whom members do not want to hear.
    ignored: HashMap<MemberId, BTreeSet<MemberId>>,
    private: PrivateLogs,
    /// Members with several connections.
    shared: HashSet<MemberId>,
    topic_news: TopicNews,
    bans: Bans,
    mutes: Mutes,
    /// Counts connections, for guest numbers and generations. It only goes forward, so a burst of
    /// arrivals does not look for gaps.
    arrivals: NonZeroU32,
    looks: u64,
    /// Members of whom drafts are under way.
    held: HashMap<MemberId, Held>,
    /// How many questions went to logs.
    queries: u64,
    ids: EventIds,
    /// What origins are cloaked with: nobody can try them all who does not know it.
    cloaks: Cloaks,
    /// What the histories of all rooms take.
    history_bytes: usize,
    /// Counts what may change the answer of [`rooms`](Chat::rooms).
    changes: u64,
}

/// A room's place among the others: the largest first, then by name.
type Rank = (Reverse<usize>, Name, RoomId);

impl Chat {
    /// An empty chat, with the room `#lobby` in it.
    pub fn new(config: Config) -> Chat {
        let mut chat = Chat {
            bans: Bans::new(config.bans),
            mutes: Mutes::new(config.mutes),
            config,
            members: Slab::new(),
            rooms: Slab::new(),
            nicknames: NameIndex::default(),
            room_names: NameIndex::default(),
            lingering: Lingering::default(),
            by_size: BTreeSet::new(),
            now: 0,
            newcomers: Newcomers::default(),
            own_rooms: OwnRooms::default(),
            ignored: HashMap::new(),
            private: PrivateLogs::default(),
            shared: HashSet::new(),
            topic_news: TopicNews::default(),
            arrivals: NonZeroU32::MAX,
            looks: 0,
            held: HashMap::new(),
            queries: 0,
            ids: EventIds::default(),
            cloaks: Cloaks::default(),
            history_bytes: 0,
            changes: 0,
        };
        let lobby = chat.open_room(Name::generated(LOBBY_NAME.into()), &Keys::of(LOBBY_NAME));
        debug_assert_eq!(lobby, LOBBY);
        chat
    }

    /// Lets a newcomer in: gives it a free nickname `guestN`, moves it into `#lobby`, and greets it
    /// with the last messages of the room. The room learns of it by an arrival that the newcomer
    /// does not get, with its first line or after a second of silence.
    ///
    /// # Errors
    ///
    /// What [`admits`](Chat::admits) says against it. Nothing has changed then, and there are no
    /// effects.
    pub fn connect(
        &mut self,
        peer: Peer,
        now: Millis,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<MemberId, DisconnectReason> {
        self.admits(peer, now)?;
        self.now = now;
        let (name, keys) = self.next_guest();
        let id = MemberId {
            index: self.members.vacant_key() as u32,
            generation: self.arrivals,
        };
        self.nicknames.insert(id.index, &name, &keys);
        self.members.insert(Member {
            nickname: name,
            peer,
            generation: id.generation,
            room: LOBBY,
            seat: 0,
        });
        self.take_seat(id, LOBBY);
        effects.push(Effect::Moved {
            member: id,
            from: None,
            to: Some(LOBBY),
        });
        self.greet(id, now, utc, effects);
        self.newcomers.insert(id, now + SILENCE);
        Ok(id)
    }

    /// What a newcomer has sent so far may yet show that it is no chat client. Its arrival is
    /// announced with its first line, or in ten seconds. Does nothing if it was announced.
    pub fn withhold(&mut self, member: MemberId, now: Millis) {
        self.newcomers.postpone(member, now + DOUBT);
    }

    /// Tells its room that a newcomer is here, if nobody was told yet.
    fn announce_arrival(&mut self, member: MemberId, effects: &mut Vec<Effect>) {
        if self.newcomers.take(member) {
            self.arrived(member, effects);
        }
    }

    /// Tells its room that a member is here.
    fn arrived(&self, member: MemberId, effects: &mut Vec<Effect>) {
        let room = self.members[member.index()].room;
        let who = self.person(member);
        self.say(room, Event::Arrival { member, who }, effects);
    }

    /// Whether a newcomer can be let in now: it is not banned, and `#lobby` is not full. Operators
    /// always can. [`connect`](Chat::connect) asks for itself; a door that can say no in a better
    /// way than with a line asks first.
    ///
    /// # Errors
    ///
    /// What the newcomer is to be told before its connection is closed.
    pub fn admits(&self, peer: Peer, now: Millis) -> Result<(), DisconnectReason> {
        if peer.is_operator() {
            return Ok(());
        }
        if let Some((until, ban)) = self.bans.of(peer.origin(), now) {
            return Err(DisconnectReason::Banned {
                left: until.saturating_sub(now),
                reason: ban.reason.clone(),
            });
        }
        match self.is_full(LOBBY) {
            true => Err(DisconnectReason::RoomFull {
                room: self.room(LOBBY).name().clone(),
                limit: self.config.room_members,
            }),
            false => Ok(()),
        }
    }

    /// Says something in every room that has members. `text` is sanitised first.
    pub fn announce(&mut self, text: &str, effects: &mut Vec<Effect>) {
        self.announce_by(None, text, effects);
    }

    fn announce_by(&mut self, by: Option<Name>, text: &str, effects: &mut Vec<Effect>) {
        let text = sanitise(text).into();
        let announcement = Rc::new(Announcement { by, text });
        let occupied = self.rooms.iter().filter(|(_, room)| room.len() > 0);
        effects.extend(occupied.map(|(key, _)| Effect::Say {
            room: RoomId(key as u32),
            except: None,
            event: Event::Announcement(Rc::clone(&announcement)),
        }));
    }

    /// When [`tick`](Chat::tick) wants to be called next: exactly then, or `None` if nothing is
    /// pending. Any other call may change it.
    pub fn next_deadline(&self) -> Option<Millis> {
        let deadlines = [
            self.newcomers.next(),
            self.topic_news.next(),
            self.lingering.next(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Announces newcomers that were silent for long enough, and topics that had to wait, and
    /// forgets rooms that were empty for long enough. Calling it early or too often does no harm.
    pub fn tick(&mut self, now: Millis, utc: Millis, effects: &mut Vec<Effect>) {
        self.now = now;
        self.forget_lingering(now);
        self.tell_topics(now, utc, effects);
        while let Some(member) = self.newcomers.due(now) {
            self.announce_arrival(member, effects);
        }
    }

    /// The members of a room, in no particular order; empty if there is no such room.
    pub fn members_of(&self, room: RoomId) -> &[MemberId] {
        self.rooms.get(room.index()).map_or(&[], Room::members)
    }

    /// The room a member is in, or `None` if there is no such member.
    pub fn room_of(&self, member: MemberId) -> Option<RoomId> {
        self.member(member).map(|member| member.room)
    }

    /// The nickname a member has now, or `None` if there is no such member.
    pub fn nickname(&self, member: MemberId) -> Option<&Name> {
        self.member(member).map(|member| &member.nickname)
    }

    /// A member as others see it, or `None` if there is no such member.
    pub fn person_of(&self, member: MemberId) -> Option<Person> {
        self.member(member).map(|_| self.person(member))
    }

    /// The name of a room, or `None` if there is no such room.
    pub fn room_name(&self, room: RoomId) -> Option<&Name> {
        self.rooms.get(room.index()).map(Room::name)
    }

    /// Where a member's connection comes from, or `None` if there is no such member.
    pub fn peer(&self, member: MemberId) -> Option<Peer> {
        self.member(member).map(|member| member.peer)
    }

    /// Bytes of memory that what is kept of all that was said takes, in rooms and to one alone.
    pub fn history_bytes(&self) -> usize {
        self.history_bytes + self.private.bytes()
    }

    /// How many characters were looked up in Unicode's tables for all that was
    /// [said](Chat::line): what makes one line dearer than another of its length. A name is looked
    /// at many times. It goes forward only; plain ASCII takes none.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Does something, and counts what is [looked up](Self::looks) for it.
    fn looking<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = unicode::looks();
        let result = act(self);
        self.looks += unicode::looks() - before;
        result
    }

    /// How many members are connected.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// How many rooms there are. `#lobby` always counts, with or without members; no other does
    /// without.
    pub fn room_count(&self) -> usize {
        self.rooms.len() - self.lingering.len()
    }

    fn member(&self, id: MemberId) -> Option<&Member> {
        let member = self.members.get(id.index())?;
        (member.generation == id.generation).then_some(member)
    }

    /// A member that is there, as others see it.
    fn person(&self, member: MemberId) -> Person {
        let Member { nickname, peer, .. } = &self.members[member.index()];
        Person {
            nickname: nickname.clone(),
            account: None,
            origin: self.cloaks.of(*peer),
        }
    }

    /// A room hears of somebody who comes, goes or has another name, unless nobody is there.
    fn say(&self, room: RoomId, event: Event, effects: &mut Vec<Effect>) {
        effects.push(Effect::Say {
            room,
            except: None,
            event,
        });
    }
}

fn nickname_at(members: &Slab<Member>, place: u32) -> &str {
    &members[place as usize].nickname
}

fn room_name_at(rooms: &Slab<Room>, place: u32) -> &str {
    rooms[place as usize].name()
}

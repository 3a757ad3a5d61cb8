//! The chat itself: a state machine without sockets, clock or threads.
//!
//! What happens outside (someone connected, typed a line, went away, time passed) is a method call
//! on [`Chat`]; what has to happen outside is appended, in order, to a `Vec<`[`Effect`]`>` that
//! the caller owns and reuses. Time is an argument. The same calls therefore always give the same
//! effects, and a test can live through a year of chatting in a second.
//!
//! ```
//! use loopchat::chat::{Chat, Config, Effect, Peer};
//!
//! let mut chat = Chat::new(Config::default());
//! let mut effects = Vec::new();
//! let peer = Peer::Tcp([127, 0, 0, 1].into());
//! let alice = chat.connect(peer, 0, &mut effects)?;
//! let bob = chat.connect(peer, 0, &mut effects)?;
//!
//! let now = chat.next_deadline().expect("their arrivals are still to be announced");
//! chat.tick(now, &mut effects);
//! effects.clear();
//! chat.line(alice, "hello", now, &mut effects);
//! let [Effect::Say { room, except, line, .. }] = &effects[..] else { panic!() };
//! assert_eq!(&**line, "guest1: hello");
//! assert_eq!(*except, Some(alice));
//! assert_eq!(chat.members_of(*room), [alice, bob]);
//! # Ok::<(), loopchat::chat::Line>(())
//! ```
//!
//! # Layout
//!
//! | file              | thought                                                         |
//! |-------------------|-----------------------------------------------------------------|
//! | `mod.rs`          | who is here: connecting, moving between rooms, leaving, time     |
//! | `effect.rs`       | what has to happen outside                                      |
//! | `conversation.rs` | what a typed line does                                          |
//! | `answers.rs`      | what the chat tells a member: greeting, replay, lists            |
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
//! | `history.rs`      | the lines a room keeps                                          |
//! | `topic_news.rs`   | new topics, at most one notice a second                         |
//! | `presence.rs`     | joins, leaves and renames, at most one notice a second          |
//! | `newcomers.rs`    | members whose arrival no room was told of yet                    |
//! | `listing.rs`      | many names in one line of bounded length                        |
//! | `notices.rs`      | what the doors tell members, in the chat's words                |
//! | `text.rs`         | what is taken out of a text before other terminals see it       |
//! | `characters.rs`   | which characters can be seen, and which take room               |

mod answers;
mod characters;
mod commands;
mod config;
mod conversation;
mod effect;
mod history;
mod id;
mod index;
mod listing;
mod look_alikes;
mod name;
mod naming;
mod newcomers;
mod notices;
mod operators;
mod peer;
mod presence;
mod room;
mod sanctions;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod topic_news;
mod unicode;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::rc::Rc;

use slab::Slab;

use answers::{StandingLines, describe_ban, minutes, tell};
use index::NameIndex;
use look_alikes::Keys;
use name::Name;
use newcomers::{DOUBT, Newcomers, SILENCE};
use presence::Change;
use room::Room;
use sanctions::{Bans, Mutes};
use topic_news::TopicNews;

pub use config::Config;
pub use effect::{Effect, Report, SayKind};
pub use id::{MemberId, RoomId};
pub use notices::{flooding, here, missed, skipped, undelivered};
pub use peer::Peer;
pub use summary::RoomSummary;
pub use text::sanitise;

/// A point in time, or a length of it, in milliseconds of a clock that never goes back.
pub type Millis = u64;

/// One line of text, sanitised and without a line end.
///
/// A room's history and the effects share it, so it is allocated once however many hear it.
pub type Line = Rc<str>;

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
    /// The rooms in the order in which `/rooms` lists them, so that listing a few looks at few.
    by_size: BTreeSet<Rank>,
    /// Rooms with a presence digest pending, by when it is due. Exact, so that idle means asleep.
    digests: BTreeSet<(Millis, RoomId)>,
    newcomers: Newcomers,
    topic_news: TopicNews,
    bans: Bans,
    mutes: Mutes,
    /// Counts connections, for guest numbers and generations. It only goes forward, so a burst of
    /// arrivals does not look for gaps.
    arrivals: NonZeroU32,
    /// Where a message is put together: growing a fresh `String` would be a second allocation.
    draft: String,
    standing: StandingLines,
    /// Messages ever said.
    lines: u64,
    looks: u64,
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
            by_size: BTreeSet::new(),
            digests: BTreeSet::new(),
            newcomers: Newcomers::default(),
            topic_news: TopicNews::default(),
            arrivals: NonZeroU32::MAX,
            draft: String::new(),
            standing: StandingLines::new(),
            lines: 0,
            looks: 0,
            history_bytes: 0,
            changes: 0,
        };
        let lobby = chat.open_room(Name::generated(LOBBY_NAME.into()), &Keys::of(LOBBY_NAME));
        debug_assert_eq!(lobby, LOBBY);
        chat
    }

    /// Lets a newcomer in: gives it a free nickname `guestN`, moves it into `#lobby`, greets it
    /// with at most three lines and replays the last messages of the room. The room learns of it
    /// by a notice the newcomer does not get, with its first line or after a second of silence.
    ///
    /// # Errors
    ///
    /// What [`admits`](Chat::admits) says against it. Nothing has changed then, and there are no
    /// effects.
    pub fn connect(
        &mut self,
        peer: Peer,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<MemberId, Line> {
        self.admits(peer, now)?;
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
        self.greet(id, effects);
        if let Some(until) = self.muted_until(id, now) {
            let minutes = minutes(until, now);
            tell(effects, id, format!("* You are muted for {minutes}."));
        }
        self.newcomers.insert(id, now + SILENCE);
        Ok(id)
    }

    /// What a newcomer has sent so far may yet show that it is no chat client. Its arrival is
    /// announced with its first line, or in ten seconds. Does nothing if it was announced.
    pub fn withhold(&mut self, member: MemberId, now: Millis) {
        self.newcomers.postpone(member, now + DOUBT);
    }

    /// Tells its room that a newcomer is here, if nobody was told yet.
    fn announce_arrival(&mut self, member: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        if !self.newcomers.take(member) {
            return;
        }
        let Member { nickname, room, .. } = &self.members[member.index()];
        let (room, after) = (*room, Some(nickname.clone()));
        let arrival = Change {
            member,
            before: None,
            after,
        };
        self.note(room, arrival, now, effects);
    }

    /// Whether a newcomer can be let in now: it is not banned, and `#lobby` is not full. Operators
    /// always can. [`connect`](Chat::connect) asks for itself; a door that can say no in a better
    /// way than with a line asks first.
    ///
    /// # Errors
    ///
    /// The line to tell the newcomer before its connection is closed: `! Disconnected: ...`.
    pub fn admits(&self, peer: Peer, now: Millis) -> Result<(), Line> {
        if peer.is_operator() {
            return Ok(());
        }
        if let Some((until, ban)) = self.bans.of(peer.origin(), now) {
            return Err(describe_ban(*until, ban.reason.as_deref(), now));
        }
        match self.is_full(LOBBY) {
            Some(why) => Err(format!("! Disconnected: {why}.").into()),
            None => Ok(()),
        }
    }

    /// Whether nobody is let in from there. Operators always are.
    pub fn is_banned(&self, peer: Peer, now: Millis) -> bool {
        !peer.is_operator() && self.bans.of(peer.origin(), now).is_some()
    }

    /// Removes a member whose connection is gone. Its room hears of it; nothing is told to the
    /// member. Does nothing if the member is unknown or was removed before.
    pub fn leave(&mut self, member: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        if self.member(member).is_none() {
            return;
        }
        let unheard_of = self.newcomers.take(member);
        let (from, nickname) = self.remove(member, effects);
        match unheard_of {
            true => self.clear_up(from),
            false => self.departed(from, member, nickname, now, effects),
        }
    }

    /// Removes everybody. Nobody is left to hear of it.
    pub fn leave_all(&mut self, effects: &mut Vec<Effect>) {
        for member in self.ids().collect::<Vec<_>>() {
            self.newcomers.take(member);
            let (from, _) = self.remove(member, effects);
            self.clear_up(from);
        }
    }

    /// Says `* text` in every room that has members. `text` is sanitised first.
    pub fn announce(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let line: Line = format!("* {}", sanitise(text)).into();
        let occupied = self.rooms.iter().filter(|(_, room)| room.len() > 0);
        effects.extend(occupied.map(|(key, _)| Effect::Say {
            room: RoomId(key as u32),
            except: None,
            kind: SayKind::Notice,
            line: Rc::clone(&line),
        }));
    }

    /// When [`tick`](Chat::tick) wants to be called next: exactly then, or `None` if nothing is
    /// pending. Any other call may change it. Costs O(log n) of the rooms with something pending.
    pub fn next_deadline(&self) -> Option<Millis> {
        let digest = self.digests.first().map(|&(due, _)| due);
        let others = [self.newcomers.next(), self.topic_news.next()];
        digest.into_iter().chain(others.into_iter().flatten()).min()
    }

    /// Says the presence digests that are due, and announces newcomers that were silent for long
    /// enough. Calling it early or too often does no harm.
    pub fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        while let Some(&(due, room)) = self.digests.first()
            && due <= now
        {
            self.settle(room, Some(due), now, effects);
        }
        let is_member = |id: MemberId| {
            let found = self.members.get(id.index());
            found.is_some_and(|member| member.generation == id.generation)
        };
        self.topic_news.tick(now, is_member, effects);
        while let Some(member) = self.newcomers.due(now) {
            self.announce_arrival(member, now, effects);
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
    pub fn nickname(&self, member: MemberId) -> Option<&str> {
        self.member(member).map(|member| &*member.nickname)
    }

    /// Where a member's connection comes from, or `None` if there is no such member.
    pub fn peer(&self, member: MemberId) -> Option<Peer> {
        self.member(member).map(|member| member.peer)
    }

    /// Bytes of memory that the histories of all rooms take.
    pub fn history_bytes(&self) -> usize {
        self.history_bytes
    }

    /// How many characters were looked up in Unicode's tables for all that was
    /// [said](Chat::line): what makes one line dearer than another of its length. A name is looked
    /// at many times. It goes forward only; plain ASCII takes none.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// How many members are connected.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// How many rooms there are. `#lobby` always counts, with or without members.
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    fn member(&self, id: MemberId) -> Option<&Member> {
        let member = self.members.get(id.index())?;
        (member.generation == id.generation).then_some(member)
    }

    fn open_room(&mut self, name: Name, keys: &Keys) -> RoomId {
        let id = RoomId(self.rooms.vacant_key() as u32);
        self.room_names.insert(id.0, &name, keys);
        self.rooms.insert(Room::new(name, &self.config));
        self.by_size.insert(self.rooms[id.index()].rank(id));
        id
    }

    /// Says that a room is full, if it is.
    fn is_full(&self, room: RoomId) -> Option<String> {
        let place = &self.rooms[room.index()];
        let limit = self.config.room_members;
        let is_full = place.len() >= limit;
        is_full.then(|| format!("#{} is full, it has {limit} members", place.name()))
    }

    fn take_seat(&mut self, id: MemberId, room: RoomId) {
        let seat = self.resize(room, |room| room.enter(id));
        let member = &mut self.members[id.index()];
        member.room = room;
        member.seat = seat;
    }

    fn give_up_seat(&mut self, id: MemberId) -> RoomId {
        let Member { room, seat, .. } = self.members[id.index()];
        if let Some(neighbour) = self.resize(room, |room| room.leave(seat)) {
            self.members[neighbour.index()].seat = seat;
        }
        room
    }

    /// Lets someone in or out of a room, whose place among the others then is another.
    fn resize<R>(&mut self, id: RoomId, change: impl FnOnce(&mut Room) -> R) -> R {
        self.changes += 1;
        let room = &mut self.rooms[id.index()];
        self.by_size.remove(&room.rank(id));
        let result = change(room);
        self.by_size.insert(room.rank(id));
        result
    }

    /// Takes a member out of everything. Its room, which is returned, may be empty now.
    fn remove(&mut self, member: MemberId, effects: &mut Vec<Effect>) -> (RoomId, Name) {
        let from = self.give_up_seat(member);
        let nickname = self.members.remove(member.index()).nickname;
        self.nicknames.remove(member.index, &nickname);
        effects.push(Effect::Moved {
            member,
            from: Some(from),
            to: None,
        });
        (from, nickname)
    }

    /// Moves a member between rooms and lets both know.
    fn relocate(&mut self, id: MemberId, to: RoomId, now: Millis, effects: &mut Vec<Effect>) {
        let nickname = self.members[id.index()].nickname.clone();
        // Where it comes from nobody has heard of it, where it goes everybody does.
        let unheard_of = self.newcomers.take(id);
        let from = self.give_up_seat(id);
        self.take_seat(id, to);
        effects.push(Effect::Moved {
            member: id,
            from: Some(from),
            to: Some(to),
        });
        match unheard_of {
            true => self.clear_up(from),
            false => self.departed(from, id, nickname.clone(), now, effects),
        }
        let arrival = Change {
            member: id,
            before: None,
            after: Some(nickname),
        };
        self.note(to, arrival, now, effects);
    }

    /// After a member has gone from `room`: tells those left, or clears up after the last one.
    fn departed(
        &mut self,
        room: RoomId,
        member: MemberId,
        nickname: Name,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if self.rooms[room.index()].len() > 0 {
            let departure = Change {
                member,
                before: Some(nickname),
                after: None,
            };
            return self.note(room, departure, now, effects);
        }
        self.emptied(room);
    }

    /// After a member has gone from `room` of whom nobody there has heard.
    fn clear_up(&mut self, room: RoomId) {
        if self.rooms[room.index()].len() == 0 {
            self.emptied(room);
        }
    }

    /// Clears up after the last member of a room.
    fn emptied(&mut self, room: RoomId) {
        let due = self.rooms[room.index()].presence.due();
        self.drop_digest(room, due); // nobody is left to hear it
        self.topic_news.forget(room);
        if room != LOBBY {
            let gone = self.rooms.remove(room.index());
            self.room_names.remove(room.0, gone.name());
            self.history_bytes -= gone.history.weight();
            self.by_size.remove(&gone.rank(room));
        }
    }

    /// Takes a member out of what its room is still to hear: the room hears of it in another way.
    fn forget_presence_of(&mut self, member: MemberId, room: RoomId) {
        let presence = &mut self.rooms[room.index()].presence;
        let due = presence.due();
        presence.forget_member(member);
        if let Some(due) = due
            && presence.due().is_none()
        {
            self.digests.remove(&(due, room));
        }
    }

    /// Adds to what a room has to hear of its members, and says it now if the room has been quiet.
    fn note(&mut self, room: RoomId, change: Change, now: Millis, effects: &mut Vec<Effect>) {
        let place = &mut self.rooms[room.index()];
        let due = place.presence.due();
        if place.len() > self.config.presence {
            return self.drop_digest(room, due);
        }
        let subjects_present = usize::from(change.after.is_some());
        if due.is_none() && place.len() == subjects_present {
            return;
        }
        place.presence.record(change);
        self.settle(room, due, now, effects);
    }

    /// Forgets what a room was still to be told, due then: nobody must be woken up for it.
    fn drop_digest(&mut self, room: RoomId, due: Option<Millis>) {
        if let Some(due) = due {
            self.rooms[room.index()].presence.forget();
            self.digests.remove(&(due, room));
        }
    }

    /// Says a room's digest if it is time, and brings `digests` in line; it has `listed` for the
    /// room.
    fn settle(
        &mut self,
        room: RoomId,
        listed: Option<Millis>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let place = &mut self.rooms[room.index()];
        if let Some((except, line)) = place.speak_of_presence(now) {
            effects.push(Effect::Say {
                room,
                except,
                kind: SayKind::Notice,
                line,
            });
        }
        let due = place.presence.due();
        if due != listed {
            self.digests.extend(due.map(|due| (due, room)));
            if let Some(listed) = listed {
                self.digests.remove(&(listed, room));
            }
        }
    }
}

fn nickname_at(members: &Slab<Member>, place: u32) -> &str {
    &members[place as usize].nickname
}

fn room_name_at(rooms: &Slab<Room>, place: u32) -> &str {
    rooms[place as usize].name()
}

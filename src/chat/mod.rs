//! The chat itself: a state machine without sockets, clock or threads.
//!
//! What happens outside (someone connected, typed a line, went away, time passed) is a method call on
//! [`Chat`]; what has to happen outside is appended, in order, to a `Vec<`[`Effect`]`>` that the caller
//! owns and reuses. Time is an argument. The same calls therefore always give the same effects, and a
//! test can live through a year of chatting in a second.
//!
//! ```
//! use loopchat::chat::{Chat, Config, Effect};
//!
//! let mut chat = Chat::new(Config::default());
//! let mut effects = Vec::new();
//! let alice = chat.connect(0, &mut effects);
//! let bob = chat.connect(0, &mut effects);
//!
//! effects.clear();
//! chat.line(alice, "hello", 0, &mut effects);
//! let [Effect::Say { room, except, line }] = &effects[..] else { panic!() };
//! assert_eq!(&**line, "guest1: hello");
//! assert_eq!(*except, Some(alice));
//! assert_eq!(chat.members_of(*room), [alice, bob]);
//! ```
//!
//! # Layout
//!
//! | file              | thought                                                         |
//! |-------------------|-----------------------------------------------------------------|
//! | `mod.rs`          | who is here: connecting, moving between rooms, leaving, time     |
//! | `conversation.rs` | what a typed line does                                          |
//! | `answers.rs`      | what the chat tells a member: greeting, replay, lists            |
//! | `commands.rs`     | the table of commands, and how a line becomes one of them       |
//! | `name.rs`         | what may be a nickname or a room's name, and when two are one   |
//! | `room.rs`         | one room: its members, topic, history                           |
//! | `history.rs`      | the lines a room keeps                                          |
//! | `presence.rs`     | joins, leaves and renames, at most one notice a second          |
//! | `listing.rs`      | many names in one line of bounded length                        |
//! | `text.rs`         | what is taken out of a text before other terminals see it       |

mod answers;
mod commands;
mod conversation;
mod history;
mod listing;
mod name;
mod presence;
mod room;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use slab::Slab;

use name::Name;
use presence::Change;
use room::Room;

pub use text::sanitise;

/// A point in time, or a length of it, in milliseconds of a clock that never goes back.
pub type Millis = u64;

/// One line of text, sanitised and without a line end.
///
/// A room's history and the effects share it, so it is allocated once however many hear it.
pub type Line = Rc<str>;

/// One connected member.
///
/// An id is never valid again once its member is gone, even when its [`index`](MemberId::index) is:
/// a late call with the old id does nothing to whoever has the place now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct MemberId {
    index: u32,
    generation: u32,
}

impl MemberId {
    /// A small number no other connected member has, to index a table with. Reused after the member is gone.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// One room. Reused after the room is gone, which [`Effect::Moved`] makes safe: the last member of
/// the old room has been moved out of it before the first one of the new room is moved in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RoomId(u32);

impl RoomId {
    /// A small number no other room has, to index a table with.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The limits of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Lines a room keeps (200), of 512 bytes on average: longer lines push older ones out sooner,
    /// so that a room's memory is bounded by `history` alone.
    pub history: usize,
    /// Lines of history that a newcomer to a room gets, and `/history` without a number (10).
    pub replay: usize,
    /// Longest nickname, in characters (24).
    pub nickname: usize,
    /// Longest name of a room, in characters (32).
    pub room_name: usize,
    /// Longest topic of a room, in characters (200).
    pub topic: usize,
    /// Most members a room may have for joins, leaves and renames to be told in it (500): in a larger
    /// one they would be a noise, and each newcomer would cost a line for everyone.
    pub presence: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            history: 200,
            replay: 10,
            nickname: 24,
            room_name: 32,
            topic: 200,
            presence: 500,
        }
    }
}

/// Something the caller has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// One line for one member.
    Tell {
        /// Who gets it. May have been removed by a later effect of the same call (`/quit`).
        to: MemberId,
        /// What to send.
        line: Line,
    },
    /// One line for every member of a room, as the room is at this place in the order of effects.
    Say {
        /// The room that hears it. It had at least one member when this was said.
        room: RoomId,
        /// The one member that does not get it, mostly the author. It need not be in the room.
        except: Option<MemberId>,
        /// What to send.
        line: Line,
    },
    /// A member went from one room to another, at exactly this place in the order of effects.
    ///
    /// Lines said to `from` before it reach the member, later ones do not; lines said to `to` reach
    /// it only when they come after this effect (what was said before is in the replay it gets).
    Moved {
        /// Who moved.
        member: MemberId,
        /// The room it was in, or `None` if it has just connected. The room may be gone by now.
        from: Option<RoomId>,
        /// The room it is in now, or `None` if it left the chat.
        to: Option<RoomId>,
    },
    /// Close this connection once everything it was told is flushed.
    ///
    /// The member has been removed already: its `Moved { to: None }` came before, and there is no
    /// need to call [`Chat::leave`] (although it does no harm).
    Disconnect {
        /// Whose connection to close.
        member: MemberId,
    },
}

/// What the chat keeps for every member, times ten thousand: 32 bytes, and the nickname, which the
/// index of names shares when the name is its own fold, as `guest7` is.
#[derive(Debug)]
struct Member {
    nickname: Rc<str>,
    generation: u32,
    room: RoomId,
    /// The member's place in its room's list, so that leaving needs no search.
    seat: u32,
}

/// The room everyone starts in; made first, never removed.
const LOBBY: RoomId = RoomId(0);

/// A chat: members with unique nicknames, each in one room.
///
/// See the [module](self) for how to drive it. Every method that takes `effects` appends to it and
/// leaves what is there alone.
#[derive(Debug)]
pub struct Chat {
    config: Config,
    members: Slab<Member>,
    rooms: Slab<Room>,
    /// Members and rooms by the fold of their names. Looked up only, never iterated: the order of
    /// a hash map would differ from run to run.
    nicknames: HashMap<Rc<str>, MemberId>,
    room_names: HashMap<Rc<str>, RoomId>,
    /// Rooms with a presence digest pending, by when it is due. Exact, so that idle means asleep.
    digests: BTreeSet<(Millis, RoomId)>,
    /// Counts connections, for guest numbers and generations. It only goes forward, so a burst of
    /// arrivals does not look for gaps.
    arrivals: u32,
    /// Where a message is put together: growing a fresh `String` would be a second allocation.
    draft: String,
}

impl Chat {
    /// An empty chat, with the room `#lobby` in it.
    pub fn new(config: Config) -> Chat {
        let mut chat = Chat {
            config,
            members: Slab::new(),
            rooms: Slab::new(),
            nicknames: HashMap::new(),
            room_names: HashMap::new(),
            digests: BTreeSet::new(),
            arrivals: 0,
            draft: String::new(),
        };
        let lobby = chat.open_room(Name::generated("lobby".into()));
        debug_assert_eq!(lobby, LOBBY);
        chat
    }

    /// Lets a newcomer in: gives it a free nickname `guestN`, moves it into `#lobby`, greets it with
    /// at most three lines and replays the last messages of the room. The room learns of it by a
    /// notice the newcomer does not get.
    pub fn connect(&mut self, now: Millis, effects: &mut Vec<Effect>) -> MemberId {
        let name = self.next_guest();
        let id = MemberId {
            index: self.members.vacant_key() as u32,
            generation: self.arrivals,
        };
        self.members.insert(Member {
            nickname: Rc::clone(&name.shown),
            generation: id.generation,
            room: LOBBY,
            seat: 0,
        });
        self.nicknames.insert(name.fold, id);
        self.take_seat(id, LOBBY);
        effects.push(Effect::Moved {
            member: id,
            from: None,
            to: Some(LOBBY),
        });
        self.greet(id, effects);
        let arrival = Change {
            member: id,
            before: None,
            after: Some(name.shown),
        };
        self.note(LOBBY, arrival, now, effects);
        id
    }

    /// Removes a member whose connection is gone. Its room hears of it; nothing is told to the member.
    /// Does nothing if the member is unknown or was removed before.
    pub fn leave(&mut self, member: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        if self.member(member).is_none() {
            return;
        }
        let from = self.give_up_seat(member);
        let nickname = self.members.remove(member.index()).nickname;
        self.nicknames.remove(&*name::fold(&nickname));
        effects.push(Effect::Moved {
            member,
            from: Some(from),
            to: None,
        });
        self.departed(from, member, nickname, now, effects);
    }

    /// Says `* text` in every room that has members. `text` is sanitised first.
    pub fn announce(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let line: Line = format!("* {}", sanitise(text)).into();
        let occupied = self.rooms.iter().filter(|(_, room)| room.len() > 0);
        effects.extend(occupied.map(|(key, _)| Effect::Say {
            room: RoomId(key as u32),
            except: None,
            line: Rc::clone(&line),
        }));
    }

    /// When [`tick`](Chat::tick) wants to be called next: exactly then, or `None` if nothing is
    /// pending. Any other call may change it. Costs O(log n) of the rooms with something pending.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.digests.first().map(|&(due, _)| due)
    }

    /// Says the presence digests that are due. Calling it early or too often does no harm.
    pub fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        while let Some(&(due, room)) = self.digests.first()
            && due <= now
        {
            self.settle(room, Some(due), now, effects);
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

    /// A number taken by choice is stepped over for good, so nobody can make this slow twice.
    fn next_guest(&mut self) -> Name {
        loop {
            self.arrivals = self.arrivals.wrapping_add(1);
            let name = Name::generated(format!("guest{}", self.arrivals));
            if !self.nicknames.contains_key(&name.fold) {
                return name;
            }
        }
    }

    fn open_room(&mut self, name: Name) -> RoomId {
        let id = RoomId(self.rooms.vacant_key() as u32);
        self.rooms
            .insert(Room::new(name.shown, self.config.history));
        self.room_names.insert(name.fold, id);
        id
    }

    fn take_seat(&mut self, id: MemberId, room: RoomId) {
        let member = &mut self.members[id.index()];
        member.room = room;
        member.seat = self.rooms[room.index()].enter(id);
    }

    fn give_up_seat(&mut self, id: MemberId) -> RoomId {
        let Member { room, seat, .. } = self.members[id.index()];
        if let Some(neighbour) = self.rooms[room.index()].leave(seat) {
            self.members[neighbour.index()].seat = seat;
        }
        room
    }

    /// Moves a member between rooms and lets both know.
    fn relocate(&mut self, id: MemberId, to: RoomId, now: Millis, effects: &mut Vec<Effect>) {
        let nickname = Rc::clone(&self.members[id.index()].nickname);
        let from = self.give_up_seat(id);
        self.take_seat(id, to);
        effects.push(Effect::Moved {
            member: id,
            from: Some(from),
            to: Some(to),
        });
        self.departed(from, id, Rc::clone(&nickname), now, effects);
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
        nickname: Rc<str>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let place = &mut self.rooms[room.index()];
        if place.len() > 0 {
            let departure = Change {
                member,
                before: Some(nickname),
                after: None,
            };
            return self.note(room, departure, now, effects);
        }
        let due = place.presence.due();
        self.drop_digest(room, due); // nobody is left to hear it
        if room != LOBBY {
            let gone = self.rooms.remove(room.index());
            self.room_names.remove(&*name::fold(gone.name()));
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

    /// Says a room's digest if it is time, and brings `digests` in line; it has `listed` for the room.
    fn settle(
        &mut self,
        room: RoomId,
        listed: Option<Millis>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let place = &mut self.rooms[room.index()];
        if let Some((except, line)) = place.speak_of_presence(now) {
            effects.push(Effect::Say { room, except, line });
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

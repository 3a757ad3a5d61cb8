//! Who comes, goes and is renamed: a room hears of them at most once a second.
//!
//! The first is said at once and starts a quiet second. What happens in that second is collected
//! and said together at its end, with a few names and the number of the others. Collecting keeps
//! those few and three numbers, so ten thousand arrivals cost a room no more than ten. Whom an
//! operator sends away is said at once, in one digest for all whom the order hit.
//!
//! What is said is a [`Digest`], in fields. Lines name fewer than there are in it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::chat::{Departure, Event, MemberId, Millis, Name, Person, RoomId};

/// How long a room is left alone after a digest.
const QUIET: Millis = 1000;

/// How many a digest names of each kind.
const NAMED: usize = 20;

/// In a room of more members than this, comings and goings would be a noise, and each newcomer
/// would cost a line for everyone.
const CROWD: usize = 500;

/// What a room hears of those who come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// What has become of several in a second, or of one.
    Changes(Changes),
    /// An operator has sent somebody away.
    Expulsion(Expulsion),
}

/// Who came, who went, and who has another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The room.
    pub room: Name,
    /// When, in milliseconds since 1970, UTC.
    pub time: Millis,
    /// Whether so many are there that only who [wants](crate::server::core::rendering::Framing::has_crowds) to
    /// hear of it does.
    pub is_crowd: bool,
    /// Who came, 20 at most.
    pub joined: Vec<Person>,
    /// How many came.
    pub joined_count: usize,
    /// Who went, 20 at most, and what became of each.
    pub left: Vec<(Person, Departure)>,
    /// How many went.
    pub left_count: usize,
    /// Who has another name, 20 at most, and the one that each had.
    pub renamed: Vec<(Person, Name)>,
    /// How many have.
    pub renamed_count: usize,
}

/// Whom an operator has sent away by one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expulsion {
    /// The room.
    pub room: Name,
    /// When, in milliseconds since 1970, UTC.
    pub time: Millis,
    /// Those it has hit, 20 at most.
    pub who: Vec<Person>,
    /// How many it has hit.
    pub count: usize,
    /// [Kicked](Departure::Kicked) or [banned](Departure::Banned).
    pub why: Departure,
}

/// Something to say in a room, and who does not get it.
pub(crate) type Saying = (RoomId, Option<MemberId>, Rc<Digest>);

/// A room as it is when something happens in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) room: RoomId,
    pub(crate) name: &'a Name,
    pub(crate) members: usize,
    /// Whether somebody wants to hear of comings and goings in any crowd.
    pub(crate) has_crowds: bool,
}

/// What rooms have yet to hear of their members.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    rooms: BTreeMap<RoomId, Pending>,
    /// When those are due that have something to say. Exact, so that idle means asleep.
    due: BTreeSet<(Millis, RoomId)>,
    expulsions: Vec<(RoomId, Option<MemberId>, Expulsion)>,
}

impl Digests {
    /// Something has happened in a room. What is to be said of it now, if it is that time.
    pub(crate) fn hear(
        &mut self,
        place: Place<'_>,
        except: Option<MemberId>,
        event: Event,
        now: Millis,
        utc: Millis,
    ) -> Option<Saying> {
        let change = match event {
            Event::Departure {
                member,
                who,
                why: why @ (Departure::Kicked { .. } | Departure::Banned { .. }),
            } => {
                self.forget_member(member, place.room);
                self.expelled(place, except, who, why, utc);
                return None;
            }
            event => Change::of(event)?,
        };
        let due = self.due_of(place.room);
        if place.members > CROWD && !place.has_crowds {
            self.drop_pending(place.room, due);
            return None;
        }
        // Nobody else is there.
        if due.is_none() && place.members == usize::from(change.is_here) {
            return None;
        }
        self.rooms.entry(place.room).or_default().record(change);
        self.settle(place, due, now, utc)
    }

    /// When [`take_due`](Self::take_due) is to be called next, if something is to be said.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.due.first().map(|&(due, _)| due)
    }

    /// A room to which something is due.
    pub(crate) fn next_due(&self, now: Millis) -> Option<RoomId> {
        let &(due, room) = self.due.first()?;
        (due <= now).then_some(room)
    }

    /// What is to be said to a room in which something is due.
    pub(crate) fn take_due(
        &mut self,
        place: Place<'_>,
        now: Millis,
        utc: Millis,
    ) -> Option<Saying> {
        let due = self.due_of(place.room);
        if place.members > CROWD && !place.has_crowds {
            self.drop_pending(place.room, due);
            return None;
        }
        self.settle(place, due, now, utc)
    }

    /// What is to be said of those that were sent away.
    pub(crate) fn take_expulsions(&mut self) -> impl Iterator<Item = Saying> {
        let all = self.expulsions.drain(..);
        all.map(|(room, except, expulsion)| (room, except, Rc::new(Digest::Expulsion(expulsion))))
    }

    /// Nobody is left in a room to hear anything.
    pub(crate) fn forget(&mut self, room: RoomId) {
        let due = self.due_of(room);
        self.drop_pending(room, due);
        self.rooms.remove(&room);
        self.expulsions.retain(|(other, ..)| *other != room);
    }

    /// Whether nothing is to be said.
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.expulsions.is_empty()
    }

    fn due_of(&self, room: RoomId) -> Option<Millis> {
        self.rooms.get(&room)?.due()
    }

    fn expelled(
        &mut self,
        place: Place<'_>,
        except: Option<MemberId>,
        who: Person,
        why: Departure,
        utc: Millis,
    ) {
        let of_room = self.expulsions.iter_mut().find(|(room, by, expulsion)| {
            (*room, *by) == (place.room, except) && expulsion.why == why
        });
        let expulsion = match of_room {
            Some((.., expulsion)) => expulsion,
            None => {
                let expulsion = Expulsion {
                    room: place.name.clone(),
                    time: utc,
                    who: Vec::new(),
                    count: 0,
                    why,
                };
                self.expulsions.push((place.room, except, expulsion));
                match self.expulsions.last_mut() {
                    Some((.., expulsion)) => expulsion,
                    None => return,
                }
            }
        };
        expulsion.count += 1;
        if expulsion.who.len() < NAMED {
            expulsion.who.push(who);
        }
    }

    /// Takes a member out of what a room is still to hear: it hears of it in another way.
    fn forget_member(&mut self, member: MemberId, room: RoomId) {
        let Some(pending) = self.rooms.get_mut(&room) else {
            return;
        };
        let due = pending.due();
        pending.named.retain(|change| change.member != member);
        if let Some(due) = due
            && pending.due().is_none()
        {
            self.due.remove(&(due, room));
        }
    }

    fn drop_pending(&mut self, room: RoomId, due: Option<Millis>) {
        if let (Some(due), Some(pending)) = (due, self.rooms.get_mut(&room)) {
            pending.forget();
            self.due.remove(&(due, room));
        }
    }

    /// Says what is pending if it is time, and brings `due` in line; it has `listed` for the room.
    fn settle(
        &mut self,
        place: Place<'_>,
        listed: Option<Millis>,
        now: Millis,
        utc: Millis,
    ) -> Option<Saying> {
        let pending = self.rooms.get_mut(&place.room)?;
        let said = pending.speak(place, now, utc);
        let due = pending.due();
        if due != listed {
            self.due.extend(due.map(|due| (due, place.room)));
            if let Some(listed) = listed {
                self.due.remove(&(listed, place.room));
            }
        }
        let (except, changes) = said?;
        Some((place.room, except, Rc::new(Digest::Changes(changes))))
    }
}

/// What has become of a member.
#[derive(Clone, Debug)]
struct Change {
    member: MemberId,
    who: Person,
    /// The name it had in the room before; `None` if it was not there.
    before: Option<Name>,
    is_here: bool,
    /// Why it is not.
    why: Option<Departure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Joined,
    Left,
    Renamed,
}

impl Change {
    /// `None` if the event is of another kind.
    fn of(event: Event) -> Option<Self> {
        Some(match event {
            Event::Arrival { member, who } => Self {
                member,
                who,
                before: None,
                is_here: true,
                why: None,
            },
            Event::Departure { member, who, why } => Self {
                member,
                before: Some(who.nickname.clone()),
                who,
                is_here: false,
                why: Some(why),
            },
            Event::Rename {
                member,
                who,
                before,
            } => Self {
                member,
                who,
                before: Some(before),
                is_here: true,
                why: None,
            },
            Event::Message(_) | Event::Redaction(_) | Event::Topic(_) | Event::Announcement(_) => {
                return None;
            }
        })
    }

    /// `None` if it comes to nothing.
    fn kind(&self) -> Option<Kind> {
        match (&self.before, self.is_here) {
            (None, true) => Some(Kind::Joined),
            (Some(_), false) => Some(Kind::Left),
            (Some(before), true) if *before != self.who.nickname => Some(Kind::Renamed),
            _ => None,
        }
    }

    /// It, after another change of the same member. Others know who has left by the name that they
    /// have heard.
    fn after(mut self, earlier: Self) -> Self {
        self.before = earlier.before;
        if let (Some(before), false) = (&self.before, self.is_here) {
            self.who.nickname = before.clone();
        }
        self
    }
}

/// What a room has yet to hear, and from when on it may.
#[derive(Debug, Default)]
struct Pending {
    quiet_until: Millis,
    /// At most `NAMED` of each kind.
    named: Vec<Change>,
    /// How many more there are, by kind.
    unnamed: [usize; 3],
}

impl Pending {
    /// When it may be said, or `None` if there is nothing.
    fn due(&self) -> Option<Millis> {
        let is_pending = !self.named.is_empty() || self.unnamed != [0; 3];
        is_pending.then_some(self.quiet_until)
    }

    /// Adds a change. Several changes of one named member count as the one they come to: who joined
    /// as `guest7` and became `erin` is `erin` who joined, and who left and came back was never
    /// away.
    fn record(&mut self, mut change: Change) {
        let earlier = self.named.iter().position(|c| c.member == change.member);
        if let Some(earlier) = earlier {
            change = change.after(self.named.remove(earlier));
        }
        let Some(kind) = change.kind() else { return };
        if self.of(kind).count() < NAMED {
            self.named.push(change);
        } else {
            self.unnamed[kind as usize] += 1;
        }
    }

    fn forget(&mut self) {
        self.named.clear();
        self.unnamed = [0; 3];
    }

    /// What is pending, if there is something and the quiet time is over, and who does not get it:
    /// a member does not hear of itself when the digest is of nobody else.
    fn speak(
        &mut self,
        place: Place<'_>,
        now: Millis,
        utc: Millis,
    ) -> Option<(Option<MemberId>, Changes)> {
        self.due().filter(|&due| due <= now)?;
        let except = match (&self.named[..], self.unnamed) {
            // Whoever has left may be gone from the chat, and somebody else have its place.
            ([only], [0, 0, 0]) if only.is_here => Some(only.member),
            _ => None,
        };
        let count = |kind: Kind| self.of(kind).count() + self.unnamed[kind as usize];
        let [joined_count, left_count, renamed_count] =
            [Kind::Joined, Kind::Left, Kind::Renamed].map(count);
        let mut changes = Changes {
            room: place.name.clone(),
            time: utc,
            is_crowd: place.members > CROWD,
            joined: Vec::new(),
            joined_count,
            left: Vec::new(),
            left_count,
            renamed: Vec::new(),
            renamed_count,
        };
        for change in self.named.drain(..) {
            match change {
                Change {
                    who,
                    why: Some(why),
                    ..
                } => changes.left.push((who, why)),
                Change {
                    who,
                    before: Some(before),
                    ..
                } => changes.renamed.push((who, before)),
                Change { who, .. } => changes.joined.push(who),
            }
        }
        self.forget();
        self.quiet_until = now.saturating_add(QUIET);
        Some((except, changes))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        let of_kind = move |change: &&Change| change.kind() == Some(kind);
        self.named.iter().filter(of_kind)
    }
}

#[cfg(test)]
mod tests;

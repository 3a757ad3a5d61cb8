//! The model of who comes and goes: what a room must be told, and when.

use std::collections::BTreeMap;

use loopchat::chat::{Departure, Event, MemberId, Millis, Name, Person, RoomId};
use loopchat::server::core::digests::{Changes, Digest, Expulsion};

/// How long a room is left alone after it was told, in milliseconds.
const QUIET: Millis = 1000;

/// How many are named of each kind.
pub const NAMED: usize = 20;

/// What is said in a room, and who knows it already.
pub struct Saying {
    pub room: RoomId,
    pub except: Option<MemberId>,
    pub digest: Digest,
}

/// A room, when something happens in it.
#[derive(Clone)]
pub struct Scene {
    pub room: RoomId,
    pub name: Name,
    pub members: usize,
    /// What is said now has this time.
    pub time: Millis,
}

#[derive(Default)]
pub struct Presence {
    news: BTreeMap<RoomId, News>,
}

/// What a room has yet to hear.
#[derive(Default)]
struct News {
    quiet_until: Millis,
    changes: Vec<Change>,
    /// Changes that are only counted.
    joined: usize,
    left: usize,
    renamed: usize,
}

/// What has become of a member since the room was told last.
struct Change {
    member: MemberId,
    who: Person,
    before: Option<Name>,
    /// It is here; otherwise this has become of it.
    gone: Option<Departure>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Joined,
    Left,
    Renamed,
}

impl Change {
    fn kind(&self) -> Option<Kind> {
        match (&self.before, &self.gone) {
            (None, None) => Some(Kind::Joined),
            (Some(_), Some(_)) => Some(Kind::Left),
            (None, Some(_)) => None,
            (Some(before), None) => (*before != self.who.nickname).then_some(Kind::Renamed),
        }
    }
}

impl News {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.joined + self.left + self.renamed == 0
    }

    fn of(&self, kind: Kind) -> usize {
        let of_kind = |change: &&Change| change.kind() == Some(kind);
        self.changes.iter().filter(of_kind).count()
    }

    fn add(&mut self, mut change: Change) {
        if let Some(at) = self.changes.iter().position(|c| c.member == change.member) {
            change.before = self.changes.remove(at).before;
            if let (Some(before), Some(_)) = (&change.before, &change.gone) {
                change.who.nickname = before.clone(); // the name that others know
            }
        }
        let Some(kind) = change.kind() else { return };
        if self.of(kind) < NAMED {
            return self.changes.push(change);
        }
        match kind {
            Kind::Joined => self.joined += 1,
            Kind::Left => self.left += 1,
            Kind::Renamed => self.renamed += 1,
        }
    }

    fn take(&mut self, scene: Scene, now: Millis) -> Option<Saying> {
        if self.is_empty() || now < self.quiet_until {
            return None;
        }
        let counted = self.joined + self.left + self.renamed;
        let except = match &self.changes[..] {
            [only] if counted == 0 && only.gone.is_none() => Some(only.member),
            _ => None,
        };
        let mut changes = Changes {
            room: scene.name,
            time: scene.time,
            is_crowd: false,
            joined_count: self.joined + self.of(Kind::Joined),
            left_count: self.left + self.of(Kind::Left),
            renamed_count: self.renamed + self.of(Kind::Renamed),
            joined: Vec::new(),
            left: Vec::new(),
            renamed: Vec::new(),
        };
        for change in std::mem::take(&mut self.changes) {
            match (change.kind(), change.gone, change.before) {
                (Some(Kind::Left), Some(why), _) => changes.left.push((change.who, why)),
                (Some(Kind::Renamed), _, Some(before)) => {
                    changes.renamed.push((change.who, before));
                }
                _ => changes.joined.push(change.who),
            }
        }
        *self = Self {
            quiet_until: now + QUIET,
            ..Self::default()
        };
        Some(Saying {
            room: scene.room,
            except,
            digest: Digest::Changes(changes),
        })
    }
}

impl Presence {
    /// Somebody has come, gone or another name; nobody was sent away.
    pub fn hear(&mut self, scene: Scene, event: &Event, now: Millis) -> Option<Saying> {
        let change = match event.clone() {
            Event::Arrival { member, who } => Change {
                member,
                who,
                before: None,
                gone: None,
            },
            Event::Departure { member, who, why } => Change {
                member,
                before: Some(who.nickname.clone()),
                who,
                gone: Some(why),
            },
            Event::Rename {
                member,
                who,
                before,
            } => Change {
                member,
                who,
                before: Some(before),
                gone: None,
            },
            _ => return None,
        };
        let is_here = change.gone.is_none();
        let has_news = self
            .news
            .get(&scene.room)
            .is_some_and(|news| !news.is_empty());
        if !has_news && scene.members == usize::from(is_here) {
            return None; // nobody else is there
        }
        let news = self.news.entry(scene.room).or_default();
        news.add(change);
        news.take(scene, now)
    }

    /// Whoever was sent away is heard of in another way.
    pub fn expelled(&mut self, room: RoomId, member: MemberId) {
        if let Some(news) = self.news.get_mut(&room) {
            news.changes.retain(|change| change.member != member);
        }
    }

    /// The rooms to which something is due, in the order in which they are told.
    pub fn due(&self, now: Millis) -> Vec<RoomId> {
        let due = self.news.iter().filter(|(_, news)| !news.is_empty());
        let mut due: Vec<(Millis, RoomId)> = due
            .map(|(&room, news)| (news.quiet_until, room))
            .filter(|&(due, _)| due <= now)
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, room)| room).collect()
    }

    /// It is time.
    pub fn take_due(&mut self, scene: Scene, now: Millis) -> Option<Saying> {
        self.news.get_mut(&scene.room)?.take(scene, now)
    }

    /// Nobody is left to be told.
    pub fn forget(&mut self, room: RoomId) {
        self.news.remove(&room);
    }
}

/// Those whom one order has sent away, and who gave it.
pub type Expelled = (RoomId, Option<MemberId>, Expulsion);

/// Adds somebody to those whom an order has sent away.
pub fn expel(
    all: &mut Vec<Expelled>,
    scene: Scene,
    except: Option<MemberId>,
    who: &Person,
    why: &Departure,
) {
    let of_order = all.iter().position(|(room, by, expulsion)| {
        *room == scene.room && *by == except && expulsion.why == *why
    });
    let at = of_order.unwrap_or_else(|| {
        let expulsion = Expulsion {
            room: scene.name,
            time: scene.time,
            who: Vec::new(),
            count: 0,
            why: why.clone(),
        };
        all.push((scene.room, except, expulsion));
        all.len() - 1
    });
    let (.., expulsion) = &mut all[at];
    expulsion.count += 1;
    if expulsion.who.len() < NAMED {
        expulsion.who.push(who.clone());
    }
}

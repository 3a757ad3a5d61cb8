//! The model of the rooms: what was said there, in which order and at what time, and what is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use loopchat::chat::{
    EventId, MemberId, Message, Millis, Name, Place, Redaction, RoomId, Text, TopicSet,
};
use loopchat::server::Config;

use super::{Checked, violated};

/// How long a room is left alone after it was told of a topic, in milliseconds.
const QUIET: Millis = 1000;

/// One room.
pub struct Room {
    pub name: Name,
    pub topic: Option<Text>,
    kept: VecDeque<Rc<Message>>,
    /// Something that was said is not kept any more, and was not taken back.
    has_forgotten: bool,
    /// The place of what it has heard last.
    number: u64,
    /// A topic got its place that nobody was there to hear of.
    has_unheard: bool,
    time: Millis,
    /// When it may be told of a topic again.
    quiet_until: Option<Millis>,
    /// Who has set a topic that it was not told of.
    pending: Option<(MemberId, String)>,
    is_empty: bool,
    /// Nobody is in it, and it is kept until then.
    lingers_until: Option<Millis>,
}

/// All of them.
pub struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    ids: BTreeSet<EventId>,
    taken_back: BTreeSet<EventId>,
    /// What was said of late, to take back, wherever it was said.
    late: VecDeque<EventId>,
    most_lines: usize,
    most_bytes: usize,
    most_rooms: usize,
    linger: Millis,
}

/// How many of what was said of late are remembered.
const LATE: usize = 40;

impl Rooms {
    pub fn new(config: &Config) -> Self {
        Self {
            rooms: BTreeMap::new(),
            ids: BTreeSet::new(),
            taken_back: BTreeSet::new(),
            late: VecDeque::new(),
            most_lines: config.history as usize,
            most_bytes: config.history_bytes as usize,
            most_rooms: config.max_rooms as usize,
            linger: Millis::from(config.room_linger) * 1000,
        }
    }

    pub fn get(&self, room: RoomId) -> Option<&Room> {
        self.rooms.get(&room)
    }

    /// Those that anybody may see.
    pub fn all(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        let all = self.rooms.iter().map(|(&id, room)| (id, room));
        all.filter(|(_, room)| room.lingers_until.is_none())
    }

    /// The room that has a name, however it is spelt.
    pub fn named(&self, name: &str) -> Option<RoomId> {
        let found = self.kept(name);
        found.filter(|id| self.rooms[id].lingers_until.is_none())
    }

    /// The same, or one that nobody is in any more.
    pub fn kept(&self, name: &str) -> Option<RoomId> {
        let mut all = self.rooms.iter();
        let found = all.find(|(_, room)| room.name.eq_ignore_ascii_case(name));
        found.map(|(&id, _)| id)
    }

    /// The number of what a room has heard last.
    pub fn last_number(&self, id: RoomId) -> u64 {
        self.rooms.get(&id).map_or(0, |room| room.number)
    }

    /// Somebody is in a room; it may be new, or nobody was in it for a while. Says whether that was
    /// so.
    pub fn enter(&mut self, id: RoomId, name: &Name) -> bool {
        if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.name == *name) {
            room.is_empty = false;
            return room.lingers_until.take().is_some();
        }
        self.make_way(1);
        let new = Room {
            name: name.clone(),
            topic: None,
            kept: VecDeque::new(),
            has_forgotten: false,
            number: 0,
            has_unheard: false,
            time: 0,
            quiet_until: None,
            pending: None,
            is_empty: false,
            lingers_until: None,
        };
        self.rooms.insert(id, new);
        false
    }

    /// Nobody is in a room any more.
    pub fn emptied(&mut self, id: RoomId, is_lobby: bool, now: Millis) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.is_empty = true;
        if room.pending.is_none() {
            room.quiet_until = None;
        }
        if is_lobby {
            return;
        }
        if self.linger == 0 || (room.kept.is_empty() && room.topic.is_none()) {
            self.rooms.remove(&id);
            return;
        }
        room.lingers_until = Some(now + self.linger);
        self.make_way(0);
    }

    /// Time has passed: some rooms are forgotten, and some that nobody is in have another topic. Says
    /// whether any of that has happened.
    pub fn forget_old(&mut self, now: Millis) -> bool {
        let before = self.rooms.len();
        let is_due = |room: &Room| room.is_empty && room.is_overdue(now);
        let due: Vec<RoomId> = self
            .rooms
            .iter()
            .filter(|(_, room)| is_due(room))
            .map(|(&id, _)| id)
            .collect();
        for id in &due {
            if let Some(room) = self.rooms.get_mut(id) {
                (room.pending, room.has_unheard) = (None, true);
                room.quiet_until = Some(now + QUIET);
            }
        }
        self.rooms
            .retain(|_, room| room.lingers_until.is_none_or(|until| until > now));
        self.rooms.len() < before || !due.is_empty()
    }

    /// The room that has been empty for longest gives way, as long as there are too many.
    fn make_way(&mut self, more: usize) {
        while self.rooms.len() + more > self.most_rooms {
            let kept = self.rooms.iter();
            let kept = kept.filter_map(|(&id, room)| Some((room.lingers_until?, id)));
            let Some((_, oldest)) = kept.min() else {
                return;
            };
            self.rooms.remove(&oldest);
        }
    }

    /// The time of something that happens in a room now: people's clocks go back, it does not.
    pub fn time(&mut self, id: RoomId, utc: Millis) -> Millis {
        match self.rooms.get_mut(&id) {
            Some(room) => {
                room.time = room.time.max(utc);
                room.time
            }
            None => utc,
        }
    }

    /// Something gets its place in a room's order.
    fn place(&mut self, id: RoomId, place: Place, name: &Name, utc: Millis) -> Checked<&mut Room> {
        let time = self.time(id, utc);
        let Some(room) = self.rooms.get_mut(&id) else {
            return violated(
                "things happen in rooms that are there",
                format!("{place:?}"),
            );
        };
        if room.name != *name {
            let seen = format!("#{name}, not #{}", room.name);
            return violated("what happens in a room has its name", seen);
        }
        if place.number <= room.number {
            let seen = format!("{place:?} after {}", room.number);
            return violated("numbers in a room grow", seen);
        }
        if !room.may_be_at(place.previous) {
            let seen = format!("{place:?} after {}", room.number);
            return violated("whatever is heard names what was heard before it", seen);
        }
        if !self.ids.insert(place.id) {
            return violated("ids are unique", format!("{place:?}"));
        }
        if place.time != time {
            let seen = format!("{place:?} at {utc}, in a room at {time}");
            return violated(
                "times never go back within a room, and are the clock's",
                seen,
            );
        }
        (room.number, room.has_unheard) = (place.number, false);
        Ok(room)
    }

    /// Somebody has said something in a room.
    pub fn said(&mut self, id: RoomId, message: &Rc<Message>, utc: Millis) -> Checked {
        let (most_lines, most_bytes) = (self.most_lines, self.most_bytes);
        let room = self.place(id, message.place, &message.room, utc)?;
        room.kept.push_back(Rc::clone(message));
        let weight =
            |kept: &VecDeque<Rc<Message>>| -> usize { kept.iter().map(|said| length(said)).sum() };
        while room.kept.len() > most_lines
            || (room.kept.len() > 1 && weight(&room.kept) > most_bytes)
        {
            room.kept.pop_front();
            room.has_forgotten = true;
        }
        self.late.push_back(message.place.id);
        if self.late.len() > LATE {
            self.late.pop_front();
        }
        Ok(())
    }

    /// What was said is taken back. Returns it.
    pub fn taken_back(
        &mut self,
        id: RoomId,
        taken: &Redaction,
        utc: Millis,
    ) -> Checked<Rc<Message>> {
        let room = self.place(id, taken.place, &taken.room, utc)?;
        let at = room
            .kept
            .iter()
            .position(|said| said.place.id == taken.message);
        let message = at.and_then(|at| room.kept.remove(at));
        let rule = "what is taken back was said there, by whom it says, and is kept";
        match message {
            Some(message)
                if message.place.time == taken.said && message.author.nickname == taken.author =>
            {
                self.taken_back.insert(taken.message);
                Ok(message)
            }
            message => violated(rule, format!("{taken:?}: {message:?}")),
        }
    }

    /// A room is told of its topic. Returns who had set it, if that is some time ago.
    pub fn told_topic(
        &mut self,
        id: RoomId,
        set: &TopicSet,
        (now, utc): (Millis, Millis),
    ) -> Checked<Option<MemberId>> {
        let room = self.place(id, set.place, &set.room, utc)?;
        if room.quiet_until.is_some_and(|until| now < until) {
            return violated("a room hears of one topic a second", format!("{set:?}"));
        }
        room.quiet_until = Some(now + QUIET);
        let pending = room.pending.take();
        if let Some((_, author)) = &pending
            && (room.topic.as_ref(), &**author) != (Some(&set.topic), &*set.author.nickname)
        {
            return violated("of many topics the last is said", format!("{set:?}"));
        }
        room.topic = Some(set.topic.clone());
        Ok(pending.map(|(member, _)| member))
    }

    /// Whether a room may be told of a topic now.
    pub fn may_hear_topic(&self, id: RoomId, now: Millis) -> bool {
        self.rooms.get(&id).is_none_or(|room| {
            room.pending.is_none() && room.quiet_until.is_none_or(|until| until <= now)
        })
    }

    /// Somebody has set a topic, and the room is told later.
    pub fn topic_waits(&mut self, id: RoomId, topic: &Text, author: (MemberId, String)) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.topic = Some(topic.clone());
            room.pending = Some(author);
        }
    }

    /// A room that should have been told of its topic.
    pub fn overdue(&self, now: Millis) -> Option<&Room> {
        self.rooms.values().find(|room| room.is_overdue(now))
    }

    /// What was said of late, wherever, and may have been taken back or forgotten.
    pub fn late(&self) -> impl Iterator<Item = EventId> {
        self.late.iter().copied()
    }

    pub fn is_taken_back(&self, id: EventId) -> bool {
        self.taken_back.contains(&id)
    }
}

impl Room {
    /// Whether that may be the number of what had a place there last.
    pub fn may_be_at(&self, number: u64) -> bool {
        number == self.number || self.has_unheard && number > self.number
    }

    /// Whether it should have been told of its topic.
    fn is_overdue(&self, now: Millis) -> bool {
        self.pending.is_some() && self.quiet_until.is_some_and(|until| until <= now)
    }

    /// The last messages, as many as are asked for and kept.
    pub fn last(&self, count: usize) -> impl Iterator<Item = &Rc<Message>> {
        self.kept.iter().skip(self.kept.len().saturating_sub(count))
    }

    pub fn find(&self, id: EventId) -> Option<&Rc<Message>> {
        self.kept.iter().find(|said| said.place.id == id)
    }

    pub fn last_of(&self, member: MemberId) -> Option<&Rc<Message>> {
        self.kept.iter().rfind(|said| said.member == member)
    }

    /// Whether the last so many are all that was said there and not taken back.
    pub fn is_whole(&self, count: usize) -> bool {
        !self.has_forgotten && count >= self.kept.len()
    }
}

fn length(said: &Message) -> usize {
    said.author.nickname.len() + ": ".len() + said.text.len()
}

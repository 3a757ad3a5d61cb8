//! The model of the rooms: what was said there, in which order and at what time, and what is kept.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::rc::Rc;

use loopchat::chat::{
    Epoch, Event, EventId, MemberId, Message, Millis, Name, Place, Position, RoomId, Text,
};
use loopchat::server::Config;

use super::{Checked, violated};

/// How long a room is left alone after it was told of a topic, in milliseconds.
const QUIET: Millis = 1000;

/// One room.
pub struct Room {
    pub name: Name,
    /// No other room has it, nor this one again once it was forgotten.
    pub life: u64,
    /// What its log calls that.
    epoch: Option<Epoch>,
    /// Something is to be said in it: no other life is called so.
    is_used: bool,
    /// The topic that has got its place.
    topic: Option<Text>,
    kept: VecDeque<Rc<Message>>,
    /// Topics and redactions.
    others: VecDeque<Event>,
    /// The largest number of what is not kept any more.
    forgotten_to: u64,
    /// Something that was said is not kept any more, and was not taken back.
    has_forgotten: bool,
    /// The place of what it has heard last.
    number: u64,
    time: Millis,
    /// When it may be told of a topic again.
    quiet_until: Option<Millis>,
    pending: Option<Pending>,
    is_empty: bool,
    /// Nobody is in it, and it is kept until then.
    lingers_until: Option<Millis>,
}

/// A topic that a room was not told of.
pub struct Pending {
    pub member: MemberId,
    pub nickname: String,
    pub topic: Text,
}

/// All of them.
pub struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    lives: u64,
    /// The lives that the logs of rooms have had.
    epochs: HashSet<(String, Epoch)>,
    ids: BTreeSet<EventId>,
    taken_back: BTreeMap<EventId, Rc<Message>>,
    /// What was said of late, to take back, wherever it was said.
    late: VecDeque<EventId>,
    most_lines: usize,
    most_bytes: usize,
    most_rooms: usize,
    linger: Millis,
}

/// How many of what was said of late are remembered.
const LATE: usize = 40;

/// A message is kept, and perhaps old ones no more: the number of the last of these.
pub fn keep(
    kept: &mut VecDeque<Rc<Message>>,
    message: &Rc<Message>,
    (most_lines, most_bytes): (usize, usize),
) -> Option<u64> {
    kept.push_back(Rc::clone(message));
    let weight =
        |kept: &VecDeque<Rc<Message>>| -> usize { kept.iter().map(|said| length(said)).sum() };
    let mut forgotten = None;
    while kept.len() > most_lines || (kept.len() > 1 && weight(kept) > most_bytes) {
        forgotten = kept
            .pop_front()
            .map(|said| said.place.number)
            .max(forgotten);
    }
    forgotten
}

impl Rooms {
    pub fn new(config: &Config) -> Self {
        Self {
            rooms: BTreeMap::new(),
            lives: 0,
            epochs: HashSet::new(),
            ids: BTreeSet::new(),
            taken_back: BTreeMap::new(),
            late: VecDeque::new(),
            most_lines: config.history as usize,
            most_bytes: config.history_bytes as usize,
            most_rooms: config.max_rooms as usize,
            linger: Millis::from(config.room_linger) * 1000,
        }
    }

    /// These are of another process: what was said before has its ids and its epochs still.
    pub fn come_after(&mut self, before: &mut Self) {
        self.epochs = std::mem::take(&mut before.epochs);
        self.ids = std::mem::take(&mut before.ids);
        self.late = std::mem::take(&mut before.late);
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
        self.lives += 1;
        let new = Room {
            name: name.clone(),
            life: self.lives,
            epoch: None,
            is_used: false,
            topic: None,
            kept: VecDeque::new(),
            others: VecDeque::new(),
            forgotten_to: 0,
            has_forgotten: false,
            number: 0,
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
        if self.linger == 0 || (room.kept.is_empty() && room.topic().is_none()) {
            self.rooms.remove(&id);
            return;
        }
        room.lingers_until = Some(now + self.linger);
        self.make_way(0);
    }

    /// Time has passed: some rooms are forgotten.
    pub fn forget_old(&mut self, now: Millis) {
        self.rooms
            .retain(|_, room| room.lingers_until.is_none_or(|until| until > now));
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

    /// The life of a room that somebody says something in: one log, and no other room's.
    pub fn life_of(&mut self, id: RoomId, name: &Name, epoch: Epoch) -> Checked<u64> {
        let Some(room) = self.rooms.get_mut(&id) else {
            return violated("things happen in rooms that are there", format!("#{name}"));
        };
        if room.name != *name {
            let seen = format!("#{name}, not #{}", room.name);
            return violated("what happens in a room has its name", seen);
        }
        let is_known = std::mem::replace(&mut room.is_used, true);
        let before = room.epoch.replace(epoch);
        let is_right = before.is_none_or(|own| own == epoch)
            && (is_known || self.epochs.insert((name.to_ascii_lowercase(), epoch)));
        if !is_right {
            return violated(
                "what is said in a room is in one life of its log",
                format!("#{name}: {epoch}, not {before:?}"),
            );
        }
        Ok(room.life)
    }

    /// Whether nothing that was said before has that id.
    pub fn is_new(&mut self, event: EventId) -> bool {
        self.ids.insert(event)
    }

    /// Something gets its place in a room's order.
    pub fn place(
        &mut self,
        id: RoomId,
        event: EventId,
        number: u64,
        time: Millis,
    ) -> Checked<Place> {
        let time = self.time(id, time);
        let is_new = self.is_new(event);
        let found = self.rooms.get_mut(&id);
        let Some(room) = found.filter(|room| is_new && room.number < number) else {
            let seen = format!("{event}: {number} in {id:?}");
            return violated("numbers in a room grow, and ids are unique", seen);
        };
        Ok(Place {
            id: event,
            number,
            previous: std::mem::replace(&mut room.number, number),
            time,
        })
    }

    /// Somebody has said something in a room.
    pub fn said(&mut self, id: RoomId, message: &Rc<Message>) {
        let (most_lines, most_bytes) = (self.most_lines, self.most_bytes);
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let forgotten = keep(&mut room.kept, message, (most_lines, most_bytes));
        room.has_forgotten |= forgotten.is_some();
        room.forgotten_to = room.forgotten_to.max(forgotten.unwrap_or(0));
        self.late.push_back(message.place.id);
        if self.late.len() > LATE {
            self.late.pop_front();
        }
    }

    /// A topic or a redaction has its place in a room: as many are kept as of messages.
    pub fn noted(&mut self, id: RoomId, event: &Event) {
        let (most_lines, most_bytes) = (self.most_lines, self.most_bytes);
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.others.push_back(event.clone());
        let weight = |event: &Event| match event {
            Event::Topic(set) => set.topic.len(),
            _ => 0,
        };
        while room.others.len() > most_lines
            || room.others.iter().map(weight).sum::<usize>() > most_bytes
        {
            let oldest = room.others.pop_front();
            let number = oldest.map_or(0, |oldest| number_of(&oldest));
            room.forgotten_to = room.forgotten_to.max(number);
        }
    }

    /// A room is told to be there: in one life of its log, which no other room has had.
    pub fn is_at(&mut self, name: &str, position: Position) -> Checked {
        let Some(id) = self.named(name) else {
            return violated("who is told of a room is there", format!("#{name}"));
        };
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let before = room.epoch.replace(position.epoch);
        let key = (room.name.to_ascii_lowercase(), position.epoch);
        let is_right = room.may_be_at(position.number)
            && before.is_none_or(|own| own == position.epoch)
            && (room.is_used || !self.epochs.contains(&key));
        match is_right {
            true => Ok(()),
            false => violated(
                "a room is where it was heard last, in one life of its log",
                format!("#{name}: {position:?}, not {before:?}"),
            ),
        }
    }

    /// What was said is taken back. It may have been so before, or not be kept any more.
    pub fn taken_back(&mut self, id: RoomId, taken: EventId, meant: Option<Rc<Message>>) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.kept.retain(|said| said.place.id != taken);
        }
        let meant = meant.map(|meant| (taken, meant));
        self.taken_back.extend(meant);
    }

    /// A room has a topic.
    pub fn has_topic(&mut self, id: RoomId, topic: &Text) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.topic = Some(topic.clone());
        }
    }

    /// A room is to be told of its topic. Returns the one of which it was to be told later.
    pub fn drafted_topic(&mut self, id: RoomId, now: Millis) -> Checked<Option<Pending>> {
        let Some(room) = self.rooms.get_mut(&id) else {
            return violated("things happen in rooms that are there", format!("{id:?}"));
        };
        if room.quiet_until.is_some_and(|until| now < until) {
            return violated("a room hears of one topic a second", format!("{id:?}"));
        }
        room.quiet_until = Some(now + QUIET);
        Ok(room.pending.take())
    }

    /// Whether a room may be told of a topic now.
    pub fn may_hear_topic(&self, id: RoomId, now: Millis) -> bool {
        self.rooms.get(&id).is_none_or(|room| {
            room.pending.is_none() && room.quiet_until.is_none_or(|until| until <= now)
        })
    }

    /// Somebody has set a topic, and the room is told later.
    pub fn topic_waits(&mut self, id: RoomId, pending: Pending) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.pending = Some(pending);
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
        self.taken_back.contains_key(&id)
    }

    /// What was said, and taken back.
    pub fn what_was(&self, id: EventId) -> Option<&Rc<Message>> {
        self.taken_back.get(&id)
    }
}

impl Room {
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// All that was said and set behind that; `None` if not all of it is kept, or it was in another
    /// life.
    pub fn since(&self, position: Position) -> Option<Vec<Event>> {
        let Position { epoch, number } = position;
        let is_known = self.epoch == Some(epoch) && number <= self.number;
        if !is_known || number < self.forgotten_to {
            return None;
        }
        let messages = self.kept.iter().cloned().map(Event::Message);
        let all = messages.chain(self.others.iter().cloned());
        let mut all: Vec<Event> = all.filter(|event| number_of(event) > number).collect();
        all.sort_by_key(number_of);
        Some(all)
    }

    /// Whether that is the number of what had a place there last.
    pub fn may_be_at(&self, number: u64) -> bool {
        number == self.number
    }

    /// The topic that was set last, whether it was told of that or not.
    pub fn topic(&self) -> Option<Text> {
        let pending = self.pending.as_ref().map(|pending| &pending.topic);
        pending.or(self.topic.as_ref()).cloned()
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

    /// Whether older messages than those that are kept were said there.
    pub fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }
}

fn number_of(event: &Event) -> u64 {
    event.place().map_or(0, |place| place.number)
}

fn length(said: &Message) -> usize {
    said.author.nickname.len() + ": ".len() + said.text.len()
}

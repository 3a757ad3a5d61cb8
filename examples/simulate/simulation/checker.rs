//! The model: who is here, and what each member must see.
//!
//! It keeps its own books from what the chat says has happened ([`Effect`]) and never asks the
//! fan-out, nor the digests: who is in which rooms, who has which name, what was said, and for each
//! member the lines that are still to reach it, in order. A line that is read must be the next of
//! those. Only what others say may be missing, while the member is behind, and notices, while it
//! is full; and only as many lines as the member is then told.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use loopchat::chat::{
    Answer, Cloak, DisconnectReason, Event, EventId, MemberId, Millis, Peer, Person, RoomId, Text,
};
use loopchat::server::core::digests::Digest;
use loopchat::server::core::rendering::{FramingId, Heard};
use loopchat::server::{Config, Moment};

use super::framed::{elsewhere, framing, rendered};
use super::presence::{Presence, Saying, Scene};
use super::readers::{Kind, Note, Reader};
use super::rooms::Rooms;
use super::sanctions::Sanctions;
use super::tally::{Count, Tally};
use super::wire::Lag;
use super::{Checked, violated};

/// A member of the chat.
pub struct Seat {
    /// Its connection's number.
    pub number: usize,
    pub peer: Peer,
    pub nickname: String,
    pub room: RoomId,
    /// What it hears beside that, the latest last.
    pub watched: Vec<RoomId>,
    pub ignored: BTreeSet<MemberId>,
    pub(super) framing: FramingId,
    /// The rooms in which others know that it is there.
    pub heard_of: BTreeSet<RoomId>,
    /// The last number in each of its rooms when it came.
    pub entered: BTreeMap<RoomId, u64>,
    /// It has ignored somebody.
    pub has_ignored: bool,
    /// When others are told of it at the latest.
    pub announced_at: Millis,
    /// It has typed something that shows a person.
    pub(super) has_spoken: bool,
}

impl Seat {
    pub fn hears(&self, room: RoomId) -> bool {
        self.room == room || self.watched.contains(&room)
    }

    /// In what framing it hears a room.
    fn framing_in(&self, room: RoomId) -> Option<FramingId> {
        match self.room == room {
            true => Some(self.framing),
            false => self
                .watched
                .contains(&room)
                .then(|| elsewhere(self.framing)),
        }
    }

    /// Nobody was told yet that it is here.
    pub fn is_unheard_of(&self) -> bool {
        self.heard_of.is_empty()
    }
}

/// How long nobody is to hear of a newcomer that says nothing, in milliseconds.
pub(super) const SILENCE: Millis = 1000;

/// The same for who may be no chat client.
const DOUBT: Millis = 10_000;

pub struct Checker {
    pub(super) seats: BTreeMap<MemberId, Seat>,
    pub(super) readers: BTreeMap<usize, Reader>,
    pub rooms: Rooms,
    pub sanctions: Sanctions,
    pub(super) presence: Presence,
    cloaks: BTreeMap<String, Cloak>,
    pub lobby: Option<RoomId>,
    /// The number of the latest newcomer.
    pub(super) latest: usize,
    /// For whom private messages may be held off: something waits for them, or did a moment ago.
    pub slow: BTreeSet<MemberId>,
    /// Where lines say that people come from, in the order in which they came up.
    origins: Vec<String>,
    pub(super) most_members: usize,
}

impl Checker {
    pub fn new(config: &Config) -> Self {
        Self {
            seats: BTreeMap::new(),
            readers: BTreeMap::new(),
            rooms: Rooms::new(config),
            sanctions: Sanctions::default(),
            presence: Presence::default(),
            cloaks: BTreeMap::new(),
            lobby: None,
            latest: 0,
            slow: BTreeSet::new(),
            origins: Vec::new(),
            most_members: config.max_room_members as usize,
        }
    }

    /// A newcomer may be no chat client.
    pub fn withheld(&mut self, member: MemberId, now: Millis) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.announced_at = seat.announced_at.max(now + DOUBT);
        }
    }

    pub fn seat(&self, member: MemberId) -> Option<&Seat> {
        self.seats.get(&member)
    }

    pub fn seats(&self) -> impl Iterator<Item = (MemberId, &Seat)> {
        self.seats.iter().map(|(&member, seat)| (member, seat))
    }

    /// Who has a nickname, however it is spelt.
    pub fn named(&self, nickname: &str) -> Option<MemberId> {
        let same = |(_, seat): &(MemberId, &Seat)| seat.nickname.eq_ignore_ascii_case(nickname);
        self.seats().find(same).map(|(member, _)| member)
    }

    /// A member types something other than blanks.
    pub fn speaks(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.has_spoken = true;
        }
    }

    pub fn rename(&mut self, member: MemberId, nickname: &str) -> Checked {
        self.check_name(member, nickname)?;
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.nickname = nickname.to_owned();
        }
        Ok(())
    }

    pub(super) fn check_name(&self, member: MemberId, nickname: &str) -> Checked {
        match self.named(nickname).filter(|&owner| owner != member) {
            Some(_) => violated("nicknames are unique", nickname),
            None => Ok(()),
        }
    }

    /// Somebody must be named as it is, and come from where it comes from.
    pub(super) fn check_person(&mut self, member: MemberId, who: &Person) -> Checked {
        let Some(seat) = self.seats.get(&member) else {
            return violated("who does something is here", format!("{who:?}"));
        };
        let (nickname, from) = (seat.nickname.clone(), seat.peer.to_string());
        let cloak = *self.cloaks.entry(from).or_insert(who.origin);
        match *who.nickname == *nickname && who.origin == cloak && who.account.is_none() {
            true => Ok(()),
            false => violated(
                "people are who they are",
                format!("{who:?}, not {nickname}"),
            ),
        }
    }

    pub fn members_in(&self, room: RoomId) -> usize {
        self.seats.values().filter(|seat| seat.hears(room)).count()
    }

    pub fn muted_for(&self, member: MemberId, now: Millis) -> Option<Millis> {
        let seat = self.seats.get(&member)?;
        self.sanctions.muted_for(seat.peer, seat.number, now)
    }

    /// A private message was not delivered, and its author was told so.
    pub fn holds_off(&mut self, reader: MemberId) {
        let number = self.seats.get(&reader).map(|seat| seat.number);
        if let Some(reader) = number.and_then(|number| self.readers.get_mut(&number)) {
            reader.held_off += 1;
        }
    }

    /// A member has set a topic of which the room is told later.
    pub fn topic_waits(&mut self, room: RoomId, topic: &Text, member: MemberId) -> Checked {
        let nickname = self.seats.get(&member).map(|seat| seat.nickname.clone());
        let author = (member, nickname.unwrap_or_default());
        self.rooms.topic_waits(room, topic, author);
        Ok(())
    }

    pub(super) fn change_framing(&mut self, member: MemberId, is_on: bool) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.framing = match is_on {
                true => framing(seat.framing).with_times,
                false => framing(seat.framing).without_times,
            };
        }
    }

    pub(super) fn echoes(&self, member: MemberId) -> bool {
        let seat = self.seats.get(&member);
        seat.is_some_and(|seat| framing(seat.framing).echoes)
    }

    /// Something for one member.
    pub(super) fn told(
        &mut self,
        member: MemberId,
        heard: Heard<'_>,
        note: Option<Note>,
    ) -> Checked {
        let Some(seat) = self.seats.get(&member) else {
            return violated("nothing is told to who has left", format!("{heard:?}"));
        };
        let lines = rendered(seat.framing, heard)?;
        // Who has reset its connection reads no more, even while the chat does not know.
        let Some(reader) = self.readers.get_mut(&seat.number) else {
            return Ok(());
        };
        if let Heard::Answer(Answer::Missed { count }) = heard {
            let held_off = std::mem::take(&mut reader.held_off);
            if held_off != *count {
                return violated(
                    "private messages that are held off are counted",
                    format!("{} missed {held_off}, not {count}", seat.number),
                );
            }
        }
        reader.expect(&lines, Kind::Own, None, note);
        Ok(())
    }

    /// Something for all who hear a room.
    pub(super) fn said(
        &mut self,
        room: RoomId,
        except: Option<MemberId>,
        heard: Heard<'_>,
        note: impl Fn(MemberId, &Seat) -> Option<Note>,
    ) -> Checked {
        let (author, kind) = match heard {
            Heard::Event(Event::Message(said)) => (Some(said.member), Kind::Message),
            _ => (None, Kind::Notice),
        };
        let mut made: Vec<(FramingId, Vec<Rc<str>>)> = Vec::new();
        for (&member, seat) in &self.seats {
            let Some(id) = seat.framing_in(room) else {
                continue;
            };
            let is_echoed = author.is_some() && framing(id).echoes;
            let is_ignored = author.is_some_and(|author| seat.ignored.contains(&author));
            if Some(member) == except && !is_echoed || is_ignored {
                continue;
            }
            let at = match made.iter().position(|(other, _)| *other == id) {
                Some(at) => at,
                None => {
                    made.push((id, rendered(id, heard)?));
                    made.len() - 1
                }
            };
            let kind = match author == Some(member) {
                true => Kind::Echo,
                false => kind,
            };
            if let Some(reader) = self.readers.get_mut(&seat.number) {
                reader.expect(&made[at].1, kind, Some(room), note(member, seat));
            }
        }
        Ok(())
    }

    pub(super) fn say_digest(&mut self, saying: Saying) -> Checked {
        let is_large = matches!(&saying.digest, Digest::Changes(changes)
            if changes.joined_count.max(changes.left_count) > 3);
        self.said(
            saying.room,
            saying.except,
            Heard::Digest(&saying.digest),
            |_, _| Some(Note::Presence { is_large }),
        )
    }

    /// A room as it is when something happens in it; `None` if it is gone.
    pub(super) fn scene(&mut self, room: RoomId, members: usize, utc: Millis) -> Option<Scene> {
        let name = self.rooms.get(room)?.name.clone();
        let time = self.rooms.time(room, utc);
        Some(Scene {
            room,
            name,
            members,
            time,
        })
    }

    /// Time has passed: what rooms are to hear of comings and goings. Says whether that was
    /// anything.
    pub fn tick(&mut self, at: Moment) -> Checked<bool> {
        let due = self.presence.due(at.now);
        for &room in &due {
            let members = self.members_in(room);
            if let Some(scene) = self.scene(room, members, at.utc)
                && let Some(saying) = self.presence.take_due(scene, at.now)
            {
                self.say_digest(saying)?;
            }
        }
        Ok(!due.is_empty())
    }

    /// Nothing that time was to bring may be left.
    pub fn check_time(&self, now: Millis) -> Checked {
        let late = |(_, seat): &(MemberId, &Seat)| seat.is_unheard_of() && seat.announced_at <= now;
        if let Some((_, seat)) = self.seats().find(late) {
            let seen = format!("{} by {}, at {now}", seat.number, seat.announced_at);
            return violated("a newcomer is announced in time", seen);
        }
        if let Some(room) = self.rooms.overdue(now) {
            return violated("a topic is said in time", format!("in #{}", room.name));
        }
        match self.presence.due(now).first() {
            Some(room) => violated("who comes and goes is said in time", format!("in {room:?}")),
            None => Ok(()),
        }
    }

    /// No room may be told of a newcomer that has said nothing for less than a second.
    pub(super) fn check_silent(seat: &Seat, now: Millis) -> Checked {
        match seat.has_spoken || now >= seat.announced_at {
            true => Ok(()),
            false => violated(
                "a silent newcomer is not announced for a second",
                format!("{} at {now}, not {}", seat.number, seat.announced_at),
            ),
        }
    }

    /// A member has read a line. `lags` is when it has not kept up.
    pub fn received(
        &mut self,
        number: usize,
        line: &str,
        lags: &[Lag],
        tally: &mut Tally,
    ) -> Checked {
        tally.delivered(number, &self.masked(line));
        tally.add(Count::Objects, line.starts_with('{').into());
        match self.readers.get_mut(&number) {
            Some(reader) => reader.received(number, line, lags, tally),
            None => violated("only members are sent lines", line),
        }
    }

    /// A line without what differs from one process to the next: how origins are cloaked.
    fn masked(&mut self, line: &str) -> String {
        const ORIGIN: &str = "\"origin\":\"";
        let mut parts = line.split(ORIGIN);
        let mut masked = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (origin, rest) = part.split_once('"').unwrap_or((part, ""));
            let known = self.origins.iter().position(|known| known == origin);
            let at = known.unwrap_or_else(|| {
                self.origins.push(origin.to_owned());
                self.origins.len() - 1
            });
            masked.push_str(&format!("{ORIGIN}{at}\"{rest}"));
        }
        masked
    }

    /// Nothing is on its way to a member: it must have got everything.
    pub fn has_everything(&self, number: usize) -> Checked {
        let reader = self.readers.get(&number);
        reader.map_or(Ok(()), |reader| reader.has_everything(number))
    }

    /// A member has read the end of the stream. `cut` says that it did not read its last lines in
    /// the time it had, `by_choice` that it had ended its own side. Returns why the server has
    /// ended its session, if it has.
    pub fn ended(
        &mut self,
        number: usize,
        cut: bool,
        by_choice: bool,
        rest: &[u8],
    ) -> Checked<Option<DisconnectReason>> {
        let Some(reader) = self.readers.remove(&number) else {
            return violated("a connection ends once", number.to_string());
        };
        if reader.is_member {
            return violated("a member is not cut off", number.to_string());
        }
        if cut {
            return Ok(None);
        }
        if !rest.is_empty() {
            return violated("lines are whole", format!("{number}: {rest:?}"));
        }
        reader.ended(number, by_choice)
    }

    /// A member has gone without reading on.
    pub fn forget(&mut self, number: usize) {
        self.readers.remove(&number);
    }

    /// A member has left the chat.
    pub(super) fn unseat(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.remove(&member)
            && let Some(reader) = self.readers.get_mut(&seat.number)
        {
            reader.is_member = false;
        }
    }

    pub fn is_vacant(&self) -> bool {
        self.seats.is_empty() && self.readers.is_empty()
    }

    /// The nicknames of those whom somebody ignores, as far as they are here.
    pub fn ignored_by(&self, member: MemberId) -> Vec<String> {
        let seat = self.seats.get(&member);
        let ignored = seat.into_iter().flat_map(|seat| &seat.ignored);
        let here = ignored.filter_map(|whom| self.seats.get(whom));
        here.map(|seat| seat.nickname.clone()).collect()
    }

    /// What somebody may want to take back: of its own and of others, of late and of long ago.
    pub fn some_messages(&self, member: MemberId) -> Vec<EventId> {
        let here = self
            .seats
            .get(&member)
            .and_then(|seat| self.rooms.get(seat.room));
        let own = here.and_then(|here| here.last_of(member));
        let others = here.into_iter().flat_map(|here| here.last(6));
        let kept = own.into_iter().chain(others).map(|said| said.place.id);
        kept.chain(self.rooms.late()).collect()
    }
}

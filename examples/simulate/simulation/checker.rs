//! The model: who is here, and what each member must see.
//!
//! It keeps its own books from what the chat says has happened ([`Effect`]) and never asks the
//! fan-out, nor the digests: who is in which rooms, who has which name, what was said, and for each
//! member the lines that are still to reach it, in order. A line that is read must be the next of
//! those. Only what others say may be missing, while the member is behind, and notices, while it
//! is full; and only as many lines as the member is then told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use loopchat::chat::{
    Chat, Cloak, DisconnectReason, EventId, MemberId, Millis, Origin, Peer, Person, RoomId, Text,
};
use loopchat::server::core::rendering::FramingId;
use loopchat::server::sessions::SessionId;
use loopchat::server::{Config, Moment};

use super::backlogs::Ledger;
use super::client_ids::ClientIds;
use super::drafts::{Drafts, Leaving};
use super::framed::{elsewhere, framing};
use super::places::Places;
use super::presence::{Presence, Scene};
use super::private::PrivateLogs;
use super::readers::Reader;
use super::rooms::{Pending, Rooms};
use super::sanctions::{Sanctions, origin};
use super::tally::Count;
use super::tokens::Tokens;
use super::{Checked, violated};

/// A member of the chat.
pub struct Seat {
    /// The number of the connection that it came with.
    pub number: usize,
    /// In the order in which they came.
    pub sessions: Vec<Session>,
    pub peer: Peer,
    pub nickname: String,
    pub room: RoomId,
    /// What it hears beside that, the latest last.
    pub watched: Vec<RoomId>,
    pub ignored: BTreeSet<MemberId>,
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
    /// It is to leave, in this way, when its drafts are settled.
    pub(super) leaving: Option<Leaving>,
    /// As what others will hear of that.
    pub(super) leaves_as: Option<Person>,
}

/// One connection of a member.
pub struct Session {
    pub id: SessionId,
    /// Its connection's number.
    pub number: usize,
    pub(super) framing: FramingId,
    /// The last number in each of its member's rooms when it came.
    pub(super) since: BTreeMap<RoomId, u64>,
}

impl Seat {
    pub fn has(&self, session: SessionId) -> bool {
        self.sessions.iter().any(|own| own.id == session)
    }

    pub fn hears(&self, room: RoomId) -> bool {
        self.room == room || self.watched.contains(&room)
    }

    /// In what framing a session of it hears a room that it hears.
    pub(super) fn framing_in(&self, room: RoomId, session: &Session) -> FramingId {
        match self.room == room {
            true => session.framing,
            false => elsewhere(session.framing),
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
    pub places: Places,
    pub drafts: Drafts,
    pub(super) private: PrivateLogs,
    pub tokens: Tokens,
    pub(super) client_ids: ClientIds,
    pub(super) ledger: Ledger,
    /// As what its client knows the line that is heard now.
    pub(super) saying: Option<Text>,
    /// Who has said what is passed on now, if that was some time ago.
    pub(super) drafter: Option<MemberId>,
    pub(super) presence: Presence,
    cloaks: BTreeMap<Origin, Cloak>,
    pub lobby: Option<RoomId>,
    /// The number of the latest newcomer.
    pub(super) latest: usize,
    /// For whom private messages may be held off: something waits for them, or did a moment ago.
    pub slow: BTreeSet<SessionId>,
    /// What differs from one process to the next, in the order in which it came up.
    pub(super) masks: HashMap<String, usize>,
    pub(super) most_members: usize,
    /// Sessions that ended while their members stayed.
    ended_alone: u64,
    /// Private messages that a session was spared and another got.
    pub(super) spared: u64,
    /// Rooms that were found again in which nobody was.
    pub(super) revived: u64,
}

impl Checker {
    /// `limits` are those of drafts: how many of one member, and bytes of all.
    pub fn new(config: &Config, limits: (usize, usize)) -> Self {
        Self {
            seats: BTreeMap::new(),
            readers: BTreeMap::new(),
            rooms: Rooms::new(config),
            sanctions: Sanctions::default(),
            places: Places::new(config),
            drafts: Drafts::new(limits),
            private: PrivateLogs::new(config),
            tokens: Tokens::default(),
            client_ids: ClientIds::default(),
            ledger: Ledger::default(),
            saying: None,
            drafter: None,
            presence: Presence::default(),
            cloaks: BTreeMap::new(),
            lobby: None,
            latest: 0,
            slow: BTreeSet::new(),
            masks: HashMap::new(),
            most_members: config.max_room_members as usize,
            ended_alone: 0,
            spared: 0,
            revived: 0,
        }
    }

    /// The process has died, and another has begun: nothing is left but what must never come again.
    pub fn begin_anew(&mut self, config: &Config, limits: (usize, usize)) {
        let mut new = Self::new(config, limits);
        new.rooms.come_after(&mut self.rooms);
        new.latest = self.latest;
        new.masks = std::mem::take(&mut self.masks);
        *self = new;
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
        let (nickname, from) = (seat.nickname.clone(), origin(seat.peer));
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

    /// Whose session it is, if it is there.
    pub fn member_of(&self, session: SessionId) -> Option<MemberId> {
        let mut seats = self.seats();
        seats
            .find(|(_, seat)| seat.has(session))
            .map(|(member, _)| member)
    }

    /// Whether the member of a session has others.
    pub fn has_others(&self, session: SessionId) -> bool {
        let member = self.member_of(session);
        let seat = member.and_then(|member| self.seat(member));
        seat.is_some_and(|seat| seat.sessions.len() > 1)
    }

    /// A member has set a topic of which the room is told later.
    pub fn topic_waits(&mut self, room: RoomId, topic: &Text, member: MemberId) -> Checked {
        let nickname = self.seats.get(&member).map(|seat| seat.nickname.clone());
        let pending = Pending {
            member,
            nickname: nickname.unwrap_or_default(),
            topic: topic.clone(),
        };
        self.rooms.topic_waits(room, pending);
        Ok(())
    }

    pub(super) fn change_framing(&mut self, session: SessionId, is_on: bool) {
        let sessions = self.seats.values_mut().flat_map(|seat| &mut seat.sessions);
        for own in sessions.filter(|own| own.id == session) {
            own.framing = match is_on {
                true => framing(own.framing).with_times,
                false => framing(own.framing).without_times,
            };
        }
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

    /// Time has passed: what rooms are to hear of comings and goings.
    pub fn tick(&mut self, at: Moment) -> Checked {
        self.rooms.forget_old(at.now);
        self.tokens.expire(at.now);
        for room in self.presence.due(at.now) {
            let members = self.members_in(room);
            if let Some(scene) = self.scene(room, members, at.utc)
                && let Some(saying) = self.presence.take_due(scene, at.now)
            {
                self.say_digest(saying)?;
            }
        }
        Ok(())
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
        let seat = self.seats.remove(&member);
        let seats = &self.seats;
        self.private.leave(|member| seats.contains_key(&member));
        for session in seat.into_iter().flat_map(|seat| seat.sessions) {
            if let Some(reader) = self.readers.get_mut(&session.number) {
                reader.is_member = false;
            }
        }
    }

    /// A session has ended, and its member has others.
    pub fn session_ended(&mut self, session: SessionId) -> Checked {
        self.ended_alone += 1;
        let mut seats = self.seats.values_mut();
        let Some(seat) = seats.find(|seat| seat.sessions.len() > 1 && seat.has(session)) else {
            return violated(
                "who ends one of several sessions stays",
                format!("{session:?}"),
            );
        };
        for ended in seat.sessions.extract_if(.., |own| own.id == session) {
            if let Some(reader) = self.readers.get_mut(&ended.number) {
                reader.is_member = false;
            }
        }
        Ok(())
    }

    /// The chat knows as what those are seen who are to leave.
    pub fn see_leaving(&mut self, chat: &Chat) -> Checked {
        let mut people = Vec::new();
        for (&member, seat) in &mut self.seats {
            if seat.is_leaving() && seat.leaves_as.is_none() {
                seat.leaves_as = chat.person_of(member);
                people.extend(seat.leaves_as.clone().map(|who| (member, who)));
            }
        }
        let mut people = people.iter();
        people.try_for_each(|(member, who)| self.check_person(*member, who))
    }

    /// The last session of a member that is held has ended.
    pub fn last_session_ended(&mut self, session: SessionId) {
        let mut seats = self.seats.values_mut();
        let Some(seat) = seats.find(|seat| seat.has(session)) else {
            return;
        };
        for ended in seat.sessions.drain(..) {
            if let Some(reader) = self.readers.get_mut(&ended.number) {
                reader.is_member = false;
            }
        }
    }

    /// What has happened since, and how often.
    pub fn take_counted(&mut self) -> [(Count, u64); 3] {
        let take = std::mem::take;
        [
            (Count::EndedAlone, take(&mut self.ended_alone)),
            (Count::SparedSessions, take(&mut self.spared)),
            (Count::Revived, take(&mut self.revived)),
        ]
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

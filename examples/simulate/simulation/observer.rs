//! What the chat says has happened goes into the books, and onto the lists of what is to be read.

use std::collections::BTreeMap;

use loopchat::chat::{
    Answer, Departure, DisconnectReason, Effect, Event, MemberId, Millis, Person, RoomId,
};
use loopchat::server::Moment;
use loopchat::server::core::digests::Digest;
use loopchat::server::core::hub::Hub;
use loopchat::server::core::rendering::Heard;
use loopchat::server::sessions::SessionId;

use super::checker::{Checker, Session};
use super::framed::framing;
use super::presence::{Expelled, Saying, expel};
use super::readers::Note;
use super::{Checked, violated};

/// What some effects have left open.
struct Open<'a> {
    hub: &'a Hub,
    /// The place of the effect that is looked at.
    place: usize,
    /// The session whose call has brought them about.
    asking: Option<SessionId>,
    /// Those who have gone from a room in which others knew of them.
    gone: BTreeMap<(MemberId, RoomId), String>,
    expelled: Vec<Expelled>,
    now: Millis,
}

impl Checker {
    /// Something has happened in the chat: all that is passed on at once. It has come of a call of
    /// one session, if of any.
    pub fn observe(&mut self, hub: &Hub, asking: Option<SessionId>, at: Moment) -> Checked {
        self.observe_all(hub.effects(), hub, asking, at)
    }

    /// The same of these effects.
    pub(super) fn observe_all(
        &mut self,
        effects: &[Effect],
        hub: &Hub,
        asking: Option<SessionId>,
        at: Moment,
    ) -> Checked {
        let mut open = Open {
            hub,
            place: 0,
            asking,
            gone: BTreeMap::new(),
            expelled: Vec::new(),
            now: at.now,
        };
        for (place, effect) in effects.iter().enumerate() {
            open.place = place;
            self.observe_one(effect, &effects[place + 1..], &mut open, at)?;
        }
        for (room, except, expulsion) in open.expelled {
            self.say_digest(Saying {
                room,
                except,
                digest: Digest::Expulsion(expulsion),
            })?;
        }
        let mut gone = open.gone.iter();
        match gone.find(|((_, room), _)| self.members_in(*room) > 0) {
            Some((_, nickname)) => violated("others are told who has gone", nickname),
            None => Ok(()),
        }
    }

    fn observe_one(
        &mut self,
        effect: &Effect,
        later: &[Effect],
        open: &mut Open<'_>,
        at: Moment,
    ) -> Checked {
        match effect {
            Effect::Query(_) => violated("what is asked is answered", format!("{effect:?}")),
            Effect::Append(_) => violated("what is drafted is appended", format!("{effect:?}")),
            Effect::Tell { to, answer } => self.answered(*to, answer, later, open),
            Effect::Private {
                author,
                reader,
                message,
            } => {
                let client_id = self.client_ids.of(message.place.id).cloned();
                let own = client_id.as_ref();
                let own = own.map_or(Heard::Private(message), |id| Heard::Own(message, id));
                let &mut Open { hub, asking, .. } = open;
                let is_spared = |session: &Session| hub.spares(session.id, message.place.id);
                // Other sessions of the author's hear it, too, and its own if it echoes.
                let of_author = |session: &Session| {
                    asking != Some(session.id) || framing(session.framing).echoes
                };
                let spared = self.seats.iter().flat_map(|(&member, seat)| {
                    let spared = seat.sessions.iter().filter(|own| is_spared(own));
                    spared.map(move |session| (member, session.id))
                });
                for (member, session) in spared.collect::<Vec<_>>() {
                    let reads = [*reader, *author].contains(&Some(member));
                    if !reads || Some(session) == asking && author != reader {
                        return violated("only readers are spared", format!("{session:?}"));
                    }
                    self.spares(member, session)?;
                }
                let note = |is_own| Some(Note::Private { is_own });
                if let Some(reader) = *reader {
                    let is_own = *author == Some(reader);
                    let heard = if is_own { own } else { Heard::Private(message) };
                    self.told(reader, heard, note(is_own), |own| !is_spared(own))?;
                }
                if let Some(author) = author.filter(|_| author != reader) {
                    let is_for = |own: &Session| of_author(own) && !is_spared(own);
                    self.told(author, own, note(true), is_for)?;
                }
                Ok(())
            }
            Effect::Say {
                room,
                except,
                event,
            } => {
                if except.is_some_and(|except| self.seat(except).is_none()) {
                    return violated("only members are left out", format!("{effect:?}"));
                }
                self.happened(*room, *except, event, later, open, at)
            }
            Effect::Moved { member, from, to } => self.moved(*member, (*from, *to), later, open),
            Effect::Watched {
                member,
                room,
                is_watched,
            } => self.watched(*member, *room, *is_watched, later, open),
            Effect::Ignored {
                member,
                whom,
                is_ignored,
            } => {
                if let Some(seat) = self.seats.get_mut(member) {
                    seat.has_ignored = true;
                    match is_ignored {
                        true => seat.ignored.insert(*whom),
                        false => seat.ignored.remove(whom),
                    };
                }
                Ok(())
            }
            Effect::Times { is_on, .. } => {
                if let Some(asking) = open.asking {
                    self.change_framing(asking, *is_on);
                }
                Ok(())
            }
            Effect::Disconnect { member, reason } => {
                if is_final(reason) {
                    self.tokens.over(*member);
                }
                let asking = open.asking.filter(|_| self.seats.contains_key(member));
                match (self.seat(*member), asking) {
                    (None, _) => Ok(()),
                    // Of its last one the world tells: it has said something, and leaves later.
                    (Some(seat), Some(asking)) if seat.has(asking) => match seat.sessions.len() {
                        1 if self.is_held(*member) => Ok(()),
                        _ => self.session_ended(asking),
                    },
                    _ => violated("who is disconnected has left", format!("{member:?}")),
                }
            }
            Effect::Record(record) => {
                self.recorded(&record.what, at.now);
                Ok(())
            }
            Effect::Ask { .. } | Effect::Shutdown => Ok(()),
        }
    }

    fn answered(
        &mut self,
        to: MemberId,
        answer: &Answer,
        later: &[Effect],
        open: &Open<'_>,
    ) -> Checked {
        let is_removed = later.iter().any(
            |effect| matches!(effect, Effect::Moved { member, to: None, .. } if *member == to),
        );
        let asking = match answer {
            // Of those who are found to have read all, only the hub knows who they are.
            Answer::Missed { .. } => open.hub.asking(open.place),
            Answer::Disconnected(_) if is_removed => None,
            _ if is_for_all(answer) => None,
            _ => open.asking,
        };
        let asking = asking.filter(|&asking| self.seat(to).is_some_and(|seat| seat.has(asking)));
        let note = match answer {
            Answer::History { messages, .. } => {
                let mut kept = messages.iter();
                if let Some(said) = kept.find(|said| self.rooms.is_taken_back(said.place.id)) {
                    let seen = format!("{said:?}");
                    return violated("what was taken back is in no history", seen);
                }
                let ids = messages.iter().map(|said| said.place.id);
                Some(Note::History(ids.collect()))
            }
            Answer::Deleted(taken) => Some(Note::Redacted {
                id: taken.message,
                is_owed: false,
            }),
            Answer::Skipped { count, .. } => Some(Note::Skipped(*count)),
            Answer::Disconnected(reason) => Some(Note::Farewell(reason.clone())),
            Answer::Refused(_) => self.saying.clone().map(Note::Refused),
            Answer::Welcome { room, position, .. }
            | Answer::Entered { room, position, .. }
            | Answer::Watching { room, position, .. } => {
                self.rooms.is_at(room, *position)?;
                None
            }
            _ => None,
        };
        self.told(to, Heard::Answer(answer), note, |own| {
            asking.is_none_or(|asking| asking == own.id)
        })
    }

    /// A room hears something.
    fn happened(
        &mut self,
        room: RoomId,
        except: Option<MemberId>,
        event: &Event,
        later: &[Effect],
        open: &mut Open<'_>,
        at: Moment,
    ) -> Checked {
        let Moment { now, utc } = at;
        let asking = open.asking;
        if self.members_in(room) == 0 {
            return violated("somebody hears what is said", format!("{event:?}"));
        }
        let heard = Heard::Event(event);
        match event {
            Event::Message(said) => {
                let (id, author) = (said.place.id, said.member);
                if let Some(client_id) = self.client_ids.of(id).cloned() {
                    self.said_own(said, &client_id, asking, |session| Note::Said {
                        id,
                        is_own: true,
                        is_echo: asking == Some(session.id),
                    })?;
                }
                self.said(room, (except, asking), heard, |member, _, session| {
                    let is_own = member == author;
                    let is_echo = is_own && asking == Some(session.id);
                    Some(Note::Said {
                        id,
                        is_own,
                        is_echo,
                    })
                })
            }
            Event::Redaction(taken) => {
                let id = taken.message;
                let Some(message) = self.rooms.what_was(id).cloned() else {
                    return violated("what is taken back was said", format!("{taken:?}"));
                };
                self.said(room, (except, asking), heard, |member, seat, session| {
                    let was_here = |&entered: &u64| entered < message.place.number;
                    let is_owed = seat.entered.get(&room).is_some_and(was_here)
                        && session.since.get(&room).is_none_or(was_here)
                        && !seat.has_ignored
                        && member != message.member;
                    Some(Note::Redacted { id, is_owed })
                })
            }
            Event::Topic(_) => self.said(room, (except, asking), heard, |_, _, _| None),
            Event::Announcement(_) => self.said(room, (except, asking), heard, |_, _, _| None),
            Event::Arrival { member, who } => {
                self.check_person(*member, who)?;
                if let Some(seat) = self.seats.get_mut(member) {
                    Self::check_silent(seat, now)?;
                    if !seat.hears(room) || !seat.heard_of.insert(room) {
                        let seen = format!("{event:?}");
                        return violated("who comes is told of once, where it is", seen);
                    }
                }
                self.come_or_gone(room, event, later, at)
            }
            Event::Rename { member, who, .. } => {
                self.check_person(*member, who)?;
                let seat = self.seat(*member);
                if seat.is_none_or(|seat| !seat.heard_of.contains(&room)) {
                    let seen = format!("{event:?}");
                    return violated("a new name is told to those who know the old", seen);
                }
                self.come_or_gone(room, event, later, at)
            }
            Event::Departure { member, who, why } => {
                let gone = open.gone.remove(&(*member, room));
                if gone.is_none_or(|nickname| nickname != *who.nickname) {
                    let seen = format!("{event:?}");
                    return violated("who goes is told of once, where it was known", seen);
                }
                match why {
                    Departure::Kicked { .. } | Departure::Banned { .. } => {
                        self.expelled((room, except), *member, (who, why), open, utc);
                        Ok(())
                    }
                    _ => self.come_or_gone(room, event, later, at),
                }
            }
        }
    }

    fn expelled(
        &mut self,
        (room, except): (RoomId, Option<MemberId>),
        member: MemberId,
        (who, why): (&Person, &Departure),
        open: &mut Open<'_>,
        utc: Millis,
    ) {
        self.presence.expelled(room, member);
        let members = self.members_in(room);
        if let Some(scene) = self.scene(room, members, utc) {
            expel(&mut open.expelled, scene, except, who, why);
        }
    }

    fn come_or_gone(
        &mut self,
        room: RoomId,
        event: &Event,
        later: &[Effect],
        at: Moment,
    ) -> Checked {
        let members = self.members_after(room, later);
        let scene = self.scene(room, members, at.utc);
        match scene.and_then(|scene| self.presence.hear(scene, event, at.now)) {
            Some(saying) => self.say_digest(saying),
            None => Ok(()),
        }
    }

    /// How many are in a room once all of this has happened.
    fn members_after(&self, room: RoomId, later: &[Effect]) -> usize {
        let (mut come, mut gone) = (0, 0);
        for effect in later {
            match effect {
                Effect::Moved {
                    from: Some(from),
                    to,
                    ..
                } => {
                    gone += usize::from(*from == room);
                    come += usize::from(*to == Some(room));
                }
                Effect::Watched {
                    room: watched,
                    is_watched,
                    ..
                } if *watched == room => {
                    come += usize::from(*is_watched);
                    gone += usize::from(!is_watched);
                }
                _ => {}
            }
        }
        (self.members_in(room) + come).saturating_sub(gone)
    }

    fn moved(
        &mut self,
        member: MemberId,
        (from, to): (Option<RoomId>, Option<RoomId>),
        later: &[Effect],
        open: &mut Open<'_>,
    ) -> Checked {
        let Some(from) = from else {
            return Ok(()); // a newcomer: it has its place
        };
        let Some(seat) = self.seats.get(&member) else {
            return violated("only members move", format!("{member:?}"));
        };
        if seat.room != from {
            return violated("one moves from where one is", format!("{member:?}"));
        }
        if to.is_none() && !seat.watched.is_empty() {
            return violated(
                "who leaves the chat leaves all rooms",
                format!("{member:?}"),
            );
        }
        self.goes(member, from, open);
        match to {
            Some(to) => {
                self.comes(member, to, open);
                if let Some(seat) = self.seats.get_mut(&member) {
                    seat.room = to;
                }
            }
            None => self.unseat(member),
        }
        self.clear_up(from, later, open.now);
        Ok(())
    }

    fn watched(
        &mut self,
        member: MemberId,
        room: RoomId,
        is_watched: bool,
        later: &[Effect],
        open: &mut Open<'_>,
    ) -> Checked {
        let Some(seat) = self.seats.get_mut(&member) else {
            return violated("only members hear rooms", format!("{member:?}"));
        };
        if is_watched == seat.hears(room) || !is_watched && seat.room == room {
            return violated("one hears a room once", format!("{member:?}"));
        }
        match is_watched {
            true => {
                seat.watched.push(room);
                self.comes(member, room, open);
            }
            false => {
                seat.watched.retain(|&watched| watched != room);
                self.goes(member, room, open);
                self.clear_up(room, later, open.now);
            }
        }
        Ok(())
    }

    fn goes(&mut self, member: MemberId, room: RoomId, open: &mut Open<'_>) {
        let Some(seat) = self.seats.get_mut(&member) else {
            return;
        };
        if seat.heard_of.remove(&room) {
            open.gone.insert((member, room), seat.nickname.clone());
        }
    }

    fn comes(&mut self, member: MemberId, room: RoomId, open: &mut Open<'_>) {
        if let Some(name) = open.hub.chat().room_name(room) {
            self.revived += u64::from(self.rooms.enter(room, name));
        }
        let last = self.rooms.last_number(room);
        let Some(seat) = self.seats.get_mut(&member) else {
            return;
        };
        // Who goes to a room that it heard was never away.
        if open.gone.remove(&(member, room)).is_some() {
            seat.heard_of.insert(room);
        } else {
            seat.entered.insert(room, last);
        }
    }

    /// After somebody has gone from a room.
    fn clear_up(&mut self, room: RoomId, later: &[Effect], now: Millis) {
        if self.members_after(room, later) == 0 {
            self.presence.forget(room);
            self.rooms.emptied(room, self.lobby == Some(room), now);
        }
    }
}

/// Whether who is disconnected so cannot come back.
fn is_final(reason: &DisconnectReason) -> bool {
    matches!(
        reason,
        DisconnectReason::Quit { .. }
            | DisconnectReason::Kicked { .. }
            | DisconnectReason::Banned { .. }
    )
}

/// Whether an answer tells what the member has become, or where it is. Whatever one of its sessions
/// has brought that about by, it is true of all of them.
fn is_for_all(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Entered { .. }
            | Answer::Watching { .. }
            | Answer::Parted { .. }
            | Answer::Ignoring { .. }
            | Answer::Unignored { .. }
            | Answer::Renamed { .. }
            | Answer::TopicSet { .. }
    )
}

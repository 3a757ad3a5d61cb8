//! What must come of it when a session goes on by another connection.

use std::collections::BTreeSet;

use loopchat::chat::{
    Answer, DisconnectReason, Effect, Event, MemberId, Peer, Person, Refusal, RoomId,
};
use loopchat::server::Moment;
use loopchat::server::core::hub::Hub;
use loopchat::server::core::rendering::{FramingId, Heard};
use loopchat::server::sessions::SessionId;

use super::checker::{Checker, Session};
use super::drafts::Leaving;
use super::readers::Note;
use super::tokens::Gone;
use super::{Checked, violated};

/// Who says that it was here before.
pub struct Newcomer {
    pub member: MemberId,
    pub session: SessionId,
    /// As what the others will hear that it goes, if it does.
    pub who: Person,
    pub peer: Peer,
    /// Its connection.
    pub number: usize,
    pub framing: FramingId,
}

impl Checker {
    /// A newcomer cannot go on with anything: it is told so, and nothing happens.
    pub fn cannot_go_on(member: MemberId, effects: &[Effect]) -> Checked {
        match effects {
            [
                Effect::Tell {
                    to,
                    answer: Answer::Refused(Refusal::CannotResume),
                },
            ] if *to == member => Ok(()),
            _ => violated(
                "who cannot go on with a session is told so, and nobody else anything",
                format!("{effects:?}"),
            ),
        }
    }

    /// A newcomer is what somebody was who has left. Returns the place of the first effect that is
    /// not of that.
    pub fn becomes(
        &mut self,
        hub: &Hub,
        newcomer: &Newcomer,
        gone: &Gone,
        at: Moment,
    ) -> Checked<usize> {
        let (member, effects) = (newcomer.member, hub.effects());
        let is_returned = |effect: &Effect| {
            let told = |answer: &Answer| matches!(answer, Answer::Returned { .. });
            matches!(effect, Effect::Tell { answer, .. } if told(answer))
        };
        let count = effects.iter().position(is_returned);
        let count = count.unwrap_or(effects.len());
        let effects = &effects[..count];
        let Some(seat) = self.seat(member) else {
            return violated("only members go on", format!("{member:?}"));
        };
        let (before, heard_of) = (seat.nickname.clone(), seat.heard_of.clone());
        let has_name = self.named(&gone.nickname).is_none_or(|own| own == member);
        let is_renamed = has_name && before != gone.nickname;
        if has_name {
            self.rename(member, &gone.nickname)?;
        }
        let renamed: BTreeSet<RoomId> = effects.iter().filter_map(renamed_in).collect();
        // Of one of whom nobody has heard the name is nobody's business.
        let wanted = if is_renamed {
            heard_of
        } else {
            BTreeSet::new()
        };
        if renamed != wanted {
            let seen = format!("{effects:?}");
            return violated(
                "who gets its name back is renamed for those who know it",
                seen,
            );
        }
        let to = (newcomer.peer, self.seats[&member].number);
        self.sanctions
            .mute_again((gone.peer, gone.number), to, self.latest, at.now);
        self.inherit_private(gone.member, member);
        self.speaks(member); // it is somebody, and no silent newcomer
        self.observe_all(effects, hub, Some(newcomer.session), at)?;
        self.has_all_back(member, has_name, gone, effects)?;
        Ok(count)
    }

    /// Whether a newcomer is where that was whom it was, and hears what that heard, unless it was
    /// told why not.
    fn has_all_back(
        &self,
        member: MemberId,
        has_name: bool,
        gone: &Gone,
        effects: &[Effect],
    ) -> Checked {
        let wrong = |what: &str| {
            let seen = format!("{what}: {effects:?}");
            violated(
                "who goes on gets back what it had, or is told why not",
                seen,
            )
        };
        let Some(seat) = self.seat(member) else {
            return wrong("it is gone");
        };
        let is_here = |whom: &&MemberId| **whom != member && self.seats.contains_key(whom);
        let mut ignored = gone.ignored.iter().filter(is_here);
        if !ignored.all(|whom| seat.ignored.contains(whom)) || seat.is_unheard_of() {
            return wrong("whom it ignores");
        }
        let mut refused = Vec::new();
        for effect in effects {
            match effect {
                Effect::Tell {
                    to,
                    answer: Answer::Refused(refusal),
                } if *to == member => refused.push(refusal),
                Effect::Tell { to, answer }
                    if *to == member && !matches!(answer, Answer::Entered { .. }) =>
                {
                    return wrong("an answer");
                }
                _ => {}
            }
        }
        let is_name = |refusal: &&Refusal| matches!(refusal, Refusal::NicknameTaken { .. });
        if refused
            .extract_if(.., |refusal| is_name(&&**refusal))
            .count()
            != usize::from(!has_name)
        {
            return wrong("its name");
        }
        let own = self.rooms.named(&gone.room);
        let watched = gone.watched.iter().map(|room| self.rooms.named(room));
        let is_there = |room: &Option<RoomId>| room.is_some_and(|room| seat.hears(room));
        let missing = watched.filter(|room| !is_there(room)).count();
        let missing = missing + usize::from(own != Some(seat.room));
        let has_cause = |refusal: &&Refusal| self.may_not_enter(member, refusal);
        match refused.len() == missing && refused.iter().all(has_cause) {
            true => Ok(()),
            false => wrong("its rooms"),
        }
    }

    /// Whether there is a cause for keeping a member out of a room.
    fn may_not_enter(&self, member: MemberId, refusal: &Refusal) -> bool {
        let rooms = self.seat(member).map_or(0, |seat| 1 + seat.watched.len());
        match refusal {
            Refusal::RoomFull { room, limit } => {
                let room = self.rooms.named(room);
                *limit == self.most_members
                    && room.is_some_and(|room| self.members_in(room) >= *limit)
            }
            Refusal::TooManyRooms { limit } => self.rooms.all().count() >= *limit,
            Refusal::TooManyOwnRooms { limit } => rooms >= *limit,
            Refusal::Muted { .. } => self.muted_for(member, 0).is_some(),
            _ => false,
        }
    }

    /// A newcomer's connection is one of a member that is there: in place of another, if that is
    /// not gone. Nobody else hears of that.
    pub fn takes_over(
        &mut self,
        hub: &Hub,
        newcomer: &Newcomer,
        (member, session): (MemberId, SessionId),
        before: Option<SessionId>,
        at: Moment,
    ) -> Checked {
        let Some(seat) = self.seats.get_mut(&member) else {
            return violated("only of members there are sessions", format!("{member:?}"));
        };
        if seat.leaving.take().is_some() {
            seat.leaves_as = None; // it does not go
        }
        let from = (
            std::mem::replace(&mut seat.peer, newcomer.peer),
            seat.number,
        );
        let to = (seat.peer, seat.number);
        let rooms: Vec<RoomId> = [seat.room]
            .into_iter()
            .chain(seat.watched.clone())
            .collect();
        let since = rooms.into_iter();
        let since = since.map(|room| (room, self.rooms.last_number(room)));
        seat.sessions.push(Session {
            id: session,
            number: newcomer.number,
            framing: newcomer.framing,
            since: since.collect(),
        });
        self.sanctions.mute_again(from, to, self.latest, at.now);
        if let Some(before) = before {
            let reason = DisconnectReason::Resumed;
            let told = Answer::Disconnected(reason.clone());
            let note = Some(Note::Farewell(reason));
            self.told(member, Heard::Answer(&told), note, |own| own.id == before)?;
            self.session_ended(before)?;
        }
        self.newcomer_goes(hub, newcomer, at)?;
        if let Some(reader) = self.readers.get_mut(&newcomer.number) {
            reader.is_member = true;
            reader.held_off = 0; // that was for the newcomer
        }
        Ok(())
    }

    /// Who goes on as another is no newcomer any more.
    fn newcomer_goes(&mut self, hub: &Hub, newcomer: &Newcomer, at: Moment) -> Checked {
        let Newcomer {
            member, session, ..
        } = *newcomer;
        self.tokens.end(session);
        if self.has_others(session) {
            return self.session_ended(session);
        }
        if self.is_held(member) {
            self.leaves_later(member, Leaving::Lost);
            self.last_session_ended(session);
            return Ok(());
        }
        let effects = self.leaves(member, newcomer.who.clone(), Leaving::Lost);
        self.observe_all(&effects, hub, None, at)
    }

    /// Whether a member is told who and where it is, by the session that goes on.
    pub fn is_back(
        &mut self,
        (member, session): (MemberId, SessionId),
        is_other: bool,
        effect: Option<&Effect>,
    ) -> Checked {
        let wrong = || {
            let seen = format!("{effect:?}");
            violated("who is back is told who and where it is", seen)
        };
        let Some(Effect::Tell { to, answer }) = effect else {
            return wrong();
        };
        let Answer::Returned {
            who,
            room,
            others,
            topic,
            watched,
        } = answer
        else {
            return wrong();
        };
        self.check_person(member, who)?;
        let Some(seat) = self.seat(member).filter(|_| *to == member) else {
            return wrong();
        };
        let name = |id: &RoomId| self.rooms.get(*id).map(|room| &room.name);
        let topic_there = self.rooms.get(seat.room).and_then(|room| room.topic());
        let is_right = name(&seat.room) == Some(room)
            && *others + 1 == self.members_in(seat.room)
            && *topic == topic_there
            && seat.watched.iter().map(name).eq(watched.iter().map(Some));
        if !is_right {
            return wrong();
        }
        let note = Some(Note::Returned { is_other });
        self.told(member, Heard::Answer(answer), note, |own| own.id == session)
    }
}

/// The room that hears of another name.
fn renamed_in(effect: &Effect) -> Option<RoomId> {
    match effect {
        Effect::Say {
            room,
            event: Event::Rename { .. },
            ..
        } => Some(*room),
        _ => None,
    }
}

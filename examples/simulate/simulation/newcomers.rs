//! Who may come in, and what a newcomer must be told; histories, too.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use loopchat::chat::{
    Answer, Audience, Chat, DisconnectReason, Effect, MemberId, Message, Millis, Peer, Person,
    RoomId,
};
use loopchat::server::core::rendering::FramingId;
use loopchat::server::sessions::SessionId;

use super::checker::{Checker, SILENCE, Seat, Session};
use super::readers::Reader;
use super::{Checked, violated};

impl Checker {
    /// Whether a peer must be let in; `Some` if not: what it is told must be one of these.
    pub fn turns_away(&self, peer: Peer, now: Millis) -> Option<Vec<DisconnectReason>> {
        if peer.is_operator() {
            return None;
        }
        if let Some(bans) = self.sanctions.ban_of(peer, now) {
            let banned = bans
                .into_iter()
                .map(|(until, reason)| DisconnectReason::Banned {
                    left: until - now,
                    reason: reason.clone(),
                });
            return Some(banned.collect());
        }
        let lobby = self.lobby?;
        let limit = self.most_members;
        let room = self.rooms.get(lobby)?.name.clone();
        (self.members_in(lobby) >= limit).then(|| vec![DisconnectReason::RoomFull { room, limit }])
    }

    /// A newcomer was let in; `effects` are what that brought about, to be
    /// [observed](Self::observe) next.
    pub fn connected(
        &mut self,
        (member, id): (MemberId, SessionId),
        (number, peer, framing): (usize, Peer, FramingId),
        effects: &[Effect],
        chat: &Chat,
        now: Millis,
    ) -> Checked {
        let wrong = |rule| violated(rule, format!("{effects:?}"));
        let Some(Effect::Moved {
            to: Some(to),
            from: None,
            ..
        }) = effects.first()
        else {
            return wrong("a newcomer enters #lobby first");
        };
        let lobby = *self.lobby.get_or_insert(*to);
        if *to != lobby {
            return wrong("a newcomer enters #lobby first");
        }
        if let Some(name) = chat.room_name(lobby) {
            self.rooms.enter(lobby, name);
        }
        let Some(who) = self.welcomed(member, lobby, self.members_in(lobby), effects.get(1)) else {
            return wrong("a newcomer is told who it is, where, with whom and of what they talk");
        };
        self.check_name(member, &who.nickname)?;
        let seat = Seat {
            number,
            sessions: vec![Session {
                id,
                number,
                framing,
                since: BTreeMap::new(),
            }],
            peer,
            nickname: who.nickname.to_string(),
            room: lobby,
            watched: Vec::new(),
            ignored: BTreeSet::new(),
            heard_of: BTreeSet::new(),
            entered: BTreeMap::from([(lobby, self.rooms.last_number(lobby))]),
            has_ignored: false,
            announced_at: now + SILENCE,
            leaving: None,
            leaves_as: None,
            has_spoken: false,
        };
        self.seats.insert(member, seat);
        self.check_person(member, who)?;
        self.readers.insert(number, Reader::new());
        self.latest = number;
        self.is_told_more((member, lobby), &effects[2..], now)
    }

    /// A member has one more session; `effects` are what that brought about, to be
    /// [observed](Self::observe) next. It is told where it is as newcomers are, and nobody else
    /// anything.
    pub fn attached(
        &mut self,
        (member, id): (MemberId, SessionId),
        (number, framing): (usize, FramingId),
        effects: &[Effect],
        now: Millis,
    ) -> Checked {
        let wrong = |rule| violated(rule, format!("{effects:?}"));
        let Some(seat) = self.seats.get(&member) else {
            return wrong("only members have sessions");
        };
        let (nickname, room_id) = (seat.nickname.clone(), seat.room);
        let rooms = [seat.room].into_iter().chain(seat.watched.iter().copied());
        let since = rooms.map(|room| (room, self.rooms.last_number(room)));
        let since = since.collect();
        let others = self.members_in(room_id) - 1;
        let welcomed = self.welcomed(member, room_id, others, effects.first());
        let Some(who) = welcomed.filter(|who| *who.nickname == *nickname) else {
            return wrong("a session is told who it is, where, with whom and of what they talk");
        };
        self.check_person(member, who)?;
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.sessions.push(Session {
                id,
                number,
                framing,
                since,
            });
        }
        self.readers.insert(number, Reader::new());
        self.is_told_more((member, room_id), &effects[1..], now)
    }

    /// Who a member is told to be, if it is told where it is, with whom, and of what they talk.
    fn welcomed<'a>(
        &self,
        member: MemberId,
        at: RoomId,
        with: usize,
        effect: Option<&'a Effect>,
    ) -> Option<&'a Person> {
        let Some(Effect::Tell {
            to,
            answer:
                Answer::Welcome {
                    who,
                    room,
                    others,
                    topic,
                    position,
                },
        }) = effect
        else {
            return None;
        };
        let here = self.rooms.get(at)?;
        let is_right =
            *to == member && here.name == *room && here.topic() == *topic && *others == with;
        let is_right = is_right && here.may_be_at(position.number);
        is_right.then_some(who)
    }

    /// After the welcome comes what was said, and whether one is muted.
    fn is_told_more(
        &self,
        (member, room): (MemberId, RoomId),
        rest: &[Effect],
        now: Millis,
    ) -> Checked {
        let mut rest = rest.iter().peekable();
        let replayed = rest.next_if(|effect| {
            matches!(
                effect,
                Effect::Tell {
                    answer: Answer::History { .. },
                    ..
                }
            )
        });
        self.check_replay(room, member, replayed)?;
        let muted = self.muted_for(member, now);
        let told = rest.next().map(|effect| match effect {
            Effect::Tell {
                answer: Answer::Muted { left },
                ..
            } => Some(*left),
            _ => None,
        });
        match told == muted.map(Some) && rest.next().is_none() {
            true => Ok(()),
            false => violated("a newcomer is told if it is muted", format!("{muted:?}")),
        }
    }

    /// Whether what somebody is told who comes into a room is what was said there last.
    pub fn check_replay(&self, room: RoomId, reader: MemberId, told: Option<&Effect>) -> Checked {
        const REPLAY: usize = 10;
        match told {
            Some(Effect::Tell { to, answer }) if *to == reader => {
                self.check_history(room, reader, REPLAY, answer)
            }
            None if self.wanted(room, reader, REPLAY).is_empty() => Ok(()),
            other => violated("who comes in is told what was said", format!("{other:?}")),
        }
    }

    /// Whether a history is what was said there last.
    pub fn check_history(
        &self,
        room: RoomId,
        reader: MemberId,
        count: usize,
        answer: &Answer,
    ) -> Checked {
        let wanted = self.wanted(room, reader, count);
        let all = self.wanted(room, reader, usize::MAX);
        let here = self.rooms.get(room);
        let is_same = matches!(
            (answer, here),
            (Answer::History { of: Audience::Room(room), messages, is_whole, next, .. }, Some(here))
                if *room == here.name && *messages == wanted
                    && (*is_whole, *next) == reaches(here.has_forgotten(), count, &all)
        );
        match is_same {
            true => Ok(()),
            false => violated(
                "history is what was said",
                format!("{answer:?}, not {wanted:?}"),
            ),
        }
    }

    fn wanted(&self, room: RoomId, reader: MemberId, count: usize) -> Vec<Rc<Message>> {
        let ignored = self.seats.get(&reader).map(|seat| &seat.ignored);
        let is_wanted = |member| ignored.is_none_or(|ignored| !ignored.contains(&member));
        // Whoever is ignored takes no place among the last so many.
        let here = self.rooms.get(room).into_iter();
        let kept = here.flat_map(|room| room.last(usize::MAX));
        let wanted: Vec<_> = kept.filter(|said| is_wanted(said.member)).collect();
        let last = wanted.len().saturating_sub(count);
        wanted[last..].iter().map(|said| Rc::clone(said)).collect()
    }
}

/// Whether the last so many are all that was ever said and not taken back, of what somebody wants to
/// hear; and from which number it reads on, if they are not.
pub(super) fn reaches(
    has_forgotten: bool,
    count: usize,
    wanted: &[Rc<Message>],
) -> (bool, Option<u64>) {
    let is_whole = !has_forgotten && count >= wanted.len();
    let first = wanted.get(wanted.len().saturating_sub(count));
    let next = first.map(|said| said.place.number);
    (is_whole, next.filter(|_| !is_whole))
}

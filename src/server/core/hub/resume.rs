//! Sessions that are resumed after a cut.

use std::collections::{HashMap, HashSet};

use super::Hub;
use crate::chat::{
    Answer, DisconnectReason, Effect, Epoch, Event, MemberId, Place, Position, Refusal, Repeated,
    Text,
};
use crate::server::core::cost::Cost;
use crate::server::core::flood::Bucket;
use crate::server::core::line_input::LineInput;
use crate::server::core::moment::Moment;
use crate::server::core::rendering::FramingId;
use crate::server::core::resuming::{Resumable, ResumeToken};
use crate::server::core::sessions::SessionId;

/// Up to where a client has heard a room; or, without one, what it and somebody say to each other
/// alone, of which the epoch tells who that is.
pub type HeardUpTo = (Option<Text>, Position);

/// What one backlog takes beside what is in it.
const BACKLOG_BYTES: u64 = 200;

/// What somebody may have missed something of, behind that.
enum Missed<'a> {
    Room(&'a Text, Position),
    Private(MemberId, Position),
}

/// A session that goes on.
#[derive(Debug)]
pub struct Resumed {
    /// What it is from now on: the newcomer's own, or one more of the member that it was, whose
    /// framing is the same. Then nothing more is kept of the newcomer's own.
    pub session: SessionId,
    /// What it was.
    pub before: SessionId,
    /// What the connection of that had still to make up for; `None` if it is still there.
    bucket: Option<Bucket>,
}

impl Resumed {
    /// What the connection has still to make up for by which the session goes on: what the one
    /// before had, which is `other` if it is still there.
    #[must_use]
    pub fn debts(&self, other: Option<&LineInput>) -> Bucket {
        let of_other = || Some(other?.account()?.1);
        self.bucket.or_else(of_other).unwrap_or_default()
    }
}

impl Hub {
    /// A session may be resumed by this token from now on.
    pub fn grant(&mut self, session: SessionId, token: ResumeToken) {
        if self.is_here(session) {
            self.resuming.grant(session, token, None);
        }
    }

    /// A newcomer's session says that it was another one, by whose token that may be resumed. That
    /// one is ended, if it is still there, and nothing more is heard of it. Then the newcomer is
    /// what that was, is told so, and what it has missed of the rooms that it has heard so far. The
    /// token stays: another might never arrive.
    ///
    /// `None` if there is no such session: the newcomer stays what it is, and is told so.
    pub fn resume(
        &mut self,
        newcomer: SessionId,
        token: ResumeToken,
        heard: &[HeardUpTo],
        at: Moment,
    ) -> Option<Resumed> {
        self.apply();
        self.at = at;
        let member = self.member(newcomer)?;
        let is_own = self.resuming.is_of(newcomer, token);
        let found = (!is_own).then(|| self.resuming.take(token)).flatten();
        let found = found.filter(|found| {
            let gone = found.gone.as_ref().map(|gone| gone.member);
            let whose = gone.or_else(|| self.member(found.session));
            !whose.is_some_and(|member| self.chat.is_expelled(member))
        });
        let Some(found) = found else {
            self.tell(newcomer, Answer::Refused(Refusal::CannotResume));
            return None;
        };
        let before = found.session;
        let bucket = found.gone.as_ref().map(|_| found.bucket);
        let session = match (self.still_there(&found), &found.gone) {
            (Some(member), _) => {
                let before = (before, found.gone.is_some());
                self.take_over(newcomer, member, before, at)?
            }
            (None, Some(gone)) => {
                let first = self.effects.len();
                self.chat
                    .restore(member, &gone.absent, at.now, &mut self.effects);
                self.note_call(newcomer, first);
                newcomer
            }
            (None, None) => newcomer,
        };
        if session != newcomer {
            // What it was told so far comes before.
            self.resuming.forget(newcomer);
            let told = self.fan_out.take_told(newcomer);
            self.tell_as_it_is(session, &told);
            self.gone(newcomer, at);
            self.apply();
            self.forget(newcomer);
        }
        self.drafts.pass_on(before, session);
        self.resuming.grant(session, token, Some(found));
        self.tell_what_was_missed(session, heard);
        Some(Resumed {
            session,
            before,
            bucket,
        })
    }

    /// What it will cost to tell what was missed, as far as that can be told.
    pub(in crate::server) fn foresee_backlog(
        &self,
        newcomer: SessionId,
        token: ResumeToken,
        heard: &[HeardUpTo],
    ) -> Cost {
        let framing = self.fan_out.framing_of(newcomer);
        let found = self.resuming.whose(token);
        let member = found.and_then(|(session, gone)| gone.or_else(|| self.member(session)));
        let missed = self.missed(member, heard);
        let bytes = missed
            .iter()
            .map(|missed| self.weigh(member, missed, framing));
        let bytes = bytes.sum::<u64>().min(self.most_backlog());
        Cost::LINE + Cost::answer(bytes)
    }

    /// No more bytes than these are told of what was missed: more than may wait for somebody would
    /// end its connection, each time that it comes back.
    fn most_backlog(&self) -> u64 {
        u64::from(self.config.outbox_hard / 2)
    }

    /// The rooms that a client names, each once; and all that others and it say to each other
    /// alone, of which it may have heard nothing.
    fn missed<'a>(&self, member: Option<MemberId>, heard: &'a [HeardUpTo]) -> Vec<Missed<'a>> {
        let mut named = HashSet::new();
        let rooms = heard.iter().filter_map(|(room, since)| {
            let room = room.as_ref().filter(|&room| named.insert(room))?;
            Some(Missed::Room(room, *since))
        });
        let mut missed: Vec<Missed<'_>> = rooms.collect();
        let private = heard.iter().filter(|(room, _)| room.is_none());
        let private: HashMap<Epoch, u64> = private
            .map(|(_, since)| (since.epoch, since.number))
            .collect();
        let logs = member.map(|member| self.chat.private_logs(member));
        missed.extend(logs.into_iter().flatten().map(|(partner, heard)| {
            let epoch = heard.epoch;
            let number = private.get(&epoch).copied().unwrap_or(0);
            Missed::Private(partner, Position { epoch, number })
        }));
        missed
    }

    /// About how many bytes it takes to tell what was missed.
    fn weigh(&self, member: Option<MemberId>, missed: &Missed<'_>, framing: FramingId) -> u64 {
        let repeated = match (missed, member) {
            (Missed::Room(room, since), _) => self.chat.foresee_backlog(room, *since),
            (Missed::Private(partner, since), Some(member)) => {
                let chat = &self.chat;
                chat.foresee_private_backlog(member, *partner, *since)
            }
            (Missed::Private(..), None) => Repeated::default(),
        };
        BACKLOG_BYTES + self.fan_out.weigh(repeated, framing)
    }

    /// The member of a session that is resumed, if it has not left, or need not.
    fn still_there(&mut self, found: &Resumable) -> Option<MemberId> {
        match &found.gone {
            None => self.member(found.session),
            Some(gone) => Some(gone.member).filter(|&member| self.chat.stay(member)),
        }
    }

    /// A newcomer's connection is one of a member that is there, instead of another.
    fn take_over(
        &mut self,
        newcomer: SessionId,
        member: MemberId,
        (before, is_gone): (SessionId, bool),
        at: Moment,
    ) -> Option<SessionId> {
        let framing = self.fan_out.framing_of(newcomer);
        let peer = self.peer(newcomer)?;
        let session = self.add_session(member, framing)?;
        self.chat.readdress(member, peer, at.now);
        if is_gone {
            // Its connection was its last, and the member has stayed for its drafts.
            if self.sessions.has(before) {
                self.detach(before, member);
            }
            let has_several = self.sessions.has_several(member);
            self.chat.share(member, has_several);
        } else {
            self.disconnect(before, DisconnectReason::Resumed, at);
        }
        self.apply();
        Some(session)
    }

    fn tell_what_was_missed(&mut self, session: SessionId, heard: &[HeardUpTo]) {
        let Some(member) = self.member(session) else {
            return;
        };
        let first = self.effects.len();
        self.chat.welcome_back(member, &mut self.effects);
        let framing = self.fan_out.framing_of(session);
        let mut left = self.most_backlog();
        let named: HashSet<Epoch> = heard.iter().map(|(_, since)| since.epoch).collect();
        let mut untold = 0;
        for missed in self.missed(Some(member), heard) {
            // What it does not hear is not told, and takes no room from what is.
            if let Missed::Room(room, _) = &missed
                && !self.chat.is_heard_by(member, room)
            {
                continue;
            }
            let bytes = self.weigh(Some(member), &missed, framing);
            let is_too_much = bytes > left;
            if !is_too_much {
                left -= bytes;
            }
            let (chat, effects) = (&self.chat, &mut self.effects);
            match missed {
                Missed::Room(room, since) => {
                    chat.tell_backlog(member, room, since, is_too_much, effects);
                }
                // Of what it does not know, as much as others please: they are only counted.
                Missed::Private(partner, since) if is_too_much && !named.contains(&since.epoch) => {
                    let repeated = chat.foresee_private_backlog(member, partner, since);
                    untold += repeated.messages;
                }
                Missed::Private(partner, since) => {
                    chat.tell_private_backlog(member, partner, since, is_too_much, effects);
                }
            }
        }
        if untold > 0 {
            self.effects.push(Effect::Tell {
                to: member,
                answer: Answer::Missed { count: untold },
            });
        }
        for effect in &mut self.effects[first..] {
            if let Effect::Tell {
                answer: Answer::Backlog { events, own, .. },
                ..
            } = effect
            {
                let events = events.iter().flatten();
                let ids = events
                    .filter_map(Event::place)
                    .map(|place: &Place| place.id);
                *own = self.resuming.own(session, ids);
            }
        }
        self.note_call(session, first);
    }

    /// Whether a session has said that before, by its client's id: then it is told where it was
    /// heard, or will be when it is.
    pub(super) fn was_said(&mut self, session: SessionId, client_id: &Text) -> bool {
        let Some(said) = self.resuming.said(session, client_id) else {
            return false;
        };
        if let Some((audience, place)) = said.heard.clone() {
            let client_id = client_id.clone();
            self.tell(
                session,
                Answer::Committed {
                    audience,
                    place,
                    client_id,
                },
            );
        }
        true
    }

    /// The connection of a session is about to go: what that has still to make up for is known, if
    /// the session is to be resumed.
    pub fn note_bucket(&mut self, session: SessionId, input: &LineInput) {
        if let Some((_, bucket)) = input.account() {
            self.resuming.note_bucket(session, bucket);
        }
    }

    /// A session's connection is gone, or is ended by no wish of its own: it may be resumed for a
    /// while.
    pub(super) fn keep_for_return(&mut self, session: SessionId, at: Moment) {
        let time = super::seconds(self.config.resume_time);
        if time > 0
            && self.resuming.is_granted(session)
            && let Some(member) = self.member(session)
            && let Some(absent) = self.chat.absent(member)
        {
            let until = at.now.saturating_add(time);
            self.resuming.goes(session, member, absent, until);
        }
    }
}

//! The connections of members: they begin, bring something about, and end, one by one or all of a
//! member.
//!
//! Nearly always a member has one, and nothing is noted of it. Of one of several it is noted which
//! effects have come of its calls, so that it alone gets the answers.

use std::ops::Range;

use super::{Hub, seconds};
use crate::chat::{Answer, DisconnectReason, Effect, MemberId, Millis, Peer};
use crate::server::core::moment::Moment;
use crate::server::core::rendering::FramingId;
use crate::server::core::sessions::SessionId;

/// What one session has brought about.
#[derive(Debug)]
pub(super) struct Call {
    /// The places of its effects. What they answer is answered to this session.
    pub(super) effects: Range<usize>,
    pub(super) session: SessionId,
    pub(super) member: MemberId,
    /// It ends then, while its member stays.
    pub(super) ends: Option<Ending>,
}

/// A session ends, for a reason if the server ends it.
#[derive(Debug)]
pub(super) struct Ending(pub(super) Option<DisconnectReason>);

impl Hub {
    /// Whose session it is, if it is there.
    #[must_use]
    pub fn member(&self, session: SessionId) -> Option<MemberId> {
        let member = self.sessions.member(session)?;
        let is_here = self.chat.room_of(member).is_some() && self.sessions.has(session);
        is_here.then_some(member)
    }

    /// Where the member of a session comes from, if it is there.
    #[must_use]
    pub(in crate::server) fn peer(&self, session: SessionId) -> Option<Peer> {
        self.chat.peer(self.member(session)?)
    }

    /// Whether a session is there, and its member in the chat.
    #[must_use]
    pub fn is_here(&self, session: SessionId) -> bool {
        self.member(session).is_some()
    }

    /// One more session of a member that is there: it hears all that the member hears, and is told
    /// first where it is. `None` if there is no such member.
    pub fn attach(
        &mut self,
        member: MemberId,
        framing: FramingId,
        at: Moment,
    ) -> Option<SessionId> {
        self.at = at;
        let session = self.add_session(member, framing)?;
        let first = self.effects.len();
        let Moment { now, utc } = at;
        self.chat.welcome_again(member, now, utc, &mut self.effects);
        self.note_call(session, first);
        self.welcome(session);
        Some(session)
    }

    /// One more session of a member that is there, which is told nothing.
    pub(super) fn add_session(
        &mut self,
        member: MemberId,
        framing: FramingId,
    ) -> Option<SessionId> {
        self.apply(); // what has happened so far it need not hear
        let room = self.chat.room_of(member)?;
        let session = self.sessions.attach(member);
        self.fan_out.admit(session, framing);
        self.fan_out.moved(session, Some(room));
        for watched in self.chat.watched_by(member) {
            self.fan_out.watch(session, watched, true);
        }
        for whom in self.chat.ignored_by(member) {
            self.fan_out.ignore(session, whom, true);
        }
        self.chat.share(member, true);
        Some(session)
    }

    /// A session has come whose greeting may wait, and which may come to say nothing for too long.
    pub(super) fn welcome(&mut self, session: SessionId) {
        self.newcomer = Some(session);
        if self.config.idle_timeout > 0 {
            let due = self.at.now + seconds(self.config.idle_timeout);
            self.idle_sweep.get_or_insert(due);
        }
    }

    /// The effects from this one on have come of a call of one session.
    pub(super) fn note_call(&mut self, session: SessionId, first: usize) {
        if !self.sessions.is_plain() {
            self.note(session, first, None);
        }
    }

    fn note(&mut self, session: SessionId, first: usize, ends: Option<Ending>) {
        if let Some(member) = self.sessions.member(session) {
            self.calls.push(Call {
                effects: first..self.effects.len(),
                session,
                member,
                ends,
            });
        }
    }

    /// Applies what has happened before, if somebody has several sessions, or one has ended: whether
    /// a member has others is known once those have ended that are to end.
    pub(super) fn apply_what_was(&mut self) {
        if !self.sessions.is_plain() || !self.calls.is_empty() {
            self.apply();
        }
    }

    /// The session that alone is told this of the [effects](Self::effects), if it is an answer, or
    /// that has said it. `None` if its member has no other.
    #[must_use]
    pub fn asking(&self, effect: usize) -> Option<SessionId> {
        let call = self
            .calls
            .iter()
            .find(|call| call.effects.contains(&effect));
        call.map(|call| call.session)
    }

    /// Has a session's connection ended, with a last word. If its member has no other, that is
    /// removed from the chat. Does nothing if the session has ended.
    pub fn disconnect(&mut self, session: SessionId, reason: DisconnectReason, at: Moment) {
        self.apply_what_was();
        if let Some(member) = self.member(session) {
            self.keep_for_return(session, at);
            self.note_farewell(member, &reason, at.now);
            self.tell(session, Answer::Disconnected(reason.clone()));
            self.end(session, Some(reason), at);
        }
    }

    /// Notes why the server ends a connection.
    fn note_farewell(&mut self, member: MemberId, reason: &DisconnectReason, now: Millis) {
        if let (Some(nickname), Some(peer)) = (self.chat.nickname(member), self.chat.peer(member)) {
            self.farewells.note(nickname, peer, reason, now);
        }
    }

    /// [Disconnects](Self::disconnect) everybody. Nobody is told who else goes.
    pub fn disconnect_everyone(&mut self, reason: &DisconnectReason, at: Moment) {
        self.apply_what_was();
        self.at = at;
        let everybody: Vec<MemberId> = self.chat.ids().collect();
        for &member in &everybody {
            self.note_farewell(member, reason, at.now);
            self.effects.push(Effect::Tell {
                to: member,
                answer: Answer::Disconnected(reason.clone()),
            });
        }
        self.chat.leave_all(&mut self.effects);
        let gone = everybody.into_iter();
        self.effects.extend(gone.map(|member| Effect::Disconnect {
            member,
            reason: reason.clone(),
        }));
    }

    /// A session will say no more: its peer has ended its side. What it was told is still sent, and
    /// how many messages it was spared; then its connection is ended. If its member has no other,
    /// that is removed. Does nothing if the session has ended.
    pub fn leave(&mut self, session: SessionId, at: Moment) {
        self.apply_what_was();
        if self.is_here(session) {
            // There will be no other time to tell it.
            self.caught_up(session);
            self.keep_for_return(session, at);
            self.end(session, None, at);
        }
    }

    /// Ends a session that is there.
    fn end(&mut self, session: SessionId, reason: Option<DisconnectReason>, at: Moment) {
        self.at = at;
        let Some(member) = self.sessions.member(session) else {
            return;
        };
        if self.sessions.has_several(member) {
            return self.note(session, self.effects.len(), Some(Ending(reason)));
        }
        self.chat.leave(member, at.now, &mut self.effects);
        if self.chat.room_of(member).is_some() {
            // What it has said is under way, and it leaves behind that. Its session ends now.
            return self.note(session, self.effects.len(), Some(Ending(reason)));
        }
        match reason {
            Some(reason) => self.effects.push(Effect::Disconnect { member, reason }),
            // What follows from it is still to be applied, as after any other call.
            None => self.leaving.push((session, None)),
        }
    }

    /// A session of a member that stays hears no more than what it was told until now.
    pub(super) fn detach(&mut self, session: SessionId, member: MemberId) {
        self.fan_out.moved(session, None);
        self.sessions.detach(session);
        self.chat.share(member, self.sessions.has_several(member));
    }

    /// A connection is gone: nothing more can be sent to it. After [`apply`](Self::apply) the door
    /// has the rest [forgotten](Self::forget).
    pub fn gone(&mut self, session: SessionId, at: Moment) {
        self.apply_what_was();
        self.at = at;
        self.keep_for_return(session, at);
        match self.member(session) {
            Some(member) if self.sessions.has_several(member) => self.detach(session, member),
            Some(member) => {
                self.chat.leave(member, at.now, &mut self.effects);
                if self.chat.room_of(member).is_some() {
                    self.apply(); // it leaves later, and its session hears no more
                    self.detach(session, member);
                }
            }
            None => {}
        }
    }

    /// Somebody who has left the chat, why the server has ended that if it has, and what is still
    /// to be sent: the door writes that and ends the connection. `None` if there is nobody left of
    /// those.
    pub fn next_gone(&mut self) -> Option<(SessionId, Option<DisconnectReason>, Vec<u8>)> {
        let (session, reason) = self.leaving.pop()?;
        Some((session, reason, self.forget(session)))
    }

    /// Keeps nothing more for somebody who has left the chat. Returns what it was still to get.
    pub fn forget(&mut self, session: SessionId) -> Vec<u8> {
        self.slow_readers.forget(session);
        self.drafts.forget(session);
        self.queries.forget(session);
        self.resuming.forget(session);
        match self.sessions.forget(session) {
            true => self.fan_out.take(session),
            false => Vec::new(), // another may have its place by now
        }
    }
}

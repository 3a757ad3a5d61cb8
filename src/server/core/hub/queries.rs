//! What members read of a log that keeps more than the chat remembers, and rooms that it keeps.
//!
//! The answer comes later, and in its turn: whoever has asked is not heard any further until then.
//! It shows what was there when it was asked; what was taken back since is not in it, since the log
//! tells of both in order.
//!
//! Who wants to go to a room that is not there waits likewise, until the log has said what it has
//! of it. Then the line is heard.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use log::error;

use crate::chat::{
    Answer, Effect, Found, MemberId, Query, QueryId, Reading, Recall, Recalled, Refusal, Text,
    Wanted,
};
use crate::room_log::Unreadable;
use crate::server::core::cost::Cost;
use crate::server::core::hub::Hub;
use crate::server::core::line_input::Done;
use crate::server::core::moment::Moment;
use crate::server::core::resuming::ResumeToken;
use crate::server::core::sessions::SessionId;

/// Questions that may be with the log at once. Each session has one at most, but those that have
/// ended may have left theirs.
const MOST: usize = 1024;

/// Lines that may wait for rooms to be looked up: everybody who comes may want to go to one at once.
const MOST_LINES: usize = 64 * 1024;

/// Bytes of such a line. The longest name of a room has less.
const MOST_LINE: usize = 1024;

/// What the log was asked, and has not answered.
#[derive(Debug, Default)]
pub(super) struct Queries {
    /// Who has asked each.
    under_way: HashMap<QueryId, SessionId>,
    /// Whole lines for each of those who are here and wait for an answer, that are to come behind
    /// it.
    behind: HashMap<SessionId, Vec<u8>>,
    /// Lines that are to be heard when a room was looked up, as what their clients know them.
    lines: HashMap<QueryId, (Box<str>, Option<Text>)>,
    /// Those who are to be resumed, and for whose rooms the log was asked.
    returning: HashSet<SessionId>,
    /// What answers have cost, to be paid by who has asked.
    costs: Vec<(SessionId, Cost)>,
}

impl Queries {
    /// Whether nobody who is here waits for an answer.
    pub(super) fn is_empty(&self) -> bool {
        self.behind.is_empty()
    }

    /// Whether a session waits for an answer.
    pub(super) fn has(&self, session: SessionId) -> bool {
        !self.behind.is_empty() && self.behind.contains_key(&session)
    }

    /// Whether a session may ask.
    fn takes(&self, session: SessionId) -> bool {
        self.under_way.len() < MOST && !self.has(session)
    }

    fn insert(&mut self, id: QueryId, session: SessionId) {
        self.under_way.insert(id, session);
        self.behind.insert(session, Vec::new());
    }

    /// A session has ended: nobody waits for its answer.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.behind.remove(&session);
        self.returning.remove(&session);
    }

    /// What is to come behind the answer that a session waits for; `None` if it waits for none.
    pub(super) fn behind(&mut self, session: SessionId) -> Option<&mut Vec<u8>> {
        self.behind.get_mut(&session)
    }
}

impl Hub {
    /// Tells a session a page of a log, as [`Chat::read`](crate::chat::Chat::read) does.
    pub(in crate::server) fn read(&mut self, session: SessionId, reading: Reading<'_>, at: Moment) {
        self.apply_what_was();
        let Some(member) = self.member(session) else {
            return;
        };
        self.at = at;
        let before = self.effects.len();
        self.chat.read(member, reading, at.utc, &mut self.effects);
        self.give_to_log(Some(session), None, before, at);
        self.note_call(session, before);
    }

    /// What [`read`](Self::read) will cost a session, as far as that is known.
    pub(in crate::server) fn foresee_read(
        &mut self,
        session: SessionId,
        reading: Reading<'_>,
    ) -> Cost {
        let Some(member) = self.member(session) else {
            return Cost::NONE;
        };
        let framing = self.fan_out.framing_of(session);
        let repeated = self.chat.foresee_read(member, reading);
        self.fan_out.price(repeated, framing)
    }

    /// Asks the log, which answers later; or the chat itself, if the log has no more than that.
    pub(super) fn ask(&mut self, session: SessionId, query: Query, at: Moment) {
        let (id, asker) = (query.id, query.asker);
        if !self.queries.takes(session) {
            let answer = Answer::Refused(Refusal::NotRead);
            return self.effects.push(Effect::Tell { to: asker, answer });
        }
        let asked = match query.wanted {
            Wanted::Page(_) | Wanted::Message(_) => self.log.read(query),
            Wanted::Words(_) => self.log.search(query),
        };
        match asked {
            Ok(()) => self.queries.insert(id, session),
            Err(query) => self.chat.not_found(query, at.utc, &mut self.effects),
        }
    }

    /// Whether a line of a session's is heard later, since the log is asked for a room first that
    /// it would open.
    pub(super) fn hears_later(
        &mut self,
        session: SessionId,
        member: MemberId,
        client_id: Option<&Text>,
        line: &str,
    ) -> bool {
        if !self.log.keeps_rooms() {
            return false;
        }
        let Some(recall) = self.chat.room_to_recall(member, line) else {
            return false;
        };
        if self.queries.lines.len() >= MOST_LINES || line.len() > MOST_LINE {
            self.tell(session, Answer::Refused(Refusal::NotRead));
            return true;
        }
        let id = recall.id;
        match self.log.recall(recall) {
            Err(_keeps_none) => false,
            Ok(()) => {
                self.queries.insert(id, session);
                let kept = (line.into(), client_id.cloned());
                self.queries.lines.insert(id, kept);
                true
            }
        }
    }

    /// The log has looked up a room. Whoever wants to go there does, if it is still here.
    pub(super) fn tell_recalled(
        &mut self,
        recall: &Recall,
        found: Result<Option<Arc<Recalled>>, Unreadable>,
        at: Moment,
    ) {
        let Some(session) = self.queries.under_way.remove(&recall.id) else {
            debug_assert!(false, "a room is looked up once");
            return;
        };
        let is_found = found.is_ok();
        if let Ok(Some(recalled)) = found {
            self.chat.recall(Arc::unwrap_or_clone(recalled), at.now);
        }
        let Some((line, client_id)) = self.queries.lines.remove(&recall.id) else {
            return self.may_return(session);
        };
        let behind = self.queries.behind.remove(&session);
        let member = self.member(session);
        let (Some(behind), Some(member)) = (behind.filter(|_| self.is_here(session)), member)
        else {
            return;
        };
        let (before, first) = (Done::by(self), self.effects.len());
        match is_found {
            true => {
                let Moment { now, utc } = at;
                self.chat.line(member, &line, now, utc, &mut self.effects);
                self.give_to_log(Some(session), client_id.as_ref(), first, at);
            }
            false => {
                let (to, answer) = (member, Answer::Refused(Refusal::NotRead));
                self.effects.push(Effect::Tell { to, answer });
            }
        }
        self.note_call(session, first);
        self.tell_as_it_is(session, &behind);
        let cost = before.since(self, line.len());
        self.queries.costs.push((session, cost));
        self.release_session(session);
    }

    /// Whether a session is resumed by another later, since the log is asked first for the rooms in
    /// which it was, and which are not there any more. It is asked once: what it cannot find is
    /// opened.
    pub(in crate::server) fn return_has_to_wait(
        &mut self,
        newcomer: SessionId,
        token: ResumeToken,
    ) -> bool {
        let is_asked = self.queries.returning.contains(&newcomer);
        if !self.log.keeps_rooms() || is_asked && !self.queries.has(newcomer) {
            return false;
        }
        if !is_asked {
            let absent = self.resuming.absent(token);
            let recalls = absent.map(|absent| self.chat.rooms_to_recall(absent));
            for recall in recalls.into_iter().flatten() {
                let id = recall.id;
                if self.log.recall(recall).is_ok() {
                    self.queries.insert(id, newcomer);
                    self.queries.returning.insert(newcomer);
                }
            }
        }
        self.queries.has(newcomer)
    }

    /// A room was looked up for a session that is to be resumed. With the last of them it is.
    fn may_return(&mut self, session: SessionId) {
        let mut under_way = self.queries.under_way.values();
        if under_way.any(|&other| other == session) {
            return;
        }
        if let Some(behind) = self.queries.behind.remove(&session)
            && self.is_here(session)
        {
            self.tell_as_it_is(session, &behind);
            self.release_session(session);
        }
    }

    /// The room in which everyone begins is as it was, before anyone comes.
    pub(super) fn recall_first_room(&mut self) {
        if !self.log.keeps_rooms() {
            return;
        }
        let recall = self.chat.first_room();
        let room = recall.room.clone();
        match self.log.recall_at_once(recall) {
            Ok(found) => found
                .into_iter()
                .for_each(|found| self.chat.recall(found, 0)),
            Err(Unreadable) => error!("what was said in #{room} cannot be read"),
        }
    }

    /// The log has found something for somebody. Whoever is still here is told, and heard further.
    pub(super) fn tell_found(&mut self, found: Found, at: Moment) {
        let Some(session) = self.queries.under_way.remove(&found.query.id) else {
            debug_assert!(false, "a question is answered once");
            return;
        };
        let behind = self.queries.behind.remove(&session);
        let Some(behind) = behind.filter(|_| self.is_here(session)) else {
            return;
        };
        let (answered, first) = (self.fan_out.answered(), self.effects.len());
        self.chat.found(found, at.utc, &mut self.effects);
        self.give_to_log(Some(session), None, first, at);
        self.note_call(session, first);
        // It may have been to take something back, which is under way now.
        self.tell_behind(session, &behind);
        let cost = Cost::answer(self.fan_out.answered() - answered);
        self.queries.costs.push((session, cost));
        self.release_session(session);
    }

    /// What late answers have cost those who have asked: to be taken whenever the log was
    /// [asked for news](Self::settle).
    pub fn take_costs(&mut self) -> Vec<(SessionId, Cost)> {
        std::mem::take(&mut self.queries.costs)
    }
}

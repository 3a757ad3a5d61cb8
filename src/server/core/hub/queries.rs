//! What members read of a log that keeps more than the chat remembers.
//!
//! The answer comes later, and in its turn: whoever has asked is not heard any further until then.
//! It shows what was there when it was asked; what was taken back since is not in it, since the log
//! tells of both in order.

use std::collections::HashMap;

use crate::chat::{Answer, Effect, Found, Query, QueryId, Reading, Refusal, Wanted};
use crate::server::core::cost::Cost;
use crate::server::core::hub::Hub;
use crate::server::core::moment::Moment;
use crate::server::core::sessions::SessionId;

/// Questions that may be with the log at once. Each session has one at most, but those that have
/// ended may have left theirs.
const MOST: usize = 1024;

/// What the log was asked, and has not answered.
#[derive(Debug, Default)]
pub(super) struct Queries {
    /// Who has asked each.
    under_way: HashMap<QueryId, SessionId>,
    /// Whole lines for each of those who are here and wait for an answer, that are to come behind
    /// it.
    behind: HashMap<SessionId, Vec<u8>>,
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
            Wanted::Page(_) => self.log.read(query),
            Wanted::Words(_) => self.log.search(query),
        };
        match asked {
            Ok(()) => self.queries.insert(id, session),
            Err(query) => self.chat.not_found(query, at.utc, &mut self.effects),
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
        self.note_call(session, first);
        self.tell_as_it_is(session, &behind);
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

//! Drafts on their way to the rooms' log and back.
//!
//! The memory log settles each within the call, and none of what is kept here is ever there. Of
//! another log's it is kept who has said what, until it is settled; and who has to wait for that:
//! a member's next command waits for its own drafts, so that it comes behind what was said before
//! it. Messages do not wait for each other, unless there are too many.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::Hub;
use crate::chat::{Answer, Draft, Effect, Event, EventId, MemberId, Refusal, Settled, Text};
use crate::room_log::{News, Report};
use crate::server::core::moment::Moment;
use crate::server::core::sessions::SessionId;

/// Drafts of one member that may be under way, unless [otherwise](Hub::limit_drafts); what it says
/// next waits.
const MOST_OF_ONE: usize = 64;

/// Bytes of drafts that may be under way in all; what anybody says next waits.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Bytes that come behind one draft; then nothing more is heard of its session until it is settled.
const MOST_BEHIND: usize = 16 * 1024;

/// What the rooms' log has not settled.
#[derive(Debug)]
pub(super) struct Drafts {
    under_way: HashMap<EventId, UnderWay>,
    /// Those of each session that has said any of them, in the order in which it has.
    own: HashMap<SessionId, VecDeque<EventId>>,
    /// Lists that are empty, for those who speak next.
    spare: Vec<VecDeque<EventId>>,
    bytes: usize,
    /// Of one member, and bytes of all.
    most: (usize, usize),
    /// Something was appended in this turn.
    is_to_flush: bool,
    /// Those whose next line waits.
    waiting: BTreeSet<SessionId>,
    /// Those of whom the next line need not wait any more.
    released: Vec<SessionId>,
    /// The server ends: what is said from now on waits for ever.
    is_over: bool,
}

/// What is kept of a draft.
#[derive(Debug)]
struct UnderWay {
    /// Who has said it; `None` if it was said when its time came.
    session: Option<SessionId>,
    /// As what its client knows it.
    client_id: Option<Text>,
    bytes: usize,
    /// Whole lines for its session that are to come behind it.
    behind: Vec<u8>,
}

impl Drafts {
    pub(super) fn new() -> Self {
        Self {
            under_way: HashMap::new(),
            own: HashMap::new(),
            spare: Vec::new(),
            bytes: 0,
            most: (MOST_OF_ONE, MOST_BYTES),
            is_to_flush: false,
            waiting: BTreeSet::new(),
            released: Vec::new(),
            is_over: false,
        }
    }

    /// No more bytes than these may be under way in all.
    pub(super) fn limit(&mut self, bytes: usize) {
        self.most.1 = self.most.1.min(bytes);
    }

    fn is_full(&self) -> bool {
        self.bytes > self.most.1
    }

    /// What one session has said counts as said by another. What was to come behind it does not:
    /// that was for the other's connection.
    pub(super) fn pass_on(&mut self, from: SessionId, to: SessionId) {
        let was_full = self.is_full();
        let own = self.under_way.values_mut();
        for kept in own.filter(|kept| kept.session == Some(from)) {
            kept.session = Some(to);
            let behind = std::mem::take(&mut kept.behind).len();
            kept.bytes -= behind;
            self.bytes -= behind;
        }
        let before = self.own.remove(&from).unwrap_or_default();
        let own = self.own.entry(to).or_default();
        before.into_iter().rev().for_each(|id| own.push_front(id));
        if own.is_empty() {
            self.own.remove(&to);
        }
        if was_full && !self.is_full() {
            self.released.extend(std::mem::take(&mut self.waiting));
        }
    }

    /// A draft of a session is settled. Returns what comes behind it, unless something that was said
    /// before is still under way, of another log: then it comes behind that.
    fn release_behind(&mut self, session: SessionId, id: EventId, behind: Vec<u8>) -> Vec<u8> {
        let Some(own) = self.own.get_mut(&session) else {
            return behind;
        };
        let at = own.iter().position(|&one| one == id);
        if let Some(at) = at {
            own.remove(at);
        }
        let before = at
            .and_then(|at| at.checked_sub(1))
            .and_then(|at| own.get(at));
        let before = before.copied();
        if own.is_empty()
            && let Some(empty) = self.own.remove(&session)
            && self.spare.len() < MOST_OF_ONE
        {
            self.spare.push(empty);
        }
        match before.and_then(|before| self.under_way.get_mut(&before)) {
            Some(before) => {
                before.behind.extend_from_slice(&behind);
                before.bytes += behind.len();
                self.bytes += behind.len();
                Vec::new()
            }
            None => behind,
        }
    }

    /// Nothing more is heard of a session.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.waiting.remove(&session);
    }
}

impl Hub {
    /// Gives the log what is for it among the effects from this one on, which a session has brought
    /// about, if one has: drafts and questions. What is settled, or answered, at once takes their
    /// places.
    pub(super) fn give_to_log(
        &mut self,
        session: Option<SessionId>,
        client_id: Option<&Text>,
        first: usize,
        at: Moment,
    ) {
        let is_for_log = |effect: &Effect| matches!(effect, Effect::Append(_) | Effect::Query(_));
        if !self.effects[first..].iter().any(is_for_log) {
            return;
        }
        let mut effects = std::mem::take(&mut self.drafted);
        effects.extend(self.effects.drain(first..));
        for effect in effects.drain(..) {
            match effect {
                Effect::Append(draft) => self.append(session, client_id, draft, at),
                Effect::Query(query) => {
                    let asker = query.asker.into();
                    self.ask(session.unwrap_or(asker), query, at);
                }
                other => self.effects.push(other),
            }
        }
        self.drafted = effects;
    }

    fn append(
        &mut self,
        session: Option<SessionId>,
        client_id: Option<&Text>,
        draft: Draft,
        at: Moment,
    ) {
        let (id, member, reader) = (draft.id, draft.member, draft.reader());
        let text = draft.content.text().map_or(0, |text| text.len());
        if let (Some(session), Some(client_id)) = (session, client_id) {
            self.resuming.says(session, client_id, id);
        }
        match self.log.append(draft, at.utc) {
            Some(settled) => {
                self.settle_one(settled, session, client_id, at);
                self.chat.release(member, &mut self.effects);
            }
            None => {
                self.chat.hold(member, reader);
                let bytes = size_of::<Draft>() + text;
                self.drafts.bytes += bytes;
                self.drafts.is_to_flush = true;
                let kept = UnderWay {
                    session,
                    client_id: client_id.cloned(),
                    bytes,
                    behind: Vec::new(),
                };
                self.drafts.under_way.insert(id, kept);
                if let Some(session) = session {
                    let Drafts { own, spare, .. } = &mut self.drafts;
                    let own = own.entry(session);
                    own.or_insert_with(|| spare.pop().unwrap_or_default())
                        .push_back(id);
                }
            }
        }
    }

    /// The chat is told what has become of a draft that a session has made, if one has.
    fn settle_one(
        &mut self,
        settled: Settled,
        session: Option<SessionId>,
        client_id: Option<&Text>,
        at: Moment,
    ) {
        let (Settled::Committed { draft, .. } | Settled::Refused { draft, .. }) = &settled;
        let id = draft.id;
        let first = self.effects.len();
        self.chat.settle_draft(settled, at.now, &mut self.effects);
        self.note_asides(session, first);
        if let (Some(session), Some(client_id)) = (session, client_id) {
            let mut heard = None;
            for effect in &mut self.effects[first..] {
                match effect {
                    Effect::Say {
                        event: Event::Message(said),
                        ..
                    }
                    | Effect::Private { message: said, .. } => {
                        heard = Some((said.audience.clone(), said.place));
                    }
                    Effect::Tell {
                        answer: Answer::Refused(Refusal::NotKept { client_id: id, .. }),
                        ..
                    } => *id = Some(client_id.clone()),
                    _ => {}
                }
            }
            if heard.is_some() {
                self.named.insert(id, client_id.clone());
            }
            self.resuming.settled(session, id, heard);
        }
    }

    /// Whether anything was appended of which the log does not know that it is all for this turn.
    pub(super) fn has_appended(&self) -> bool {
        self.drafts.is_to_flush
    }

    /// The turn is over: what was said in it goes on its way.
    pub(in crate::server) fn flush(&mut self) {
        if std::mem::take(&mut self.drafts.is_to_flush) {
            self.log.flush();
        }
    }

    /// Has other limits than the usual ones: so many drafts of one member, and so many bytes of all
    /// may be under way before what is said next waits.
    pub fn limit_drafts(&mut self, most_of_one: usize, most_bytes: usize) {
        self.drafts.most = (most_of_one, most_bytes);
    }

    /// Asks the log what has become of drafts, and what it has found. Whose lines need not wait any more is told by
    /// [`take_released`](Self::take_released). Returns whether there may be more news: so much is
    /// to be delivered that it comes [first](Self::has_large_deliveries).
    #[must_use]
    pub fn settle(&mut self, at: Moment) -> bool {
        self.apply_what_was();
        self.at = at;
        self.asides.clear();
        let was_full = self.drafts.is_full();
        while !self.has_large_deliveries()
            && let Some(news) = self.log.next_news()
        {
            let settled = match news {
                News::Settled(settled) => settled,
                News::Found(found) => {
                    self.tell_found(found, at);
                    continue;
                }
                News::Recalled { recall, found } => {
                    self.tell_recalled(&recall, found, at);
                    continue;
                }
            };
            let (Settled::Committed { draft, .. } | Settled::Refused { draft, .. }) = &settled;
            let (id, member) = (draft.id, draft.member);
            let Some(kept) = self.drafts.under_way.remove(&id) else {
                debug_assert!(false, "a draft is settled once");
                continue;
            };
            self.drafts.bytes -= kept.bytes;
            let first = self.effects.len();
            self.settle_one(settled, kept.session, kept.client_id.as_ref(), at);
            if let Some(session) = kept.session {
                self.note_author(session, first);
                let behind = self.drafts.release_behind(session, id, kept.behind);
                self.tell_as_it_is(session, &behind);
            }
            self.chat.release(member, &mut self.effects);
            self.apply();
            // A command waits for all of them, a message for room.
            let left = self.chat.drafts_of(member);
            if left == 0 || left == self.drafts.most.0 / 2 {
                self.release(member);
            }
        }
        if was_full && !self.drafts.is_full() {
            let waiting = std::mem::take(&mut self.drafts.waiting);
            self.drafts.released.extend(waiting);
        }
        self.has_large_deliveries()
    }

    /// The effects from this one on have come of what a session has said. If that has ended since,
    /// its member's others hear it as they hear those of others, and are told what has become of
    /// it.
    fn note_author(&mut self, session: SessionId, first: usize) {
        if self.sessions.has(session) {
            return self.note_call(session, first);
        }
        for effect in &mut self.effects[first..] {
            if let Effect::Say { except, .. } = effect {
                *except = None;
            }
        }
    }

    fn release(&mut self, member: MemberId) {
        let Drafts {
            waiting, released, ..
        } = &mut self.drafts;
        let of_member = self.sessions.of(member);
        released.extend(of_member.filter(|session| waiting.remove(session)));
    }

    /// Reads on from a session, unless something else is still to be waited for.
    pub(super) fn release_session(&mut self, session: SessionId) {
        self.drafts.waiting.remove(&session);
        self.drafts.released.push(session);
    }

    /// Tells one session something that only its framing has words for, behind all that it has said
    /// so far.
    pub fn tell_behind(&mut self, session: SessionId, lines: &[u8]) {
        if let Some(behind) = self.queries.behind(session) {
            return behind.extend_from_slice(lines); // little: it is not heard any further
        }
        let Drafts {
            under_way,
            own,
            bytes,
            waiting,
            ..
        } = &mut self.drafts;
        let latest = own.get(&session).and_then(VecDeque::back);
        match latest.and_then(|latest| under_way.get_mut(latest)) {
            Some(latest) => {
                if latest.behind.len() + lines.len() > MOST_BEHIND {
                    waiting.insert(session);
                }
                latest.behind.extend_from_slice(lines);
                latest.bytes += lines.len();
                *bytes += lines.len();
            }
            None => self.tell_as_it_is(session, lines),
        }
    }

    /// Whose lines waited for the log, and need not any more.
    pub fn take_released(&mut self) -> Vec<SessionId> {
        std::mem::take(&mut self.drafts.released)
    }

    /// The server ends when what is under way is settled: no line is heard any more that would be,
    /// too.
    pub(in crate::server) fn hear_no_more(&mut self) {
        self.drafts.is_over = true;
    }

    /// Whether a line of a session's has to wait: it is a command, and what its member has said
    /// before is still under way; or too much is.
    pub(in crate::server) fn has_to_wait(&mut self, session: SessionId, line: &str) -> bool {
        if !self.is_log_busy() {
            return false; // nearly always
        }
        let Some(member) = self.member(session) else {
            return false;
        };
        let waits = self.drafts.is_over
            || self.drafts.is_full()
            || self.chat.drafts_of(member) >= self.drafts.most.0
            || self.queries.has(session)
            || self.overtakes(session, line);
        if waits {
            self.drafts.waiting.insert(session);
        }
        waits
    }

    /// The same of a command that is no line.
    pub(in crate::server) fn command_has_to_wait(&mut self, session: SessionId) -> bool {
        let waits = self.is_log_busy() && (self.drafts.is_over || self.awaits_its_own(session));
        if waits {
            self.drafts.waiting.insert(session);
        }
        waits
    }

    /// Whether anybody waits for the log.
    fn is_log_busy(&self) -> bool {
        self.awaits_news() || self.drafts.is_over
    }

    /// Whether what a session's member has said, or it has asked, is under way.
    pub(in crate::server) fn awaits_its_own(&self, session: SessionId) -> bool {
        let of_member = |member| self.chat.drafts_of(member) > 0;
        self.member(session).is_some_and(of_member) || self.queries.has(session)
    }

    /// Whether a line of a session's would come before what its member has said before, or it has
    /// asked, if it was heard now.
    pub(in crate::server) fn overtakes(&self, session: SessionId, line: &str) -> bool {
        let member = self.member(session);
        let asks = self.queries.has(session);
        member.is_some_and(|member| {
            (asks || self.chat.drafts_of(member) > 0)
                && match self.chat.message_in(member, line) {
                    Some(Some(to)) => !self.would_reach(member, to, line.len()),
                    Some(None) => false,
                    None => true,
                }
        })
    }

    /// Whether a session's end has to wait, as a command has: what it has said, or asked, is
    /// under way, and it may yet be told something of it. It is
    /// [released](Self::take_released) when it need not any more.
    #[must_use]
    pub fn end_has_to_wait(&mut self, session: SessionId) -> bool {
        let waits = self.awaits_its_own(session);
        if waits {
            self.drafts.waiting.insert(session);
        }
        waits
    }

    /// Whether a session's next line waits for the log.
    pub(in crate::server) fn awaits_log(&self, session: SessionId) -> bool {
        let waits = !self.drafts.waiting.is_empty() && self.drafts.waiting.contains(&session);
        waits || self.queries.has(session)
    }

    /// Whether anything that was said is still to get its place.
    #[must_use]
    pub fn has_drafts(&self) -> bool {
        !self.drafts.under_way.is_empty()
    }

    /// Whether the log has still to settle, or to answer, anything.
    #[must_use]
    pub fn awaits_news(&self) -> bool {
        self.has_drafts() || !self.queries.is_empty()
    }

    /// How the log does, if it keeps what it is given.
    #[must_use]
    pub fn log_report(&self) -> Option<Report> {
        self.log.report()
    }

    /// Bytes of drafts that are under way.
    #[must_use]
    pub fn draft_bytes(&self) -> usize {
        self.drafts.bytes
    }
}

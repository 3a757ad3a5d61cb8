//! What is said to one member alone that does not keep up.
//!
//! If none of its sessions takes it now, it gets no place, and its author is told so: nobody will
//! ever hear it. If one does, it is said; a session that does not take it then is spared it, and is
//! told how many there were, since it is remembered.

use super::Hub;
use crate::chat::{Answer, Effect, MemberId, Recipient, Refusal, Text};
use crate::server::core::sessions::SessionId;

/// How something reaches those who hear it that is said to one member alone.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// The session that has said it, if it is still there.
    pub(super) said_by: Option<SessionId>,
    /// The sessions that do without.
    pub(super) spared: Vec<SessionId>,
}

impl Hub {
    /// Takes out the drafts that are for one member alone who does not keep up, of the effects from
    /// this one on. Their author's client may know them by an id of its own.
    pub(super) fn hold_off(&mut self, client_id: Option<&Text>, first: usize) {
        let mut held_off = Vec::new();
        for (at, effect) in self.effects.iter().enumerate().skip(first) {
            if let Effect::Append(draft) = effect
                && let Recipient::Member(reader) = &draft.to
                && let bytes = draft.content.text().map_or(0, |text| text.len())
                && !self.would_reach(draft.member, reader.id, bytes)
            {
                held_off.push((at, draft.member, reader.id, reader.who.nickname.clone()));
            }
        }
        for (at, author, to, nickname) in held_off {
            let sessions = self.sessions.of(to);
            sessions.for_each(|session| self.slow_readers.leave_out_private(session));
            let client_id = client_id.cloned();
            let refusal = Refusal::NotDelivered {
                nickname,
                client_id,
            };
            self.effects[at] = Effect::Tell {
                to: author,
                answer: Answer::Refused(refusal),
            };
        }
    }

    /// Whether something that is said to a member alone would be taken by any of its sessions now;
    /// or its author need not know that it is not.
    pub(super) fn would_reach(&self, from: MemberId, to: MemberId, bytes: usize) -> bool {
        let takes = |session| {
            self.fan_out.skipped(session).is_none()
                && self.slow_readers.would_take_private(session, from, bytes)
        };
        // Who is cut off, and has still something to say, may come back to it.
        self.sessions.of(to).next().is_none()
            || self.sessions.of(to).any(takes)
            || self.chat.ignored_by(to).any(|ignored| ignored == from)
    }

    /// Notes what is said to one member alone, of the effects from this one on, which a session has
    /// brought about: who is spared it of its readers, and of the author's other sessions.
    pub(super) fn note_asides(&mut self, said_by: Option<SessionId>, first: usize) {
        let Self {
            fan_out,
            slow_readers,
            effects,
            sessions,
            asides,
            ..
        } = self;
        for effect in &effects[first..] {
            let Effect::Private {
                author,
                reader,
                message,
            } = effect
            else {
                continue;
            };
            let (from, bytes) = (message.member, message.text.len());
            let mut takes = |session: SessionId| match fan_out.skipped(session) {
                Some(_) => {
                    slow_readers.leave_out_private(session);
                    false
                }
                None => slow_readers.takes_private(session, from, bytes),
            };
            let said_by = said_by.filter(|&session| sessions.has(session));
            // Who has said it to itself waits for it.
            let is_echo = |session| author == reader && Some(session) == said_by;
            let readers = reader.iter().flat_map(|&reader| sessions.of(reader));
            let readers = readers.filter(|&session| !is_echo(session));
            let others = author.filter(|_| author != reader);
            let others = others.iter().flat_map(|&author| sessions.of(author));
            let others = others.filter(|&session| Some(session) != said_by);
            let all = readers.chain(others);
            let spared = all.filter(|&session| !takes(session)).collect();
            asides.insert(message.place.id, Aside { said_by, spared });
        }
    }
}

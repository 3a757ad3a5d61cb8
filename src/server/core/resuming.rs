//! Sessions that may be resumed after a cut, without a socket, a clock or a loop.
//!
//! A session of a program has a secret *token*. Whoever knows it gets back what the session was:
//! its member, or, if that has left since, its name and rooms. And what it has said with an id of
//! its own is known for a while, so that it may say again what it is not sure of: nothing is lost,
//! and nothing is said twice.
//!
//! Of those who are gone no more is kept than a stated time and a stated number of bytes; then the
//! oldest are forgotten.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;

use crate::chat::{Absent, Audience, EventId, MemberId, Millis, Place, Text};
use crate::server::core::flood::Bucket;
use crate::server::core::sessions::SessionId;

/// How many messages of a session are known by its client's ids. A client has no more on the way
/// than that.
pub const CLIENT_IDS: usize = 64;

/// Bytes that such an id may have: enough for a UUID.
pub const CLIENT_ID_BYTES: usize = 40;

/// Bytes that are kept of all who are gone, unless there are [fewer](Resuming::limit).
const GONE_BYTES: usize = 8 * 1024 * 1024;

// There is one for each program that is connected.
const _: () = assert!(size_of::<Resumable>() <= 64);

/// What a session is resumed by. Nobody guesses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResumeToken(u128);

impl ResumeToken {
    /// From what was drawn at random, by a generator that nobody can foresee.
    #[must_use]
    pub fn new(random: u128) -> Self {
        Self(random)
    }
}

impl fmt::Debug for ResumeToken {
    /// It is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken")
    }
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for ResumeToken {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The standard library takes a plus, and any number of leading zeros.
        let is_token = text.len() == 32 && !text.starts_with('+');
        let digits = if is_token { text } else { "no digits" };
        u128::from_str_radix(digits, 16).map(Self)
    }
}

/// What somebody has said with an id of its client's.
#[derive(Clone, Debug)]
pub(in crate::server) struct SaidBefore {
    client_id: Text,
    event: EventId,
    /// Who has heard it, and where; `None` as long as it has no place.
    pub(in crate::server) heard: Option<(Audience, Place)>,
}

/// A session that may be resumed.
#[derive(Debug)]
pub(in crate::server) struct Resumable {
    pub(in crate::server) session: SessionId,
    /// Nearly all are here.
    pub(in crate::server) gone: Option<Box<Gone>>,
    /// What its connection had still to make up for.
    pub(in crate::server) bucket: Bucket,
    said: VecDeque<SaidBefore>,
}

impl SaidBefore {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.client_id.len()
    }
}

impl Resumable {
    fn said_bytes(&self) -> usize {
        self.said.iter().map(SaidBefore::bytes).sum()
    }
}

/// What is kept of a session whose connection is gone.
#[derive(Debug)]
pub(in crate::server) struct Gone {
    /// Whose it was. It may still be there: by another session, or until its drafts are settled.
    pub(in crate::server) member: MemberId,
    pub(in crate::server) absent: Absent,
    until: Millis,
    bytes: usize,
}

/// All of them.
#[derive(Debug)]
pub(in crate::server) struct Resuming {
    most_gone: usize,
    all: HashMap<ResumeToken, Resumable>,
    /// Of those that are here, and of those gone whose drafts are under way.
    tokens: HashMap<SessionId, ResumeToken>,
    gone: BTreeSet<(Millis, ResumeToken)>,
    gone_bytes: usize,
    said_bytes: usize,
}

impl Default for Resuming {
    fn default() -> Self {
        Self {
            most_gone: GONE_BYTES,
            all: HashMap::new(),
            tokens: HashMap::new(),
            gone: BTreeSet::new(),
            gone_bytes: 0,
            said_bytes: 0,
        }
    }
}

impl Resuming {
    /// No more bytes than these are kept of all who are gone.
    pub(in crate::server) fn limit(&mut self, bytes: usize) {
        self.most_gone = self.most_gone.min(bytes);
    }

    /// A session may be resumed by this from now on, and by no other. It may have been another
    /// before: then what that has said is known of it.
    pub(in crate::server) fn grant(
        &mut self,
        session: SessionId,
        token: ResumeToken,
        before: Option<Resumable>,
    ) {
        self.forget(session);
        let said = before.map_or_else(VecDeque::new, |before| before.said);
        self.said_bytes += said.iter().map(SaidBefore::bytes).sum::<usize>();
        let new = Resumable {
            session,
            gone: None,
            bucket: Bucket::default(),
            said,
        };
        self.tokens.insert(session, token);
        self.all.insert(token, new);
    }

    /// The session that may be resumed by a token. It may not be any more.
    pub(in crate::server) fn take(&mut self, token: ResumeToken) -> Option<Resumable> {
        let found = self.all.remove(&token)?;
        self.tokens.remove(&found.session);
        self.said_bytes -= found.said_bytes();
        if let Some(gone) = &found.gone {
            self.gone.remove(&(gone.until, token));
            self.gone_bytes -= gone.bytes;
        }
        Some(found)
    }

    fn of(&mut self, session: SessionId) -> Option<&mut Resumable> {
        self.all.get_mut(self.tokens.get(&session)?)
    }

    /// The session that may be resumed by a token, and its member, if the session is gone.
    pub(in crate::server) fn whose(
        &self,
        token: ResumeToken,
    ) -> Option<(SessionId, Option<MemberId>)> {
        let found = self.all.get(&token)?;
        let gone = found.gone.as_ref();
        Some((found.session, gone.map(|gone| gone.member)))
    }

    /// What somebody was who has left, and comes back by this token.
    pub(in crate::server) fn absent(&self, token: ResumeToken) -> Option<&Absent> {
        let found = self.all.get(&token)?;
        found.gone.as_ref().map(|gone| &gone.absent)
    }

    /// Whether a token is that of a session.
    pub(in crate::server) fn is_of(&self, session: SessionId, token: ResumeToken) -> bool {
        self.tokens.get(&session) == Some(&token)
    }

    /// What the connection of a session has still to make up for.
    pub(in crate::server) fn note_bucket(&mut self, session: SessionId, bucket: Bucket) {
        if let Some(found) = self.of(session) {
            found.bucket = bucket;
        }
    }

    /// Whether a session may be resumed.
    pub(in crate::server) fn is_granted(&self, session: SessionId) -> bool {
        self.tokens.contains_key(&session)
    }

    /// A session that is here has said something, which has no place yet.
    pub(in crate::server) fn says(&mut self, session: SessionId, client_id: &Text, event: EventId) {
        let Some(found) = self.of(session) else {
            return;
        };
        let oldest = match found.said.len() < CLIENT_IDS {
            true => None,
            // What was settled first: its client has read that, or of as many as it may have on the
            // way nothing. What is under way it does not know of.
            false => {
                let settled = found.said.iter().position(|said| said.heard.is_some());
                found.said.remove(settled.unwrap_or(0))
            }
        };
        let said = SaidBefore {
            client_id: client_id.clone(),
            event,
            heard: None,
        };
        let more = said.bytes();
        found.said.push_back(said);
        self.said_bytes = self.said_bytes + more - oldest.map_or(0, |oldest| oldest.bytes());
    }

    /// What it has said has its place; or has none, and nobody will hear it.
    pub(in crate::server) fn settled(
        &mut self,
        session: SessionId,
        event: EventId,
        heard: Option<(Audience, Place)>,
    ) {
        let Some(found) = self.of(session) else {
            return;
        };
        let said = &mut found.said;
        if let Some(at) = said.iter().rposition(|said| said.event == event) {
            match heard {
                Some(_) => {
                    let settled = said.remove(at);
                    said.extend(settled.map(|said| SaidBefore { heard, ..said }));
                }
                None => {
                    let bytes = said.remove(at).map_or(0, |said| said.bytes());
                    self.said_bytes -= bytes;
                }
            }
        }
    }

    /// What a session has said with that id, as far as that is known.
    pub(in crate::server) fn said(
        &mut self,
        session: SessionId,
        client_id: &str,
    ) -> Option<&SaidBefore> {
        let said = &self.of(session)?.said;
        said.iter().rfind(|said| said.client_id == client_id)
    }

    /// With which ids of its client's a session has said these.
    pub(in crate::server) fn own(
        &mut self,
        session: SessionId,
        events: impl Iterator<Item = EventId>,
    ) -> Vec<(EventId, Text)> {
        let Some(found) = self.of(session) else {
            return Vec::new();
        };
        let said = &found.said;
        let own = |event| said.iter().find(|said| said.event == event);
        let own = events.filter_map(|event| Some((event, own(event)?.client_id.clone())));
        own.collect()
    }

    /// A session's connection is gone, and it may be resumed until then. Does nothing if it cannot
    /// be.
    pub(in crate::server) fn goes(
        &mut self,
        session: SessionId,
        member: MemberId,
        absent: Absent,
        until: Millis,
    ) {
        let Some(&token) = self.tokens.get(&session) else {
            return;
        };
        let Some(found) = self
            .all
            .get_mut(&token)
            .filter(|found| found.gone.is_none())
        else {
            return;
        };
        let own = size_of::<Resumable>() + size_of::<Gone>();
        let bytes = own + absent.weight() + found.said_bytes();
        found.gone = Some(Box::new(Gone {
            member,
            absent,
            until,
            bytes,
        }));
        self.gone.insert((until, token));
        self.gone_bytes += bytes;
        while self.gone_bytes > self.most_gone
            && let Some(&(_, oldest)) = self.gone.first()
        {
            self.take(oldest);
        }
    }

    /// A session that is here cannot be resumed any more: it has ended as it wanted to, or was
    /// sent away. Of one that is gone all is kept.
    pub(in crate::server) fn forget(&mut self, session: SessionId) {
        if let Some(&token) = self.tokens.get(&session)
            && self
                .all
                .get(&token)
                .is_some_and(|found| found.gone.is_none())
        {
            self.take(token);
        }
    }

    /// Nobody goes on with any session that a member had.
    pub(in crate::server) fn forget_member(&mut self, member: MemberId) {
        let is_of = |found: &Resumable| {
            found
                .gone
                .as_ref()
                .is_some_and(|gone| gone.member == member)
        };
        let of_member = self.gone.iter().map(|&(_, token)| token);
        let of_member: Vec<ResumeToken> = of_member
            .filter(|token| self.all.get(token).is_some_and(is_of))
            .collect();
        for token in of_member {
            self.take(token);
        }
    }

    /// When the next of those who are gone is forgotten.
    pub(in crate::server) fn next(&self) -> Option<Millis> {
        self.gone.first().map(|&(until, _)| until)
    }

    /// Forgets those whose time is over.
    pub(in crate::server) fn expire(&mut self, now: Millis) {
        while let Some(&(until, token)) = self.gone.first()
            && until <= now
        {
            self.take(token);
        }
    }

    /// Bytes that are kept of all.
    pub(in crate::server) fn bytes(&self) -> usize {
        // Of those who are gone it is counted twice what they have said: it is bounded.
        self.gone_bytes + self.said_bytes
    }

    /// Bytes that are kept of what a session has said.
    pub(in crate::server) fn bytes_of(&self, session: SessionId) -> usize {
        let token = self.tokens.get(&session);
        let found = token.and_then(|token| self.all.get(token));
        found.map_or(0, Resumable::said_bytes)
    }

    /// Whether nothing is kept of anybody.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.tokens.is_empty() && self.gone.is_empty()
    }
}

//! The books of what sessions may be resumed by, and of what those were whose connections are gone.

use std::collections::{BTreeMap, BTreeSet};

use loopchat::chat::{MemberId, Millis, Peer};
use loopchat::server::core::resuming::ResumeToken;
use loopchat::server::sessions::SessionId;

use super::checker::Checker;
use super::drafts::Leaving;

#[derive(Default)]
pub struct Tokens(BTreeMap<ResumeToken, Granted>);

/// A session that may be resumed.
struct Granted {
    session: SessionId,
    gone: Option<Gone>,
    /// When its connection would have made up for all that it had asked for.
    debts: u64,
}

/// What a session was whose connection is gone.
pub struct Gone {
    pub member: MemberId,
    pub nickname: String,
    pub room: String,
    pub watched: Vec<String>,
    pub ignored: BTreeSet<MemberId>,
    /// Where its member came from, and the number of the connection that it came with: by these it
    /// is muted.
    pub peer: Peer,
    pub number: usize,
    until: Millis,
}

/// How a session goes on.
pub enum GoesOn {
    /// Its member has left: a newcomer is what that was.
    AsNewcomer(Gone),
    /// Its member is there, and its connection may be.
    AsMember { member: MemberId, is_gone: bool },
}

/// A session that is resumed.
pub struct Known {
    pub token: ResumeToken,
    pub session: SessionId,
    pub goes_on: GoesOn,
    /// What the connection has still to make up for, if it is gone.
    pub debts: u64,
}

impl Tokens {
    /// A session may be resumed by this, and by no other.
    pub fn grant(&mut self, session: SessionId, token: ResumeToken) {
        self.end(session);
        let granted = Granted {
            session,
            gone: None,
            debts: 0,
        };
        self.0.insert(token, granted);
    }

    fn goes(&mut self, session: SessionId, gone: Gone) {
        let mut all = self.0.values_mut();
        if let Some(granted) = all.find(|granted| granted.session == session) {
            granted.gone.get_or_insert(gone);
        }
    }

    /// The connection of a session is closed that had still to make up for so much.
    pub fn note_debts(&mut self, session: SessionId, debts: u64) {
        let mut all = self.0.values_mut();
        if let Some(granted) = all.find(|granted| granted.session == session) {
            granted.debts = debts;
        }
    }

    /// A session has ended: if not by being gone, it is over.
    pub fn end(&mut self, session: SessionId) {
        self.0
            .retain(|_, granted| granted.session != session || granted.gone.is_some());
    }

    /// A member was sent away, or has said that it goes.
    pub fn over(&mut self, member: MemberId) {
        let is_of = |gone: &Gone| gone.member == member;
        self.0
            .retain(|_, granted| !granted.gone.as_ref().is_some_and(is_of));
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Millis) {
        let is_over = |gone: &Gone| gone.until <= now;
        self.0
            .retain(|_, granted| !granted.gone.as_ref().is_some_and(is_over));
    }
}

impl Checker {
    /// The connection of a session goes, by no wish of its member's: what that is, is kept.
    pub fn session_goes(&mut self, session: SessionId, now: Millis, resume_time: Millis) {
        let Some(member) = self.member_of(session) else {
            return;
        };
        let Some(seat) = self.seat(member) else {
            return;
        };
        if matches!(seat.leaving, Some(Leaving::Expelled { .. })) {
            return;
        }
        let name = |room| self.rooms.get(room).map(|room| room.name.to_string());
        let gone = Gone {
            member,
            nickname: seat.nickname.clone(),
            room: name(seat.room).unwrap_or_default(),
            watched: seat.watched.iter().filter_map(|&room| name(room)).collect(),
            ignored: seat.ignored.clone(),
            peer: seat.peer,
            number: seat.number,
            until: now + resume_time,
        };
        self.tokens.goes(session, gone);
    }

    /// Which session a newcomer goes on with that shows a token; `None` if it cannot. A token that
    /// is another's is used up by that, until it is granted anew.
    pub fn goes_on(&mut self, newcomer: SessionId, token: ResumeToken) -> Option<Known> {
        let granted = self.tokens.0.get(&token)?;
        if granted.session == newcomer {
            return None;
        }
        let Granted {
            session,
            gone,
            debts,
        } = self.tokens.0.remove(&token)?;
        let member = gone.as_ref().map(|gone| gone.member);
        let member = member.or_else(|| self.member_of(session));
        let seat = member.and_then(|member| self.seat(member));
        let goes_on = match (seat.map(|seat| &seat.leaving), gone) {
            (Some(Some(Leaving::Expelled { .. })), _) => return None,
            (Some(_), gone) => GoesOn::AsMember {
                member: member?,
                is_gone: gone.is_some(),
            },
            (None, gone) => GoesOn::AsNewcomer(gone?),
        };
        Some(Known {
            token,
            session,
            goes_on,
            debts,
        })
    }
}

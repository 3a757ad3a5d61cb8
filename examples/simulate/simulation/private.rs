//! The model of what two members say to each other alone: in which order, and what is kept.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use loopchat::chat::{
    Answer, Audience, Draft, Effect, Epoch, Event, LogId, MemberId, Message, Millis, Name, Person,
    Place,
};
use loopchat::server::Config;

use super::checker::{Checker, Seat};
use super::newcomers::reaches;
use super::rooms::keep;
use super::{Checked, violated};

/// All of them.
pub struct PrivateLogs {
    logs: BTreeMap<LogId, Log>,
    /// Whom those are now who have left, and are back.
    heirs: BTreeMap<MemberId, MemberId>,
    limits: (usize, usize),
}

pub struct Log {
    members: [MemberId; 2],
    epoch: Epoch,
    number: u64,
    time: Millis,
    kept: VecDeque<Rc<Message>>,
    has_forgotten: bool,
    /// The largest number of what is not kept any more.
    forgotten_to: u64,
}

impl PrivateLogs {
    pub fn new(config: &Config) -> Self {
        Self {
            logs: BTreeMap::new(),
            heirs: BTreeMap::new(),
            limits: (config.history as usize, config.history_bytes as usize),
        }
    }

    /// All of one member.
    pub fn of(&self, member: MemberId) -> impl Iterator<Item = &Log> {
        let logs = self.logs.values();
        logs.filter(move |log| log.members.contains(&member))
    }

    /// Whom a draft is for by now: who was cut off may be back.
    fn heir(&self, mut reader: MemberId) -> MemberId {
        while let Some(&heir) = self.heirs.get(&reader) {
            reader = heir;
        }
        reader
    }

    /// The log of two, by whatever it is known.
    fn between(&mut self, one: MemberId, other: MemberId) -> Option<LogId> {
        let mut logs = self.logs.iter();
        let is_theirs = |log: &Log| log.members == [one, other] || log.members == [other, one];
        logs.find(|(_, log)| is_theirs(log)).map(|(&key, _)| key)
    }

    /// Somebody has left: what nobody is left to read is forgotten.
    pub fn leave(&mut self, is_here: impl Fn(MemberId) -> bool) {
        self.logs
            .retain(|_, log| log.members.into_iter().any(&is_here));
    }
}

impl Log {
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// All that was said behind that; `None` if not all of it is kept.
    pub fn since(&self, number: u64) -> Option<Vec<Event>> {
        let is_known = (self.forgotten_to..=self.number).contains(&number);
        let behind = self.kept.iter().filter(|said| said.place.number > number);
        is_known.then(|| behind.cloned().map(Event::Message).collect())
    }

    /// How many messages there were, if all are kept.
    pub fn whole(&self) -> usize {
        match self.forgotten_to {
            0 => self.kept.len(),
            _ => 0,
        }
    }
}

impl Checker {
    /// A member is who another was, and reads what that has read.
    pub(super) fn inherit_private(&mut self, before: MemberId, member: MemberId) {
        let logs = &mut self.private.logs;
        let partner_of = |log: &Log, one: MemberId| match log.members {
            [first, other] if first == one => Some(other),
            [other, second] if second == one => Some(other),
            _ => None,
        };
        let partners: Vec<MemberId> = logs
            .values()
            .filter_map(|log| partner_of(log, before))
            .collect();
        // What it has said as a newcomer is not what it was.
        logs.retain(|_, log| partner_of(log, member).is_none_or(|one| !partners.contains(&one)));
        for log in logs.values_mut() {
            for one in log.members.iter_mut().filter(|one| **one == before) {
                *one = member;
            }
        }
        self.private.heirs.insert(before, member);
    }

    /// Something is to be said to one member alone.
    pub(super) fn drafted_private(
        &mut self,
        draft: &Draft,
        (reader, who): (MemberId, &Person),
    ) -> Checked {
        self.check_person(reader, who)?;
        let known = self.private.logs.get(&draft.log()).map(|log| log.epoch);
        match known.is_none_or(|epoch| epoch == draft.epoch) {
            true => Ok(()),
            false => violated(
                "what two say to each other is in one log",
                format!("{draft:?}"),
            ),
        }
    }

    /// It has its place: what must come of it.
    pub(super) fn committed_private(
        &mut self,
        draft: Draft,
        (reader, nickname): (MemberId, Name),
        (kind, text): (loopchat::chat::MessageKind, loopchat::chat::Text),
        (number, time): (u64, Millis),
    ) -> Checked<Vec<Effect>> {
        let (from, reader) = (draft.member, self.private.heir(reader));
        if self.seat(from).is_none() && self.seat(reader).is_none() {
            return Ok(Vec::new());
        }
        let new = || Log {
            members: [from, reader],
            epoch: draft.epoch,
            number: 0,
            time: 0,
            kept: VecDeque::new(),
            has_forgotten: false,
            forgotten_to: 0,
        };
        let is_new = self.rooms.is_new(draft.id);
        let key = self.private.between(from, reader).unwrap_or(draft.log());
        let log = self.private.logs.entry(key).or_insert_with(new);
        if !is_new || log.number >= number {
            let seen = format!("{draft:?}: {number}");
            return violated("numbers between two grow, and ids are unique", seen);
        }
        log.time = log.time.max(time);
        let place = Place {
            id: draft.id,
            number,
            previous: std::mem::replace(&mut log.number, number),
            time: log.time,
        };
        let epoch = log.epoch;
        let message = Rc::new(Message {
            place,
            audience: Audience::Member { nickname, epoch },
            author: draft.author,
            member: from,
            kind,
            text,
        });
        let forgotten = keep(&mut log.kept, &message, self.private.limits);
        log.has_forgotten |= forgotten.is_some();
        log.forgotten_to = log.forgotten_to.max(forgotten.unwrap_or(0));
        if log.kept.is_empty() {
            self.private.logs.remove(&key); // nothing is to be kept
        }
        let wants = |seat: &&Seat| !seat.ignored.contains(&from);
        Ok(vec![Effect::Private {
            author: self.seat(from).map(|_| from),
            reader: self.seat(reader).filter(wants).map(|_| reader),
            message,
        }])
    }

    /// Whether what is told is what two have said to each other last.
    pub(super) fn check_private_history(
        &self,
        reader: MemberId,
        with: MemberId,
        count: usize,
        answer: &Answer,
    ) -> Checked {
        let ignored = self.seat(reader).map(|seat| &seat.ignored);
        let is_wanted = |member| ignored.is_none_or(|ignored| !ignored.contains(&member));
        let logs = self.private.logs.values();
        let log = logs
            .into_iter()
            .find(|log| log.members == [reader, with] || log.members == [with, reader]);
        let kept = log.map(|log| &log.kept);
        let kept: Vec<_> = kept
            .into_iter()
            .flatten()
            .filter(|said| is_wanted(said.member))
            .cloned()
            .collect();
        let wanted = &kept[kept.len().saturating_sub(count)..];
        let reach = match log {
            Some(log) => reaches(log.has_forgotten, count, &kept),
            None => (self.private.limits.0 > 0, None),
        };
        let nickname = self.seat(with).map_or("", |seat| &seat.nickname);
        let is_same = matches!(
            answer,
            Answer::History {
                of: Audience::Member { nickname: told, .. }, messages, is_whole, next, ..
            } if **told == *nickname && **messages == *wanted && (*is_whole, *next) == reach
        );
        match is_same {
            true => Ok(()),
            false => violated(
                "what two have said is what is repeated",
                format!("{answer:?}, not {wanted:?}"),
            ),
        }
    }
}

//! What two members say to each other alone: a log for each such pair, read by the two only, and
//! remembered as long as one of them is here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::rc::Rc;

use super::history::{History, Repeated};
use super::timeline::Timeline;
use super::{
    Audience, Chat, Content, Effect, Epoch, EventId, MemberId, Message, Millis, Name, Pair, Person,
    Position, name,
};

/// What a log costs beside what is said: its fields, and its places in the tables.
const OVERHEAD: usize = size_of::<Timeline>() + size_of::<Pair>() + 128;

/// All of them together are kept within this part of what histories may take.
const PRIVATE_SHARE: usize = 4;

/// With so many who are gone a member has logs still; then those are forgotten who left first.
const MOST_GONE: usize = 100;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct PrivateLogs {
    logs: BTreeMap<Pair, PrivateLog>,
    /// With whom members have one. Who is gone is known as long as the other is here.
    partners: HashMap<MemberId, BTreeSet<MemberId>>,
    /// Those of them who are gone, in the order in which they left.
    gone: HashMap<MemberId, VecDeque<(MemberId, Name)>>,
    /// How many drafts are under way to each.
    under_way: HashMap<MemberId, usize>,
    /// Whom those are now who have left while drafts to them are under way.
    heirs: HashMap<MemberId, MemberId>,
    /// How many were forgotten.
    forgotten: u64,
    /// Some of them while somebody was here who could have read them.
    has_pushed_out: bool,
    /// What all of them take.
    bytes: usize,
}

/// One of them.
#[derive(Debug)]
struct PrivateLog {
    /// The two whom it began with: what the log that gives places knows it by, whoever they are by
    /// now.
    key: Pair,
    timeline: Timeline,
}

impl PrivateLogs {
    /// Whose oldest was heard when, and its number.
    fn oldest(&self) -> impl Iterator<Item = ((Millis, u64), Pair)> {
        let logs = self.logs.iter();
        logs.filter_map(|(&pair, log)| Some((log.timeline.history.oldest()?, pair)))
    }

    fn oldest_of(&self, pair: Pair) -> Option<(Millis, u64)> {
        self.logs.get(&pair)?.timeline.history.oldest()
    }

    /// Whether any of them was forgotten that somebody could still have read: then one that is not
    /// here may have been one of those.
    pub(super) fn has_pushed_out(&self) -> bool {
        self.has_pushed_out
    }

    /// Bytes of memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A draft to a member takes its time.
    pub(super) fn is_under_way_to(&mut self, to: MemberId) {
        *self.under_way.entry(to).or_default() += 1;
    }

    /// A draft to a member is settled. Whom it is for now: who was cut off meanwhile may be back.
    pub(super) fn is_settled_to(&mut self, to: MemberId) -> MemberId {
        let heir = self.heirs.get(&to).copied().unwrap_or(to);
        if let Some(count) = self.under_way.get_mut(&to) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&to);
                self.heirs.remove(&to);
            }
        }
        heir
    }

    /// What all of them take, by looking at all of them.
    #[cfg(all(test, feature = "server"))]
    pub(super) fn weigh(&self) -> usize {
        let logs = self.logs.values();
        logs.map(|log| log.timeline.history.weight() + OVERHEAD)
            .sum()
    }

    fn remove(&mut self, pair: Pair) -> Option<PrivateLog> {
        for one in [pair.one(), pair.other()] {
            if let Some(partners) = self.partners.get_mut(&one) {
                partners.remove(&pair.partner_of(one));
                if partners.is_empty() {
                    self.partners.remove(&one);
                }
            }
            if let Some(gone) = self.gone.get_mut(&one) {
                gone.retain(|(partner, _)| *partner != pair.partner_of(one));
                if gone.is_empty() {
                    self.gone.remove(&one);
                }
            }
        }
        self.logs.remove(&pair)
    }

    fn insert(&mut self, pair: Pair, log: PrivateLog) {
        for one in [pair.one(), pair.other()] {
            let partners = self.partners.entry(one).or_default();
            partners.insert(pair.partner_of(one));
        }
        self.logs.insert(pair, log);
    }
}

impl Chat {
    /// The life of the log of two members, which may be still to begin.
    pub(super) fn private_epoch(&self, pair: Pair) -> Epoch {
        let log = self.private.logs.get(&pair);
        // Another one after all of it was forgotten.
        let new = || Epoch(self.cloaks.hash((pair, self.private.forgotten)));
        log.map_or_else(new, |log| log.timeline.position.epoch)
    }

    /// As what the log of two members is known.
    pub(super) fn private_key(&self, pair: Pair) -> Pair {
        self.private.logs.get(&pair).map_or(pair, |log| log.key)
    }

    /// What one member has said to another alone has its place.
    pub(super) fn commit_private(
        &mut self,
        (from, to): (MemberId, MemberId),
        (nickname, key): (Name, Pair),
        (epoch, author, content): (Epoch, Person, Content),
        (id, number, time): (EventId, u64, Millis),
        effects: &mut Vec<Effect>,
    ) {
        let Content::Message { kind, text } = content else {
            debug_assert!(false, "there is nothing else that is private");
            return;
        };
        if self.member(from).is_none() && self.member(to).is_none() {
            return; // nobody is left to hear it
        }
        let pair = Pair::new(from, to);
        if !self.private.logs.contains_key(&pair) {
            let timeline = Timeline::new(epoch, &self.config);
            self.private.insert(pair, PrivateLog { key, timeline });
            self.private.bytes += OVERHEAD;
            if self.member(to).is_none() {
                self.partner_is_gone(from, to, nickname.clone());
            }
        }
        let Some(PrivateLog { timeline: log, .. }) = self.private.logs.get_mut(&pair) else {
            return;
        };
        let epoch = log.position.epoch;
        let message = Rc::new(Message {
            place: log.place(id, number, time),
            audience: Audience::Member { nickname, epoch },
            author,
            member: from,
            kind,
            text,
        });
        self.change_private(pair, |history| history.push(&message));
        if self.private.oldest_of(pair).is_none() {
            self.forget_private(pair); // nothing is to be kept
        }
        self.keep_private_small();
        let is_here = |member: &MemberId| self.member(*member).is_some();
        effects.push(Effect::Private {
            author: Some(from).filter(is_here),
            reader: Some(to).filter(|to| is_here(to) && !self.ignores(*to, from)),
            message,
        });
    }

    /// Changes what is kept of a log, and with it what all of them take.
    fn change_private(&mut self, pair: Pair, change: impl FnOnce(&mut History)) {
        if let Some(log) = self.private.logs.get_mut(&pair) {
            let before = log.timeline.history.weight();
            change(&mut log.timeline.history);
            self.private.bytes = self.private.bytes - before + log.timeline.history.weight();
        }
    }

    /// If too much is kept, forgets the oldest, down to somewhat less: as
    /// [of rooms](Self::remember), which have a limit of their own, so that nobody pushes out by
    /// this what others have said there.
    fn keep_private_small(&mut self) {
        let most = self.config.histories / PRIVATE_SHARE;
        if self.private.bytes <= most {
            return; // nearly always
        }
        let mut logs: BinaryHeap<_> = self.private.oldest().map(Reverse).collect();
        while self.private.bytes > most - most / 8
            && let Some(Reverse((_, pair))) = logs.pop()
        {
            self.change_private(pair, History::forget_oldest);
            match self.private.oldest_of(pair) {
                Some(oldest) => logs.push(Reverse((oldest, pair))),
                None => self.push_out_private(pair),
            }
        }
    }

    /// Forgets a log although there is somebody who could read it.
    fn push_out_private(&mut self, pair: Pair) {
        self.private.has_pushed_out = true;
        self.forget_private(pair);
    }

    fn forget_private(&mut self, pair: Pair) {
        if let Some(log) = self.private.remove(pair) {
            self.private.bytes -= log.timeline.history.weight() + OVERHEAD;
            self.private.forgotten += 1;
        }
    }

    /// A member has left, who had that name: what nobody is left to read is forgotten.
    pub(super) fn leave_private(&mut self, member: MemberId, nickname: &Name) {
        let partners = self.private.partners.get(&member).cloned();
        for partner in partners.into_iter().flatten() {
            match self.member(partner) {
                None => self.forget_private(Pair::new(member, partner)),
                Some(_) => self.partner_is_gone(partner, member, nickname.clone()),
            }
        }
    }

    fn partner_is_gone(&mut self, member: MemberId, partner: MemberId, nickname: Name) {
        let gone = self.private.gone.entry(member).or_default();
        gone.push_back((partner, nickname));
        if gone.len() > MOST_GONE
            && let Some((first, _)) = gone.pop_front()
        {
            self.push_out_private(Pair::new(first, member));
        }
    }

    /// A member is who another was, and reads what that has read.
    pub(super) fn inherit_private(&mut self, member: MemberId, before: MemberId) {
        let partners = self.private.partners.get(&before).cloned();
        for partner in partners.into_iter().flatten() {
            let Some(log) = self.private.remove(Pair::new(before, partner)) else {
                continue;
            };
            // What was said before it was known who it is, is not what its client knows.
            let pair = Pair::new(member, partner);
            self.forget_private(pair);
            self.private.insert(pair, log);
        }
        let PrivateLogs {
            under_way, heirs, ..
        } = &mut self.private;
        let earlier = heirs.values_mut().filter(|heir| **heir == before);
        earlier.for_each(|heir| *heir = member);
        if under_way.contains_key(&before) {
            heirs.insert(before, member);
        }
    }

    /// With whom a member has a log, and up to where that was heard.
    pub fn private_logs(&self, member: MemberId) -> impl Iterator<Item = (MemberId, Position)> {
        let partners = self.private.partners.get(&member).into_iter().flatten();
        partners.filter_map(move |&partner| {
            let log = self.private.logs.get(&Pair::new(member, partner))?;
            Some((partner, log.timeline.position))
        })
    }

    /// What is remembered of what two members say to each other alone.
    pub(super) fn private_timeline(&self, pair: Pair) -> Option<&Timeline> {
        self.private.logs.get(&pair).map(|log| &log.timeline)
    }

    /// Who is meant by a nickname: a member, or who has had it when it was spoken with last.
    pub(super) fn partner(&self, member: MemberId, nickname: &str) -> Option<MemberId> {
        self.named(nickname).or_else(|| {
            let folded = self.fold_nickname(nickname)?;
            let mut gone = self.private.gone.get(&member)?.iter();
            let last = gone.rfind(|(_, nickname)| name::fold(nickname) == folded);
            last.map(|&(partner, _)| partner)
        })
    }

    /// The nickname of somebody with whom a member speaks, or has spoken.
    fn nickname_of_partner(&self, member: MemberId, partner: MemberId) -> Option<&Name> {
        self.nickname(partner).or_else(|| {
            let mut gone = self.private.gone.get(&member)?.iter();
            let found = gone.rfind(|(one, _)| *one == partner);
            found.map(|(_, nickname)| nickname)
        })
    }

    pub(super) fn private_audience(&self, member: MemberId, partner: MemberId) -> Audience {
        let nickname = self.nickname_of_partner(member, partner).cloned();
        Audience::Member {
            // It was somebody's, or there would be no log.
            nickname: nickname.unwrap_or_else(|| Name::generated("somebody".into())),
            epoch: self.private_epoch(Pair::new(member, partner)),
        }
    }

    /// What a member would be told that has missed this of what it and another say to each other.
    pub fn foresee_private_backlog(
        &self,
        member: MemberId,
        partner: MemberId,
        since: Position,
    ) -> Repeated {
        let log = self.private.logs.get(&Pair::new(member, partner));
        log.map_or_else(Repeated::default, |log| log.timeline.repeated_since(since))
    }

    /// Tells a member what it has missed of what it and another say to each other alone, as
    /// [of a room](Self::tell_backlog).
    pub fn tell_private_backlog(
        &self,
        member: MemberId,
        partner: MemberId,
        since: Position,
        is_too_much: bool,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(log) = self.private.logs.get(&Pair::new(member, partner)) {
            let of = self.private_audience(member, partner);
            self.tell_backlog_of(member, (of, &log.timeline), since, is_too_much, effects);
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests;

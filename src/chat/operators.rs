//! The orders of operators: who has to go, who has to be quiet, and what the server does.

#[cfg(all(test, feature = "server"))]
mod tests;

use std::collections::BTreeMap;

use super::answers::{shortened, tell};
use super::commands::Order;
use super::draft::Leaving;
use super::name;
use super::peer::Origin;
use super::sanctions::Ban;
use super::{
    Answer, BanListed, Chat, Departure, DisconnectReason, Effect, Event, Member, MemberId, Millis,
    MuteListed, Outcome, Person, Question, Record, Recorded, Refusal, RoomId, Text,
};

/// How long a ban and a mute are if the order does not say.
const BAN_SECONDS: u32 = 60 * 60;
const MUTE_SECONDS: u32 = 10 * 60;

/// How many bans or mutes are listed.
const LISTED: usize = 40;

impl Chat {
    /// Carries out an order. Whether it comes from an operator has been seen to.
    pub(super) fn carry_out(
        &mut self,
        operator: MemberId,
        order: Order<'_>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match order {
            Order::Kick { nick, reason } => self.kick(operator, nick, reason, effects)?,
            Order::Ban {
                target,
                seconds,
                reason,
            } => {
                let seconds = seconds.unwrap_or(BAN_SECONDS);
                self.ban(operator, target, seconds, reason, now, effects)?;
            }
            Order::Mute { nick, seconds } => {
                let seconds = seconds.unwrap_or(MUTE_SECONDS);
                self.mute(operator, nick, seconds, now, effects)?;
            }
            Order::Unban(text) => self.unban(operator, text, now, effects)?,
            Order::Unmute(text) => self.unmute(operator, text, now, effects)?,
            Order::Bans => self.list_bans(operator, now, effects),
            Order::Mutes => self.list_mutes(operator, now, effects),
            Order::Announce(text) => {
                let nickname = self.members[operator.index()].nickname.clone();
                self.announce_by(Some(nickname), text, effects);
            }
            Order::Limits => ask(effects, operator, Question::Limits),
            Order::Connections => ask(effects, operator, Question::Connections),
            Order::Shutdown => effects.push(Effect::Shutdown),
        }
        Ok(())
    }

    fn kick(
        &mut self,
        operator: MemberId,
        nick: &str,
        reason: Option<&str>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let reason = self.checked(reason)?;
        let victim = self.victim(nick)?;
        let Member { nickname, peer, .. } = &self.members[victim.index()];
        let (nickname, from) = (nickname.clone(), *peer);
        let outcome = Outcome::Kicked {
            nickname: nickname.clone(),
        };
        self.record(operator, Recorded::Kicked { from, nickname }, effects);
        let why = Departure::Kicked {
            reason: reason.clone(),
        };
        let last = DisconnectReason::Kicked { reason };
        self.expel(operator, &[victim], &last, &why, effects);
        tell(effects, operator, Answer::CarriedOut(outcome));
        Ok(())
    }

    fn ban(
        &mut self,
        operator: MemberId,
        target: &str,
        seconds: u32,
        reason: Option<&str>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let reason = self.checked(reason)?;
        let (origin, nickname) = match Origin::parse(target) {
            Some(origin) => (origin, None),
            None => {
                let victim = &self.members[self.victim(target)?.index()];
                let nickname = name::fold(&victim.nickname).into_owned();
                (victim.peer.origin(), Some(nickname))
            }
        };
        // Operators are not kept out, so a ban of where they come from would be one in name only.
        if origin.contains(self.members[operator.index()].peer.origin()) {
            return Err(Refusal::OriginOfOperators { origin });
        }
        if origin.is_too_wide() {
            return Err(Refusal::ThisMachine { origin });
        }
        let until = end_of(seconds, now);
        let ban = Ban {
            reason: reason.clone(),
            nickname,
        };
        if !self.bans.insert(origin, until, ban, now) {
            let limit = self.config.bans;
            return Err(Refusal::TooManyBans { limit });
        }
        let hit = |(_, member): &(usize, &Member)| {
            origin.contains(member.peer.origin()) && !member.peer.is_operator()
        };
        let victims: Vec<MemberId> = self.members.iter().filter(hit).map(id_of).collect();
        let members = victims.len();
        let what = Recorded::Banned {
            origin,
            seconds,
            members,
        };
        self.record(operator, what, effects);
        let left = until.saturating_sub(now);
        let why = Departure::Banned {
            reason: reason.clone(),
        };
        let last = DisconnectReason::Banned { left, reason };
        self.expel(operator, &victims, &last, &why, effects);
        let outcome = Outcome::Banned {
            origin,
            left,
            members,
        };
        tell(effects, operator, Answer::CarriedOut(outcome));
        Ok(())
    }

    /// By address or network as it was banned, or by the nickname that it was banned by.
    fn unban(
        &mut self,
        operator: MemberId,
        text: &str,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let origins: Vec<Origin> = match Origin::parse(text) {
            Some(origin) => vec![origin],
            None => {
                let nickname = self.fold_nickname(text);
                let is_meant = |ban: &Ban| {
                    nickname.is_some() && ban.nickname.as_deref() == nickname.as_deref()
                };
                let bans = self.bans.list(now).iter();
                let meant = bans.filter(|(_, (_, ban))| is_meant(ban));
                meant.map(|(origin, _)| *origin).collect()
            }
        };
        if origins.is_empty() {
            let text = shortened(text, self.config.nickname);
            return Err(Refusal::NeverBanned { text });
        }
        for origin in origins {
            let lifted = self.bans.remove(now, |banned, _| *banned == origin);
            let wider = self.bans.around(origin, now);
            if !lifted {
                return Err(Refusal::NotBanned { origin, wider });
            }
            let outcome = Outcome::Unbanned { origin, wider };
            tell(effects, operator, Answer::CarriedOut(outcome));
            self.record(operator, Recorded::Unbanned { origin }, effects);
        }
        Ok(())
    }

    fn mute(
        &mut self,
        operator: MemberId,
        nick: &str,
        seconds: u32,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let victim = self.victim(nick)?;
        let Member { peer, nickname, .. } = &self.members[victim.index()];
        let (from, nickname) = (*peer, nickname.clone());
        let until = end_of(seconds, now);
        let last = self.arrivals;
        if !self.mutes.put(from.origin(), victim, last, until, now) {
            let limit = self.config.mutes;
            return Err(Refusal::TooManyMutes { limit });
        }
        let left = until.saturating_sub(now);
        let what = Recorded::Muted {
            from,
            nickname: nickname.clone(),
            seconds,
        };
        self.record(operator, what, effects);
        tell(effects, victim, Answer::Muted { left });
        let outcome = Outcome::Muted { nickname, left };
        tell(effects, operator, Answer::CarriedOut(outcome));
        Ok(())
    }

    /// By nickname, or by where the muted one came from, since it may be gone.
    fn unmute(
        &mut self,
        operator: MemberId,
        text: &str,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let muted: Vec<MemberId> = self
            .ids()
            .filter(|member| self.muted_for(*member, now).is_some())
            .collect();
        let (who, what, lifted) = match Origin::parse(text) {
            Some(origin) => {
                let lifted = self
                    .mutes
                    .remove(now, |(muted, _), _| origin.contains(*muted));
                let (nickname, from) = (None, Text::from(origin.to_string()));
                (from.clone(), Recorded::Unmuted { nickname, from }, lifted)
            }
            None => {
                let victim = self.victim(text)?;
                let Member { peer, nickname, .. } = &self.members[victim.index()];
                let what = Recorded::Unmuted {
                    nickname: Some(nickname.clone()),
                    from: peer.to_string().into(),
                };
                let (who, origin) = (Text::from(&**nickname), peer.origin());
                (who, what, self.mutes.lift(origin, victim, now))
            }
        };
        if !lifted {
            return Err(Refusal::NotMuted { who });
        }
        self.record(operator, what, effects);
        for member in muted {
            if self.muted_for(member, now).is_none() {
                tell(effects, member, Answer::Unmuted);
            }
        }
        tell(
            effects,
            operator,
            Answer::CarriedOut(Outcome::Unmuted { who }),
        );
        Ok(())
    }

    fn list_bans(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let bans = self.bans.list(now);
        let listed = bans.iter().take(LISTED);
        let answer = Answer::Bans {
            listed: listed
                .map(|(origin, (until, ban))| BanListed {
                    origin: *origin,
                    left: until.saturating_sub(now),
                    reason: ban.reason.clone(),
                })
                .collect(),
            count: bans.len(),
        };
        tell(effects, operator, answer);
    }

    fn list_mutes(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let members = &self.members;
        let mutes = self.mutes.list(now);
        let nickname = |muted: MemberId| {
            let member = members.get(muted.index());
            let found = member.filter(|member| member.generation == muted.generation);
            found.map(|member| member.nickname.clone())
        };
        let listed = mutes.iter().take(LISTED);
        let answer = Answer::Mutes {
            listed: listed
                .map(|((origin, muted), (until, _))| MuteListed {
                    nickname: nickname(*muted),
                    origin: *origin,
                    left: until.saturating_sub(now),
                })
                .collect(),
            count: mutes.len(),
        };
        tell(effects, operator, answer);
    }

    /// Removes members and closes their connections, each with a last word, once their drafts are
    /// settled. Every room they were in hears of it afterwards, of one after the other.
    pub(super) fn expel(
        &mut self,
        operator: MemberId,
        victims: &[MemberId],
        reason: &DisconnectReason,
        why: &Departure,
        effects: &mut Vec<Effect>,
    ) {
        let mut missed: BTreeMap<RoomId, Vec<(MemberId, Person)>> = BTreeMap::new();
        for &member in victims {
            let later = || Leaving::Expelled {
                by: operator,
                why: why.clone(),
                reason: reason.clone(),
            };
            if self.leaves_later(member, later) {
                continue;
            }
            tell(effects, member, Answer::Disconnected(reason.clone()));
            let unheard_of = self.newcomers.take(member);
            let who = self.person(member);
            let rooms = self.remove(member, effects);
            effects.push(Effect::Disconnect {
                member,
                reason: reason.clone(),
            });
            for room in rooms {
                let of_room = missed.entry(room).or_default();
                if !unheard_of {
                    of_room.push((member, who.clone()));
                }
            }
        }
        let knows = Some(operator).filter(|&operator| self.member(operator).is_some());
        for (room, departed) in missed {
            if self.room(room).len() == 0 {
                self.emptied(room);
                continue;
            }
            effects.extend(departed.into_iter().map(|(member, who)| Effect::Say {
                room,
                except: knows,
                event: Event::Departure {
                    member,
                    who,
                    why: why.clone(),
                },
            }));
        }
    }

    /// Everybody who is here.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().map(id_of)
    }

    /// The member an order is against, which must not be an operator.
    fn victim(&self, nick: &str) -> Result<MemberId, Refusal> {
        let member = self.named(nick).ok_or_else(|| self.nobody(nick))?;
        let Member { peer, nickname, .. } = &self.members[member.index()];
        match peer.is_operator() {
            true => Err(Refusal::IsOperator {
                nickname: nickname.clone(),
            }),
            false => Ok(member),
        }
    }

    /// A reason, if it is not too long.
    fn checked(&self, reason: Option<&str>) -> Result<Option<Text>, Refusal> {
        let limit = self.config.reason;
        match reason {
            Some(reason) if reason.chars().count() > limit => Err(Refusal::ReasonTooLong { limit }),
            reason => Ok(reason.map(Text::from)),
        }
    }

    fn record(&self, operator: MemberId, what: Recorded, effects: &mut Vec<Effect>) {
        let by = self.members[operator.index()].nickname.clone();
        effects.push(Effect::Record(Record { by, what }));
    }
}

fn ask(effects: &mut Vec<Effect>, to: MemberId, what: Question) {
    effects.push(Effect::Ask { to, what });
}

fn id_of((index, member): (usize, &Member)) -> MemberId {
    MemberId {
        index: index as u32,
        generation: member.generation,
    }
}

fn end_of(seconds: u32, now: Millis) -> Millis {
    now.saturating_add(Millis::from(seconds) * 1000)
}

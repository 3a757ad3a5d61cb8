//! The orders of operators: who has to go, who has to be quiet, and what the server does.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::answers::{OTHERS, describe_ban, ending, minutes, tell};
use super::commands::Order;
use super::listing::{counted, list};
use super::name::{self, Name};
use super::peer::Origin;
use super::sanctions::Ban;
use super::{Chat, Config, Effect, Line, Member, MemberId, Millis, Report, RoomId, SayKind};

/// How long a ban and a mute are if the order does not say.
const BAN_SECONDS: u32 = 60 * 60;
const MUTE_SECONDS: u32 = 10 * 60;

/// How many bans or mutes are listed, and how many members a notice names.
const LISTED: usize = 40;
const NAMED: usize = 3;

/// Why an order was not carried out: a sentence without its full stop.
type Refusal = String;

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
                let nickname = &self.members[operator.index()].nickname;
                let text = format!("Announcement by {nickname}: {text}");
                self.announce(&text, effects);
            }
            Order::Limits => {
                list_limits(&self.config, operator, effects);
                let what = Report::Limits;
                effects.push(Effect::Report { to: operator, what });
            }
            Order::Connections => {
                let what = Report::Connections;
                effects.push(Effect::Report { to: operator, what });
            }
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
        self.check_reason(reason)?;
        let victim = self.victim(nick)?;
        let nickname = self.members[victim.index()].nickname.clone();
        let last = format!("! Disconnected: you were kicked{}", ending(reason));
        let what = format!("kicked{}", ending(reason));
        let from = self.members[victim.index()].peer;
        let by = &self.members[operator.index()].nickname;
        record(effects, format!("kicked {from} nick={nickname} by={by}"));
        self.expel(operator, &[victim], last.into(), &what, effects);
        tell(effects, operator, format!("* You kicked {nickname}."));
        Ok(())
    }

    fn ban(
        &mut self,
        operator: MemberId,
        target: &str,
        duration: u32,
        reason: Option<&str>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.check_reason(reason)?;
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
            return Err(format!("{origin} is where operators come from"));
        }
        if origin.is_too_wide() {
            return Err(format!("{origin} holds this machine itself"));
        }
        let until = end_of(duration, now);
        let ban = Ban {
            reason: reason.map(Box::from),
            nickname,
        };
        if !self.bans.insert(origin, until, ban, now) {
            let limit = self.config.bans;
            return Err(format!(
                "No more than {limit} bans at a time; /unban lifts one"
            ));
        }
        let hit = |(_, member): &(usize, &Member)| {
            origin.contains(member.peer.origin()) && !member.peer.is_operator()
        };
        let victims: Vec<MemberId> = self.members.iter().filter(hit).map(id_of).collect();
        let last = describe_ban(until, reason, now);
        let by = &self.members[operator.index()].nickname;
        let count = victims.len();
        let line = format!("banned {origin} by={by} seconds={duration} members={count}");
        record(effects, line);
        self.expel(
            operator,
            &victims,
            last,
            &format!("banned{}", ending(reason)),
            effects,
        );
        let line = format!(
            "* You banned {origin} for {}; {} disconnected.",
            minutes(until, now),
            counted(victims.len(), ("member was", "members were"))
        );
        tell(effects, operator, line);
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
            let limit = self.config.nickname;
            return Err(format!(
                "{text:.limit$} is neither an address nor a nickname that was banned; /ban lists the bans"
            ));
        }
        for origin in origins {
            let lifted = self.bans.remove(now, |banned, _| *banned == origin);
            let line = match (lifted, self.bans.around(origin, now)) {
                (true, None) => format!("* {origin} is banned no more."),
                (true, Some(wider)) => {
                    format!("* {origin} is banned no more by itself; {wider} still is.")
                }
                (false, None) => return Err(format!("{origin} is not banned")),
                (false, Some(wider)) => {
                    return Err(format!("{origin} is not banned by itself; {wider} is"));
                }
            };
            tell(effects, operator, line);
            let by = &self.members[operator.index()].nickname;
            record(effects, format!("unbanned {origin} by={by}"));
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
        let member = &self.members[victim.index()];
        let until = end_of(seconds, now);
        let origin = member.peer.origin();
        if !self.mutes.put(origin, victim, self.arrivals, until, now) {
            let limit = self.config.mutes;
            return Err(format!(
                "No more than {limit} mutes at a time; /unmute lifts one"
            ));
        }
        let duration = minutes(until, now);
        let line = format!("* You muted {} for {duration}.", member.nickname);
        let by = &self.members[operator.index()].nickname;
        let Member { peer, nickname, .. } = member;
        let record_line = format!("muted {peer} nick={nickname} by={by} seconds={seconds}");
        record(effects, record_line);
        tell(effects, victim, format!("* You are muted for {duration}."));
        tell(effects, operator, line);
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
            .filter(|member| self.muted_until(*member, now).is_some())
            .collect();
        let (who, record_line, lifted) = match Origin::parse(text) {
            Some(origin) => {
                let lifted = self
                    .mutes
                    .remove(now, |(muted, _), _| origin.contains(*muted));
                (origin.to_string(), format!("unmuted {origin}"), lifted)
            }
            None => {
                let victim = self.victim(text)?;
                let member = &self.members[victim.index()];
                let lifted = self.mutes.lift(member.peer.origin(), victim, now);
                let Member { peer, nickname, .. } = member;
                let record_line = format!("unmuted {peer} nick={nickname}");
                (nickname.to_string(), record_line, lifted)
            }
        };
        if !lifted {
            return Err(format!("{who} is not muted"));
        }
        let by = &self.members[operator.index()].nickname;
        record(effects, format!("{record_line} by={by}"));
        for member in muted {
            if self.muted_until(member, now).is_none() {
                tell(effects, member, "* You are muted no more.");
            }
        }
        tell(effects, operator, format!("* {who} is muted no more."));
        Ok(())
    }

    fn list_bans(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let bans = self.bans.list(now).iter();
        let lines = bans.map(|(origin, (until, ban))| {
            let ending = ending(ban.reason.as_deref());
            format!("*   {origin} for {}{ending}", minutes(*until, now))
        });
        tell_list(lines, "banned", operator, effects);
    }

    fn list_mutes(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let members = &self.members;
        let mutes = self.mutes.list(now).iter();
        let lines = mutes.map(|((origin, muted), (until, _))| {
            let member = members.get(muted.index());
            let nickname = member
                .filter(|member| member.generation == muted.generation)
                .map_or(String::new(), |member| format!("{}, ", member.nickname));
            format!("*   {nickname}{origin} for {}.", minutes(*until, now))
        });
        tell_list(lines, "muted", operator, effects);
    }

    /// Removes members and closes their connections, each with a last line. Every room they were in
    /// hears of it in one notice, instead of their leaving.
    fn expel(
        &mut self,
        operator: MemberId,
        victims: &[MemberId],
        last: Line,
        what: &str,
        effects: &mut Vec<Effect>,
    ) {
        let mut missed: BTreeMap<RoomId, (usize, Vec<Name>)> = BTreeMap::new();
        for &member in victims {
            tell(effects, member, Rc::clone(&last));
            let unheard_of = self.newcomers.take(member);
            let (room, nickname) = self.remove(member, effects);
            effects.push(Effect::Disconnect { member });
            self.forget_presence_of(member, room);
            let (count, named) = missed.entry(room).or_default();
            if unheard_of {
                continue;
            }
            *count += 1;
            if named.len() < NAMED {
                named.push(nickname);
            }
        }
        for (room, (count, named)) in missed {
            if self.room(room).len() == 0 {
                self.emptied(room);
                continue;
            }
            if count == 0 {
                continue; // nobody there had heard of them
            }
            let names = list(named, count, NAMED, OTHERS);
            let were = if count == 1 { "was" } else { "were" };
            effects.push(Effect::Say {
                room,
                except: Some(operator),
                kind: SayKind::Notice,
                line: format!("* {names} {were} {what}").into(),
            });
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
            true => Err(format!("{nickname} is an operator")),
            false => Ok(member),
        }
    }

    fn check_reason(&self, reason: Option<&str>) -> Result<(), Refusal> {
        let limit = self.config.reason;
        match reason.is_some_and(|reason| reason.chars().count() > limit) {
            true => Err(format!("A reason has at most {limit} characters")),
            false => Ok(()),
        }
    }
}

/// For the log: see `docs/operating.md`.
fn record(effects: &mut Vec<Effect>, line: String) {
    effects.push(Effect::Record { line: line.into() });
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

/// A line each, up to a bound, under a header with their number.
fn tell_list(
    lines: impl ExactSizeIterator<Item = String>,
    what: &str,
    to: MemberId,
    effects: &mut Vec<Effect>,
) {
    let total = lines.len();
    if total == 0 {
        return tell(effects, to, format!("* Nobody is {what}."));
    }
    tell(effects, to, format!("* {total} {what}:"));
    lines.take(LISTED).for_each(|line| tell(effects, to, line));
    if total > LISTED {
        tell(effects, to, format!("*   and {} more.", total - LISTED));
    }
}

fn list_limits(config: &Config, to: MemberId, effects: &mut Vec<Effect>) {
    let limits = [
        ("rooms", config.rooms),
        ("members of a room", config.room_members),
        ("messages a room keeps", config.history),
        ("bytes of messages a room keeps", config.history_bytes),
        ("messages replayed to who enters a room", config.replay),
        ("characters of a nickname", config.nickname),
        ("characters of a room's name", config.room_name),
        ("characters of a topic", config.topic),
        ("characters of a reason", config.reason),
        ("bans", config.bans),
        ("mutes", config.mutes),
    ];
    tell(effects, to, "* Limits:");
    for (what, limit) in limits {
        tell(effects, to, format!("*   {what}: {limit}"));
    }
}

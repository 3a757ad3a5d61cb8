//! The orders of operators: who has to go, who has to be quiet, and what the server does.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::answers::{OTHERS, describe_ban, ending, minutes, tell};
use super::commands::Order;
use super::listing::{counted, list};
use super::name::Name;
use super::peer::Origin;
use super::{Chat, Config, Effect, Line, Member, MemberId, Millis, Report, RoomId, SayKind};

/// How long a ban and a mute are if the order does not say.
const BAN_MINUTES: u32 = 60;
const MUTE_MINUTES: u32 = 10;

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
                minutes,
                reason,
            } => {
                let minutes = minutes.unwrap_or(BAN_MINUTES);
                self.ban(operator, target, minutes, reason, now, effects)?;
            }
            Order::Mute { nick, minutes } => {
                self.mute(
                    operator,
                    nick,
                    minutes.unwrap_or(MUTE_MINUTES),
                    now,
                    effects,
                )?;
            }
            Order::Unban(text) => {
                let origin = Origin::parse(text)
                    .ok_or("/unban wants an address or a uid:NUMBER, as /ban lists them")?;
                if !self.bans.remove(now, |banned| *banned == origin) {
                    return Err(format!("{origin} is not banned"));
                }
                tell(effects, operator, format!("* {origin} is banned no more."));
            }
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
        let origin = match Origin::parse(target) {
            Some(origin) => origin,
            None => self.members[self.victim(target)?.index()].peer.origin(),
        };
        // Operators are not kept out, so a ban of where they come from would be one in name only.
        if self.members[operator.index()].peer.origin() == origin {
            return Err(format!("{origin} is where operators come from"));
        }
        let until = end_of(duration, now);
        if !self.bans.insert(origin, until, reason.map(Box::from), now) {
            let limit = self.config.bans;
            return Err(format!(
                "No more than {limit} bans at a time; /unban lifts one"
            ));
        }
        let hit = |(_, member): &(usize, &Member)| {
            member.peer.origin() == origin && !member.peer.is_operator()
        };
        let victims: Vec<MemberId> = self
            .members
            .iter()
            .filter(hit)
            .map(|(index, member)| MemberId {
                index: index as u32,
                generation: member.generation,
            })
            .collect();
        let last = describe_ban(until, reason, now);
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

    fn mute(
        &mut self,
        operator: MemberId,
        nick: &str,
        duration: u32,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let victim = self.victim(nick)?;
        let member = &self.members[victim.index()];
        let until = end_of(duration, now);
        let key = (member.peer.origin(), victim);
        if !self.mutes.insert(key, until, (), now) {
            let limit = self.config.mutes;
            return Err(format!(
                "No more than {limit} mutes at a time; /unmute lifts one"
            ));
        }
        let duration = minutes(until, now);
        let line = format!("* You muted {} for {duration}.", member.nickname);
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
        let (who, lifted) = match Origin::parse(text) {
            Some(origin) => {
                let lifted = self.mutes.remove(now, |(muted, _)| *muted == origin);
                (origin.to_string(), lifted)
            }
            None => {
                let victim = self.victim(text)?;
                let member = &self.members[victim.index()];
                let lifted = self.mutes.lift(member.peer.origin(), victim, now);
                if lifted {
                    tell(effects, victim, "* You are muted no more.");
                }
                (member.nickname.to_string(), lifted)
            }
        };
        if !lifted {
            return Err(format!("{who} is not muted"));
        }
        tell(effects, operator, format!("* {who} is muted no more."));
        Ok(())
    }

    fn list_bans(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let bans = self.bans.list(now).iter();
        let lines = bans.map(|(origin, (until, reason))| {
            let ending = ending(reason.as_deref());
            format!("*   {origin} for {}{ending}", minutes(*until, now))
        });
        tell_list(lines, "banned", operator, effects);
    }

    fn list_mutes(&mut self, operator: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        let members = &self.members;
        let mutes = self.mutes.list(now).iter();
        let lines = mutes.map(|((origin, muted), (until, ()))| {
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

fn end_of(minutes: u32, now: Millis) -> Millis {
    now.saturating_add(Millis::from(minutes) * 60_000)
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

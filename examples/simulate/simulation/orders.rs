//! What an operator's order must bring about.

use std::collections::BTreeSet;

use loopchat::chat::{
    Answer, Departure, DisconnectReason, Effect, Event, MemberId, Origin, Outcome, Refusal, RoomId,
};

use super::Checked;
use super::checker::Checker;
use super::drafts::Leaving;
use super::judge::Case;
use super::sanctions::{is_from, origin};
use super::speech::{BAN_REASON, Order};
use super::tally::{Count, Tally};

/// Judges an order of an operator.
pub fn carries_out(
    case: &Case<'_>,
    order: &Order,
    checker: &mut Checker,
    tally: &mut Tally,
) -> Checked {
    match order {
        Order::Kick(nickname) => match victim(nickname, checker) {
            Ok(victim) => {
                tally.count(Count::Kicks);
                let reason = Some("go".into());
                let why = Departure::Kicked {
                    reason: reason.clone(),
                };
                let last = DisconnectReason::Kicked { reason };
                sends_away(case, &BTreeSet::from([victim]), (why, last), checker)
            }
            Err(spared) => refused(case, spared),
        },
        Order::Ban(nickname) => match victim(nickname, checker) {
            Ok(victim) => {
                let from = checker.seat(victim).map(|seat| origin(seat.peer));
                keeps_out(case, from, checker, tally)
            }
            Err(spared) => refused(case, spared),
        },
        Order::BanOrigin(_, from) => keeps_out(case, Some(*from), checker, tally),
        Order::Unban(_, from) => match checker.sanctions.is_banned(*from, case.at.now) {
            true => {
                tally.count(Count::Unbans);
                let outcome = case.answers().next();
                case.right_if(matches!(
                    outcome,
                    Some(Answer::CarriedOut(Outcome::Unbanned { origin, .. })) if origin == from
                ))
            }
            false => case.right_if(matches!(
                case.answers().next(),
                Some(Answer::Refused(Refusal::NotBanned { origin, .. })) if origin == from
            )),
        },
        Order::Mute(nickname) => match victim(nickname, checker) {
            Ok(victim) => {
                let is_told = |effect: &&&Effect| {
                    matches!(effect, Effect::Tell { to, answer: Answer::Muted { left: 60_000 } }
                        if *to == victim)
                };
                let told = case.effects.iter().filter(is_told).count();
                let done = matches!(
                    case.answers().last(),
                    Some(Answer::CarriedOut(Outcome::Muted { .. }))
                );
                case.right_if(told == 1 && done && case.effects.len() == 3)
            }
            Err(spared) => refused(case, spared),
        },
        Order::Unmute(nickname) => match victim(nickname, checker) {
            Ok(victim) => unmutes(case, victim, checker, tally),
            Err(spared) => refused(case, spared),
        },
        Order::Announce(text) => {
            let mut rooms = occupied(checker);
            let is_right = case.effects.iter().all(|effect| {
                matches!(effect, Effect::Say { room, except: None, event: Event::Announcement(said) }
                    if rooms.remove(room) && *said.text == **text && said.by.is_some())
            });
            case.right_if(is_right && rooms.is_empty())
        }
        Order::Bans => {
            let known = checker.sanctions.bans(case.at.now);
            case.right_if(matches!(
                case.answers().next(),
                Some(Answer::Bans { count, .. }) if *count == known
            ))
        }
        Order::Mutes => {
            let known = checker.sanctions.mutes(case.at.now);
            case.right_if(matches!(
                case.answers().next(),
                Some(Answer::Mutes { count, .. }) if *count == known
            ))
        }
        Order::Limits | Order::Connections => case
            .right_if(matches!(case.effects[..], [Effect::Ask { to, .. }] if *to == case.author)),
        Order::Shutdown => case.right_if(matches!(case.effects[..], [Effect::Shutdown])),
    }
}

fn occupied(checker: &Checker) -> BTreeSet<RoomId> {
    let rooms = checker.rooms.all().map(|(room, _)| room);
    rooms.filter(|room| checker.members_in(*room) > 0).collect()
}

/// Why nothing comes of an order.
enum Spared<'a> {
    Unknown(&'a str),
    Operator(&'a str),
}

/// Whom an order is against, which must not be an operator.
fn victim<'a>(nickname: &'a str, checker: &'a Checker) -> Result<MemberId, Spared<'a>> {
    let member = checker.named(nickname);
    let Some((member, seat)) = member.and_then(|member| Some((member, checker.seat(member)?)))
    else {
        return Err(Spared::Unknown(nickname));
    };
    match seat.peer.is_operator() {
        true => Err(Spared::Operator(&seat.nickname)),
        false => Ok(member),
    }
}

fn refused(case: &Case<'_>, spared: Spared<'_>) -> Checked {
    let [
        Effect::Tell {
            to,
            answer: Answer::Refused(refusal),
        },
    ] = case.effects[..]
    else {
        return case.wrong();
    };
    let is_right = match (refusal, spared) {
        (Refusal::NoSuchMember { nickname }, Spared::Unknown(meant)) => **nickname == *meant,
        (Refusal::IsOperator { nickname }, Spared::Operator(meant)) => **nickname == *meant,
        _ => false,
    };
    case.right_if(is_right && *to == case.author)
}

fn keeps_out(
    case: &Case<'_>,
    from: Option<Origin>,
    checker: &mut Checker,
    tally: &mut Tally,
) -> Checked {
    let Some(from) = from else {
        return case.wrong();
    };
    tally.count(Count::Bans);
    let hit = checker
        .seats()
        .filter(|(_, seat)| is_from(seat.peer, from) && !seat.peer.is_operator());
    let hit = hit.map(|(member, _)| member).collect();
    let reason = Some(BAN_REASON.into());
    let why = Departure::Banned {
        reason: reason.clone(),
    };
    let left = 60_000;
    sends_away(
        case,
        &hit,
        (why, DisconnectReason::Banned { left, reason }),
        checker,
    )
}

/// Exactly these are disconnected, each with its last line; the others hear of those they know. Who
/// has said something that is still under way stays until that is settled.
fn sends_away(
    case: &Case<'_>,
    hit: &BTreeSet<MemberId>,
    (why, last): (Departure, DisconnectReason),
    checker: &mut Checker,
) -> Checked {
    let is_held = |member: &&MemberId| checker.is_held(**member);
    let (held, victims): (BTreeSet<MemberId>, BTreeSet<MemberId>) = hit.iter().partition(is_held);
    for member in held {
        let how = Leaving::Expelled {
            by: case.author,
            why: why.clone(),
            reason: last.clone(),
        };
        checker.leaves_later(member, how);
    }
    let (mut told, mut gone, mut departed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for effect in &case.effects {
        match effect {
            Effect::Tell {
                to,
                answer: Answer::Disconnected(reason),
            } => {
                case.right_if(*reason == last && told.insert(*to))?;
            }
            Effect::Disconnect { member, .. } => {
                case.right_if(told.contains(member) && gone.insert(*member))?;
            }
            Effect::Say {
                room,
                except,
                event: Event::Departure { member, .. },
            } => {
                case.right_if(*except == Some(case.author) && departed.insert((*member, *room)))?;
            }
            _ => {}
        }
    }
    let is_left = |room: RoomId| {
        let mut seats = checker.seats();
        seats.any(|(member, seat)| seat.hears(room) && !victims.contains(&member))
    };
    let known = victims
        .iter()
        .filter_map(|member| checker.seat(*member).map(|seat| (*member, seat)));
    let wanted: BTreeSet<(MemberId, RoomId)> = known
        .flat_map(|(member, seat)| seat.heard_of.iter().map(move |room| (member, *room)))
        .filter(|(_, room)| is_left(*room))
        .collect();
    let is_answered = matches!(case.answers().last(), Some(Answer::CarriedOut(outcome)) if match outcome {
        Outcome::Kicked { .. } => hit.len() == 1,
        Outcome::Banned { members, .. } => *members == hit.len(),
        _ => false,
    });
    case.right_if(gone == victims && told == victims && departed == wanted && is_answered)
}

/// Everybody who need not be quiet any more is told so.
fn unmutes(case: &Case<'_>, victim: MemberId, checker: &Checker, tally: &mut Tally) -> Checked {
    let now = case.at.now;
    if checker.muted_for(victim, now).is_none() {
        return case.right_if(matches!(
            case.answers().next(),
            Some(Answer::Refused(Refusal::NotMuted { .. }))
        ));
    }
    tally.count(Count::Unmutes);
    let is_told = case.effects.iter().any(
        |effect| matches!(effect, Effect::Tell { to, answer: Answer::Unmuted } if *to == victim),
    );
    let done = matches!(
        case.answers().last(),
        Some(Answer::CarriedOut(Outcome::Unmuted { .. }))
    );
    case.right_if(is_told && done)
}

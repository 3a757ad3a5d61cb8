//! What a line must bring about in the chat, from what its author meant and what the model knows.

use loopchat::chat::{Effect, Line, MemberId, SayKind};

use super::checker::Checker;
use super::speech::Act;
use super::tally::{Count, Tally};
use super::{Checked, violated};

/// Judges the effects of one line, before the model has heard of them.
pub fn judge(
    checker: &mut Checker,
    author: MemberId,
    act: &Act,
    effects: &[Effect],
    tally: &mut Tally,
) -> Checked {
    let Some(seat) = checker.seat(author) else {
        return violated("only members are listened to", format!("{act:?}"));
    };
    let (nickname, room) = (seat.nickname.clone(), seat.room);
    // A newcomer's first line announces it; the checker minds when it may.
    let is_arrival = |effect: &&Effect| matches!(effect, Effect::Say { kind: SayKind::Notice, line, .. } if line.contains(" joined #"));
    let effects: Vec<Effect> = effects
        .iter()
        .filter(|effect| !is_arrival(effect))
        .cloned()
        .collect();
    let effects = &effects[..];
    let answers = || {
        effects.iter().filter_map(|effect| match effect {
            Effect::Tell { to, line } if *to == author => Some(&**line),
            _ => None,
        })
    };
    let first = answers().next().unwrap_or_default();
    if first.starts_with("! You are muted for ") {
        tally.count(Count::Muted);
        return match effects.len() {
            1 => Ok(()),
            _ => violated("the muted are not heard", format!("{effects:?}")),
        };
    }
    let wrong = || violated("a line does what it says", format!("{act:?}: {effects:?}"));
    match act {
        Act::Say(text) | Act::Me(text) => {
            let wanted = match act {
                Act::Say(_) => format!("{nickname}: {text}"),
                _ => format!("** {nickname} {text}"),
            };
            let is_wanted = |effect: &Effect| {
                matches!(effect, Effect::Say { room: heard, except, kind: SayKind::Message, line }
                    if *heard == room && *except == Some(author) && **line == *wanted)
            };
            tally.count(Count::Messages);
            match effects {
                [only] if is_wanted(only) => Ok(()),
                _ => wrong(),
            }
        }
        Act::Msg { to, text } => {
            let (reader, wanted) = match checker.named(to) {
                Some(reader) => {
                    let spelt = checker.seat(reader).map_or("", |seat| &seat.nickname);
                    (reader, format!("{nickname} -> {spelt}: {text}"))
                }
                None => (author, format!("! There is no {to} here.")),
            };
            tally.count(Count::PrivateMessages);
            match effects {
                [Effect::Private { from, to, line }] if *from == author && *to == reader => {
                    match **line == *wanted {
                        true => Ok(()),
                        false => wrong(),
                    }
                }
                [Effect::Tell { to: told, line }] if *told == author => {
                    let spelt = checker.seat(reader).map_or("", |seat| &seat.nickname);
                    let held_off = format!("! Not delivered: {spelt} reads too slowly.");
                    if **line == *wanted {
                        return Ok(());
                    }
                    if **line != *held_off || !checker.slow.contains(&reader) {
                        return wrong();
                    }
                    tally.count(Count::Undelivered);
                    checker.holds_off(reader);
                    Ok(())
                }
                _ => wrong(),
            }
        }
        Act::Nick(name) => {
            if checker.named(name).is_some_and(|owner| owner != author) {
                tally.count(Count::TakenNames);
                return match first.starts_with(&format!("! {name} is taken; ")) {
                    true => Ok(()),
                    false => wrong(),
                };
            }
            tally.count(Count::Renames);
            match first == format!("* You are now {name}.") {
                true => checker.rename(author, name),
                false => wrong(),
            }
        }
        Act::Join(name) => {
            let moved = effects.iter().find_map(|effect| match effect {
                Effect::Moved { member, to, .. } if *member == author => *to,
                _ => None,
            });
            let Some(to) = moved else {
                let is_answered = first.starts_with("* You are in #") || first.starts_with("! ");
                return match is_answered && effects.len() == 1 {
                    true => Ok(()),
                    false => wrong(),
                };
            };
            tally.count(Count::Moves);
            let others = match checker.members_in(to) {
                1 => "1 other".to_owned(),
                count => format!("{count} others"),
            };
            let lowercase = first.to_ascii_lowercase();
            let wanted = format!("* you are now in #{} with {others}.", name.to_lowercase());
            if lowercase != wanted {
                return wrong();
            }
            let replayed = checker.last_messages(to, 10);
            replays(answers(), &replayed, tally)
        }
        Act::History(count) => {
            let replayed = checker.last_messages(room, *count);
            replays(answers(), &replayed, tally)
        }
        Act::Quit => match first == format!("* Bye, {nickname}.") {
            true => Ok(()),
            false => wrong(),
        },
        Act::TooLong => {
            tally.count(Count::TooLong);
            match first.starts_with("! That line was not sent: ") && effects.len() == 1 {
                true => Ok(()),
                false => wrong(),
            }
        }
        Act::Nothing => match effects.is_empty() {
            true => Ok(()),
            false => wrong(),
        },
        Act::Ask | Act::Order => {
            let is_heard = |effect: &Effect| {
                matches!(
                    effect,
                    Effect::Say { except: None, .. } | Effect::Report { .. }
                )
            };
            match first.is_empty() && !effects.iter().any(is_heard) {
                true => wrong(),
                false => Ok(()),
            }
        }
    }
}

/// Whether the answers hold exactly this history, under its header.
fn replays<'a>(
    answers: impl Iterator<Item = &'a str>,
    wanted: &[Line],
    tally: &mut Tally,
) -> Checked {
    let header = format!("* The last {} messages of #", wanted.len());
    let mut answers = answers.skip_while(|line| !line.starts_with("* The last "));
    let Some(found) = answers.next() else {
        return match wanted.is_empty() {
            true => Ok(()),
            false => violated(
                "history is what was said",
                format!("nothing, not {wanted:?}"),
            ),
        };
    };
    tally.count(Count::Replays);
    let lines: Vec<&str> = answers.collect();
    let is_same = lines.iter().copied().eq(wanted.iter().map(|line| &**line));
    match found.starts_with(&header) && is_same {
        true => Ok(()),
        false => violated(
            "history is what was said",
            format!("{found:?} {lines:?}, not {wanted:?}"),
        ),
    }
}

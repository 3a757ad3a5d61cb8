//! The words of `nc`: what is heard, as lines of text.
//!
//! Lines are told apart by how they start: `* ` is the chat speaking, `! ` the chat refusing,
//! `** nick` an action, `nick: ` a message, `nick -> nick: ` a private one. No name has a space, a
//! star or a colon in it, so no member can put words into the chat's mouth. `docs/protocol.md` has
//! all of them.

use std::fmt::{Arguments, Write};
use std::sync::LazyLock;

use super::order_words::{describe, explain};
use super::report_words;
use super::times::{Times, clock, date_and_clock, live_time, old_time};
use crate::chat::{
    Answer, Audience, COMMANDS, CommandEntry, Departure, Event, Message, MessageKind, Millis, Name,
    ORDERS, Side, Text, counted, ending, minutes,
};
use crate::server::core::digests::{Changes, Digest, Expulsion};
use crate::server::core::rendering::Heard;
use crate::server::doors::line::listing::list;

/// How many names `/who` and `/rooms` show, if they are short.
const LISTED: usize = 40;
/// How many names a digest shows of each kind.
const NAMED: usize = 3;

pub(super) const MORE: (&str, &str) = ("more", "more");
const OTHERS: (&str, &str) = ("other", "others");
const RENAMED: (&str, &str) = ("other has a new name", "others have new names");

/// Puts something into lines, each with its line feed.
pub(crate) fn render(heard: Heard<'_>, times: Times, to: &mut Vec<u8>) {
    match heard {
        Heard::Event(Event::Message(said)) | Heard::Own(said, _) | Heard::Private(said) => {
            live_time(said.place.time, times, to);
            message(said, to);
        }
        Heard::Event(event) => put(to, |line| tell_event(event, line)),
        Heard::Digest(Digest::Changes(changes)) if changes.is_crowd => {}
        Heard::Digest(Digest::Changes(changes)) => put(to, |line| tell_changes(changes, line)),
        Heard::Digest(Digest::Expulsion(expulsion)) => {
            put(to, |line| tell_expulsion(expulsion, line));
        }
        Heard::Answer(answer) => tell_answer(answer, times, to),
    }
}

/// The same of a room in which the reader is not: each line begins with its name.
pub(in crate::server) fn render_elsewhere(heard: Heard<'_>, times: Times, to: &mut Vec<u8>) {
    let room = match heard {
        Heard::Event(Event::Message(said)) | Heard::Own(said, _) | Heard::Private(said) => {
            match &said.audience {
                Audience::Room(room) => room,
                Audience::Member { .. } => return render(heard, times, to),
            }
        }
        Heard::Event(Event::Redaction(taken)) => &taken.room,
        Heard::Event(Event::Topic(set)) => &set.room,
        Heard::Digest(Digest::Changes(changes)) => &changes.room,
        Heard::Digest(Digest::Expulsion(expulsion)) => &expulsion.room,
        // Everybody hears an announcement where it is, and the rest comes in digests.
        Heard::Event(
            Event::Announcement(_)
            | Event::Arrival { .. }
            | Event::Departure { .. }
            | Event::Rename { .. },
        ) => return,
        Heard::Answer(_) => return render(heard, times, to),
    };
    let start = to.len();
    to.extend_from_slice(format!("#{room} ").as_bytes());
    let before = to.len();
    render(heard, times, to);
    if to.len() == before {
        to.truncate(start);
    }
}

/// The hot path: no formatting.
fn message(said: &Message, to: &mut Vec<u8>) {
    let nickname = said.author.nickname.as_bytes();
    match (said.kind, &said.audience) {
        (MessageKind::Said, Audience::Room(_)) => {
            to.extend_from_slice(nickname);
            to.extend_from_slice(b": ");
        }
        (
            MessageKind::Said,
            Audience::Member {
                nickname: reader, ..
            },
        ) => {
            to.extend_from_slice(nickname);
            to.extend_from_slice(b" -> ");
            to.extend_from_slice(reader.as_bytes());
            to.extend_from_slice(b": ");
        }
        (MessageKind::Action, _) => {
            to.extend_from_slice(b"** ");
            to.extend_from_slice(nickname);
            to.push(b' ');
        }
    }
    to.extend_from_slice(said.text.as_bytes());
    to.push(b'\n');
}

/// One line, put together as a text.
fn put(to: &mut Vec<u8>, tell: impl FnOnce(&mut String)) {
    let mut line = String::new();
    tell(&mut line);
    if !line.is_empty() {
        line.push('\n');
        to.extend_from_slice(line.as_bytes());
    }
}

pub(super) fn line(to: &mut Vec<u8>, text: Arguments<'_>) {
    use std::io::Write;
    // Writing to memory cannot fail.
    let _ = writeln!(to, "{text}");
}

fn tell_event(event: &Event, line: &mut String) {
    let _ = match event {
        Event::Redaction(taken) => {
            let (by, author, time) = (&taken.by.nickname, &taken.author, clock(taken.said));
            match taken.is_authors {
                true => write!(line, "* {by} took back a message of {time}."),
                false => write!(line, "* {by} took back a message of {author}, of {time}."),
            }
        }
        Event::Topic(set) => {
            write!(
                line,
                "* {} set the topic: {}",
                set.author.nickname, set.topic
            )
        }
        Event::Announcement(announcement) => match &announcement.by {
            Some(by) => write!(line, "* Announcement by {by}: {}", announcement.text),
            None => write!(line, "* {}", announcement.text),
        },
        // These come in digests; a message has no words of its own here.
        Event::Arrival { .. }
        | Event::Departure { .. }
        | Event::Rename { .. }
        | Event::Message(_) => Ok(()),
    };
}

/// `alice, bob, carol and 997 others joined #tea; dave left #tea; guest7 is now erin.`
fn tell_changes(changes: &Changes, line: &mut String) {
    let room = &changes.room;
    let joined = changes.joined.iter().map(|who| &*who.nickname);
    let left = changes.left.iter().map(|(who, _)| &*who.nickname);
    let renamed = changes.renamed.iter();
    let renamed = renamed.map(|(who, before)| format!("{before} is now {}", who.nickname));
    let phrases = [
        (changes.joined_count > 0).then(|| {
            list(joined, changes.joined_count, NAMED, OTHERS) + &format!(" joined #{room}")
        }),
        (changes.left_count > 0)
            .then(|| list(left, changes.left_count, NAMED, OTHERS) + &format!(" left #{room}")),
        (changes.renamed_count > 0).then(|| list(renamed, changes.renamed_count, NAMED, RENAMED)),
    ];
    let said: Vec<String> = phrases.into_iter().flatten().collect();
    let _ = write!(line, "* {}.", said.join("; "));
}

fn tell_expulsion(expulsion: &Expulsion, line: &mut String) {
    let names = expulsion.who.iter().map(|who| &*who.nickname);
    let names = list(names, expulsion.count, NAMED, OTHERS);
    let were = if expulsion.count == 1 { "was" } else { "were" };
    let (what, reason) = match &expulsion.why {
        Departure::Banned { reason } => ("banned", reason),
        Departure::Kicked { reason } => ("kicked", reason),
        Departure::Parted | Departure::Quit | Departure::Lost => ("gone", &None),
    };
    let ending = ending(reason.as_deref());
    let _ = write!(line, "* {names} {were} {what}{ending}");
}

/// Lines that are the same for everyone, made once.
static COMMAND_LINES: LazyLock<String> = LazyLock::new(|| {
    table(
        "* What does not start with / is said to the room. Commands:",
        COMMANDS,
    )
});
static ORDER_LINES: LazyLock<String> = LazyLock::new(|| table("* For operators only:", ORDERS));

/// The usage of commands, a line each under a header.
fn table(header: &str, entries: &[CommandEntry]) -> String {
    let widest = entries.iter().map(|entry| entry.usage.len()).max();
    let widest = widest.unwrap_or_default();
    let mut lines = format!("{header}\n");
    for CommandEntry { usage, purpose, .. } in entries {
        let _ = writeln!(lines, "*   {usage:<widest$}  {purpose}");
    }
    lines
}

/// What whoever comes into a room is told of it.
fn about_room(
    room: &Name,
    topic: Option<&Text>,
    (linger, is_kept): (Option<Millis>, bool),
    to: &mut Vec<u8>,
) {
    if let Some(topic) = topic {
        line(to, format_args!("* Topic of #{room}: {topic}"));
    }
    if is_kept {
        line(to, format_args!("* What is said here is kept."));
    } else if let Some(linger) = linger {
        let kept = minutes(linger);
        line(
            to,
            format_args!("* What is said here is kept for {kept} after the last has left."),
        );
    }
}

fn tell_answer(answer: &Answer, times: Times, to: &mut Vec<u8>) {
    match answer {
        Answer::Welcome {
            who, room, others, ..
        } => {
            let (nickname, others) = (&who.nickname, counted(*others, OTHERS));
            line(
                to,
                format_args!(
                    "* Welcome to loopchat, {nickname}. You are in #{room} with {others}."
                ),
            );
            line(to, format_args!("{HINT}"));
        }
        Answer::Returned {
            who, room, others, ..
        } => {
            let (nickname, others) = (&who.nickname, counted(*others, OTHERS));
            line(
                to,
                format_args!("* You are back as {nickname}, in #{room} with {others}."),
            );
        }
        // Lines have no numbers to come back by.
        Answer::Backlog { .. } | Answer::Committed { .. } => {}
        Answer::History { side, .. } if *side != Side::END => tell_page(answer, times, to),
        Answer::History {
            of,
            messages,
            is_whole,
            ..
        } if messages.is_empty() => match of {
            Audience::Room(room) => {
                line(to, format_args!("* Nothing has been said in #{room} yet."));
            }
            Audience::Member { nickname, .. } if *is_whole => line(
                to,
                format_args!("* You and {nickname} have said nothing to each other alone yet."),
            ),
            Audience::Member { nickname, .. } => line(
                to,
                format_args!(
                    "* Nothing is kept of what you and {nickname} say to each other alone."
                ),
            ),
        },
        Answer::History {
            of, messages, now, ..
        } => {
            // The header is always of the same form, for programs to read.
            let count = messages.len();
            match of {
                Audience::Room(room) => {
                    line(to, format_args!("* The last {count} messages of #{room}:"));
                }
                Audience::Member { nickname, .. } => line(
                    to,
                    format_args!("* The last {count} messages between you and {nickname}:"),
                ),
            }
            for said in messages {
                old_time(said.place.time, *now, times, to);
                message(said, to);
            }
        }
        Answer::Found {
            of,
            words,
            messages,
            is_whole,
            now,
        } => {
            let place = match of {
                Audience::Room(room) => format!("#{room}"),
                Audience::Member { nickname, .. } => format!("you and {nickname}"),
            };
            match (messages.len(), is_whole) {
                (0, true) => line(to, format_args!("* No message in {place} has {words}.")),
                (0, false) => line(
                    to,
                    format_args!(
                        "* No message in {place} has {words}, of those that could be looked \
                         through; there are more."
                    ),
                ),
                (count, true) => line(
                    to,
                    format_args!("* {count} messages in {place} have {words}, the best first:"),
                ),
                (count, false) => line(
                    to,
                    format_args!("* The best {count} messages in {place} that have {words}:"),
                ),
            }
            for said in messages {
                number(said, to);
                old_time(said.place.time, *now, times, to);
                message(said, to);
            }
        }
        Answer::Entered {
            room,
            others,
            topic,
            linger,
            is_kept,
            ..
        } => {
            let others = counted(*others, OTHERS);
            line(to, format_args!("* You are now in #{room} with {others}."));
            about_room(room, topic.as_ref(), (*linger, *is_kept), to);
        }
        Answer::Stayed { room } => line(to, format_args!("* You are in #{room} already.")),
        Answer::Watching {
            room,
            others,
            topic,
            linger,
            is_kept,
            ..
        } => {
            let others = counted(*others, OTHERS);
            line(to, format_args!("* You hear #{room} now, with {others}."));
            about_room(room, topic.as_ref(), (*linger, *is_kept), to);
        }
        Answer::Hears { room } => line(to, format_args!("* You hear #{room} already.")),
        Answer::Parted { room } => line(to, format_args!("* You left #{room}.")),
        Answer::OwnRooms { listed } => {
            let rooms = listed
                .iter()
                .map(|(name, members)| format!("#{name} ({members})"));
            let rooms = list(rooms, listed.len(), LISTED, MORE);
            line(to, format_args!("* Your rooms: {rooms}"));
        }
        Answer::Ignoring { nickname } => {
            line(to, format_args!("* You hear nothing more of {nickname}."));
        }
        Answer::Unignored { nickname } => {
            line(to, format_args!("* You hear {nickname} again."));
        }
        Answer::Ignored { nicknames } if nicknames.is_empty() => {
            line(to, format_args!("* You ignore nobody."));
        }
        Answer::Ignored { nicknames } => {
            let names = list(nicknames, nicknames.len(), LISTED, MORE);
            line(to, format_args!("* You ignore: {names}"));
        }
        Answer::Times { is_on: true } => {
            line(to, format_args!("* Each message is shown with its time."));
        }
        Answer::Times { is_on: false } => line(to, format_args!("* No times are shown.")),
        Answer::Renamed { nickname } => line(to, format_args!("* You are now {nickname}.")),
        Answer::RoomTopic { room, topic } => match topic {
            Some(topic) => line(to, format_args!("* Topic of #{room}: {topic}")),
            None => line(to, format_args!("* #{room} has no topic.")),
        },
        Answer::TopicSet {
            nickname, topic, ..
        } => line(to, format_args!("* {nickname} set the topic: {topic}")),
        Answer::Rooms { listed, count } => {
            let listed = listed
                .iter()
                .map(|(name, members)| format!("#{name} ({members})"));
            let listed = list(listed, *count, LISTED, MORE);
            line(to, format_args!("* Rooms: {listed}"));
        }
        Answer::Members { room, count: 0, .. } => {
            line(to, format_args!("* Nobody is in #{room}."));
        }
        Answer::Members {
            room,
            nicknames,
            count,
        } => {
            let names = list(nicknames, *count, LISTED, MORE);
            line(to, format_args!("* In #{room} ({count}): {names}"));
        }
        Answer::Help {
            is_operator,
            is_kept,
        } => {
            to.extend_from_slice(COMMAND_LINES.as_bytes());
            if *is_kept {
                let kept = "* What is said in rooms is kept, for those who come later, too.";
                line(to, format_args!("{kept}"));
            }
            if *is_operator {
                to.extend_from_slice(ORDER_LINES.as_bytes());
            }
        }
        Answer::Muted { left } => {
            line(to, format_args!("* You are muted for {}.", minutes(*left)));
        }
        Answer::Unmuted => line(to, format_args!("* You are muted no more.")),
        Answer::CarriedOut(outcome) => line(to, format_args!("* {}", describe(outcome))),
        Answer::Bans { listed, count } => report_words::bans(listed, *count, to),
        Answer::Mutes { listed, count } => report_words::mutes(listed, *count, to),
        Answer::Report(report) => report_words::render(report, to),
        Answer::Skipped { count, history } => {
            let lines = counted(*count, ("line was", "lines were"));
            let advice = match (*count).min(*history) {
                0 => String::new(),
                some => format!("; /history {some} shows the last"),
            };
            line(
                to,
                format_args!("* {lines} skipped while you were not reading{advice}."),
            );
        }
        Answer::Deleted(_) => line(to, format_args!("* You took it back.")),
        Answer::Missed { count } => {
            let messages = counted(*count, ("private message was", "private messages were"));
            line(
                to,
                format_args!("* {messages} not delivered while you were not reading."),
            );
        }
        Answer::Flooding { per_second } => {
            let lines = counted(*per_second as usize, ("line", "lines"));
            line(
                to,
                format_args!(
                    "* You are typing faster than {lines} a second: your lines arrive, slowly."
                ),
            );
        }
        Answer::Here => line(to, format_args!("* The server is here.")),
        Answer::Refused(refusal) => line(to, format_args!("! {}", explain(refusal))),
        Answer::Disconnected(reason) => line(to, format_args!("{}", reason.line())),
    }
}

/// The second line of a session.
const HINT: &str = "* Type to talk. /help lists the commands, /nick NAME gives you a name.";

/// What is before a message by which it can be taken back, and read on from.
fn number(said: &Message, to: &mut Vec<u8>) {
    to.extend_from_slice(format!("{} ", said.place.number).as_bytes());
}

/// Messages next to a number or a time, each behind its number, and how to read on from them.
fn tell_page(answer: &Answer, times: Times, to: &mut Vec<u8>) {
    let Answer::History {
        of,
        side,
        messages,
        is_whole,
        next,
        now,
    } = answer
    else {
        return;
    };
    let (place, with) = match of {
        Audience::Room(room) => (format!("of #{room}"), String::new()),
        Audience::Member { nickname, .. } => (
            format!("between you and {nickname}"),
            format!(" @{nickname}"),
        ),
    };
    let beside = match *side {
        Side::Before(number) => format!("before {number}"),
        Side::After(number) => format!("after {number}"),
        Side::Until(time) => format!("before {} UTC", date_and_clock(time)),
        Side::Since(time) => format!("after {} UTC", date_and_clock(time)),
    };
    let count = counted(messages.len(), ("message", "messages"));
    line(to, format_args!("* {count} {place} {beside}:"));
    for said in messages {
        number(said, to);
        old_time(said.place.time, *now, times, to);
        message(said, to);
    }
    let word = if side.goes_back() { "before" } else { "after" };
    match (next, is_whole) {
        (Some(next), _) => {
            line(
                to,
                format_args!("* There is more: /history {word} {next}{with}"),
            );
        }
        (None, false) => {
            line(
                to,
                format_args!("* There is no more: what is older is not kept."),
            );
        }
        (None, true) => line(to, format_args!("* There is no more.")),
    }
}

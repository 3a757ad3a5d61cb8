//! What somebody must be told who has missed something: exactly that, or that it cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use loopchat::chat::{Answer, Audience, Effect, Epoch, Event, EventId, MemberId, Position, Text};
use loopchat::server::core::hub::HeardUpTo;
use loopchat::server::core::rendering::Heard;
use loopchat::server::sessions::SessionId;

use super::checker::Checker;
use super::framed::{json_objects, rendered};
use super::programs::{Complete, Program};
use super::readers::Note;
use super::tally::Count;
use super::{Checked, violated};

/// What one answer takes beside what is in it, in bytes.
const BESIDES: usize = 200;

/// All that was said in each room, in order, by its name and the life of its log.
#[derive(Default)]
pub struct Ledger(BTreeMap<(String, String), Vec<(u64, EventId)>>);

impl Ledger {
    /// Something has its place in a room.
    pub fn add(&mut self, room: &str, epoch: Epoch, number: u64, id: EventId) {
        let key = (room.to_ascii_lowercase(), epoch.to_string());
        let log = self.0.entry(key).or_default();
        log.push((number, id));
    }
}

/// What somebody has missed of a log.
struct Missed {
    /// The room, or nothing if it is what two say to each other alone.
    room: Option<Text>,
    epoch: Option<Epoch>,
    last: u64,
    /// `None` if it is not all remembered, or the log has another life.
    events: Option<Vec<Event>>,
    /// Of all of them, those of the ignored included.
    bytes: usize,
    /// Messages that are kept, if none is forgotten.
    kept: usize,
    is_named: bool,
}

impl Missed {
    /// It is a room in which nothing was said.
    fn is_blank(&self) -> bool {
        self.epoch.is_none() && self.last == 0
    }
}

/// What is told of one log.
struct Told<'a> {
    of: &'a Audience,
    position: Position,
    events: Option<Vec<Event>>,
    own: Vec<&'a (EventId, Text)>,
}

/// Who goes on.
pub struct Back<'a> {
    pub member: MemberId,
    pub session: SessionId,
    /// Up to where it says that it has heard what.
    pub heard: &'a [HeardUpTo],
    /// What it has not seen come back.
    pub unconfirmed: BTreeSet<Text>,
    /// Bytes that may wait for it.
    pub most: usize,
}

impl Checker {
    /// Whether what is told behind `returned` is what was missed. Returns what was met.
    pub fn check_missed(&mut self, back: &Back<'_>, effects: &[Effect]) -> Checked<Vec<Count>> {
        let (rooms, mut private) = self.missed(back)?;
        let (mut told, untold) = pieces(back.member, effects)?;
        let mut counted = Vec::new();
        let mut total = 0;
        for missed in &rooms {
            let is_it = told.first().is_some_and(|told| told.is_of(missed));
            if !is_it {
                let seen = format!("#{:?}: {effects:?}", missed.room);
                return violated("of each room it is told what was missed", seen);
            }
            self.check_one(missed, &told.remove(0), back, &mut total, &mut counted)?;
        }
        for one in &told {
            let Some(at) = private.iter().position(|missed| one.is_of(missed)) else {
                let seen = format!("{:?}: {effects:?}", one.of);
                return violated("of each log it is told once what was missed", seen);
            };
            let missed = private.remove(at);
            self.check_one(&missed, one, back, &mut total, &mut counted)?;
        }
        // What it does not know of, and is too much, it is only told the number of.
        let mut count = 0;
        for missed in private {
            total += BESIDES + missed.bytes;
            if missed.is_named || !is_much(total, back) {
                let what = (
                    missed.epoch,
                    missed.last,
                    missed.is_named,
                    missed.bytes,
                    missed.kept,
                );
                let seen = format!("{what:?} after {total}: {effects:?}");
                return violated("of each log it is told what was missed", seen);
            }
            count += missed.kept;
        }
        if count != untold {
            let seen = format!("{untold}, not {count}");
            return violated("private messages that are not told are counted", seen);
        }
        counted.extend((count > 0).then_some(Count::MissedUntold));
        self.expect_missed(back, effects)?;
        Ok(counted)
    }

    /// Of one log what is told must be what was missed.
    fn check_one(
        &mut self,
        missed: &Missed,
        told: &Told<'_>,
        back: &Back<'_>,
        total: &mut usize,
        counted: &mut Vec<Count>,
    ) -> Checked {
        let seen = || {
            let Told {
                of,
                position,
                events,
                ..
            } = told;
            let wanted = (missed.epoch, missed.last, &missed.events);
            format!("{of:?} {position:?} {events:?}, not {wanted:?}")
        };
        if let Some(room) = &missed.room {
            self.rooms.is_at(room, told.position)?;
        }
        if told.position.number != missed.last {
            return violated("what was missed goes up to what was said last", seen());
        }
        match (&told.events, &missed.events) {
            (None, None) => counted.push(Count::StartedAnew),
            (None, Some(_)) => {
                if !is_much(*total + BESIDES + missed.bytes, back) {
                    return violated("nobody starts anew without need", seen());
                }
                counted.push(Count::MissedTooMuch);
            }
            // Nothing was ever said in it, nor in the one that had its name and its epoch before.
            (Some(events), None) if events.is_empty() && missed.is_blank() => {}
            (Some(events), Some(wanted)) if events == wanted => {
                *total += BESIDES + missed.bytes;
                if *total > 2 * back.most {
                    return violated("no more is told than may wait", seen());
                }
                let what = match (events.is_empty(), missed.room.is_some()) {
                    (true, _) => Count::MissedNothing,
                    (false, true) => Count::MissedSome,
                    (false, false) => Count::MissedPrivate,
                };
                counted.push(what);
            }
            _ => return violated("what is told is what was missed", seen()),
        }
        self.check_own(told, back)
    }

    /// One's own messages have the ids by which one's client knows them: all of those that it has
    /// not seen come back.
    fn check_own(&self, told: &Told<'_>, back: &Back<'_>) -> Checked {
        let ids = told.events.iter().flatten().filter_map(Event::place);
        let ids: Vec<EventId> = ids.map(|place| place.id).collect();
        let is_right = |(id, client_id): &&&(EventId, Text)| {
            ids.contains(id) && self.client_ids.of(*id) == Some(client_id)
        };
        let is_named = |id: &EventId| told.own.iter().any(|(own, _)| own == id);
        let is_awaited = |id: &&EventId| {
            let client_id = self.client_ids.of(**id);
            client_id.is_some_and(|client_id| back.unconfirmed.contains(client_id))
        };
        match told.own.iter().all(|own| is_right(&own))
            && ids.iter().filter(is_awaited).all(is_named)
        {
            true => Ok(()),
            false => violated(
                "what a program has said comes with its own ids",
                format!("{:?} of {ids:?}", told.own),
            ),
        }
    }

    /// What the books say that somebody has missed: of the rooms that it names and hears, in that
    /// order, and of all with whom it speaks alone.
    fn missed(&self, back: &Back<'_>) -> Checked<(Vec<Missed>, Vec<Missed>)> {
        let Some(seat) = self.seat(back.member) else {
            return violated("only members go on", format!("{:?}", back.member));
        };
        let is_wanted = |event: &Event| match event {
            Event::Message(said) => !seat.ignored.contains(&said.member),
            _ => true,
        };
        let filtered = |all: Option<Vec<Event>>| -> Checked<(Option<Vec<Event>>, usize)> {
            let mut bytes = 0;
            for event in all.iter().flatten() {
                let lines = rendered(json_objects(), Heard::Event(event))?;
                bytes += lines.iter().map(|line| line.len()).sum::<usize>();
            }
            let wanted = |events: Vec<Event>| events.into_iter().filter(is_wanted).collect();
            Ok((all.map(wanted), bytes))
        };
        let mut rooms: Vec<Missed> = Vec::new();
        for (name, since) in back.heard {
            let named = name.as_ref().and_then(|name| self.rooms.named(name));
            let heard = named.filter(|&room| seat.hears(room));
            let Some(room) = heard.and_then(|room| self.rooms.get(room)) else {
                continue;
            };
            let (events, bytes) = filtered(room.since(*since))?;
            rooms.push(Missed {
                room: Some(Text::from(&*room.name)),
                epoch: room.epoch(),
                last: room.number(),
                events,
                bytes,
                kept: 0,
                is_named: true,
            });
        }
        let mut private = Vec::new();
        for log in self.private.of(back.member) {
            let epoch = log.epoch();
            let named = back.heard.iter().filter(|(name, _)| name.is_none());
            let mut named = named.map(|(_, since)| since);
            let since = named.rfind(|since| since.epoch == epoch);
            let number = since.map_or(0, |since| since.number);
            let all = log.since(number);
            let (events, bytes) = filtered(all)?;
            private.push(Missed {
                room: None,
                epoch: Some(epoch),
                last: log.number(),
                events,
                bytes,
                kept: log.whole(),
                is_named: since.is_some(),
            });
        }
        Ok((rooms, private))
    }

    /// It reads all of that.
    fn expect_missed(&mut self, back: &Back<'_>, effects: &[Effect]) -> Checked {
        for effect in effects {
            let Effect::Tell { answer, .. } = effect else {
                continue;
            };
            let note = match answer {
                Answer::Backlog { events, .. } => {
                    let events = events.iter().flatten();
                    let messages = events.filter(|event| event.is_message());
                    let ids = messages.filter_map(Event::place).map(|place| place.id);
                    Note::History(ids.collect::<Rc<[EventId]>>())
                }
                _ => Note::Untold,
            };
            let session = back.session;
            let heard = Heard::Answer(answer);
            self.told(back.member, heard, Some(note), |own| own.id == session)?;
        }
        Ok(())
    }

    /// A program was told that it has all now: it must have read all that was said since, but for
    /// what was taken back, and those whom it has ever ignored.
    pub fn has_all(&self, complete: &Complete, program: &Program, number: usize) -> Checked {
        let mut seats = self.seats.values();
        let seat = seats.find(|seat| seat.sessions.iter().any(|own| own.number == number));
        if seat.is_none_or(|seat| seat.has_ignored) {
            return Ok(());
        }
        let log = self.ledger.0.get(&complete.log).into_iter().flatten();
        let behind =
            log.filter(|(number, _)| (complete.since + 1..=complete.last).contains(number));
        let is_lost =
            |(_, id): &&(u64, EventId)| !program.has_had(*id) && !self.rooms.is_taken_back(*id);
        match behind.clone().find(is_lost) {
            None => Ok(()),
            Some(lost) => violated(
                "whoever goes on has had all that was said, once",
                format!("{number} never got {lost:?} of {complete:?}"),
            ),
        }
    }
}

/// Whether so many bytes may be more than may wait for it. The server weighs them as roughly as here.
fn is_much(bytes: usize, back: &Back<'_>) -> bool {
    2 * bytes >= back.most
}

impl Told<'_> {
    fn is_of(&self, missed: &Missed) -> bool {
        match (self.of, &missed.room) {
            (Audience::Room(name), Some(room)) => **name == **room,
            (Audience::Member { epoch, .. }, None) => {
                missed.epoch == Some(*epoch) && *epoch == self.position.epoch
            }
            _ => false,
        }
    }
}

/// Puts together what is told in pieces, of each log; and how much is not told.
fn pieces(member: MemberId, effects: &[Effect]) -> Checked<(Vec<Told<'_>>, usize)> {
    let wrong = |rule| violated(rule, format!("{effects:?}"));
    let (mut all, mut untold): (Vec<Told<'_>>, usize) = (Vec::new(), 0);
    let mut is_begun = false;
    for effect in effects {
        match effect {
            Effect::Tell {
                to,
                answer:
                    Answer::Backlog {
                        of,
                        position,
                        events,
                        own,
                        is_more,
                    },
            } if *to == member && untold == 0 => {
                let last = events.as_ref().and_then(|events| events.last());
                let last = last.and_then(Event::place).map(|place| place.number);
                if *is_more && last != Some(position.number) {
                    return wrong("a piece ends with what is last in it");
                }
                match all.last_mut().filter(|_| is_begun) {
                    None => all.push(Told {
                        of,
                        position: *position,
                        events: events.clone(),
                        own: own.iter().collect(),
                    }),
                    Some(before) => {
                        if before.of != of || position.epoch != before.position.epoch {
                            return wrong("pieces of one log come one after the other");
                        }
                        before.position = *position;
                        before.own.extend(own);
                        match (&mut before.events, events) {
                            (Some(before), Some(events)) => before.extend_from_slice(events),
                            _ => return wrong("pieces are told, or nothing is"),
                        }
                    }
                }
                is_begun = *is_more;
            }
            Effect::Tell {
                to,
                answer: Answer::Missed { count },
            } if *to == member && untold == 0 && !is_begun => untold = *count,
            _ => return wrong("who is back is told what it has missed, and nobody else anything"),
        }
    }
    match is_begun {
        true => wrong("the last piece is the last"),
        false => Ok((all, untold)),
    }
}

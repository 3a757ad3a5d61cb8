//! What each connection is still to read, and what it has read.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use loopchat::chat::{DisconnectReason, EventId, RoomId, Text};

use super::tally::{Count, Tally};
use super::wire::Lag;
use super::{Checked, violated};

/// What one connection is still to read.
#[derive(Default)]
pub struct Reader {
    expected: VecDeque<Expected>,
    /// What it did not get and was not told of yet.
    missing: u32,
    /// Private messages that it did not get and was not told of yet.
    pub held_off: usize,
    /// Bytes that it has read.
    read: u64,
    /// Why its session has ended, once it has read that.
    farewell: Option<DisconnectReason>,
    /// It is still in the chat.
    pub is_member: bool,
    /// Messages that it has read, live or of a history.
    had: BTreeSet<EventId>,
    /// Messages that were left out for it.
    spared: BTreeSet<EventId>,
    /// Messages that it knows to be taken back.
    taken_back: BTreeSet<EventId>,
    /// What it has read that was refused, by its own ids.
    pub refused: Vec<Text>,
}

/// A line.
pub struct Expected {
    pub line: Rc<str>,
    pub kind: Kind,
    /// What is said in one room comes in its order; what is told to the member comes after all
    /// that was said before, wherever.
    pub room: Option<RoomId>,
    pub note: Option<Note>,
}

/// When a line may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For who is behind.
    Message,
    /// For who is full.
    Notice,
    /// Of its own, as its room hears it: for nobody.
    Echo,
    /// For nobody.
    Own,
}

/// What there is to see to once a line is read.
#[derive(Clone, Debug)]
pub enum Note {
    /// `is_own` says that its member has said it, `is_echo` that it has itself.
    Said {
        id: EventId,
        is_own: bool,
        is_echo: bool,
    },
    /// `is_owed` says that it was there when that was said.
    Redacted {
        id: EventId,
        is_owed: bool,
    },
    History(Rc<[EventId]>),
    Presence {
        is_large: bool,
    },
    Private {
        is_own: bool,
    },
    Skipped(usize),
    Farewell(DisconnectReason),
    /// What it was left out before was a newcomer's, if it is another now.
    Returned {
        is_other: bool,
    },
    /// What it is told so much of it was never to be told.
    Untold,
    /// What it knows by this id was refused.
    Refused(Text),
}

impl Reader {
    pub fn new() -> Self {
        Self {
            is_member: true,
            ..Self::default()
        }
    }

    pub fn expect(
        &mut self,
        lines: &[Rc<str>],
        kind: Kind,
        room: Option<RoomId>,
        note: Option<Note>,
    ) {
        let mut note = note;
        for line in lines {
            self.expected.push_back(Expected {
                line: Rc::clone(line),
                kind,
                room,
                note: note.take(),
            });
        }
    }

    /// A line is read. `lags` is when the reader has not kept up.
    pub fn received(
        &mut self,
        number: usize,
        line: &str,
        lags: &[Lag],
        tally: &mut Tally,
    ) -> Checked {
        let at = self.read;
        self.read += line.len() as u64 + 1;
        if self.farewell.is_some() {
            return violated("the last line is the last", format!("{number}: {line:?}"));
        }
        let Some(place) = self.place_of(line) else {
            return match self.expected.front() {
                Some(Expected {
                    line: next,
                    kind: Kind::Own,
                    ..
                }) => violated(
                    "answers and private messages arrive, in order",
                    format!("{number} read {line:?} where {next:?} was due"),
                ),
                next => violated(
                    "only what was said is delivered, once, in order",
                    format!(
                        "{number} read {line:?}, next {:?}",
                        next.map(|next| &next.line)
                    ),
                ),
            };
        };
        let Some(found) = self.expected.remove(place) else {
            return Ok(());
        };
        // What came before it is left out: all of it, or what was said in the same room.
        let mut passed = 0;
        for _ in 0..place {
            let is_passed = found.room.is_none() || self.expected[passed].room == found.room;
            if !is_passed {
                passed += 1;
                continue;
            }
            let Some(Expected {
                line: next,
                kind,
                note,
                ..
            }) = self.expected.remove(passed)
            else {
                break;
            };
            if kind == Kind::Echo {
                let seen = format!("{number} never got {next:?}");
                return violated("who hears its own messages hears them all", seen);
            }
            let is_message = kind == Kind::Message;
            if !lags.iter().any(|lag| lag.spares(is_message, at)) {
                let seen = format!("{number} did not get {next:?} before byte {at}: {lags:?}");
                return violated(
                    "messages are left out for who is behind, notices for who is full",
                    seen,
                );
            }
            self.missing += 1;
            if let Some(Note::Said { id, .. }) = note {
                self.spared.insert(id);
            }
            tally.count(match is_message {
                true => Count::Skipped,
                false => Count::SkippedNotices,
            });
        }
        tally.add(Count::Elsewhere, (passed > 0).into());
        match found.note {
            Some(note) => self.note(number, note, tally),
            None => Ok(()),
        }
    }

    /// Which of those expected a line is.
    fn place_of(&self, line: &str) -> Option<usize> {
        for (place, expected) in self.expected.iter().enumerate() {
            if *expected.line == *line {
                return Some(place);
            }
            if expected.kind == Kind::Own {
                return None;
            }
        }
        None
    }

    fn note(&mut self, number: usize, note: Note, tally: &mut Tally) -> Checked {
        match note {
            Note::Said {
                id,
                is_own,
                is_echo,
            } => {
                tally.add(Count::Echoes, is_echo.into());
                tally.add(Count::OwnElsewhere, (is_own && !is_echo).into());
                self.had.insert(id);
            }
            Note::Private { is_own } => tally.add(Count::PrivateEchoes, is_own.into()),
            Note::Redacted { id, is_owed } => {
                tally.count(Count::Redactions);
                if self.spared.contains(&id) {
                    tally.count(Count::SparedRedactions);
                } else if is_owed && !self.had.contains(&id) {
                    return violated(
                        "what is taken back its readers have had, or were spared",
                        format!("{number}: {id}"),
                    );
                }
                self.taken_back.insert(id);
            }
            Note::History(ids) => {
                if let Some(id) = ids.iter().find(|id| self.taken_back.contains(id)) {
                    let seen = format!("{number}: {id}");
                    return violated("what was taken back is in no history", seen);
                }
                self.had.extend(ids.iter());
            }
            Note::Presence { is_large } => tally.count(match is_large {
                true => Count::LargeDigests,
                false => Count::Digests,
            }),
            Note::Skipped(told) => {
                tally.count(Count::ToldSkipped);
                let missing = std::mem::take(&mut self.missing);
                if told != missing as usize {
                    let seen = format!("{number} was told of {told}, missing {missing}");
                    return violated("what is left out is counted", seen);
                }
            }
            Note::Farewell(reason) => self.farewell = Some(reason),
            Note::Returned { is_other: true } => self.missing = 0,
            Note::Returned { is_other: false } | Note::Untold => {}
            Note::Refused(client_id) => self.refused.push(client_id),
        }
        Ok(())
    }

    /// Nothing is on its way to it: it must have got everything.
    pub fn has_everything(&self, number: usize) -> Checked {
        match self.expected.front() {
            Some(lost) => violated(
                "everything said is delivered",
                format!("{number} never got {:?}", lost.line),
            ),
            None if self.missing > 0 => violated(
                "what is left out is told",
                format!("{number} misses {}", self.missing),
            ),
            None => Ok(()),
        }
    }

    /// It has read the end of the stream; `by_choice` says that it had ended its own side. Why the
    /// server has ended its session, if it has.
    pub fn ended(self, number: usize, by_choice: bool) -> Checked<Option<DisconnectReason>> {
        let is_own = |left: &&Expected| matches!(left.kind, Kind::Own | Kind::Echo);
        if let Some(lost) = self.expected.iter().find(is_own) {
            let seen = format!("{number} never got {:?}", lost.line);
            return violated("answers and private messages arrive before the end", seen);
        }
        let lost = self.expected.len() + self.missing as usize + self.held_off;
        match (&self.farewell, by_choice) {
            (None, false) => violated("whoever is disconnected is told why", number.to_string()),
            (None, true) if lost > 0 => violated(
                "what is left out is told before the end",
                format!("{number} misses {lost}"),
            ),
            _ => Ok(self.farewell),
        }
    }
}

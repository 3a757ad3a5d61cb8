//! The model: what each member must see.
//!
//! It keeps its own books from what the chat says has happened ([`Effect`]) and never asks the
//! fan-out: who is in which room, who has which name, what was said, and for each member the lines
//! that are still to reach it, in order. A line that is read must be the next of those. Only what
//! others say may be missing, while the member is behind, and notices, while it is full; and only
//! as many lines as the member is then told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopchat::chat::{Effect, Line, MemberId, Millis, RoomId, SayKind};
use loopchat::server::Config;

use super::tally::{Count, Tally};
use super::wire::Lag;
use super::{Checked, violated};

/// A member of the chat.
pub struct Seat {
    /// Its connection's number.
    pub number: usize,
    pub nickname: String,
    pub room: RoomId,
    /// When it came.
    since: Millis,
    /// It has typed something that shows a person.
    has_spoken: bool,
}

/// How long nobody is to hear of a newcomer that says nothing, in milliseconds.
const SILENCE: Millis = 1000;

/// What one connection is still to read.
#[derive(Default)]
struct Reader {
    expected: VecDeque<Expected>,
    /// Messages that it did not get and was not told of yet.
    missing: u32,
    /// Private messages that it did not get and was not told of yet.
    held_off: usize,
    /// Bytes that it has read.
    read: u64,
    last: Option<Line>,
    /// It is still in the chat.
    is_member: bool,
}

struct Expected {
    line: Line,
    kind: Kind,
}

/// When a line may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// For who is behind.
    Message,
    /// For who is full.
    Notice,
    /// For nobody.
    Own,
}

pub struct Checker {
    seats: BTreeMap<MemberId, Seat>,
    readers: BTreeMap<usize, Reader>,
    history: BTreeMap<RoomId, VecDeque<Line>>,
    lobby: Option<RoomId>,
    /// For whom private messages may be held off: something waits for them, or did a moment ago.
    pub slow: BTreeSet<MemberId>,
    most_lines: usize,
    most_bytes: usize,
}

impl Checker {
    pub fn new(config: &Config) -> Self {
        Self {
            seats: BTreeMap::new(),
            readers: BTreeMap::new(),
            history: BTreeMap::new(),
            lobby: None,
            slow: BTreeSet::new(),
            most_lines: config.history as usize,
            most_bytes: config.history_bytes as usize,
        }
    }

    /// A newcomer was let in; `effects` are what that brought about, to be
    /// [observed](Self::observe) next.
    pub fn connected(
        &mut self,
        member: MemberId,
        number: usize,
        effects: &[Effect],
        now: Millis,
    ) -> Checked {
        let Some(Effect::Moved { to: Some(room), .. }) = effects.first() else {
            return violated("a newcomer enters #lobby first", format!("{effects:?}"));
        };
        let room = *self.lobby.get_or_insert(*room);
        let name = effects.iter().find_map(|effect| match effect {
            Effect::Tell { to, line } if *to == member => line
                .strip_prefix("* Welcome to loopchat, ")?
                .split_once('.'),
            _ => None,
        });
        let Some((nickname, _)) = name else {
            return violated("a newcomer is told its nickname", format!("{effects:?}"));
        };
        self.check_name(member, nickname)?;
        let nickname = nickname.to_owned();
        let seat = Seat {
            number,
            nickname,
            room,
            since: now,
            has_spoken: false,
        };
        self.seats.insert(member, seat);
        let reader = Reader {
            is_member: true,
            ..Reader::default()
        };
        self.readers.insert(number, reader);
        Ok(())
    }

    pub fn seat(&self, member: MemberId) -> Option<&Seat> {
        self.seats.get(&member)
    }

    pub fn seats(&self) -> impl Iterator<Item = (MemberId, &Seat)> {
        self.seats.iter().map(|(&member, seat)| (member, seat))
    }

    /// Who has a nickname, however it is spelt.
    pub fn named(&self, nickname: &str) -> Option<MemberId> {
        let same = |(_, seat): &(MemberId, &Seat)| seat.nickname.eq_ignore_ascii_case(nickname);
        self.seats().find(same).map(|(member, _)| member)
    }

    /// A member types something other than blanks.
    pub fn speaks(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.has_spoken = true;
        }
    }

    pub fn rename(&mut self, member: MemberId, nickname: &str) -> Checked {
        self.check_name(member, nickname)?;
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.nickname = nickname.to_owned();
        }
        Ok(())
    }

    fn check_name(&self, member: MemberId, nickname: &str) -> Checked {
        match self.named(nickname).filter(|&owner| owner != member) {
            Some(_) => violated("nicknames are unique", nickname),
            None => Ok(()),
        }
    }

    pub fn members_in(&self, room: RoomId) -> usize {
        self.seats.values().filter(|seat| seat.room == room).count()
    }

    /// The last messages of a room, as many as are asked for and kept.
    pub fn last_messages(&self, room: RoomId, count: usize) -> Vec<Line> {
        let kept = self.history.get(&room);
        let kept = kept.into_iter().flatten();
        let mut last: Vec<Line> = kept.rev().take(count).cloned().collect();
        last.reverse();
        last
    }

    /// Something has happened in the chat.
    pub fn observe(&mut self, effects: &[Effect], now: Millis) -> Checked {
        for effect in effects {
            match effect {
                Effect::Tell { to, line } => match self.seats.get(to) {
                    Some(seat) => {
                        let number = seat.number;
                        self.told_of_private(number, line)?;
                        expect(&mut self.readers, number, line, Kind::Own);
                    }
                    None => return violated("nothing is told to who has left", &**line),
                },
                Effect::Private { to, line, .. } => match self.seats.get(to) {
                    Some(seat) => expect(&mut self.readers, seat.number, line, Kind::Own),
                    None => return violated("nothing is said to who has left", &**line),
                },
                Effect::Say {
                    room,
                    except,
                    kind,
                    line,
                } => {
                    if *kind == SayKind::Notice {
                        self.check_silent(line, now)?;
                    }
                    if except.is_some_and(|except| !self.seats.contains_key(&except)) {
                        return violated("only members are left out", &**line);
                    }
                    self.said(*room, *except, *kind == SayKind::Message, line);
                }
                Effect::Moved { member, from, to } => self.moved(*member, *from, *to)?,
                Effect::Disconnect { member } => {
                    if self.seats.contains_key(member) {
                        return violated("who is disconnected has left", format!("{member:?}"));
                    }
                }
                Effect::Report { .. } | Effect::Record { .. } | Effect::Shutdown => {}
            }
        }
        Ok(())
    }

    /// No notice may name a newcomer that has said nothing for less than a second.
    fn check_silent(&self, line: &str, now: Millis) -> Checked {
        let is_silent = |seat: &&Seat| !seat.has_spoken && now < seat.since + SILENCE;
        let mut words = line.split([' ', ',']);
        let named = words.find_map(|word| {
            let mut silent = self.seats.values().filter(is_silent);
            silent.find(|seat| seat.nickname == word)
        });
        match named {
            Some(seat) => {
                let seen = format!("{line}: {} came {} ms ago", seat.number, now - seat.since);
                violated("a silent newcomer is not announced for a second", seen)
            }
            None => Ok(()),
        }
    }

    /// A private message was not delivered, and its author was told so.
    pub fn holds_off(&mut self, reader: MemberId) {
        let number = self.seats.get(&reader).map(|seat| seat.number);
        if let Some(reader) = number.and_then(|number| self.readers.get_mut(&number)) {
            reader.held_off += 1;
        }
    }

    /// A member is told something; if it is how many private messages it did not get, that is so.
    fn told_of_private(&mut self, number: usize, line: &str) -> Checked {
        let Some(told) = missed(line) else {
            return Ok(());
        };
        let reader = self.readers.get_mut(&number);
        match reader.map(|reader| std::mem::take(&mut reader.held_off)) {
            Some(held_off) if held_off != told => violated(
                "private messages that are held off are counted",
                format!("{number} missed {held_off}: {line}"),
            ),
            _ => Ok(()),
        }
    }

    fn said(&mut self, room: RoomId, except: Option<MemberId>, is_message: bool, line: &Line) {
        let due = match is_message {
            true => Kind::Message,
            false => Kind::Notice,
        };
        for (&member, seat) in &self.seats {
            if seat.room == room && Some(member) != except {
                expect(&mut self.readers, seat.number, line, due);
            }
        }
        if is_message {
            let kept = self.history.entry(room).or_default();
            kept.push_back(line.clone());
            let weight = |kept: &VecDeque<Line>| kept.iter().map(|line| line.len()).sum::<usize>();
            while kept.len() > self.most_lines || (kept.len() > 1 && weight(kept) > self.most_bytes)
            {
                kept.pop_front();
            }
        }
    }

    fn moved(&mut self, member: MemberId, from: Option<RoomId>, to: Option<RoomId>) -> Checked {
        let Some(seat) = self.seats.get_mut(&member) else {
            return violated("only members move", format!("{member:?}"));
        };
        if let Some(from) = from {
            if seat.room != from {
                return violated("one moves from where one is", format!("{member:?}"));
            }
            match to {
                Some(to) => seat.room = to,
                None => {
                    let number = seat.number;
                    self.seats.remove(&member);
                    if let Some(reader) = self.readers.get_mut(&number) {
                        reader.is_member = false;
                    }
                }
            }
            if self.members_in(from) == 0 && self.lobby != Some(from) {
                self.history.remove(&from);
            }
        }
        Ok(())
    }

    /// A member has read a line. `lags` is when it has not kept up.
    pub fn received(
        &mut self,
        number: usize,
        line: &str,
        lags: &[Lag],
        tally: &mut Tally,
    ) -> Checked {
        tally.delivered(number, line);
        let Some(reader) = self.readers.get_mut(&number) else {
            return violated("only members are sent lines", line);
        };
        let at = reader.read;
        reader.read += line.len() as u64 + 1;
        loop {
            let Some(Expected { line: next, kind }) = reader.expected.pop_front() else {
                return violated("only what was said is delivered, once, in order", line);
            };
            if *next == *line {
                reader.last = Some(next);
                break;
            }
            if kind == Kind::Own {
                let seen = format!("{number} read {line:?} where {next:?} was due");
                return violated("answers and private messages arrive, in order", seen);
            }
            let is_message = kind == Kind::Message;
            if !lags.iter().any(|lag| lag.spares(is_message, at)) {
                let seen = format!("{number} did not get {next:?} before byte {at}: {lags:?}");
                return violated(
                    "messages are left out for who is behind, notices for who is full",
                    seen,
                );
            }
            reader.missing += 1;
            tally.count(match is_message {
                true => Count::Skipped,
                false => Count::SkippedNotices,
            });
        }
        if let Some(told) = skipped(line) {
            tally.count(Count::ToldSkipped);
            let missing = std::mem::take(&mut reader.missing);
            if told != missing {
                let seen = format!("{number} was told of {told}, missing {missing}");
                return violated("what is left out is counted", seen);
            }
        }
        Ok(())
    }

    /// Nothing is on its way to a member: it must have got everything.
    pub fn has_everything(&self, number: usize) -> Checked {
        let Some(reader) = self.readers.get(&number) else {
            return Ok(());
        };
        match reader.expected.front() {
            Some(lost) => violated(
                "everything said is delivered",
                format!("{number} never got {:?}", lost.line),
            ),
            None if reader.missing > 0 => violated(
                "what is left out is told",
                format!("{number} misses {}", reader.missing),
            ),
            None => Ok(()),
        }
    }

    /// A member has read the end of the stream. `cut` says that it did not read its last lines in
    /// the time it had, `by_choice` that it had ended its own side. Returns its last line.
    pub fn ended(
        &mut self,
        number: usize,
        cut: bool,
        by_choice: bool,
        rest: &[u8],
    ) -> Checked<Option<Line>> {
        let Some(reader) = self.readers.remove(&number) else {
            return violated("a connection ends once", number.to_string());
        };
        if reader.is_member {
            return violated("a member is not cut off", number.to_string());
        }
        if cut {
            return Ok(None);
        }
        if !rest.is_empty() {
            return violated("lines are whole", format!("{number}: {rest:?}"));
        }
        if let Some(lost) = reader.expected.iter().find(|left| left.kind == Kind::Own) {
            let seen = format!("{number} never got {:?}", lost.line);
            return violated("answers and private messages arrive before the end", seen);
        }
        let is_told_why = reader.last.as_ref().is_some_and(|line| is_farewell(line));
        let lost = reader.expected.len() + reader.missing as usize + reader.held_off;
        match (is_told_why, by_choice) {
            (false, false) => violated(
                "whoever is disconnected is told why",
                format!("{number}, last line {:?}", reader.last),
            ),
            (false, true) if lost > 0 => violated(
                "what is left out is told before the end",
                format!("{number} misses {lost}"),
            ),
            _ => Ok(reader.last),
        }
    }

    /// A member has gone without reading on.
    pub fn forget(&mut self, number: usize) {
        self.readers.remove(&number);
    }

    pub fn is_vacant(&self) -> bool {
        self.seats.is_empty() && self.readers.is_empty()
    }
}

fn expect(readers: &mut BTreeMap<usize, Reader>, number: usize, line: &Line, kind: Kind) {
    // Who has reset its connection reads no more, even while the chat does not know.
    if let Some(reader) = readers.get_mut(&number) {
        reader.expected.push_back(Expected {
            line: line.clone(),
            kind,
        });
    }
}

/// The number in the line that tells how much was left out.
fn skipped(line: &str) -> Option<u32> {
    let (count, rest) = line.strip_prefix("* ")?.split_once(" line")?;
    rest.contains(" skipped while you were not reading")
        .then(|| count.parse().ok())?
}

/// The number in the line that tells how many private messages were held off.
fn missed(line: &str) -> Option<usize> {
    let (count, rest) = line.strip_prefix("* ")?.split_once(" private message")?;
    rest.contains(" not delivered while you were not reading")
        .then(|| count.parse().ok())?
}

/// A last line that says why.
pub fn is_farewell(line: &str) -> bool {
    [
        "! Disconnected: ",
        "* Bye, ",
        "* The server is shutting down.",
    ]
    .iter()
    .any(|farewell| line.starts_with(farewell))
}

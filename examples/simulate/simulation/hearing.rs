//! Who is to hear something, in which framing, and what is read.

use std::rc::Rc;

use loopchat::chat::{Answer, Event, MemberId, Message, RoomId, Text};
use loopchat::server::core::digests::Digest;
use loopchat::server::core::rendering::{FramingId, Heard};
use loopchat::server::sessions::SessionId;

use super::checker::{Checker, Seat, Session};
use super::framed::{framing, rendered};
use super::presence::Saying;
use super::readers::{Kind, Note};
use super::tally::{Count, Tally};
use super::wire::Lag;
use super::{Checked, violated};

impl Checker {
    /// A private message was not delivered, and its author was told so.
    pub fn holds_off(&mut self, reader: MemberId) {
        let seat = self.seats.get(&reader);
        for session in seat.into_iter().flat_map(|seat| &seat.sessions) {
            if let Some(reader) = self.readers.get_mut(&session.number) {
                reader.held_off += 1;
            }
        }
    }

    /// The private message that is passed on is not for a session: it must be one that does not
    /// keep up.
    pub(super) fn spares(&mut self, member: MemberId, session: SessionId) -> Checked {
        if !self.slow.contains(&session) {
            return violated(
                "only who is slow is spared private messages",
                format!("{session:?}"),
            );
        }
        let seat = self.seats.get(&member);
        let own = seat.and_then(|seat| seat.sessions.iter().find(|own| own.id == session));
        if let Some(reader) = own.and_then(|own| self.readers.get_mut(&own.number)) {
            reader.held_off += 1;
            self.spared += 1;
        }
        Ok(())
    }

    /// Something for one member, by some of its sessions.
    pub(super) fn told(
        &mut self,
        member: MemberId,
        heard: Heard<'_>,
        note: Option<Note>,
        is_for: impl Fn(&Session) -> bool,
    ) -> Checked {
        let Some(seat) = self.seats.get(&member) else {
            return violated("nothing is told to who has left", format!("{heard:?}"));
        };
        for session in seat.sessions.iter().filter(|session| is_for(session)) {
            let lines = rendered(session.framing, heard)?;
            // Who has reset its connection reads no more, even while the chat does not know.
            let Some(reader) = self.readers.get_mut(&session.number) else {
                continue;
            };
            if let Heard::Answer(Answer::Missed { count }) = heard
                && !matches!(note, Some(Note::Untold))
            {
                let held_off = std::mem::take(&mut reader.held_off);
                if held_off != *count {
                    return violated(
                        "private messages that are held off are counted",
                        format!("{} missed {held_off}, not {count}", session.number),
                    );
                }
            }
            reader.expect(&lines, Kind::Own, None, note.clone());
        }
        Ok(())
    }

    /// A line that only the door has words for.
    pub fn expect_own(&mut self, number: usize, line: &str) {
        if let Some(reader) = self.readers.get_mut(&number) {
            reader.expect(&[line.into()], Kind::Own, None, None);
        }
    }

    /// What a connection has read that was refused, by its program's ids.
    pub fn take_refused(&mut self, number: usize) -> Vec<Text> {
        let reader = self.readers.get_mut(&number);
        reader.map_or_else(Vec::new, |reader| std::mem::take(&mut reader.refused))
    }

    /// A message that its author's client knows by an id of its own. The author's sessions read
    /// that, and nobody else does.
    pub(super) fn said_own(
        &mut self,
        said: &Rc<Message>,
        client_id: &Text,
        asking: Option<SessionId>,
        note: impl Fn(&Session) -> Note,
    ) -> Checked {
        let Some(seat) = self.seats.get(&said.member) else {
            return Ok(());
        };
        for session in &seat.sessions {
            if asking == Some(session.id) && !framing(session.framing).echoes {
                continue;
            }
            let lines = rendered(session.framing, Heard::Own(said, client_id))?;
            if let Some(reader) = self.readers.get_mut(&session.number) {
                reader.expect(&lines, Kind::Own, None, Some(note(session)));
            }
        }
        Ok(())
    }

    /// Something for all who hear a room. If one session has said it, the others of its member
    /// hear it, too.
    pub(super) fn said(
        &mut self,
        room: RoomId,
        (except, asking): (Option<MemberId>, Option<SessionId>),
        heard: Heard<'_>,
        note: impl Fn(MemberId, &Seat, &Session) -> Option<Note>,
    ) -> Checked {
        let (author, kind) = match heard {
            Heard::Event(Event::Message(said)) => (Some(said.member), Kind::Message),
            _ => (None, Kind::Notice),
        };
        let mut made: Vec<(FramingId, Vec<Rc<str>>)> = Vec::new();
        // What they know by ids of their own its author's sessions read otherwise.
        let own = match heard {
            Heard::Event(Event::Message(said)) => {
                let client_id = self.client_ids.of(said.place.id);
                client_id.map(|_| said.member)
            }
            _ => None,
        };
        let here = self.seats.iter().filter(|(_, seat)| seat.hears(room));
        let here = here.filter(|(member, _)| own != Some(**member));
        let sessions = here.flat_map(|(&member, seat)| {
            let sessions = seat.sessions.iter();
            sessions.map(move |session| (member, seat, session))
        });
        for (member, seat, session) in sessions {
            let id = seat.framing_in(room, session);
            let has_place = author.is_some() || matches!(heard, Heard::Event(Event::Topic(_)));
            let is_echoed = has_place && framing(id).echoes;
            let is_ignored = author.is_some_and(|author| seat.ignored.contains(&author));
            let is_drafter = self.drafter == Some(member);
            let asking = asking.filter(|&asking| is_drafter || seat.has(asking));
            let is_itself = asking.is_none_or(|asking| asking == session.id);
            if Some(member) == except && is_itself && !is_echoed || is_ignored {
                continue;
            }
            let at = match made.iter().position(|(other, _)| *other == id) {
                Some(at) => at,
                None => {
                    made.push((id, rendered(id, heard)?));
                    made.len() - 1
                }
            };
            let kind = match author == Some(member) && is_itself {
                true => Kind::Echo,
                false => kind,
            };
            if let Some(reader) = self.readers.get_mut(&session.number) {
                reader.expect(&made[at].1, kind, Some(room), note(member, seat, session));
            }
        }
        Ok(())
    }

    pub(super) fn say_digest(&mut self, saying: Saying) -> Checked {
        let is_large = matches!(&saying.digest, Digest::Changes(changes)
            if changes.joined_count.max(changes.left_count) > 3);
        self.said(
            saying.room,
            (saying.except, None),
            Heard::Digest(&saying.digest),
            |_, _, _| Some(Note::Presence { is_large }),
        )
    }

    /// A member has read a line. `lags` is when it has not kept up.
    pub fn received(
        &mut self,
        number: usize,
        line: &str,
        lags: &[Lag],
        tally: &mut Tally,
    ) -> Checked {
        tally.delivered(number, &self.masked(line));
        tally.add(Count::Objects, line.starts_with('{').into());
        match self.readers.get_mut(&number) {
            Some(reader) => reader.received(number, line, lags, tally),
            None => violated("only members are sent lines", line),
        }
    }

    /// A line without what differs from one process to the next: how origins are cloaked, ids, and
    /// the lives of rooms' logs. All of them are 16 or 32 hexadecimal digits.
    fn masked(&mut self, line: &str) -> String {
        let mut masked = String::with_capacity(line.len());
        for word in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_mask = [16, 32].contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if is_mask {
                let next = self.masks.len();
                let mask = *self.masks.entry(digits.to_owned()).or_insert(next);
                masked.push_str(&mask.to_string());
            } else {
                masked.push_str(digits);
            }
            masked.push_str(&word[digits.len()..]);
        }
        masked
    }
}

//! What a turn has brought, written to each session once.

use super::{FanOut, Payload, Reader, Seat, Skipped, Standing, State, Taste};
use crate::chat::{Chat, RoomId};
use crate::server::core::sessions::{SessionId, Sessions};

impl FanOut {
    /// Delivers all of it: one `write` per session, with the bytes of its own answers in it. It
    /// returns how the member stands by now.
    pub fn deliver(
        &mut self,
        chat: &Chat,
        sessions: &Sessions,
        mut write: impl FnMut(SessionId, Payload<'_>, usize) -> Standing,
    ) {
        (self.large, self.due) = (false, 0);
        for at in 0..self.told.len() {
            let session = self.told[at];
            let own = match &mut self.seat(session).pending {
                Some(pending) if pending.state == State::Told && pending.owner == Some(session) => {
                    pending.state = State::Written;
                    pending.own
                }
                _ => continue, // taken, or written
            };
            // Many may be told much: nobody's is kept while the others are written.
            let bytes = std::mem::take(self.unsent(session));
            if !bytes.is_empty() {
                let standing = write(session, Payload::Own(&bytes), own);
                self.fall_behind(session, standing);
            }
        }
        for room in std::mem::take(&mut self.said_in) {
            let is_plain = sessions.is_plain();
            for &member in chat.members_of(room) {
                self.deliver_in(room, member.into(), &mut write);
                if !is_plain {
                    let further = sessions.further(member);
                    further.for_each(|session| self.deliver_in(room, session, &mut write));
                }
            }
            self.batches[room.index()].clear();
        }
        for session in self.told.drain(..) {
            let pending = &mut self.seats.entry(session).pending;
            // A newcomer in the place of somebody who has left may wait there.
            pending.take_if(|pending| pending.state == State::Written);
        }
    }

    /// Delivers what was said in a room to one who is there, unless it has been served.
    fn deliver_in(
        &mut self,
        room: RoomId,
        session: SessionId,
        write: &mut impl FnMut(SessionId, Payload<'_>, usize) -> Standing,
    ) {
        let seat = self.seats.entry(session);
        if seat.has_taste {
            return self.deliver_to_taste(room, session, write);
        }
        if seat.room as usize != room.index() {
            return; // the session that a member came with has ended, and others have not
        }
        let batch = &mut self.batches[room.index()];
        let standing = match (&mut seat.pending, &mut seat.skipped, batch.only_messages()) {
            (None, None, _) => {
                self.tally.deliveries += u64::from(batch.messages_after(0));
                let rendering = batch.rendering(seat.framing, self.framings);
                if rendering.bytes().is_empty() {
                    return;
                }
                write(session, Payload::Shared(rendering), 0)
            }
            (Some(pending), ..) if pending.state != State::Waits => return, // served before
            (None, Some(skipped), Some(messages)) => {
                skipped.lines += messages;
                self.tally.skipped += u64::from(messages);
                return; // what stalled members cost, turn after turn
            }
            (None, Some(skipped), None) if skipped.all => {
                skipped.lines += batch.lines_after(0, seat.framing, self.framings, |_| true);
                self.tally.skipped += u64::from(batch.messages_after(0));
                return;
            }
            (pending, skipped, _) => {
                let pending = pending.get_or_insert_default();
                let reader = Reader {
                    framing: seat.framing,
                    framings: self.framings,
                    ignored: None,
                };
                pending.seen = reader.add(
                    batch,
                    pending.seen,
                    skipped,
                    &mut pending.bytes,
                    &mut self.tally,
                );
                if pending.bytes.is_empty() {
                    seat.pending = None;
                    return;
                }
                write(session, Payload::Own(&pending.bytes), pending.own)
            }
        };
        note_standing(&mut seat.skipped, standing);
        seat.pending = None;
    }

    /// From now on messages are left out for a session; notices too, if it is full.
    pub(super) fn fall_behind(&mut self, session: SessionId, standing: Standing) {
        note_standing(&mut self.seat(session).skipped, standing);
    }

    /// All that is to be written to a session, now or later this turn.
    pub(super) fn unsent(&mut self, session: SessionId) -> &mut Vec<u8> {
        let seat = self.seats.entry(session);
        let Seat {
            pending, skipped, ..
        } = seat;
        let pending = pending.get_or_insert_default();
        let taste = match seat.has_taste {
            true => self.tastes.get_mut(&session),
            false => None,
        };
        let (watched, ignored) = match taste {
            Some(Taste { watched, ignored }) => (&mut watched[..], Some(&*ignored)),
            None => (&mut [][..], None),
        };
        let reader = |framing| Reader {
            framing,
            framings: self.framings,
            ignored: ignored.filter(|ignored| !ignored.is_empty()),
        };
        if let Some(batch) = self.batches.get_mut(seat.room as usize) {
            pending.seen = reader(seat.framing).add(
                batch,
                pending.seen,
                skipped,
                &mut pending.bytes,
                &mut self.tally,
            );
        }
        for watched in watched {
            let framing = self.framings[usize::from(seat.framing.0)].elsewhere;
            if let Some(batch) = self.batches.get_mut(watched.room.index()) {
                watched.seen = reader(framing).add(
                    batch,
                    watched.seen,
                    skipped,
                    &mut pending.bytes,
                    &mut self.tally,
                );
            }
        }
        &mut pending.bytes
    }
}

fn note_standing(skipped: &mut Option<Skipped>, standing: Standing) {
    if standing != Standing::KeepsUp {
        skipped.get_or_insert_default().all |= standing == Standing::Full;
    }
}

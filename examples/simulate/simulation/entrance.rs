//! Who may connect: the server's own [`Admission`](loopchat::server::core::admission::Admission),
//! in the order in which its doors call it, and held against the model's books at each call.

use loopchat::chat::{DisconnectReason, Millis, Peer};
use loopchat::server::line_input::LineInput;

use super::tally::Count;
use super::world::World;
use super::{Checked, violated};

/// How long a page that is not let in has to end its connection, in milliseconds.
const KEPT_OUT_MS: Millis = 500;

/// A connection that is not let into the chat, and not closed yet.
pub struct KeptOut {
    number: usize,
    input: LineInput,
    closed_at: Millis,
}

impl World<'_> {
    /// Whether a connection may come from there; who may not is told why, and is gone.
    pub(super) fn admits(&mut self, number: usize, peer: Peer) -> Checked<bool> {
        let asked = self
            .admission
            .admits(peer, &self.setting.config, self.now)
            .err();
        let refusal = self.checker.places.refusal(number, peer, self.now);
        if refusal.is_none() && self.checker.places.are_taken() {
            self.tally.count(Count::OverFull);
        }
        self.is_let_in(peer, asked, refusal)
    }

    /// A connection that was admitted is kept, and counts. Returns what hears it.
    pub(super) fn enter(&mut self, number: usize, peer: Peer) -> LineInput {
        let has_debts = self.checker.places.enter(number, peer, self.now);
        self.tally.add(Count::Inherited, has_debts.into());
        self.admission.enter(peer, &self.setting.config, self.now)
    }

    /// A connection comes, if it may: `None` if not.
    pub(super) fn come(&mut self, number: usize, peer: Peer) -> Checked<Option<LineInput>> {
        let is_admitted = self.admits(number, peer)?;
        Ok(is_admitted.then(|| self.enter(number, peer)))
    }

    /// A connection that had come is closed.
    pub(super) fn closed(&mut self, number: usize, input: &LineInput) {
        self.waiting.queues.leave(input, number);
        self.admission.leave(input, self.now);
        self.checker.places.leave(number, self.now);
    }

    /// A connection that has come is somebody's, as is known now: whether that one may come.
    pub(super) fn readmit(
        &mut self,
        number: usize,
        input: &mut LineInput,
        (direct, peer): (Peer, Peer),
    ) -> Checked<bool> {
        let (config, now) = (&self.setting.config, self.now);
        let readmitted = self.admission.readmit(input, (direct, peer), config, now);
        if direct == peer {
            return match readmitted {
                Ok(false) => Ok(true),
                other => violated("who comes as itself comes once", format!("{other:?}")),
            };
        }
        let refusal = self.checker.places.refusal(number, peer, now);
        if refusal.is_none() {
            self.tally.count(Count::Readmitted);
            let has_debts = self.checker.places.enter(number, peer, now);
            self.tally.add(Count::Inherited, has_debts.into());
        }
        self.is_let_in(peer, readmitted.err(), refusal)
    }

    fn is_let_in(
        &mut self,
        peer: Peer,
        refused: Option<DisconnectReason>,
        wanted: Option<DisconnectReason>,
    ) -> Checked<bool> {
        if refused != wanted {
            return violated(
                "who finds no place to connect is told why, and nobody else",
                format!("{peer}: {refused:?}, not {wanted:?}"),
            );
        }
        match refused {
            Some(DisconnectReason::ServerFull { .. }) => self.tally.count(Count::RefusedAtAll),
            Some(DisconnectReason::AddressFull { .. }) => self.tally.count(Count::RefusedMore),
            Some(_) => self.tally.count(Count::RefusedPace),
            None => return Ok(true),
        }
        Ok(false)
    }

    /// A connection is not let into the chat, and is told why: it counts until it has ended.
    pub(super) fn keep_out(&mut self, number: usize, input: LineInput) {
        self.tally.count(Count::KeptOut);
        self.kept_out.push(KeptOut {
            number,
            input,
            closed_at: self.now + KEPT_OUT_MS,
        });
    }

    /// Ends those whose time is over.
    pub(super) fn see_off(&mut self) {
        let now = self.now;
        for gone in self.kept_out.extract_if(.., |kept| kept.closed_at <= now) {
            self.admission.leave(&gone.input, now);
            self.checker.places.leave(gone.number, now);
        }
    }

    /// Whether there are as many connections as must be.
    pub(super) fn check_places(&self) -> Checked {
        let (counted, wanted) = (self.admission.count(), self.checker.places.count());
        match counted == wanted {
            true => Ok(()),
            false => violated(
                "connections are those that came and are not closed",
                format!("{counted}, not {wanted}"),
            ),
        }
    }
}

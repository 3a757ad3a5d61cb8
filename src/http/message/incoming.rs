//! A message that is being received: what of it has come, how far it was handed out, and what is
//! kept meanwhile.

use std::collections::VecDeque;

use super::Head;

/// Bytes that a piece of a body takes beside its own: a client may send one byte in each.
const PIECE: usize = 64;

/// Whether the body is handed out (`readableFlowing`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flow {
    /// Nobody has listened to data, paused or resumed yet.
    #[default]
    Undecided,
    Paused,
    /// Somebody reads it by hand.
    ByHand,
    Flowing,
}

/// How much somebody wants of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Demand {
    /// Nobody has asked for it.
    #[default]
    None,
    AskedFor,
    /// Some was handed out: who has that wants the rest, even when it is paused.
    Begun,
    /// What is left of it is thrown away.
    Discarded,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Arriving,
    /// All of it was received.
    Complete,
    /// Its end is told in a tick.
    Ending,
    /// Its end was told, if there was anybody to tell.
    Ended { told: bool },
    /// Its connection was closed, or the program gave it up, before its end was told.
    Aborted { complete: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    /// The program has given it up.
    Destroyed,
    /// The last event was told.
    Closed,
}

/// A message that is being received.
#[derive(Debug, Default)]
pub(in crate::http) struct Incoming {
    pub(in crate::http) head: Head,
    pub(in crate::http) trailers: Option<Box<Head>>,
    flow: Flow,
    demand: Demand,
    stage: Stage,
    life: Life,
    /// Pieces of the body that have come and were not handed out, and how many bytes they take, each
    /// with what it takes beside its own. Up to the high-water mark the connection is read on for
    /// them: so it is known that the body has come, or that the other side is gone.
    kept: VecDeque<Box<[u8]>>,
    kept_bytes: usize,
    /// Bytes of the first piece that were read by hand.
    taken: usize,
    /// What is kept is handed out in a tick.
    flow_queued: bool,
    /// That there is something to be read is told in a tick.
    readable_queued: bool,
}

/// What follows when a message flows again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Resumed {
    /// What is kept is to be handed out, as a tick.
    Kept,
    /// Its end may be due, and more can be read.
    ReadOn,
    /// It did flow; its end may be due.
    Flowed,
}

impl Incoming {
    pub(in crate::http) fn new(head: Head) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// Forgets all, but keeps a little memory.
    pub(in crate::http) fn recycle(&mut self) {
        self.head.recycle();
        *self = Self::new(std::mem::take(&mut self.head));
    }

    /// Some of the body has come: true if it is to be handed out now, false if it was kept, or is
    /// thrown away.
    pub(in crate::http) fn takes(&mut self, bytes: &[u8]) -> bool {
        if self.demand == Demand::Discarded {
            return false;
        }
        let flows = self.is_flowing() && self.kept.is_empty();
        if flows {
            self.demand = Demand::Begun;
        } else {
            self.kept.push_back(bytes.into());
            self.kept_bytes += bytes.len() + PIECE;
        }
        flows
    }

    /// The next piece that was kept, if it flows.
    pub(in crate::http) fn take_kept(&mut self) -> Option<Box<[u8]>> {
        if !self.is_flowing() {
            return None;
        }
        let piece = self.take_first()?;
        self.demand = Demand::Begun;
        Some(piece)
    }

    /// Takes the first piece out, without what was read of it by hand.
    fn take_first(&mut self) -> Option<Box<[u8]>> {
        let piece = self.kept.pop_front()?;
        let piece = match std::mem::take(&mut self.taken) {
            0 => piece,
            taken => piece[taken..].into(),
        };
        self.kept_bytes -= piece.len() + PIECE;
        Some(piece)
    }

    /// Takes what was kept, so many bytes or all of it: `None` if there are not so many, unless no
    /// more will come. What is not kept, since it flows or is thrown away, cannot be had.
    pub(in crate::http) fn take(&mut self, count: Option<usize>) -> Option<Vec<u8>> {
        if self.life != Life::Open || self.is_aborted() || self.is_flowing() {
            return None;
        }
        self.flow = Flow::ByHand;
        self.demand = self.demand.max(Demand::AskedFor);
        let all = self.kept_bytes - self.kept.len() * PIECE;
        let count = match count {
            Some(count) if count <= all || !self.is_complete() => count,
            _ => all,
        };
        if count == 0 || count > all {
            return None;
        }
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count
            && let Some(first) = self.kept.front()
        {
            let rest = &first[self.taken..];
            let part = rest.len().min(count - taken.len());
            taken.extend_from_slice(&rest[..part]);
            if part == rest.len() {
                self.kept.pop_front();
                (self.taken, self.kept_bytes) = (0, self.kept_bytes - part - PIECE);
            } else {
                (self.taken, self.kept_bytes) = (self.taken + part, self.kept_bytes - part);
            }
        }
        self.demand = self.demand.max(Demand::Begun);
        Some(taken)
    }

    /// Somebody reads it by hand from now on.
    pub(in crate::http) fn read_by_hand(&mut self) {
        self.flow = Flow::ByHand;
        self.demand = self.demand.max(Demand::AskedFor);
    }

    /// Whether there is something to be read by hand, or its end is to be told.
    pub(in crate::http) fn has_more(&self) -> bool {
        let unread = !self.kept.is_empty() || self.stage == Stage::Complete;
        unread && self.life == Life::Open && !self.is_aborted()
    }

    /// That there is something to be read is told in a tick; false if that is queued already.
    pub(in crate::http) fn queue_readable(&mut self) -> bool {
        !std::mem::replace(&mut self.readable_queued, true)
    }

    /// That tick has come: whether it is still so.
    pub(in crate::http) fn is_readable(&mut self) -> bool {
        self.readable_queued = false;
        let ends = matches!(self.stage, Stage::Complete | Stage::Ending);
        let open = self.life == Life::Open && !self.is_aborted();
        open && (ends || !self.kept.is_empty())
    }

    /// Takes bytes back that were handed out: they are the first to be handed out again. If its end
    /// was to be told, it is to be told behind them.
    pub(in crate::http) fn give_back(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.demand == Demand::Discarded {
            return;
        }
        if self.taken > 0
            && let Some(rest) = self.take_first()
        {
            self.kept_bytes += rest.len() + PIECE;
            self.kept.push_front(rest);
        }
        self.kept.push_front(bytes.into());
        self.kept_bytes += bytes.len() + PIECE;
        if self.stage == Stage::Ending {
            self.stage = Stage::Complete;
        }
    }

    fn forget_kept(&mut self) {
        (self.kept, self.kept_bytes, self.taken) = Default::default();
    }

    /// Bytes that what has come takes, and was not handed out.
    pub(in crate::http) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Whether no more of it is read for now: it does not flow, and enough is kept.
    pub(in crate::http) fn is_full(&self, high_water_mark: usize) -> bool {
        !self.is_flowing() && self.kept_bytes >= high_water_mark
    }

    pub(in crate::http) fn is_flowing(&self) -> bool {
        self.flow == Flow::Flowing
    }

    pub(in crate::http) fn is_paused(&self) -> bool {
        matches!(self.flow, Flow::Paused | Flow::ByHand)
    }

    /// Whether what is not kept any more has reached somebody.
    fn is_handed_out(&self) -> bool {
        matches!(self.flow, Flow::Flowing | Flow::ByHand) && self.kept.is_empty()
    }

    /// Whether somebody has said that it is to flow, or not to.
    pub(in crate::http) fn is_decided(&self) -> bool {
        self.flow != Flow::Undecided
    }

    pub(in crate::http) fn pause(&mut self) {
        self.flow = Flow::Paused;
    }

    pub(in crate::http) fn resume(&mut self) -> Resumed {
        self.demand = self.demand.max(Demand::AskedFor);
        let flowed = std::mem::replace(&mut self.flow, Flow::Flowing) == Flow::Flowing;
        match flowed {
            _ if !self.kept.is_empty() => Resumed::Kept,
            true => Resumed::Flowed,
            false => Resumed::ReadOn,
        }
    }

    /// What is kept is to be handed out, as a tick; false if that is queued already.
    pub(in crate::http) fn queue_flow(&mut self) -> bool {
        !std::mem::replace(&mut self.flow_queued, true)
    }

    /// That tick has come.
    pub(in crate::http) fn start_flow(&mut self) {
        self.flow_queued = false;
    }

    /// Whether somebody wants what is left of it once its response is sent: who has had some of it,
    /// or has asked for it and is about to.
    pub(in crate::http) fn is_wanted(&self, high_water_mark: usize) -> bool {
        match self.demand {
            Demand::None => false,
            Demand::Begun => true,
            Demand::AskedFor | Demand::Discarded => !self.is_full(high_water_mark),
        }
    }

    /// What is left of it is thrown away.
    pub(in crate::http) fn discard(&mut self) {
        self.demand = Demand::Discarded;
        self.forget_kept();
    }

    /// All of it was received.
    pub(in crate::http) fn complete(&mut self, trailers: Option<Box<Head>>) {
        self.stage = match self.stage {
            Stage::Arriving => Stage::Complete,
            Stage::Aborted { .. } => Stage::Aborted { complete: true },
            stage => stage,
        };
        self.trailers = trailers;
    }

    pub(in crate::http) fn is_complete(&self) -> bool {
        !matches!(
            self.stage,
            Stage::Arriving | Stage::Aborted { complete: false }
        )
    }

    /// Whether its end is to be told now.
    pub(in crate::http) fn is_end_due(&self) -> bool {
        self.is_handed_out() && self.stage == Stage::Complete
    }

    /// Its end is told in a tick.
    pub(in crate::http) fn queue_end(&mut self) {
        self.stage = Stage::Ending;
    }

    /// That tick has come: true if the end is still to be told, and it was not paused meanwhile.
    pub(in crate::http) fn ends(&mut self) -> bool {
        if self.stage != Stage::Ending {
            return false;
        }
        let ends = matches!(self.flow, Flow::Flowing | Flow::ByHand);
        self.stage = match ends {
            true => Stage::Ended { told: true },
            false => Stage::Complete,
        };
        ends
    }

    /// It has ended, and there is nobody to tell.
    pub(in crate::http) fn end_untold(&mut self) {
        self.stage = Stage::Ended { told: false };
    }

    pub(in crate::http) fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended { .. })
    }

    /// Whether nothing more is to be told of it but its close, once its response is sent: it is
    /// complete, and no end is to be told, now or when who has paused it goes on.
    pub(in crate::http) fn is_over(&self) -> bool {
        let is_awaited = self.demand != Demand::None && self.is_paused();
        match self.stage {
            Stage::Complete | Stage::Ended { told: false } | Stage::Aborted { complete: true } => {
                !is_awaited
            }
            _ => false,
        }
    }

    /// Its connection is gone: true if it was cut short by that.
    pub(in crate::http) fn abort(&mut self) -> bool {
        let told = matches!(self.stage, Stage::Ending | Stage::Ended { .. });
        let cut_short = !told && self.life != Life::Closed;
        if cut_short {
            self.cut();
            self.forget_kept();
        }
        cut_short
    }

    /// The program gives it up, once: whether that cuts it short, which it does unless its end was
    /// told.
    pub(in crate::http) fn destroy(&mut self) -> Option<bool> {
        if self.life != Life::Open {
            return None;
        }
        self.life = Life::Destroyed;
        self.forget_kept();
        let cut_short = !self.has_ended();
        if cut_short {
            self.cut();
        }
        Some(cut_short)
    }

    fn cut(&mut self) {
        let complete = self.is_complete();
        self.stage = Stage::Aborted { complete };
    }

    pub(in crate::http) fn is_aborted(&self) -> bool {
        matches!(self.stage, Stage::Aborted { .. })
    }

    pub(in crate::http) fn is_destroyed(&self) -> bool {
        self.life == Life::Destroyed
    }

    pub(in crate::http) fn is_destroyed_or_closed(&self) -> bool {
        self.life != Life::Open
    }

    /// The last event: true if it was not told yet.
    pub(in crate::http) fn close(&mut self) -> bool {
        std::mem::replace(&mut self.life, Life::Closed) != Life::Closed
    }

    pub(in crate::http) fn is_closed(&self) -> bool {
        self.life == Life::Closed
    }
}

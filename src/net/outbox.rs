//! What a socket could not send yet, and who is to be told when it is sent.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;

use super::held::{Holding, SharedHolding};
use super::layered::Wire;
use super::{Context, Error};
use crate::event_loop::Counters;

/// Pieces joined into one `writev` at most; more go with the next.
const PIECES_PER_WRITE: usize = 64;

/// Told once when a write is done, or why it cannot be.
pub(super) type WriteCallback<S> = Box<dyn FnOnce(&mut S, &mut Context<S>, Option<&Error>)>;

/// Bytes to send: borrowed, or shared by everyone they go to.
#[derive(Clone, Copy)]
pub(super) enum Data<'a> {
    Borrowed(&'a [u8]),
    Shared(&'a Rc<Vec<u8>>),
}

impl Data<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

enum Piece {
    Owned {
        bytes: Box<[u8]>,
        held: Holding,
    },
    // The count knows the bytes by their address: it goes first.
    Shared {
        held: SharedHolding,
        bytes: Rc<Vec<u8>>,
        from: usize,
    },
}

impl Piece {
    /// What is left of `data` after its first `taken` bytes.
    fn rest(data: Data<'_>, taken: usize) -> Self {
        match data {
            Data::Borrowed(bytes) => {
                let rest = &bytes[taken..];
                Self::Owned {
                    bytes: rest.into(),
                    held: Holding::new(rest.len()),
                }
            }
            Data::Shared(bytes) => Self::Shared {
                held: SharedHolding::new(bytes),
                bytes: Rc::clone(bytes),
                from: taken,
            },
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned { bytes, .. } => bytes,
            Self::Shared { bytes, from, .. } => &bytes[*from..],
        }
    }

    /// Bytes of memory that it holds, sent or not. What it shares counts in full.
    fn held(&self) -> usize {
        match self {
            Self::Owned { held, .. } => held.bytes(),
            Self::Shared { held, .. } => held.bytes(),
        }
    }
}

/// Writes that are being sent as one, or wait to be.
///
/// It survives short writes: what the kernel took is left out of the next try.
pub(super) struct Batch<S> {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are sent already.
    sent: usize,
    /// Bytes of all pieces that are not.
    waiting: usize,
    /// What was waiting when the idle timer last looked; at first, all of it.
    pub(super) seen_waiting: Option<usize>,
    /// Bytes of the whole batch, those included that the kernel took at once: a write counts in
    /// full until its last byte is sent.
    length: usize,
    pub(super) callbacks: Vec<WriteCallback<S>>,
}

impl<S> Default for Batch<S> {
    fn default() -> Self {
        Self {
            pieces: VecDeque::new(),
            sent: 0,
            waiting: 0,
            seen_waiting: None,
            length: 0,
            callbacks: Vec::new(),
        }
    }
}

impl<S> Batch<S> {
    /// Adds what is left of `data` after its first `taken` bytes.
    pub(super) fn push(
        &mut self,
        data: Data<'_>,
        taken: usize,
        callback: Option<WriteCallback<S>>,
    ) {
        let length = data.bytes().len();
        self.length += length;
        self.waiting += length - taken;
        if taken < length {
            self.pieces.push_back(Piece::rest(data, taken));
        }
        self.callbacks.extend(callback);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.callbacks.is_empty()
    }

    /// Bytes that are not sent yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes of all its writes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    fn held(&self) -> usize {
        self.pieces.iter().map(Piece::held).sum()
    }

    /// Forgets all pieces but the first `kept`. The callbacks of those are told with the others'.
    fn forget_all_but(&mut self, kept: usize) {
        for piece in self.pieces.drain(kept.min(self.pieces.len())..) {
            self.waiting -= piece.bytes().len();
            self.length -= piece.bytes().len();
        }
    }

    /// How many of its pieces have any of the next so many bytes.
    fn pieces_of(&self, bytes: usize) -> usize {
        let (mut count, mut end) = (0, 0);
        for piece in &self.pieces {
            if end >= self.sent + bytes {
                break;
            }
            count += 1;
            end += piece.bytes().len();
        }
        count
    }

    /// Sends until all is sent or the kernel takes no more; true if all is sent. Adds what was
    /// sent to `sent`.
    pub(super) fn send(
        &mut self,
        mut wire: Wire<'_>,
        sent: &mut u64,
        done: &mut Counters,
    ) -> io::Result<bool> {
        while !self.pieces.is_empty() {
            match self.with_slices(|slices| wire.write_vectored(slices, done)) {
                Ok(count) => {
                    *sent += count as u64;
                    self.take(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Lends what waits, in order, to one `writev`; as many pieces as fit.
    fn with_slices<R>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE];
        let mut count = 0;
        for (slot, piece) in slices.iter_mut().zip(&self.pieces) {
            let skip = if count == 0 { self.sent } else { 0 };
            *slot = IoSlice::new(&piece.bytes()[skip..]);
            count += 1;
        }
        write(&slices[..count])
    }

    /// Notes that the first `count` waiting bytes were sent.
    fn take(&mut self, count: usize) {
        self.waiting -= count;
        let mut sent = self.sent + count;
        while let Some(piece) = self.pieces.front() {
            let length = piece.bytes().len();
            if sent < length {
                break;
            }
            sent -= length;
            self.pieces.pop_front();
        }
        self.sent = sent;
    }
}

/// How a write, or several sent as one, went.
pub(super) enum Outcome<S> {
    /// The kernel took all of it.
    Sent(Vec<WriteCallback<S>>),
    /// The kernel refused: the socket is broken.
    Failed(Vec<WriteCallback<S>>, Error),
    /// It was not even tried.
    Refused(WriteCallback<S>, Error),
}

/// A socket's write side while there is anything in it. A socket that has sent everything, which is
/// nearly always, has none.
pub(super) struct Outbox<S> {
    /// What is being sent; nothing else goes to the kernel meanwhile. On a socket that is still
    /// connecting, its first write.
    pub(super) sending: Option<Batch<S>>,
    /// What comes next, to be sent as one.
    pub(super) buffered: Batch<S>,
    /// What is to be told, each by a tick of its own.
    pub(super) outcomes: VecDeque<Outcome<S>>,
    /// Told when the write side has finished, or cannot (`end(callback)`).
    pub(super) on_finish: Vec<WriteCallback<S>>,
}

impl<S> Default for Outbox<S> {
    fn default() -> Self {
        Self {
            sending: None,
            buffered: Batch::default(),
            outcomes: VecDeque::new(),
            on_finish: Vec::new(),
        }
    }
}

impl<S> Outbox<S> {
    pub(super) fn is_empty(&self) -> bool {
        self.sending.is_none()
            && self.buffered.is_empty()
            && self.outcomes.is_empty()
            && self.on_finish.is_empty()
    }

    /// Forgets what was written, but for the write of which some may be sent already, and those
    /// that have any of the next `sealed` bytes, which a layer has begun to send.
    pub(super) fn forget_unsent(&mut self, sealed: usize) {
        if let Some(sending) = &mut self.sending {
            sending.forget_all_but(sending.pieces_of(sealed).max(1));
        }
        self.buffered.forget_all_but(0);
    }

    /// Bytes that are not sent yet.
    pub(super) fn waiting(&self) -> usize {
        self.sending.as_ref().map_or(0, Batch::waiting) + self.buffered.waiting()
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.sending.as_ref().map_or(0, Batch::held) + self.buffered.held()
    }

    /// Bytes of all writes that are not done (`writableLength`).
    pub(super) fn length(&self) -> usize {
        self.sending.as_ref().map_or(0, Batch::length) + self.buffered.length()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::held_bytes;
    use super::*;

    fn rest(batch: &Batch<()>) -> Vec<u8> {
        batch.with_slices(|slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    #[test]
    fn short_writes_lose_and_repeat_nothing() {
        let shared = Rc::new(b"shared".to_vec());
        // Every way in which the kernel could take the 16 bytes in two goes.
        for first in 0..=16 {
            let mut batch = Batch::default();
            batch.push(Data::Borrowed(b"xxowned"), 2, None);
            batch.push(Data::Shared(&shared), 0, None);
            batch.push(Data::Borrowed(b"again"), 0, None);
            assert_eq!((batch.waiting(), batch.length()), (16, 18));
            batch.take(first);
            assert_eq!(rest(&batch), b"ownedsharedagain"[first..]);
            batch.take(16 - first);
            assert!(batch.is_empty());
            assert_eq!((batch.waiting(), batch.length()), (0, 18));
        }
        assert_eq!(Rc::strong_count(&shared), 1, "what was sent is let go");
    }

    #[test]
    fn a_shared_piece_taken_in_part_goes_on_where_it_stopped() {
        let shared = Rc::new(b"shared".to_vec());
        let mut batch = Batch::default();
        batch.push(Data::Shared(&shared), 4, None);
        assert_eq!(rest(&batch), b"ed");
        batch.push(Data::Shared(&shared), 6, None);
        assert_eq!(batch.waiting(), 2, "nothing left of it, nothing queued");
        batch.take(1);
        assert_eq!(rest(&batch), b"d");
    }

    #[test]
    fn more_pieces_than_one_write_takes_keep_their_order() {
        let mut batch = Batch::default();
        for n in 0..200u8 {
            batch.push(Data::Borrowed(&[n]), 0, None);
        }
        let mut got = Vec::new();
        while !batch.is_empty() {
            let piece = rest(&batch);
            got.extend_from_slice(&piece);
            batch.take(piece.len());
        }
        assert_eq!(got, (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_begun_to_be_sent_is_not_forgotten() {
        let before = held_bytes();
        let mut outbox = Outbox::<()>::default();
        let sending = outbox.sending.insert(Batch::default());
        for data in ["first", "second", "third"] {
            sending.push(Data::Borrowed(data.as_bytes()), 0, None);
        }
        sending.take(2);
        outbox.buffered.push(Data::Borrowed(b"fourth"), 0, None);
        outbox.forget_unsent(0);
        assert_eq!(outbox.sending.as_ref().map(rest), Some(b"rst".to_vec()));
        assert!(outbox.buffered.is_empty());
        assert_eq!((outbox.waiting(), outbox.length()), (3, 5));
        outbox.buffered.push(Data::Borrowed(b"last"), 0, None);
        assert_eq!(outbox.waiting(), 7);
        outbox.forget_unsent(0);
        outbox.forget_unsent(0);
        assert_eq!(outbox.waiting(), 3);
        drop(outbox);
        assert_eq!(held_bytes(), before);
    }

    proptest! {
        /// Whatever is written, shared or not, to whichever of two outboxes, and sent by whatever
        /// amounts: what is counted is what they hold, and what both hold counts once.
        #[test]
        fn the_count_is_what_the_outboxes_hold(
            steps in vec((0..3_u8, any::<bool>(), 0..50_usize), 1..80),
        ) {
            let before = held_bytes();
            let shared = [10, 30, 50].map(|length| Rc::new(vec![b'x'; length]));
            let mut batches: [Batch<()>; 2] = Default::default();
            for (step, which, amount) in steps {
                let batch = &mut batches[usize::from(which)];
                match step {
                    0 => batch.push(Data::Borrowed(&vec![b'x'; amount]), amount / 2, None),
                    1 => batch.push(Data::Shared(&shared[amount % 3]), amount % 10, None),
                    _ => batch.take(amount.min(batch.waiting())),
                }
                let (mut places, mut once) = (0, std::collections::BTreeMap::new());
                for piece in batches.iter().flat_map(|batch| &batch.pieces) {
                    places += match piece {
                        Piece::Owned { bytes, .. } => Holding::new(bytes.len()).bytes(),
                        Piece::Shared { bytes, .. } => {
                            once.insert(Rc::as_ptr(bytes).addr(), bytes.capacity());
                            Holding::new(1).bytes()
                        }
                    };
                }
                prop_assert_eq!(held_bytes() - before, places + once.values().sum::<usize>());
            }
            drop(batches);
            prop_assert_eq!(held_bytes(), before);
        }
    }
}

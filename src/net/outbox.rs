//! What a socket could not send yet.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::rc::Rc;

/// Pieces joined into one `writev` at most; more go with the next.
const PIECES_PER_WRITE: usize = 64;

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
    Owned(Box<[u8]>),
    Shared(Rc<Vec<u8>>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// A queue of bytes that survives short writes.
///
/// Empty, which it nearly always is, it owns no memory. Shared pieces are held, not copied, so a
/// thousand slow readers of one message hold it once.
#[derive(Default)]
pub(super) struct Outbox(Option<Box<Queue>>);

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are sent already.
    sent: usize,
    /// Bytes of all pieces that are not.
    waiting: usize,
    /// Bytes of the first write that the kernel took before the rest was queued here.
    taken_before: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.waiting)
    }

    /// Node's `writableLength`: bytes of all writes that are not sent as a whole. A write counts
    /// in full until its last byte is gone.
    pub(super) fn writable_length(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |queue| queue.waiting + queue.sent + queue.taken_before)
    }

    /// Queues what is left of `data` after its first `taken` bytes.
    pub(super) fn push(&mut self, data: Data<'_>, taken: usize) {
        let rest = &data.bytes()[taken..];
        if rest.is_empty() {
            return;
        }
        let queue = self.0.get_or_insert_default();
        queue.waiting += rest.len();
        let first = queue.pieces.is_empty();
        match data {
            Data::Borrowed(_) => {
                queue.pieces.push_back(Piece::Owned(rest.into()));
                if first {
                    queue.taken_before = taken;
                }
            }
            Data::Shared(bytes) => {
                queue.pieces.push_back(Piece::Shared(Rc::clone(bytes)));
                if first {
                    queue.sent = taken;
                }
            }
        }
    }

    /// Lends what waits, in order, to one `writev`; as many pieces as fit.
    pub(super) fn with_slices<R>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> Option<R> {
        let queue = self.0.as_ref()?;
        let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE];
        let mut count = 0;
        for (slot, piece) in slices.iter_mut().zip(&queue.pieces) {
            let skip = if count == 0 { queue.sent } else { 0 };
            *slot = IoSlice::new(&piece.bytes()[skip..]);
            count += 1;
        }
        Some(write(&slices[..count]))
    }

    /// Notes that the first `count` waiting bytes were sent.
    pub(super) fn sent(&mut self, count: usize) {
        let Some(queue) = self.0.as_mut() else { return };
        queue.waiting -= count;
        let mut sent = queue.sent + count;
        while let Some(piece) = queue.pieces.front() {
            let length = piece.bytes().len();
            if sent < length {
                break;
            }
            sent -= length;
            queue.taken_before = 0;
            queue.pieces.pop_front();
        }
        queue.sent = sent;
        if queue.pieces.is_empty() {
            self.0 = None;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(outbox: &Outbox) -> Vec<u8> {
        outbox
            .with_slices(|slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn short_writes_lose_and_repeat_nothing() {
        let shared = Rc::new(b"shared".to_vec());
        // Every way in which the kernel could take the 16 bytes in two goes.
        for first in 0..=16 {
            let mut outbox = Outbox::default();
            outbox.push(Data::Borrowed(b"xxowned"), 2);
            outbox.push(Data::Shared(&shared), 0);
            outbox.push(Data::Borrowed(b"again"), 0);
            assert_eq!((outbox.waiting(), outbox.writable_length()), (16, 18));
            outbox.sent(first);
            assert_eq!(rest(&outbox), b"ownedsharedagain"[first..]);
            outbox.sent(16 - first);
            assert!(outbox.is_empty());
        }
        assert_eq!(Rc::strong_count(&shared), 1, "what was sent is let go");
    }

    #[test]
    fn a_shared_piece_taken_in_part_goes_on_where_it_stopped() {
        let shared = Rc::new(b"shared".to_vec());
        let mut outbox = Outbox::default();
        outbox.push(Data::Shared(&shared), 4);
        assert_eq!((outbox.waiting(), outbox.writable_length()), (2, 6));
        assert_eq!(rest(&outbox), b"ed");
        outbox.push(Data::Shared(&shared), 6);
        assert_eq!(outbox.waiting(), 2, "nothing left of it, nothing queued");
        outbox.sent(2);
        assert_eq!(outbox.writable_length(), 0);
    }

    #[test]
    fn more_pieces_than_one_write_takes_keep_their_order() {
        let mut outbox = Outbox::default();
        for n in 0..200u8 {
            outbox.push(Data::Borrowed(&[n]), 0);
        }
        let mut got = Vec::new();
        while !outbox.is_empty() {
            let piece = rest(&outbox);
            got.extend_from_slice(&piece);
            outbox.sent(piece.len());
        }
        assert_eq!(got, (0..200).collect::<Vec<u8>>());
    }
}

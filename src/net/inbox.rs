//! What a socket has read, or was given back, and has not handed out yet.
//!
//! A queue of pieces: what was given back with one call stays one, as in Node; reads that nobody
//! has taken are joined, so that a peer cannot have each of its bytes cost an allocation. The
//! first piece is lent out while it is being handed out, and what of it is given back is a piece
//! of the same memory: nothing is copied, and a reader that takes a few lines a turn of what one
//! read has brought does not pay for all of the others every time.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use super::Holding;

/// What is kept of one socket.
#[derive(Default)]
pub(super) struct Inbox {
    pieces: VecDeque<Piece>,
    /// Bytes of all pieces.
    length: usize,
    /// Where the piece is that is being handed out.
    lent: Option<Rc<Buffer>>,
}

/// Bytes that were kept with one call, or joined.
struct Buffer {
    bytes: Vec<u8>,
    held: Holding,
}

/// Those of a buffer that are not handed out yet.
struct Piece {
    buffer: Rc<Buffer>,
    range: Range<usize>,
}

/// A piece that is being handed out; then [`Inbox::settle`] is to be told.
pub(super) struct Loan(Piece);

impl Loan {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl Inbox {
    /// Bytes that are kept.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// All that is kept, in order.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let pieces = self.pieces.iter();
        pieces.flat_map(Piece::bytes).copied().collect()
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let mut held = 0;
        for (at, piece) in self.pieces.iter().enumerate() {
            // Pieces of one buffer are neighbours, but for what is put between them.
            let before = at.checked_sub(1).and_then(|at| self.pieces.get(at));
            if !before.is_some_and(|before| Rc::ptr_eq(&before.buffer, &piece.buffer)) {
                held += piece.buffer.held.bytes();
            }
        }
        held
    }

    /// Keeps what was read behind all else, in pieces of up to `most` bytes.
    pub(super) fn push(&mut self, bytes: &[u8], most: usize) {
        self.length += bytes.len();
        if let Some(last) = self.pieces.back_mut()
            && last.range.end + bytes.len() <= most
            && let Some(buffer) = Rc::get_mut(&mut last.buffer)
            && last.range.end == buffer.bytes.len()
        {
            buffer.bytes.extend_from_slice(bytes);
            buffer.held.set(buffer.bytes.capacity());
            last.range.end += bytes.len();
            return;
        }
        self.pieces.push_back(Piece::new(bytes));
    }

    /// Keeps what was given back in front of all else.
    pub(super) fn unshift(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.length += bytes.len();
        let lent = self.lent.as_ref().and_then(|lent| lent.piece(bytes));
        self.pieces
            .push_front(lent.unwrap_or_else(|| Piece::new(bytes)));
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.length = 0;
    }

    /// Takes so many bytes from what is first, across pieces; there are as many.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count
            && let Some(first) = self.pieces.front_mut()
        {
            let part = first.split_to(count - taken.len());
            if first.range.is_empty() {
                self.pieces.pop_front();
            }
            taken.extend_from_slice(part.bytes());
        }
        self.length -= taken.len();
        taken
    }

    /// Lends out what is first, in pieces of up to `most` bytes. `None` if there is nothing, or if
    /// the first has more than `room` bytes.
    pub(super) fn lend(&mut self, room: usize, most: usize) -> Option<Loan> {
        let first = self.pieces.front_mut()?;
        if first.range.len().min(most) > room {
            return None;
        }
        let part = first.split_to(most);
        if first.range.is_empty() {
            self.pieces.pop_front();
        }
        self.length -= part.range.len();
        self.lent = Some(Rc::clone(&part.buffer));
        Some(Loan(part))
    }

    /// The loan was handed out: nothing of it is given back any more.
    pub(super) fn settle(&mut self, loan: Loan) {
        self.lent = None;
        drop(loan);
    }
}

impl Buffer {
    /// The piece that these bytes are, if they lie in here: not equal ones, but the same.
    fn piece(self: &Rc<Self>, bytes: &[u8]) -> Option<Piece> {
        let (own, given) = (addresses(&self.bytes), addresses(bytes));
        let is_within = own.start <= given.start && given.end <= own.end;
        is_within.then(|| Piece {
            buffer: Rc::clone(self),
            range: given.start - own.start..given.end - own.start,
        })
    }
}

impl Piece {
    fn new(bytes: &[u8]) -> Self {
        let held = Holding::new(bytes.len());
        let buffer = Buffer {
            bytes: bytes.to_vec(),
            held,
        };
        Self {
            buffer: Rc::new(buffer),
            range: 0..bytes.len(),
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer.bytes[self.range.clone()]
    }

    /// Takes the first so many bytes off, or all.
    fn split_to(&mut self, count: usize) -> Self {
        let end = self.range.end.min(self.range.start + count);
        let buffer = Rc::clone(&self.buffer);
        let range = std::mem::replace(&mut self.range.start, end)..end;
        Self { buffer, range }
    }
}

/// Where bytes are in memory.
fn addresses(bytes: &[u8]) -> Range<usize> {
    let Range { start, end } = bytes.as_ptr_range();
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::held_bytes;
    use super::*;

    /// What is handed out, piece by piece; each is shown to `then`, which may give some back.
    fn hand_out(inbox: &mut Inbox, mut then: impl FnMut(&mut Inbox, &[u8])) -> Vec<String> {
        let mut pieces = Vec::new();
        while let Some(loan) = inbox.lend(8, 8) {
            pieces.push(String::from_utf8_lossy(loan.bytes()).into_owned());
            then(inbox, loan.bytes());
            inbox.settle(loan);
        }
        assert_eq!(inbox.length(), 0);
        pieces
    }

    #[test]
    fn reads_are_joined_and_what_was_given_back_is_not() {
        let mut inbox = Inbox::default();
        for read in ["a", "b", "cdefgh", "i"] {
            inbox.push(read.as_bytes(), 8);
        }
        inbox.unshift(b"2");
        inbox.unshift(b"1");
        assert_eq!(inbox.length(), 11);
        assert_eq!(hand_out(&mut inbox, |_, _| {}), ["1", "2", "abcdefgh", "i"]);
    }

    #[test]
    fn the_end_of_a_piece_is_given_back_without_a_copy() {
        let mut inbox = Inbox::default();
        inbox.push(b"abcdef", 8);
        let place = inbox.pieces[0].buffer.bytes.as_ptr();
        let mut taken = Vec::new();
        for _ in 0..6 {
            let loan = inbox.lend(8, 8).expect("a piece");
            taken.push(loan.bytes()[0]);
            inbox.unshift(&loan.bytes()[1..]);
            inbox.settle(loan);
            assert!(
                inbox
                    .pieces
                    .iter()
                    .all(|kept| kept.buffer.bytes.as_ptr() == place)
            );
        }
        assert_eq!(taken, b"abcdef");
        assert!(inbox.pieces.is_empty());
    }

    /// In every order in which the end, the middle and something else can be given back: what
    /// comes last is in front.
    #[test]
    fn what_is_given_back_last_comes_first() {
        type Part = fn(&[u8]) -> &[u8];
        let parts: [(&str, Part); 3] = [
            ("ef", |bytes| &bytes[4..]),
            ("cd", |bytes| &bytes[2..4]),
            ("x", |_| b"x"),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut inbox = Inbox::default();
            inbox.push(b"abcdef", 8);
            inbox.push(b"behind", 8);
            let loan = inbox.lend(8, 8).expect("a piece");
            let mut expected = String::from("behind");
            for part in order.map(|part| parts[part]) {
                expected.insert_str(0, part.0);
                inbox.unshift((part.1)(loan.bytes()));
            }
            inbox.settle(loan);
            assert_eq!(inbox.length(), expected.len());
            assert_eq!(hand_out(&mut inbox, |_, _| {}).concat(), expected);
        }
    }

    #[test]
    fn a_piece_that_is_too_long_goes_in_parts_and_one_that_does_not_fit_waits() {
        let mut inbox = Inbox::default();
        inbox.unshift(b"0123456789abcdefXY");
        assert!(inbox.lend(7, 8).is_none());
        let mut first = true;
        let pieces = hand_out(&mut inbox, |inbox, bytes| {
            if std::mem::take(&mut first) {
                inbox.unshift(&bytes[6..]);
            }
        });
        assert_eq!(pieces, ["01234567", "67", "89abcdef", "XY"]);
    }

    proptest! {
        /// Whatever is done with it, in any order: what is counted is what its pieces take, loans
        /// included.
        #[test]
        fn the_count_is_what_the_pieces_take(steps in vec((0..5_u8, 0..40_usize), 1..60)) {
            let before = held_bytes();
            let mut inbox = Inbox::default();
            for (step, amount) in steps {
                let bytes = vec![b'x'; amount.max(1)];
                match step {
                    0 => inbox.push(&bytes, 32),
                    1 => inbox.unshift(&bytes),
                    2 if amount == 0 => inbox.clear(),
                    _ => {
                        let Some(loan) = inbox.lend(64, 16) else { continue };
                        let given = loan.bytes().len().min(amount);
                        if step != 3 && given > 0 {
                            inbox.unshift(&loan.bytes()[given - 1..]);
                        }
                        if step == 4 {
                            inbox.clear();
                        }
                        prop_assert_eq!(held_bytes() - before, taken(inbox.pieces.iter().chain([&loan.0])));
                        inbox.settle(loan);
                    }
                }
                prop_assert_eq!(held_bytes() - before, taken(&inbox.pieces));
                prop_assert!(held_bytes() - before >= inbox.length());
            }
            drop(inbox);
            prop_assert_eq!(held_bytes(), before);
        }
    }

    /// Bytes of memory of the buffers that these pieces are of.
    fn taken<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> usize {
        let buffers = pieces.into_iter().map(|piece| &piece.buffer);
        let all: BTreeMap<_, _> = buffers.map(|of| (Rc::as_ptr(of), of)).collect();
        let each = all
            .values()
            .map(|of| Holding::new(of.bytes.capacity()).bytes());
        each.sum()
    }

    /// Within the listener that gives back: what is left is taken, or forgotten, in order.
    #[test]
    fn what_was_given_back_of_a_loan_can_be_taken_at_once() {
        let mut inbox = Inbox::default();
        inbox.push(b"abcdef", 8);
        inbox.push(b"behind", 8);
        let loan = inbox.lend(8, 8).expect("a piece");
        inbox.unshift(&loan.bytes()[2..]);
        inbox.unshift(b"x");
        assert_eq!(inbox.take(7), b"xcdefbe");
        inbox.unshift(&loan.bytes()[5..]);
        assert_eq!(inbox.into_bytes(), b"fhind");
    }
}

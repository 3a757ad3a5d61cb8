//! What a socket has read, or was given back, and has not handed out yet.
//!
//! A queue of pieces: what was given back with one call stays one, as in Node; reads that nobody
//! has taken are joined, so that a peer cannot have each of its bytes cost an allocation. The
//! first piece is lent out while it is being handed out, and whoever gives the end of it back
//! moves a mark, and copies nothing: a reader that takes a few lines a turn of what one read has
//! brought does not pay for all of the others every time.

use std::collections::VecDeque;
use std::ops::Range;

use super::Holding;

/// What is kept of one socket.
#[derive(Default)]
pub(super) struct Inbox {
    pieces: VecDeque<Piece>,
    /// Bytes of all pieces, without what is lent out.
    length: usize,
    lent: Lent,
}

struct Piece {
    bytes: Vec<u8>,
    held: Holding,
    /// Bytes of it that were handed out.
    from: usize,
}

/// The piece that is being handed out.
#[derive(Default)]
struct Lent {
    /// Where it is in memory, without its end that was given back.
    place: Range<usize>,
    /// The length of that end.
    returned: usize,
    /// Pieces that were put in front of it.
    in_front: usize,
}

/// A piece that is being handed out; [`Inbox::settle`] takes it back.
pub(super) struct Loan(Piece);

impl Loan {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.bytes[self.0.from..]
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
        pieces
            .flat_map(|piece| &piece.bytes[piece.from..])
            .copied()
            .collect()
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let pieces = self.pieces.iter();
        pieces.map(|piece| piece.held.bytes()).sum::<usize>() + self.lent.returned
    }

    /// Keeps what was read behind all else, in pieces of up to `most` bytes.
    pub(super) fn push(&mut self, bytes: &[u8], most: usize) {
        self.length += bytes.len();
        match self.pieces.back_mut() {
            Some(last) if last.bytes.len() + bytes.len() <= most => {
                last.bytes.extend_from_slice(bytes);
                last.held.set(last.bytes.capacity());
            }
            _ => self.pieces.push_back(Piece::new(bytes)),
        }
    }

    /// Keeps what was given back in front of all else.
    pub(super) fn unshift(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let Lent {
            place,
            returned,
            in_front,
        } = &mut self.lent;
        let given = addresses(bytes);
        if *in_front == 0 && given.end == place.end && given.start >= place.start {
            place.end = given.start;
            *returned += bytes.len();
            return;
        }
        *in_front += usize::from(*returned > 0);
        self.pieces.push_front(Piece::new(bytes));
    }

    /// Forgets all of it, but for what was given back of a loan that is out.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.lent.in_front = 0;
        self.length = self.lent.returned;
    }

    /// Takes so many bytes from what is first, across pieces; there are as many.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut taken = Vec::with_capacity(count);
        // Not past the place of what was given back of a loan that is out.
        while taken.len() < count
            && (self.lent.returned == 0 || self.lent.in_front > 0)
            && let Some(first) = self.pieces.front_mut()
        {
            let rest = &first.bytes[first.from..];
            let part = rest.len().min(count - taken.len());
            taken.extend_from_slice(&rest[..part]);
            first.from += part;
            if first.from == first.bytes.len() {
                self.pieces.pop_front();
                self.lent.in_front = self.lent.in_front.saturating_sub(1);
            }
        }
        self.length -= taken.len();
        taken
    }

    /// Lends out what is first, in pieces of up to `most` bytes. `None` if there is nothing, or if
    /// the first has more than `room` bytes.
    pub(super) fn lend(&mut self, room: usize, most: usize) -> Option<Loan> {
        let first = self.pieces.front_mut()?;
        let count = (first.bytes.len() - first.from).min(most);
        if count > room {
            return None;
        }
        let end = first.from + count;
        let loan = if end < first.bytes.len() {
            let part = Piece::new(&first.bytes[first.from..end]);
            first.from = end;
            Loan(part)
        } else {
            Loan(self.pieces.pop_front()?)
        };
        self.length -= count;
        self.lent = Lent {
            place: addresses(loan.bytes()),
            ..Lent::default()
        };
        Some(loan)
    }

    /// The loan was handed out: what was given back of it is kept.
    pub(super) fn settle(&mut self, loan: Loan) {
        let Loan(mut piece) = loan;
        let lent = std::mem::take(&mut self.lent);
        if lent.returned > 0 {
            piece.from = piece.bytes.len() - lent.returned;
            self.pieces.insert(lent.in_front, piece);
        }
    }
}

impl Piece {
    fn new(bytes: &[u8]) -> Self {
        let held = Holding::new(bytes.len());
        Self {
            bytes: bytes.to_vec(),
            held,
            from: 0,
        }
    }
}

/// Where bytes are in memory: only the end of a piece itself ends where the piece does.
fn addresses(bytes: &[u8]) -> Range<usize> {
    let Range { start, end } = bytes.as_ptr_range();
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
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
        let place = inbox.pieces[0].bytes.as_ptr();
        let mut taken = Vec::new();
        for _ in 0..6 {
            let loan = inbox.lend(8, 8).expect("a piece");
            taken.push(loan.bytes()[0]);
            inbox.unshift(&loan.bytes()[1..]);
            inbox.settle(loan);
            assert!(inbox.pieces.iter().all(|kept| kept.bytes.as_ptr() == place));
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

    fn taken<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> usize {
        let each = pieces
            .into_iter()
            .map(|piece| Holding::new(piece.bytes.capacity()).bytes());
        each.sum()
    }
}

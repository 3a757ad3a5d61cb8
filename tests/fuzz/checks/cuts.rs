//! Where an input is cut: a part of the fuzzed bytes decides.

/// Splits what is fuzzed into its parts: a flag byte, and the rest of the input whole and in
/// pieces.
///
/// | bytes | are |
/// | --- | --- |
/// | the first | up to the target: [`Cuts::flags`] |
/// | the second | how many lengths of pieces follow, in its lower four bits |
/// | that many | the lengths, used again and again; 0 is 256 |
/// | the others | the input |
///
/// Without lengths, every byte is a piece of its own.
pub struct Cuts<'a> {
    pub flags: u8,
    pub input: &'a [u8],
    lengths: &'a [u8],
}

impl<'a> Cuts<'a> {
    /// `None` if there are too few bytes.
    pub fn of(data: &'a [u8]) -> Option<Self> {
        let [flags, count, rest @ ..] = data else {
            return None;
        };
        let (lengths, input) = rest.split_at_checked(usize::from(count & 15))?;
        Some(Self {
            flags: *flags,
            input,
            lengths,
        })
    }

    pub fn pieces(&self) -> Vec<&'a [u8]> {
        let mut lengths = self.lengths.iter().cycle();
        let (mut pieces, mut rest) = (Vec::new(), self.input);
        while !rest.is_empty() {
            let length = lengths.next().map_or(1, |&length| match length {
                0 => 256,
                length => usize::from(length),
            });
            let (piece, left) = rest.split_at(length.min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        pieces
    }
}

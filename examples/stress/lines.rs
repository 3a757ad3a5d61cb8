//! Bytes of one connection to lines, without what is only repeated from a room's history.

use memchr::memchr;

/// The longest line of a server in bytes: nobody makes us collect without end.
const MAX_LINE: usize = 256 * 1024;

/// What one connection has to remember between two reads. Once it has grown to a line's length
/// nothing is allocated any more.
#[derive(Default)]
pub struct Lines {
    /// The beginning of a line whose end is still to come.
    partial: Vec<u8>,
    /// So many lines that come next were said before: they are no deliveries.
    replayed: u64,
}

impl Lines {
    /// Hands each line out that is completed by these bytes, without its end and in order; false if
    /// a line is longer than any chat server's.
    pub fn feed(&mut self, mut bytes: &[u8], mut on_line: impl FnMut(&[u8])) -> bool {
        while let Some(end) = memchr(b'\n', bytes) {
            if self.partial.is_empty() {
                self.line(&bytes[..end], &mut on_line);
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&bytes[..end]);
                self.line(&line, &mut on_line);
                line.clear();
                self.partial = line;
            }
            bytes = &bytes[end + 1..];
        }
        self.partial.extend_from_slice(bytes);
        self.partial.len() <= MAX_LINE
    }

    fn line(&mut self, line: &[u8], on_line: &mut impl FnMut(&[u8])) {
        if self.replayed > 0 {
            self.replayed -= 1;
        } else if let Some(rest) = line.strip_prefix(b"* The last ") {
            let digits = rest.split(|&byte| byte == b' ').next();
            let count = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            self.replayed = count.unwrap_or(0);
        } else {
            on_line(line);
        }
    }
}

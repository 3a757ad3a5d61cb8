//! Bytes of one connection to lines, without what is only repeated from a room's history; and what
//! a line is.

use memchr::memchr;

use super::message::{Format, Heard};

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

/// What a line of the server is; it comes without its end.
pub fn read<'a>(format: &Format, line: &'a [u8]) -> Heard<'a> {
    if let Some(rest) = format.own_nick(line) {
        let end = memchr(b':', rest).unwrap_or(rest.len());
        let (author, rest) = rest.split_at(end);
        return match rest.strip_prefix(b": ") {
            Some(text) => format.read(author, text),
            None => Heard::Damaged,
        };
    }
    if line.starts_with(b"* You are now in #") {
        Heard::Entered
    } else if line.starts_with(b"* Bye, ") {
        Heard::Farewell
    } else if line.starts_with(b"! Disconnected: ") {
        Heard::Disconnected(String::from_utf8_lossy(line))
    } else if line.starts_with(b"! ") {
        Heard::Refused(String::from_utf8_lossy(line))
    } else {
        Heard::Other
    }
}

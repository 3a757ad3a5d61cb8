//! What was said in one room in one turn.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::http::web_socket;

/// A batch's buffer is kept for the next turn if it is no larger.
const KEEP: usize = 64 * 1024;

/// Encodes one line for `nc`: the text and a line feed.
pub(super) fn encode(line: &str, to: &mut Vec<u8>) {
    to.extend_from_slice(line.as_bytes());
    to.push(b'\n');
}

/// The lines of one room and turn, encoded once and shared by all who get them.
#[derive(Default)]
pub struct Batch {
    bytes: Rc<Vec<u8>>,
    lines: Vec<Line>,
    /// The same as one WebSocket message, made for the first who wants it: a room without browsers
    /// pays nothing for the others' framing.
    frame: OnceCell<Rc<Vec<u8>>>,
    /// How many of the lines are messages.
    messages: u32,
}

/// Where a line of a batch ends.
struct Line {
    end: usize,
    /// Somebody said it: it is left out first for those who read too slowly.
    is_message: bool,
}

impl Batch {
    pub(super) fn push(&mut self, line: &str, is_message: bool) {
        let bytes = Rc::make_mut(&mut self.bytes);
        encode(line, bytes);
        let end = bytes.len();
        self.frame.take();
        self.lines.push(Line { end, is_message });
        self.messages += u32::from(is_message);
    }

    /// How many messages it holds, if it holds nothing else: all that there is to know of it for
    /// a member that is behind.
    pub(super) fn only_messages(&self) -> Option<u32> {
        (self.messages as usize == self.lines.len()).then_some(self.messages)
    }

    /// How many messages come after the first `seen` bytes.
    pub(super) fn messages_after(&self, seen: usize) -> u32 {
        if seen == 0 {
            return self.messages;
        }
        let from = self.lines.partition_point(|line| line.end <= seen);
        let rest = self.lines[from..].iter();
        rest.filter(|line| line.is_message).count() as u32
    }

    /// How many lines come after the first `seen` bytes.
    pub(super) fn lines_after(&self, seen: usize) -> u32 {
        let from = self.lines.partition_point(|line| line.end <= seen);
        (self.lines.len() - from) as u32
    }

    /// The lines as they are, each with its line feed.
    #[must_use]
    pub fn bytes(&self) -> &Rc<Vec<u8>> {
        &self.bytes
    }

    /// All of it as one text message of a server's, encoded once for all who get it so.
    #[must_use]
    pub fn frame(&self) -> &Rc<Vec<u8>> {
        self.frame.get_or_init(|| {
            // It was put together from text: nothing is lost, and nothing copied but into the
            // frame.
            web_socket::encode_text(&String::from_utf8_lossy(&self.bytes))
        })
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Copies what comes after the first `seen` bytes.
    pub(super) fn copy_rest(&self, seen: usize, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.bytes[seen..]);
    }

    /// The same without the messages. Returns how many that were.
    pub(super) fn copy_notices(&self, seen: usize, to: &mut Vec<u8>) -> u32 {
        let from = self.lines.partition_point(|line| line.end <= seen);
        let (mut start, mut messages) = (seen, 0);
        for line in &self.lines[from..] {
            if line.is_message {
                messages += 1;
            } else {
                to.extend_from_slice(&self.bytes[start..line.end]);
            }
            start = line.end;
        }
        messages
    }

    /// Makes it empty, for the next turn. Its memory is kept, unless it was much or is still
    /// waiting to be sent to somebody.
    pub(super) fn clear(&mut self) {
        match Rc::get_mut(&mut self.bytes) {
            Some(bytes) if bytes.capacity() <= KEEP => bytes.clear(),
            _ => self.bytes = Rc::default(),
        }
        self.lines.clear();
        self.frame.take();
        self.messages = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_copied_and_messages_counted_from_any_line_on() {
        let mut batch = Batch::default();
        let lines = [
            ("a: 1", true),
            ("* b joined", false),
            ("b: 2", true),
            ("* c left", false),
        ];
        let mut starts = Vec::new();
        for (line, is_message) in lines {
            starts.push(batch.len());
            batch.push(line, is_message);
        }
        starts.push(batch.len());
        for (at, &seen) in starts.iter().enumerate() {
            let mut copied = Vec::new();
            let messages = batch.copy_notices(seen, &mut copied);
            let rest = &lines[at..];
            let notices: String = rest
                .iter()
                .filter(|l| !l.1)
                .map(|l| format!("{}\n", l.0))
                .collect();
            assert_eq!(
                String::from_utf8(copied).unwrap(),
                notices,
                "after {at} lines"
            );
            assert_eq!(messages as usize, rest.iter().filter(|l| l.1).count());
        }
    }

    #[test]
    fn a_frame_is_made_once_and_is_never_that_of_other_lines() {
        let mut batch = Batch::default();
        batch.push("a: 1", true);
        let first = Rc::clone(batch.frame());
        assert_eq!(&first[..], b"\x81\x05a: 1\n");
        assert!(Rc::ptr_eq(&first, batch.frame()), "made once");
        batch.push("b: 2", true);
        assert_eq!(&batch.frame()[..], b"\x81\x0Aa: 1\nb: 2\n");
        batch.clear();
        batch.push("c", true);
        assert_eq!(&batch.frame()[..], b"\x81\x02c\n");
        assert_eq!(&first[..], b"\x81\x05a: 1\n", "who waits for it has it");
    }

    #[test]
    fn a_notice_makes_it_more_than_messages() {
        let mut batch = Batch::default();
        batch.push("a: 1", true);
        batch.push("b: 2", true);
        assert_eq!(batch.only_messages(), Some(2));
        batch.push("* c left", false);
        assert_eq!(batch.only_messages(), None);
        batch.clear();
        assert_eq!(batch.only_messages(), Some(0));
    }

    #[test]
    fn a_batch_that_waits_for_somebody_is_left_to_it() {
        let mut batch = Batch::default();
        batch.push("hello", true);
        let waits = Rc::clone(batch.bytes());
        batch.clear();
        batch.push("again", true);
        assert_eq!(
            (&waits[..], &batch.bytes()[..]),
            (&b"hello\n"[..], &b"again\n"[..])
        );
    }
}

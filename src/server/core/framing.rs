//! The line decoder of the line door: bytes from `nc` or `telnet` in, lines of text out.
//!
//! A TCP stream knows no lines. One read may bring half a word, the next one the other half and
//! ten lines more. A [`LineDecoder`] belongs to one connection and remembers exactly what a cut
//! can tear apart: the beginning of a line, a carriage return, a telnet command. Whatever the
//! cuts, the same bytes give the same frames in the same order.
//!
//! # Grammar
//!
//! The bytes pass three layers, each of which sees only what the one before let through.
//!
//! **1. Telnet** ([RFC 854]). `IAC` is the byte 255.
//!
//! | bytes                          | become                                              |
//! |--------------------------------|-----------------------------------------------------|
//! | `IAC` 251..=254 *any*          | nothing (`WILL`, `WONT`, `DO`, `DONT` and an option) |
//! | `IAC` 250 *data* `IAC` 240     | nothing (`SB` … `SE`, a subnegotiation)             |
//! | `IAC` 240..=249                | nothing                                             |
//! | `IAC` `IAC`                    | one byte 255                                        |
//! | `IAC` and a byte below 240     | one byte 255, and the byte as if it stood alone     |
//! | `IAC` at the end of the stream | one byte 255                                        |
//!
//! What becomes nothing is a [`Command`]: [`LineDecoder::feed_items`] tells of it, since some want
//! an answer.
//!
//! Inside a subnegotiation `IAC` with any byte but `SE` is one unit of data. At most
//! [`MAX_SUBNEGOTIATION`] units are skipped; the next one is read as text again, so nobody stays
//! inside for ever. A command that the end of the stream cuts off is dropped.
//!
//! **2. Lines.** `LF`, `CR LF` and `CR NUL` end a line. So does a `CR` that is the last byte of
//! the stream. Any other `CR` or `NUL` is a byte of the line. Empty lines count. What follows the
//! last line end is a line too, if it is not empty.
//!
//! A line of more than `max_line` bytes is one [`Frame::TooLong`], reported at the first byte too
//! many and not at the line end, which might never come. A `CR` counts only once the byte after it
//! has shown that it does not end the line.
//!
//! **3. Text.** What is not UTF-8 becomes U+FFFD as [`String::from_utf8_lossy`] on the whole line
//! does it; a byte 255 always does. Control characters and escape sequences come through:
//! to make them harmless is the chat's work, for they must not get in by another door either.
//!
//! # Cost
//!
//! A line that lies in the input whole, without `IAC`, is lent from there. Only a line that a cut
//! or a telnet command tears apart is collected in a buffer, which is given back with the line: a
//! connection between two lines owns no heap memory.
//!
//! # Example
//!
//! ```
//! use std::ops::ControlFlow;
//! use loopchat::server::framing::{Frame, LineDecoder};
//!
//! let mut decoder = LineDecoder::new();
//! let mut seen = Vec::new();
//! // "é" is C3 A9, `IAC DO 1` is FF FD 01; both are cut in two.
//! let reads: [&[u8]; 3] = [b"caf\xC3", b"\xA9\r\n\xFF\xFD", b"\x01far too long\nbye"];
//! for bytes in reads {
//!     decoder.feed(8, bytes, |frame| {
//!         seen.push(match frame {
//!             Frame::Line(line) => line.to_owned(),
//!             Frame::TooLong => "(refused)".to_owned(),
//!         });
//!         ControlFlow::Continue(())
//!     });
//! }
//! decoder.finish(8, |frame| {
//!     if let Frame::Line(line) = frame {
//!         seen.push(line.to_owned());
//!     }
//! });
//! assert_eq!(seen, ["café", "(refused)", "bye"]);
//! ```
//!
//! [RFC 854]: https://www.rfc-editor.org/rfc/rfc854

use std::mem;
use std::ops::ControlFlow;

use memchr::memchr3;

pub use crate::server::core::telnet::Command;
use crate::server::core::telnet::{ARE_YOU_THERE, DO, DONT, GO_AHEAD, IAC, SB, SE, WILL, WONT};

const NUL: u8 = 0;
const LF: u8 = b'\n';
const CR: u8 = b'\r';

/// The longest telnet subnegotiation that is skipped, in bytes between `IAC SB` and `IAC SE`
/// (an `IAC` pair counts once). Real ones, a terminal type or a window size, are a few dozen.
pub const MAX_SUBNEGOTIATION: u16 = 512;

/// The first buffer for a torn line. A `telnet` in character mode sends a byte a packet, and
/// should not make the buffer grow with each.
const FIRST_BUFFER: usize = 64;

// Thousands of idle connections each own one of these.
const _: () = assert!(size_of::<LineDecoder>() <= 40);

/// One decoded item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A line without its line end. At most `max_line` bytes were received for it; as a byte that
    /// is not UTF-8 becomes three, the text can be up to three times as long.
    Line(&'a str),
    /// A line passed the limit. It comes once for each such line; all of that line is discarded.
    TooLong,
}

/// A frame, or a telnet command on the way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// One decoded item of text.
    Frame(Frame<'a>),
    /// A command, which is not text.
    Command(Command),
}

/// Where to stop, in [`LineDecoder::feed_items`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Behind the item.
    After,
    /// Before the line, which was not taken: it comes again with the next bytes. Only lines can be
    /// left; a command, or a line that is too long, is taken all the same.
    Before,
}

/// What a byte completed. [`Item`] without the text, which is still in the buffer.
#[derive(Debug, PartialEq)]
enum Event {
    Line,
    TooLong,
    Command(Command),
}

/// Where in a telnet command the stream stands.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Telnet {
    /// In none.
    #[default]
    Text,
    /// After `IAC`.
    Command,
    /// After `IAC` and this: `WILL`, `WONT`, `DO` or `DONT`.
    Option(u8),
    /// In a subnegotiation, this many bytes after its `IAC SB`.
    Sub(u16),
    /// The same, after an `IAC` that may begin its end.
    SubCommand(u16),
}

/// Puts the bytes of one connection together into lines; see the [module](self) for the grammar.
///
/// The limit is an argument of each call and no field, as it is the same for all connections.
#[derive(Debug, Default)]
pub struct LineDecoder {
    /// The bytes of a torn line so far, telnet taken out. Never more than `max_line`.
    partial: Vec<u8>,
    telnet: Telnet,
    /// A `CR` was the last byte of text; the next one decides whether it belongs to the line.
    after_cr: bool,
    /// The line was refused already; skip to its end. `partial` is empty.
    discarding: bool,
}

impl LineDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream and hands each frame that they complete to `on_frame`,
    /// in order. Returns how many bytes were consumed.
    ///
    /// That is all of them, unless `on_frame` returned [`ControlFlow::Break`]. Then it is the bytes
    /// up to and including the one that completed this last frame (at least one), and the caller
    /// feeds the others later.
    pub fn feed(
        &mut self,
        max_line: usize,
        bytes: &[u8],
        mut on_frame: impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> usize {
        self.feed_items(max_line, bytes, |item| match item {
            Item::Frame(frame) => match on_frame(frame) {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(()) => ControlFlow::Break(Stop::After),
            },
            Item::Command(_) => ControlFlow::Continue(()),
        })
    }

    /// As [`feed`](Self::feed), with the telnet commands among the frames; and a line can be left
    /// for [later](Stop::Before).
    pub fn feed_items(
        &mut self,
        max_line: usize,
        bytes: &[u8],
        mut on_item: impl FnMut(Item<'_>) -> ControlFlow<Stop>,
    ) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let flow = if self.is_idle()
                && let Some((line, taken)) = whole_line(max_line, rest)
            {
                let flow = with_text(line, |text| on_item(Item::Frame(Frame::Line(text))));
                if flow == ControlFlow::Break(Stop::Before) {
                    break;
                }
                at += taken;
                flow
            } else {
                let after_cr = self.after_cr;
                let (taken, event) = self.step(max_line, rest);
                at += taken;
                match event {
                    None => continue,
                    Some(Event::TooLong) => on_item(Item::Frame(Frame::TooLong)),
                    Some(Event::Command(command)) => on_item(Item::Command(command)),
                    Some(Event::Line) => {
                        // Taken, not cleared: the buffer is freed with the line.
                        let line = mem::take(&mut self.partial);
                        let flow = with_text(&line, |text| on_item(Item::Frame(Frame::Line(text))));
                        if flow == ControlFlow::Break(Stop::Before) {
                            // One byte has ended it.
                            (self.partial, self.after_cr) = (line, after_cr);
                            at -= 1;
                        }
                        flow
                    }
                }
            };
            if flow.is_break() {
                break;
            }
        }
        at
    }

    /// The stream has ended: hands over what is left without a line end, at most one frame.
    ///
    /// The decoder is then as new.
    pub fn finish(&mut self, max_line: usize, mut on_frame: impl FnMut(Frame<'_>)) {
        let mut left = mem::take(self);
        // No byte can make a command of this `IAC` any more, so it was text.
        let stray = left.telnet == Telnet::Command;
        if stray && left.text(max_line, IAC) == Some(Event::TooLong) {
            on_frame(Frame::TooLong);
        } else if !left.discarding && (left.after_cr || !left.partial.is_empty()) {
            with_text(&left.partial, |text| on_frame(Frame::Line(text)));
        }
    }

    /// The line that has no end yet, as far as it has come.
    pub(in crate::server) fn torn(&self) -> &[u8] {
        &self.partial
    }

    /// Forgets the line that has no end yet. Returns how many bytes that were, of a stream of text
    /// in which no telnet commands are.
    pub(in crate::server) fn take_back(&mut self) -> usize {
        let torn = mem::take(self);
        torn.partial.len() + usize::from(torn.after_cr)
    }

    /// How many bytes of heap memory the decoder owns: none between two lines, and never more than
    /// the `max_line` it is fed with.
    pub fn heap_size(&self) -> usize {
        self.partial.capacity()
    }

    /// Whether the next byte begins a line, with nothing to remember from before: such a decoder is
    /// as good as a new one.
    pub fn is_idle(&self) -> bool {
        self.partial.is_empty() && self.telnet == Telnet::Text && !self.after_cr && !self.discarding
    }

    /// Goes on by as much of `rest` (not empty) as needs no decision on the way: a run of content,
    /// or one byte. Returns its length and what it completed.
    fn step(&mut self, max_line: usize, rest: &[u8]) -> (usize, Option<Event>) {
        if self.telnet == Telnet::Text && !self.after_cr {
            let run = self.run(max_line, rest);
            if run > 0 {
                return self.content(max_line, &rest[..run]);
            }
        }
        (1, self.byte(max_line, rest[0]))
    }

    /// How much of `rest` is content for certain. Bytes that steer terminals do not make it
    /// shorter than it need be: a stream of them is not worth more time than others.
    fn run(&self, max_line: usize, rest: &[u8]) -> usize {
        let mut end = 0;
        loop {
            let Some(found) = memchr3(LF, NUL, IAC, &rest[end..]) else {
                end = rest.len();
                break;
            };
            end += found;
            let after_cr = end > 0 && rest[end - 1] == CR;
            if rest[end] != NUL || after_cr {
                break;
            }
            end += 1;
        }
        // The byte that comes next decides on this one.
        let run = match rest[..end].last() {
            Some(&CR) => end - 1,
            _ => end,
        };
        // A CR that is the byte too many is so only once the byte after it has come.
        let room = max_line.saturating_sub(self.partial.len());
        match !self.discarding && run > room && rest[room] == CR {
            true => room,
            false => run,
        }
    }

    /// The telnet layer. One byte completes one frame at most: if it turns out that an `IAC` or a
    /// `CR` before it was content and passes the limit, the line is being discarded by the time
    /// the byte itself counts.
    fn byte(&mut self, max_line: usize, byte: u8) -> Option<Event> {
        match mem::take(&mut self.telnet) {
            Telnet::Text if byte == IAC => self.telnet = Telnet::Command,
            Telnet::Text => return self.text(max_line, byte),

            Telnet::Command => match byte {
                ARE_YOU_THERE => return Some(Event::Command(Command::AreYouThere)),
                SE..=GO_AHEAD => return Some(Event::Command(Command::Other)),
                SB => self.telnet = Telnet::Sub(0),
                WILL..=DONT => self.telnet = Telnet::Option(byte),
                IAC => return self.text(max_line, IAC),
                // Not telnet, but text in another encoding, or noise. The byte keeps its meaning,
                // or a stray 255 would eat a line end.
                _ => {
                    let stray = self.text(max_line, IAC);
                    return stray.or(self.text(max_line, byte));
                }
            },

            // Any byte: option 255 exists (RFC 861) and is not doubled.
            Telnet::Option(verb) => {
                let command = match verb {
                    WILL => Command::Will(byte),
                    WONT => Command::Wont(byte),
                    DO => Command::Do(byte),
                    _ => Command::Dont(byte),
                };
                return Some(Event::Command(command));
            }

            Telnet::Sub(seen) if byte == IAC => self.telnet = Telnet::SubCommand(seen),
            Telnet::Sub(MAX_SUBNEGOTIATION) => return self.text(max_line, byte),
            Telnet::Sub(seen) => self.telnet = Telnet::Sub(seen + 1),

            Telnet::SubCommand(_) if byte == SE => return Some(Event::Command(Command::Other)),
            Telnet::SubCommand(MAX_SUBNEGOTIATION) => {
                // The `IAC` was the unit too many, so it is outside already.
                self.telnet = Telnet::Command;
                return self.byte(max_line, byte);
            }
            Telnet::SubCommand(seen) => self.telnet = Telnet::Sub(seen + 1),
        }
        None
    }

    /// The line layer: one byte that is not telnet's.
    fn text(&mut self, max_line: usize, byte: u8) -> Option<Event> {
        if mem::take(&mut self.after_cr) {
            if byte == LF || byte == NUL {
                return self.end_line();
            }
            let (_, refused) = self.content(max_line, &[CR]);
            return refused.or(self.text(max_line, byte));
        }
        match byte {
            LF => self.end_line(),
            CR => {
                self.after_cr = true;
                None
            }
            _ => self.content(max_line, &[byte]).1,
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        if mem::take(&mut self.discarding) {
            None
        } else {
            Some(Event::Line)
        }
    }

    /// Adds to the line, or refuses it. Returns how much of `run` was used: all, or up to the first
    /// byte too many.
    fn content(&mut self, max_line: usize, run: &[u8]) -> (usize, Option<Event>) {
        if self.discarding {
            return (run.len(), None);
        }
        let room = max_line.saturating_sub(self.partial.len());
        if run.len() > room {
            self.partial = Vec::new();
            self.discarding = true;
            return (room + 1, Some(Event::TooLong));
        }
        let needed = self.partial.len() + run.len();
        if needed > self.partial.capacity() {
            // Growing by doubling, as `Vec` would, but never past the limit: its last doubling
            // could take twice what a line may have.
            let wanted = needed.max(self.partial.capacity() * 2).max(FIRST_BUFFER);
            self.partial
                .reserve_exact(wanted.min(max_line) - self.partial.len());
        }
        self.partial.extend_from_slice(run);
        (run.len(), None)
    }
}

/// The fast path. If `rest` begins with a whole line that needs nothing taken out of it: the line
/// without its end, and the length with it.
fn whole_line(max_line: usize, rest: &[u8]) -> Option<(&[u8], usize)> {
    let mut from = 0;
    loop {
        // Stopping at `IAC` keeps this linear: what was searched in vain is consumed before the
        // next search. It also makes the answer certain, for `IAC` can change what a line end is.
        let end = from + memchr3(LF, NUL, IAC, &rest[from..])?;
        let before = &rest[..end];
        let line = match (rest[end], before.strip_suffix(&[CR])) {
            (LF, Some(line)) | (NUL, Some(line)) => line,
            (LF, None) => before,
            (NUL, None) => {
                from = end + 1;
                continue;
            }
            _ => return None,
        };
        return (line.len() <= max_line).then_some((line, end + 1));
    }
}

/// The text layer.
fn with_text<R>(line: &[u8], on_text: impl FnOnce(&str) -> R) -> R {
    match str::from_utf8(line) {
        Ok(text) => on_text(text),
        Err(_) => on_text(&String::from_utf8_lossy(line)),
    }
}

#[cfg(test)]
mod tests;

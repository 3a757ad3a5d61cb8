//! From bytes to whole messages, wherever the reads and the fragments cut them.
//!
//! A [`Decoder`] remembers exactly what a cut can tear apart: a header, the place in a payload, the
//! beginning of a message, a character. Between two messages it owns no heap memory.
//!
//! - Text is checked as it comes: what can no longer become UTF-8 fails at the first byte that
//!   shows it, not at the end of the frame or of the message.
//! - A message that would be too large fails at the header that says so, before its payload comes.
//!   What is held never grows to more than twice of what has come, whatever length a header claims.
//! - Control frames may stand between the fragments of a message; they are never fragmented.

use super::close;
use super::frame::{self, Header, Kind, MAX_HEADER};
use super::{Error, Role};

/// Text is unmasked and checked in blocks of this size, while they are in the processor's cache.
const BLOCK: usize = 1024;

/// What a piece of input can complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping and its payload, at most 125 bytes.
    Ping(Vec<u8>),
    /// A pong and its payload, at most 125 bytes.
    Pong(Vec<u8>),
    /// A close frame: the code, 1005 if there was none, and the reason.
    Close(u16, String),
}

/// Turns the bytes of one direction of a connection into messages and control frames.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    max_message: usize,
    /// The beginning of a header, and how much of it there is.
    partial: [u8; MAX_HEADER],
    partial_length: u8,
    /// The frame whose payload comes, with the length that is still to come.
    frame: Option<Header>,
    /// The message whose fragments come.
    message: Option<Message>,
    /// The payload of the control frame that comes.
    control: Vec<u8>,
    /// Fragments of the message that had nothing in them.
    empty_fragments: u8,
    /// Frames that have begun, of all kinds; it may come round.
    frames: u32,
}

/// Fragments of a message that may be empty. More serve for nothing but to keep the other end busy.
const EMPTY_FRAGMENTS: u8 = 100;

/// A message of which not everything is there.
#[derive(Debug)]
enum Message {
    Text(Text),
    Binary(Vec<u8>),
}

/// Text that is valid so far, and the bytes of a character that is not complete.
#[derive(Debug, Default)]
struct Text {
    text: String,
    tail: [u8; 3],
    tail_length: u8,
}

impl Decoder {
    /// A decoder for one connection. It takes messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(role: Role, max_message: usize) -> Self {
        Self {
            role,
            max_message,
            partial: [0; MAX_HEADER],
            partial_length: 0,
            frame: None,
            message: None,
            control: Vec::new(),
            empty_fragments: 0,
            frames: 0,
        }
    }

    /// How many frames have begun so far, of all kinds and whole messages or not; it may come
    /// round.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Bytes of memory that it holds for what is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        let message = match &self.message {
            Some(Message::Text(text)) => text.text.capacity(),
            Some(Message::Binary(bytes)) => bytes.capacity(),
            None => 0,
        };
        message + self.control.capacity()
    }

    /// Takes input up to the end of the next message or control frame; `None` once all of it is
    /// taken.
    ///
    /// # Errors
    ///
    /// What is wrong with the input. Nothing can be decoded any more after that.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Decoded>, Error> {
        loop {
            let header = match self.frame.take() {
                Some(header) => header,
                None => match self.header(input)? {
                    Some(header) => header,
                    None => return Ok(None),
                },
            };
            let remaining = usize::try_from(header.length).unwrap_or(usize::MAX);
            let (payload, rest) = input.split_at(remaining.min(input.len()));
            *input = rest;
            if let Some(decoded) = self.payload(header, payload)? {
                return Ok(Some(decoded));
            }
            if self.frame.is_some() {
                return Ok(None);
            }
        }
    }

    /// Reads a header, from the input or from what was kept of it and the input.
    fn header(&mut self, input: &mut &[u8]) -> Result<Option<Header>, Error> {
        let kept = usize::from(self.partial_length);
        let parsed = if kept == 0 {
            frame::parse(input, self.role)?
        } else {
            let taken = input.len().min(MAX_HEADER - kept);
            self.partial[kept..kept + taken].copy_from_slice(&input[..taken]);
            frame::parse(&self.partial[..kept + taken], self.role)?
        };
        let Some((header, size)) = parsed else {
            // Shorter than a header: it fits.
            if kept == 0 {
                self.partial[..input.len()].copy_from_slice(input);
            }
            self.partial_length += input.len() as u8;
            *input = &[];
            return Ok(None);
        };
        *input = &input[size - kept..];
        self.partial_length = 0;
        self.begin(&header)?;
        Ok(Some(header))
    }

    /// The rules between a frame and those before it.
    fn begin(&mut self, header: &Header) -> Result<(), Error> {
        self.frames = self.frames.wrapping_add(1);
        match (header.kind, &self.message) {
            (Kind::Close | Kind::Ping | Kind::Pong, _) => return Ok(()),
            (Kind::Continuation, None) => {
                return Err(Error::protocol("continuation of nothing"));
            }
            (Kind::Text | Kind::Binary, Some(_)) => {
                return Err(Error::protocol("new message within a message"));
            }
            (Kind::Continuation, Some(_)) => {}
            (Kind::Text, None) => self.message = Some(Message::Text(Text::default())),
            (Kind::Binary, None) => self.message = Some(Message::Binary(Vec::new())),
        }
        if header.kind != Kind::Continuation {
            self.empty_fragments = 0;
        }
        if header.length == 0 && !header.is_final {
            self.empty_fragments += 1;
            if self.empty_fragments > EMPTY_FRAGMENTS {
                return Err(Error::protocol("too many fragments with nothing in them"));
            }
        }
        let length = self.message.as_ref().map_or(0, Message::length) as u64;
        if length + header.length > self.max_message as u64 {
            return Err(Error::too_big());
        }
        Ok(())
    }

    /// Takes the next bytes of a frame's payload, and what they complete.
    fn payload(&mut self, mut header: Header, bytes: &[u8]) -> Result<Option<Decoded>, Error> {
        header.length -= bytes.len() as u64;
        let unmask = |masked: &mut [u8]| header.mask.apply(masked);
        if header.kind.is_control() {
            append(&mut self.control, bytes, unmask);
        } else if let Some(message) = &mut self.message {
            message.push(bytes, unmask)?;
        }
        if header.length > 0 {
            self.frame = Some(header);
            return Ok(None);
        }
        match header.kind {
            Kind::Ping => Ok(Some(Decoded::Ping(std::mem::take(&mut self.control)))),
            Kind::Pong => Ok(Some(Decoded::Pong(std::mem::take(&mut self.control)))),
            Kind::Close => {
                let payload = std::mem::take(&mut self.control);
                let (code, reason) = close::parse(&payload)?;
                Ok(Some(Decoded::Close(code, reason.to_owned())))
            }
            _ if header.is_final => self.message.take().map(Message::finish).transpose(),
            _ => Ok(None),
        }
    }
}

impl Message {
    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.text.len() + usize::from(text.tail_length),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, bytes: &[u8], unmask: impl FnMut(&mut [u8])) -> Result<(), Error> {
        match self {
            Self::Text(text) => text.push(bytes, unmask)?,
            Self::Binary(binary) => append(binary, bytes, unmask),
        }
        Ok(())
    }

    fn finish(self) -> Result<Decoded, Error> {
        match self {
            Self::Text(text) if text.tail_length > 0 => Err(Error::not_utf8()),
            Self::Text(text) => Ok(Decoded::Text(text.text)),
            Self::Binary(bytes) => Ok(Decoded::Binary(bytes)),
        }
    }
}

fn append(to: &mut Vec<u8>, bytes: &[u8], mut unmask: impl FnMut(&mut [u8])) {
    let start = to.len();
    to.extend_from_slice(bytes);
    unmask(&mut to[start..]);
}

impl Text {
    fn push(&mut self, bytes: &[u8], mut unmask: impl FnMut(&mut [u8])) -> Result<(), Error> {
        self.text.reserve(bytes.len());
        let mut block = [0; 3 + BLOCK];
        for piece in bytes.chunks(BLOCK) {
            let start = usize::from(self.tail_length);
            let block = &mut block[..start + piece.len()];
            block[..start].copy_from_slice(&self.tail[..start]);
            block[start..].copy_from_slice(piece);
            unmask(&mut block[start..]);
            self.push_block(block)?;
        }
        Ok(())
    }

    fn push_block(&mut self, block: &[u8]) -> Result<(), Error> {
        let (valid, tail) = match str::from_utf8(block) {
            Ok(text) => (text, &[][..]),
            // What it ends with can still become a character.
            Err(error) if error.error_len().is_none() => {
                let (valid, tail) = block.split_at(error.valid_up_to());
                (str::from_utf8(valid).map_err(|_| Error::not_utf8())?, tail)
            }
            Err(_) => return Err(Error::not_utf8()),
        };
        self.text.push_str(valid);
        self.tail[..tail.len()].copy_from_slice(tail);
        self.tail_length = tail.len() as u8;
        Ok(())
    }
}

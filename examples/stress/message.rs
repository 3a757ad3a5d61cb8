//! What is sent, and how it is known again: `NICK: SENDER SEQUENCE STAMP xxx...` is a line of it, and
//! an object has the same in two fields.
//!
//! All numbers have leading zeros, so that a line is the same everywhere but for its digits:
//! millions a second are read, on the machine that the server runs on.

use std::borrow::Cow;
use std::io::Write;
use std::process;
use std::time::SystemTime;

/// One message.
#[derive(Clone, Copy)]
pub struct Message {
    /// The number of the client that sends it.
    pub sender: u32,
    /// 0, 1, 2 ... for each sender.
    pub sequence: u32,
    /// When it was sent, in nanoseconds of the run.
    pub stamp: u64,
}

/// What the server tells a client.
pub enum Heard<'a> {
    Message(Message),
    /// A message of ours that has not come as it was sent.
    Damaged,
    /// It is in a room.
    Entered,
    /// It is let go.
    Farewell,
    /// What it has sent was not carried out.
    Refused(Cow<'a, str>),
    /// It is cut off.
    Disconnected(Cow<'a, str>),
    /// Someone else's, or a notice.
    Other,
}

/// Digits of a number; a stamp has two such numbers.
const DIGITS: usize = 8;
const STAMP_UNIT: u64 = 100_000_000;

/// How this run's messages look; those of another run on the same server look different.
pub struct Format {
    /// The nicknames up to the client's number.
    prefix: String,
    size: usize,
    padding: Vec<u8>,
}

impl Format {
    pub fn new(size: u32) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let micros = since.unwrap_or_default().as_micros() as u64;
        let run = (u64::from(process::id()) << 20) | (micros & 0xf_ffff);
        Self {
            prefix: format!("s{run:x}-"),
            size: size as usize,
            padding: vec![b'x'; size as usize],
        }
    }

    pub fn nick(&self, client: usize) -> String {
        format!("{}{client:08}", self.prefix)
    }

    /// Bytes of a line that the server sends for a message.
    pub fn line_length(&self) -> usize {
        self.prefix.len() + DIGITS + 2 + self.size + 1
    }

    /// Appends the line that says it.
    pub fn write(&self, message: Message, to: &mut Vec<u8>) {
        let Message {
            sender,
            sequence,
            stamp,
        } = message;
        let start = to.len();
        write!(to, "{sender:08} {sequence:08} {stamp:016} ").expect("memory takes everything");
        let padding = self.size - (to.len() - start);
        to.extend_from_slice(&self.padding[..padding]);
        to.push(b'\n');
    }

    /// Whose nickname it is, in digits, if it is one of ours.
    pub fn own_nick<'a>(&self, nick: &'a [u8]) -> Option<&'a [u8]> {
        nick.strip_prefix(self.prefix.as_bytes())
    }

    /// Reads what one of ours has said.
    pub fn read(&self, author: &[u8], text: &[u8]) -> Heard<'static> {
        self.parse(author, text)
            .map_or(Heard::Damaged, Heard::Message)
    }

    fn parse(&self, author: &[u8], text: &[u8]) -> Option<Message> {
        let (sender, rest) = text.split_first_chunk::<DIGITS>()?;
        let (sequence, rest) = rest.strip_prefix(b" ")?.split_first_chunk::<DIGITS>()?;
        let (high, rest) = rest.strip_prefix(b" ")?.split_first_chunk::<DIGITS>()?;
        let (low, rest) = rest.split_first_chunk::<DIGITS>()?;
        let padding = rest.strip_prefix(b" ")?;
        let whole = text.len() == self.size && padding == &self.padding[..padding.len()];
        (whole && author == sender).then_some(())?;
        Some(Message {
            sender: number(sender)?,
            sequence: number(sequence)?,
            stamp: u64::from(number(high)?) * STAMP_UNIT + u64::from(number(low)?),
        })
    }
}

/// Reads all eight digits at once, in the lanes of one word: digits become pairs, pairs become
/// fours, fours the number. Digit by digit it was a quarter of the whole client's time.
#[inline]
fn number(digits: &[u8; DIGITS]) -> Option<u32> {
    let values = u64::from_le_bytes(*digits) ^ 0x3030_3030_3030_3030;
    // The high bit of a lane: its value is above nine.
    let above = values.wrapping_add(0x7676_7676_7676_7676) | values;
    if above & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = (values * 10 + (values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) as u32)
}

//! Frames on the wire: the codec's headers, and the mask over a payload.
//!
//! The layout of a header is the codec's business (`tungstenite`). What is left is the few rules
//! that a header alone can break, and to undo the mask piece by piece, as payload comes.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Error;
use super::close::MAX_CONTROL;

/// The longest header: two bytes, a length of eight, a mask of four.
pub(super) const MAX_HEADER: usize = 14;

/// Which end of the connection one is. A client masks its frames, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that was connected to.
    Server,
    /// The end that has connected.
    Client,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn opcode(self) -> OpCode {
        match self {
            Self::Continuation => OpCode::Data(Data::Continue),
            Self::Text => OpCode::Data(Data::Text),
            Self::Binary => OpCode::Data(Data::Binary),
            Self::Close => OpCode::Control(Control::Close),
            Self::Ping => OpCode::Control(Control::Ping),
            Self::Pong => OpCode::Control(Control::Pong),
        }
    }

    fn from_opcode(opcode: OpCode) -> Option<Self> {
        match opcode {
            OpCode::Data(Data::Continue) => Some(Self::Continuation),
            OpCode::Data(Data::Text) => Some(Self::Text),
            OpCode::Data(Data::Binary) => Some(Self::Binary),
            OpCode::Control(Control::Close) => Some(Self::Close),
            OpCode::Control(Control::Ping) => Some(Self::Ping),
            OpCode::Control(Control::Pong) => Some(Self::Pong),
            OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => None,
        }
    }
}

/// A frame whose payload comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) is_final: bool,
    pub(super) length: u64,
    pub(super) mask: Mask,
}

/// The header at the start of `bytes` and how long it is; `None` if it is not all there yet.
pub(super) fn parse(bytes: &[u8], role: Role) -> Result<Option<(Header, usize)>, Error> {
    let mut cursor = Cursor::new(bytes);
    let (header, length) = match FrameHeader::parse(&mut cursor) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => return Ok(None),
        Err(_) => return Err(Error::protocol("reserved opcode")),
    };
    let size = cursor.position() as usize;
    check(&header, length, size, role)?;
    let Some(kind) = Kind::from_opcode(header.opcode) else {
        return Err(Error::protocol("reserved opcode"));
    };
    if kind.is_control() && length > MAX_CONTROL as u64 {
        return Err(Error::protocol("control frame of more than 125 bytes"));
    }
    if kind.is_control() && !header.is_final {
        return Err(Error::protocol("fragmented control frame"));
    }
    let parsed = Header {
        kind,
        is_final: header.is_final,
        length,
        mask: Mask(header.mask.unwrap_or_default()),
    };
    Ok(Some((parsed, size)))
}

/// The rules for every header (RFC 6455, 5.1 and 5.2).
fn check(header: &FrameHeader, length: u64, size: usize, role: Role) -> Result<(), Error> {
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(Error::protocol("reserved bit, and no extension"));
    }
    match (role, header.mask) {
        (Role::Server, None) => return Err(Error::protocol("frame without a mask")),
        (Role::Client, Some(_)) => return Err(Error::protocol("masked frame from the server")),
        (Role::Server, Some(_)) | (Role::Client, None) => {}
    }
    if length > i64::MAX as u64 {
        return Err(Error::protocol("length with its highest bit set"));
    }
    if size != header.len(length) {
        return Err(Error::protocol("length in more bytes than it needs"));
    }
    Ok(())
}

/// Appends a frame: masked, if it comes from a client.
pub(super) fn append(kind: Kind, payload: &[u8], role: Role, to: &mut Vec<u8>) {
    let mask = match role {
        Role::Server => None,
        Role::Client => Some(rand::random()),
    };
    let header = FrameHeader {
        opcode: kind.opcode(),
        mask,
        ..FrameHeader::default()
    };
    let length = payload.len() as u64;
    to.reserve(header.len(length) + payload.len());
    // It can only fail as the writer does, and a vector takes everything.
    let formatted = header.format(length, to);
    debug_assert!(formatted.is_ok());
    let start = to.len();
    to.extend_from_slice(payload);
    if let Some(mask) = mask {
        Mask(mask).apply(&mut to[start..]);
    }
}

/// The same frames masked, as a client has to send them; `None` if these are no whole frames.
pub(super) fn masked(mut frames: &[u8]) -> Option<Vec<u8>> {
    let mut masked = Vec::new();
    while !frames.is_empty() {
        let (header, size) = parse(frames, Role::Client).ok()??;
        let end = size.checked_add(usize::try_from(header.length).ok()?)?;
        append(
            header.kind,
            frames.get(size..end)?,
            Role::Client,
            &mut masked,
        );
        frames = &frames[end..];
    }
    Some(masked)
}

/// A mask, turned to the next byte of the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    /// Masks or unmasks the next bytes, eight at a time.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        if self.0 == [0; 4] {
            return;
        }
        let [a, b, c, d] = self.0;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let length = bytes.len();
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        for (byte, mask) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= mask;
        }
        self.0.rotate_left(length % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_applied_piece_by_piece_is_the_mask_applied_at_once() {
        let plain: Vec<u8> = (0..50).collect();
        for cut in 0..=plain.len() {
            for second in cut..=plain.len() {
                let mut masked = plain.clone();
                let mut mask = Mask([1, 20, 3, 250]);
                mask.apply(&mut masked[..cut]);
                mask.apply(&mut masked[cut..second]);
                mask.apply(&mut masked[second..]);
                let wanted = plain.iter().zip([1, 20, 3, 250].into_iter().cycle());
                let wanted: Vec<u8> = wanted.map(|(byte, mask)| byte ^ mask).collect();
                assert_eq!(masked, wanted);
            }
        }
    }
}

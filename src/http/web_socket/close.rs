//! Why a WebSocket is closed: codes, reasons, and what is wrong with what came.

use std::fmt;

use tungstenite::protocol::frame::coding::CloseCode;

/// Close codes (RFC 6455, 7.4.1).
pub mod code {
    /// It is done.
    pub const NORMAL: u16 = 1000;
    /// The server stops, or the browser leaves the page.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// The peer sent a kind of data that is not taken.
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// There was no code in the peer's close frame. Never sent.
    pub const NO_STATUS: u16 = 1005;
    /// The connection ended without a close frame. Never sent.
    pub const ABNORMAL: u16 = 1006;
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The peer broke a rule of the application's.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message larger than is taken.
    pub const TOO_BIG: u16 = 1009;
    /// The server fails to do what it should.
    pub const INTERNAL_ERROR: u16 = 1011;
    /// The server restarts: come again.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server has too much to do: come again later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
}

/// The longest payload of a control frame.
pub(super) const MAX_CONTROL: usize = 125;

/// The longest reason in a close frame, in bytes: a control frame's payload less the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// Whether a code may stand in a close frame: registered, or free for libraries (3000 to 3999) and
/// applications (4000 to 4999).
#[must_use]
pub fn is_valid_close_code(code: u16) -> bool {
    // The codec's list is the RFC's and two that were registered later; this is the third.
    const BAD_GATEWAY: u16 = 1014;
    code == BAD_GATEWAY || CloseCode::from(code).is_allowed()
}

/// What is wrong with what the peer sent. The connection is failed: a close frame with
/// [`code`](Self::code) is sent, and nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    code: u16,
    what: &'static str,
}

impl Error {
    pub(super) fn protocol(what: &'static str) -> Self {
        let code = code::PROTOCOL_ERROR;
        Self { code, what }
    }

    pub(super) fn not_utf8() -> Self {
        let code = code::INVALID_PAYLOAD;
        let what = "text that is not UTF-8";
        Self { code, what }
    }

    pub(super) fn too_big() -> Self {
        let code = code::TOO_BIG;
        let what = "message larger than is taken";
        Self { code, what }
    }

    /// The close code that says so: 1002, 1007 or 1009.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Error {}

/// The code and the reason in a close frame; [`code::NO_STATUS`] if it is empty.
pub(super) fn parse(payload: &[u8]) -> Result<(u16, &str), Error> {
    match payload {
        [] => Ok((code::NO_STATUS, "")),
        [_] => Err(Error::protocol("close frame with half a code")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_valid_close_code(code) {
                return Err(Error::protocol("close code that must not be sent"));
            }
            let reason = str::from_utf8(reason).map_err(|_| Error::not_utf8())?;
            Ok((code, reason))
        }
    }
}

/// The payload of a close frame. A code that may not be sent gives an empty one; a reason that is
/// too long is cut between two characters.
pub(super) fn payload(code: u16, reason: &str) -> Vec<u8> {
    if !is_valid_close_code(code) {
        return Vec::new();
    }
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    payload
}

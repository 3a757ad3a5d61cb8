//! What can be wrong with a message, with the codes that Node gives it.

use std::borrow::Cow;
use std::fmt;

/// Why a message cannot be accepted. Its connection is of no further use: where the next message
/// would begin is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The method is no token, or the request line does not begin with one.
    Method,
    /// The target is empty, has characters that no target has, or does not suit the method.
    Target,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    Version,
    /// What came is no response at all.
    Constant,
    /// The status is no number of three digits.
    Status,
    /// A field name or value with characters that none has, a space before the colon, a folded
    /// line.
    Field,
    /// A CR or an LF alone, where both belong together.
    LineEnd,
    /// A CR in the value of a field.
    FieldEnd,
    /// A CR that no LF follows, elsewhere.
    LoneCr,
    /// A blank before the first field.
    FirstSpace,
    /// Two lengths, or a length and chunks.
    AmbiguousLength,
    /// A length that is no number.
    ContentLength,
    /// In a request, a transfer coding other than `chunked`, several, or any in HTTP/1.0; in a
    /// response, one behind a length.
    TransferEncoding,
    /// Two `Host` fields, or one that names no host.
    Host,
    /// A chunk's size is no hexadecimal number, or too large.
    ChunkSize,
    /// What follows a chunk's size has not the form of an extension.
    ChunkExtension,
    /// A chunk is longer or shorter than its size said.
    ChunkEnd,
    /// A head, or what follows the last chunk, is longer than allowed, or has too many fields.
    HeaderOverflow,
    /// Chunk extensions, which nobody reads, are longer than allowed.
    ChunkExtensions,
    /// The body is longer than [`Server::set_max_body`](crate::http::Server::set_max_body) allows.
    BodyTooLarge,
    /// The connection ended within the message.
    Eof,
    /// Something came behind a message that was to be the last.
    Closed,
    /// The message took too long to arrive.
    Timeout,
}

impl ParseError {
    /// Node's `err.code`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Method => "HPE_INVALID_METHOD",
            Self::Target => "HPE_INVALID_URL",
            Self::Version => "HPE_INVALID_VERSION",
            Self::Constant => "HPE_INVALID_CONSTANT",
            Self::Status => "HPE_INVALID_STATUS",
            Self::Field => "HPE_INVALID_HEADER_TOKEN",
            Self::LineEnd => "HPE_CR_EXPECTED",
            Self::FieldEnd => "HPE_LF_EXPECTED",
            Self::LoneCr | Self::ChunkExtension | Self::ChunkEnd => "HPE_STRICT",
            Self::FirstSpace => "HPE_UNEXPECTED_SPACE",
            Self::AmbiguousLength => "HPE_UNEXPECTED_CONTENT_LENGTH",
            Self::ContentLength => "HPE_INVALID_CONTENT_LENGTH",
            Self::TransferEncoding => "HPE_INVALID_TRANSFER_ENCODING",
            Self::Host => "ERR_HTTP_INVALID_HOST",
            Self::ChunkSize => "HPE_INVALID_CHUNK_SIZE",
            Self::HeaderOverflow => "HPE_HEADER_OVERFLOW",
            Self::ChunkExtensions => "HPE_CHUNK_EXTENSIONS_OVERFLOW",
            Self::BodyTooLarge => "ERR_HTTP_BODY_TOO_LARGE",
            Self::Eof => "HPE_INVALID_EOF_STATE",
            Self::Closed => "HPE_CLOSED_CONNECTION",
            Self::Timeout => "ERR_HTTP_REQUEST_TIMEOUT",
        }
    }

    /// The status that tells a client so.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Timeout => 408,
            Self::BodyTooLarge | Self::ChunkExtensions => 413,
            Self::HeaderOverflow => 431,
            _ => 400,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Method => "Invalid method encountered",
            Self::Target => "Invalid characters in url",
            Self::Version => "Invalid HTTP version",
            Self::Constant => "Expected HTTP/",
            Self::Status => "Invalid status code",
            Self::Field => "Invalid header token",
            Self::LineEnd => "Expected CR and LF together",
            Self::FieldEnd => "Missing expected LF after header value",
            Self::LoneCr => "Expected LF after CR",
            Self::FirstSpace => "Unexpected space after start line",
            Self::AmbiguousLength => "Content-Length can't be present with another length",
            Self::ContentLength => "Invalid character in Content-Length",
            Self::TransferEncoding => "Request has invalid `Transfer-Encoding`",
            Self::Host => "Invalid or repeated Host",
            Self::ChunkSize => "Invalid character in chunk size",
            Self::ChunkExtension => "Invalid character in chunk extensions",
            Self::ChunkEnd => "Expected CRLF after chunk",
            Self::HeaderOverflow => "Header overflow",
            Self::ChunkExtensions => "Chunk extensions overflow",
            Self::BodyTooLarge => "Body is larger than allowed",
            Self::Eof => "Invalid EOF state",
            Self::Closed => "Data after `Connection: close`",
            Self::Timeout => "Request timeout",
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str(self.reason()),
            _ => write!(f, "Parse Error: {}", self.reason()),
        }
    }
}

impl std::error::Error for ParseError {}

/// What a program did wrong with a message that it sends, with the code that Node gives it.
#[derive(Debug)]
pub(in crate::http) struct Misuse {
    code: &'static str,
    message: Cow<'static, str>,
}

impl Misuse {
    pub(in crate::http) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    /// Node's `err.code`.
    pub(in crate::http) fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

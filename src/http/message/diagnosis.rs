//! What is wrong with a head that was refused: the first fault that llhttp, Node's parser, meets in
//! it. Whether a head is refused is not decided here.

use super::ParseError;
use super::facts::{self, TOKEN};

/// The fault, or none in what has come.
type Fault = Option<ParseError>;

/// What is wrong with bytes that this refuses. Nothing depends on how they were split: looked at is
/// what it takes to refuse them, and no byte more. The error it was refused with is told if llhttp
/// finds no fault in that.
pub(in crate::http) fn of(
    bytes: &[u8],
    mut refuse: impl FnMut(&[u8]) -> Option<ParseError>,
    fault: fn(&[u8]) -> Option<ParseError>,
) -> Option<ParseError> {
    let mut error = refuse(bytes)?;
    let (mut fine, mut refused) = (0, bytes.len());
    while refused - fine > 1 {
        let middle = fine + (refused - fine) / 2;
        match refuse(&bytes[..middle]) {
            Some(found) => (error, refused) = (found, middle),
            None => fine = middle,
        }
    }
    Some(fault(&bytes[..refused]).unwrap_or(error))
}

/// Of the head of a response.
pub(in crate::http) fn of_response(bytes: &[u8]) -> Option<ParseError> {
    let rest = status_line(bytes);
    rest.and_then(|rest| fields(rest, true)).err().flatten()
}

/// Of the fields behind a body in chunks.
pub(in crate::http) fn of_trailers(bytes: &[u8]) -> Option<ParseError> {
    fields(bytes, false).err().flatten()
}

/// What follows the status line.
fn status_line(bytes: &[u8]) -> Result<&[u8], Fault> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte));
    let mut rest = &bytes[start.ok_or(None)?..];
    for expected in b"HTTP/" {
        match rest {
            [byte, behind @ ..] if byte == expected => rest = behind,
            [] => return Err(None),
            _ => return Err(Some(ParseError::Constant)),
        }
    }
    let (version, rest) = rest.split_at_checked(3).ok_or(None)?;
    let known = matches!(version, b"1.1" | b"1.0" | b"0.9" | b"2.0");
    let rest = match rest {
        [b' ', behind @ ..] if known => behind,
        [] if known => return Err(None),
        _ => return Err(Some(ParseError::Version)),
    };
    let (status, rest) = rest.split_at_checked(3).ok_or(None)?;
    let digits = status.iter().all(u8::is_ascii_digit);
    match rest {
        [b' ' | b'\r', ..] if digits => {}
        [] if digits => return Err(None),
        _ => return Err(Some(ParseError::Status)),
    }
    let end = rest.iter().position(|byte| b"\r\n".contains(byte));
    line_end(&rest[end.ok_or(None)?..], ParseError::LoneCr)
}

/// What follows the end of a line, which is here; this is wrong with a CR alone.
fn line_end(rest: &[u8], alone: ParseError) -> Result<&[u8], Fault> {
    match rest {
        [b'\r', b'\n', behind @ ..] => Ok(behind),
        [] | [b'\r'] => Err(None),
        [b'\r', ..] => Err(Some(alone)),
        _ => Err(Some(ParseError::LineEnd)),
    }
}

fn fields(mut rest: &[u8], mut first: bool) -> Result<(), Fault> {
    let (mut has_length, mut has_coding) = (false, false);
    loop {
        match rest {
            [b'\r', ..] => return line_end(rest, ParseError::LoneCr).map(|_| ()),
            [b' ', ..] if first => return Err(Some(ParseError::FirstSpace)),
            _ => first = false,
        }
        let end = rest.iter().position(|&byte| !TOKEN[usize::from(byte)]);
        let (name, value) = rest.split_at(end.ok_or(None)?);
        if name.is_empty() || value[0] != b':' {
            return Err(Some(ParseError::Field));
        }
        let start = value[1..].iter().position(|byte| !b" \t".contains(byte));
        let value = &value[1 + start.ok_or(None)?..];
        let control = |&byte: &u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
        let (text, behind) = value.split_at(value.iter().position(control).ok_or(None)?);
        if text.is_empty() {
            rest = match behind {
                [b'\r', ..] => line_end(behind, ParseError::LoneCr)?,
                _ => return Err(Some(ParseError::Field)),
            };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if has_coding || facts::length(text.trim_ascii_end()).is_err() {
                return Err(Some(ParseError::ContentLength));
            }
            if std::mem::replace(&mut has_length, true) {
                return Err(Some(ParseError::AmbiguousLength));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if has_length {
                return Err(Some(ParseError::TransferEncoding));
            }
            has_coding = true;
        }
        if !text.is_empty() {
            rest = match behind {
                [b'\r' | b'\n', ..] => line_end(behind, ParseError::FieldEnd)?,
                _ => return Err(Some(ParseError::Field)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Node says of each; the tests against Node have more.
    #[test]
    fn the_first_fault_is_named() {
        for (line, code) in [
            ("HTP/1.1 200 OK\r\n\r\n", "HPE_INVALID_CONSTANT"),
            ("\r\nHTTX", "HPE_INVALID_CONSTANT"),
            ("HTTP/1,1 200 OK", "HPE_INVALID_VERSION"),
            ("HTTP/1.1\t200 OK", "HPE_INVALID_VERSION"),
            ("HTTP/1.1 200\tOK", "HPE_INVALID_STATUS"),
            ("HTTP/1.1 2x0 ", "HPE_INVALID_STATUS"),
            ("HTTP/1.1 200\rx", "HPE_STRICT"),
            ("HTTP/1.1 200 OK\n", "HPE_CR_EXPECTED"),
        ] {
            let fault = of_response(line.as_bytes());
            assert_eq!(fault.map(ParseError::code), Some(code), "{line:?}");
        }
        for (fields, code) in [
            ("\tX: a\r\n", "HPE_INVALID_HEADER_TOKEN"),
            (" X: a\r\n", "HPE_UNEXPECTED_SPACE"),
            ("X:\rb", "HPE_STRICT"),
            ("X: \n", "HPE_INVALID_HEADER_TOKEN"),
            ("X: a\r\n\rb", "HPE_STRICT"),
            ("X\n", "HPE_INVALID_HEADER_TOKEN"),
            ("Content-Length: 2\rx", "HPE_LF_EXPECTED"),
            ("Content-Length: 2 \nx", "HPE_CR_EXPECTED"),
            ("Content-Length: \rx", "HPE_STRICT"),
            ("Content-Length:\r\n", "HPE_INVALID_CONTENT_LENGTH"),
            ("Content-Length: 2,2\r\n", "HPE_INVALID_CONTENT_LENGTH"),
        ] {
            let head = format!("HTTP/1.1 200 OK\r\n{fields}");
            let fault = of_response(head.as_bytes());
            assert_eq!(fault.map(ParseError::code), Some(code), "{fields:?}");
        }
        for head in [
            "",
            "HTTP/1.1 200 OK\r\nA: b\r",
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        ] {
            assert_eq!(of_response(head.as_bytes()), None, "{head:?}");
        }
        assert_eq!(of_trailers(b" X: a\r\n"), Some(ParseError::Field));
        assert_eq!(of_trailers(b"X: a\rb"), Some(ParseError::FieldEnd));
    }

    #[test]
    fn what_comes_behind_the_fault_does_not_matter() {
        let refuse = |bytes: &[u8]| bytes.contains(&b'x').then_some(ParseError::Eof);
        let found = of(b"HTTP/1.1 200 x\nA\n", refuse, of_response);
        assert_eq!(
            found,
            Some(ParseError::Eof),
            "llhttp has nothing against it"
        );
        let found = of(b"HTTP/1.1 2001 x\nA\n", refuse, of_response);
        assert_eq!(found, Some(ParseError::Status));
        assert_eq!(of(b"HTTP/1.1 2001", refuse, of_response), None);
    }
}

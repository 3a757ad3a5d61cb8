//! Bodies in chunks: the decoder, which takes any split of its input, and the encoder.

use super::ParseError;
use super::facts::TOKEN;

/// Bytes of extensions in one body at most; Node's limit, and nobody reads them.
const EXTENSIONS: u32 = 16 * 1024;

/// Digits of a size at most: what fits into 64 bits.
const DIGITS: u8 = 16;

/// What comes next in a body of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// The digits of a size.
    Size,
    /// An extension, up to the CR.
    Extension(Extension),
    /// The LF after a size.
    SizeLf,
    Data,
    /// The CR after a chunk's data.
    DataCr,
    DataLf,
    /// The last chunk was seen: fields may follow, and an empty line.
    Trailers,
}

/// What of an extension comes next: `;name`, `;name=value` or `;name="value"`. Nobody reads them,
/// but what has none of these forms may mean something else to another reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// Blanks, then the name.
    BeforeName,
    Name,
    /// Blanks, then `=` or the next extension.
    AfterName,
    /// Blanks, then the value.
    BeforeValue,
    Value,
    Quoted,
    /// Whatever a backslash quotes.
    Escaped,
    /// Blanks, then the next extension.
    AfterValue,
}

impl Extension {
    /// What comes after this byte; `None` if it has no place here.
    fn after(self, byte: u8) -> Option<Self> {
        let next = match (self, byte) {
            (Self::Quoted, b'"') => Self::AfterValue,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted | Self::Escaped, b'\t' | b' '..=b'~' | 0x80..) => Self::Quoted,
            (Self::BeforeName | Self::Name, byte) if TOKEN[usize::from(byte)] => Self::Name,
            (Self::BeforeValue | Self::Value, byte) if TOKEN[usize::from(byte)] => Self::Value,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::Name | Self::AfterName | Self::Value | Self::AfterValue, b';') => {
                Self::BeforeName
            }
            (
                Self::BeforeName | Self::BeforeValue | Self::AfterName | Self::AfterValue,
                b' ' | b'\t',
            ) => self,
            (Self::Name, b' ' | b'\t') => Self::AfterName,
            (Self::Value, b' ' | b'\t') => Self::AfterValue,
            _ => return None,
        };
        Some(next)
    }

    /// Whether the line may end here.
    fn complete(self) -> bool {
        matches!(self, Self::Name | Self::Value | Self::AfterValue)
    }
}

/// Decodes a body in chunks, up to and without the fields behind it.
#[derive(Clone, Debug)]
pub(in crate::http) struct ChunkDecoder {
    expect: Expect,
    digits: u8,
    extensions: u32,
    /// The size while its digits come, then what is left of the chunk.
    left: u64,
}

/// What the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Piece<'a> {
    Data(&'a [u8]),
    /// The last chunk is over.
    Last,
}

impl ChunkDecoder {
    pub(in crate::http) fn new() -> Self {
        Self {
            expect: Expect::Size,
            digits: 0,
            extensions: 0,
            left: 0,
        }
    }

    /// Takes bytes off the input up to the next piece; `None` when the input is used up.
    pub(in crate::http) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Piece<'a>>, ParseError> {
        if self.expect == Expect::Trailers {
            return Ok(Some(Piece::Last));
        }
        while let [byte, rest @ ..] = *input {
            if self.expect == Expect::Data {
                let count = usize::try_from(self.left).map_or(input.len(), |n| n.min(input.len()));
                let (data, rest) = input.split_at(count);
                *input = rest;
                self.left -= count as u64;
                if self.left == 0 {
                    self.expect = Expect::DataCr;
                }
                return Ok(Some(Piece::Data(data)));
            }
            *input = rest;
            self.step(*byte)?;
            if self.expect == Expect::Trailers {
                return Ok(Some(Piece::Last));
            }
        }
        Ok(None)
    }

    fn step(&mut self, byte: u8) -> Result<(), ParseError> {
        match (self.expect, byte) {
            (Expect::Size, b'\r') if self.digits > 0 => self.expect = Expect::SizeLf,
            (Expect::Size, b';') if self.digits > 0 => self.extension(Extension::BeforeName)?,
            (Expect::Size, b'\n') if self.digits > 0 => return Err(ParseError::LineEnd),
            (Expect::Size, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(ParseError::ChunkSize)?;
                if self.digits == DIGITS {
                    return Err(ParseError::ChunkSize);
                }
                self.digits += 1;
                self.left = self.left << 4 | u64::from(digit);
            }
            (Expect::Extension(extension), b'\r') if extension.complete() => {
                self.expect = Expect::SizeLf;
            }
            (Expect::Extension(extension), _) => {
                let wrong = match (byte, extension) {
                    (_, Extension::Quoted | Extension::Escaped) => ParseError::ChunkExtension,
                    (b'\n', _) => ParseError::LineEnd,
                    _ => ParseError::ChunkExtension,
                };
                let next = extension.after(byte).ok_or(wrong)?;
                self.extension(next)?;
            }
            (Expect::SizeLf, b'\n') if self.left == 0 => self.expect = Expect::Trailers,
            (Expect::SizeLf, b'\n') => self.expect = Expect::Data,
            (Expect::DataCr, b'\r') => self.expect = Expect::DataLf,
            (Expect::DataLf, b'\n') => {
                self.expect = Expect::Size;
                (self.digits, self.left) = (0, 0);
            }
            (Expect::DataCr, b'\n') => return Err(ParseError::LineEnd),
            (Expect::DataCr | Expect::DataLf, _) => return Err(ParseError::ChunkEnd),
            (Expect::SizeLf | Expect::Data | Expect::Trailers, _) => {
                return Err(ParseError::LoneCr);
            }
        }
        Ok(())
    }

    fn extension(&mut self, next: Extension) -> Result<(), ParseError> {
        self.expect = Expect::Extension(next);
        self.extensions += 1;
        if self.extensions > EXTENSIONS {
            return Err(ParseError::ChunkExtensions);
        }
        Ok(())
    }
}

/// Writes one chunk. Nothing for no data, which would end the body.
pub(in crate::http) fn encode(data: &[u8], out: &mut Vec<u8>) {
    if data.is_empty() {
        return;
    }
    write_number(out, data.len() as u64, 16);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Writes a number without the machinery of formatting: there are several in every message.
pub(in crate::http) fn write_number(out: &mut Vec<u8>, mut number: u64, base: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdef"[(number % base) as usize];
        number /= base;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(mut input: &[u8]) -> Result<(Vec<u8>, usize), ParseError> {
        let (mut decoder, mut data) = (ChunkDecoder::new(), Vec::new());
        while let Some(piece) = decoder.next(&mut input)? {
            match piece {
                Piece::Data(bytes) => data.extend_from_slice(bytes),
                Piece::Last => return Ok((data, input.len())),
            }
        }
        Err(ParseError::Eof)
    }

    #[test]
    fn sizes_are_hexadecimal_and_extensions_are_skipped() {
        let body = b"5\r\nhello\r\n00A;a=\"b\"\r\n0123456789\r\n0\r\nrest";
        assert_eq!(decode(body), Ok((b"hello0123456789".to_vec(), 4)));
    }

    #[test]
    fn extensions_have_a_form() {
        for extension in [
            ";a",
            ";a=b",
            ";a=\"\"",
            ";a=\"b;\\\"\\\\c\u{e4}\"",
            "; a = b; c",
            ";a=\"b\" ;\tc",
        ] {
            let body = format!("1{extension}\r\nx\r\n0{extension}\r\n");
            assert_eq!(decode(body.as_bytes()), Ok((b"x".to_vec(), 0)), "{body}");
        }
        for extension in [
            ";",
            "; ",
            ";;a",
            ";=b",
            ";a=",
            ";a=;b",
            ";a b",
            ";a=b c",
            ";a ",
            ";a=\"b",
            ";a=\"b\"c",
            ";a=b\"",
            ";a\u{e4}",
            ";a==b",
            ";a=\"b\\",
            ";a=\"\x01\"",
        ] {
            let body = format!("1{extension}\r\nx\r\n0\r\n");
            assert_eq!(
                decode(body.as_bytes()),
                Err(ParseError::ChunkExtension),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for (body, error) in [
            (&b"\r\n"[..], ParseError::ChunkSize),
            (b"g\r\n", ParseError::ChunkSize),
            (b"0x5\r\n", ParseError::ChunkSize),
            (b"-1\r\n", ParseError::ChunkSize),
            (b"+1\r\n", ParseError::ChunkSize),
            (b" 5\r\n", ParseError::ChunkSize),
            (b"5 \r\n", ParseError::ChunkSize),
            (b"5\n", ParseError::LineEnd),
            (b"5;\x01\r\n", ParseError::ChunkExtension),
            (b"5;\n", ParseError::LineEnd),
            (b"5;a\nhello", ParseError::LineEnd),
            (b"5;a=b\nhello", ParseError::LineEnd),
            (b"5;a=\"\nhello", ParseError::ChunkExtension),
            (b"5\rhello", ParseError::LoneCr),
            (b"10000000000000000\r\n", ParseError::ChunkSize),
            (b"5\r\nhello!\r\n", ParseError::ChunkEnd),
            (b"5\r\nhello\n", ParseError::LineEnd),
            (b"5\r\nhello\r\r", ParseError::ChunkEnd),
            (b"5\r\nhel\r\n", ParseError::Eof),
        ] {
            assert_eq!(decode(body), Err(error), "{}", body.escape_ascii());
        }
        // What of extensions is counted is all of them in one body, from the semicolon on.
        let with = |count: usize| format!("1;{}\r\nx\r\n0;y\r\n", "x".repeat(count));
        let most = EXTENSIONS as usize - 3;
        assert_eq!(decode(with(most).as_bytes()), Ok((b"x".to_vec(), 0)));
        let long = decode(with(most + 1).as_bytes());
        assert_eq!(long, Err(ParseError::ChunkExtensions));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for length in [1, 9, 10, 15, 16, 255, 4096, 70_000] {
            let (data, mut out) = (vec![b'x'; length], Vec::new());
            encode(&data, &mut out);
            encode(b"", &mut out);
            out.extend_from_slice(b"0\r\n");
            assert_eq!(decode(&out), Ok((data, 0)));
        }
        let mut out = Vec::new();
        write_number(&mut out, u64::MAX, 10);
        assert_eq!(out, u64::MAX.to_string().into_bytes());
    }
}

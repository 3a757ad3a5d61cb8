//! Bodies in chunks.

use loopchat::http::Parser;

use super::cuts::Cuts;
use super::messages::{Read, read};

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// However a body is cut, what comes of it is the same; and what was put into chunks comes out.
pub fn check(data: &[u8]) {
    let Some(cuts) = Cuts::of(data) else { return };
    let pieces = cuts.pieces();
    if cuts.flags & 1 == 0 {
        let whole = read(Parser::requests(), &[HEAD, cuts.input]);
        let in_pieces: Vec<&[u8]> = [HEAD].into_iter().chain(pieces).collect();
        assert_eq!(read(Parser::requests(), &in_pieces), whole);
        assert_eq!(
            read(Parser::requests(), &[&[HEAD, cuts.input].concat()]),
            whole
        );
        let heads = whole.iter().filter(|part| matches!(part, Read::Head(_)));
        let ends = whole.iter().filter(|part| matches!(part, Read::End(_)));
        assert!(ends.count() <= heads.count());
    } else {
        let mut message = HEAD.to_owned();
        for piece in pieces {
            message.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            message.extend_from_slice(piece);
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"0\r\n\r\n");
        let mut wanted = vec![Read::End(Vec::new()), Read::Eof(Ok(false))];
        if !cuts.input.is_empty() {
            wanted.insert(0, Read::Body(cuts.input.to_owned()));
        }
        assert_eq!(read(Parser::requests(), &[&message])[1..], wanted);
    }
}

//! Heads of requests and of responses.

use loopchat::http::{ParseError, Parser};

use super::cuts::Cuts;
use super::messages::{Read, Start, read};

/// However the input is cut, the messages are the same. What is accepted says one thing only, and
/// says it again when it is written down as it was understood.
pub fn check(data: &[u8]) {
    let Some(cuts) = Cuts::of(data) else { return };
    let responses = cuts.flags & 1 == 1;
    let parser = || match responses {
        true => Parser::responses(),
        false => Parser::requests(),
    };
    let whole = read(parser(), &[cuts.input]);
    assert_eq!(read(parser(), &cuts.pieces()), whole);
    for part in &whole {
        if let Read::Head(head) = part {
            is_unambiguous(head, responses);
            let again = read(parser(), &[&written(head, responses)]);
            // What comes behind the head may be missing: a body, or the end of the connection.
            assert_eq!(again.first(), Some(part));
        }
    }
    let last = whole.last();
    assert!(matches!(last, Some(Read::Error(_) | Read::Eof(_))));
    assert_ne!(last, Some(&Read::Error(ParseError::Eof)));
}

fn is_token(text: &str) -> bool {
    let symbol = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || symbol(b))
}

fn is_unambiguous(head: &Start, responses: bool) {
    for (name, value) in &head.fields {
        assert!(is_token(name), "{head:?}");
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        assert!(!value.iter().any(control), "{head:?}");
    }
    let lengths: Vec<_> = head.values("content-length").collect();
    assert!(lengths.windows(2).all(|two| two[0] == two[1]), "{head:?}");
    for length in &lengths {
        assert!(
            length
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b',' | b' ' | b'\t'))
        );
    }
    let codings = head.values("transfer-encoding").count();
    assert!(codings == 0 || lengths.is_empty(), "{head:?}");
    if responses {
        assert!((100..1000).contains(&head.status), "{head:?}");
        assert!(
            !head
                .reason
                .chars()
                .any(|c| c.is_ascii_control() && c != '\t')
        );
    } else {
        assert!(is_token(&head.method), "{head:?}");
        let shown = |byte: u8| byte > b' ' && byte != 0x7F;
        assert!(
            !head.url.is_empty() && head.url.bytes().all(shown),
            "{head:?}"
        );
        // That there has to be one in 1.1 is the server's to ask for, not the parser's.
        assert!(head.values("host").count() <= 1, "{head:?}");
    }
}

/// The head as bytes, and as few as there can be: it must not become too large by that.
fn written(head: &Start, responses: bool) -> Vec<u8> {
    let Start {
        version,
        method,
        url,
        status,
        reason,
        ..
    } = head;
    let mut bytes = match responses {
        true if reason.is_empty() => format!("HTTP/{version} {status}\r\n"),
        true => format!("HTTP/{version} {status} {reason}\r\n"),
        false => format!("{method} {url} HTTP/{version}\r\n"),
    }
    .into_bytes();
    for (name, value) in &head.fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b':');
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

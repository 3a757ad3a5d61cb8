//! Any split of the input has the same outcome: TCP does not keep what was written together.

use loopchat::http::{Head, Limits, ParseError, Parser, Part};
use proptest::prelude::*;

use crate::rig::Served;

/// What came out of a parser: heads by their text, bodies joined.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    parts: Vec<String>,
    error: Option<ParseError>,
    finished: Option<Result<bool, ParseError>>,
}

fn parse(mut parser: Parser, pieces: &[&[u8]]) -> Outcome {
    let limits = Limits {
        max_header_size: 256,
        max_headers_count: 8,
    };
    let (mut outcome, mut head) = (Outcome::default(), Head::default());
    let mut in_body = false;
    for piece in pieces {
        let mut input = *piece;
        loop {
            match parser.next_within(&mut input, &mut head, &limits) {
                Ok(None) => break,
                Ok(Some(Part::Head)) => {
                    let fields: Vec<_> = head.raw_headers().collect();
                    let line = (head.method(), head.url(), head.status_code(), fields);
                    outcome.parts.push(format!("{line:?}"));
                }
                Ok(Some(Part::Data(bytes))) => {
                    assert!(!bytes.is_empty());
                    if !std::mem::replace(&mut in_body, true) {
                        outcome.parts.push(String::new());
                    }
                    let body = outcome.parts.last_mut().expect("a body");
                    *body += &bytes.escape_ascii().to_string();
                }
                Ok(Some(Part::End)) => {
                    in_body = false;
                    let trailers = parser.take_trailers();
                    let trailers = trailers.map(|trailers| format!("{:?}", trailers.headers()));
                    outcome.parts.push(format!("end {trailers:?}"));
                }
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }
    outcome.finished = Some(parser.finish());
    outcome
}

/// Byte by byte, and in every way in two, the same as in one.
fn check(make: fn() -> Parser, input: &[u8]) {
    let whole = parse(make(), &[input]);
    let bytes: Vec<_> = input.chunks(1).collect();
    assert_eq!(
        parse(make(), &bytes),
        whole,
        "byte by byte: {}",
        input.escape_ascii()
    );
    for at in 0..=input.len() {
        let (first, second) = input.split_at(at);
        let outcome = parse(make(), &[first, second]);
        assert_eq!(outcome, whole, "split at {at}: {}", input.escape_ascii());
    }
}

const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloPUT /d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\nMore: 2\r\n\r\nGET",
    "this is not http\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na:\na:\na:\na:\na:\na:\na:\n",
    "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8\r\nI: 9\r\n\r\n",
];

const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "HTTP/1.1 200\r\n\r\nuntil the end",
    "HTTP/1.0 304 Not Modified\r\nContent-Length: 10\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "junk\r\n\r\n",
    "HTTP/1.1 099 Odd\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
];

#[test]
fn requests_split_anywhere() {
    for request in REQUESTS {
        check(Parser::requests, request.as_bytes());
    }
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nLong: {}\r\n\r\n",
        "x".repeat(300)
    );
    check(Parser::requests, long.as_bytes());
    let body = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    check(
        Parser::requests,
        format!("{body}Long: {}\r\n\r\n", "x".repeat(300)).as_bytes(),
    );
    for length in 225..235 {
        // About the limit of 256 bytes.
        let edge = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\nGET", "x".repeat(length));
        check(Parser::requests, edge.as_bytes());
    }
}

#[test]
fn responses_split_anywhere() {
    for response in RESPONSES {
        check(Parser::responses, response.as_bytes());
    }
}

#[test]
fn a_split_on_the_wire_is_no_split_for_the_server() {
    let served = Served::echo();
    for request in &REQUESTS[..5] {
        let whole = served.ask(request);
        let first = served.notes();
        for at in (1..request.len()).step_by(3) {
            let (head, tail) = request.split_at(at);
            let mut peer = served.connect();
            peer.send(head);
            // Its answer is what makes sure that the server has read the first part by itself.
            served.ask("GET /between HTTP/1.1\r\nHost: a\r\n\r\n");
            peer.send(tail);
            peer.shut_down();
            assert_eq!(peer.rest(), whole, "split at {at}: {request:?}");
        }
        let heard = served.notes();
        assert!(heard.contains(&first[0]), "{heard:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Bytes that look like HTTP, and are not always.
    #[test]
    fn random_messages_split_at_random(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "GET / HTTP/1.1", "POST /x HTTP/1.1", "HTTP/1.1 200 OK", "\r\n", "\r\n\r\n", "\n", "\r",
            "Host: a", "Content-Length: 3", "Transfer-Encoding: chunked", "A: b", " ", ":", "\0",
            "3\r\nabc\r\n", "0\r\n", "0\r\n\r\n", "abc", "5", ";x", "ffffffffffffffff", "é",
        ]), 0..24),
        cuts in prop::collection::vec(0usize..200, 0..6),
    ) {
        let text = tokens.concat().into_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(0);
        cuts.push(text.len());
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        prop_assert_eq!(parse(Parser::requests(), &pieces), parse(Parser::requests(), &[&text]));
        prop_assert_eq!(parse(Parser::responses(), &pieces), parse(Parser::responses(), &[&text]));
    }
}

//! Everything that has to be refused. Whatever a second reader of the same bytes could take
//! differently is answered with 400, and the connection ends: what comes behind it is nobody's.

use std::time::Duration;

use crate::rig::{Said, Served, echo, statuses, timed};

/// A request that is smuggled in behind each of the malformed ones; it must never be handed out.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

fn refused(cases: &[(&str, String)]) {
    let served = Served::echo();
    for (name, request) in cases {
        let answer = served.ask_until_closed([request.as_bytes(), SMUGGLED.as_bytes()].concat());
        assert_eq!(statuses(&answer), ["400"], "{name}: {answer:?}");
        assert!(
            answer.contains("Connection: close\r\n"),
            "{name}: {answer:?}"
        );
        assert_eq!(served.notes(), [""; 0], "{name}");
    }
    // The server is none the worse for it.
    assert_eq!(statuses(&served.ask(SMUGGLED)), ["200"]);
    assert_eq!(served.note(), "/smuggled");
}

/// Lines of a head behind `POST / HTTP/1.1` and `Host: x`.
fn with(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
}

#[test]
fn request_lines() {
    let line = |line: &str| format!("{line}\r\nHost: x\r\n\r\n");
    refused(&[
        ("no HTTP at all", "this is not http\r\n\r\n".into()),
        ("HTTP/0.9", "GET /\r\n\r\n".into()),
        ("no target", line("GET HTTP/1.1")),
        ("two blanks", line("GET  / HTTP/1.1")),
        ("two blanks before the version", line("GET /  HTTP/1.1")),
        ("a tab for a blank", line("GET\t/ HTTP/1.1")),
        ("a blank in front", line(" GET / HTTP/1.1")),
        ("a blank behind", line("GET / HTTP/1.1 ")),
        ("a blank in the target", line("GET /a b HTTP/1.1")),
        (
            "a control character in the target",
            line("GET /\x01 HTTP/1.1"),
        ),
        ("NUL in the target", line("GET /\0 HTTP/1.1")),
        ("DEL in the target", line("GET /\x7f HTTP/1.1")),
        ("a target that is not ASCII", line("GET /ä HTTP/1.1")),
        ("a fragment", line("GET /a#b HTTP/1.1")),
        ("a target of no form", line("GET a HTTP/1.1")),
        (
            "an absolute target without a host",
            line("GET http:///a HTTP/1.1"),
        ),
        (
            "an absolute target with a port alone",
            line("GET http://:80/ HTTP/1.1"),
        ),
        (
            "an absolute target with a user",
            line("GET http://me@x/ HTTP/1.1"),
        ),
        (
            "an absolute target with a bracket",
            line("GET s://]ufd/: HTTP/1.1"),
        ),
        (
            "an absolute target with two ports",
            line("GET http://x:1:2/ HTTP/1.1"),
        ),
        (
            "an absolute target with a backslash",
            line("GET http://x\\y/ HTTP/1.1"),
        ),
        ("no scheme", line("GET ://x/ HTTP/1.1")),
        ("an asterisk for GET", line("GET * HTTP/1.1")),
        ("CONNECT with a path", line("CONNECT / HTTP/1.1")),
        ("CONNECT without a port", line("CONNECT a HTTP/1.1")),
        ("CONNECT with an empty port", line("CONNECT a: HTTP/1.1")),
        ("CONNECT without a host", line("CONNECT :1 HTTP/1.1")),
        ("a method that is no token", line("G@T / HTTP/1.1")),
        ("version 2.0", line("GET / HTTP/2.0")),
        ("version 1.2", line("GET / HTTP/1.2")),
        ("a version of one number", line("GET / HTTP/1")),
        ("a version in lower case", line("GET / http/1.1")),
        ("another protocol", line("GET / HTTPS/1.1")),
        (
            "HTTP/2's preface",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        ),
        (
            "a TLS hello",
            "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".into(),
        ),
    ]);
}

#[test]
fn line_ends() {
    refused(&[
        ("LF alone everywhere", "GET / HTTP/1.1\nHost: x\n\n".into()),
        (
            "LF alone after the request line",
            "GET / HTTP/1.1\nHost: x\r\n\r\n".into(),
        ),
        (
            "LF alone after a field",
            "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n".into(),
        ),
        (
            "LF alone at the end",
            "GET / HTTP/1.1\r\nHost: x\r\n\n".into(),
        ),
        (
            "LF alone in front",
            "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        ),
        ("CR alone for an end", "GET / HTTP/1.1\rHost: x\r\r".into()),
        ("CR in a value", with("A: b\rC: d\r\n")),
        ("CR in a name", with("A\rB: c\r\n")),
        ("CR before CRLF", with("A: b\r\r\n")),
        (
            "CR alone at the end",
            "GET / HTTP/1.1\r\nHost: x\r\n\rX".into(),
        ),
        ("CR in front", "\rGET / HTTP/1.1\r\nHost: x\r\n\r\n".into()),
    ]);
}

#[test]
fn fields() {
    refused(&[
        ("a blank before the colon", with("A : b\r\n")),
        ("a tab before the colon", with("A\t: b\r\n")),
        (
            "a blank before the colon of a length",
            with("Content-Length : 5\r\n"),
        ),
        ("a folded line", with("A: b\r\n c\r\n")),
        ("a line folded with a tab", with("A: b\r\n\tc\r\n")),
        (
            "a blank before the first name",
            "GET / HTTP/1.1\r\n Host: x\r\n\r\n".into(),
        ),
        ("no colon", with("A\r\n")),
        ("no name", with(": b\r\n")),
        ("a blank in a name", with("A B: c\r\n")),
        ("a name that is not ASCII", with("Ä: b\r\n")),
        ("a parenthesis in a name", with("A(: b\r\n")),
        ("NUL in a name", with("A\0: b\r\n")),
        ("NUL in a value", with("A: b\0c\r\n")),
        ("a control character in a value", with("A: b\x01c\r\n")),
        ("a vertical tab in a value", with("A: b\x0bc\r\n")),
        ("DEL in a value", with("A: b\x7fc\r\n")),
    ]);
}

#[test]
fn hosts() {
    let host = |fields: &str| format!("GET / HTTP/1.1\r\n{fields}\r\n");
    refused(&[
        ("none", host("")),
        ("two", host("Host: x\r\nHost: y\r\n")),
        ("twice the same", host("Host: x\r\nhost: x\r\n")),
        ("two in one", host("Host: x, y\r\n")),
        (
            "two in HTTP/1.0",
            "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n".into(),
        ),
        ("with a path", host("Host: x/y\r\n")),
        ("with a user", host("Host: me@x\r\n")),
        ("with a blank", host("Host: x y\r\n")),
        ("with a port that is none", host("Host: x:y\r\n")),
        ("with a fragment", host("Host: x#y\r\n")),
        ("with a bracket", host("Host: [::1\r\n")),
    ]);
}

#[test]
fn lengths() {
    refused(&[
        ("two", with("Content-Length: 5\r\nContent-Length: 6\r\n")),
        (
            "twice the same",
            with("Content-Length: 5\r\nContent-Length: 5\r\n"),
        ),
        ("a list", with("Content-Length: 5, 5\r\n")),
        ("empty", with("Content-Length:\r\n")),
        ("negative", with("Content-Length: -1\r\n")),
        ("with a sign", with("Content-Length: +5\r\n")),
        ("hexadecimal", with("Content-Length: 0x5\r\n")),
        ("with a point", with("Content-Length: 5.0\r\n")),
        ("with a blank within", with("Content-Length: 5 5\r\n")),
        ("with an exponent", with("Content-Length: 1e2\r\n")),
        (
            "more than 64 bits",
            with("Content-Length: 18446744073709551616\r\n"),
        ),
        (
            "with chunks",
            with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        ),
        (
            "behind chunks",
            with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        ),
        (
            "chunks twice",
            with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ),
        (
            "chunks twice in one",
            with("Transfer-Encoding: chunked, chunked\r\n"),
        ),
        (
            "chunks not last",
            with("Transfer-Encoding: chunked, gzip\r\n"),
        ),
        ("another coding", with("Transfer-Encoding: gzip\r\n")),
        (
            "another coding and chunks",
            with("Transfer-Encoding: gzip, chunked\r\n"),
        ),
        ("identity", with("Transfer-Encoding: identity\r\n")),
        ("quoted", with("Transfer-Encoding: \"chunked\"\r\n")),
        ("almost chunked", with("Transfer-Encoding: xchunked\r\n")),
        (
            "chunked and a vertical tab",
            with("Transfer-Encoding: \x0bchunked\r\n"),
        ),
        ("an empty coding", with("Transfer-Encoding:\r\n")),
        (
            "chunks in HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        ),
    ]);
}

#[test]
fn chunks() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, echo);
    });
    let chunked = |body: &str| {
        let head = with("Transfer-Encoding: chunked\r\n");
        [head.as_str(), body, SMUGGLED].concat()
    };
    for (name, body) in [
        ("no size", "\r\nhello"),
        ("a size that is no number", "xyz\r\nhello\r\n0\r\n\r\n"),
        ("a prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        ("negative", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a blank in front", " 5\r\nhello\r\n0\r\n\r\n"),
        ("a blank behind", "5 \r\nhello\r\n0\r\n\r\n"),
        ("an underscore", "1_0\r\nhello\r\n0\r\n\r\n"),
        (
            "more than 64 bits",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        ("LF alone after the size", "5\nhello\r\n0\r\n\r\n"),
        ("CR alone after the size", "5\rhello\r\n0\r\n\r\n"),
        ("LF alone after the data", "5\r\nhello\n0\r\n\r\n"),
        ("LF alone in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("no extension after a semicolon", "5;\r\nhello\r\n0\r\n\r\n"),
        (
            "an extension without a semicolon",
            "5 a\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "an extension that is never unquoted",
            "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "an extension of the last chunk with a blank",
            "0;a b\r\n\r\n",
        ),
        (
            "a control character in an extension",
            "5;a\x01\r\nhello\r\n0\r\n\r\n",
        ),
        ("more data than its size", "5\r\nhello!\r\n0\r\n\r\n"),
        ("less data than its size", "5\r\nhel\r\n0\r\n\r\n"),
        ("LF alone at the end", "5\r\nhello\r\n0\r\n\n"),
        ("LF alone after the last size", "5\r\nhello\r\n0\n\r\n"),
        ("a trailer without a colon", "0\r\nA\r\n\r\n"),
        ("a blank before a trailer's colon", "0\r\nA : b\r\n\r\n"),
        ("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"),
        ("LF alone after a trailer", "0\r\nA: b\n\r\n"),
        ("NUL in a trailer", "0\r\nA: \0\r\n\r\n"),
    ] {
        let answer = served.ask_until_closed(chunked(body));
        assert_eq!(statuses(&answer), ["400"], "{name}: {answer:?}");
        assert_eq!(
            served.notes(),
            ["/"],
            "{name}: the head was fine, and nothing came behind it"
        );
    }
}

/// Responses keep their order, so what was refused waits for what was asked before: for a response
/// that comes at once, and for one that comes when the second is long known to be malformed.
#[test]
fn requests_before_a_malformed_one_are_answered_first() {
    let both = "GET /good HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n";
    for ms in [0, 20_000] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, move |_, cx, _, response| match ms {
                0 => drop(response.end_with(cx, "good")),
                ms => drop(cx.set_timeout(Duration::from_millis(ms), move |_, cx| {
                    response.end_with(cx, "good")
                })),
            });
        });
        let mut peer = rig.connect("http");
        peer.send(both);
        let answer = rig.rest(&mut peer);
        assert_eq!(statuses(&answer), ["200", "400"], "{answer:?}");
        assert_eq!(rig.now(), ms);
    }
}

/// The same when it is the body that is malformed, and its response has not begun.
#[test]
fn a_malformed_body_is_refused_in_its_turn() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            said.push(request.url(cx).expect("it is there").into());
            if request.url(cx) == Some("/first") {
                cx.set_timeout(Duration::from_secs(20), move |_, cx| response.end(cx));
            }
            request.resume(cx);
            request.on_error(cx, |said: &mut Said, _, _, error| {
                said.push(error.code().into())
            });
        });
    });
    let first = "GET /first HTTP/1.1\r\nHost: x\r\n\r\n";
    let second = "POST /second HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
    let mut peer = rig.connect("http");
    peer.send([first, second].concat());
    let answer = rig.rest(&mut peer);
    assert_eq!(statuses(&answer), ["200", "400"], "{answer:?}");
    assert_eq!(rig.now(), 20_000);
    assert_eq!(rig.state, ["/first", "/second", "ECONNRESET"]);
}

/// A refusal behind a response that the client has still to read costs nothing of it.
#[test]
fn a_large_response_in_front_of_a_refusal_is_complete() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.end_with(cx, vec![b'z'; 20_000_000]);
        });
    });
    let mut peer = served.connect();
    peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\njunk\r\n\r\n");
    // The server has refused when it answers somebody else.
    served.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = peer.rest();
    assert_eq!(
        answer.bytes().filter(|&byte| byte == b'z').count(),
        20_000_000
    );
    assert_eq!(statuses(&answer), ["200", "400"]);
}

#[test]
fn what_is_odd_but_well_formed_is_served() {
    let served = Served::echo();
    for (name, request, url) in [
        (
            "a line in front",
            "\r\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n",
            "/1",
        ),
        ("an empty host", "GET /2 HTTP/1.1\r\nHost:\r\n\r\n", "/2"),
        ("a port", "GET /3 HTTP/1.1\r\nHost: x:80\r\n\r\n", "/3"),
        (
            "an IPv6 host",
            "GET /4 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            "/4",
        ),
        (
            "an absolute target",
            "GET http://x/5 HTTP/1.1\r\nHost: x\r\n\r\n",
            "http://x/5",
        ),
        (
            "an absolute target with a port and a query",
            "GET http://x:80?q HTTP/1.1\r\nHost: x\r\n\r\n",
            "http://x:80?q",
        ),
        (
            "an absolute target with an IPv6 host",
            "GET http://[::1]/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "http://[::1]/",
        ),
        ("an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "*"),
        (
            "a method of one's own",
            "BREW /7 HTTP/1.1\r\nHost: x\r\n\r\n",
            "/7",
        ),
        (
            "names in any case",
            "GET /8 HTTP/1.1\r\nhOsT: x\r\n\r\n",
            "/8",
        ),
        (
            "no blank after the colon",
            "GET /9 HTTP/1.1\r\nHost:x\r\n\r\n",
            "/9",
        ),
        (
            "blanks about a value",
            "GET /10 HTTP/1.1\r\nHost: \t x \t \r\n\r\n",
            "/10",
        ),
        (
            "an empty value",
            "GET /11 HTTP/1.1\r\nHost: x\r\nA:\r\n\r\n",
            "/11",
        ),
        (
            "a value that is not ASCII",
            "GET /12 HTTP/1.1\r\nHost: x\r\nA: ä\r\n\r\n",
            "/12",
        ),
        ("no host in HTTP/1.0", "GET /13 HTTP/1.0\r\n\r\n", "/13"),
        (
            "chunked in any case",
            "GET /14 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ChunKed\r\n\r\n0\r\n\r\n",
            "/14",
        ),
        (
            "zeros in front of a length",
            "POST /15 HTTP/1.1\r\nHost: x\r\nContent-Length: 005\r\n\r\nhello",
            "/15",
        ),
    ] {
        let answer = served.ask(request);
        assert_eq!(statuses(&answer), ["200"], "{name}: {answer:?}");
        assert_eq!(served.note(), url, "{name}");
    }
}

#[test]
fn a_request_cut_short_is_refused() {
    let served = Served::echo();
    for request in [
        "GET / HTTP/1.1\r\nHost:",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        assert_eq!(statuses(&served.ask(request)), ["400"], "{request:?}");
    }
    assert_eq!(served.ask(""), "", "nothing is no request");
}

//! Sizes and counts, and what a server does on its way out.

use std::time::Duration;

use crate::rig::{Said, Served, echo, statuses, timed};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_head_that_is_too_long_is_431() {
    let served = Served::echo();
    let head = |length: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
            "a".repeat(length)
        )
    };
    let overhead = head(0).len();
    assert_eq!(statuses(&served.ask(head(16 * 1024 - overhead))), ["200"]);
    assert_eq!(
        statuses(&served.ask_until_closed(head(16 * 1024 - overhead + 1))),
        ["431"]
    );
    // An endless one is not waited for.
    let endless = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(1_000_000));
    assert_eq!(statuses(&served.ask_until_closed(endless)), ["431"]);
    let line = format!("GET /{}", "a".repeat(20_000));
    assert_eq!(statuses(&served.ask_until_closed(line)), ["431"]);
}

/// The last byte that a head may have is no fault, though it is not complete with that.
#[test]
fn a_head_is_too_long_with_its_first_byte_too_many() {
    for pieces in [1, 2, 64] {
        let mut rig = timed(|_, _| {});
        let mut peer = rig.connect("http");
        let head = format!("GET /{}", "a".repeat(16 * 1024 - 5));
        for piece in head.as_bytes().chunks(head.len() / pieces) {
            peer.send(piece);
            rig.settle();
        }
        assert_eq!(peer.text(), "");
        peer.send("a");
        assert_eq!(statuses(&rig.rest(&mut peer)), ["431"]);
        assert_eq!(rig.now(), 0);
    }
}

#[test]
fn too_many_fields_are_431() {
    // Few are taken apart where they are, many in memory of their own: the limit is the same on
    // either side.
    for most in [1, 2, 10, 63, 64, 65, 100] {
        let served = Served::new(move |cx, server| {
            server.set_max_headers_count(cx, most);
            server.on_request(cx, echo);
        });
        let head = |count: usize| {
            let others = "A: b\r\n".repeat(count - 1);
            format!("GET / HTTP/1.1\r\nHost: x\r\n{others}\r\n")
        };
        assert_eq!(statuses(&served.ask(head(most))), ["200"], "{most}");
        let answer = served.ask_until_closed(head(most + 1));
        assert_eq!(statuses(&answer), ["431"], "{most}");
    }
}

#[test]
fn a_long_trailer_is_431_and_long_extensions_are_413() {
    let served = Served::echo();
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let trailer = format!("{chunked}0\r\nA: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(statuses(&served.ask_until_closed(trailer)), ["431"]);
    let extension = format!("{chunked}1;{}\r\na\r\n0\r\n\r\n", "a".repeat(20_000));
    assert_eq!(statuses(&served.ask_until_closed(extension)), ["413"]);
    let many = format!("{chunked}{}", "1;aaaaaaaa\r\na\r\n".repeat(3000));
    assert_eq!(statuses(&served.ask_until_closed(many)), ["413"]);
}

#[test]
fn a_body_beyond_the_limit_is_413() {
    let served = Served::new(|cx, server| {
        server.set_max_body(cx, Some(10));
        server.on_request(cx, echo);
    });
    let sized = |length: usize| {
        let body = "x".repeat(length);
        format!("POST /sized HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let chunked = |length: usize| {
        let body = "x".repeat(length);
        format!(
            "POST /chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        )
    };
    assert_eq!(statuses(&served.ask(sized(10))), ["200"]);
    assert_eq!(statuses(&served.ask(chunked(10))), ["200"]);
    assert_eq!(served.notes(), ["/sized", "/chunked"]);
    // It is each body's own limit, on whichever connection.
    let many = [sized(10), chunked(10), sized(10), chunked(10)].concat();
    assert_eq!(statuses(&served.ask(many)), ["200"; 4]);
    served.notes();
    assert_eq!(statuses(&served.ask_until_closed(sized(11))), ["413"]);
    assert_eq!(served.notes(), [""; 0], "its length alone was too much");
    assert_eq!(statuses(&served.ask_until_closed(chunked(11))), ["413"]);
    // The answer is not lost although the client goes on sending.
    assert_eq!(statuses(&served.ask_until_closed(sized(300_000))), ["413"]);
}

/// Catches: a chunk of which nothing is handed out if it goes beyond the limit as a whole, and some
/// if it comes in pieces.
#[test]
fn a_body_is_handed_out_up_to_the_limit_however_it_comes() {
    let request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        8\r\n01234567\r\n8\r\n89abcdef\r\n";
    for pieces in [1, 7, request.len()] {
        let mut rig = timed(|cx, server| {
            server.set_max_body(cx, Some(10));
            server.on_request(cx, |_, cx, request, _| {
                request.on_data(cx, |said: &mut Said, _, _, bytes| {
                    said.push(String::from_utf8_lossy(bytes).into_owned());
                });
            });
        });
        let mut peer = rig.connect("http");
        for piece in request.as_bytes().chunks(request.len() / pieces) {
            peer.send(piece);
            rig.settle();
        }
        assert_eq!(statuses(&rig.rest(&mut peer)), ["413"], "{pieces}");
        let heard = rig.state.iter().filter(|said| !said.starts_with("closed"));
        assert_eq!(String::from_iter(heard.cloned()), "0123456789", "{pieces}");
    }
}

#[test]
fn who_listens_to_errors_answers_them() {
    let served = Served::new(|cx, server| {
        server.on_client_error(cx, |notes, cx, error, socket| {
            notes.send(error.code().into()).unwrap();
            socket.end_with(cx, "HTTP/1.1 418 I'm a Teapot\r\n\r\n");
        });
    });
    for (request, code) in [
        ("junk\r\n\r\n", "HPE_INVALID_METHOD"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            "ERR_HTTP_INVALID_HOST",
        ),
        (
            "GET / HTTP/1.1\r\nA : b\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
        ),
        ("GET / HTTP/2.0\r\n\r\n", "HPE_INVALID_VERSION"),
        (
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "HPE_INVALID_CONTENT_LENGTH",
        ),
    ] {
        assert_eq!(statuses(&served.ask(request)), ["418"]);
        assert_eq!(served.note(), code);
    }
}

/// A response that is under way when the server closes is sent to its end, and then the server is
/// closed.
#[test]
fn closing_lets_responses_finish() {
    let mut rig = timed(|cx, server| {
        server.on_close(cx, |said: &mut Said, cx, _| {
            said.push(format!("server closed at {}", cx.now()))
        });
        server.on_request(cx, move |said: &mut Said, cx, _, response| {
            said.push("request".into());
            response.write(cx, "one");
            server.close(cx);
            cx.set_timeout(Duration::from_secs(20), move |_, cx| {
                response.end_with(cx, "two")
            });
            response.on_finish(cx, move |_, cx, _| server.close_idle_connections(cx));
        });
    });
    let (mut idle, mut busy) = (rig.connect("http"), rig.connect("http"));
    rig.settle();
    busy.send(GET);
    assert_eq!(rig.rest(&mut idle), "", "who waits for nothing is let go");
    assert_eq!(rig.now(), 0);
    let answer = rig.rest(&mut busy);
    assert!(
        answer.ends_with("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        "{answer}"
    );
    rig.settle();
    assert_eq!(
        rig.state,
        [
            "request",
            "closed at 0",
            "server closed at 20000",
            "closed at 20000"
        ]
    );
}

#[test]
fn closing_all_connections_cuts_everybody_off() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, move |notes, cx, _, _| {
            notes.send("request".into()).unwrap();
            server.close(cx);
            server.close_all_connections(cx);
        });
    });
    let mut peer = served.connect();
    peer.send(GET);
    assert_eq!(peer.rest(), "");
    assert_eq!(served.note(), "request");
    assert_eq!(served.note(), "the loop has ended");
}

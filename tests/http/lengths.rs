//! How the other side is told where a body ends: by one means, whatever the program has set, and
//! by the same that the body then has.

use std::os::unix::net::UnixListener;

use loopchat::Context;
use loopchat::http::{self, RequestOptions, ServerResponse};

use crate::rig::{Said, timed};
use crate::virtual_time::{Peer, Timed};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

type Answer = fn(&mut Context<Said>, ServerResponse);

/// The fields about the body, and the body, of a response that is made like this.
fn marked(request: &str, answer: Answer) -> (Vec<String>, String) {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, move |_, cx, _, response| {
            response.set_send_date(cx, false);
            answer(cx, response);
        });
    });
    let mut peer = rig.connect("http");
    peer.send(request);
    taken_apart(&rig.rest(&mut peer))
}

fn taken_apart(message: &str) -> (Vec<String>, String) {
    let (head, body) = message.split_once("\r\n\r\n").expect("a head");
    let about_body = |line: &&str| {
        ["Content-Length", "Transfer-Encoding", "Trailer"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    let fields = head.lines().filter(about_body).map(str::to_owned);
    (fields.collect(), body.to_owned())
}

fn set(cx: &mut Context<Said>, response: ServerResponse, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        response
            .set_header(cx, name, value)
            .expect("it is in order");
    }
}

#[test]
fn trailers_come_behind_chunks_and_no_length_is_added() {
    let with_trailer: [Answer; 3] = [
        |cx, response| {
            set(cx, response, &[("Trailer", "Sum")]);
            response.add_trailers(cx, &[("Sum", "5")]).unwrap();
            response.end_with(cx, "hello");
        },
        |cx, response| {
            set(cx, response, &[("Trailer", "Sum")]);
            response.write(cx, "hello");
            response.add_trailers(cx, &[("Sum", "5")]).unwrap();
            response.end(cx);
        },
        |cx, response| {
            set(
                cx,
                response,
                &[("trailer", "Sum"), ("Transfer-Encoding", "chunked")],
            );
            response.add_trailers(cx, &[("Sum", "5")]).unwrap();
            response.end_with(cx, "hello");
        },
    ];
    for answer in with_trailer {
        let (fields, body) = marked(GET, answer);
        assert!(
            fields.contains(&"Transfer-Encoding: chunked".to_owned()),
            "{fields:?}"
        );
        assert!(
            fields
                .iter()
                .all(|field| !field.starts_with("Content-Length")),
            "{fields:?}"
        );
        assert_eq!(body, "5\r\nhello\r\n0\r\nSum: 5\r\n\r\n");
    }
    // A length that the program has set stands, and then there is no place for trailers.
    let (fields, body) = marked(GET, |cx, response| {
        set(cx, response, &[("Trailer", "Sum"), ("Content-Length", "5")]);
        response.add_trailers(cx, &[("Sum", "5")]).unwrap();
        response.end_with(cx, "hello");
    });
    assert_eq!(fields, ["Trailer: Sum", "Content-Length: 5"]);
    assert_eq!(body, "hello");
    // Nor is there any in HTTP/1.0.
    let (fields, body) = marked("GET / HTTP/1.0\r\n\r\n", |cx, response| {
        set(cx, response, &[("Trailer", "Sum")]);
        response.add_trailers(cx, &[("Sum", "5")]).unwrap();
        response.end_with(cx, "hello");
    });
    assert_eq!(
        (fields, body.as_str()),
        (vec!["Trailer: Sum".to_owned()], "hello")
    );
}

#[test]
fn a_length_and_chunks_exclude_each_other() {
    let both: [Answer; 3] = [
        |cx, response| {
            set(
                cx,
                response,
                &[("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
            );
            response.end_with(cx, "hello");
        },
        |cx, response| {
            set(
                cx,
                response,
                &[("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
            );
            response.write(cx, "hel");
            response.end_with(cx, "lo");
        },
        |cx, response| {
            let fields = [("Content-Length", "5"), ("transfer-encoding", "chunked")];
            response.write_head(cx, 200, &fields).unwrap();
            response.end_with(cx, "hello");
        },
    ];
    for answer in both {
        let (fields, body) = marked(GET, answer);
        assert_eq!(fields, ["Content-Length: 5"]);
        assert_eq!(body, "hello");
    }
}

#[test]
fn what_was_taken_out_is_not_added() {
    let (fields, body) = marked(GET, |cx, response| {
        response.remove_header(cx, "Content-Length").unwrap();
        response.end_with(cx, "hello");
    });
    assert_eq!(fields, ["Transfer-Encoding: chunked"]);
    assert_eq!(body, "5\r\nhello\r\n0\r\n\r\n");
    let (fields, body) = marked(GET, |cx, response| {
        response.remove_header(cx, "Content-Length").unwrap();
        response.remove_header(cx, "Transfer-Encoding").unwrap();
        response.end_with(cx, "hello");
    });
    assert_eq!((fields.len(), body.as_str()), (0, "hello"));
}

/// What a request says on the wire.
fn asked(make: impl FnOnce(&mut Context<Said>, RequestOptions)) -> (Vec<String>, String) {
    let mut rig = Timed::new(Said::new());
    let path = rig.path("server");
    let listener = UnixListener::bind(&path).expect("a place to listen");
    let options = RequestOptions::new().socket_path(path).method("POST");
    make(&mut rig.event_loop, options.agent(None));
    rig.settle();
    let (stream, _) = listener.accept().expect("it has connected");
    taken_apart(&Peer::over(stream).text())
}

#[test]
fn the_same_holds_for_requests() {
    let (fields, body) = asked(|cx, options| {
        http::request(cx, options.header("Trailer", "Sum")).end_with(cx, "hello");
    });
    assert_eq!(fields, ["Trailer: Sum", "Transfer-Encoding: chunked"]);
    assert_eq!(body, "5\r\nhello\r\n0\r\n\r\n");
    let (fields, body) = asked(|cx, options| {
        let both = options.header("Content-Length", "5");
        let both = both.header("Transfer-Encoding", "chunked");
        http::request(cx, both).end_with(cx, "hello");
    });
    assert_eq!(
        (fields, body.as_str()),
        (vec!["Content-Length: 5".to_owned()], "hello")
    );
}

/// Nothing of a request or a response is left in the next one on the connection, though their
/// memory is used again.
#[test]
fn nothing_is_left_of_the_response_before() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            response.set_send_date(cx, false);
            match request.url(cx).expect("it is there") {
                "/odd" => {
                    response.set_status_code(cx, 404);
                    response.set_status_message(cx, "Odd").unwrap();
                    set(
                        cx,
                        response,
                        &[("A", "b"), ("Trailer", "C"), ("Content-Type", "d")],
                    );
                    response.add_trailers(cx, &[("C", "d")]).unwrap();
                    response.write(cx, "odd");
                    response.end(cx);
                }
                "/empty" => {
                    response.set_status_code(cx, 204);
                    response.end(cx);
                }
                "/removed" => {
                    response.remove_header(cx, "Content-Length").unwrap();
                    response.end_with(cx, "odd");
                }
                _ => drop(response.end_with(cx, "plain")),
            }
        });
    });
    let plain = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\
        Content-Length: 5\r\n\r\nplain";
    let body = "Content-Length: 3\r\n\r\nabc";
    for odd in [
        "GET /odd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /removed HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        &format!("POST /odd HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{body}"),
        &format!("POST / HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\n{body}"),
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
    ] {
        let mut peer = rig.connect("http");
        for _ in 0..3 {
            peer.send(odd);
            rig.settle();
            assert_ne!(peer.take(), "");
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            rig.settle();
            assert_eq!(peer.take(), plain, "after {odd:?}");
        }
    }
}

/// A client that may have sent a body, or not, cannot be understood any more, unless it was told
/// to go on.
#[test]
fn who_was_not_told_to_go_on_is_answered_for_the_last_time() {
    for goes_on in [true, false] {
        let mut rig = timed(|cx, server| {
            server.on_check_continue(cx, move |_, cx, request, response| {
                response.set_send_date(cx, false);
                request.resume(cx);
                if goes_on {
                    response.write_continue(cx);
                }
                response.end_with(cx, "x");
            });
        });
        let mut peer = rig.connect("http");
        peer.send(
            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        );
        rig.settle();
        let answer = peer.take();
        assert_eq!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\n"), goes_on);
        assert_eq!(
            answer.contains("\r\nConnection: keep-alive\r\n"),
            goes_on,
            "{answer}"
        );
        assert_eq!(
            answer.contains("\r\nConnection: close\r\n"),
            !goes_on,
            "{answer}"
        );
        assert_eq!(peer.ended().is_some(), !goes_on);
    }
}

/// Of the requests that a connection may bring the last is told so, and those that follow are
/// refused.
#[test]
fn a_connection_serves_so_many_requests_and_no_more() {
    for max in [1, 2, 5] {
        let mut rig = timed(|cx, server| {
            server.set_max_requests_per_socket(cx, max);
            server.on_request(cx, |said: &mut Said, cx, _, response| {
                said.push("request".into());
                response.end_with(cx, "x");
            });
            server.on_drop_request(cx, |said: &mut Said, _, _, _| said.push("dropped".into()));
        });
        let mut peer = rig.connect("http");
        for place in 1..=max + 2 {
            peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            rig.settle();
            let answer = peer.take();
            let status = if place > max { "503" } else { "200" };
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{place}: {answer}"
            );
            let last = answer.contains("\r\nConnection: close\r\n");
            assert_eq!(last, place >= max, "{place} of {max}: {answer}");
            let told = answer.contains(&format!("\r\nKeep-Alive: timeout=5, max={max}\r\n"));
            assert_eq!(told, place < max, "{place} of {max}: {answer}");
        }
        let handed_out = rig.state.iter().filter(|said| *said == "request").count();
        assert_eq!(
            (handed_out, rig.state.len()),
            (max as usize, max as usize + 2)
        );
    }
}

//! What is answered, in which order, and whether the connection stays.

use std::cell::RefCell;

use loopchat::http::ServerResponse;

use crate::rig::{Served, statuses};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Answers at once with `hello`.
fn hello() -> Served {
    Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.set_send_date(cx, false);
            response.end_with(cx, "hello");
        });
    })
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let served = hello();
    let mut peer = served.connect();
    for _ in 0..3 {
        peer.send(GET);
        assert_eq!(peer.until("\r\n\r\nhello"), HELLO);
    }
    peer.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(
        peer.rest(),
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    );
}

#[test]
fn pipelined_requests_are_answered_in_order_and_none_is_lost() {
    let served = Served::echo();
    // Far more than are handed out at a time, and more than one read.
    let requests: String = (0..5000)
        .map(|n| format!("POST /{n} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"))
        .collect();
    let mut peer = served.connect();
    peer.send(requests);
    for n in 0..5000 {
        peer.until(&format!("POST /{n} ab"));
    }
    assert_eq!(
        served.notes(),
        (0..5000).map(|n| format!("/{n}")).collect::<Vec<_>>()
    );
}

#[test]
fn a_later_response_waits_for_the_earlier_ones() {
    let served = Served::new(|cx, server| {
        let held = RefCell::new(Vec::<ServerResponse>::new());
        server.on_request(cx, move |_, cx, request, response| {
            response.set_send_date(cx, false);
            held.borrow_mut().push(response);
            if request.url(cx) == Some("/go") {
                // The last first, and each in pieces.
                for (place, response) in held.take().into_iter().enumerate().rev() {
                    response.write(cx, format!("{place}a"));
                    response.end_with(cx, format!("{place}b"));
                }
            }
        });
    });
    let mut peer = served.connect();
    let request = |url: &str| format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n");
    peer.send(request("/1"));
    peer.send(request("/2"));
    peer.send(request("/go"));
    peer.shut_down();
    let answer = peer.rest();
    assert_eq!(statuses(&answer), ["200"; 3]);
    let bodies: Vec<_> = answer.matches(['a', 'b']).collect();
    assert!(bodies.len() >= 6, "{answer}");
    let places: Vec<_> = ["0a", "0b", "1a", "1b", "2a", "2b"]
        .map(|piece| answer.find(piece))
        .into();
    assert!(places.is_sorted() && places[0].is_some(), "{answer}");
}

#[test]
fn what_comes_behind_the_last_request_is_not_handed_out() {
    let served = Served::echo();
    let close = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = served.ask_until_closed([close, GET].concat());
    assert_eq!(statuses(&answer), ["200"]);
    let old = "GET /old HTTP/1.0\r\n\r\n";
    assert_eq!(
        statuses(&served.ask_until_closed([old, GET].concat())),
        ["200"]
    );
    assert_eq!(served.notes(), ["/last", "/old"]);
}

#[test]
fn a_response_that_says_close_is_the_last() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            if request.url(cx) == Some("/last") {
                response.set_header(cx, "Connection", "close").unwrap();
            }
            response.end_with(cx, "x");
        });
    });
    let last = "GET /last HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = served.ask_until_closed([GET, last, GET, GET].concat());
    assert_eq!(statuses(&answer), ["200", "200"], "{answer:?}");
}

#[test]
fn head_204_and_304_have_no_body() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            response.set_send_date(cx, false);
            let status = request
                .url(cx)
                .expect("it is there")
                .trim_start_matches('/')
                .parse()
                .unwrap_or(200);
            response.set_status_code(cx, status);
            response.write(cx, "not to be sent");
            response.end_with(cx, "nor this");
        });
    });
    let head = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n";
    let mut peer = served.connect();
    for (request, line) in [
        ("HEAD /", "200 OK"),
        ("GET /204", "204 No Content"),
        ("GET /304", "304 Not Modified"),
    ] {
        peer.send(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(peer.until("\r\n\r\n"), format!("HTTP/1.1 {line}\r\n{head}"));
    }
    peer.shut_down();
    assert_eq!(peer.rest(), "", "nothing came behind the heads");
}

#[test]
fn head_may_tell_the_length_that_get_would_have() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.set_header(cx, "Content-Length", "1000").unwrap();
            response.end(cx);
        });
    });
    let answer = served.ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        answer.matches("Content-Length: 1000\r\n").count(),
        2,
        "{answer}"
    );
}

#[test]
fn http_1_0_is_told_the_end_by_the_end() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.set_send_date(cx, false);
            // Even if asked to: a client of HTTP/1.0 does not know chunks.
            response
                .set_header(cx, "Transfer-Encoding", "chunked")
                .unwrap();
            response.write(cx, "a");
            response.end_with(cx, "b");
        });
    });
    let answer = served.ask_until_closed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab");
}

#[test]
fn a_length_and_chunks_are_never_sent_together() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.set_send_date(cx, false);
            response.set_header(cx, "Content-Length", "5").unwrap();
            response
                .set_header(cx, "Transfer-Encoding", "chunked")
                .unwrap();
            response.end_with(cx, "hello");
        });
    });
    let answer = served.ask(GET);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

/// A body that is not as long as its head said would shift everything behind it.
#[test]
fn a_body_of_another_length_than_was_said_ends_the_connection() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            response.on_error(cx, |notes, _, _, error| {
                notes.send(error.code().into()).unwrap();
            });
            response.set_header(cx, "Content-Length", "5").unwrap();
            match request.url(cx).expect("it is there") {
                "/long" => {
                    response.write(cx, "hello");
                    assert!(!response.write(cx, "HTTP/1.1 200 OK\r\n\r\n"));
                }
                _ => {
                    response.write(cx, "hel");
                    response.end(cx);
                }
            }
        });
    });
    for url in ["/long", "/short"] {
        let answer = served.ask_until_closed(format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n{GET}"));
        assert!(statuses(&answer).len() <= 1, "{url}: {answer:?}");
        assert_eq!(served.note(), "ERR_HTTP_CONTENT_LENGTH_MISMATCH");
        served.notes();
    }
}

#[test]
fn response_splitting_is_refused() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |notes, cx, _, response| {
            response.set_send_date(cx, false);
            let evil = "x\r\nSet-Cookie: evil";
            let header = response.set_header(cx, "A", evil).unwrap_err();
            let again = response.append_header(cx, evil, "x").unwrap_err();
            let words = response.set_status_message(cx, evil).unwrap_err();
            let head = response.write_head(cx, 200, &[("B", "x\ny")]).unwrap_err();
            let trailer = response.add_trailers(cx, &[("C", evil)]).unwrap_err();
            for error in [header, again, words, head, trailer] {
                notes.send(error.code().into()).unwrap();
            }
            response.end_with(cx, "hello");
        });
    });
    assert_eq!(served.ask(GET), HELLO);
    let codes = [
        "ERR_INVALID_CHAR",
        "ERR_INVALID_HTTP_TOKEN",
        "ERR_INVALID_CHAR",
        "ERR_INVALID_CHAR",
        "ERR_INVALID_CHAR",
    ];
    assert_eq!(served.notes(), codes);
}

#[test]
fn a_client_that_expects_it_is_told_to_go_on() {
    let served = Served::echo();
    let mut peer = served.connect();
    let head = "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n";
    peer.send(format!("{head}Expect: 100-continue\r\n\r\n"));
    assert_eq!(peer.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("hi");
    peer.until("POST /e hi");
    peer.send(format!("{head}Expect: tea\r\nConnection: close\r\n\r\nhi"));
    assert_eq!(statuses(&peer.rest()), ["417"]);
}

#[test]
fn the_events_of_an_exchange_come_in_nodes_order() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            request.on_data(cx, |notes, _, _, _| notes.send("data".into()));
            request.on_end(cx, move |notes, cx, request| {
                assert!(request.complete(cx) && request.readable_ended(cx));
                response.end_with(cx, "x");
                notes.send("end".into())
            });
            request.on_close(cx, |notes, cx, request| {
                notes.send(format!(
                    "request close of {}",
                    request.url(cx).expect("it is there")
                ))
            });
            response.on_finish(cx, |notes, _, _| notes.send("finish".into()));
            response.on_close(cx, |notes, cx, response| {
                let url = response.request().url(cx).unwrap_or("?").to_owned();
                notes.send(format!("response close of {url}"))
            });
        });
    });
    served.ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    let order: Vec<_> = (0..5).map(|_| served.note()).collect();
    assert_eq!(&order[..2], ["data", "end"]);
    let place = |what: &str| order.iter().position(|note| note == what).expect("it came");
    assert!(place("finish") < place("response close of /a"), "{order:?}");
    assert!(place("end") < place("request close of /a"), "{order:?}");
}

#[test]
fn a_client_that_goes_is_told_of_to_both() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |notes, cx, request, response| {
            notes.send("request".into()).unwrap();
            request.resume(cx);
            request.on_aborted(cx, |notes, _, _| notes.send("aborted".into()));
            request.on_error(cx, |notes, _, _, error| {
                notes.send(format!("{} {error}", error.code()))
            });
            request.on_close(cx, move |notes, cx, _| {
                assert!(!response.write(cx, "x"), "nobody gets it");
                notes.send("request close".into())
            });
            response.on_close(cx, |notes, _, _| notes.send("response close".into()));
        });
    });
    let mut peer = served.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    assert_eq!(served.note(), "request");
    drop(peer);
    let notes: Vec<_> = (0..4).map(|_| served.note()).collect();
    assert_eq!(
        notes,
        [
            "aborted",
            "response close",
            "ECONNRESET aborted",
            "request close"
        ]
    );
}

#[test]
fn stale_ids_are_no_ops() {
    let served = Served::new(|cx, server| {
        let old = RefCell::new(None);
        server.on_request(cx, move |notes, cx, request, response| {
            if let Some((request, response)) = old.replace(Some((request, response))) {
                let request: loopchat::http::IncomingMessage = request;
                let response: ServerResponse = response;
                response.set_header(cx, "Stale", "yes").unwrap();
                assert!(!response.write(cx, "stale"));
                response.end_with(cx, "stale");
                request.resume(cx).pause(cx).destroy(cx);
                response.destroy(cx);
                assert!(response.destroyed(cx) && request.head(cx).is_none());
                notes.send("checked".into()).unwrap();
            }
            response.set_send_date(cx, false);
            response.end_with(cx, "hello");
        });
    });
    let mut peer = served.connect();
    peer.send(GET);
    assert_eq!(peer.until("hello"), HELLO);
    peer.send(GET);
    assert_eq!(
        peer.until("hello"),
        HELLO,
        "the first response took nothing"
    );
    assert_eq!(served.note(), "checked");
}

/// Wherever a head is torn, nothing is answered before its end has come, and then once.
#[test]
fn a_torn_head_is_waited_for() {
    let served = Served::echo();
    let head = "GET /torn HTTP/1.1\r\nHost: x\r\n\r\n";
    for at in 1..head.len() {
        let (first, rest) = head.split_at(at);
        let mut peer = served.connect();
        peer.send(first);
        // The server has read the first part when it answers somebody who came later.
        served.ask("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(served.notes(), ["/later"], "{first:?}");
        peer.send(rest);
        peer.shut_down();
        let answer = peer.rest();
        assert_eq!(statuses(&answer), ["200"], "{first:?}: {answer:?}");
        assert_eq!(served.note(), "/torn");
    }
}

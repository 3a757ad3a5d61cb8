//! How a connection ends that the server gives up: what was said to the client comes to it, and
//! nothing more is said.
//!
//! A close with bytes unread is a reset, on Unix sockets as on TCP, and a reset may cost the
//! client the answer.

use std::cell::RefCell;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use loopchat::http::ServerResponse;
use loopchat::http::web_socket::Refusal;

use crate::rig::{Notes, Said, Served, statuses, timed};
use crate::virtual_time::{End, Timed};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// What a client gets that sends this and as much behind it as the server takes, which is more
/// than it reads at once and no endless stream, and is still there seconds after it was answered;
/// and how its stream ends.
fn talks_on(rig: &mut Timed<Said>, first: &str) -> (String, End) {
    let mut peer = rig.connect("http");
    peer.send(first);
    let mut taken = rig.send_until_stuck(&mut peer, &[b'x'; 150_000]);
    for _ in 0..10 {
        // A server that has closed takes no more, and one that closes now has something unread.
        rig.run_for(400);
        taken += rig.send_until_stuck(&mut peer, b"x");
    }
    assert!((65_536..1_000_000).contains(&taken), "{taken} were taken");
    drop(peer.stream.shutdown(std::net::Shutdown::Write));
    rig.end(&mut peer)
}

#[test]
fn who_is_refused_while_it_goes_on_sending_gets_the_answer() {
    let junk = "junk\r\n\r\n".to_owned();
    let length = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (first, status) in [
        (junk, "400"),
        (format!("{length}1000000\r\n\r\n"), "413"),
        (format!("{chunked}fffff\r\n"), "413"),
        (format!("{chunked}zz\r\n"), "400"),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000)), "431"),
    ] {
        let mut rig = timed(|cx, server| {
            server.set_max_body(cx, Some(100_000));
            server.on_request(cx, |_, cx, request, _| {
                request.resume(cx);
            });
        });
        let (answer, end) = talks_on(&mut rig, &first);
        assert_eq!((statuses(&answer), end), (vec![status], End::Closed));
    }
}

/// However a connection ends, of what comes behind the end no more than a little is read. Who pours
/// on has to wait, and then there is nobody.
#[test]
fn who_pours_on_waits_until_it_is_closed() {
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000));
    let upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    for (first, ms) in [
        ("junk\r\n\r\n", 5500),
        (&long, 5500),
        (LAST, 5500),
        (&[GET, LAST].concat(), 5500),
        (upgrade, 2000),
    ] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, |_, cx, _, response| response.end_with(cx, "x"));
            server.on_upgrade(cx, |_, cx, head, socket, _| {
                let refusal = Refusal::new(404, "nothing of the kind");
                assert_eq!(head.url(), "/");
                refusal.send(cx, socket);
                socket.on_close(cx, |said: &mut Said, cx, _, _| {
                    said.push(format!("closed at {}", cx.now()));
                });
            });
        });
        let mut peer = rig.connect("http");
        peer.send(first);
        rig.send_until_stuck(&mut peer, &[b'x'; 65_536]);
        assert!(!peer.text().is_empty(), "{first}");
        rig.run_to(ms);
        let sent = peer.stream.write(b"x");
        assert_eq!(sent.expect_err(first).kind(), ErrorKind::BrokenPipe);
        assert_eq!(rig.state, [format!("closed at {ms}")], "{first}");
    }
}

/// The same while the last response, or one before the refusal, is still to come: it comes, and
/// then the end.
#[test]
fn who_pours_before_its_last_response_waits_and_gets_it() {
    for first in [LAST.to_owned(), GET.to_owned() + "junk\r\n\r\n"] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, |_, cx, _, response| {
                cx.set_timeout(Duration::from_secs(1), move |_, cx| {
                    response.end_with(cx, "late")
                });
            });
        });
        let mut peer = rig.connect("http");
        peer.send(&first);
        rig.send_until_stuck(&mut peer, &[b'x'; 65_536]);
        assert_eq!((rig.now(), peer.text().as_str()), (0, ""));
        let answer = rig.rest(&mut peer);
        assert_eq!(statuses(&answer)[0], "200");
        assert!(answer.contains("late"), "{answer}");
        assert_eq!(rig.now(), 1000);
    }
}

/// Nor is it read on whenever one of the responses before the refusal goes out.
#[test]
fn responses_before_a_refusal_make_no_room_for_more() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |said: &mut Said, cx, _, response| {
            said.push(String::new());
            cx.set_timeout(
                Duration::from_millis(1000 * said.len() as u64),
                move |_, cx| response.end(cx),
            );
        });
    });
    let mut peer = rig.connect("http");
    peer.send(GET.repeat(3) + "junk\r\n\r\n");
    rig.send_until_stuck(&mut peer, &[b'x'; 65_536]);
    rig.send_until_stuck(&mut peer, b"x");
    for second in 1..3 {
        rig.run_to(1000 * second + 1);
        assert_eq!(statuses(&peer.text()).len(), second as usize);
        assert_eq!(rig.send_until_stuck(&mut peer, b"x"), 0, "{second}");
    }
    assert_eq!(statuses(&rig.rest(&mut peer)), ["200", "200", "200", "400"]);
}

#[test]
fn who_is_too_slow_gets_the_answer_however_much_it_sends_then() {
    let mut rig = timed(|_, _| {});
    let mut peer = rig.connect("http");
    peer.send("GET / HT");
    rig.run_to(60_000);
    peer.send(vec![b'x'; 150_000]);
    rig.settle();
    peer.send(vec![b'x'; 150_000]);
    rig.settle();
    assert_eq!(peer.ended(), Some(End::Closed));
    assert_eq!(statuses(&peer.take()), ["408"]);
}

#[test]
fn who_goes_on_behind_its_last_request_gets_the_response() {
    for last in [LAST, "GET / HTTP/1.0\r\n\r\n"] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, |_, cx, _, response| response.end_with(cx, "last"));
        });
        let (answer, end) = talks_on(&mut rig, last);
        assert_eq!((statuses(&answer), end), (vec!["200"], End::Closed));
        assert!(answer.ends_with("\r\n\r\nlast"), "{answer}");
    }
    // The same when it is the response that says so, within the body of the request.
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.set_header(cx, "Connection", "close").unwrap();
            response.end_with(cx, "enough");
        });
    });
    let upload = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n";
    let (answer, end) = talks_on(&mut rig, upload);
    assert_eq!((statuses(&answer), end), (vec!["200"], End::Closed));
}

/// It ends its side as soon as all is said, and does not wait for the client to do so.
#[test]
fn the_end_follows_the_last_byte_at_once() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, _, response| response.end_with(cx, "x"));
    });
    for (request, status) in [(LAST, "200"), ("junk\r\n\r\n", "400")] {
        let mut peer = rig.connect("http");
        peer.send(request);
        assert_eq!(statuses(&rig.rest(&mut peer)), [status]);
        assert_eq!(rig.now(), 0);
    }
}

/// What a program writes to a response behind the last one goes nowhere, whichever of them it
/// writes first.
#[test]
fn responses_behind_the_last_one_are_dropped() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        for late in [false, true] {
            let mut rig = timed(|cx, server| {
                let held = RefCell::new(Vec::<ServerResponse>::new());
                server.on_request(cx, move |said: &mut Said, cx, request, response| {
                    held.borrow_mut().push(response);
                    response.on_finish(cx, |said: &mut Said, _, _| said.push("finish".into()));
                    response.on_close(cx, |said: &mut Said, _, _| said.push("close".into()));
                    if request.url(cx) == Some("/1") {
                        response.set_header(cx, "Connection", "close").unwrap();
                    }
                    if held.borrow().len() < 3 {
                        return;
                    }
                    let held = held.borrow();
                    for (turn, place) in order.into_iter().enumerate() {
                        let response = held[place];
                        let answer = move |_: &mut Said, cx: &mut loopchat::Context<Said>| {
                            response.write(cx, format!("{place}a"));
                            response.end_with(cx, format!("{place}b"));
                        };
                        if late {
                            cx.set_timeout(Duration::from_millis(10 * (turn as u64 + 1)), answer);
                        } else {
                            answer(said, cx);
                        }
                    }
                });
            });
            let mut peer = rig.connect("http");
            let requests: String = (0..3)
                .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n"))
                .collect();
            peer.send(requests);
            let answer = rig.rest(&mut peer);
            let case = format!("{order:?}, late: {late}");
            assert_eq!(statuses(&answer), ["200", "200"], "{case}: {answer:?}");
            assert!(answer.contains("0b") && answer.contains("1b"), "{case}");
            assert!(!answer.contains("2a") && !answer.contains("2b"), "{case}");
            rig.run_for(1000);
            let count = |what: &str| rig.state.iter().filter(|said| *said == what).count();
            assert_eq!(
                (count("finish"), count("close")),
                (2, 3),
                "{case}: {:?}",
                rig.state
            );
        }
    }
}

/// A request that says it is the last one is: nothing behind it is handed out, though it was read
/// already.
#[test]
fn requests_behind_the_last_one_are_nobodys() {
    for (requests, urls) in [
        ([GET, LAST, GET], vec!["/", "/"]),
        ([LAST, GET, GET], vec!["/"]),
        ([GET, "GET /old HTTP/1.0\r\n\r\n", GET], vec!["/", "/old"]),
    ] {
        for piecewise in [false, true] {
            let mut rig = timed(|cx, server| {
                server.on_request(cx, |said: &mut Said, cx, request, response| {
                    said.push(request.url(cx).expect("it is there").into());
                    cx.set_timeout(Duration::from_secs(1), move |_, cx| response.end(cx));
                });
            });
            let mut peer = rig.connect("http");
            for request in requests {
                peer.send(request);
                if piecewise {
                    rig.settle();
                }
            }
            assert_eq!(statuses(&rig.rest(&mut peer)).len(), urls.len());
            assert_eq!(rig.state, urls);
        }
    }
}

/// The refusal comes in its turn, behind the responses of all that was asked before; and it is the
/// last word.
#[test]
fn a_refusal_waits_for_the_responses_before_it() {
    for count in [0, 1, 2, 10] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, |said: &mut Said, cx, _, response| {
                // The later ones are answered sooner.
                said.push(String::new());
                let ms = 10_000 - 100 * said.len() as u64;
                cx.set_timeout(Duration::from_millis(ms), move |_, cx| {
                    response.end_with(cx, "good")
                });
            });
        });
        let mut peer = rig.connect("http");
        peer.send(GET.repeat(count) + "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n" + GET);
        let mut wanted = vec!["200"; count];
        wanted.push("400");
        assert_eq!(statuses(&rig.rest(&mut peer)), wanted);
        assert_eq!(rig.state.len(), count);
        assert_eq!(rig.now(), if count > 0 { 9900 } else { 0 });
    }
}

/// Catches: an answer behind the one that has said that it is the last, when both messages come in
/// one read.
#[test]
fn nothing_is_said_behind_the_last_answer() {
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\nzz\r\n";
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, _, response| response.end_with(cx, "x"));
    });
    let mut peer = rig.connect("http");
    peer.send(chunked);
    rig.run_for(10);
    drop(peer.stream.shutdown(std::net::Shutdown::Write));
    let (answer, end) = rig.end(&mut peer);
    assert_eq!((statuses(&answer), end), (vec!["200"], End::Closed));
}

/// Catches: an answer that was written in the same read as what closes the connection, and is lost
/// with it.
#[test]
fn what_was_answered_before_goes_out_before_the_connection_is_closed() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, move |_, cx, request, response| match request.url(cx) {
            Some("/answered") => drop(response.end_with(cx, "first")),
            Some("/given-up") => request.destroy(cx),
            _ => drop(server.close_all_connections(cx)),
        });
    });
    let answered = "GET /answered HTTP/1.1\r\nHost: a\r\n\r\n";
    for next in [
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "GET /given-up HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /all HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let told = served.ask_until_closed(format!("{answered}{next}"));
        assert_eq!(statuses(&told), ["200"], "{next}");
        assert!(told.ends_with("first"), "{next}: {told}");
    }
}

/// Catches: a drain that is told behind the callbacks of what was written, so that one of them has
/// filled the response anew, or has ended it.
#[test]
fn a_drain_is_told_before_the_callbacks_and_not_of_what_has_ended() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.on_drain(cx, |notes: &mut Notes, cx, response| {
                notes.send(format!("drain, ended {}", response.writable_ended(cx)))
            });
            response.write_then(cx, vec![b'x'; 1 << 20], move |notes: &mut Notes, cx, _| {
                notes.send("written".into()).expect("the test waits");
                response.write_then(cx, vec![b'x'; 1 << 20], |notes: &mut Notes, _, _| {
                    notes.send("written again".into())
                });
                response.end(cx);
            });
        });
    });
    let told = served.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(told.len() > 2 << 20);
    let notes: Vec<String> = (0..3).map(|_| served.note()).collect();
    assert_eq!(notes, ["drain, ended false", "written", "written again"]);
    assert!(served.notes().is_empty());
}

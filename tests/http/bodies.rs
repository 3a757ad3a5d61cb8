//! Bodies both ways, and backpressure both ways.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;

use crate::rig::{Notes, Peer, Said, Served, statuses, timed};

#[test]
fn chunks_come_in_whatever_their_sizes() {
    let served = Served::echo();
    let head = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = served.ask(format!(
        "{head}1\r\na\r\n002;x=y\r\nbc\r\n0\r\nSum: 3\r\n\r\n"
    ));
    assert!(answer.ends_with("\r\n\r\nPOST /c abc"), "{answer}");
    // A size may have sixteen digits, what 64 bits have room for.
    let answer = served.ask(format!("{head}0000000000000003\r\nabc\r\n0\r\n\r\n"));
    assert!(answer.ends_with("\r\n\r\nPOST /c abc"), "{answer}");
    let long = "x".repeat(200_000);
    let answer = served.ask(format!("{head}{:X}\r\n{long}\r\n0\r\n\r\n", long.len()));
    assert!(answer.ends_with(&format!("POST /c {long}")));
}

#[test]
fn trailers_are_told_at_the_end() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            request.resume(cx);
            request.on_end(cx, move |notes, cx, request| {
                let sum = request
                    .trailers(cx)
                    .and_then(|trailers| trailers.header_str("sum"));
                notes.send(format!("{sum:?}")).unwrap();
                response.end(cx);
            });
        });
    });
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    served.ask(format!("{head}1\r\na\r\n0\r\nSum: 42\r\n\r\n"));
    assert_eq!(served.note(), "Some(\"42\")");
}

#[test]
fn pieces_go_out_in_chunks_and_a_whole_body_with_its_length() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            response.set_send_date(cx, false);
            if request.url(cx) == Some("/pieces") {
                response.write(cx, "one");
                response.write(cx, "");
                cx.set_immediate(move |_, cx| {
                    response.write(cx, "two");
                    response.end(cx);
                });
            } else {
                response.end_with(cx, "whole");
            }
        });
    });
    let get = |url: &str| {
        served.ask_until_closed(format!(
            "GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    };
    assert!(
        get("/pieces")
            .ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    );
    assert!(get("/whole").ends_with("Content-Length: 5\r\n\r\nwhole"));
}

#[test]
fn a_body_nobody_wants_is_read_and_thrown_away() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, _, response| response.end_with(cx, "no"));
    });
    let mut peer = served.connect();
    for _ in 0..3 {
        peer.send(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n{}",
            "x".repeat(300_000)
        ));
        assert_eq!(statuses(&peer.until("no")), ["200"]);
    }
}

/// A handler that does not take the body leaves it with the client, which has to wait.
#[test]
fn a_request_that_is_not_read_holds_its_client_up() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            said.push("request".into());
            let total = Rc::new(Cell::new(0));
            let count = Rc::clone(&total);
            request.pause(cx).on_data(cx, move |_, _, _, bytes| {
                count.set(count.get() + bytes.len())
            });
            request.on_end(cx, move |said: &mut Said, cx, _| {
                said.push(total.get().to_string());
                response.end(cx);
            });
            cx.set_timeout(Duration::from_secs(60), move |_, cx| {
                request.resume(cx);
            });
        });
    });
    let mut peer = rig.connect("http");
    let length = 20_000_000;
    peer.send(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    ));
    let body = vec![b'x'; 100_000];
    let sent = rig.send_until_stuck(&mut peer, &body);
    assert!(sent < 1_000_000, "{sent} bytes were kept");
    assert_eq!(rig.state, ["request"]);
    rig.run_to(60_000);
    rig.send_all(&mut peer, &vec![b'x'; length - sent]);
    assert_eq!(statuses(&rig.rest(&mut peer)), ["200"]);
    assert_eq!(rig.state[1..], [length.to_string()]);
}

/// A client that does not read makes `write` say so, and no more is written until it does.
#[test]
fn a_client_that_does_not_read_holds_the_response_up() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |notes, cx, _, response| {
            let written = Rc::new(Cell::new(0usize));
            let pump = move |cx: &mut Context<Notes>| {
                while written.get() < 20_000_000 {
                    written.set(written.get() + 50_000);
                    if !response.write(cx, vec![b'z'; 50_000]) {
                        return;
                    }
                }
                response.end(cx);
            };
            pump(cx);
            notes
                .send(format!("waits {}", response.writable_need_drain(cx)))
                .unwrap();
            response.on_drain(cx, move |_, cx, _| pump(cx));
            response.on_finish(cx, |notes, _, _| notes.send("finish".into()));
        });
    });
    let mut peer = served.connect();
    peer.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(served.note(), "waits true");
    assert_eq!(served.notes(), [""; 0]);
    let body = peer.rest();
    assert_eq!(
        body.bytes().filter(|&byte| byte == b'z').count(),
        20_000_000
    );
    assert_eq!(served.note(), "finish");
}

/// Requests of a client that reads no responses are not taken for ever: neither they nor the
/// responses pile up.
#[test]
fn a_client_that_only_asks_is_not_read_for_ever() {
    let mut rig = timed(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
        server.on_request(cx, |said: &mut Said, cx, _, response| {
            response.end_with(cx, vec![b'z'; 10_000]);
            said.push("request".into());
        });
    });
    let mut peer = rig.connect("http");
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let sent = rig.send_until_stuck(&mut peer, request.as_bytes());
    let (taken, asked) = (rig.state.len(), sent / request.len());
    // What the system keeps of responses, and a high-water mark beyond that.
    assert!(taken < 200, "{taken} of {asked} requests were taken");
    assert!(
        asked > 500,
        "{asked} requests fit into the system's buffer alone"
    );
    // When it reads, the rest is served.
    let mut answers = rig.drain(&mut peer);
    peer.send(&request.as_bytes()[sent % request.len()..]);
    answers += &rig.drain(&mut peer);
    assert_eq!(statuses(&answers).len(), asked + 1);
}

/// A request that has come is not late because the client takes its time with the responses.
#[test]
fn a_request_is_complete_though_nothing_more_is_read_behind_it() {
    let mut rig = timed(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            request.on_end(cx, |said: &mut Said, cx, request| {
                said.push(format!("end {}", request.complete(cx)))
            });
            request.resume(cx);
            response.end_with(cx, vec![b'z'; 1_000_000]);
            said.push("request".into());
        });
    });
    let mut peer = rig.connect("http");
    peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2));
    rig.settle();
    assert_eq!(rig.state, ["request", "end true"]);
    rig.run_to(3_600_000);
    let answers = rig.drain(&mut peer);
    assert_eq!(statuses(&answers), ["200", "200"]);
    assert_eq!(answers.matches('z').count(), 2_000_000);
    assert_eq!(rig.state, ["request", "end true"].repeat(2));
}

/// However many requests a client sends ahead, a program has only so many of them at a time to
/// answer.
#[test]
fn no_more_than_64_requests_of_one_connection_wait_for_their_responses() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            said.push(request.url(cx).expect("it is there").to_owned());
            // The first is answered after a second, the next after another, and so on.
            let ms = 1000 * said.len() as u64 - cx.now();
            cx.set_timeout(Duration::from_millis(ms), move |_, cx| {
                response.end_with(cx, "x")
            });
        });
    });
    let mut peer = rig.connect("http");
    let requests: String = (0..200)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n"))
        .collect();
    peer.send(requests);
    for answered in 0..200 {
        rig.run_to(1000 * answered as u64);
        assert_eq!(
            rig.state.len(),
            (64 + answered).min(200),
            "{answered} are answered"
        );
    }
    rig.run_to(200_000);
    assert_eq!(statuses(&peer.take()).len(), 200);
    assert!(rig.state.into_iter().eq((0..200).map(|n| format!("/{n}"))));
}

#[test]
fn many_clients_stream_at_once() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            request.on_data(cx, move |_, cx, request, bytes| {
                if !response.write(cx, bytes) {
                    request.pause(cx);
                }
            });
            response.on_drain(cx, move |_, cx, _| request.resume(cx));
            request.on_end(cx, move |_, cx, _| response.end(cx));
        });
    });
    let address = served.address;
    let clients: Vec<_> = (0..8u8)
        .map(|n| {
            std::thread::spawn(move || {
                let mut peer = Peer::new(address);
                let body = vec![b'A' + n; 2_000_000];
                let mut writer = peer.0.try_clone().expect("a second handle");
                let sender = std::thread::spawn(move || {
                    let head = format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
                    writer.write_all(head.as_bytes()).expect("it reads");
                    writer.write_all(&body).expect("it reads");
                });
                let mut got = Vec::new();
                peer.0.read_to_end(&mut got).expect("no reset");
                sender.join().expect("all was sent");
                let end = got.windows(4).position(|four| four == b"\r\n\r\n");
                let body = &got[end.expect("a head") + 4..];
                assert!(body == vec![b'A' + n; 2_000_000], "{} bytes", body.len());
            })
        })
        .collect();
    for client in clients {
        client.join().expect("every byte came back");
    }
}

//! Bodies both ways, and backpressure both ways.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;

use loopchat::Context;

use crate::rig::{Notes, Peer, Served, statuses};

#[test]
fn chunks_come_in_whatever_their_sizes() {
    let served = Served::echo();
    let head = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = served.ask(format!(
        "{head}1\r\na\r\n002;x=y\r\nbc\r\n0\r\nSum: 3\r\n\r\n"
    ));
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
            if request.url(cx) == "/pieces" {
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
    let served = Served::new(|cx, server| {
        server.on_request(cx, |notes, cx, request, response| {
            notes.send("request".into()).unwrap();
            // When the client is stuck it is let go.
            let (seen, total) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let count = Rc::clone(&total);
            request.pause(cx).on_data(cx, move |_, _, _, bytes| {
                count.set(count.get() + bytes.len())
            });
            request.on_end(cx, move |notes, cx, _| {
                notes.send(format!("{}", total.get())).unwrap();
                response.end(cx);
            });
            let timer = Rc::new(Cell::new(None));
            let own = Rc::clone(&timer);
            let socket = request.socket();
            timer.set(Some(cx.set_interval(20, move |notes: &mut Notes, cx| {
                let read = socket.bytes_read(cx);
                if seen.replace(read) == read {
                    notes.send(format!("stuck: {}", read < 1_000_000)).unwrap();
                    request.resume(cx);
                    if let Some(timer) = own.take() {
                        cx.clear_timer(timer);
                    }
                }
            })));
        });
    });
    let mut peer = served.connect();
    let length = 20_000_000;
    peer.send(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    ));
    peer.send(vec![b'x'; length]);
    assert_eq!(statuses(&peer.rest()), ["200"]);
    assert_eq!(served.note(), "request");
    assert_eq!(
        served.note(),
        "stuck: true",
        "at most a read or two was kept"
    );
    assert_eq!(served.note(), length.to_string());
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

/// Requests of a client that reads no responses are not taken for ever: neither they nor the responses pile up.
#[test]
fn a_client_that_only_asks_is_not_read_for_ever() {
    let served = Served::new(|cx, server| {
        server.on_request(cx, |notes, cx, _, response| {
            response.end_with(cx, vec![b'z'; 10_000]);
            notes.send("request".into())
        });
    });
    let mut peer = served.connect();
    peer.0.set_nonblocking(true).expect("it can be");
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
    let mut sent = 0;
    let mut stuck = 0;
    // Until the kernel has taken nothing for as long as the server needs to answer somebody else.
    while stuck < 20 {
        match peer.0.write(request.as_bytes()) {
            Ok(count) => (sent, stuck) = (sent + count, 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                served.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                stuck += 1;
            }
        }
        assert!(sent < 400_000_000, "it takes everything");
    }
    let asked = sent / 27;
    let handed_out = served.notes().len();
    assert!(
        handed_out * 2 < asked,
        "{handed_out} of {asked} requests were taken"
    );
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

//! A protocol of one's own, plugged in the same way HTTP is: data hung on sockets, listeners
//! stored once for all of them, and a socket that passes from one protocol to the next.

use std::time::Duration;

use loopchat::net::{self, Event};

use crate::rig::{Notes, Served, statuses, timed};

/// What the protocol keeps of a connection.
struct Counter {
    lines: usize,
}

/// Counts lines, and says the number of each.
fn count(_: &mut Notes, cx: &mut loopchat::Context<Notes>, socket: net::Socket, event: Event<'_>) {
    let Event::Data(bytes) = event else { return };
    let Some(counter) = socket.data_mut::<_, Counter>(cx) else {
        return; // it speaks something else by now
    };
    for _ in bytes.iter().filter(|&&byte| byte == b'\n') {
        counter.lines += 1;
    }
    let lines = counter.lines;
    socket.write(cx, format!("{lines};"));
}

#[test]
fn data_hangs_on_sockets_and_servers() {
    let mut event_loop = loopchat::EventLoop::<()>::new().expect("a loop");
    let cx = &mut event_loop;
    let socket = net::Socket::new(cx);
    assert!(socket.data::<_, u8>(cx).is_none());
    assert_eq!(socket.set_data(cx, 1u8), None);
    assert_eq!(socket.set_data(cx, "text"), None);
    assert_eq!(socket.set_data(cx, 2u8), Some(1));
    assert_eq!(socket.data(cx), Some(&"text"));
    assert_eq!(socket.take_data(cx), Some(Box::new(2u8)));
    assert_eq!(socket.data::<_, u8>(cx), None);
    let server = net::create_server(cx);
    server.set_data(cx, 3u8);
    *server.data_mut(cx).expect("kept") = 4u8;
    assert_eq!(server.data(cx), Some(&4u8));
    cx.extensions_mut().insert(5u8);
    assert_eq!(cx.extensions().get(), Some(&5u8));
    let _ = socket.set_reusable(cx, false).destroy(cx);
    event_loop.run(&mut ()).expect("it ends");
    assert_eq!(socket.set_data(&mut event_loop, 6u8), None);
    assert_eq!(
        socket.data::<_, u8>(&event_loop),
        None,
        "a stale id keeps nothing"
    );
}

/// From HTTP to the counter and on to an echo, on one connection.
#[test]
fn a_socket_passes_from_protocol_to_protocol() {
    let served = Served::new(|cx, server| {
        server.on_upgrade(cx, |notes, cx, head, socket, rest| {
            assert_eq!((head.method(), head.url()), ("GET", "/count"));
            notes.send(rest.escape_ascii().to_string()).unwrap();
            socket.write(cx, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
            socket.set_data(cx, Counter { lines: 10 });
            socket.on_event(cx, count);
            socket.on_data(cx, |_, cx, socket, bytes| {
                if bytes.ends_with(b"!\n") {
                    let counter = socket
                        .take_data::<_, Counter>(cx)
                        .expect("it was hung there");
                    socket.remove_all_listeners(cx);
                    assert_eq!(socket.readable_flowing(cx), None);
                    socket.on_data(cx, |_, cx, socket, bytes| socket.end_with(cx, bytes));
                    socket.write(cx, format!("bye {}", counter.lines));
                }
            });
        });
    });
    let mut peer = served.connect();
    peer.send(
        "GET /count HTTP/1.1\r\nHost: x\r\nUpgrade: count\r\nConnection: upgrade\r\n\r\nearly",
    );
    assert_eq!(statuses(&peer.until("\r\n\r\n")), ["101"]);
    assert_eq!(served.note(), "early");
    peer.send("a\nb\n");
    assert_eq!(peer.until(";"), "12;");
    peer.send("c!\n");
    assert_eq!(peer.until("bye 13"), "13;bye 13");
    peer.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(
        peer.rest(),
        "GET / HTTP/1.1\r\n\r\n",
        "neither HTTP nor a counter"
    );
}

/// Between the upgrade and whoever listens next nothing is lost, however long that takes: none of
/// HTTP's times is the next protocol's.
#[test]
fn what_comes_before_the_next_protocol_listens_is_kept() {
    let mut rig = timed(|cx, server| {
        server.set_timeout(cx, Duration::from_secs(5));
        server.on_upgrade(cx, |_, cx, _, socket, _| {
            cx.set_timeout(Duration::from_secs(3600), move |_, cx| {
                socket.on_data(cx, |_, cx, socket, bytes| socket.end_with(cx, bytes));
            });
        });
    });
    let mut peer = rig.connect("http");
    peer.send("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    rig.run_to(1000);
    peer.send("kept");
    assert_eq!(rig.rest(&mut peer), "kept");
    assert_eq!(rig.now(), 3_600_000);
}

/// An upgrade behind a request that is not answered yet cannot be one: the response must come
/// first.
#[test]
fn an_upgrade_does_not_overtake_a_response() {
    let served = Served::new(|cx, server| {
        server.on_upgrade(cx, |notes, _, _, _, _| notes.send("upgrade".into()));
        server.on_request(cx, |notes, cx, request, response| {
            notes
                .send(request.url(cx).expect("it is there").into())
                .unwrap();
            cx.set_immediate(move |_, cx| response.end_with(cx, "x"));
        });
    });
    let mut peer = served.connect();
    let upgrade = "GET /2 HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade, close\r\n\r\n";
    peer.send(format!("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n{upgrade}"));
    assert_eq!(statuses(&peer.rest()), ["200", "200"]);
    assert_eq!(served.notes(), ["/1", "/2"]);
}

#[test]
fn http_1_0_knows_no_upgrade() {
    let served = Served::new(|cx, server| {
        server.on_upgrade(cx, |notes, _, _, _, _| notes.send("upgrade".into()));
        server.on_request(cx, |_, cx, _, response| response.end(cx));
    });
    let answer = served.ask("GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    assert_eq!(statuses(&answer), ["200"]);
    assert_eq!(served.notes(), [""; 0]);
}

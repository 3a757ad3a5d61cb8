//! When the time of a connection that has nothing to do begins, and what it goes on beside.

use std::time::Duration;

use super::*;

/// Catches: a client that keeps a connection for ever by sending a line end now and then.
#[test]
fn empty_lines_do_not_keep_a_connection() {
    let mut rig = answering(|_, _| {});
    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    for seconds in 1..=5 {
        rig.run_to(seconds * 1000);
        assert_eq!(peer.ended(), None);
        peer.send(if seconds % 2 == 0 { "\r\n" } else { "\r" });
        rig.run_for(1);
        peer.send(if seconds % 2 == 0 { "\r\n" } else { "\n" });
    }
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), 6000, "as if they had not come");
    // They are in front of a request that comes in time.
    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    let start = rig.now();
    rig.run_to(start + 5000);
    peer.send(format!("\r\n\r\n{GET}"));
    rig.read_until(&mut peer, "\r\n\r\nx");
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), start + 5000 + 6000);
}

/// Catches: a connection that becomes idle without a response, and stays for ever: by the end of a
/// body whose request was answered before, or by the second half of an empty line. And an empty line
/// that leaves later waits no more time than it was left itself.
#[test]
fn however_a_connection_becomes_idle_its_time_begins() {
    let mut rig = answering(|_, _| {});
    let mut peer = connected(&mut rig);
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    rig.read_until(&mut peer, "\r\n\r\nx");
    rig.run_to(7500);
    peer.send("67890");
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), 13_500);

    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    peer.send("\r");
    rig.run_for(7500);
    assert_eq!(
        peer.ended(),
        None,
        "half a line may be the first of a request"
    );
    peer.send("\n");
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), 13_500 + 7501);

    let mut rig = answering(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::from_secs(2));
    });
    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    rig.run_to(2900);
    peer.send("\r\n");
    rig.run_for(1);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), 2901 + 3000);
}

/// Catches: a client that is told that its head came too late, when it was the program that did not
/// want it.
#[test]
fn a_head_that_the_program_holds_back_is_not_late() {
    let mut rig = timed(|cx, server| {
        server.set_headers_timeout(cx, Duration::from_secs(2));
        server.set_connections_checking_interval(cx, Duration::from_millis(100));
        server.set_keep_alive_timeout(cx, Duration::ZERO);
        server.on_request(cx, move |_, cx, request, response| {
            let socket = request.socket();
            server.pause_requests(cx, socket);
            cx.set_timeout(Duration::from_secs(10), move |_, cx| {
                server.resume_requests(cx, socket)
            });
            response.end_with(cx, "x");
        });
    });
    let mut peer = connected(&mut rig);
    peer.send([GET, TORN_HEAD].concat());
    rig.read_until(&mut peer, "\r\n\r\nx");
    rig.run_to(9000);
    assert_eq!(peer.ended(), None);
    rig.run_to(10_500);
    assert_eq!(peer.ended(), None, "its time goes on");
    assert_eq!(statuses(&rig.rest(&mut peer)), ["408"]);
    assert!((12_000..=12_200).contains(&rig.now()), "{}", rig.now());
}

/// Catches: a client that is closed as idle while the server does not read what it has asked.
#[test]
fn who_is_not_read_is_not_idle() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, move |_, cx, request, response| {
            let socket = request.socket();
            server.pause_requests(cx, socket);
            cx.set_timeout(Duration::from_secs(30), move |_, cx| {
                server.resume_requests(cx, socket)
            });
            response.end_with(cx, "x");
        });
    });
    let mut peer = connected(&mut rig);
    for second in [0, 30_000] {
        peer.send(GET);
        assert_eq!(statuses(&rig.read_until(&mut peer, "\r\n\r\nx")), ["200"]);
        assert_eq!(rig.now(), second);
    }
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(
        rig.now(),
        60_000 + 6000,
        "its time begins when it is read again"
    );
}

//! The closing handshake, from either side, and what it leaves behind (RFC 6455, 7).

use std::net::Shutdown;

use super::*;

#[test]
fn the_peers_close_frame_is_answered_and_told() {
    let server = Echo::start();
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    for (number, code) in codes.into_iter().enumerate() {
        let mut client = Client::open(server.address);
        client.send(FIN | CLOSE, close_frame(code, "bye \u{e9}").payload);
        assert_eq!(client.read(), close_frame(code, ""));
        client.expect_end();
        drop(client);
        assert_eq!(server.heard(), format!("{number} close {code} bye \u{e9}"));
    }
}

#[test]
fn a_close_frame_may_be_empty() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    client.send(FIN | CLOSE, "");
    assert_eq!(
        client.read(),
        Frame {
            first: FIN | CLOSE,
            payload: Vec::new()
        }
    );
    client.expect_end();
    drop(client);
    assert_eq!(server.heard(), "0 close 1005 ");
}

#[test]
fn a_close_frame_that_is_wrong_fails_the_connection() {
    let server = Echo::start();
    let mut cases = vec![(vec![3], 1002)];
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ] {
        cases.push((close_frame(code, "").payload, 1002));
    }
    cases.push(([&[0x03, 0xE8], &b"\xCE\xBA\xF4\x90"[..]].concat(), 1007));
    for (payload, code) in cases {
        let mut client = Client::open(server.address);
        client.send(FIN | CLOSE, &payload);
        assert_eq!(client.read(), close_frame(code, ""), "{payload:x?}");
        client.expect_end();
        assert!(server.heard().contains(" error "));
        drop(client);
        assert!(server.heard().ends_with(" close 1006 "));
    }
}

#[test]
fn nothing_behind_a_close_frame_is_read() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let frames = [
        client::frame(FIN | CLOSE, &close_frame(1000, "").payload),
        client::frame(FIN | TEXT, b"too late"),
        client::frame(FIN | PING, b"too late"),
        vec![0xFF; 100_000],
    ];
    client.send_raw(frames.concat());
    assert_eq!(client.read(), close_frame(1000, ""));
    client.expect_end();
    drop(client);
    assert_eq!(server.heard(), "0 close 1000 ");
}

/// What is sent in the check phase of the turn that brought the peer's last frame is still sent.
#[test]
fn what_came_with_the_peers_last_frame_is_answered_before_it() {
    let server = Echo::start();
    let lasts = [
        (
            client::frame(FIN | CLOSE, &close_frame(1000, "").payload),
            1000,
        ),
        (client::frame(0xF1, b"reserved bits"), 1002),
    ];
    for (last, code) in lasts {
        let mut client = Client::open(server.address);
        let frames = [
            client::frame(FIN | TEXT, b"/later now"),
            client::frame(FIN | TEXT, b"at once"),
            last,
        ];
        client.send_raw(frames.concat());
        for answer in ["at once", "now"] {
            assert_eq!(client.read().payload, answer.as_bytes());
        }
        assert_eq!(client.read(), close_frame(code, ""));
        client.expect_end();
    }
}

/// A server that closes, or pauses, before it has answered the peer's close frame, changes nothing:
/// the answer is the one that is owed, once, and the end is waited for.
#[test]
fn a_close_or_a_pause_in_the_turn_of_the_peers_close_frame_is_one_end() {
    let server = Echo::start();
    for said in ["/close-later 4002", "/pause-later"] {
        let mut client = Client::open(server.address);
        let close = client::frame(FIN | CLOSE, &close_frame(1000, "").payload);
        client.send_raw([client::frame(FIN | TEXT, said.as_bytes()), close].concat());
        assert_eq!(client.read(), close_frame(1000, ""));
        client.expect_end();
        drop(client);
        assert!(server.heard().contains(said));
        assert!(server.heard().ends_with(" close 1000 "));
    }
}

#[test]
fn the_server_closes_and_hears_what_is_still_under_way() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    client.send(FIN | TEXT, "/close 4001 enough");
    assert_eq!(client.read(), close_frame(4001, "enough"));
    client.send(FIN | TEXT, "under way");
    client.send(FIN | PING, "not answered any more");
    client.send(FIN | CLOSE, close_frame(4001, "all right").payload);
    client.expect_end();
    drop(client);
    let heard: Vec<String> = (0..4).map(|_| server.heard()).collect();
    let wanted = [
        "0 text /close 4001 enough",
        "0 text under way",
        "0 ping not answered any more",
        "0 close 4001 all right",
    ];
    assert_eq!(heard, wanted);
}

#[test]
fn a_paused_one_that_is_closed_hears_the_peers_close_frame() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let mut other = Client::open(server.address);
    client.send(FIN | TEXT, "/pause");
    assert_eq!(server.heard(), "0 text /pause");
    other.send(FIN | TEXT, "/close-other 0");
    assert_eq!(client.read(), close_frame(1000, "from outside"));
    client.send(FIN | CLOSE, close_frame(1000, "").payload);
    client.expect_end();
    drop(client);
    assert_eq!(server.heard(), "1 text /close-other 0");
    assert_eq!(server.heard(), "0 close 1000 ");
}

#[test]
fn what_is_broken_after_our_close_frame_gets_no_second_one() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    client.send(FIN | TEXT, "/close 1000 enough");
    assert_eq!(client.read(), close_frame(1000, "enough"));
    client.send_raw(b"\x81\x05hello");
    client.expect_end();
    drop(client);
    server.heard();
    assert_eq!(server.heard(), "0 error frame without a mask");
    assert_eq!(server.heard(), "0 close 1006 ");
}

#[test]
fn who_leaves_without_a_close_frame_is_1006() {
    let server = Echo::start();
    let client = Client::open(server.address);
    drop(client);
    assert_eq!(server.heard(), "0 close 1006 ");
    // With half a message on the way.
    let mut client = Client::open(server.address);
    client.send(TEXT, "half");
    client.stream.shutdown(Shutdown::Write).expect("it is open");
    client.expect_end();
    assert_eq!(server.heard(), "1 close 1006 ");
}

#[test]
fn what_came_before_the_end_is_told_before_the_close() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let messages = client::frame(FIN | TEXT, b"x").repeat(5000);
    client.send_raw(messages);
    client.stream.shutdown(Shutdown::Write).expect("it is open");
    for _ in 0..5000 {
        assert_eq!(server.heard(), "0 text x");
    }
    assert_eq!(server.heard(), "0 close 1006 ");
}

#[test]
fn a_terminated_one_is_gone_at_once() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let both = [
        client::frame(FIN | TEXT, b"/terminate"),
        client::frame(FIN | TEXT, b"too late"),
    ];
    client.send_raw(both.concat());
    client.wait_for_end();
    assert_eq!(server.heard(), "0 text /terminate");
    assert_eq!(server.heard(), "0 close 1006 ");
}

//! Who reads slowly costs the server no more than a bounded amount of memory, and who says much no
//! more than its share of a turn.

use loopchat::http;
use loopchat::http::web_socket::{self, Endpoint, Event, Options};

use super::rig::{Rig, send};
use super::virtual_time::Timed;
use super::*;

/// What one socket of this kind may hold by default, in bytes, and more.
const SYSTEM: usize = 512 * 1024;

#[test]
fn drain_comes_when_all_is_sent() {
    let mut rig = Rig::new(Options::default());
    let mut peer = rig.open();
    send(&mut peer, FIN | TEXT, "/flood 8");
    assert_eq!(rig.heard(), "0 text /flood 8");
    let buffered = rig.heard();
    let buffered: usize = buffered
        .strip_prefix("buffered ")
        .and_then(|bytes| bytes.parse().ok())
        .expect("a number");
    assert!(buffered > 7 * 1024 * 1024, "{buffered}");
    for _ in 0..6 {
        assert_eq!(rig.read(&mut peer).payload.len(), 1024 * 1024);
    }
    assert!(rig.heard_so_far().is_empty(), "some is still to be sent");
    for _ in 6..8 {
        assert_eq!(rig.read(&mut peer).payload.len(), 1024 * 1024);
    }
    rig.timed.settle();
    assert_eq!(rig.heard_so_far(), ["0 drain"]);
    let web_socket = rig.web_socket(0);
    assert_eq!(web_socket.buffered_amount(&rig.timed.event_loop), 0);
}

#[test]
fn a_paused_one_hears_nothing_until_it_is_resumed() {
    let server = Echo::start();
    let mut client = Client::open(server.address);
    let mut other = Client::open(server.address);
    let frames: Vec<Vec<u8>> = ["/pause", "first", "second"]
        .iter()
        .map(|text| client::frame(FIN | TEXT, text.as_bytes()))
        .collect();
    client.send_raw(frames.concat());
    assert_eq!(server.heard(), "0 text /pause");
    // The other's are served meanwhile.
    other.send(FIN | TEXT, "between");
    assert_eq!(other.read(), text("between"));
    assert_eq!(server.heard(), "1 text between");
    other.send(FIN | TEXT, "/resume 0");
    assert_eq!(client.read(), text("first"));
    assert_eq!(client.read(), text("second"));
}

/// One that is paused in the middle of what was read at once hears nothing more of that either.
#[test]
fn a_paused_one_stays_where_it_was() {
    let mut rig = Rig::new(Options::default());
    let mut peer = rig.open();
    for message in ["one", "/pause", "two"] {
        send(&mut peer, FIN | TEXT, message);
    }
    rig.timed.run_to(1_000_000);
    assert_eq!(rig.heard_so_far(), ["0 text one", "0 text /pause"]);
    let web_socket = rig.web_socket(0);
    web_socket.resume(&mut rig.timed.event_loop);
    assert_eq!(rig.heard(), "0 text two");
}

#[test]
fn pings_are_not_read_while_their_pongs_wait() {
    let mut rig = Rig::new(Options::default());
    let mut peer = rig.open();
    let ping = client::frame(FIN | PING, &[b'p'; 125]);
    let pings = ping.repeat(500);
    let taken = rig.timed.send_until_stuck(&mut peer, &pings);
    assert!(taken < 2 * SYSTEM, "{taken} bytes of pings were read");
    let buffered = rig.web_socket(0).buffered_amount(&rig.timed.event_loop);
    assert!(buffered < 64 * 1024, "{buffered} bytes of pongs wait");
    // It goes on where it was when they are read.
    let rest = &pings[taken % ping.len()..ping.len()];
    let mut got = rig.timed.drain_bytes(&mut peer);
    peer.send(rest);
    send(&mut peer, FIN | TEXT, "done");
    got.append(&mut rig.timed.drain_bytes(&mut peer));
    let mut frames = Vec::new();
    let mut bytes = &got[..];
    while let Some((frame, length)) = client::parse(bytes) {
        frames.push(frame);
        bytes = &bytes[length..];
    }
    assert_eq!(frames.pop(), Some(text("done")));
    assert_eq!(frames.len(), taken.div_ceil(ping.len()));
    assert!(frames.iter().all(|frame| *frame == pong(&[b'p'; 125])));
}

#[test]
fn an_echo_that_is_not_read_stops_the_reading() {
    let mut rig = Rig::new(Options::default());
    let mut peer = rig.open();
    let messages = client::frame(FIN | BINARY, &[b'b'; 60_000]);
    let taken = rig.timed.send_until_stuck(&mut peer, &messages);
    assert!(taken < 2 * SYSTEM, "{taken} bytes were read");
    rig.timed.run_to(1_000_000);
    assert_eq!(rig.timed.send_until_stuck(&mut peer, &messages), 0);
}

/// Of one that sends very many small frames so many are served that the others have their turn.
#[test]
fn one_that_floods_does_not_hold_up_the_others() {
    let mut rig = Rig::new(Options::default());
    let mut flooding = rig.open();
    let mut other = rig.open();
    flooding.send(client::frame(FIN | PONG, b"").repeat(20_000));
    for round in 0..20 {
        send(&mut other, FIN | TEXT, "still there?");
        let mut served = 0;
        while rig.heard() != "1 text still there?" {
            served += 1;
        }
        // A share of the turn before, and one of this.
        assert!(served <= 2 * 256, "{served} came first in round {round}");
    }
    rig.timed.settle();
    let heard = rig.heard_so_far();
    assert!(!heard.is_empty(), "it was served beside the other");
    send(&mut flooding, FIN | TEXT, "done");
    while rig.heard() != "0 text done" {}
}

/// Catches: somebody who waits until what HTTP had left to be sent is sent, and is never told.
#[test]
fn what_http_has_left_to_be_sent_is_told_of_when_it_is() {
    let mut timed = Timed::new(0);
    let cx = &mut timed.event_loop;
    let server = http::create_server(cx);
    let endpoint = Endpoint::new(cx, Options::default());
    endpoint.on_event(cx, |drains: &mut u32, _, _, event| {
        *drains += u32::from(matches!(event, Event::Drain));
    });
    server.on_upgrade(cx, move |_, cx, head, socket, rest| {
        socket.write(cx, vec![b' '; 2 * SYSTEM]);
        web_socket::accept(cx, endpoint, head, socket, rest).expect("it is a handshake");
        assert!(socket.writable_need_drain(cx));
    });
    let path = timed.path("server");
    server.listen(&mut timed.event_loop, path.as_path());
    let mut peer = timed.connect("server");
    peer.send(client::REQUEST);
    timed.settle();
    assert_eq!(timed.state, 0, "nobody has read it");
    let read = timed.drain_bytes(&mut peer);
    assert!(read.len() > 2 * SYSTEM);
    assert_eq!(timed.state, 1);
}

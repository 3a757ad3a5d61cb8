//! When each of the server's deadlines acts, to the millisecond of the loop's time: not before,
//! not after, and of two that are pending always the nearer one.

mod idle;

use std::time::Duration;

use loopchat::http::{self, ServerResponse};
use loopchat::{Context, net};

use crate::rig::{Said, statuses, timed};
use crate::virtual_time::{End, Peer, Timed};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const TORN_HEAD: &str = "GET / HTTP/1.1\r\nHo";
const TORN_BODY: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel";
const TORN_CHUNK: &str = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";

/// A server that answers at once.
fn answering(set_up: impl FnOnce(&mut Context<Said>, http::Server)) -> Timed<Said> {
    timed(|cx, server| {
        set_up(cx, server);
        server.on_request(cx, |_, cx, _, response| response.end_with(cx, "x"));
    })
}

/// A server that answers every request after so many milliseconds, and otherwise does what
/// `set_up` says.
fn answering_after(ms: u64, set_up: impl FnOnce(&mut Context<Said>, http::Server)) -> Timed<Said> {
    timed(|cx, server| {
        set_up(cx, server);
        server.on_request(cx, move |_, cx, request, response| {
            request.resume(cx);
            cx.set_timeout(Duration::from_millis(ms), move |_, cx| {
                response.end_with(cx, "x")
            });
        });
    })
}

/// A server that reads bodies and never answers.
fn silent(set_up: impl FnOnce(&mut Context<Said>, http::Server)) -> Timed<Said> {
    timed(|cx, server| {
        set_up(cx, server);
        server.on_request(cx, |_, cx, request, _| {
            request.resume(cx);
        });
    })
}

fn connected(rig: &mut Timed<Said>) -> Peer {
    let peer = rig.connect("http");
    rig.settle();
    peer
}

/// The usual minutes: a head may take one, a whole request five, and both are looked at every half
/// minute.
#[test]
fn what_does_not_arrive_in_time_is_408() {
    for (part, ms) in [
        ("", 60_000),
        (TORN_HEAD, 60_000),
        (TORN_BODY, 300_000),
        (TORN_CHUNK, 300_000),
    ] {
        let mut rig = silent(|_, _| {});
        let mut peer = connected(&mut rig);
        peer.send(part);
        assert_eq!(statuses(&rig.rest(&mut peer)), ["408"], "{part:?}");
        assert_eq!(rig.now(), ms, "{part:?}");
    }
}

/// Both orders, either alone, and neither.
#[test]
fn the_nearer_of_head_and_request_acts() {
    for (headers, request, part, ms) in [
        (5000, 9000, TORN_HEAD, Some(5000)),
        (5000, 9000, TORN_BODY, Some(9000)),
        (9000, 5000, TORN_HEAD, Some(5000)),
        (9000, 5000, TORN_BODY, Some(5000)),
        (0, 5000, TORN_HEAD, Some(5000)),
        (0, 5000, TORN_BODY, Some(5000)),
        (5000, 0, TORN_HEAD, Some(5000)),
        (5000, 0, TORN_BODY, None),
        (0, 0, TORN_HEAD, None),
        (0, 0, "", None),
    ] {
        let mut rig = silent(|cx, server| {
            server
                .set_headers_timeout(cx, Duration::from_millis(headers))
                .set_request_timeout(cx, Duration::from_millis(request))
                .set_connections_checking_interval(cx, Duration::from_secs(1));
        });
        let mut peer = connected(&mut rig);
        peer.send(part);
        let case = format!("{headers}, {request}, {part:?}");
        match ms {
            Some(ms) => {
                assert_eq!(statuses(&rig.rest(&mut peer)), ["408"], "{case}");
                assert_eq!(rig.now(), ms, "{case}");
            }
            None => {
                rig.run_to(3600 * 1000);
                assert_eq!((peer.text().as_str(), peer.ended()), ("", None), "{case}");
            }
        }
    }
}

/// A client that sends a byte now and then gains nothing by it: the time counts from the first.
#[test]
fn bytes_that_trickle_in_put_nothing_off() {
    let long = TORN_BODY.replace("Content-Length: 5", "Content-Length: 500");
    for (part, byte, ms) in [(TORN_HEAD, "s", 7000), (&long, "l", 9000)] {
        let mut rig = silent(|cx, server| {
            server
                .set_headers_timeout(cx, Duration::from_secs(7))
                .set_request_timeout(cx, Duration::from_secs(9))
                .set_connections_checking_interval(cx, Duration::from_millis(500));
        });
        let mut peer = connected(&mut rig);
        peer.send(part);
        for second in 1..ms / 1000 {
            rig.run_to(second * 1000);
            peer.send(byte);
            assert_eq!(peer.text(), "");
        }
        assert_eq!(statuses(&rig.rest(&mut peer)), ["408"]);
        assert_eq!(rig.now(), ms, "{part:?}");
    }
}

/// On a connection that has served requests the time of the next head counts from its own first
/// byte, and empty lines are no byte of it.
#[test]
fn the_second_head_of_a_connection_has_its_time_too() {
    let mut rig = answering(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
        server.set_connections_checking_interval(cx, Duration::from_secs(1));
    });
    let mut peer = connected(&mut rig);
    rig.run_to(50_000);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    rig.run_to(100_000);
    peer.send("\r\n\r\n");
    rig.run_to(200_000);
    peer.send(TORN_HEAD);
    assert_eq!(statuses(&rig.rest(&mut peer)), ["408"]);
    assert_eq!(rig.now(), 260_000);
}

/// The same when it came together with the request before it.
#[test]
fn a_torn_head_behind_a_request_has_its_time_too() {
    let mut rig = answering(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
    });
    let mut peer = connected(&mut rig);
    rig.run_to(40_000);
    peer.send([GET, TORN_HEAD].concat());
    assert_eq!(statuses(&rig.rest(&mut peer)), ["200", "408"]);
    assert_eq!(rig.now(), 120_000, "the first look after a minute");
}

/// A request whose response takes long is not one that arrives slowly.
#[test]
fn what_has_arrived_is_answered_however_long_that_takes() {
    let mut rig = answering_after(1_000_000, |cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
    });
    let mut peer = connected(&mut rig);
    peer.send(format!("{TORN_BODY}lo"));
    assert_eq!(statuses(&rig.read_until(&mut peer, "\r\n\r\nx")), ["200"]);
    assert_eq!(rig.now(), 1_000_000);
    rig.run_for(1_000_000);
    assert_eq!(peer.ended(), None, "and it waits for the next for ever");
}

/// The looks at the connections end with the last of them, and begin anew.
#[test]
fn a_server_that_was_empty_looks_again() {
    let mut rig = silent(|_, _| {});
    drop(connected(&mut rig));
    rig.run_to(100_000);
    assert_eq!(rig.state, ["closed at 0"]);
    let mut peer = connected(&mut rig);
    peer.send(TORN_HEAD);
    assert_eq!(statuses(&rig.rest(&mut peer)), ["408"]);
    assert_eq!(rig.now(), 160_000);
}

/// Five seconds as they are told to the client, and Node's second on top, from the last byte
/// either way.
#[test]
fn an_idle_connection_is_closed_after_the_keep_alive_time() {
    let mut rig = answering(|_, _| {});
    let mut peer = connected(&mut rig);
    rig.run_to(3000);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    rig.run_to(8999);
    assert_eq!(peer.ended(), None);
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\nx");
    // No 408 on a connection that owes nothing.
    assert_eq!(rig.rest(&mut peer), "");
    assert_eq!(rig.now(), 14_999);
}

/// The keep-alive time of the request before does not run out on the next.
#[test]
fn the_keep_alive_time_is_that_of_an_idle_connection() {
    for (timeout, closed) in [(0, 46_000), (60_000, 46_000)] {
        let mut rig = answering_after(20_000, |cx, server| {
            server.set_timeout(cx, Duration::from_millis(timeout));
        });
        let mut peer = connected(&mut rig);
        peer.send(GET);
        rig.read_until(&mut peer, "\r\n\r\nx");
        assert_eq!(rig.now(), 20_000);
        peer.send(GET);
        rig.read_until(&mut peer, "\r\n\r\nx");
        assert_eq!(rig.now(), 40_000);
        assert_eq!(rig.rest(&mut peer), "");
        assert_eq!(rig.now(), closed);
    }
}

/// The time of silence within a request, and that between two, whichever of them is shorter.
#[test]
fn each_silence_has_its_own_time() {
    for (timeout, keep_alive, idle) in [(2000, 5000, 6000), (9000, 1000, 2000), (4000, 3000, 4000)]
    {
        let mut rig = timed(|cx, server| {
            server.set_timeout(cx, Duration::from_millis(timeout));
            server.set_keep_alive_timeout(cx, Duration::from_millis(keep_alive));
            server.on_request(cx, |_, cx, request, response| {
                if request.url(cx) != Some("/never") {
                    response.end_with(cx, "x");
                }
            });
        });
        let mut before = connected(&mut rig);
        assert_eq!(rig.rest(&mut before), "", "nothing was said at all");
        assert_eq!(rig.now(), timeout);
        let mut between = connected(&mut rig);
        between.send(GET);
        assert_eq!(statuses(&rig.rest(&mut between)), ["200"]);
        assert_eq!(rig.now(), timeout + idle);
        let mut within = connected(&mut rig);
        within.send(GET);
        rig.read_until(&mut within, "\r\n\r\nx");
        rig.run_for(500);
        within.send(GET.replacen('/', "/never", 1));
        let asked = rig.now();
        assert_eq!(rig.rest(&mut within), "");
        assert_eq!(rig.now(), asked + timeout);
    }
}

/// Whoever listens to the silence decides; then it comes again after the next time of silence.
#[test]
fn a_silence_somebody_listens_to_closes_nothing() {
    let mut rig = silent(|cx, server| {
        server.set_timeout(cx, Duration::from_secs(1));
        server.on_timeout(cx, |said: &mut Said, cx, _| {
            said.push(format!("silent at {}", cx.now()))
        });
    });
    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.run_to(5000);
    assert_eq!(rig.state, ["silent at 1000"]);
    peer.send("\r\n");
    rig.run_to(20_000);
    assert_eq!(rig.state, ["silent at 1000", "silent at 6000"]);
    assert_eq!(peer.ended(), None);
}

/// Catches: a server without a time of its own that takes away the one whoever saw the connection
/// first has set.
#[test]
fn a_server_without_a_time_leaves_a_connection_the_one_it_has() {
    let mut rig = silent(|cx, server| {
        let connection = net::ServerEventKind::Connection;
        server.net().prepend(cx, connection, |_, cx, _, event| {
            if let net::ServerEvent::Connection(socket) = event {
                socket.set_timeout(cx, Duration::from_secs(1));
            }
        });
        server.on_timeout(cx, |said: &mut Said, cx, _| {
            said.push(format!("silent at {}", cx.now()))
        });
    });
    let mut peer = connected(&mut rig);
    peer.send(GET);
    rig.run_to(1500);
    assert_eq!(rig.state, ["silent at 1000"]);
}

/// A client that takes nothing of its response is closed after that time. One that takes some now
/// and then stays: as in Node it is looked at once in that time, and what the system took to begin
/// with counts.
#[test]
fn a_response_of_which_nothing_is_taken_is_given_up() {
    for (takes, closed) in [
        (&[][..], 60_000),
        (&[20_000, 45_000, 74_999], 120_000),
        (&[29_999, 30_001], 90_000),
    ] {
        let mut rig = timed(|cx, server| {
            server.set_timeout(cx, Duration::from_secs(30));
            server.on_request(cx, |_, cx, _, response| {
                response.end_with(cx, vec![b'z'; 4_000_000])
            });
        });
        let mut peer = connected(&mut rig);
        peer.send(GET);
        for &time in takes {
            rig.run_to(time);
            assert_ne!(peer.take(), "");
        }
        rig.run_to(closed - 1);
        assert_eq!(rig.state, [""; 0]);
        rig.run_to(closed);
        assert_eq!(rig.state, [format!("closed at {closed}")]);
    }
}

/// The same for a response that the program writes piece by piece and never ends.
#[test]
fn a_response_that_is_never_ended_is_given_up() {
    let mut rig = timed(|cx, server| {
        server.set_timeout(cx, Duration::from_secs(10));
        server.on_request(cx, |_, cx, _, response: ServerResponse| {
            response.write(cx, "one");
            cx.set_timeout(Duration::from_secs(8), move |_, cx| {
                response.write(cx, "two")
            });
        });
    });
    let mut peer = connected(&mut rig);
    peer.send(GET);
    let answer = rig.rest(&mut peer);
    assert!(answer.ends_with("3\r\none\r\n3\r\ntwo\r\n"), "{answer}");
    assert_eq!(rig.now(), 18_000);
}

/// Half a second of silence is what a client has that was refused and stays.
#[test]
fn a_refused_client_that_keeps_quiet_is_closed() {
    let mut rig = silent(|_, _| {});
    let mut peer = connected(&mut rig);
    rig.run_to(1000);
    peer.send("junk\r\n\r\n");
    assert_eq!(statuses(&rig.rest(&mut peer)), ["400"]);
    assert_eq!(rig.now(), 1000, "it is told at once");
    rig.run_to(1499);
    assert_eq!(rig.state, [""; 0]);
    rig.run_to(1500);
    assert_eq!(rig.state, ["closed at 1500"]);
}

/// One that goes on talking has five seconds in all.
#[test]
fn a_refused_client_that_goes_on_is_closed() {
    let mut rig = silent(|_, _| {});
    let mut peer = connected(&mut rig);
    rig.run_to(1000);
    peer.send("junk\r\n\r\n");
    for time in (1400..=5800).step_by(400) {
        rig.run_to(time);
        peer.send("more");
        assert_eq!(rig.state, [""; 0], "{time}");
    }
    rig.run_to(6200);
    peer.send("more");
    rig.settle();
    assert_eq!(rig.state, ["closed at 6200"]);
    assert_eq!(statuses(&peer.take()), ["400"]);
}

/// Neither time is that of the server's own timeout, nor of the keep-alive.
#[test]
fn the_time_after_the_last_response_is_short_too() {
    for last in [
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut rig = answering(|cx, server| {
            server.set_timeout(cx, Duration::from_secs(60));
        });
        let mut peer = connected(&mut rig);
        peer.send(last);
        assert_eq!(statuses(&rig.rest(&mut peer)), ["200"]);
        rig.run_to(499);
        assert_eq!(rig.state, [""; 0]);
        rig.run_to(500);
        assert_eq!(rig.state, ["closed at 500"]);
    }
}

/// The time after the last response begins when the client has taken it.
#[test]
fn the_last_response_takes_as_long_as_it_takes() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, _, response| {
            response.end_with(cx, vec![b'z'; 4_000_000])
        });
    });
    let mut peer = connected(&mut rig);
    peer.send("GET / HTTP/1.0\r\n\r\n");
    rig.run_to(3_600_000);
    let (answer, end) = rig.end(&mut peer);
    assert_eq!((rig.now(), end), (3_600_000, End::Closed));
    assert!(answer.len() > 4_000_000);
    rig.run_for(500);
    assert_eq!(rig.state, ["closed at 3600500"]);
}

/// Catches: a time that the program sets, taken for the keep-alive time that is as long.
#[test]
fn a_time_that_is_as_long_as_that_of_an_idle_connection_is_told() {
    let mut rig = timed(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::from_secs(5));
        server.on_request(cx, |_, cx, request, response| {
            if request.url(cx) == Some("/first") {
                response.end_with(cx, "x");
                return;
            }
            response.on_timeout(cx, |said: &mut Said, cx, response| {
                said.push(format!("timeout at {}", cx.now()));
                response.end_with(cx, "y");
            });
            response.set_timeout(cx, Duration::from_secs(6));
        });
    });
    let mut peer = connected(&mut rig);
    peer.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    rig.read_until(&mut peer, "\r\n\r\nx");
    peer.send(GET);
    rig.read_until(&mut peer, "\r\n\r\ny");
    assert_eq!(rig.state, ["timeout at 6000"]);
}

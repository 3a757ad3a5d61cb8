//! When each of a client's deadlines acts, to the millisecond of the loop's time: those of its
//! requests, and those of an agent's idle connections.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use loopchat::Context;
use loopchat::http::{self, Agent, AgentOptions, ClientRequest, RequestOptions};
use loopchat::net::Error;
use socket2::SockRef;

use crate::rig::{Said, timed};
use crate::virtual_time::{End, Peer, Timed};

/// Says with its time what happens to a request.
fn watch(cx: &mut Context<Said>, request: ClientRequest) {
    request.on_response(cx, |said: &mut Said, cx, _, response| {
        said.push(format!("{} response", cx.now()));
        response.resume(cx);
        response.on_end(cx, |said: &mut Said, cx, _| {
            said.push(format!("{} end", cx.now()))
        });
    });
    request.on_timeout(cx, |said: &mut Said, cx, _| {
        said.push(format!("{} timeout", cx.now()))
    });
    request.on_error(cx, |said: &mut Said, cx, _, error| {
        said.push(format!("{} {error}", cx.now()))
    });
    request.on_close(cx, |said: &mut Said, cx, _| {
        said.push(format!("{} close", cx.now()))
    });
}

/// A request on a connection of its own, and the peer that has it, which answers nothing by itself.
fn asked(timeout: u64) -> (Timed<Said>, ClientRequest, Peer) {
    let mut rig = Timed::new(Said::new());
    let path = rig.path("server");
    let listener = UnixListener::bind(&path).expect("a place to listen");
    let options = RequestOptions::new().socket_path(path).agent(None);
    let request = http::get(
        &mut rig.event_loop,
        options.timeout(Duration::from_millis(timeout)),
    );
    watch(&mut rig.event_loop, request);
    rig.settle();
    let (stream, _) = listener.accept().expect("it has connected");
    (rig, request, Peer::over(stream))
}

#[test]
fn a_timeout_is_told_once_and_closes_nothing() {
    let (mut rig, request, mut peer) = asked(10_000);
    rig.run_to(100_000);
    assert_eq!(rig.state, ["10000 timeout"]);
    assert!(!request.destroyed(&rig.event_loop));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    rig.run_to(150_000);
    peer.send("hi");
    rig.run_to(200_000);
    assert_eq!(
        rig.state[1..],
        ["100000 response", "150000 end", "150000 close"]
    );
}

#[test]
fn every_byte_starts_the_timeout_anew() {
    let (mut rig, _, mut peer) = asked(10_000);
    for (time, bytes) in [
        (9999, "HTTP/1.1 200 OK\r\n"),
        (19_998, "Content-Length: 3\r\n\r\n"),
        (29_997, "a"),
        (39_996, "b"),
    ] {
        rig.run_to(time);
        peer.send(bytes);
    }
    rig.run_to(60_000);
    assert_eq!(rig.state, ["19998 response", "49996 timeout"]);
}

#[test]
fn a_request_may_be_given_up_when_it_is_too_slow() {
    let (mut rig, request, mut peer) = asked(10_000);
    request.on_timeout(&mut rig.event_loop, |_: &mut Said, cx, request| {
        request.destroy_with_error(cx, Error::new("too slow"));
    });
    let (asked, end) = rig.end(&mut peer);
    assert!(asked.starts_with("GET / HTTP/1.1\r\n"), "{asked}");
    assert_eq!((rig.now(), end), (10_000, End::Closed));
    rig.settle();
    assert_eq!(
        rig.state,
        ["10000 timeout", "10000 too slow", "10000 close"]
    );
}

#[test]
fn a_timeout_can_be_changed_and_taken_back() {
    let (mut rig, request, _peer) = asked(10_000);
    rig.run_to(5000);
    request.set_timeout(&mut rig.event_loop, Duration::from_secs(3));
    rig.run_to(8000);
    assert_eq!(rig.state, ["8000 timeout"]);
    request.set_timeout(&mut rig.event_loop, Duration::ZERO);
    rig.run_to(1_000_000);
    assert_eq!(rig.state, ["8000 timeout"]);
}

/// A connection that is not even made counts as silent. (This one is to a TCP listener whose queue
/// is full: nothing will ever come of it, so that time cannot overtake anything.)
#[test]
fn the_time_of_connecting_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    SockRef::from(&listener).listen(0).expect("a queue of one");
    let _first = std::net::TcpStream::connect(address).expect("it has room for one");
    let mut rig = Timed::new(Said::new());
    let options = RequestOptions::from(format!("http://{address}/")).agent(None);
    let request = http::get(&mut rig.event_loop, options.timeout(Duration::from_secs(3)));
    watch(&mut rig.event_loop, request);
    request.on_timeout(&mut rig.event_loop, |_: &mut Said, cx, request| {
        request.destroy(cx);
    });
    rig.run_to(10_000);
    assert_eq!(
        rig.state,
        ["3000 timeout", "3000 socket hang up", "3000 close"]
    );
}

/// A server that keeps idle connections for so many seconds, as it tells the client, and one
/// request of an agent to it. When does the connection end, counted from the response?
fn kept(options: AgentOptions, keep_alive: u64) -> Option<u64> {
    let mut rig = timed(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::from_millis(keep_alive));
        server.on_request(cx, |_, cx, _, response| response.end_with(cx, "x"));
    });
    rig.run_to(100_000);
    let agent = Agent::new(&mut rig.event_loop, options);
    let options = RequestOptions::new().socket_path(rig.path("http"));
    http::get(&mut rig.event_loop, options.agent(Some(agent)));
    rig.run_for(1_000_000);
    let closed = rig.state.first()?;
    let time = closed.strip_prefix("closed at ").expect("nothing else");
    let time: u64 = time.parse().expect("a time");
    assert_eq!(agent.sockets(&rig.event_loop), (0, 0));
    Some(time - 100_000)
}

/// The agent's own time, or a second less than the server has said, whichever is nearer.
#[test]
fn an_idle_connection_is_given_up_before_the_server_does_so() {
    let keeps = |timeout| {
        AgentOptions::new()
            .keep_alive(true)
            .timeout(Duration::from_millis(timeout))
    };
    for (timeout, keep_alive, closed) in [
        (2000, 5000, Some(2000)),
        (3999, 5000, Some(3999)),
        (9000, 5000, Some(4000)),
        (5000, 2000, Some(1000)),
        (5000, 1000, Some(0)), // it would be too late at once
        (5000, 0, Some(5000)), // the server has said nothing
        (0, 5000, Some(6000)), // the server closes it
        (0, 0, None),
    ] {
        assert_eq!(
            kept(keeps(timeout), keep_alive),
            closed,
            "{timeout} {keep_alive}"
        );
    }
    let not = keeps(5000).keep_alive(false);
    assert_eq!(kept(not, 5000), Some(0));
}

/// The time of an idle connection begins anew when it is used again, and a request's does not go on
/// when it is over.
#[test]
fn a_connection_that_is_used_again_has_no_time_left_over() {
    let mut rig = timed(|cx, server| {
        server.set_keep_alive_timeout(cx, Duration::ZERO);
        server.on_request(cx, |_, cx, request, response| {
            let ms = request
                .url(cx)
                .expect("it is there")
                .trim_start_matches('/')
                .parse();
            cx.set_timeout(
                Duration::from_millis(ms.expect("how long")),
                move |_, cx| response.end_with(cx, "x"),
            );
        });
    });
    let options = AgentOptions::new()
        .keep_alive(true)
        .timeout(Duration::from_secs(5));
    let agent = Agent::new(&mut rig.event_loop, options);
    let path = rig.path("http");
    let ask = |rig: &mut Timed<Said>, wait: &str, timeout: Option<u64>| {
        let options = RequestOptions::new().socket_path(&path).path(wait);
        let options = options.agent(Some(agent));
        let options = match timeout {
            Some(timeout) => options.timeout(Duration::from_millis(timeout)),
            None => options,
        };
        let request = http::get(&mut rig.event_loop, options);
        watch(&mut rig.event_loop, request);
        request
    };
    ask(&mut rig, "/1000", Some(3000));
    rig.run_to(2000);
    assert_eq!(agent.sockets(&rig.event_loop), (0, 1));
    let second = ask(&mut rig, "/50000", None);
    assert!(second.reused_socket(&rig.event_loop));
    rig.run_to(60_000);
    assert_eq!(
        rig.state,
        [
            "1000 response",
            "1000 end",
            "1000 close",
            "7000 timeout",
            "52000 response",
            "52000 end",
            "52000 close",
            "closed at 57000"
        ]
    );
}

/// Nor when a request that has waited for it gets it at once.
#[test]
fn a_request_that_has_waited_has_not_the_timeout_of_the_one_before() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            let ms = request
                .url(cx)
                .expect("it is there")
                .trim_start_matches('/')
                .parse();
            cx.set_timeout(
                Duration::from_millis(ms.expect("how long")),
                move |_, cx| response.end_with(cx, "x"),
            );
        });
    });
    let options = AgentOptions::new().max_sockets(Some(1));
    let agent = Agent::new(&mut rig.event_loop, options);
    let path = rig.path("http");
    for (wait, timeout) in [
        ("/2000", Some(3000)),
        ("/50000", None),
        ("/5000", Some(4000)),
    ] {
        let options = RequestOptions::new().socket_path(&path).path(wait);
        let mut options = options.agent(Some(agent));
        if let Some(timeout) = timeout {
            options = options.timeout(Duration::from_millis(timeout));
        }
        let request = http::get(&mut rig.event_loop, options);
        watch(&mut rig.event_loop, request);
    }
    rig.run_to(100_000);
    assert_eq!(
        rig.state,
        [
            "2000 response",
            "2000 end",
            "2000 close",
            "52000 response",
            "52000 end",
            "52000 close",
            "56000 timeout",
            "57000 response",
            "57000 end",
            "57000 close",
            "closed at 57000"
        ]
    );
}

/// A socket that has left HTTP has none of the request's time, nor of the agent's.
#[test]
fn an_upgraded_connection_has_no_timeout() {
    let mut rig = Timed::new(Said::new());
    let path = rig.path("server");
    let listener = UnixListener::bind(&path).expect("a place to listen");
    let options = AgentOptions::new()
        .keep_alive(true)
        .timeout(Duration::from_secs(4));
    let agent = Agent::new(&mut rig.event_loop, options);
    let options = RequestOptions::new().socket_path(path).agent(Some(agent));
    let options = options
        .header("Connection", "upgrade")
        .header("Upgrade", "x");
    let request = http::get(&mut rig.event_loop, options.timeout(Duration::from_secs(3)));
    watch(&mut rig.event_loop, request);
    request.on_upgrade(
        &mut rig.event_loop,
        |said: &mut Said, cx, _, _, socket, _| {
            said.push(format!("{} upgrade", cx.now()));
            socket.on_timeout(cx, |said: &mut Said, _, _| said.push("timeout".into()));
            socket.on_data(cx, |said: &mut Said, cx, _, bytes| {
                said.push(format!("{} {}", cx.now(), bytes.escape_ascii()))
            });
        },
    );
    rig.settle();
    let mut peer = Peer::over(listener.accept().expect("it has connected").0);
    peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    rig.run_to(1_000_000);
    peer.send("late");
    rig.settle();
    assert_eq!(rig.state, ["0 upgrade", "0 close", "1000000 late"]);
    assert_eq!(agent.sockets(&rig.event_loop), (0, 0));
}

//! How many connections an agent makes, keeps and shares out, and that it gives out none that is
//! dead.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;
use loopchat::http::{self, Agent, AgentOptions, ClientRequest, RequestOptions};
use loopchat::net::Socket;

use crate::rig::{Said, timed};
use crate::virtual_time::Timed;

/// A server that says which request has come and on which of its connections, and answers a second
/// later.
fn rig() -> Timed<Said> {
    timed(|cx, server| {
        let known = Rc::new(RefCell::new(Vec::<Socket>::new()));
        server.on_request(cx, move |said: &mut Said, cx, request, response| {
            let socket = request.socket();
            let mut known = known.borrow_mut();
            let place = known.iter().position(|one| *one == socket);
            let place = place.unwrap_or_else(|| {
                known.push(socket);
                known.len() - 1
            });
            said.push(format!(
                "{} on {place}",
                request.url(cx).expect("it is there")
            ));
            cx.set_timeout(Duration::from_secs(1), move |_, cx| {
                response.end_with(cx, "x")
            });
        });
    })
}

fn ask(rig: &mut Timed<Said>, agent: Agent, path: &str) -> ClientRequest {
    let options = RequestOptions::new()
        .socket_path(rig.path("http"))
        .path(path);
    let request = http::get(&mut rig.event_loop, options.agent(Some(agent)));
    request.on_error(&mut rig.event_loop, |said: &mut Said, _, _, error| {
        said.push(format!("error {error}"))
    });
    request
}

fn keeping() -> AgentOptions {
    AgentOptions::new().keep_alive(true)
}

#[test]
fn no_more_idle_connections_are_kept_than_may_be() {
    for most in 0..=4 {
        let mut rig = rig();
        let options = keeping().max_free_sockets(most);
        let agent = Agent::new(&mut rig.event_loop, options);
        for _ in 0..3 {
            ask(&mut rig, agent, "/");
        }
        assert_eq!(
            agent.sockets(&rig.event_loop),
            (3, 0),
            "each its own, at once"
        );
        rig.run_to(1000);
        assert_eq!(agent.sockets(&rig.event_loop), (0, most.min(3)), "{most}");
        // Those that are kept are used first.
        let again = [ask(&mut rig, agent, "/"), ask(&mut rig, agent, "/")];
        let reused = again.map(|request| request.reused_socket(&rig.event_loop));
        assert_eq!(reused, [most >= 1, most >= 2], "{most}");
    }
}

#[test]
fn no_more_connections_are_made_than_may_be_and_who_waits_keeps_its_place() {
    for most in 1..=4 {
        let mut rig = rig();
        let options = keeping().max_sockets(Some(most));
        let agent = Agent::new(&mut rig.event_loop, options);
        for place in 0..9 {
            ask(&mut rig, agent, &format!("/{place}"));
        }
        for round in 0..9_usize.div_ceil(most) {
            rig.run_to(1000 * round as u64);
            let asked = (most * (round + 1)).min(9);
            let wanted: Vec<_> = (0..asked)
                .map(|place| format!("/{place} on {}", place % most))
                .collect();
            assert_eq!(rig.state, wanted, "{most}");
        }
    }
}

/// One that is closed by the program, or ended, in the very callback in which it would be used
/// again.
#[test]
fn a_connection_that_is_dead_or_dying_is_not_used_again() {
    let ways: [fn(&mut Context<Said>, Socket); 3] = [
        |cx, socket| _ = socket.destroy(cx),
        |cx, socket| _ = socket.end(cx),
        |cx, socket| _ = socket.end_with(cx, "GET / HTTP/1.1\r\n"),
    ];
    for way in ways {
        let mut rig = rig();
        let agent = Agent::new(&mut rig.event_loop, keeping());
        let first = ask(&mut rig, agent, "/first");
        rig.run_to(1);
        let socket = first.socket(&rig.event_loop).expect("it has one");
        rig.run_to(2000);
        assert_eq!(agent.sockets(&rig.event_loop), (0, 1));
        way(&mut rig.event_loop, socket);
        let second = ask(&mut rig, agent, "/second");
        assert!(!second.reused_socket(&rig.event_loop));
        rig.run_to(10_000);
        assert_eq!(
            rig.state
                .iter()
                .filter(|said| !said.starts_with("closed"))
                .collect::<Vec<_>>(),
            ["/first on 0", "/second on 1"]
        );
    }
}

/// A connection whose response says that it is the last is given to nobody; whoever waits gets
/// another.
#[test]
fn who_waits_for_a_connection_that_ends_gets_another() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |said: &mut Said, cx, request, response| {
            said.push(request.url(cx).expect("it is there").to_owned());
            if request.url(cx) == Some("/last") {
                response.set_header(cx, "Connection", "close").unwrap();
            }
            match request.url(cx).expect("it is there") {
                "/cut" => response.destroy(cx),
                _ => drop(response.end_with(cx, "x")),
            }
        });
    });
    let options = keeping().max_sockets(Some(1));
    let agent = Agent::new(&mut rig.event_loop, options);
    for path in ["/1", "/last", "/2", "/cut", "/3"] {
        ask(&mut rig, agent, path);
    }
    rig.run_to(1000);
    let asked = rig.state.iter().filter(|said| said.starts_with('/'));
    assert_eq!(
        asked.collect::<Vec<_>>(),
        ["/1", "/last", "/2", "/cut", "/3"]
    );
    assert_eq!(
        rig.state
            .iter()
            .filter(|said| said.starts_with("error"))
            .count(),
        1
    );
    assert_eq!(agent.sockets(&rig.event_loop), (0, 1));
}

/// Who is given up while it waits is no longer waited for by others, and is not asked.
#[test]
fn a_request_that_is_given_up_waits_for_no_connection() {
    let mut rig = rig();
    let agent = Agent::new(&mut rig.event_loop, keeping().max_sockets(Some(1)));
    ask(&mut rig, agent, "/1");
    let given_up = ask(&mut rig, agent, "/2");
    ask(&mut rig, agent, "/3");
    assert_eq!(agent.requests(&rig.event_loop), 2);
    given_up.destroy(&mut rig.event_loop);
    assert_eq!(agent.requests(&rig.event_loop), 1);
    rig.run_to(3000);
    assert_eq!(rig.state[1..], ["/1 on 0", "/3 on 0"]);
    assert!(rig.state[0].starts_with("error"), "{:?}", rig.state);
    assert_eq!(agent.requests(&rig.event_loop), 0);
    assert_eq!(agent.sockets(&rig.event_loop), (0, 1));
}

/// A response without a body, whatever its head says of one, leaves nothing to be read behind it.
#[test]
fn a_connection_is_good_after_a_response_without_a_body() {
    let mut rig = timed(|cx, server| {
        server.on_request(cx, |_, cx, request, response| {
            if let Ok(status) = request
                .url(cx)
                .expect("it is there")
                .trim_start_matches('/')
                .parse()
            {
                response.set_status_code(cx, status);
                response.set_header(cx, "Content-Length", "5").unwrap();
                response.end(cx);
            } else if request.method(cx) == Some("HEAD") {
                response.set_header(cx, "Content-Length", "5").unwrap();
                response.end(cx);
            } else {
                response.end_with(cx, "hello");
            }
        });
    });
    let agent = Agent::new(&mut rig.event_loop, keeping());
    for (method, path) in [
        ("HEAD", "/"),
        ("GET", "/304"),
        ("GET", "/204"),
        ("HEAD", "/404"),
    ] {
        let options = RequestOptions::new().socket_path(rig.path("http"));
        let odd = options.method(method).path(path).agent(Some(agent));
        http::request(&mut rig.event_loop, odd).end(&mut rig.event_loop);
        rig.settle();
        assert_eq!(
            agent.sockets(&rig.event_loop),
            (0, 1),
            "{method} {path} is over"
        );
        let plain = ask(&mut rig, agent, "/");
        assert!(plain.reused_socket(&rig.event_loop), "{method} {path}");
        plain.on_response(&mut rig.event_loop, |_, cx, _, response| {
            response.on_data(cx, |said: &mut Said, _, _, bytes| {
                said.push(String::from_utf8_lossy(bytes).into_owned())
            });
        });
        rig.settle();
        assert_eq!(std::mem::take(&mut rig.state), ["hello"], "{method} {path}");
    }
}

/// Whoever asks on a connection that is used again and gets nothing is told so, and the response
/// before has nothing to do with it.
#[test]
fn a_request_that_gets_no_response_fails_on_a_used_connection_too() {
    for first in ["/plain", ""] {
        for ends in [false, true] {
            let mut rig = timed(|cx, server| {
                server.on_request(cx, move |_, cx, request, response| {
                    match (request.url(cx).expect("it is there"), ends) {
                        ("/cut", false) => response.destroy(cx),
                        ("/cut", true) => _ = request.socket().end(cx),
                        _ => _ = response.end_with(cx, "x"),
                    }
                });
            });
            let agent = Agent::new(&mut rig.event_loop, keeping());
            if !first.is_empty() {
                let before = ask(&mut rig, agent, first);
                before.on_response(&mut rig.event_loop, |_, cx, _, response| {
                    response.resume(cx);
                    response.on_error(cx, |said: &mut Said, _, _, error| {
                        said.push(format!("response {error}"))
                    });
                });
                rig.settle();
            }
            let cut = ask(&mut rig, agent, "/cut");
            assert_eq!(cut.reused_socket(&rig.event_loop), !first.is_empty());
            cut.on_close(&mut rig.event_loop, |said: &mut Said, _, _| {
                said.push("close".into())
            });
            rig.settle();
            rig.state.retain(|said| !said.starts_with("closed at"));
            assert_eq!(
                rig.state,
                ["error socket hang up", "close"],
                "{first:?}, {ends}"
            );
        }
    }
}

//! Connections of a client that are used again.

use loopchat::http::{self, Agent, AgentOptions, RequestOptions};
use loopchat::{Context, net};

use crate::client::{answering, run, watch};
use crate::rig::{Said, Served};

/// A server that counts its connections and answers with that and the request's body.
pub fn counting(
    cx: &mut Context<Said>,
    then: impl FnMut(&mut Said, &mut Context<Said>, http::Server) + 'static,
) {
    let server = http::create_server(cx);
    server
        .net()
        .on_connection(cx, |said, _, _| said.push("connection".into()));
    server.on_request(cx, |_, cx, request, response| {
        let url = request.url(cx).expect("it is there").to_owned();
        if url == "/close" {
            response.set_header(cx, "Connection", "close").unwrap();
        }
        request.on_data(cx, move |_, cx, _, bytes| response.write(cx, bytes));
        request.on_end(cx, move |_, cx, _| response.end_with(cx, url.clone()));
    });
    server.listen(cx, "127.0.0.1:0".parse::<net::Address>().unwrap());
    server.on_listening(cx, then);
}

#[test]
fn an_agent_uses_its_connection_again_unless_it_was_closed() {
    let said = run(move |cx| {
        let options = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
        let agent = Agent::new(cx, options);
        counting(cx, move |_, cx, server| {
            let paths = ["/1", "/2", "/close", "/3"];
            for (place, path) in paths.into_iter().enumerate() {
                let url = format!("http://127.0.0.1:{}{path}", server.port(cx));
                let request = http::get(cx, RequestOptions::from(url).agent(Some(agent)));
                watch(cx, request);
                if place + 1 == paths.len() {
                    request.on_close(cx, move |_, cx, _| {
                        cx.set_immediate(move |said: &mut Said, cx| {
                            said.push(format!("{:?}", agent.sockets(cx)));
                            agent.destroy(cx);
                            server.close(cx);
                        });
                    });
                }
            }
        });
    });
    let bodies: Vec<_> = said.iter().filter(|said| said.starts_with("end")).collect();
    assert_eq!(
        bodies,
        ["end \"/1\"", "end \"/2\"", "end \"/close\"", "end \"/3\""]
    );
    assert_eq!(
        said.iter().filter(|said| *said == "connection").count(),
        2,
        "{said:?}"
    );
    assert_eq!(
        said.last().unwrap(),
        "(0, 1)",
        "one is idle, none is in use"
    );
}

/// The loop's own agent keeps connections too, and they do not hold the loop open.
#[test]
fn idle_connections_do_not_hold_the_loop() {
    let said = run(move |cx| {
        counting(cx, |_, cx, server| {
            let url = format!("http://127.0.0.1:{}/", server.port(cx));
            let first = http::get(cx, url.clone());
            watch(cx, first);
            first.on_close(cx, move |_, cx, _| {
                let url = url.clone();
                cx.set_immediate(move |said: &mut Said, cx| {
                    let second = http::get(cx, url);
                    said.push(format!("reused {}", second.reused_socket(cx)));
                    second.on_close(cx, move |_, cx, _| server.close(cx));
                });
            });
        });
    });
    assert!(said.contains(&"reused true".to_owned()), "{said:?}");
    assert_eq!(said.iter().filter(|said| *said == "connection").count(), 1);
}

#[test]
fn a_server_that_answers_what_nobody_asked_is_not_believed() {
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let answers: &'static [&'static str] = Box::leak(Box::new([
        twice,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
    ]));
    let address = answering(answers, "\r\n\r\n");
    let said = run(move |cx| {
        let first = http::get(cx, format!("http://{address}/1"));
        watch(cx, first);
        first.on_close(cx, move |_, cx, _| {
            let second = http::get(cx, format!("http://{address}/2"));
            watch(cx, second);
        });
    });
    let ends: Vec<_> = said.iter().filter(|said| said.starts_with("end")).collect();
    assert!(!ends.iter().any(|end| end.contains("evil")), "{said:?}");
    assert_eq!(ends.last().unwrap().as_str(), "end \"b\"");
}

#[test]
fn a_request_that_waits_for_a_connection_can_be_given_up() {
    let said = run(move |cx| {
        let options = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
        let agent = Agent::new(cx, options);
        counting(cx, move |_, cx, server| {
            let url = format!("http://127.0.0.1:{}/", server.port(cx));
            let first = http::get(cx, RequestOptions::from(url.clone()).agent(Some(agent)));
            let second = http::get(cx, RequestOptions::from(url).agent(Some(agent)));
            watch(cx, second);
            second.destroy(cx);
            first.on_close(cx, move |_, cx, _| {
                agent.destroy(cx);
                server.close(cx);
            });
        });
    });
    assert_eq!(said, ["error ECONNRESET", "close", "connection"]);
}

/// Idle connections do not hold the loop open, but one that is in use again does.
#[test]
fn a_connection_that_is_used_again_holds_the_loop() {
    let served = Served::echo();
    let address = served.address;
    let said = run(move |cx| {
        let first = http::get(cx, format!("http://{address}/1"));
        watch(cx, first);
        first.on_close(cx, move |_, cx, _| {
            cx.set_immediate(move |said: &mut Said, cx| {
                let second = http::get(cx, format!("http://{address}/2"));
                said.push(format!("reused {}", second.reused_socket(cx)));
                watch(cx, second);
            });
        });
    });
    assert_eq!(
        said,
        [
            "response 200",
            "end \"GET /1 \"",
            "close",
            "reused true",
            "response 200",
            "end \"GET /2 \"",
            "close"
        ]
    );
}

//! The second request on a kept connection fails: the server ends, resets, or sends a part of an
//! answer. Its error comes, once, before its close.

use std::collections::VecDeque;

use loopchat::http::{Agent, AgentOptions, RequestOptions};
use loopchat::net::{self, Error};
use loopchat::{Context, http};

use crate::Trace;

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

type Next = Box<dyn FnOnce(&mut Trace, &mut Context<Trace>)>;

fn ask(
    cx: &mut Context<Trace>,
    (server, agent): (net::Server, Agent),
    (path, n): (&'static str, u32),
    next: Next,
) {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(Some(agent));
    let req = http::get(cx, options);
    req.on_error(cx, move |out, cx, req, e| {
        let code = match e.code() {
            "" => "undefined",
            code => code,
        };
        let message = e.to_string();
        let message = match message.starts_with("Parse Error") {
            true => "Parse Error",
            false => &message,
        };
        let reused = req.reused_socket(cx);
        out.log(format!(
            "{path} {n} error {code} \"{message}\" reused={reused}"
        ));
    });
    req.on_response(cx, move |out, cx, _, res| {
        out.log(format!("{path} {n} response"));
        res.on_data(cx, move |out, _, _, d| {
            let d = String::from_utf8_lossy(d);
            out.log(format!("{path} {n} data {d}"));
        });
        res.on_end(cx, move |out, _, _| out.log(format!("{path} {n} end")));
        res.on_aborted(cx, move |out, _, _| out.log(format!("{path} {n} aborted")));
        res.on_error(cx, move |out, _, _, e| {
            out.log(format!("{path} {n} res error {}", e.code()));
        });
    });
    let mut next = Some(next);
    req.on_close(cx, move |out, cx, _| {
        out.log(format!("{path} {n} close"));
        if let Some(next) = next.take() {
            cx.set_immediate(next);
        }
    });
    if n == 2 && path.starts_with("/destroy") {
        req.on_finish(cx, move |_, cx, req| {
            match path {
                "/destroy" => req.destroy(cx),
                _ => req.destroy_with_error(cx, Error::new("mine")),
            };
        });
    }
}

fn step(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    server: net::Server,
    mut todo: VecDeque<&'static str>,
) {
    let Some(path) = todo.pop_front() else {
        let _ = out;
        server.close_then(cx, |out: &mut Trace, _, _| out.log("server close"));
        return;
    };
    let options = AgentOptions::new().keep_alive(true);
    let agent = Agent::new(cx, options);
    let again: Next = Box::new(move |out, cx| {
        agent.destroy(cx);
        step(out, cx, server, todo);
    });
    let second: Next = Box::new(move |_, cx| ask(cx, (server, agent), (path, 2), again));
    ask(cx, (server, agent), (path, 1), second);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        let mut asked = 0;
        s.on_error(cx, |_, _, _, _| {});
        s.on_data(cx, move |_, cx, s, d| {
            asked += 1;
            let text = String::from_utf8_lossy(d);
            let url = text.split(' ').nth(1).unwrap_or_default();
            match (asked, url) {
                (1, _) => {
                    s.write(cx, ANSWER);
                }
                (_, "/end") => {
                    s.end(cx);
                }
                (_, "/reset") => s.reset_and_destroy(cx).expect("it is TCP"),
                (_, "/head") => {
                    s.end_with(cx, "HTTP/1.1 200 O");
                }
                (_, "/body") => {
                    s.end_with(cx, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
                }
                _ => {
                    s.write(cx, "nonsense\r\n\r\n");
                }
            }
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |out, cx, server| {
        let todo = [
            "/end",
            "/reset",
            "/head",
            "/body",
            "/nonsense",
            "/destroy",
            "/destroy-with",
        ];
        step(out, cx, server, todo.into());
    });
}

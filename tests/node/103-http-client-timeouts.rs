//! Who is told of an idle connection: the request whose timeout it is, once, or whose agent has
//! one; its response every time; never the next request on the connection.

use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{Agent, AgentOptions, ClientRequest, RequestOptions, Server};
use loopchat::{Context, http};

use crate::Trace;

type Cx = Context<Trace>;
type Next = Rc<dyn Fn(&mut Trace, &mut Cx)>;

struct Ask {
    name: &'static str,
    agent: Option<Agent>,
    path: &'static str,
    timeout: Option<u64>,
    next: Option<Next>,
}

fn ask(cx: &mut Cx, server: Server, ask: Ask) -> ClientRequest {
    let Ask {
        name,
        agent,
        path,
        timeout,
        next,
    } = ask;
    let mut options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(agent);
    if let Some(timeout) = timeout {
        options = options.timeout(Duration::from_millis(timeout));
    }
    let r = http::get(cx, options);
    r.on_timeout(cx, move |out, _, _| out.log(format!("  {name} timeout")));
    r.on_response(cx, move |_, cx, _, x| {
        x.on_timeout(cx, move |out, _, _| {
            out.log(format!("  {name} res timeout"))
        });
        x.resume(cx);
    });
    r.on_error(cx, move |out, _, _, e| {
        out.log(format!("  {name} error {}", e.code()))
    });
    r.on_close(cx, move |out, cx, _| {
        out.log(format!("  {name} close"));
        if let Some(next) = next.clone() {
            cx.set_timeout(Duration::from_millis(50), move |out, cx| next(out, cx));
        }
    });
    r
}

/// Asks, without an agent of its own.
fn alone(
    cx: &mut Cx,
    server: Server,
    (name, path): (&'static str, &'static str),
    timeout: Option<u64>,
    next: Next,
) -> ClientRequest {
    let next = Some(next);
    let one = Ask {
        name,
        agent: None,
        path,
        timeout,
        next,
    };
    ask(cx, server, one)
}

fn one(cx: &mut Cx, timeout: u64) -> Agent {
    let options = AgentOptions::new()
        .keep_alive(true)
        .max_sockets(Some(1))
        .timeout(Duration::from_millis(timeout));
    Agent::new(cx, options)
}

/// Asks for these, each when the one before is over, and destroys the agent.
fn in_turn(
    cx: &mut Cx,
    server: Server,
    agent: Agent,
    asked: &'static [(&'static str, &'static str, Option<u64>)],
    next: Next,
) {
    let Some((&(name, path, timeout), rest)) = asked.split_first() else {
        return;
    };
    let next: Next = Rc::new(move |out, cx| {
        if rest.is_empty() {
            agent.destroy(cx);
            next(out, cx);
        } else {
            in_turn(cx, server, agent, rest, Rc::clone(&next));
        }
    });
    let agent = Some(agent);
    let next = Some(next);
    let first = Ask {
        name,
        agent,
        path,
        timeout,
        next,
    };
    ask(cx, server, first);
}

const SLOW: (&str, &str) = ("slow", "/slow");
const BITS: (&str, &str) = ("bits", "/bits");

fn step(out: &mut Trace, cx: &mut Cx, server: Server, place: usize) {
    let next: Next = Rc::new(move |out, cx| step(out, cx, server, place + 1));
    match place {
        0 => {
            out.log("the timeout of one is not the next one's");
            let agent = one(cx, 0);
            let first = Ask {
                name: "1",
                agent: Some(agent),
                path: "/fast",
                timeout: Some(200),
                next: None,
            };
            ask(cx, server, first);
            let asked = &[
                ("queued", "/slow", None),
                ("3", "/fast", Some(200)),
                ("reused", "/slow", None),
            ];
            in_turn(cx, server, agent, asked, next);
        }
        1 => {
            out.log("told once, and its response every time");
            alone(cx, server, BITS, Some(200), next);
        }
        2 => {
            out.log("none is set");
            alone(cx, server, BITS, None, next);
        }
        3 => {
            out.log("the agent has one");
            let agent = one(cx, 200);
            in_turn(cx, server, agent, &[("slow", "/slow", None)], next);
        }
        4 => {
            out.log("the agent has one, and the connection is used again");
            let agent = one(cx, 200);
            let asked = &[("fast", "/fast", None), ("slow", "/slow", None)];
            in_turn(cx, server, agent, asked, next);
        }
        5 => {
            out.log("the request has a longer one");
            let agent = one(cx, 200);
            in_turn(cx, server, agent, &[("slow", "/slow", Some(2000))], next);
        }
        6 => {
            out.log("the agent closes what is idle");
            let agent = one(cx, 200);
            let later: Next = Rc::new(move |_, cx| {
                let next = Rc::clone(&next);
                cx.set_timeout(Duration::from_millis(400), move |out: &mut Trace, cx| {
                    out.log(format!("  free {}", agent.sockets(cx).1));
                    next(out, cx);
                });
            });
            let fast = Ask {
                name: "fast",
                agent: Some(agent),
                path: "/fast",
                timeout: None,
                next: Some(later),
            };
            ask(cx, server, fast);
        }
        7 => {
            out.log("setTimeout");
            alone(cx, server, SLOW, None, next).set_timeout(cx, Duration::from_millis(200));
        }
        8 => {
            out.log("setTimeout to nothing");
            alone(cx, server, SLOW, Some(200), next).set_timeout(cx, Duration::ZERO);
        }
        9 => {
            out.log("setTimeout again");
            let r = alone(cx, server, SLOW, None, next);
            r.set_timeout(cx, Duration::from_millis(200));
            r.on_timeout(cx, |_, cx, r| {
                r.set_timeout(cx, Duration::from_millis(100));
            });
        }
        10 => {
            out.log("setTimeout after the end");
            let r = alone(cx, server, ("fast", "/fast"), None, next);
            r.on_response(cx, |_, cx, r, x| {
                x.on_end(cx, move |_, cx, _| {
                    r.set_timeout(cx, Duration::from_millis(10));
                });
            });
        }
        11 => {
            out.log("destroyed by it");
            let r = alone(cx, server, SLOW, Some(200), next);
            r.on_timeout(cx, |_, cx, r| {
                r.destroy(cx);
            });
        }
        _ => {
            server.close(cx);
        }
    }
}

pub fn main(_: &mut Trace, cx: &mut Cx) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, q, r| match q.url(cx) {
        Some("/fast") => {
            r.end_with(cx, "x");
        }
        Some("/slow") => {
            cx.set_timeout(Duration::from_millis(400), move |_, cx| {
                r.end_with(cx, "x");
            });
        }
        _ => {
            r.write(cx, "a");
            cx.set_timeout(Duration::from_millis(400), move |_, cx| {
                r.write(cx, "b");
            });
            cx.set_timeout(Duration::from_millis(800), move |_, cx| {
                r.end_with(cx, "c");
            });
        }
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| step(out, cx, server, 0));
}

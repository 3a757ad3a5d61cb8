//! A request or its response is destroyed by the program, early or late, with or without a reason:
//! what is told of it, in which order.

use std::time::Duration;

use loopchat::http::{Agent, AgentOptions, ClientRequest, IncomingMessage, RequestOptions, Server};
use loopchat::net::Error;
use loopchat::{Context, http};

use crate::{Trace, code_or_message};

const TODO: [&str; 15] = [
    "/now",
    "/nowerr",
    "/socket",
    "/socketerr",
    "/response",
    "/responseerr",
    "/data",
    "/dataerr",
    "/res",
    "/reserr",
    "/researly",
    "/restwice",
    "/reqres",
    "/end",
    "/endres",
];

fn mine() -> Error {
    Error::new("mine")
}

fn on_data(
    cx: &mut Context<Trace>,
    r: ClientRequest,
    f: fn(&mut Context<Trace>, ClientRequest, IncomingMessage),
) {
    r.on_response(cx, move |_, cx, r, x| {
        x.on_data(cx, move |_, cx, x, _| f(cx, r, x));
    });
}

fn act(cx: &mut Context<Trace>, path: &str, r: ClientRequest) {
    match path {
        "/now" => {
            r.destroy(cx);
        }
        "/nowerr" => {
            r.destroy_with_error(cx, mine());
        }
        "/socket" => {
            r.on_socket(cx, |_, cx, r, _| {
                r.destroy(cx);
            });
        }
        "/socketerr" => {
            r.on_socket(cx, |_, cx, r, _| {
                r.destroy_with_error(cx, mine());
            });
        }
        "/response" => {
            r.on_response(cx, |_, cx, r, _| {
                r.destroy(cx);
            });
        }
        "/responseerr" => {
            r.on_response(cx, |_, cx, r, _| {
                r.destroy_with_error(cx, mine());
            });
        }
        "/data" => on_data(cx, r, |cx, r, _| {
            r.destroy(cx);
        }),
        "/dataerr" => on_data(cx, r, |cx, r, _| {
            r.destroy_with_error(cx, mine());
        }),
        "/res" => on_data(cx, r, |cx, _, x| x.destroy(cx)),
        "/reserr" => on_data(cx, r, |cx, _, x| x.destroy_with_error(cx, mine())),
        "/researly" => {
            r.on_response(cx, |_, cx, _, x| x.destroy(cx));
        }
        "/restwice" => on_data(cx, r, |cx, r, x| {
            x.destroy(cx);
            x.destroy_with_error(cx, mine());
            r.destroy_with_error(cx, mine());
        }),
        "/reqres" => on_data(cx, r, |cx, r, x| {
            r.destroy(cx);
            x.destroy(cx);
        }),
        "/end" => {
            r.on_response(cx, |_, cx, r, x| {
                x.on_end(cx, move |_, cx, _| {
                    r.destroy_with_error(cx, mine());
                });
            });
        }
        _ => {
            r.on_response(cx, |_, cx, _, x| {
                x.on_end(cx, |_, cx, x| x.destroy_with_error(cx, mine()));
            });
        }
    }
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: Server, place: usize) {
    let Some(&path) = TODO.get(place) else {
        kept(cx, server);
        return;
    };
    out.log(path);
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(None);
    let r = http::get(cx, options);
    r.on_error(cx, |out, _, _, e| {
        out.log(format!("  error {}", code_or_message(e)))
    });
    r.on_close(cx, move |out, cx, r| {
        out.log(format!("  close destroyed={}", r.destroyed(cx)));
        cx.set_timeout(Duration::from_millis(20), move |out, cx| {
            next(out, cx, server, place + 1)
        });
    });
    r.on_response(cx, |out, cx, _, x| {
        out.log("  response");
        x.on_aborted(cx, |out, _, _| out.log("  res aborted"));
        x.on_error(cx, |out, _, _, e| {
            out.log(format!("  res error {}", code_or_message(e)))
        });
        x.on_end(cx, |out, _, _| out.log("  res end"));
        x.on_close(cx, |out, cx, x| {
            out.log(format!("  res close complete={}", x.complete(cx)))
        });
        x.on_data(cx, |out, _, _, d| {
            out.log(format!("  res data {}", String::from_utf8_lossy(d)))
        });
    });
    act(cx, path, r);
}

type Next = Option<Box<dyn FnOnce(&mut Trace, &mut Context<Trace>)>>;

fn ask(
    cx: &mut Context<Trace>,
    (server, agent): (Server, Agent),
    path: &'static str,
    mut next: Next,
) -> ClientRequest {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(Some(agent));
    let r = http::get(cx, options);
    r.on_error(cx, move |out, _, _, e| {
        out.log(format!("{path} error {}", code_or_message(e)))
    });
    r.on_socket(cx, move |out, cx, r, _| {
        let reused = r.reused_socket(cx);
        out.log(format!("{path} socket reused={reused}"));
    });
    r.on_close(cx, move |out, cx, _| {
        out.log(format!("{path} close"));
        if let Some(next) = next.take() {
            let mut next = Some(next);
            cx.set_timeout(Duration::from_millis(20), move |out, cx| {
                if let Some(next) = next.take() {
                    next(out, cx);
                }
            });
        }
    });
    r.on_response(cx, move |_, cx, r, x| {
        x.on_aborted(cx, move |out, _, _| out.log(format!("{path} aborted")));
        x.on_end(cx, move |out, cx, x| {
            out.log(format!("{path} end"));
            if path == "/end1" {
                r.destroy_with_error(cx, mine());
                x.destroy(cx);
            }
        });
        x.on_close(cx, move |out, _, _| out.log(format!("{path} res close")));
        x.resume(cx);
    });
    r
}

/// On a connection that is kept: destroyed in its 'end' a request is over already; before it had
/// the connection, the next one gets it.
fn kept(cx: &mut Context<Trace>, server: Server) {
    let options = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
    let agent = Agent::new(cx, options);
    let to = (server, agent);
    let over: Next = Some(Box::new(move |_, cx| {
        agent.destroy(cx);
        server.close(cx);
    }));
    let third: Next = Some(Box::new(move |_, cx| {
        ask(cx, to, "/end3", None).destroy(cx);
        ask(cx, to, "/end4", None).destroy_with_error(cx, mine());
        ask(cx, to, "/end5", over);
    }));
    let second: Next = Some(Box::new(move |_, cx| {
        ask(cx, to, "/end2", third);
    }));
    ask(cx, to, "/end1", second);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, q, r| {
        if q.url(cx).is_some_and(|url| url.starts_with("/end")) {
            r.end_with(cx, "all");
            return;
        }
        r.write_head(cx, 200, &[]).expect("it is not sent");
        r.write(cx, "some");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}

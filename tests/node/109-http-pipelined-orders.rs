//! When the requests and responses of a pipeline end, finish and close: answered later, in pieces,
//! from the last to the first. Each request comes in a read of its own. And a CONNECT that nobody listens
//! to.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::http::{self, ServerResponse};
use loopchat::{Context, net};

use crate::Trace;

const CASES: [&str; 4] = ["later", "pieces", "firstlast", "afterend"];

#[derive(Default)]
struct Round {
    case: usize,
    all: Vec<ServerResponse>,
    client: Option<net::Socket>,
}

type Shared = Rc<RefCell<Round>>;

fn answer(cx: &mut Context<Trace>, n: usize, round: &Shared) {
    let (case, all) = {
        let round = round.borrow();
        (CASES[round.case], round.all.clone())
    };
    let res = all[n];
    match (case, n) {
        ("later", 2) => {
            cx.set_immediate(move |_, cx| {
                all.into_iter().for_each(|one| {
                    one.end_with(cx, "x");
                });
            });
        }
        ("pieces", _) => {
            res.write(cx, "a");
            cx.set_immediate(move |_, cx| res.end_with(cx, "b"));
        }
        ("firstlast", 1..) => {
            res.end_with(cx, "x");
            if n == 2 {
                cx.set_immediate(move |out: &mut Trace, cx| {
                    out.log("  now");
                    all[0].end_with(cx, "x");
                });
            }
        }
        ("afterend", _) => {
            res.once_finish(cx, move |out, _, _| out.log(format!("  answered {n}")));
            cx.set_immediate(move |_, cx| {
                cx.set_immediate(move |_, cx| res.end_with(cx, "x"));
            });
        }
        _ => {}
    }
}

fn post(n: usize, last: bool) -> String {
    let close = if last { "Connection: close\r\n" } else { "" };
    format!("POST /{n} HTTP/1.1\r\nHost: h\r\n{close}Content-Length: 1\r\n\r\n{n}")
}

fn run(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, round: &Shared) {
    let case = round.borrow().case;
    let Some(name) = CASES.get(case) else {
        return connect(out, cx, server);
    };
    out.log(*name);
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    round.borrow_mut().client = Some(c);
    c.write(cx, post(0, false));
    c.resume(cx);
    let round = Rc::clone(round);
    c.on_close(cx, move |_, cx, _, _| {
        let round = Rc::clone(&round);
        cx.set_immediate(move |_, cx| {
            cx.set_immediate(move |out, cx| {
                let case = round.borrow().case + 1;
                *round.borrow_mut() = Round {
                    case,
                    ..Round::default()
                };
                run(out, cx, server, &round);
            });
        });
    });
}

fn connect(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server) {
    out.log("connect");
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.write(cx, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    c.on_data(cx, |out, _, _, d| {
        out.log(format!("  {}", String::from_utf8_lossy(d)))
    });
    c.on_end(cx, |out, _, _| out.log("  end"));
    c.on_error(cx, |out, _, _, error| {
        out.log(format!("  error {}", error.code()))
    });
    c.on_close(cx, move |out, cx, _, _| {
        out.log("  close");
        server.close_then(cx, |out, _, _| out.log("closed"));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let round = Shared::default();
    let server = http::create_server(cx);
    let own = Rc::clone(&round);
    server.on_request(cx, move |out, cx, req, res| {
        let n = own.borrow().all.len();
        own.borrow_mut().all.push(res);
        out.log(format!("  request {n}"));
        req.on_data(cx, move |out, _, _, d| {
            out.log(format!("  data {n} {}", String::from_utf8_lossy(d)));
        });
        req.on_end(cx, move |out, _, _| out.log(format!("  end {n}")));
        req.on_close(cx, move |out, _, _| out.log(format!("  request close {n}")));
        res.on_finish(cx, move |out, _, _| out.log(format!("  finish {n}")));
        res.on_close(cx, move |out, _, _| {
            out.log(format!("  response close {n}"))
        });
        answer(cx, n, &own);
        let client = own.borrow().client.filter(|_| n < 2);
        cx.set_immediate(move |_, cx| {
            client.map(|client| client.write(cx, post(n + 1, n == 1)));
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| run(out, cx, server, &round));
}

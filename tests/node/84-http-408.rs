//! headersTimeout / requestTimeout: an unfinished head or body gets 408 and the connection is
//! closed, at the granularity of connectionsCheckingInterval.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

fn dial(
    cx: &mut Context<Trace>,
    server: http::Server,
    open: &Rc<Cell<u32>>,
    l: &'static str,
    request: &str,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let got = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&got);
    c.on_data(cx, move |_, _, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
    });
    c.on_end(cx, move |out, _, _| {
        for x in got.borrow().split("\r\n") {
            out.lane(l, format!("< {x}"));
        }
        out.lane(l, "end");
    });
    let open = Rc::clone(open);
    c.on_close(cx, move |out, cx, _, e| {
        out.lane(l, format!("close {e}"));
        open.set(open.get() - 1);
        if open.get() == 0 {
            server.close(cx);
        }
    });
    c.write(cx, request);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.set_headers_timeout(cx, Duration::from_millis(150));
    server.set_request_timeout(cx, Duration::from_millis(300));
    server.set_connections_checking_interval(cx, Duration::from_millis(50));
    server.on_request(cx, |out, cx, req, res| {
        let l = match req.url(cx).expect("it is there") {
            "/body" => "body",
            "/done" => "done",
            _ => "head",
        };
        res.set_send_date(cx, false);
        out.lane(l, "request");
        req.on_error(cx, move |out, _, _, e| {
            out.lane(l, format!("req error {}", e.code()))
        });
        req.on_end(cx, move |out, cx, _| {
            out.lane(l, "req end");
            res.end_with(cx, "fine");
        });
        req.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let open = Rc::new(Cell::new(3));
        let post = |path: &str, length: u32, extra: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{extra}\r\nab")
        };
        dial(
            cx,
            server,
            &open,
            "head",
            "GET /head HTTP/1.1\r\nHost: x\r\nX-Unfin",
        );
        dial(cx, server, &open, "body", &post("/body", 5, ""));
        dial(
            cx,
            server,
            &open,
            "done",
            &post("/done", 2, "Connection: close\r\n"),
        );
    });
}

//! server.close() destroys idle keep-alive connections at once. A busy one finishes its response,
//! which still says keep-alive, and STAYS OPEN afterwards (until keepAliveTimeout):
//! closeIdleConnections() has to be called again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

fn dial(
    cx: &mut Context<Trace>,
    server: http::Server,
    l: &'static str,
    on_text: impl Fn(&mut Context<Trace>, &str) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let text = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, cx, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d));
        on_text(cx, &heard.borrow());
    });
    c.on_end(cx, move |out, _, _| {
        for x in text.borrow().split("\r\n") {
            out.lane(l, format!("< {x}"));
        }
        out.lane(l, "end");
    });
    c.on_error(cx, move |out, _, _, e| {
        out.lane(l, format!("error {}", e.code()))
    });
    c.on_close(cx, move |out, _, _, e| out.lane(l, format!("close {e}")));
    c.write(cx, format!("GET /{l} HTTP/1.1\r\nHost: x\r\n\r\n"));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, move |out, cx, req, res| {
        res.set_send_date(cx, false);
        out.lane(
            "server",
            format!("request {}", req.url(cx).expect("it is there")),
        );
        if req.url(cx) == Some("/idle") {
            res.end_with(cx, "quick");
            return;
        }
        cx.set_timeout(Duration::from_millis(200), move |out: &mut Trace, cx| {
            server.close_then(cx, |out, _, _| out.lane("server", "close callback"));
            out.lane(
                "server",
                format!("close() called listening={}", server.listening(cx)),
            );
            cx.set_timeout(Duration::from_millis(400), move |out: &mut Trace, cx| {
                out.lane("server", "answering");
                res.end_with(cx, "slow");
                cx.set_timeout(Duration::from_millis(400), move |out: &mut Trace, cx| {
                    out.lane("server", "closeIdleConnections again");
                    server.close_idle_connections(cx);
                });
            });
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let once = Cell::new(true);
        dial(cx, server, "idle", move |cx, t| {
            if once.get() && t.ends_with("quick") {
                once.set(false);
                dial(cx, server, "active", |_, _| {});
            }
        });
    });
}

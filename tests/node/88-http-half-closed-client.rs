//! A client that sends its request and FIN at once: a response finished in the handler arrives, a
//! later (asynchronous) one does not: http servers end the socket on 'end' (httpAllowHalfOpen is
//! false).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

fn run(
    cx: &mut Context<Trace>,
    server: http::Server,
    url: &'static str,
    next: impl FnOnce(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let text = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, _, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
    });
    c.on_end(cx, move |out, _, _| {
        for l in text.borrow().split("\r\n") {
            out.log(format!("{url} < {l}"));
        }
        out.log(format!("{url} end"));
    });
    let mut next = Some(next);
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{url} close {e}"));
        let mut next = next.take();
        cx.set_timeout(Duration::from_millis(600), move |_, cx| {
            if let Some(next) = next.take() {
                next(cx);
            }
        });
    });
    c.end_with(cx, format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n"));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        res.set_send_date(cx, false);
        let url = req.url(cx).expect("it is there").to_owned();
        out.log(format!("request {url}"));
        if url == "/now" {
            res.end_with(cx, "now");
            return;
        }
        cx.set_timeout(Duration::from_millis(300), move |out: &mut Trace, cx| {
            out.log(format!(
                "{url} end() in handler, destroyed={}",
                res.destroyed(cx)
            ));
            res.end_with(cx, "later");
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        run(cx, server, "/now", move |cx| {
            run(cx, server, "/later", move |cx| {
                server.close_then(cx, |out, _, _| out.log("server close"));
            });
        });
    });
}

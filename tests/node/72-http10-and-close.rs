//! HTTP/1.0: answered as HTTP/1.1, never chunked, closed after the response, unless keep-alive was
//! asked AND the handler itself set Content-Length (an implied length does not count).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

const K: &str = "Connection: keep-alive\r\n";
const CASES: [(&str, &str, &str); 5] = [
    ("plain", "/implied", ""),
    ("stream", "/stream", ""),
    ("keep", "/implied", K),
    ("keepstream", "/stream", K),
    ("keepset", "/set", K),
];

fn next(cx: &mut Context<Trace>, server: http::Server, place: usize) {
    let Some(&(name, url, extra)) = CASES.get(place) else {
        server.close_then(cx, |out, _, _| out.log("server close"));
        return;
    };
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let (text, ended) = (
        Rc::new(RefCell::new(String::new())),
        Rc::new(Cell::new(false)),
    );
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, _, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
    });
    let end = Rc::clone(&ended);
    c.on_end(cx, move |_, _, _| end.set(true));
    c.write(cx, format!("GET {url} HTTP/1.0\r\n{extra}\r\n"));
    cx.set_timeout(Duration::from_millis(600), move |out: &mut Trace, cx| {
        for l in text.borrow().split("\r\n") {
            out.log(format!("{name} < {l}"));
        }
        out.log(format!("{name} closed by server {}", ended.get()));
        c.destroy(cx);
        cx.set_timeout(Duration::from_millis(100), move |_, cx| {
            next(cx, server, place + 1)
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, req, res| {
        res.set_send_date(cx, false);
        if req.url(cx) == Some("/set") {
            res.set_header(cx, "Content-Length", "5").unwrap();
        }
        if req.url(cx) == Some("/stream") {
            res.write(cx, "un");
        }
        res.end_with(cx, "known");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| next(cx, server, 0));
}

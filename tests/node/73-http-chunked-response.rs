//! Several writes and no Content-Length: chunked framing, one chunk per write, empty writes give
//! no chunk; trailers; writeHead by hand.

use std::cell::RefCell;

use loopchat::{Context, http, net};

use crate::Trace;

fn get(
    cx: &mut Context<Trace>,
    server: http::Server,
    url: &'static str,
    stop: &'static str,
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let text = RefCell::new(String::new());
    c.on_data(cx, move |out, cx, c, d| {
        text.borrow_mut().push_str(&String::from_utf8_lossy(d));
        if !text.borrow().ends_with(stop) {
            return;
        }
        for l in text.borrow().split("\r\n") {
            out.log(format!("{url} < {l}"));
        }
        c.end(cx);
    });
    c.on_close(cx, move |_, cx, _, _| next(cx));
    c.write(cx, format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n"));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        res.set_send_date(cx, false);
        if req.url(cx) == Some("/length") {
            res.write_head(cx, 200, &[("Content-Length", "6")]).unwrap();
            res.write(cx, "abc");
            res.end_with(cx, "def");
            return;
        }
        res.set_status_message(cx, "Made").unwrap();
        res.write_head(cx, 201, &[("X-A", "1"), ("Trailer", "X-Sum")])
            .unwrap();
        out.log(format!("write {}", res.write(cx, "hello")));
        res.write(cx, "");
        res.write(cx, "é");
        cx.set_immediate(move |_, cx| {
            res.write(cx, "x".repeat(20));
            res.add_trailers(cx, &[("X-Sum", "42")]).unwrap();
            res.end_with(cx, "!");
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        get(cx, server, "/chunked", "X-Sum: 42\r\n\r\n", move |cx| {
            get(cx, server, "/length", "abcdef", move |cx| {
                server.close(cx);
            });
        });
    });
}

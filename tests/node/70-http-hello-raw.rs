//! The exact bytes of a minimal response to a raw HTTP/1.1 request (Date masked), and the request
//! as the handler sees it.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::{Context, http, net};

use crate::{Trace, mask_date};

fn json<'a>(items: impl Iterator<Item = (&'a str, String)>, separator: &str) -> String {
    let items: Vec<_> = items
        .map(|(name, value)| format!("\"{name}\"{separator}\"{value}\""))
        .collect();
    items.join(",")
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        let head = req.head(cx).unwrap();
        let (method, url, version) = (head.method(), head.url(), head.http_version());
        out.log(format!("request {method} {url} HTTP/{version}"));
        let headers = head.headers();
        let headers = headers
            .iter()
            .map(|(name, value)| (&name[..], value.clone()));
        out.log(format!("headers {{{}}}", json(headers, ":")));
        let raw = head.raw_headers();
        let raw = raw.map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
        out.log(format!("rawHeaders [{}]", json(raw, ",")));
        let (status, sent) = (
            res.status_code(cx).expect("it is there"),
            res.headers_sent(cx),
        );
        out.log(format!("defaults status={status} headersSent={sent}"));
        res.set_header(cx, "Content-Type", "text/plain").unwrap();
        res.end_with(cx, "hello");
        let (sent, ended) = (res.headers_sent(cx), res.writable_ended(cx));
        out.log(format!(
            "after end headersSent={sent} writableEnded={ended}"
        ));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let text = Rc::new(RefCell::new(String::new()));
        c.on_data(cx, move |out, cx, c, d| {
            text.borrow_mut().push_str(&String::from_utf8_lossy(d));
            if text.borrow().ends_with("hello") {
                for l in mask_date(&text.borrow()).split("\r\n") {
                    out.log(format!("< {l}"));
                }
                c.end(cx);
                server.close(cx);
            }
        });
        c.on_end(cx, |out, _, _| out.log("end"));
        c.write(
            cx,
            "GET /a/b?c=d HTTP/1.1\r\nHost: Example.COM\r\nX-Dup: 1\r\nx-dup:   2  \r\nAccept: a\r\n\r\n",
        );
    });
}

//! Without a 'clientError' listener a malformed request gets a fixed 400 (431 for too large
//! headers) and the socket is destroyed; the handler never runs.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::{Context, http, net};

use crate::{Trace, mask_date};

const H: &str = "Host: x\r\n";

fn cases() -> Vec<(&'static str, String)> {
    vec![
        ("garbage", "this is not http\r\n\r\n".into()),
        ("bad version", format!("GET / HTTP/9.9\r\n{H}\r\n")),
        ("no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n".into()),
        (
            "space before colon",
            format!("GET / HTTP/1.1\r\n{H}X : y\r\n\r\n"),
        ),
        (
            "bad length",
            format!("POST / HTTP/1.1\r\n{H}Content-Length: 5x\r\n\r\nhello"),
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\n{H}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ),
        (
            "length and chunked",
            format!(
                "POST / HTTP/1.1\r\n{H}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
        ),
        (
            "bare cr",
            format!("GET / HTTP/1.1\r\n{H}A: b\rC: d\r\n\r\n"),
        ),
        (
            "headers over 16 KiB",
            format!("GET / HTTP/1.1\r\n{H}Big: {}\r\n\r\n", "a".repeat(17000)),
        ),
        (
            "headers under 16 KiB",
            format!(
                "GET /big HTTP/1.1\r\n{H}Connection: close\r\nBig: {}\r\n\r\n",
                "a".repeat(16000)
            ),
        ),
    ]
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, place: usize) {
    let Some((name, request)) = cases().into_iter().nth(place) else {
        server.close_then(cx, |out, _, _| out.log("server close"));
        return;
    };
    out.log(format!("-- {name}"));
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let text = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, _, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
    });
    c.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
    c.on_end(cx, move |out, _, _| {
        for l in mask_date(&text.borrow()).split("\r\n") {
            out.log(format!("< {l}"));
        }
        out.log("end");
    });
    c.on_close(cx, move |out, cx, _, _| next(out, cx, server, place + 1));
    c.write(cx, request);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        out.log(format!("request {}", req.url(cx).expect("it is there")));
        res.set_send_date(cx, false);
        res.end_with(cx, "ok");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}

//! maxRequestsPerSocket=2: the 2nd response says Connection: close, a pipelined 3rd gets
//! 'dropRequest' and 503; yet the server does NOT close the socket itself (that is left to the
//! client or keepAliveTimeout).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::{Trace, mask_date};

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        let url = req.url(cx).expect("it is there").to_owned();
        out.log(format!("request {url}"));
        res.set_send_date(cx, false);
        res.end_with(cx, url);
    });
    server.set_max_requests_per_socket(cx, 2);
    server.on_drop_request(cx, |out, cx, req, _| {
        out.log(format!("dropRequest {}", req.url(cx).expect("it is there")))
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (text, ended) = (RefCell::new(String::new()), Rc::new(Cell::new(false)));
        let end = Rc::clone(&ended);
        c.on_data(cx, move |out, cx, c, d| {
            text.borrow_mut().push_str(&String::from_utf8_lossy(d));
            if !text.borrow().ends_with("\r\n0\r\n\r\n") {
                return;
            }
            for l in mask_date(&text.borrow()).split("\r\n") {
                out.log(format!("< {l}"));
            }
            let ended = Rc::clone(&ended);
            cx.set_timeout(Duration::from_millis(600), move |out: &mut Trace, cx| {
                out.log(format!("600 ms later ended by the server {}", ended.get()));
                c.end(cx);
            });
        });
        c.on_end(cx, move |_, _, _| end.set(true));
        c.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            server.close_then(cx, |out, _, _| out.log("server close"));
        });
        c.write(cx, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
        cx.set_timeout(Duration::from_millis(300), move |_, cx| {
            c.write(
                cx,
                "GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
            )
        });
    });
}

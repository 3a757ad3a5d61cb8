//! With a 'clientError' listener nothing is sent or closed automatically; the listener gets the
//! error (code) and the socket.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        out.lane(
            "server",
            format!("request {}", req.url(cx).expect("it is there")),
        );
        res.end_with(cx, "ok");
    });
    server.on_client_error(cx, |out, cx, e, s| {
        let (code, writable, destroyed) = (e.code(), s.writable(cx), s.destroyed(cx));
        out.lane(
            "server",
            format!("clientError {code} writable={writable} destroyed={destroyed}"),
        );
        cx.set_timeout(Duration::from_millis(200), move |_, cx| {
            s.end_with(cx, "HTTP/1.1 418 Custom\r\n\r\n")
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let text = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&text);
        c.on_data(cx, move |_, cx, c, d| {
            if heard.borrow().is_empty() {
                c.write(cx, "BAD REQUEST LINE\r\n\r\n");
            }
            heard.borrow_mut().push_str(&String::from_utf8_lossy(d));
        });
        c.on_end(cx, move |out, _, _| {
            let text = text.borrow();
            let lines = text.match_indices("HTTP/1.1 ");
            let lines: Vec<_> = lines.map(|(at, _)| text[at..].lines().next()).collect();
            let lines: Vec<_> = lines
                .iter()
                .flatten()
                .map(|line| format!("\"{line}\""))
                .collect();
            out.lane("client", format!("end, status lines [{}]", lines.join(",")));
        });
        c.on_close(cx, move |out, cx, _, e| {
            out.lane("client", format!("close {e}"));
            server.close_then(cx, |out, _, _| out.lane("server", "close"));
        });
        c.write(cx, "GET /good HTTP/1.1\r\nHost: x\r\n\r\n");
    });
}

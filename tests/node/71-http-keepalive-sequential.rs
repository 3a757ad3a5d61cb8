//! Two requests one after the other on one kept-alive connection, then Connection: close on the
//! third: the server ends the socket.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loopchat::{Context, http, net};

use crate::{Trace, or_undefined};

fn ask(cx: &mut Context<Trace>, c: net::Socket, n: u32) {
    let close = if n == 3 { "Connection: close\r\n" } else { "" };
    c.write(cx, format!("GET /{n} HTTP/1.1\r\nHost: x\r\n{close}\r\n"));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let conns = Rc::new(Cell::new(0));
    let server = http::create_server(cx);
    let count = Rc::clone(&conns);
    server.on_request(cx, move |out, cx, req, res| {
        let (url, connection) = (
            req.url(cx).expect("it is there").to_owned(),
            req.header(cx, "connection"),
        );
        let (conns, connection) = (count.get(), or_undefined(connection));
        out.log(format!(
            "request {url} connections={conns} connection header={connection}"
        ));
        res.set_send_date(cx, false);
        res.end_with(cx, format!("body of {url}"));
    });
    server
        .net()
        .on_connection(cx, move |_, _, _| conns.set(conns.get() + 1));
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let n = Cell::new(1);
        let text = RefCell::new(String::new());
        c.on_data(cx, move |out, cx, c, d| {
            text.borrow_mut().push_str(&String::from_utf8_lossy(d));
            if !text.borrow().ends_with(&format!("body of /{}", n.get())) {
                return;
            }
            for l in text.take().split("\r\n") {
                out.log(format!("< {l}"));
            }
            n.set(n.get() + 1);
            if n.get() <= 3 {
                ask(cx, c, n.get());
            }
        });
        c.on_end(cx, |out, _, _| out.log("client end"));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("client close {e}"));
            server.close_then(cx, |out, _, _| out.log("server close"));
        });
        ask(cx, c, 1);
    });
}

//! 'upgrade' instead of 'request', with the bytes after the head; the raw socket then belongs to
//! the listener. Without an 'upgrade' listener, or without Connection: upgrade, it is an ordinary
//! request.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::{Context, http, net};

use crate::Trace;

const UP: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: chat\r\n";

fn run(
    cx: &mut Context<Trace>,
    server: http::Server,
    (name, headers, tail): (&'static str, &str, &str),
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let text = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, cx, c, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d));
        if heard.borrow().ends_with("\r\n\r\n") {
            c.write(cx, "ping");
        }
        if heard.borrow().ends_with("echo ping") {
            c.end(cx);
        }
    });
    c.on_close(cx, move |out, cx, _, _| {
        for l in text.borrow().split("\r\n") {
            out.log(format!("{name} < {l}"));
        }
        next(cx);
    });
    c.write(
        cx,
        format!("GET /ws HTTP/1.1\r\nHost: x\r\n{headers}\r\n{tail}"),
    );
}

fn on_upgrade(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    req: &http::Head,
    sock: net::Socket,
    head: &[u8],
) {
    let (method, url) = (req.method(), req.url());
    let upgrade = req.header_str("upgrade").unwrap();
    let head = String::from_utf8_lossy(head);
    out.log(format!("upgrade {method} {url} {upgrade} head=\"{head}\""));
    sock.write(
        cx,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n",
    );
    sock.on_data(cx, |_, cx, sock, d| sock.write(cx, [b"echo ", d].concat()));
    sock.on_end(cx, |out, cx, sock| {
        out.log("upgraded socket end");
        sock.end_with(cx, "bye");
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        // What was upgraded never comes here.
        let upgrade = req.header(cx, "upgrade").unwrap().to_owned();
        out.log(format!(
            "request upgrade header={upgrade} req.upgrade=false"
        ));
        res.set_send_date(cx, false);
        res.write_head(cx, 200, &[("Connection", "close")]).unwrap();
        res.end_with(cx, "plain");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        run(cx, server, ("nolistener", UP, ""), move |cx| {
            server.on_upgrade(cx, on_upgrade);
            let plain = "Upgrade: chat\r\n";
            run(cx, server, ("noconnection", plain, ""), move |cx| {
                run(cx, server, ("upgraded", UP, "early"), move |cx| {
                    server.close_then(cx, |out, _, _| out.log("server close"));
                });
            });
        });
    });
}

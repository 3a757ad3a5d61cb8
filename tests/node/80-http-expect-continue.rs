//! Expect: 100-continue is answered by itself; with 'checkContinue' the handler decides; a refused
//! one closes; other expectations get 417.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loopchat::http::{IncomingMessage, ServerResponse};
use loopchat::{Context, http, net};

use crate::{Trace, mask_date};

fn answer(cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    let body = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&body);
    req.on_data(cx, move |_, _, _, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
    });
    req.on_end(cx, move |out, cx, req| {
        out.log(format!(
            "{} body \"{}\"",
            req.url(cx).expect("it is there"),
            body.borrow()
        ));
        res.set_send_date(cx, false);
        res.end_with(cx, "done");
    });
}

fn check(out: &mut Trace, cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    out.log(format!(
        "checkContinue {}",
        req.url(cx).expect("it is there")
    ));
    if req.url(cx) == Some("/yes") {
        res.write_continue(cx);
        answer(cx, req, res);
    } else {
        res.set_send_date(cx, false);
        res.set_status_code(cx, 403);
        res.end_with(cx, "no");
    }
}

fn run(
    cx: &mut Context<Trace>,
    server: http::Server,
    (url, expect): (&'static str, &str),
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let (text, sent) = (Rc::new(RefCell::new(String::new())), Cell::new(false));
    let heard = Rc::clone(&text);
    c.on_data(cx, move |_, cx, c, d| {
        heard.borrow_mut().push_str(&String::from_utf8_lossy(d));
        if heard.borrow().contains(" 100 ") && !sent.replace(true) {
            c.write(cx, "abc");
        }
        if heard.borrow().ends_with("done") {
            c.end(cx);
        }
    });
    c.on_end(cx, |_, cx, c| c.end(cx));
    c.on_close(cx, move |out, cx, _, _| {
        for l in mask_date(&text.borrow()).split("\r\n") {
            out.log(format!("{url} < {l}"));
        }
        next(cx);
    });
    let close = if url == "/odd" {
        "Connection: close\r\n"
    } else {
        ""
    };
    c.write(
        cx,
        format!(
            "POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: {expect}\r\n{close}\r\n"
        ),
    );
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        out.log(format!("request {}", req.url(cx).expect("it is there")));
        answer(cx, req, res);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        run(cx, server, ("/auto", "100-continue"), move |cx| {
            run(cx, server, ("/odd", "tea"), move |cx| {
                server.on_check_continue(cx, check);
                run(cx, server, ("/yes", "100-Continue"), move |cx| {
                    run(cx, server, ("/no", "100-continue"), move |cx| {
                        server.close(cx);
                    });
                });
            });
        });
    });
}

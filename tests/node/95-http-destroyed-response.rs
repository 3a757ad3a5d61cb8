//! A response that the program gives up: what it says of itself at once, and what writes and ends
//! behind that are told.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;
use loopchat::http::{self, ServerResponse};
use loopchat::net::{self, Error};

use crate::Trace;

type Todo = Rc<RefCell<VecDeque<&'static str>>>;

fn show(cx: &Context<Trace>, res: ServerResponse) -> String {
    let (destroyed, ended) = (res.destroyed(cx), res.writable_ended(cx));
    format!(
        "destroyed={destroyed} ended={ended} sent={}",
        res.headers_sent(cx)
    )
}

fn told(
    name: &'static str,
) -> impl FnOnce(&mut Trace, &mut Context<Trace>, Option<&Error>) + 'static {
    move |out, _, e| out.log(format!("{name} {}", e.map_or("fine", Error::code)))
}

fn request(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    (server, todo): (http::Server, &Todo),
    (url, res): (&str, ServerResponse),
) {
    res.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
    res.on_finish(cx, |out, _, _| out.log("finish"));
    let rest = Rc::clone(todo);
    res.on_close(cx, move |out, cx, res| {
        out.log(format!("close {}", show(cx, res)));
        let fine = res.write_then(cx, "late", told("late told"));
        out.log(format!("late {fine}"));
        let rest = Rc::clone(&rest);
        cx.set_timeout(Duration::from_millis(20), move |out: &mut Trace, cx| {
            next(out, cx, server, &rest)
        });
    });
    out.log(format!("request {url} {}", show(cx, res)));
    match url {
        "/written" => {
            res.write(cx, "a");
            res.destroy(cx);
            out.log(show(cx, res));
            let fine = res.write_then(cx, "b", told("b told"));
            out.log(format!("write {fine}"));
            res.end_then(cx, "c", told("c told"));
            out.log(show(cx, res));
            let fine = res.write_then(cx, "d", told("d told"));
            out.log(format!("write {fine}"));
        }
        "/nothing" => {
            res.destroy(cx);
            let shown = show(cx, res);
            out.log(format!("{shown} write {}", res.write(cx, "x")));
            res.destroy(cx);
        }
        "/ended" => {
            res.end_then(cx, "all", told("all told"));
            res.destroy(cx);
            let shown = show(cx, res);
            let fine = res.write_then(cx, "x", told("x told"));
            out.log(format!("{shown} write {fine}"));
        }
        _ => {
            res.write_then(cx, "a", told("a told"));
            cx.set_timeout(Duration::from_millis(20), move |out: &mut Trace, cx| {
                out.log(show(cx, res));
                res.destroy(cx);
                out.log(show(cx, res));
            });
        }
    }
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, todo: &Todo) {
    let Some(path) = todo.borrow_mut().pop_front() else {
        server.close_then(cx, |out: &mut Trace, _, _| out.log("server close"));
        return;
    };
    out.log(format!("-- {path}"));
    let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    client.on_connect(cx, move |_, cx, client| {
        client.write(cx, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    });
    client.on_error(cx, |_, _, _, _| {});
    client.resume(cx);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let todo: Todo = Rc::new(RefCell::new(
        ["/written", "/nothing", "/ended", "/later"].into(),
    ));
    let server = http::create_server(cx);
    let rest = Rc::clone(&todo);
    server.on_request(cx, move |out, cx, req, res| {
        let url = req.url(cx).expect("it is there").to_owned();
        request(out, cx, (server, &rest), (&url, res));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| next(out, cx, server, &todo));
}

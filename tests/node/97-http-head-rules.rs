//! How fields that are set, appended, listed and removed come out; which of its own the server
//! adds, and when it ends the connection.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{self, ServerResponse};
use loopchat::net::Error;
use loopchat::{Context, net};

use crate::Trace;

const PATHS: [&str; 10] = [
    "/append",
    "/list",
    "/head",
    "/plain",
    "/mine",
    "/rm",
    "/rm-length",
    "/close",
    "/keep",
    "/upper",
];

type Todo = Rc<RefCell<VecDeque<&'static str>>>;

fn prepare(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    path: &str,
    res: ServerResponse,
) -> Result<(), Error> {
    match path {
        "/append" => {
            res.set_header(cx, "X-A", "1")?;
            res.append_header(cx, "X-C", "3")?;
            res.set_header(cx, "X-B", "2")?;
            res.append_header(cx, "x-c", "4")?;
            res.append_header(cx, "X-b", "5")?;
            out.log(res.get_header_names(cx).join(","));
        }
        "/list" => {
            res.set_header(cx, "Set-Cookie", "a=1")?;
            res.append_header(cx, "Set-Cookie", "b=2")?;
            res.append_header(cx, "set-cookie", "c=3")?;
            res.set_header(cx, "x-n", "7")?;
            let names = res.get_header_names(cx).join(",");
            out.log(format!("{names} {}", res.has_header(cx, "X-N")));
        }
        "/head" => {
            res.set_header(cx, "X-A", "1")?;
            res.set_header(cx, "X-B", "2")?;
            res.set_status_message(cx, "Made So")?;
            res.write_head(
                cx,
                201,
                &[("x-a", "new"), ("X-D", "5"), ("Content-Length", "1")],
            )?;
        }
        "/mine" => _ = res.set_header(cx, "Keep-Alive", "timeout=9")?,
        "/rm" => _ = res.remove_header(cx, "Connection")?,
        "/rm-length" => _ = res.remove_header(cx, "Content-Length")?,
        "/close" => _ = res.set_header(cx, "Connection", "close")?,
        "/keep" => _ = res.set_header(cx, "Connection", "keep-alive")?,
        "/upper" => _ = res.set_header(cx, "CONNECTION", "Close")?,
        _ => {}
    }
    Ok(())
}

fn next(cx: &mut Context<Trace>, server: http::Server, todo: &Todo) {
    let Some(path) = todo.borrow_mut().pop_front() else {
        server.close_then(cx, |out: &mut Trace, _, _| out.log("server close"));
        return;
    };
    let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    client.on_connect(cx, move |_, cx, client| {
        client.write(cx, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    });
    let (text, ended) = (
        Rc::new(RefCell::new(String::new())),
        Rc::new(Cell::new(false)),
    );
    let (heard, is_over) = (Rc::clone(&text), Rc::clone(&ended));
    client.on_data(cx, move |_, _, _, d| {
        *heard.borrow_mut() += &String::from_utf8_lossy(d)
    });
    client.on_end(cx, move |_, _, _| is_over.set(true));
    let rest = Rc::clone(todo);
    cx.set_timeout(Duration::from_millis(40), move |out: &mut Trace, cx| {
        out.log(format!("-- {path} ended {}", ended.get()));
        for line in text.borrow().split("\r\n") {
            out.log(format!("< {line}"));
        }
        client.destroy(cx);
        next(cx, server, &rest);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let todo: Todo = Rc::new(RefCell::new(PATHS.into()));
    let server = http::create_server(cx);
    server.set_keep_alive_timeout(cx, Duration::from_millis(12010));
    server.on_request(cx, |out, cx, req, res| {
        let path = req.url(cx).expect("it is there").to_owned();
        res.set_send_date(cx, false);
        prepare(out, cx, &path, res).expect("these may be set");
        res.end_with(cx, "x");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |_, cx, server| next(cx, server, &todo));
}

//! Who is told that a connection of a server was idle: the time is set on the request, the
//! response, their socket or the server; without a listener it closes; the next request on the
//! connection is not told of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{self, IncomingMessage, ServerResponse};
use loopchat::{Context, net};

use crate::Trace;

/// A case's name, the request line without its version, its fields, and the request behind it.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const CASES: [Case; 7] = [
    ("req", "GET /req/100", "", None),
    ("res", "GET /res/100", "", None),
    ("socket", "GET /socket/100", "", None),
    (
        "body",
        "POST /req/100",
        "Connection: close\r\nContent-Length: 5\r\n",
        None,
    ),
    ("nobody", "GET /nobody/100", "", None),
    ("two", "GET /once/2000", "", Some("GET /behind")),
    ("server", "GET /server/0", "", None),
];

type Todo = Rc<RefCell<VecDeque<Case>>>;

fn handler(out: &mut Trace, cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    let url = req.url(cx).expect("it is there").to_owned();
    out.log(format!("request {url}"));
    let mut parts = url.split('/').skip(1);
    let by = parts.next().unwrap_or_default().to_owned();
    let ms: u64 = parts.next().map_or(0, |ms| ms.parse().expect("a number"));
    if by == "behind" {
        res.on_timeout(cx, |out, _, _| out.log("behind timeout"));
        cx.set_timeout(Duration::from_millis(300), move |_, cx| {
            res.end_with(cx, "behind");
        });
        return;
    }
    if by != "nobody" {
        req.on_timeout(cx, |out, _, _| out.log("req timeout"));
        res.on_timeout(cx, |out, _, _| out.log("res timeout"));
        res.on_close(cx, |out, _, _| out.log("res close"));
    }
    match by.as_str() {
        "req" | "nobody" => _ = req.set_timeout(cx, Duration::from_millis(ms)),
        "res" => _ = res.set_timeout(cx, Duration::from_millis(ms)),
        "socket" => _ = req.socket().set_timeout(cx, Duration::from_millis(ms)),
        _ => {}
    }
    req.resume(cx);
    if by == "once" {
        req.set_timeout(cx, Duration::from_millis(ms));
        res.end_with(cx, "once");
        return;
    }
    cx.set_timeout(Duration::from_millis(150), move |_, cx| {
        req.socket().set_timeout(cx, Duration::ZERO);
        res.end_with(cx, &by);
    });
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, servers: [http::Server; 2], todo: &Todo) {
    let [server, quiet] = servers;
    let one = todo.borrow_mut().pop_front();
    let Some((name, first, fields, second)) = one else {
        quiet.close(cx);
        server.close_then(cx, |out: &mut Trace, _, _| out.log("server close"));
        return;
    };
    out.log(format!("-- {name}"));
    if name == "server" {
        server.set_timeout(cx, Duration::from_millis(100));
    }
    let to = if name == "nobody" { quiet } else { server };
    let client = net::create_connection(cx, ("127.0.0.1", to.port(cx)));
    client.on_connect(cx, move |_, cx, client| {
        client.write(cx, format!("{first} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
    });
    let bodies = Cell::new(0);
    client.on_data(cx, move |out, cx, client, d| {
        bodies.set(bodies.get() + 1);
        let text = String::from_utf8_lossy(d);
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        out.log(format!("answer {body}"));
        match second {
            Some(second) if bodies.get() == 1 => {
                cx.set_timeout(Duration::from_millis(20), move |_, cx| {
                    client.write(cx, format!("{second} HTTP/1.1\r\nHost: x\r\n\r\n"));
                });
            }
            _ if name != "body" => _ = client.end(cx),
            _ => {}
        }
    });
    let rest = Rc::clone(todo);
    client.on_close(cx, move |out, cx, _, _| {
        out.log("closed");
        let rest = Rc::clone(&rest);
        cx.set_timeout(Duration::from_millis(20), move |out, cx| {
            next(out, cx, servers, &rest)
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let todo: Todo = Rc::new(RefCell::new(CASES.into()));
    let (server, quiet) = (http::create_server(cx), http::create_server(cx));
    server.on_request(cx, handler);
    quiet.on_request(cx, handler);
    server.on_timeout(cx, |out, _, _| out.log("server timeout"));
    server.set_keep_alive_timeout(cx, Duration::from_secs(5));
    quiet.listen(cx, ("127.0.0.1", 0));
    quiet.on_listening(cx, move |_, cx, _| {
        server.listen(cx, ("127.0.0.1", 0));
    });
    server.on_listening(cx, move |out, cx, server| {
        next(out, cx, [server, quiet], &todo)
    });
}

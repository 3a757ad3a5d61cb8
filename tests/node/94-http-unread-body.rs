//! A body that the handler does not read: the client's end is heard all the same, a request that
//! has come in time is no late one, and a paused body is thrown away once the answer has gone.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{self, IncomingMessage, ServerResponse};
use loopchat::{Context, net};

use crate::Trace;

const HEAD: &str = "Host: x\r\n";

/// How a client goes away: its name, what it sends first, and whether it resets.
type Gone = (&'static str, String, bool);

/// What is still to be tried, and the client that is to go away.
struct Plan {
    gone: RefCell<VecDeque<Gone>>,
    paused: RefCell<VecDeque<(&'static str, usize)>>,
    client: Cell<Option<(net::Socket, bool)>>,
}

type Callback = Box<dyn FnOnce(&mut Trace, &mut Context<Trace>)>;

fn paused(cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    let n = Rc::new(Cell::new(0));
    if req.url(cx) != Some("/paused-alone") {
        let count = Rc::clone(&n);
        req.on_data(cx, move |_, _, _, d| count.set(count.get() + d.len()));
    }
    let count = Rc::clone(&n);
    req.on_end(cx, move |out, _, _| out.log(format!("end {}", count.get())));
    req.pause(cx);
    cx.set_timeout(Duration::from_millis(60), move |out: &mut Trace, cx| {
        out.log(format!("resume at {}", n.get()));
        req.resume(cx);
    });
    res.end_with(cx, "paused");
}

fn late(cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    req.on_data(cx, |out, _, _, d| {
        out.log(format!("data {}", String::from_utf8_lossy(d)));
    });
    req.pause(cx);
    cx.set_timeout(Duration::from_millis(400), move |_, cx| {
        req.resume(cx);
        req.on_end(cx, move |out, cx, _| {
            out.log("late end");
            res.end_with(cx, "late");
        });
    });
}

fn request(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    (server, plan): (http::Server, &Rc<Plan>),
    (req, res): (IncomingMessage, ServerResponse),
) {
    out.log(format!(
        "request {} {}",
        req.method(cx).expect("it is there"),
        req.url(cx).expect("it is there")
    ));
    match req.url(cx).expect("it is there") {
        url if url.starts_with("/paused") => return paused(cx, req, res),
        "/behind" => {
            res.end_with(cx, "behind");
            return;
        }
        "/late" => return late(cx, req, res),
        _ => {}
    }
    req.on_aborted(cx, |out, _, _| out.log("aborted"));
    req.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
    let next = Rc::clone(plan);
    req.on_close(cx, move |out, cx, _| {
        out.log("close");
        let next = Rc::clone(&next);
        cx.set_immediate(move |out, cx| step(out, cx, server, &next));
    });
    res.on_close(cx, |out, _, _| out.log("res close"));
    res.on_finish(cx, |out, _, _| out.log("finish"));
    match plan.client.take() {
        Some((client, true)) => client.reset_and_destroy(cx).expect("it is TCP"),
        Some((client, false)) => {
            client.destroy(cx);
        }
        None => panic!("nobody has asked"),
    }
}

fn ask(cx: &mut Context<Trace>, server: http::Server, text: String, done: Callback) {
    let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    if !text.contains("close") {
        cx.set_timeout(Duration::from_millis(100), move |_, cx| {
            client.end(cx);
        });
    }
    client.on_connect(cx, move |_, cx, client| {
        client.write(cx, &text);
    });
    let all = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&all);
    client.on_data(cx, move |_, _, _, d| {
        *heard.borrow_mut() += &String::from_utf8_lossy(d);
    });
    let mut done = Some(done);
    client.on_close(cx, move |out, cx, _, _| {
        let mut said = String::new();
        let mut rest = all.borrow().clone();
        // Heads are cut down to their first lines.
        while let Some((before, behind)) = rest.split_once("\r\n\r\n") {
            let line = before.split("\r\n").next().unwrap_or_default();
            said += &format!("{line} ");
            rest = behind.to_owned();
        }
        out.log(said + &rest);
        if let Some(done) = done.take() {
            done(out, cx);
        }
    });
}

fn last(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, plan: Rc<Plan>) {
    let one = plan.paused.borrow_mut().pop_front();
    let Some((path, length)) = one else {
        server.close_then(cx, |out: &mut Trace, _, _| out.log("server close"));
        let _ = out;
        return;
    };
    let body = match length {
        3 => "abc".to_owned(),
        _ => "b".repeat(length),
    };
    let text = format!(
        "POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {length}\r\n\r\n{body}\
        GET /behind HTTP/1.1\r\n{HEAD}\r\n"
    );
    let again: Callback = Box::new(move |_, cx| {
        cx.set_timeout(Duration::from_millis(100), move |out, cx| {
            last(out, cx, server, Rc::clone(&plan))
        });
    });
    ask(cx, server, text, again);
}

fn step(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, plan: &Rc<Plan>) {
    let one = plan.gone.borrow_mut().pop_front();
    let Some((name, text, resets)) = one else {
        let text = format!(
            "POST /late HTTP/1.1\r\n{HEAD}Connection: close\r\nContent-Length: 3\r\n\r\nabc"
        );
        let plan = Rc::clone(plan);
        let done: Callback = Box::new(move |out, cx| last(out, cx, server, plan));
        return ask(cx, server, text, done);
    };
    out.log(format!(
        "-- {name} {}",
        if resets { "reset" } else { "end" }
    ));
    let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    client.on_connect(cx, move |_, cx, client| {
        client.write(cx, &text);
    });
    client.on_error(cx, |_, _, _, _| {});
    plan.client.set(Some((client, resets)));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let texts = [
        (
            "part",
            format!("POST /part HTTP/1.1\r\n{HEAD}Content-Length: 10\r\n\r\nabc"),
        ),
        (
            "full",
            format!("POST /full HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n\r\nabc"),
        ),
        (
            "chunk",
            format!("POST /chunk HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        ),
        ("none", format!("GET /none HTTP/1.1\r\n{HEAD}\r\n")),
    ];
    let both =
        |(name, text): (&'static str, String)| [(name, text.clone(), false), (name, text, true)];
    let paused = [
        ("/paused-small", 3),
        ("/paused-large", 100_000),
        ("/paused-alone", 3),
    ];
    let plan = Rc::new(Plan {
        gone: RefCell::new(texts.into_iter().flat_map(both).collect()),
        paused: RefCell::new(paused.into()),
        client: Cell::default(),
    });
    let server = http::create_server(cx);
    server.set_request_timeout(cx, Duration::from_millis(100));
    server.set_headers_timeout(cx, Duration::from_millis(100));
    server.set_connections_checking_interval(cx, Duration::from_millis(20));
    let asked = Rc::clone(&plan);
    server.on_request(cx, move |out, cx, req, res| {
        request(out, cx, (server, &asked), (req, res));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| step(out, cx, server, &plan));
}

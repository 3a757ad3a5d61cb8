//! A response that is paused, or not listened to yet, while its server ends: what has come of it is
//! there later, and what was cut short is told at once.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{IncomingMessage, RequestOptions};
use loopchat::{Context, http, net};

use crate::{Trace, or_undefined};

const TODO: [&str; 10] = [
    "small", "empty", "middle", "chunked", "eof", "cut", "cutchunk", "large", "late", "dropped",
];

fn answer(said: usize, sent: usize) -> String {
    let body = "x".repeat(sent);
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {said}\r\n\r\n{body}")
}

fn answer_to(name: &str) -> String {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    match name {
        "empty" => answer(0, 0),
        "middle" => answer(20_000, 20_000),
        "chunked" => format!("{chunked}3\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"),
        "eof" => format!("HTTP/1.0 200 OK\r\n\r\n{}", "x".repeat(7)),
        "cut" => answer(10, 5),
        "cutchunk" => format!("{chunked}5\r\nab"),
        "large" => answer(200_000, 200_000),
        _ => answer(5, 5),
    }
}

fn listen(cx: &mut Context<Trace>, x: IncomingMessage, n: &Rc<Cell<usize>>) {
    let n = Rc::clone(n);
    x.on_data(cx, move |_, _, _, d| n.set(n.get() + d.len()));
}

fn respond(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    (name, x): (&'static str, IncomingMessage),
    over: impl Fn(&mut Context<Trace>) + 'static,
) {
    let n = Rc::new(Cell::new(0));
    out.log("  response");
    x.on_aborted(cx, |out, _, _| out.log("  aborted"));
    let count = Rc::clone(&n);
    x.on_end(cx, move |out, cx, x| {
        let (n, complete) = (count.get(), x.complete(cx));
        let t = or_undefined(x.trailers(cx).and_then(|trailers| trailers.header_str("t")));
        out.log(format!("  end {n} complete={complete} t={t}"));
    });
    x.on_error(cx, |out, _, _, e| {
        out.log(format!("  res error {}", e.code()))
    });
    if name != "late" {
        x.pause(cx);
        listen(cx, x, &n);
    }
    let count = Rc::clone(&n);
    let later = cx.set_timeout(Duration::from_millis(100), move |out, cx| {
        let (n, complete) = (count.get(), x.complete(cx));
        out.log(format!("  goes on at {n} complete={complete}"));
        match name {
            "dropped" => x.destroy(cx),
            "late" => listen(cx, x, &count),
            _ => {
                x.resume(cx);
            }
        }
    });
    x.on_close(cx, move |out, cx, x| {
        let (n, complete, aborted) = (n.get(), x.complete(cx), x.aborted(cx));
        out.log(format!(
            "  res close {n} complete={complete} aborted={aborted}"
        ));
        over(cx);
        cx.clear_timer(later);
    });
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let Some(&name) = TODO.get(place) else {
        server.close(cx);
        return;
    };
    let open = Rc::new(Cell::new(2));
    let over = move |cx: &mut Context<Trace>| {
        open.set(open.get() - 1);
        if open.get() == 0 {
            cx.set_immediate(move |out, cx| next(out, cx, server, place + 1));
        }
    };
    out.log(name);
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(&format!("/{name}"))
        .agent(None);
    let r = http::get(cx, options);
    r.on_error(cx, |out, _, _, e| out.log(format!("  error {}", e.code())));
    let closed = over.clone();
    r.on_close(cx, move |out, cx, _| {
        out.log("  close");
        closed(cx);
    });
    r.on_response(cx, move |out, cx, _, x| {
        respond(out, cx, (name, x), over.clone())
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_error(cx, |_, _, _, _| {});
        s.once_data(cx, |_, cx, s, d| {
            let text = String::from_utf8_lossy(d);
            let url = text.split(' ').nth(1).unwrap_or_default();
            s.end_with(cx, answer_to(&url[1..]));
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}

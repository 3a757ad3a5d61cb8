//! Text, bytes given back, a body as a whole; what a response says of itself; connections of a
//! server.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use loopchat::http::{self, IncomingMessage, ServerResponse};
use loopchat::{Context, net};

use crate::Trace;

/// A path, what is sent to it, and whether the client goes away behind that.
type Case = (&'static str, VecDeque<Vec<u8>>, bool);
type Cases = Rc<RefCell<VecDeque<Case>>>;

fn state(cx: &Context<Trace>, res: ServerResponse) -> String {
    format!(
        "length={} ended={} finished={} destroyed={}",
        res.writable_length(cx),
        res.writable_ended(cx),
        res.writable_finished(cx),
        res.destroyed(cx)
    )
}

fn text(cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    req.on_text(cx, move |out, cx, _, text| {
        out.log(format!("  text {text}"));
        res.write(cx, "x");
    });
    req.on_end(cx, move |out, cx, _| {
        out.log("  end");
        res.end(cx);
    });
}

fn unshift(cx: &mut Context<Trace>, req: IncomingMessage, res: ServerResponse) {
    req.on_data(cx, |out, cx, req, bytes| {
        out.log(format!("  data {}", String::from_utf8_lossy(bytes)));
        if bytes.len() < 3 {
            return;
        }
        req.pause(cx);
        req.unshift(cx, &bytes[2..]).expect("it has not ended");
        out.log(format!("  paused={}", req.is_paused(cx)));
        cx.set_immediate(move |out, cx| {
            out.log("  immediate");
            req.resume(cx);
        });
    });
    req.on_end(cx, move |out, cx, _| {
        out.log("  end");
        res.end(cx);
    });
}

fn cut(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    (req, res): (IncomingMessage, ServerResponse),
    (server, cases): (http::Server, Cases),
) {
    out.log(format!("  destroyed={}", req.destroyed(cx)));
    req.on_close(cx, |out, cx, req| {
        out.log(format!("  request close destroyed={}", req.destroyed(cx)));
    });
    req.body(cx, |out, _, body| match body {
        Ok(_) => out.log("  whole"),
        Err(error) => out.log(format!("  error {}", error.code())),
    });
    res.on_close(cx, move |out, cx, _| {
        out.log("  response close");
        let cases = Rc::clone(&cases);
        cx.set_immediate(move |_, cx| {
            cx.set_immediate(move |out, cx| next(out, cx, server, &cases));
        });
    });
}

fn response(out: &mut Trace, cx: &mut Context<Trace>, res: ServerResponse) {
    res.set_send_date(cx, false);
    res.set_header(cx, "B", "1").expect("a field");
    res.set_header(cx, "a", "2").expect("a field");
    res.append_header(cx, "a", "3").expect("a field");
    res.append_header(cx, "b", "4").expect("a field");
    let all = res.get_headers(cx).into_iter().map(|(name, values)| {
        let text = |value: &&[u8]| String::from_utf8_lossy(value).into_owned();
        let values: Vec<String> = values.iter().map(text).collect();
        format!("{name}={}", values.join(","))
    });
    out.log(format!("  {}", all.collect::<Vec<_>>().join(" ")));
    out.log(format!("  {}", state(cx, res)));
    res.write(cx, "abc");
    out.log(format!("  written {}", state(cx, res)));
    res.on_finish(cx, |out, cx, res| {
        out.log(format!("  finish {}", state(cx, res)))
    });
    res.on_close(cx, |out, cx, res| {
        out.log(format!("  close {}", state(cx, res)))
    });
    res.end_with(cx, "de");
    out.log(format!("  ended={}", res.writable_ended(cx)));
}

/// Sends the next piece, if there is one. Whoever is to go away does so behind the last.
fn more(
    cx: &mut Context<Trace>,
    c: net::Socket,
    pieces: &Rc<RefCell<VecDeque<Vec<u8>>>>,
    goes: bool,
) {
    let Some(piece) = pieces.borrow_mut().pop_front() else {
        return;
    };
    c.write_then(cx, piece, move |_, cx, _| {
        if goes {
            cx.set_immediate(move |_, cx| {
                cx.set_immediate(move |_, cx| {
                    c.destroy(cx);
                });
            });
        }
    });
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: http::Server, cases: &Cases) {
    let Some((name, pieces, goes)) = cases.borrow_mut().pop_front() else {
        server.get_connections(cx, move |out: &mut Trace, cx, count| {
            out.log(format!("null {count}"));
            server.close_then(cx, |out, _, _| out.log("closed"));
        });
        return;
    };
    out.log(name);
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let pieces = Rc::new(RefCell::new(pieces));
    let rest = Rc::clone(&pieces);
    c.once_data(cx, move |_, cx, c, _| more(cx, c, &rest, goes));
    c.resume(cx);
    if !goes {
        let cases = Rc::clone(cases);
        c.on_close(cx, move |_, cx, _, _| {
            let cases = Rc::clone(&cases);
            cx.set_immediate(move |out, cx| next(out, cx, server, &cases));
        });
    }
    more(cx, c, &pieces, goes);
}

fn post(path: &str, length: usize, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let euro = "a\u{20ac}!".as_bytes();
    let first = [post("/text", 5, ""), euro[..2].to_vec()].concat();
    let cases: Cases = Rc::new(RefCell::new(VecDeque::from([
        ("/text", VecDeque::from([first, euro[2..].to_vec()]), false),
        (
            "/unshift",
            VecDeque::from([post("/unshift", 6, "abcdef")]),
            false,
        ),
        (
            "/whole",
            VecDeque::from([post("/whole", 5, "whole")]),
            false,
        ),
        ("/cut", VecDeque::from([post("/cut", 5, "ab")]), true),
        (
            "/response",
            VecDeque::from([post("/response", 0, "")]),
            false,
        ),
    ])));
    let server = http::create_server(cx);
    let rest = Rc::clone(&cases);
    server.on_request(cx, move |out, cx, req, res| {
        let url = req.url(cx).expect("it is there").to_owned();
        out.log(format!("  request {url}"));
        match &*url {
            "/text" => text(cx, req, res),
            "/unshift" => unshift(cx, req, res),
            "/whole" => {
                req.text(cx, move |out: &mut Trace, cx, text| {
                    out.log(format!("  whole {}", text.expect("it comes whole")));
                    res.end(cx);
                });
            }
            "/cut" => cut(out, cx, (req, res), (server, Rc::clone(&rest))),
            _ => response(out, cx, res),
        }
    });
    server.on_connection(cx, |out, cx, socket| {
        out.log(format!("  connection {}", socket.bytes_read(cx)));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| next(out, cx, server, &cases));
}

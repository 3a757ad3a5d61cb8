//! A 16 MiB response to a client that does not read: res.write() returns false, 'drain' paces the
//! rest, 'finish' waits for the reader; then a 4 MiB upload.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{RequestOptions, ServerResponse};
use loopchat::{Context, http, net};

use crate::Trace;

const MB: usize = 1024 * 1024;

fn pump(cx: &mut Context<Trace>, res: ServerResponse, sent: &Cell<u32>) {
    let piece = vec![b'z'; MB];
    while sent.get() < 16 {
        sent.set(sent.get() + 1);
        if !res.write(cx, &piece) && sent.get() < 16 {
            return;
        }
    }
    res.end(cx);
}

fn upload(cx: &mut Context<Trace>, server: http::Server) {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .method("POST")
        .agent(None);
    let req = http::request(cx, options);
    req.on_response(cx, move |_, cx, _, res| {
        res.on_data(cx, |out, _, _, d| {
            out.log(format!("answer \"{}\"", String::from_utf8_lossy(d)))
        });
        res.on_end(cx, move |_, cx, _| server.close(cx));
    });
    for _ in 0..4 {
        req.write(cx, vec![b'z'; MB]);
    }
    req.end_with(cx, "tail");
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let resumed = Rc::new(Cell::new(false));
    let server = http::create_server(cx);
    let had_resumed = Rc::clone(&resumed);
    server.on_request(cx, move |out, cx, req, res| {
        if req.method(cx) == Some("POST") {
            let n = Rc::new(Cell::new(0));
            let count = Rc::clone(&n);
            req.on_data(cx, move |_, _, _, d| count.set(count.get() + d.len()));
            req.on_end(cx, move |_, cx, _| {
                res.end_with(cx, format!("got {}", n.get()))
            });
            return;
        }
        let (sent, drains) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (pumped, drained) = (Rc::clone(&sent), Rc::clone(&drains));
        res.on_drain(cx, move |_, cx, res| {
            drained.set(drained.get() + 1);
            if pumped.get() < 16 {
                pump(cx, res, &pumped);
            }
        });
        let had_resumed = Rc::clone(&had_resumed);
        res.on_finish(cx, move |out, _, _| {
            let (drained, resumed) = (drains.get() > 0, had_resumed.get());
            out.log(format!(
                "finish, drains>0 {drained}, client had resumed {resumed}"
            ));
        });
        pump(cx, res, &sent);
        let (early, need) = (sent.get() < 16, res.writable_need_drain(cx));
        out.log(format!(
            "write returned false before all was sent {early} needDrain={need}"
        ));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.write(cx, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        c.pause(cx);
        let resumed = Rc::clone(&resumed);
        cx.set_timeout(Duration::from_millis(600), move |out: &mut Trace, cx| {
            resumed.set(true);
            out.log("client resumes");
            c.resume(cx);
        });
        let n = Rc::new(Cell::new(0));
        let count = Rc::clone(&n);
        c.on_data(cx, move |_, _, _, d| {
            count.set(count.get() + d.iter().filter(|&&b| b == b'z').count());
        });
        c.pause(cx);
        c.on_end(cx, move |out, cx, _| {
            out.log(format!("client end, body bytes {}", n.get()));
            upload(cx, server);
        });
    });
}

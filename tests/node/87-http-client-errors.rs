//! Client failures: refused; server closes before answering (ECONNRESET "socket hang up");
//! response cut short (res 'aborted' + error, req only 'close'); unparsable answer; destroy() by
//! the user; each ends with exactly one 'close'.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::RequestOptions;
use loopchat::{Context, http, net};

use crate::Trace;

const TODO: [&str; 5] = ["/hangup", "/cut", "/junk", "/noclen", "/mine"];

fn ask(
    cx: &mut Context<Trace>,
    port: u16,
    path: &'static str,
    next: impl FnOnce(&mut Context<Trace>) + 'static,
) {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(port)
        .path(path)
        .agent(None);
    let req = http::get(cx, options);
    req.on_error(cx, move |out, _, _, e| {
        let message = e.to_string().replace(&format!(":{port}"), ":PORT");
        let message = if message.starts_with("Parse Error") {
            "Parse Error".into()
        } else {
            message
        };
        out.log(format!("{path} req error {} \"{message}\"", e.code()));
    });
    let mut next = Some(next);
    req.on_close(cx, move |out, cx, _| {
        out.log(format!("{path} req close"));
        let mut next = next.take();
        cx.set_timeout(Duration::from_millis(50), move |_, cx| {
            if let Some(next) = next.take() {
                next(cx);
            }
        });
    });
    req.on_response(cx, move |out, cx, _, res| {
        let b = Rc::new(RefCell::new(String::new()));
        out.log(format!(
            "{path} response {}",
            res.status_code(cx).expect("it is there")
        ));
        let heard = Rc::clone(&b);
        res.on_data(cx, move |_, _, _, d| {
            heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
        });
        res.on_aborted(cx, move |out, _, _| out.log(format!("{path} res aborted")));
        res.on_error(cx, move |out, _, _, e| {
            out.log(format!("{path} res error {} {e}", e.code()))
        });
        let all = Rc::clone(&b);
        res.on_end(cx, move |out, _, _| {
            out.log(format!("{path} res end \"{}\"", all.borrow()))
        });
        res.on_close(cx, move |out, cx, res| {
            let (complete, b) = (res.complete(cx), b.borrow());
            out.log(format!("{path} res close complete={complete} got \"{b}\""));
        });
    });
    if path == "/mine" {
        cx.set_timeout(Duration::from_millis(200), move |out: &mut Trace, cx| {
            out.log("/mine destroy");
            req.destroy(cx);
        });
    }
}

fn next(cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let Some(&path) = TODO.get(place) else {
        server.close_then(cx, |out, _, _| out.log("server close"));
        return;
    };
    let port = server.port(cx);
    ask(cx, port, path, move |cx| next(cx, server, place + 1));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.once_data(cx, |_, cx, s, d| {
            let d = String::from_utf8_lossy(d);
            match d.split(' ').nth(1) {
                Some("/hangup") => s.end(cx),
                Some("/cut") => s.end_with(cx, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
                Some("/junk") => s.end_with(cx, "junk\r\n\r\n"),
                Some("/noclen") => s.end_with(cx, "HTTP/1.1 200 OK\r\n\r\nuntil eof"),
                _ => s,
            };
        });
        s.on_error(cx, |_, _, _, _| {});
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        // Nobody listens there, nor is it given to anybody.
        ask(cx, 1, "/refused", move |cx| next(cx, server, 0));
    });
}

//! Misuse of a response is reported at once or through callbacks, and never corrupts what is sent.

use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::RequestOptions;
use loopchat::net::Error;
use loopchat::{Context, http};

use crate::{Trace, or_undefined};

fn attempt(out: &mut Trace, name: &str, result: Result<impl Display, Error>) {
    match result {
        Ok(value) => out.log(format!("{name}: {value}")),
        Err(e) => out.log(format!("{name}: throws {}", e.code())),
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, _req, res| {
        res.on_error(cx, |out, _, _, e| {
            out.log(format!("res error {}", e.code()))
        });
        res.on_finish(cx, |out, _, _| out.log("res finish"));
        res.on_close(cx, |out, _, _| out.log("res close"));
        let set =
            |cx: &mut Context<Trace>, name, value| res.set_header(cx, name, value).map(|_| "");
        attempt(out, "bad header name", set(cx, "bad name", "x"));
        attempt(out, "bad header value", set(cx, "X-V", "a\r\nInjected: 1"));
        attempt(out, "bad status", res.write_head(cx, 99, &[]).map(|_| ""));
        set(cx, "X-Kept", "old").unwrap();
        set(cx, "x-kept", "new").unwrap();
        set(cx, "X-Gone", "1").unwrap();
        res.remove_header(cx, "x-gone").unwrap();
        let kept = res.get_header(cx, "X-KEPT").map(String::from_utf8_lossy);
        attempt(out, "getHeader", Ok(or_undefined(kept)));
        attempt(out, "hasHeader gone", Ok(res.has_header(cx, "X-Gone")));
        attempt(out, "names", Ok(res.get_header_names(cx).join(",")));
        res.write(cx, "a");
        attempt(out, "headersSent", Ok(res.headers_sent(cx)));
        attempt(out, "setHeader late", set(cx, "X-Late", "1"));
        attempt(
            out,
            "removeHeader late",
            res.remove_header(cx, "X-Kept").map(|_| ""),
        );
        attempt(
            out,
            "writeHead late",
            res.write_head(cx, 500, &[]).map(|_| ""),
        );
        res.end_then(cx, "b", |out, _, _| out.log("end callback"));
        attempt(out, "end again returns self", Ok(res.end(cx) == res));
        cx.set_timeout(Duration::from_millis(200), move |out: &mut Trace, cx| {
            let written = res.write_then(cx, "c", |out, _, e| {
                out.log(format!("write callback {}", e.unwrap().code()));
            });
            attempt(out, "write after end", Ok(written));
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let options = RequestOptions::new()
            .host("127.0.0.1")
            .port(server.port(cx))
            .agent(None);
        http::get(cx, options).on_response(cx, move |_, cx, _, res| {
            let b = Rc::new(RefCell::new(String::new()));
            let heard = Rc::clone(&b);
            res.on_data(cx, move |_, _, _, d| {
                heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
            });
            res.on_end(cx, move |_, cx, res| {
                let field = |name| or_undefined(res.header(cx, name));
                let (kept, gone, late) = (field("x-kept"), field("x-gone"), field("x-late"));
                let line = format!(
                    "client status={} kept={kept} gone={gone} late={late} body=\"{}\"",
                    res.status_code(cx).expect("it is there"),
                    b.borrow()
                );
                cx.set_timeout(Duration::from_millis(600), move |out: &mut Trace, cx| {
                    out.log(&line);
                    server.close(cx);
                });
            });
        });
    });
}

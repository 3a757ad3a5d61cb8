//! Bodies that are read by hand, a request's and a response's: `readable`, then read() or read(n);
//! the end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use loopchat::http::{self, ClientRequest, RequestOptions, Server};
use loopchat::{Context, net::Address};

use crate::Trace;

type Cx = Context<Trace>;

fn text(read: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(read))
}

fn serve(cx: &mut Cx) -> Server {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, q, r| {
        let n = (q.url(cx) == Some("/4")).then_some(4);
        q.once_readable(cx, |out, cx, q| {
            out.log(format!("request readable, paused {}", q.is_paused(cx)));
        });
        q.on_readable(cx, move |out, cx, q| {
            while let Some(d) = q.read(cx, n) {
                out.log(format!("request read {}", text(&d)));
            }
        });
        q.on_end(cx, move |out, cx, q| {
            out.log(format!("request end {}", q.complete(cx)));
            r.write(cx, "hello");
            cx.set_timeout(Duration::from_millis(40), move |_, cx| {
                r.end_with(cx, "world!");
            });
        });
        q.on_close(cx, |out, _, _| out.log("request close"));
    });
    server
}

fn ask(
    cx: &mut Cx,
    path: &Path,
    url: &str,
    pieces: &'static [&'static str],
    then: impl FnOnce(&mut Cx) + 'static,
) {
    fn next(cx: &mut Cx, c: ClientRequest, pieces: &'static [&'static str]) {
        let Some((first, rest)) = pieces.split_first() else {
            c.end(cx);
            return;
        };
        c.write(cx, *first);
        cx.set_timeout(Duration::from_millis(40), move |_, cx| next(cx, c, rest));
    }
    let options = RequestOptions::new()
        .socket_path(path)
        .path(url)
        .method("POST")
        .agent(None)
        .header("Content-Length", pieces.concat().len().to_string());
    let c = http::request(cx, options);
    let mut then = Some(then);
    c.on_response(cx, move |_, cx, _, r| {
        r.on_readable(cx, |out, cx, r| {
            while let Some(d) = r.read(cx, Some(3)) {
                out.log(format!("response read {}", text(&d)));
            }
        });
        r.on_end(cx, |out, _, _| out.log("response end"));
        let mut then = then.take();
        r.on_close(cx, move |out, cx, _| {
            out.log("response close");
            if let Some(then) = then.take() {
                then(cx);
            }
        });
    });
    next(cx, c, pieces);
}

pub fn main(out: &mut Trace, cx: &mut Cx) {
    let path: PathBuf = out.mkdtemp().join("s.sock");
    let server = serve(cx);
    server.listen_then(cx, Address::Ipc(path.clone()), move |_, cx, server| {
        let (second, third) = (path.clone(), path.clone());
        ask(cx, &path, "/", &["one", "two"], move |cx| {
            ask(cx, &second, "/4", &["abcde", "fgh", "ij"], move |cx| {
                ask(cx, &third, "/", &[], move |cx| {
                    server.close_then(cx, |out, _, _| out.log("server close"));
                });
            });
        });
    });
}

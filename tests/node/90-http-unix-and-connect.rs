//! http over a unix-domain socket (client Host header is "localhost"), and the CONNECT method:
//! 'connect' event, or a destroyed socket without a listener.

use std::path::{Path, PathBuf};
use std::time::Duration;

use loopchat::http::RequestOptions;
use loopchat::{Context, http};

use crate::{Trace, or_undefined};

fn tunnel(cx: &mut Context<Trace>, sock: &Path, next: impl FnOnce(&mut Context<Trace>) + 'static) {
    let options = RequestOptions::new()
        .socket_path(sock)
        .method("CONNECT")
        .path("chat.example:80")
        .agent(None);
    let req = http::request(cx, options);
    req.on_connect(cx, |out, cx, _, res, s, head| {
        let (status, head) = (res.status_code(), String::from_utf8_lossy(head));
        out.log(format!("client connect {status} head=\"{head}\""));
        s.on_data(cx, |out, cx, s, d| {
            out.log(format!("client data \"{}\"", String::from_utf8_lossy(d)));
            s.end(cx);
        });
        s.write(cx, "hi");
    });
    req.on_error(cx, |out, _, _, e| {
        out.log(format!("client error {} {e}", e.code()))
    });
    let mut next = Some(next);
    req.on_close(cx, move |out, cx, _| {
        out.log("client req close");
        let mut next = next.take();
        cx.set_timeout(Duration::from_millis(100), move |_, cx| {
            if let Some(next) = next.take() {
                next(cx);
            }
        });
    });
    req.end(cx);
}

fn second(cx: &mut Context<Trace>, server: http::Server, sock: &Path) {
    server.on_connect(cx, |out, cx, req, s, head| {
        let head = String::from_utf8_lossy(head);
        out.log(format!("server connect {} head=\"{head}\"", req.url()));
        s.write(cx, "HTTP/1.1 200 Connection Established\r\n\r\n");
        s.on_data(cx, |_, cx, s, d| s.write(cx, [b"echo ", d].concat()));
        s.on_end(cx, |_, cx, s| s.end(cx));
    });
    tunnel(cx, sock, move |cx| {
        server.close_then(cx, |out, _, _| out.log("server close"));
    });
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let sock: PathBuf = out.mkdtemp().join("s.sock");
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        let remote = req
            .socket()
            .remote_address(cx)
            .and_then(|remote| remote.ip());
        let (method, url, host) = (
            req.method(cx).expect("it is there"),
            req.url(cx).expect("it is there"),
            or_undefined(req.header(cx, "host")),
        );
        out.log(format!(
            "request {method} {url} host={host} remote={}",
            or_undefined(remote)
        ));
        res.end_with(cx, "over unix");
    });
    server.listen(cx, sock.as_path());
    server.on_listening(cx, move |_, cx, server| {
        let options = RequestOptions::new()
            .socket_path(&sock)
            .path("/u")
            .agent(None);
        let sock = sock.clone();
        http::get(cx, options).on_response(cx, move |_, cx, _, res| {
            res.on_data(cx, |out, _, _, d| {
                out.log(format!("client data \"{}\"", String::from_utf8_lossy(d)))
            });
            let sock = sock.clone();
            res.on_end(cx, move |_, cx, _| {
                let again = sock.clone();
                tunnel(cx, &sock, move |cx| second(cx, server, &again));
            });
        });
    });
}

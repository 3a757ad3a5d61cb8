//! address() of an IPC server: null before listen(), the path from then on, also after close() and
//! after another listen().

use std::fs;
use std::path::Path;

use loopchat::{Context, net};

use crate::Trace;

fn show(out: &mut Trace, cx: &Context<Trace>, server: net::Server, dir: &Path, name: &str) {
    let address = server.address(cx).map_or("null".into(), |a| a.to_string());
    let address = address.replace(dir.to_str().unwrap(), "DIR");
    let (a, b) = (dir.join("a").exists(), dir.join("b").exists());
    let listening = server.listening(cx);
    out.log(format!(
        "{name} listening={listening} address={address} a={a} b={b}"
    ));
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let server = net::create_server(cx);
    let d = dir.clone();
    server.on_close(cx, move |out, cx, server| {
        show(out, cx, server, &d, "close")
    });
    let d = dir.clone();
    server.on_error(cx, move |out, cx, server, e| {
        let (code, syscall, port) = (e.code(), e.syscall().unwrap(), e.port().unwrap());
        out.log(format!("error {code} {syscall} port={port}"));
        show(out, cx, server, &d, "error");
        server.listen(cx, d.join("b").as_path());
        show(out, cx, server, &d, "listen again");
    });
    show(out, cx, server, &dir, "new");
    server.listen(cx, dir.join("a").as_path());
    show(out, cx, server, &dir, "listen");
    server.once_listening(cx, move |out, cx, server| {
        show(out, cx, server, &dir, "listening");
        let dir = dir.clone();
        server.close_then(cx, move |out, cx, _| {
            fs::write(dir.join("a"), "in use").unwrap();
            server.listen(cx, dir.join("a").as_path());
            show(out, cx, server, &dir, "listen in use");
            server.once_listening(cx, move |out, cx, server| {
                show(out, cx, server, &dir, "listening");
                server.close(cx);
                show(out, cx, server, &dir, "closing");
            });
        });
    });
}

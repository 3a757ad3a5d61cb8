//! set_no_delay, set_keep_alive, set_timeout, ref, unref, pause and resume return the socket, at
//! any time of its life, also over IPC.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn all(out: &mut Trace, cx: &mut Context<Trace>, name: &str, c: net::Socket) {
    let same = [
        c.set_no_delay(cx, true),
        c.set_no_delay(cx, false),
        c.set_keep_alive(cx, Some(Duration::from_millis(2500))),
        c.set_keep_alive(cx, None),
        c.set_timeout(cx, Duration::from_secs(1)),
        c.set_timeout(cx, Duration::ZERO),
        c.unref(cx),
        c.set_ref(cx, true),
        c.pause(cx),
        c.resume(cx),
    ];
    out.log(format!("{name} {}", same.iter().all(|x| *x == c)));
}

fn dial(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    name: &'static str,
    at: impl Into<net::Target>,
    mut next: impl FnMut(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let c = net::Socket::new(cx);
    all(out, cx, &format!("{name} new"), c);
    c.connect(cx, at.into());
    all(out, cx, &format!("{name} connecting"), c);
    c.on_connect(cx, move |out, cx, c| {
        all(out, cx, &format!("{name} connected"), c);
        c.write(cx, "hi");
    });
    c.on_data(cx, move |out, _, _, d| {
        let d = String::from_utf8_lossy(d);
        out.log(format!("{name} data \"{d}\""));
    });
    c.on_close(cx, move |out, cx, c, e| {
        out.log(format!("{name} close {e}"));
        all(out, cx, &format!("{name} closed"), c);
        next(out, cx);
    });
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let s = out.mkdtemp().join("s");
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_data(cx, |out, cx, s, d| {
            all(out, cx, "accepted", s);
            s.end_with(cx, d);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |out, cx, server| {
        let (at, s) = (("127.0.0.1", server.port(cx)), s.clone());
        dial(out, cx, "tcp", at, move |_, cx| {
            let s = s.clone();
            server.close_then(cx, move |_, cx, _| {
                server.listen(cx, s.as_path());
                server.once_listening(cx, move |out, cx, server| {
                    dial(out, cx, "ipc", s.as_path(), move |_, cx| {
                        server.close(cx);
                    });
                });
            });
        });
    });
}

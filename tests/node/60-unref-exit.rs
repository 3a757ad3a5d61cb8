//! With the server and both socket ends unref'd the loop ends although everything is still open: no
//! 'close' events at all.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |out, cx, s| {
        out.lane("server", "connection");
        s.on_data(cx, |out, cx, s, d| {
            out.lane("server", format!("data \"{}\"", String::from_utf8_lossy(d)));
            s.write(cx, "pong");
            out.lane("server", format!("unref returns self {}", s.unref(cx) == s));
        });
        s.on_close(cx, |out, _, _, _| {
            out.lane("server", "conn close (must not run)")
        });
    });
    server.on_close(cx, |out, _, _| {
        out.lane("server", "server close (must not run)")
    });
    let returned = server.unref(cx);
    out.lane(
        "server",
        format!("unref before listen returns self {}", returned == server),
    );
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        out.lane("server", "listening");
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.once_connect(cx, |out, cx, c| {
            out.lane("client", "connect keeps the loop alive");
            c.write(cx, "ping");
        });
        c.on_data(cx, |out, cx, c, d| {
            out.lane(
                "client",
                format!("data \"{}\", unref", String::from_utf8_lossy(d)),
            );
            c.unref(cx);
        });
        c.on_close(cx, |out, _, _, _| {
            out.lane("client", "close (must not run)")
        });
    });
    let timer = cx.set_timeout(Duration::from_millis(800), |out, _| {
        out.lane("client", "timer (must not run)")
    });
    cx.set_timer_ref(timer, false);
}

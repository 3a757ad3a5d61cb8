//! set_timeout: 0 disarms and forgets the callback, calling it again restarts the period, an
//! unconnected socket has one too, a destroyed one takes none.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_timeout(cx, |out, cx, c| {
            out.log(format!(
                "timeout event timeout={}",
                c.timeout(cx).as_millis()
            ));
        });
        c.on_close(cx, |out, cx, c, e| {
            out.log(format!("close {e} timeout={}", c.timeout(cx).as_millis()));
        });
        c.on_connect(cx, move |out, cx, c| {
            c.set_timeout(cx, Duration::from_millis(150));
            c.set_timeout(cx, Duration::ZERO);
            out.log(format!("disarmed timeout={}", c.timeout(cx).as_millis()));
            let idle = net::Socket::new(cx);
            idle.set_timeout(cx, Duration::from_millis(250));
            idle.once_timeout(cx, |out, cx, idle| {
                let (pending, state) = (idle.pending(cx), idle.ready_state(cx));
                out.log(format!("unconnected timeout pending={pending} [{state}]"));
            });
            cx.set_timeout(Duration::from_millis(500), move |out, cx| {
                out.log("nothing came");
                c.set_timeout(cx, Duration::from_millis(600));
                c.once_timeout(cx, move |out, cx, c| {
                    out.log("callback");
                    c.destroy(cx);
                    let same = c.set_timeout(cx, Duration::from_millis(100)) == c;
                    out.log(format!(
                        "returns self {same} timeout={}",
                        c.timeout(cx).as_millis()
                    ));
                    cx.set_timeout(Duration::from_millis(300), move |_, cx| {
                        server.close(cx);
                    });
                });
                cx.set_timeout(Duration::from_millis(400), move |out, cx| {
                    c.set_timeout(cx, Duration::from_millis(600));
                    out.log("restarted");
                });
                cx.set_timeout(Duration::from_millis(800), |out, _| {
                    out.log("past the first period")
                });
            });
        });
    });
}

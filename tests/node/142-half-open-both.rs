//! allow_half_open on both sides: each direction ends by itself, and 'close' comes when both have.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn watch(n: &'static str, cx: &mut Context<Trace>, c: net::Socket) {
    c.on_end(cx, move |out, cx, c| {
        let (state, destroyed) = (c.ready_state(cx), c.destroyed(cx));
        out.lane(n, format!("end [{state}] destroyed={destroyed}"));
    });
    c.on_finish(cx, move |out, cx, c| {
        let (state, destroyed) = (c.ready_state(cx), c.destroyed(cx));
        out.lane(n, format!("finish [{state}] destroyed={destroyed}"));
    });
    c.on_data(cx, move |out, _, _, d| {
        out.lane(n, format!("data \"{}\"", String::from_utf8_lossy(d)))
    });
    c.on_close(cx, move |out, _, _, e| out.lane(n, format!("close {e}")));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_allow_half_open(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        watch("server", cx, s);
        s.on_end(cx, |_, cx, s| {
            cx.set_immediate(move |out, cx| {
                out.lane("server", format!("writes [{}]", s.ready_state(cx)));
                s.write(cx, "still ");
                cx.set_timeout(Duration::from_millis(100), move |out, cx| {
                    s.end_with(cx, "open");
                    out.lane("server", format!("ended [{}]", s.ready_state(cx)));
                });
            });
        });
        s.on_close(cx, move |_, cx, _, _| {
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
        let c = net::create_connection(cx, to.allow_half_open(true));
        watch("client", cx, c);
        c.on_connect(cx, |out, cx, c| {
            out.lane("client", format!("allowHalfOpen={}", c.allow_half_open(cx)));
            c.end_with(cx, "bye");
        });
    });
}

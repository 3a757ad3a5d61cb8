//! The full life of one connection, seen from each side (no order is asserted between the two
//! lanes).

use loopchat::{Context, net};

use crate::Trace;

fn watch(l: &'static str, cx: &mut Context<Trace>, s: net::Socket) {
    s.on_connect(cx, move |out, cx, s| {
        out.lane(l, format!("connect [{}]", s.ready_state(cx)))
    });
    s.on_ready(cx, move |out, cx, s| {
        out.lane(l, format!("ready [{}]", s.ready_state(cx)))
    });
    s.on_end(cx, move |out, cx, s| {
        out.lane(l, format!("end [{}]", s.ready_state(cx)))
    });
    s.on_finish(cx, move |out, cx, s| {
        out.lane(l, format!("finish [{}]", s.ready_state(cx)))
    });
    s.on_drain(cx, move |out, cx, s| {
        out.lane(l, format!("drain [{}]", s.ready_state(cx)))
    });
    s.on_timeout(cx, move |out, cx, s| {
        out.lane(l, format!("timeout [{}]", s.ready_state(cx)))
    });
    s.on_data(cx, move |out, _, _, d| {
        out.lane(l, format!("data \"{}\"", String::from_utf8_lossy(d)));
    });
    s.on_error(cx, move |out, _, _, e| {
        out.lane(l, format!("error {}", e.code()))
    });
    s.on_close(cx, move |out, cx, s, e| {
        let (state, destroyed) = (s.ready_state(cx), s.destroyed(cx));
        out.lane(l, format!("close {e} [{state}] destroyed={destroyed}"));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |out, cx, s| {
        out.lane("server", format!("connection [{}]", s.ready_state(cx)));
        watch("server", cx, s);
        s.on_data(cx, |_, cx, s, d| {
            s.write(cx, [b"echo ", d].concat());
        });
    });
    server.on_listening(cx, |out, _, _| out.lane("server", "listening"));
    server.on_close(cx, |out, _, _| out.lane("server", "server close"));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |out, cx, _| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.once_connect(cx, |out, _, _| out.lane("client", "connect callback"));
        let (state, connecting, pending) = (c.ready_state(cx), c.connecting(cx), c.pending(cx));
        out.lane(
            "client",
            format!("created [{state}] connecting={connecting} pending={pending}"),
        );
        watch("client", cx, c);
        c.write(cx, "hello");
        c.once_data(cx, |out, cx, c, _| {
            c.end(cx);
            out.lane("client", format!("end() called [{}]", c.ready_state(cx)));
        });
        c.on_close(cx, move |_, cx, _, _| {
            server.close(cx);
        });
    });
}

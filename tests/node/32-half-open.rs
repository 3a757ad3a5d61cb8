//! allow_half_open: after the peer's FIN the socket stays writable until end() is called.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_allow_half_open(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, |out, _, _, d| {
            out.lane("server", format!("data \"{}\"", String::from_utf8_lossy(d)));
        });
        s.on_end(cx, |out, cx, s| {
            out.lane("server", format!("end [{}]", s.ready_state(cx)));
            cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                let (state, destroyed) = (s.ready_state(cx), s.destroyed(cx));
                out.lane(
                    "server",
                    format!("20ms later [{state}] destroyed={destroyed}"),
                );
                s.write(cx, "late ");
                s.end_with(cx, "answer");
            });
        });
        s.on_finish(cx, |out, _, _| out.lane("server", "finish"));
        s.on_close(cx, move |out, cx, _, e| {
            out.lane("server", format!("close {e}"));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let mut got = String::new();
        c.on_connect(cx, |out, cx, c| {
            out.lane("client", "connect");
            c.end_with(cx, "question");
            out.lane("client", format!("after end() [{}]", c.ready_state(cx)));
        });
        c.on_finish(cx, |out, cx, c| {
            out.lane("client", format!("finish [{}]", c.ready_state(cx)))
        });
        c.on_event(cx, move |out, _, _, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => out.lane("client", format!("end, got \"{got}\"")),
            _ => {}
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
}

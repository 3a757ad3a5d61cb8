//! The other side ends first: 'end', then (allow_half_open=false) an automatic end(): 'finish',
//! then 'close' false.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, s| {
        s.on_data(cx, |out, _, _, d| {
            out.lane("server", format!("data \"{}\"", String::from_utf8_lossy(d)));
        });
        s.on_end(cx, |out, _, _| out.lane("server", "end"));
        s.on_finish(cx, |out, _, _| out.lane("server", "finish"));
        s.on_close(cx, move |out, cx, _, e| {
            out.lane("server", format!("close {e}"));
            server.close(cx);
        });
        s.end_then(cx, "bye", |out, _, _| out.lane("server", "end callback"));
        let (writable, ended) = (s.writable(cx), s.writable_ended(cx));
        let readable = s.readable(cx);
        out.lane(
            "server",
            format!("after end(): writable={writable} writableEnded={ended} readable={readable}"),
        );
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_data(cx, |out, _, _, d| {
            out.lane("client", format!("data \"{}\"", String::from_utf8_lossy(d)));
        });
        c.on_end(cx, |out, cx, c| {
            let (writable, destroyed) = (c.writable(cx), c.destroyed(cx));
            out.lane(
                "client",
                format!("end: writable={writable} destroyed={destroyed}"),
            );
            c.write_then(cx, "still works in the end handler", |out, _, _| {
                out.lane("client", "write callback")
            });
            cx.next_tick(move |out, cx| {
                out.lane("client", format!("tick: writable={}", c.writable(cx)))
            });
            cx.set_immediate(|out, _| out.lane("client", "immediate"));
        });
        c.on_finish(cx, |out, cx, c| {
            out.lane("client", format!("finish: destroyed={}", c.destroyed(cx)))
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
}

//! Writing after one's own end(): false, callback error on the next tick, then 'error', then
//! 'close' true; data before end() still arrives.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |out, cx, _, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::Close(_) => {
                out.lane("server", format!("got \"{got}\""));
                server.close(cx);
            }
            _ => {}
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_error(cx, |out, _, _, e| {
            out.lane("client", format!("error {}", e.code()))
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
        c.on_connect(cx, |out, cx, c| {
            let r = c.write_then(cx, "kept", |out, _, _| {
                out.lane("client", "write callback ok")
            });
            out.lane("client", format!("write returned {r}"));
            cx.set_immediate(move |out, cx| {
                c.end(cx);
                let r = c.write_then(cx, "lost", |out, _, e| {
                    out.lane("client", format!("write callback {}", e.unwrap().code()))
                });
                let destroyed = c.destroyed(cx);
                out.lane(
                    "client",
                    format!("write after end returned {r} destroyed={destroyed}"),
                );
                c.end_then(cx, "lost too", |out, _, e| {
                    out.lane("client", format!("end callback {}", e.unwrap().code()))
                });
                cx.next_tick(|out, _| out.lane("client", "tick"));
                cx.set_immediate(|out, _| out.lane("client", "immediate"));
            });
        });
    });
}

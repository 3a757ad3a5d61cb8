//! A server may listen again while connections of before are open: then no 'close' comes for the
//! first close(), and the callback of that close() waits for the next.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
        s.on_close(cx, |out, _, _, _| out.log("conn close"));
    });
    server.on_close(cx, |out, _, _| out.log("close event"));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, _, _| out.log("listening"));
    server.once_connection(cx, move |_, cx, conn| {
        cx.set_immediate(move |_, cx| {
            server.close_then(cx, |out, _, e| {
                let e = e.map_or("undefined", |e| e.code());
                out.log(format!("first close callback {e}"));
            });
            server.listen(cx, ("127.0.0.1", 0));
            server.once_listening(cx, move |out, cx, _| {
                out.log("listening again");
                server.get_connections(cx, |out, _, n| out.log(format!("connections {n}")));
                conn.destroy(cx);
                cx.set_immediate(move |out, cx| {
                    out.log("immediate");
                    cx.set_immediate(move |_, cx| {
                        server.close_then(cx, |out, _, e| {
                            let e = e.map_or("undefined", |e| e.code());
                            out.log(format!("second close callback {e}"));
                        });
                    });
                });
            });
        });
    });
    server.once_listening(cx, |_, cx, server| {
        net::create_connection(cx, ("127.0.0.1", server.port(cx))).resume(cx);
    });
}

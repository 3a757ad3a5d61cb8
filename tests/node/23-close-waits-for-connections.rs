//! server.close() stops accepting at once but 'close' waits for the last connection. When a socket
//! is destroyed the server's 'close' (next_tick) comes BEFORE that socket's own 'close' (close
//! phase).

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_close(cx, |out, _, _| out.log("server close"));
    server.on_connection(cx, move |_, cx, s| {
        s.on_close(cx, |out, _, _, _| out.log("conn close"));
        s.once_data(cx, move |out, cx, s, _| {
            out.log("conn data");
            let port = server.port(cx);
            server.close_then(cx, |out, _, _| out.log("server close callback"));
            out.log(format!("listening={}", server.listening(cx)));
            server.get_connections(cx, |out, _, n| out.log(format!("connections {n}")));
            let late = net::create_connection(cx, ("127.0.0.1", port));
            late.on_error(cx, move |out, cx, _, e| {
                out.log(format!("late client {}", e.code()));
                cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                    out.log("destroying the last connection");
                    s.destroy(cx);
                    server.get_connections(cx, |out, _, n| out.log(format!("connections {n}")));
                });
            });
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.resume(cx).write(cx, "x");
    });
}

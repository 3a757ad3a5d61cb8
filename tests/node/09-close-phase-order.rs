//! From an I/O callback: ticks, check phase, then the socket's 'close' (close phase), then timers.
//! A server's 'close' is a next_tick instead, so it comes long before the socket's.

use std::time::Duration;

use loopchat::{Context, net};

use crate::{Trace, busy};

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let idle = net::create_server(cx).listen(cx, ("127.0.0.1", 0));
    idle.on_close(cx, |out, _, _| out.log("idle server close"));
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx).write(cx, "x");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, _| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("client close {e}"));
            server.close(cx);
        });
        c.once_data(cx, move |out, cx, c, _| {
            out.log("client data");
            cx.set_timeout(Duration::ZERO, |out, _| out.log("timeout"));
            cx.set_immediate(|out, _| out.log("immediate"));
            c.destroy(cx);
            idle.close(cx);
            cx.next_tick(|out, _| out.log("tick"));
            busy(5);
            out.log("data handler end");
        });
    });
}

//! Inside an I/O callback set_immediate always beats set_timeout(0), even when the timer is already
//! overdue.

use std::time::Duration;

use loopchat::{Context, net};

use crate::{Trace, busy};

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.end_with(cx, "x");
        server.close(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.once_data(cx, |out, cx, _, _| {
            out.log("data");
            cx.set_timeout(Duration::ZERO, |out, _| out.log("timeout 0"));
            cx.set_immediate(|out, _| out.log("immediate"));
            cx.next_tick(|out, _| out.log("tick"));
            busy(10);
            out.log("data handler end");
        });
    });
}

//! An unref'd server does not hold the loop, but a connection of it does, though the client's own
//! end is unref'd. The last of unref and ref counts.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |out, cx, s| {
        out.log("connection");
        s.on_data(cx, |out, cx, s, d| {
            out.log(format!("data {}", String::from_utf8_lossy(d)));
            s.end_with(cx, "bye");
        });
        s.on_close(cx, |out, _, _, _| out.log("conn close"));
    });
    server.on_close(cx, |out, _, _| out.log("server close (must not run)"));
    server.unref(cx);
    server.set_ref(cx, true);
    server.unref(cx);
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        out.log("listening");
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.once_connect(cx, |_, cx, c| {
            c.unref(cx);
            let timer = cx.set_timeout(Duration::from_millis(30), move |out, cx| {
                out.log("timer");
                c.write(cx, "x");
            });
            cx.set_timer_ref(timer, false);
        });
        c.resume(cx);
    });
    let late = cx.set_timeout(Duration::from_secs(1), |out, _| {
        out.log("late (must not run)")
    });
    cx.set_timer_ref(late, false);
}
